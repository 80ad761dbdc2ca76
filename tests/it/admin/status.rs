//! `heliostat status`.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::open_writer;
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;

use crate::stand_in::probe_site::{AT_ONCE, add, fill, pass, site};
use crate::stand_in::site::{TestSite, failure, program_path};
use crate::stand_in::small_disk::SmallDisk;
use crate::stand_in::webserver::{Manner, WebServer};

/// Publishes what mirrors have, two hours ago.
fn publish(site: &TestSite, contents: [(MirrorId, Vec<u32>, Vec<u32>); 2]) {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs() as i64;
    let origin = ContentOrigin {
        at: Timestamp(now - 7200),
        by: "http".into(),
        unknown_files: 0,
    };
    let mut writer = open_writer(&site.database()).expect("open");
    for (id, current, outdated) in contents {
        let content = Content {
            current: current.into_iter().collect(),
            outdated: outdated.into_iter().collect(),
        };
        writer
            .transaction(|t| content::publish(t, id, &content, &origin))
            .expect("published");
    }
}

#[test]
fn it_says_how_mirrors_are_and_why_one_is_out() {
    let site = site(AT_ONCE);
    let web = WebServer::start("127.0.0.1", Manner::Serves);
    fill(&web);
    let broken = WebServer::start("127.0.0.1", Manner::Page);
    let fine = add(&site, "fine", &web.url(""), |_| {});
    let half = add(&site, "half", &web.url(""), |_| {});
    add(&site, "broken", &broken.url(""), |_| {});
    add(&site, "off", &web.url(""), |mirror| mirror.enabled = false);
    site.run_ok("heliostat", &["new", "new", "-H", &web.url("")]);
    site.run_ok("heliostat", &["enable", "new"]);
    publish(
        &site,
        [
            (fine, vec![1, 2, 3, 4], vec![]),
            (half, vec![1, 2], vec![3]),
        ],
    );
    pass(&site, &[]);
    let text = site.run_ok("heliostat", &["status"]);
    let words: Vec<Vec<&str>> = text
        .lines()
        .map(|l| l.split_whitespace().collect())
        .collect();
    let row = |name: &str| {
        let found = words.iter().find(|words| words.first() == Some(&name));
        found.unwrap_or_else(|| panic!("{name}: {text}")).join(" ")
    };
    assert!(
        row("fine").starts_with("fine up 100.0 % 0.0 % 2 h http "),
        "{text}"
    );
    assert!(
        row("half").starts_with("half up 50.0 % 33.3 % 2 h http "),
        "{text}"
    );
    assert!(row("broken").starts_with("broken down 100.0 %"), "{text}");
    assert!(row("broken").contains("22 bytes of text/html"), "{text}");
    assert!(
        row("new").ends_with("never scanned, so it gets no clients"),
        "{text}"
    );
    assert!(!text.contains("off "), "{text}");
    assert!(
        text.ends_with("4 mirrors (3 up, 1 down), 2 need attention; 4 files\n"),
        "{text}"
    );
    assert_eq!(
        site.run("heliostat", &["status", "--check"]).status.code(),
        Some(3)
    );
    assert_eq!(
        site.run("heliostat", &["status", "--check", "fine"])
            .status
            .code(),
        Some(0)
    );
    let json = site.run_ok("heliostat", &["status", "--json", "-a"]);
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let mirrors = value["mirrors"].as_array().expect("a list");
    assert_eq!(mirrors.len(), 5);
    let half = mirrors
        .iter()
        .find(|mirror| mirror["mirror"] == "half")
        .expect("half");
    assert_eq!(
        (half["coverage"].as_f64(), &half["outdated"]),
        (Some(0.5), &1.into())
    );
}

/// A site of 40 mirrors: 30 without a scan, one of them with score 0; 10 well.
fn crowd() -> TestSite {
    let site = site(AT_ONCE);
    let web = WebServer::start("127.0.0.1", Manner::Serves);
    fill(&web);
    for number in 0..10 {
        add(&site, &format!("well{number}"), &web.url(""), |_| {});
    }
    for number in 0..30 {
        let name = format!("new{number}");
        site.run_ok("heliostat", &["new", &name, "-H", &web.url("")]);
        site.run_ok("heliostat", &["enable", &name]);
    }
    site.run_ok("heliostat", &["score", "new7", "0"]);
    pass(&site, &[]);
    site
}

#[test]
fn what_many_mirrors_share_is_said_once_and_all_fits_a_screen() {
    let site = crowd();
    let text = site.run_ok("heliostat", &["status"]);
    let cause = "30 mirrors: never scanned, so it gets no clients (new0, new1, …)\n";
    assert!(text.contains(cause), "{text}");
    assert!(text.lines().count() <= 10, "{text}");
    assert!(text.contains("new7"), "it has a cause of its own: {text}");
    let begins = |name: &str| text.lines().any(|line| line.trim_start().starts_with(name));
    assert!(!begins("well1") && !begins("new12"), "{text}");
    let all = site.run_ok("heliostat", &["status", "--all", "--sort", "name"]);
    let names: Vec<&str> = all
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let first = names
        .iter()
        .position(|name| *name == "new0")
        .expect("a row");
    assert_eq!(&names[first..first + 3], &["new0", "new1", "new10"]);
    assert!(names.contains(&"well9"), "{all}");
    let one = site.run_ok("heliostat", &["status", "well3"]);
    assert!(one.contains("well3"), "{one}");
}

#[test]
fn a_watch_needs_a_terminal_and_ends_by_ctrl_c() {
    let site = crowd();
    let (code, said) = failure(&site.run("heliostat", &["status", "--watch"]));
    assert_eq!(code, Some(2));
    assert!(said.contains("--watch draws on a terminal"), "{said}");
    let mut command = Command::new("script");
    let line = format!("exec {} status --watch=1", program_path("heliostat"));
    command
        .args(["-qec", &line, "/dev/null"])
        .env("HELIOSTAT_CONFIG", site.config());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .expect("script starts; it is of the package bsdutils");
    let mut seen = Vec::new();
    let mut output = child.stdout.take().expect("a pipe");
    let mut chunk = [0; 4096];
    // Twice drawn.
    let sums = b"40 mirrors";
    while seen.windows(sums.len()).filter(|text| text == sums).count() < 2 {
        let count = output.read(&mut chunk).expect("it draws");
        assert!(count > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend(&chunk[..count]);
    }
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(&[3])
        .expect("Ctrl-C");
    output.read_to_end(&mut seen).expect("its end");
    assert!(child.wait().expect("it ends").success());
    let text = String::from_utf8_lossy(&seen);
    assert!(
        text.contains("\x1b[?1049h") && text.trim_end().ends_with("\x1b[?1049l"),
        "{text}"
    );
}

#[test]
fn an_explanation_begins_with_the_decision_and_counts_what_is_excluded() {
    let site = crowd();
    let text = site.run_ok("heliostat", &["explain", "/z.zip"]);
    assert!(text.starts_with("decision   "), "{text}");
    assert!(
        text.contains("(this host; --ip asks for another)"),
        "{text}"
    );
    assert!(text.contains(" 29  "), "{text}");
    assert!(!text.contains("new12"), "{text}");
    assert!(
        text.ends_with("-v lists every mirror that is excluded.\n"),
        "{text}"
    );
    let all = site.run_ok(
        "heliostat",
        &["explain", "/z.zip", "-v", "--ip", "192.0.2.1"],
    );
    assert!(all.contains("new12") && !all.contains("this host"), "{all}");
    let path = site.tree().join("z.zip");
    let hinted = site.run_ok("heliostat", &["explain", path.to_str().expect("UTF-8")]);
    assert!(hinted.contains("has the URL path /z.zip"), "{hinted}");
}

/// Nothing can be written then, not even that a scan failed.
#[test]
fn a_full_disk_needs_attention() {
    let site = site(AT_ONCE);
    let disk = SmallDisk::mount(site.path("disk"));
    let config = std::fs::read_to_string(site.config()).expect("it is there");
    let config = config.replace("\"test.sqlite\"", "\"disk/test.sqlite\"");
    std::fs::write(site.config(), config).expect("written");
    drop(open_writer(&site.path("disk/test.sqlite")).expect("made"));
    let told = || {
        let output = site.run("heliostat", &["status", "--check"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.contains("the disk is full, 0 bytes are left; make room on its disk")
            .then_some(output.status.code())
    };
    assert_eq!(told(), None);
    disk.fill();
    assert_eq!(told(), Some(Some(3)));
    disk.clear();
    assert_eq!(told(), None);
}
