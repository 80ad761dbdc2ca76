//! Status pages behind the shipped `heliostat-pages.conf`, in a real Apache and a real browser.
//!
//! The pictures stay under `target/e2e` for people to look at.

use heliostat::domain::time::Timestamp;

use super::browser::{WIDTHS, assert_quiet, picture, visit};
use crate::stage::paged_site::{
    FILES, OLD_FILES, add_paged, fill_catalogue, now, pages, probed, store_past, store_probes,
};
use crate::stage::spooled::{Sent, bring, spool_file};
use crate::stage::{ApacheOptions, Stage, shipped};

/// The pages that people look at.
const PAGES: [&str; 5] = [
    "",
    "mirrors.html",
    "mirror/mirror-a.html",
    "rollout.html",
    "statistics.html",
];

/// Mirrors: name, files, country, latitude, longitude, whether probes reach it.
const MIRRORS: [(&str, u32, &str, f64, f64, bool); 4] = [
    ("mirror-a", FILES, "de", 52.5, 13.4, true),
    ("mirror-b", FILES - 25, "fr", 48.9, 2.4, true),
    ("tokyo.example.org.cgi", OLD_FILES, "jp", 35.7, 139.7, false),
    ("boston", OLD_FILES / 2, "us", 42.4, -71.1, true),
];

/// A stage whose mirrors have a past, and whose downloads were counted.
fn stage() -> Stage {
    let mut stage = Stage::new("[site.test.stats]\nspool = \"spool\"\n");
    fill_catalogue(&stage.site);
    for (name, files, country, latitude, longitude, is_up) in MIRRORS {
        let id = add_paged(&stage.site, name, files, |record| {
            record.country = country.to_owned();
            (record.latitude, record.longitude) = (Some(latitude), Some(longitude));
            record.alive = is_up;
        });
        store_past(&stage.site, id, 90);
        let result = |hour: i64| (is_up && hour % 7 != 3).then_some(80 + hour.unsigned_abs());
        let checks = (0..24).map(|hour| probed(id, now() - hour * 3590, result(hour)));
        store_probes(&stage.site, &checks.rev().collect::<Vec<_>>());
    }
    let spool = stage.site.path("spool");
    std::fs::create_dir(&spool).expect("a folder");
    let (mut random, mut sent) = (fastrand::Rng::with_seed(7), Sent::default());
    for day in 0..20 {
        let requests = 200 + 100 * (day as usize % 7);
        let from = Timestamp(now() - day * 86_400);
        let (name, text) = spool_file(
            ("f", 1, day.unsigned_abs() + 1),
            from,
            requests,
            (&mut random, &mut sent),
        );
        bring(&spool, &name, &text);
    }
    stage
        .site
        .run_ok("heliostat", &["stats", "collect", "--quiet"]);
    pages(&stage.site, &[]);
    let out = stage.site.path("out").display().to_string();
    let conf = shipped("heliostat-pages.conf").display().to_string();
    stage.start_apache(&ApacheOptions {
        before: format!("Define HELIOSTAT_PAGES {out}\nAlias /status {out}\nInclude {conf}\n"),
        ..ApacheOptions::default()
    });
    stage
}

#[test]
fn apache_sends_status_pages_with_their_types_and_a_policy() {
    let stage = stage();
    let html = "text/html; charset=utf-8";
    for (path, expected) in [
        ("", html),
        ("mirrors.html", html),
        ("mirror/mirror-a.html", html),
        ("mirror/tokyo.example.org.cgi.html", html),
        ("rollout.html", html),
        ("statistics.html", html),
        ("mirrors.json", "application/json"),
        ("mirrors.txt", "text/plain; charset=utf-8"),
        ("feed.atom", "application/atom+xml"),
        ("badge/up.svg", "image/svg+xml"),
        ("badge/mirror-a.svg", "image/svg+xml"),
    ] {
        let answer = stage.get(format!("/status/{path}")).send();
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(answer.text("content-type"), expected, "{path}");
        assert_eq!(answer.text("cache-control"), "max-age=60", "{path}");
        assert_eq!(answer.text("x-content-type-options"), "nosniff", "{path}");
        let policy = answer.text("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; "),
            "{path}: {policy}"
        );
        let is_for_others = expected != html;
        let allowed = answer.text("access-control-allow-origin") == "*";
        assert_eq!(allowed, is_for_others, "{path}");
    }
    assert_eq!(stage.get("/status/badge/").send().status, 403);
    assert_eq!(stage.get("/status/none.html").send().status, 404);
}

#[test]
fn a_browser_shows_status_pages_without_errors_or_other_hosts() {
    let stage = stage();
    let port = stage.apache().port;
    for page in PAGES {
        let url = format!("http://127.0.0.1:{port}/status/{page}");
        let name = page.replace('/', "-").replace(".html", "");
        for width in WIDTHS {
            let picture = picture(&format!("status-{name}-{width}.png"));
            let visit = visit(&stage, &url, width, &picture);
            assert_quiet(&visit, &url, port);
            let bytes = std::fs::read(&picture).expect("a picture");
            assert!(bytes.len() > 10_000, "{} is empty", picture.display());
        }
    }
}
