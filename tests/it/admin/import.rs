//! `heliostat import mirrorbrain`: what a dump has is what the database has.

use std::io::Write;
use std::path::{Path, PathBuf};

use heliostat::db::{content, mirror, open_reader};
use heliostat::domain::mirror::MirrorId;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::Value;

use crate::stand_in::site::{TestSite, failure};

/// A dump of the fixtures.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/mirrorbrain")
        .join(name)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of the tests are UTF-8")
}

/// Imports a dump that must be good; returns the summary.
fn import(site: &TestSite, dump: &Path, more: &[&str]) -> Value {
    let arguments = [&["import", "mirrorbrain", text(dump), "--json"], more].concat();
    let out = site.run_ok("heliostat", &arguments);
    serde_json::from_str(&out).expect("a summary in JSON")
}

/// Every row that an import writes; what tells one import from the next (times) is left out.
fn everything(site: &TestSite) -> Vec<String> {
    const TABLES: [(&str, &str); 10] = [
        ("file", "path, id, size, mtime"),
        ("mirror", "*"),
        ("mirror_base_url", "*"),
        ("mirror_network", "*"),
        ("mirror_content", "mirror_id, current, outdated, learnt_by"),
        ("hash", "*"),
        ("hash_pieces", "*"),
        ("marker", "*"),
        ("country", "*"),
        ("region", "*"),
    ];
    let database = Connection::open(site.database()).expect("the database");
    let mut rows = Vec::new();
    for (table, columns) in TABLES {
        let query = format!("SELECT {columns} FROM {table} ORDER BY 1, 2");
        let mut statement = database.prepare(&query).expect(table);
        let columns = statement.column_count();
        let mut found = statement.query([]).expect(table);
        while let Some(row) = found.next().expect(table) {
            let cells = (0..columns).map(|place| match row.get_ref(place).expect("a cell") {
                ValueRef::Null => "NULL".to_owned(),
                ValueRef::Integer(number) => number.to_string(),
                ValueRef::Real(number) => number.to_string(),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.escape_ascii().to_string(),
            });
            rows.push(format!("{table} {}", cells.collect::<Vec<_>>().join("|")));
        }
    }
    rows
}

fn counts(summary: &Value) -> String {
    let count = |name: &str| summary["counts"][name].as_u64().expect("a count");
    format!(
        "{} mirrors {} files {} pairs {} hashes {} markers {} names",
        count("mirrors"),
        count("files"),
        count("pairs"),
        count("hashes"),
        count("markers"),
        count("names"),
    )
}

fn oddities(summary: &Value) -> Vec<String> {
    let odd = summary["oddities"].as_array().expect("a list");
    odd.iter()
        .map(|odd| format!("{} {}", odd["count"], odd["what"].as_str().expect("a text")))
        .collect()
}

#[test]
fn every_column_file_pair_and_hash_is_taken_over() {
    let site = TestSite::new();
    let summary = import(&site, &fixture("upstream.dump"), &[]);
    let all = "7 mirrors 15 files 17 pairs 3 hashes 1 markers 5 names";
    assert_eq!(counts(&summary), all);
    assert_eq!(summary["version"], "2.19.0");
    let rows = everything(&site);
    let rows: Vec<&str> = rows
        .iter()
        .map(String::as_str)
        .filter(|row| !row.starts_with("mirror_content "))
        .collect();
    let expected = std::fs::read_to_string(fixture("upstream.rows")).expect("the fixture");
    let expected = expected.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(rows, expected.collect::<Vec<_>>());
    let reader = open_reader(&site.database()).expect("a database");
    for (id, files) in [
        (1, &[1, 2, 3, 4, 8, 13, 16, 17, 18, 4_294_967_295][..]),
        (2, &[1, 2, 5, 15, 17]),
        (5, &[1]),
        (70_000, &[14]),
    ] {
        let found = content::load(&reader, MirrorId(id))
            .expect("content")
            .expect("some");
        let found: Vec<u32> = found.content.current.iter().collect();
        assert_eq!(found, files, "mirror {id}");
    }
    assert!(
        content::load(&reader, MirrorId(3))
            .expect("content")
            .is_none()
    );
    let next = mirror::all(&reader)
        .expect("mirrors")
        .iter()
        .map(|m| m.id.0)
        .max();
    assert_eq!(next, Some(70_000));
}

#[test]
fn what_is_odd_is_counted_and_told() {
    let site = TestSite::new();
    let summary = import(&site, &fixture("upstream.dump"), &[]);
    assert_eq!(
        oddities(&summary),
        [
            "2 paths cleaned of extra slashes and dots",
            "3 paths left out: they name no file below the tree",
            "1 paths left out: another entry has the same path",
            "1 pairs left out: there is no such mirror",
            "2 pairs left out: their file does not exist or was left out",
            "1 hashes left out: there is no such file",
            "1 digests left out: their length is wrong",
            "1 country or region names left out: their code is taken",
        ]
    );
    let problems = summary["problems"].as_array().expect("a list");
    let problems: Vec<&str> = problems
        .iter()
        .map(|p| p["mirror"].as_str().expect("name"))
        .collect();
    let odd = "odd.example.org";
    assert_eq!(problems, [odd, odd, "no-url.example.org", odd, odd]);
    assert_eq!(
        summary["unknown_columns"],
        serde_json::json!(["house_colour"])
    );
    assert_eq!(summary["ignored_tables"][0]["table"], "pfx2asn");

    // For people, on another site: the same, and what to do next.
    let site = TestSite::new();
    let dump = fixture("upstream.dump");
    let out = site.run_ok("heliostat", &["import", "mirrorbrain", text(&dump)]);
    for part in [
        "files                           15",
        "1 digests left out: their length is wrong, e.g. md5 of file 3: 2 bytes",
        "mirror odd.example.org: 'not-a-net/24' is no address prefix",
        "table pfx2asn (2 rows) is not taken over; GeoIP files",
        "heliostat -b test index",
    ] {
        assert!(out.contains(part), "{part}\nis not in\n{out}");
    }
    let quiet = TestSite::new();
    let out = quiet.run_ok("heliostat", &["import", "mirrorbrain", text(&dump), "-qq"]);
    assert_eq!(out, "");
}

#[test]
fn insert_statements_of_an_old_pg_dump_give_the_same_as_copy() {
    let (copy, insert) = (TestSite::new(), TestSite::new());
    let of_copy = import(&copy, &fixture("upstream.dump"), &[]);
    let of_insert = import(&insert, &fixture("inserts.dump"), &[]);
    assert_eq!(everything(&insert), everything(&copy));
    for key in ["counts", "oddities", "problems", "rows", "ignored_tables"] {
        assert_eq!(of_insert[key], of_copy[key], "{key}");
    }
}

#[test]
fn the_schema_of_the_opensuse_fork_is_known() {
    let site = TestSite::new();
    let summary = import(&site, &fixture("fork.dump"), &[]);
    assert_eq!(
        counts(&summary),
        "2 mirrors 3 files 3 pairs 1 hashes 0 markers 0 names"
    );
    assert_eq!(summary["schema"], "the openSUSE fork's schema");
    let mirrors: Value =
        serde_json::from_str(&site.run_ok("heliostat", &["list", "--json"])).expect("JSON");
    let first = &mirrors[0];
    assert_eq!(first["prefix"], "192.0.2.0/24");
    let further = serde_json::json!(["198.51.100.0/24", "2001:db8::/32"]);
    assert_eq!(first["further_prefixes"], further);
    assert_eq!(
        (&first["asn"], &first["further_asns"][0]),
        (&64_500.into(), &"64501".into())
    );
    let rows = everything(&site);
    assert!(
        rows.iter().any(|row| row == "file d/hashed|1|NULL|NULL"),
        "{rows:?}"
    );
    assert!(
        rows.iter()
            .any(|row| row.starts_with("hash 1|8192|1401807080|\\x00\\x01")),
        "{rows:?}"
    );
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).expect("gzip");
    packer.finish().expect("gzip")
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut packer = liblzma::write::XzEncoder::new(Vec::new(), 1);
    packer.write_all(bytes).expect("xz");
    packer.finish().expect("xz")
}

#[test]
fn compressed_dumps_and_standard_input_are_read() {
    let plain = std::fs::read(fixture("upstream.dump")).expect("the fixture");
    let reference = TestSite::new();
    import(&reference, &fixture("upstream.dump"), &[]);
    for (name, bytes) in [
        ("dump.gz", gzip(&plain)),
        ("dump.xz", xz(&plain)),
        ("dump", plain),
    ] {
        let site = TestSite::new();
        std::fs::write(site.path(name), &bytes).expect("a dump");
        let mut command = site.command("heliostat");
        let file = std::fs::File::open(site.path(name)).expect("a dump");
        command.args(["import", "mirrorbrain", "-"]).stdin(file);
        let output = command.output().expect("heliostat starts");
        assert!(output.status.success(), "{name}: {output:?}");
        assert_eq!(everything(&site), everything(&reference), "{name}");
    }
}

/// A site whose database holds one import already.
fn filled_site() -> TestSite {
    let site = TestSite::new();
    import(&site, &fixture("fork.dump"), &[]);
    site
}

#[test]
fn a_cut_dump_changes_nothing_wherever_it_is_cut() {
    let site = filled_site();
    let before = everything(&site);
    // The largest id would be refused after ids that were given before.
    let fitting = |name| {
        let dump = std::fs::read_to_string(fixture(name)).expect("the fixture");
        dump.replace("4294967295", "19").into_bytes()
    };
    let (plain, insert) = (fitting("upstream.dump"), fitting("inserts.dump"));
    let dumps = [
        ("plain", &plain),
        ("inserts", &insert),
        ("gz", &gzip(&plain)),
        ("xz", &xz(&plain)),
    ];
    for (name, whole) in dumps {
        // The last comment's last line may go without harm: nothing comes after it.
        let end = whole.len() - if name == "gz" || name == "xz" { 1 } else { 60 };
        for step in 0..8 {
            let cut = 1 + (end - 1) * step / 7;
            let dump = site.path("cut");
            std::fs::write(&dump, &whole[..cut]).expect("a cut dump");
            let arguments = ["import", "mirrorbrain", text(&dump), "--force"];
            let (code, error) = failure(&site.run("heliostat", &arguments));
            assert_eq!(code, Some(1), "{name} {cut}: {error}");
            assert_eq!(error.lines().count(), 1, "{name} {cut}: {error}");
            // A few bytes are no dump of any kind; everything longer is known to be cut.
            assert!(error.contains("cut"), "{name} {cut}: {error}");
            assert_eq!(everything(&site), before, "{name} {cut}");
        }
    }
}

#[test]
fn a_full_database_is_replaced_only_when_told() {
    let site = filled_site();
    let before = everything(&site);
    let dump = fixture("upstream.dump");
    let arguments = ["import", "mirrorbrain", text(&dump)];
    let (code, error) = failure(&site.run("heliostat", &arguments));
    assert_eq!(code, Some(1));
    assert!(
        error.contains("already has 2 mirrors and 3 files; --force replaces"),
        "{error}"
    );
    let (_, error) = failure(&site.run("heliostat", &[&arguments[..], &["--dry-run"]].concat()));
    assert!(error.contains("already has 2 mirrors"), "{error}");
    assert_eq!(everything(&site), before);

    // Only the ids beyond 32 bits stand in the way: those given before are not given again.
    let (_, error) = failure(&site.run("heliostat", &[&arguments[..], &["--force"]].concat()));
    assert!(error.contains("file id 4294967295 does not fit"), "{error}");
    assert_eq!(everything(&site), before);
    let fitting = std::fs::read_to_string(&dump).expect("the fixture");
    let fitting = fitting.replace("4294967295\t", "19\t");
    std::fs::write(site.path("fitting"), fitting).expect("a dump");
    let summary = import(&site, &site.path("fitting"), &["--force"]);
    assert_eq!(summary["counts"]["mirrors"], 7);
    let rows = everything(&site);
    assert!(
        rows.iter().any(|row| row == "file dist/a.iso|4|NULL|NULL"),
        "ids go on: {rows:?}"
    );
    let listed = site.run_ok("heliostat", &["file", "ls", "dist/a.iso"]);
    assert_eq!(listed.lines().count(), 3, "{listed}");
}

#[test]
fn a_dry_run_checks_everything_and_touches_nothing() {
    let site = TestSite::new();
    let summary = import(&site, &fixture("upstream.dump"), &["--dry-run"]);
    assert_eq!(summary["counts"]["files"], 15);
    assert!(!site.database().exists());
    let dump = fixture("upstream.dump");
    let filled = filled_site();
    let before = everything(&filled);
    let arguments = ["import", "mirrorbrain", text(&dump), "--dry-run", "--force"];
    let out = filled.run_ok("heliostat", &arguments);
    assert!(out.contains("Nothing was changed"), "{out}");
    assert_eq!(everything(&filled), before);
}

#[test]
fn each_import_is_a_run_and_an_event() {
    let site = TestSite::new();
    std::fs::write(site.path("cut"), "--\n-- PostgreSQL database dump\n--\n").expect("a dump");
    failure(&site.run(
        "heliostat",
        &["import", "mirrorbrain", text(&site.path("cut"))],
    ));
    import(&site, &fixture("fork.dump"), &[]);
    let runs: Value =
        serde_json::from_str(&site.run_ok("heliostat", &["runs", "--json"])).expect("JSON");
    assert_eq!(
        (&runs[0]["kind"], &runs[0]["outcome"]),
        (&"import".into(), &"ok".into())
    );
    assert_eq!(runs[0]["counts"]["files"], 3);
    assert_eq!(runs[1]["outcome"], "failed");
    let error = runs[1]["error"].as_str().expect("an error");
    assert!(error.contains("the dump is cut"), "{error}");
    let events = site.run_ok("heliostat", &["events"]);
    assert!(
        events.contains("imported from MirrorBrain 2.19.2: 2 mirrors, 3 files"),
        "{events}"
    );
}

#[test]
fn what_is_no_dump_of_mirrorbrain_is_named() {
    const END: &str = "-- PostgreSQL database dump complete\n";
    let server = "COPY public.server (id, identifier, baseurl) FROM stdin;\n1\tm\thttp://m/\n\\.\n";
    let version = |version: &str| {
        format!("COPY version (component, major, minor) FROM stdin;\nmirrorbrain\t{version}\n\\.\n")
    };
    let filearr = |row: &str| {
        format!("{server}COPY filearr (id, path, mirrors) FROM stdin;\n{row}\n\\.\n{END}")
    };
    let other = format!("COPY public.wiki (id) FROM stdin;\n1\n\\.\n{END}");
    for (dump, expected) in [
        (END.to_owned(), "the dump is empty: it has no statement"),
        (other, "there is no table server, but only wiki"),
        (
            format!("CREATE TABLE server (id int);\n{END}"),
            "was it made with --schema-only?",
        ),
        (
            format!("{server}{}{END}", version("3\t1")),
            "it is of MirrorBrain 3.1.0; only 2.x",
        ),
        (
            format!("{server}CREATE TABLE filemetadata (id int);\n{END}"),
            "intermediate schema",
        ),
        (
            format!("{server}{server}{END}"),
            "table server comes a second time",
        ),
        (
            filearr("1\ta\t{1,x}"),
            "column mirrors: '{1,x}' is no array of whole numbers",
        ),
        (
            filearr("4294967296\ta\t{1}"),
            "file id 4294967296 does not fit",
        ),
        (filearr("0\ta\t{1}"), "file id 0 does not fit"),
        (
            filearr("1\ta"),
            "line 5: table filearr: the row has 2 fields, not 3",
        ),
        (filearr("\\N\ta\t{}"), "table filearr has no id here"),
        ("PGDMP\u{1}x".to_owned(), "pg_restore"),
        (
            server.replace("1\tm\thttp://m/", "1\tm\tu\n2\tm\tu"),
            "'m' comes a second time",
        ),
    ] {
        let site = TestSite::new();
        std::fs::write(site.path("dump"), &dump).expect("a dump");
        let dump = site.path("dump");
        let (code, error) =
            failure(&site.run("heliostat", &["import", "mirrorbrain", text(&dump)]));
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains(expected), "{expected}\nis not in\n{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn nothing_is_made_for_a_dump_that_is_not_there() {
    let site = TestSite::new();
    let (_, error) = failure(&site.run("heliostat", &["import", "mirrorbrain", "/nowhere/dump"]));
    assert!(
        error.contains("cannot read the dump /nowhere/dump"),
        "{error}"
    );
    assert!(!site.database().exists());
}
