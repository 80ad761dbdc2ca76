//! Golden files of every document, and the edges of lists.

use super::meta4::meta4;
use super::metalink::metalink;
use super::sheet::{PIECES_MAX, Publisher, Sheet, Source};
use crate::domain::file::{FileId, FileVersion};
use crate::domain::hash::{Digests, HashRecord};
use crate::domain::mirror::{BaseUrl, EncodedPath};
use crate::domain::place::{Asn, CountryCode, Place, RegionCode};
use crate::domain::select::Tier;
use crate::domain::target::Target;
use crate::domain::time::Timestamp;

/// Names that are not plain, with the word that their golden files have.
const NAMES: [(&str, &[u8]); 6] = [
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

fn hashes() -> HashRecord {
    HashRecord {
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
        sha1_pieces: Some([[0x66; 20], [0x77; 20]].concat()),
        ..HashRecord::default()
    }
}

fn with_sheet<T>(
    name: &[u8],
    hashes: Option<&HashRecord>,
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
    let sources: Vec<Source<'_>> = urls
        .iter()
        .zip(tiers)
        .zip(countries)
        .map(|((base_url, tier), country)| Source {
            base_url,
            tier,
            country: CountryCode::parse(country.as_bytes()),
        })
        .collect();
    let path = [b"dir/", name].concat();
    let encoded = EncodedPath::new(&path, urls.iter());
    let target = Target::new(encoded, Some("time=1&stamp=ab".to_owned()));
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
        now: Timestamp(1_795_000_000),
    })
}

/// Compares with `tests/golden/NAME`; `UPDATE_GOLDEN=1` writes it instead.
fn golden(name: &str, found: &[u8]) {
    let version = concat!("Heliostat/", env!("CARGO_PKG_VERSION"));
    let found = String::from_utf8(found.to_vec()).expect("UTF-8");
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

#[test]
fn documents_are_the_golden_files() {
    let mut known = Vec::new();
    for (word, name) in NAMES {
        let hashes = hashes();
        with_sheet(name, Some(&hashes), |sheet| {
            golden(&format!("{word}.meta4"), &meta4(sheet));
            golden(&format!("{word}.metalink"), &metalink(sheet));
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
        golden("bare.meta4", &meta4(&bare));
        golden("bare.metalink", &metalink(&bare));
    });
    known.extend(["bare.meta4".to_owned(), "bare.metalink".to_owned()]);
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
        let record = HashRecord {
            piece_size: size,
            sha1_pieces: Some(vec![0; bytes]),
            ..HashRecord::default()
        };
        with_sheet(b"x", Some(&record), |sheet| {
            assert_eq!(sheet.pieces().is_some(), has_pieces, "{bytes} {size}");
        });
    }
}

#[test]
fn preferences_end_at_0_and_priorities_go_on() {
    let url = base("http://m.example.org/");
    let source = Source {
        base_url: &url,
        tier: Tier::Country,
        country: None,
    };
    let sources = vec![source; 150];
    with_sheet(b"x", None, |sheet| {
        let sheet = Sheet {
            sources: &sources,
            ..*sheet
        };
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let (new, old) = (text(meta4(&sheet)), text(metalink(&sheet)));
        assert!(new.contains("priority=\"150\"") && !new.contains("priority=\"0\""));
        assert_eq!(old.matches("preference=\"0\"").count(), 50);
        assert_eq!(old.matches("preference=\"100\"").count(), 1);
    });
}
