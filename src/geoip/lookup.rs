//! Looks an address up in several GeoIP files, one after the other.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ipnet::IpNet;

use super::error::GeoIpError;
use super::field::PlaceFact;
use super::place_file::PlaceFile;
use crate::domain::order::ShortList;
use crate::domain::place::{Asn, Place};

/// Time until a file is opened again that could not be read for a passing reason: reading a large
/// one takes seconds.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// The open files of a site.
#[derive(Debug, Default)]
pub struct GeoIp {
    /// The files that can be used, in order, tables of networks first.
    databases: Vec<Arc<PlaceFile>>,
    files: Vec<GeoFile>,
}

/// A configured file.
#[derive(Debug)]
struct GeoFile {
    path: PathBuf,
    stamp: Option<GeoFileStamp>,
    /// The open file; one that cannot be read anew stays open.
    database: Option<Arc<PlaceFile>>,
    problem: Option<GeoFileProblem>,
}

/// The reason why a file could not be opened.
#[derive(Debug)]
struct GeoFileProblem {
    text: String,
    /// When to try again; `None`: when the file changes.
    retry_at: Option<Instant>,
}

/// Values by which a replaced file differs from the open one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct GeoFileStamp {
    modified: Option<SystemTime>,
    size: u64,
    inode: u64,
}

/// Looks at a file; `None`: there is none.
fn stamp(path: &Path) -> io::Result<Option<GeoFileStamp>> {
    use std::os::unix::fs::MetadataExt;
    match std::fs::metadata(path) {
        Ok(file) => Ok(Some(GeoFileStamp {
            modified: file.modified().ok(),
            size: file.len(),
            inode: file.ino(),
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The facts about an address.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AddressPlace {
    /// Country, continent, coordinates and AS, as far as any file has them.
    pub place: Place,
    /// The network in the file that has the AS, or in the first file that has any fact.
    pub network: Option<IpNet>,
    origins: [Option<FactField>; 4],
    network_file: Option<u8>,
}

/// The file with a fact, by its index in the list, and the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FactField {
    file: u8,
    field: u8,
}

/// The origin of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactOrigin<'g> {
    /// The fact.
    pub fact: PlaceFact,
    /// The file that has it.
    pub file: &'g Path,
    /// Name of the field: `country.iso_code`. A continent may follow from the field's country.
    pub field: &'static str,
}

impl GeoIp {
    /// Opens the files; one that cannot be used is logged and left out.
    pub fn open(paths: &[PathBuf]) -> GeoIp {
        GeoIp::open_unless(paths, &|| false)
    }

    /// Like [`GeoIp::open`], for a program that may have to end: no more files are read once
    /// `stops` returns true.
    pub fn open_unless(paths: &[PathBuf], stops: &dyn Fn() -> bool) -> GeoIp {
        GeoIp::default().reopen(paths, stops)
    }

    /// Opens the files that changed, and those that could not be read for a passing reason; the
    /// others stay open. A problem is logged when it is new.
    #[must_use]
    pub fn reopen(&self, paths: &[PathBuf], stops: &dyn Fn() -> bool) -> GeoIp {
        self.reopen_by(paths, &|path| PlaceFile::open(path, stops))
    }

    fn reopen_by(
        &self,
        paths: &[PathBuf],
        open: &dyn Fn(&Path) -> Result<PlaceFile, GeoIpError>,
    ) -> GeoIp {
        let mut geoip = GeoIp::default();
        for path in paths {
            let before = self.files.iter().find(|file| file.path == *path);
            match GeoFile::open(path, before, open) {
                Some(file) => geoip.files.push(file),
                None => break,
            }
        }
        let open = geoip.files.iter().filter_map(|file| file.database.clone());
        geoip.databases = open.collect();
        geoip
            .databases
            .order_by_key(|database| !database.is_first());
        geoip
    }

    /// All networks of an AS, in order, from the first file that knows any. The files are read
    /// again, which takes a second for a large one.
    pub fn networks_of(&self, asn: Asn) -> Vec<IpNet> {
        for database in &self.databases {
            match database.networks_of(asn) {
                Ok(networks) if networks.is_empty() => {}
                Ok(networks) => return networks,
                Err(error) => {
                    let path = database.path().display();
                    log::error!("GeoIP file {path} cannot be searched: {error}");
                }
            }
        }
        Vec::new()
    }

    /// Whether a file was replaced since it was opened, or has to be tried again. A look that fails
    /// says nothing about the file, so the open one stays.
    pub fn is_outdated(&self) -> bool {
        let now = Instant::now();
        self.files.iter().any(|file| file.is_outdated(now))
    }

    /// Whether the same files are open, with the same problems.
    pub fn is_like(&self, other: &GeoIp) -> bool {
        let are_open = self.databases.iter().zip(&other.databases);
        self.databases.len() == other.databases.len()
            && are_open.into_iter().all(|(one, two)| Arc::ptr_eq(one, two))
            && self.problems().eq(other.problems())
    }

    /// The files that cannot be used, or cannot be read anew, each with its reason and remedy.
    pub fn problems(&self) -> impl Iterator<Item = &str> {
        let problems = self.files.iter().filter_map(|file| file.problem.as_ref());
        problems.map(|problem| problem.text.as_str())
    }

    /// When the files that are open were made, in seconds since 1970, as they say themselves.
    pub fn built_s(&self) -> impl Iterator<Item = (&Path, u64)> {
        let files = self.databases.iter();
        files.map(|database| (database.path(), database.built_s()))
    }

    /// When the tables of networks that are open were made, in seconds since 1970.
    pub fn tables_made_s(&self) -> impl Iterator<Item = u64> {
        let tables = self.databases.iter().filter(|file| file.is_first());
        tables.map(|table| table.built_s())
    }

    /// Returns the facts about an address; each fact comes from the first file that has it.
    pub fn find(&self, ip: IpAddr) -> AddressPlace {
        // The IPv4 client of a dual-stack socket has an address `::ffff:a.b.c.d`.
        let ip = ip.to_canonical();
        let mut located = AddressPlace::default();
        for (file, database) in (0..=u8::MAX).zip(&self.databases) {
            let Some((found, network)) = database.find(ip) else {
                continue;
            };
            let place = &mut located.place;
            let mut told = [false; 4];
            if located.network_file.is_none() || (place.asn.is_none() && found.place.asn.is_some())
            {
                (located.network, located.network_file) = (network, Some(file));
            }
            // Country and continent come from the same file, because files may disagree about a
            // network.
            if place.country.is_none() && place.region.is_none() {
                (place.country, place.region) = (found.place.country, found.place.region);
                (told[0], told[1]) = (place.country.is_some(), place.region.is_some());
            }
            if place.coordinates.is_none() {
                place.coordinates = found.place.coordinates;
                told[2] = place.coordinates.is_some();
            }
            if place.asn.is_none() {
                place.asn = found.place.asn;
                told[3] = place.asn.is_some();
            }
            for (fact, _) in told.into_iter().enumerate().filter(|(_, told)| *told) {
                let field = found.fields[fact];
                located.origins[fact] = Some(FactField { file, field });
            }
        }
        located
    }

    /// The label of an address's network, from the first table that has one.
    pub fn label_of(&self, ip: IpAddr) -> Option<&str> {
        let ip = ip.to_canonical();
        self.databases.iter().find_map(|file| file.label_of(ip))
    }

    /// The file and field from which each fact comes.
    pub fn origins(&self, located: &AddressPlace) -> Vec<FactOrigin<'_>> {
        let known = PlaceFact::ALL.into_iter().zip(located.origins);
        let origins = known.filter_map(|(fact, origin)| {
            let origin = origin?;
            Some(FactOrigin {
                fact,
                file: self.databases.get(usize::from(origin.file))?.path(),
                field: fact.field(origin.field),
            })
        });
        origins.collect()
    }
}

impl GeoFile {
    /// Opens a file, or keeps the one that was open `before`. `None` if the program ends.
    fn open(
        path: &Path,
        before: Option<&GeoFile>,
        open: &dyn Fn(&Path) -> Result<PlaceFile, GeoIpError>,
    ) -> Option<GeoFile> {
        // The stamp is taken first, so that a file that is replaced during the reading is opened
        // again.
        let stamp = stamp(path).unwrap_or_default();
        let opened = before.and_then(|before| before.database.as_ref());
        let had_problem = before.and_then(|before| before.problem.as_ref());
        let mut file = GeoFile {
            path: path.to_owned(),
            stamp,
            database: None,
            problem: None,
        };
        if let (Some(database), Some(before), None) = (opened, before, had_problem)
            && stamp.is_some()
            && before.stamp == stamp
        {
            file.database = Some(Arc::clone(database));
            return Some(file);
        }
        match open(path) {
            Ok(database) => {
                if before.is_some() {
                    log::info!("GeoIP file {} was opened anew", path.display());
                }
                file.database = Some(Arc::new(database));
            }
            Err(GeoIpError::Stopped) => return None,
            Err(error) => {
                // While a table is written over, its first bytes may not be there yet.
                let is_cut = !matches!(error, GeoIpError::Read(_));
                let kept =
                    opened.filter(|former| error.keeps_former() || former.is_first() && is_cut);
                let problem = GeoFileProblem::new(path, &error, kept.is_some());
                if had_problem.is_none_or(|had| had.text != problem.text) {
                    log::error!("{}", problem.text);
                }
                file.database = kept.cloned();
                file.problem = Some(problem);
            }
        }
        Some(file)
    }

    fn is_outdated(&self, now: Instant) -> bool {
        let retry_at = self.problem.as_ref().and_then(|problem| problem.retry_at);
        retry_at.is_some_and(|at| now >= at) || stamp(&self.path).is_ok_and(|now| now != self.stamp)
    }
}

impl GeoFileProblem {
    fn new(path: &Path, error: &GeoIpError, is_kept: bool) -> GeoFileProblem {
        let path = path.display();
        let consequence = match is_kept {
            true => "the version read before stays in use",
            false => "clients are located without it",
        };
        let remedy = match error.is_passing() {
            true => "it is tried again every 10 s; let this user read it",
            false => "replace it or take it out of `geoip`",
        };
        GeoFileProblem {
            text: format!(
                "GeoIP file {path} cannot be used, {consequence}; {remedy}: error=\"{error}\""
            ),
            retry_at: error.is_passing().then(|| Instant::now() + RETRY_AFTER),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn a_look_that_fails_says_nothing_about_the_file() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.mmdb");
        std::fs::write(&path, b"x").expect("a file");
        let geoip = GeoIp::open(std::slice::from_ref(&path));
        assert!(!geoip.is_outdated());
        std::fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink("a.mmdb", &path).expect("a link to itself");
        assert!(!geoip.is_outdated(), "no answer");
        std::fs::remove_file(&path).expect("removed");
        assert!(geoip.is_outdated(), "no file");
    }

    /// An empty, valid database: a tree of one node without records.
    fn empty_database() -> Vec<u8> {
        let mut bytes = vec![0, 0, 1, 0, 0, 1];
        bytes.extend([0; 16]);
        bytes.extend(b"\xab\xcd\xefMaxMind.com");
        bytes.push(0xe9);
        let mut field = |name: &str, value: &[u8]| {
            bytes.push(0x40 + name.len() as u8);
            bytes.extend(name.bytes());
            bytes.extend(value);
        };
        field("node_count", &[0xc1, 1]);
        field("record_size", &[0xa1, 24]);
        field("ip_version", &[0xa1, 6]);
        field("database_type", b"\x41x");
        field("binary_format_major_version", &[0xa1, 2]);
        field("binary_format_minor_version", &[0xa0]);
        field("build_epoch", &[0x00, 0x02]);
        field("description", &[0xe0]);
        field("languages", &[0x00, 0x04]);
        bytes
    }

    #[test]
    fn a_passing_error_leaves_no_file_out_for_good() {
        let folder = tempfile::tempdir().expect("folder");
        let paths = [folder.path().join("a.mmdb")];
        std::fs::write(&paths[0], empty_database()).expect("a file");
        let good = |path: &Path| PlaceFile::open(path, &|| false);
        let later = Instant::now() + 2 * RETRY_AFTER;
        for code in [Errno::MFILE, Errno::IO, Errno::ACCESS, Errno::NOMEM] {
            let fails = |_: &Path| Err(GeoIpError::Read(code.into()));
            let failed = GeoIp::default().reopen_by(&paths, &fails);
            assert!(failed.databases.is_empty());
            assert_eq!(failed.problems().count(), 1, "{code}");
            assert!(!failed.is_outdated(), "{code}: not at once");
            assert!(failed.files[0].is_outdated(later), "{code}");
            assert!(failed.is_like(&failed.reopen_by(&paths, &fails)), "{code}");
            let opened = failed.reopen_by(&paths, &good);
            assert_eq!(opened.databases.len(), 1, "{code}");
            assert!(!opened.is_like(&failed), "{code}");
            assert_eq!(opened.problems().count(), 0, "{code}");
            assert!(!opened.files[0].is_outdated(later), "{code}");
            // Unchanged files are not read again; changed ones stay until they can be read.
            assert_eq!(opened.reopen_by(&paths, &fails).problems().count(), 0);
            std::fs::write(&paths[0], [empty_database(), vec![0]].concat()).expect("a file");
            let kept = opened.reopen_by(&paths, &fails);
            assert_eq!(kept.databases.len(), 1, "{code}");
            assert_eq!(kept.problems().count(), 1, "{code}");
            std::fs::write(&paths[0], empty_database()).expect("a file");
        }
        std::fs::write(&paths[0], b"x").expect("a damaged file");
        let damaged = GeoIp::open(&paths);
        assert_eq!(damaged.problems().count(), 1);
        assert!(
            !damaged.files[0].is_outdated(later),
            "it has to be replaced"
        );
    }
}
