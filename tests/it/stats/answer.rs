//! `FILE?stats`: what everybody may read, where the site allows it.

use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::open_writer;
use serde_json::{Value, json};

use crate::stand_in::counted_site::{counted_site, end, get};
use crate::stand_in::fcgi_client::{Answer, Request};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::TestSite;

fn asked(query: &str) -> Request {
    get("file-0.iso", "192.0.2.200").query(query)
}

fn value(answer: &Answer) -> Value {
    assert_eq!(
        answer.text("Content-Type").as_deref(),
        Some("application/json")
    );
    serde_json::from_slice(&answer.body).expect("JSON")
}

#[test]
fn downloads_of_a_file_are_told_as_by_mirrorbits() {
    let site = counted_site("public = true\n");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    for ip in ["192.0.2.1", "192.0.2.2", "192.0.2.2"] {
        client.send(&get("file-0.iso", ip));
    }
    client.send(&get("file-0.iso", "192.0.2.1").with("HTTP_ACCEPT", "application/metalink4+xml"));
    // There are no statistics yet; the file does not take their place.
    let early = client.send(&asked("stats"));
    assert_eq!(
        (early.status, early.text("Retry-After").as_deref()),
        (503, Some("60"))
    );
    drop(client);
    end(responder);
    site.run_ok("heliostat", &["stats", "collect", "-q"]);
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let answer = client.send(&asked("stats"));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.text("Cache-Control").as_deref(), Some("max-age=60"));
    let told = value(&answer);
    for (key, expected) in [
        ("Today", 2),
        ("Month", 2),
        ("Year", 2),
        ("Total", 2),
        ("ByMetalink", 1),
    ] {
        assert_eq!(told[key], expected, "{key}: {told}");
    }
    let month = told["Since"].as_str().expect("a month").to_owned();
    for (period, expected) in [
        (&*month, 2),
        (&month[..4], 2),
        ("2019-12-31", 0),
        ("2999", 0),
    ] {
        let told = value(&client.send(&asked(&format!("stats={period}"))));
        assert_eq!(told, json!({ "Period": period, "Downloads": expected }));
    }
    for period in ["2026-13", "x", "2026-02-30"] {
        let answer = client.send(&asked(&format!("stats={period}")));
        assert_eq!(answer.status, 400);
        assert_eq!(value(&answer), "Invalid period");
    }
    let head = client.send(&asked("stats").with("REQUEST_METHOD", "HEAD"));
    assert!(head.status == 200 && head.body.is_empty());
    let other = value(&client.send(&get("file-1.iso", "192.0.2.1").query("stats")));
    assert_eq!(other["Total"], 0);
    assert_eq!(
        client
            .send(&get("none.iso", "192.0.2.1").query("stats"))
            .status,
        404
    );
}

/// A question for something else must not tell of a file that the web server may forbid.
#[test]
fn only_a_files_own_url_tells_its_numbers_and_only_where_documents_are_allowed() {
    for (rules, is_told) in [
        ("", true),
        ("documents = false", false),
        ("query = false", false),
        ("engine = false", false),
    ] {
        let site = counted_site("public = true\n[site.test.lists]\nenabled = true\n");
        let text = std::fs::read_to_string(site.config()).expect("the configuration");
        let text = text.replacen("min_size = 0", &format!("min_size = 0\n{rules}"), 1);
        std::fs::write(site.config(), text).expect("written");
        let responder = Responder::start(&site);
        let mut client = responder.connect();
        client.send(&get("file-0.iso", "192.0.2.1"));
        drop(client);
        end(responder);
        site.run_ok("heliostat", &["stats", "collect", "-q"]);
        let responder = Responder::start(&site);
        let mut client = responder.connect();
        let answer = client.send(&asked("stats"));
        let says = |answer: &Answer| {
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            text.contains("\"Total\"") || text.contains("Downloads")
        };
        assert_eq!(says(&answer), is_told, "{rules}: {answer:?}");
        for path in ["/mirrorlist", "/metalink"] {
            let request = Request::get(path).query("path=file-0.iso&stats");
            let answer = client.send(&request);
            assert!(!says(&answer), "{rules} {path}: {answer:?}");
        }
    }
}

#[test]
fn a_site_that_publishes_nothing_redirects() {
    let site = counted_site("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    assert_eq!(client.send(&asked("stats")).status, 302);
    assert_eq!(client.send(&asked("mirrorstats")).status, 302);
    assert_eq!(client.send(&directory("d/", "stats")).status, 404);
}

/// A request for a directory.
fn directory(path: &str, query: &str) -> Request {
    get(path, "192.0.2.200").query(query)
}

/// A site with a directory, an excluded one, a private mirror, and some downloads of each.
fn site_with_directories() -> TestSite {
    let site = counted_site(
        "public = true\n[[site.test.directory]]\npath = \"d/off\"\nengine = false\n\
         [[site.test.directory]]\npath = \"closed\"\nengine = false\n",
    );
    for path in [
        "d/a.iso",
        "d/b.iso",
        "d/off/secret.iso",
        "d/gone.iso",
        "closed/x.iso",
    ] {
        site.write(path, &[b'x'; 5000], 1_700_000_000);
    }
    site.run_ok("heliostat-index", &["--no-hashes"]);
    let mut writer = open_writer(&site.database()).expect("a database");
    let hidden = MirrorRecord {
        base_url: "http://hidden.example.org/".to_owned(),
        enabled: true,
        alive: true,
        private: true,
        ..MirrorRecord::new("hidden.example.org")
    };
    writer
        .transaction(|transaction| mirror::insert(transaction, &hidden))
        .expect("stored");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let downloads = [
        ("d/a.iso", 3),
        ("d/b.iso", 1),
        ("d/off/secret.iso", 5),
        ("d/gone.iso", 2),
        ("file-0.iso", 4),
    ];
    for (path, count) in downloads {
        for number in 0..count {
            client.send(&get(path, &format!("192.0.2.{number}")));
        }
    }
    drop(client);
    end(responder);
    site.run_ok("heliostat", &["stats", "collect", "-q"]);
    std::fs::remove_file(site.tree().join("d/gone.iso")).expect("removed");
    site.run_ok("heliostat-index", &["--no-hashes"]);
    site
}

#[test]
fn directories_are_added_up_and_name_only_what_may_be_seen() {
    let site = site_with_directories();
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let mut ask = |path: &str, query: &str| client.send(&directory(path, query));
    let all = value(&ask("d/", "stats"));
    for key in ["Today", "Month", "Year", "Total"] {
        assert_eq!(all[key], 11, "{all}");
    }
    assert!(all["items"].is_null());
    let top = value(&ask("d/", "stats&top=20"));
    assert_eq!(
        top["items"],
        json!([
            {"number": 1, "path": "d/a.iso", "count": 3, "percent": "27.27"},
            {"number": 2, "path": "d/b.iso", "count": 1, "percent": "9.09"},
        ])
    );
    let month = all["Since"].as_str().expect("a month");
    let of_month = value(&ask("d/", &format!("stats={month}&top=1")));
    assert_eq!(of_month["Downloads"], 11);
    assert_eq!(of_month["items"].as_array().expect("a list").len(), 1);
    assert_eq!(value(&ask("", "stats"))["Total"], 15);
    assert_eq!(value(&ask("d/", "stats=2019"))["Downloads"], 0);
    for query in ["stats=x", "stats&top=x", "stats&top=101", "stats&top=-1"] {
        assert_eq!(ask("d/", query).status, 400, "{query}");
    }
    // Directories that are closed, or not there, have no statistics.
    assert_eq!(ask("closed/", "stats").status, 404);
    assert_eq!(ask("none/", "stats").status, 404);
}

#[test]
fn mirrors_have_their_load_and_private_ones_are_not_shown() {
    let site = site_with_directories();
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let answer = client.send(&directory("", "mirrorstats&json"));
    let list = &value(&answer)["List"];
    assert_eq!(
        *list,
        json!([{
            "Name": "mirror.example.org",
            "Downloads": 4,
            "Bytes": 20_000,
            "PercentD": 100.0,
            "PercentB": 100.0,
            "Downloads30Days": 4,
            "Bytes30Days": 20_000,
            "Percent30Days": 100.0,
        }])
    );
    let page = client.send(&directory("", "mirrorstats"));
    assert_eq!(
        page.text("Content-Type").as_deref(),
        Some("text/html; charset=utf-8")
    );
    let text = String::from_utf8_lossy(&page.body);
    assert!(
        text.contains("<td>mirror.example.org</td><td>4</td>"),
        "{text}"
    );
    assert!(!text.contains("hidden"), "{text}");
}
