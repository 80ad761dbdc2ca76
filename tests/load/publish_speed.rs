//! How long publishing one mirror's scan takes, and what it writes.
//!
//! Usage: `publish-speed FILES`. A catalogue of that many files, a mirror that has 90 % of them,
//! and scans between each of which 1 % of all files, single ones at random, came or went.

use std::path::Path;
use std::time::{Duration, Instant};

use heliostat::db::catalogue::CatalogueWriter;
use heliostat::db::content::Content;
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{DbError, Writer, open_writer};
use heliostat::domain::file::FileVersion;
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;
use heliostat::scan::{
    JudgementLimits, KnownFiles, Listing, Observations, Protocol, PublishOptions, ScanSpan,
    conclude,
};
use roaring::RoaringBitmap;

type Failure = Box<dyn std::error::Error>;

const ROUNDS: usize = 11;

fn fill(writer: &mut Writer, files: u32) -> Result<MirrorId, DbError> {
    let version = FileVersion { size: 1, mtime: 1 };
    writer.transaction(|transaction| {
        let mut catalogue = CatalogueWriter::new(transaction)?;
        for number in 0..files {
            let directory = number / 250;
            let path = format!(
                "distribution/release-40/repository/lib-collection-{directory:06}/\
                 lib-package-name-with-its-length-{number:08}_1.2.deb"
            );
            catalogue.insert(path.as_bytes(), version)?;
        }
        catalogue.finish()?;
        mirror::insert(transaction, &MirrorRecord::new("m"))
    })
}

/// Empties the WAL, so that its length afterwards is what was written.
fn wal_bytes(database: &Path, empty: bool) -> Result<u64, Failure> {
    if empty {
        let sqlite = rusqlite::Connection::open(database)?;
        sqlite.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    let mut wal = database.as_os_str().to_owned();
    wal.push("-wal");
    Ok(std::fs::metadata(wal)?.len())
}

/// One scan's end: how long it took and how much it wrote.
fn publish(
    writer: &mut Writer,
    known: &KnownFiles,
    mirror: &MirrorRecord,
    current: &RoaringBitmap,
) -> Result<(Duration, u64), Failure> {
    let rules = PublishOptions {
        known,
        tree_generation: 1,
        scope: None,
        directories: 0,
        limits: JudgementLimits {
            vanished_share_max: 0.3,
            force: false,
        },
        enable: false,
        allowed: 0,
        coverage_min: 0.5,
    };
    let seen = Observations {
        content: Content {
            current: current.clone(),
            outdated: RoaringBitmap::new(),
        },
        files: current.len(),
        ..Observations::default()
    };
    let at = Timestamp(0);
    let database = writer.path().to_owned();
    let before = wal_bytes(&database, true)?;
    let start = Instant::now();
    let span = ScanSpan {
        mirror,
        began: at,
        ended: at,
        took: Duration::from_secs(9),
    };
    let listing = Listing::new(Protocol::Rsync, seen);
    let done = conclude(writer, rules, span, &listing)?.ok_or("the mirror is gone")?;
    let took = start.elapsed();
    let wrote = wal_bytes(&database, false)? - before;
    println!(
        "files={} vanished={} took_ms={:.1} wal_bytes={wrote}",
        done.counts.files,
        done.counts.vanished,
        took.as_secs_f64() * 1000.0
    );
    Ok((took, wrote))
}

fn main() -> Result<(), Failure> {
    let files = std::env::args().nth(1);
    let files: u32 = files.ok_or("usage: publish-speed FILES")?.parse()?;
    let folder = tempfile::tempdir()?;
    let mut writer = open_writer(&folder.path().join("publish.sqlite"))?;
    let mirror = MirrorRecord {
        id: fill(&mut writer, files)?,
        ..MirrorRecord::new("m")
    };
    let known = KnownFiles::load(&writer, 1)?;
    let mut random = fastrand::Rng::with_seed(7);
    let mut current: RoaringBitmap = (1..=files).filter(|_| random.f64() < 0.9).collect();
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let measured = publish(&mut writer, &known, &mirror, &current)?;
        // The first ones have no previous generation to move.
        if round > 1 {
            rounds.push(measured);
        }
        for _ in 0..files / 100 {
            let id = random.u32(1..=files);
            if !current.remove(id) {
                current.insert(id);
            }
        }
    }
    rounds.sort_unstable();
    let most = rounds.iter().map(|(_, wrote)| *wrote).max().unwrap_or(0);
    println!(
        "files={files} publish_ms_median={:.1} publish_ms_max={:.1} wal_bytes_max={most}",
        rounds[rounds.len() / 2].0.as_secs_f64() * 1000.0,
        rounds[rounds.len() - 1].0.as_secs_f64() * 1000.0
    );
    Ok(())
}
