//! `--outage`: the host is asked behind a real Apache while the responder is paused.

use std::process::Stdio;

use serde_json::Value;

use super::healthy::{Clinic, SERVICE, WEB};
use super::url::{Running, add_to_host, with_port};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::eventually;

fn with_samples() -> (Clinic, u16, String) {
    let clinic = Clinic::new();
    let port = with_port(&clinic);
    clinic.site.write("dir/small", &[1; 100], 1_500_000_000);
    clinic
        .site
        .run_ok("heliostat-index", &["-q", "--no-hashes"]);
    clinic
        .site
        .write("dir/fresh.iso", &[2; 9000], 1_500_000_000);
    (clinic, port, format!("http://127.0.0.1:{port}/"))
}

fn ask(clinic: &Clinic, url: &str) -> Value {
    let output = clinic.call(&["--json", "--url", url, "--outage", "--yes"]);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn responder(clinic: &Clinic) -> &Responder {
    clinic.responder.as_ref().expect("it was started")
}

#[test]
fn it_tells_what_clients_see_while_the_responder_hangs() {
    let (clinic, port, url) = with_samples();
    let apache = Running::start(&clinic, port);
    let value = ask(&clinic, &url);
    assert_eq!(value["findings"], Value::Array(vec![]), "{value:#}");
    let seen = value["seen"].to_string();
    for part in [
        "a file that is otherwise redirected: ",
        "the first byte of it: ",
        "a metalink: ",
        "an excluded file: ",
        "a fresh file: ",
        "answered with 200",
        "answered with 206",
    ] {
        assert!(seen.contains(part), "{part}: {value:#}");
    }
    assert!(!seen.contains("redirected to"), "{value:#}");
    assert!(!responder(&clinic).is_stopped());
    drop(apache);
    add_to_host(&clinic, "Redirect 503 /dir/known.iso");
    let _apache = Running::start(&clinic, port);
    let findings = ask(&clinic, &url)["findings"].to_string();
    assert!(findings.contains("outage-fails"), "{findings}");
}

#[test]
fn a_redirect_elsewhere_ends_the_questions() {
    let (clinic, port, url) = with_samples();
    add_to_host(
        &clinic,
        "Redirect /dir/known.iso https://m.example.org/dir/known.iso",
    );
    let _apache = Running::start(&clinic, port);
    let value = ask(&clinic, &url);
    assert!(
        value["findings"].to_string().contains("outage-answered"),
        "{value:#}"
    );
    assert_eq!(value["seen"].as_array().map(Vec::len), Some(1), "{value:#}");
}

#[test]
fn nobody_is_paused_unasked_or_for_long() {
    let (clinic, port, url) = with_samples();
    let _apache = Running::start(&clinic, port);
    let output = clinic.call(&["--url", &url, "--outage"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--yes pauses it"), "{said}");
    assert_eq!(
        clinic.call(&["--outage", "--yes"]).status.code(),
        Some(2),
        "without --url"
    );
    for signal in ["INT", "KILL"] {
        let mut command = clinic.command(&["unshare", "--mount"]);
        command.args(["--service-user", SERVICE, "--web-user", WEB]);
        command
            .args(["--url", &url, "--outage", "--yes"])
            .stdout(Stdio::null());
        let mut doctor = command.spawn().expect("unshare starts");
        eventually("the responder is paused", || {
            responder(&clinic).is_stopped()
        });
        let id = doctor.id().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-s", signal, &id])
            .status();
        assert!(sent.expect("kill starts").success());
        doctor.wait().expect("it ends");
        eventually("the responder goes on", || !responder(&clinic).is_stopped());
    }
}
