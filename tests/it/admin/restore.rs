//! `restore` puts a copy in the place of the database, under a responder that goes on.

use std::fs;
use std::path::{Path, PathBuf};

use heliostat::db::{mirror, open_reader};
use heliostat::domain::time::Timestamp;
use heliostat::program::lock::Lock;
use rusqlite::Connection;
use serde_json::Value;

use super::backup::site_with_mirror;
use crate::stand_in::fcgi_client::Request;
use crate::stand_in::responder::Responder;
use crate::stand_in::site::{TestSite, eventually, failure};

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn backup(site: &TestSite, name: &str) -> PathBuf {
    let copy = site.path(name);
    site.run_ok("heliostat", &["backup", text(&copy)]);
    copy
}

fn score(database: &Path) -> i64 {
    let reader = open_reader(database).expect("it opens");
    mirror::find(&reader, "m").expect("the mirror").score
}

fn journal_mode(database: &Path) -> String {
    let connection = Connection::open(database).expect("it opens");
    let mode = connection.pragma_query_value(None, "journal_mode", |row| row.get(0));
    mode.expect("a mode")
}

fn status(responder: &Responder, path: &str) -> u16 {
    responder.connect().send(&Request::get(path)).status
}

#[test]
fn a_running_responder_takes_up_what_is_restored() {
    let site = site_with_mirror();
    let copy = backup(&site, "copy.sqlite");
    let responder = Responder::start(&site);
    eventually("it redirects", || status(&responder, "/z.zip") == 302);
    site.run_ok("heliostat", &["delete", "m", "--yes"]);
    eventually("no mirror is left", || status(&responder, "/z.zip") != 302);
    let before = open_reader(&site.database()).and_then(|reader| reader.lineage());

    let told = site.run_ok("heliostat", &["restore", text(&copy), "--json"]);
    eventually("it redirects again", || status(&responder, "/z.zip") == 302);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let kept = told["kept"].as_str().expect("a file").to_owned();
    assert!(kept.contains("test.sqlite.before-20"), "{kept}");
    assert_eq!(journal_mode(&site.database()), "wal");
    let reader = open_reader(&site.database()).expect("it opens");
    let after = reader.lineage().expect("a lineage");
    assert_eq!(told["database_id"], after.database_id());
    let before = before.expect("a lineage");
    assert!(after != before && after.is_of_database(before));
    let events = site.run_ok("heliostat", &["events"]);
    assert!(events.contains("restored the database from"), "{events}");

    // The way back.
    site.run_ok("heliostat", &["restore", &kept]);
    eventually("no mirror is left", || status(&responder, "/z.zip") != 302);
    for file in fs::read_dir(site.path(".")).expect("the folder") {
        let name = file.expect("a file").file_name();
        assert!(!name.as_encoded_bytes().ends_with(b".tmp"), "{name:?}");
    }
}

/// Files that are no copy: their names, and what is said of them.
fn plant(site: &TestSite) -> Vec<(&'static str, &'static str)> {
    fs::create_dir(site.path("folder")).expect("a folder");
    fs::write(site.path("letter"), "a letter").expect("a file");
    let other = Connection::open(site.path("other.sqlite")).expect("a database");
    other.execute_batch("CREATE TABLE t (a)").expect("a table");
    let mut damaged = fs::read(backup(site, "damaged.sqlite")).expect("a copy");
    for page in damaged.chunks_mut(4096).skip(3).take(3) {
        page.fill(0xa5);
    }
    fs::write(site.path("damaged.sqlite"), &damaged).expect("written");
    fs::write(site.path("cut.sqlite"), &damaged[..damaged.len() / 2]).expect("written");
    let newer = Connection::open(backup(site, "newer.sqlite")).expect("a copy");
    newer
        .pragma_update(None, "user_version", 1000)
        .expect("a schema");
    let foreign = site_with_mirror();
    let copy = backup(&foreign, "copy.sqlite");
    fs::copy(copy, site.path("foreign.sqlite")).expect("a copy");
    vec![
        ("nothing", "No such file"),
        ("folder", "it is not a regular file"),
        ("test.sqlite", "it is the database itself"),
        ("letter", "it is damaged"),
        ("other.sqlite", "is not a Heliostat database"),
        ("damaged.sqlite", "is damaged"),
        ("cut.sqlite", "is damaged"),
        ("newer.sqlite", "update the program"),
        ("foreign.sqlite", "it is a copy of another database"),
    ]
}

#[test]
fn what_is_no_whole_copy_of_the_database_is_not_restored() {
    let site = site_with_mirror();
    let bad = plant(&site);
    site.run_ok("heliostat", &["score", "m", "3"]);
    let events = site.run_ok("heliostat", &["events"]);
    for (name, expected) in bad {
        let file = site.path(name);
        let (code, said) = failure(&site.run("heliostat", &["restore", text(&file)]));
        assert_eq!(code, Some(2), "{name}: {said}");
        assert!(
            said.contains(expected) && said.contains(name),
            "{name}: {said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let (code, said) = failure(&site.run("heliostat", &["restore", "-"]));
    assert!(code == Some(2) && said.contains("name a file"), "{said}");
    let copy = backup(&site, "copy.sqlite");
    site.run_ok("heliostat", &["score", "m", "4"]);
    let told = site.run_ok("heliostat", &["restore", text(&copy), "--dry-run"]);
    assert!(told.contains("would be restored from"), "{told}");
    assert_eq!(score(&site.database()), 4);
    site.run_ok("heliostat", &["score", "m", "3"]);
    let now = site.run_ok("heliostat", &["events"]);
    assert!(
        now.contains(events.lines().last().unwrap_or_default()),
        "{now}"
    );
    // `--force` does it all the same.
    let foreign = site.path("foreign.sqlite");
    site.run_ok("heliostat", &["restore", text(&foreign), "--force"]);
    assert!(mirror::find(&open_reader(&site.database()).expect("it opens"), "m").is_ok());
}

#[test]
fn programs_that_write_for_long_keep_a_restore_out() {
    let site = site_with_mirror();
    let copy = backup(&site, "copy.sqlite");
    site.run_ok("heliostat", &["score", "m", "3"]);
    let take = |name| Lock::take(&site.database(), name, Timestamp(1)).expect("free");
    for task in ["scan-1", "probe", "index", "hash", "import"] {
        let held = take(task);
        let (code, said) = failure(&site.run("heliostat", &["restore", text(&copy)]));
        assert_eq!(code, Some(1), "{task}: {said}");
        let holder = format!("process {}", std::process::id());
        assert!(said.contains(&holder) && said.contains("wait"), "{said}");
        drop(held);
    }
    assert_eq!(score(&site.database()), 3);
    let held = take("backup");
    let (code, said) = failure(&site.run("heliostat", &["backup", text(&copy)]));
    assert!(code == Some(1) && said.contains("is in use"), "{said}");
    drop(held);
    site.run_ok("heliostat", &["restore", text(&copy)]);
    assert_eq!(score(&site.database()), 100);
}

#[test]
fn what_cannot_be_read_any_more_is_replaced_too() {
    let site = site_with_mirror();
    let copy = backup(&site, "copy.sqlite");
    let responder = Responder::start(&site);
    // Nothing, no database, and a copy that was put beside the WAL of another file by hand.
    for case in 0..3 {
        site.run_ok("heliostat", &["score", "m", "3"]);
        match case {
            0 => fs::remove_file(site.database()).expect("the database"),
            1 => fs::write(site.database(), [7; 9000]).expect("no database"),
            _ => {
                let wal = site.path("test.sqlite-wal");
                fs::write(&wal, [1; 5000]).expect("a WAL of another file");
                fs::copy(&copy, site.path("by-hand")).expect("a copy");
                fs::rename(site.path("by-hand"), site.database()).expect("put in place");
                let (_, said) = failure(&site.run("heliostat", &["list"]));
                assert!(said.contains("was replaced by hand"), "{said}");
                let bad = site.run("heliostat", &["score", "m", "5"]);
                assert!(failure(&bad).1.contains("heliostat restore"));
            }
        }
        eventually("it is away", || status(&responder, "/z.zip") != 302);
        site.run_ok("heliostat", &["restore", text(&copy)]);
        assert_eq!(score(&site.database()), 100, "{case}");
        assert_eq!(journal_mode(&site.database()), "wal");
        eventually("it redirects", || status(&responder, "/z.zip") == 302);
    }
}

#[test]
fn whoever_writes_a_copy_sets_wal_again() {
    let site = site_with_mirror();
    let responder = Responder::start(&site);
    let mut branches = Vec::new();
    let programs: [(&str, &[&str]); 4] = [
        ("heliostat-index", &["-q", "--no-hashes"]),
        ("heliostat-scan", &["-qq", "m"]),
        ("heliostat-probe", &["m"]),
        ("heliostat", &["score", "m", "5"]),
    ];
    for (program, arguments) in programs {
        // A copy that came by a rename, as on a further front end that becomes the first.
        let copy = backup(&site, "copy.sqlite");
        for end in ["-wal", "-shm"] {
            fs::remove_file(site.path(&format!("test.sqlite{end}"))).expect("removed");
        }
        fs::rename(copy, site.database()).expect("put in place");
        assert_eq!(journal_mode(&site.database()), "delete");
        eventually("it redirects", || status(&responder, "/z.zip") == 302);
        site.run(program, arguments);
        assert_eq!(journal_mode(&site.database()), "wal", "{program}");
        let reader = open_reader(&site.database()).expect("it opens");
        branches.push(reader.lineage().expect("a lineage"));
        // The mirror that nobody answers for is not to be turned off.
        site.run_ok("heliostat", &["enable", "m", "--alive"]);
        eventually("it redirects", || status(&responder, "/z.zip") == 302);
    }
    for (number, branch) in branches.iter().enumerate() {
        assert!(!branches[..number].contains(branch), "a branch of its own");
        assert!(branch.is_of_database(branches[0]));
    }
}
