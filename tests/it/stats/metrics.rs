//! Metrics and the state for load balancers, from the responder's socket and from the databases.

use std::collections::BTreeSet;

use heliostat::domain::metric::name::ALL;
use serde_json::Value;

use crate::stand_in::counted_site::{FILES, counted_site, end, get};
use crate::stand_in::fcgi_client::{Answer, FcgiClient, Request};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::{TestSite, eventually};

const METRICS: &str = "/.heliostat/metrics";
const HEALTH: &str = "/.heliostat/health";

fn scrape(client: &mut FcgiClient) -> Answer {
    let answer = client.send(&Request::get(METRICS));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// The sum of all samples whose line begins so.
fn value(answer: &Answer, begin: &str) -> f64 {
    let text = String::from_utf8_lossy(&answer.body);
    let lines = text.lines().filter(|line| line.starts_with(begin));
    let number = |line: &str| line.rsplit_once(' ')?.1.parse::<f64>().ok();
    lines.filter_map(number).sum()
}

/// nginx asks so about files, and about names that need not exist if the admin lets it.
#[test]
fn a_request_about_a_file_never_gets_metrics() {
    let site = counted_site("metrics = true\nhealth = true\n");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    for path in [METRICS, HEALTH] {
        let request = Request::get(path).query("repo=x");
        for request in [
            request
                .clone()
                .with("HELIOSTAT_FILE", format!("/srv/download{path}")),
            request
                .with("HELIOSTAT_ASKED", "1")
                .with("HTTP_X_HELIOSTAT_FILE", format!("/srv/download{path}")),
        ] {
            let answer = client.send(&request);
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(!text.contains("heliostat_"), "{path}: {text}");
            assert!(!text.contains("snapshot"), "{path}: {text}");
        }
    }
    assert_eq!(client.send(&Request::get(HEALTH)).status, 200);
}

#[test]
fn every_answer_is_in_the_metrics_and_they_stand_still_without_requests() {
    let site = counted_site("metrics = true\n");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let asked = 10_000;
    for number in 0..asked {
        let path = format!("file-{}.iso", number % (FILES + 1));
        client.send(&get(
            &path,
            &format!("10.0.{}.{}", number / 250, number % 250),
        ));
    }
    eventually("all are counted", || {
        value(&scrape(&mut client), "heliostat_answers_total{") as usize == asked
    });
    let (first, second) = (scrape(&mut client), scrape(&mut client));
    for name in ["heliostat_answers_total{", "heliostat_requests_total{"] {
        assert_eq!(value(&first, name) as usize, asked, "{name}");
        assert_eq!(value(&second, name) as usize, asked, "{name}");
    }
    let missing = asked / (FILES + 1);
    let redirects = (asked - missing) as f64;
    let mirror = "{site=\"test\",mirror=\"mirror.example.org\"}";
    for (begin, expected) in [
        ("heliostat_redirects_total{", redirects),
        (
            "heliostat_country_redirects_total{site=\"test\",country=\"de\"}",
            redirects,
        ),
        (
            &format!("heliostat_mirror_redirects_total{mirror}"),
            redirects,
        ),
        (
            &format!("heliostat_mirror_promised_bytes_total{mirror}"),
            redirects * 5000.0,
        ),
        (
            "heliostat_answers_total{site=\"test\",outcome=\"missing\"",
            missing as f64,
        ),
        ("heliostat_mirror_up{site=\"test\"", 1.0),
        ("heliostat_database_up{site=\"test\"", 1.0),
        (
            "heliostat_catalogue_files{site=\"test\"",
            (FILES + 1) as f64,
        ),
        ("heliostat_uncounted_total{", 0.0),
        ("heliostat_panics_total ", 0.0),
        (
            "heliostat_answer_duration_seconds_count{site=\"test\"}",
            (asked / 16) as f64,
        ),
    ] {
        // Scrapes are timed, too.
        let found = value(&second, begin);
        let is_near = begin.contains("duration") && (found - expected).abs() < 3.0;
        assert!(
            found == expected || is_near,
            "{begin}: {found}, not {expected}"
        );
    }
    for metric in names(&String::from_utf8_lossy(&second.body)) {
        assert!(ALL.iter().any(|known| known.name == metric), "{metric}");
    }
}

/// Names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_format_is_the_one_that_the_client_asks_for() {
    let site = counted_site("metrics = true\n");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let plain = scrape(&mut client);
    assert_eq!(
        plain.text("Content-Type").as_deref(),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let accept = "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;q=0.1";
    let open = client.send(&Request::get(METRICS).with("HTTP_ACCEPT", accept));
    let text = String::from_utf8_lossy(&open.body).into_owned();
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(text.contains("# TYPE heliostat_panics counter\n"), "{text}");
    assert!(text.contains("\nheliostat_panics_total 0\n"), "{text}");
    // As Apache splits the path of a URL below a folder that is not there.
    let split = Request::get("/.heliostat").with("PATH_INFO", "/metrics");
    assert_eq!(client.send(&split).status, 200);
    let head = Request::new("HEAD", METRICS);
    assert!(client.send(&head).body.is_empty());
}

#[test]
fn without_a_database_metrics_say_so_and_health_is_503() {
    let site = counted_site("metrics = true\nhealth = true\n");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let health = client.send(&Request::get(HEALTH));
    assert_eq!(health.status, 200);
    assert!(health.body.starts_with(b"ok\n"), "{health:?}");
    assert_eq!(health.text("Cache-Control").as_deref(), Some("no-store"));
    for name in ["test.sqlite", "test.sqlite-wal", "test.sqlite-shm"] {
        // A database that was closed has none of the last two.
        let _ = std::fs::remove_file(site.path(name));
    }
    eventually("the state is 503", || {
        client.send(&Request::get(HEALTH)).status == 503
    });
    let text = String::from_utf8_lossy(&scrape(&mut client).body).into_owned();
    assert!(
        text.contains("heliostat_database_up{site=\"test\"} 0\n"),
        "{text}"
    );
    drop(client);
    end(responder);
}

#[test]
fn what_is_not_switched_on_is_not_there() {
    let site = TestSite::new();
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    for path in [METRICS, HEALTH] {
        assert_eq!(client.send(&Request::get(path)).status, 404, "{path}");
    }
}

#[test]
fn the_command_prints_what_databases_know() {
    let site = counted_site("");
    let responder = Responder::start(&site);
    responder.connect().send(&get("file-0.iso", "192.0.2.1"));
    end(responder);
    site.run_ok("heliostat", &["stats", "collect", "-q"]);
    let file = site.path("heliostat.prom");
    let path = file.to_string_lossy().into_owned();
    assert_eq!(
        site.run_ok("heliostat", &["metrics", "--textfile", &path]),
        ""
    );
    let text = std::fs::read_to_string(&file).expect("the file");
    for line in [
        "heliostat_requests_total{site=\"test\",column=\"downloads\"} 1",
        "heliostat_mirror_enabled{site=\"test\",mirror=\"mirror.example.org\"} 1",
        "heliostat_database_up{site=\"test\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    assert!(
        text.contains("heliostat_run_last_success_timestamp_seconds{site=\"test\",kind=\"index\"}")
    );
    let coverage = format!(
        "mirror=\"mirror.example.org\"}} {}",
        FILES as f64 / (FILES + 1) as f64
    );
    assert!(text.contains(&coverage), "{text}");
    std::fs::write(site.database(), "x").expect("a broken database");
    let output = site.run("heliostat", &["metrics"]);
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("heliostat_database_up{site=\"test\"} 0\n"),
        "{text}"
    );
}

/// The dashboard asks for nothing that there is not.
#[test]
fn the_dashboard_names_metrics_that_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("scripts/monitoring/heliostat.json"));
    let dashboard: Value = serde_json::from_str(&text.expect("the dashboard")).expect("JSON");
    assert!(dashboard["schemaVersion"].as_u64() >= Some(39));
    let mut expressions = Vec::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().into_iter().flatten() {
            expressions.push(target["expr"].as_str().expect("an expression").to_owned());
        }
    }
    for variable in dashboard["templating"]["list"]
        .as_array()
        .expect("variables")
    {
        expressions.push(variable["definition"].as_str().expect("a query").to_owned());
    }
    assert!(expressions.len() > 25, "{}", expressions.len());
    for expression in &expressions {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let words = expression.split(|c| !is_word(c));
        let metrics =
            words.filter(|word| word.starts_with("heliostat_") || word.starts_with("process_"));
        let mut found = 0;
        for metric in metrics {
            found += 1;
            let bare = metric.trim_end_matches("_bucket");
            assert!(
                ALL.iter().any(|known| known.name == bare),
                "{metric} in {expression}"
            );
        }
        assert!(found > 0, "{expression}");
    }
}

/// Grafana draws panels where they say: each has a place of its own, a number, and its source.
#[test]
fn the_dashboard_has_a_place_for_each_panel() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("scripts/monitoring/heliostat.json"));
    let dashboard: Value = serde_json::from_str(&text.expect("the dashboard")).expect("JSON");
    assert_eq!(dashboard["__inputs"][0]["pluginId"], "prometheus");
    let mut numbers = BTreeSet::new();
    let mut cells = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        let title = panel["title"].as_str().expect("a title");
        assert!(
            numbers.insert(panel["id"].as_u64().expect("a number")),
            "{title}"
        );
        let place = |key: &str| panel["gridPos"][key].as_u64().expect("a place");
        let (left, top, width, height) = (place("x"), place("y"), place("w"), place("h"));
        assert!(width > 0 && height > 0 && left + width <= 24, "{title}");
        for cell in (left..left + width).flat_map(|x| (top..top + height).map(move |y| (x, y))) {
            assert!(
                cells.insert(cell),
                "{title} lies on another panel at {cell:?}"
            );
        }
        let mut refs = BTreeSet::new();
        for target in panel["targets"].as_array().into_iter().flatten() {
            assert_eq!(target["datasource"]["uid"], "${DS_PROMETHEUS}", "{title}");
            assert!(
                refs.insert(target["refId"].as_str().expect("a letter")),
                "{title}"
            );
        }
        assert!(panel["type"] == "row" || !refs.is_empty(), "{title}");
    }
}
