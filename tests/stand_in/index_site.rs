//! Reads what `heliostat-index` made: the catalogue and the last run.

use std::collections::BTreeMap;

use heliostat::db::run::{self, RunKind};
use heliostat::db::{catalogue, open_reader};

use super::site::TestSite;

pub const INDEX: &str = "heliostat-index";

/// Path → id, (size, mtime).
pub type Catalogue = BTreeMap<Vec<u8>, (u32, Option<(u64, i64)>)>;

/// All of the catalogue.
pub fn catalogue(site: &TestSite) -> Catalogue {
    let reader = open_reader(&site.database()).expect("a database");
    let mut all = BTreeMap::new();
    catalogue::for_each(&reader, b"", |path, file| {
        let version = file.version.map(|version| (version.size, version.mtime));
        all.insert(path.to_vec(), (file.id.0, version));
    })
    .expect("a catalogue");
    all
}

/// All paths of the catalogue.
pub fn paths(site: &TestSite) -> Vec<String> {
    let text = |path: &Vec<u8>| String::from_utf8_lossy(path).into_owned();
    catalogue(site).keys().map(text).collect()
}

/// Outcome, counts and note of the last run; one that did its work has no error.
pub fn last_run(site: &TestSite) -> (String, serde_json::Value, String) {
    let reader = open_reader(&site.database()).expect("a database");
    let runs = run::latest(&reader, RunKind::Index, None, 1).expect("runs");
    let last = runs.first().expect("a run");
    let counts = serde_json::to_value(&last.counts).expect("JSON");
    assert!(!last.outcome.is_good() || last.error.is_empty(), "{last:?}");
    (last.outcome.as_str().to_owned(), counts, last.note.clone())
}
