//! Passwords of mirrors are for the services alone: who may read the database, what is left in it
//! of passwords that were replaced, and what is said of a configuration that everybody may read.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use heliostat::db::content::{self, Content};
use heliostat::db::import::Importer;
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{catalogue, open_writer, schema};
use heliostat::domain::time::Timestamp;
use rusqlite::Connection;

use crate::stand_in::fcgi_client::{FcgiClient, Request};
use crate::stand_in::responder::Responder;
use crate::stand_in::scan_site::add_mirror;
use crate::stand_in::site::{TestSite, eventually, install, program_path};

const OLD: &str = "rsync://joe:0ld-s3cret@127.0.0.1:1/m/";
const NEW: &str = "rsync://joe:n3w-s3cret@127.0.0.1:1/m/";

/// A site whose database lies in a folder of its own.
fn site_with_folder() -> TestSite {
    let site = TestSite::new();
    let config = fs::read_to_string(site.config()).expect("the configuration");
    let config = config.replace("test.sqlite", "state/main.sqlite");
    fs::write(site.config(), config).expect("the configuration");
    site
}

fn database(site: &TestSite) -> PathBuf {
    site.path("state/main.sqlite")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .permissions()
        .mode()
        & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

/// Modes of the folder, the database, and what SQLite puts beside it.
fn modes(site: &TestSite) -> [u32; 4] {
    let beside = [
        "state",
        "state/main.sqlite",
        "state/main.sqlite-wal",
        "state/main.sqlite-shm",
    ];
    beside.map(|name| mode(&site.path(name)))
}

#[test]
fn the_database_is_for_owner_and_group_whatever_the_umask() {
    for umask in ["000", "022", "077"] {
        let site = site_with_folder();
        site.write("a", b"1", 1);
        let index = program_path("heliostat-index");
        let script = format!("umask {umask}; exec '{index}' -q");
        let mut command = Command::new("sh");
        command
            .args(["-c", &script])
            .env("HELIOSTAT_CONFIG", site.config());
        assert!(command.status().expect("sh starts").success());
        assert_eq!(modes(&site), [0o750, 0o640, 0o640, 0o640], "{umask}");
        for name in ["", "index", "hash"] {
            let lock = site.path("state/main.sqlite.locks").join(name);
            assert_eq!(mode(&lock) & 0o007, 0, "{umask} {name}");
        }
    }
}

#[test]
fn what_earlier_versions_left_open_is_closed_and_said_once() {
    let site = site_with_folder();
    site.write("a", b"1", 1);
    site.run_ok("heliostat-index", &["-q"]);
    // As SQLite makes them by itself.
    let names = ["main.sqlite", "main.sqlite-wal", "main.sqlite-shm"];
    for name in names {
        set_mode(&site.path("state").join(name), 0o644);
    }
    set_mode(&site.path("state"), 0o755);
    let said = || {
        let output = site.run("heliostat-index", &[]);
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let first = said();
    assert!(first.contains("could be read by every user"), "{first}");
    assert_eq!(modes(&site), [0o750, 0o640, 0o640, 0o640]);
    assert_eq!(said(), "");

    // A folder that others must enter, for what else lies in it, stays as it is.
    fs::write(site.path("state/index.html"), "").expect("a file");
    set_mode(&site.path("state"), 0o755);
    assert_eq!(said(), "");
    assert_eq!(mode(&site.path("state")), 0o755);
}

fn add_mirror_that_has_all(site: &TestSite) {
    let mut writer = open_writer(&database(site)).expect("the database");
    let mut record = MirrorRecord::new("m");
    record.base_url = "http://127.0.0.1:1/".to_owned();
    (record.enabled, record.alive) = (true, true);
    let file = catalogue::find(&writer, b"a")
        .expect("read")
        .expect("a file");
    let has_all = Content {
        current: [file.id.0].into_iter().collect(),
        ..Content::default()
    };
    let added = writer.transaction(|transaction| {
        let id = mirror::insert(transaction, &record)?;
        content::publish(transaction, id, &has_all, &Importer::origin(Timestamp(1)))
    });
    added.expect("stored");
}

/// Ids that nobody has here.
const STRANGER: u32 = 54_321;
const GROUP: u32 = 54_322;

#[test]
fn a_responder_of_another_user_in_the_group_reads_the_database() {
    let site = site_with_folder();
    site.write("a", &[7; 100], 1);
    site.run_ok("heliostat-index", &["-q"]);
    add_mirror_that_has_all(&site);
    let state = site.path("state");
    let files = fs::read_dir(&state).expect("the folder");
    let files = files.map(|entry| entry.expect("an entry").path());
    for path in files.chain([state.clone()]) {
        chown(path, None, Some(GROUP)).expect("run this test as root");
    }
    set_mode(&site.path(""), 0o777);
    install(
        Path::new(program_path("heliostat-fcgi")),
        &site.path("program"),
    );
    let start = |group: u32, socket: &Path| {
        let config = fs::read_to_string(site.config()).expect("the configuration");
        let listen = site.path("fcgi.sock").display().to_string();
        let config = config.replace(&listen, &socket.display().to_string());
        let config = config.replace(
            "[site.test]",
            "[site.test.rules]\nmin_size = 0\n[site.test]",
        );
        let path = site.path(&format!("{group}.toml"));
        fs::write(&path, config).expect("a configuration");
        let mut command = Command::new(site.path("program"));
        command.env("HELIOSTAT_CONFIG", path).env("RUST_LOG", "off");
        command.uid(STRANGER).gid(group).stdin(Stdio::null());
        command.spawn().expect("it starts")
    };
    // The last of them is of no group that may: it goes on, and gives the file to the web server.
    for (group, expected) in [(GROUP, "302"), (STRANGER, "200")] {
        let socket = site.path(&format!("{group}.sock"));
        let mut child = start(group, &socket);
        eventually("the responder listens", || {
            FcgiClient::try_connect(&socket).is_ok()
        });
        let mut client = FcgiClient::connect(&socket);
        let answer = client.send(&Request::get("/a"));
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        assert!(
            format!("{answer:?}").contains(expected),
            "{group}: {answer:?}"
        );
    }
    // A writer that comes while nobody has the database open leaves it as readable.
    site.run_ok("heliostat", &["score", "m", "50"]);
    assert_eq!(modes(&site), [0o750, 0o640, 0o640, 0o640]);
}

/// Whether the text lies anywhere in the database's files.
fn is_stored(database: &Path, text: &str) -> bool {
    ["", "-wal", "-journal"].iter().any(|suffix| {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        let bytes = fs::read(name).unwrap_or_default();
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    })
}

#[test]
fn a_replaced_password_is_nowhere_any_more() {
    let site = TestSite::new();
    site.write("a", b"1", 1);
    site.run_ok("heliostat-index", &["-q"]);
    for number in 0..20 {
        add_mirror(&site, &format!("m{number}"), OLD, |_| {});
    }
    let _responder = Responder::start(&site);
    assert!(is_stored(&site.database(), "0ld-s3cret"));
    let set = format!("baseurlRsync={NEW}");
    for number in 0..19 {
        site.run_ok("heliostat", &["edit", &format!("m{number}"), "--set", &set]);
    }
    site.run_ok("heliostat", &["delete", "--yes", "m19"]);
    assert!(is_stored(&site.database(), "n3w-s3cret"));
    assert!(!is_stored(&site.database(), "0ld-s3cret"));
}

/// A database as a version made it that left passwords in free pages.
pub fn make_version_7(path: &Path) {
    let database = Connection::open(path).expect("it opens");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    for name in [
        "0001_initial",
        "0002_bittorrent_v2",
        "0003_scan_directory",
        "0004_probe",
        "0005_run_repeat",
        "0006_scan_attempt",
        "0007_mirror_trace",
    ] {
        let sql = fs::read_to_string(folder.join(format!("{name}.sql"))).expect("a migration");
        database.execute_batch(&sql).expect(name);
    }
    // "Heli", by which our files are known.
    let mark = "PRAGMA application_id = 0x48656c69; PRAGMA user_version = 7;
                PRAGMA journal_mode = WAL;";
    database.execute_batch(mark).expect("marked");
}

#[test]
fn passwords_that_earlier_versions_left_in_free_pages_are_removed() {
    let site = TestSite::new();
    make_version_7(&site.database());
    {
        let database = Connection::open(site.database()).expect("it opens");
        let long = "x".repeat(3000);
        let leave = format!(
            "PRAGMA secure_delete = OFF;
             INSERT INTO mirror (identifier, rsync_url, comment) VALUES ('m', '{OLD}', '{long}');
             INSERT INTO mirror (identifier, rsync_url, comment) VALUES ('n', '{OLD}', '{long}');
             UPDATE mirror SET rsync_url = '' WHERE identifier = 'm';
             DELETE FROM mirror WHERE identifier = 'n';"
        );
        database.execute_batch(&leave).expect("left");
    }
    assert!(
        is_stored(&site.database(), "0ld-s3cret"),
        "this test shows nothing"
    );
    assert_eq!(site.run_ok("heliostat", &["list", "-a"]), "m\n");
    assert!(!is_stored(&site.database(), "0ld-s3cret"));
    let database = Connection::open(site.database()).expect("it opens");
    let version: i64 = database
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .expect("a version");
    assert_eq!(version, schema::VERSION);
}

#[test]
fn a_configuration_with_secrets_that_everybody_may_read_is_told() {
    for (settings, key) in [
        (
            "[site.test.rules]\nredirect_stamp_key = \"k3y\"",
            "site.test.rules.redirect_stamp_key",
        ),
        (
            "[[site.test.directory]]\npath = \"x\"\nredirect_stamp_key = \"k3y\"",
            "site.test.rules.redirect_stamp_key",
        ),
        (
            "[site.test.probe]\nwebhook = \"http://h/k3y\"",
            "site.test.probe.webhook",
        ),
        ("", ""),
    ] {
        let site = TestSite::with_config(settings);
        site.run_ok("heliostat-index", &["-q", "--force"]);
        for (open, mode) in [(true, 0o644), (false, 0o640)] {
            set_mode(&site.config(), mode);
            let output = site.run("heliostat", &["list"]);
            assert!(output.status.success());
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let is_told = said.contains("every user may read it") && said.contains(key);
            assert_eq!(is_told, open && !key.is_empty(), "{mode:o} {said}");
            assert!(!said.contains("k3y"), "{said}");
        }
    }
}
