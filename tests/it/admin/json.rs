//! `--json` of the commands that print, and `--dry-run` of those that change.

use serde_json::Value;

use crate::stand_in::probe_site::{AT_ONCE, add, fill, site, site_with};
use crate::stand_in::site::TestSite;
use crate::stand_in::webserver::{Manner, WebServer};

fn json(site: &TestSite, line: &str) -> Value {
    let arguments: Vec<&str> = line.split_whitespace().collect();
    let said = site.run_ok("heliostat", &arguments);
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{line}: {error}: {said}"))
}

/// The keys of an object, in order.
#[track_caller]
fn keys(value: &Value) -> String {
    let object = value.as_object().expect("an object");
    let mut keys: Vec<&str> = object.keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys.join(" ")
}

const DUMP: &str = "COPY server (id, identifier, baseurl, enabled, status_baseurl, region, \
    country) FROM stdin;\n1\ta.example\thttp://joe:s3cr3t@a/x/\tt\tt\teu\tde\n\
    2\tb.example\thttp://b/\tf\tf\taf\tza\n\\.\n\
    COPY filearr (id, path, mirrors) FROM stdin;\n1\td/a b.iso\t{1,2}\n2\td/none\t{}\n\\.\n\
    -- PostgreSQL database dump complete\n";

fn imported_site() -> TestSite {
    let site = TestSite::new();
    std::fs::write(site.path("dump"), DUMP).expect("a dump");
    let path = site.path("dump").display().to_string();
    site.run_ok("heliostat", &["import", "mirrorbrain", &path, "--force"]);
    site
}

#[test]
fn sites_and_files_are_listed_as_json() {
    let site = imported_site();
    let sites = json(&site, "instances --json");
    assert_eq!(sites[0]["name"], "test");
    assert_eq!(
        sites[0]["database"],
        site.database().to_str().expect("text")
    );

    let fresh = TestSite::new();
    fresh.write("d/new", b"1", 1);
    let tree = fresh.tree().display().to_string();
    assert!(json(&fresh, &format!("makehashes {tree} --json")).is_object());

    let files = site.run_ok("heliostat", &["file", "ls", "d/a b.iso", "--json"]);
    let files: Value = serde_json::from_str(&files).expect("JSON");
    let expected = "alive country enabled md5 mirror outdated path region score status url";
    assert_eq!(keys(&files[0]), expected);
    let found = files.as_array().expect("a list");
    let facts = |file: &Value| format!("{} {} {}", file["mirror"], file["alive"], file["url"]);
    let found: Vec<String> = found.iter().map(facts).collect();
    assert_eq!(
        found,
        [
            "\"b.example\" false \"http://b/d/a%20b.iso\"",
            "\"a.example\" true \"http://a/x/d/a%20b.iso\""
        ]
    );
    assert_eq!(
        json(&site, "file ls d/none --json"),
        Value::Array(Vec::new())
    );
    assert_eq!(json(&site, "file ls d/* --json"), files);
    let missing = site.run("heliostat", &["file", "ls", "nowhere", "--json"]);
    assert!(missing.stdout.is_empty() && missing.status.code() == Some(1));
}

#[test]
fn what_the_network_says_comes_as_json() {
    let site = site(AT_ONCE);
    let web = WebServer::start("127.0.0.1", Manner::Serves);
    fill(&web);
    add(
        &site,
        "good",
        &web.url("").replace("//", "//joe:s3cr3t@"),
        |_| {},
    );
    let found = json(&site, "probefile d/ü.rpm --json");
    assert_eq!(keys(&found), "found path urls");
    assert_eq!(
        (&found["path"], &found["found"]),
        (&"d/ü.rpm".into(), &1.into())
    );
    assert_eq!(keys(&found["urls"][0]), "is_there mirror said url");
    assert_eq!(found["urls"][0]["url"], web.url(""));
    assert!(json(&site, "test good --json").is_object());

    let tried = json(&site, "update --https --all-mirrors -n --json");
    assert_eq!(keys(&tried), "dry_run https mirrors");
    assert_eq!(keys(&tried["https"]), "added had mirrors of");
    assert_eq!(keys(&tried["https"]["mirrors"][0]), "mirror said url");
}

#[test]
fn what_is_known_of_hosts_comes_as_json() {
    let site = site_with("geoip = [\"test.mmdb\"]", "");
    let table = "127.0.0.0/8 de eu 52.5 13.4 64500\n";
    std::fs::write(site.path("table"), table).expect("a table");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/make-mmdb");
    let made = std::process::Command::new(script)
        .args([site.path("table"), site.path("test.mmdb")])
        .status();
    assert!(made.expect("make-mmdb starts").success());
    let known = json(&site, "iplookup 127.0.0.1 --json");
    assert_eq!(keys(&known), "addresses asn prefix");
    assert_eq!(
        (&known["prefix"], &known["asn"]),
        (&"127.0.0.0/8".into(), &64500.into())
    );
    assert_eq!(known["addresses"][0]["ip"], "127.0.0.1");
    assert_eq!(
        keys(&known["addresses"][0]["facts"][0]),
        "fact field file value"
    );

    add(&site, "m", "http://127.0.0.1/", |mirror| {
        mirror.country = "us".into()
    });
    add(&site, "no-url", "", |_| {});
    for (line, dry_run) in [
        ("update --country m -n", true),
        ("update --country m", false),
    ] {
        let updated = json(&site, &format!("{line} --json"));
        assert_eq!(updated["dry_run"], dry_run);
        assert_eq!(updated["https"], Value::Null);
        let change = &updated["mirrors"][0]["changes"][0];
        assert_eq!(keys(change), "field from to");
        assert_eq!(
            (&change["from"], &change["to"]),
            (&"us".into(), &"de".into())
        );
    }
    let output = site.run("heliostat", &["update", "-A", "--all-mirrors", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let updated: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(updated["mirrors"][1]["problem"].is_string(), "{updated}");
}

/// Every change of a mirror that there is.
const CHANGES: [&str; 9] = [
    "disable a.example",
    "enable --alive b.example",
    "rename b.example c.example",
    "commentadd a.example -C word",
    "edit a.example --set country=at score=7",
    "new d.example -H http://d/",
    "rollback a.example",
    "delete a.example",
    "score a.example 50",
];

fn everything(site: &TestSite) -> (String, String) {
    (
        site.run_ok("heliostat", &["list", "-a", "--json"]),
        site.run_ok("heliostat", &["events", "--json"]),
    )
}

/// Gives a mirror an earlier state.
fn add_previous(site: &TestSite) {
    let database = rusqlite::Connection::open(site.database()).expect("the database");
    let update = "UPDATE mirror_content SET previous_current = current, \
        previous_outdated = outdated, previous_learnt_at = learnt_at, \
        previous_learnt_by = learnt_by";
    database.execute_batch(update).expect("changed");
}

#[test]
fn a_rehearsal_changes_nothing_and_says_what_it_would() {
    let site = imported_site();
    add_previous(&site);
    let before = everything(&site);
    for line in CHANGES {
        let found = json(&site, &format!("{line} --dry-run --json"));
        assert_eq!(
            (&found["changed"], &found["dry_run"]),
            (&true.into(), &true.into()),
            "{line}"
        );
        let words: Vec<&str> = line.split_whitespace().chain(["-n"]).collect();
        let said = site.run_ok("heliostat", &words);
        assert!(
            said.ends_with("(--dry-run: nothing is stored)\n"),
            "{line}: {said}"
        );
        assert_eq!(everything(&site), before, "{line}");
    }
    let ping = json(&site, "ping a.example b.ex -n --json");
    assert_eq!(
        ping["mirrors"],
        serde_json::json!(["a.example", "b.example"])
    );
    let database = rusqlite::Connection::open(site.database()).expect("the database");
    let asked = "SELECT count(*) FROM scan_request";
    let asked: i64 = database
        .query_row(asked, [], |row| row.get(0))
        .expect("a count");
    assert_eq!(asked, 0, "a rehearsed ping asks for nothing");

    for (line, expected) in [
        ("rename b.example a.example -n", "a.example"),
        ("new a.example -H http://d/ -n", "a.example"),
        ("edit a.example --json", "by --set"),
    ] {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (_, said) = crate::stand_in::site::failure(&site.run("heliostat", &words));
        assert!(said.contains(expected), "{line}: {said}");
    }
    let fresh = TestSite::new();
    assert_eq!(
        json(&fresh, "new m -H http://m/ -n --json")["changed"],
        true
    );
    assert!(!fresh.database().exists());
}

#[test]
fn a_change_says_as_json_what_it_did() {
    let site = imported_site();
    add_previous(&site);
    for line in CHANGES {
        let line = line.replace("delete", "delete --yes");
        let is_score = line.starts_with("score");
        let line = match is_score {
            true => "score c.example 50".to_owned(),
            false => line,
        };
        let before = everything(&site);
        let found = json(&site, &format!("{line} --json"));
        let expected = match is_score {
            true => "before changed dry_run mirror score",
            false => "changed dry_run mirror what",
        };
        assert_eq!(keys(&found), expected, "{line}");
        assert_eq!(
            (&found["changed"], &found["dry_run"]),
            (&true.into(), &false.into())
        );
        assert_ne!(everything(&site), before, "{line}");
    }
    let again = json(&site, "score c.example 50 --json");
    assert_eq!(
        (&again["changed"], &again["before"]),
        (&false.into(), &50.into())
    );
    assert_eq!(json(&site, "score c.example --json"), again);
    assert_eq!(json(&site, "ping c.example --json")["dry_run"], false);
}
