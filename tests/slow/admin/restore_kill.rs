//! `kill -9` of a backup or a restore leaves the content before or the new one.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use heliostat::db::{mirror, open_reader};
use rusqlite::Connection;

use crate::stand_in::fcgi_client::Request;
use crate::stand_in::probe_site::{add, site};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::{TestSite, eventually};

/// Runs that are killed.
const KILLS: i64 = 100;

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A database large enough that most of a run is writing.
fn large_site() -> TestSite {
    let site = site("");
    add(&site, "m", "http://127.0.0.1:1/pub/", |_| {});
    let database = Connection::open(site.database()).expect("it opens");
    let rows = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
        INSERT INTO event (at, actor, what) SELECT i, 'test', printf('event %0200d', i) FROM n";
    database.execute_batch(rows).expect("events");
    site
}

fn score(database: &Path, when: &str) -> i64 {
    let check = Connection::open(database).expect("it opens");
    let found: String = check
        .query_row("PRAGMA quick_check", [], |row| row.get(0))
        .expect("a check");
    assert_eq!(found, "ok", "{when}");
    let reader = open_reader(database).expect("it opens");
    mirror::find(&reader, "m").expect("the mirror").score
}

/// Starts a run and kills it at a random moment of its usual time.
fn kill(site: &TestSite, arguments: &[&str], whole_run: Duration) {
    let mut child = site
        .command("heliostat")
        .args(arguments)
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    // The moment is what is tested, so this one wait is by the clock.
    std::thread::sleep(whole_run.mul_f64(fastrand::f64() * 1.1));
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
}

fn set_score(site: &TestSite, score: i64) {
    site.run_ok("heliostat", &["score", "m", &score.to_string()]);
}

#[test]
fn a_killed_backup_leaves_the_old_or_the_new_copy() {
    let site = large_site();
    let copy = site.path("copy.sqlite");
    let arguments = ["backup", text(&copy)];
    let start = Instant::now();
    site.run_ok("heliostat", &arguments);
    let whole_run = start.elapsed();
    let (mut before, mut new) = (score(&copy, "first"), 0);
    for number in 1..=KILLS {
        set_score(&site, number);
        kill(&site, &arguments, whole_run);
        let now = score(&copy, &format!("kill {number}"));
        assert!(now == before || now == number, "{now} is no state of it");
        new += u32::from(now == number);
        before = now;
    }
    println!("{KILLS} kills, {new} left the new copy, {whole_run:?} a run");
    site.run_ok("heliostat", &arguments);
    let rests = std::fs::read_dir(site.path(".")).expect("the folder");
    let rests = rests.filter(|entry| {
        let name = entry.as_ref().expect("an entry").file_name();
        name.as_encoded_bytes().starts_with(b"copy.sqlite.")
    });
    assert_eq!(rests.count(), 0);
}

#[test]
fn a_killed_restore_leaves_the_old_or_the_new_content() {
    let site = large_site();
    let copy = site.path("copy.sqlite");
    set_score(&site, 7777);
    site.run_ok("heliostat", &["backup", text(&copy)]);
    let responder = Responder::start(&site);
    let status = || responder.connect().send(&Request::get("/z.zip")).status;
    eventually("it redirects", || status() == 302);
    let arguments = ["restore", text(&copy)];
    let start = Instant::now();
    site.run_ok("heliostat", &arguments);
    let whole_run = start.elapsed();
    let mut new = 0;
    for number in 1..=KILLS {
        set_score(&site, number);
        kill(&site, &arguments, whole_run);
        let now = score(&site.database(), &format!("kill {number}"));
        assert!(now == number || now == 7777, "{now} is no state of it");
        new += u32::from(now == 7777);
        assert_eq!(status(), 302, "kill {number}");
        for entry in std::fs::read_dir(site.path(".")).expect("the folder") {
            let path = entry.expect("an entry").path();
            if text(&path).contains(".before-") {
                std::fs::remove_file(path).expect("removed");
            }
        }
    }
    println!("{KILLS} kills, {new} left the new content, {whole_run:?} a run");
    site.run_ok("heliostat", &arguments);
    assert_eq!(score(&site.database(), "last"), 7777);
}
