//! Answers which network an address is in: sorted intervals that do not overlap.
//!
//! An interval begins where the most specific network changes, and ends where the next one begins.
//! A look-up is a search in the intervals of one bucket, which the first 16 bits of the address
//! give.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::domain::place::Asn;

/// Number of the buckets by the first 16 bits of an address, and one more for the end.
const BUCKET_BOUNDS: usize = (1 << 16) + 1;

/// Value of an interval that is in no network.
const NOWHERE: u32 = 0;

/// The facts about a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NetworkFacts {
    /// Number of the AS; 0 for none.
    pub asn: u32,
    /// Number of the label; 0 for none.
    pub label: u16,
    /// Length of the prefix in bits.
    pub length: u8,
}

/// The most specific network that has an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownNetwork<'t> {
    /// The network.
    pub network: IpNet,
    /// The AS that announces it.
    pub asn: Option<Asn>,
    /// Its label.
    pub label: Option<&'t str>,
}

/// Intervals of one family, by the upper bits of the address that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Intervals<K> {
    pub starts: Vec<K>,
    /// An index into the facts for each interval.
    pub values: Vec<u32>,
    /// For each bucket the first interval that begins in it or behind it.
    buckets: Vec<u32>,
}

/// Networks of the Internet, and of an admin's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkTable {
    pub(super) v4: Intervals<u32>,
    pub(super) v6: Intervals<u64>,
    /// The first one stands for no network.
    pub(super) facts: Vec<NetworkFacts>,
    pub(super) labels: Vec<String>,
    pub(super) names: BTreeMap<u32, String>,
    /// Number of the networks that it was made of.
    pub(super) networks: u64,
    /// When it was made, in seconds since 1970.
    pub(super) made_at: i64,
}

/// An address without its lower bits.
pub(super) trait IntervalKey: Copy + Ord {
    /// The first 16 bits.
    fn bucket(self) -> usize;
}

impl IntervalKey for u32 {
    fn bucket(self) -> usize {
        (self >> 16) as usize
    }
}

impl IntervalKey for u64 {
    fn bucket(self) -> usize {
        (self >> 48) as usize
    }
}

impl<K: IntervalKey> Intervals<K> {
    /// Makes the index of intervals; `None` if they are not in order.
    pub fn new(starts: Vec<K>, values: Vec<u32>) -> Option<Intervals<K>> {
        let is_sorted = starts.is_sorted_by(|one, two| one < two);
        if !is_sorted || starts.len() != values.len() || u32::try_from(starts.len()).is_err() {
            return None;
        }
        let mut buckets = Vec::with_capacity(BUCKET_BOUNDS);
        for (place, start) in (0..).zip(&starts) {
            while buckets.len() <= start.bucket() {
                buckets.push(place);
            }
        }
        buckets.resize(BUCKET_BOUNDS, starts.len() as u32);
        Some(Intervals {
            starts,
            values,
            buckets,
        })
    }

    /// The value at a key.
    fn at(&self, key: K) -> u32 {
        let bucket = key.bucket();
        let (first, end) = (
            self.buckets[bucket] as usize,
            self.buckets[bucket + 1] as usize,
        );
        let begun = self.starts[first..end].partition_point(|start| *start <= key);
        // Without one in its bucket, the last interval before the bucket reaches into it.
        match first + begun {
            0 => NOWHERE,
            after => self.values[after - 1],
        }
    }

    /// Makes intervals of networks, each as its first and last key, and its value.
    fn of(mut networks: Vec<(K, K, u32)>, next: impl Fn(K) -> Option<K>) -> Intervals<K> {
        // An outer network comes before those in it.
        networks.sort_by(|one, two| one.0.cmp(&two.0).then(two.1.cmp(&one.1)));
        let mut made = (Vec::new(), Vec::new());
        let mut open: Vec<(K, u32)> = Vec::new();
        for (start, end, value) in networks {
            close(&mut open, &mut made, |last| last < start, &next);
            begin(&mut made, start, value);
            open.push((end, value));
        }
        close(&mut open, &mut made, |_| true, &next);
        made.0.shrink_to_fit();
        made.1.shrink_to_fit();
        Intervals::new(made.0, made.1).expect("starts grow, and are fewer than twice the networks")
    }
}

type IntervalParts<K> = (Vec<K>, Vec<u32>);

/// Ends the networks whose last key `is_over`; each falls back to the network around it.
fn close<K: IntervalKey>(
    open: &mut Vec<(K, u32)>,
    made: &mut IntervalParts<K>,
    is_over: impl Fn(K) -> bool,
    next: &impl Fn(K) -> Option<K>,
) {
    while let Some((end, _)) = open.pop_if(|(end, _)| is_over(*end)) {
        let around = open.last().map_or(NOWHERE, |(_, value)| *value);
        // The last of all addresses has no successor.
        if let Some(start) = next(end) {
            begin(made, start, around);
        }
    }
}

/// Begins an interval, unless it goes on with the value before it.
fn begin<K: IntervalKey>((starts, values): &mut IntervalParts<K>, start: K, value: u32) {
    if starts.last() == Some(&start) {
        starts.pop();
        values.pop();
    }
    if values.last().copied().unwrap_or(NOWHERE) != value {
        starts.push(start);
        values.push(value);
    }
}

impl NetworkTable {
    /// Makes a table of different networks, none of which is longer than the table can hold.
    pub(super) fn of(
        networks: Vec<(IpNet, Option<Asn>, u16)>,
        labels: Vec<String>,
        names: BTreeMap<u32, String>,
        made_at: i64,
    ) -> NetworkTable {
        let mut facts = vec![NetworkFacts {
            asn: 0,
            label: 0,
            length: 0,
        }];
        let mut numbers = HashMap::new();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        let count = networks.len() as u64;
        for (network, asn, label) in networks {
            let length = network.prefix_len();
            let asn = asn.map_or(0, Asn::number);
            let fact = NetworkFacts { asn, label, length };
            let number = *numbers.entry(fact).or_insert_with(|| {
                facts.push(fact);
                facts.len() as u32 - 1
            });
            match (network.network(), network.broadcast()) {
                (IpAddr::V4(first), IpAddr::V4(last)) => {
                    v4.push((u32::from(first), u32::from(last), number));
                }
                (IpAddr::V6(first), IpAddr::V6(last)) => {
                    let upper = |address| (u128::from(address) >> 64) as u64;
                    v6.push((upper(first), upper(last), number));
                }
                _ => {}
            }
        }
        NetworkTable {
            v4: Intervals::of(v4, |key| key.checked_add(1)),
            v6: Intervals::of(v6, |key| key.checked_add(1)),
            facts,
            labels,
            names,
            networks: count,
            made_at,
        }
    }

    /// The most specific network that has an address. An IPv4 address in IPv6's notation is an
    /// IPv6 address here.
    pub fn find(&self, ip: IpAddr) -> Option<KnownNetwork<'_>> {
        let value = match ip {
            IpAddr::V4(address) => self.v4.at(u32::from(address)),
            IpAddr::V6(address) => self.v6.at((u128::from(address) >> 64) as u64),
        };
        let facts = self
            .facts
            .get(value as usize)
            .filter(|_| value != NOWHERE)?;
        let label = usize::from(facts.label).checked_sub(1);
        Some(KnownNetwork {
            network: IpNet::new(ip, facts.length).ok()?.trunc(),
            asn: Asn::new(facts.asn),
            label: label
                .and_then(|label| self.labels.get(label))
                .map(String::as_str),
        })
    }

    /// The networks of an AS, in order, without networks that more specific ones cover whole.
    pub fn networks_of(&self, asn: Asn) -> Vec<IpNet> {
        let v4 = self.v4.starts.iter().zip(&self.v4.values);
        let v4 = v4.map(|(start, value)| (IpAddr::V4((*start).into()), value));
        let v6 = self.v6.starts.iter().zip(&self.v6.values);
        let v6 = v6.map(|(start, value)| (IpAddr::V6((u128::from(*start) << 64).into()), value));
        let networks = v4.chain(v6).filter_map(|(start, value)| {
            let facts = self.facts[*value as usize];
            let is_of = *value != NOWHERE && facts.asn == asn.number();
            let network = is_of.then(|| IpNet::new(start, facts.length).ok())??;
            Some(network.trunc())
        });
        let mut networks: Vec<IpNet> = networks.collect();
        networks.sort();
        networks.dedup();
        networks
    }

    /// The name of an AS.
    pub fn name(&self, asn: Asn) -> Option<&str> {
        self.names.get(&asn.number()).map(String::as_str)
    }

    /// Number of the networks that the table was made of.
    pub fn networks(&self) -> u64 {
        self.networks
    }

    /// Number of the different labels.
    pub fn labels(&self) -> usize {
        self.labels.len()
    }

    /// Number of the different AS.
    pub fn systems(&self) -> usize {
        let mut systems: Vec<u32> = self.facts.iter().map(|facts| facts.asn).collect();
        systems.sort_unstable();
        systems.dedup();
        systems.iter().filter(|asn| **asn != 0).count()
    }

    /// When the table was made, in seconds since 1970.
    pub fn made_at(&self) -> i64 {
        self.made_at
    }

    /// Forgets the names, which no decision needs.
    pub fn without_names(mut self) -> NetworkTable {
        self.names.clear();
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::NetworkSet;
    use super::*;

    fn table(networks: &[(&str, u32)]) -> NetworkTable {
        let mut set = NetworkSet::default();
        for (network, asn) in networks {
            let network = network.parse().expect("a network");
            set.insert(network, (Asn::new(*asn), None), false);
        }
        set.table(0)
    }

    fn asn(table: &NetworkTable, ip: &str) -> Option<u32> {
        let found = table.find(ip.parse().expect("an address"))?;
        found.asn.map(Asn::number)
    }

    #[test]
    fn the_most_specific_network_counts() {
        let table = table(&[
            ("203.0.112.0/20", 1),
            ("203.0.113.0/24", 2),
            ("203.0.113.128/25", 3),
        ]);
        for (ip, expected) in [
            ("203.0.112.0", Some(1)),
            ("203.0.113.0", Some(2)),
            ("203.0.113.127", Some(2)),
            ("203.0.113.128", Some(3)),
            ("203.0.113.255", Some(3)),
            ("203.0.114.0", Some(1)),
            ("203.0.127.255", Some(1)),
            ("203.0.128.0", None),
            ("203.0.111.255", None),
            ("::ffff:203.0.113.0", None),
        ] {
            assert_eq!(asn(&table, ip), expected, "{ip}");
        }
        let found = table.find("203.0.113.200".parse().expect("an address"));
        let found = found.expect("a network").network.to_string();
        assert_eq!(found, "203.0.113.128/25");
    }

    #[test]
    fn the_last_addresses_of_all_are_reached() {
        let table = table(&[("255.255.255.0/24", 9), ("ffff:ffff:ffff:ffff::/64", 8)]);
        assert_eq!(asn(&table, "255.255.255.255"), Some(9));
        assert_eq!(asn(&table, "255.255.254.255"), None);
        let last = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
        assert_eq!(asn(&table, last), Some(8));
    }

    #[test]
    fn an_empty_table_knows_nothing() {
        assert_eq!(
            table(&[]).find("192.0.2.1".parse().expect("an address")),
            None
        );
    }

    proptest! {
        /// The table finds what a search through all networks finds.
        #[test]
        fn a_table_finds_what_a_list_has(
            networks in prop::collection::vec((any::<u32>(), 1u8..=32, 1u32..9), 0..60),
            asked in prop::collection::vec(any::<u32>(), 1..40),
        ) {
            let mut list: HashMap<IpNet, u32> = HashMap::new();
            let mut set = NetworkSet::default();
            for (address, length, asn) in networks {
                // Few different beginnings, so that networks contain each other.
                let address = IpAddr::V4((address & 0x8181_8181).into());
                let network = IpNet::new(address, length).expect("a network").trunc();
                list.insert(network, asn);
                set.insert(network, (Asn::new(asn), None), false);
            }
            let table = set.table(0);
            let bounds = list.keys().flat_map(|network| [network.network(), network.broadcast()]);
            let asked = asked.into_iter().map(|ip| IpAddr::V4((ip & 0x8181_8181).into()));
            for ip in bounds.chain(asked) {
                let holders = list.iter().filter(|(network, _)| network.contains(&ip));
                let best = holders.max_by_key(|(network, _)| network.prefix_len());
                let found = table.find(ip).map(|found| (found.network, found.asn));
                prop_assert_eq!(found, best.map(|(network, asn)| (*network, Asn::new(*asn))));
            }
        }
    }
}
