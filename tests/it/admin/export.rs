//! `heliostat export`: each format as the program reads it that it is for.

use std::path::Path;
use std::process::Command;

use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{open_reader, open_writer};
use serde_json::Value;

use crate::stand_in::site::{TestSite, failure};

/// A mirror with something in every field that MirrorBrain's export has.
fn full() -> MirrorRecord {
    let mut mirror = MirrorRecord::new("one.example.org");
    mirror.base_url = "http://one.example.org/pub/".to_owned();
    mirror.ftp_url = "ftp://one.example.org/pub/".to_owned();
    mirror.rsync_url = "rsync://joe:s3cret@one.example.org/pub/".to_owned();
    mirror.operator_name = "O'Neil & Söhne \\ \"GmbH\"".to_owned();
    mirror.operator_url = "http://operator/?a=1&b=2".to_owned();
    mirror.region = "eu".to_owned();
    mirror.country = "de".to_owned();
    mirror.asn = 64_500;
    mirror.prefix = "192.0.2.0/24".to_owned();
    (mirror.latitude, mirror.longitude) = (Some(52.5), Some(-13.375));
    (mirror.region_only, mirror.as_only) = (true, true);
    mirror.other_countries = "be,lu".to_owned();
    mirror.file_maxsize = 2_000_000_000;
    mirror.public_notes = "Fast; $QUOTE$ and ); DROP TABLE server; --".to_owned();
    mirror.score = 50;
    (mirror.enabled, mirror.alive) = (true, true);
    mirror.admin = "Ann".to_owned();
    mirror.admin_email = "ann@example.org".to_owned();
    mirror.scan_fpm = 1234;
    mirror.last_scan = "2020-02-20 20:20:20+00".to_owned();
    mirror.comment = "Added - Tue Jun  3 14:51:20 2014\n\nsecond line\twith a tab".to_owned();
    mirror
}

fn small(name: &str, change: impl FnOnce(&mut MirrorRecord)) -> MirrorRecord {
    let mut mirror = MirrorRecord::new(name);
    mirror.base_url = format!("http://{name}/");
    mirror.enabled = true;
    change(&mut mirror);
    mirror
}

fn site_with(mirrors: &[MirrorRecord]) -> TestSite {
    let site = TestSite::new();
    let mut writer = open_writer(&site.database()).expect("a database");
    writer
        .transaction(|transaction| {
            for record in mirrors {
                mirror::insert(transaction, record)?;
            }
            Ok(())
        })
        .expect("mirrors are stored");
    site
}

fn some_mirrors() -> TestSite {
    site_with(&[
        full(),
        small("two", |m| m.base_url = "https://joe:pw@two/x/".to_owned()),
        small("off", |m| m.enabled = false),
        small("private", |m| {
            (m.private, m.prefix) = (true, "10.0.0.0/8".to_owned());
        }),
        small("cdn", |m| m.country = "**".to_owned()),
    ])
}

fn export(site: &TestSite, arguments: &[&str]) -> String {
    site.run_ok("heliostat", &[&["export"], arguments].concat())
}

#[test]
fn lists_for_mirmon_are_public() {
    let site = some_mirrors();
    assert_eq!(
        export(&site, &["--format=mirmon"]),
        "de\thttp://one.example.org/pub/\tann@example.org\n\
         de\tftp://one.example.org/pub/\tann@example.org\n\
         --\thttps://two/x/\t\n\
         **\thttp://cdn/\t\n"
    );
    assert_eq!(
        export(&site, &["--format", "mirmon-apache"]),
        "http\tde\thttp://one.example.org/pub/\tann@example.org\n\
         ftp\tde\tftp://one.example.org/pub/\tann@example.org\n\
         https\t--\thttps://two/x/\t\n\
         http\t**\thttp://cdn/\t\n"
    );
}

#[test]
fn restricted_mirrors_are_private_where_the_site_says_so() {
    let site = site_with(&[
        small("restricted", |m| m.prefix_only = true),
        small("open", |_| {}),
    ]);
    let both = export(&site, &["--format=mirmon"]);
    assert_eq!(both.lines().count(), 2, "{both}");
    let config = std::fs::read_to_string(site.config()).expect("a configuration");
    let private = "[site.test.selection]\nrestricted_are_private = true\n";
    std::fs::write(site.config(), format!("{config}{private}")).expect("written");
    assert_eq!(export(&site, &["--format=mirmon"]), "--\thttp://open/\t\n");
}

fn mirrors_of(site: &TestSite) -> Vec<MirrorRecord> {
    let reader = open_reader(&site.database()).expect("a database");
    mirror::all(&reader).expect("mirrors")
}

#[test]
fn statements_for_postgresql_come_back_as_the_same_mirrors() {
    let mirrors = [
        full(),
        small("two", |_| {}),
        small("off", |m| m.enabled = false),
    ];
    let site = site_with(&mirrors);
    let sql = export(&site, &["--format=postgresql"]);
    assert!(sql.starts_with("--\n-- generated on "), "{sql}");
    let head = "INSERT INTO server (identifier, operator_name, operator_url, baseurl, baseurl_ftp, \
                baseurl_rsync, region, country, asn, prefix, lat, lng, region_only, country_only, \
                as_only, prefix_only, other_countries, file_maxsize, public_notes, score, enabled, \
                status_baseurl, admin, admin_email, scan_fpm, last_scan, comment)\nVALUES ('";
    assert_eq!(sql.matches(head).count(), 3, "{sql}");
    assert!(sql.contains("E'O''Neil & Söhne \\\\ \"GmbH\"'"), "{sql}");
    let other = TestSite::new();
    std::fs::write(other.path("server.sql"), &sql).expect("written");
    let dump = other.path("server.sql");
    let dump = dump.to_str().expect("UTF-8");
    other.run_ok("heliostat", &["import", "mirrorbrain", dump]);
    assert_eq!(mirrors_of(&other), mirrors_of(&site));
}

#[test]
fn what_postgresql_cannot_have_is_named_and_nothing_private_gets_out() {
    let site = site_with(&[
        small("hidden", |m| {
            (m.private, m.prefix) = (true, "10.0.0.0/8".to_owned());
            m.further_base_urls = vec!["https://hidden/".to_owned()];
        }),
        small("nobodys", |m| m.private = true),
    ]);
    let output = site.run("heliostat", &["export", "--format=postgresql"]);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("no place for these of hidden: private, moreBaseurls"),
        "{said}"
    );
    let sql = String::from_utf8_lossy(&output.stdout);
    assert!(
        sql.contains("-- not in this table: private, moreBaseurls\n"),
        "{sql}"
    );
    let other = TestSite::new();
    std::fs::write(other.path("server.sql"), sql.as_bytes()).expect("written");
    let dump = other.path("server.sql");
    let dump = dump.to_str().expect("UTF-8");
    other.run_ok("heliostat", &["import", "mirrorbrain", dump]);
    let back = mirrors_of(&other);
    assert!(back[0].prefix_only && back[0].enabled);
    assert!(!back[1].enabled);
}

/// Stand-ins for Django and the project, which say what is stored.
const MODELS: &str = "
class Added:
    def add(self, other): print('contact of server', other.said['email'])
class Model:
    def __init__(self, said): self.said = said; self.contacts = Added()
    class Manager:
        def __init__(self, model): self.model = model
        def get_or_create(self, **said):
            shown = {k: v for k, v in said.items() if not isinstance(v, Model)}
            print(self.model.__name__, sorted(shown.items()))
            return self.model(said), True
    def __init_subclass__(cls): cls.objects = Model.Manager(cls)
class Contact(Model): pass
class Mirror(Model): pass
class Operator(Model): pass
class Project(Model): pass
class Server(Model): pass
";

#[test]
fn the_script_for_django_runs() {
    let site = site_with(&[full(), small("two", |_| {})]);
    let script = export(&site, &["--format=django", "--project=it's"]);
    let folder = site.path("project");
    std::fs::create_dir_all(folder.join("mirrordjango/mb")).expect("folders");
    for (name, text) in [
        ("django.py", "def setup(): pass\n"),
        ("mirrordjango/__init__.py", ""),
        ("mirrordjango/mb/__init__.py", ""),
        ("mirrordjango/mb/models.py", MODELS),
        ("scripts/export.py", &script),
    ] {
        let file = folder.join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("folders");
        std::fs::write(file, text).expect("written");
    }
    let mut command = Command::new("python3");
    command.arg(folder.join("scripts/export.py"));
    let output = command
        .env("PYTHONUTF8", "1")
        .output()
        .expect("python3 starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}\n{script}");
    for expected in [
        "Project [('name', \"it's\")]",
        "Operator [('logo', ''), ('name', 'one.example.org')]",
        "('comment', 'Added - Tue Jun  3 14:51:20 2014\\n\\nsecond line\\twith a tab')",
        "('file_maxsize', 2000000000)",
        "('region_only', True)",
        "Mirror [('ftp', 'ftp://one.example.org/pub/'), ('http', 'http://one.example.org/pub/'), \
         ('prio', 50), ('rsync', 'rsync://joe:s3cret@one.example.org/pub/')]",
        "contact of server ann@example.org",
    ] {
        assert!(said.contains(expected), "{expected}\nis not in\n{said}");
    }
    assert_eq!(said.matches("contact of server").count(), 1, "{said}");
}

#[test]
fn json_has_everything() {
    let site = some_mirrors();
    let value: Value = serde_json::from_str(&export(&site, &["--format=json"])).expect("JSON");
    let mirrors = value["mirrors"].as_array().expect("mirrors");
    assert_eq!(mirrors.len(), 5);
    assert_eq!(
        mirrors[0]["rsync_url"],
        "rsync://joe:s3cret@one.example.org/pub/"
    );
    assert_eq!(mirrors[0]["comment"], full().comment);
    assert_eq!(mirrors[3]["private"], true);
    assert_eq!(value["markers"], Value::Array(Vec::new()));
}

fn run_in(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    let output = command.env("HOME", folder).output().expect(program);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn files_for_version_control_are_one_per_mirror_without_what_probes_find() {
    let site = some_mirrors();
    let folder = site.path("out");
    let target = folder.to_str().expect("UTF-8").to_owned();
    let arguments = ["--format", "vcs", "--target-dir", &target];
    let rehearsed = export(&site, &[&arguments[..], &["-n"]].concat());
    assert_eq!(
        rehearsed,
        "write one.example.org\nwrite two\nwrite off\nwrite private\nwrite cdn\n"
    );
    assert!(!folder.exists());
    export(&site, &arguments);
    let text = std::fs::read_to_string(folder.join("one.example.org")).expect("a file");
    assert!(
        text.starts_with("identifier     : one.example.org\n"),
        "{text}"
    );
    assert!(
        text.contains("rsync://joe:s3cret@") && !text.contains("statusBaseurl"),
        "{text}"
    );
    assert!(
        text.contains("---------- comments ----------\nAdded - "),
        "{text}"
    );

    std::fs::write(folder.join("README"), "of somebody else").expect("written");
    site.run_ok("heliostat", &["enable", "--alive", "two"]);
    assert_eq!(export(&site, &[&arguments[..], &["-n"]].concat()), "");
    site.run_ok("heliostat", &["delete", "--yes", "off"]);
    site.run_ok("heliostat", &["score", "two", "7"]);
    let rehearsed = export(&site, &[&arguments[..], &["-n"]].concat());
    assert_eq!(rehearsed, "write two\nremove off\n");
    export(&site, &arguments);
    assert!(!folder.join("off").exists() && folder.join("README").exists());
}

#[test]
fn a_subversion_working_copy_is_committed() {
    let site = some_mirrors();
    let (repository, folder) = (site.path("repository"), site.path("copy"));
    let here = site.path("");
    run_in(&here, "svnadmin", &["create", "repository"]);
    let target = folder.to_str().expect("UTF-8").to_owned();
    let arguments = ["--format=vcs", "--target-dir", &target, "--commit=svn"];
    let (code, said) = failure(&site.run("heliostat", &[&["export"], &arguments[..]].concat()));
    assert_eq!(code, Some(1));
    assert!(
        said.contains("is no Subversion working copy; `svn checkout URL"),
        "{said}"
    );
    assert!(!folder.exists());
    run_in(
        &here,
        "svn",
        &[
            "checkout",
            &format!("file://{}", repository.display()),
            &target,
        ],
    );
    site.run_ok("heliostat", &["rename", "two", "t@wo"]);
    export(&site, &arguments);
    site.run_ok("heliostat", &["delete", "--yes", "off"]);
    site.run_ok("heliostat", &["score", "t@wo", "7"]);
    export(&site, &arguments);
    export(&site, &arguments);
    let url = format!("file://{}", repository.display());
    let log = run_in(&here, "svn", &["log", "-q", "-v", &url]);
    assert!(
        log.contains("   D /off\n") && log.contains("   M /t@wo\n"),
        "{log}"
    );
    assert_eq!(
        log.matches("\nr").count(),
        2,
        "nothing is committed without a change: {log}"
    );
}

#[test]
fn a_git_working_copy_is_committed() {
    let site = some_mirrors();
    let folder = site.path("copy");
    std::fs::create_dir(&folder).expect("a folder");
    run_in(&folder, "git", &["init", "-q"]);
    for (key, value) in [("user.name", "Ann"), ("user.email", "ann@example.org")] {
        run_in(&folder, "git", &["config", key, value]);
    }
    let target = folder.to_str().expect("UTF-8").to_owned();
    let arguments = ["--format=vcs", "--target-dir", &target, "--commit=git"];
    export(&site, &arguments);
    site.run_ok("heliostat", &["delete", "--yes", "off"]);
    export(&site, &arguments);
    export(&site, &arguments);
    let log = run_in(&folder, "git", &["log", "--format=%s", "--name-status"]);
    assert_eq!(
        log.matches("Mirrors as heliostat export").count(),
        2,
        "{log}"
    );
    assert!(log.contains("D\toff"), "{log}");
}

#[test]
fn wrong_formats_end_with_2() {
    let site = some_mirrors();
    for (line, part) in [
        (&["export"][..], "--format"),
        (&["export", "--format=xml"], "xml"),
        (&["export", "--format=django"], "--project"),
        (&["export", "--format=vcs"], "--target-dir"),
        (
            &["export", "--format=mirmon", "--commit=svn"],
            "--target-dir",
        ),
    ] {
        let (code, said) = failure(&site.run("heliostat", line));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(part), "{said}");
    }
}
