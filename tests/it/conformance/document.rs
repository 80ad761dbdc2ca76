//! Metalinks and hash documents are those of the recorded mod_mirrorbrain: type, name, digests,
//! and every mirror in its order. Deliberate differences: names and URLs are escaped. Torrents and
//! files of zsync are the same bytes; magnet links say the same, and more.

use std::collections::BTreeMap;

use serde::Deserialize;
use sha1::{Digest, Sha1};

use crate::judge::case::{lines, request};
use crate::judge::page::Page;
use crate::judge::site::{Table, build, fixture, start};
use crate::respond::document_seed::{Value, hex};
use crate::stand_in::fcgi_client::{Request, percent_decoded};

/// A recorded document.
#[derive(Debug, Deserialize)]
struct Document {
    name: String,
    what: String,
    parameters: BTreeMap<String, String>,
    #[serde(rename = "type")]
    mime_type: String,
    disposition: String,
    line: Option<String>,
    hashes: Option<Vec<String>>,
    mirrors: Option<Vec<Vec<Mirror>>>,
    /// The body; characters are bytes.
    bytes: Option<String>,
    page: Option<Page>,
}

/// Place in the law's order, which several may share; country; URL.
type Mirror = (usize, String, String);

#[test]
fn every_recorded_document_is_the_same() {
    let site = build();
    let responder = start(&site);
    let mut client = responder.connect();
    let documents: Vec<Document> = lines("documents.jsonl");
    assert!(!documents.is_empty(), "no documents");
    for document in documents {
        let what = format!("{} ({})", document.name, document.what);
        let answer = client.send(&request(&document.parameters));
        assert_eq!(answer.status, 200, "{what}");
        assert_eq!(
            answer.text("Content-Type"),
            Some(document.mime_type),
            "{what}"
        );
        let disposition = answer.text("Content-Disposition").unwrap_or_default();
        assert_eq!(disposition, document.disposition, "{what}");
        if let Some(bytes) = document.bytes {
            compare_bytes(&what, &answer.body, &bytes);
            continue;
        }
        let text = String::from_utf8(answer.body).expect("UTF-8");
        if let Some(page) = document.page {
            page.compare(&what, &text);
            continue;
        }
        if let Some(line) = document.line {
            assert_eq!(text, line, "{what}");
        }
        if let Some(hashes) = document.hashes {
            assert_eq!(hashes_of(&text), hashes, "{what}");
        }
        if let Some(mirrors) = document.mirrors {
            compare(&what, &text, mirrors);
        }
    }
}

#[test]
fn every_torrent_has_the_info_hash_that_was_recorded() {
    let site = build();
    let responder = start(&site);
    let mut client = responder.connect();
    let text = fixture("files.tsv");
    let mut torrents = 0;
    for column in Table::parse(&text).rows() {
        let is_known = !column("btih").is_empty() && !column("pieces").is_empty();
        let version = |size, mtime| (column(size).to_owned(), column(mtime).to_owned());
        if !is_known || version("size", "mtime") != version("hash_size", "hash_mtime") {
            continue;
        }
        let path = percent_decoded(column("path").as_bytes());
        let path = [b"/", path.as_slice(), b".torrent"].concat();
        let answer = client.send(&Request::get(path).with("HELIOSTAT_SITE", "main"));
        if answer.header("X-Sendfile").is_some() {
            // A real file of that name.
            continue;
        }
        assert_eq!(answer.status, 200, "{}", column("path"));
        let (_, info) = &Value::parse(&answer.body)[&b"info"[..]];
        assert_eq!(
            hex(&Sha1::digest(info)),
            column("btih"),
            "{}",
            column("path")
        );
        torrents += 1;
    }
    println!("{torrents} torrents");
    assert!(torrents > 20, "{torrents}");
}

/// The digests of the whole file.
fn hashes_of(text: &str) -> Vec<String> {
    let elements = text.split("<hash type=\"").skip(1);
    let value = |element: &str| {
        element
            .split(['>', '<'])
            .nth(1)
            .expect("a digest")
            .to_owned()
    };
    elements.map(value).collect()
}

/// Torrents and control files but for the program's name; magnet links but for their form.
fn compare_bytes(what: &str, ours: &[u8], recorded: &str) {
    let ours: String = ours.iter().copied().map(char::from).collect();
    if !recorded.starts_with("magnet:") {
        let own = format!("Heliostat/{}", env!("CARGO_PKG_VERSION"));
        let own = format!("{}:{own}", own.len());
        assert_eq!(
            ours.replace(&own, "18:MirrorBrain/2.19.0"),
            recorded,
            "{what}"
        );
        return;
    }
    let fields = |text: &str, delimiter: &str| -> Vec<Vec<u8>> {
        let text = text.trim_end().trim_start_matches("magnet:?").to_owned();
        let fields = text.split(delimiter);
        let fields = fields.filter(|field| !field.starts_with("ws=") && !field.starts_with("xs="));
        fields
            .map(|field| percent_decoded(field.as_bytes()))
            .collect()
    };
    let mut found = fields(&ours, "&");
    // Our own URL is encoded as a URL, and once more as a part of the link.
    for field in found.iter_mut().filter(|field| field.starts_with(b"as=")) {
        *field = percent_decoded(field);
    }
    assert_eq!(found, fields(recorded, "&amp;"), "{what}");
    assert_eq!(ours.matches("&xs=").count(), 1, "{what}: {ours}");
    assert!(ours.contains("&ws=http"), "{what}: {ours}");
}

/// Each class has the same mirrors, and those of one place may stand in any order there.
fn compare(what: &str, text: &str, recorded: Vec<Vec<Mirror>>) {
    let groups: Vec<&str> = text.split("<!-- Mirrors ").skip(1).collect();
    assert_eq!(groups.len(), recorded.len(), "{what}");
    for (group, recorded) in groups.into_iter().zip(recorded) {
        let places: BTreeMap<Vec<u8>, (usize, String)> = recorded
            .iter()
            .map(|(place, country, url)| (url.as_bytes().to_vec(), (*place, country.clone())))
            .collect();
        let mut found = Vec::new();
        for element in group.split("<url").skip(1) {
            let (country, url) = source(element);
            let known = places.get(&url);
            let (place, location) = known.unwrap_or_else(|| panic!("{what}: {element}"));
            assert_eq!(country, *location, "{what}: {element}");
            found.push(*place);
        }
        let expected: Vec<usize> = recorded.iter().map(|(place, ..)| *place).collect();
        assert_eq!(found, expected, "{what}");
    }
}

/// Country and plain URL of ` location="de" priority="1">URL</url>`.
fn source(element: &str) -> (String, Vec<u8>) {
    let (attributes, rest) = element.split_once('>').expect("an element");
    let url = rest.split('<').next().expect("a URL").replace("&amp;", "&");
    let country = attributes.split("location=\"").nth(1);
    let country = country.and_then(|rest| rest.split('"').next());
    (
        country.unwrap_or_default().to_owned(),
        percent_decoded(url.as_bytes()),
    )
}
