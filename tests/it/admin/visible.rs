//! Names and texts of files, mirrors and people reach a terminal as what they are: nothing in them
//! moves the cursor or turns the order of characters round, whichever program prints them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::stand_in::rsyncd::Rsyncd;
use crate::stand_in::scan_site::{OLD, add_mirror, catalogue_tree};
use crate::stand_in::site::TestSite;

/// ESC, C1 CSI, a right-to-left override, a bell, a line feed.
const EVIL: &str = "a\x1b]0;t\x07\u{9b}31m\u{202e}fdp\n.exe";

#[track_caller]
fn is_visible(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let bad = text.chars().find(|c| {
        c.is_control() && !matches!(c, '\n' | '\t') || ('\u{202a}'..='\u{202e}').contains(c)
    });
    assert_eq!(bad, None, "{what}: {}", text.escape_debug());
}

#[test]
fn no_program_prints_what_controls_a_terminal() {
    let site = TestSite::with_config("[site.test.rules]\nmin_size = 0");
    let daemon = Rsyncd::start();
    for name in [EVIL, "dir/plain"] {
        site.write(OsStr::from_bytes(name.as_bytes()), b"1", OLD);
        daemon.write(name, b"1", OLD);
    }
    catalogue_tree(&site);
    add_mirror(&site, "m", &daemon.url("pub"), |mirror| {
        for field in [
            &mut mirror.comment,
            &mut mirror.operator_name,
            &mut mirror.admin,
            &mut mirror.public_notes,
            &mut mirror.country,
            &mut mirror.prefix,
        ] {
            *field = EVIL.to_owned();
        }
    });
    let database = rusqlite::Connection::open(site.database()).expect("it opens");
    let insert = "INSERT INTO event (at, actor, what) VALUES (1, ?1, ?1)";
    database.execute(insert, [EVIL]).expect("an event");
    let insert = "INSERT INTO run (kind, started_at, outcome, error, note)
        VALUES ('scan', 1, 'ok', ?1, ?1)";
    database.execute(insert, [EVIL]).expect("a run");
    let path = format!("/{EVIL}");
    let mut commands = vec![
        ("heliostat-scan", vec!["--all"]),
        ("heliostat-scan", vec!["--all", "--json"]),
        ("heliostat-scan", vec!["-d", EVIL, "m"]),
        ("heliostat-index", vec!["-vv", "--dry-run"]),
        ("heliostat-probe", vec!["-v", "m"]),
    ];
    for arguments in [
        vec!["show", "m"],
        vec!["show", "m", "--json"],
        vec!["list", "-a", "--json"],
        vec!["list", "-a", "--country", "--comment"],
        vec!["file", "ls", "*"],
        vec!["file", "ls", EVIL],
        vec!["explain", &path, "--ip", "192.0.2.1"],
        vec!["explain", &path, "--ip", "192.0.2.1", "--json"],
        vec!["runs"],
        vec!["runs", "--json"],
        vec!["events"],
        vec!["events", "--json"],
        vec!["status", "-a"],
        vec!["edit", "m", "--set", "country=de"],
        vec!["score", EVIL, "5"],
        vec!["commentadd", "m", "--comment", EVIL],
    ] {
        commands.push(("heliostat", arguments));
    }
    let mut escaped = 0;
    for (program, arguments) in commands {
        let output = site.run(program, &arguments);
        let what = format!("{program} {:?}", arguments[0]);
        is_visible(&what, &output.stdout);
        is_visible(&what, &output.stderr);
        let said = [output.stdout, output.stderr].concat();
        escaped += usize::from(String::from_utf8_lossy(&said).contains("u202e"));
    }
    assert!(escaped >= 8, "the test shows something: {escaped}");
}

#[test]
fn usage_errors_show_arguments_as_what_they_are() {
    let site = TestSite::new();
    let option = format!("--{EVIL}");
    let with_value = format!("--quiet={EVIL}");
    for (program, arguments) in [
        ("heliostat", vec![EVIL]),
        ("heliostat", vec![&option]),
        ("heliostat", vec!["list", EVIL, EVIL]),
        ("heliostat", vec!["list", &option]),
        ("heliostat", vec!["explain", "/x", "--param", EVIL]),
        ("heliostat", vec!["runs", "--limit", EVIL]),
        ("heliostat", vec!["import", EVIL]),
        ("heliostat-scan", vec![&option]),
        ("heliostat-scan", vec!["--jobs", EVIL]),
        ("heliostat-probe", vec![&option]),
        ("heliostat-probe", vec!["--timeout", EVIL]),
        ("heliostat-index", vec![&option]),
        ("heliostat-index", vec![&with_value]),
        ("heliostat-fcgi", vec!["--threads", EVIL]),
    ] {
        let output = site.run(program, &arguments);
        let what = format!("{program} {arguments:?}");
        assert_eq!(output.status.code(), Some(2), "{what}: {output:?}");
        is_visible(&what, &output.stderr);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(r"\u202efdp"), "{what}: {said}");
        assert!(!said.contains("\n.exe"), "{what}: it is one word: {said}");
        assert_eq!(output.stdout, b"", "{what}");
    }
}
