//! A mirror that falls silent, with the settings that a site has by default.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::stand_in::probe_site::{add, fill, is_alive, site};
use crate::stand_in::site::{TestSite, eventually};
use crate::stand_in::webserver::{Manner, WebServer};

/// Runs the prober until something is so, or for half a minute.
fn run_until(site: &TestSite, arguments: &[&str], is_so: impl FnMut() -> bool) {
    let mut daemon = site
        .command("heliostat-probe")
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    eventually("it is turned off", is_so);
    // A prober that is no daemon ends by itself.
    let _ = kill_process(Pid::from_child(&daemon), Signal::TERM);
    daemon.wait().expect("it ends");
}

#[test]
fn a_mirror_that_fell_silent_is_off_within_half_a_minute() {
    // As it is by default: three failures of five, a pass a minute.
    let site = site("");
    let silent = WebServer::start("127.0.0.1", Manner::Hangs);
    let closed = WebServer::start("127.0.0.1", Manner::Serves).url("");
    let web = WebServer::start("127.0.0.1", Manner::Serves);
    fill(&web);
    add(&site, "silent", &silent.url(""), |_| {});
    add(&site, "closed", &closed, |_| {});
    add(&site, "up", &web.url(""), |_| {});
    let start = std::time::Instant::now();
    run_until(&site, &["--daemon"], || {
        !is_alive(&site, "silent") && !is_alive(&site, "closed")
    });
    let took = start.elapsed();
    assert!(took.as_secs() < 30, "{took:?}");
    assert!(is_alive(&site, "up"));
    let asked = web.requests().len();
    assert_eq!(asked, 2, "who answers is asked once a pass");
    let json = site.run_ok("heliostat", &["runs", "--json"]);
    assert_eq!(json.matches("\"kind\": \"probe\"").count(), 1, "{json}");
}
