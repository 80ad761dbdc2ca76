//! Documents through a real Apache: valid for any name, asked for again only when they changed,
//! and never the file in their place.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::process::Signal;

use crate::stage::site::eventually;
use crate::stage::{Stage, encode, tool};

/// Names that need care in XML, in URLs and in header fields.
const NAMES: [&[u8]; 7] = [
    b"a&b.bin",
    b"<x>.bin",
    b"\"q\".bin",
    b"sp ace%41'.bin",
    "gr\u{fc}\u{df}e \u{20ac}.bin".as_bytes(),
    b"gr\xfc\xdfe.bin",
    b"\xed\xa0\x80.bin",
];
const SETTINGS: &str = "[site.test.hashes]\nzsync = true\n[site.test.metalink]\n\
     publisher_name = \"A & <B>\"\npublisher_url = \"http://p.example.org/?a=1&b=2\"\n\
     [site.test.rules]\ntrackers = [\"http://127.0.0.1:9/announce?a&b\"]\n\
     metalink_magnet_links = true\n";
/// Every document, by the word that asks for it.
const WORDS: [&str; 10] = [
    "meta4", "metalink", "torrent", "zsync", "magnet", "md5", "sha1", "sha256", "sha512", "btih",
];

fn stage() -> Stage {
    let mut stage = Stage::new(SETTINGS);
    for name in NAMES {
        stage.file(OsStr::from_bytes(name), 600_000);
    }
    stage.file("a.iso", 600_000);
    stage.mirror("germany", ["de", "eu"]);
    stage.learn();
    stage.twin("germany", "query", "http://127.0.0.1:9/get?a=1&b=2&p=/");
    stage.start();
    stage.until_redirected("/a.iso");
    stage
}

#[test]
fn metalinks_are_valid_for_any_name() {
    let stage = stage();
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/metalink4.rng");
    let schema = schema.to_str().expect("UTF-8");
    let folder = stage.site.path("");
    for name in NAMES {
        let path = [b"/", encode(name).as_slice()].concat();
        for (suffix, arguments) in [
            ("meta4", &["--noout", "--relaxng", schema, "document"][..]),
            ("metalink", &["--noout", "document"]),
        ] {
            let answer = stage
                .get([&path[..], b".", suffix.as_bytes()].concat())
                .send();
            let what = format!("{}.{suffix}", name.escape_ascii());
            assert_eq!(answer.status, 200, "{what}");
            let text = String::from_utf8(answer.body).expect("UTF-8");
            assert!(text.contains("/get?a=1&amp;b=2&amp;p=/"), "{what}: {text}");
            assert!(text.contains("<pieces "), "{what}: {text}");
            std::fs::write(folder.join("document"), &text).expect("a file");
            let (is_valid, said) = tool(&folder, "xmllint", arguments);
            assert!(is_valid, "{what}: {said}\n{text}");
        }
    }
}

#[test]
fn torrents_are_read_by_an_independent_library() {
    let stage = stage();
    let folder = stage.site.path("");
    let script = "import sys, libtorrent\n\
                  info = libtorrent.torrent_info(sys.argv[1])\n\
                  print(info.info_hashes().v1, info.total_size(), len(info.web_seeds()),\n\
                  \x20     [t.url for t in info.trackers()])\n";
    for name in NAMES {
        let path = [b"/", encode(name).as_slice()].concat();
        let answer = stage.get([&path[..], b".torrent"].concat()).send();
        assert_eq!(answer.status, 200, "{}", name.escape_ascii());
        std::fs::write(folder.join("document"), &answer.body).expect("a file");
        let (ended, said) = tool(&folder, "/usr/bin/python3", &["-c", script, "document"]);
        assert!(ended, "{said}");
        let line = stage
            .get([&path[..], b"?btih&only_hash"].concat())
            .send()
            .body;
        let btih = String::from_utf8(line).expect("ASCII");
        let trackers = "['http://127.0.0.1:9/announce?a&b']";
        let expected = format!("{} 600000 2 {trackers}", btih.trim());
        assert_eq!(said.trim(), expected, "{}", name.escape_ascii());
    }
}

#[test]
fn what_is_known_is_not_sent_again() {
    let stage = stage();
    for word in WORDS {
        for path in [format!("/a.iso.{word}"), format!("/a.iso?{word}")] {
            let answer = stage.get(&path).send();
            assert_eq!(answer.status, 200, "{path}");
            let length = answer.body.len().to_string();
            assert_eq!(answer.text("content-length"), length, "{path}");
            let head = stage.get(&path).head().send();
            assert_eq!(head.status, 200);
            let fields = |answer: &crate::stage::Answer| answer.comparable().fields;
            assert_eq!(fields(&head), fields(&answer), "{path}");
            assert!(head.body.is_empty(), "{path}");
            let tag = format!("If-None-Match: {}", answer.text("etag"));
            let since = format!("If-Modified-Since: {}", answer.text("last-modified"));
            for condition in [&tag, &since] {
                let again = stage.get(&path).field(condition).send();
                assert_eq!(
                    (again.status, again.body.len()),
                    (304, 0),
                    "{path} {condition}"
                );
                assert_eq!(again.text("etag"), answer.text("etag"), "{path}");
            }
            let other = stage.get(&path).field("If-None-Match: \"x\"").send();
            assert_eq!((other.status, other.body.len()), (200, answer.body.len()));
            let other = stage.get(&path).field("If-Match: \"x\"").send();
            assert_eq!(other.status, 412, "{path}");
            let range = stage.get(&path).field("Range: bytes=1-2").send();
            assert!([200, 206].contains(&range.status), "{path}: {range:?}");
            let leaked = answer
                .fields
                .iter()
                .find(|(name, _)| name.starts_with("x-mb-"));
            assert_eq!(leaked, None, "{path}");
        }
    }
    // The redirect and its metalink vary; a client that accepts metalinks gets one of the two.
    let plain = stage.get("/a.iso").send();
    assert_eq!((plain.status, plain.text("vary").as_str()), (302, "Accept"));
    assert!(
        plain
            .all("link")
            .join(", ")
            .contains("a.iso.torrent>; rel=describedby"),
        "{plain:?}"
    );
    let accepts = stage
        .get("/a.iso")
        .field("Accept: application/metalink4+xml");
    let answer = accepts.send();
    assert_eq!(
        (answer.status, answer.text("vary").as_str()),
        (200, "Accept")
    );
    let known = accepts.field(format!("If-None-Match: {}", answer.text("etag")));
    assert_eq!(known.send().status, 304);
}

/// Asks for every document in every way; none may be answered with the file.
fn assert_no_file(stage: &Stage, content: &[u8], allowed: &[u16], what: &str) {
    for word in WORDS.into_iter().chain(["mirrorlist"]) {
        for path in [
            format!("/a.iso.{word}"),
            format!("/a.iso?{word}"),
            format!("/a.iso?x=1&{}", word.to_uppercase()),
            format!("/a.iso?%{:02x}{}", word.as_bytes()[0], &word[1..]),
        ] {
            for accept in ["*/*", "application/metalink4+xml"] {
                let answer = stage.get(&path).field(format!("Accept: {accept}")).send();
                // A page of mirrors says also that there are none.
                let is_allowed = word == "mirrorlist" || allowed.contains(&answer.status);
                assert!(is_allowed, "{what}: {path}: {answer:?}");
                assert!(answer.body != content, "{what}: {path}");
            }
        }
    }
}

#[test]
fn a_document_is_never_the_file_whatever_fails() {
    let mut stage = stage();
    let content = std::fs::read(stage.site.tree().join("a.iso")).expect("the file");
    // Without hashes and mirrors.
    let bare = stage.file("bare.iso", 9_000);
    for word in WORDS {
        for path in [format!("/bare.iso.{word}"), format!("/bare.iso?{word}")] {
            let answer = stage.get(&path).send();
            assert_eq!(answer.status, 404, "{path}");
            assert!(answer.body != bare);
        }
    }
    let responder = stage.responder.as_mut().expect("it runs");
    responder.end(Signal::KILL);
    assert_no_file(&stage, &content, &[503], "killed");
    // A URL that `Accept` turns into a document is the file's own URL.
    let accepts = stage
        .get("/a.iso")
        .field("Accept: application/metalink4+xml");
    let answer = accepts.send();
    assert!(answer.status == 200 && answer.body == content, "{answer:?}");
    stage.start_responder();
    eventually("it answers again", || {
        stage.get("/a.iso.md5").send().status == 200
    });
    // The database goes away.
    for ending in ["", "-wal", "-shm"] {
        let mut name = stage.site.database().into_os_string();
        name.push(ending);
        let _ = std::fs::remove_file(name);
    }
    eventually("the responder knows that", || {
        stage.get("/a.iso").send().status == 200
    });
    assert_no_file(&stage, &content, &[503], "no database");
}

#[test]
fn a_changed_file_has_no_old_document() {
    let stage = stage();
    let new = b"another release".repeat(1_000);
    stage.site.write("a.iso", &new, crate::stage::MTIME + 60);
    for word in WORDS {
        for path in [format!("/a.iso.{word}"), format!("/a.iso?{word}")] {
            let answer = stage.get(&path).send();
            if !["meta4", "metalink"].contains(&word) {
                assert_eq!(answer.status, 404, "{path}");
                continue;
            }
            // The document names us, since no mirror can have the file yet.
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            let own = format!(">http://127.0.0.1:{}/a.iso</url>", stage.apache().port);
            assert!(
                text.contains(&own) && !text.contains("<hash"),
                "{path}: {text}"
            );
            assert_eq!(
                text.matches("<url ").count() + text.matches("<url>").count(),
                1 + usize::from(word == "metalink"),
                "{path}: {text}"
            );
        }
    }
    stage.index();
    eventually("the new hashes are known", || {
        stage.get("/a.iso.sha256").send().status == 200
    });
    let folder = stage.site.tree();
    std::fs::write(
        stage.site.path("sums"),
        stage.get("/a.iso.sha256").send().body,
    )
    .expect("a file");
    let (ended, said) = tool(&folder, "sha256sum", &["-c", "../sums"]);
    assert!(ended, "{said}");
}

#[test]
fn a_host_that_is_none_of_ours_is_in_no_answer() {
    let stage = stage();
    let ask = |path: &str| stage.get(path).field("Host: evil.example").send();
    let redirect = ask("/a.iso");
    assert_eq!(redirect.status, 302, "{redirect:?}");
    let links = redirect.all("link").join("\n");
    assert!(links.contains("<http://download.example.org"), "{links}");
    assert!(!links.contains("evil"), "{links}");
    for document in WORDS.iter().chain(&["mirrorlist", "mirrorlist&json"]) {
        let answer = ask(&format!("/a.iso?{document}"));
        assert_eq!(answer.status, 200, "{document}");
        let text = String::from_utf8_lossy(&answer.body);
        assert!(!text.contains("evil"), "{document}: {text}");
    }
}
