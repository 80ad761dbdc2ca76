//! Several GeoIP files asked one after the other.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use ipnet::IpNet;

use super::database::Database;
use crate::domain::place::Place;

/// The open files of a site.
#[derive(Debug, Default)]
pub struct GeoIp {
    databases: Vec<Database>,
    files: Vec<(PathBuf, Option<Stamp>)>,
}

/// What tells a replaced file from the one that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    inode: u64,
}

fn stamp(path: &std::path::Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(path).ok()?;
    Some(Stamp {
        modified: file.modified().ok(),
        size: file.len(),
        inode: file.ino(),
    })
}

/// Where an address is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Located {
    /// Country, continent, coordinates, AS, as far as any file knows.
    pub place: Place,
    /// The network of the file that knows the AS, or of the first that knows anything.
    pub network: Option<IpNet>,
}

impl GeoIp {
    /// Opens the files; one that cannot be used is logged and left out.
    pub fn open(paths: &[PathBuf]) -> GeoIp {
        let mut geoip = GeoIp::default();
        for path in paths {
            // The stamp is taken first: a file that is replaced meanwhile is opened again.
            geoip.files.push((path.clone(), stamp(path)));
            match Database::open(path) {
                Ok(database) => geoip.databases.push(database),
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
    pub fn find(&self, ip: IpAddr) -> Located {
        // An IPv4 client of a dual-stack socket comes as ::ffff:a.b.c.d.
        let ip = ip.to_canonical();
        let mut located = Located::default();
        for database in &self.databases {
            let Some((found, network)) = database.find(ip) else {
                continue;
            };
            if located.network.is_none() || (located.place.asn.is_none() && found.asn.is_some()) {
                located.network = network;
            }
            let place = &mut located.place;
            // Country and continent belong together: files may disagree on a network.
            if place.country.is_none() && place.region.is_none() {
                (place.country, place.region) = (found.country, found.region);
            }
            place.coordinates = place.coordinates.or(found.coordinates);
            place.asn = place.asn.or(found.asn);
        }
        located
    }
}
