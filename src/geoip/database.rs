//! Reads one GeoIP file of any layout.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use foldhash::HashMap;
use ipnet::IpNet;
use maxminddb::Reader;

use super::error::GeoIpError;
use super::field::{Record, RecordFacts};
use super::{file, tree};
use crate::domain::place::Asn;

/// Largest size in bytes of files that are read through when they are opened, so that damage is
/// known at once. For larger files that would take seconds; their damage shows at look-ups.
const VERIFIED_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Largest number of decoded records that are kept, 48 bytes each. Many networks share a record,
/// and decoding one takes 1.5 µs.
const FACTS_MAX: usize = 1 << 16;

/// An open GeoIP file.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    reader: Reader<Vec<u8>>,
    /// Decoded records by their offset in the file.
    facts: RwLock<HashMap<usize, RecordFacts>>,
    has_logged_damage: AtomicBool,
}

impl Database {
    /// Checks the bytes of a file. Single damaged records are logged and count as unknown.
    ///
    /// # Errors
    /// Returns [`GeoIpError`] if no part of the file can be used, or if `stops` asks to stop.
    pub(super) fn of(
        path: &Path,
        bytes: Vec<u8>,
        stops: &dyn Fn() -> bool,
    ) -> Result<Database, GeoIpError> {
        if bytes.len() <= VERIFIED_BYTES_MAX {
            let reader = Reader::from_source(&bytes[..]).map_err(GeoIpError::Format)?;
            let found = tree::verify(&bytes, &reader, stops)?;
            if let Some(damage) = found.damage {
                if found.damaged == found.records {
                    let records = found.records;
                    return Err(GeoIpError::Records { records, damage });
                }
                log::error!(
                    "GeoIP file {} has damaged records, the others are used; replace it: \
                     damaged={} records={} error=\"{damage}\"",
                    path.display(),
                    found.damaged,
                    found.records
                );
            }
        }
        Ok(Database {
            path: path.to_owned(),
            reader: Reader::from_source(bytes).map_err(GeoIpError::Format)?,
            facts: RwLock::default(),
            has_logged_damage: AtomicBool::new(false),
        })
    }

    /// Path of the file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// When the file was made, in seconds since 1970, as it says itself.
    pub(super) fn built_s(&self) -> u64 {
        self.reader.metadata().build_epoch
    }

    /// The facts that the file has about an address, and the network of the record.
    pub(super) fn find(&self, ip: IpAddr) -> Option<(RecordFacts, Option<IpNet>)> {
        if ip.is_ipv6() && self.reader.metadata().ip_version == 4 {
            return None;
        }
        let result = match self.reader.lookup(ip) {
            Ok(result) => result,
            Err(error) => {
                self.log_damage(&error.to_string());
                return None;
            }
        };
        let offset = result.offset()?;
        let facts = self.cached(offset).unwrap_or_else(|| {
            let damage = |damage: &String| self.log_damage(damage);
            let record = result.decode::<Record<'_>>();
            let record = record.map_err(|error| damage(&error.to_string()));
            let record = record.ok().flatten().unwrap_or_default();
            record.damage.as_ref().inspect(|text| damage(text));
            // Kept even if empty, so that a damaged record is not read again for each request.
            self.keep(offset, record.facts())
        });
        let network = result.network().ok();
        let network = network.and_then(|net| IpNet::new(net.ip(), net.prefix()).ok());
        facts.has_any().then_some((facts, network))
    }

    /// All networks of an AS, in order.
    ///
    /// # Errors
    /// Returns [`GeoIpError`] if the file cannot be read again, or is damaged.
    pub(super) fn networks_of(&self, asn: Asn) -> Result<Vec<IpNet>, GeoIpError> {
        let bytes = file::read(&self.path)?;
        let reader = Reader::from_source(&bytes[..]).map_err(GeoIpError::Format)?;
        let is_of = |facts: &RecordFacts| facts.place.asn == Some(asn);
        tree::networks(&bytes, &reader, is_of)
    }

    fn log_damage(&self, error: &str) {
        if !self.has_logged_damage.swap(true, Ordering::Relaxed) {
            let path = self.path.display();
            log::error!("GeoIP file {path} has a damaged record, replace it: error=\"{error}\"");
        }
    }

    fn cached(&self, offset: usize) -> Option<RecordFacts> {
        let facts = self.facts.read().unwrap_or_else(PoisonError::into_inner);
        facts.get(&offset).copied()
    }

    fn keep(&self, offset: usize, found: RecordFacts) -> RecordFacts {
        let mut facts = self.facts.write().unwrap_or_else(PoisonError::into_inner);
        if facts.len() >= FACTS_MAX {
            facts.clear();
        }
        facts.insert(offset, found);
        found
    }
}
