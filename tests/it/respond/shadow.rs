//! Redirects that are held back: `mode = "shadow"`, and clients outside of `rollout`.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use heliostat::db::catalogue::CatalogueWriter;
use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{self};
use heliostat::domain::file::FileVersion;
use heliostat::domain::time::Timestamp;

use crate::stand_in::fcgi_client::{Answer, FcgiClient, Request};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::{TestSite, failure};

const MTIME: u64 = 1_401_807_080;
const SIZE: usize = 5_000;
const NETWORKS: u32 = 20_000;
const FILES: [&str; 3] = ["a.bin", "shadow/a.bin", "part/a.bin"];
const METALINK: &str = "application/metalink4+xml";
const DIRECTORIES: &str = "[[site.test.directory]]\npath = \"shadow\"\nmode = \"shadow\"\n\
    [[site.test.directory]]\npath = \"part\"\nrollout = \"0%\"\n\
    [[site.test.directory]]\npath = \"secret\"\ndocuments = false\n";

/// A mirror that has all files.
fn build() -> TestSite {
    let site = TestSite::with_config(DIRECTORIES);
    for name in FILES {
        site.write(name, &[b'x'; SIZE], MTIME);
    }
    let version = FileVersion {
        size: SIZE as u64,
        mtime: MTIME as i64,
    };
    let mut writer = db::open_writer(&site.database()).expect("a database");
    let filled = writer.transaction(|transaction| {
        let mut catalogue = CatalogueWriter::new(transaction)?;
        let mut held = Content::default();
        for name in FILES {
            held.current
                .insert(catalogue.insert(name.as_bytes(), version)?.0);
        }
        catalogue.finish()?;
        let record = MirrorRecord {
            base_url: "http://m.example.org/".to_owned(),
            country: "nz".to_owned(),
            region: "oc".to_owned(),
            enabled: true,
            alive: true,
            ..MirrorRecord::new("m")
        };
        let id = mirror::insert(transaction, &record)?;
        let origin = ContentOrigin {
            at: Timestamp(1_700_000_000),
            by: "test".to_owned(),
            unknown_files: 0,
        };
        content::publish(transaction, id, &held, &origin)
    });
    filled.expect("the content");
    site
}

fn give(answer: &Answer) -> String {
    answer.text("Give-MB").unwrap_or_default()
}

/// The web server serves the file, and nothing in the answer names a mirror but the log's field.
fn assert_local(answer: &Answer, expected: &str) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.header("X-Sendfile").is_some(), "{answer:?}");
    assert_eq!(give(answer), expected);
    for name in ["Location", "Link", "Digest", "X-MirrorBrain-Mirror"] {
        assert_eq!(answer.header(name), None, "{answer:?}");
    }
}

#[test]
fn a_shadow_decides_and_logs_and_serves_the_file() {
    let site = build();
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let ordinary = client.send(&Request::get("/a.bin"));
    assert_eq!((ordinary.status, give(&ordinary)), (302, "redirect".into()));

    for (path, code) in [("/shadow/a.bin", "shadow"), ("/part/a.bin", "rollout")] {
        let answer = client.send(&Request::get(path));
        assert_local(&answer, &format!("file ({code}:m)"));
        assert_eq!(answer.text("Realm-MB").as_deref(), Some("other"));
        assert_eq!(answer.header("Mirror-MB"), None);
        // For clients of the share, the same URL may give a metalink.
        let vary = answer.text("Vary").unwrap_or_default();
        assert_eq!(!vary.is_empty(), code == "rollout", "{vary}");
        assert_local(
            &client.send(&Request::new("HEAD", path)),
            &format!("file ({code}:m)"),
        );
        let negotiated = Request::get(path).with("HTTP_ACCEPT", METALINK);
        assert_local(&client.send(&negotiated), &format!("file ({code}:.meta4)"));

        let by_name = client.send(&Request::get(format!("{path}.meta4")));
        let text = String::from_utf8_lossy(&by_name.body).into_owned();
        assert!(by_name.status == 200 && text.contains("http://m.example.org/"));
        let list = client.send(&Request::get(path).query("mirrorlist"));
        let text = String::from_utf8_lossy(&list.body).into_owned();
        assert!(list.status == 200 && text.contains("http://m.example.org/"));
    }
}

#[test]
fn a_parameter_of_the_web_server_holds_back_and_lets_go() {
    let site = build();
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    for (path, name, value, expected) in [
        ("/a.bin", "HELIOSTAT_MODE", "shadow", "file (shadow:m)"),
        ("/shadow/a.bin", "HELIOSTAT_MODE", "redirect", "redirect"),
        ("/a.bin", "HELIOSTAT_ROLLOUT", "0%", "file (rollout:m)"),
        ("/part/a.bin", "HELIOSTAT_ROLLOUT", "100%", "redirect"),
        // A value that cannot be read changes nothing.
        ("/a.bin", "HELIOSTAT_ROLLOUT", "some", "redirect"),
    ] {
        let answer = client.send(&Request::get(path).with(name, value));
        assert_eq!(give(&answer), expected, "{path} {name}={value}");
    }
}

#[test]
fn five_percent_of_the_networks_are_among_twenty_percent() {
    let site = build();
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let five = redirected(&mut client, "5%");
    let twenty = redirected(&mut client, "20%");
    let share = |networks: &BTreeSet<u32>| networks.len() as f64 / f64::from(NETWORKS);
    assert!((0.04..=0.06).contains(&share(&five)), "{}", share(&five));
    assert!((0.19..=0.21).contains(&share(&twenty)));
    assert!(five.is_subset(&twenty), "the same ones, and more");
}

/// The networks that are redirected with that share.
fn redirected(client: &mut FcgiClient, share: &str) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for network in 0..NETWORKS {
        let ip = Ipv4Addr::from(0x0a00_0000 + (network << 8) + network % 250);
        let request = Request::get("/a.bin")
            .with("REMOTE_ADDR", ip.to_string())
            .with("HELIOSTAT_ROLLOUT", share);
        match client.send(&request) {
            answer if answer.status == 302 => _ = found.insert(network),
            answer => assert_local(&answer, "file (rollout:m)"),
        }
    }
    found
}

#[test]
fn explain_shows_the_redirect_that_is_held_back() {
    let site = build();
    let explain = |path: &str, more: &[&str]| {
        let arguments = [&["explain", path, "--ip", "192.0.2.1"][..], more].concat();
        site.run_ok("heliostat", &arguments)
    };
    let told = explain("/shadow/a.bin", &[]);
    let expected = "decision   served locally: mode = \"shadow\" holds redirects back; without \
                    that: redirect to m (realm other)\n\
                    held back  http://m.example.org/shadow/a.bin\n";
    assert!(told.contains(expected), "{told}");
    let told = explain("/part/a.bin", &["--json"]);
    let value: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(value["outcome"], "local:rollout");
    assert_eq!(value["held_back"], "redirect");
    assert_eq!(value["candidates"][0]["mirror"], "m");
    let told = explain("/a.bin", &["--json"]);
    let value: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(value["held_back"], serde_json::Value::Null);
}

#[test]
fn a_share_that_is_none_is_refused_by_name() {
    let site = TestSite::with_config("[site.test.rules]\nrollout = \"5\"\n");
    let (code, text) = failure(&site.run("heliostat", &["list"]));
    assert_eq!(code, Some(2), "{text}");
    assert!(
        text.contains("rollout: '5' is not a share of clients; write a number from 0 to 100"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
}

/// A link leads from a directory with documents to one without: a client that says that it takes
/// metalinks gets the file as everybody does.
#[test]
fn a_metalink_that_is_forbidden_leaves_the_file() {
    let site = build();
    site.write("secret/b.bin", &[b'x'; SIZE], MTIME);
    std::os::unix::fs::symlink("secret/b.bin", site.tree().join("b.bin")).expect("a link");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let answer = client.send(&Request::get("/b.bin").with("HTTP_ACCEPT", METALINK));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.header("X-Sendfile").is_some(), "{answer:?}");
}
