//! Tests answers as a table of values: a request and the settings of a site → status, fields.

use super::{AnswerResources, Exchange, write};
use crate::decide::sample_tests::Database::{self, Away, Failing, There};
use crate::decide::sample_tests::{NOW, context, parameters, state};
use crate::decide::{Depth, decide};
use crate::http::Request;
use crate::respond::permit::Streams;

/// The answer to a request.
fn answer(settings: &str, database: Database, asked: &str, further: &[&str]) -> String {
    let state = state(settings, database);
    let mut context = context(database);
    let parameters = parameters(asked, further);
    let pairs = parameters
        .iter()
        .map(|(name, value)| (&name[..], &value[..]));
    let request = Request::from_parameters(pairs);
    let decision = decide(&state, &mut context, &request, Depth::Redirect);
    let exchange = Exchange {
        site: &state,
        request: &request,
        decision: &decision,
        now: NOW,
    };
    let mut resources = AnswerResources {
        sources: &mut *context.sources,
        streams: &Streams::default(),
    };
    let mut out = Vec::new();
    let rest = write(&mut out, exchange, &mut resources);
    assert!(rest.is_none(), "{asked}: nothing of the sample is long");
    String::from_utf8_lossy(&out).into_owned()
}

/// Settings, database, request, further parameters; status; what the answer has, and with `!` what
/// it has not.
type Row<'r> = (
    &'r str,
    Database,
    &'r str,
    &'r [&'r str],
    &'r str,
    &'r [&'r str],
);

fn hold(rows: &[Row<'_>]) {
    let mut wrong = Vec::new();
    for (settings, database, asked, further, status, parts) in rows {
        let answer = answer(settings, *database, asked, further);
        let found = answer.lines().next().unwrap_or_default();
        if found.strip_prefix("Status: ") != Some(status) {
            wrong.push(format!("{asked} {further:?}: {found}, not {status}"));
        }
        for part in *parts {
            let has = answer.contains(part.trim_start_matches('!'));
            if has == part.starts_with('!') {
                wrong.push(format!("{asked} {further:?}: {part} in\n{answer}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const FOUND: &str = "302 Found";
const OK: &str = "200 OK";
const NOT_FOUND: &str = "404 Not Found";
const UNAVAILABLE: &str = "503 Service Unavailable";
const SIGNED: &str = "redirect_stamp_key = \"k\"";
const ANY: &[&str] = &["HTTP_IF_NONE_MATCH=*"];

const REDIRECTS: &[Row<'static>] = &[
    (
        "",
        There,
        "/a.iso",
        &[],
        FOUND,
        &[
            "\r\nLocation: http://near.example/a.iso\r\n",
            "\r\nX-MirrorBrain-Mirror: near\r\n",
            "\r\nLink: <http://download.example.org/a.iso.meta4>; rel=describedby",
            "\r\nLink: <http://near.example/a.iso>; rel=duplicate; pri=1; geo=de\r\n",
            "\r\nLink: <http://usa.example/a.iso>; rel=duplicate; pri=2; geo=us\r\n",
            "\r\nDigest: MD5=AQEB",
            "\r\nCache-Control: private, no-cache\r\nExpires: 0\r\n",
            "!X-Cache-Control",
            "\r\nCountry-MB: DE\r\n",
            "<a href=\"http://near.example/a.iso\">",
        ],
    ),
    (
        "",
        There,
        "/a.iso",
        &["HELIOSTAT_LINES=8"],
        FOUND,
        &[
            "\r\n2-Link: ",
            "\r\n2-Digest: ",
            "\r\nX-Cache-Control: private, no-cache\r\n",
        ],
    ),
    (
        "",
        There,
        "HEAD /a.iso",
        &[],
        FOUND,
        &["\r\nLocation: ", "!<a href"],
    ),
    (
        "",
        There,
        "/alias.iso",
        &[],
        FOUND,
        &["near.example/a.iso", "/alias.iso.meta4>"],
    ),
    ("", There, "/bare.iso", &[], FOUND, &["!\r\nDigest: "]),
    (
        "documents = false",
        There,
        "/a.iso",
        &[],
        FOUND,
        &["!describedby"],
    ),
    (
        "redirect_cache_control = \"\"",
        There,
        "/a.iso",
        &[],
        FOUND,
        &["!Cache-Control", "!Expires"],
    ),
    (
        "redirect_stamp_key = \"k\"",
        There,
        "/a.iso",
        &[],
        FOUND,
        &["a.iso?time=1700000000&stamp="],
    ),
    (
        "",
        There,
        "/a.iso",
        &["HTTP_USER_AGENT=wget2/2.1"],
        FOUND,
        &["!meta4>"],
    ),
];

#[test]
fn redirects_name_the_mirror_and_what_else_there_is() {
    hold(REDIRECTS);
}

#[test]
fn conditions_are_judged_alike_for_documents_and_lists() {
    let tag = |asked| {
        let answer = answer("", There, asked, &[]);
        let tag = answer.lines().find_map(|line| line.strip_prefix("ETag: "));
        tag.expect("an ETag").trim().to_owned()
    };
    for asked in [
        "/a.iso.md5",
        "/a.iso.meta4",
        "/a.iso.zsync",
        "/a.iso.mirrorlist",
        "/dir/?mirrorlist",
    ] {
        let known = format!("HTTP_IF_NONE_MATCH={}", tag(asked));
        let changed = "HTTP_IF_NONE_MATCH=\"other\"";
        let head = asked.replacen('/', "HEAD /", 1);
        hold(&[
            (
                "",
                There,
                asked,
                &[&known],
                "304 Not Modified",
                &["\r\nETag: ", "!\r\nContent-Type"],
            ),
            (
                "",
                There,
                &head,
                &[&known],
                "304 Not Modified",
                &["\r\nETag: "],
            ),
            (
                "",
                There,
                asked,
                &[changed],
                OK,
                &["\r\nETag: ", "\r\nContent-Length: "],
            ),
            (
                "",
                There,
                &head,
                &[],
                OK,
                &["\r\nETag: ", "\r\nContent-Length: "],
            ),
            (
                "",
                There,
                asked,
                &["HTTP_IF_MATCH=\"other\""],
                "412 Precondition Failed",
                &["no-cache"],
            ),
        ]);
    }
}

/// While URLs are signed, the same document is another each second; a digest has no URLs.
const SIGNED_URLS: &[Row<'static>] = &[
    (
        SIGNED,
        There,
        "/a.iso.meta4",
        ANY,
        OK,
        &["!ETag", "&amp;stamp="],
    ),
    (SIGNED, There, "/a.iso.mirrorlist", ANY, OK, &["!ETag"]),
    (
        SIGNED,
        There,
        "/dir/?mirrorlist",
        ANY,
        "304 Not Modified",
        &["ETag"],
    ),
    (
        SIGNED,
        There,
        "/a.iso.md5",
        ANY,
        "304 Not Modified",
        &["ETag"],
    ),
    (
        SIGNED,
        There,
        "/changed.iso.meta4",
        ANY,
        "304 Not Modified",
        &["ETag"],
    ),
    (
        SIGNED,
        There,
        "/?repo=r",
        ANY,
        OK,
        &["http://usa.example/repo/\n"],
    ),
];

#[test]
fn what_has_signed_urls_has_no_tag() {
    hold(SIGNED_URLS);
}

const OTHERS: &[Row<'static>] = &[
    (
        "",
        There,
        "/new.iso",
        &[],
        OK,
        &["\r\nX-Sendfile: /srv/new.iso\r\n", "Give-MB: file\r\n"],
    ),
    (
        "",
        Away,
        "/a.iso",
        &[],
        OK,
        &["Give-MB: file (database_not_reached)"],
    ),
    (
        "",
        There,
        "/broken.iso",
        &[],
        OK,
        &["Give-MB: file (tree_not_reached)"],
    ),
    (
        "",
        There,
        "/small.iso",
        &[],
        OK,
        &["X-Sendfile: /srv/small.iso", "!Vary"],
    ),
    (
        "",
        There,
        "/alone.iso",
        &[],
        OK,
        &["\r\nNoMirror-MB: 1\r\n"],
    ),
    (
        "engine = false",
        There,
        "/a.iso",
        &[],
        OK,
        &["X-Sendfile: ", "!-MB: "],
    ),
    (
        "",
        There,
        "/x",
        &["SCRIPT_FILENAME=/elsewhere/x.iso"],
        UNAVAILABLE,
        // The web server would keep them on the file.
        &["!Retry-After", "!Cache-Control"],
    ),
    (
        "",
        There,
        "/gone.iso",
        &[],
        NOT_FOUND,
        &["no-cache", "There is no such file"],
    ),
    ("", There, "/dir/", &[], NOT_FOUND, &["This is a directory"]),
    (
        "",
        There,
        "/bare.iso.md5",
        &[],
        NOT_FOUND,
        &["no such document"],
    ),
    (
        "",
        There,
        "/broken.iso.md5",
        &[],
        UNAVAILABLE,
        &["Retry-After: 5"],
    ),
    (
        "",
        Failing,
        "/a.iso.md5",
        &[],
        UNAVAILABLE,
        &["Retry-After: 5"],
    ),
    (
        "",
        There,
        "OPTIONS /a.iso",
        &[],
        OK,
        &["Allow: GET, HEAD, OPTIONS"],
    ),
    (
        "",
        There,
        "POST /a.iso",
        &[],
        "405 Method Not Allowed",
        &["Allow: GET, HEAD, OPTIONS"],
    ),
    (
        "",
        There,
        "/a.iso.md5",
        &[],
        OK,
        &["01010101010101010101010101010101  a.iso\n"],
    ),
    (
        "",
        There,
        "/a.iso?md5&only_hash",
        &[],
        OK,
        &["\r\n\r\n0101", "!a.iso\n"],
    ),
    (
        "",
        Away,
        "/?repo=r",
        &[],
        OK,
        &["http://download.example.org/repo/\n"],
    ),
];

#[test]
fn everything_else_is_served_here_or_has_its_status() {
    hold(OTHERS);
}
