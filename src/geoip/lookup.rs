//! Looks an address up in several GeoIP files, one after the other.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ipnet::IpNet;

use super::database::Database;
use super::error::GeoIpError;
use super::field::PlaceFact;
use crate::domain::place::Place;

/// The open files of a site.
#[derive(Debug, Default)]
pub struct GeoIp {
    databases: Vec<Database>,
    files: Vec<(PathBuf, Option<GeoFileStamp>)>,
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
        let mut geoip = GeoIp::default();
        for path in paths {
            // The stamp is taken first, so that a file that is replaced during the reading is
            // opened again.
            let seen = stamp(path).unwrap_or_default();
            geoip.files.push((path.clone(), seen));
            match Database::open(path, stops) {
                Ok(database) => geoip.databases.push(database),
                Err(GeoIpError::Stopped) => return geoip,
                Err(error) => log::error!(
                    "GeoIP file {} cannot be used, clients are located without it; replace it or \
                     take it out of `geoip`: error=\"{error}\"",
                    path.display()
                ),
            }
        }
        geoip
    }

    /// Whether a file was replaced since it was opened. A look that fails says nothing about the
    /// file, so the open one stays.
    pub fn is_outdated(&self) -> bool {
        let mut files = self.files.iter();
        files.any(|(path, seen)| stamp(path).is_ok_and(|now| now != *seen))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_fails_says_nothing_about_the_file() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.mmdb");
        std::fs::write(&path, b"x").expect("a file");
        let mut geoip = GeoIp::default();
        let seen = stamp(&path).expect("an answer");
        geoip.files.push((path.clone(), seen));
        assert!(!geoip.is_outdated());
        std::fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink("a.mmdb", &path).expect("a link to itself");
        assert!(!geoip.is_outdated(), "no answer");
        std::fs::remove_file(&path).expect("removed");
        assert!(geoip.is_outdated(), "no file");
    }
}
