//! A change that an admin was told of survives a power cut: the disk has it before the program
//! says so.

use std::process::{Command, Stdio};

use rusqlite::Connection;

use crate::stand_in::scan_site::{add_mirror, catalogue_tree};
use crate::stand_in::site::{TestSite, program_path};

/// The calls of one command that write and that wait for the disk, in their order.
fn calls(site: &TestSite, arguments: &[&str]) -> Vec<String> {
    let trace = site.path("trace");
    let status = Command::new("strace")
        .args(["-f", "-qq", "-y", "-s", "0", "-o"])
        .arg(&trace)
        .args(["-e", "trace=pwrite64,fdatasync,fsync,write"])
        .arg(program_path("heliostat"))
        .args(arguments)
        .env("HELIOSTAT_CONFIG", site.config())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .expect("strace; `scripts/test` installs it");
    assert!(status.success(), "{arguments:?}");
    let text = std::fs::read_to_string(&trace).expect("the calls");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn what_an_admin_was_told_of_is_on_the_disk() {
    let site = TestSite::new();
    catalogue_tree(&site);
    add_mirror(&site, "one", "", |_| ());
    let list = site.path("list");
    std::fs::write(&list, "https://a.example/pub/ de\n").expect("a list");
    let list = list.to_string_lossy();
    // A reader, so that no program is the last one, which would empty the WAL at its end.
    let reader = Connection::open(site.database()).expect("the database");
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM mirror;")
        .expect("a look");
    for arguments in [
        &["score", "one", "50"][..],
        &["disable", "one"],
        &["edit", "one", "--set", "comment=x", "-y"],
        &["new", "two", "-H", "http://127.0.0.1:1/"],
        &["import", "urls", &list],
    ] {
        let calls = calls(&site, arguments);
        let is_wal = |line: &String| line.contains("-wal>");
        let written = calls
            .iter()
            .rposition(|line| line.contains("pwrite64(") && is_wal(line));
        let written = written.unwrap_or_else(|| panic!("{arguments:?}: {calls:?}"));
        let after = &calls[written..];
        let synced = after
            .iter()
            .position(|line| line.contains("sync(") && is_wal(line));
        let said = after.iter().position(|line| line.contains(" write(1<"));
        let is_on_disk = synced.is_some_and(|synced| said.is_none_or(|said| synced < said));
        assert!(is_on_disk, "{arguments:?}: {after:?}");
    }
}
