//! `heliostat init`: a first site from what the machine has, shown first, nothing overwritten.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::stand_in::folder::temporary_folder;
use crate::stand_in::site::program_path;

/// A machine with an Apache that serves a tree without Heliostat.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Machine {
        let folder = temporary_folder();
        let machine = Machine { folder };
        fs::set_permissions(machine.path(""), PermissionsExt::from_mode(0o755)).expect("a mode");
        for name in ["data", "hosts", "share"] {
            fs::create_dir(machine.path(name)).expect("made");
        }
        std::os::unix::fs::symlink("data", machine.path("tree")).expect("linked");
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("apache-conf");
        for entry in fs::read_dir(shipped).expect("it is there").flatten() {
            let to = machine.path("share").join(entry.file_name());
            fs::copy(entry.path(), to).expect("copied");
        }
        machine.write_server("");
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Apache with a host for https, and what else it includes.
    fn write_server(&self, more: &str) {
        let home = self.folder.path().display();
        // Where a machine has no /var/log/apache2, the log is below Apache's own folder.
        let _ = std::fs::create_dir(self.folder.path().join("logs"));
        let modules = [
            "mpm_event",
            "authz_core",
            "alias",
            "asis",
            "autoindex",
            "dir",
            "env",
            "headers",
            "mime",
            "proxy",
            "proxy_fcgi",
            "remoteip",
            "setenvif",
            "socache_shmcb",
            "ssl",
            "xsendfile",
        ];
        let load = |name: &&str| {
            format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n")
        };
        let load: String = modules.iter().map(load).collect();
        let text = format!(
            "ServerRoot {home}\nServerName localhost\nPidFile {home}/pid\nListen 127.0.0.1:65001\n\
             ErrorLog {home}/error.log\nUser www-data\nGroup www-data\n{load}\
             RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 192.0.2.1\n{more}\
             <VirtualHost *:443>\nServerName Download.example.org:443\n\
             DocumentRoot {home}/data\nSSLEngine on\nSSLCertificateFile {home}/cert.pem\n\
             SSLCertificateKeyFile {home}/key.pem\n</VirtualHost>\n"
        );
        fs::write(self.path("httpd.conf"), text).expect("written");
        let request = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=download.example.org";
        let made = Command::new("openssl")
            .args(request.split(' '))
            .arg("-keyout")
            .arg(self.path("key.pem"))
            .arg("-out")
            .arg(self.path("cert.pem"))
            .output();
        assert!(made.expect("openssl starts").status.success());
    }

    fn call(&self, more: &[&str]) -> Output {
        self.command(&["nobody"], more).output().expect("it starts")
    }

    fn command(&self, user: &[&str; 1], more: &[&str]) -> Command {
        let mut command = Command::new(program_path("heliostat"));
        command.arg("--config").arg(self.path("heliostat.toml"));
        command.args([
            "init",
            "--host",
            "download.example.org",
            "--service-user",
            user[0],
        ]);
        for (option, name) in [
            ("--tree", "tree"),
            ("--state", "state"),
            ("--hosts", "hosts"),
            ("--share", "share"),
            ("--apache-config", "httpd.conf"),
        ] {
            command.arg(option).arg(self.path(name));
        }
        command
            .args(["--apachectl", "/usr/sbin/apache2"])
            .args(more);
        command.stdin(std::process::Stdio::null());
        command
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_site_is_made_of_what_is_found() {
    let machine = Machine::new();
    let (config, host) = (
        machine.path("heliostat.toml"),
        machine.path("hosts/heliostat-main.conf"),
    );
    let shown = machine.call(&["--dry-run"]);
    assert!(
        shown.status.success(),
        "{}",
        String::from_utf8_lossy(&shown.stderr)
    );
    let home = machine.folder.path().display();
    for line in [
        format!("found: Download.example.org:443 ({home}/httpd.conf:"),
        format!("+ folder {home}/state (mode 0750)"),
        format!("+++ {home}/heliostat.toml (mode 0640)"),
        // As Apache writes it, not as --tree does: it is the same directory.
        format!("+tree = \"{home}/data\""),
        format!("+Define HELIOSTAT_CERTIFICATE \"{home}/cert.pem\""),
        "+Define HELIOSTAT_TRUSTED_PROXY \"192.0.2.1\"".to_owned(),
    ] {
        assert!(text(&shown).contains(&line), "{line}: {}", text(&shown));
    }
    assert!(!config.exists() && !host.exists() && !machine.path("state").exists());
    let refused = machine.call(&[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!config.exists(), "nobody answered");

    let made = machine.call(&["--yes"]);
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    assert!(text(&made).contains("next: runuser -u nobody -- heliostat-index "));
    let state = fs::metadata(machine.path("state")).expect("made");
    assert_eq!((state.mode() & 0o7777, state.uid()), (0o750, 65534));
    let file = fs::metadata(&config).expect("made");
    assert_eq!((file.mode() & 0o7777, file.gid()), (0o640, 65534));
    let check = Command::new(program_path("heliostat"))
        .arg("--config")
        .arg(&config)
        .args(["config", "--check"])
        .status();
    assert!(check.expect("it starts").success());
    machine.write_server(&format!("Include {}\n", host.display()));
    let apache = Command::new("/usr/sbin/apache2")
        .args(["-t", "-f"])
        .arg(machine.path("httpd.conf"))
        .output()
        .expect("Apache starts");
    assert!(
        apache.status.success(),
        "{}",
        String::from_utf8_lossy(&apache.stderr)
    );
}

#[test]
fn what_is_there_stays() {
    let machine = Machine::new();
    fs::write(machine.path("heliostat.toml"), "[site.mine]\n").expect("written");
    let made = machine.call(&["--yes"]);
    assert!(
        text(&made).contains("heliostat.toml is there and stays as it is"),
        "{}",
        text(&made)
    );
    assert!(
        text(&made).contains("it lacks: [site.main]"),
        "{}",
        text(&made)
    );
    let config = fs::read_to_string(machine.path("heliostat.toml")).expect("it is there");
    assert_eq!(config, "[site.mine]\n");
    assert!(machine.path("hosts/heliostat-main.conf").exists());
    let again = machine.call(&[]);
    assert!(again.status.success());
    assert!(
        text(&again).contains("everything is there already"),
        "{}",
        text(&again)
    );
    let json: Value =
        serde_json::from_slice(&machine.call(&["--dry-run", "--json"]).stdout).expect("JSON");
    assert_eq!(json["files"][1]["is_there"], true);
}

#[test]
fn a_configuration_of_comments_gets_a_site_at_its_end() {
    let machine = Machine::new();
    let comments = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/package.d/heliostat.toml"),
    );
    let comments = comments.expect("it is shipped");
    fs::write(machine.path("heliostat.toml"), &comments).expect("written");
    assert!(machine.call(&["--yes"]).status.success());
    let config = fs::read_to_string(machine.path("heliostat.toml")).expect("it is there");
    assert!(config.starts_with(&comments), "{config}");
    heliostat::config::load(&machine.path("heliostat.toml")).expect("a configuration");
}

#[test]
fn wrong_input_is_named_and_nothing_is_made() {
    let machine = Machine::new();
    for (option, value, expected) in [
        ("--tree", "/no/such/tree", "there is no such directory"),
        ("--site", "a b", "letters, digits"),
        ("--host", "a_b!", "write a name such as"),
    ] {
        let mut command = Command::new(program_path("heliostat"));
        let all = [
            ("--tree", "/tmp"),
            ("--host", "a.example.org"),
            ("--site", "main"),
        ];
        command.arg("init");
        for (name, usual) in all {
            command.args([name, if name == option { value } else { usual }]);
        }
        command
            .arg("--hosts")
            .arg(machine.path("hosts"))
            .arg("--yes");
        let output = command.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{option}: {said}");
        assert!(
            said.contains(expected) && said.lines().count() == 1,
            "{said}"
        );
    }
    assert_eq!(
        fs::read_dir(machine.path("hosts"))
            .expect("it is there")
            .count(),
        0
    );
}

/// In a place where /etc is a copy.
#[test]
fn a_missing_user_is_made() {
    let machine = Machine::new();
    let script = "cp -a /etc \"$0\" && mount --bind \"$0\" /etc && \"$@\" && \
                  id -u heliostat-init-test && stat -c %U \"$0/../state\"";
    let made = machine.command(&["heliostat-init-test"], &["--yes"]);
    let output = Command::new("unshare")
        .args(["--mount", "bash", "-c", script])
        .arg(machine.path("etc"))
        .arg(made.get_program())
        .args(made.get_args())
        .output()
        .expect("unshare starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        text(&output).contains("+ user heliostat-init-test"),
        "{}",
        text(&output)
    );
    assert!(
        text(&output).ends_with("\nheliostat-init-test\n"),
        "{}",
        text(&output)
    );
}
