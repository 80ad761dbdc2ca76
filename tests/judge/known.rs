//! The selection law for the cases of the fixtures.

use std::collections::BTreeMap;

use serde_json::Value;

use super::case::Case;
use super::law::{Law, Place, Question, Ranked, Ranking};
use super::sample::query_of;
use super::site::{Table, fixture, mirrors, ranges};
use crate::stand_in::fcgi_client::percent_decoded;

/// `MirrorBrainFallback` of the recorded configuration.
const FALLBACKS: [(&str, &str, &str); 3] = [
    ("na", "us", "http://fallback.us.example.com/mirrors/foobar/"),
    ("eu", "de", "http://fallback.de.example.com/foobar/"),
    (
        "as",
        "jp",
        "ftp://fallback.jp.example.com/pub/mirrors/foobar/",
    ),
];

/// The law, and what the fixtures say of each file.
pub struct Known {
    law: Law,
    files: BTreeMap<Vec<u8>, (u64, Vec<i64>)>,
    ids: BTreeMap<String, i64>,
}

impl Known {
    /// Reads the fixtures and starts the law.
    pub fn read() -> Known {
        let text = fixture("mirrors.tsv");
        let table = Table::parse(&text);
        let names = text.lines().next().unwrap_or_default().split('\t');
        let names: Vec<&str> = names.collect();
        let row = |column: &dyn Fn(&str) -> &str| -> BTreeMap<String, String> {
            let pair = |name: &&str| ((*name).to_owned(), column(name).to_owned());
            names.iter().map(pair).collect()
        };
        let rows: Vec<_> = table
            .rows()
            .map(|column| row(&|name| column(name)))
            .collect();
        let text = fixture("files.tsv");
        let table = Table::parse(&text);
        let files = table
            .rows()
            .filter(|column| column("kind") == "f")
            .map(|column| {
                let size = column("size").parse().expect("a size");
                let path = percent_decoded(column("path").as_bytes());
                let mirrors = Some(column("mirrors")).filter(|known| !known.is_empty());
                (path, (size, mirrors.map_or(Vec::new(), ranges)))
            });
        Known {
            law: Law::start(&rows),
            files: files.collect(),
            ids: mirrors()
                .into_iter()
                .map(|one| (one.identifier, one.id.0))
                .collect(),
        }
    }

    /// The law's groups for a case: the realm, then numbers of mirrors or URLs of fallbacks.
    pub fn groups(&mut self, case: &Case) -> Vec<Vec<Value>> {
        let path = percent_decoded(case.path().as_bytes());
        let (size, ids) = self.files[&path].clone();
        let is_main = case.parameter("HELIOSTAT_SITE") == Some("main");
        let owned = |(region, country, url): (&str, &str, &str)| {
            (region.to_owned(), country.to_owned(), url.to_owned())
        };
        let fallbacks = match is_main && path.starts_with(b"fallback/") {
            true => FALLBACKS.map(owned).to_vec(),
            false => Vec::new(),
        };
        let question = Question {
            ids,
            size,
            client: place(case),
            fallbacks,
        };
        let ranking = self.law.ask(&question);
        self.numbered(&ranking)
    }

    fn numbered(&self, ranking: &Ranking) -> Vec<Vec<Value>> {
        let group = |group: &Vec<Ranked>| {
            let mut members: Vec<Value> = group
                .iter()
                .map(|one| match self.ids.get(&one.name) {
                    Some(id) => Value::from(*id),
                    None => Value::from(one.base_url.as_str()),
                })
                .collect();
            members.sort_by_key(ToString::to_string);
            members.insert(0, Value::from(group[0].realm.as_str()));
            members
        };
        ranking.groups.iter().map(group).collect()
    }
}

/// Where a case's client is.
fn place(case: &Case) -> Place {
    let told = |name: &str| case.parameter(name).map(str::to_owned);
    let degrees = |name: &str| told(name).and_then(|text| text.parse().ok());
    let query = query_of(&format!(
        "/?{}",
        case.parameter("QUERY_STRING").unwrap_or_default()
    ));
    let is_code =
        |text: &&String| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let digits =
        |text: &String| -> String { text.chars().take_while(char::is_ascii_digit).collect() };
    // AS 0 is none, and a client of https is not sent to http: deliberate differences.
    let is_known = |asn: &String| !asn.is_empty() && asn != "0";
    let asn = query.get("as").map(digits).filter(is_known);
    Place {
        country: query
            .get("country")
            .filter(is_code)
            .cloned()
            .or(told("GEOIP_COUNTRY_CODE")),
        continent: told("GEOIP_CONTINENT_CODE"),
        lat: degrees("GEOIP_LATITUDE"),
        lng: degrees("GEOIP_LONGITUDE"),
        asn: asn.or(told("ASN")).filter(is_known),
        ip: told("GEOIP_ADDR").unwrap_or_else(|| "127.0.0.1".to_owned()),
        https: case.parameter("HELIOSTAT_SITE") == Some("tls"),
    }
}
