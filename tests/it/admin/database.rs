//! `heliostat db` and `vacuum`: the database file as admins keep it.

use std::io::Write;
use std::process::{Command, Stdio};

use heliostat::domain::cache::VersionKey;
use heliostat::domain::mirror::MirrorKind;
use rusqlite::Connection;
use serde_json::Value;

use crate::stand_in::fcgi_client::Request;
use crate::stand_in::responder::Responder;
use crate::stand_in::scan_site::{OLD, add_mirror, catalogue_tree};
use crate::stand_in::site::{TestSite, failure};

/// A site whose database has several MB of free pages, and one mirror that has its only file.
fn site_with_room() -> TestSite {
    let site = TestSite::with_config("[site.test.rules]\nmin_size = 0");
    site.write("file.iso", &[b'x'; 4000], OLD);
    catalogue_tree(&site);
    add_mirror(&site, "m", "", |mirror| {
        mirror.kind = MirrorKind::Cache;
        mirror.cache.version_key = VersionKey::Query;
    });
    let database = Connection::open(site.database()).expect("the database");
    database
        .execute_batch(
            "INSERT INTO hash (file_id, size, mtime) \
             VALUES (1000, 1, 1), (1001, 1, 1), (1002, 1, 1); \
             CREATE TABLE filler (bytes BLOB); \
             INSERT INTO filler VALUES (zeroblob(5000000)); \
             DROP TABLE filler;",
        )
        .expect("rows");
    site
}

fn free_pages(site: &TestSite) -> i64 {
    let database = Connection::open(site.database()).expect("the database");
    database
        .pragma_query_value(None, "freelist_count", |row| row.get(0))
        .expect("a number")
}

#[test]
fn a_vacuum_gives_room_back_while_redirects_go_on() {
    let site = site_with_room();
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let size = |site: &TestSite| {
        let file = std::fs::metadata(site.database()).expect("the database");
        file.len()
    };
    let (before, free) = (size(&site), free_pages(&site));
    let rehearsed = site.run_ok("heliostat", &["db", "vacuum", "-n"]);
    let lines: Vec<&str> = rehearsed.lines().collect();
    assert_eq!(lines[0], "Total files:                              1");
    assert_eq!(lines[1], "Files that are on no mirror:              1");
    assert_eq!(lines[2], "Hashes of files that are gone:            3");
    assert!(
        lines[3].starts_with("Size: ") && lines[3].ends_with(" MB"),
        "{rehearsed}"
    );
    assert_eq!(lines[4], "The free room would be given back.");
    assert_eq!(
        (size(&site), free_pages(&site)),
        (before, free),
        "-n changes nothing"
    );

    let mut vacuum = site.command("heliostat");
    let vacuum = vacuum.args(["db", "vacuum"]).stdout(Stdio::piped());
    let mut running = vacuum.spawn().expect("it starts");
    let mut answers = 0;
    while running.try_wait().expect("its state").is_none() || answers < 50 {
        let answer = client.send(&Request::get("/file.iso"));
        assert_eq!(answer.status, 302, "answer {answers}");
        answers += 1;
    }
    let output = running.wait_with_output().expect("its output");
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.lines()
            .last()
            .is_some_and(|line| line.starts_with("Done. Size: ")),
        "{said}"
    );
    assert!(
        size(&site) + 4_000_000 < before,
        "{} of {before}",
        size(&site)
    );
    assert_eq!(free_pages(&site), 0);
    assert_eq!(client.send(&Request::get("/file.iso")).status, 302);

    let again = site.run_ok("heliostat", &["vacuum", "--json"]);
    let again: Value = serde_json::from_str(&again).expect("JSON");
    assert_eq!(again["hashes_of_no_file"], 0);
    assert_eq!(
        again["is_vacuumed"], false,
        "there is nothing to be given back"
    );
    let events = site.run_ok("heliostat", &["events"]);
    assert!(
        events.contains("3 hashes of files that are gone removed"),
        "{events}"
    );
}

#[test]
fn sizes_are_those_of_tables() {
    let site = site_with_room();
    let shown = site.run_ok("heliostat", &["db", "sizes"]);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], "Size(MB) Relation");
    assert!(lines.contains(&"  0.0    mirror"), "{shown}");
    assert!(
        lines.last().is_some_and(|line| line.starts_with("Total: ")),
        "{shown}"
    );
    let sizes = site.run_ok("heliostat", &["db", "sizes", "--json"]);
    let sizes: Value = serde_json::from_str(&sizes).expect("JSON");
    let file = sizes.as_array().expect("a list").iter();
    let mut file = file.filter(|size| size["name"] == "file");
    assert!(
        file.next()
            .is_some_and(|size| size["bytes"].as_u64() >= Some(4096))
    );
}

#[test]
fn the_shell_is_sqlite3_and_leaves_what_a_reader_needs() {
    let site = site_with_room();
    let mut command = site.command("heliostat");
    command
        .args(["db", "shell"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut shell = command.spawn().expect("it starts");
    let mut input = shell.stdin.take().expect("a pipe");
    let sql = b"UPDATE mirror SET score = 50;\nSELECT identifier, score FROM mirror;\n";
    input.write_all(sql).expect("written");
    drop(input);
    let output = shell.wait_with_output().expect("its output");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "m|50\n");
    assert!(
        site.path("test.sqlite-wal").exists(),
        "a responder that may only read needs it"
    );

    let mut without = site.command("heliostat");
    let empty = site.path("empty");
    std::fs::create_dir(&empty).expect("a folder");
    without.args(["db", "shell"]).env("PATH", &empty);
    let (code, said) = failure(&without.output().expect("it starts"));
    assert_eq!(code, Some(1));
    assert!(
        said.contains("no sqlite3 on this host; `apt install sqlite3`"),
        "{said}"
    );
    let none = TestSite::new();
    let (code, said) = failure(&none.run("heliostat", &["db", "shell"]));
    assert_eq!(code, Some(1));
    assert!(said.contains("does not exist"), "{said}");
    assert!(!none.database().exists(), "no empty database is made");
    let (code, said) = failure(&none.run("heliostat", &["db", "repair"]));
    assert_eq!(code, Some(2), "{said}");
}

#[test]
fn a_vacuum_waits_for_a_writer_and_says_for_whom() {
    let site = site_with_room();
    let holder = Connection::open(site.database()).expect("the database");
    holder.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    let mut command: Command = site.command("heliostat");
    let command = command.args(["vacuum"]).stdout(Stdio::piped());
    let mut running = command.stderr(Stdio::piped()).spawn().expect("it starts");
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(running.try_wait().expect("its state"), None, "it waits");
    holder
        .execute_batch("COMMIT")
        .expect("the lock is given back");
    let output = running.wait_with_output().expect("its output");
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("waiting"), "{said}");
}
