//! One GeoIP file, in any layout.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use ipnet::IpNet;
use maxminddb::Reader;

use super::error::GeoIpError;
use super::field::{Record, RecordFacts};
use super::{file, tree};

/// Files up to this size are read through once when they are opened, so that a corrupt one is
/// known at once; for larger ones that would take seconds, and errors show at look-ups.
const VERIFIED_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Decoded records that are kept, 48 bytes each: many networks share a record, and decoding one
/// takes 1.5 µs.
const FACTS_MAX: usize = 1 << 16;

/// An open GeoIP file.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    reader: Reader<Vec<u8>>,
    /// By the record's offset in the file.
    facts: RwLock<HashMap<usize, RecordFacts>>,
    complained: AtomicBool,
}

impl Database {
    /// Opens and checks a file. Single records that are damaged are logged and count as unknown.
    ///
    /// # Errors
    /// [`GeoIpError`] when nothing of it can be used, or when `stops` says so.
    pub(super) fn open(path: &Path, stops: &dyn Fn() -> bool) -> Result<Database, GeoIpError> {
        let bytes = file::read(path)?;
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
            complained: AtomicBool::new(false),
        })
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the file knows of an address, with the network that the record is for.
    pub(super) fn find(&self, ip: IpAddr) -> Option<(RecordFacts, Option<IpNet>)> {
        if ip.is_ipv6() && self.reader.metadata().ip_version == 4 {
            return None;
        }
        let result = match self.reader.lookup(ip) {
            Ok(result) => result,
            Err(error) => {
                self.complain(&error.to_string());
                return None;
            }
        };
        let offset = result.offset()?;
        let facts = self.kept(offset).unwrap_or_else(|| {
            let damage = |damage: &String| self.complain(damage);
            let record = result.decode::<Record<'_>>();
            let record = record.map_err(|error| damage(&error.to_string()));
            let record = record.ok().flatten().unwrap_or_default();
            record.damage.as_ref().inspect(|text| damage(text));
            // What cannot be read is not tried again for each request.
            self.keep(offset, record.facts())
        });
        let network = result.network().ok();
        let network = network.and_then(|net| IpNet::new(net.ip(), net.prefix()).ok());
        facts.has_any().then_some((facts, network))
    }

    fn complain(&self, error: &str) {
        if !self.complained.swap(true, Ordering::Relaxed) {
            let path = self.path.display();
            log::error!("GeoIP file {path} has a damaged record, replace it: error=\"{error}\"");
        }
    }

    fn kept(&self, offset: usize) -> Option<RecordFacts> {
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
