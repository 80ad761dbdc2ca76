//! Tests files that could hold up an index run: nearly all holes, very long, or no file at all
//! under a name that is read.

use std::process::Command;

use crate::stand_in::fcgi_client::Request;
use crate::stand_in::hash_site::{row, write_sparse};
use crate::stand_in::index_site::INDEX;
use crate::stand_in::responder::Responder;
use crate::stand_in::site::{TestSite, failure};

const MTIME: u64 = 1_000_000_000;
const GIB: u64 = 1 << 30;

fn is_hashed(site: &TestSite, name: &str) -> bool {
    row(site, name.as_bytes()).is_some_and(|record| record.digests.md5.is_some())
}

#[test]
fn a_file_that_is_all_holes_is_named_and_the_others_are_hashed() {
    let site = TestSite::with_config("");
    write_sparse(&site, "a-huge", 4096 * GIB, MTIME);
    site.write("b", b"1", MTIME);
    site.write("c", &vec![7; 3_000_000], MTIME);
    let (code, said) = failure(&site.run(INDEX, &[]));
    assert_eq!(code, Some(3));
    for part in ["path='a-huge'", "it is sparse", "hashes.exclude"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(is_hashed(&site, "b") && is_hashed(&site, "c") && !is_hashed(&site, "a-huge"));
}

fn make_fifo(path: &std::path::Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.expect("mkfifo starts").success());
}

#[test]
fn a_fifo_or_a_device_under_a_name_that_is_read_stops_nothing() {
    let site = TestSite::with_config(
        "[site.test.rules]\nmin_size = 0\nmirrorlist_header = \"header\"\n\
         mirrorlist_footer = \"footer\"\n[site.test.index]\nwrite_generation = true\n\
         [site.test.metalink]\nbroken_test_mirrors = \"broken\"",
    );
    site.write("a", b"1", MTIME);
    make_fifo(&site.path("header"));
    make_fifo(&site.path("broken"));
    std::os::unix::fs::symlink("/dev/zero", site.path("footer")).expect("a link");
    let generation = site.tree().join(".heliostat-generation");
    for make in [make_fifo as fn(&std::path::Path), |path| {
        std::os::unix::fs::symlink("/dev/zero", path).expect("a link")
    }] {
        let _ = std::fs::remove_file(&generation);
        make(&generation);
        make_fifo(&site.tree().join("a.asc"));
        site.run_ok(INDEX, &["-q"]);
        let number = std::fs::read_to_string(&generation).expect("a file");
        assert!(number.trim().parse::<u64>().is_ok(), "{number}");
        std::fs::remove_file(site.tree().join("a.asc")).expect("the FIFO");
    }
    let responder = Responder::start(&site);
    let list = responder.connect().send(&Request::get("/a.mirrorlist"));
    assert!(String::from_utf8_lossy(&list.body).contains("mirrorbrain-details"));
    let request = Request::get("/a.metalink").with("HTTP_X_BROKEN_MIRRORS", "1");
    responder.connect().send(&request);
}
