//! Tests how requests count, from the responder's socket to the tables.

use crate::stand_in::counted_site::{FILE_BYTES, counted_site, end, get, shown, sum};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::TestSite;

const COLUMNS: &str = "columns";

#[test]
fn a_download_counts_once_with_the_bytes_that_it_promises() {
    let site = counted_site("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    assert_eq!(client.send(&get("file-0.iso", "192.0.2.1")).status, 302);
    // aria2 gets a file in parts, of which each is a request.
    for part in 0..5 {
        let (first, last) = (part * 1000, part * 1000 + 999);
        let range = if part == 4 {
            "bytes=3900-".to_owned()
        } else {
            format!("bytes={first}-{}", last + 100)
        };
        let request = get("file-1.iso", "192.0.2.1").with("HTTP_RANGE", range);
        assert_eq!(client.send(&request).status, 302);
    }
    drop(client);
    end(responder);
    assert_eq!(sum(&site, "files", "file-0.iso", "downloads"), 1);
    assert_eq!(shown(&site, "files", "file-0.iso", "bytes"), FILE_BYTES);
    assert_eq!(shown(&site, "files", "file-1.iso", "downloads"), 1);
    assert_eq!(shown(&site, "files", "file-1.iso", "resumed"), 4);
    let parts = 4 * 1100 + 1100;
    assert_eq!(shown(&site, "files", "file-1.iso", "bytes"), parts);
    assert_eq!(
        shown(&site, "mirrors", "mirror.example.org", "downloads"),
        2
    );
    assert_eq!(shown(&site, "countries", "de", "downloads"), 2);
    assert_eq!(shown(&site, "as", "680", "bytes"), FILE_BYTES + parts);
}

#[test]
fn clients_are_told_apart_by_network_and_program() {
    let site = counted_site("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let other =
        |request: crate::stand_in::fcgi_client::Request| request.with("HTTP_USER_AGENT", "test/2");
    for request in [
        get("file-0.iso", "192.0.2.1"),
        get("file-0.iso", "192.0.2.1"),
        // Another program, another file, another address.
        other(get("file-0.iso", "192.0.2.1")),
        get("file-1.iso", "192.0.2.1"),
        get("file-0.iso", "192.0.2.2"),
        // Two addresses of one network, and one of another.
        get("file-0.iso", "2001:db8:0:1::1"),
        get("file-0.iso", "2001:db8:0:1::2"),
        get("file-0.iso", "2001:db8:0:2::1"),
    ] {
        assert_eq!(client.send(&request).status, 302);
    }
    drop(client);
    end(responder);
    assert_eq!(sum(&site, COLUMNS, "downloads", "requests"), 6);
    assert_eq!(shown(&site, COLUMNS, "retries", "requests"), 2);
}

/// Each rule but those of parts and retries, and its column.
#[test]
fn every_request_counts_in_one_column() {
    let site = counted_site("ignore = [\"198.51.100.0/24\"]\n");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let agent = |name: &str| get("file-0.iso", "192.0.2.1").with("HTTP_USER_AGENT", name);
    let with = |name: &str, value: &str| get("file-0.iso", "192.0.2.1").with(name, value);
    let local = |name: &str| get("local.iso", "192.0.2.1").with(name, "\"x\"");
    let head =
        |request: crate::stand_in::fcgi_client::Request| request.with("REQUEST_METHOD", "HEAD");
    let rows = [
        ("own", 302, agent("heliostat-probe/1")),
        ("own", 302, get("file-0.iso", "198.51.100.7")),
        (
            "bots",
            302,
            agent("Mozilla/5.0 (compatible; ExampleBot/1.0)"),
        ),
        ("bots", 302, head(agent("archive.org_bot"))),
        (
            "bots",
            404,
            get("none", "192.0.2.1").with("HTTP_USER_AGENT", "a Spider"),
        ),
        ("mirrorers", 302, agent("rclone/v1.60")),
        ("heads", 302, head(get("file-0.iso", "192.0.2.1"))),
        ("documents", 200, get("file-0.iso.mirrorlist", "192.0.2.1")),
        (
            "documents",
            200,
            get("file-0.iso", "192.0.2.1").query("meta4"),
        ),
        (
            "by_metalink",
            200,
            with("HTTP_ACCEPT", "application/metalink4+xml"),
        ),
        ("conditional", 200, local("HTTP_IF_NONE_MATCH")),
        ("downloads", 302, with("HTTP_IF_NONE_MATCH", "\"x\"")),
        ("probes", 302, with("HTTP_RANGE", "bytes=0-15")),
        ("probes", 302, with("HTTP_RANGE", "lines=1-2")),
        ("downloads", 200, get("local.iso", "192.0.2.9")),
        ("missing", 404, get("none.iso", "192.0.2.1")),
        ("refused", 405, with("REQUEST_METHOD", "DELETE")),
        ("other", 200, with("REQUEST_METHOD", "OPTIONS")),
    ];
    for (column, status, request) in &rows {
        assert_eq!(client.send(request).status, *status, "{column} {request:?}");
    }
    drop(client);
    end(responder);
    site.run_ok("heliostat", &["stats", "collect", "--quiet"]);
    for (column, _, _) in &rows {
        let expected = rows.iter().filter(|row| row.0 == *column).count() as u64;
        let found = shown(&site, COLUMNS, column, "requests");
        assert_eq!(found, expected, "{column}");
    }
    assert_eq!(shown(&site, "reasons", "no-mirror", "requests"), 2);
    assert_eq!(shown(&site, "files", "local.iso", "local"), 1);
    assert_eq!(shown(&site, "mirrors", "", "downloads"), 1);
    assert_eq!(shown(&site, "efficiency", "mirror: country", "requests"), 4);
}

#[test]
fn products_are_counted_by_country() {
    let site = TestSite::with_config(
        "[site.test.rules]\nmin_size = 0\n[site.test.stats]\nspool = \"spool\"\n\
         [[site.test.count]]\npattern = '^(?P<name>[a-z]+)-(?P<version>\\d)\\.iso$'\n\
         product = \"$name\"\nversion = \"$version.0\"\n",
    );
    std::fs::create_dir(site.path("spool")).expect("the spool folder");
    crate::stand_in::counted_site::fill(&site);
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    for ip in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        client.send(&get("file-3.iso", ip));
        client.send(&get("local.iso", ip));
    }
    drop(client);
    end(responder);
    site.run_ok("heliostat", &["stats", "collect", "--quiet"]);
    let csv = site.run_ok("heliostat", &["stats", "products", "--csv"]);
    assert_eq!(
        csv,
        "product,version,os,arch,lang,downloads,bytes\r\nfile,3.0,,,,3,15000\r\n"
    );
}
