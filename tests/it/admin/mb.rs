//! Tests the commands that cron and scripts of MirrorBrain's installations call, under its names.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use crate::stand_in::rsyncd::Rsyncd;
use crate::stand_in::scan_site::{OLD, add_mirror, catalogue_tree, current, set};
use crate::stand_in::site::{TestSite, program_path};
use crate::stand_in::webserver::{Manner, WebServer};

/// Runs a line of a shell where MirrorBrain's names are in PATH.
fn shell(site: &TestSite, line: &str) -> Output {
    let names = site.path("bin");
    if !names.is_dir() {
        std::fs::create_dir(&names).expect("a folder");
        for (program, name) in [("heliostat", "mb"), ("heliostat-probe", "mirrorprobe")] {
            symlink(program_path(program), names.join(name)).expect("a link");
        }
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    command
        .args(["-c", line])
        .env("PATH", format!("{}:{path}", names.display()))
        .env("HELIOSTAT_CONFIG", site.config())
        .env_remove("MB")
        .env_remove("RUST_LOG")
        .current_dir(site.path(""));
    command.output().expect("sh starts")
}

/// Runs it where it must end with 0; its standard output.
fn ok(site: &TestSite, line: &str) -> String {
    let output = shell(site, line);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{line}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A site whose only mirror answers over HTTP and rsync; the servers end with the test.
fn site_that_answers() -> (TestSite, Rsyncd, WebServer) {
    let site = TestSite::with_config("[site.test.rules]\nmin_size = 0");
    let (daemon, web) = (
        Rsyncd::start(),
        WebServer::start("127.0.0.1", Manner::Serves),
    );
    for path in ["dist/a", "dist/b", "other/c"] {
        site.write(path, path.as_bytes(), OLD);
        daemon.write(path, path.as_bytes(), OLD);
        web.put(path, path.as_bytes());
    }
    catalogue_tree(&site);
    (site, daemon, web)
}

#[test]
fn lines_of_crontabs_run_unchanged() {
    let (site, daemon, web) = site_that_answers();
    let id = add_mirror(&site, "mirror.example.org", &daemon.url("pub"), |mirror| {
        mirror.base_url = web.url("127.0.0.1");
    });
    let tree = site.tree();
    for line in [
        "mb scan -j 4 --al -q",
        "mb scan --quiet --jobs 4 --all",
        "mb scan -j 2 -a -qq",
        "mb scan -d dist mirror",
        "mb scan --directory dist mirror.example.org",
        "mirrorprobe",
        "mirrorprobe -t 20",
        "mb db vacuum",
        "mb vacuum",
        "mb db vacuum -q",
        "mb export --format=mirmon",
        "mb export --format mirmon",
        &format!("mb makehashes {0} -t hashes{0}", tree.display()),
        &format!("mb makehashes -t hashes{0} -b {0} {0}/dist", tree.display()),
    ] {
        ok(&site, line);
    }
    assert_eq!(current(&site, id), set(&["dist/a", "dist/b", "other/c"]));
    assert_eq!(ok(&site, "mb scan -qq --all"), "");
    assert_eq!(ok(&site, "mb vacuum -q"), "");
}

/// Two sites; the first in the file is not the first by name.
fn two_sites() -> TestSite {
    let site = TestSite::new();
    site.write("file", b"content", OLD);
    let config = std::fs::read_to_string(site.config()).expect("a configuration");
    let more = "[site.before]\ntree = \"tree\"\ndatabase = \"before.sqlite\"\n";
    std::fs::write(site.config(), format!("{config}{more}")).expect("written");
    site
}

#[test]
fn the_first_instance_of_the_file_is_meant_unless_another_is_named() {
    let site = two_sites();
    assert_eq!(ok(&site, "mb instances"), "test\nbefore\n");
    catalogue_tree(&site);
    site.run_ok("heliostat-index", &["-q", "-b", "before"]);
    for (line, names) in [
        ("mb new of.test -H http://m/", ["of.test\n", ""]),
        (
            "mb -b before new of.before -H http://m/",
            ["of.test\n", "of.before\n"],
        ),
    ] {
        ok(&site, line);
        assert_eq!(ok(&site, "mb list -a"), names[0], "{line}");
        assert_eq!(ok(&site, "MB=before mb list -a"), names[1], "{line}");
    }
    assert_eq!(ok(&site, "MB=before mb --brain test list -a"), "of.test\n");
    assert_eq!(
        ok(&site, "MB= mb list -a"),
        "of.test\n",
        "an empty MB names none"
    );
    let config = std::fs::read_to_string(site.config()).expect("a configuration");
    std::fs::write(
        site.config(),
        format!("default_site = \"before\"\n{config}"),
    )
    .expect("written");
    assert_eq!(ok(&site, "mb list -a"), "of.before\n");
    assert_eq!(ok(&site, "mb instances"), "test\nbefore\n");
    let output = shell(&site, "MB=nobody mb list");
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("has no site 'nobody'; it has: test, before"),
        "{error}"
    );
}

#[test]
fn dirs_are_the_first_parts_of_paths_or_the_mirrors_that_have_them() {
    let (site, daemon, _) = site_that_answers();
    site.write("dist/5/deep/d", b"d", OLD);
    catalogue_tree(&site);
    add_mirror(&site, "full", &daemon.url("pub"), |_| {});
    add_mirror(&site, "part", &daemon.url("pub/other"), |_| {});
    add_mirror(&site, "off", &daemon.url("pub"), |mirror| {
        mirror.enabled = false
    });
    ok(&site, "mb scan -q full off");
    shell(&site, "mb scan -q --force part");
    for (line, expected) in [
        ("mb dirs", "dist/5\ndist/a\ndist/b\nother/c\n"),
        ("mb dirs -s 1", "dist\nother\n"),
        ("mb dirs -s 3", "dist/5/deep\ndist/a\ndist/b\nother/c\n"),
        ("mb dirs full", "dist/a\ndist/b\nother/c\n"),
        ("mb dirs part", ""),
        ("mb dirs -d dist/", "full\n"),
        ("mb dirs -d /other", "full\n"),
        ("mb dirs -d nothing", ""),
        ("mb dirs --missing dist", "part\n"),
        ("mb dirs --miss nothing", "full\npart\n"),
    ] {
        assert_eq!(ok(&site, line), expected, "{line}");
    }
    assert_eq!(
        ok(&site, "mb dirs -s 1 --json"),
        "[\n  \"dist\",\n  \"other\"\n]\n"
    );
    for (line, code) in [
        ("mb dirs nobody", 1),
        ("mb dirs -s 0", 2),
        ("mb dirs -d a m", 2),
    ] {
        assert_eq!(shell(&site, line).status.code(), Some(code), "{line}");
    }
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path).expect("the file is there");
    metadata.permissions().mode() & 0o7777
}

#[test]
fn timestamps_are_files_with_a_time_and_the_modes_of_mb() {
    let site = TestSite::new();
    let line = "mb timestamp --dry-run timestamp.txt";
    let file = site.tree().join("timestamp.txt");
    assert_eq!(ok(&site, line), format!("write {}\n", file.display()));
    assert!(!file.exists());
    let before = std::time::SystemTime::now();
    ok(
        &site,
        "umask 077; mb timestamp timestamp.txt .timestamp_invisible",
    );
    let text = std::fs::read_to_string(&file).expect("a timestamp");
    let lines: Vec<&str> = text.lines().collect();
    let seconds: u64 = lines[0].parse().expect("seconds");
    let now = before
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970");
    assert!(
        (now.as_secs()..now.as_secs() + 60).contains(&seconds),
        "{text}"
    );
    let date = Command::new("date")
        .args([
            "-u",
            "-d",
            &format!("@{seconds}"),
            "+%a, %d %b %Y %H:%M:%S UTC",
        ])
        .env("LC_ALL", "C")
        .output()
        .expect("date starts");
    assert_eq!(
        format!("{}\n", lines[1]),
        String::from_utf8_lossy(&date.stdout)
    );
    assert_eq!(lines[2], "");
    assert_eq!(mode(&file), 0o644);
    assert_eq!(mode(&site.tree().join(".timestamp_invisible")), 0o640);
    ok(&site, "mb timestamp --no-docroot here.txt");
    assert_eq!(mode(&site.path("here.txt")), 0o644);
    let left = std::fs::read_dir(site.tree()).expect("the tree").count();
    assert_eq!(left, 2, "no temporary file is left");
    let output = shell(&site, "mb timestamp -u no-such-user timestamp.txt");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("cannot be given to no-such-user"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    let output = shell(&site, "mb timestamp no/such/folder");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(shell(&site, "mb timestamp").status.code(), Some(2));
}

/// The subcommands of `mb`, but for `help`.
const SUBCOMMANDS: [&str; 25] = [
    "commentadd",
    "db",
    "delete",
    "dirs",
    "disable",
    "edit",
    "enable",
    "export",
    "file",
    "instances",
    "iplookup",
    "list",
    "makehashes",
    "markers",
    "mirrorlist",
    "new",
    "probefile",
    "rename",
    "scan",
    "score",
    "show",
    "test",
    "timestamp",
    "update",
    "vacuum",
];

/// The texts between backticks.
fn commands(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_command_of_mb_has_a_new_name_that_exists() {
    let site = TestSite::new();
    let names = site.path("bin");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migrate.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let rows = page
        .lines()
        .skip_while(|line| *line != "| command of MirrorBrain | new name |");
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    let mut found = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let (old, new) = (commands(cells[0]), commands(cells[1]));
        found.extend(old[0].strip_prefix("mb "));
        ok(&site, "true");
        for program in [
            "heliostat",
            "heliostat-probe",
            "heliostat-scan",
            "heliostat-index",
        ] {
            let link = names.join(program);
            if !link.exists() {
                symlink(program_path(program), link).expect("a link");
            }
        }
        assert!(!new.is_empty(), "{row}");
        for command in new {
            let help = ok(&site, &format!("{command} --help"));
            assert!(help.contains("Usage: "), "{command}: {help}");
        }
        if old[0].starts_with("mb ") {
            ok(&site, &format!("{} --help", old[0]));
        }
    }
    assert_eq!(found, SUBCOMMANDS);
    ok(&site, "mb null-rsync --help");
    assert!(ok(&site, "mb help mirrorlist").contains("--skip-empty"));
    let output = shell(&site, "mb nonsense");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn options_may_be_abbreviated_as_in_mb() {
    let site = TestSite::new();
    site.write("file", b"content", OLD);
    catalogue_tree(&site);
    for line in [
        "mb export --form=mirmon",
        "mb vacuum --dry --qui",
        "mb mirrorlist --form txt2 --skip --list-m",
        "mb markers --delim '#'",
        "mb timestamp --no-doc x",
        "mb new m --htt http://m/ --pref --operator-n x --admin-e a@b",
        "mb list --show --oth --disab",
        "mb update --all-m --dry",
        "mb dirs --miss x",
    ] {
        let output = shell(&site, line);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_ne!(output.status.code(), Some(2), "{line}: {error}");
    }
}
