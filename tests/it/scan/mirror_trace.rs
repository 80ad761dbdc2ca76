//! The trace that mirrors leave after their syncs: made by the script, read by scans, shown.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use heliostat::db::mirror_trace;
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;
use heliostat::domain::trace::Trace;
use heliostat::domain::url::Scheme;

use crate::stand_in::folder::temporary_folder;
use crate::stand_in::http_site::{FILES, add, healthy, set_url, site_and_tree};
use crate::stand_in::odd_web::{OddWeb, Reply, page, status};
use crate::stand_in::scan_site::{current, last_run, reader, set};
use crate::stand_in::site::TestSite;
use crate::stand_in::webd::{Kind, Web};

/// Later than any clock that runs this.
const FAR: Timestamp = Timestamp(7_000_000_000);

fn script(arguments: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/mirror-trace");
    Command::new("sh")
        .arg(script)
        .args(arguments)
        .output()
        .expect("sh")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a name in UTF-8")
}

fn stored(site: &TestSite, id: MirrorId) -> Option<Trace> {
    let found = mirror_trace::load(&reader(site), id).expect("the database");
    found.map(|stored| stored.trace)
}

fn trace_of(folder: &Path) -> Trace {
    let bytes = std::fs::read(folder.join(".heliostat.json")).expect("a trace");
    Trace::parse(&bytes, FAR).expect("it can be read")
}

#[test]
fn the_script_writes_what_the_parser_reads() {
    let folder = temporary_folder();
    let (odd, more) = (folder.path().join("a b"), ["--connections", "4"]);
    std::fs::create_dir(&odd).expect("directory");
    let run = |arguments: &[&str]| {
        let output = script(&[&[text(&odd)], arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && said.is_empty(), "{said}");
        trace_of(&odd)
    };
    let bare = run(&[]);
    assert!(bare.synced_at.is_some());
    assert_eq!((bare.tree_generation, bare.schemes.len()), (None, 0));
    std::fs::write(odd.join(".heliostat-generation"), "12\n").expect("file");
    let all = ["--max-file-size", "4294967296", "--schemes", "https,rsync"];
    let full = run(&[&more[..], &all[..]].concat());
    assert_eq!(full.tree_generation, Some(12));
    assert_eq!(full.schemes, [Scheme::Https, Scheme::Rsync]);
    let limits = (full.connections, full.max_file_size);
    assert_eq!(limits, (Some(4), Some(1 << 32)));
    // Somebody else wrote a file there that is no number, or none that fits.
    for odd_number in ["1\",\"x\":1", "007", "", "99999999999999999999"] {
        std::fs::write(odd.join(".heliostat-generation"), odd_number).expect("file");
        assert_eq!(run(&[]).tree_generation, None, "{odd_number}");
    }
    let names: Vec<_> = std::fs::read_dir(&odd).expect("directory").collect();
    assert_eq!(names.len(), 2, "nothing else is left: {names:?}");
    use std::os::unix::fs::PermissionsExt;
    let made = std::fs::metadata(odd.join(".heliostat.json")).expect("it");
    assert_eq!(made.permissions().mode() & 0o777, 0o644);
}

#[test]
fn the_script_refuses_what_it_cannot_use_in_one_line() {
    let folder = temporary_folder();
    let place = text(folder.path());
    for (arguments, expected) in [
        (&[][..], "which directory?"),
        (&["/nonexistent/x"], "is no directory"),
        (&[place, "--connections", "many"], "wants a number"),
        (&[place, "--connections"], "wants a value"),
        (&[place, "--max-file-size", "1e9"], "wants a number"),
        (&[place, "--schemes", "https,gopher"], "'gopher' is none of"),
        (&[place, "--schemes", "\"x"], "is none of"),
        (&[place, place], "one directory"),
        (&["--frobnicate"], "no option --frobnicate"),
    ] {
        let output = script(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!folder.path().join(".heliostat.json").exists());
    }
    let help = script(&["--help"]);
    assert!(help.status.success());
    assert!(String::from_utf8_lossy(&help.stdout).contains("Examples:"));
}

fn is_read_stored_and_shown(kind: Kind) {
    let (site, tree) = site_and_tree("[site.test.index]\nwrite_generation = true\n");
    let web = Web::start(kind, &tree, "UTC", "");
    let id = add(&site, "m", &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!((stored(&site, id), current(&site, id)), (None, set(&FILES)));

    // The mirror copies the generation with the other files.
    let generation = PathBuf::from(".heliostat-generation");
    let number = std::fs::read_to_string(site.tree().join(&generation)).expect("the number");
    std::fs::write(tree.path().join(&generation), &number).expect("file");
    let more = ["--schemes", "http,rsync", "--max-file-size", "99"];
    let output = script(&[&[text(&tree.path())], &more[..]].concat());
    assert!(output.status.success());
    site.run_ok("heliostat-scan", &["m"]);
    let trace = stored(&site, id).expect("a trace");
    assert_eq!(
        trace.tree_generation.map(|n| format!("{n}\n")),
        Some(number)
    );
    let counts = serde_json::to_value(last_run(&site, id).counts).expect("JSON");
    assert_eq!(counts["unknown"], 0, "{counts}");

    site.write("new", b"x", 1_000_000_001);
    site.run_ok("heliostat-index", &["--quiet"]);
    let shown = site.run_ok("heliostat", &["show", "m"]);
    for expected in [
        " ago, tree generation 1 of 2",
        "takes files of up to 99 bytes, here it has no limit",
        "it serves rsync, here it has no such URL",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let status = site.run_ok("heliostat", &["status"]);
    // Six of seven files: too few, and the trace says why.
    let expected = "by its own trace synced ";
    assert!(status.contains(expected), "{status}");
    let json: serde_json::Value =
        serde_json::from_str(&site.run_ok("heliostat", &["show", "m", "--json"])).expect("JSON");
    assert_eq!(json["trace"]["tree_generation"], 1);
    assert_eq!(json["trace"]["tree_generation_here"], 2);

    // Without a trace nothing is said of one.
    tree.remove(".heliostat.json");
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(stored(&site, id), None);
}

#[test]
fn nginx_serves_a_trace_that_is_read_stored_and_shown() {
    is_read_stored_and_shown(Kind::Nginx);
}

#[test]
fn apache_serves_a_trace_that_is_read_stored_and_shown() {
    is_read_stored_and_shown(Kind::ApacheFancy);
}

#[test]
fn a_bad_trace_is_one_note_and_hurts_no_scan() {
    let (site, tree) = site_and_tree("[site.test.scan]\ntimeout_s = 10");
    type Made = fn() -> Reply;
    let cases: [(Made, &str); 7] = [
        (|| status("404 Not Found", ""), ""),
        (|| status("500 Oops", ""), ""),
        (|| Reply::Hang("{".into()), ""),
        (|| Reply::Break("{".into()), ""),
        (
            || page("<html>no such page".into()),
            "cannot be used: it is not a JSON object",
        ),
        (
            || Reply::Endless("{\"time\": "),
            "it is longer than 16384 bytes",
        ),
        (
            || status("302 Found", "Location: http://127.0.0.2:1/x\r\n"),
            "leads elsewhere and is not read: http://127.0.0.2:1/x",
        ),
    ];
    let id = add(&site, "m", "http://127.0.0.1:1/");
    for (reply, expected) in cases {
        let web = OddWeb::start_with_trace(move |asked| match asked.path.as_str() {
            "/pub/.heliostat.json" => reply(),
            path => healthy(path),
        });
        set_url(&site, &web.url());
        let output = site.run("heliostat-scan", &["m", "-v"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{expected}: {said}");
        let notes = said.lines().filter(|line| line.contains(".heliostat.json"));
        assert_eq!(notes.count(), usize::from(!expected.is_empty()), "{said}");
        assert!(said.contains(expected), "{expected}: {said}");
        assert_eq!(current(&site, id), set(&FILES));
        assert_eq!(stored(&site, id), None);
        let asked = web.all_asked();
        let traces = asked
            .iter()
            .filter(|path| path.ends_with(".heliostat.json"));
        assert_eq!(traces.count(), 1, "{asked:?}");
    }
    drop(tree);
}

#[test]
fn neither_name_is_ever_catalogued() {
    let site = TestSite::with_config("[site.test.index]\nwrite_generation = true\n");
    site.write("a", b"x", 1_000_000_000);
    site.write(".heliostat.json", b"{}", 1_000_000_000);
    site.write("d/.heliostat.json", b"{}", 1_000_000_000);
    site.run_ok("heliostat-index", &["--quiet"]);
    site.run_ok("heliostat-index", &["--quiet"]);
    let mut paths = Vec::new();
    heliostat::db::catalogue::for_each(&reader(&site), b"", |path, _| {
        paths.push(String::from_utf8_lossy(path).into_owned());
    })
    .expect("the catalogue");
    assert_eq!(paths, ["a", "d/.heliostat.json"]);
    let number = std::fs::read_to_string(site.tree().join(".heliostat-generation"));
    assert_eq!(number.expect("the number"), "1\n");
}

#[test]
fn a_tree_that_takes_no_generation_is_indexed_all_the_same() {
    let site = TestSite::with_config("[site.test.index]\nwrite_generation = true\n");
    site.write("a", b"x", 1_000_000_000);
    // In the way of the file, whoever runs this.
    std::fs::create_dir(site.tree().join(".heliostat-generation")).expect("directory");
    let output = site.run("heliostat-index", &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert_eq!(
        said.matches("the generation is not written").count(),
        1,
        "{said}"
    );
    let count = heliostat::db::catalogue::count(&reader(&site)).expect("the catalogue");
    assert_eq!(count, 1);
    let left = std::fs::read_dir(site.tree()).expect("the tree").count();
    assert_eq!(left, 2, "no half-written file stays");
}
