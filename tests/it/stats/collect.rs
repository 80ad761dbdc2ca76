//! Spool files are added once, in any order, whatever ends `collect` and however often they come.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use heliostat::domain::time::Timestamp;
use serde_json::Value;

use crate::stand_in::site::{TestSite, failure};
use crate::stand_in::spooled::{Sent, bring, spool_file};

const FRONTS: [(&str, u64); 2] = [("front-a", 0xa), ("front-b", 0xffff_ffff_ffff_fff0)];
const FILES: u64 = 25;
const REQUESTS: usize = 400;
const KILLS: usize = 40;

fn site() -> TestSite {
    let site = TestSite::with_config("[site.test.stats]\nspool = \"spool\"\n");
    std::fs::create_dir(site.path("spool")).expect("the spool folder");
    site
}

fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a time");
    Timestamp(since.as_secs() as i64)
}

/// Reads the tables, in the order of what was sent.
fn found(site: &TestSite, sent: &Sent) -> Sent {
    let mut found = Sent::default();
    for (table, number) in [
        ("columns", "requests"),
        ("files", "downloads"),
        ("mirrors", "downloads"),
        ("countries", "downloads"),
        ("as", "downloads"),
    ] {
        let days = ["stats", table, "--json", "--top", "100000"];
        let text = site.run_ok("heliostat", &days);
        // Days add up to months.
        let months = [&days[..], &["--by", "month", "--from", "2020-01-01"]].concat();
        let months: Value = serde_json::from_str(&site.run_ok("heliostat", &months)).expect("JSON");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["total_count"], months["total_count"], "{table}");
        for item in value["items"].as_array().expect("rows") {
            let name = match table {
                "columns" => &item["column"],
                "files" => &item["path"],
                "mirrors" => &item["mirror"],
                "countries" => &item["country"],
                _ => &item["as"],
            };
            let count = item[number].as_u64().expect("a number");
            let is_sent = sent
                .0
                .keys()
                .any(|(t, row)| *t == table && row == name.as_str().unwrap_or(""));
            if count > 0 || is_sent {
                found.add(table, name.as_str().expect("a name"), count);
            }
        }
    }
    found
}

#[test]
fn files_that_come_twice_and_out_of_order_are_added_once_though_collect_is_killed() {
    let site = site();
    let spool = site.path("spool");
    let mut random = fastrand::Rng::with_seed(12);
    let mut sent = Sent::default();
    let mut files = Vec::new();
    for (front, boot) in FRONTS {
        for seq in 0..FILES {
            // Some of them are of the days before.
            let from = Timestamp(now().0 - random.i64(60..4 * 86_400));
            let made = (&mut random, &mut sent);
            files.push(spool_file((front, boot, seq), from, REQUESTS, made));
        }
    }
    random.shuffle(&mut files);
    let mut waiting: Vec<_> = files.iter().chain(&files).collect();
    random.shuffle(&mut waiting);
    for kill in 0..KILLS {
        for (name, text) in waiting.split_off(waiting.len() - waiting.len().min(3)) {
            bring(&spool, name, text);
        }
        let mut command = site.command("heliostat");
        let mut child = command
            .args(["stats", "collect", "-q"])
            .spawn()
            .expect("it starts");
        std::thread::sleep(Duration::from_micros(random.u64(..60_000)));
        child.kill().expect("killed");
        child.wait().expect("ended");
        assert!(kill < KILLS);
    }
    for (name, text) in waiting {
        bring(&spool, name, text);
    }
    site.run_ok("heliostat", &["stats", "collect"]);
    assert_eq!(std::fs::read_dir(&spool).expect("spool").count(), 0);
    assert_eq!(found(&site, &sent), sent);
    // All of them once more.
    for (name, text) in &files {
        bring(&spool, name, text);
    }
    let told = site.run_ok("heliostat", &["stats", "collect", "--json"]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["known"], files.len());
    assert_eq!(told["requests"], 0);
    assert_eq!(found(&site, &sent), sent);
}

#[test]
fn a_file_that_is_cut_changed_or_too_old_stays_and_is_named() {
    let site = site();
    let spool = site.path("spool");
    let mut random = fastrand::Rng::with_seed(3);
    let mut make = |seq, days: i64| {
        let from = Timestamp(now().0 - days * 86_400);
        let mut sent = Sent::default();
        spool_file(("front", 1, seq), from, 10, (&mut random, &mut sent))
    };
    let (whole, text) = make(1, 1);
    bring(&spool, &whole, &text);
    let (cut, text) = make(2, 1);
    bring(&spool, &cut, &text[..text.len() - 5]);
    let (old, text) = make(3, 61);
    bring(&spool, &old, &text);
    let (future, text) = make(4, -2);
    bring(&spool, &future, &text);
    std::fs::write(spool.join("odd.hsp"), b"\xff").expect("a file");
    std::fs::write(spool.join("other.txt"), b"x").expect("a file");
    let output = site.run("heliostat", &["stats", "collect"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("it is not complete") && told.contains("older than 60 days"),
        "{told}"
    );
    assert!(told.contains("it is of a time to come"), "{told}");
    let left = std::fs::read_dir(&spool).expect("spool").count();
    assert_eq!(left, 5, "{told}");
}

#[test]
fn without_a_folder_or_a_database_the_remedy_is_named() {
    let site = TestSite::new();
    let (code, text) = failure(&site.run("heliostat", &["stats", "collect"]));
    assert_eq!(code, Some(2));
    assert!(text.contains("set stats.spool"), "{text}");
    let (code, text) = failure(&site.run("heliostat", &["stats", "files"]));
    assert_eq!(code, Some(1));
    assert!(
        text.contains("does not exist; `heliostat stats collect` makes it"),
        "{text}"
    );
    let (code, text) = failure(&site.run("heliostat", &["stats", "files", "--from", "x"]));
    assert_eq!(code, Some(2));
    assert!(text.contains("'x' is no date"), "{text}");
}
