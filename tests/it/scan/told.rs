//! Tests that an admin is told of a listing that came another way than the first, or of pages that
//! are no listings: one line, where cron and `status` show it, and only while it is news.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::stand_in::http_site::{FILES, add, file, healthy, set_url, site_and_tree};
use crate::stand_in::odd_web::{OddWeb, Reply, index, page, status};
use crate::stand_in::port::free_port;
use crate::stand_in::scan_site::{add_mirror, current, last_run, set};
use crate::stand_in::site::TestSite;
use crate::stand_in::webserver::{Manner, WebServer};

fn scan(site: &TestSite, arguments: &[&str]) -> (Option<i32>, String) {
    let output = site.run("heliostat-scan", arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

fn shown(site: &TestSite, arguments: &[&str]) -> String {
    let output = site.run("heliostat", arguments);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// In HTML and in nginx's XML: such a page does not tell all that the directory has.
#[test]
fn an_entry_whose_name_no_file_can_have_is_unreadable() {
    let (site, _tree) = site_and_tree("");
    let web = OddWeb::start(|asked| healthy(&asked.path));
    let id = add_mirror(&site, "m", "", |mirror| mirror.base_url = web.url());
    assert_eq!(scan(&site, &["m"]).0, Some(0));
    let long = "x".repeat(20_000);
    let xml = |entry: &str| {
        let body = format!(
            "<?xml version=\"1.0\"?>\n<list>\n\
             <file mtime=\"2001-09-09T01:46:40Z\" size=\"5\">c</file>\n\
             <file mtime=\"2001-09-09T01:46:40Z\" size=\"5\">{entry}</file>\n</list>\n"
        );
        Reply::Whole("200 OK", "Content-Type: text/xml\r\n".to_owned(), body)
    };
    for (directory, is_whole) in [
        (page(index(&[("c", 5), ("a%2Fb", 5)])), false),
        (page(index(&[("c", 5), ("a%00", 5)])), false),
        (page(index(&[("c", 5), (&long, 5)])), false),
        (xml("a/b"), false),
        (xml(&long), false),
        (page(index(&[("c", 5)])), true),
        (xml("."), true),
    ] {
        let web = OddWeb::start(move |asked| match &*asked.path {
            "/pub/dir/" => directory.clone(),
            path => healthy(path),
        });
        set_url(&site, &web.url());
        let (code, said) = scan(&site, &["m", "-v"]);
        assert_eq!(code, Some(if is_whole { 0 } else { 3 }), "{said}");
        let expected = match is_whole {
            true => FILES.into_iter().filter(|path| *path != "dir/d").collect(),
            false => FILES.to_vec(),
        };
        assert_eq!(current(&site, id), set(&expected), "{said}");
    }
}

#[test]
fn a_protocol_that_fails_is_told_once_until_it_works_again() {
    let (site, _tree) = site_and_tree("");
    let web = OddWeb::start(|asked| healthy(&asked.path));
    let rsync = format!("rsync://127.0.0.1:{}/pub/", free_port());
    let id = add_mirror(&site, "m", &rsync, |mirror| mirror.base_url = web.url());
    let line = "m: not listed by rsync: cannot connect (";
    let remedy = "correct or clear its rsync URL (heliostat edit m)";
    for (arguments, is_news) in [
        (&["--all", "-qq"][..], true),
        (&["--all", "-qq"], false),
        (&["--all", "-qq"], false),
    ] {
        let (code, said) = scan(&site, arguments);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(said.lines().count(), usize::from(is_news), "{said}");
        assert_eq!(
            said.contains(line) && said.contains(remedy),
            is_news,
            "{said}"
        );
    }
    assert_eq!(current(&site, id), set(&FILES));
    let run = last_run(&site, id);
    assert_eq!(run.outcome.as_str(), "ok");
    assert_eq!(run.repeats.map(|(times, _)| times), Some(2), "{run:?}");
    let text = shown(&site, &["runs", "--kind", "scan", "--json"]);
    let runs: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(runs[0]["error"], "", "it did not fail: {text}");
    let note = runs[0]["note"].as_str().unwrap_or_default();
    assert!(
        note.starts_with("not listed by rsync: cannot connect ("),
        "{text}"
    );
    for arguments in [&["runs"][..], &["status"]] {
        let text = shown(&site, arguments);
        assert!(
            text.contains("not listed by rsync: cannot connect ("),
            "{text}"
        );
    }
    // Another note is another run.
    let ftp = format!("baseurlFtp=ftp://127.0.0.1:{}/", free_port());
    site.run_ok("heliostat", &["edit", "m", "--set", &ftp]);
    let (_, said) = scan(&site, &["--all", "-qq"]);
    assert_eq!(said.lines().count(), 1, "{said}");
    let other = last_run(&site, id);
    assert!(other.id != run.id && other.repeats.is_none(), "{other:?}");
    assert!(other.note.contains("; not listed by ftp: "), "{other:?}");
    assert_eq!(other.error, "");
    let clear = ["baseurlRsync=", "--set", "baseurlFtp="];
    site.run_ok("heliostat", &[&["edit", "m", "--set"][..], &clear].concat());
    let (_, said) = scan(&site, &["--all", "-qq"]);
    assert_eq!(said, "");
    assert_eq!(last_run(&site, id).note, "");
    let text = shown(&site, &["status"]);
    assert!(!text.contains("rsync"), "{text}");
}

#[test]
fn a_page_that_is_no_listing_is_told_with_its_remedy() {
    let thredds = "<catalog><dataset name=\"a\"/></catalog>";
    let by_query = "<html><body><a href=\"?dir=dir\">dir</a></body></html>";
    for (top, cause) in [
        (thredds, "THREDDS catalogue"),
        (by_query, "names directories by arguments"),
    ] {
        let (site, _tree) = site_and_tree("");
        let is_odd = Arc::new(AtomicBool::new(true));
        let odd = Arc::clone(&is_odd);
        let web = OddWeb::start(move |asked| match asked.path.as_str() {
            "/pub/" | "/pub/?F=1" if odd.load(Ordering::Relaxed) => page(top.to_owned()),
            path => healthy(path),
        });
        let id = add(&site, "m", &web.url());
        // Its directories are asked for by themselves, and its files one by one.
        let (code, said) = scan(&site, &["--all", "-qq"]);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(current(&site, id), set(&FILES));
        assert_eq!(said.lines().count(), 1, "{said}");
        for expected in ["m: not listed: '/': ", cause, "ask its operator for"] {
            assert!(said.contains(expected), "{said}\nwanted {expected}");
        }
        let run = last_run(&site, id);
        assert!(run.note.contains(cause) && run.error.is_empty(), "{run:?}");
        assert!(shown(&site, &["status"]).contains(cause));
        let (_, said) = scan(&site, &["--all", "-qq"]);
        assert_eq!(said, "");
        is_odd.store(false, Ordering::Relaxed);
        let (_, said) = scan(&site, &["--all", "-qq"]);
        assert_eq!(said, "");
        assert_eq!(last_run(&site, id).note, "");
    }
}

#[test]
fn an_index_without_an_entry_needs_a_second_look_and_then_attention() {
    use crate::stand_in::probe_site::{AT_ONCE, is_alive};
    let (site, _tree) = site_and_tree(&format!("[site.test.probe]\n{AT_ONCE}"));
    let is_empty = Arc::new(AtomicBool::new(false));
    let empty = Arc::clone(&is_empty);
    let web = OddWeb::start(move |asked| match asked.path.as_str() {
        path if path.ends_with('/') && empty.load(Ordering::Relaxed) => page(index(&[])),
        path if path.ends_with('/') => healthy(path),
        _ if empty.load(Ordering::Relaxed) => status("404 Not Found", ""),
        path => file(path.trim_start_matches("/pub/")),
    });
    let id = add(&site, "m", &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    is_empty.store(true, Ordering::Relaxed);
    let (code, said) = scan(&site, &["m"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("suspicious") && said.contains("the listing is empty"),
        "{said}"
    );
    assert_eq!(current(&site, id), set(&FILES));
    assert!(shown(&site, &["status"]).contains("a suspicious scan waits"));
    site.run("heliostat-probe", &[]);
    assert!(!is_alive(&site, "m"), "{:?}", web.asked());
    site.run("heliostat", &["enable", "m", "--alive"]);
    // The second sees the same, and the third as well.
    for _ in 0..2 {
        site.run("heliostat-scan", &["m"]);
        assert_eq!(current(&site, id), set(&[]));
        let output = site.run("heliostat", &["status", "--check"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(3), "{text}");
        assert!(text.contains("it has no current file"), "{text}");
    }
}

#[test]
fn without_certificates_only_https_fails_and_says_so() {
    let (site, _tree) = site_and_tree("");
    let web = OddWeb::start(|asked| healthy(&asked.path));
    let plain = add(&site, "plain", &web.url());
    let authority = crate::stand_in::certificate::Authority::new();
    let tls = Some(authority.server("IP:127.0.0.1", 60));
    let server = WebServer::with_tls("127.0.0.1", Manner::Serves, tls);
    add(&site, "secure", &server.url(""));
    let run = |program: &str, name: &str| {
        let output = site
            .command(program)
            .arg(name)
            .env("SSL_CERT_FILE", "/nonexistent/file")
            .env("SSL_CERT_DIR", "/nonexistent/folder")
            .output()
            .expect("it starts");
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    let (code, said) = run("heliostat-scan", "plain");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(current(&site, plain), set(&FILES));
    let (code, said) = run("heliostat-scan", "secure");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("install ca-certificates"), "{said}");
    let (code, said) = run("heliostat-probe", "plain");
    assert_eq!(code, Some(0), "{said}");
    let (_, said) = run("heliostat-probe", "secure");
    assert!(said.contains("install ca-certificates"), "{said}");
    // The failure says nothing of the mirror.
    assert!(
        crate::stand_in::probe_site::records(&site, "secure")
            .iter()
            .all(|r| r.ok.is_none())
    );
}

#[test]
fn parts_of_a_bucket_are_counted_as_requests() {
    let listing = |prefix: &str, keys: &[&str], next: Option<&str>| {
        let mut body = format!("<ListBucketResult><Prefix>{prefix}</Prefix>");
        for key in keys {
            body += &match key.strip_suffix('/') {
                Some(_) => format!("<CommonPrefixes><Prefix>{key}</Prefix></CommonPrefixes>"),
                None => format!(
                    "<Contents><Key>{key}</Key><LastModified>2020-01-02T03:04:05.000Z\
                     </LastModified><Size>{}</Size></Contents>",
                    key.len()
                ),
            };
        }
        if let Some(next) = next {
            body += &format!("<NextMarker>{next}</NextMarker>");
        }
        body += &format!(
            "<IsTruncated>{}</IsTruncated></ListBucketResult>",
            next.is_some()
        );
        let fields = "Content-Type: application/xml\r\n".to_owned();
        Reply::Whole("200 OK", fields, body)
    };
    let (site, _tree) = site_and_tree("");
    let web = OddWeb::start(move |asked| {
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        match (path, query.split("marker=").nth(1)) {
            ("/pub/", None) if query.contains("prefix=dir") => {
                listing("dir/", &["dir/c"], Some("dir/c"))
            }
            ("/pub/", Some(_)) if query.contains("prefix=dir") => listing("dir/", &["dir/d"], None),
            ("/pub/", _) if query.contains("prefix=other") => {
                listing("other/", &["other/e", "other/f"], None)
            }
            ("/pub/", _) => listing("", &["a", "b", "dir/", "other/"], None),
            _ => status("404 Not Found", ""),
        }
    });
    let id = add(&site, "m", &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&FILES));
    let asked = web
        .asked()
        .iter()
        .filter(|path| path.ends_with('/') || path.contains('?'))
        .count();
    let counts = serde_json::to_value(last_run(&site, id).counts).expect("JSON");
    assert_eq!(counts["requests"], asked, "{:?}", web.asked());
}
