//! A front end without the tree redirects what it knows, and sends the rest to the origin.

use std::time::{Duration, SystemTime};

use crate::stand_in::fcgi_client::{Answer, FcgiClient, Request};
use crate::stand_in::probe_site::{FILES, add, site};
use crate::stand_in::responder::Responder;
use crate::stand_in::scan_site::{OLD, reader};
use crate::stand_in::site::{TestSite, eventually, failure, set_mtime};

const ORIGIN: &str = "https://origin.test/pub";

/// A site without a tree.
fn front_end(more: &str) -> TestSite {
    let site = TestSite::new();
    let config = std::fs::read_to_string(site.config()).expect("a configuration");
    let origin = format!("origin = \"{ORIGIN}/\"\n");
    let config = config.replace("tree = \"tree\"\n", &origin) + more;
    std::fs::write(site.config(), config).expect("a configuration");
    site
}

fn origin_of(answer: &Answer) -> Option<String> {
    assert_eq!(answer.status, 302, "{answer:?}");
    assert_eq!(answer.header("X-Sendfile"), None);
    let to = answer.text("Location").expect("a redirect");
    let path = to.strip_prefix(ORIGIN)?.to_owned();
    assert_eq!(
        answer.text("Cache-Control").as_deref(),
        Some("no-store"),
        "{path}"
    );
    assert_eq!(answer.text("Give-MB").as_deref(), Some("origin"), "{path}");
    Some(path)
}

fn hours_ago(hours: u64) -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    (now.expect("after 1970") - Duration::from_secs(hours * 3600)).as_secs()
}

#[test]
fn what_no_mirror_gets_is_at_the_origin() {
    let first = site("");
    first.run_ok("heliostat-index", &["-q"]);
    add(&first, "m", "http://m.test/pub/", |_| {});
    // This file comes later, so that no mirror has it.
    first.write("new.iso", b"new", OLD);
    first.run_ok("heliostat-index", &["-q"]);
    let second = front_end(
        "[site.test.rules]\nmin_size = 0\n[[site.test.directory]]\npath = \"d\"\nmin_size = 1000\n",
    );
    let bring = || {
        let database = second.database();
        first.run_ok("heliostat", &["backup", database.to_str().expect("UTF-8")]);
    };
    bring();
    let responder = Responder::start(&second);
    let mut client: FcgiClient = responder.connect();
    let mut send = |path: &str, query: &str| client.send(&Request::get(path).query(query));
    let found = send("/a b.iso", "");
    assert_eq!(
        found.text("Location").as_deref(),
        Some("http://m.test/pub/a%20b.iso")
    );
    assert_eq!(send("/z.zip.sha256", "").status, 200);
    assert_eq!(send("/z.zip.meta4", "").status, 200);
    for (path, query, expected) in [
        ("/new.iso", "", "/new.iso"),
        ("/d/c.tar.gz", "", "/d/c.tar.gz"),
        ("/not known.iso", "a=%20b", "/not%20known.iso?a=%20b"),
        ("/not-known.iso.meta4", "", "/not-known.iso.meta4"),
        ("/d/", "", "/d/"),
        ("/d", "", "/d"),
        ("/", "", "/"),
        ("/nowhere/", "mirrorlist", "/nowhere/?mirrorlist"),
    ] {
        let origin = origin_of(&send(path, query));
        assert_eq!(origin.as_deref(), Some(expected), "{path}");
    }
    let list = send("/d/", "mirrorlist");
    assert_eq!(list.status, 200, "directories of the catalogue have lists");
    assert_eq!(client.send(&Request::new("POST", "/z.zip")).status, 405);

    // Two hours: what was new in the copy. The catalogue was made just now.
    let mut send = |path: &str| client.send(&Request::get(path));
    set_mtime(&second.database(), hours_ago(30));
    eventually("the copy is too old", || {
        origin_of(&send("/z.zip")).is_some()
    });
    assert_eq!(
        origin_of(&send("/z.zip.sha256")).as_deref(),
        Some("/z.zip.sha256")
    );
    bring();
    eventually("a new copy counts", || origin_of(&send("/z.zip")).is_none());
    // Without a database, everything is at the origin.
    std::fs::remove_file(second.database()).expect("a database");
    drop(responder);
    let responder = Responder::start(&second);
    let answer = responder.connect().send(&Request::get("/z.zip"));
    assert_eq!(origin_of(&answer).as_deref(), Some("/z.zip"));
}

#[test]
fn a_catalogue_comes_from_a_list() {
    let site = front_end("[site.test.rules]\nmin_size = 0\n");
    let (code, text) = failure(&site.run("heliostat-index", &["-q"]));
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("the site test has no tree"), "{text}");
    let list = site.path("files.txt");
    let from = ["--from", list.to_str().expect("UTF-8")];
    let mut lines: String = FILES.map(|file| format!("{file}\t7\t{OLD}.0\n")).concat();
    lines.push_str(".~tmp~/half\t7\t1\n");
    std::fs::write(&list, &lines).expect("a list");
    site.run_ok("heliostat-index", &from);
    let count = || heliostat::db::catalogue::count(&reader(&site)).expect("a catalogue");
    assert_eq!(count(), FILES.len() as u64);
    let again = site.run_ok("heliostat-index", &[&from[..], &["--json"]].concat());
    let again: serde_json::Value = serde_json::from_str(&again).expect("JSON");
    assert_eq!(
        (&again["added"], &again["changed"]),
        (&0.into(), &0.into()),
        "{again:#}"
    );
    add(&site, "m", "http://m.test/pub/", |_| {});
    let responder = Responder::start(&site);
    let answer = responder.connect().send(&Request::get("/z.zip"));
    assert_eq!(
        answer.text("Location").as_deref(),
        Some("http://m.test/pub/z.zip")
    );
    // A cut list, and one that has lost its files, change nothing.
    for (text, code, expected) in [
        ("a\t1\t1\nb\t2", 1, "may be cut off"),
        ("a b\n", 1, "line 1 is not path, size and time"),
        ("z.zip\t7\t1\n", 1, "have vanished"),
        ("", 1, "has no files"),
    ] {
        std::fs::write(&list, text).expect("a list");
        let (found, said) = failure(&site.run("heliostat-index", &from));
        assert_eq!(found, Some(code), "{said}");
        assert!(said.contains(expected), "{said}");
        assert_eq!(count(), FILES.len() as u64);
    }
}
