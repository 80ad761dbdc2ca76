//! The selection law, written twice: every case's mirrors are those that `scripts/oracle/law.py`
//! gives, and so are the responder's for clients drawn all over the world.

use std::collections::BTreeMap;

use serde_json::Value;

use super::case::{Case, cases};
use super::law::{Law, Place, Question, Ranking};
use super::sample::query_of;
use super::site::{Table, build, fixture, mirrors, ranges, start};
use crate::stand_in::fcgi_client::percent_decoded;

/// Clients that are drawn.
const CLIENTS: usize = 3_000;
/// Where the drawing begins; any will do.
const SEED: u64 = 20_150_609;
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
struct Known {
    law: Law,
    files: BTreeMap<Vec<u8>, (u64, Vec<i64>)>,
    ids: BTreeMap<String, i64>,
}

impl Known {
    fn read() -> Known {
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
    fn groups(&mut self, case: &Case) -> Vec<Vec<Value>> {
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
        let group = |group: &Vec<super::law::Ranked>| {
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

#[test]
fn every_case_has_the_mirrors_that_the_law_gives() {
    let mut known = Known::read();
    let (mut judged, mut wrong) = (0, Vec::new());
    for case in cases().iter().filter(|case| case.is_redirect()) {
        let groups = known.groups(case);
        judged += 1;
        // A case has as many groups as Link fields need.
        let start: Vec<_> = groups.into_iter().take(case.groups().len()).collect();
        if start.is_empty() || start != sorted(case.groups()) {
            wrong.push(format!(
                "{}: {:?}, the law: {start:?}",
                case.name,
                case.groups()
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {judged}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(judged > 500, "{judged}");
}

/// Members of each group in one order behind the realm.
fn sorted(groups: &[Vec<Value>]) -> Vec<Vec<Value>> {
    let mut groups = groups.to_vec();
    for group in &mut groups {
        group[1..].sort_by_key(ToString::to_string);
    }
    groups
}

#[test]
fn clients_all_over_the_world_are_sent_where_the_law_says() {
    let recorded = build();
    let responder = start(&recorded);
    let mut client = responder.connect();
    let mut known = Known::read();
    let mirrors = mirrors();
    let mut random = fastrand::Rng::with_seed(SEED);
    let models: Vec<Case> = cases().into_iter().filter(Case::is_redirect).collect();
    let mut wrong = Vec::new();
    for _ in 0..CLIENTS {
        let model = &models[random.usize(..models.len())];
        // Of the same site, whose exclusions it has met.
        let site = model.parameter("HELIOSTAT_SITE");
        let others: Vec<&Case> = models
            .iter()
            .filter(|other| other.parameter("HELIOSTAT_SITE") == site)
            .collect();
        let other = others[random.usize(..others.len())];
        let mut case = model.for_client_of(other);
        if random.bool() {
            let degrees = |range: f64, random: &mut fastrand::Rng| {
                format!("{:.2}", (random.f64() - 0.5) * range)
            };
            case.set("GEOIP_LATITUDE", &degrees(180.0, &mut random));
            case.set("GEOIP_LONGITUDE", &degrees(360.0, &mut random));
        }
        let groups = known.groups(&case);
        case.expect_groups(groups);
        let answer = client.send(&case.request());
        for mismatch in case.mismatches(&answer, &mirrors, &recorded.tree()) {
            wrong.push(format!("{} as {}: {mismatch}", case.what, other.what));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
