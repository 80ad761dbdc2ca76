//! Documents are asked for again only when they changed: entity tags, times, 304 and 412.

use super::document::{BARE, LONELY, MTIME, NAMES, SMALL, build, get, with_suffix};
use crate::stand_in::fcgi_client::{Answer, FcgiClient, Request};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::eventually;

const TRACKER: &str = "[site.test.rules]\ntrackers = [\"http://t.example.org/announce\"]\n";

fn status(client: &mut FcgiClient, request: &Request, fields: &[(&str, &str)]) -> u16 {
    let request = fields
        .iter()
        .fold(request.clone(), |request, (name, value)| {
            request.with(name, value)
        });
    let head = client.send(&request.clone().with("REQUEST_METHOD", "HEAD"));
    let answer = client.send(&request);
    assert_eq!(answer.status, head.status);
    assert_eq!(answer.headers, head.headers, "HEAD says what GET says");
    if answer.status == 304 {
        assert!(answer.body.is_empty());
        assert_eq!(answer.header("Content-Length"), None);
        for name in ["ETag", "Last-Modified", "Cache-Control"] {
            assert!(answer.header(name).is_some(), "{name} in a 304");
        }
    }
    answer.status
}

fn etag(answer: &Answer) -> String {
    answer
        .text("ETag")
        .unwrap_or_else(|| panic!("no tag: {answer:?}"))
}

#[test]
fn what_is_known_is_not_sent_again() {
    let site = build(TRACKER);
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let name = NAMES[0];
    for word in ["md5", "sha256", "btih", "meta4", "metalink", "magnet"] {
        for request in [with_suffix(name, word), get(name).query(word)] {
            let answer = client.send(&request);
            assert_eq!(answer.status, 200, "{word}: {answer:?}");
            let etag = etag(&answer);
            let modified = answer.text("Last-Modified").expect("a time");
            let is_listed = ["meta4", "metalink", "magnet"].contains(&word);
            assert_eq!(etag.starts_with("W/\""), is_listed, "{word}: {etag}");
            let other = format!("\"x\", {etag}");
            let bare = etag.trim_start_matches("W/").to_owned();
            let old = "Tue, 03 Jun 2014 14:51:19 GMT";
            for (expected, fields) in [
                (304, vec![("HTTP_IF_NONE_MATCH", etag.as_str())]),
                (304, vec![("HTTP_IF_NONE_MATCH", &other)]),
                (304, vec![("HTTP_IF_NONE_MATCH", &bare)]),
                (304, vec![("HTTP_IF_NONE_MATCH", "*")]),
                (200, vec![("HTTP_IF_NONE_MATCH", "\"x\"")]),
                (304, vec![("HTTP_IF_MODIFIED_SINCE", &modified)]),
                (200, vec![("HTTP_IF_MODIFIED_SINCE", old)]),
                (
                    200,
                    vec![
                        ("HTTP_IF_NONE_MATCH", "\"x\""),
                        ("HTTP_IF_MODIFIED_SINCE", &modified),
                    ],
                ),
                (412, vec![("HTTP_IF_MATCH", "\"x\"")]),
                (412, vec![("HTTP_IF_UNMODIFIED_SINCE", old)]),
                (200, vec![("HTTP_IF_MATCH", "*")]),
                (
                    if is_listed { 412 } else { 200 },
                    vec![("HTTP_IF_MATCH", &etag)],
                ),
            ] {
                assert_eq!(
                    status(&mut client, &request, &fields),
                    expected,
                    "{word} {fields:?}"
                );
            }
        }
    }
    // By Accept, too, and still one of two.
    let request = get(name).with("HTTP_ACCEPT", "application/metalink4+xml");
    let tag = etag(&client.send(&request));
    let answer = client.send(&request.with("HTTP_IF_NONE_MATCH", tag));
    assert_eq!(
        (answer.status, answer.text("Vary").as_deref()),
        (304, Some("Accept"))
    );
}

#[test]
fn a_tag_is_of_what_is_said_and_not_of_the_order_that_was_drawn() {
    let site = build("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    // A client of no known place gets both mirrors in an order that is drawn.
    let request = with_suffix(NAMES[0], "meta4").with("GEOIP_COUNTRY_CODE", "NZ");
    let first = client.send(&request);
    let mut orders = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let answer = client.send(&request);
        assert_eq!(etag(&answer), etag(&first));
        orders.insert(answer.body);
    }
    assert!(orders.len() > 1, "the order is drawn");
    let elsewhere = with_suffix(NAMES[0], "meta4").with("GEOIP_COUNTRY_CODE", "US");
    assert_ne!(etag(&client.send(&elsewhere)), etag(&first), "other groups");
    // A mirror less is another document.
    site.run_ok("heliostat", &["disable", "near"]);
    eventually("the responder knows", || {
        etag(&client.send(&request)) != etag(&first)
    });
    let answer = client.send(&request.with("HTTP_IF_NONE_MATCH", etag(&first)));
    assert_eq!(answer.status, 200);
}

#[test]
fn signed_documents_have_no_tag() {
    let site = build("[site.test.rules]\nredirect_stamp_key = \"s3cr3t\"");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let request = with_suffix(NAMES[0], "meta4");
    let answer = client.send(&request);
    assert_eq!((answer.status, answer.header("ETag")), (200, None));
    assert_eq!(answer.header("Last-Modified"), None);
    let again = client.send(&request.with("HTTP_IF_NONE_MATCH", "*"));
    assert_eq!(again.status, 200, "a signature does not last");
}

#[test]
fn what_depends_on_accept_says_so() {
    let site = build("[site.test.rules]\nexclude_file_mask = 'plain'");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let vary = |answer: &Answer| answer.text("Vary").unwrap_or_default();
    let redirect = client.send(&get(BARE));
    assert_eq!((redirect.status, vary(&redirect).as_str()), (302, "Accept"));
    // Served here because nobody has it yet.
    let lonely = client.send(&get(LONELY));
    assert_eq!((lonely.status, vary(&lonely).as_str()), (200, "Accept"));
    assert!(lonely.header("X-Sendfile").is_some());
    // Served here whatever is accepted.
    for name in [SMALL, NAMES[0]] {
        let answer = client.send(&get(name));
        assert!(answer.header("X-Sendfile").is_some());
        assert_eq!(vary(&answer), "");
    }
    assert_eq!(vary(&client.send(&with_suffix(NAMES[1], "md5"))), "");
    // The time of a document is never before that of its file.
    let answer = client.send(&with_suffix(NAMES[1], "md5"));
    let modified = answer.text("Last-Modified").expect("a time");
    assert!(
        !modified.contains("2014"),
        "{modified} for a file of {MTIME}"
    );
}
