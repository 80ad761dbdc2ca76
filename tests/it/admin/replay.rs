//! `replay` decides a log as the responder decided its requests, and tells what would change.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use heliostat::db::catalogue::CatalogueWriter;
use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{self};
use heliostat::domain::file::FileVersion;
use heliostat::domain::time::Timestamp;
use serde_json::Value;

use crate::stand_in::fcgi_client::{Answer, FcgiClient, Request};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::{TestSite, failure};

const MTIME: u64 = 1_401_807_080;
const SIZE: usize = 5_000;
const FILES: usize = 20;
const REQUESTS: usize = 2_000;
/// Clients of Germany draw between two mirrors; all others have one that is best.
const PLACES: &str = "192.0.2.0/24 de eu - - -\n198.51.100.0/24 us na - - -\n\
    203.0.113.0/24 jp as 35.7 139.7 -\n198.18.0.0/16 fr eu - - -\n";
const CLIENTS: [&str; 4] = ["192.0.2", "198.51.100", "203.0.113", "198.18.7"];
/// Name, country, continent, coordinates, share of the files: 1 of so many.
const MIRRORS: [(&str, &str, &str, f64, f64, usize); 5] = [
    ("a.de", "de", "eu", 52.5, 13.4, 1),
    ("b.de", "de", "eu", 48.1, 11.6, 1),
    ("c.us", "us", "na", 40.7, -74.0, 1),
    ("d.fr", "fr", "eu", 48.9, 2.4, 2),
    ("e.kr", "kr", "as", 37.6, 127.0, 1),
];

fn name(file: usize) -> String {
    format!("dir/file {file}.iso")
}

fn build() -> TestSite {
    let site = TestSite::with_config("geoip = [\"geo.mmdb\"]\n");
    let (table, database) = (site.path("places.txt"), site.path("geo.mmdb"));
    std::fs::write(&table, PLACES).expect("a table");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/make-mmdb");
    let made = Command::new(script).arg(&table).arg(&database).status();
    assert!(made.expect("make-mmdb starts").success());
    for file in 0..FILES {
        site.write(name(file), &[b'x'; SIZE], MTIME);
    }
    site.write("dir/new.iso", &[b'x'; SIZE], MTIME);
    site.write("dir/small.txt", b"small", MTIME);
    let mut writer = db::open_writer(&site.database()).expect("a database");
    let filled = writer.transaction(|transaction| {
        let mut catalogue = CatalogueWriter::new(transaction)?;
        let version = FileVersion {
            size: SIZE as u64,
            mtime: MTIME as i64,
        };
        let mut names: Vec<String> = (0..FILES).map(name).collect();
        names.sort();
        let mut ids = Vec::new();
        for name in names {
            ids.push(catalogue.insert(name.as_bytes(), version)?.0);
        }
        catalogue.finish()?;
        for (name, country, region, latitude, longitude, step) in MIRRORS {
            let record = MirrorRecord {
                base_url: format!("http://{name}.example.org/"),
                country: country.to_owned(),
                region: region.to_owned(),
                latitude: Some(latitude),
                longitude: Some(longitude),
                enabled: true,
                alive: true,
                ..MirrorRecord::new(name)
            };
            let id = mirror::insert(transaction, &record)?;
            let content = Content {
                current: ids.iter().copied().step_by(step).collect(),
                ..Content::default()
            };
            let learnt = ContentOrigin {
                at: Timestamp(1_700_000_000),
                by: "test".to_owned(),
                unknown_files: 0,
            };
            content::publish(transaction, id, &content, &learnt)?;
        }
        Ok(())
    });
    filled.expect("the content");
    site
}

/// Request number `number` of a day's traffic: client, path and query.
fn request(number: usize) -> (String, String, &'static str) {
    let client = format!("{}.{}", CLIENTS[number % 4], number / 4 % 200 + 1);
    let file = name(number / 3 % FILES);
    let (path, query) = match number % 20 {
        0 => ("dir/small.txt".to_owned(), ""),
        1 => ("dir/new.iso".to_owned(), ""),
        2 => ("dir/missing.iso".to_owned(), ""),
        3 => (format!("{file}.meta4"), ""),
        4 => (file, "mirrorlist"),
        5 => (file, "country=us"),
        _ => (file, ""),
    };
    (client, path, query)
}

/// The line that Apache writes, by MirrorBrain's format.
fn line(number: usize, answer: &Answer) -> String {
    let (client, path, query) = request(number);
    let text = |name: &str| answer.text(name).unwrap_or_else(|| "-".to_owned());
    let question = if query.is_empty() { "" } else { "?" };
    let url = path.replace(' ', "%20");
    format!(
        "{client} - - [27/Nov/2026:10:{:02}:{:02} +0100] \"GET /{url}{question}{query} HTTP/1.1\" \
         {} 300 \"-\" \"curl/8\" want:{} give:{} r:{} {} {}:{} ASN:{} P:{} [100 900] size:{} -\n",
        number / 60 % 60,
        number % 60,
        answer.status,
        text("Want-MB"),
        text("Give-MB"),
        text("Realm-MB"),
        text("X-MirrorBrain-Mirror"),
        text("Region-MB"),
        text("Country-MB"),
        text("ASN-MB"),
        text("PFX-MB"),
        text("FileSize-MB"),
    )
}

/// Serves the day, and returns its log with the number of redirects per mirror.
fn serve(client: &mut FcgiClient, parameters: &[(&str, &str)]) -> (String, BTreeMap<String, u64>) {
    let (mut log, mut mirrors) = (String::new(), BTreeMap::new());
    for number in 0..REQUESTS {
        let (address, path, query) = request(number);
        let mut sent = Request::get(format!("/{path}")).with("REMOTE_ADDR", address);
        if !query.is_empty() {
            sent = sent.query(query);
        }
        for (name, value) in parameters {
            sent = sent.with(name, value);
        }
        let answer = client.send(&sent);
        if let Some(mirror) = answer.text("X-MirrorBrain-Mirror") {
            *mirrors.entry(mirror).or_default() += 1;
        }
        log.push_str(&line(number, &answer));
    }
    (log, mirrors)
}

fn write(site: &TestSite, name: &str, log: &str) -> String {
    let path = site.path(name);
    std::fs::write(&path, log).expect("a log");
    path.display().to_string()
}

fn replay(site: &TestSite, arguments: &[&str]) -> Value {
    let arguments = [&["replay", "--json"][..], arguments].concat();
    let said = site.run_ok("heliostat", &arguments);
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

fn mirrors(column: &Value) -> BTreeMap<String, u64> {
    let mirrors = column["mirrors"].as_array().expect("a list");
    let entry = |mirror: &Value| {
        let name = mirror["mirror"].as_str().expect("a name").to_owned();
        (name, mirror["requests"].as_u64().expect("a number"))
    };
    mirrors.iter().map(entry).collect()
}

/// Requests by the kind of the answer.
fn kinds(column: &Value) -> BTreeMap<String, u64> {
    let mut kinds = BTreeMap::new();
    for answer in column["by_reason"].as_array().expect("a list") {
        let kind = answer["answer"].as_str().expect("a kind").to_owned();
        *kinds.entry(kind).or_default() += answer["requests"].as_u64().expect("a number");
    }
    kinds
}

#[test]
fn totals_are_those_of_serving_the_same_requests() {
    let site = build();
    let responder = Responder::start(&site);
    let (log, served) = serve(&mut responder.connect(), &[]);
    let log = write(&site, "access.log", &log);
    let value = replay(&site, &[&log]);
    assert_eq!(value["lines"], REQUESTS);
    assert_eq!(value["decided"], REQUESTS);
    assert_eq!(value["unread"]["lines"], 0, "{value:#}");
    assert_eq!(value["changes"], Value::Array(Vec::new()), "{value:#}");
    let (logged, now) = (&value["answers"]["log"], &value["answers"]["now"]);
    assert_eq!(kinds(logged), kinds(now), "{value:#}");
    assert_eq!(mirrors(logged), served, "the log is read as it was written");

    let now = mirrors(now);
    let of = |mirrors: &BTreeMap<String, u64>, name: &str| mirrors.get(name).copied().unwrap_or(0);
    for name in ["c.us", "d.fr", "e.kr"] {
        assert!(of(&served, name) > 100, "{served:?}");
        assert_eq!(
            of(&now, name),
            of(&served, name),
            "{name}: nothing is drawn"
        );
    }
    // The two of Germany are drawn between. Clients of France draw among both for files that their
    // own mirror lacks.
    let both = |mirrors: &BTreeMap<String, u64>| of(mirrors, "a.de") + of(mirrors, "b.de");
    assert_eq!(both(&now), both(&served), "{now:?} {served:?}");
    let half = both(&now) as f64 / 2.0;
    for name in ["a.de", "b.de"] {
        let off = (of(&now, name) as f64 - half).abs();
        assert!(off < 5.0 * (half / 2.0).sqrt(), "{now:?}");
    }
    for change in value["other_mirror"].as_array().expect("a list") {
        assert_eq!(change["why"], "another-candidate", "{value:#}");
    }
    // The draw is the line's own.
    assert_eq!(replay(&site, &[&log]), value);
}

#[test]
fn what_would_change_is_told_with_the_reason() {
    let site = build();
    let responder = Responder::start(&site);
    let (log, served) = serve(&mut responder.connect(), &[("HELIOSTAT_MODE", "shadow")]);
    assert!(served.is_empty(), "a shadow redirects nobody");
    let log = write(&site, "access.log", &log);
    let value = replay(&site, &[&log]);
    let change = &value["changes"][0];
    assert_eq!(change["from"], "served here");
    assert_eq!(change["to"], "redirected");
    assert_eq!(
        value["changes"].as_array().map(Vec::len),
        Some(1),
        "{value:#}"
    );
    let now = &value["answers"]["now"];
    // This host sent exactly the bytes that it would not have sent.
    let redirected = now["redirected"].as_u64().expect("a number");
    assert_eq!(change["requests"], redirected);
    assert_eq!(now["bytes_moved_off"], redirected * 300);

    // Without the mirror of the United States, its clients leave the country.
    let value = replay(&site, &["--without", "c.us", &log]);
    let (now, then) = (&value["answers"]["now"], &value["answers"]["then"]);
    assert!(mirrors(now).contains_key("c.us") && !mirrors(then).contains_key("c.us"));
    assert_eq!(now["redirected"], then["redirected"]);
    let share = |column: &Value| column["leaves_country_share"].as_f64().expect("a share");
    assert!(share(then) > share(now) + 0.2, "{value:#}");
    let reasons = value["other_mirror"].as_array().expect("a list");
    assert!(
        reasons.iter().any(|change| change["why"] == "disabled"),
        "{value:#}"
    );

    // Another configuration.
    let other = std::fs::read_to_string(site.config()).expect("a configuration");
    let other = format!("{other}[site.test.rules]\nmin_size = 6000\n");
    std::fs::write(site.path("other.toml"), other).expect("written");
    let other = site.path("other.toml").display().to_string();
    let value = replay(&site, &["--against", &other, &log]);
    assert_eq!(value["answers"]["then"]["redirected"], 0);
    assert_eq!(value["changes"][0]["why"], "smaller than min_size");
    let held = replay(&site, &["--param", "HELIOSTAT_MODE=shadow", &log]);
    assert_eq!(held["answers"]["now"]["redirected"], 0);
    assert_eq!(held["changes"], Value::Array(Vec::new()));
}

#[test]
fn an_answer_of_the_log_that_would_be_another_names_the_cause() {
    let site = build();
    let line = |path: &str, mirror: &str| {
        format!(
            "198.51.100.7 - - [27/Nov/2026:10:00:00 +0100] \"GET /{path} HTTP/1.1\" 302 300 \
             \"-\" \"curl/8\" want:file give:redirect r:country {mirror} NA:US ASN:- P:- \
             [1 2] size:5000 -\n"
        )
    };
    let known = "dir/file%200.iso";
    let mut log = String::new();
    for (path, mirror) in [
        (known, "c.us"),
        (known, "a.de"),
        (known, "gone"),
        ("dir/file%201.iso", "d.fr"),
        ("dir/new.iso", "c.us"),
        ("dir/missing.iso", "c.us"),
    ] {
        log.push_str(&line(path, mirror));
    }
    site.run_ok("heliostat", &["disable", "b.de"]);
    log.push_str(&line(known, "b.de"));
    let value = replay(&site, &[&write(&site, "access.log", &log)]);
    assert_eq!(value["same_mirror"], 1);
    let words = |list: &str, key: &str| {
        let list = value[list].as_array().expect("a list");
        let mut words: Vec<&str> = list.iter().filter_map(|each| each[key].as_str()).collect();
        words.sort_unstable();
        words.join(" ")
    };
    assert_eq!(
        words("other_mirror", "why"),
        "another-candidate disabled file-missing no-such-mirror",
        "{value:#}"
    );
    assert_eq!(words("changes", "why"), "no-file not-catalogued");
    assert_eq!(words("changes", "to"), "404 served here");
}

/// Packs a file by a program of the system.
fn pack(program: &str, from: &str, to: &Path) {
    let output = std::fs::File::create(to).expect("a file");
    let mut command = Command::new(program);
    let status = command.args(["-c", from]).stdout(output).status();
    assert!(
        status.expect("`scripts/test` installs it").success(),
        "{program}"
    );
}

#[test]
fn logs_are_read_in_all_formats_packings_and_from_a_pipe() {
    let site = build();
    let combined = |second: usize| {
        format!(
            "198.51.100.7 - - [27/Nov/2026:10:00:{second:02} +0100] \
             \"GET /dir/file%200.iso HTTP/1.1\" 200 5000 \"-\" \"curl/8\"\n"
        )
    };
    let log: String = (0..60).map(combined).collect();
    let plain = write(&site, "plain.log", &log);
    for (program, ending) in [
        ("gzip", "gz"),
        ("xz", "xz"),
        ("zstd", "zst"),
        ("bzip2", "bz2"),
    ] {
        let packed = site.path(&format!("log.{ending}"));
        pack(program, &plain, &packed);
        // A packed log that was appended to has two parts.
        let twice = std::fs::read(&packed).expect("it was packed").repeat(2);
        std::fs::write(&packed, twice).expect("written");
        let value = replay(&site, &[&packed.display().to_string()]);
        assert_eq!(value["decided"], 120, "{ending}");
        assert_eq!(mirrors(&value["answers"]["now"])["c.us"], 120, "{ending}");
    }
    let format = "%v %a %{sec}t %m %U%q %>s %B";
    let own = "dl.example.org 198.51.100.7 1764000000 GET /dir/file%200.iso?country=de 200 5000\n\
               other.example.org 198.51.100.7 1764000001 GET /dir/new.iso 200 5000\n";
    let own = own.replace("file%200", "new");
    let value = replay(&site, &["--format", format, &write(&site, "own.log", &own)]);
    assert_eq!(
        (&value["decided"], &value["from"]),
        (&2.into(), &"2025-11-24T16:00:00Z".into())
    );

    let child = site
        .command("heliostat")
        .args(["replay", "-", &plain])
        .stdin(std::fs::File::open(&plain).expect("a log"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.starts_with("lines      120, from 2026-11-27T09:00:00Z to"),
        "{said}"
    );
    assert!(output.stderr.is_empty(), "quiet where nobody watches");
    let mut rows = said.lines().filter(|line| line.contains("redirected"));
    assert!(rows.any(|row| row.contains("100.0 %")), "{said}");
}

#[test]
fn lines_that_are_not_understood_are_counted_and_shown() {
    let site = build();
    let mut log = String::new();
    let good = "198.51.100.7 - - [27/Nov/2026:10:00:00 +0100] \"GET /dir/new.iso HTTP/1.1\" 200 1";
    for number in 0..10 {
        let _ = writeln!(log, "{good}");
        let _ = writeln!(log, "nonsense {number} \u{1b}[31m");
    }
    let (first, rest) = (good.replace("GET", "POST"), good.replace("200 1", "403 1"));
    let _ = writeln!(log, "{first}\n{rest}");
    let _ = writeln!(log, "{}", good.replace("GET /dir/new.iso HTTP/1.1", "-"));
    let file = write(&site, "access.log", &log);
    let said = site.run_ok("heliostat", &["replay", &file]);
    for expected in [
        "lines      23, from".to_owned(),
        "decided    10\n".to_owned(),
        "left out   1: another method than GET and HEAD\n".to_owned(),
        "left out   1: answered by the web server alone\n".to_owned(),
        "left out   1: no request\n".to_owned(),
        "not read   10, of another format; the first:\n".to_owned(),
        format!("{file}:2: nonsense 0 \\u001b[31m\n"),
        format!("{file}:6: nonsense 2"),
    ] {
        assert!(said.contains(&expected), "{expected}: {said}");
    }
    assert!(!said.contains("nonsense 3"), "{said}");
}

#[test]
fn wrong_input_is_one_clear_line() {
    let site = build();
    let log = write(&site, "access.log", "nonsense\n");
    let missing = site.path("no.log").display().to_string();
    for (arguments, code, expected) in [
        (
            vec!["--format", "combine", &log],
            2,
            "--format: 'combine' is neither a name",
        ),
        (
            vec!["--format", "%h %r", &log],
            2,
            "--format: it has no %>s",
        ),
        (
            vec!["--without", "nobody", &log],
            1,
            "No mirror has 'nobody' in its name",
        ),
        (vec!["--against", "/no/such.toml", &log], 2, "/no/such.toml"),
        (vec![&missing], 1, "no.log to its end"),
    ] {
        let arguments = [vec!["replay"], arguments].concat();
        let (found, text) = failure(&site.run("heliostat", &arguments));
        assert_eq!(found, Some(code), "{arguments:?}: {text}");
        assert!(text.contains(expected), "{arguments:?}: {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
    // The readable part is told, and that the rest could not be read.
    let good =
        "198.51.100.7 - - [27/Nov/2026:10:00:00 +0100] \"GET /dir/new.iso HTTP/1.1\" 200 1\n";
    let file = write(&site, "good.log", &good.repeat(3_000));
    let packed: PathBuf = site.path("cut.gz");
    pack("gzip", &file, &packed);
    let bytes = std::fs::read(&packed).expect("it was packed");
    std::fs::write(&packed, &bytes[..bytes.len() - 4]).expect("written");
    let output = site.run("heliostat", &["replay", &packed.display().to_string()]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stdout).contains("decided    3000"));
}
