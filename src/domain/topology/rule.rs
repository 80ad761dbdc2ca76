//! Rules of an admin who knows networks better than any table: clients of these networks get these
//! mirrors first.
//!
//! One rule per line, such as `as 64500 m1*10 m2 name=campus share=50 path=/pool/`; `prefix` and
//! `label` in place of `as` name networks otherwise.

use std::net::IpAddr;

use ipnet::IpNet;
use xxhash_rust::xxh3::xxh3_64;

use super::line::is_label;
use crate::domain::mirror::parse_prefix;
use crate::domain::place::Asn;
use crate::domain::time::Timestamp;

/// Most rules of a file: each request looks at all of them.
const RULES_MAX: usize = 1_000;

/// Most mirrors of a rule.
const MIRRORS_MAX: usize = 64;

/// Largest weight.
const WEIGHT_MAX: u16 = 1_000;

/// A share that has all clients.
const SHARE_ALL: u8 = 100;

/// The networks that a rule is for. The order is that in which rules are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleNetworks {
    /// Those in a prefix.
    Prefix(IpNet),
    /// Those of an AS.
    As(Asn),
    /// Those with a label in a table of networks.
    Label(String),
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopologyRule {
    /// Its name; without one, the number of its line.
    pub name: String,
    /// The networks that it is for.
    pub networks: RuleNetworks,
    /// Mirrors by their identifiers, each with its weight.
    pub mirrors: Vec<(String, u16)>,
    /// Beginnings of the paths that it is for; empty: all.
    pub paths: Vec<Vec<u8>>,
    /// Part of the networks that it is for, in per cent.
    pub share: u8,
    /// When it begins to hold; `None`: now.
    pub from: Option<Timestamp>,
    /// When it ends; `None`: never.
    pub until: Option<Timestamp>,
}

/// Rules in the order in which they are tried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkRules(Vec<TopologyRule>);

/// The facts about a client by which rules are found.
#[derive(Debug, Clone, Copy)]
pub struct RuleClient<'c> {
    /// Its address.
    pub ip: Option<IpAddr>,
    /// Its AS.
    pub asn: Option<Asn>,
    /// The label of its network.
    pub label: Option<&'c str>,
}

/// A line that is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct RuleProblem {
    /// Its number.
    pub line: usize,
    /// The mistake, and the right form.
    pub problem: String,
}

impl NetworkRules {
    /// Reads a file of rules.
    ///
    /// # Errors
    /// Returns the first line that is no rule; then no rule counts.
    pub fn parse(text: &str) -> Result<NetworkRules, RuleProblem> {
        let mut rules: Vec<TopologyRule> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let content = line.split('#').next().unwrap_or_default();
            if content.trim().is_empty() {
                continue;
            }
            let wrong = |problem| RuleProblem {
                line: number,
                problem,
            };
            let rule = rule(content, number).map_err(wrong)?;
            if let Some(known) = rules.iter().find(|known| known.name == rule.name) {
                let problem = format!("two rules have the name '{}'; rename one", known.name);
                return Err(wrong(problem));
            }
            if rules.len() == RULES_MAX {
                let problem = format!("there are more than {RULES_MAX} rules; remove some");
                return Err(wrong(problem));
            }
            rules.push(rule);
        }
        rules.sort_by_key(|rule| rule.networks.order());
        Ok(NetworkRules(rules))
    }

    /// All rules, in the order in which they are tried.
    pub fn all(&self) -> &[TopologyRule] {
        &self.0
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a rule depends on labels, which cost a look-up.
    pub fn has_labels(&self) -> bool {
        let is_label = |rule: &TopologyRule| matches!(rule.networks, RuleNetworks::Label(_));
        self.0.iter().any(is_label)
    }

    /// The rules that hold for a client and a path, in order.
    pub fn matching<'r>(
        &'r self,
        client: RuleClient<'_>,
        path: &[u8],
        now: Timestamp,
    ) -> Vec<&'r TopologyRule> {
        let rules = self.0.iter();
        let holds = |rule: &&TopologyRule| {
            rule.is_for(client)
                && rule.is_for_path(path)
                && rule.is_now(now)
                && rule.takes(client.ip)
        };
        rules.filter(holds).collect()
    }
}

impl RuleNetworks {
    /// Prefixes come first, the longest before the others; then AS, then labels.
    fn order(&self) -> (u8, u8) {
        match self {
            RuleNetworks::Prefix(prefix) => (0, u8::MAX - prefix.prefix_len()),
            RuleNetworks::As(_) => (1, 0),
            RuleNetworks::Label(_) => (2, 0),
        }
    }
}

impl std::fmt::Display for RuleNetworks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RuleNetworks::Prefix(prefix) => write!(f, "prefix {prefix}"),
            RuleNetworks::As(asn) => write!(f, "as {asn}"),
            RuleNetworks::Label(label) => write!(f, "label {label}"),
        }
    }
}

impl TopologyRule {
    /// Whether the client is in its networks.
    pub fn is_for(&self, client: RuleClient<'_>) -> bool {
        match &self.networks {
            RuleNetworks::Prefix(prefix) => {
                let ip = client.ip.map(|ip| ip.to_canonical());
                ip.is_some_and(|ip| prefix.contains(&ip))
            }
            RuleNetworks::As(asn) => client.asn == Some(*asn),
            RuleNetworks::Label(label) => client.label == Some(label),
        }
    }

    /// The rule in words, and whether the network of a client of it is in its share.
    pub fn text(&self, ip: Option<IpAddr>) -> String {
        let mirrors: Vec<String> = self
            .mirrors
            .iter()
            .map(|(name, weight)| format!("{name}*{weight}"))
            .collect();
        let mut text = format!("{}: {} {}", self.name, self.networks, mirrors.join(" "));
        for path in &self.paths {
            text += &format!(" path=/{}", path.escape_ascii());
        }
        for (key, at) in [("from", self.from), ("until", self.until)] {
            if let Some(at) = at {
                text += &format!(" {key}={at}");
            }
        }
        if self.share < SHARE_ALL {
            text += &format!(" share={}", self.share);
            if let Some(ip) = ip {
                let place = bucket(ip, &self.name);
                let is_in = if self.takes(Some(ip)) { "in" } else { "out" };
                text += &format!(", this network is {place}: {is_in}");
            }
        }
        text
    }

    fn is_for_path(&self, path: &[u8]) -> bool {
        let begins = |begin: &Vec<u8>| path.starts_with(begin);
        self.paths.is_empty() || self.paths.iter().any(begins)
    }

    fn is_now(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| now >= from) && self.until.is_none_or(|until| now < until)
    }

    /// Whether the client's network is in the rule's share. More networks join when it grows, and
    /// none leaves.
    pub fn takes(&self, ip: Option<IpAddr>) -> bool {
        self.share >= SHARE_ALL || ip.is_some_and(|ip| bucket(ip, &self.name) < self.share)
    }
}

/// The number of a client's network in a rule's share, from 0 to 99: the same for all of a /24 or
/// /64, and another one for another rule.
pub fn bucket(ip: IpAddr, rule: &str) -> u8 {
    let mut key = match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            vec![a, b, c, 0]
        }
        IpAddr::V6(ip) => ip.octets()[..8].to_vec(),
    };
    key.push(0);
    key.extend_from_slice(rule.as_bytes());
    (xxh3_64(&key) % 100) as u8
}

/// Reads one rule.
fn rule(line: &str, number: usize) -> Result<TopologyRule, String> {
    let mut words = line.split_whitespace();
    let kind = words.next().unwrap_or_default();
    let value = words.next().unwrap_or_default();
    let mut rule = TopologyRule {
        name: number.to_string(),
        networks: networks(kind, value)?,
        mirrors: Vec::new(),
        paths: Vec::new(),
        share: SHARE_ALL,
        from: None,
        until: None,
    };
    for word in words {
        match word.split_once('=') {
            Some((key, value)) => rule.set(key, value)?,
            None => rule.mirrors.push(weighted(word)?),
        }
    }
    match rule.mirrors.len() {
        0 => Err("it names no mirror; write their names behind the network".to_owned()),
        1..=MIRRORS_MAX => Ok(rule),
        _ => Err(format!(
            "it names more than {MIRRORS_MAX} mirrors; name fewer"
        )),
    }
}

fn networks(kind: &str, value: &str) -> Result<RuleNetworks, String> {
    let shown = value.escape_debug();
    match kind {
        "prefix" => parse_prefix(value)
            .map(|prefix| RuleNetworks::Prefix(prefix.trunc()))
            .ok_or_else(|| format!("'{shown}' is no prefix; write one such as 192.0.2.0/24")),
        "as" => {
            let number = value.strip_prefix("AS").unwrap_or(value);
            let asn = number.parse().ok().and_then(Asn::new);
            asn.map(RuleNetworks::As)
                .ok_or_else(|| format!("'{shown}' is no AS; write a number such as 64500"))
        }
        "label" if is_label(value.as_bytes()) => Ok(RuleNetworks::Label(value.to_owned())),
        "label" => Err(format!("'{shown}' is no label of a table of networks")),
        _ => Err(format!(
            "'{}' begins no rule; begin with as, prefix or label",
            kind.escape_debug()
        )),
    }
}

/// Reads `MIRROR` or `MIRROR*WEIGHT`.
fn weighted(word: &str) -> Result<(String, u16), String> {
    let (name, weight) = word.split_once('*').unwrap_or((word, "1"));
    let weight = weight
        .parse()
        .ok()
        .filter(|weight| (1..=WEIGHT_MAX).contains(weight));
    match weight.filter(|_| !name.is_empty()) {
        Some(weight) => Ok((name.to_owned(), weight)),
        None => Err(format!(
            "'{}' is no mirror with a weight; write MIRROR or MIRROR*N, N from 1 to {WEIGHT_MAX}",
            word.escape_debug()
        )),
    }
}

impl TopologyRule {
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let shown = value.escape_debug();
        match key {
            "name" if is_label(value.as_bytes()) => value.clone_into(&mut self.name),
            "name" => {
                return Err(format!(
                    "name: '{shown}' has other signs than A-Z a-z 0-9 . _ : -"
                ));
            }
            "path" => {
                let path = value.trim_start_matches('/');
                self.paths.push(path.as_bytes().to_vec());
            }
            "share" => {
                let share = value.parse().ok().filter(|share| *share <= SHARE_ALL);
                self.share = share.ok_or_else(|| format!("share: '{shown}' is not 0 to 100"))?;
            }
            "from" => self.from = Some(time(key, value)?),
            "until" => self.until = Some(time(key, value)?),
            _ => {
                return Err(format!(
                    "'{}=' is no option; there are name, path, share, from, until",
                    key.escape_debug()
                ));
            }
        }
        Ok(())
    }
}

fn time(key: &str, value: &str) -> Result<Timestamp, String> {
    Timestamp::parse(value).ok_or_else(|| {
        let shown = value.escape_debug();
        format!("{key}: '{shown}' is no time; write one such as 2026-12-01T00:00:00Z")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_and_ordered() {
        let text = "\
            # Where our students are\n\
            label dorm u2\n\
            as AS7545 waix1*10 waix2 name=tpg share=50 path=/pool/ path=dists/ # half\n\
            prefix 10.0.0.0/8 u1\n\
            prefix 10.8.1.2/14 u1 name=campus until=2026-12-01T00:00:00Z\n";
        let rules = NetworkRules::parse(text).expect("rules");
        let names: Vec<&str> = rules.all().iter().map(|rule| rule.name.as_str()).collect();
        assert_eq!(names, ["campus", "4", "tpg", "2"]);
        assert_eq!(rules.all()[0].networks.to_string(), "prefix 10.8.0.0/14");
        let tpg = &rules.all()[2];
        let mirrors = [("waix1".to_owned(), 10), ("waix2".to_owned(), 1)];
        assert_eq!(tpg.mirrors, mirrors);
        assert_eq!((tpg.share, tpg.paths.len()), (50, 2));
        assert!(rules.has_labels());
        for (line, problem) in [
            ("as 0 m", "is no AS"),
            ("as 4294967296 m", "is no AS"),
            ("prefix 10.0.0.0/33 m", "is no prefix"),
            ("label a/b m", "is no label"),
            ("peer 1 m", "begins no rule"),
            ("as 1", "names no mirror"),
            ("as 1 m*0", "with a weight"),
            ("as 1 m*1001", "with a weight"),
            ("as 1 m share=101", "not 0 to 100"),
            ("as 1 m until=soon", "is no time"),
            ("as 1 m other=1", "is no option"),
            (
                "as 2 m name=x\nas 1 m name=x",
                "two rules have the name 'x'",
            ),
        ] {
            let error = NetworkRules::parse(line).expect_err(line).to_string();
            assert!(error.contains(problem), "{line}: {error}");
            assert!(error.starts_with("line "), "{error}");
        }
    }

    #[test]
    fn a_client_finds_the_rules_that_hold_for_it() {
        let text = "as 64501 m1 name=a path=pool/\nprefix 203.0.113.0/24 m2 name=p\n\
            label campus m3 name=l from=1970-01-01T00:01:00Z until=1970-01-01T00:02:00Z\n";
        let rules = NetworkRules::parse(text).expect("rules");
        let found = |ip: &str, asn, label, path: &str, now| {
            let client = RuleClient {
                ip: ip.parse().ok(),
                asn: Asn::new(asn),
                label,
            };
            let found = rules.matching(client, path.as_bytes(), Timestamp(now));
            let names: Vec<&str> = found.iter().map(|rule| rule.name.as_str()).collect();
            names.join(" ")
        };
        let all = Some("campus");
        assert_eq!(found("203.0.113.9", 64501, all, "pool/a", 60), "p a l");
        assert_eq!(found("::ffff:203.0.113.9", 1, None, "pool/a", 60), "p");
        assert_eq!(found("192.0.2.1", 64501, None, "dists/a", 60), "");
        assert_eq!(found("192.0.2.1", 1, all, "a", 59), "");
        assert_eq!(found("192.0.2.1", 1, all, "a", 120), "");
    }

    /// The buckets of the specification of rules.
    #[test]
    fn a_network_keeps_its_place_in_a_share() {
        for (ip, rule, expected) in [
            ("203.0.113.7", "tpg", 43),
            ("203.0.113.200", "campus", 90),
            ("::ffff:203.0.113.7", "tpg", 43),
            ("2001:db8:1:2:3::4", "tpg", 58),
        ] {
            assert_eq!(
                bucket(ip.parse().expect("an address"), rule),
                expected,
                "{ip} {rule}"
            );
        }
        let rules = NetworkRules::parse("as 1 m share=0\nas 2 m share=50").expect("rules");
        let ips = (0..20_000_u32).map(|net| IpAddr::from((net << 8).to_be_bytes()));
        let taken = |rule: &TopologyRule| ips.clone().filter(|ip| rule.takes(Some(*ip))).count();
        assert_eq!(taken(&rules.all()[0]), 0);
        let half = taken(&rules.all()[1]) as f64 / 20_000.0;
        assert!((half - 0.5).abs() < 0.02, "{half}");
        assert!(!rules.all()[1].takes(None), "nobody knows where it is");
    }
}
