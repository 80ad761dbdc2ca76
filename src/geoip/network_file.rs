//! Reads one file that `heliostat topology compile` made.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use super::error::GeoIpError;
use super::field::RecordFacts;
use crate::domain::place::{Asn, Place};
use crate::domain::topology::NetworkTable;

/// An open table of networks.
#[derive(Debug)]
pub(super) struct NetworkFile {
    path: PathBuf,
    table: NetworkTable,
}

impl NetworkFile {
    /// Checks the bytes of a file. Names of AS are not kept: no decision needs them.
    ///
    /// # Errors
    /// Returns [`GeoIpError::Networks`] if the bytes are not exactly a table.
    pub(super) fn of(path: &Path, bytes: &[u8]) -> Result<NetworkFile, GeoIpError> {
        let table = NetworkTable::from_bytes(bytes).map_err(GeoIpError::Networks)?;
        Ok(NetworkFile {
            path: path.to_owned(),
            table: table.without_names(),
        })
    }

    /// Path of the file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// When the file was made, in seconds since 1970.
    pub(super) fn built_s(&self) -> u64 {
        u64::try_from(self.table.made_at()).unwrap_or_default()
    }

    /// The AS of an address, and its network.
    pub(super) fn find(&self, ip: IpAddr) -> Option<(RecordFacts, Option<IpNet>)> {
        let found = self.table.find(ip)?;
        let facts = RecordFacts {
            place: Place {
                asn: found.asn,
                ..Place::default()
            },
            fields: RecordFacts::OF_NETWORKS,
        };
        facts.has_any().then_some((facts, Some(found.network)))
    }

    /// The label of an address's network.
    pub(super) fn label_of(&self, ip: IpAddr) -> Option<&str> {
        self.table.find(ip)?.label
    }

    /// All networks of an AS, in order, as far as they are the most specific ones somewhere.
    pub(super) fn networks_of(&self, asn: Asn) -> Vec<IpNet> {
        self.table.networks_of(asn)
    }
}
