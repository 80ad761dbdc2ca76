//! `heliostat-index` when something is wrong: each time one clear line, and nothing is lost.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use heliostat::db::{DbError, open_writer};
use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::stand_in::index_site::{INDEX, catalogue, last_run, paths};
use crate::stand_in::site::{TestSite, eventually, failure, install, program_path};

/// User and group "nobody"; the tests may run as root, for whom permissions mean nothing.
const NOBODY: u32 = 65534;

/// Gives the site to a user who is bound by permissions, with a program that this user can reach
/// wherever the build lies.
pub fn hand_over(site: &TestSite) {
    install(Path::new(program_path(INDEX)), &site.path("program"));
    if geteuid().is_root() {
        let owner = format!("{NOBODY}:{NOBODY}");
        let chown = Command::new("chown")
            .arg("-R")
            .arg(owner)
            .arg(site.path(""))
            .status();
        assert!(chown.expect("chown starts").success());
    }
}

/// The program as that user.
pub fn as_nobody(site: &TestSite) -> Command {
    let mut command = Command::new(site.path("program"));
    command.env("HELIOSTAT_CONFIG", site.config()).arg("-q");
    if geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

pub fn set_mode(site: &TestSite, name: &str, mode: u32) {
    let mode = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(site.tree().join(name), mode).expect("permissions");
}

#[test]
fn what_cannot_be_read_stays_and_the_run_is_partial() {
    let site = TestSite::new();
    for name in [
        "closed/deep/x",
        "closed/y",
        "closed-not",
        "open/a",
        "unsearchable/z",
    ] {
        site.write(name, b"1", 1);
    }
    hand_over(&site);
    assert!(as_nobody(&site).status().expect("it starts").success());
    assert_eq!(paths(&site).len(), 5);
    set_mode(&site, "closed", 0o000);
    set_mode(&site, "unsearchable", 0o400);
    std::fs::remove_file(site.tree().join("closed-not")).expect("remove");
    site.write("open/new", b"2", 2);

    for _ in 0..2 {
        let (code, text) = failure(&as_nobody(&site).output().expect("it starts"));
        let lines: Vec<&str> = text.lines().collect();
        let expected = [
            "error: cannot read path='closed': Permission denied (os error 13)",
            "error: cannot read path='unsearchable': Permission denied (os error 13)",
        ];
        assert_eq!((code, &lines[..]), (Some(3), &expected[..]));
        let stay = [
            "closed/deep/x",
            "closed/y",
            "open/a",
            "open/new",
            "unsearchable/z",
        ];
        assert_eq!(paths(&site), stay);
        let (outcome, counts, note) = last_run(&site);
        assert_eq!(outcome, "partial");
        assert!(note.starts_with("2 places could not be read, among them 'closed': "));
        assert_eq!(
            (&counts["unreadable"], &counts["kept"]),
            (&2.into(), &3.into())
        );
    }
    set_mode(&site, "closed", 0o755);
    set_mode(&site, "unsearchable", 0o755);
    std::fs::remove_file(site.tree().join("closed/y")).expect("remove");
    assert!(as_nobody(&site).status().expect("it starts").success());
    assert_eq!(
        paths(&site),
        ["closed/deep/x", "open/a", "open/new", "unsearchable/z"]
    );
}

#[test]
fn a_tree_that_may_not_be_read_is_one_clear_line_and_loses_nothing() {
    let site = TestSite::new();
    site.write("a", b"1", 1);
    hand_over(&site);
    assert!(as_nobody(&site).status().expect("it starts").success());
    set_mode(&site, "", 0o000);
    let (code, text) = failure(&as_nobody(&site).output().expect("it starts"));
    set_mode(&site, "", 0o755);
    assert_eq!((code, text.lines().count()), (Some(1), 1), "{text}");
    assert!(
        text.contains("cannot read the directory") && text.contains("denied"),
        "{text}"
    );
    assert_eq!(last_run(&site).0, "failed");
    assert_eq!(paths(&site), ["a"]);
}

#[test]
fn a_closed_directory_that_is_asked_for_is_not_called_missing() {
    let site = TestSite::new();
    site.write("closed/x", b"1", 1);
    site.write("open/y", b"1", 1);
    hand_over(&site);
    set_mode(&site, "closed", 0o000);
    let mut command = as_nobody(&site);
    let (code, text) = failure(
        &command
            .args(["--dir", "closed"])
            .output()
            .expect("it starts"),
    );
    set_mode(&site, "closed", 0o755);
    assert_eq!(code, Some(3), "{text}");
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        ["error: cannot read path='closed': Permission denied (os error 13)"]
    );
}

#[test]
fn many_unreadable_places_are_counted_and_only_some_named() {
    let site = TestSite::new();
    for place in 0..150 {
        let directory = site.tree().join(format!("d{place:03}"));
        std::fs::create_dir(&directory).expect("directory");
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o000)).expect("mode");
    }
    site.write("file", b"", 1);
    hand_over(&site);
    let output = as_nobody(&site).arg("--json").output().expect("it starts");
    let (code, text) = failure(&output);
    assert_eq!((code, text.lines().count()), (Some(3), 21), "{text}");
    assert!(text.ends_with("error: cannot read 130 more\n"), "{text}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["unreadable"], 150);
    assert_eq!(
        report["unreadable_places"].as_array().map(Vec::len),
        Some(100)
    );
    assert_eq!(paths(&site), ["file"]);
}

#[test]
fn a_tree_that_looks_lost_changes_nothing_without_force() {
    let site = TestSite::new();
    let (code, text) = failure(&site.run(INDEX, &[]));
    assert_eq!(code, Some(1));
    assert!(text.contains("has no files yet; put files there"), "{text}");
    for name in ["a", "b", "c", "d"] {
        site.write(name, b"1", 1);
    }
    site.run_ok(INDEX, &[]);
    let before = catalogue(&site);
    for name in ["a", "b", "c"] {
        std::fs::remove_file(site.tree().join(name)).expect("remove");
    }
    site.write("d", b"22", 2);
    for arguments in [&[][..], &["--dry-run", "--json"], &["-q"]] {
        let output = site.run(INDEX, arguments);
        let (code, text) = failure(&output);
        assert_eq!((code, text.lines().count()), (Some(1), 1), "{text}");
        assert!(
            text.contains("3 of the 4 files") && text.contains("run again with --force"),
            "{text}"
        );
        assert_eq!(output.stdout.is_empty(), !arguments.contains(&"--json"));
        assert_eq!(catalogue(&site), before);
    }
    assert_eq!(last_run(&site).0, "suspicious");
    let line = site.run_ok(INDEX, &["--force"]);
    assert!(
        line.contains(" files=1 added=0 changed=1 removed=3 "),
        "{line}"
    );
    std::fs::remove_file(site.tree().join("d")).expect("remove");
    let (_, text) = failure(&site.run(INDEX, &[]));
    assert!(text.contains("has no files, the catalogue has 1"), "{text}");
    site.run_ok(INDEX, &["--force"]);
    assert!(catalogue(&site).is_empty());
    let events = rusqlite::Connection::open(site.database())
        .and_then(|sqlite| {
            sqlite.query_row("SELECT group_concat(what, '|') FROM event", [], |row| {
                row.get::<_, String>(0)
            })
        })
        .expect("events");
    assert!(
        events.contains("--force although 3 of the 4 files"),
        "{events}"
    );
    assert_eq!(events.split('|').count(), 2);
}

#[test]
fn a_missing_tree_is_one_clear_line_and_loses_nothing() {
    let site = TestSite::new();
    std::fs::rename(site.tree(), site.path("elsewhere")).expect("rename");
    let (code, text) = failure(&site.run(INDEX, &[]));
    assert_eq!((code, text.lines().count()), (Some(1), 1), "{text}");
    assert!(
        text.contains("cannot read the directory") && text.contains("/tree;"),
        "{text}"
    );
    assert!(!site.database().exists());

    std::fs::rename(site.path("elsewhere"), site.tree()).expect("rename");
    site.write("a", b"1", 1);
    site.run_ok(INDEX, &[]);
    std::fs::rename(site.tree(), site.path("elsewhere")).expect("rename");
    for arguments in [&[][..], &["--dir", "a"], &["-n"]] {
        let (code, text) = failure(&site.run(INDEX, arguments));
        assert_eq!((code, text.lines().count()), (Some(1), 1), "{text}");
        assert!(text.contains("is its disk mounted?"), "{text}");
    }
    assert_eq!(paths(&site), ["a"]);
    assert_eq!(last_run(&site).0, "failed");
}

#[test]
fn bad_command_lines_and_configurations_are_usage_errors() {
    let site = TestSite::new();
    for arguments in [
        &["--nonsense"][..],
        &["-b", "other"],
        &["--config", "/nothing.toml"],
    ] {
        let (code, text) = failure(&site.run(INDEX, arguments));
        assert_eq!(code, Some(2), "{text}");
    }
    let help = site.run_ok(INDEX, &["--help"]);
    assert!(
        help.contains("Examples:") && help.contains("--dry-run"),
        "{help}"
    );
    site.write("a", b"", 1);
    site.run_ok(INDEX, &["--sit", "test", "--dry"]);
}

#[test]
fn a_second_indexer_hears_who_is_first() {
    let site = TestSite::new();
    site.write("a", b"1", 1);
    site.run_ok(INDEX, &[]);
    let file = site.path("test.sqlite.locks/index");
    let lock = std::fs::File::open(&file).expect("the lock file");
    lock.lock().expect("the lock");
    // A run that gave the lock back left no note; this holder leaves one, as a run does.
    let note = format!("process {} since 2026-01-01T00:00:00Z", std::process::id());
    std::fs::write(&file, &note).expect("the note");
    let (code, text) = failure(&site.run(INDEX, &[]));
    assert_eq!((code, text.lines().count()), (Some(3), 1), "{text}");
    assert!(
        text.contains("is being indexed by ") && text.contains(&note),
        "{text}"
    );
    lock.unlock().expect("unlocked");
    site.run_ok(INDEX, &[]);
}

#[test]
fn a_database_that_may_not_be_written_is_one_clear_line() {
    let site = TestSite::new();
    site.write("a", b"1", 1);
    hand_over(&site);
    assert!(as_nobody(&site).status().expect("it starts").success());
    if geteuid().is_root() {
        chown(site.database(), Some(0), Some(0)).expect("chown");
    }
    std::fs::set_permissions(site.database(), std::fs::Permissions::from_mode(0o444))
        .expect("permissions");
    let (code, text) = failure(&as_nobody(&site).output().expect("it starts"));
    assert_eq!((code, text.lines().count()), (Some(1), 1), "{text}");
    assert!(
        text.contains("test.sqlite; nothing was changed: "),
        "{text}"
    );
}

#[test]
fn a_signal_stops_a_run_and_nothing_is_changed() {
    let site = TestSite::new();
    site.write("a", b"1", 1);
    site.run_ok(INDEX, &[]);
    site.write("b", b"1", 1);
    std::fs::remove_file(site.path("test.sqlite.locks/index")).expect("remove");
    let mut writer = open_writer(&site.database()).expect("a database");
    let mut child = None;
    // While this transaction lasts the program waits for it.
    let held = writer.transaction(|_| {
        let started = site
            .command(INDEX)
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let has_note = |path: &Path| std::fs::read(path).is_ok_and(|note| !note.is_empty());
        let lock = site.path("test.sqlite.locks/index");
        eventually("the program has its lock", || has_note(&lock));
        let pid = Pid::from_child(&started);
        kill_process(pid, Signal::TERM).expect("a signal");
        eventually("the signal was delivered", || signal_is_delivered(pid));
        child = Some(started);
        Ok::<(), DbError>(())
    });
    held.expect("a transaction");
    let output = child.expect("a child").wait_with_output().expect("its end");
    let (code, text) = failure(&output);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("stopped by a signal; nothing was changed"),
        "{text}"
    );
    assert_eq!(last_run(&site).0, "interrupted");
    assert_eq!(paths(&site), ["a"]);
    site.run_ok(INDEX, &[]);
    assert_eq!(paths(&site), ["a", "b"]);
}

/// Whether the process has no signal pending any more.
pub fn signal_is_delivered(pid: Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()));
    status.is_ok_and(|status| status.contains("ShdPnd:\t0000000000000000"))
}
