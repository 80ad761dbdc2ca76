//! Access logs: dlcount's configuration counts as dlcount does, and no line counts twice.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::stand_in::counted_site::{counted_site, end, get};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::{TestSite, failure};

const CONF: &str = concat!(
    "# masks of the kind that a project with many files has\n",
    "StatsIgnoreMask \"^.*\\.(asc|md5)$\"\nStatsIgnoreIP 10.10.\nStatsDupWindow 50\n",
    "StatsPreFilter \"^/libreoffice/(?:stable|testing)/\" \"/\"\n",
    r#"StatsCount "^/LO_([0-9.]+)_(Win|Linux)_(x86|x64)_install_([A-Za-z-]+)"#,
    r#"\.(?:exe|tar\.gz)$" "LO \2-\3 \1 \4""#,
    "\n",
    r#"StatsCount "^/libreoffice/portable/([0-9.]+)/LibreOfficePortable_\1\.paf\.exe$" "#,
    "\"Portable Win \\1 multi\"\n",
    "StatsPostFilter \"-x64\" \"-x86_64\"\n",
);

/// A line, and the row that it counts in if nothing else speaks against it.
struct Line {
    text: String,
    key: String,
    row: Option<String>,
    ignored: bool,
}

/// A random line whose meaning is known without any expression.
fn line(random: &mut fastrand::Rng) -> Line {
    let ip = match random.u8(..10) {
        0 => "10.10.3.4".to_owned(),
        _ => format!("192.0.2.{}", random.u8(..20)),
    };
    let status = ["302", "200", "206", "404"][random.usize(..4)];
    let method = if random.u8(..8) == 0 { "HEAD" } else { "GET" };
    let country = ["de", "fr", "--"][random.usize(..3)];
    let version = ["3.3", "3.4"][random.usize(..2)];
    let lang = ["de", "en-US"][random.usize(..2)];
    let (url, row, asc) = match random.u8(..6) {
        0 => (
            format!("/libreoffice/stable/LO_{version}_Win_x86_install_{lang}.exe"),
            Some(format!("LO,{version},Win-x86,,{lang}")),
            false,
        ),
        1 => (
            format!("/libreoffice/testing/LO_{version}_Linux_x64_install_{lang}.tar.gz"),
            Some(format!("LO,{version},Linux-x86_64,,{lang}")),
            false,
        ),
        2 => (
            format!("/libreoffice/portable/{version}/LibreOfficePortable_{version}.paf.exe"),
            Some(format!("Portable,{version},Win,,multi")),
            false,
        ),
        3 => (
            format!("/libreoffice/portable/{version}/LibreOfficePortable_9.9.paf.exe"),
            None,
            false,
        ),
        4 => (
            format!("/libreoffice/stable/LO_{version}_Win_x86_install_{lang}.exe.asc"),
            None,
            true,
        ),
        _ => (
            format!("/libreoffice/stable/LO_{version}_Win_x86_install_{lang}.exe?x=1"),
            None,
            false,
        ),
    };
    let region = if country == "--" { "--" } else { "EU" };
    let is_request = method == "GET" && ["200", "302"].contains(&status);
    let is_seen = is_request && country != "--";
    let text = format!(
        "{ip} - - [27/Nov/2026:10:00:00 +0100] \"{method} {url} HTTP/1.1\" {status} 7 \"-\" \
         \"curl/8\" want:file give:redirect r:country m {region}:{} ASN:680 P:- [1 2] size:7 -\n",
        country.to_uppercase()
    );
    Line {
        text,
        key: format!("{ip} {url}"),
        row: row.map(|row| format!("{row},{country}")),
        ignored: asc || ip.starts_with("10.10.") || !is_seen,
    }
}

/// Counts lines as dlcount does: a ring of the last requests, then the product.
fn count(lines: &[Line]) -> BTreeMap<String, u64> {
    let mut ring: Vec<&str> = Vec::new();
    let mut counts = BTreeMap::new();
    for line in lines.iter().filter(|line| !line.ignored) {
        if ring.contains(&line.key.as_str()) {
            continue;
        }
        ring.push(&line.key);
        if ring.len() > 50 {
            ring.remove(0);
        }
        if let Some(row) = &line.row {
            *counts.entry(row.clone()).or_default() += 1;
        }
    }
    counts
}

/// Reads the table: product, version, os, arch, lang, country → downloads.
fn found(site: &TestSite) -> BTreeMap<String, u64> {
    let database = site.path("stats-test.sqlite");
    let connection = rusqlite::Connection::open(database).expect("a database");
    let sql = "SELECT concat_ws(',', product, version, os, arch, lang, country), downloads \
               FROM product_day WHERE day = 20784";
    let mut statement = connection.prepare(sql).expect("a statement");
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
    });
    rows.expect("rows").map(|row| row.expect("a row")).collect()
}

fn import(site: &TestSite, arguments: &[&str]) -> Value {
    let all = [&["stats", "import", "--json"][..], arguments].concat();
    let text = site.run_ok("heliostat", &all);
    serde_json::from_str::<Value>(&text).expect("JSON")[0].clone()
}

#[test]
fn logs_count_as_by_dlcount_and_each_line_once() {
    let site = TestSite::new();
    std::fs::write(site.path("dlcount.conf"), CONF).expect("a file");
    let conf = site.path("dlcount.conf").to_string_lossy().into_owned();
    let rules = ["--dlcount", &conf, "--like-dlcount"];
    let mut random = fastrand::Rng::with_seed(6);
    let mut lines: Vec<Line> = (0..5000).map(|_| line(&mut random)).collect();
    let log = site.path("access.log");
    let name = log.to_string_lossy().into_owned();
    let write = |lines: &[Line]| {
        let text: String = lines.iter().map(|line| line.text.as_str()).collect();
        std::fs::write(&log, text).expect("a log");
    };
    write(&lines);
    let arguments = [&rules[..], &[&name]].concat();
    let dry = import(&site, &[&arguments[..], &["--dry-run"]].concat());
    let told = import(&site, &arguments);
    assert_eq!(dry, told);
    let expected = count(&lines);
    assert_eq!(found(&site), expected);
    assert_eq!(told["downloads"].as_u64(), Some(expected.values().sum()));
    // The same again, also packed under another name.
    assert_eq!(import(&site, &arguments)["lines"], 0);
    let packed = site.path("access.log.1.gz");
    let file = std::fs::File::create(&packed).expect("a file");
    let mut encoder = GzEncoder::new(file, Compression::fast());
    encoder
        .write_all(&std::fs::read(&log).expect("the log"))
        .expect("packed");
    encoder.finish().expect("packed");
    let packed = packed.to_string_lossy().into_owned();
    let again = [&rules[..], &[&packed]].concat();
    assert_eq!(import(&site, &again)["lines"], 0);
    assert_eq!(found(&site), expected);
    // The log grows; its last line is not whole yet.
    lines.extend((0..100).map(|_| line(&mut random)));
    write(&lines);
    let mut file = std::fs::File::options()
        .append(true)
        .open(&log)
        .expect("the log");
    file.write_all(lines[0].text.trim_end().as_bytes())
        .expect("written");
    assert_eq!(import(&site, &arguments)["lines"], 100);
    assert_eq!(found(&site), count(&lines));
}

#[test]
fn days_that_the_responder_counted_take_only_lines_that_it_did_not_see() {
    let site = counted_site("front = \"front\"\n");
    let responder = Responder::start(&site);
    responder.connect().send(&get("file-0.iso", "192.0.2.1"));
    end(responder);
    site.run_ok("heliostat", &["stats", "collect", "-q"]);
    std::fs::write(
        site.path("conf"),
        "StatsCount \"^/file-(.).*\" \"file any \\1 all\"",
    )
    .expect("a file");
    let time = std::process::Command::new("date")
        .args(["-u", "+%d/%b/%Y:%H:%M:%S +0000"])
        .env("LC_ALL", "C")
        .output()
        .expect("date");
    let time = String::from_utf8_lossy(&time.stdout).trim().to_owned();
    let log: String = [
        "want:file give:redirect",
        "want:- give:-",
        "want:file give:file",
    ]
    .iter()
    .zip(1..)
    .map(|(fields, number)| {
        format!(
            "192.0.2.{number} - - [{time}] \"GET /file-0.iso HTTP/1.1\" 200 7 \"-\" \"x\" \
                 {fields} r:- - EU:DE ASN:680 P:-\n"
        )
    })
    .collect();
    std::fs::write(site.path("log"), log).expect("a log");
    let (conf, log) = (site.path("conf"), site.path("log"));
    let (conf, log) = (conf.to_string_lossy(), log.to_string_lossy());
    let told = import(&site, &["--dlcount", &conf, "--dry-run", &log]);
    assert_eq!(
        (&told["downloads"], &told["counted_before"]),
        (&1.into(), &2.into())
    );
    let told = import(&site, &["--dlcount", &conf, "--front", "other", &log]);
    assert_eq!(
        (&told["downloads"], &told["counted_before"]),
        (&3.into(), &0.into())
    );
}

#[test]
fn patterns_of_the_site_name_products_of_logs_and_without_any_the_remedy_is_named() {
    let site = TestSite::with_config(
        "url_path = \"/pub\"\n[[site.test.count]]\npattern = '^(?P<name>[a-z ]+)\\.iso$'\n\
         product = \"$name\"\n",
    );
    let log = "192.0.2.1 - - [27/Nov/2026:10:00:00 +0100] \"GET /pub/a%20b.iso?x HTTP/1.1\" 302 7 \
               \"-\" \"x\" want:file give:redirect r:x m --:-- ASN:- P:-\n";
    std::fs::write(site.path("log"), log).expect("a log");
    let path = site.path("log").to_string_lossy().into_owned();
    assert_eq!(import(&site, &[&path])["downloads"], 1);
    let expected = BTreeMap::from([("a b,,,,,--".to_owned(), 1)]);
    assert_eq!(found(&site), expected);
    let other = TestSite::new();
    let (code, text) = failure(&other.run("heliostat", &["stats", "import", &path]));
    assert_eq!(code, Some(2));
    assert!(
        text.contains("there are no rules for products; give --dlcount FILE"),
        "{text}"
    );
    std::fs::write(other.path("conf"), "StatsCount x").expect("a file");
    let conf = other.path("conf").to_string_lossy().into_owned();
    let arguments = ["stats", "import", "--dlcount", &conf, &path];
    let (code, text) = failure(&other.run("heliostat", &arguments));
    assert_eq!(code, Some(2));
    assert!(
        text.contains("line 1: it needs two arguments in quotes"),
        "{text}"
    );
}
