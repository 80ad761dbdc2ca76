//! The list of mirrors in a real browser, on a phone and on a desk: no error, no other host.
//!
//! The pictures stay under `target/e2e` for people to look at.

use std::path::{Path, PathBuf};
use std::process::Command;

use heliostat::db::hash::{self, Digests, HashRecord};
use heliostat::db::open::Transaction;
use heliostat::db::{catalogue, mirror, open_writer};

use crate::stage::{ApacheOptions, MirrorFacts, Stage};

/// A file that clients of some places are not sent to everywhere, with a name that needs care.
const FILE: &str = "dist/a&b <1> \u{fc}.iso";
const ENCODED: &str = "/dist/a%26b%20%3C1%3E%20%C3%BC.iso";

/// Widths in pixels: a phone, a desk.
pub const WIDTHS: [u32; 2] = [390, 1280];

fn stage() -> Stage {
    let mut stage = Stage::new("");
    stage.file(FILE, 700_000);
    stage.file("dist/other.iso", 10_000);
    let place = |name, country, region, more| MirrorFacts {
        name,
        country,
        region,
        more,
    };
    for facts in [
        place("berlin", "de", "eu", &["--score", "150"][..]),
        place("munich", "de", "eu", &[]),
        place("paris", "fr", "eu", &[]),
        place("tokyo", "jp", "as", &[]),
        place("boston", "us", "na", &["--country-only"]),
    ] {
        stage.mirror_with(facts);
    }
    stage.learn();
    store_places(&stage);
    store_hashes(&stage);
    // Where Apache says that the browser is.
    stage.start_with(&ApacheOptions {
        before: "SetEnvIf Remote_Addr . GEOIP_COUNTRY_CODE=DE GEOIP_CONTINENT_CODE=EU \
                 GEOIP_LATITUDE=51.3 GEOIP_LONGITUDE=12.4 ASN=64496 PFX=192.0.2.0/25\n"
            .to_owned(),
        ..ApacheOptions::default()
    });
    stage
}

fn store_places(stage: &Stage) {
    let mut writer = open_writer(&stage.site.database()).expect("the database");
    let change = |transaction: &Transaction<'_>| {
        for (name, latitude, longitude) in [
            ("berlin", 52.5, 13.4),
            ("munich", 48.1, 11.6),
            ("paris", 48.9, 2.4),
            ("tokyo", 35.7, 139.7),
            ("boston", 42.4, -71.1),
        ] {
            let mut record = mirror::find(transaction, name)?;
            (record.latitude, record.longitude) = (Some(latitude), Some(longitude));
            mirror::update(transaction, &record)?;
        }
        Ok(())
    };
    writer.transaction(change).expect("the places");
}

fn store_hashes(stage: &Stage) {
    let mut writer = open_writer(&stage.site.database()).expect("the database");
    let file = catalogue::find(&writer, FILE.as_bytes()).expect("the catalogue");
    let file = file.expect("it is indexed");
    let record = HashRecord {
        digests: Digests {
            md5: Some(vec![0x1f; 16]),
            sha1: Some(vec![0x2e; 20]),
            sha256: Some(vec![0x3d; 32]),
            sha512: Some(vec![0x4c; 64]),
            has_pgp: true,
            ..Digests::default()
        },
        pgp: Some("-----BEGIN PGP SIGNATURE-----".to_owned()),
        ..HashRecord::default()
    };
    let version = file.version.expect("it was indexed");
    writer
        .transaction(|transaction| hash::store(transaction, file.id, version, &record))
        .expect("the hashes");
}

/// Where pictures stay.
pub fn picture(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/e2e");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder.join(name)
}

/// The log of a browser, and its requests on behalf of the page.
pub struct Visit {
    /// Its messages, line by line.
    pub log: String,
    /// URLs that the page asked for.
    pub requests: Vec<String>,
}

/// Opens a page and takes a picture of it.
pub fn visit(stage: &Stage, url: &str, width: u32, picture: &Path) -> Visit {
    let folder = stage.site.path(&format!("chromium-{width}"));
    let net_log = stage.site.path(&format!("net-{width}.json"));
    let _ = std::fs::remove_file(picture);
    let output = Command::new("timeout")
        .args([
            "60",
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
        ])
        .args([
            "--no-first-run",
            "--disable-background-networking",
            "--disable-sync",
        ])
        .args([
            "--disable-component-update",
            "--disable-default-apps",
            "--hide-scrollbars",
        ])
        .args(["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"])
        .args(["--enable-logging=stderr", "--log-level=0"])
        .arg(format!("--user-data-dir={}", folder.display()))
        .arg(format!("--log-net-log={}", net_log.display()))
        .arg(format!("--window-size={width},2200"))
        .arg(format!("--screenshot={}", picture.display()))
        .arg(url)
        .output()
        .expect("Chromium is installed; `scripts/test` does it");
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "Chromium: {}\n{log}",
        output.status
    );
    Visit {
        log,
        requests: requests(&net_log),
    }
}

/// The URLs that were asked for by the page, wherever they are. The browser has errands of its own,
/// which belong to no page of ours (and fail, since no other host has an address for it).
fn requests(net_log: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(net_log).expect("a log of the network");
    let log: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let events = log["events"].as_array().expect("events");
    let mut urls: Vec<String> = events
        .iter()
        .filter(|event| {
            let page = event["params"]["network_isolation_key"].as_str();
            page.is_some_and(|page| page.starts_with("http://127.0.0.1"))
        })
        .filter_map(|event| event["params"]["url"].as_str())
        .filter(|url| url.starts_with("http"))
        .map(str::to_owned)
        .collect();
    urls.sort();
    urls.dedup();
    urls
}

/// Checks that the browser found no fault, and asked no other host.
pub fn assert_quiet(visit: &Visit, url: &str, port: u16) {
    let is_complaint = |line: &&str| line.contains("CONSOLE");
    let complaints: Vec<&str> = visit.log.lines().filter(is_complaint).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    assert!(
        visit.requests.iter().any(|asked| asked == url),
        "{:?}",
        visit.requests
    );
    let own = format!("http://127.0.0.1:{port}/");
    let is_other = |url: &&String| !url.starts_with(&own);
    let others: Vec<&String> = visit.requests.iter().filter(is_other).collect();
    assert!(others.is_empty(), "{others:?}");
}

/// A style sheet of an operator that refers to everything that such a sheet may.
const SHEET: &str = "@import url(more.css);\n\
    @font-face { font-family: own; src: url(own.woff2); }\n\
    body { font-family: own; background-image: url(\"picture.png\"); }\n";

#[test]
fn a_browser_loads_what_an_operators_style_sheet_refers_to() {
    let mut stage = Stage::new("[site.test.rules]\nmirrorlist_style_sheet = \"/style/own.css\"\n");
    stage.file("dist/a.iso", 10_000);
    for (name, content) in [
        ("own.css", SHEET.as_bytes()),
        ("more.css", b"h2 { color: red; }"),
        ("own.woff2", b"no font"),
        ("picture.png", b"no picture"),
    ] {
        let mtime = crate::stage::MTIME;
        stage.site.write(format!("style/{name}"), content, mtime);
    }
    stage.mirror("berlin", ["de", "eu"]);
    stage.play();
    let url = format!("http://127.0.0.1:{}", stage.apache().port);
    let picture = picture("mirrorlist-own-style.png");
    let visit = visit(
        &stage,
        &format!("{url}/dist/a.iso.mirrorlist"),
        WIDTHS[1],
        &picture,
    );
    for name in ["own.css", "more.css", "own.woff2", "picture.png"] {
        let wanted = format!("{url}/style/{name}");
        assert!(visit.requests.contains(&wanted), "{name}: {}", visit.log);
    }
    assert!(
        !visit.log.contains("Content Security Policy"),
        "{}",
        visit.log
    );
}

#[test]
fn a_browser_shows_the_list_without_errors_or_other_hosts() {
    let stage = stage();
    let port = stage.apache().port;
    for (what, path) in [
        ("file", format!("{ENCODED}.mirrorlist")),
        ("directory", "/dist/?mirrorlist".to_owned()),
    ] {
        let answer = stage.get(&path).send();
        assert_eq!(answer.status, 200, "{answer:?}");
        let policy = answer.text("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        for width in WIDTHS {
            let picture = picture(&format!("mirrorlist-{what}-{width}.png"));
            let url = format!("http://127.0.0.1:{port}{path}");
            let visit = visit(&stage, &url, width, &picture);
            assert_quiet(&visit, &url, port);
            let bytes = std::fs::read(&picture).expect("a picture");
            assert!(bytes.len() > 10_000, "{} is empty", picture.display());
        }
    }
}
