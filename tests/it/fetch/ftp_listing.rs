//! Listings of real FTP servers, and of those that cannot be run here, with what they say.
//!
//! `tests/fixtures/ftp/` holds what LIST (`.list`) and MLSD (`.mlsd`) gave of one directory, and
//! beside it `.expected`: one entry per line. `UPDATE_GOLDEN=1` rewrites what is expected.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use heliostat::domain::listing::{
    FtpEntry, FtpLine, ListedFile, ListedSize, day_order, parse_list, parse_mlsd,
};
use heliostat::domain::time::Timestamp;

/// When the listings were made: 2026-11-22 21:00:20 UTC.
const NOW: Timestamp = Timestamp(1_795_381_220);

fn listings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ftp");
    let files = std::fs::read_dir(folder).expect("the fixtures");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    let (expected, listings): (Vec<PathBuf>, Vec<PathBuf>) = files
        .into_iter()
        .partition(|file| file.extension().is_some_and(|end| end == "expected"));
    for file in expected {
        assert!(
            listings.contains(&file.with_extension("")),
            "{}",
            file.display()
        );
    }
    listings
}

fn describe(entry: FtpEntry) -> String {
    let FtpEntry::File(ListedFile { size, time }) = entry else {
        return format!("{entry:?}").to_lowercase();
    };
    let size = match size {
        ListedSize::Exact(bytes) => bytes.to_string(),
        other => format!("{other:?}"),
    };
    let time = time.map_or_else(String::new, |time| {
        let zone = if time.is_utc { "UTC" } else { "?" };
        format!("{} /{} s {zone}", Timestamp(time.seconds), time.step_s)
    });
    format!("{size} {time}")
}

fn read(listing: &Path) -> String {
    let bytes = std::fs::read(listing).expect("a listing");
    let is_mlsd = listing.extension().is_some_and(|end| end == "mlsd");
    let mut out = String::new();
    let order = bytes.split(|&byte| byte == b'\n').find_map(day_order);
    for line in bytes.split(|&byte| byte == b'\n') {
        let parsed = if is_mlsd {
            parse_mlsd(line)
        } else {
            parse_list(line, order, NOW)
        };
        match parsed {
            FtpLine::Entry(entry, name) => {
                writeln!(out, "'{}' {}", name.escape_ascii(), describe(entry)).expect("memory");
            }
            FtpLine::Here => writeln!(out, "(here)").expect("memory"),
            FtpLine::Nothing => {}
            odd => panic!("{}: {odd:?} {}", listing.display(), line.escape_ascii()),
        }
    }
    out
}

#[test]
fn every_ftp_listing_has_its_entries() {
    let listings = listings();
    assert!(listings.len() >= 7, "{}", listings.len());
    let mut wrong = String::new();
    for listing in listings {
        let found = read(&listing);
        let expected_file = PathBuf::from(format!("{}.expected", listing.display()));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&expected_file, &found).expect("it can be written");
        }
        let expected = std::fs::read_to_string(&expected_file).unwrap_or_default();
        if found != expected {
            write!(wrong, "{}:\n{found}\n", listing.display()).expect("memory");
        }
    }
    assert!(wrong.is_empty(), "not as expected:\n{wrong}");
}
