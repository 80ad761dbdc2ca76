//! Collects networks from files; a later file wins.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::table::NetworkTable;
use crate::domain::place::Asn;

/// Longest prefix of IPv6 that a table can hold: sites get a /64 or more, and the table is twice as
/// fast with half of the address.
pub(super) const V6_LENGTH_MAX: u8 = 64;

/// Largest number of different labels: a label's number has 16 bits, and 0 stands for none.
const LABELS_MAX: usize = 65_000;

/// Networks that nobody announces to the world: this network, private, shared by customers of one
/// provider, loopback, link-local, multicast, reserved (RFC 6890).
const UNROUTED: [([u8; 4], u8); 9] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 168, 0, 0], 16),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// Counts of networks that were taken, changed or left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NetworkSetCounts {
    /// Networks that were taken.
    pub networks: u64,
    /// Of these: networks whose host bits were set, and have been cleared.
    pub host_bits: u64,
    /// Networks of all addresses (`/0`), which say nothing.
    pub defaults: u64,
    /// IPv6 networks that are too small for the table.
    pub too_long: u64,
    /// Private and reserved networks in a routing table.
    pub unrouted: u64,
    /// Networks whose label was dropped, because there are too many labels.
    pub labels_dropped: u64,
}

/// Networks with their AS and label.
#[derive(Debug, Default)]
pub struct NetworkSet {
    networks: HashMap<IpNet, (Option<Asn>, u16)>,
    labels: Vec<String>,
    label_numbers: HashMap<String, u16>,
    names: BTreeMap<u32, String>,
    /// Counts of networks that were changed or left out.
    pub counts: NetworkSetCounts,
}

impl NetworkSet {
    /// Adds a network; it replaces an equal one. `is_routed`: it comes from a routing table.
    pub fn insert(
        &mut self,
        network: IpNet,
        (asn, label): (Option<Asn>, Option<&[u8]>),
        is_routed: bool,
    ) {
        let counts = &mut self.counts;
        if network.prefix_len() == 0 {
            counts.defaults += 1;
            return;
        }
        if network.addr().is_ipv6() && network.prefix_len() > V6_LENGTH_MAX {
            counts.too_long += 1;
            return;
        }
        if is_routed && is_unrouted(network) {
            counts.unrouted += 1;
            return;
        }
        counts.host_bits += u64::from(network.trunc() != network);
        counts.networks += 1;
        let label = label.map_or(0, |label| self.label(label));
        self.networks.insert(network.trunc(), (asn, label));
    }

    /// Notes the name of an AS; the last one counts.
    pub fn name(&mut self, asn: Asn, name: &[u8]) {
        let known = self.names.entry(asn.number()).or_default();
        if known.as_bytes() != name {
            *known = String::from_utf8_lossy(name).into_owned();
        }
    }

    /// The number of a label, from 1 on; 0 if there are too many.
    fn label(&mut self, label: &[u8]) -> u16 {
        let text = String::from_utf8_lossy(label);
        if let Some(number) = self.label_numbers.get(text.as_ref()) {
            return *number;
        }
        if self.labels.len() >= LABELS_MAX {
            self.counts.labels_dropped += 1;
            return 0;
        }
        self.labels.push(text.to_string());
        let number = self.labels.len() as u16;
        self.label_numbers.insert(text.into_owned(), number);
        number
    }

    /// The table of these networks.
    pub fn table(self, made_at: i64) -> NetworkTable {
        let networks = self.networks.into_iter();
        let networks = networks.map(|(network, (asn, label))| (network, asn, label));
        NetworkTable::of(networks.collect(), self.labels, self.names, made_at)
    }
}

fn is_unrouted(network: IpNet) -> bool {
    match network.addr() {
        IpAddr::V4(address) => UNROUTED.iter().any(|(start, length)| {
            let mask = u32::MAX << (32 - length);
            u32::from(address) & mask == u32::from(Ipv4Addr::from(*start))
        }),
        // All that is announced is in 2000::/3 (IANA's global unicast addresses).
        IpAddr::V6(address) => Ipv6Addr::segments(&address)[0] & 0xe000 != 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(networks: &[&str], is_routed: bool) -> NetworkSetCounts {
        let mut set = NetworkSet::default();
        for network in networks {
            let network = network.parse().expect("a network");
            set.insert(network, (Asn::new(1), None), is_routed);
        }
        set.counts
    }

    #[test]
    fn what_a_table_cannot_hold_is_counted() {
        let odd = [
            "0.0.0.0/0",
            "::/0",
            "2001:db8::/65",
            "192.0.2.1/24",
            "2001:db8::/64",
        ];
        let counts = set(&odd, false);
        assert_eq!(
            (counts.defaults, counts.too_long, counts.host_bits),
            (2, 1, 1)
        );
        assert_eq!((counts.networks, counts.unrouted), (2, 0));
    }

    #[test]
    fn private_networks_count_in_plain_files_alone() {
        let private = [
            "10.1.0.0/16",
            "192.168.7.0/24",
            "100.100.0.0/16",
            "fd00::/8",
            "fe80::/10",
        ];
        assert_eq!(set(&private, true).unrouted, 5);
        assert_eq!(set(&private, false).networks, 5);
        let public = [
            "11.0.0.0/8",
            "100.128.0.0/10",
            "203.0.113.0/24",
            "2001:db8::/32",
        ];
        assert_eq!(set(&public, true).networks, 4);
    }
}
