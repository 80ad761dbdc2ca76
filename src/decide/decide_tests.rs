//! Tests decisions as a table of values: a request and the settings of a site → the decision.

use super::sample_tests::Database::{self, Away, Failing, There};
use super::sample_tests::{LONG, context, parameters, state};
use super::*;
use crate::http::Request;

/// A decision in words: the answer, then whom it names.
fn said(decision: &Decision<'_>) -> String {
    let mut words = match &decision.outcome {
        Outcome::Redirect(_) => "redirect".to_owned(),
        Outcome::Document(document) => document.kind().as_str().to_owned(),
        Outcome::Local(reason) => format!("local {}", reason.code()),
        Outcome::Missing(MissingReason::NoDocument(kind)) => format!("no {}", kind.as_str()),
        Outcome::Missing(reason) => format!("missing {reason:?}"),
        Outcome::Options => "options".to_owned(),
        Outcome::MethodNotAllowed => "not allowed".to_owned(),
        Outcome::Unavailable(Unavailable::Tree(_)) => "unavailable tree".to_owned(),
        Outcome::Unavailable(Unavailable::Database) => "unavailable database".to_owned(),
        Outcome::Origin(origin) => format!("origin {}", origin.url),
        Outcome::Elsewhere(url) => format!("elsewhere {url}"),
        Outcome::NoList(refusal) => format!("no list: {}", refusal.why.code()),
    };
    for choice in decision.choices() {
        words = format!("{words} {}", choice.name);
    }
    words
}

type Row<'r> = (&'r str, Database, &'r str, &'r [&'r str], &'r str);

fn hold(rows: &[Row<'_>]) {
    let mut wrong = Vec::new();
    for (settings, database, asked, further, expected) in rows {
        let state = state(settings, *database);
        let parameters = parameters(asked, further);
        let pairs = parameters
            .iter()
            .map(|(name, value)| (&name[..], &value[..]));
        let request = Request::from_parameters(pairs);
        let decision = decide(&state, &mut context(*database), &request, Depth::Redirect);
        let found = said(&decision);
        if found != *expected {
            wrong.push(format!(
                "{settings:?} {asked} {further:?}: {found:?}, not {expected:?}"
            ));
        }
        // A decision at full depth is the same; it may name more mirrors.
        let full = decide(&state, &mut context(*database), &request, Depth::Full);
        if !said(&full).starts_with(&found) {
            wrong.push(format!(
                "{asked}: {found:?} is explained as {:?}",
                said(&full)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const EU: &str =
    "fallbacks = [{ region = \"eu\", country = \"de\", url = \"http://fall.example/\" }]";
const INELIGIBLE: &str = "fallback_when_ineligible = true\n\
    fallbacks = [{ region = \"eu\", country = \"de\", url = \"http://fall.example/\" }]";
const UNKNOWN: &str = "fallback_when_unknown = true\n\
    fallbacks = [{ region = \"eu\", country = \"de\", url = \"http://fall.example/\" }]";

const REDIRECTS: &[Row<'static>] = &[
    ("", There, "/a.iso", &[], "redirect near usa"),
    ("", There, "HEAD /a.iso", &[], "redirect near usa"),
    (
        "",
        There,
        "/a.iso",
        &["GEOIP_COUNTRY_CODE=us", "GEOIP_CONTINENT_CODE=na"],
        "redirect usa near",
    ),
    ("", There, "/a.iso?country=us", &[], "redirect usa near"),
    ("", There, "/alias.iso", &[], "redirect near usa"),
    ("", There, "/imported.iso", &[], "redirect near"),
    (
        "",
        There,
        "/x",
        &["SCRIPT_FILENAME=/srv/a.iso"],
        "redirect near usa",
    ),
    ("link_mirrors = 1", There, "/a.iso", &[], "redirect near"),
    (
        "",
        There,
        "/far.iso",
        &["GEOIP_COUNTRY_CODE=us"],
        "redirect far",
    ),
    // Each reason.
    ("engine = false", There, "/a.iso", &[], "local engine-off"),
    (
        "handle_head_locally = true",
        There,
        "HEAD /a.iso",
        &[],
        "local head-locally",
    ),
    (
        "handle_head_locally = true",
        There,
        "/a.iso",
        &[],
        "redirect near usa",
    ),
    ("", There, "/small.iso", &[], "local excluded"),
    ("", There, "/small.iso?fakefile", &[], "redirect near"),
    (
        "exclude_ips = [\"192.0.2.1\"]",
        There,
        "/a.iso",
        &[],
        "local excluded",
    ),
    (
        "exclude_networks = [\"192.0.2.0/24\"]",
        There,
        "/a.iso",
        &[],
        "local excluded",
    ),
    (
        "exclude_user_agents = [\"test/*\"]",
        There,
        "/a.iso",
        &[],
        "local excluded",
    ),
    (
        "exclude_file_mask = \"iso$\"",
        There,
        "/a.iso",
        &[],
        "local excluded",
    ),
    ("", There, "/link.iso", &[], "local outside-tree"),
    (
        "",
        There,
        "/x",
        &["SCRIPT_FILENAME=/elsewhere/x.iso"],
        "local outside-tree",
    ),
    ("", There, "/broken.iso", &[], "local tree-unknown"),
    (
        "",
        There,
        "/x",
        &["SCRIPT_FILENAME=/closed/x.iso"],
        "local tree-unknown",
    ),
    (
        "",
        There,
        "/dir/",
        &["SCRIPT_FILENAME=/srv/a.iso"],
        "local directory-index",
    ),
    (
        "",
        There,
        "/gone.iso",
        &["SCRIPT_FILENAME=/srv/gone.iso"],
        "local unseen",
    ),
    ("", Away, "/a.iso", &[], "local database-unavailable"),
    ("", There, "/new.iso", &[], "local not-catalogued"),
    (
        "",
        There,
        "/.heliostat-generation",
        &[],
        "local not-catalogued",
    ),
    ("", There, "/changed.iso", &[], "local changed"),
    ("", There, "/alone.iso", &[], "local no-mirror"),
    ("", There, "/far.iso", &[], "local no-mirror"),
    ("", There, "/a.iso", &["HTTPS=on"], "local no-mirror"),
    (
        "https_to_http = \"always\"",
        There,
        "/a.iso",
        &["HTTPS=on"],
        "redirect near usa",
    ),
    // The database fails after the snapshot: a redirect needs no digests.
    ("", Failing, "/a.iso", &[], "redirect near usa"),
    // Fallbacks.
    (EU, There, "/alone.iso", &[], "redirect fall.example"),
    (EU, There, "/far.iso", &[], "local no-mirror"),
    (INELIGIBLE, There, "/far.iso", &[], "redirect fall.example"),
    (EU, There, "/new.iso", &[], "local not-catalogued"),
    (UNKNOWN, There, "/new.iso", &[], "redirect fall.example"),
    (
        UNKNOWN,
        There,
        "/.heliostat-generation",
        &[],
        "local not-catalogued",
    ),
    (EU, Away, "/a.iso", &[], "local database-unavailable"),
    (UNKNOWN, Away, "/a.iso", &[], "redirect fall.example"),
    (EU, There, "/changed.iso", &[], "local changed"),
    // Overrides of the web server.
    (
        "",
        There,
        "/a.iso",
        &["MirrorBrainEngine=off"],
        "local engine-off",
    ),
    (
        "",
        There,
        "/small.iso",
        &["MirrorBrainMinSize=0"],
        "redirect near",
    ),
    (
        "",
        There,
        "/alone.iso",
        &["MirrorBrainFallback=eu de http://fall.example/"],
        "redirect fall.example",
    ),
];

#[test]
fn files_are_redirected_unless_a_reason_keeps_them() {
    hold(REDIRECTS);
}

const NO_FILES: &[Row<'static>] = &[
    ("", There, "OPTIONS /a.iso", &[], "options"),
    ("", There, "POST /a.iso", &[], "not allowed"),
    ("", There, "PUT /a.iso", &[], "not allowed"),
    ("", There, "/../a.iso", &[], "missing NotInTree"),
    ("", There, "/", &[], "missing NotInTree"),
    ("", There, "/dir/", &[], "missing Directory"),
    ("", There, "/dir", &[], "missing Directory"),
    ("", There, "/gone.iso", &[], "missing NoFile"),
    ("", There, "/gone.iso.md5", &[], "missing NoFile"),
    ("", There, "/dir.md5", &[], "missing NoFile"),
    ("", There, "/broken.iso?md5", &[], "unavailable tree"),
    ("", There, "/broken.iso.md5", &[], "unavailable tree"),
    (
        "",
        There,
        "/x.md5",
        &["SCRIPT_FILENAME=/closed/x.iso.md5"],
        "unavailable tree",
    ),
    (
        "",
        There,
        "/x?md5",
        &["SCRIPT_FILENAME=/elsewhere/x.iso"],
        "no md5",
    ),
    ("", There, "/link.iso.md5", &[], "no md5"),
];

#[test]
fn what_is_no_file_is_missing_or_unknown() {
    hold(NO_FILES);
}

const DOCUMENTS: &[Row<'static>] = &[
    ("", There, "/a.iso.md5", &[], "md5"),
    ("", There, "/a.iso.sha1", &[], "sha1"),
    ("", There, "/a.iso.sha256", &[], "sha256"),
    ("", There, "/a.iso?sha512", &[], "sha512"),
    ("", There, "/a.iso.btih", &[], "btih"),
    ("", There, "/small.iso.md5", &[], "md5"),
    ("", There, "/bare.iso.md5", &[], "no md5"),
    ("", There, "/changed.iso.md5", &[], "no md5"),
    ("", There, "/new.iso.md5", &[], "no md5"),
    ("", Away, "/a.iso.md5", &[], "unavailable database"),
    ("", Failing, "/a.iso.md5", &[], "unavailable database"),
    ("documents = false", There, "/a.iso.md5", &[], "no md5"),
    (
        "query = false",
        There,
        "/a.iso?md5",
        &[],
        "redirect near usa",
    ),
    ("", There, "/a.iso.meta4", &[], "meta4 near usa"),
    ("", There, "/a.iso.metalink", &[], "metalink near usa"),
    ("", There, "/bare.iso.meta4", &[], "meta4 near usa"),
    (
        "metalink.mirrors_max = 1",
        There,
        "/a.iso.meta4",
        &[],
        "meta4 near",
    ),
    ("", There, "/alone.iso.meta4", &[], "no meta4"),
    (
        "metalink.own_url = true",
        There,
        "/alone.iso.meta4",
        &[],
        "meta4",
    ),
    ("", There, "/changed.iso.meta4", &[], "meta4"),
    ("", Away, "/a.iso.meta4", &[], "unavailable database"),
    (EU, There, "/alone.iso.meta4", &[], "meta4 fall.example"),
    (
        "",
        There,
        "/a.iso",
        &["HTTP_ACCEPT=application/metalink4+xml"],
        "meta4 near usa",
    ),
    (
        "",
        There,
        "/alone.iso",
        &["HTTP_ACCEPT=application/metalink4+xml"],
        "local no-mirror",
    ),
    (
        "",
        There,
        "/a.iso",
        &["HTTP_ACCEPT=application/metalink4+xml, */*"],
        "redirect near usa",
    ),
    ("", There, "/a.iso.torrent", &[], "no torrent"),
    (
        "trackerless = true",
        There,
        "/bare.iso.torrent",
        &[],
        "no torrent",
    ),
    ("", There, "/a.iso.magnet", &[], "magnet near"),
    ("", There, "/a.iso.zsync", &[], "zsync near"),
    ("", There, "/alone.iso.zsync", &[], "zsync"),
    ("", There, "/bare.iso.zsync", &[], "no zsync"),
    ("", Failing, "/a.iso.zsync", &[], "unavailable database"),
];

#[test]
fn documents_are_made_missing_or_asked_for_again() {
    hold(DOCUMENTS);
}

const LISTS: &[Row<'static>] = &[
    ("", There, "/a.iso.mirrorlist", &[], "mirrorlist near usa"),
    (
        "",
        There,
        "/a.iso?mirrorlist&json",
        &[],
        "mirrorlist near usa",
    ),
    ("", There, "/alone.iso.mirrorlist", &[], "mirrorlist"),
    ("", There, "/new.iso.mirrorlist", &[], "mirrorlist"),
    ("", Away, "/a.iso.mirrorlist", &[], "unavailable database"),
    ("", There, "/dir/?mirrorlist", &[], "mirrorlist near"),
    ("", There, "/dir.mirrorlist", &[], "mirrorlist near"),
    ("", There, "/?mirrorlist", &[], "mirrorlist near usa"),
    ("", Away, "/dir/?mirrorlist", &[], "unavailable database"),
    ("", Failing, "/dir/?mirrorlist", &[], "unavailable database"),
    ("", There, "/gone/?mirrorlist", &[], "missing NoFile"),
    (
        "documents = false",
        There,
        "/dir/?mirrorlist",
        &[],
        "no mirrorlist",
    ),
    ("", There, "/?repo=r", &[], "yumlist usa"),
    ("", There, "/?repo=r&metalink", &[], "metalink usa"),
    ("", There, "/?repo=other", &[], "missing NotInTree"),
    ("", Away, "/?repo=r", &[], "yumlist"),
    ("documents = false", There, "/?repo=r", &[], "no yumlist"),
];

const WISHES: &[Row<'static>] = &[
    ("", There, "/a.iso?not=near", &[], "redirect usa"),
    ("", There, "/a.iso?not=NEAR", &[], "redirect near usa"),
    ("", There, "/a.iso?not=near,usa", &[], "local no-mirror"),
    ("", There, "/a.iso?not=gone", &[], "redirect near usa"),
    ("", There, "/a.iso?AVOID_COUNTRY=de", &[], "redirect usa"),
    ("", There, "/a.iso?COUNTRY=us", &[], "redirect usa near"),
    ("", There, "/a.iso?try=1", &[], "redirect near usa"),
    ("", There, "/a.iso?try=2", &[], "redirect usa"),
    ("", There, "/a.iso?try=3", &[], "local no-mirror"),
    ("", There, "/a.iso?not=near&try=2", &[], "local no-mirror"),
    ("", There, "/a.iso?metalink&not=near", &[], "metalink usa"),
    ("", There, "/a.iso?metalink&not=near,usa", &[], "metalink"),
    ("", There, "/a.iso?metalink&LIMIT=1", &[], "metalink near"),
    (
        "",
        There,
        "/a.iso?mirrorlist&not=near",
        &[],
        "mirrorlist usa",
    ),
    ("", There, "/dir/?mirrorlist&not=near", &[], "mirrorlist"),
    (
        "query = false",
        There,
        "/a.iso?not=near",
        &[],
        "redirect near usa",
    ),
];

#[test]
fn clients_choose_among_mirrors() {
    hold(WISHES);
}

#[test]
fn lists_name_mirrors_of_files_directories_and_repositories() {
    hold(LISTS);
}

#[test]
fn a_decision_carries_its_rules_and_the_url_at_each_choice() {
    let state = state("redirect_stamp_key = \"secret\"", There);
    let parameters = parameters("/dir/b.iso", &["MirrorBrainHandleHEADRequestLocally=on"]);
    let pairs = parameters
        .iter()
        .map(|(name, value)| (&name[..], &value[..]));
    let request = Request::from_parameters(pairs);
    let decision = decide(&state, &mut context(There), &request, Depth::Full);
    assert!(matches!(decision.rules, DecidedRules::Overridden(_)));
    assert!(decision.rules.handle_head_locally);
    assert!(decision.stamp_key().is_some());
    let url = decision.url(&decision.choices()[0]);
    assert_eq!(url.as_deref(), Some("http://near.example/dir/b.iso"));
    let excluded: Vec<_> = decision
        .excluded()
        .into_iter()
        .map(|(_, name, why)| (name, why))
        .collect();
    assert_eq!(excluded.len(), 2, "{excluded:?}");
    assert!(!format!("{decision:?}").contains("secret"));
}

#[test]
fn a_url_that_leaves_no_room_in_a_head_keeps_the_file_here() {
    let url = format!("/{LONG}");
    hold(&[
        ("", There, &url, &[], "redirect near"),
        (
            "head_bytes_max = 1024",
            There,
            &url,
            &[],
            "local location-too-long",
        ),
    ]);
}
