//! Documents about a file, from the socket: which, when, and never the file in their place.

use std::os::unix::ffi::OsStrExt;

use heliostat::db::catalogue::CatalogueWriter;
use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::hash::{self, Digests, HashRecord};
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{self, open::Transaction};
use heliostat::domain::file::{FileId, FileVersion};
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;

use crate::stand_in::fcgi_client::{Answer, FcgiClient, Request, percent_decoded, percent_encoded};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::{DOCUMENTS, TestSite, eventually};

pub const MTIME: u64 = 1_401_807_080;
pub const SIZE: usize = 5000;

/// Names that need care; every mirror has them, and their hashes are known.
pub const NAMES: [&[u8]; 6] = [
    b"plain.bin",
    b"a&b.bin",
    b"<x>.bin",
    b"\"q\".bin",
    b"gr\xc3\xbc\xc3\x9fe.bin",
    b"gr\xfc\xdfe.bin",
];

/// Files without hashes: one that all mirrors have, one that none has, a small one.
pub const BARE: &[u8] = b"bare.bin";
pub const LONELY: &[u8] = b"lonely.bin";
pub const SMALL: &[u8] = b"small.bin";

pub fn build(more: &str) -> TestSite {
    let publisher = "publisher_name = \"A & B\"\npublisher_url = \"http://p/?a&b\"";
    let site = TestSite::with_config(&format!("[site.test.metalink]\n{publisher}\n{more}"));
    for name in NAMES.into_iter().chain([BARE, LONELY]) {
        site.write(std::ffi::OsStr::from_bytes(name), &[b'x'; SIZE], MTIME);
    }
    site.write(std::ffi::OsStr::from_bytes(SMALL), b"small", MTIME);
    let mut writer = db::open_writer(&site.database()).expect("a database");
    writer.transaction(fill).expect("the content");
    site
}

fn fill(transaction: &Transaction<'_>) -> Result<(), db::DbError> {
    for (id, (name, url, country)) in (1..).zip([
        ("near", "http://near.example.org/pub/", "de"),
        ("query", "https://far.example.org/get?a=1&p=/", "us"),
    ]) {
        let record = MirrorRecord {
            id: MirrorId(id),
            base_url: url.to_owned(),
            enabled: true,
            alive: true,
            country: country.to_owned(),
            region: if country == "de" { "eu" } else { "na" }.to_owned(),
            ..MirrorRecord::new(name)
        };
        mirror::insert(transaction, &record)?;
    }
    let mut held = Content::default();
    let mut catalogue = CatalogueWriter::new(transaction)?;
    let mut hashed = Vec::new();
    for (id, name) in (1..).zip(NAMES.into_iter().chain([BARE, LONELY, SMALL])) {
        catalogue.import(name, FileId(id))?;
        if name != LONELY {
            held.current.insert(id);
        }
        if NAMES.contains(&name) || name == LONELY {
            hashed.push(FileId(id));
        }
    }
    catalogue.finish()?;
    let version = FileVersion {
        size: SIZE as u64,
        mtime: MTIME as i64,
    };
    for id in hashed {
        hash::store(transaction, id, version, &record())?;
    }
    let origin = ContentOrigin {
        at: Timestamp(1_700_000_000),
        by: "test".to_owned(),
        unknown_files: 0,
    };
    for id in [1, 2] {
        content::publish(transaction, MirrorId(id), &held, &origin)?;
    }
    Ok(())
}

pub fn record() -> HashRecord {
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
        pgp: Some("-----BEGIN PGP SIGNATURE-----".to_owned()),
        piece_size: 4096,
        sha1_pieces: Some(vec![0x66; 40]),
        ..HashRecord::default()
    }
}

pub fn get(path: &[u8]) -> Request {
    Request::get([b"/", path].concat()).with("GEOIP_COUNTRY_CODE", "DE")
}

pub fn with_suffix(name: &[u8], suffix: &str) -> Request {
    get(&[name, b".", suffix.as_bytes()].concat())
}

pub fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// Type and length are those of the body, and HEAD says the same.
fn check_fields(client: &mut FcgiClient, request: &Request, answer: &Answer, mime_type: &str) {
    assert_eq!(answer.status, 200, "{request:?}: {answer:?}");
    assert_eq!(answer.text("Content-Type").as_deref(), Some(mime_type));
    let length = answer.body.len().to_string();
    assert_eq!(answer.text("Content-Length"), Some(length));
    let head = client.send(&request.clone().with("REQUEST_METHOD", "HEAD"));
    assert_eq!(head.status, 200);
    assert_eq!(head.headers, answer.headers);
    assert!(head.body.is_empty());
}

#[test]
fn hash_documents_are_lines_by_suffix_and_by_query() {
    let site = build("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let kinds = [
        ("md5", "11".repeat(16)),
        ("sha1", "22".repeat(20)),
        ("sha256", "33".repeat(32)),
        ("sha512", "44".repeat(64)),
        ("btih", "55".repeat(20)),
    ];
    for name in NAMES {
        for (word, hex) in &kinds {
            let line = [hex.as_bytes(), b"  ", name, b"\n"].concat();
            for request in [with_suffix(name, word), get(name).query(word)] {
                // A document that is asked for by name outdoes `Accept`.
                for accept in ["*/*", "application/metalink4+xml"] {
                    let request = request.clone().with("HTTP_ACCEPT", accept);
                    let answer = client.send(&request);
                    assert_eq!(answer.body, line);
                    check_fields(&mut client, &request, &answer, "text/plain; charset=UTF-8");
                    assert_eq!(answer.text("Give-MB").as_deref(), Some(*word));
                }
            }
            let alone = [hex.as_bytes(), b"\n"].concat();
            let request = with_suffix(name, word).query("only_hash");
            assert_eq!(client.send(&request).body, alone);
            let request = get(name).query(format!("{word}&only_hash"));
            assert_eq!(client.send(&request).body, alone);
            let request = with_suffix(name, word).with("MirrorBrainHashesSuppressFilenames", "On");
            assert_eq!(client.send(&request).body, alone);
        }
    }
    for request in [with_suffix(BARE, "md5"), get(BARE).query("sha256")] {
        assert_eq!(client.send(&request).status, 404);
    }
}

#[test]
fn metalinks_come_by_suffix_query_and_accept() {
    let site = build("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    for name in NAMES {
        for (word, accept) in [
            ("meta4", "text/html, application/metalink4+xml;q=0.1"),
            ("metalink", "application/metalink+xml"),
        ] {
            let mime_type = accept.split([' ', ';']).find(|p| p.starts_with("app"));
            let mime_type = format!("{}; charset=UTF-8", mime_type.expect("a type"));
            let suffixed = with_suffix(name, word);
            let first = client.send(&suffixed);
            for request in [
                suffixed,
                get(name).query(word),
                get(name).with("HTTP_ACCEPT", accept),
            ] {
                let answer = client.send(&request);
                check_fields(&mut client, &request, &answer, &mime_type);
                assert_eq!(answer.text("Vary").as_deref(), Some("Accept"));
                let sent = answer.text("Content-Disposition").expect("a name");
                assert!(sent.starts_with("attachment; filename=\""), "{sent}");
                // A second may have passed between the two.
                assert_eq!(without_time(&answer), without_time(&first));
            }
            check_metalink(&text(&first), name, word);
        }
    }
}

fn without_time(answer: &Answer) -> String {
    let text = text(answer);
    let is_timed = |line: &&str| !line.contains("<published>") && !line.contains("pubdate=");
    text.lines()
        .filter(|line| !is_timed(line))
        .count()
        .to_string()
        + &text.lines().filter(is_timed).collect::<String>()
}

fn check_metalink(text: &str, name: &[u8], word: &str) {
    let own = [
        b"http://download.example.org/".to_vec(),
        percent_encoded(name),
    ]
    .concat();
    let own = percent_decoded(&own);
    let origin = text.split("http://download.example.org/").nth(1);
    let origin = origin.and_then(|rest| rest.split(['<', '"']).next());
    let origin = origin.expect("an origin").replace("&amp;", "&");
    let decoded = percent_decoded(format!("http://download.example.org/{origin}").as_bytes());
    assert_eq!(decoded, [&own[..], b".", word.as_bytes()].concat());
    let near = text.find("http://near.example.org/pub/").expect("a mirror");
    let far = text.find("https://far.example.org/get?a=1&amp;p=/");
    assert!(near < far.expect("another mirror"), "the nearer one first");
    assert!(text.contains(&"44".repeat(64)) && text.contains("BEGIN PGP SIGNATURE"));
    assert_eq!(text.matches(&"66".repeat(20)).count(), 2, "pieces");
    let publisher = match word {
        "meta4" => "<publisher name=\"A &amp; B\" url=\"http://p/?a&amp;b\"/>",
        _ => "<name>A &amp; B</name>",
    };
    assert!(text.contains(publisher), "{text}");
    assert!(!text.contains("<x>"), "unescaped");
}

#[test]
fn only_what_accept_asked_for_is_subject_to_exclusions() {
    let site = build("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let accept = "application/metalink4+xml";
    let is_file = |answer: &Answer| answer.status == 200 && answer.header("X-Sendfile").is_some();
    let is_document = |answer: &Answer| {
        let kind = answer.text("Content-Type").unwrap_or_default();
        answer.status == 200 && kind.starts_with("application/metalink4")
    };
    let small = client.send(&get(SMALL).with("HTTP_ACCEPT", accept));
    assert!(is_file(&small), "{small:?}");
    assert_eq!(small.text("Vary").as_deref(), Some("Accept"));
    assert!(is_document(&client.send(&with_suffix(SMALL, "meta4"))));
    assert!(is_document(&client.send(&get(SMALL).query("meta4"))));
    // Nobody has it.
    let lonely = client.send(&get(LONELY).with("HTTP_ACCEPT", accept));
    assert!(is_file(&lonely), "{lonely:?}");
    assert_eq!(lonely.text("NoMirror-MB").as_deref(), Some("1"));
    assert_eq!(lonely.text("Want-MB").as_deref(), Some("meta4"));
    for request in [with_suffix(LONELY, "meta4"), get(LONELY).query("metalink")] {
        assert_eq!(client.send(&request).status, 404);
    }
    // The redirect of the same URL varies too.
    let redirect = client.send(&get(BARE));
    assert_eq!(redirect.status, 302);
    assert_eq!(redirect.text("Vary").as_deref(), Some("Accept"));
}

#[test]
fn our_own_url_stands_in_for_mirrors_where_that_is_wanted() {
    let site = build("own_url = true\n");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let unknown = b"unknown.bin";
    site.write(std::ffi::OsStr::from_bytes(unknown), &[b'y'; SIZE], MTIME);
    for (name, is_hashed) in [(LONELY, true), (&unknown[..], false)] {
        for word in ["meta4", "metalink"] {
            for request in [with_suffix(name, word), get(name).query(word)] {
                let text = text(&client.send(&request));
                let name = String::from_utf8_lossy(name);
                let url = format!(">http://download.example.org/{name}</url>");
                assert!(text.contains(&url), "{text}");
                assert_eq!(text.matches("<url ").count(), 1, "{text}");
                assert_eq!(text.contains("<hash"), is_hashed, "{text}");
            }
        }
        // Its own URL must not lead to the metalink again.
        let asked = get(name).with("HTTP_ACCEPT", "application/metalink4+xml");
        let answer = client.send(&asked);
        assert!(answer.header("X-Sendfile").is_some(), "{answer:?}");
    }
    let off = with_suffix(LONELY, "meta4").with("HELIOSTAT_METALINK_OWN_URL", "Off");
    assert_eq!(client.send(&off).status, 404);
}

#[test]
fn fallbacks_stand_in_for_mirrors() {
    let site = build(
        "[site.test.rules]\nfallbacks = [{ region = \"eu\", country = \"de\", \
         url = \"http://fallback.example.org/\" }]",
    );
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let answer = client.send(&with_suffix(LONELY, "meta4"));
    let url = "<url location=\"de\" priority=\"1\">http://fallback.example.org/lonely.bin</url>";
    assert!(text(&answer).contains(url), "{}", text(&answer));
}

/// Every way of asking for a document of a file.
fn all_documents(name: &[u8]) -> Vec<Request> {
    let ways = |word: &&str| [with_suffix(name, word), get(name).query(word)];
    let requests = DOCUMENTS.iter().flat_map(ways);
    let negotiating = |request: Request| {
        [
            request
                .clone()
                .with("HTTP_ACCEPT", "application/metalink4+xml"),
            request,
        ]
    };
    requests.flat_map(negotiating).collect()
}

fn asks_for(request: &Request, word: &str) -> bool {
    let ends = |name| {
        let value = request.value(name);
        value.is_some_and(|value| value.ends_with(word.as_bytes()))
    };
    ends("SCRIPT_NAME") || ends("QUERY_STRING")
}

fn is_list(request: &Request) -> bool {
    asks_for(request, "mirrorlist")
}

fn is_metalink(request: &Request) -> bool {
    asks_for(request, "meta4") || asks_for(request, "metalink")
}

/// Asks in every way.
fn refused(client: &mut FcgiClient, name: &[u8], status: u16, why: &str) {
    for request in all_documents(name) {
        for method in ["GET", "HEAD"] {
            let request = request.clone().with("REQUEST_METHOD", method);
            let answer = client.send(&request);
            // A list of mirrors says that nobody is known to have the new version, a metalink names
            // our own URL.
            let is_there = is_list(&request) || is_metalink(&request);
            let status = if why == "changed" && is_there {
                200
            } else {
                status
            };
            assert_eq!(answer.status, status, "{why}: {request:?}");
            assert_eq!(answer.header("X-Sendfile"), None, "{why}: {request:?}");
        }
    }
}

#[test]
fn a_document_is_never_the_file_whatever_fails() {
    let site = build("[site.test.rules]\nhandle_head_locally = true\ntrackerless = true");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    // The file changes: its old hashes are no longer its, and mirrors have another version.
    let plain = NAMES[0];
    let index = |path: &std::path::Path| {
        let output = site.run("heliostat-index", &[]);
        assert!(output.status.success(), "{}: {output:?}", path.display());
    };
    index(&site.tree());
    site.write(
        std::ffi::OsStr::from_bytes(plain),
        b"another version",
        MTIME + 1,
    );
    eventually("the responder knows the version that was indexed", || {
        !text(&client.send(&with_suffix(plain, "meta4"))).contains("near.example.org")
    });
    refused(&mut client, plain, 404, "changed");
    // Mirrors cannot have it yet, and nobody is to wait for them.
    for word in ["meta4", "metalink"] {
        let text = text(&client.send(&with_suffix(plain, word)));
        assert!(
            text.contains(">http://download.example.org/plain.bin</url>"),
            "{text}"
        );
        assert_eq!(text.matches("<url ").count(), 1, "{text}");
        assert!(
            !text.contains("<hash") && !text.contains("torrent"),
            "{text}"
        );
    }
    // A link out of the tree.
    std::fs::write(site.path("outside"), [0; SIZE]).expect("a file");
    std::os::unix::fs::symlink(site.path("outside"), site.tree().join("out.bin")).expect("a link");
    refused(&mut client, b"out.bin", 404, "outside");
    // The database is gone, then the tree.
    for ending in ["", "-wal", "-shm"] {
        let mut name = site.database().into_os_string();
        name.push(ending);
        let _ = std::fs::remove_file(name);
    }
    eventually("the responder knows that the database is gone", || {
        client.send(&get(BARE)).header("X-Sendfile").is_some()
    });
    refused(&mut client, BARE, 503, "no database");
    std::fs::rename(site.tree(), site.path("away")).expect("the tree moves");
    eventually("the responder knows that the tree is gone", || {
        client.send(&get(BARE)).status == 503
    });
    // Worth trying again; the vhosts serve no file in place of a document.
    refused(&mut client, BARE, 503, "no tree");
}
