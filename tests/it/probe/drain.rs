//! Drains: a mirror leaves slowly, and comes back when it is well again.

use serde_json::Value;

use crate::stand_in::fcgi_client::{FcgiClient, Request};
use crate::stand_in::probe_site::{AT_ONCE, FILES, add, events, fill, pass, site_with};
use crate::stand_in::responder::Responder;
use crate::stand_in::rsyncd::Rsyncd;
use crate::stand_in::scan_site::OLD;
use crate::stand_in::site::{TestSite, eventually};
use crate::stand_in::webserver::{Manner, WebServer};

/// Where clients are sent in some draws: the mirrors, or here.
fn ways(client: &mut FcgiClient) -> String {
    let mut ways = Vec::new();
    for _ in 0..40 {
        let answer = client.send(&Request::get("/z.zip"));
        ways.push(match answer.text("X-MirrorBrain-Mirror") {
            Some(mirror) if answer.status == 302 => mirror,
            _ => answer
                .header("X-Sendfile")
                .map_or("nobody", |_| "here")
                .to_owned(),
        });
    }
    ways.sort();
    ways.dedup();
    ways.join(" ")
}

fn json(site: &TestSite, arguments: &[&str]) -> Value {
    serde_json::from_str(&site.run_ok("heliostat", arguments)).expect("JSON")
}

/// People are told of a drain.
fn it_is_told(site: &TestSite) {
    let explained = site.run_ok("heliostat", &["explain", "/z.zip", "--ip", "192.0.2.1"]);
    assert!(explained.contains("drain      m1: drained "), "{explained}");
    let explained = json(site, &["explain", "/z.zip", "--ip", "192.0.2.1", "--json"]);
    assert_eq!(explained["excluded"][0]["reason"], "drained", "{explained}");
    let status = site.run_ok("heliostat", &["status", "--all"]);
    assert!(status.contains("new disks"), "{status}");
}

#[test]
fn a_drained_mirror_leaves_and_comes_back_when_it_is_well() {
    let site = site_with("", AT_ONCE);
    let (server, daemon) = (
        WebServer::start("127.0.0.1", Manner::Serves),
        Rsyncd::start(),
    );
    fill(&server);
    for file in FILES {
        daemon.write(file, format!("this is {file}").as_bytes(), OLD);
    }
    add(&site, "m1", &server.url(""), |record| {
        record.rsync_url = daemon.url("pub")
    });
    add(&site, "m2", "http://m2.test/", |_| {});
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    eventually("both are used", || ways(&mut client) == "m1 m2");

    let plan = [
        "drain",
        "m1",
        "--from",
        "now",
        "--until",
        "+1s",
        "--reason",
        "new disks",
    ];
    let rehearsed = site.run_ok("heliostat", &[&plan[..], &["--dry-run"]].concat());
    assert!(rehearsed.contains("nothing is stored"), "{rehearsed}");
    assert_eq!(json(&site, &["drain", "--json"]), Value::Array(Vec::new()));
    let said = site.run_ok("heliostat", &plan);
    assert!(
        said.starts_with("m1: drained since ") && said.contains(": new disks."),
        "{said}"
    );
    eventually("m1 is drained", || ways(&mut client) == "m2");
    it_is_told(&site);

    // A good probe does not suffice, nor does the clock.
    eventually("its end has passed", || {
        let drains = json(&site, &["drain", "--json"]);
        let until = drains[0]["until"].as_str().unwrap_or_default().to_owned();
        until <= heliostat::program::clock::now().to_string()
    });
    assert_eq!(pass(&site, &["m1"]).0, 0);
    assert!(json(&site, &["drain", "--json"])[0]["back_at"].is_null());
    assert_eq!(ways(&mut client), "m2");
    site.run_ok("heliostat-scan", &["m1"]);
    assert_eq!(pass(&site, &["m1"]).0, 0);
    let drains = json(&site, &["drain", "--json"]);
    assert!(drains[0]["back_at"].is_string(), "{drains}");
    assert!(
        drains[0]["share"].as_f64().is_some_and(|share| share < 0.5),
        "{drains}"
    );
    let told = events(&site, "m1");
    assert!(
        told.iter()
            .any(|what| what.starts_with("its drain is over")),
        "{told:?}"
    );

    site.run_ok("heliostat", &["drain", "m1", "--cancel"]);
    eventually("it is back", || ways(&mut client) == "m1 m2");
    // The last mirror of the site.
    site.run_ok("heliostat", &["disable", "m2"]);
    site.run_ok("heliostat", &["drain", "m1"]);
    eventually("it is drained, too", || ways(&mut client) == "here");
}

#[test]
fn a_drain_that_cannot_be_changes_nothing() {
    let site = site_with("", AT_ONCE);
    add(&site, "m1", "http://m1.test/", |_| {});
    for (arguments, code, expected) in [
        (
            &["drain", "m1", "--ramp", "soon"][..],
            2,
            "no length of time",
        ),
        (&["drain", "m1", "--from", "tomorrow"], 2, "no time"),
        (
            &["drain", "m1", "--from", "+2h", "--until", "+1h"],
            2,
            "not after the begin",
        ),
        (
            &["drain", "m1", "--reason", "a\nb"],
            2,
            "more than one line",
        ),
        (&["drain", "m1", "--cancel"], 1, "no drain to cancel"),
        (&["drain", "m7"], 1, "m7"),
        (&["drain", "--until", "+1h"], 2, "no mirror is named"),
    ] {
        let output = site.run("heliostat", arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(
            said.contains(expected) && said.lines().count() == 1,
            "{said}"
        );
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    let said = site.run_ok("heliostat", &["drain"]);
    assert_eq!(said, "No mirror is drained.\n");
}
