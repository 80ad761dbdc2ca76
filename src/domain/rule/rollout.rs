//! The share of client networks that are redirected (`rollout`).

use std::net::IpAddr;

use sha2::{Digest, Sha256};

/// Parts of the whole in which a share is counted: 0.0001 %.
const WHOLE: u32 = 1_000_000;

/// A share of client networks: of /24 for IPv4, of /48 for IPv6.
///
/// The number of a network is fixed: the first eight bytes of the SHA-256 of its address. So each
/// front end and each restart takes the same networks, and a larger share takes all of a smaller
/// one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollout(u32);

impl Rollout {
    /// All clients.
    pub const ALL: Rollout = Rollout(WHOLE);

    /// Reads `5%`, `0.25 %`.
    pub fn parse(text: &str) -> Option<Rollout> {
        let percent: f64 = text.trim().strip_suffix('%')?.trim_end().parse().ok()?;
        let is_share = (0.0..=100.0).contains(&percent);
        is_share.then(|| Rollout((percent * f64::from(WHOLE / 100)).round() as u32))
    }

    /// Whether a client is among the share; one without an address only if the share is the whole.
    pub fn has(self, ip: Option<IpAddr>) -> bool {
        match (self, ip) {
            (Rollout::ALL, _) => true,
            (_, None) => false,
            (Rollout(parts), Some(ip)) => {
                let part = (u128::from(number(ip)) * u128::from(WHOLE)) >> 64;
                part < u128::from(parts)
            }
        }
    }
}

/// The number of a client's network, evenly spread.
fn number(ip: IpAddr) -> u64 {
    let digest = match ip.to_canonical() {
        IpAddr::V4(v4) => Sha256::digest(&v4.octets()[..3]),
        IpAddr::V6(v6) => Sha256::digest(&v6.octets()[..6]),
    };
    digest
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const NETWORKS: u32 = 20_000;

    fn rollout(text: &str) -> Rollout {
        Rollout::parse(text).expect(text)
    }

    #[test]
    fn shares_are_written_in_percent() {
        for (text, parts) in [
            ("0%", Some(0)),
            ("5%", Some(50_000)),
            (" 0.25 % ", Some(2_500)),
            ("100%", Some(WHOLE)),
            ("5", None),
            ("-1%", None),
            ("101%", None),
            ("NaN%", None),
            ("%", None),
            ("", None),
        ] {
            assert_eq!(Rollout::parse(text), parts.map(Rollout), "{text}");
        }
    }

    #[test]
    fn a_share_of_networks_grows_and_never_shrinks() {
        type Network = fn(u32) -> IpAddr;
        let kinds: [Network; 2] = [
            |n| IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + (n << 8) + n % 250)),
            |n| IpAddr::V6(Ipv6Addr::from(((0x2a00_0000 + u128::from(n)) << 80) + 7)),
        ];
        for network in kinds {
            let count = |text: &str| {
                let share = rollout(text);
                let all = (0..NETWORKS).filter(|n| share.has(Some(network(*n))));
                all.collect::<Vec<_>>()
            };
            let (five, twenty) = (count("5%"), count("20%"));
            assert!((800..=1_200).contains(&five.len()), "{}", five.len());
            assert!((3_800..=4_200).contains(&twenty.len()), "{}", twenty.len());
            assert!(five.iter().all(|n| twenty.contains(n)));
            assert_eq!(count("0%").len(), 0);
            assert_eq!(count("100%").len(), NETWORKS as usize);
        }
    }

    #[test]
    fn clients_of_one_network_are_taken_together() {
        let half = rollout("50%");
        for (one, other) in [
            ("192.0.2.1", "192.0.2.254"),
            ("192.0.2.1", "::ffff:192.0.2.9"),
            ("2001:db8:7::1", "2001:db8:7:ffff::9"),
        ] {
            let ip = |text: &str| Some(text.parse().expect("an address"));
            assert_eq!(half.has(ip(one)), half.has(ip(other)), "{one} {other}");
        }
        assert!(!half.has(None));
        assert!(Rollout::ALL.has(None));
    }

    /// The networks of a share must stay the same from version to version.
    #[test]
    fn the_number_of_a_network_is_fixed() {
        let of = |text: &str| number(text.parse().expect("an address"));
        assert_eq!(of("192.0.2.7"), 17_916_776_371_988_379_221);
        assert_eq!(of("2001:db8::7"), 4_193_601_422_866_258_980);
    }
}
