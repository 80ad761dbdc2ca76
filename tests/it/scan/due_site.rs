//! Makes the site that tests of `--due` share: a tree of some directories, and time that passes.

use heliostat::db::run::{self, RunKind};
use heliostat::domain::mirror::MirrorId;

use crate::stand_in::scan_site::{OLD, catalogue_tree, last_run, reader};
use crate::stand_in::site::TestSite;

/// Directories of the tree, so many that a few of them are not much.
const DIRECTORIES: u32 = 12;

/// A minute in seconds.
pub const MINUTE: u64 = 60;

/// An hour in seconds.
pub const HOUR: u64 = 3600;

/// Files `d0/a`, `d0/b`, `d1/a` …, and `top`.
pub fn files() -> Vec<String> {
    let of = |number| [format!("d{number}/a"), format!("d{number}/b")];
    let below = (0..DIRECTORIES).flat_map(of);
    below.chain(["top".to_owned()]).collect()
}

/// A site with those files, catalogued; `more` is appended to its configuration.
pub fn site(more: &str) -> TestSite {
    let site = TestSite::with_config(more);
    for path in files() {
        site.write(&path, path.as_bytes(), OLD);
    }
    catalogue_tree(&site);
    site
}

/// Publishes new files and catalogues them.
pub fn release(site: &TestSite, paths: &[&str]) {
    for path in paths {
        site.write(path, path.as_bytes(), OLD);
    }
    catalogue_tree(site);
}

/// Moves all times that are recorded into the past, as if so much had passed since.
pub fn pass(site: &TestSite, seconds: u64) {
    let database = rusqlite::Connection::open(site.database()).expect("the database opens");
    let sql = format!(
        "UPDATE scan_attempt SET whole_at = whole_at - {seconds}, \
         changed_at = changed_at - {seconds};
         UPDATE run SET started_at = started_at - {seconds};
         UPDATE run_repeat SET last_at = last_at - {seconds};
         UPDATE run SET counts = json_set(counts, '$.changed_at', \
         json_extract(counts, '$.changed_at') - {seconds}) \
         WHERE json_extract(counts, '$.changed_at') IS NOT NULL;
         UPDATE mirror SET last_scan = strftime('%Y-%m-%dT%H:%M:%SZ', last_scan, \
         '-{seconds} seconds') WHERE last_scan <> '';"
    );
    database.execute_batch(&sql).expect("times can be changed");
}

/// Runs `--due`, which must succeed; what it printed.
pub fn due(site: &TestSite) -> String {
    site.run_ok("heliostat-scan", &["--due"])
}

/// How often mirrors were asked.
pub fn runs(site: &TestSite, mirrors: &[MirrorId]) -> Vec<usize> {
    let runs = |id: &MirrorId| {
        let runs = run::latest(&reader(site), RunKind::Scan, Some(*id), 1000);
        let runs = runs.expect("runs").into_iter();
        runs.map(|run| 1 + run.repeats.map_or(0, |(times, _)| times as usize))
            .sum()
    };
    mirrors.iter().map(runs).collect()
}

/// A number of a mirror's last run.
pub fn count(site: &TestSite, mirror: MirrorId, name: &str) -> u64 {
    let counts = serde_json::to_value(last_run(site, mirror).counts).expect("JSON");
    counts[name].as_u64().expect("a number")
}

/// All bytes of the database.
pub fn bytes(site: &TestSite) -> [Vec<u8>; 2] {
    ["test.sqlite", "test.sqlite-wal"].map(|name| {
        // The last to close the database may take the WAL away.
        std::fs::read(site.path(name)).unwrap_or_default()
    })
}
