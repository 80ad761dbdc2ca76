//! A database that another program keeps locked, or that cannot be written: who it is, what to do,
//! and what was at work are said, soon and in one line.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, Signal, kill_process};

use super::password::make_version_7;
use crate::stand_in::rsyncd::Rsyncd;
use crate::stand_in::scan_site::{OLD, add_mirror, catalogue_tree};
use crate::stand_in::site::{TestSite, eventually};
use crate::stand_in::small_disk::SmallDisk;

/// An import that waits for the rest of its dump, and so has the database locked.
struct Holder {
    child: Child,
    dump: Option<ChildStdin>,
}

/// So many looks in a row find the database locked by an import that has begun.
const LOCKED_LOOKS: u32 = 10;

impl Holder {
    fn start(site: &TestSite) -> Holder {
        let mut command = site.command("heliostat");
        command
            .args(["import", "mirrorbrain", "-", "--force"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let mut dump = child.stdin.take().expect("its input");
        dump.write_all(b"--\n-- PostgreSQL database dump\n--\n")
            .expect("it reads");
        // The import also takes the lock for moments before.
        let mut seen = 0;
        eventually("the import has begun", || {
            seen = if is_locked(site) { seen + 1 } else { 0 };
            seen == LOCKED_LOOKS
        });
        Holder {
            child,
            dump: Some(dump),
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id() as i32).expect("a process");
        kill_process(pid, signal).expect("it runs");
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.dump.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_locked(site: &TestSite) -> bool {
    let database = rusqlite::Connection::open(site.database()).expect("it opens");
    database
        .busy_timeout(std::time::Duration::ZERO)
        .expect("a time-out");
    database.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_err()
}

fn site_with_mirror() -> TestSite {
    let site = TestSite::with_config("[site.test.rules]\nmin_size = 0");
    site.write("a", b"1", OLD);
    catalogue_tree(&site);
    add_mirror(&site, "m", "", |_| {});
    site
}

#[test]
fn who_waits_for_a_stopped_program_is_told_which_and_what_to_do() {
    let site = site_with_mirror();
    let mut holder = Holder::start(&site);
    holder.signal(Signal::STOP);
    let pid = holder.child.id();
    let mut waiting = site
        .command("heliostat")
        .args(["score", "m", "50"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut errors = BufReader::new(waiting.stderr.take().expect("its errors"));
    let mut said = String::new();
    errors.read_line(&mut said).expect("a line");
    for part in [
        "warning: waiting: database",
        "is locked by heliostat",
        &format!("(process {pid}, stopped by a signal, begun 20"),
        &format!("`kill -CONT {pid}` lets it go on"),
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // The waiting program goes on when the other one does.
    holder.signal(Signal::CONT);
    drop(holder.dump.take());
    assert!(!holder.child.wait().expect("it ends").success());
    assert!(waiting.wait().expect("it ends").success());
    let mut rest = String::new();
    errors.read_to_string(&mut rest).expect("what else it says");
    assert_eq!(rest, "", "said once");
    let shown = site.run_ok("heliostat", &["show", "m", "--json"]);
    assert!(shown.contains("\"score\": 50"), "{shown}");
}

#[test]
fn locks_of_programs_name_their_holder() {
    let site = TestSite::new();
    site.write("a", b"1", OLD);
    catalogue_tree(&site);
    let locks = [
        (
            "heliostat-index",
            "test.sqlite.locks/index",
            "is being indexed by",
        ),
        (
            "heliostat-probe",
            "test.sqlite.locks/probe",
            "another heliostat-probe is at work",
        ),
    ];
    for (program, lock, expected) in locks {
        let path = site.path(lock);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let file = fs::File::options()
            .create(true)
            .append(true)
            .open(&path)
            .expect("a lock");
        file.lock().expect("nobody has it");
        file.set_len(0).expect("empty");
        writeln!(
            &file,
            "process {} since 2026-01-01T00:00:00Z",
            std::process::id()
        )
        .expect("a note");
        let said = words(&site.run(program, &[]));
        let holder = format!(
            "(process {} since 2026-01-01T00:00:00Z)",
            std::process::id()
        );
        for part in [expected, &holder, "wait until that run has ended"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}

#[test]
fn a_file_of_another_kind_in_the_place_of_a_lock_is_named_with_its_remedy() {
    let site = TestSite::new();
    site.write("a", b"1", OLD);
    catalogue_tree(&site);
    add_mirror(&site, "m", "rsync://127.0.0.1:1/x/", |_| {});
    let locks = site.path("test.sqlite.locks");
    let programs = ["heliostat-index", "heliostat-probe", "heliostat-scan"];
    let says = |program: &str, path: &str, cause: &str| {
        let args: &[&str] = match program {
            "heliostat-scan" => &["m"],
            _ => &[],
        };
        let output = site.run(program, args);
        let said = words(&output);
        assert!(!output.status.success(), "{program}: {said}");
        let expected = format!("cannot lock {path}; move it away and run again: {cause}");
        assert!(said.contains(&expected), "{program}: {said}");
    };
    let _ = fs::remove_dir_all(&locks);
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, &locks, FileType::Fifo, mode, 0).expect("a FIFO");
    for program in programs {
        let path = locks.display().to_string();
        says(program, &path, "it is not a folder but a FIFO");
    }
    fs::remove_file(&locks).expect("removed");
    for (program, name) in programs.iter().zip(["index", "probe", "scan-1"]) {
        let path = locks.join(name);
        fs::create_dir_all(&path).expect("a folder");
        let path = path.display().to_string();
        says(program, &path, "it is not a regular file but a folder");
    }
}

/// Starts a program that waits for a lock, and returns it with what it says about that.
fn start_waiting(site: &TestSite, program: &str, arguments: &[&str]) -> (Child, String) {
    let mut waiting = site
        .command(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut errors = BufReader::new(waiting.stderr.take().expect("its errors"));
    let mut said = String::new();
    errors.read_line(&mut said).expect("a line");
    assert!(said.contains("waiting: database"), "{program}: {said}");
    (waiting, said)
}

#[test]
fn a_signal_ends_the_waiting_for_a_lock() {
    let site = site_with_mirror();
    let holder = Holder::start(&site);
    for (program, arguments) in [
        ("heliostat-index", &[][..]),
        ("heliostat-scan", &["--all"]),
        ("heliostat-probe", &[]),
    ] {
        let (mut waiting, _) = start_waiting(&site, program, arguments);
        let start = std::time::Instant::now();
        let pid = Pid::from_raw(waiting.id() as i32).expect("a process");
        kill_process(pid, Signal::TERM).expect("it runs");
        waiting.wait().expect("it ends");
        let took = start.elapsed();
        assert!(took.as_secs() < 5, "{program} ended after {took:?}");
    }
    drop(holder);
}

#[test]
fn who_has_all_of_the_database_is_named() {
    let site = site_with_mirror();
    let database = rusqlite::Connection::open(site.database()).expect("it opens");
    database
        .execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE mirror SET score = score;
             COMMIT",
        )
        .expect("locked");
    let holder = format!("(process {}", std::process::id());
    let said = words(&site.run("heliostat", &["explain", "/a", "--ip", "192.0.2.1"]));
    assert!(said.contains(&holder), "{said}");
    let (mut waiting, said) = start_waiting(&site, "heliostat-scan", &["--due"]);
    assert!(said.contains(&holder), "{said}");
    drop(database);
    waiting.wait().expect("it ends");
}

#[test]
fn a_disk_mounted_for_reading_is_said_as_what_it_is() {
    let site = TestSite::new();
    let disk = SmallDisk::mount(site.path("disk"));
    let config = fs::read_to_string(site.config()).expect("the configuration");
    let config = config.replace("test.sqlite", "disk/test.sqlite");
    fs::write(site.config(), config).expect("the configuration");
    site.write("a", b"1", OLD);
    site.run_ok("heliostat-index", &["-q"]);
    site.run_ok("heliostat", &["new", "m", "-H", "http://127.0.0.1:1/"]);
    disk.fill();
    let mut mount = Command::new("mount");
    let mount = mount.args(["-o", "remount,ro"]).arg(site.path("disk"));
    assert!(mount.status().expect("mount").success(), "it is in use");
    for (program, arguments) in [
        ("heliostat", &["score", "m", "50"][..]),
        ("heliostat", &["ping", "m"]),
        ("heliostat-scan", &["m"]),
    ] {
        let output = site.run(program, arguments);
        let said = words(&output);
        assert_eq!(output.status.code(), Some(1), "{program}: {said}");
        let expected = "disk/test.sqlite, which is as it was; run as the user who owns it, its \
                        disk mounted for writing";
        assert!(said.contains(expected), "{program} {arguments:?}: {said}");
        assert!(!said.contains("room"), "{said}");
    }
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_full_disk_is_said_as_what_it_is_before_any_mirror_is_asked() {
    let site = TestSite::new();
    let disk = SmallDisk::mount(site.path("disk"));
    let config = fs::read_to_string(site.config()).expect("the configuration");
    let config = config.replace("test.sqlite", "disk/test.sqlite");
    fs::write(site.config(), config).expect("the configuration");
    site.write("a", b"1", OLD);
    site.run_ok("heliostat-index", &["-q"]);
    let daemon = Rsyncd::start();
    daemon.write("a", b"1", OLD);
    let rsync = daemon.url("pub");
    let web = crate::stand_in::webserver::WebServer::start(
        "127.0.0.1",
        crate::stand_in::webserver::Manner::Serves,
    );
    site.run_ok("heliostat", &["new", "m", "-H", &web.url(""), "-R", &rsync]);
    let set = [
        "edit",
        "m",
        "--set",
        "enabled=1",
        "--set",
        "statusBaseurl=1",
    ];
    site.run_ok("heliostat", &set);
    site.run_ok("heliostat-scan", &["--all", "-qq"]);
    disk.fill();
    let before = web.requests().len();
    for (program, arguments) in [
        ("heliostat", &["score", "m", "50"][..]),
        ("heliostat-scan", &["--all"]),
        ("heliostat-scan", &["m"]),
        ("heliostat-probe", &[]),
        ("heliostat-index", &[]),
    ] {
        let output = site.run(program, arguments);
        let said = words(&output);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{program} {arguments:?}: {said}"
        );
        for part in ["disk/test.sqlite", "make room on its disk", "disk is full"] {
            assert!(
                said.contains(part),
                "{program} {arguments:?}: {part}: {said}"
            );
        }
        let wrong = ["import", "permission", "this user"];
        assert!(!wrong.iter().any(|word| said.contains(word)), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{program}");
    }
    assert_eq!(web.requests().len(), before, "no mirror was asked");
    disk.clear();
    site.run_ok("heliostat", &["score", "m", "50"]);
}

fn version(site: &TestSite) -> i64 {
    let database = rusqlite::Connection::open(site.database()).expect("it opens");
    let version = database.query_row("PRAGMA user_version", [], |row| row.get(0));
    version.expect("a version")
}

#[test]
fn a_dry_run_leaves_an_older_database_as_it_is() {
    let site = TestSite::new();
    site.write("a", b"1", OLD);
    make_version_7(&site.database());
    let database = rusqlite::Connection::open(site.database()).expect("it opens");
    let added = database.execute(
        "INSERT INTO mirror (identifier, enabled) VALUES ('m', 1)",
        [],
    );
    added.expect("a mirror");
    drop(database);
    let tree = site.tree().display().to_string();
    for (program, arguments) in [
        ("heliostat-probe", &["-n"][..]),
        ("heliostat", &["test", "m"]),
        ("heliostat-index", &["--dry-run"]),
        ("heliostat-index", &["--dry-run", "--hashes-only"]),
        ("heliostat-scan", &["--due", "--dry-run"]),
        ("heliostat", &["update", "-a", "--dry-run", "m"]),
        ("heliostat", &["makehashes", "--dry-run", &tree]),
    ] {
        let output = site.run(program, arguments);
        assert_eq!(version(&site), 7, "{program} {arguments:?}");
        let said = words(&output);
        assert!(
            said.contains("run `heliostat list`"),
            "{program} {arguments:?}: {said}"
        );
    }
    site.run_ok("heliostat", &["list"]);
    assert_eq!(version(&site), heliostat::db::schema::VERSION);
}

#[test]
fn runs_that_were_killed_or_lie_in_the_future_are_told_as_such() {
    let site = site_with_mirror();
    let database = rusqlite::Connection::open(site.database()).expect("it opens");
    database
        .execute_batch(
            "INSERT INTO run (kind, started_at) VALUES ('index', 1000), ('probe', 1000),
             ('import', 1000);
             INSERT INTO run (kind, started_at, ended_at, outcome)
             VALUES ('index', 4102444800, 4102444801, 'ok');
             UPDATE mirror SET last_scan = '2100-01-01T00:00:00Z';",
        )
        .expect("runs");
    site.run_ok("heliostat-index", &["-q"]);
    let due = site.run_ok("heliostat-scan", &["--due", "--dry-run"]);
    let expected = "2100-01-01T00:00:00Z, which lies ahead: a clock was wrong";
    assert!(due.contains(expected), "{due}");
    site.run("heliostat-probe", &["-q"]);
    site.run("heliostat", &["import", "mirrorbrain", "-", "--force"]);
    let runs = site.run_ok("heliostat", &["runs", "--json"]);
    let runs: serde_json::Value = serde_json::from_str(&runs).expect("JSON");
    let runs = runs.as_array().expect("a list");
    for run in runs
        .iter()
        .filter(|run| run["started_at"] == "1970-01-01T00:16:40Z")
    {
        assert_eq!(run["outcome"], "interrupted", "{run}");
        assert!(
            run["error"].as_str().expect("a text").contains("killed"),
            "{run}"
        );
    }
    database
        .execute_batch(
            "INSERT INTO run (kind, started_at, ended_at, outcome)
             VALUES ('index', 4102444900, 4102444901, 'ok')",
        )
        .expect("the newest run");
    let newest = site.run_ok("heliostat", &["runs"]);
    let first = newest.lines().nth(1).expect("a run");
    assert!(!first.contains("in the future"), "{newest}");
    let ahead = runs.iter().position(|run| run["in_future"] == true);
    assert!(ahead.expect("it is listed") > 0, "it heads no list");
    let text = site.run_ok("heliostat", &["runs"]);
    assert!(
        text.contains("2100-01-01T00:00:00Z (in the future)"),
        "{text}"
    );

    database
        .execute_batch("DELETE FROM probe; UPDATE mirror SET alive = 0")
        .expect("never probed");
    let explained = site.run_ok("heliostat", &["explain", "/a", "--ip", "192.0.2.1"]);
    let expected = "it counts as down and was not probed yet";
    assert!(explained.contains(expected), "{explained}");
}
