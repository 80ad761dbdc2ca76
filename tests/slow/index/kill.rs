//! `kill -9` of an index run at any moment leaves the catalogue whole: as it was, or as it is to
//! be.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use heliostat::db::DbError;

use crate::stand_in::index_site::{Catalogue, INDEX, catalogue, last_run};
use crate::stand_in::site::{TestSite, set_mtime};

/// Runs that are killed.
const KILLS: u64 = 200;

/// Files in the tree: enough that the changes take a good part of the run.
const FILES: u64 = 1_000;

/// Each so many rounds the database is a new one, so that its making is interrupted too.
const ROUNDS_A_DATABASE: u64 = 10;

/// The files that the catalogue must have once a round is indexed: path → (size, mtime).
type Tree = BTreeMap<Vec<u8>, (u64, i64)>;

/// Changes every file's time, removes some, adds others.
fn publish(site: &TestSite, round: u64) -> Tree {
    let mut tree = BTreeMap::new();
    for file in 0..FILES {
        let name = format!("dir{}/file-{file}", file % 40);
        let path = site.tree().join(&name);
        if (file + round).is_multiple_of(7) {
            if path.exists() {
                std::fs::remove_file(path).expect("remove");
            }
            continue;
        }
        let mtime = 1_000_000 + round;
        if path.exists() {
            set_mtime(&path, mtime);
        } else {
            site.write(&name, b"content", mtime);
        }
        tree.insert(name.into_bytes(), (7, mtime as i64));
    }
    tree
}

fn versions(catalogue: &Catalogue) -> Tree {
    let version = |(_, version): &(u32, Option<(u64, i64)>)| version.expect("it was indexed");
    let entry = |(path, found): (&Vec<u8>, _)| (path.clone(), version(found));
    catalogue.iter().map(entry).collect()
}

/// The catalogue, after SQLite has said that the file is sound; a database that was killed while
/// it was made may have none yet.
fn sound_catalogue(site: &TestSite) -> Catalogue {
    let database = site.database();
    if !database.exists() {
        return Catalogue::new();
    }
    // The reader may write, because a database that was killed while it was made must be rolled
    // back.
    let sqlite = rusqlite::Connection::open(&database).expect("the database opens");
    let check: String = sqlite
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a check");
    assert_eq!(check, "ok");
    match heliostat::db::open_reader(&database) {
        Ok(_) => catalogue(site),
        Err(DbError::Foreign { .. } | DbError::Older { .. }) => Catalogue::new(),
        Err(error) => panic!("{error}"),
    }
}

fn remove_database(site: &TestSite) {
    for name in ["test.sqlite", "test.sqlite-wal", "test.sqlite-shm"] {
        let path = site.path(name);
        if Path::new(&path).exists() {
            std::fs::remove_file(path).expect("remove");
        }
    }
}

/// Starts a run and kills it after a while; `true` if it was still at work.
fn kill_after(site: &TestSite, delay: Duration) -> bool {
    let mut child = site
        .command(INDEX)
        .arg("--force")
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    // The moment is the point of this test; nothing is waited for.
    std::thread::sleep(delay);
    child.kill().expect("killed");
    !child.wait().expect("its end").success()
}

#[test]
fn a_killed_run_leaves_the_catalogue_as_it_was_or_as_it_is_to_be() {
    let site = TestSite::new();
    let mut random = fastrand::Rng::with_seed(4);
    publish(&site, 0);
    let start = Instant::now();
    site.run_ok(INDEX, &[]);
    let whole_run = start.elapsed();
    let mut before = sound_catalogue(&site);
    let (mut kills, mut unchanged, mut changed, mut round) = (0, 0, 0, 0);
    while kills < KILLS {
        round += 1;
        assert!(
            round < KILLS * 10,
            "only {kills} of {round} runs were at work when killed"
        );
        let tree = publish(&site, round);
        if round.is_multiple_of(ROUNDS_A_DATABASE) {
            remove_database(&site);
            before = Catalogue::new();
        }
        let delay = whole_run.mul_f64(random.f64() * 1.3);
        let was_at_work = kill_after(&site, delay);
        let after = sound_catalogue(&site);
        if !was_at_work {
            assert_eq!(versions(&after), tree);
        } else if after == before {
            kills += 1;
            unchanged += 1;
        } else {
            kills += 1;
            changed += 1;
            assert_eq!(
                versions(&after),
                tree,
                "neither the state before nor the one after"
            );
            assert_eq!(
                last_run(&site).0,
                "ok",
                "the run's end comes with its changes"
            );
        }
        before = after;
    }
    site.run_ok(INDEX, &["--force"]);
    let tree = publish(&site, round + 1);
    site.run_ok(INDEX, &["--force"]);
    assert_eq!(versions(&sound_catalogue(&site)), tree);
    println!("killed {kills}: {unchanged} left the state before, {changed} the one after");
    assert!(unchanged > 0);
}
