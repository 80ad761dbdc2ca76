//! URLs of mirrors that cannot be read show no password either: not in the summary of an import, in
//! no message, list, run and event.

use crate::stand_in::http_site::site_and_tree;
use crate::stand_in::scan_site::add_mirror;
use crate::stand_in::site::TestSite;

/// The beginning of each password.
const SECRET: &str = "s3cr3t";

/// With `PASSWORD` in place of it; the last ones are for rsync.
const URLS: [&str; 16] = [
    "joe:PASSWORD@m/x",
    "//joe:PASSWORD@m/x",
    "/joe:PASSWORD@m/x",
    "http:/joe:PASSWORD@m/x",
    "http//joe:PASSWORD@m/x",
    "http:///joe:PASSWORD@m/x",
    "http:joe:PASSWORD@m/x",
    "http:\\\\joe:PASSWORD@m\\x",
    "gopher://joe:PASSWORD@m/x",
    "http://joe:PASSWORD@/x",
    "http://joe:PASSWORD@m:99999/x",
    "http://joe:PASSWORD@[::/x",
    "http://joe:x/PASSWORD@m/x",
    "http://joe:x?PASSWORD@m/x",
    "http://joe:x#PASSWORD@m/x",
    "joe:PASSWORD@m::pub/x",
];

fn urls() -> impl Iterator<Item = String> {
    URLS.iter().map(|url| url.replace("PASSWORD", SECRET))
}

#[track_caller]
fn is_clean(site: &TestSite, program: &str, arguments: &[&str]) {
    let mut command = site.command(program);
    let output = command
        .args(arguments)
        .env("RUST_LOG", "trace")
        .output()
        .expect("it starts");
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(!said.is_empty(), "{arguments:?} says nothing");
    let arguments: Vec<String> = arguments.iter().map(|a| a.replace(SECRET, "…")).collect();
    let line = said.lines().find(|line| line.contains(SECRET));
    assert_eq!(line, None, "{program} {arguments:?}");
}

fn imported_is_clean(url: &str) {
    let site = TestSite::new();
    let path = site.path("mirrors.sql");
    let values = format!(
        "(1, 'm', '{url}', '', '', 't', 't', '{url}'),\n\
         (2, 'n', 'http://joe:{SECRET}@n/', 'ftp://joe:{SECRET}@n/', '{url}', 't', 't', \
         'ftp://joe:{SECRET}@n/'),\n(3, 'o', '{url} x', '{url}', '{url}', 't', 't', '')"
    );
    let text = format!(
        "INSERT INTO server (id, identifier, baseurl, baseurl_ftp, baseurl_rsync, enabled, \
         status_baseurl, baseurl_https) VALUES\n{values};\n"
    );
    let path = path.to_str().expect("text");
    let moved = text.replace("(id, identifier, baseurl,", "(id, identifier, score,");
    for text in [text.replace(" x'", "'"), text, moved] {
        std::fs::write(path, text).expect("a file");
        for more in [&["--dry-run"][..], &["--dry-run", "--json"]] {
            let arguments = [&["import", "mirrorbrain", path], more].concat();
            is_clean(&site, "heliostat", &arguments);
        }
    }
}

#[test]
fn an_import_shows_no_password_of_a_url_that_cannot_be_read() {
    urls().for_each(|url| imported_is_clean(&url));
}

#[test]
fn new_and_edit_show_no_password_of_a_url_that_is_refused() {
    let site = TestSite::new();
    add_mirror(&site, "m", "", |_| {});
    let more = format!("http://joe:{SECRET}@m/ x");
    for url in urls().chain([more]) {
        for key in ["baseurl", "baseurlFtp", "baseurlRsync", "moreBaseurls"] {
            let set = format!("{key}={url}");
            is_clean(&site, "heliostat", &["edit", "m", "--set", &set]);
        }
        for option in ["-H", "-F", "-R", "--https"] {
            let mut arguments = vec!["new", "new", option, url.as_str()];
            if option != "-H" {
                arguments.extend(["-H", "http://new/"]);
            }
            is_clean(&site, "heliostat", &arguments);
            site.run("heliostat", &["delete", "--yes", "new"]);
        }
    }
}

#[test]
fn programs_show_no_password_of_stored_urls_that_cannot_be_read() {
    let (site, _tree) = site_and_tree("[site.test.scan]\ntimeout_s = 2\n");
    // Earlier versions took more than this one does.
    let space = format!("http://joe:x {SECRET}@m/");
    let names: Vec<String> = (0..=URLS.len())
        .map(|number| format!("m{number}."))
        .collect();
    for (name, url) in names.iter().zip(urls().chain([space])) {
        add_mirror(&site, name, &url, |mirror| {
            mirror.base_url = url.clone();
            mirror.ftp_url = url.clone();
            if ["http", "https", "ftp"]
                .iter()
                .any(|s| url.starts_with(&format!("{s}://")))
            {
                mirror.further_base_urls = vec![url.clone()];
            }
        });
    }
    is_clean(&site, "heliostat-scan", &["--all", "-vv"]);
    is_clean(&site, "heliostat-probe", &["-vv"]);
    is_clean(&site, "heliostat-probe", &["--json"]);
    for name in &names {
        is_clean(&site, "heliostat", &["show", name]);
        is_clean(&site, "heliostat", &["edit", name, "--set", "score=5"]);
        is_clean(&site, "heliostat", &["test", name]);
    }
    for arguments in [
        &["list", "-a", "-H", "-F", "-R"][..],
        &["list", "-a", "--field", "moreBaseurls"],
        &["list", "-a", "--json"],
        &["status", "-a", "--json"],
        &["update", "-A", "--all-mirrors", "-n"],
        &["update", "--https", "--all-mirrors", "-n"],
        &["probefile", "a", "-a", "--urls", "all"],
        &["explain", "/a", "--ip", "192.0.2.1"],
        &["explain", "/a", "--ip", "192.0.2.1", "--json"],
        &["file", "ls", "-u", "a"],
        &["runs", "--json"],
        &["events", "--json"],
        &["iplookup", &format!("http://joe:{SECRET}@m/")],
    ] {
        is_clean(&site, "heliostat", arguments);
    }
}
