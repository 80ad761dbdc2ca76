//! `heliostat test`, `probefile`, `iplookup`, `update`: what `mb` asks the network.

use crate::stand_in::probe_site::{AT_ONCE, add, events, fill, is_alive, site, site_with};
use crate::stand_in::scan_site::mirror_record;
use crate::stand_in::webserver::{Manner, WebServer};

#[test]
fn mirrors_are_asked_for_a_file() {
    let site = site(AT_ONCE);
    let web = WebServer::start("127.0.0.1", Manner::Serves);
    fill(&web);
    let page = WebServer::start("127.0.0.1", Manner::Page);
    add(
        &site,
        "good",
        &web.url("").replace("//", "//joe:s3cr3t@"),
        |_| {},
    );
    add(&site, "page", &page.url(""), |_| {});
    add(&site, "off", &web.url(""), |mirror| mirror.enabled = false);
    let said = site.run_ok("heliostat", &["probefile", "/d/ü.rpm"]);
    let lines: Vec<&str> = said.lines().collect();
    let (ok, broken) = (web.url(""), page.url(""));
    assert_eq!(
        lines[0],
        format!("1 {:<30} {ok} IPv4: ok", "good"),
        "{said}"
    );
    assert!(lines[1].starts_with(&format!(
        "0 {:<30} {broken} IPv4: it answers with a",
        "page"
    )));
    assert_eq!(&lines[2..], ["Found: 1"]);
    let said = site.run_ok(
        "heliostat",
        &["probefile", "d/ü.rpm", "-a", "--urls", "all"],
    );
    assert!(said.ends_with("Found: 2\n"), "{said}");
    let said = site.run_ok("heliostat", &["probefile", "nowhere", "-m", "goo"]);
    assert!(
        said.contains("it answers 404 for /nowhere") && said.ends_with("Found: 0\n"),
        "{said}"
    );
}

#[test]
fn one_mirror_is_looked_at_in_detail() {
    let site = site(AT_ONCE);
    let web = WebServer::start("127.0.0.1", Manner::Status(500));
    add(&site, "m", &web.url(""), |_| {});
    let said = site.run_ok("heliostat", &["test", "m"]);
    assert!(said.contains("it answers 500 for /"), "{said}");
    assert!(is_alive(&site, "m"), "a look changes nothing");
}

#[test]
fn what_is_known_of_a_host_is_shown_and_refreshed() {
    let site = site_with("geoip = [\"test.mmdb\"]", "");
    let table = "127.0.0.0/8 de eu 52.5 13.4 64500\n::1/128 fr eu 48 2 64501\n";
    std::fs::write(site.path("table"), table).expect("a table");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/make-mmdb");
    let made = std::process::Command::new(script)
        .args([site.path("table"), site.path("test.mmdb")])
        .status();
    assert!(made.expect("make-mmdb starts").success());
    let lookup = |arguments: &[&str]| {
        let arguments = [&["iplookup"], arguments].concat();
        site.run_ok("heliostat", &arguments)
    };
    let said = lookup(&["127.0.0.1"]);
    assert_eq!(said.lines().next(), Some("127.0.0.0/8 (AS64500)"), "{said}");
    assert_eq!(lookup(&["-p", "127.0.0.1"]), "127.0.0.0/8\n");
    assert_eq!(lookup(&["-a", "::1"]), "64501\n");
    assert_eq!(
        site.run("heliostat", &["iplookup", "192.0.2.1"])
            .status
            .code(),
        Some(1)
    );

    add(&site, "m", "http://127.0.0.1/", |mirror| {
        mirror.country = "us".into()
    });
    add(&site, "six", "http://[::1]/", |_| {});
    let dry = site.run_ok("heliostat", &["update", "-A", "-n", "m"]);
    assert!(dry.contains("m: updating country (us -> de)\n"), "{dry}");
    assert_eq!(mirror_record(&site, "m").country, "us");
    site.run_ok("heliostat", &["update", "--country", "m"]);
    let mirror = mirror_record(&site, "m");
    assert_eq!((mirror.country.as_str(), mirror.asn), ("de", 0));
    let all = site.run_ok("heliostat", &["update", "-A", "--all-mirrors"]);
    assert!(
        all.contains("six: updating ipv6Only (false -> true)\n"),
        "{all}"
    );
    let mirror = mirror_record(&site, "m");
    assert_eq!((mirror.asn, mirror.prefix.as_str()), (64500, "127.0.0.0/8"));
    assert_eq!(
        (mirror.latitude, mirror.longitude),
        (Some(52.5), Some(13.4))
    );
    let told = events(&site, "m");
    assert!(told[1].contains("country: us -> de"), "{told:?}");
    assert_eq!(
        site.run_ok("heliostat", &["update", "-A", "--all-mirrors"]),
        ""
    );
}
