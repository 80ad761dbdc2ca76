//! Golden files of every document, and the edges of lists.

use super::body::Body;
use super::info_dictionary::{Info, InfoV2};
use super::magnet;
use super::meta4::meta4;
use super::metalink::metalink;
use super::sheet::{FileSource, PIECES_MAX, Publisher, Sheet};
use super::{torrent, zsync};
use crate::domain::file::{FileId, FileVersion};
use crate::domain::hash::{Digests, HashSummary};
use crate::domain::place::{Asn, CountryCode, Place, RegionCode};
use crate::domain::rule::DhtNode;
use crate::domain::select::Tier;
use crate::domain::time::Timestamp;
use crate::domain::url::FileUrl;
use crate::domain::url::{BaseUrl, EncodedPath};

/// Names that are not plain, with the word that their golden files have.
pub(crate) const NAMES: [(&str, &[u8]); 6] = [
    ("plain", b"plain.bin"),
    ("amp", b"a&b.bin"),
    ("angle", b"<x>.bin"),
    ("quote", b"\"q\".bin"),
    ("utf8", b"gr\xc3\xbc\xc3\x9fe \xe2\x82\xac.bin"),
    ("latin1", b"gr\xfc\xdfe.bin"),
];

fn base(text: &str) -> BaseUrl {
    BaseUrl::parse(text).expect("a URL of the test")
}

/// Two pieces of the file of the tests.
fn pieces() -> Vec<u8> {
    [[0x66; 20], [0x77; 20]].concat()
}

/// The document with its long parts in their gaps.
fn whole(body: &Body) -> Vec<u8> {
    let mut whole = Vec::new();
    let mut from = 0;
    for gap in &body.gaps {
        whole.extend_from_slice(&body.text[from..gap.at]);
        let stored = match gap.stored {
            40 => pieces(),
            bytes => vec![b'z'; bytes as usize],
        };
        gap.form.write(&mut whole, 0, &stored);
        from = gap.at;
    }
    whole.extend_from_slice(&body.text[from..]);
    assert_eq!(whole.len() as u64, body.length());
    whole
}

pub(crate) fn hashes() -> HashSummary {
    HashSummary {
        digests: Digests {
            md5: Some(vec![0x11; 16]),
            sha1: Some(vec![0x22; 20]),
            sha256: Some(vec![0x33; 32]),
            sha512: Some(vec![0x44; 64]),
            btih: Some(vec![0x55; 20]),
            has_pgp: true,
            ..Digests::default()
        },
        pgp: Some(
            "-----BEGIN PGP SIGNATURE-----\n\nab<c\u{b}\n-----END PGP SIGNATURE-----\n".into(),
        ),
        piece_size: 262_144,
        pieces_bytes: 40,
        ..HashSummary::default()
    }
}

fn with_sheet<T>(
    name: &[u8],
    hashes: Option<&HashSummary>,
    work: impl FnOnce(&Sheet<'_>) -> T,
) -> T {
    let urls = [
        base("http://prefix.example.org/"),
        base("https://de.example.org/pub/"),
        base("http://q.example.org/get?a=1&p=/"),
        base("ftp://nowhere.example.org/"),
    ];
    let tiers = [Tier::Prefix, Tier::Country, Tier::Region, Tier::Elsewhere];
    let countries = ["de", "de", "fr", ""];
    let sources: Vec<FileSource<'_>> = urls
        .iter()
        .zip(tiers)
        .zip(countries)
        .map(|((base_url, tier), country)| FileSource {
            base_url,
            tier,
            country: CountryCode::parse(country.as_bytes()),
            weight: (100, None),
            rank: None,
            is_private: false,
        })
        .collect();
    let path = [b"dir/", name].concat();
    let encoded = EncodedPath::new(&path, urls.iter());
    let target = FileUrl::new(encoded, Some("time=1&stamp=ab".to_owned()));
    let mut origin = b"http://own.example.org/dir/".to_vec();
    crate::domain::escape::url_path_into(&mut origin, name);
    let publisher = Publisher {
        name: "Oranges & \"Lemons\"".to_owned(),
        url: "http://juice.example.com/?a=1&b=2".to_owned(),
    };
    work(&Sheet {
        name,
        version: FileVersion {
            size: 500_000,
            mtime: 1_401_807_080,
        },
        id: hashes.map(|_| FileId(7)),
        hashes,
        alternates: &[],
        sources: &sources,
        target: &target,
        place: Place {
            country: CountryCode::parse(b"DE"),
            region: RegionCode::parse(b"EU"),
            coordinates: None,
            asn: Asn::new(64_500),
        },
        network: "192.0.2.0/24".parse().ok(),
        origin: &origin,
        publisher: Some(&publisher),
        published: Timestamp(1_795_000_000),
        torrent: hashes.map(|_| &b"http://own.example.org/t?a&b.torrent"[..]),
        magnet: None,
        broken: None,
    })
}

/// Compares with `tests/golden/NAME`; `UPDATE_GOLDEN=1` writes it instead.
pub(crate) fn golden(name: &str, found: &[u8]) {
    let version = concat!("Heliostat/", env!("CARGO_PKG_VERSION"));
    // A name may be no UTF-8; its characters then stand for bytes.
    let found = String::from_utf8(found.to_vec())
        .unwrap_or_else(|_| found.iter().copied().map(char::from).collect());
    let found = found.replace(version, "Heliostat/VERSION");
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::write(&file, &found).expect("the golden file can be written");
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(found, expected, "{name}; UPDATE_GOLDEN=1 takes it over");
}

fn control_file<'a>(name: &'a [u8], urls: &'a [Vec<u8>]) -> zsync::Zsync<'a> {
    zsync::Zsync {
        name,
        version: FileVersion {
            size: 500_000,
            mtime: 1_401_807_080,
        },
        block_size: 2048,
        hash_lengths: "2,2,4",
        sha1: Some(&[0x22; 20]),
        urls,
        sums_bytes: 12,
    }
}

/// Torrents of both kinds, magnets, a control file of zsync.
fn seed_documents(name: &[u8], seeds: &[Vec<u8>]) -> Vec<(&'static str, Body)> {
    let trackers = [
        "http://t.example.org/announce?k=a&b",
        "udp://t.example.org:6969",
    ];
    let trackers = trackers.map(str::to_owned);
    let dht_nodes = ["dht.example.org 6881", "[2001:db8::1]:6881"];
    let dht_nodes = dht_nodes.map(|text| DhtNode::parse(text).expect("a node"));
    let info = Info {
        name,
        size: 500_000,
        piece_size: 262_144,
        md5: &[0x11; 16],
        sha1: &[0x22; 20],
        sha256: &[0x33; 32],
        v2: None,
    };
    let v1 = torrent::Torrent {
        info,
        mtime: 1_401_807_080,
        trackers: &trackers,
        dht_nodes: &dht_nodes,
        seeds,
    };
    let v2 = Some(InfoV2 {
        pieces_root: &[b'r'; 32],
    });
    let hybrid = torrent::Torrent {
        info: Info { v2, ..info },
        trackers: &[],
        dht_nodes: &[],
        ..v1
    };
    let mut documents = vec![
        ("torrent", torrent::torrent(&v1)),
        ("hybrid.torrent", torrent::torrent(&hybrid)),
    ];
    documents.extend(other_seed_documents(name, seeds, &trackers));
    documents
}

fn other_seed_documents(
    name: &[u8],
    seeds: &[Vec<u8>],
    trackers: &[String],
) -> Vec<(&'static str, Body)> {
    let link = magnet::Magnet {
        name,
        size: 500_000,
        info_hash: &[0x55; 20],
        info_hash_v2: None,
        md5: Some(&[0x11; 16]),
        own: b"http://own.example.org/a%20b",
        torrent: Some(b"http://own.example.org/a%20b.torrent"),
        trackers,
        seeds,
    };
    let other_link = magnet::Magnet {
        info_hash_v2: Some(&[0x77; 32]),
        md5: None,
        torrent: None,
        trackers: &[],
        ..link
    };
    let control = control_file(name, seeds);
    vec![
        ("magnet", magnet::magnet(&link)),
        ("hybrid.magnet", magnet::magnet(&other_link)),
        ("zsync", zsync::zsync(&control)),
    ]
}

#[test]
fn documents_are_the_golden_files() {
    let mut known = Vec::new();
    for (word, name) in NAMES {
        let hashes = hashes();
        with_sheet(name, Some(&hashes), |sheet| {
            golden(&format!("{word}.meta4"), &whole(&meta4(sheet)));
            golden(&format!("{word}.metalink"), &whole(&metalink(sheet)));
        });
        known.extend([format!("{word}.meta4"), format!("{word}.metalink")]);
    }
    with_sheet(b"bare.bin", None, |sheet| {
        let bare = Sheet {
            publisher: None,
            network: None,
            place: Place::default(),
            ..*sheet
        };
        golden("bare.meta4", &whole(&meta4(&bare)));
        golden("bare.metalink", &whole(&metalink(&bare)));
    });
    known.extend(["bare.meta4".to_owned(), "bare.metalink".to_owned()]);
    for (word, name) in NAMES {
        let seeds = [
            b"http://a.example.org/?a&b=".to_vec(),
            b"http://b/c%20d".to_vec(),
        ];
        for (suffix, body) in seed_documents(name, &seeds) {
            golden(&format!("{word}.{suffix}"), &whole(&body));
            known.push(format!("{word}.{suffix}"));
        }
    }
    known.extend(super::list_tests::golden_files());
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for entry in std::fs::read_dir(folder).expect("the golden files") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_string_lossy();
        assert!(known.iter().any(|known| *known == name), "orphan: {name}");
    }
}

#[test]
fn names_differ_in_text_when_they_differ_in_bytes() {
    let texts = NAMES.map(|(_, name)| super::name::text_of(name));
    for (place, text) in texts.iter().enumerate() {
        assert!(!texts[..place].contains(text), "{text}");
    }
}

#[test]
fn pieces_are_left_out_when_they_are_none_too_many_or_cut() {
    for (bytes, size, has_pieces) in [
        (0, 10, false),
        (20, 10, true),
        (20, 0, false),
        (39, 10, false),
        (20 * PIECES_MAX, 10, true),
        (20 * (PIECES_MAX + 1), 10, false),
    ] {
        let record = HashSummary {
            piece_size: size,
            pieces_bytes: bytes,
            ..HashSummary::default()
        };
        with_sheet(b"x", Some(&record), |sheet| {
            assert_eq!(sheet.pieces().is_some(), has_pieces, "{bytes} {size}");
        });
    }
}

#[test]
fn preferences_end_at_0_and_priorities_go_on() {
    let url = base("http://m.example.org/");
    let source = FileSource {
        base_url: &url,
        tier: Tier::Country,
        country: None,
        weight: (100, None),
        rank: None,
        is_private: false,
    };
    let sources = vec![source; 150];
    with_sheet(b"x", None, |sheet| {
        let sheet = Sheet {
            sources: &sources,
            ..*sheet
        };
        let text = |body: Body| String::from_utf8(whole(&body)).expect("UTF-8");
        let (new, old) = (text(meta4(&sheet)), text(metalink(&sheet)));
        assert!(new.contains("priority=\"150\"") && !new.contains("priority=\"0\""));
        assert_eq!(old.matches("preference=\"0\"").count(), 50);
        assert_eq!(old.matches("preference=\"100\"").count(), 1);
    });
}
