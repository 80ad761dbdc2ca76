//! `heliostat status`.

use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::open_writer;
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;

use crate::stand_in::probe_site::{AT_ONCE, add, fill, pass, site};
use crate::stand_in::site::TestSite;
use crate::stand_in::webserver::{Manner, WebServer};

/// Publishes what mirrors have, two hours ago.
fn publish(site: &TestSite, contents: [(MirrorId, Vec<u32>, Vec<u32>); 2]) {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs() as i64;
    let origin = ContentOrigin {
        at: Timestamp(now - 7200),
        by: "http".into(),
        unknown_files: 0,
    };
    let mut writer = open_writer(&site.database()).expect("open");
    for (id, current, outdated) in contents {
        let content = Content {
            current: current.into_iter().collect(),
            outdated: outdated.into_iter().collect(),
        };
        writer
            .transaction(|t| content::publish(t, id, &content, &origin))
            .expect("published");
    }
}

#[test]
fn it_says_how_mirrors_are_and_why_one_is_out() {
    let site = site(AT_ONCE);
    let web = WebServer::start("127.0.0.1", Manner::Serves);
    fill(&web);
    let broken = WebServer::start("127.0.0.1", Manner::Page);
    let fine = add(&site, "fine", &web.url(""), |_| {});
    let half = add(&site, "half", &web.url(""), |_| {});
    add(&site, "broken", &broken.url(""), |_| {});
    add(&site, "off", &web.url(""), |mirror| mirror.enabled = false);
    site.run_ok("heliostat", &["new", "new", "-H", &web.url("")]);
    site.run_ok("heliostat", &["enable", "new"]);
    publish(
        &site,
        [
            (fine, vec![1, 2, 3, 4], vec![]),
            (half, vec![1, 2], vec![3]),
        ],
    );
    pass(&site, &[]);
    let text = site.run_ok("heliostat", &["status"]);
    let words: Vec<Vec<&str>> = text
        .lines()
        .map(|l| l.split_whitespace().collect())
        .collect();
    let row = |name: &str| {
        let found = words.iter().find(|words| words.first() == Some(&name));
        found.unwrap_or_else(|| panic!("{name}: {text}")).join(" ")
    };
    assert!(
        row("fine").starts_with("fine up 100.0 % 0.0 % 2 h http "),
        "{text}"
    );
    assert!(
        row("half").starts_with("half up 50.0 % 33.3 % 2 h http "),
        "{text}"
    );
    assert!(row("broken").starts_with("broken down 100.0 %"), "{text}");
    assert!(row("broken").contains("22 bytes of text/html"), "{text}");
    assert!(
        row("new").ends_with("never scanned, so it gets no clients"),
        "{text}"
    );
    assert!(!text.contains("off "), "{text}");
    assert!(
        text.ends_with("4 mirrors, 2 need attention; 4 files\n"),
        "{text}"
    );
    assert_eq!(
        site.run("heliostat", &["status", "--check"]).status.code(),
        Some(3)
    );
    assert_eq!(
        site.run("heliostat", &["status", "--check", "fine"])
            .status
            .code(),
        Some(0)
    );
    let json = site.run_ok("heliostat", &["status", "--json", "-a"]);
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let mirrors = value["mirrors"].as_array().expect("a list");
    assert_eq!(mirrors.len(), 5);
    let half = mirrors
        .iter()
        .find(|mirror| mirror["mirror"] == "half")
        .expect("half");
    assert_eq!(
        (half["coverage"].as_f64(), &half["outdated"]),
        (Some(0.5), &1.into())
    );
}
