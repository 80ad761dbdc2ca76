//! Metrics through Apache, closed unless the admin names who may read them, and what Prometheus'
//! own checker says of them and of the alerts.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::stage::site::eventually;
use crate::stage::{ApacheOptions, Stage};

const STATS: &str =
    "[site.test.stats]\nmetrics = true\nhealth = true\n[site.test.products]\nheartbeat = true\n";
const METRICS: &str = "/.heliostat/metrics";
const HEALTH: &str = "/.heliostat/health";

/// A stage with a file on a mirror, and Apache with these directives before the shipped file.
fn stage(before: &str, shipped: &'static str) -> Stage {
    let mut stage = Stage::new(STATS);
    stage.file("a.iso", 20_000);
    stage.mirror("germany", ["de", "eu"]);
    stage.learn();
    stage.start_with(&ApacheOptions {
        before: before.to_owned(),
        shipped,
        ..ApacheOptions::default()
    });
    stage.until_redirected("/a.iso");
    stage
}

/// Runs promtool, which must find nothing.
fn promtool(arguments: &[&str], input: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/monitoring");
    let mut child = Command::new("promtool")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed; `scripts/test` does it");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input).expect("it reads all");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{arguments:?}: {said}");
}

#[test]
fn metrics_are_closed_unless_the_admin_names_who_may_read_them() {
    let stage = stage("", "mod_proxy_fcgi.conf");
    let closed = stage.get(METRICS).send();
    assert_eq!(closed.status, 403, "{closed:?}");
    assert!(!String::from_utf8_lossy(&closed.body).contains("heliostat_"));
    let health = stage.get(HEALTH).send();
    assert_eq!(health.status, 200, "{health:?}");
    assert!(health.body.starts_with(b"ok\n"));
    assert_eq!(stage.get("/__heartbeat__").send().status, 404);
    for path in [
        "/.heliostat/metrics/",
        "/.heliostat/metrics/x",
        "/.heliostat/other",
    ] {
        assert!(matches!(stage.get(path).send().status, 403 | 404), "{path}");
    }
}

#[test]
fn who_is_named_reads_them_and_others_get_403() {
    let stage = stage(
        "Define HELIOSTAT_METRICS \"127.0.0.1 198.51.100.7\"\nDefine HELIOSTAT_HEARTBEAT\n",
        "mod_proxy_fcgi.conf",
    );
    for path in ["/__heartbeat__", "/__lbheartbeat__"] {
        let beat = stage.get(path).send();
        assert_eq!(
            (beat.status, &beat.body[..6]),
            (200, &b"{\"db\":"[..]),
            "{beat:?}"
        );
    }
    assert_eq!(stage.get("/__version__").send().status, 200);
    for _ in 0..50 {
        stage.get("/a.iso").send();
    }
    eventually("requests are counted", || {
        let text = stage.get(METRICS).send();
        String::from_utf8_lossy(&text.body).contains("outcome=\"redirect\"")
    });
    let answer = stage.get(METRICS).send();
    assert_eq!(answer.status, 200);
    promtool(&["check", "metrics"], &answer.body);
    let other = stage
        .get(METRICS)
        .argument("--interface")
        .argument("127.0.0.2");
    let refused = other.send();
    assert_eq!(refused.status, 403, "{refused:?}");
    assert_eq!(
        stage
            .get(METRICS)
            .argument("-X")
            .argument("POST")
            .send()
            .status,
        405
    );
}

#[test]
fn alerts_pass_their_own_tests() {
    promtool(&["check", "rules", "heliostat.rules.yml"], b"");
    promtool(&["test", "rules", "heliostat.rules.test.yml"], b"");
}
