//! Copies while all programs write, and a front end that is fed for a minute.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use crate::stand_in::front_end::feed;
use crate::stand_in::rsyncd::Rsyncd;
use crate::stand_in::scan_site::{OLD, add_mirror, catalogue_tree};
use crate::stand_in::site::{TestSite, set_mtime};

/// Copies that are made.
const COPIES: u64 = 100;

/// Files of the tree, which all change their time at once.
const FILES: u64 = 200;

fn name(number: u64) -> String {
    format!("dir-{}/file-{number}", number % 10)
}

/// A tree, its catalogue, and a mirror that has it.
fn busy_site() -> (TestSite, Rsyncd) {
    let site = TestSite::with_config("[site.test.scan]\nvanished_share_max = 1.0");
    let daemon = Rsyncd::start();
    for number in 0..FILES {
        site.write(name(number), b"x", OLD);
        daemon.write(name(number), b"x", OLD + 1_000_000);
    }
    catalogue_tree(&site);
    add_mirror(&site, "m", &daemon.url("pub"), |_| {});
    add_mirror(&site, "edited", "", |record| record.comment = "0".into());
    site.run_ok("heliostat", &["edit", "edited", "--set", "score=0"]);
    site.run_ok("heliostat-scan", &["-qq", "m"]);
    (site, daemon)
}

/// Checks the rules that a copy must keep at any moment.
fn check(copy: &Path) {
    let database = Connection::open(copy).expect("it opens");
    let text = |sql: &str| -> String {
        let value = database.query_row(sql, [], |row| row.get(0));
        value.unwrap_or_else(|error| panic!("{sql}: {error}"))
    };
    let number = |sql: &str| -> i64 {
        let value = database.query_row(sql, [], |row| row.get(0));
        value.unwrap_or_else(|error| panic!("{sql}: {error}"))
    };
    assert_eq!(text("PRAGMA journal_mode"), "delete");
    assert_eq!(text("PRAGMA quick_check"), "ok");
    // An index run changes all files, and an edit both fields, in one transaction.
    assert_eq!(number("SELECT count(DISTINCT mtime) FROM file"), 1);
    assert_eq!(number("SELECT count(*) FROM file"), FILES as i64);
    let both = "SELECT CAST(score AS TEXT) = comment FROM mirror WHERE identifier = 'edited'";
    assert_eq!(number(both), 1);
    // No bit is of a file that was not there yet.
    let next = number("SELECT value FROM meta WHERE key = 'next_file_id'");
    let reader = heliostat::db::open_reader(copy).expect("it opens");
    for (id, _) in heliostat::db::content::generations(&reader).expect("generations") {
        let content = heliostat::db::content::load(&reader, id).expect("it is whole");
        let content = content.expect("it is published").content;
        let last = content.current.max().max(content.outdated.max());
        assert!(last.is_none_or(|last| i64::from(last) < next));
    }
    let unfinished = "SELECT count(*) FROM run WHERE outcome = 'running'";
    assert!(number(unfinished) <= 4, "one of each kind at the most");
}

/// Sets a flag when it is dropped.
struct SetAtEnd<'f>(&'f AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_hundred_copies_are_each_one_moment_of_a_busy_database() {
    let (site, _daemon) = busy_site();
    let (is_over, runs) = (AtomicBool::new(false), AtomicU64::new(0));
    let repeat = |work: &(dyn Fn(u64) + Sync)| {
        let mut round = 1;
        while !is_over.load(Ordering::Relaxed) {
            work(round);
            round += 1;
            runs.fetch_add(1, Ordering::Relaxed);
        }
    };
    let index = |round| {
        for number in 0..FILES {
            set_mtime(&site.tree().join(name(number)), OLD + round);
        }
        catalogue_tree(&site);
    };
    let scan = |_| drop(site.run("heliostat-scan", &["-qq", "m"]));
    let probe = |_| drop(site.run("heliostat-probe", &[]));
    let edit = |round: u64| {
        let round = round % 30_000;
        let (score, comment) = (format!("score={round}"), format!("comment={round}"));
        let set = ["edit", "edited", "--set", &score, "--set", &comment];
        site.run_ok("heliostat", &set);
    };
    let copy = site.path("copy.sqlite");
    std::thread::scope(|scope| {
        let repeat = &repeat;
        scope.spawn(move || repeat(&index));
        scope.spawn(move || repeat(&scan));
        scope.spawn(move || repeat(&probe));
        scope.spawn(move || repeat(&edit));
        // The others end with this, also if it fails.
        let _over = SetAtEnd(&is_over);
        for _ in 0..COPIES {
            site.run_ok("heliostat", &["backup", copy.to_str().expect("UTF-8")]);
            check(&copy);
        }
    });
    println!(
        "{} runs of programs beside {COPIES} copies",
        runs.into_inner()
    );
}

#[test]
fn a_front_end_that_is_fed_every_two_seconds_redirects_always() {
    let fed = feed(Duration::from_secs(60), Duration::from_secs(2));
    println!("{} answers, {} copies", fed.good, fed.copies);
    assert_eq!(fed.bad, []);
    // How many copies there are is the machine's speed: 17 to 29 on two cores.
    assert!(fed.copies >= 5);
}
