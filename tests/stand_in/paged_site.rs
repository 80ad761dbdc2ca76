//! A site whose status pages are made: a tree with news, and mirrors with a past.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use heliostat::db::catalogue::CatalogueWriter;
use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::open_writer;
use heliostat::db::overview::history::{self, MirrorDay};
use heliostat::db::probe::{self, ProbeRecord};
use heliostat::domain::file::FileVersion;
use heliostat::domain::health::{Family, TargetStanding};
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;
use heliostat::domain::url::Scheme;

use super::site::TestSite;

/// Files that were there a month ago; then came 40 two days ago, and 25 three hours ago.
pub const OLD_FILES: u32 = 1000;

/// All files.
pub const FILES: u32 = 1065;

/// Seconds since 1970.
pub fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a clock after 1970").as_secs() as i64
}

/// A site with a catalogue; `more` is appended to its configuration.
pub fn paged_site(more: &str) -> TestSite {
    let site = TestSite::with_config(more);
    fill_catalogue(&site);
    site
}

/// Puts the files into the catalogue of a site.
pub fn fill_catalogue(site: &TestSite) {
    let mut writer = open_writer(&site.database()).expect("a database");
    let runs = [
        (0, 1000, 30 * 86_400),
        (1000, 1040, 2 * 86_400),
        (1040, 1065, 3 * 3600),
    ];
    for (from, to, age_s) in runs {
        let done = writer.transaction(|transaction| {
            let mut catalogue = CatalogueWriter::new(transaction)?;
            for number in from..to {
                let end = if number % 100 == 0 { "iso" } else { "rpm" };
                let path = format!("dist/{number:05}.{end}");
                catalogue.insert(path.as_bytes(), FileVersion { size: 1, mtime: 1 })?;
            }
            catalogue.finish_at(Timestamp(now() - age_s))
        });
        done.expect("a catalogue");
    }
}

/// Adds a mirror with the files up to a number, scanned ten minutes ago.
pub fn add_paged(
    site: &TestSite,
    name: &str,
    files: u32,
    change: impl FnOnce(&mut MirrorRecord),
) -> MirrorId {
    let mut record = MirrorRecord::new(name);
    record.base_url = format!("https://{name}/pub/");
    record.rsync_url = format!("rsync://{name}/pub/");
    (record.enabled, record.alive) = (true, true);
    (record.country, record.region) = ("de".to_owned(), "eu".to_owned());
    (record.latitude, record.longitude) = (Some(52.5), Some(13.4));
    change(&mut record);
    let held = Content {
        current: (1..=files).collect(),
        ..Content::default()
    };
    let origin = ContentOrigin {
        at: Timestamp(now() - 600),
        by: "rsync".to_owned(),
        unknown_files: 0,
    };
    let mut writer = open_writer(&site.database()).expect("a database");
    let added = writer.transaction(|transaction| {
        let id = mirror::insert(transaction, &record)?;
        content::publish(transaction, id, &held, &origin)?;
        Ok::<_, heliostat::db::DbError>(id)
    });
    added.expect("a mirror")
}

/// The result of one probe over https and IPv4.
pub fn probed(mirror: MirrorId, at: i64, latency_ms: Option<u64>) -> ProbeRecord {
    ProbeRecord {
        mirror,
        scheme: Scheme::Https,
        family: Family::V4,
        url: "https://m/pub/".to_owned(),
        standing: TargetStanding::new(latency_ms.is_some()),
        ok: Some(latency_ms.is_some()),
        checked_at: Timestamp(at),
        latency_ms,
        expires_at: None,
        reason: latency_ms.map_or("it timed out".to_owned(), |_| String::new()),
        evidence: "curl -4 https://m/pub/".to_owned(),
    }
}

/// Stores results as passes of the prober do; the last one is the mirror's state.
pub fn store_probes(site: &TestSite, records: &[ProbeRecord]) {
    let mut writer = open_writer(&site.database()).expect("a database");
    let stored = writer.transaction(|transaction| {
        for record in records {
            history::add(transaction, std::slice::from_ref(record), record.checked_at)?;
        }
        match records.last() {
            Some(last) => probe::replace(transaction, last.mirror, std::slice::from_ref(last)),
            None => Ok(()),
        }
    });
    stored.expect("probes");
}

/// Stores how a mirror was in the days before today.
pub fn store_past(site: &TestSite, mirror: MirrorId, days: i64) {
    let today = now().div_euclid(86_400);
    let mut writer = open_writer(&site.database()).expect("a database");
    let stored = writer.transaction(|transaction| {
        for age in 1..=days {
            let day = MirrorDay {
                day: today - age,
                coverage: Some(0.9),
                lag: Some(age * 100),
                up_share: Some(0.99),
            };
            history::store_day(transaction, mirror, &day)?;
        }
        Ok::<_, heliostat::db::DbError>(())
    });
    stored.expect("days");
}

/// Makes pages in the folder `out`, and reads them: text by name.
pub fn pages(site: &TestSite, options: &[&str]) -> BTreeMap<String, String> {
    let out = site.path("out");
    let out = out.to_str().expect("a path");
    let arguments = [&["pages", "--quiet", "--out", out], options].concat();
    site.run_ok("heliostat", &arguments);
    read_all(&site.path("out"))
}

/// All files below a folder.
pub fn read_all(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                left.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).expect("below").to_str();
            let text = std::fs::read_to_string(&path).expect("text");
            found.insert(name.expect("a name").to_owned(), text);
        }
    }
    found
}
