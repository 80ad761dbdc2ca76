//! One GeoIP file, in either layout.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use maxminddb::Reader;
use serde::Deserialize;

use super::continent::continent_of;
use crate::domain::place::{Asn, Coordinates, CountryCode, Place, RegionCode};

/// Files up to this size are read through once when they are opened, so that a corrupt one is
/// known at once; for larger ones that would take seconds, and errors show at look-ups.
const VERIFIED_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Decoded records that are kept, 40 bytes each: many networks share a record, and decoding one
/// takes 1.5 µs.
const PLACES_MAX: usize = 1 << 16;

/// An open GeoIP file.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    reader: Reader<Vec<u8>>,
    /// By the record's offset in the file.
    places: RwLock<HashMap<usize, Place>>,
    complained: AtomicBool,
}

/// The facts of one record, of whichever layout it has.
#[derive(Deserialize, Default)]
struct Record<'a> {
    #[serde(borrow, default)]
    country: Option<Country<'a>>,
    #[serde(borrow, default)]
    registered_country: Option<Country<'a>>,
    #[serde(borrow, default)]
    continent: Option<Continent<'a>>,
    #[serde(default)]
    location: Option<Location>,
    #[serde(default)]
    autonomous_system_number: Option<Number<'a>>,
    // The flat layout.
    #[serde(borrow, default)]
    country_code: Option<&'a str>,
    #[serde(borrow, default)]
    continent_code: Option<&'a str>,
    #[serde(default)]
    latitude: Option<Number<'a>>,
    #[serde(default)]
    longitude: Option<Number<'a>>,
    #[serde(default)]
    asn: Option<Number<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Country<'a> {
    Map {
        #[serde(borrow, default)]
        iso_code: Option<&'a str>,
    },
    #[serde(borrow)]
    Code(&'a str),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Continent<'a> {
    Map {
        #[serde(borrow, default)]
        code: Option<&'a str>,
    },
    #[serde(borrow)]
    Code(&'a str),
}

#[derive(Deserialize)]
struct Location {
    #[serde(default)]
    latitude: Option<f64>,
    #[serde(default)]
    longitude: Option<f64>,
}

/// Flat files have numbers as numbers or as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number<'a> {
    Integer(u64),
    Float(f64),
    #[serde(borrow)]
    Text(&'a str),
}

impl Number<'_> {
    fn float(&self) -> Option<f64> {
        match self {
            Number::Integer(number) => Some(*number as f64),
            Number::Float(number) => Some(*number),
            Number::Text(text) => text.parse().ok(),
        }
    }

    fn asn(&self) -> Option<Asn> {
        match self {
            Number::Integer(number) => u32::try_from(*number).ok().and_then(Asn::new),
            Number::Float(_) => None,
            Number::Text(text) => text.parse().ok(),
        }
    }
}

fn code<'a>(country: &'a Option<Country<'a>>) -> Option<&'a str> {
    match country {
        Some(Country::Map { iso_code }) => *iso_code,
        Some(Country::Code(code)) => Some(code),
        None => None,
    }
}

impl Record<'_> {
    fn place(&self) -> Place {
        let country = code(&self.country)
            .or(self.country_code)
            .or_else(|| code(&self.registered_country))
            .and_then(|code| CountryCode::parse(code.as_bytes()));
        let continent = match &self.continent {
            Some(Continent::Map { code }) => *code,
            Some(Continent::Code(code)) => Some(*code),
            None => self.continent_code,
        };
        let region = continent
            .and_then(|code| RegionCode::parse(code.as_bytes()))
            .or_else(|| country.and_then(continent_of));
        let flat = || {
            self.latitude
                .as_ref()?
                .float()
                .zip(self.longitude.as_ref()?.float())
        };
        let nested = self
            .location
            .as_ref()
            .and_then(|l| l.latitude.zip(l.longitude));
        let asn = self.autonomous_system_number.as_ref().or(self.asn.as_ref());
        Place {
            country,
            region,
            coordinates: nested
                .or_else(flat)
                .and_then(|(latitude, longitude)| Coordinates::known(latitude, longitude)),
            asn: asn.and_then(Number::asn),
        }
    }
}

impl Database {
    /// Opens and checks a file.
    pub(super) fn open(path: &Path) -> Result<Database, maxminddb::MaxMindDbError> {
        let reader = Reader::open_readfile(path)?;
        if std::fs::metadata(path).is_ok_and(|file| file.len() <= VERIFIED_BYTES_MAX) {
            walk(&reader)?;
        }
        Ok(Database {
            path: path.to_owned(),
            reader,
            places: RwLock::default(),
            complained: AtomicBool::new(false),
        })
    }

    /// What the file knows of an address, with the network that the record is for.
    pub(super) fn find(&self, ip: IpAddr) -> Option<(Place, Option<ipnet::IpNet>)> {
        if ip.is_ipv6() && self.reader.metadata().ip_version == 4 {
            return None;
        }
        let complain = |error| {
            if !self.complained.swap(true, Ordering::Relaxed) {
                let path = self.path.display();
                log::error!(
                    "GeoIP file {path} has a damaged record, replace it: error=\"{error}\""
                );
            }
        };
        let result = self.reader.lookup(ip).map_err(complain).ok()?;
        let offset = result.offset()?;
        let place = self.kept(offset).or_else(|| {
            let record: Record<'_> = result.decode().map_err(complain).ok()??;
            Some(self.keep(offset, record.place()))
        })?;
        let network = result.network().ok();
        let network = network.and_then(|net| ipnet::IpNet::new(net.ip(), net.prefix()).ok());
        Some((place, network))
    }

    fn kept(&self, offset: usize) -> Option<Place> {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        places.get(&offset).copied()
    }

    fn keep(&self, offset: usize, place: Place) -> Place {
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= PLACES_MAX {
            places.clear();
        }
        places.insert(offset, place);
        place
    }
}

/// Reads every record once. The crate's own `verify` is stricter than useful: it refuses files
/// whose metadata has no description.
fn walk(reader: &Reader<Vec<u8>>) -> Result<(), maxminddb::MaxMindDbError> {
    for record in reader.networks(Default::default())? {
        record?.decode::<Record<'_>>()?;
    }
    Ok(())
}
