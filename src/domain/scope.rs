//! Classifies IP addresses by how far they reach, so that a mirror cannot lead us to hosts inside
//! of our own networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address reaches (IANA's registries of special-purpose addresses, RFC 6890).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The public internet.
    Public,
    /// Private networks: RFC 1918, unique local and shared (carrier-grade NAT) addresses; also
    /// those for documentation, benchmarks and future use, which only laboratories use.
    Private,
    /// This host itself.
    Loopback,
    /// This link; at cloud providers, it has the service that tells a machine about itself.
    LinkLocal,
    /// Addresses that no host has: unspecified, multicast, reserved for protocols.
    Special,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 5] = [
        Scope::Public,
        Scope::Private,
        Scope::Loopback,
        Scope::LinkLocal,
        Scope::Special,
    ];

    /// The scope of an address. An IPv6 address that contains an IPv4 address has the scope of the
    /// latter.
    pub fn of(ip: IpAddr) -> Scope {
        match ip {
            IpAddr::V4(ip) => of_v4(ip),
            IpAddr::V6(ip) => of_v6(ip),
        }
    }

    /// The name that people are shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Public => "public",
            Scope::Private => "private",
            Scope::Loopback => "loopback",
            Scope::LinkLocal => "link-local",
            Scope::Special => "special-purpose",
        }
    }

    /// Whether a mirror of this scope may lead to an address: to a public one, or to one of the
    /// mirror's own scope.
    pub fn may_reach(self, ip: IpAddr) -> bool {
        let scope = Scope::of(ip);
        scope == Scope::Public || scope == self && scope != Scope::Special
    }

    /// The scope of a host with these addresses: public if at least one is, because then only its
    /// public addresses are used.
    pub fn of_all(addresses: &[IpAddr]) -> Scope {
        let scopes = addresses.iter().map(|ip| Scope::of(*ip));
        let is_public = scopes.clone().any(|scope| scope == Scope::Public);
        let first = scopes.clone().next().unwrap_or(Scope::Special);
        if is_public { Scope::Public } else { first }
    }
}

fn of_v4(ip: Ipv4Addr) -> Scope {
    match ip.octets() {
        [127, ..] => Scope::Loopback,
        [169, 254, ..] => Scope::LinkLocal,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Scope::Private,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [198, 18..=19, ..] => {
            Scope::Private
        }
        // "This network", IETF protocols, 6to4 relays, multicast and reserved addresses.
        [0, ..] | [192, 0, 0, _] | [192, 88, 99, _] | [224..=255, ..] => Scope::Special,
        _ => Scope::Public,
    }
}

fn of_v6(ip: Ipv6Addr) -> Scope {
    if let Some(ip) = embedded(ip) {
        return of_v4(ip);
    }
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Scope::Loopback,
        // Unique local, and the former site-local addresses.
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Scope::Private,
        [0xfe80..=0xfebf, ..] => Scope::LinkLocal,
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Scope::Private,
        // IETF protocols, Teredo among them.
        [0x2001, 0..=0x01ff, ..] => Scope::Special,
        [0x2000..=0x3fff, ..] => Scope::Public,
        _ => Scope::Special,
    }
}

/// The IPv4 address that an IPv6 address contains: mapped, compatible, NAT64 or 6to4.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let last = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(last(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn addresses_reach_as_far_as_the_registries_say() {
        for (scope, texts) in [
            (
                Scope::Public,
                "8.8.8.8 172.15.0.1 172.32.0.1 100.128.0.1 192.0.1.1 223.255.255.255 \
                 2a00:1450:4001::1 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 \
                 2002:808:808::1 2001:4860:4860::8888",
            ),
            (
                Scope::Private,
                "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 fd00::1 fc00::1 \
                 fec0::1 ::ffff:10.0.0.1 64:ff9b::a00:1 2002:a00:1:: 192.0.2.1 198.18.0.1 \
                 198.51.100.7 203.0.113.7 2001:db8::1 3fff::1",
            ),
            (
                Scope::Loopback,
                "127.0.0.1 127.255.0.1 ::1 ::ffff:127.0.0.1 ::127.0.0.1 ::ffff:0:127.0.0.1 \
                 64:ff9b::7f00:1 2002:7f00:1::1",
            ),
            (
                Scope::LinkLocal,
                "169.254.169.254 fe80::1 ::ffff:169.254.169.254",
            ),
            (
                Scope::Special,
                "0.0.0.0 224.0.0.1 240.0.0.1 255.255.255.255 :: ff02::1 2001::1 100::1 \
                 64:ff9b:1::1 192.0.0.170 192.88.99.1",
            ),
        ] {
            for text in texts.split_whitespace() {
                assert_eq!(Scope::of(ip(text)), scope, "{text}");
            }
        }
    }

    #[test]
    fn a_mirror_leads_no_farther_in_than_it_lies() {
        let (public, private) = (ip("8.8.8.8"), ip("10.0.0.1"));
        let (loopback, metadata) = (ip("127.0.0.1"), ip("169.254.169.254"));
        assert!(Scope::ALL.iter().all(|scope| scope.may_reach(public)));
        assert!(!Scope::Public.may_reach(private) && !Scope::Public.may_reach(loopback));
        assert!(Scope::Private.may_reach(private) && !Scope::Private.may_reach(loopback));
        assert!(!Scope::Private.may_reach(metadata) && !Scope::Loopback.may_reach(metadata));
        assert!(!Scope::Special.may_reach(ip("0.0.0.0")));
        assert_eq!(Scope::of_all(&[private, public]), Scope::Public);
        assert_eq!(Scope::of_all(&[private, loopback]), Scope::Private);
        assert_eq!(Scope::of_all(&[]), Scope::Special);
    }
}
