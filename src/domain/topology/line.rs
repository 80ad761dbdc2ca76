//! Reads lines of the files that tell which AS announces which network.
//!
//! The forms are those of CAIDA's and RouteViews' `pfx2as`, of iptoasn.com, of the program
//! `bgpdump`, and a plain one of ours.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, IpSubnets, Ipv4Subnets, Ipv6Subnets};

use crate::domain::place::Asn;

/// Longest label in bytes: labels stand in log lines.
const LABEL_BYTES_MAX: usize = 32;

/// The form of a file of networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkForm {
    /// `ADDRESS LENGTH ORIGIN`: the `pfx2as` files of CAIDA and RouteViews.
    Pfx2as,
    /// `START END ASN COUNTRY NAME`: ranges of addresses, as iptoasn.com has them.
    Iptoasn,
    /// `TABLE_DUMP2|time|B|peer|peer AS|prefix|path|origin|next hop|…`: `bgpdump -m` or `-M`.
    Bgpdump,
    /// `PREFIX [AS]NUMBER [LABEL]`: for networks that an admin knows.
    Plain,
}

/// The name of an AS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkName<'l> {
    /// The AS.
    pub asn: Asn,
    /// Its name, any bytes.
    pub name: &'l [u8],
}

/// The meaning of a line.
#[derive(Debug, Clone, PartialEq)]
pub enum NetworkLine<'l> {
    /// Networks that belong together: one, or those that make up a range.
    Networks {
        /// The networks, the host bits of each as the line has them.
        networks: Vec<IpNet>,
        /// The AS that announces them; `None`: unknown.
        asn: Option<Asn>,
        /// A word for them, for rules and statistics.
        label: Option<&'l [u8]>,
        /// The name of the AS, if the line has one.
        name: Option<NetworkName<'l>>,
    },
    /// One peer's route to a network.
    Route {
        /// The network.
        network: IpNet,
        /// The AS at the end of its path.
        origin: Asn,
        /// The peer's address.
        peer: &'l [u8],
        /// The router that the peer sends packets to.
        next_hop: &'l [u8],
    },
    /// A line without a network that counts: empty, a comment, a range that nobody announces.
    Nothing,
    /// A line that cannot be read.
    Bad,
}

impl NetworkForm {
    /// Recognises the form of a file by a line; `None` for lines of other kinds of files.
    pub fn of_line(line: &[u8]) -> Option<NetworkForm> {
        if line.starts_with(b"TABLE_DUMP") || line.starts_with(b"BGP4MP") {
            return Some(NetworkForm::Bgpdump);
        }
        let mut words = words(line);
        let (one, two, three) = (words.next()?, words.next()?, words.next());
        if one.contains(&b'/') {
            return Some(NetworkForm::Plain);
        }
        let third_is_number = three.is_some_and(|word| word.iter().all(u8::is_ascii_digit));
        if third_is_number && range(one, two).is_some() {
            return Some(NetworkForm::Iptoasn);
        }
        let is_length = two.len() <= 3 && two.iter().all(u8::is_ascii_digit);
        (three.is_some() && address(one).is_some() && is_length).then_some(NetworkForm::Pfx2as)
    }

    /// Whether the form is a routing table's, which has private networks only by mistake.
    pub fn is_of_routes(self) -> bool {
        self != NetworkForm::Plain
    }

    /// Reads a line without its line feed.
    pub fn read(self, line: &[u8]) -> NetworkLine<'_> {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            return NetworkLine::Nothing;
        }
        let read = match self {
            NetworkForm::Pfx2as => pfx2as(line),
            NetworkForm::Iptoasn => iptoasn(line),
            NetworkForm::Bgpdump => route(line),
            NetworkForm::Plain => plain(line),
        };
        read.unwrap_or(NetworkLine::Bad)
    }
}

/// One network, of an AS that is known or not.
fn one<'l>(network: IpNet, asn: Option<Asn>, label: Option<&'l [u8]>) -> NetworkLine<'l> {
    NetworkLine::Networks {
        networks: vec![network],
        asn,
        label,
        name: None,
    }
}

fn pfx2as(line: &[u8]) -> Option<NetworkLine<'_>> {
    let mut words = words(line);
    let (address, length) = (address(words.next()?)?, number(words.next()?)?);
    let network = IpNet::new(address, u8::try_from(length).ok()?).ok()?;
    // `_` joins several origins, the most frequent one first; `,` joins the members of a set.
    let origins = words.next()?;
    let first = origins.split(|byte| b"_,".contains(byte)).next()?;
    Some(match autonomous_system(first)? {
        0 => NetworkLine::Nothing,
        asn => one(network, Asn::new(asn), None),
    })
}

fn iptoasn(line: &[u8]) -> Option<NetworkLine<'_>> {
    // The name is the last field and has spaces; so fields end at tabs, if there are any.
    let by_tabs: Vec<&[u8]> = line.splitn(5, |&byte| byte == b'\t').collect();
    let fields = match by_tabs.len() {
        3.. => by_tabs,
        _ => words(line).take(3).collect(),
    };
    let [start, end, asn, ..] = fields[..] else {
        return None;
    };
    let networks = range(start, end)?;
    let Some(asn) = Asn::new(autonomous_system(asn)?) else {
        return Some(NetworkLine::Nothing);
    };
    let name = fields.get(4).filter(|name| !name.is_empty());
    Some(NetworkLine::Networks {
        networks: networks.collect(),
        asn: Some(asn),
        label: None,
        name: name.map(|name| NetworkName { asn, name }),
    })
}

fn route(line: &[u8]) -> Option<NetworkLine<'_>> {
    let mut fields = line.split(|&byte| byte == b'|');
    let peer = fields.nth(3)?;
    let network = network(fields.nth(1)?)?;
    let path = fields.next()?;
    let next_hop = fields.nth(1).unwrap_or_default();
    let Some(last) = words(path).last() else {
        return Some(NetworkLine::Nothing);
    };
    let first_of_set = last.strip_prefix(b"{").unwrap_or(last);
    let mut members = first_of_set.split(|byte| b",}".contains(byte));
    let origin = autonomous_system(members.next()?)?;
    Some(match Asn::new(origin) {
        None => NetworkLine::Nothing,
        Some(origin) => NetworkLine::Route {
            network,
            origin,
            peer,
            next_hop,
        },
    })
}

fn plain(line: &[u8]) -> Option<NetworkLine<'_>> {
    let mut words = words(line);
    let (prefix, asn, label) = (words.next()?, words.next()?, words.next());
    let network = network(prefix)?;
    let asn = match asn {
        b"-" => None,
        asn => match autonomous_system(asn)? {
            0 if label.is_none() => return Some(NetworkLine::Nothing),
            asn => Asn::new(asn),
        },
    };
    let is_good = label.is_none_or(is_label) && words.next().is_none();
    let tells = asn.is_some() || label.is_some();
    (is_good && tells).then(|| one(network, asn, label))
}

/// Whether a word can be a label.
pub(super) fn is_label(word: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:-".contains(byte);
    !word.is_empty() && word.len() <= LABEL_BYTES_MAX && word.iter().all(is_plain)
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let words = line.split(|byte| byte.is_ascii_whitespace());
    words.filter(|word| !word.is_empty())
}

fn text(word: &[u8]) -> Option<&str> {
    std::str::from_utf8(word).ok()
}

fn number(word: &[u8]) -> Option<u32> {
    let is_number = word.iter().all(u8::is_ascii_digit);
    text(word).filter(|_| is_number)?.parse().ok()
}

fn address(word: &[u8]) -> Option<IpAddr> {
    text(word)?.parse().ok()
}

/// A prefix; a bare address is a network of its own.
fn network(word: &[u8]) -> Option<IpNet> {
    match word.contains(&b'/') {
        true => text(word)?.parse().ok(),
        false => address(word).map(IpNet::from),
    }
}

/// Reads `64500`, `AS64500` or, in the notation of two numbers, `2.1005`; 0 stands for no AS.
fn autonomous_system(word: &[u8]) -> Option<u32> {
    let digits = [&b"AS"[..], b"as"]
        .iter()
        .find_map(|prefix| word.strip_prefix(*prefix));
    let digits = digits.unwrap_or(word);
    match digits.iter().position(|&byte| byte == b'.') {
        None => number(digits),
        Some(dot) => {
            let high = u16::try_from(number(&digits[..dot])?).ok()?;
            let low = u16::try_from(number(&digits[dot + 1..])?).ok()?;
            Some(u32::from(high) << 16 | u32::from(low))
        }
    }
}

/// The fewest networks that make up a range, which is written with addresses or, for IPv4, with
/// their numbers.
fn range(start: &[u8], end: &[u8]) -> Option<IpSubnets> {
    let at = |word: &[u8]| match number(word) {
        Some(number) => Some(IpAddr::V4(Ipv4Addr::from(number))),
        None => address(word),
    };
    match (at(start)?, at(end)?) {
        (IpAddr::V4(start), IpAddr::V4(end)) if start <= end => {
            Some(IpSubnets::from(Ipv4Subnets::new(start, end, 0)))
        }
        (IpAddr::V6(start), IpAddr::V6(end)) if start <= end => {
            Some(IpSubnets::from(Ipv6Subnets::new(start, end, 0)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Networks, AS and label of a line of a file that begins with it.
    fn read(line: &str) -> String {
        let Some(form) = NetworkForm::of_line(line.as_bytes()) else {
            return "no form".to_owned();
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match form.read(line.as_bytes()) {
            NetworkLine::Networks {
                networks,
                asn,
                label,
                name,
            } => {
                let networks: Vec<String> = networks.iter().map(IpNet::to_string).collect();
                let asn = asn.map_or("-".to_owned(), |asn| asn.to_string());
                let label = label
                    .map(|label| format!(" {}", text(label)))
                    .unwrap_or_default();
                let name = name.map(|name| format!(" ({})", text(name.name)));
                format!(
                    "{form:?} {} {asn}{label}{}",
                    networks.join(","),
                    name.unwrap_or_default()
                )
            }
            NetworkLine::Route {
                network,
                origin,
                peer,
                next_hop,
            } => {
                format!(
                    "{form:?} {network} {origin} {} {}",
                    text(peer),
                    text(next_hop)
                )
            }
            other => format!("{form:?} {other:?}"),
        }
    }

    #[test]
    fn a_file_is_recognised_and_read_by_its_line() {
        for (line, expected) in [
            ("1.0.0.0\t24\t13335", "Pfx2as 1.0.0.0/24 13335"),
            ("1.0.0.0 24 13335", "Pfx2as 1.0.0.0/24 13335"),
            ("8.8.8.0\t24\t15169_36040", "Pfx2as 8.8.8.0/24 15169"),
            (
                "198.51.100.0 24 64500,64501",
                "Pfx2as 198.51.100.0/24 64500",
            ),
            ("2001:db8::\t32\t64500", "Pfx2as 2001:db8::/32 64500"),
            ("192.0.2.1 24 5", "Pfx2as 192.0.2.1/24 5"),
            ("192.0.2.0 33 5", "Pfx2as Bad"),
            ("192.0.2.0 24 4294967296", "Pfx2as Bad"),
            ("192.0.2.0 24 0", "Pfx2as Nothing"),
            ("192.0.2.0 24 x", "Pfx2as Bad"),
            (
                "192.0.2.0\t192.0.4.255\t7\tDE\tA NAME OF AN AS",
                "Iptoasn 192.0.2.0/23,192.0.4.0/24 7 (A NAME OF AN AS)",
            ),
            (
                "16777216\t16777471\t13335\tUS\tCLOUDFLARENET",
                "Iptoasn 1.0.0.0/24 13335 (CLOUDFLARENET)",
            ),
            (
                "0.0.0.0\t0.255.255.255\t0\tNone\tNot routed",
                "Iptoasn Nothing",
            ),
            (
                "2001:200::\t2001:200:ffff:ffff:ffff:ffff:ffff:ffff\t2500\tJP\tWIDE",
                "Iptoasn 2001:200::/32 2500 (WIDE)",
            ),
            (
                "TABLE_DUMP2|1|B|192.0.2.1|1|10.0.0.0/8|1 2 100|IGP|192.0.2.9|0|0||NAG||",
                "Bgpdump 10.0.0.0/8 100 192.0.2.1 192.0.2.9",
            ),
            (
                "TABLE_DUMP2|1|B|192.0.2.1|1|10.0.0.0/8|1 {200,300}|IGP|192.0.2.9",
                "Bgpdump 10.0.0.0/8 200 192.0.2.1 192.0.2.9",
            ),
            (
                "TABLE_DUMP2|1|B|192.0.2.1|1|10.0.0.0/8||IGP|192.0.2.9",
                "Bgpdump Nothing",
            ),
            ("TABLE_DUMP2|1|B|192.0.2.1|1|10.0.0.0", "Bgpdump Bad"),
            ("10.0.0.0/8 AS64500 campus", "Plain 10.0.0.0/8 64500 campus"),
            ("10.0.0.0/8\t2.1005", "Plain 10.0.0.0/8 132077"),
            ("10.0.0.0/8 - de-cix:1", "Plain 10.0.0.0/8 - de-cix:1"),
            ("10.0.0.0/8 -", "Plain Bad"),
            ("10.0.0.0/8 0", "Plain Nothing"),
            ("10.0.0.0/8 1 two words", "Plain Bad"),
            ("10.0.0.0/8 1 la/bel", "Plain Bad"),
            ("10.0.0.0/8 65536.1", "Plain Bad"),
            ("10.0.0.0/33 1", "Plain Bad"),
            ("64500|64501|-1", "no form"),
            ("<html>", "no form"),
            ("", "no form"),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn comments_and_empty_lines_are_nothing() {
        for line in [&b""[..], b"  ", b"# 10.0.0.0/8 1", b"\r"] {
            assert_eq!(NetworkForm::Plain.read(line), NetworkLine::Nothing);
        }
        let bare = NetworkForm::Plain.read(b"10.1.2.3 5");
        assert_eq!(
            bare,
            one("10.1.2.3/32".parse().expect("a network"), Asn::new(5), None)
        );
    }
}
