//! Scans of real rsync daemons: what is learnt, published and printed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use heliostat::db::{content, open_writer};

use crate::stand_in::rsyncd::{Rsyncd, set_mode};
use crate::stand_in::scan_site::{
    OLD, add_mirror, catalogue_tree, current, last_run, mirror_record, outdated, published, set,
    site_with_mirror,
};
use crate::stand_in::site::{TestSite, failure};

#[test]
fn current_outdated_missing_and_unknown_files_are_told_apart() {
    let (site, daemon, id) = site_with_mirror(&["a", "dir/b", "dir/c", "dir/d", "e", "f"]);
    daemon.write("dir/b", b"an older one", OLD);
    daemon.write("dir/c", b"dir/c", OLD - 1);
    daemon.write("dir/d", b"dir/d", OLD + 3600);
    daemon.remove("e");
    daemon.write("elsewhere/x", b"x", OLD);
    set_mode(&daemon.tree().join("f"), 0o640);
    symlink("a", daemon.tree().join("link")).expect("a link");
    let json = site.run_ok("heliostat-scan", &["m", "--json"]);
    assert_eq!(current(&site, id), set(&["a", "dir/d"]));
    assert_eq!(outdated(&site, id), set(&["dir/b", "dir/c"]));
    let report: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let mirror = &report["mirrors"][0];
    for (key, expected) in [
        ("files", 5),
        ("current", 2),
        ("outdated", 2),
        ("unknown", 1),
        ("private", 1),
        ("vanished", 0),
        ("before", 0),
        ("after", 2),
    ] {
        assert_eq!(mirror[key], expected, "{key} in {json}");
    }
    assert_eq!(mirror["outcome"], "ok");
    let run = last_run(&site, id);
    assert_eq!((run.outcome.as_str(), run.error.as_str()), ("ok", ""));
    let counts = serde_json::to_value(&run.counts).expect("JSON");
    assert_eq!(counts["outdated"], 2, "{counts}");
    let record = mirror_record(&site, "m");
    assert!(record.last_scan.ends_with('Z') && record.scan_fpm > 0);
}

#[test]
fn scans_that_find_nothing_new_are_counted_with_the_first() {
    let (site, daemon, id) = site_with_mirror(&["a", "b", "c"]);
    daemon.remove("c");
    site.run_ok("heliostat-scan", &["m"]);
    let first = last_run(&site, id);
    for times in 1..=2 {
        site.run_ok("heliostat-scan", &["m"]);
        let run = last_run(&site, id);
        assert_eq!(run.id, first.id);
        assert_eq!(run.repeats.map(|(times, _)| times), Some(times));
    }
    let runs = site.run_ok("heliostat", &["runs", "m"]);
    assert!(runs.contains("the same 2 times more, last at "), "{runs}");
    let again = last_run(&site, id).repeats.map(|(_, at)| at.to_string());
    let shown: serde_json::Value =
        serde_json::from_str(&site.run_ok("heliostat", &["show", "m", "--json"])).expect("JSON");
    assert_eq!(shown["last_scan"].as_str(), again.as_deref());
    // A scan with other numbers is a run of its own, also when the content is the same.
    daemon.write("unknown", b"x", OLD);
    site.run_ok("heliostat-scan", &["m"]);
    assert!(last_run(&site, id).id.0 > first.id.0);
    daemon.write("c", b"c", OLD);
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&["a", "b", "c"]));
    assert_eq!(last_run(&site, id).repeats, None);
}

#[test]
fn any_name_arrives_to_the_byte() {
    let names: [&[u8]; 18] = [
        b"plain.iso",
        b"with space",
        b" lead",
        b"trail ",
        b"new\nline",
        b"end\n",
        b"cr\r",
        b"back\\slash",
        b"esc\\#012x",
        b"latin\xfc",
        "utf-ü".as_bytes(),
        b"tab\there",
        b"\x1b[31mred",
        b"-dash",
        b"arrow -> x",
        b"a%20b#c?d&e\"<+[1];*",
        b"dir\n/ sub\\dir /f",
        b"*missing",
    ];
    let (site, daemon) = (TestSite::new(), Rsyncd::start());
    for name in names {
        site.write(OsStr::from_bytes(name), b"x", OLD);
        daemon.write(OsStr::from_bytes(name), b"x", OLD);
    }
    catalogue_tree(&site);
    let id = add_mirror(&site, "m", &daemon.url("pub/"), |_| {});
    site.run_ok("heliostat-scan", &["m"]);
    let expected = names.iter().map(|name| name.escape_ascii().to_string());
    assert_eq!(current(&site, id), expected.collect());
}

#[test]
fn a_subtree_is_scanned_alone() {
    let files = ["a", "d[1]/b\\c/x", "d[1]/b\\c/y", "d[1]/z", "d1/b", "dx/q"];
    let (site, daemon, id) = site_with_mirror(&files);
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&files));
    let full = mirror_record(&site, "m");
    // All of this changes; only what lies in the subtree may be noticed.
    for gone in ["a", "d[1]/b\\c/x", "d[1]/z", "d1/b"] {
        daemon.remove(gone);
    }
    site.write("d[1]/b\\c/new", b"new", OLD);
    daemon.write("d[1]/b\\c/new", b"new", OLD);
    catalogue_tree(&site);
    let listed = site.run_ok("heliostat-scan", &["-d", "/d[1]//b\\c/", "m"]);
    assert!(listed.contains("scanned 2 files"), "{listed}");
    assert!(listed.contains("files to be purged: 1"), "{listed}");
    let expected = [
        "a",
        "d[1]/b\\c/new",
        "d[1]/b\\c/y",
        "d[1]/z",
        "d1/b",
        "dx/q",
    ];
    assert_eq!(current(&site, id), set(&expected));
    assert_eq!(mirror_record(&site, "m"), full, "a part is no full scan");
    // One file, and a directory that the mirror has not at all.
    site.run_ok("heliostat-scan", &["--dir=a", "m"]);
    assert!(!current(&site, id).contains("a"));
    std::fs::remove_dir_all(daemon.tree().join("dx")).expect("dx");
    site.run_ok("heliostat-scan", &["--dir=dx", "m"]);
    assert!(!current(&site, id).contains("dx/q"));
    let (code, error) = failure(&site.run("heliostat-scan", &["--dir=nowhere", "m"]));
    assert_eq!(code, Some(1));
    assert!(error.contains("nothing at or below 'nowhere'"), "{error}");
}

#[test]
fn excludes_and_top_includes_are_those_of_the_configuration() {
    let site = TestSite::with_config(
        "[site.test.scan]\ntop_include = [\"in\"]\nexclude_rsync = [\"*/.~tmp~/\", \"*.part\"]",
    );
    let daemon = Rsyncd::start();
    for path in ["in/a", "in/b.part", "in/.~tmp~/c", "out/d"] {
        site.write(path, b"x", OLD);
        daemon.write(path, b"x", OLD);
    }
    catalogue_tree(&site);
    let id = add_mirror(&site, "m", &daemon.url("pub"), |_| {});
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&["in/a"]));
    // As in MirrorBrain the top includes are not for a subtree, the excludes are.
    site.run_ok("heliostat-scan", &["-d", "out", "m"]);
    site.run_ok("heliostat-scan", &["-d", "in", "m"]);
    assert_eq!(current(&site, id), set(&["in/a", "out/d"]));
}

#[test]
fn lines_are_those_of_mirrorbrain() {
    let (site, daemon, _) = site_with_mirror(&["a", "b", "c", "d", "e", "f"]);
    let text = site.run_ok("heliostat-scan", &["m"]);
    let said: Vec<&str> = text
        .lines()
        .map(|line| line.split_once(" m: ").map_or(line, |(_, said)| said))
        .collect();
    assert_eq!(said.len(), 7, "{text}");
    assert_eq!(said[0], "starting");
    assert_eq!(said[1], "total files before scan: 0");
    assert!(said[2].starts_with("scanned 6 files (") && said[2].ends_with("/s) in 0s"));
    assert_eq!(said[3], "files to be purged: 0");
    assert_eq!(said[4], "total files after scan: 6 (delta: 6)");
    assert_eq!(said[5], "done.");
    assert!(said[6].starts_with("Completed in ") && said[6].ends_with(" seconds"));
    daemon.remove("a");
    let quiet = site.run_ok("heliostat-scan", &["-q", "m"]);
    assert_eq!(quiet.lines().count(), 1, "{quiet}");
    let end = " m: total files after scan: 5 (delta: -1)";
    assert!(quiet.trim_end().ends_with(end), "{quiet}");
    assert_eq!(site.run_ok("heliostat-scan", &["-qq", "m"]), "");
}

#[test]
fn all_are_those_in_use_and_names_may_be_short() {
    let (site, daemon, id) = site_with_mirror(&["a"]);
    let off = add_mirror(&site, "off.example", &daemon.url("pub"), |mirror| {
        mirror.enabled = false;
    });
    let dead = add_mirror(&site, "dead.example", &daemon.url("pub"), |mirror| {
        mirror.alive = false;
    });
    add_mirror(&site, "ftp.example", "", |mirror| {
        mirror.base_url = "ftp://127.0.0.1:1/".to_owned();
    });
    let cdn = add_mirror(&site, "cdn", &daemon.url("pub"), |mirror| {
        mirror.country = "**".to_owned();
    });
    let json = site.run_ok("heliostat-scan", &["--all", "-j", "2", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(report["mirrors"].as_array().expect("a list").len(), 1);
    assert_eq!(report["without_url"][0], "ftp.example");
    assert_eq!(current(&site, id), set(&["a"]));
    assert!(published(&site, off).is_none() && published(&site, dead).is_none());

    let text = site.run_ok("heliostat-scan", &["off", "dead"]);
    assert!(
        text.contains("off.example: is disabled, and is scanned"),
        "{text}"
    );
    assert!(published(&site, off).is_some() && published(&site, dead).is_some());

    for (arguments, expected_code, expected) in [
        (&["nobody"][..], 1, "no mirror is called 'nobody'"),
        (
            &["example"],
            1,
            "several mirrors, write one of them: off.example, dead.example, ftp.example",
        ),
        (
            &["ftp"],
            1,
            "ftp.example: no rsync or FTP URL and no base URL",
        ),
        (&["cdn"], 1, "cdn: it is a cache or has country '**'"),
        (&["m", "cdn"], 3, "cdn: it is a cache"),
        (&[], 2, "required arguments were not provided"),
        (&["-b", "nope", "m"], 2, "has no site 'nope'"),
        (
            &["-d", "../x", "m"],
            2,
            "--dir cannot be used: it leaves the tree",
        ),
    ] {
        let (code, error) = failure(&site.run("heliostat-scan", arguments));
        assert_eq!(code, Some(expected_code), "{arguments:?}: {error}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    assert!(published(&site, cdn).is_none());
}

#[test]
fn a_scan_may_switch_a_mirror_on() {
    let (site, daemon, _) = site_with_mirror(&["a"]);
    let url = daemon.url("pub");
    add_mirror(&site, "new", &url, |mirror| {
        mirror.enabled = false;
        mirror.alive = false;
        mirror.comment = "Added".to_owned();
    });
    site.run_ok("heliostat-scan", &["--enable", "new"]);
    let record = mirror_record(&site, "new");
    assert!(record.enabled && record.alive);
    let (before, note) = record.comment.split_once("\n\n").expect("two notes");
    assert_eq!(before, "Added");
    assert!(
        note.starts_with("*** scanned and enabled at ") && note.ends_with('.'),
        "{note}"
    );
    // One that fails stays off.
    add_mirror(&site, "broken", &daemon.url("nope"), |mirror| {
        mirror.enabled = false
    });
    failure(&site.run("heliostat-scan", &["-e", "broken"]));
    assert!(!mirror_record(&site, "broken").enabled);
}

#[test]
fn a_generation_can_be_rolled_back() {
    let (site, daemon, id) = site_with_mirror(&["a", "b", "c", "d", "e"]);
    site.run_ok("heliostat-scan", &["m"]);
    daemon.remove("a");
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&["b", "c", "d", "e"]));
    let mut writer = open_writer(&site.database()).expect("the database opens");
    let done = writer.transaction(|transaction| content::rollback(transaction, id));
    assert!(done.expect("rollback"));
    drop(writer);
    assert_eq!(current(&site, id), set(&["a", "b", "c", "d", "e"]));
    // The next scan learns the truth again.
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&["b", "c", "d", "e"]));
}

#[test]
fn directories_that_a_server_cannot_read_keep_what_was_known_there() {
    let (site, daemon, id) = site_with_mirror(&["a", "b", "shut/c", "shut/d", "open/e", "f", "g"]);
    site.run_ok("heliostat-scan", &["m"]);
    let shut = daemon.tree().join("shut");
    set_mode(&shut, 0o000);
    daemon.remove("a");
    daemon.remove("open/e");
    let output = site.run("heliostat-scan", &["m"]);
    set_mode(&shut, 0o755);
    let (code, error) = failure(&output);
    assert_eq!(code, Some(3), "{error}");
    assert!(
        error.contains("m: the server could not list 'shut'"),
        "{error}"
    );
    assert_eq!(
        current(&site, id),
        set(&["b", "shut/c", "shut/d", "f", "g"])
    );
    assert_eq!(last_run(&site, id).outcome.as_str(), "partial");
    // In a URL below the module the server names the directory from the module's top.
    let below = add_mirror(&site, "below", &daemon.url("top/pub"), |_| {});
    site.run_ok("heliostat-scan", &["below"]);
    set_mode(&shut, 0o000);
    let output = site.run("heliostat-scan", &["below"]);
    set_mode(&shut, 0o755);
    assert_eq!(failure(&output).0, Some(3));
    assert_eq!(
        current(&site, below),
        set(&["b", "shut/c", "shut/d", "f", "g"])
    );
}

#[test]
fn a_scan_needs_a_catalogue() {
    let site = TestSite::new();
    let (code, error) = failure(&site.run("heliostat-scan", &["-a"]));
    assert_eq!(code, Some(1));
    assert!(
        error.contains("does not exist; run heliostat-index"),
        "{error}"
    );
    assert!(!site.database().exists());
    add_mirror(&site, "m", "rsync://127.0.0.1:1/m", |_| {});
    let (code, error) = failure(&site.run("heliostat-scan", &["-a"]));
    assert_eq!((code, error.lines().count()), (Some(1), 1), "{error}");
    assert!(error.contains("the catalogue is empty"), "{error}");
    let output = site.run("heliostat-scan", &["-a", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["outcome"], "failed");
}

#[test]
fn a_subtree_is_listed_where_the_top_cannot_be() {
    let (site, daemon, id) = site_with_mirror(&["dir/a", "dir/deep/b.part", "dir/deep/c", "e"]);
    let config = std::fs::read_to_string(site.config()).expect("the configuration");
    let exclude = "[site.test.scan]\nexclude_rsync = [\"*.part\", \"/dir/deep/c\"]\n";
    std::fs::write(site.config(), config + exclude).expect("the configuration");
    // This directory may be entered, but not read.
    set_mode(&daemon.tree(), 0o311);
    site.run_ok("heliostat-scan", &["-d", "dir", "m"]);
    assert_eq!(current(&site, id), set(&["dir/a"]));
    site.run_ok("heliostat-scan", &["-d", "dir/a", "m"]);
    assert_eq!(current(&site, id), set(&["dir/a"]));
    // A mirror without the directory has none of its files; one whose base is gone tells nothing.
    std::fs::remove_dir_all(daemon.tree().join("dir")).expect("dir");
    set_mode(&daemon.tree(), 0o755);
    add_mirror(&site, "lost", &daemon.url("pub/base"), |_| {});
    let (code, error) = failure(&site.run("heliostat-scan", &["-d", "dir", "lost"]));
    assert_eq!(code, Some(1), "{error}");
    assert!(
        error.contains("the URL's directory cannot be listed"),
        "{error}"
    );
    let (_, error) = failure(&site.run("heliostat-scan", &["-d", "dir", "m"]));
    assert!(error.contains("1 of 1 files vanished"), "{error}");
    site.run_ok("heliostat-scan", &["--force", "-d", "dir", "m"]);
    assert_eq!(current(&site, id), set(&[]));
}
