//! `kill -9` while hashes are made: what is stored is right, and stays.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use heliostat::db::hash::HashRecord;
use heliostat::db::open_reader;

use crate::stand_in::hash_content::content;
use crate::stand_in::hash_site::row_of;
use crate::stand_in::index_site::{INDEX, catalogue};
use crate::stand_in::site::TestSite;

/// Runs that are killed at work.
const KILLS: u32 = 25;

/// Small files, more than one of the portions in which rows are stored.
const SMALL_FILES: usize = 1_500;

const CONFIG: &str = "hashes.zsync = true\ntorrent.version = \"hybrid\"";

fn fill(site: &TestSite) {
    for number in 0..SMALL_FILES {
        let name = format!("d{}/file-{number}", number % 40);
        site.write(&name, name.as_bytes(), 1000);
    }
    for number in 0..4 {
        let name = format!("large-{number}");
        site.write(&name, &content(name.as_bytes(), 3_000_000 + number), 1000);
    }
}

fn rows(site: &TestSite) -> BTreeMap<Vec<u8>, HashRecord> {
    let reader = open_reader(&site.database()).expect("a database");
    let paths = catalogue(site).into_keys();
    paths
        .filter_map(|path| row_of(&reader, &path).map(|row| (path, row)))
        .collect()
}

#[test]
fn a_killed_run_loses_and_falsifies_nothing() {
    let reference = TestSite::with_config(CONFIG);
    fill(&reference);
    let start = Instant::now();
    reference.run_ok(INDEX, &[]);
    let whole_run = start.elapsed();
    let expected = rows(&reference);
    assert_eq!(expected.len(), SMALL_FILES + 4);

    let site = TestSite::with_config(CONFIG);
    fill(&site);
    site.run_ok(INDEX, &["--no-hashes"]);
    let mut random = fastrand::Rng::with_seed(7);
    let (mut kills, mut in_between, mut known) = (0, 0, BTreeMap::new());
    let mut runs = 0;
    while kills < KILLS {
        runs += 1;
        assert!(
            runs < 20 * KILLS,
            "only {kills} of {runs} runs were at work when killed"
        );
        let delay = whole_run.mul_f64(random.f64());
        kills += u32::from(kill_after(&site, delay, random.bool()));
        let found = rows(&site);
        for (path, row) in &found {
            assert_eq!(Some(row), expected.get(path), "{}", path.escape_ascii());
        }
        let lost = known.keys().find(|path| !found.contains_key(*path));
        assert_eq!(lost, None, "a row that was stored is gone");
        in_between += u32::from(!found.is_empty() && found.len() < expected.len());
        known = found;
        if known.len() == expected.len() {
            forget(&site);
            known.clear();
        }
    }
    site.run_ok(INDEX, &[]);
    assert_eq!(rows(&site), expected);
    println!("killed {kills}, of which {in_between} left a part of the rows");
    assert!(in_between > 0);
}

/// Starts a run and kills it after a while; `true` if it was still at work.
fn kill_after(site: &TestSite, delay: Duration, rehash: bool) -> bool {
    let mut child = site
        .command(INDEX)
        .arg("--hashes-only")
        .args(rehash.then_some("--rehash"))
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    // The moment is the point of this test; nothing is waited for.
    std::thread::sleep(delay);
    child.kill().expect("killed");
    let is_killed = !child.wait().expect("its end").success();
    let sqlite = rusqlite::Connection::open(site.database()).expect("the database opens");
    let check: String = sqlite
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a check");
    assert_eq!(check, "ok");
    is_killed
}

fn forget(site: &TestSite) {
    let sqlite = rusqlite::Connection::open(site.database()).expect("the database opens");
    sqlite
        .execute_batch("PRAGMA foreign_keys = ON; DELETE FROM hash")
        .expect("no rows");
}
