//! `FILE?stats`: what everybody may read, where the site allows it.

use serde_json::{Value, json};

use crate::stand_in::counted_site::{counted_site, end, get};
use crate::stand_in::fcgi_client::{Answer, Request};
use crate::stand_in::responder::Responder;

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

#[test]
fn a_site_that_publishes_nothing_redirects() {
    let site = counted_site("");
    let responder = Responder::start(&site);
    assert_eq!(responder.connect().send(&asked("stats")).status, 302);
}
