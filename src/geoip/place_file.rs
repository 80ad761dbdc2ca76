//! Opens a file of either kind, as its first bytes tell: a GeoIP database or a table of networks.

use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;

use super::database::Database;
use super::error::GeoIpError;
use super::field::RecordFacts;
use super::file;
use super::network_file::NetworkFile;
use crate::domain::place::Asn;
use crate::domain::topology::TABLE_MAGIC;

/// An open file that knows facts about addresses.
#[derive(Debug)]
pub(super) enum PlaceFile {
    /// A GeoIP database.
    Database(Database),
    /// A table of networks and their AS.
    Networks(NetworkFile),
}

impl PlaceFile {
    /// Opens and checks a file.
    ///
    /// # Errors
    /// Returns [`GeoIpError`] if no part of the file can be used, or if `stops` asks to stop.
    pub(super) fn open(path: &Path, stops: &dyn Fn() -> bool) -> Result<PlaceFile, GeoIpError> {
        let bytes = file::read(path)?;
        match bytes.starts_with(TABLE_MAGIC) {
            true => NetworkFile::of(path, &bytes).map(PlaceFile::Networks),
            false => Database::of(path, bytes, stops).map(PlaceFile::Database),
        }
    }

    /// Whether the file is asked before all others. A table of networks is what its admin made for
    /// his own network, so it knows better than a file for the whole world.
    pub(super) fn is_first(&self) -> bool {
        matches!(self, PlaceFile::Networks(_))
    }

    /// Path of the file.
    pub(super) fn path(&self) -> &Path {
        match self {
            PlaceFile::Database(database) => database.path(),
            PlaceFile::Networks(networks) => networks.path(),
        }
    }

    /// When the file was made, in seconds since 1970, as it says itself.
    pub(super) fn built_s(&self) -> u64 {
        match self {
            PlaceFile::Database(database) => database.built_s(),
            PlaceFile::Networks(networks) => networks.built_s(),
        }
    }

    /// The facts that the file has about an address, and the network that it has them for.
    pub(super) fn find(&self, ip: IpAddr) -> Option<(RecordFacts, Option<IpNet>)> {
        match self {
            PlaceFile::Database(database) => database.find(ip),
            PlaceFile::Networks(networks) => networks.find(ip),
        }
    }

    /// The label of an address's network.
    pub(super) fn label_of(&self, ip: IpAddr) -> Option<&str> {
        match self {
            PlaceFile::Database(_) => None,
            PlaceFile::Networks(networks) => networks.label_of(ip),
        }
    }

    /// All networks of an AS, in order.
    ///
    /// # Errors
    /// Returns [`GeoIpError`] if the file cannot be read again, or is damaged.
    pub(super) fn networks_of(&self, asn: Asn) -> Result<Vec<IpNet>, GeoIpError> {
        match self {
            PlaceFile::Database(database) => database.networks_of(asn),
            PlaceFile::Networks(networks) => Ok(networks.networks_of(asn)),
        }
    }
}
