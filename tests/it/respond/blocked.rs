//! Blocks or breaks what stands under a responder: files that are no files, a database of a newer
//! program, a configuration with a typo.

use std::path::Path;

use rusqlite::Connection;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;

use crate::stand_in::fcgi_client::{FcgiClient, Request};
use crate::stand_in::logged_responder::{AWAY, LoggedResponder, indexed_site};
use crate::stand_in::site::{DOCUMENTS, TestSite, eventually};

fn make_fifo(path: &Path) {
    let _ = std::fs::remove_file(path);
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO");
}

#[test]
fn a_fifo_in_place_of_the_database_stops_nothing() {
    let site = indexed_site();
    let (database, kept) = (site.database(), site.path("kept.sqlite"));
    let mut running = LoggedResponder::start(&site);
    assert_eq!(running.gives("/a.iso"), "file");
    std::fs::rename(&database, &kept).expect("the database");
    make_fifo(&database);
    running.until_log("it is not a regular file");
    assert_eq!(running.gives("/a.iso"), AWAY);
    std::fs::remove_file(&database).expect("the FIFO");
    std::fs::rename(&kept, &database).expect("the database");
    eventually("it is read again", || running.gives("/a.iso") == "file");
    make_fifo(&database);
    eventually("it is away", || running.gives("/a.iso") == AWAY);
    assert!(running.end().success());
    let mut running = LoggedResponder::start(&site);
    assert_eq!(running.gives("/a.iso"), AWAY);
    assert!(running.end().success());
    for (program, arguments) in [("heliostat", "list"), ("heliostat-index", "--no-hashes")] {
        let output = site.run(program, &[arguments]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains("it is not a regular file"),
            "{program}: {said}"
        );
    }
}

#[test]
fn what_is_no_database_is_said_as_such() {
    let site = indexed_site();
    let (database, journal) = (site.database(), site.path("test.sqlite-journal"));
    make_fifo(&journal);
    let mut running = LoggedResponder::start(&site);
    assert_eq!(running.gives("/a.iso"), AWAY);
    assert!(running.end().success());
    let says = |expected: &str| {
        for (program, arguments) in [("heliostat", "list"), ("heliostat-index", "--no-hashes")] {
            let output = site.run(program, &[arguments]);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains(expected), "{program}: {said}");
        }
    };
    says("test.sqlite-journal: it is not a regular file");
    std::fs::remove_file(&journal).expect("the FIFO");
    std::fs::write(&database, [7; 9000]).expect("no database");
    says("it is damaged: put a copy in its place");
}

#[test]
fn a_fifo_in_place_of_the_configuration_stops_nothing() {
    let site = indexed_site();
    let (config, kept) = (site.config(), site.path("kept.toml"));
    let mut running = LoggedResponder::start(&site);
    std::fs::rename(&config, &kept).expect("the configuration");
    make_fifo(&config);
    running.signal(Signal::HUP);
    running.until_log("the configuration stays as it was");
    assert_eq!(running.gives("/a.iso"), "file");
    assert!(running.end().success());
    let output = site.run("heliostat", &["list"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_database_of_a_newer_program_is_left_alone() {
    let site = indexed_site();
    let mut running = LoggedResponder::start(&site);
    assert_eq!(running.gives("/a.iso"), "file");
    let writer = Connection::open(site.database()).expect("the database");
    let set = |version: i64| {
        let set = writer.pragma_update(None, "user_version", version);
        set.expect("a version");
    };
    let version = heliostat::db::schema::VERSION;
    set(version + 1);
    running.until_log("update the program");
    assert_eq!(running.gives("/a.iso"), AWAY);
    set(version);
    eventually("it is read again", || running.gives("/a.iso") == "file");
}

/// Standard output of `heliostat status`, which must end with that code.
fn status(site: &TestSite, code: i32) -> String {
    let mut command = site.command("heliostat");
    let command = command.args(["status", "--check"]);
    let output = command.env("STATE_DIRECTORY", site.path("state")).output();
    let output = output.expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}{output:?}");
    said
}

#[test]
fn a_tree_that_is_not_there_is_said() {
    let site = indexed_site();
    status(&site, 0);
    let (tree, away) = (site.tree(), site.path("away"));
    std::fs::rename(&tree, &away).expect("the tree");
    let problem = format!("cannot look at {} as user ", tree.display());
    let said = status(&site, 3);
    assert!(said.starts_with(&format!("attention: {problem}")), "{said}");
    let mut running = LoggedResponder::start(&site);
    running.until_log(&problem);
    assert!(
        running
            .log()
            .contains("correct `tree` in the configuration")
    );
    let said = status(&site, 3);
    assert_eq!(said.matches(&problem).count(), 1, "{said}");
    let mut client = FcgiClient::connect(&site.path("fcgi.sock"));
    // Apache keeps the fields of the answer on the file that it serves then.
    for (path, is_document) in [("/a.iso", false), ("/a.iso.sha256", true)] {
        let answer = client.send(&Request::get(path));
        assert_eq!(answer.status, 503, "{path}");
        assert_eq!(
            answer.header("Retry-After").is_some(),
            is_document,
            "{path}"
        );
    }
    std::fs::rename(&away, &tree).expect("the tree");
    assert_eq!(running.gives("/a.iso"), "file");
    let said = status(&site, 3);
    assert!(
        said.contains("(last at "),
        "it was so within the hour: {said}"
    );
}

#[test]
fn a_document_is_asked_for_again_while_the_database_is_away() {
    let site = indexed_site();
    std::fs::rename(site.database(), site.path("away")).expect("the database");
    let running = LoggedResponder::start(&site);
    let mut client = FcgiClient::connect(&site.path("fcgi.sock"));
    for document in DOCUMENTS {
        let by_suffix = Request::get(format!("/a.iso.{document}"));
        let by_query = Request::get("/a.iso").query(document);
        for request in [by_suffix, by_query] {
            let answer = client.send(&request);
            let after = answer.text("Retry-After");
            assert_eq!(
                (answer.status, after.as_deref()),
                (503, Some("5")),
                "{document}"
            );
        }
    }
    let answer = client.send(&Request::get("/").query("mirrorlist"));
    assert_eq!(answer.status, 503);
    for missing in ["/none.iso", "/none.iso.md5"] {
        assert_eq!(client.send(&Request::get(missing)).status, 404, "{missing}");
    }
    assert_eq!(running.gives("/a.iso"), AWAY);
}

#[test]
fn a_typo_ends_no_responder_and_is_said() {
    let site = indexed_site();
    let good = std::fs::read_to_string(site.config()).expect("the configuration");
    let write = |text: &str| std::fs::write(site.config(), text).expect("the configuration");
    let mut running = LoggedResponder::start(&site);
    assert!(running.end().success());
    let kept = site.path("state/last-good.toml");
    let mode = std::fs::metadata(&kept).expect("it is kept").permissions();
    let mode = std::os::unix::fs::PermissionsExt::mode(&mode);
    assert_eq!(mode & 0o777, 0o600);

    write(&good.replace("[site.test]", "[site.test]\ntre = 1"));
    let checked = site.run("heliostat-fcgi", &["--check"]);
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert_eq!(checked.status.code(), Some(2), "{said}");
    assert!(said.contains("tre: there is no such key"), "{said}");
    let mut running = LoggedResponder::start(&site);
    let log = running.log();
    assert!(
        log.contains("going on with the last good configuration"),
        "{log}"
    );
    assert_eq!(running.gives("/a.iso"), "file");
    assert!(running.end().success());

    // A configuration that cannot start is not kept.
    let config = good.replace("/fcgi.sock", "/gone/fcgi.sock");
    assert_ne!(config, good);
    write(&config);
    let mut command = site.command("heliostat-fcgi");
    let output = command.env("STATE_DIRECTORY", site.path("state")).output();
    assert_eq!(output.expect("it ends").status.code(), Some(1));
    // Nor is one that a running responder reads.
    write(&good);
    let mut running = LoggedResponder::start(&site);
    write(&config);
    running.until_log("need a restart");
    assert!(running.end().success());
    write(&good.replace("[site.test]", "[site.test]\ntre = 1"));
    let mut running = LoggedResponder::start(&site);
    assert_eq!(running.gives("/a.iso"), "file");
    let said = status(&site, 3);
    assert!(said.contains("tre: there is no such key"), "{said}");
    assert_eq!(said.matches("attention:").count(), 1, "{said}");

    write(&good);
    running.until_log("the configuration can be used again");
    eventually("nothing is wrong", || {
        site.run("heliostat", &["status", "--check"])
            .status
            .success()
    });
    // While it runs: what it has stays, and is said.
    write("nonsense");
    running.until_log("the configuration stays as it was");
    let said = status(&site, 3);
    assert!(
        said.contains("attention: the configuration cannot be used"),
        "{said}"
    );
    assert!(running.end().success());

    // Without a folder nothing is kept, and the start fails.
    let output = site.run("heliostat-fcgi", &[]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_responder_that_hangs_or_is_gone_is_said() {
    let site = indexed_site();
    let mut running = LoggedResponder::start(&site);
    status(&site, 0);
    running.signal(Signal::STOP);
    let said = status(&site, 3);
    assert!(said.contains("the responder does not answer on "), "{said}");
    running.signal(Signal::CONT);
    eventually("it answers again", || {
        let output = site.run("heliostat", &["status", "--check"]);
        output.status.success()
    });
    running.signal(Signal::KILL);
    running.wait();
    let said = status(&site, 3);
    assert!(said.contains("no responder listens on "), "{said}");
}

#[test]
fn explain_says_as_whom_it_looked() {
    let site = indexed_site();
    let explain = || site.run_ok("heliostat", &["explain", "/a.iso", "--ip", "192.0.2.1"]);
    let user = heliostat::tree::user_name();
    let alone = explain();
    assert!(alone.contains(&format!("\nlooked as  {user}\n")), "{alone}");
    let _running = LoggedResponder::start(&site);
    let both = explain();
    let expected = format!("\nlooked as  {user}, as the responder does\n");
    assert!(both.contains(&expected), "{both}");
}
