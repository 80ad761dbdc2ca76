//! Makes a large site for `scripts/bench`: tree of sparse files, database, configuration.
//!
//! Usage: `big-site FOLDER FILES MIRRORS [hashed | DISK]`. The paths have 105 bytes on average, as
//! in the pool of a large distribution; mirrors stand in 60 countries and have between 60 % and
//! 100 % of the files, missing ones in runs and single, so that 78 % of all pairs exist. With
//! `hashed` every mirror has every file, and every file its hashes. With a number, so many files,
//! from all over the tree, are on the disk; `paths.txt` lists the files on the disk.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use heliostat::db::catalogue::CatalogueWriter;
use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::hash::{self, Digests, HashRecord};
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{DbError, Writer, open_writer};
use heliostat::domain::file::{FileId, FileVersion};
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;
use heliostat::snapshot::refresh_table;
use roaring::RoaringBitmap;

/// Bytes of every file; more than min_size, so that every one is redirected.
const SIZE: u64 = 8192;

/// Files a directory.
const FILES_A_DIRECTORY: u64 = 250;

/// Time of change of every file.
const MTIME: i64 = 1_700_000_000;

const PLACES: [(&str, &str, f64, f64); 12] = [
    ("eu", "de fr nl gb se", 50.0, 8.0),
    ("eu", "it es pt ch at", 45.0, 9.0),
    ("eu", "cz pl hu ro bg", 49.0, 19.0),
    ("eu", "no fi dk ie be", 60.0, 10.0),
    ("eu", "ua ru gr rs lt", 50.0, 30.0),
    ("na", "us ca mx cr pa", 40.0, -95.0),
    ("sa", "br ar cl co ec", -20.0, -55.0),
    ("as", "jp cn kr tw sg", 34.0, 120.0),
    ("as", "in id th my vn", 15.0, 95.0),
    ("as", "il tr ir kz ge", 38.0, 45.0),
    ("oc", "au nz fj pg nc", -25.0, 140.0),
    ("af", "za ke ma ng eg", -10.0, 25.0),
];

fn path(number: u64) -> String {
    let directory = number / FILES_A_DIRECTORY;
    format!(
        "distribution/release-{:02}/repository/component-{:03}/lib-collection-{directory:06}/\
         lib-package-name-{number:08}_1.{}.deb",
        directory % 40,
        directory % 500,
        number % 97
    )
}

/// Returns all paths; of these, `disk` are made.
fn make_tree(folder: &Path, files: u64, disk: u64) -> std::io::Result<Vec<String>> {
    let mut paths: Vec<String> = (0..files).map(path).collect();
    paths.sort_unstable();
    let tree = folder.join("tree");
    let mut last = None;
    let step = (files / disk.max(1)).max(1);
    let made = || paths.iter().step_by(step as usize);
    for path in made() {
        let file = tree.join(path);
        let parent = file.parent().map(Path::to_owned);
        if parent != last {
            std::fs::create_dir_all(parent.as_deref().unwrap_or(&tree))?;
            last = parent;
        }
        let file = File::create(file)?;
        file.set_len(SIZE)?;
        let time = std::time::Duration::from_secs(MTIME as u64);
        file.set_modified(std::time::SystemTime::UNIX_EPOCH + time)?;
    }
    let mut list = BufWriter::new(File::create(folder.join("paths.txt"))?);
    for path in made() {
        writeln!(list, "/{path}")?;
    }
    list.flush()?;
    Ok(paths)
}

fn fill_catalogue(writer: &mut Writer, paths: &[String]) -> Result<(), DbError> {
    writer.transaction(|transaction| {
        let mut catalogue = CatalogueWriter::new(transaction)?;
        for path in paths {
            catalogue.insert(
                path.as_bytes(),
                FileVersion {
                    size: SIZE,
                    mtime: MTIME,
                },
            )?;
        }
        catalogue.finish()
    })
}

fn record(number: u64) -> MirrorRecord {
    let (region, countries, latitude, longitude) = PLACES[number as usize % PLACES.len()];
    let countries: Vec<&str> = countries.split_ascii_whitespace().collect();
    let country = countries[number as usize / PLACES.len() % countries.len()];
    let mut record = MirrorRecord::new(&format!("mirror{number}.{country}.example.org"));
    record.base_url = format!("http://mirror{number}.{country}.example.org/pub/dist/");
    (record.enabled, record.alive) = (true, true);
    (record.region, record.country) = (region.to_owned(), country.to_owned());
    record.score = [50, 100, 100, 100, 200, 400][number as usize % 6];
    record.asn = 64_500 + number as i64;
    record.latitude = Some(latitude + (number % 13) as f64 / 2.0);
    record.longitude = Some(longitude + (number % 17) as f64 / 2.0);
    record
}

fn holdings(files: u64, random: &mut fastrand::Rng) -> RoaringBitmap {
    // 5 % lost as single files, the rest of what is missing in whole subtrees.
    let share = 0.64 + 0.36 * random.f64();
    let mut bitmap = RoaringBitmap::new();
    let mut id = 1;
    while id <= files {
        let run = (random.u64(500..20_000)).min(files - id + 1);
        if random.f64() < share {
            let present = (id..id + run).filter(|_| random.f64() > 0.05);
            bitmap.extend(present.map(|id| id as u32));
        }
        id += run;
    }
    bitmap
}

/// Hashes of sixteen pieces; what they are makes no difference to who sends them.
fn fill_hashes(writer: &mut Writer, files: u64) -> Result<(), DbError> {
    let record = HashRecord {
        digests: Digests {
            md5: Some(vec![1; 16]),
            sha1: Some(vec![2; 20]),
            sha256: Some(vec![3; 32]),
            sha512: Some(vec![4; 64]),
            btih: Some(vec![5; 20]),
            ..Digests::default()
        },
        piece_size: SIZE as i64 / 16,
        sha1_pieces: Some(vec![6; 16 * 20]),
        ..HashRecord::default()
    };
    let version = FileVersion {
        size: SIZE,
        mtime: MTIME,
    };
    writer.transaction(|transaction| {
        (1..=files).try_for_each(|id| hash::store(transaction, FileId(id as u32), version, &record))
    })
}

fn fill_mirrors(
    writer: &mut Writer,
    files: u64,
    mirrors: u64,
    is_hashed: bool,
) -> Result<u64, DbError> {
    let mut random = fastrand::Rng::with_seed(42);
    let mut pairs = 0;
    for number in 1..=mirrors {
        let current = match is_hashed {
            true => RoaringBitmap::from_iter(1..=files as u32),
            false => holdings(files, &mut random),
        };
        pairs += current.len();
        let content = Content {
            current,
            outdated: RoaringBitmap::new(),
        };
        let origin = ContentOrigin {
            at: Timestamp(MTIME),
            by: "rsync".into(),
            unknown_files: 0,
        };
        writer.transaction(|transaction| {
            let id = mirror::insert(transaction, &record(number))?;
            content::publish(transaction, MirrorId(id.0), &content, &origin)
        })?;
    }
    Ok(pairs)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let (folder, files, mirrors, more) = match &arguments[..] {
        [_, folder, files, mirrors] => (folder, files, mirrors, None),
        [_, folder, files, mirrors, more] => (folder, files, mirrors, Some(more)),
        _ => return Err("usage: big-site FOLDER FILES MIRRORS [hashed | DISK]".into()),
    };
    let (folder, files, mirrors) = (Path::new(folder), files.parse()?, mirrors.parse()?);
    let is_hashed = more.is_some_and(|more| more == "hashed");
    let disk = match more {
        Some(count) if !is_hashed => count.parse()?,
        _ => files,
    };
    std::fs::create_dir_all(folder)?;
    let paths = make_tree(folder, files, disk)?;
    let config = "[fcgi]\nlisten = \"fcgi.sock\"\n[site.bench]\ntree = \"tree\"\n\
                  database = \"bench.sqlite\"\n";
    std::fs::write(folder.join("heliostat.toml"), config)?;
    let mut writer = open_writer(&folder.join("bench.sqlite"))?;
    fill_catalogue(&mut writer, &paths)?;
    let pairs = fill_mirrors(&mut writer, files, mirrors, is_hashed)?;
    if is_hashed {
        fill_hashes(&mut writer, files)?;
    }
    drop(writer);
    refresh_table(&folder.join("bench.sqlite"))?;
    let bytes: usize = paths.iter().map(String::len).sum();
    println!(
        "files={} path_bytes_mean={:.1} mirrors={mirrors} pairs={pairs} share={:.3}",
        paths.len(),
        bytes as f64 / files as f64,
        pairs as f64 / (files * mirrors) as f64
    );
    Ok(())
}
