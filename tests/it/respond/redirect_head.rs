//! The header fields of redirects: lines of their own, what caches may do, how long a head is, and
//! whose `Accept` means a metalink.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use heliostat::db::catalogue::CatalogueWriter;
use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::hash;
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{self, open::Transaction};
use heliostat::domain::file::{FileId, FileVersion};
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;

use super::document::{MTIME, SIZE, record};
use crate::stand_in::fcgi_client::{Answer, Request, percent_decoded};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::TestSite;

/// `head_bytes_max` where nothing else is said.
const HEAD_BYTES_MAX: usize = 3584;
/// Names that are redirected with at least their Location, whatever is in them.
const ENCODED_BYTES: usize = 1_700;
const TRACKER: &str = "[site.test.rules]\ntrackers = [\"http://t.example.org/announce\"]\n";

/// Files of those names on six mirrors, with hashes.
fn build(more: &str, names: &[Vec<u8>]) -> TestSite {
    let site = TestSite::with_config(more);
    for name in names {
        site.write(OsStr::from_bytes(name), &[b'x'; SIZE], MTIME);
    }
    let mut writer = db::open_writer(&site.database()).expect("a database");
    writer
        .transaction(|transaction| fill(transaction, names))
        .expect("the content");
    site
}

fn fill(transaction: &Transaction<'_>, names: &[Vec<u8>]) -> Result<(), db::DbError> {
    let mut held = Content::default();
    let mut catalogue = CatalogueWriter::new(transaction)?;
    let ids: Vec<u32> = (1..).take(names.len()).collect();
    for (id, name) in ids.iter().zip(names) {
        catalogue.import(name, FileId(*id))?;
        held.current.insert(*id);
    }
    catalogue.finish()?;
    let version = FileVersion {
        size: SIZE as u64,
        mtime: MTIME as i64,
    };
    for id in ids {
        hash::store(transaction, FileId(id), version, &record())?;
    }
    let origin = ContentOrigin {
        at: Timestamp(1_700_000_000),
        by: "test".to_owned(),
        unknown_files: 0,
    };
    for id in 1..=6 {
        let record = MirrorRecord {
            id: MirrorId(id),
            base_url: format!("http://mirror-{id}.example.org/pub/"),
            enabled: true,
            alive: true,
            country: "de".to_owned(),
            region: "eu".to_owned(),
            ..MirrorRecord::new(&format!("mirror-{id}"))
        };
        mirror::insert(transaction, &record)?;
        content::publish(transaction, MirrorId(id), &held, &origin)?;
    }
    Ok(())
}

fn get(name: &[u8]) -> Request {
    Request::get([b"/", name].concat()).with("GEOIP_COUNTRY_CODE", "DE")
}

/// Names whose encoded forms are of so many bytes, or one or two fewer: of three-byte characters,
/// and of letters.
fn names(lengths: impl Iterator<Item = usize>) -> Vec<Vec<u8>> {
    let name = |length: usize| {
        let (mut name, mut encoded) = (format!("{length}-").into_bytes(), 0);
        let mut in_component = name.len();
        while encoded + 9 <= length.saturating_sub(6) {
            // The file system takes 255 bytes a component.
            if in_component + 3 > 250 {
                name.push(b'/');
                (in_component, encoded) = (0, encoded + 1);
            }
            name.extend_from_slice("\u{6587}".as_bytes());
            (in_component, encoded) = (in_component + 3, encoded + 9);
        }
        name
    };
    lengths.map(name).collect()
}

/// Bytes of the header fields as they were sent.
fn head_bytes(answer: &Answer) -> usize {
    let fields = answer.headers.iter();
    let fields: usize = fields
        .map(|(name, value)| name.len() + value.len() + 4)
        .sum();
    "Status: 302 Found\r\n\r\n".len() + fields
}

fn links(answer: &Answer) -> Vec<String> {
    let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
    answer.all("Link").map(text).collect()
}

#[test]
fn a_head_is_never_longer_than_allowed_and_loses_mirrors_first() {
    let lengths: Vec<usize> = (1..=3_200).step_by(40).collect();
    let names = names(lengths.iter().copied());
    let site = build(TRACKER, &names);
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let (mut mirrors_before, mut described_before) = (5, 3);
    for (length, name) in lengths.iter().zip(&names) {
        let answer = client.send(&get(name));
        if answer.status != 302 {
            assert!(*length > ENCODED_BYTES, "{length}: {answer:?}");
            assert!(answer.header("X-Sendfile").is_some(), "{answer:?}");
            continue;
        }
        let bytes = head_bytes(&answer);
        assert!(bytes <= HEAD_BYTES_MAX, "{length}: {bytes}: {answer:?}");
        let location = percent_decoded(answer.header("Location").expect("a URL"));
        assert!(location.ends_with(name), "{length}: {answer:?}");
        let links = links(&answer);
        let mirrors = links
            .iter()
            .filter(|link| link.contains("rel=duplicate"))
            .count();
        let described = links.len() - mirrors;
        assert!(mirrors <= mirrors_before, "{length}: {links:?}");
        assert!(described <= described_before, "{length}: {links:?}");
        assert!(described == 3 || mirrors == 0, "{length}: {links:?}");
        (mirrors_before, described_before) = (mirrors, described);
        let first = links.first().map_or("", String::as_str);
        assert!(described == 0 || first.contains(".meta4>"), "{links:?}");
        // Digests do not grow with the name.
        let digests = answer.all("Digest").count();
        assert!(
            *length > ENCODED_BYTES || digests == 3,
            "{length}: {answer:?}"
        );
    }
    assert_eq!((mirrors_before, described_before), (0, 0));
}

#[test]
fn how_long_a_head_may_be_can_be_said() {
    let names = names([20, 2_000, 3_000].into_iter());
    let ask = |more: &str| {
        let site = build(more, &names);
        let responder = Responder::start(&site);
        let mut client = responder.connect();
        let answers = names.iter().map(|name| client.send(&get(name)));
        answers
            .map(|answer| (answer.status, links(&answer).len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ask("head_bytes_max = 1024\n"),
        [(302, 3), (200, 0), (200, 0)]
    );
    assert_eq!(ask("head_bytes_max = 65536\n"), [(302, 7); 3]);
}

#[test]
fn fields_of_one_name_have_names_of_their_own_where_the_web_server_joins_them() {
    let name = b"a+b.iso".to_vec();
    let site = build(TRACKER, std::slice::from_ref(&name));
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let plain = client.send(&get(&name));
    assert_eq!(
        (plain.all("Link").count(), plain.all("Digest").count()),
        (8, 3)
    );
    assert_eq!(plain.all("Repr-Digest").count(), 1, "a dictionary");
    for lines in [8, 4, 1] {
        let answer = client.send(&get(&name).with("HELIOSTAT_LINES", lines.to_string()));
        let count = |name: &str| answer.all(name).count();
        for number in 2..=9 {
            let expected = usize::from(number <= lines);
            assert_eq!(
                count(&format!("{number}-Link")),
                expected,
                "{lines}: {answer:?}"
            );
            let expected = usize::from(number <= lines.min(3));
            assert_eq!(count(&format!("{number}-Digest")), expected, "{answer:?}");
        }
        assert_eq!(count("Link"), 8 - (lines - 1), "{lines}: {answer:?}");
        let value = |names: &[(String, Vec<u8>)], part: &str| {
            let fields = names.iter().filter(|(name, _)| name.contains(part));
            let mut values: Vec<Vec<u8>> = fields.map(|(_, value)| value.clone()).collect();
            values.sort();
            values.len()
        };
        assert_eq!(value(&answer.headers, "Link"), 8);
    }
}

#[test]
fn a_plus_is_encoded_wherever_a_url_is_written() {
    let name = b"c++/a+b:~@.iso".to_vec();
    let site = build(TRACKER, std::slice::from_ref(&name));
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let answer = client.send(&get(&name));
    let location = answer.text("Location").expect("a redirect");
    assert!(
        location.ends_with("/pub/c%2B%2B/a%2Bb:~@.iso"),
        "{location}"
    );
    for field in links(&answer) {
        assert!(field.contains("/c%2B%2B/a%2Bb:~@.iso"), "{field}");
    }
    for suffix in [
        "meta4",
        "metalink",
        "mirrorlist",
        "torrent",
        "mirrorlist?json",
    ] {
        let (suffix, query) = suffix.split_once('?').unwrap_or((suffix, ""));
        let request = get(&[&name, &b"."[..], suffix.as_bytes()].concat()).query(query);
        let text = String::from_utf8_lossy(&client.send(&request).body).into_owned();
        let urls = text.matches("example.org/").count();
        assert!(
            urls > 1 && !text.contains("/c++/a%") && !text.contains("org/pub/c++"),
            "{text}"
        );
        assert!(
            text.contains("/pub/c%2B%2B/a%2Bb:~@.iso"),
            "{suffix}: {text}"
        );
    }
    let magnet = client.send(&get(&[&name, &b".magnet"[..]].concat()));
    let magnet = String::from_utf8_lossy(&magnet.body).into_owned();
    assert!(magnet.contains("%2Fc%252B%252B%2Fa%252Bb") || magnet.contains("/c%252B%252B/a%252Bb"));
}

#[test]
fn redirects_are_for_one_client_unless_it_is_said_otherwise() {
    let name = b"a.iso".to_vec();
    let site = build("", std::slice::from_ref(&name));
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let mut fields = |value: Option<&str>| {
        let request = match value {
            Some(value) => get(&name).with("HELIOSTAT_REDIRECT_CACHE_CONTROL", value),
            None => get(&name),
        };
        let answer = client.send(&request);
        assert_eq!(answer.status, 302);
        (answer.text("Cache-Control"), answer.text("Expires"))
    };
    let zero = Some("0".to_owned());
    assert_eq!(
        fields(None),
        (Some("private, no-cache".to_owned()), zero.clone())
    );
    let cdn = "no-cache, stale-if-error=86400";
    assert_eq!(fields(Some(cdn)), (Some(cdn.to_owned()), zero));
    assert_eq!(fields(Some("")), (None, None));
    let missing = client.send(&get(b"none.iso"));
    assert_eq!(
        (missing.status, missing.text("Cache-Control").as_deref()),
        (404, Some("no-cache"))
    );
}

/// The `Accept` field of aria2.
const ANY_OR_METALINK: &str = "*/*,application/metalink4+xml,application/metalink+xml";

#[test]
fn a_client_that_takes_any_type_gets_the_file() {
    let name = b"a.iso".to_vec();
    let agents = "by_accept_agents = [{ user_agent = \"old/*\", by_accept = \"always\" }]\n";
    let site = build(
        &format!("[site.test.metalink]\n{agents}"),
        std::slice::from_ref(&name),
    );
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let zypp = "ZYpp 17.31.20 (curl 8.0.1) openSUSE-Leap-15.5-x86_64";
    for (accept, agent, setting, status) in [
        (ANY_OR_METALINK, "aria2/1.36.0", "", 302),
        (ANY_OR_METALINK, zypp, "", 200),
        (ANY_OR_METALINK, "old/1", "", 200),
        (ANY_OR_METALINK, "aria2/1.36.0", "always", 200),
        (ANY_OR_METALINK, zypp, "unless-any", 302),
        (ANY_OR_METALINK, zypp, "never", 302),
        ("application/metalink4+xml", "aria2/1.36.0", "", 200),
        ("application/metalink4+xml", "aria2/1.36.0", "never", 302),
        ("*/*", zypp, "", 302),
    ] {
        let mut request = get(&name).with("HTTP_ACCEPT", accept);
        request = request.with("HTTP_USER_AGENT", agent);
        if !setting.is_empty() {
            request = request.with("HELIOSTAT_METALINK_BY_ACCEPT", setting);
        }
        let answer = client.send(&request);
        let what = format!("{accept} {agent} {setting}: {answer:?}");
        assert_eq!(answer.status, status, "{what}");
        let kind = answer.text("Content-Type").unwrap_or_default();
        assert_eq!(
            kind.starts_with("application/metalink4"),
            status == 200,
            "{what}"
        );
        let vary = match (setting, accept == ANY_OR_METALINK) {
            ("never", _) => None,
            ("", true) => Some("Accept, User-Agent"),
            _ => Some("Accept"),
        };
        assert_eq!(answer.text("Vary").as_deref(), vary, "{what}");
    }
}
