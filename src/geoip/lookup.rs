//! Several GeoIP files asked one after the other.

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

/// What tells a replaced file from the one that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct GeoFileStamp {
    modified: Option<SystemTime>,
    size: u64,
    inode: u64,
}

fn stamp(path: &std::path::Path) -> Option<GeoFileStamp> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(path).ok()?;
    Some(GeoFileStamp {
        modified: file.modified().ok(),
        size: file.len(),
        inode: file.ino(),
    })
}

/// Where an address is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AddressPlace {
    /// Country, continent, coordinates, AS, as far as any file knows.
    pub place: Place,
    /// The network of the file that knows the AS, or of the first that knows anything.
    pub network: Option<IpNet>,
    tellers: [Option<TellingFile>; 4],
    network_teller: Option<u8>,
}

/// Which file tells a fact, by its place in the list, and which of its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TellingFile {
    file: u8,
    field: u8,
}

/// Who told a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactOrigin<'g> {
    /// The fact.
    pub fact: PlaceFact,
    /// The file.
    pub file: &'g Path,
    /// Its field: `country.iso_code`. A continent may be that of the field's country.
    pub field: &'static str,
}

impl GeoIp {
    /// Opens the files; one that cannot be used is logged and left out.
    pub fn open(paths: &[PathBuf]) -> GeoIp {
        GeoIp::open_unless(paths, &|| false)
    }

    /// The same for a program that may have to end meanwhile: when `stops` says so, no more files
    /// are read.
    pub fn open_unless(paths: &[PathBuf], stops: &dyn Fn() -> bool) -> GeoIp {
        let mut geoip = GeoIp::default();
        for path in paths {
            // The stamp is taken first: a file that is replaced meanwhile is opened again.
            geoip.files.push((path.clone(), stamp(path)));
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

    /// Whether a file was replaced since it was opened.
    pub fn is_outdated(&self) -> bool {
        self.files.iter().any(|(path, seen)| stamp(path) != *seen)
    }

    /// Where an address is; for each fact the first file that knows it is believed.
    pub fn find(&self, ip: IpAddr) -> AddressPlace {
        // An IPv4 client of a dual-stack socket comes as ::ffff:a.b.c.d.
        let ip = ip.to_canonical();
        let mut located = AddressPlace::default();
        for (file, database) in (0..=u8::MAX).zip(&self.databases) {
            let Some((found, network)) = database.find(ip) else {
                continue;
            };
            let place = &mut located.place;
            let mut told = [false; 4];
            if located.network_teller.is_none()
                || (place.asn.is_none() && found.place.asn.is_some())
            {
                (located.network, located.network_teller) = (network, Some(file));
            }
            // Country and continent belong together: files may disagree on a network.
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
                located.tellers[fact] = Some(TellingFile { file, field });
            }
        }
        located
    }

    /// Which file and field told each fact.
    pub fn told(&self, located: &AddressPlace) -> Vec<FactOrigin<'_>> {
        let told = PlaceFact::ALL.into_iter().zip(located.tellers);
        let told = told.filter_map(|(fact, teller)| {
            let teller = teller?;
            Some(FactOrigin {
                fact,
                file: self.databases.get(usize::from(teller.file))?.path(),
                field: fact.field(teller.field),
            })
        });
        told.collect()
    }
}
