//! Collects the routes of a routing table with several peers.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::domain::place::Asn;
use crate::domain::topology::{NetworkSet, OriginTally};

/// The routes read so far.
#[derive(Debug, Default)]
pub(super) struct RouteCollection {
    tally: OriginTally,
    /// The next hop of each network, as one peer tells it.
    next_hops: HashMap<IpNet, Vec<u8>>,
    label_peer: Option<IpAddr>,
}

impl RouteCollection {
    /// No routes yet; `label_peer` is the one whose next hops become labels.
    pub(super) fn new(label_peer: Option<IpAddr>) -> RouteCollection {
        RouteCollection {
            label_peer,
            ..RouteCollection::default()
        }
    }

    /// Takes one peer's route.
    pub(super) fn take(&mut self, network: IpNet, origin: Asn, peer: &[u8], next_hop: &[u8]) {
        self.tally.count(network, origin);
        let peer = || std::str::from_utf8(peer).ok()?.parse::<IpAddr>().ok();
        if self.label_peer.is_some() && self.label_peer == peer() {
            self.next_hops.insert(network.trunc(), next_hop.to_vec());
        }
    }

    /// Puts the networks into a set.
    pub(super) fn put(self, set: &mut NetworkSet) {
        for (network, origin) in self.tally.origins() {
            let label = self.next_hops.get(&network).map(Vec::as_slice);
            set.insert(network, (Some(origin), label), true);
        }
    }
}
