//! A site whose requests are counted: some files, of which one mirror in Germany has the most.

use heliostat::db::catalogue;
use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{open_reader, open_writer};
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;
use serde_json::Value;

use super::fcgi_client::Request;
use super::responder::Responder;
use super::site::TestSite;

/// Bytes of each file.
pub const FILE_BYTES: u64 = 5000;

/// Files that the mirror has: `file-0.iso` …
pub const FILES: usize = 5;

/// A site with a spool folder; `more` follows in `[site.test.stats]`.
pub fn counted_site(more: &str) -> TestSite {
    let site = TestSite::with_config(&format!(
        "[site.test.rules]\nmin_size = 0\n[site.test.stats]\nspool = \"spool\"\n{more}"
    ));
    std::fs::create_dir(site.path("spool")).expect("the spool folder");
    fill(&site);
    site
}

/// Writes the files and the mirror; `local.iso` is on no mirror.
pub fn fill(site: &TestSite) {
    let content = vec![b'x'; FILE_BYTES as usize];
    for number in 0..FILES {
        site.write(format!("file-{number}.iso"), &content, 1_700_000_000);
    }
    site.write("local.iso", &content, 1_700_000_000);
    site.run_ok("heliostat-index", &["--no-hashes"]);
    let reader = open_reader(&site.database()).expect("a database");
    let mut held = Content::default();
    for number in 0..FILES {
        let path = format!("file-{number}.iso");
        let file = catalogue::find(&reader, path.as_bytes()).expect("a catalogue");
        held.current.insert(file.expect("indexed").id.0);
    }
    drop(reader);
    let mut writer = open_writer(&site.database()).expect("a database");
    let record = MirrorRecord {
        id: MirrorId(1),
        base_url: "http://mirror.example.org/pub/".to_owned(),
        enabled: true,
        alive: true,
        country: "de".to_owned(),
        region: "eu".to_owned(),
        ..MirrorRecord::new("mirror.example.org")
    };
    let origin = ContentOrigin {
        at: Timestamp(1_700_000_000),
        by: "test".to_owned(),
        unknown_files: 0,
    };
    writer
        .transaction(|transaction| {
            mirror::insert(transaction, &record)?;
            content::publish(transaction, MirrorId(1), &held, &origin)
        })
        .expect("the content");
}

/// A GET of a client with an address and a program of its own.
pub fn get(path: &str, ip: &str) -> Request {
    Request::get(format!("/{path}"))
        .with("REMOTE_ADDR", ip)
        .with("HTTP_USER_AGENT", "test/1")
        .with("GEOIP_COUNTRY_CODE", "DE")
        .with("ASN", "680")
}

/// Ends a responder, so that all it has counted is in the spool folder.
pub fn end(mut responder: Responder) {
    responder.signal("TERM");
    assert!(responder.wait().success());
}

/// Adds up what is in the spool folder, and returns a number of a table, by the name of its row.
pub fn sum(site: &TestSite, table: &str, name: &str, number: &str) -> u64 {
    site.run_ok("heliostat", &["stats", "collect", "--quiet"]);
    shown(site, table, name, number)
}

/// A number of a table, by the name of its row; 0 if there is no such row.
pub fn shown(site: &TestSite, table: &str, name: &str, number: &str) -> u64 {
    let text = site.run_ok("heliostat", &["stats", table, "--json", "--top", "100000"]);
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let items = value["items"].as_array().expect("rows");
    let row = items.iter().find(|item| {
        item.as_object()
            .is_some_and(|item| item.values().any(|v| v == name))
    });
    row.map_or(0, |row| row[number].as_u64().expect("a number"))
}
