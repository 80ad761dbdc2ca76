//! `heliostat import mirrorbrain` of dumps with oddities: places that are none on Earth, values
//! that are to be computed, what follows compressed data, and dumps in which there is nothing.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::stand_in::site::{TestSite, failure};

/// An INSERT of one mirror, whose last columns have these values.
fn server(columns: &str, values: &str) -> String {
    format!(
        "INSERT INTO server (identifier, baseurl, enabled, {columns}) VALUES ('m', 'http://m/', \
         't', {values});\n"
    )
}

/// Imports the bytes; returns the summary, or what is said of the failure.
fn import(site: &TestSite, dump: &[u8]) -> Result<Value, String> {
    let path = site.path("dump");
    std::fs::write(&path, dump).expect("a file");
    let path = path.to_str().expect("text");
    let output = site.run("heliostat", &["import", "mirrorbrain", path, "--json"]);
    if output.status.success() {
        return Ok(serde_json::from_slice(&output.stdout).expect("a summary"));
    }
    let (code, said) = failure(&output);
    assert_eq!((code, said.lines().count()), (Some(1), 1), "{said}");
    Err(said)
}

fn problems(summary: &Value) -> Vec<&str> {
    let problems = summary["problems"].as_array().expect("a list");
    let problems = problems.iter().map(|problem| &problem["problem"]);
    problems.filter_map(Value::as_str).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text.as_bytes()).expect("written");
    gzip.finish().expect("packed")
}

#[test]
fn a_place_that_is_none_on_earth_is_left_out_and_noted() {
    for (values, odd) in [
        ("91.5, 13.4", "lat 91.5 "),
        ("'-90.001', 13.4", "lat -90.001 "),
        ("52.5, 180.5", "lng 180.5 "),
        ("52.5, '-1e300'", "lng -1"),
        ("'NaN', 13.4", "lat NaN "),
        ("52.5, 'NaN'", "lng NaN "),
        ("'Infinity', 13.4", "lat inf "),
        ("52.5, '-Infinity'", "lng -inf "),
        ("90, -180", ""),
        ("'None', 'None'", ""),
    ] {
        let site = TestSite::new();
        let summary = import(&site, server("lat, lng", values).as_bytes()).expect(values);
        let list = site.run_ok("heliostat", &["list", "-a", "--json"]);
        let list: Value = serde_json::from_str(&list).expect("JSON");
        let found = problems(&summary);
        let found: Vec<&&str> = found.iter().filter(|p| p.contains("coordinates")).collect();
        if odd.is_empty() {
            assert!(found.is_empty(), "{values}: {found:?}");
            continue;
        }
        assert!(found.len() == 1 && found[0].starts_with(odd), "{found:?}");
        assert!(found[0].contains("`heliostat update"), "{found:?}");
        let stored = (&list[0]["latitude"], &list[0]["longitude"]);
        assert_eq!(stored, (&Value::Null, &Value::Null), "{values}");
    }
    let site = TestSite::new();
    let said = import(&site, server("lat, lng", "'north', 1").as_bytes()).expect_err("no number");
    assert!(said.contains("column lat: 'north' is no number"), "{said}");
    assert!(said.contains("correct it in MirrorBrain"), "{said}");
}

#[test]
fn casts_are_read_and_what_is_to_be_computed_is_refused_with_what_to_do() {
    let site = TestSite::new();
    let values = "CAST('50' AS integer), CAST(CAST('x' AS text) AS character varying(64))";
    import(&site, server("score, comment", values).as_bytes()).expect("casts");
    let list = site.run_ok("heliostat", &["list", "-a", "--json"]);
    let list: Value = serde_json::from_str(&list).expect("JSON");
    assert_eq!(
        (&list[0]["score"], &list[0]["comment"]),
        (&50.into(), &"x".into())
    );

    let csv = "COPY server (identifier, baseurl) FROM stdin WITH (FORMAT csv);\nm,http://m/\n\\.\n";
    let options = "COPY server (identifier, baseurl) FROM stdin CSV HEADER;\nm,http://m/\n\\.\n";
    for (text, expected) in [
        (
            server("score", "50+50"),
            "column score: the value is no number",
        ),
        (
            server("score", "-CAST(5 AS int)"),
            "column score: the value",
        ),
        (server("score", "random()"), "column score: the value"),
        (server("score, asn", "1, (2)"), "column asn: the value"),
        (csv.to_owned(), "without options such as CSV"),
        (options.to_owned(), "without options such as CSV"),
        (
            "INSERT INTO server (identifier) SELECT 1;\n".to_owned(),
            "no VALUES",
        ),
    ] {
        let said = import(&TestSite::new(), text.as_bytes()).expect_err("refused");
        assert!(
            said.contains("line 1: ") && said.contains(expected),
            "{said}"
        );
        assert!(said.contains("load the file into PostgreSQL"), "{said}");
    }
}

#[test]
fn padding_is_passed_over_and_other_bytes_behind_gzip_are_named() {
    let dump = gzip(&server("score", "50"));
    let padded = [dump.as_slice(), &[0; 3000]].concat();
    let site = TestSite::new();
    let summary = import(&site, &padded).expect("padded");
    let facts = (&summary["counts"]["mirrors"], &summary["padding_bytes"]);
    assert_eq!(facts, (&1.into(), &3000.into()));
    let path = site.path("dump");
    let arguments = [
        "import",
        "mirrorbrain",
        path.to_str().expect("text"),
        "--dry-run",
        "--force",
    ];
    let said = site.run_ok("heliostat", &arguments);
    assert!(said.contains("3,000 zero bytes follow"), "{said}");

    for more in [&b"\n"[..], b"rubbish of twenty bytes", &[0, 0, 1]] {
        let said = import(&TestSite::new(), &[dump.as_slice(), more].concat()).expect_err("more");
        assert!(said.contains("bytes that are not of gzip"), "{said}");
        assert!(
            said.contains("gzip -dc FILE") && !said.contains("cut"),
            "{said}"
        );
    }
    let mut damaged = dump;
    let end = damaged.len() - 6;
    damaged[end] ^= 1;
    let said = import(&TestSite::new(), &damaged).expect_err("damaged");
    assert!(
        said.contains("damaged") && said.contains("copy it again"),
        "{said}"
    );
}

#[test]
fn a_dump_with_nothing_in_it_is_called_empty() {
    for dump in [
        Vec::new(),
        b"\n".to_vec(),
        b"-- nothing\n".to_vec(),
        gzip(""),
    ] {
        let said = import(&TestSite::new(), &dump).expect_err("empty");
        assert!(said.contains("the dump is empty"), "{said}");
        assert!(said.contains("pg_dump DATABASE"), "{said}");
    }
}
