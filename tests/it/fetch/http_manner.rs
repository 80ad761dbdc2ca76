//! How politely mirrors are asked over HTTP: few connections, compressed pages.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::stand_in::http_site::{FILES, add, healthy, site_and_tree};
use crate::stand_in::odd_web::{OddWeb, Reply, index, page};
use crate::stand_in::scan_site::{OLD, catalogue_tree, current, set};
use crate::stand_in::site::TestSite;

/// Directories of a mirror.
const DIRECTORIES: usize = 60;

/// Connections beyond one per request at a time: a client may open one while another becomes free.
const SPARE: u32 = 10;

#[test]
fn pages_are_asked_for_and_understood_compressed() {
    let (site, _tree) = site_and_tree("");
    let web = OddWeb::start(|asked| {
        let wanted = asked
            .head
            .lines()
            .find_map(|line| line.strip_prefix("accept-encoding: "));
        assert!(
            wanted.is_some_and(|codings| codings.contains("gzip")),
            "{}",
            asked.head
        );
        match healthy(&asked.path) {
            Reply::Whole("200 OK", _, body) => {
                let mut packer = GzEncoder::new(Vec::new(), Compression::default());
                packer.write_all(body.as_bytes()).expect("memory");
                Reply::Packed(packer.finish().expect("memory"))
            }
            other => other,
        }
    });
    let id = add(&site, "m", &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&FILES));
    assert_eq!(web.asked().len(), 3);
}

/// A catalogue of [`DIRECTORIES`] of a file each; the mirror's page of them.
fn many_directories(site: &TestSite) -> String {
    let names: Vec<String> = (0..DIRECTORIES)
        .map(|number| format!("d{number}/"))
        .collect();
    for name in &names {
        site.write(format!("{name}x"), b"x", OLD);
    }
    catalogue_tree(site);
    let root: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 0)).collect();
    index(&root)
}

#[test]
fn no_more_is_asked_for_at_a_time_than_the_mirror_wants() {
    let site = TestSite::with_config("[site.test.scan]\nrequests = 4");
    let root = many_directories(&site);
    let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    for (trace, at_a_time) in [("", 2..=4), (r#", "limits": {"connections": 1}"#, 1..=1)] {
        let (root, now, seen) = (root.clone(), Arc::clone(&now), Arc::clone(&most));
        most.store(0, Ordering::Relaxed);
        let web = OddWeb::start_with_trace(move |asked| {
            seen.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            // Long enough for another request to come.
            std::thread::sleep(Duration::from_millis(10));
            now.fetch_sub(1, Ordering::Relaxed);
            match asked.path.as_str() {
                "/pub/.heliostat.json" => {
                    page(format!(r#"{{"time": "2026-01-01T00:00:00Z"{trace}}}"#))
                }
                "/pub/" => page(root.clone()),
                _ => page(index(&[("x", 1)])),
            }
        });
        let id = add(&site, &format!("m{}", trace.len()), &web.url());
        site.run_ok("heliostat-scan", &[&format!("m{}", trace.len())]);
        assert_eq!(current(&site, id).len(), DIRECTORIES);
        let most = most.load(Ordering::Relaxed);
        assert!(at_a_time.contains(&most), "{most} for '{trace}'");
    }
}

#[test]
fn connections_are_kept() {
    for requests in [1, 4] {
        let site = TestSite::with_config(&format!("[site.test.scan]\nrequests = {requests}"));
        let root = many_directories(&site);
        let web = OddWeb::start(move |asked| match asked.path.as_str() {
            "/pub/" => page(root.clone()),
            _ => page(index(&[("x", 1)])),
        });
        let id = add(&site, "m", &web.url());
        site.run_ok("heliostat-scan", &["m"]);
        assert_eq!(current(&site, id).len(), DIRECTORIES);
        assert_eq!(web.asked().len(), DIRECTORIES + 1);
        let connections = web.connections();
        eprintln!("{connections} connections for {requests} requests at a time");
        assert!(connections <= requests + SPARE, "{connections}");
    }
}
