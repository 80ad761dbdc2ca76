//! Lists of mirrors, against `tests/golden`.

use super::mirror_list::{
    DirectorySummary, FileFacts, ListedMirror, MirrorPage, Offers, PageClient, Subject,
    UnlistedMirror,
};
use super::mirror_list_html::{Frame, content_security_policy, mirrorlist};
use super::mirror_list_json::mirrorlist_json;
use super::tests::{NAMES, golden, hashes};
use crate::domain::escape::url_path_into;
use crate::domain::file::FileVersion;
use crate::domain::place::{Asn, Coordinates, CountryCode, Place, RegionCode};
use crate::domain::select::{Reason, Tier};

/// The golden files of this module.
pub(crate) fn golden_files() -> Vec<String> {
    let mut names: Vec<String> = ["directory", "none"]
        .iter()
        .flat_map(|word| {
            [
                format!("{word}.mirrorlist.html"),
                format!("{word}.mirrorlist.json"),
            ]
        })
        .collect();
    for (word, _) in NAMES {
        names.extend([
            format!("{word}.mirrorlist.html"),
            format!("{word}.mirrorlist.json"),
        ]);
    }
    names
}

fn at(latitude: f64, longitude: f64) -> Option<Coordinates> {
    Coordinates::known(latitude, longitude)
}

fn listed(
    name: &'static str,
    tier: Tier,
    country: &str,
    place: Option<Coordinates>,
) -> ListedMirror<'static> {
    ListedMirror {
        name,
        url: format!("https://{name}/get?a=1&f=x").into_bytes(),
        tier,
        country: CountryCode::parse(country.as_bytes()),
        is_fallback: false,
        distance: place.map(|_| 1164),
        probability: 1.0 / 3.0,
        at: place,
        files: None,
    }
}

fn unlisted(name: &'static str, reason: Reason, has_file: bool) -> UnlistedMirror<'static> {
    UnlistedMirror {
        name,
        country: CountryCode::parse(b"us"),
        at: None,
        has_file,
        reason,
        files: None,
    }
}

fn client() -> PageClient {
    PageClient {
        ip: "192.0.2.5".parse().ok(),
        place: Place {
            country: CountryCode::parse(b"DE"),
            region: RegionCode::parse(b"EU"),
            coordinates: at(52.52, 13.4),
            asn: Asn::new(64_510),
        },
        network: "192.0.2.0/24".parse().ok(),
    }
}

fn mirrors() -> Vec<ListedMirror<'static>> {
    let mut fallback = listed("fallback.example.com", Tier::Elsewhere, "", None);
    fallback.is_fallback = true;
    vec![
        listed("near.example.org", Tier::Prefix, "de", at(52.727, 12.254)),
        listed("as.example.org", Tier::As, "de", at(48.1, 11.6)),
        listed("a.de.example.org", Tier::Country, "de", at(50.11, 8.68)),
        listed("b.de.example.org", Tier::Country, "de", None),
        listed("fr.example.org", Tier::Region, "fr", at(48.9, 2.4)),
        fallback,
    ]
}

fn with_page<T>(name: &[u8], work: impl FnOnce(&MirrorPage<'_>) -> T) -> T {
    let record = hashes();
    let path = [b"/dir/", name].concat();
    let mut own_url = b"http://own.example.org".to_vec();
    url_path_into(&mut own_url, &path);
    work(&MirrorPage {
        subject: Subject::File(FileFacts {
            name,
            version: FileVersion {
                size: 500_000,
                mtime: 1_401_807_080,
            },
            digests: Some(&record.digests),
            offers: Offers {
                torrent: true,
                magnet: true,
                zsync: true,
            },
        }),
        path: &path,
        own_url: &own_url,
        client: client(),
        mirrors: mirrors(),
        others: vec![
            unlisted("us.example.org", Reason::CountryOnly, true),
            unlisted("old.example.org", Reason::FileOutdated, false),
            unlisted("lacks.example.org", Reason::FileMissing, false),
        ],
        note: None,
    })
}

fn compare(word: &str, page: &MirrorPage<'_>, frame: Frame<'_>) {
    golden(&format!("{word}.mirrorlist.html"), &mirrorlist(page, frame));
    golden(&format!("{word}.mirrorlist.json"), &mirrorlist_json(page));
}

#[test]
fn lists_are_the_golden_files() {
    for (word, name) in NAMES {
        with_page(name, |page| compare(word, page, Frame::default()));
    }
    with_page(b"x", |page| {
        let nobody = MirrorPage {
            mirrors: Vec::new(),
            others: Vec::new(),
            client: PageClient::default(),
            note: Some("it changed & nobody knows"),
            ..page.clone()
        };
        let frame = Frame {
            style_sheet: Some("/mb.css?a&b"),
            ..Frame::default()
        };
        compare("none", &nobody, frame);
        let mut directory = MirrorPage {
            subject: Subject::Directory(DirectorySummary {
                files: 40,
                is_cut: false,
            }),
            path: b"/a&b/",
            own_url: b"http://own.example.org/a&b/",
            ..page.clone()
        };
        for (place, mirror) in directory.mirrors.iter_mut().enumerate() {
            mirror.files = Some(40 - place as u64);
        }
        compare("directory", &directory, Frame::default());
    });
}

#[test]
fn operators_parts_replace_head_and_end() {
    with_page(b"x.bin", |page| {
        let frame = Frame {
            header: Some(b"<html><body class=own>"),
            footer: Some(b"<p>Bye \xff</p>"),
            style_sheet: Some("/unused.css"),
            ..Frame::default()
        };
        let html = mirrorlist(page, frame);
        assert!(html.starts_with(b"<html><body class=own><div id=\"mirrorbrain-details\">"));
        assert!(html.ends_with(b"</div><!-- mirrorbrain-details -->\n<p>Bye \xff</p>"));
        assert_eq!(content_security_policy(frame), None);
    });
}

#[test]
fn the_policy_allows_our_style_and_what_the_operators_sheet_needs() {
    let policy = |style_sheet| {
        let frame = Frame {
            style_sheet,
            ..Frame::default()
        };
        content_security_policy(frame).expect("a policy")
    };
    let policy_is = |sheet, pictures: &str, fonts: &str, styles: &str| {
        let policy = policy(sheet);
        let (before, rest) = policy.split_once("'sha256-").expect("a hash");
        let (_, after) = rest.split_once('\'').expect("its end");
        let expected = format!("default-src 'none'; img-src data:{pictures}; {fonts}style-src ");
        assert_eq!(before, expected);
        let (before, after) = after.split_once("'sha256-").expect("a script");
        assert_eq!(before, format!("{styles}; script-src "));
        let (_, after) = after.split_once('\'').expect("its end");
        assert_eq!(after, "; base-uri 'none'; form-action 'none'");
    };
    policy_is(None, "", "", "");
    for (sheet, sources) in [
        ("/mb.css", " 'self'"),
        (
            "https://s.example.org/mb.css",
            " 'self' https://s.example.org",
        ),
        ("//s.example.org/mb.css", " 'self' s.example.org"),
        ("https://s.example.org; script-src */", " 'self'"),
    ] {
        let fonts = format!("font-src data:{sources}; ");
        policy_is(Some(sheet), sources, &fonts, sources);
    }
}
