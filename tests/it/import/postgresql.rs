//! `heliostat import mirrorbrain postgresql://…`: a running PostgreSQL gives what its dump gives.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::stand_in::folder::temporary_folder;
use crate::stand_in::site::{TestSite, failure};

/// Where Debian keeps PostgreSQL's programs.
const FOLDERS: &str = "/usr/lib/postgresql";

/// The tables that the dump has rows of, and one that is not read.
const TABLES: &str = "\
CREATE TABLE filearr (id integer PRIMARY KEY, path varchar(512) NOT NULL, mirrors smallint[]);
CREATE TABLE hash (file_id integer, mtime integer, size bigint, md5 bytea, sha1 bytea, \
sha256 bytea, sha1piecesize integer, sha1pieces bytea, btih bytea, pgp text, zblocksize integer, \
zhashlens varchar(32), zsums bytea);
CREATE TABLE server (id integer PRIMARY KEY, identifier varchar(64), baseurl varchar(128), \
baseurl_ftp varchar(128), baseurl_rsync varchar(128), enabled boolean, status_baseurl boolean, \
region varchar(2), country varchar(2), asn integer, prefix varchar(18), score smallint, \
scan_fpm integer, last_scan timestamp with time zone, comment text, operator_name varchar(128), \
operator_url varchar(128), public_notes varchar(512), admin varchar(128), \
admin_email varchar(128), lat numeric(6,3), lng numeric(6,3), country_only boolean, \
region_only boolean, as_only boolean, prefix_only boolean, other_countries varchar(512), \
file_maxsize integer, ipv6_only boolean);
CREATE TABLE pfx2asn (pfx text, asn integer);
";

/// A server of its own, on a Unix socket alone.
struct PostgreSql {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

impl PostgreSql {
    fn start() -> PostgreSql {
        let folder = temporary_folder();
        let versions = std::fs::read_dir(FOLDERS).expect("PostgreSQL is installed");
        let mut programs: Vec<PathBuf> = versions
            .flatten()
            .map(|entry| entry.path().join("bin"))
            .collect();
        programs.sort();
        let server = PostgreSql {
            folder,
            programs: programs.pop().expect("a version"),
        };
        let home = server.folder.path();
        std::fs::set_permissions(home, PermissionsExt::from_mode(0o777)).expect("a mode");
        let secret = home.join("secret");
        std::fs::write(&secret, "s3cret\n").expect("written");
        let data = home.join("data").display().to_string();
        let log = home.join("log").display().to_string();
        let socket = format!("-c listen_addresses= -k {} -c fsync=off", home.display());
        let pwfile = format!("--pwfile={}", secret.display());
        server.run(
            "initdb",
            &["-D", &data, "-U", "mb", "-A", "scram-sha-256", &pwfile],
        );
        server.run(
            "pg_ctl",
            &["-D", &data, "-l", &log, "-o", &socket, "-w", "start"],
        );
        server
    }

    /// As the user of the server: PostgreSQL refuses root.
    fn command(&self, program: &str) -> Command {
        let path = self.programs.join(program);
        let mut command = Command::new(&path);
        if rustix::process::getuid().is_root() {
            command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(&path);
        }
        command
            .current_dir(self.folder.path())
            .env("PGPASSWORD", "s3cret");
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = self.command(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        assert!(
            command.status().expect(program).success(),
            "{program} {arguments:?}"
        );
    }

    /// MirrorBrain's tables, then the rows of a dump.
    fn load(&self, dump: &Path) {
        let home = self.folder.path().display().to_string();
        let mut command = self.command("psql");
        command.args([
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            &home,
            "-U",
            "mb",
            "-d",
            "postgres",
        ]);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().expect("psql");
        let rows = std::fs::read_to_string(dump).expect("a dump");
        let text = format!("{TABLES}{rows}");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(text.as_bytes()).expect("written");
        drop(stdin);
        assert!(child.wait().expect("psql").success());
    }

    fn address(&self, login: &str, more: &str) -> String {
        let host = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgresql://{login}@{host}/postgres{more}")
    }
}

impl Drop for PostgreSql {
    fn drop(&mut self) {
        let data = self.folder.path().join("data").display().to_string();
        self.run("pg_ctl", &["-D", &data, "-m", "immediate", "stop"]);
    }
}

fn import(site: &TestSite, from: &str) -> Output {
    let mut command = site.command("heliostat");
    command.args(["import", "mirrorbrain", from, "--json"]);
    command
        .env_remove("PGPASSWORD")
        .output()
        .expect("it starts")
}

#[test]
fn a_running_database_gives_what_its_dump_gives() {
    let server = PostgreSql::start();
    let dump =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/recorded/mirrorbrain-dump.sql");
    server.load(&dump);
    let (running, from_dump) = (TestSite::new(), TestSite::new());
    let counts = |output: &Output| {
        assert!(output.status.success(), "{:?}", failure(output));
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        summary["counts"].clone()
    };
    let found = counts(&import(
        &running,
        &server.address("mb:s3cret", "?connect_timeout=10"),
    ));
    let expected = counts(&import(&from_dump, dump.to_str().expect("UTF-8")));
    assert_eq!(found, expected);

    for (address, part) in [
        (
            server.address("mb:wr0ng", ""),
            "password authentication failed",
        ),
        (
            server.address("mb", "?password=wr0ng"),
            "password authentication failed",
        ),
        (
            "postgresql://mb:wr0ng@%2Fnonexistent/x".to_owned(),
            "No such file",
        ),
    ] {
        let site = TestSite::new();
        let (code, said) = failure(&import(&site, &address));
        assert_eq!((code, said.contains(part)), (Some(1), true), "{said}");
        assert!(!said.contains("wr0ng"), "{said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
    }
    let site = TestSite::new();
    let output = site
        .command("heliostat")
        .args(["import", "mirrorbrain", "postgresql://mb@h/x"])
        .env("PATH", "/nonexistent")
        .output()
        .expect("it starts");
    let (_, said) = failure(&output);
    assert!(said.contains("there is no pg_dump here"), "{said}");
}
