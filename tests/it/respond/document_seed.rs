//! Torrents, magnet links and control files of zsync: what they say, when they are there, and that
//! the info hash is that of the torrent.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use heliostat::db::catalogue::CatalogueWriter;
use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::hash::{self, Digests, HashRecord};
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{self, open::Transaction};
use heliostat::domain::document::info_dictionary::{Bencode, Info, InfoV2};
use heliostat::domain::file::{FileId, FileVersion};
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;
use md5::Md5;
use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::stand_in::fcgi_client::{Answer, FcgiClient, Request, percent_decoded};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::TestSite;

const MTIME: u64 = 1_401_807_080;
const PIECE: usize = 32 * 1024;
const SIZE: usize = 100_000;
const TRACKERS: &str = "[site.test.rules]\ntrackers = [\"http://t.example.org/announce\", \
                        \"udp://t.example.org:6969\"]\ndht_nodes = [\"dht.example.org:6881\"]\n";
/// The file of the tests; all that is said of it must be encoded.
const NAME: &[u8] = b"a&b \xfc.iso";

fn content() -> Vec<u8> {
    (0..SIZE).map(|at| ((at * at) >> 3) as u8).collect()
}

/// Makes the row that an indexer would store; `sha256_root` and layer need not be true for the
/// responder.
pub fn record(name: &[u8], content: &[u8]) -> HashRecord {
    let md5 = Md5::digest(content).to_vec();
    let sha1 = Sha1::digest(content).to_vec();
    let sha256 = Sha256::digest(content).to_vec();
    let pieces: Vec<u8> = content.chunks(PIECE).flat_map(Sha1::digest).collect();
    let root = vec![b'r'; 32];
    let info_hash = |v2: Option<InfoV2<'_>>| {
        let info = Info {
            name,
            size: content.len() as u64,
            piece_size: PIECE as u64,
            md5: &md5,
            sha1: &sha1,
            sha256: &sha256,
            v2,
        };
        let mut out = Bencode::new(Vec::new());
        info.write(&mut out, |out| out.part(&pieces))
            .unwrap_or_else(|never| match never {});
        out.finish()
    };
    let hybrid = info_hash(Some(InfoV2 { pieces_root: &root }));
    HashRecord {
        digests: Digests {
            md5: Some(md5.clone()),
            sha1: Some(sha1.clone()),
            sha256: Some(sha256.clone()),
            btih: Some(Sha1::digest(info_hash(None)).to_vec()),
            btih_hybrid: Some(Sha1::digest(&hybrid).to_vec()),
            btmh: Some(Sha256::digest(&hybrid).to_vec()),
            ..Digests::default()
        },
        piece_size: PIECE as i64,
        sha1_pieces: Some(pieces.clone()),
        zsync_block_size: 2048,
        zsync_hash_lengths: Some("2,2,4".to_owned()),
        zsync_sums: Some(
            (0..6 * content.len().div_ceil(2048))
                .map(|at| at as u8)
                .collect(),
        ),
        sha256_root: Some(root.clone()),
        sha256_layer: Some(vec![b'l'; 32 * content.len().div_ceil(PIECE)]),
        ..HashRecord::default()
    }
}

/// Files: [`NAME`] on two mirrors of one country and one elsewhere; `lonely` on none, with hashes;
/// `cut` with too few pieces; `bare` without hashes; `empty`.
fn build(more: &str) -> TestSite {
    use std::os::unix::ffi::OsStrExt;
    let site = TestSite::with_config(more);
    for name in [NAME, b"lonely", b"cut", b"bare"] {
        site.write(OsStr::from_bytes(name), &content(), MTIME);
    }
    site.write("empty", b"", MTIME);
    let mut writer = db::open_writer(&site.database()).expect("a database");
    writer.transaction(fill).expect("the content");
    site
}

fn fill(transaction: &Transaction<'_>) -> Result<(), db::DbError> {
    for (id, (name, country)) in (1..).zip([("far", "us"), ("near", "de"), ("next", "de")]) {
        let record = MirrorRecord {
            id: MirrorId(id),
            base_url: format!("http://{name}.example.org/get?p=/"),
            enabled: true,
            alive: true,
            country: country.to_owned(),
            region: if country == "de" { "eu" } else { "na" }.to_owned(),
            ..MirrorRecord::new(name)
        };
        mirror::insert(transaction, &record)?;
    }
    let version = |size| FileVersion {
        size,
        mtime: MTIME as i64,
    };
    let mut catalogue = CatalogueWriter::new(transaction)?;
    for (id, name) in (1..).zip([NAME, b"lonely", b"cut", b"bare", b"empty"]) {
        catalogue.import(name, FileId(id))?;
    }
    catalogue.finish()?;
    for (id, name) in (1..).zip([NAME, b"lonely", b"cut"]) {
        let mut record = record(name, &content());
        if name == b"cut" {
            record.sha1_pieces.as_mut().expect("pieces").truncate(20);
            record.zsync_sums = None;
        }
        hash::store(transaction, FileId(id), version(SIZE as u64), &record)?;
    }
    let empty = HashRecord {
        zsync_sums: None,
        sha1_pieces: None,
        ..record(b"empty", b"")
    };
    hash::store(transaction, FileId(5), version(0), &empty)?;
    let origin = ContentOrigin {
        at: Timestamp(1_700_000_000),
        by: "test".to_owned(),
        unknown_files: 0,
    };
    let mut held = Content::default();
    held.current.insert(1);
    for id in 1..=3 {
        content::publish(transaction, MirrorId(id), &held, &origin)?;
    }
    Ok(())
}

fn ask(client: &mut FcgiClient, name: &[u8], suffix: &str) -> Answer {
    client.send(&request(name, suffix))
}

fn request(name: &[u8], suffix: &str) -> Request {
    let path = [b"/", name, b".", suffix.as_bytes()].concat();
    Request::get(path).with("GEOIP_COUNTRY_CODE", "DE")
}

/// A bencoded value.
#[derive(Debug, PartialEq, Eq)]
pub enum Value {
    Number(i64),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    /// With the bytes that each value was written in.
    Dictionary(BTreeMap<Vec<u8>, (Value, Vec<u8>)>),
}

impl Value {
    fn read(rest: &mut &[u8]) -> Value {
        let text = *rest;
        let until = |mark: u8| text.iter().position(|byte| *byte == mark).expect("an end");
        let number = |bytes: &[u8]| -> i64 {
            let text = std::str::from_utf8(bytes).expect("digits");
            text.parse().expect("a number")
        };
        match text[0] {
            b'i' => {
                *rest = &text[until(b'e') + 1..];
                Value::Number(number(&text[1..until(b'e')]))
            }
            b'l' => {
                *rest = &text[1..];
                let mut list = Vec::new();
                while rest[0] != b'e' {
                    list.push(Value::read(rest));
                }
                *rest = &rest[1..];
                Value::List(list)
            }
            b'd' => {
                *rest = &text[1..];
                Value::Dictionary(Value::read_pairs(rest))
            }
            _ => {
                let from = until(b':') + 1;
                let to = from + number(&text[..from - 1]) as usize;
                *rest = &text[to..];
                Value::Bytes(text[from..to].to_vec())
            }
        }
    }

    fn read_pairs(rest: &mut &[u8]) -> BTreeMap<Vec<u8>, (Value, Vec<u8>)> {
        let mut pairs = BTreeMap::new();
        while rest[0] != b'e' {
            let Value::Bytes(key) = Value::read(rest) else {
                panic!("a key is bytes")
            };
            let is_next = pairs.last_key_value().is_none_or(|(last, _)| *last < key);
            assert!(is_next, "keys in their order: {key:?}");
            let before = *rest;
            let value = Value::read(rest);
            pairs.insert(key, (value, before[..before.len() - rest.len()].to_vec()));
        }
        *rest = &rest[1..];
        pairs
    }

    /// A whole torrent.
    pub fn parse(mut bytes: &[u8]) -> BTreeMap<Vec<u8>, (Value, Vec<u8>)> {
        let Value::Dictionary(pairs) = Value::read(&mut bytes) else {
            panic!("a torrent is a dictionary")
        };
        assert!(bytes.is_empty(), "nothing behind");
        pairs
    }
}

/// Hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn url_list(torrent: &BTreeMap<Vec<u8>, (Value, Vec<u8>)>) -> Vec<String> {
    let Value::List(list) = &torrent[&b"url-list"[..]].0 else {
        panic!("a list")
    };
    let text = |value: &Value| match value {
        Value::Bytes(bytes) => String::from_utf8(bytes.clone()).expect("ASCII"),
        other => panic!("{other:?}"),
    };
    list.iter().map(text).collect()
}

#[test]
fn the_info_hash_is_that_of_the_torrent() {
    for (version, is_hybrid) in [("v1", false), ("hybrid", true)] {
        let site = build(&format!(
            "[site.test.torrent]\nversion = \"{version}\"\n{TRACKERS}"
        ));
        let responder = Responder::start(&site);
        let mut client = responder.connect();
        let answer = ask(&mut client, NAME, "torrent");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(
            answer.text("Content-Type").as_deref(),
            Some("application/x-bittorrent")
        );
        let torrent = Value::parse(&answer.body);
        let (info, written) = &torrent[&b"info"[..]];
        let Value::Dictionary(info) = info else {
            panic!("{info:?}")
        };
        assert_eq!(info[&b"name"[..]].0, Value::Bytes(NAME.to_vec()));
        assert_eq!(info.contains_key(&b"meta version"[..]), is_hybrid);
        assert_eq!(torrent.contains_key(&b"piece layers"[..]), is_hybrid);
        let btih = hex(&Sha1::digest(written));
        let line = ask(&mut client, NAME, "btih");
        assert_eq!(line.body[..40], *btih.as_bytes());
        let magnet = String::from_utf8(ask(&mut client, NAME, "magnet").body).expect("ASCII");
        assert!(
            magnet.starts_with(&format!("magnet:?xt=urn:btih:{btih}&")),
            "{magnet}"
        );
        let btmh = format!("&xt=urn:btmh:1220{}&", hex(&Sha256::digest(written)));
        assert_eq!(magnet.contains(&btmh), is_hybrid, "{magnet}");
        let name = "a%26b%20%FC.iso";
        assert_eq!(
            url_list(&torrent),
            ["near", "next"].map(|host| format!("http://{host}.example.org/get?p=/{name}")),
            "the mirrors of the first class"
        );
        let Value::List(tiers) = &torrent[&b"announce-list"[..]].0 else {
            panic!("a list")
        };
        assert_eq!(tiers.len(), 1, "one tier of all trackers");
    }
}

#[test]
fn a_magnet_link_is_a_uri() {
    let site = build(TRACKERS);
    let responder = Responder::start(&site);
    let answer = ask(&mut responder.connect(), NAME, "magnet");
    assert_eq!(
        answer.text("Content-Type").as_deref(),
        Some("text/plain; charset=UTF-8")
    );
    let text = String::from_utf8(answer.body).expect("ASCII");
    let query = text
        .strip_prefix("magnet:?")
        .and_then(|rest| rest.strip_suffix('\n'));
    let fields: Vec<(String, Vec<u8>)> = query
        .expect("one line")
        .split('&')
        .map(|field| {
            let (key, value) = field.split_once('=').expect("a value");
            assert!(
                value
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b":/%-_.~".contains(&b))
            );
            (key.to_owned(), percent_decoded(value.as_bytes()))
        })
        .collect();
    let all = |key: &str| -> Vec<String> {
        let of_key = fields.iter().filter(|(found, _)| found == key);
        of_key
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect()
    };
    let own = "http://download.example.org/a&b%20%FC.iso";
    assert_eq!(
        fields
            .iter()
            .find(|(key, _)| key == "dn")
            .map(|(_, v)| &v[..]),
        Some(NAME)
    );
    assert_eq!(all("xl"), [SIZE.to_string()]);
    assert_eq!(all("as"), [own]);
    assert_eq!(all("xs"), [format!("{own}.torrent")]);
    assert_eq!(
        all("tr"),
        ["http://t.example.org/announce", "udp://t.example.org:6969"]
    );
    let mut seeds = all("ws");
    seeds.sort();
    let at = |host: &str| format!("http://{host}.example.org/get?p=/a%26b%20%FC.iso");
    assert_eq!(seeds, [at("near"), at("next")]);
}

#[test]
fn torrents_are_there_when_everything_is() {
    let site = build("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let tracker = (
        "MirrorBrainTorrentTrackerURL",
        "http://t.example.org/announce",
    );
    for (name, field, torrent, magnet, zsync) in [
        // Without a tracker there is no torrent, as in MirrorBrain.
        (NAME, None, 404, 200, 200),
        (NAME, Some(tracker), 200, 200, 200),
        (NAME, Some(("HELIOSTAT_TRACKERLESS", "On")), 200, 200, 200),
        (b"lonely", Some(tracker), 200, 200, 200),
        (b"cut", Some(tracker), 404, 200, 404),
        (b"bare", Some(tracker), 404, 404, 404),
        (b"empty", Some(tracker), 404, 200, 200),
    ] {
        for (suffix, expected) in [("torrent", torrent), ("magnet", magnet), ("zsync", zsync)] {
            let by_suffix = request(name, suffix);
            let by_query = Request::get([b"/", name].concat()).query(suffix);
            for request in [by_suffix, by_query] {
                let request = match field {
                    Some((key, value)) => request.with(key, value),
                    None => request,
                };
                let answer = client.send(&request);
                assert_eq!(answer.status, expected, "{suffix} {field:?} {request:?}");
                assert_eq!(answer.header("X-Sendfile"), None);
                let head = client.send(&request.with("REQUEST_METHOD", "HEAD"));
                assert_eq!((head.status, head.body.len()), (expected, 0));
                assert_eq!(head.headers, answer.headers);
            }
        }
    }
    // Nobody has it: our own URL is where it is.
    let answer = client.send(&request(b"lonely", "torrent").with(tracker.0, tracker.1));
    let own = "http://download.example.org/lonely";
    assert_eq!(url_list(&Value::parse(&answer.body)), [own]);
    let answer = client.send(&request(b"lonely", "zsync"));
    assert!(String::from_utf8_lossy(&answer.body).contains(&format!("\nURL: {own}\n")));
    let answer = client.send(&request(b"lonely", "magnet"));
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(text.contains("&ws=") && !text.contains("&xs="), "{text}");
}

#[test]
fn metalinks_name_a_torrent_only_where_that_is_wanted() {
    let site = build(TRACKERS);
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    for (switch, is_named) in [("", false), ("On", true), ("Off", false)] {
        for suffix in ["meta4", "metalink"] {
            let mut request = request(NAME, suffix);
            if !switch.is_empty() {
                request = request.with("HELIOSTAT_METALINK_TORRENT", switch);
            }
            let answer = client.send(&request);
            let text = String::from_utf8(answer.body).expect("UTF-8");
            assert!(text.contains("<url "), "{text}");
            assert_eq!(text.contains(".torrent<"), is_named, "{switch}: {text}");
            assert!(!text.contains("magnet:"), "{text}");
        }
    }
}

#[test]
fn redirects_and_metalinks_name_the_torrent_that_is_there() {
    let site = build("[site.test.metalink]\nmirrors_max = 2\ntorrent = true\n");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let own = "http://download.example.org/a&b%20%FC.iso.torrent";
    let escaped = own.replace('&', "&amp;");
    for has_tracker in [false, true] {
        let with = |request: Request| match has_tracker {
            true => request.with(
                "MirrorBrainTorrentTrackerURL",
                "http://t.example.org/announce",
            ),
            false => request,
        };
        let answer = client.send(&with(Request::get([b"/", NAME].concat())));
        assert_eq!(answer.status, 302);
        let link = format!("<{own}>; rel=describedby; type=\"application/x-bittorrent\"");
        assert_eq!(
            answer.all("Link").any(|field| field == link.as_bytes()),
            has_tracker
        );
        for (suffix, element) in [
            (
                "meta4",
                format!("<metaurl mediatype=\"torrent\">{escaped}</metaurl>"),
            ),
            (
                "metalink",
                format!("<url type=\"bittorrent\" preference=\"100\">{escaped}</url>"),
            ),
        ] {
            let answer = client.send(&with(request(NAME, suffix)));
            let text = String::from_utf8(answer.body).expect("UTF-8");
            assert_eq!(text.contains(&element), has_tracker, "{text}");
            assert_eq!(
                text.matches("<url location=").count() + text.matches("type=\"http\"").count(),
                2
            );
            assert!(!text.contains("magnet:"));
            let wanted = with(request(NAME, suffix)).with("MirrorBrainMetalinkMagnetLinks", "On");
            let text = String::from_utf8(client.send(&wanted).body).expect("UTF-8");
            assert!(text.contains(">magnet:?xt=urn:btih:"), "{text}");
        }
    }
    // The admin's own torrent beside the file.
    let mask = |request: Request| request.with("MirrorBrainMetalinkTorrentAddMask", r"\.iso$");
    let text = |answer: Answer| String::from_utf8(answer.body).expect("UTF-8");
    assert!(!text(client.send(&mask(request(NAME, "meta4")))).contains("<metaurl"));
    use std::os::unix::ffi::OsStrExt;
    site.write(
        OsStr::from_bytes(&[NAME, b".torrent"].concat()),
        b"d4:infode",
        MTIME,
    );
    assert!(text(client.send(&mask(request(NAME, "meta4")))).contains("<metaurl"));
}

#[test]
fn a_changed_file_has_no_old_torrent() {
    use std::os::unix::ffi::OsStrExt;
    let site = build(TRACKERS);
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let mut changed = content();
    changed[0] ^= 1;
    site.write(OsStr::from_bytes(NAME), &changed, MTIME + 1);
    for suffix in ["torrent", "magnet", "zsync", "btih", "sha256"] {
        assert_eq!(ask(&mut client, NAME, suffix).status, 404, "{suffix}");
    }
}
