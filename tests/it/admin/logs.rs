//! `heliostat logs`, the other forms of `list`, and `runs` and `events` that follow.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::stand_in::site::{TestSite, failure};

fn site() -> TestSite {
    let site = TestSite::new();
    site.write("dir/known.iso", &[7; 5000], 1_500_000_000);
    site.run_ok("heliostat-index", &["-q", "--no-hashes"]);
    for (name, country, score) in [("a", "de", "9"), ("b", "at", "10"), ("c", "de", "200")] {
        let url = format!("http://joe:s3cret@{name}.example/");
        site.run_ok(
            "heliostat",
            &["new", name, "-H", &url, "-c", country, "-s", score],
        );
    }
    site
}

/// Fails one scan of the mirror.
fn scan(site: &TestSite) {
    let output = site.run("heliostat-scan", &["-q", "a"]);
    assert!(!output.status.success(), "a.example is nowhere");
}

fn lines(site: &TestSite, arguments: &[&str]) -> Vec<String> {
    let text = site.run_ok("heliostat", arguments);
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_log_has_runs_and_changes_of_a_mirror() {
    let site = site();
    scan(&site);
    let log = lines(&site, &["logs", "a"]);
    assert_eq!(log.len(), 2, "{log:?}");
    assert!(log[0].contains("  added a (by "), "{log:?}");
    assert!(log[1].contains("Z  scan failed in "), "{log:?}");
    let failed = lines(&site, &["logs", "--failed"]);
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].contains("scan of a failed"), "{failed:?}");
    assert_eq!(lines(&site, &["logs", "-n", "2"]).len(), 2);
    let value: Value =
        serde_json::from_str(&site.run_ok("heliostat", &["logs", "a", "--json"])).expect("JSON");
    assert_eq!(
        (&value[0]["entry"], &value[1]["entry"]),
        (&"event".into(), &"run".into())
    );
    let runs = lines(&site, &["runs", "--failed"]);
    assert_eq!(runs.len(), 2, "a head and a row: {runs:?}");
}

/// A command that goes on until it is told to end.
struct Following {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Following {
    fn start(site: &TestSite, arguments: &[&str]) -> Following {
        let mut command = site.command("heliostat");
        let mut child = command
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Following { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("it goes on").expect("text")
    }

    fn end(mut self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", "INT", &id]).status();
        assert!(sent.expect("kill starts").success());
        assert!(self.child.wait().expect("it ends").success());
    }
}

#[test]
fn new_entries_follow() {
    let site = site();
    let mut log = Following::start(&site, &["logs", "-f", "-n", "1", "a"]);
    assert!(log.line().contains("added a"));
    let mut runs = Following::start(&site, &["runs", "-f"]);
    assert!(runs.line().contains("index ok"));
    let mut events = Following::start(&site, &["events", "-f", "-n", "1"]);
    assert!(events.line().contains("c: added c"));
    scan(&site);
    assert!(log.line().contains("scan failed"));
    assert!(runs.line().contains("scan of a failed"));
    site.run_ok("heliostat", &["score", "b", "77"]);
    assert!(events.line().contains("  b: "));
    for following in [log, runs, events] {
        following.end();
    }
    let (code, _) = failure(&site.run("heliostat", &["logs", "-f", "--json"]));
    assert_eq!(code, Some(2));
}

#[test]
fn mirrors_are_listed_in_any_order_and_form() {
    let site = site();
    let names = |key: &str| -> Vec<String> {
        let sort = format!("--sort={key}");
        lines(&site, &["list", "-a", &sort])
    };
    for (key, expected) in [
        ("score", ["a", "b", "c"]),
        ("-score", ["c", "b", "a"]),
        ("country", ["b", "a", "c"]),
        ("-name", ["c", "b", "a"]),
        ("files", ["a", "b", "c"]),
    ] {
        assert_eq!(names(key), expected, "{key}");
    }
    let (code, said) = failure(&site.run("heliostat", &["list", "--sort", "nonsense"]));
    assert!(code == Some(2) && said.contains("no such field"), "{said}");
    let csv = site.run_ok(
        "heliostat",
        &["list", "-a", "-o", "csv", "--prio", "--country"],
    );
    assert_eq!(
        csv,
        "mirror,score,country\r\na,9,de\r\nb,10,at\r\nc,200,de\r\n"
    );
    let all = site.run_ok("heliostat", &["list", "-a", "-o", "csv"]);
    assert!(all.starts_with("mirror,operator_name,"), "{all}");
    assert!(
        all.contains(",files\r\n") && !all.contains("s3cret"),
        "{all}"
    );
    let wide = lines(&site, &["list", "-a", "-o", "wide"]);
    assert!(
        wide[0].contains("score  state") && wide.len() == 4,
        "{wide:?}"
    );
    assert!(
        wide[1].contains("disabled") && !wide[1].contains("s3cret"),
        "{wide:?}"
    );
    let json = site.run_ok("heliostat", &["list", "-a", "-o", "json"]);
    assert_eq!(json, site.run_ok("heliostat", &["list", "-a", "--json"]));
}
