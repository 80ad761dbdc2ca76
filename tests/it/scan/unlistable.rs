//! Mirrors with directories that cannot be listed: what lies below is asked for, what is right in
//! them one by one, and what is not there is not kept for ever.

use crate::stand_in::http_site::{FILES, add, file, healthy, set_url, site_and_tree};
use crate::stand_in::odd_web::{OddWeb, Reply, index, page, status};
use crate::stand_in::scan_site::{OLD, catalogue_tree, current, last_run, published, set};
use crate::stand_in::site::{TestSite, failure};

type Made = fn() -> Reply;

/// Answers in place of a directory's page that are none.
const NO_PAGES: [(Made, &str); 7] = [
    (|| status("403 Forbidden", ""), "status 403"),
    (
        || page("<html><title>Welcome</title><p>Our mirror</html>".into()),
        "it is not an index of files",
    ),
    (
        || status("302 Found", "Location: http://127.0.0.1:1/\r\n"),
        "which is not followed",
    ),
    (|| status("302 Found", "Location: /welcome.html\r\n"), ""),
    (
        || status("302 Found", "Location: https://127.0.0.1:1/\r\n"),
        "redirects to https://127.0.0.1:1/",
    ),
    (
        || page("<ListBucketResult><Key>a</Key></ListBucketResult>".into()),
        "a bucket's listing",
    ),
    (
        || page("<ul><li><a href=\"/pub/a\">a</a> 1<li><a href=\"?dir=dir\">dir</a></ul>".into()),
        "directories by arguments",
    ),
];

fn with_top(top: Made) -> OddWeb {
    OddWeb::start(move |asked| match asked.path.as_str() {
        "/pub/" => top(),
        "/welcome.html" => page("<html><title>Welcome</title></html>".into()),
        path => healthy(path),
    })
}

#[test]
fn below_a_top_that_cannot_be_listed_all_is_found() {
    let (site, _tree) = site_and_tree("");
    let id = add(&site, "m", "http://127.0.0.1:1/");
    for (top, why) in NO_PAGES {
        let web = with_top(top);
        set_url(&site, &web.url());
        let output = site.run("heliostat-scan", &["m", "-v"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{why}: {said}");
        assert!(said.contains(why), "{why}: {said}");
        assert_eq!(current(&site, id), set(&FILES), "{why}");
        for asked in ["/pub/dir/", "/pub/other/", "/pub/a", "/pub/b"] {
            assert!(web.asked().iter().any(|path| path == asked), "{asked}");
        }
    }
}

#[test]
fn a_page_with_a_name_that_no_file_can_have_takes_nothing_away() {
    let (site, _tree) = site_and_tree("");
    let web = OddWeb::start(|asked| healthy(&asked.path));
    let id = add(&site, "m", &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&FILES));
    drop(web);
    for name in ["odd/name", "odd\\u0000", "/", "//"] {
        let json = format!(
            "[{{\"name\":\"{name}\",\"type\":\"file\",\"size\":1}},\
             {{\"name\":\"..\",\"type\":\"directory\"}},\
             {{\"name\":\"other\",\"type\":\"directory\"}}]"
        );
        let web = OddWeb::start(move |asked| match asked.path.as_str() {
            "/pub/" => {
                let fields = "Content-Type: application/json\r\n".to_owned();
                Reply::Whole("200 OK", fields, json.clone())
            }
            path => healthy(path),
        });
        set_url(&site, &web.url());
        let output = site.run("heliostat-scan", &["m", "-v"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(current(&site, id), set(&FILES), "{name}: {said}");
        assert!(said.contains("a form that is not known"), "{name}: {said}");
    }
}

#[test]
fn a_directory_without_its_slash_is_the_same_place() {
    let (site, _tree) = site_and_tree("");
    for links in ["/pub/dir/c", "dir/c", "http://127.0.0.1:1/pub/dir/c"] {
        let web = OddWeb::start(move |asked| match asked.path.as_str() {
            "/pub/dir/" => status("301 Moved Permanently", "Location: /pub/dir\r\n"),
            "/pub/dir" => page(index(&[(links, 5)])),
            path => healthy(path),
        });
        let name = links.replace(['/', ':', '.'], "-");
        let id = add(&site, &format!("m{name}"), &web.url());
        site.run_ok("heliostat-scan", &[&format!("m{name}")]);
        // A link that leads elsewhere is no empty directory: its files are asked for.
        let is_elsewhere = links.starts_with("http");
        assert_eq!(
            current(&site, id).contains("dir/d"),
            is_elsewhere,
            "{links}"
        );
        assert!(current(&site, id).contains("dir/c"), "{links}");
    }
}

#[test]
fn a_file_that_is_gone_in_an_unlistable_directory_is_not_kept() {
    let (site, _tree) = site_and_tree("");
    let web = OddWeb::start(|asked| healthy(&asked.path));
    let id = add(&site, "m", &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    let web = OddWeb::start(|asked| match asked.path.as_str() {
        "/pub/dir/" => status("403 Forbidden", ""),
        "/pub/dir/c" => status("404 Not Found", ""),
        path => healthy(path),
    });
    set_url(&site, &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(
        current(&site, id),
        set(&["a", "b", "dir/d", "other/e", "other/f"])
    );
}

#[test]
fn a_full_unlistable_directory_stays_as_it_was() {
    let site = TestSite::new();
    let names: Vec<String> = (0..60)
        .map(|number| format!("dir/file{number:02}"))
        .collect();
    for name in names.iter().map(String::as_str).chain(["a"]) {
        site.write(name, name.as_bytes(), OLD);
    }
    catalogue_tree(&site);
    let listed = names.clone();
    let web = OddWeb::start(move |asked| match asked.path.as_str() {
        "/pub/" => page(index(&[("dir/", 0), ("a", 1)])),
        "/pub/dir/" => {
            let entries: Vec<(&str, u64)> = listed.iter().map(|name| (&name[4..], 10)).collect();
            page(index(&entries))
        }
        _ => status("404 Not Found", ""),
    });
    let id = add(&site, "m", &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    let before = current(&site, id);
    assert_eq!(before.len(), 61);
    let web = OddWeb::start(|asked| match asked.path.as_str() {
        "/pub/" => page(index(&[("dir/", 0), ("a", 1)])),
        _ => status("403 Forbidden", ""),
    });
    set_url(&site, &web.url());
    let (code, error) = failure(&site.run("heliostat-scan", &["m"]));
    assert_eq!(code, Some(3), "{error}");
    assert!(error.contains("the server could not list 'dir'"), "{error}");
    assert_eq!(current(&site, id), before);
    assert_eq!(web.asked(), ["/pub/", "/pub/dir/"]);
}

#[test]
fn a_mirror_without_any_index_fails_with_its_first_words() {
    let (site, _tree) = site_and_tree("");
    for number in 0..80 {
        site.write(format!("d{number}/x"), b"x", OLD);
    }
    catalogue_tree(&site);
    let web = OddWeb::start(|_| status("403 Forbidden", ""));
    let id = add(&site, "m", &web.url());
    let (code, error) = failure(&site.run("heliostat-scan", &["m"]));
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("it does not allow a listing"), "{error}");
    assert_eq!(last_run(&site, id).outcome.as_str(), "failed");
    assert!(published(&site, id).is_none());
    assert!(web.asked().len() < 60, "{}", web.asked().len());
}

#[test]
fn object_stores_without_an_index_are_asked_for_their_files() {
    let (site, _tree) = site_and_tree("");
    let web = OddWeb::start(|asked| match asked.path.strip_prefix("/pub/") {
        Some(path) if FILES.contains(&path) => file(path),
        _ => status("404 Not Found", ""),
    });
    let id = add(&site, "m", &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&FILES));
}

#[test]
fn a_linked_directory_that_is_gone_is_believed_when_a_file_in_it_is_gone() {
    let (site, _tree) = site_and_tree("[site.test.scan]\nvanished_share_max = 0.5");
    let web = OddWeb::start(|asked| healthy(&asked.path));
    let id = add(&site, "m", &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    // Its files answer: it is only not listed.
    let web = OddWeb::start(|asked| match asked.path.as_str() {
        "/pub/dir/" => status("404 Not Found", ""),
        path => healthy(path),
    });
    set_url(&site, &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&FILES));
    let web = OddWeb::start(|asked| match asked.path.as_str() {
        path if path.starts_with("/pub/dir/") => status("410 Gone", ""),
        path => healthy(path),
    });
    set_url(&site, &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&["a", "b", "other/e", "other/f"]));
    // A directory is kept if the server says neither, and the report tells so.
    let web = OddWeb::start(|asked| match asked.path.as_str() {
        "/pub/other/" => status("404 Not Found", ""),
        path if path.starts_with("/pub/other/") => status("403 Forbidden", ""),
        path => healthy(path),
    });
    set_url(&site, &web.url());
    let (code, error) = failure(&site.run("heliostat-scan", &["m"]));
    assert_eq!(code, Some(3), "{error}");
    assert!(current(&site, id).contains("other/e"));
}

#[test]
fn a_scan_of_a_directory_begins_there() {
    let (site, _tree) = site_and_tree("");
    let web = with_top(|| status("500 Oops", ""));
    let id = add(&site, "m", &web.url());
    site.run_ok("heliostat-scan", &["-d", "dir", "m"]);
    assert_eq!(current(&site, id), set(&["dir/c", "dir/d"]));
    assert_eq!(web.asked(), ["/pub/dir/"]);
    // A single file is looked for in its directory.
    site.run_ok("heliostat-scan", &["-d", "other/e", "m"]);
    assert_eq!(current(&site, id), set(&["dir/c", "dir/d", "other/e"]));
    // One that is not there takes its files away, since they are gone, too.
    let web = OddWeb::start(|asked| match asked.path.as_str() {
        path if path.starts_with("/pub/other") => status("404 Not Found", ""),
        path => healthy(path),
    });
    set_url(&site, &web.url());
    site.run_ok("heliostat-scan", &["-d", "other", "--force", "m"]);
    assert_eq!(current(&site, id), set(&["dir/c", "dir/d"]));
    // Where the base URL leads elsewhere, so does what lies below.
    let web = OddWeb::start(|asked| match asked.path.strip_prefix("/pub/") {
        Some(path) => status("302 Found", &format!("Location: /real/{path}\r\n")),
        None => healthy(&asked.path.replace("/real/", "/pub/")),
    });
    set_url(&site, &web.url());
    site.run_ok("heliostat-scan", &["-d", "other", "m"]);
    assert_eq!(
        current(&site, id),
        set(&["dir/c", "dir/d", "other/e", "other/f"])
    );
}
