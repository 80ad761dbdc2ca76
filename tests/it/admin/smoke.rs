//! `smoke` finds out what each mirror sends, through the real responder.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::stand_in::fcgi_client::{FcgiClient, Request};
use crate::stand_in::odd_web::{OddWeb, Reply};
use crate::stand_in::probe_site::{add, fill, site};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::{TestSite, failure, program_path};
use crate::stand_in::webserver::{Manner, WebServer};

/// A web server in front of the responder.
fn virtual_host(site: &TestSite) -> OddWeb {
    let socket = site.path("fcgi.sock");
    OddWeb::start(move |asked| {
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        let path = heliostat::domain::escape::percent_decode(path.as_bytes());
        let answer = FcgiClient::connect(&socket).send(&Request::get(path).query(query));
        let fields = answer.headers.iter();
        let fields = fields.filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        let fields = fields.map(|(name, value)| {
            let value = String::from_utf8_lossy(value);
            format!("{name}: {value}\r\n")
        });
        let status = match answer.status {
            200 => "200 OK",
            302 => "302 Found",
            _ => "404 Not Found",
        };
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        Reply::Whole(status, fields.collect(), body)
    })
}

fn url(host: &OddWeb) -> String {
    format!("http://127.0.0.1:{}", host.port())
}

/// A mirror of loopback with all files.
fn mirror(site: &TestSite, name: &str, manner: Manner) -> WebServer {
    let server = WebServer::start("127.0.0.1", manner);
    fill(&server);
    add(site, name, &server.url(""), |_| {});
    server
}

/// A site with hashes.
fn hashed_site() -> TestSite {
    let site = site("");
    site.run_ok("heliostat-index", &["-q"]);
    site
}

fn run(site: &TestSite, arguments: &[&str]) -> (Option<i32>, Value) {
    let arguments = [&["smoke", "--json", "-"][..], arguments].concat();
    let output = site.run("heliostat", &arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = serde_json::from_str(&said);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let value = value.unwrap_or_else(|problem| panic!("{problem}: {said}{error}"));
    (output.status.code(), value)
}

/// The mirror of a report by its name.
fn named<'v>(report: &'v Value, name: &str) -> &'v Value {
    let mirrors = report["mirrors"].as_object().expect("mirrors");
    let found = mirrors.values().find(|mirror| mirror["names"][0] == name);
    found.unwrap_or_else(|| panic!("no mirror {name}: {report:#}"))
}

/// The outcomes of a mirror, other than those that are well.
fn faults(mirror: &Value) -> Vec<String> {
    let outcomes = mirror["outcomes"].as_object().expect("outcomes");
    outcomes
        .keys()
        .filter(|word| *word != "ok")
        .cloned()
        .collect()
}

#[test]
fn each_mirror_is_known_by_what_it_sends() {
    let site = hashed_site();
    let _right = mirror(&site, "right", Manner::Serves);
    let _longer = mirror(&site, "longer", Manner::Longer);
    let _login = mirror(&site, "login", Manner::Page);
    let _hangs = mirror(&site, "hangs", Manner::Hangs);
    let _empty = mirror(&site, "empty", Manner::Status(404));
    let _closed = mirror(&site, "closed", Manner::Status(403));
    let damaged = mirror(&site, "damaged", Manner::Serves);
    for (path, content) in [("a%20b.iso", "THIS is a b.iso"), ("z.zip", "THIS is z.zip")] {
        damaged.put(path, content.as_bytes());
    }
    damaged.put("d/%C3%BC.rpm", "THIS is d/ü.rpm".as_bytes());
    damaged.put("d/c.tar.gz", b"THIS is d/c.tar.gz");
    let _responder = Responder::start(&site);
    let host = virtual_host(&site);
    let (code, report) = run(&site, &[&url(&host), "--files", "2", "--seed", "7"]);
    assert_eq!(code, Some(3), "{report:#}");
    for (name, expected) in [
        ("right", &[][..]),
        ("longer", &["wrong size"]),
        ("login", &["login page"]),
        ("hangs", &["silent"]),
        ("empty", &["404"]),
        ("closed", &["refused"]),
        ("damaged", &["wrong digest"]),
    ] {
        let mirror = named(&report, name);
        assert_eq!(faults(mirror), expected, "{name}: {mirror:#}");
    }
    let right = named(&report, "right");
    assert_eq!(
        right["digests"], right["outcomes"]["ok"],
        "each byte was checked"
    );
    assert_eq!(report["missed"], Value::Array(Vec::new()));
    assert_eq!(report["runs"][0]["seed"], 7);
    let asked = host.asked();
    assert_eq!(asked.len(), 6, "two files, three manners: {asked:?}");
}

#[test]
fn mirrors_that_are_well_end_with_0_and_people_read_why_others_are_not() {
    let site = hashed_site();
    let server = mirror(&site, "right", Manner::Serves);
    let _responder = Responder::start(&site);
    let host = virtual_host(&site);
    let places = ["--place", "de", "--place", "AS64500"];
    let url = url(&host);
    let said = site.run_ok("heliostat", &[&["smoke", &url][..], &places].concat());
    assert!(
        said.contains("mirrors: well 1, bad 0, unknown 0; the host itself: well"),
        "{said}"
    );
    let asked = host.asked();
    for part in [
        "/z.zip?country=de",
        "/z.zip?as=64500",
        "/z.zip.meta4?country=de",
    ] {
        assert!(asked.iter().any(|path| path == part), "{part}: {asked:?}");
    }
    // A large file is checked by a part of it, and all together stay below the limit.
    let said = site.run_ok("heliostat", &["smoke", &url, "--bytes-per-mirror", "20"]);
    assert!(said.contains("not finished"), "{said}");
    server.behave(Manner::Page);
    let output = site.run("heliostat", &["smoke", &url]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    let problem = "it sends a page (22 bytes of text/html) in place of the file";
    assert!(
        said.contains("    login page: /") && said.contains(problem),
        "{said}"
    );
}

#[test]
fn mirrors_lead_where_probes_may_follow_and_errors_of_this_machine_are_unknown() {
    let site = hashed_site();
    let right = WebServer::start("127.0.0.1", Manner::Serves);
    fill(&right);
    let to = format!("http://{}{{}}", right.address());
    let _leads = mirror(&site, "leads", Manner::Redirects(to));
    // A mirror at a public address of a documentation network may not lead into this host.
    let _away = mirror(
        &site,
        "away",
        Manner::Redirects("http://127.0.0.1:9{}".to_owned()),
    );
    add(&site, "nowhere", "http://no-such-host.invalid/pub/", |_| {});
    let _responder = Responder::start(&site);
    let host = virtual_host(&site);
    let (code, report) = run(&site, &[&url(&host), "--files", "1"]);
    assert_eq!(code, Some(3), "{report:#}");
    // Another port than that of the mirror's own URLs.
    assert_eq!(faults(named(&report, "leads")), ["bad redirect"]);
    assert_eq!(faults(named(&report, "away")), ["bad redirect"]);
    assert_eq!(faults(named(&report, "nowhere")), ["unknown"]);
    assert!(right.requests().is_empty(), "it was not asked");
}

/// The program on a machine that has no configuration.
fn run_elsewhere(site: &TestSite, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(program_path("heliostat"))
        .arg("smoke")
        .args(arguments)
        .env("HELIOSTAT_CONFIG", site.path("there-is-none.toml"))
        .env("NO_COLOR", "1")
        .output()
        .expect("it starts");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn shown(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn reports_of_several_machines_are_added_up() {
    let site = hashed_site();
    let server = mirror(&site, "m", Manner::Serves);
    let _responder = Responder::start(&site);
    let host = virtual_host(&site);
    let url = url(&host);
    let list = site.path("paths.txt");
    std::fs::write(&list, "/a b.iso\nz.zip\n\nd/c.tar.gz\n").expect("a list");
    let (first, second) = (site.path("first.json"), site.path("second.json"));
    // Without a configuration: digests are those of the host's metalinks.
    let arguments = [&url, "--list", shown(&list), "--json", shown(&first)];
    let (code, said, error) = run_elsewhere(&site, &arguments);
    assert_eq!(code, Some(0), "{said}{error}");
    server.put("z.zip", b"THIS is z.zip");
    let lasting = ["--for", "6s", "--every", "1s", "--json", shown(&second)];
    let (code, said, error) = run_elsewhere(
        &site,
        &[&[&url, "--list", shown(&list)][..], &lasting].concat(),
    );
    assert_eq!(code, Some(3), "{said}{error}");
    let merged = ["--merge", shown(&first), shown(&second), "--json", "-"];
    let (code, said, error) = run_elsewhere(&site, &merged);
    assert_eq!(code, Some(3), "{error}");
    let whole: Value = serde_json::from_str(&said).expect("JSON");
    let read = |path: &PathBuf| -> Value {
        serde_json::from_slice(&std::fs::read(path).expect("a report")).expect("JSON")
    };
    let parts = [read(&first), read(&second)];
    assert_eq!(whole["runs"].as_array().map(Vec::len), Some(2));
    assert!(
        parts[1]["runs"][0]["rounds"].as_u64() >= Some(2),
        "{:#}",
        parts[1]
    );
    let ok = |report: &Value| named(report, "m")["outcomes"]["ok"].as_u64().unwrap_or(0);
    assert_eq!(ok(&whole), ok(&parts[0]) + ok(&parts[1]));
    assert_eq!(ok(&parts[0]), named(&parts[0], "m")["digests"]);
    assert_eq!(faults(named(&whole, "m")), ["wrong digest"]);
    let (code, said, _) = run_elsewhere(&site, &merged[..3]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("wrong digest: /z.zip"), "{said}");
}

#[test]
fn wrong_input_is_named() {
    let site = hashed_site();
    let bad = site.path("bad.json");
    std::fs::write(&bad, "{}").expect("a file");
    for (arguments, code, expected) in [
        (&["smoke"][..], 2, "URL"),
        (
            &["smoke", "ftp://x"],
            2,
            "URL: 'ftp://x' is no URL of http or https",
        ),
        (
            &["smoke", "--merge", shown(&bad)],
            2,
            "it is no report of `heliostat smoke --json`",
        ),
        (
            &["smoke", "http://127.0.0.1:1", "--list", "/none"],
            2,
            "/none: it cannot be read",
        ),
        (
            &["smoke", "http://127.0.0.1:1", "--place", "xyz"],
            2,
            "write a country",
        ),
        (
            &["smoke", "http://127.0.0.1:1", "--for", "8"],
            2,
            "write a time",
        ),
        (
            &["smoke", "http://127.0.0.1:1"],
            1,
            "http://127.0.0.1:1 cannot be asked: ",
        ),
    ] {
        let (found, text) = failure(&site.run("heliostat", arguments));
        assert_eq!(found, Some(code), "{arguments:?}: {text}");
        assert!(text.contains(expected), "{arguments:?}: {text}");
    }
}
