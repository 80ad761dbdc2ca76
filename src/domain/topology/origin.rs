//! Finds the origin of each network in a routing table with several peers.

use std::collections::HashMap;

use ipnet::IpNet;

use crate::domain::place::Asn;

/// The origins that peers named.
#[derive(Debug, Default)]
pub struct OriginTally {
    /// For each network the origins that peers named, with the number of peers.
    named: HashMap<IpNet, Vec<(Asn, u32)>>,
}

impl OriginTally {
    /// Counts a route. Host bits of the network do not count.
    pub fn count(&mut self, network: IpNet, origin: Asn) {
        let named = self.named.entry(network.trunc()).or_default();
        match named.iter_mut().find(|(asn, _)| *asn == origin) {
            Some((_, count)) => *count += 1,
            None => named.push((origin, 1)),
        }
    }

    /// The networks, each with the origin that was named most often; of several, the one with the
    /// smallest number.
    pub fn origins(self) -> impl Iterator<Item = (IpNet, Asn)> {
        self.named.into_iter().filter_map(|(network, named)| {
            let best = named.into_iter().max_by_key(|(asn, count)| {
                let smallest_first = std::cmp::Reverse(asn.number());
                (*count, smallest_first)
            });
            best.map(|(asn, _)| (network, asn))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_the_one_that_most_peers_name() {
        let network: IpNet = "192.0.2.0/24".parse().expect("a network");
        for (origins, expected) in [
            (&[100, 100, 200][..], 100),
            (&[200, 100, 200], 200),
            (&[300, 200], 200),
        ] {
            let mut tally = OriginTally::default();
            for origin in origins {
                tally.count(network, Asn::new(*origin).expect("an AS"));
            }
            let found: Vec<_> = tally.origins().collect();
            assert_eq!(found, [(network, Asn::new(expected).expect("an AS"))]);
        }
    }
}
