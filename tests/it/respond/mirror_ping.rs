//! Pings: requests for scans, by command and through the responder.

use heliostat::db::scan::request;
use heliostat::domain::mirror::MirrorId;

use crate::stand_in::fcgi_client::Request;
use crate::stand_in::http_site::{add, healthy, site_and_tree};
use crate::stand_in::odd_web::OddWeb;
use crate::stand_in::responder::Responder;
use crate::stand_in::scan_site::reader;
use crate::stand_in::site::{TestSite, failure};

fn requested(site: &TestSite) -> Vec<i64> {
    let all = request::all(&reader(site)).expect("the database");
    let mut ids: Vec<i64> = all.into_keys().map(|MirrorId(id)| id).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_ping_by_command_is_a_request_until_a_scan_begins() {
    let (site, _tree) = site_and_tree("");
    let web = OddWeb::start(|asked| healthy(&asked.path));
    let one = add(&site, "one", &web.url());
    let two = add(&site, "two", &web.url());
    let said = site.run_ok("heliostat", &["ping", "one", "two"]);
    assert_eq!(
        said,
        "one: a scan is asked for.\ntwo: a scan is asked for.\n"
    );
    assert_eq!(requested(&site), [one.0, two.0]);
    // A part of the tree is no scan of the mirror.
    site.run_ok("heliostat-scan", &["-d", "dir", "one"]);
    assert_eq!(requested(&site), [one.0, two.0]);
    site.run_ok("heliostat-scan", &["one"]);
    assert_eq!(requested(&site), [two.0]);
    let (code, error) = failure(&site.run("heliostat", &["ping", "one", "three"]));
    assert_eq!((code, error.lines().count()), (Some(1), 1), "{error}");
    assert_eq!(requested(&site), [two.0], "all of them or none");
}

#[test]
fn a_ping_through_the_responder_is_a_file_and_then_a_request() {
    let (site, _tree) = site_and_tree("ping = \"ping\"");
    let web = OddWeb::start(|asked| healthy(&asked.path));
    let one = add(&site, "one.example", &web.url());
    add(&site, "two", &web.url());
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let mut ask = |method: &str, path: &str| client.send(&Request::new(method, path)).status;
    let ping = "/.heliostat/ping/one.example";
    assert_eq!(ask("POST", ping), 503, "no folder");
    std::fs::create_dir(site.path("ping")).expect("directory");
    for _ in 0..3 {
        assert_eq!(ask("POST", ping), 204);
    }
    assert_eq!(
        ask("GET", ping),
        404,
        "what any page could make a browser ask"
    );
    for path in ["three", "one", "one.example.org"] {
        let path = format!("/.heliostat/ping/{path}");
        assert_eq!(
            ask("POST", &path),
            204,
            "{path}: nobody learns who is a mirror"
        );
    }
    for path in ["", "..", "one.example/x", "../../tree/x"] {
        let path = format!("/.heliostat/ping/{path}");
        let status = ask("POST", &path);
        assert!(matches!(status, 404 | 405), "{path}: {status}");
    }
    assert_eq!(ask("HEAD", ping), 404);
    assert_eq!(ask("DELETE", ping), 405);
    let names = || {
        let entries = std::fs::read_dir(site.path("ping")).expect("directory");
        entries
            .map(|e| e.expect("an entry").file_name())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(), ["one.example"]);
    assert!(
        requested(&site).is_empty(),
        "the responder writes no database"
    );
    // Any scan collects; that of the mirror itself would also answer.
    site.run_ok("heliostat-scan", &["two"]);
    assert_eq!((requested(&site), names().len()), (vec![one.0], 0));
    site.run_ok("heliostat-scan", &["one.example"]);
    assert!(requested(&site).is_empty());
}

#[test]
fn without_a_folder_there_are_no_pings_and_our_own_trace_is_served_here() {
    let fallback = "[site.test.rules]\nmin_size = 0\nfallback_when_unknown = true\n\
        fallbacks = [{ region = \"**\", country = \"**\", url = \"http://f/\" }]";
    let (site, _tree) = site_and_tree(fallback);
    site.write(".heliostat.json", b"{}", 1_000_000_000);
    site.write("uncatalogued", b"{}", 1_000_000_000);
    add(&site, "one", "http://127.0.0.1:1/");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let answer = client.send(&Request::get("/.heliostat/ping/one"));
    assert_eq!(answer.status, 404);
    let answer = client.send(&Request::new("POST", "/.heliostat/ping/one"));
    assert_eq!(answer.status, 405);
    let other = client.send(&Request::get("/uncatalogued"));
    assert_eq!(
        other.status, 302,
        "what nobody is known to have has a fallback"
    );
    let answer = client.send(&Request::get("/.heliostat.json"));
    let file = answer.text("X-Sendfile").expect("served here");
    assert!(file.ends_with("/.heliostat.json"), "{file}");
}

#[test]
fn pings_of_a_mirror_lead_to_so_many_scans_a_day() {
    let (site, _tree) = site_and_tree("ping = \"ping\"");
    std::fs::create_dir(site.path("ping")).expect("directory");
    add(&site, "one", "http://127.0.0.1:1/");
    add(&site, "two", "http://127.0.0.1:1/");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let mut pinged = |name: &str| {
        let asked = Request::new("POST", format!("/.heliostat/ping/{name}"));
        assert_eq!(client.send(&asked).status, 204);
        // A scan takes the file.
        std::fs::remove_file(site.path(&format!("ping/{name}"))).is_ok()
    };
    let counted = (0..100).filter(|_| pinged("one")).count();
    assert_eq!(counted, 48);
    assert!(pinged("two"), "another mirror has its own");
}
