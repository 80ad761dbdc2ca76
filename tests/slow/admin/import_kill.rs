//! An import of many files: its memory has a bound, and killed anywhere it leaves what was.

use std::fmt::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use heliostat::db::{mirror, open_reader};

use crate::stand_in::site::{TestSite, failure, program_path};

const FILES: usize = 200_000;
const MIRRORS: usize = 60;

/// A dump of that many files, each on every mirror.
fn dump() -> String {
    let mut text = String::from("--\n-- PostgreSQL database dump\n--\n\n");
    text.push_str("COPY public.server (id, identifier, baseurl, enabled) FROM stdin;\n");
    for id in 1..=MIRRORS {
        let _ = writeln!(text, "{id}\tm{id}.example\thttp://m{id}.example/\tt");
    }
    text.push_str("\\.\n\nCOPY public.filearr (id, path, mirrors) FROM stdin;\n");
    let all: Vec<String> = (1..=MIRRORS).map(|id| id.to_string()).collect();
    let all = all.join(",");
    for id in 1..=FILES {
        let (folder, half) = (id / 100, id % 7);
        let _ = writeln!(
            text,
            "{id}\tpool/{half}/{folder}/package-{id}.deb\t{{{all}}}"
        );
    }
    text.push_str("\\.\n\n--\n-- PostgreSQL database dump complete\n--\n");
    text
}

/// Names of the mirrors, and whether the database is whole.
fn state(site: &TestSite) -> (Vec<String>, String) {
    let reader = open_reader(&site.database()).expect("a database");
    let names = mirror::names(&reader).expect("names");
    let check = rusqlite::Connection::open(site.database()).expect("a database");
    let told = check.query_row("PRAGMA quick_check", [], |row| row.get(0));
    (names, told.expect("checked"))
}

#[test]
fn a_killed_import_leaves_what_was_and_memory_is_bounded() {
    let site = TestSite::new();
    let old = "-H http://old.example/";
    let words: Vec<&str> = old.split(' ').collect();
    site.run_ok("heliostat", &[&["new", "old.example"][..], &words].concat());
    let path = site.path("dump.sql");
    std::fs::write(&path, dump()).expect("written");
    // KiB of addresses; a program that takes more ends by a signal.
    let script = format!(
        "ulimit -v 600000; exec '{}' import mirrorbrain '{}' --force --json",
        program_path("heliostat"),
        path.display()
    );
    let command = || {
        let mut command = Command::new("sh");
        command
            .args(["-c", &script])
            .env("HELIOSTAT_CONFIG", site.config());
        command.stdout(Stdio::null());
        command
    };
    for wait_ms in [20, 200, 600, 1500, 3000] {
        let mut child = command().stderr(Stdio::null()).spawn().expect("sh starts");
        let end = Instant::now() + Duration::from_millis(wait_ms);
        let mut is_done = false;
        while Instant::now() < end && !is_done {
            is_done = child.try_wait().expect("waited").is_some();
            std::thread::yield_now();
        }
        child.kill().expect("killed, or done");
        child.wait().expect("waited");
        let (names, check) = state(&site);
        assert_eq!(check, "ok");
        let is_old = names == ["old.example"];
        assert!(
            is_old || names.len() == MIRRORS,
            "after {wait_ms} ms: {names:?}"
        );
        if !is_old {
            // The import was done before it was killed.
            break;
        }
    }
    let output = command().output().expect("sh starts");
    assert!(output.status.success(), "{:?}", failure(&output));
    let (names, check) = state(&site);
    assert_eq!((names.len(), check.as_str()), (MIRRORS, "ok"));
}
