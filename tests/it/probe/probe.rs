//! Probes of real servers: what counts as an answer, hysteresis, switches, offline.

use crate::stand_in::probe_site::{
    AT_ONCE, add, events, fill, is_alive, pass, records, site, site_with,
};
use crate::stand_in::scan_site::mirror_record;
use crate::stand_in::webserver::{Manner, WebServer};

fn server(manner: Manner) -> WebServer {
    let server = WebServer::start("127.0.0.1", manner);
    fill(&server);
    server
}

#[test]
fn what_counts_as_an_answer() {
    let site = site_with("server_names = [\"download.test\"]", AT_ONCE);
    let elsewhere = server(Manner::Serves);
    let other_port = format!("http://127.0.0.1:{}{{}}", elsewhere.address().port());
    let page = "/pub/login.html".to_owned();
    let cases = [
        (Manner::Serves, ""),
        (Manner::RefusesHead, ""),
        (Manner::Vague, ""),
        (Manner::Redirects(other_port), "not followed: its port "),
        // To another host, see below.
        (Manner::Serves, ""),
        (Manner::Hangs, "no answer within 2 s"),
        (Manner::Closes, "the exchange broke"),
        (Manner::Page, "22 bytes of text/html"),
        (Manner::Longer, "bytes there, not "),
        (Manner::Status(404), "it answers 404 for /"),
        (Manner::Status(503), "it answers 503 for /"),
        (Manner::Redirects(page), "redirects more than 5 times"),
        (
            Manner::Redirects("http://download.test{}".into()),
            "redirects back here",
        ),
        (
            Manner::Redirects("ftp://h{}".into()),
            "no URL of a web server",
        ),
    ];
    let servers: Vec<WebServer> = cases
        .iter()
        .map(|(manner, _)| server(manner.clone()))
        .collect();
    let other_host = servers[4].beside("127.0.0.2", Manner::Serves);
    fill(&other_host);
    let to = format!("http://{}{{}}", other_host.address());
    servers[4].behave(Manner::Redirects(to));
    for (at, server) in servers.iter().enumerate() {
        add(&site, &format!("m{at:02}"), &server.url(""), |_| {});
    }
    let (code, said) = pass(&site, &[]);
    assert_eq!(code, 0, "{said}");
    for (at, (manner, reason)) in cases.iter().enumerate() {
        let name = format!("m{at:02}");
        let line = said
            .lines()
            .find(|line| line.contains(&format!("{name} ")))
            .unwrap_or("");
        assert_eq!(
            is_alive(&site, &name),
            reason.is_empty(),
            "{manner:?}: {said}"
        );
        assert!(
            line.contains(reason) && line.is_empty() == reason.is_empty(),
            "{manner:?}: {line}"
        );
    }
    let remark = |name| records(&site, name)[0].reason.clone();
    assert_eq!(remark("m04"), "it redirects to 127.0.0.2");
    assert_eq!(elsewhere.requests().len(), 0);
    assert_eq!(
        remark("m02"),
        "it does not tell the size; it ignores ranges, so that a broken download begins anew"
    );
    let asked: Vec<String> = servers[0].requests().into_iter().map(|r| r.line).collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[0].starts_with("HEAD /pub/") && asked[1].starts_with("GET /pub/"));
}

#[test]
fn a_file_that_is_gone_does_not_turn_a_mirror_off() {
    let site = site(AT_ONCE);
    let web = server(Manner::Serves);
    add(&site, "m", &web.url(""), |_| {});
    // Two of the four are left: of three that are tried, one or two are missing, never all.
    let half = WebServer::start("127.0.0.1", Manner::Serves);
    for path in ["z.zip", "d/c.tar.gz"] {
        half.put(path, format!("this is {path}").as_bytes());
    }
    add(&site, "half", &half.url(""), |_| {});
    for _ in 0..5 {
        let (code, said) = pass(&site, &[]);
        assert_eq!((code, said.as_str()), (0, ""));
    }
}

#[test]
fn hysteresis_switches_and_events() {
    let site = site("");
    let web = server(Manner::Serves);
    let url = web.url("").replace("http://", "http://joe:s3cr3t@");
    add(&site, "m", &url, |_| {});
    add(&site, "off", &web.url(""), |mirror| mirror.enabled = false);
    let two = server(Manner::Serves);
    for name in ["x", "y", "z"] {
        add(&site, name, &two.url(""), |_| {});
    }
    let alive_after = |manner: Manner| {
        web.behave(manner);
        let (_, said) = pass(&site, &[]);
        (is_alive(&site, "m"), said)
    };
    assert_eq!(alive_after(Manner::Serves), (true, String::new()));
    let authorised = web.requests()[0].headers.get("authorization").cloned();
    assert_eq!(authorised, None, "it asks as clients do");
    // Three failures of five turn it off, two successes in a row on.
    for (manner, expected) in [
        (Manner::Status(500), true),
        (Manner::Status(500), true),
        (Manner::Serves, true),
        (Manner::Status(500), false),
        (Manner::Serves, false),
        (Manner::Status(500), false),
        (Manner::Serves, false),
        (Manner::Serves, true),
    ] {
        let (alive, said) = alive_after(manner);
        assert_eq!(alive, expected, "{said}");
        assert!(!said.contains("s3cr3t"), "{said}");
    }
    let events = events(&site, "m");
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(
        events[0].starts_with("answers again (http IPv4); to see it: curl -4"),
        "{events:?}"
    );
    assert!(events[1].contains("it answers 500 for /"), "{events:?}");
    let curl = format!("curl -4 -sS -L -I '{}", web.url(""));
    assert!(
        events.iter().all(|event| event.contains(&curl)),
        "{events:?}"
    );
    let off = mirror_record(&site, "off");
    assert!(
        !off.enabled && records(&site, "off").is_empty(),
        "nobody asked it"
    );
}

#[test]
fn the_curl_line_shows_what_the_probe_saw() {
    let site = site(AT_ONCE);
    let web = server(Manner::Status(418));
    add(&site, "m", &web.url(""), |_| {});
    pass(&site, &[]);
    let evidence = records(&site, "m")[0].evidence.clone();
    let mut shell = std::process::Command::new("sh");
    let output = shell.args(["-c", &evidence]).output().expect("curl runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with("HTTP/1.1 418"), "{evidence}: {text}");
}

#[test]
fn refusals_count_also_when_everybody_refuses() {
    let site = site(AT_ONCE);
    // Nobody listens there any more.
    let closed: Vec<String> = (0..3).map(|_| server(Manner::Serves).url("")).collect();
    for (at, url) in closed.iter().enumerate() {
        add(&site, &format!("m{at}"), url, |_| {});
    }
    let (code, said) = pass(&site, &[]);
    assert_eq!((code, said.matches("FAIL: ").count()), (0, 3), "{said}");
    let output = site.run("heliostat", &["status", "--check"]);
    let status = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{status}");
    assert!(
        status.contains("3 mirrors (3 down), 3 need attention"),
        "{status}"
    );
}

#[test]
fn nothing_is_turned_off_when_this_host_is_cut_off() {
    let site = site(AT_ONCE);
    let silent: Vec<WebServer> = (0..4).map(|_| server(Manner::Hangs)).collect();
    for (at, server) in silent.iter().enumerate() {
        add(&site, &format!("m{at}"), &server.url(""), |_| {});
    }
    let (code, said) = pass(&site, &[]);
    assert_eq!(code, 3, "{said}");
    let looks = "this host looks cut off, so nothing is turned off";
    assert!(said.contains(looks), "{said}");
    assert!((0..4).all(|at| is_alive(&site, &format!("m{at}"))));
    let output = site.run("heliostat", &["status", "--check"]);
    let status = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{status}");
    assert!(status.contains(looks), "{status}");
    let json = site.run_ok("heliostat", &["status", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["cut_off"][0]["family"], 4, "{json}");
    // One that refuses shows that the way is open.
    let closed = server(Manner::Serves).url("");
    add(&site, "closed", &closed, |_| {});
    let (code, said) = pass(&site, &[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(said.matches("FAIL: ").count(), 5, "{said}");
    let status = site.run_ok("heliostat", &["status"]);
    assert!(!status.contains(looks), "{status}");
    let events = site.run_ok("heliostat", &["events"]);
    assert!(events.contains(looks), "{events}");
    assert!(
        events.contains("mirrors answer again over IPv4"),
        "{events}"
    );
}

#[test]
fn want_of_descriptors_is_no_fault_of_mirrors() {
    let site = site(AT_ONCE);
    let webs: Vec<WebServer> = (0..80).map(|_| server(Manner::Hangs)).collect();
    for (at, web) in webs.iter().enumerate() {
        add(&site, &format!("m{at}"), &web.url(""), |_| {});
        // The first fifty hang and hold what there is; the others would answer.
        if at >= 50 {
            web.behave(Manner::Serves);
        }
    }
    let program = crate::stand_in::site::program_path("heliostat-probe");
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -n 40; exec \"$0\" --json", program])
        .env("HELIOSTAT_CONFIG", site.config())
        .output()
        .expect("sh is there");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let unchecked = report["counts"]["unchecked"].as_u64().expect("a number");
    assert!(unchecked > 0, "{text}");
    assert!(text.contains("this host cannot check it"), "{text}");
    for at in 50..80 {
        assert!(is_alive(&site, &format!("m{at}")), "{text}");
    }
}

#[test]
fn mirrors_without_known_files_and_caches() {
    let site = site(AT_ONCE);
    let web = server(Manner::Serves);
    add(&site, "known", &web.url(""), |_| {});
    let cache = server(Manner::Serves);
    add(&site, "cache", &cache.url(""), |mirror| {
        mirror.kind = heliostat::domain::mirror::MirrorKind::Cache;
        mirror.country = "**".into();
    });
    let url = web.url("");
    site.run_ok("heliostat", &["new", "new", "-H", &url]);
    site.run_ok("heliostat", &["enable", "new"]);
    site.run_ok(
        "heliostat",
        &["new", "gone", "-H", &format!("{url}nowhere/")],
    );
    site.run_ok("heliostat", &["enable", "gone"]);
    let (code, said) = pass(&site, &[]);
    assert_eq!((code, said.as_str()), (0, "REVIVED: new\n"));
    let asked: Vec<String> = cache.requests().into_iter().map(|r| r.line).collect();
    // Nothing was indexed long enough ago.
    assert_eq!(asked, ["GET /pub/.heliostat-generation"]);
    assert!(
        records(&site, "gone")[0]
            .reason
            .contains("its base URL answers 404")
    );
}

#[test]
fn options_of_mirrorprobe() {
    let site = site(AT_ONCE);
    let web = server(Manner::Status(500));
    add(&site, "m", &web.url(""), |_| {});
    let log = site.path("probe.log");
    let log_text = log.to_string_lossy().into_owned();
    let (code, said) = pass(&site, &["-n", "-t", "5"]);
    assert_eq!(code, 0);
    assert!(said.starts_with("FAIL: m (http://"), "{said}");
    assert!(is_alive(&site, "m"), "-n writes nothing");
    pass(&site, &["-l", &log_text]);
    assert!(!is_alive(&site, "m"));
    site.run_ok("heliostat", &["disable", "m"]);
    web.behave(Manner::Serves);
    assert_eq!(pass(&site, &["-l", &log_text]).1, "", "it is disabled");
    pass(&site, &["-e", "-l", &log_text, "m"]);
    let mirror = mirror_record(&site, "m");
    assert!(mirror.enabled && mirror.alive);
    let lines = std::fs::read_to_string(&log).expect("the log");
    let said: Vec<&str> = lines.lines().map(|line| &line[16..]).collect();
    assert_eq!(said.len(), 5, "{lines}");
    assert_eq!(said[0], "test INFO     ----- 1 mirrors to check");
    assert!(
        said[1].starts_with("test INFO     FAIL: m (http://"),
        "{lines}"
    );
    assert_eq!(said[2], "test INFO     ----- 0 mirrors to check");
    assert_eq!(said[4], "test INFO     REVIVED: m");
}
