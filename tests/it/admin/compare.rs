//! `compare` asks two hosts the same and tells what differs.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;

use serde_json::Value;

use crate::stand_in::site::{TestSite, failure};

/// Status line, fields and body by target; each path may have several answers in turn.
type Answers = BTreeMap<String, Vec<String>>;

/// A host that answers as the table says, and 404 to anything else.
fn host(answers: Answers) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let answers = Arc::new(answers);
    std::thread::spawn(move || {
        let mut turns: BTreeMap<String, usize> = BTreeMap::new();
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let mut line = String::new();
            if reader.read_line(&mut line).is_err() {
                continue;
            }
            let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
            let mut field = String::new();
            while reader.read_line(&mut field).is_ok_and(|length| length > 2) {
                field.clear();
            }
            let turn = turns.entry(target.clone()).or_default();
            let found = answers.get(&target).map(|all| &all[*turn % all.len()]);
            *turn += 1;
            let missing = "404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned();
            let answer = found.unwrap_or(&missing);
            let answer = answer.replacen("\r\n", "\r\nConnection: close\r\n", 1);
            // Who asks may have gone.
            let _ = reader
                .get_mut()
                .write_all(format!("HTTP/1.1 {answer}").as_bytes());
        }
    });
    url
}

fn redirect(mirror: &str) -> String {
    format!("302 Found\r\nLocation: http://{mirror}/x\r\nContent-Length: 0\r\n\r\n")
}

fn document(body: &str) -> String {
    let length = body.len();
    format!("200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn table(more: &[(&str, Vec<String>)]) -> Answers {
    let common = [
        (
            "/drawn.iso",
            vec![redirect("a.example"), redirect("b.example")],
        ),
        ("/same.iso", vec![redirect("a.example")]),
        ("/same.iso.md5", vec![document("0123  same.iso\n")]),
    ];
    let all = common.iter().chain(more);
    all.map(|(target, answers)| ((*target).to_owned(), answers.clone()))
        .collect()
}

fn log(site: &TestSite, targets: &[&str]) -> String {
    let line = |target: &&str| {
        format!(
            "192.0.2.1 - - [27/Nov/2026:10:00:00 +0100] \"GET {target} HTTP/1.1\" 200 1 \"-\" \
             \"-\"\n"
        )
    };
    let path = site.path("access.log");
    std::fs::write(&path, targets.iter().map(line).collect::<String>()).expect("a log");
    path.display().to_string()
}

fn run(site: &TestSite, arguments: &[&str]) -> (Option<i32>, Value) {
    let arguments = [&["compare", "--json"][..], arguments].concat();
    let output = site.run("heliostat", &arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = serde_json::from_str(&said);
    let value = value.unwrap_or_else(|error| panic!("{error}: {said}{:?}", output.stderr));
    (output.status.code(), value)
}

#[test]
fn hosts_that_draw_among_the_same_mirrors_are_alike() {
    let site = TestSite::new();
    let (a, b) = (
        host(table(&[])),
        host(table(&[("/drawn.iso", vec![redirect("b.example")])])),
    );
    let log = log(
        &site,
        &[
            "/drawn.iso",
            "/same.iso",
            "/same.iso",
            "/same.iso.md5",
            "/none",
        ],
    );
    let (code, value) = run(&site, &[&a, &b, "--from", &log]);
    assert_eq!(code, Some(0), "{value:#}");
    assert_eq!(value["asked"], 4, "a request that is repeated counts once");
    assert_eq!(value["same"], 4);
    assert_eq!(value["drawn"], 1);
}

#[test]
fn differences_are_listed_and_end_with_1() {
    let site = TestSite::new();
    let others = [
        ("/same.iso", vec![redirect("c.example")]),
        ("/same.iso.md5", vec![document("4567  same.iso\n")]),
        ("/none", vec![document("there")]),
    ];
    let (a, b) = (host(table(&[])), host(table(&others)));
    let log = log(
        &site,
        &["/drawn.iso", "/same.iso", "/same.iso.md5", "/none"],
    );
    let (code, value) = run(&site, &[&a, &b, "--from", &log]);
    assert_eq!(code, Some(1), "{value:#}");
    let mut found: Vec<String> = value["different"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|answer| {
            format!(
                "{}: {}",
                answer["request"], answer["differences"][0]["what"]
            )
        })
        .collect();
    found.sort();
    let expected = [
        "\"GET /none\": \"status\"",
        "\"GET /same.iso\": \"host of Location\"",
        "\"GET /same.iso.md5\": \"SHA-256 of the body\"",
    ];
    assert_eq!(found, expected);
    let output = site.run("heliostat", &["compare", &a, &b, "--from", &log]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("        A  404\n        B  200\n"), "{said}");
    assert!(said.ends_with("different 3, unanswered 0\n"), "{said}");
}

#[test]
fn without_a_log_files_of_the_catalogue_are_asked_for() {
    let site = TestSite::new();
    site.write("dir/a b.iso", b"content", 1_500_000_000);
    site.run_ok("heliostat-index", &["-q", "--no-hashes"]);
    let (a, b) = (
        host(table(&[])),
        host(table(&[("/dir/a%20b.iso", vec![redirect("m")])])),
    );
    let (code, value) = run(&site, &[&a, &b]);
    assert_eq!(code, Some(1));
    assert_eq!(value["asked"], 10, "{value:#}");
    let different = value["different"].as_array().expect("a list");
    let names: Vec<&str> = different
        .iter()
        .filter_map(|d| d["request"].as_str())
        .collect();
    let expected = [
        "HEAD /dir/a%20b.iso",
        "GET /dir/a%20b.iso (bytes=0-99)",
        "GET /dir/a%20b.iso",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_host_that_does_not_answer_is_named() {
    let site = TestSite::new();
    let a = host(table(&[]));
    let log = log(&site, &["/same.iso"]);
    let (code, value) = run(&site, &[&a, "http://127.0.0.1:1", "--from", &log]);
    assert_eq!(code, Some(3), "{value:#}");
    assert_eq!(value["unanswered"][0]["request"], "GET /same.iso");
    for (arguments, expected) in [
        (
            ["compare", "ftp://x", &a],
            "URL_A: 'ftp://x' is no URL of http or https",
        ),
        (
            ["compare", &a, "example.org"],
            "URL_B: 'example.org' is no URL of http or https",
        ),
    ] {
        let (code, text) = failure(&site.run("heliostat", &arguments));
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(expected), "{text}");
    }
}
