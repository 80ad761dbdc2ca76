//! Recorded and derived cases, and the verdict on an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use heliostat::db::mirror::MirrorRecord;
use md5::{Digest, Md5};
use serde::Deserialize;

use super::site::fixture;
use crate::stand_in::fcgi_client::{Answer, Request, percent_decoded};

/// MirrorBrainRedirectStampKey of the recorded configuration.
const STAMP_KEY: &str = "s3cr3t";
/// Mirrors named in Link fields.
const LINKS_MAX: usize = 5;
/// Lines of a list for yum.
const YUM_LINES_MAX: usize = 10;

/// Where a client is.
const PLACE: [&str; 6] = [
    "GEOIP_ADDR",
    "GEOIP_COUNTRY_CODE",
    "GEOIP_CONTINENT_CODE",
    "GEOIP_LATITUDE",
    "GEOIP_LONGITUDE",
    "ASN",
];

/// One case. Strings stand for bytes as in Latin-1.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    /// Number of the recorded case, or `d…` for a derived one.
    pub name: String,
    /// Its subject.
    pub what: String,
    answer: Kind,
    parameters: BTreeMap<String, String>,
    /// Keys of the table of deliberate differences.
    #[serde(default)]
    pub differs: BTreeSet<String>,
    /// The file that mirrors are asked for, percent-encoded.
    #[serde(default)]
    path: String,
    /// The URL by which we were asked, unescaped.
    #[serde(default)]
    own: String,
    #[serde(default)]
    described: Vec<String>,
    /// Realm and mirrors, best first; those of one group in any order.
    #[serde(default)]
    groups: Vec<Vec<serde_json::Value>>,
    #[serde(default)]
    digests: Vec<String>,
    #[serde(default)]
    stamped: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Redirect,
    Local,
    Missing,
    Yum,
}

/// A mirror or a fallback that a Link field may name.
#[derive(Debug, PartialEq, Eq, Clone)]
struct Named {
    base_url: String,
    name: String,
    realm: String,
    geo: String,
}

/// `Link: <url>; rel=duplicate; pri=1; geo=de`
#[derive(Debug)]
struct Link {
    url: Vec<u8>,
    priority: Option<usize>,
    geo: String,
}

/// All cases.
pub fn cases() -> Vec<Case> {
    lines("cases.jsonl")
}

/// One value per line.
pub fn lines<T: for<'a> Deserialize<'a>>(name: &str) -> Vec<T> {
    let text = fixture(name);
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}"));
    text.lines().map(parse).collect()
}

/// Makes the request that the web server sends for a case.
pub fn request(parameters: &BTreeMap<String, String>) -> Request {
    let start = Request::get("/")
        .with("SERVER_NAME", "mb.example.org")
        .with("GEOIP_ADDR", "127.0.0.1")
        .with("HTTP_CONNECTION", "close")
        .without("HTTP_HOST");
    parameters.iter().fold(start, |request, (name, value)| {
        request.with(name, latin1(value))
    })
}

/// Characters are bytes.
fn latin1(text: &str) -> Vec<u8> {
    let byte = |character| u8::try_from(u32::from(character)).expect("a Latin-1 character");
    text.chars().map(byte).collect()
}

impl Case {
    /// The request.
    pub fn request(&self) -> Request {
        request(&self.parameters)
    }

    /// A parameter that the web server sends.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Sets a parameter.
    pub fn set(&mut self, name: &str, value: &str) {
        self.parameters.insert(name.to_owned(), value.to_owned());
    }

    /// The file that mirrors are asked for, percent-encoded.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether a redirect is right.
    pub fn is_redirect(&self) -> bool {
        self.answer == Kind::Redirect
    }

    /// Realm and mirrors, best first.
    pub fn groups(&self) -> &[Vec<serde_json::Value>] {
        &self.groups
    }

    /// The same request of a client that is where another case's is.
    pub fn for_client_of(&self, other: &Case) -> Case {
        let mut case = self.clone();
        for name in PLACE {
            case.parameters.remove(name);
            if let Some(value) = other.parameters.get(name) {
                case.set(name, value);
            }
        }
        case
    }

    /// Another set of mirrors is right; without one the file is served locally.
    pub fn expect_groups(&mut self, groups: Vec<Vec<serde_json::Value>>) {
        if groups.is_empty() {
            self.answer = Kind::Local;
        }
        self.groups = groups;
    }

    /// Everything in which the answer is not what it has to be.
    pub fn mismatches(
        &self,
        answer: &Answer,
        mirrors: &[MirrorRecord],
        tree: &Path,
    ) -> Vec<String> {
        let mut found = Vec::new();
        let status = match self.answer {
            Kind::Redirect => 302,
            Kind::Local | Kind::Yum => 200,
            Kind::Missing => 404,
        };
        expect(&mut found, "status", answer.status, status);
        if !found.is_empty() {
            return found;
        }
        let sendfile = answer.header("X-Sendfile").map(percent_decoded);
        let local = (self.answer == Kind::Local).then(|| self.local_file(tree));
        expect(&mut found, "X-Sendfile", sendfile, local);
        if self.answer == Kind::Redirect {
            self.judge_redirect(answer, mirrors, &mut found);
        } else if self.answer == Kind::Yum {
            self.judge_yum(answer, mirrors, &mut found);
        } else {
            expect(&mut found, "Location", answer.header("Location"), None);
        }
        found
    }

    /// The file as the admin named the tree and the client the file.
    fn local_file(&self, tree: &Path) -> Vec<u8> {
        let root = match self.parameters["HELIOSTAT_SITE"].as_str() {
            "link" => tree.with_file_name("treelink"),
            _ => tree.to_owned(),
        };
        let mut path = root.into_os_string().into_encoded_bytes();
        path.extend(latin1(&self.parameters["SCRIPT_NAME"]));
        path
    }

    /// Up to ten base URLs, each of the first group that is not used up.
    fn judge_yum(&self, answer: &Answer, mirrors: &[MirrorRecord], found: &mut Vec<String>) {
        let mut groups: Vec<Vec<Named>> = self
            .groups
            .iter()
            .map(|group| self.named(group, mirrors))
            .collect();
        let text = String::from_utf8_lossy(&answer.body);
        let all: usize = groups.iter().map(Vec::len).sum();
        expect(found, "lines", text.lines().count(), all.min(YUM_LINES_MAX));
        for line in text.lines() {
            let group = groups.iter_mut().find(|group| !group.is_empty());
            let at = group.as_ref().and_then(|group| {
                let is_here = |one: &Named| format!("{}{}", one.base_url, self.path) == line;
                group.iter().position(is_here)
            });
            match (group, at) {
                (Some(group), Some(at)) => drop(group.swap_remove(at)),
                (group, _) => return found.push(format!("{line}, not of {group:?}")),
            }
        }
    }

    fn judge_redirect(&self, answer: &Answer, mirrors: &[MirrorRecord], found: &mut Vec<String>) {
        let (duplicates, own): (Vec<Link>, Vec<Link>) = answer
            .all("Link")
            .map(|field| parse_link(field).unwrap_or_else(|| panic!("{field:?}")))
            .partition(|link| link.priority.is_some());
        let own: Vec<_> = own.iter().map(|link| plain(&link.url, found)).collect();
        let suffixed = |suffix: &String| [latin1(&self.own), suffix.clone().into_bytes()].concat();
        let described: Vec<_> = self.described.iter().map(suffixed).collect();
        expect(found, "described by", own, described);
        let digests: Vec<_> = answer.all("Digest").collect();
        let known: Vec<_> = self.digests.iter().map(String::as_bytes).collect();
        expect(found, "Digest", digests, known);
        let Some(best) = self.judge_order(&duplicates, mirrors, found) else {
            return;
        };
        let location = self.unsigned(answer.header("Location").unwrap_or_default(), found);
        expect(found, "Location", location, self.url_at(&best));
        let header = |name| answer.text(name).unwrap_or_default();
        expect(found, "mirror", header("X-MirrorBrain-Mirror"), best.name);
        expect(found, "realm", header("X-MirrorBrain-Realm"), best.realm);
    }

    /// Each link must be of the first group that is not used up; returns the first.
    fn judge_order(
        &self,
        links: &[Link],
        mirrors: &[MirrorRecord],
        found: &mut Vec<String>,
    ) -> Option<Named> {
        let mut groups: Vec<Vec<Named>> = self
            .groups
            .iter()
            .map(|group| self.named(group, mirrors))
            .collect();
        let all: usize = groups.iter().map(Vec::len).sum();
        expect(found, "links", links.len(), all.min(LINKS_MAX));
        let mut first = None;
        for (place, link) in links.iter().enumerate() {
            expect(found, "pri", link.priority, Some(place + 1));
            let url = self.unsigned(&link.url, found);
            let group = groups.iter_mut().find(|group| !group.is_empty())?;
            let Some(at) = group.iter().position(|one| self.url_at(one) == url) else {
                let url = String::from_utf8_lossy(&url);
                found.push(format!("{url} at {}, not of {group:?}", place + 1));
                return None;
            };
            let named = group.swap_remove(at);
            expect(found, "geo", &link.geo, &named.geo);
            first.get_or_insert(named);
        }
        first
    }

    fn named(&self, group: &[serde_json::Value], mirrors: &[MirrorRecord]) -> Vec<Named> {
        let realm = group[0].as_str().expect("a realm").to_owned();
        let by_id = |id: u64| {
            let mirror = mirrors.iter().find(|mirror| mirror.id.0 as u64 == id);
            let mirror = mirror.expect("a mirror of the table");
            let client = self.parameters.get("GEOIP_COUNTRY_CODE");
            let geo = match mirror.country.as_str() {
                "**" => client.map_or("", String::as_str).trim_matches('-'),
                country => country,
            };
            let slash = if mirror.base_url.ends_with('/') {
                ""
            } else {
                "/"
            };
            Named {
                base_url: format!("{}{slash}", mirror.base_url),
                name: mirror.identifier.clone(),
                realm: realm.clone(),
                geo: geo.to_ascii_lowercase(),
            }
        };
        let by_url = |url: &str| {
            let host = url.split('/').nth(2).expect("a host");
            Named {
                base_url: url.to_owned(),
                name: host.to_owned(),
                realm: realm.clone(),
                // fallback.de.example.com
                geo: host.split('.').nth(1).expect("a country").to_owned(),
            }
        };
        let named = |value: &serde_json::Value| match value.as_u64() {
            Some(id) => by_id(id),
            None => by_url(value.as_str().expect("a number or a URL")),
        };
        group[1..].iter().map(named).collect()
    }

    fn url_at(&self, mirror: &Named) -> Vec<u8> {
        [
            mirror.base_url.as_bytes(),
            &percent_decoded(self.path.as_bytes()),
        ]
        .concat()
    }

    /// The URL decoded and, where URLs are signed, without its stamp, which must be right.
    fn unsigned(&self, url: &[u8], found: &mut Vec<String>) -> Vec<u8> {
        let url = plain(url, found);
        if !self.stamped {
            return url;
        }
        let text = String::from_utf8_lossy(&url);
        let signed = text
            .split_once("?time=")
            // A mirror's base URL may have a query already.
            .or_else(|| text.split_once("&time="))
            .and_then(|(url, rest)| Some((url, rest.split_once("&stamp=")?)));
        let Some((url, (time, stamp))) = signed else {
            found.push(format!("{text} has no stamp"));
            return Vec::new();
        };
        let digest = Md5::digest(format!("{time} {STAMP_KEY}").as_bytes());
        let right: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        expect(found, "stamp", stamp, right.as_str());
        url.as_bytes().to_vec()
    }
}

/// A URL decoded; one that has bytes which must be encoded is a mismatch.
fn plain(url: &[u8], found: &mut Vec<String>) -> Vec<u8> {
    let is_fine = |byte: &u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(byte);
    if !url.iter().all(is_fine) {
        found.push(format!("not encoded: {}", String::from_utf8_lossy(url)));
    }
    percent_decoded(url)
}

fn parse_link(field: &[u8]) -> Option<Link> {
    let field = std::str::from_utf8(field).ok()?;
    let (url, rest) = field.strip_prefix('<')?.split_once('>')?;
    let value = |name: &str| {
        let mut attributes = rest.split(';').map(str::trim);
        attributes.find_map(|attribute| attribute.strip_prefix(name))
    };
    let is_duplicate = match value("rel=")? {
        "duplicate" => true,
        "describedby" => false,
        _ => return None,
    };
    Some(Link {
        url: url.as_bytes().to_vec(),
        priority: is_duplicate.then(|| value("pri=")?.parse().ok()).flatten(),
        geo: value("geo=").unwrap_or_default().to_owned(),
    })
}

fn expect<T: PartialEq + std::fmt::Debug>(found: &mut Vec<String>, what: &str, ours: T, right: T) {
    if ours != right {
        found.push(format!("{what}: {ours:?}, not {right:?}"));
    }
}
