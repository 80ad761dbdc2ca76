//! Mirrors of mirrorbits: what `mirrorbits show NAME` writes, a list of such mirrors, or the same
//! as JSON. The list of `mirrorbits export mirmon` is mirmon's.

use std::path::Path;

use yaml_rust2::Yaml;

use super::listed::{ReadList, ReadMirror};
use super::mirmon;
use crate::admin::import::problem::{ImportProblem, Spot};
use crate::admin::import::yaml;

/// The fate of a field of mirrorbits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FieldFate {
    /// A field of a mirror.
    Field(&'static str),
    /// A value that is read together with others.
    Read,
    /// A measurement of mirrorbits; Heliostat makes its own.
    State,
    /// Not carried over, for this reason.
    Nothing(&'static str),
}

use FieldFate::{Field, Nothing, Read, State};

/// Fields of mirrorbits, in lower case.
#[rustfmt::skip]
const FIELDS_OF_MIRRORBITS: [(&str, FieldFate); 21] = [
    ("name", Read),
    ("httpurl", Read),
    ("rsyncurl", Field("rsync_url")),
    ("ftpurl", Field("ftp_url")),
    ("sponsorname", Field("operator_name")),
    ("sponsorurl", Field("operator_url")),
    ("adminname", Field("admin")),
    ("adminemail", Field("admin_email")),
    ("continentonly", Field("region_only")),
    ("countryonly", Field("country_only")),
    ("asonly", Field("as_only")),
    ("score", Read),
    ("latitude", Read),
    ("longitude", Read),
    ("continentcode", Field("region")),
    ("countrycodes", Read),
    ("asnum", Field("asn")),
    ("comment", Field("comment")),
    ("sponsorlogourl", Nothing("pages show no pictures of sponsors")),
    ("excludedcountrycodes", Nothing("no mirror is closed to a country")),
    ("customdata", Nothing("there is no such field")),
];

/// Fields with measurements of mirrorbits, which Heliostat makes itself.
const STATES: [&str; 19] = [
    "id",
    "enabled",
    "up",
    "httpup",
    "httpsup",
    "excludereason",
    "httpdownreason",
    "httpsdownreason",
    "statesince",
    "allowredirects",
    "lastsync",
    "lastsuccessfulsync",
    "lastsuccessfulsyncprotocol",
    "lastsuccessfulsyncprecision",
    "lastmodtime",
    "distance",
    "weight",
    "computedscore",
    "tzoffset",
];

/// The usual score of a mirror in Heliostat; mirrorbits has a percentage to add to it.
const SCORE: i64 = 100;

/// Reads mirrors.
///
/// # Errors
/// Returns the first mirror that cannot be used.
pub(super) fn read(path: &Path, text: &str) -> Result<ReadList, ImportProblem> {
    let begin = text.trim_start();
    let is_mirmon = !begin.starts_with(['{', '[', '-']) && !begin.contains(": ");
    if is_mirmon && begin.contains("://") {
        return mirmon::read(path, text);
    }
    let documents = yaml::load(text).map_err(|problem| {
        let spot = Spot::new(path, problem.line);
        let text = format!(
            "this is neither YAML nor JSON: {}; export it again",
            problem.text
        );
        ImportProblem::new(&spot, text)
    })?;
    let mut list = ReadList::default();
    for document in &documents {
        let mirrors = match document {
            Yaml::Array(mirrors) => mirrors.as_slice(),
            Yaml::Hash(hash) => match value(document, "mirrors").and_then(Yaml::as_vec) {
                Some(mirrors) => mirrors.as_slice(),
                None if hash.is_empty() => &[],
                None => std::slice::from_ref(document),
            },
            Yaml::Null => &[],
            _ => std::slice::from_ref(document),
        };
        for mirror in mirrors {
            let spot = spot_of(path, text, mirror);
            take(&mut list, mirror, &spot)?;
        }
    }
    Ok(list)
}

/// The value of a key, whatever its case.
fn value<'y>(mirror: &'y Yaml, key: &str) -> Option<&'y Yaml> {
    let entries = mirror.as_hash()?.iter();
    let mut found = entries.filter(|(name, _)| {
        name.as_str()
            .is_some_and(|name| name.eq_ignore_ascii_case(key))
    });
    found.next().map(|(_, value)| value)
}

/// A single value as text; `None`: it is a list or a table.
fn text_of(value: &Yaml) -> Option<String> {
    match value {
        Yaml::String(text) | Yaml::Real(text) => Some(text.trim().to_owned()),
        Yaml::Integer(number) => Some(number.to_string()),
        Yaml::Boolean(is_on) => Some(is_on.to_string()),
        Yaml::Null => Some(String::new()),
        _ => None,
    }
}

/// The line that has the mirror's name.
fn spot_of(path: &Path, text: &str, mirror: &Yaml) -> Spot {
    let name = value(mirror, "name").and_then(text_of).unwrap_or_default();
    let is_it = |line: &str| !name.is_empty() && line.contains(name.as_str());
    let index = text.lines().position(is_it);
    Spot::new(path, index.unwrap_or(0) + 1)
}

fn take(list: &mut ReadList, yaml: &Yaml, spot: &Spot) -> Result<(), ImportProblem> {
    let text = |key: &str| value(yaml, key).and_then(text_of).unwrap_or_default();
    // Earlier versions have the name in ID, where later ones have a number.
    let id = text("id");
    let name = match text("name") {
        none if none.is_empty() && id.parse::<u64>().is_err() => id,
        name => name,
    };
    if name.is_empty() {
        let text = "this is no mirror of mirrorbits: it has no Name; export it again";
        return Err(ImportProblem::new(spot, text));
    }
    if list.mirrors.iter().any(|one| one.record.identifier == name) {
        let text = format!(
            "the mirror '{}' comes a second time; remove one",
            name.escape_debug()
        );
        return Err(ImportProblem::new(spot, text));
    }
    let mut mirror = ReadMirror::new(&name, spot)?;
    for url in urls(&text("httpurl")) {
        mirror.take_url(&url, spot)?;
    }
    if mirror.record.base_url.is_empty() {
        let text = format!("{name} has no HttpURL, so no client is sent to it; add one");
        return Err(ImportProblem::new(spot, text));
    }
    for (key, yaml) in yaml.as_hash().into_iter().flatten() {
        let key = key.as_str().unwrap_or_default().to_ascii_lowercase();
        let said = text_of(yaml).unwrap_or_else(|| "…".to_owned());
        match becomes(&key) {
            _ if said.is_empty() => {}
            Some(Field("asn")) if said == "0" => {}
            Some(Field(field)) => mirror.set(field, &said, spot)?,
            Some(Read | State) => {}
            Some(Nothing(why)) => {
                let text = format!("{key} of {name} is not carried over, because {why}");
                list.notes.push(ImportProblem::new(spot, text));
            }
            None => {
                let key = key.escape_debug();
                let text = format!("{key} of {name} is not carried over, because it is not known");
                list.notes.push(ImportProblem::new(spot, text));
            }
        }
    }
    let codes = text("countrycodes").to_ascii_lowercase();
    let (country, others) = codes.split_once([' ', ',']).unwrap_or((&codes, ""));
    mirror.set("country", country, spot)?;
    mirror.set("other_countries", others.trim(), spot)?;
    set_place(&mut mirror, (&text("latitude"), &text("longitude")), spot)?;
    match text("score").as_str() {
        "" | "0" => {}
        score => {
            let score = score.parse::<i64>().map_err(|_| {
                ImportProblem::new(
                    spot,
                    format!("score '{}' is no number", score.escape_debug()),
                )
            })?;
            mirror.set(
                "score",
                &SCORE.saturating_add(score).max(0).to_string(),
                spot,
            )?;
        }
    }
    list.add(mirror, spot)
}

fn set_place(
    mirror: &mut ReadMirror,
    (latitude, longitude): (&str, &str),
    spot: &Spot,
) -> Result<(), ImportProblem> {
    let is_unknown = |degrees: &str| matches!(degrees, "" | "0" | "0.0");
    if is_unknown(latitude) && is_unknown(longitude) {
        return Ok(());
    }
    mirror.set("lat,lng", &format!("{latitude},{longitude}"), spot)
}

/// The base URLs; mirrorbits takes one without a scheme for both.
fn urls(url: &str) -> Vec<String> {
    match (url.is_empty(), url.contains("://")) {
        (true, _) => Vec::new(),
        (false, true) => vec![url.to_owned()],
        (false, false) => vec![format!("http://{url}"), format!("https://{url}")],
    }
}

fn becomes(key: &str) -> Option<FieldFate> {
    let found = FIELDS_OF_MIRRORBITS.iter().find(|(name, _)| *name == key);
    let state = STATES.contains(&key).then_some(State);
    found.map(|(_, becomes)| *becomes).or(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "Name: a.example\nHttpURL: http://a.example/p/\nRsyncURL: \
        rsync://a.example/p\nFtpURL: \"\"\nSponsorName: A\nSponsorLogoURL: http://x/l.png\n\
        AdminEmail: a@a.example\nContinentOnly: false\nCountryOnly: true\nScore: -20\n\
        Latitude: 52.5\nLongitude: 13.4\nContinentCode: EU\nCountryCodes: DE AT\nAsnum: 680\n\
        Comment: fast\n";

    #[test]
    fn yaml_and_json_are_read() {
        let json = r#"[{"ID": 1, "Name": "a.example", "HttpURL": "http://a.example/p/",
            "RsyncURL": "rsync://a.example/p", "SponsorName": "A", 
            "SponsorLogoURL": "http://x/l.png",
            "AdminEmail": "a@a.example", "CountryOnly": true, "Score": -20, "Latitude": 52.5,
            "Longitude": 13.4, "ContinentCode": "EU", "CountryCodes": "DE AT", "Asnum": 680,
            "Comment": "fast", "Enabled": true}, {"Name": "b", "HttpURL": "b.example/x/"}]"#;
        for (text, count) in [(YAML, 1), (json, 2)] {
            let list = read(Path::new("/f"), text).expect("a list");
            assert_eq!(list.mirrors.len(), count);
            let record = &list.mirrors[0].record;
            assert_eq!(record.base_url, "http://a.example/p/");
            assert_eq!(record.rsync_url, "rsync://a.example/p");
            assert_eq!((record.score, record.asn), (80, 680));
            assert_eq!(
                (record.latitude, record.longitude),
                (Some(52.5), Some(13.4))
            );
            assert_eq!((&*record.country, &*record.other_countries), ("de", "at"));
            assert_eq!((&*record.region, record.country_only), ("eu", true));
            assert_eq!(list.notes.len(), 1, "{:?}", list.notes);
        }
        let list = read(Path::new("/f"), json).expect("a list");
        let both = &list.mirrors[1].record;
        assert_eq!(both.base_url, "http://b.example/x/");
        assert_eq!(both.further_base_urls, ["https://b.example/x/"]);
    }

    #[test]
    fn what_cannot_be_used_is_one_line_with_its_place() {
        for (text, expected) in [
            ("a: [", "/f:2: this is neither YAML nor JSON"),
            ("just words", "/f:1: this is no mirror of mirrorbits"),
            ("- Name: a\n  Score: 1\n", "/f:1: a has no HttpURL"),
            (
                "\n- Name: a\n  HttpURL: gopher://x/\n",
                "/f:2: 'gopher://x/' is no URL",
            ),
            (
                "Name: a\nHttpURL: http://x/\nCountryCodes: deu\n",
                "/f:1: country: ",
            ),
            (
                "Name: a\nHttpURL: http://x/\nScore: x\n",
                "/f:1: score 'x' is no number",
            ),
            (
                "- {Name: a, HttpURL: 'http://x/'}\n- {Name: a, HttpURL: 'http://x/'}\n",
                "/f:1: the mirror 'a' comes a second time",
            ),
        ] {
            let problem = read(Path::new("/f"), text).expect_err(text).shown();
            assert!(problem.starts_with(expected), "{text}: {problem}");
            assert_eq!(problem.lines().count(), 1, "{problem}");
        }
    }
}
