//! Adds to a site the parts that tests of scans need: a catalogue, mirrors, and reads of the
//! database.

use std::collections::BTreeSet;

use heliostat::db::catalogue;
use heliostat::db::content::{self, Content};
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::run::{self, RunKind, RunRecord};
use heliostat::db::{Reader, open_reader, open_writer};
use heliostat::domain::file::CatalogueFile;
use heliostat::domain::mirror::MirrorId;

use super::rsyncd::Rsyncd;
use super::site::TestSite;

/// Time of files that nobody changed.
pub const OLD: u64 = 1_000_000_000;

/// Puts the tree as it is into the catalogue, without hashes, which no scan looks at: changed files
/// get new ids, vanished ones leave.
pub fn catalogue_tree(site: &TestSite) {
    site.run_ok("heliostat-index", &["--quiet", "--force", "--no-hashes"]);
}

/// Stores an enabled mirror; `change` may say more about it.
pub fn add_mirror(
    site: &TestSite,
    identifier: &str,
    rsync_url: &str,
    change: impl FnOnce(&mut MirrorRecord),
) -> MirrorId {
    let mut record = MirrorRecord::new(identifier);
    // A base URL that nobody answers at: what is tried after rsync fails at once.
    record.base_url = format!("http://127.0.0.1:1/{identifier}/");
    record.rsync_url = rsync_url.to_owned();
    record.enabled = true;
    record.alive = true;
    change(&mut record);
    let mut writer = open_writer(&site.database()).expect("the database opens");
    writer
        .transaction(|transaction| mirror::insert(transaction, &record))
        .expect("the mirror is stored")
}

/// A site with files `a` … in `dir/`, and a mirror `m` that has them all.
pub fn site_with_mirror(files: &[&str]) -> (TestSite, Rsyncd, MirrorId) {
    let site = TestSite::new();
    let daemon = Rsyncd::start();
    for path in files {
        site.write(path, path.as_bytes(), OLD);
        daemon.write(path, path.as_bytes(), OLD);
    }
    catalogue_tree(&site);
    let id = add_mirror(&site, "m", &daemon.url("pub"), |_| {});
    (site, daemon, id)
}

/// The database, for looking into it.
pub fn reader(site: &TestSite) -> Reader {
    open_reader(&site.database()).expect("the database opens")
}

/// Reads the content of a mirror that is published.
pub fn published(site: &TestSite, id: MirrorId) -> Option<Content> {
    let found = content::load(&reader(site), id).expect("the content is whole");
    found.map(|published| published.content)
}

/// Paths of the catalogue whose current version a mirror has, as published.
pub fn current(site: &TestSite, id: MirrorId) -> BTreeSet<String> {
    published(site, id).map_or_else(BTreeSet::new, |content| named(site, &content.current))
}

/// Paths of the catalogue of which a mirror has another version, as published.
pub fn outdated(site: &TestSite, id: MirrorId) -> BTreeSet<String> {
    published(site, id).map_or_else(BTreeSet::new, |content| named(site, &content.outdated))
}

fn named(site: &TestSite, ids: &roaring::RoaringBitmap) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut add = |path: &[u8], file: CatalogueFile| {
        if ids.contains(file.id.0) {
            names.insert(path.escape_ascii().to_string());
        }
    };
    catalogue::for_each(&reader(site), b"", &mut add).expect("the catalogue is readable");
    names
}

/// Names as a set, to compare with; odd bytes are escaped as in those above.
pub fn set(names: &[&str]) -> BTreeSet<String> {
    let escaped = names.iter().map(|name| name.as_bytes().escape_ascii());
    escaped.map(|name| name.to_string()).collect()
}

/// The last run of a mirror.
pub fn last_run(site: &TestSite, id: MirrorId) -> RunRecord {
    let runs = run::latest(&reader(site), RunKind::Scan, Some(id), 1).expect("runs");
    runs.into_iter().next().expect("there was a run")
}

/// A mirror as stored.
pub fn mirror_record(site: &TestSite, identifier: &str) -> MirrorRecord {
    mirror::find(&reader(site), identifier).expect("the mirror")
}
