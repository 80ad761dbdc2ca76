//! Scans over HTTP that go well: what is asked for, what is remembered, what counts.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};

use crate::stand_in::http_site::{FILES, add, healthy, site_and_tree};
use crate::stand_in::odd_web::{OddWeb, Reply, index, page, status};
use crate::stand_in::scan_site::{
    OLD, add_mirror, catalogue_tree, current, last_run, outdated, published, set,
};
use crate::stand_in::site::{TestSite, failure};
use crate::stand_in::webd::{Kind, Tree, Web};

#[test]
fn only_directories_of_the_catalogue_are_asked_for_and_each_once() {
    let (site, _tree) = site_and_tree("");
    let web = OddWeb::start(|asked| match asked.path.as_str() {
        "/pub/" => page(index(&[
            ("dir/", 0),
            ("dir/", 0),
            ("strange/", 0),
            ("a", 1),
            ("b", 1),
            ("other/", 0),
            (".", 0),
            ("..", 0),
            ("%2e%2e/", 0),
            ("/", 0),
            ("x", 1),
            ("http://127.0.0.1:1/pub/dir/", 0),
        ])),
        // A link that leads back up.
        "/pub/dir/" => page(index(&[("c", 5), ("d", 5), ("dir/", 0), ("pub/", 0)])),
        path => healthy(path),
    });
    let id = add(&site, "m", &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&FILES));
    let mut asked = web.asked();
    asked.sort();
    assert_eq!(asked, ["/pub/", "/pub/dir/", "/pub/other/"]);
    let run = last_run(&site, id);
    let counts = serde_json::to_value(&run.counts).expect("JSON");
    assert_eq!(
        (&counts["unknown"], &counts["requests"]),
        (&1.into(), &3.into())
    );
}

#[test]
fn redirects_within_the_base_and_of_the_base_itself_are_followed() {
    let (site, _tree) = site_and_tree("");
    let web = OddWeb::start(|asked| match asked.path.as_str() {
        "/old/" => status("301 Moved", "Location: /pub\r\n"),
        "/pub" => status("301 Moved", "Location: /pub/\r\n"),
        "/pub/dir/" => status("302 Found", "Location: /pub/elsewhere/dir/\r\n"),
        "/pub/elsewhere/dir/" => healthy("/pub/dir/"),
        path => healthy(path),
    });
    let id = add(&site, "m", &web.url().replace("/pub/", "/old"));
    let output = site.run("heliostat-scan", &["m", "-v"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("the base URL redirects to http://127.0.0.1:"),
        "{said}"
    );
    assert_eq!(current(&site, id), set(&FILES));
}

#[test]
fn a_constant_shift_of_times_is_recognised_and_older_copies_are_outdated() {
    // In January, where no summer time begins or ends.
    const WINTER: u64 = 1_610_000_000;
    let (site, tree) = (TestSite::new(), Tree::new());
    for path in FILES {
        site.write(path, path.as_bytes(), WINTER);
        tree.write(path, path.as_bytes(), WINTER);
    }
    catalogue_tree(&site);
    tree.write("dir/c", b"dir/c", WINTER - 3600);
    tree.write("dir/d", b"dir/x", WINTER + 3600);
    tree.write("a", b"longer", WINTER);
    for (zone, shift) in [
        ("UTC", 0),
        ("Asia/Kathmandu", 345),
        ("America/New_York", -300),
    ] {
        let web = Web::start(Kind::Nginx, &tree, zone, "");
        let name = format!("m{}", shift + 1000);
        let id = add(&site, &name, &web.url());
        site.run_ok("heliostat-scan", &[&name]);
        assert_eq!(outdated(&site, id), set(&["a", "dir/c"]), "{zone}");
        assert_eq!(
            current(&site, id),
            set(&["b", "dir/d", "other/e", "other/f"]),
            "{zone}"
        );
        let counts = serde_json::to_value(last_run(&site, id).counts).expect("JSON");
        assert_eq!(counts["shift_min"], shift, "{counts}");
    }
}

#[test]
fn a_mirror_without_rsync_or_with_a_broken_one_is_listed_over_http() {
    let (site, tree) = site_and_tree("");
    let web = Web::start(Kind::Caddy, &tree, "UTC", "");
    let id = add_mirror(&site, "m", "rsync://127.0.0.1:1/pub", |mirror| {
        mirror.base_url = web.url();
    });
    let output = site.run("heliostat-scan", &["m", "--json"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(current(&site, id), set(&FILES));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mirror = &json["mirrors"][0];
    assert_eq!(mirror["by"], "http");
    let note = mirror["notes"][0].as_str().expect("a note");
    assert!(
        note.starts_with("not listed by rsync: cannot connect"),
        "{note}"
    );
}

#[test]
fn a_subtree_and_filters_hold_over_http() {
    let (site, tree) = site_and_tree("[site.test.scan]\nvanished_share_max = 0.9");
    let web = Web::start(Kind::Nginx, &tree, "UTC", "");
    let id = add(&site, "m", &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    for gone in ["a", "dir/c"] {
        tree.remove(gone);
    }
    let listed = site.run_ok("heliostat-scan", &["-d", "dir", "m"]);
    assert!(listed.contains("scanned 1 files"), "{listed}");
    assert!(listed.contains("files to be purged: 1"), "{listed}");
    assert_eq!(
        current(&site, id),
        set(&["a", "b", "dir/d", "other/e", "other/f"])
    );
    // A directory that the mirror does not have at all is no error.
    std::fs::remove_dir_all(tree.path().join("other")).expect("other");
    site.run_ok("heliostat-scan", &["-d", "other", "m"]);
    assert_eq!(current(&site, id), set(&["a", "b", "dir/d"]));
    for (arguments, expected) in [
        (&["--include", "dir"][..], &["dir/d"][..]),
        (&["--exclude", "^/dir/"], &["b"]),
    ] {
        let other = add(&site, &expected.concat().replace('/', ""), &web.url());
        let name = expected.concat().replace('/', "");
        let all: Vec<&str> = arguments.iter().copied().chain([name.as_str()]).collect();
        site.run_ok("heliostat-scan", &all);
        assert_eq!(current(&site, other), set(expected));
    }
    let (code, error) = failure(&site.run("heliostat-scan", &["--exclude", "(", "m"]));
    assert_eq!(code, Some(2), "{error}");
}

#[test]
fn a_password_goes_to_its_host_alone_and_is_never_shown() {
    let (site, _tree) = site_and_tree("");
    // joe:s3cr3t
    const BASIC: &str = "authorization: basic am9lonmzy3izda==";
    let leaked = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&leaked);
    let elsewhere = OddWeb::start_with_trace(move |asked| {
        seen.fetch_or(asked.head.contains("authorization"), Ordering::Relaxed);
        healthy(&asked.path)
    });
    let to = elsewhere.url().replace("127.0.0.1", "localhost");
    let web = elsewhere.beside(2, move |asked| match asked.path.as_str() {
        _ if !asked.head.contains(BASIC) => status("401 Unauthorized", ""),
        "/away/" => status("302 Found", &format!("Location: {to}\r\n")),
        path => healthy(path),
    });
    let url = web.url();
    for (name, url, is_good) in [
        ("good", url.replace("//", "//joe:s3cr3t@"), true),
        ("wrong", url.replace("//", "//joe:s3cr3t-not@"), false),
        (
            "away",
            url.replace("//", "//joe:s3cr3t@")
                .replace("/pub/", "/away/"),
            true,
        ),
    ] {
        let id = add(&site, name, &url);
        let output = site.run("heliostat-scan", &[name, "-vv"]);
        assert_eq!(output.status.success(), is_good, "{name}: {output:?}");
        let said = format!("{output:?}{:?}", last_run(&site, id));
        assert!(!said.contains("s3cr3t") && !said.contains("am9l"), "{said}");
    }
    assert!(!leaked.load(Ordering::Relaxed));
}

#[test]
fn unchanged_directories_are_not_read_again() {
    let (site, tree) = site_and_tree("");
    let web = Web::start(Kind::ApacheFancy, &tree, "UTC", "");
    let id = add(&site, "m", &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    let first = published(&site, id);
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(published(&site, id), first);
    // The page of `dir` is answered from memory, and `other` is read because it changed.
    let count = Arc::new(AtomicU32::new(0));
    let unchanged = Arc::clone(&count);
    let odd = OddWeb::start(move |asked| {
        let tag = format!("\"{}\"", asked.path);
        if asked.head.contains(&format!("if-none-match: {tag}")) {
            unchanged.fetch_add(1, Ordering::Relaxed);
            return status("304 Not Modified", "");
        }
        match healthy(&asked.path) {
            Reply::Whole(status, fields, body) => {
                Reply::Whole(status, format!("{fields}ETag: {tag}\r\n"), body)
            }
            other => other,
        }
    });
    let other = add(&site, "odd", &odd.url());
    site.run_ok("heliostat-scan", &["odd"]);
    assert_eq!(count.load(Ordering::Relaxed), 0);
    site.run_ok("heliostat-scan", &["odd"]);
    assert_eq!(count.load(Ordering::Relaxed), 3);
    assert_eq!(current(&site, other), set(&FILES));
    // A new version in the catalogue: what the page said of it must be read again.
    site.write("dir/c", b"12345", OLD);
    site.write("dir/c", b"new", OLD + 60);
    catalogue_tree(&site);
    site.run_ok("heliostat-scan", &["odd"]);
    assert_eq!(count.load(Ordering::Relaxed), 5);
    assert_eq!(outdated(&site, other), set(&["dir/c"]));
    // A content that somebody else made is no base for what a page does not say.
    site.run_ok("heliostat", &["rollback", "odd"]);
    site.run_ok("heliostat-scan", &["odd"]);
    assert_eq!(count.load(Ordering::Relaxed), 5);
    assert_eq!(outdated(&site, other), set(&["dir/c"]));
}

#[test]
fn an_interrupted_scan_is_continued() {
    let (site, _tree) = site_and_tree("[site.test.scan]\nrequests = 1");
    let is_slow = Arc::new(AtomicBool::new(true));
    let slow = Arc::clone(&is_slow);
    let web = OddWeb::start(move |asked| {
        // Directories are taken from the end of the page.
        if asked.path == "/pub/dir/" && slow.load(Ordering::Relaxed) {
            return Reply::Hang(String::new());
        }
        healthy(&asked.path)
    });
    let id = add(&site, "m", &web.url());
    let child = site
        .command("heliostat-scan")
        .arg("m")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    web.wait_for("/pub/dir/");
    let pid = Pid::from_raw(child.id() as i32).expect("a process id");
    kill_process(pid, Signal::TERM).expect("it runs");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(current(&site, id), set(&["a", "b", "other/e", "other/f"]));
    assert_eq!(last_run(&site, id).outcome.as_str(), "partial");
    is_slow.store(false, Ordering::Relaxed);
    let before = web.asked().len();
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&FILES));
    assert_eq!(web.asked()[before..], ["/pub/", "/pub/dir/"]);
    // Then all is read again.
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(web.asked().len(), before + 5);
}

#[test]
fn large_files_that_a_server_cannot_deliver_do_not_count() {
    let site = TestSite::new();
    site.write("small", b"small", OLD);
    for (name, size) in [("three", 3_u64 << 30), ("five", 5 << 30)] {
        site.write(name, b"", OLD);
        let file = std::fs::File::options()
            .write(true)
            .open(site.tree().join(name));
        file.expect("a file").set_len(size).expect("a sparse file");
        crate::stand_in::site::set_mtime(&site.tree().join(name), OLD);
    }
    catalogue_tree(&site);
    let list = index(&[("small", 5), ("three", 3 << 30), ("five", 5 << 30)]);
    for (name, limit, expected) in [
        ("good", u64::MAX, &["five", "small", "three"][..]),
        ("old", 1 << 32, &["small", "three"]),
        ("oldest", 1 << 31, &["small"]),
    ] {
        let list = list.clone();
        let web = OddWeb::start(move |asked| {
            if asked.path == "/pub/" {
                return page(list.clone());
            }
            let size: u64 = if asked.path.ends_with("five") {
                5 << 30
            } else {
                3 << 30
            };
            let start = asked.head.split("range: bytes=").nth(1).expect("a range");
            let start: u64 = start
                .split('-')
                .next()
                .expect("a start")
                .parse()
                .expect("it");
            if start >= limit {
                return status("416 Range Not Satisfiable", "");
            }
            let range = format!("Content-Range: bytes {start}-{start}/{size}\r\n");
            Reply::Whole("206 Partial Content", range, "x".to_owned())
        });
        let id = add(&site, name, &web.url());
        let json = site.run_ok("heliostat-scan", &[name, "--json"]);
        assert_eq!(current(&site, id), set(expected), "{json}");
        assert_eq!(
            json.contains("it delivers nothing beyond"),
            limit != u64::MAX,
            "{json}"
        );
    }
}
