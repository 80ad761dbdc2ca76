//! Scans that are killed at any moment leave whole generations.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use heliostat::domain::mirror::MirrorId;

use crate::stand_in::rsyncd::Rsyncd;
use crate::stand_in::scan_site::{OLD, add_mirror, catalogue_tree, current};
use crate::stand_in::site::TestSite;

/// How many scans are killed.
const KILLS: u32 = 120;

/// Files of each of the two generations; they have none in common but [`COMMON`].
const FILES: u32 = 300;

/// Files of both, so that the change is not suspicious.
const COMMON: u32 = 2;

/// Mirrors that are scanned at a time.
const MIRRORS: usize = 3;

fn names(generation: &str) -> BTreeSet<String> {
    let own = (0..FILES).map(|number| format!("dir/{generation}-{number}"));
    own.chain((0..COMMON).map(|number| format!("common-{number}")))
        .collect()
}

/// A mirror, and its two possible trees beside the one that it serves.
struct Changing {
    daemon: Rsyncd,
    id: MirrorId,
    shows_first: bool,
}

impl Changing {
    /// Puts the other tree in place.
    fn flip(&mut self) {
        self.shows_first = !self.shows_first;
        let (shown, hidden) = if self.shows_first {
            ("one", "two")
        } else {
            ("two", "one")
        };
        // Outside of what is served, on the same disk.
        let aside = self.daemon.tree().with_file_name("aside");
        std::fs::create_dir_all(&aside).expect("a folder");
        let served = self.daemon.tree().join("dir");
        if served.exists() {
            std::fs::rename(&served, aside.join(hidden)).expect("the old tree leaves");
        }
        std::fs::rename(aside.join(shown), &served).expect("the new tree comes");
    }
}

fn changing_mirror(site: &TestSite, name: &str) -> Changing {
    let daemon = Rsyncd::start();
    for generation in ["one", "two"] {
        for path in names(generation) {
            let place = match path.strip_prefix("dir/") {
                Some(file) => format!("../aside/{generation}/{file}"),
                None => path,
            };
            daemon.write(place, b"x", OLD);
        }
    }
    let id = add_mirror(site, name, &daemon.url("pub"), |_| {});
    let mut mirror = Changing {
        daemon,
        id,
        shows_first: false,
    };
    mirror.flip();
    mirror
}

#[test]
fn a_killed_scan_leaves_whole_generations() {
    let site = TestSite::with_config("[site.test.scan]\nvanished_share_max = 1.0");
    for path in names("one").union(&names("two")) {
        site.write(path, b"x", OLD);
    }
    catalogue_tree(&site);
    let mut mirrors: Vec<Changing> = (0..MIRRORS)
        .map(|number| changing_mirror(&site, &format!("m{number}")))
        .collect();
    let started = std::time::Instant::now();
    site.run_ok("heliostat-scan", &["--all", "-qq"]);
    let whole_run = started.elapsed();
    let (one, two) = (names("one"), names("two"));
    let seed = fastrand::get_seed();
    let (mut published, mut before) = (0, vec![one.clone(); MIRRORS]);
    for number in 0..KILLS {
        mirrors.iter_mut().for_each(Changing::flip);
        kill_a_scan(&site, whole_run);
        check_database(&site, &format!("kill {number}, seed {seed}"));
        for (mirror, before) in mirrors.iter().zip(&mut before) {
            let now = current(&site, mirror.id);
            assert!(
                now == one || now == two,
                "kill {number}, seed {seed}: {} files",
                now.len()
            );
            published += u32::from(now != *before);
            *before = now;
        }
    }
    println!("{KILLS} kills, {published} publications, {whole_run:?} a scan");
    // The kills came before, between and after publications.
    assert!(published > 0, "no scan came far enough to publish");
    assert!(published < KILLS * MIRRORS as u32, "every scan had ended");
    site.run_ok("heliostat-scan", &["--all", "-qq"]);
    let shown = if mirrors[0].shows_first { &one } else { &two };
    for mirror in &mirrors {
        assert_eq!(current(&site, mirror.id), *shown);
    }
}

/// Kills a scan of all mirrors at a random moment of its usual time.
fn kill_a_scan(site: &TestSite, whole_run: Duration) {
    let mut scan = site
        .command("heliostat-scan")
        .args(["--all", "-qq", "-j", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the scan starts");
    // The moment is what is tested, so this one wait is by the clock.
    std::thread::sleep(whole_run.mul_f64(fastrand::f64() * 1.1));
    scan.kill().expect("it is ours");
    scan.wait().expect("it is ours");
}

fn check_database(site: &TestSite, when: &str) {
    let database = rusqlite::Connection::open(site.database()).expect("the database opens");
    let found: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a check");
    assert_eq!(found, "ok", "{when}");
}

/// The outcomes of all runs of a kind, newest first.
fn outcomes(site: &TestSite, kind: &str) -> Vec<(String, String)> {
    let database = rusqlite::Connection::open(site.database()).expect("the database opens");
    let mut all = database
        .prepare("SELECT outcome, error FROM run WHERE kind = ?1 ORDER BY id DESC")
        .expect("SQL");
    let rows = all.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.expect("runs").map(|row| row.expect("a run")).collect()
}

/// Kills a program when it has begun.
fn kill_in_the_middle(
    site: &TestSite,
    (program, arguments): (&str, &[&str]),
    is_begun: &dyn Fn() -> bool,
) {
    let mut child = site
        .command(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    crate::stand_in::site::eventually("it is in the middle", is_begun);
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
}

#[test]
fn whoever_takes_the_lock_of_a_killed_run_records_that_it_was_killed() {
    use crate::stand_in::http_site::{FILES, add, healthy, site_and_tree};
    use crate::stand_in::odd_web::{OddWeb, Reply};
    use crate::stand_in::scan_site::set;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let (site, _tree) = site_and_tree("[site.test.probe]\ntimeout_s = 20");
    let hangs = Arc::new(AtomicBool::new(true));
    let is_silent = Arc::clone(&hangs);
    let web = OddWeb::start(move |asked| match asked.path.as_str() {
        "/pub/dir/" | "/pub/a" if is_silent.load(Ordering::Relaxed) => Reply::Hang(String::new()),
        path => healthy(path),
    });
    let id = add(&site, "m", &web.url());
    let was_asked = |path: &'static str| web.asked().iter().any(|asked| asked == path);
    kill_in_the_middle(&site, ("heliostat-scan", &["m"]), &|| {
        was_asked("/pub/dir/")
    });
    hangs.store(false, Ordering::Relaxed);
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&FILES));
    let scans = outcomes(&site, "scan");
    assert_eq!(scans.len(), 2, "{scans:?}");
    assert_eq!(scans[0].0, "ok");
    assert_eq!(scans[1].0, "interrupted");
    assert!(
        scans[1]
            .1
            .contains("it was killed, or the machine went down"),
        "{scans:?}"
    );
    // One that ended by itself is not taken for a killed one.
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(outcomes(&site, "scan").len(), 2);

    // Probes ask for any of the files.
    let stuck = OddWeb::start(|_| Reply::Hang(String::new()));
    crate::stand_in::http_site::set_url(&site, &stuck.url());
    kill_in_the_middle(&site, ("heliostat-probe", &["m"]), &|| {
        !stuck.asked().is_empty()
    });
    crate::stand_in::http_site::set_url(&site, &web.url());
    site.run("heliostat-probe", &["m"]);
    let probes = outcomes(&site, "probe");
    assert_eq!(probes.len(), 2, "{probes:?}");
    assert_eq!(probes[1].0, "interrupted");
    assert!(probes[1].1.contains("it was killed"), "{probes:?}");
}

#[test]
fn the_next_index_records_that_one_was_killed() {
    let site = TestSite::new();
    catalogue_tree(&site);
    for number in 0..3000 {
        site.write(format!("many/{number}"), b"x", OLD);
    }
    let indexes = outcomes(&site, "index").len();
    kill_in_the_middle(&site, ("heliostat-index", &[]), &|| {
        outcomes(&site, "index").len() > indexes
    });
    site.run_ok("heliostat-index", &["-q"]);
    let found = outcomes(&site, "index");
    assert_eq!(found[0].0, "ok", "{found:?}");
    // The run may have ended before it was killed.
    assert!(
        found[1].0 == "interrupted" || found[1].0 == "ok",
        "{found:?}"
    );
}
