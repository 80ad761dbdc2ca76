//! Web servers that are ill, wrong or hostile: what was known stays, and one line says why.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use heliostat::domain::mirror::MirrorId;

use crate::stand_in::http_site::{FILES, add, healthy, set_url, site_and_tree};
use crate::stand_in::odd_web::{OddWeb, Reply, index, page, status};
use crate::stand_in::port::free_port;
use crate::stand_in::scan_site::{OLD, catalogue_tree, current, last_run, published, set};
use crate::stand_in::site::{TestSite, failure};
use crate::stand_in::webd::{Kind, Tree, Web};

/// A mirror that a good scan of a real server has found to have everything, now at `url`.
fn known_mirror(site: &TestSite, tree: &Tree, url: &str) -> MirrorId {
    let web = Web::start(Kind::Nginx, tree, "UTC", "");
    let id = add(site, "m", &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(site, id), set(&FILES));
    set_url(site, url);
    id
}

/// The scan fails with one line that has `expected`, and changes nothing.
fn fails(site: &TestSite, id: MirrorId, expected: &str) {
    let before = published(site, id);
    let (code, error) = failure(&site.run("heliostat-scan", &["m"]));
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains(expected), "{error}\nwanted {expected}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert_eq!(published(site, id), before);
    assert!(matches!(
        last_run(site, id).outcome.as_str(),
        "failed" | "suspicious"
    ));
}

/// The scan is partial, says `expected`, and what the mirror has stays as it was.
fn is_partial(site: &TestSite, id: MirrorId, expected: &str) {
    let (code, error) = failure(&site.run("heliostat-scan", &["m", "-v"]));
    assert_eq!(code, Some(3), "{error}");
    assert!(error.contains(expected), "{error}\nwanted {expected}");
    assert_eq!(current(site, id), set(&FILES));
    assert_eq!(last_run(site, id).outcome.as_str(), "partial");
}

#[test]
fn a_first_page_that_is_no_index_fails_the_scan() {
    let (site, tree) = site_and_tree("[site.test.scan]\ntimeout_s = 2");
    let port = free_port();
    let id = known_mirror(&site, &tree, &format!("http://127.0.0.1:{port}/"));
    fails(&site, id, "cannot connect (Connection refused");
    let login = "<html><title>Sign in</title><form><input type=password></form>\
                 <a href=\"a\">a</a></html>";
    let cut = index(&[("a", 1), ("b", 1)]).replace("</pre></body></html>\n", "");
    let small = "<html><title>Oops</title><a href=\"a\">a</a></html>".to_owned();
    type Made = Box<dyn Fn() -> Reply + Send + Sync>;
    let cases: Vec<(Made, &str)> = vec![
        (
            Box::new(move || page(login.to_owned())),
            "it is a login page",
        ),
        (
            Box::new(move || page(small.clone())),
            "not an index of files (its title: Oops)",
        ),
        (
            Box::new(move || page(cut.clone())),
            "ends before the index is complete",
        ),
        (
            Box::new(|| status("403 Forbidden", "")),
            "does not allow a listing",
        ),
        (
            Box::new(|| status("404 Not Found", "")),
            "there is no such directory",
        ),
        (
            Box::new(|| status("401 Unauthorized", "")),
            "it wants user and password",
        ),
        (
            Box::new(|| status("500 Oops", "")),
            "answers with status 500",
        ),
        (
            Box::new(|| Reply::Break("<pre>".into())),
            "the connection broke",
        ),
        (
            Box::new(|| Reply::Hang("<pre>".into())),
            "no answer for 2 s",
        ),
        (
            Box::new(|| status("302 Found", "Location: /pub/\r\n")),
            "more than 5 redirects in a row",
        ),
        (
            Box::new(|| status("302 Found", "Location: ftp://h/\r\n")),
            "redirects to what is no URL of a web server",
        ),
        // The page may well be an index; that it has no entries is suspicious.
        (Box::new(|| page(index(&[]))), "the listing is empty"),
    ];
    for (reply, expected) in cases {
        let web = OddWeb::start(move |_| reply());
        set_url(&site, &web.url());
        fails(&site, id, expected);
    }
    set_url(&site, "http://127.0.0.1:1/get?f=");
    fails(&site, id, "its base URL cannot be used; correct it");
}

#[test]
fn another_tree_under_the_url_is_not_published() {
    let (site, _tree) = site_and_tree("");
    let web = OddWeb::start(|_| page(index(&[("x", 1), ("y/", 0), ("a", 77)])));
    let id = add(&site, "m", &web.url());
    fails(&site, id, "is the URL that of this tree?");
    assert!(published(&site, id).is_none());
}

#[test]
fn a_directory_that_cannot_be_listed_keeps_what_was_known_there() {
    let (site, tree) = site_and_tree("[site.test.scan]\ntimeout_s = 2");
    let id = known_mirror(&site, &tree, "http://127.0.0.1:1/");
    type Made = fn() -> Reply;
    let cases: [(Made, &str); 4] = [
        (
            || page("<pre><a href=\"c\">c</a>  1\n".into()),
            "ends before the index",
        ),
        (|| Reply::Hang("<pre>".into()), "no answer for 2 s"),
        (
            || Reply::Break("<pre><a href=c>c</a> 1\n".into()),
            "the connection broke",
        ),
        (|| status("503 Busy", "Retry-After: 9999\r\n"), "it is busy"),
    ];
    for (reply, expected) in cases {
        let web = OddWeb::start(move |asked| match asked.path.as_str() {
            "/pub/dir/" => reply(),
            path => healthy(path),
        });
        set_url(&site, &web.url());
        is_partial(&site, id, expected);
        let (_, error) = failure(&site.run("heliostat-scan", &["m"]));
        assert!(error.contains("could not list 'dir'"), "{error}");
    }
}

#[test]
fn files_of_a_directory_that_cannot_be_listed_are_asked_for_one_by_one() {
    let (site, tree) = site_and_tree("");
    let id = known_mirror(&site, &tree, "http://127.0.0.1:1/");
    type Made = fn() -> Reply;
    let cases: [(Made, &str); 3] = [
        (|| status("403 Forbidden", ""), "status 403"),
        (
            || page("<title>Login</title><input type=password>".into()),
            "a login page",
        ),
        (
            || status("302 Found", "Location: http://127.0.0.1:1/else/\r\n"),
            "redirects to http://127.0.0.1:1/else/, which is not below",
        ),
    ];
    for (reply, expected) in cases {
        let web = OddWeb::start(move |asked| match asked.path.as_str() {
            "/pub/dir/" => reply(),
            path => healthy(path),
        });
        set_url(&site, &web.url());
        let output = site.run("heliostat-scan", &["m", "-v"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(said.contains(expected), "{said}");
        assert_eq!(current(&site, id), set(&FILES));
        assert!(web.asked().iter().any(|path| path == "/pub/dir/c"));
    }
}

#[test]
fn a_real_server_that_closes_a_subtree_loses_nothing_else() {
    let (site, tree) = site_and_tree("");
    let id = known_mirror(&site, &tree, "http://127.0.0.1:1/");
    // Apache leaves what is forbidden out of its page, as if the mirror had lost it.
    let closed = "<Location /pub/dir/>\nRequire all denied\n</Location>";
    let web = Web::start(Kind::ApacheTable, &tree, "UTC", closed);
    set_url(&site, &web.url());
    tree.remove("other/f");
    let (code, error) = failure(&site.run("heliostat-scan", &["m"]));
    assert_eq!(code, Some(3), "{error}");
    assert!(error.contains("could not list 'dir'"), "{error}");
    assert_eq!(current(&site, id), set(&FILES[..5]));
    // A directory that is really gone is gone.
    drop(web);
    let web = Web::start(Kind::ApacheTable, &tree, "UTC", "");
    set_url(&site, &web.url());
    std::fs::remove_dir_all(tree.path().join("other")).expect("other");
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&FILES[..4]));
}

#[test]
fn a_server_that_goes_away_in_the_middle_is_given_up() {
    let files: Vec<String> = (0..40).map(|number| format!("d{number}/x")).collect();
    let site = TestSite::with_config("[site.test.scan]\ntimeout_s = 1\nrequests = 1");
    for path in &files {
        site.write(path, b"x", OLD);
    }
    catalogue_tree(&site);
    let count = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&count);
    let web = OddWeb::start(move |asked| {
        if asked.path == "/pub/" {
            let names: Vec<String> = (0..40).map(|number| format!("d{number}/")).collect();
            return page(index(
                &names
                    .iter()
                    .map(|name| (name.as_str(), 0))
                    .collect::<Vec<_>>(),
            ));
        }
        if seen.fetch_add(1, Ordering::Relaxed) < 10 {
            return page(index(&[("x", 1)]));
        }
        Reply::Hang(String::new())
    });
    let id = add(&site, "m", &web.url());
    let (code, error) = failure(&site.run("heliostat-scan", &["m", "-v"]));
    assert_eq!(code, Some(3), "{error}");
    assert!(
        error.contains("given up after 3 failures in a row"),
        "{error}"
    );
    assert_eq!(current(&site, id).len(), 10);
    assert_eq!(count.load(Ordering::Relaxed), 13);
}

#[test]
fn a_busy_server_is_asked_later_and_for_one_thing_at_a_time() {
    let (site, _tree) = site_and_tree("");
    let busy = Arc::new(AtomicU32::new(0));
    let web = OddWeb::start(move |asked| {
        if asked.path != "/pub/" && busy.fetch_add(1, Ordering::Relaxed) < 2 {
            return status("429 Too Many Requests", "Retry-After: 1\r\n");
        }
        healthy(&asked.path)
    });
    let id = add(&site, "m", &web.url());
    let start = std::time::Instant::now();
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&FILES));
    assert!(start.elapsed().as_secs() >= 1);
    assert_eq!(web.asked().len(), 5, "{:?}", web.asked());
}
