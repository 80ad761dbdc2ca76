//! Reads a query for a list of mirrors.
//!
//! As MirrorManager reads it: the last value of a name counts, names are case-sensitive, and `+` is
//! a plus sign, which names of repositories may have. Other than there, `%XX` is decoded.

use std::net::IpAddr;

use crate::domain::escape::percent_decode;
use crate::domain::place::CountryCode;
use crate::domain::url::Scheme;

/// Number of arguments that are read; a client of a repository sends a handful.
const ARGUMENTS_MAX: usize = 64;

/// Number of countries or schemes that one list may name; there are some 250 countries.
const WORDS_MAX: usize = 300;

/// The subject of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListSubject {
    /// `repo=` and `arch=`
    Repository {
        /// As asked.
        repo: Vec<u8>,
        /// As asked.
        arch: Vec<u8>,
    },
    /// `path=`: a directory or file of the tree.
    Path(Vec<u8>),
}

/// The arguments of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListArguments {
    /// Its subject; `None` if the query does not name one.
    pub subject: Option<ListSubject>,
    /// `country=`: as written, sorted, without repetitions; empty: nothing is asked.
    pub countries: Vec<String>,
    /// `protocol=`: as written, sorted, without repetitions; empty: nothing is asked.
    pub protocols: Vec<String>,
    /// Whether prefixes and autonomous systems count: `netblock=` is absent or 1, and no country
    /// is named.
    pub is_near: bool,
    /// `redirect=`, with any value.
    pub redirects: bool,
    /// `time=`, with any value.
    pub shows_time: bool,
    /// `ip=`: an address to pretend, as written; empty: none.
    pub ip: Vec<u8>,
}

impl ListArguments {
    /// Reads a query string.
    pub fn parse(query: &[u8]) -> ListArguments {
        let parts = query.split(|byte| *byte == b'&');
        let parts: Vec<(Vec<u8>, Vec<u8>)> = parts.take(ARGUMENTS_MAX).map(split).collect();
        let value = |name: &str| {
            let mut found = parts.iter().rev();
            found
                .find(|(known, _)| known == name.as_bytes())
                .map(|(_, value)| value)
        };
        let subject = match (value("repo"), value("arch"), value("path")) {
            (Some(repo), Some(arch), _) => Some(ListSubject::Repository {
                repo: repo.clone(),
                arch: arch.clone(),
            }),
            (_, _, Some(path)) => Some(ListSubject::Path(path.clone())),
            _ => None,
        };
        let countries = words(value("country"));
        let netblock = value("netblock").is_none_or(|value| value == b"1");
        ListArguments {
            subject,
            is_near: netblock && countries.is_empty(),
            countries,
            protocols: words(value("protocol")),
            redirects: value("redirect").is_some(),
            shows_time: value("time").is_some(),
            ip: value("ip").cloned().unwrap_or_default(),
        }
    }

    /// Whether `country=` has `global`: every public mirror.
    pub fn is_global(&self) -> bool {
        let is_global = |word: &String| word.eq_ignore_ascii_case("global");
        self.countries.iter().any(is_global)
    }

    /// The countries among `country=`.
    pub fn country_codes(&self) -> Vec<CountryCode> {
        let codes = self.countries.iter();
        codes
            .filter_map(|word| CountryCode::parse(word.as_bytes()))
            .collect()
    }

    /// The schemes among `protocol=`.
    pub fn schemes(&self) -> Vec<Scheme> {
        let words = self.protocols.iter();
        words.filter_map(|word| Scheme::named(word)).collect()
    }

    /// The address of `ip=`; `None` if the text is not an address.
    pub fn address(&self) -> Option<IpAddr> {
        let text = std::str::from_utf8(&self.ip).ok()?;
        text.parse().ok().map(|ip: IpAddr| ip.to_canonical())
    }
}

fn split(part: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let at = part.iter().position(|byte| *byte == b'=');
    let (name, value) = at.map_or((part, &b""[..]), |at| (&part[..at], &part[at + 1..]));
    (percent_decode(name), percent_decode(value))
}

fn words(value: Option<&Vec<u8>>) -> Vec<String> {
    let text = String::from_utf8_lossy(value.map_or(b"", |value| value));
    let words = text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let mut words: Vec<String> = words.take(WORDS_MAX).map(str::to_owned).collect();
    words.sort_unstable();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(repo: &str, arch: &str) -> Option<ListSubject> {
        let (repo, arch) = (repo.as_bytes().to_vec(), arch.as_bytes().to_vec());
        Some(ListSubject::Repository { repo, arch })
    }

    #[test]
    fn a_query_is_read_as_mirrormanager_reads_it() {
        let path = |path: &str| Some(ListSubject::Path(path.as_bytes().to_vec()));
        for (query, subject) in [
            ("", None),
            ("repo=a", None),
            ("arch=a", None),
            ("Repo=a&arch=b", None),
            ("repo=a&arch=b&path=c", repository("a", "b")),
            ("repo=a&repo=b&arch=", repository("b", "")),
            ("repo=c%2B%2B+x&arch", repository("c+++x", "")),
            ("path=", path("")),
            ("repo=a&path=x/y", path("x/y")),
            ("path=x=y", path("x=y")),
        ] {
            let read = ListArguments::parse(query.as_bytes());
            assert_eq!(read.subject, subject, "{query}");
        }
    }

    #[test]
    fn countries_and_protocols_are_sorted_and_switch_networks_off() {
        let read = ListArguments::parse(b"country=us,GLOBAL,de,us&protocol=https,,http&redirect=0");
        assert_eq!(read.countries, ["GLOBAL", "de", "us"]);
        assert_eq!(read.protocols, ["http", "https"]);
        assert!(read.is_global() && read.redirects && !read.shows_time && !read.is_near);
        assert_eq!(read.country_codes().len(), 2);
        assert_eq!(read.schemes(), [Scheme::Http, Scheme::Https]);
        for (query, is_near) in [
            ("", true),
            ("netblock=1", true),
            ("netblock=", false),
            ("netblock=0", false),
            ("netblock=01", false),
            ("country=", true),
        ] {
            assert_eq!(
                ListArguments::parse(query.as_bytes()).is_near,
                is_near,
                "{query}"
            );
        }
    }

    #[test]
    fn an_address_is_an_address_or_nothing() {
        for (query, is_address) in [
            ("ip=192.0.2.1", true),
            ("ip=2001:db8::1", true),
            ("ip=::ffff:192.0.2.1", true),
            ("ip=10.11.12.331", false),
            ("ip=192.0.2.1/24", false),
        ] {
            let read = ListArguments::parse(query.as_bytes());
            assert_eq!(read.address().is_some(), is_address, "{query}");
        }
    }
}
