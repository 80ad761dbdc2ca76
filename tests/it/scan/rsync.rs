//! Tests URLs, rules and links of mirrors against real rsync daemons.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::stand_in::rsyncd::{PASSWORD, Rsyncd};
use crate::stand_in::scan_site::{
    OLD, add_mirror, catalogue_tree, current, last_run, set, site_with_mirror,
};
use crate::stand_in::site::{TestSite, program_path};

#[test]
fn a_daemon_with_an_ipv6_address_is_listed_also_with_a_password() {
    let site = TestSite::new();
    site.write("a", b"a", OLD);
    catalogue_tree(&site);
    let daemon = Rsyncd::start_on("::1");
    daemon.write("a", b"a", OLD);
    let with_password = daemon
        .url("auth")
        .replace("//", &format!("//joe:{PASSWORD}@"));
    for (name, url) in [("plain", daemon.url("pub")), ("auth", with_password)] {
        assert!(url.contains("[::1]:"), "{url}");
        let id = add_mirror(&site, name, &url, |_| {});
        site.run_ok("heliostat-scan", &[name]);
        assert_eq!(current(&site, id), set(&["a"]), "{name}");
    }
}

/// The form has no port, so the daemon gets a network of its own with the port of rsync.
#[test]
fn a_url_of_two_colons_is_listed() {
    let (site, daemon, _) = site_with_mirror(&["dist/a", "dist/b"]);
    let config = format!(
        "use chroot = no\nuid = 0\ngid = 0\n[pub]\npath = {tree}\n\
         [auth]\npath = {tree}\nauth users = joe\nsecrets file = {folder}/secrets\n",
        tree = daemon.tree().display(),
        folder = daemon.folder().display()
    );
    std::fs::write(site.path("rsyncd.conf"), config).expect("a configuration");
    let mut ids = Vec::new();
    let with_password = format!("joe:{PASSWORD}@127.0.0.1::auth/dist");
    for (name, url) in [
        ("four", "127.0.0.1::pub/dist"),
        ("six", "[::1]::pub/dist/"),
        ("password", &with_password),
    ] {
        ids.push(add_mirror(&site, name, url, |_| {}));
    }
    // The tree is below the URL.
    for name in ["a", "b"] {
        site.write(name, format!("dist/{name}").as_bytes(), OLD);
    }
    catalogue_tree(&site);
    let script = "ip link set lo up && { rsync --daemon --no-detach --config=\"$1\" & } && \
         until rsync 127.0.0.1:: >/dev/null 2>&1; do kill -0 $! || exit 9; done; \
         \"$2\" four six password; code=$?; kill $!; exit $code";
    let is_root = rustix::process::geteuid().is_root();
    let user: &[&str] = if is_root {
        &[]
    } else {
        &["--user", "--map-root-user"]
    };
    let output = Command::new("unshare")
        .args(user)
        .args(["--net", "sh", "-c", script, "sh"])
        .arg(site.path("rsyncd.conf"))
        .arg(program_path("heliostat-scan"))
        .env("HELIOSTAT_CONFIG", site.config())
        .output()
        .expect("unshare runs");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
    for id in ids {
        assert_eq!(current(&site, id), set(&["a", "b"]));
    }
}

#[test]
fn links_are_links_and_are_not_followed() {
    let (site, daemon, id) = site_with_mirror(&["dir/a", "dir/b", "other/c"]);
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&["dir/a", "dir/b", "other/c"]));
    daemon.remove("dir/b");
    symlink("a", daemon.tree().join("dir/b")).expect("a link");
    std::fs::remove_dir_all(daemon.tree().join("other")).expect("a directory");
    symlink("dir", daemon.tree().join("other")).expect("a link");
    symlink("/etc", daemon.tree().join("outside")).expect("a link");
    // Nobody answers over HTTP, so that it is not known what lies behind the links.
    let output = site.run("heliostat-scan", &["m", "--force", "--json"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(current(&site, id), set(&["dir/a", "dir/b", "other/c"]));
    let json = String::from_utf8_lossy(&output.stdout);
    let report: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(report["mirrors"][0]["files"], 1, "{json}");
    assert_eq!(report["mirrors"][0]["unknown"], 0, "{json}");
}

#[test]
fn rules_of_the_site_and_of_one_mirror_hold() {
    let more = "[site.test.scan]\nexclude_rsync = [\"*.tmp\"]\n\
         [site.test.scan.mirror.\"de.uni\"]\nexclude_rsync = [\"/old/\"]\n\
         [site.test.scan.mirror.top]\ntop_include = [\"old\"]";
    let site = TestSite::with_config(more);
    let daemon = Rsyncd::start();
    for path in ["a", "b.tmp", "old/c", "new/old/d"] {
        site.write(path, b"x", OLD);
        daemon.write(path, b"x", OLD);
    }
    catalogue_tree(&site);
    for (name, expected) in [
        ("fr.uni", &["a", "old/c", "new/old/d"][..]),
        ("de.uni", &["a", "new/old/d"]),
        ("top", &["old/c"]),
    ] {
        let id = add_mirror(&site, name, &daemon.url("pub"), |_| {});
        site.run_ok("heliostat-scan", &[name]);
        assert_eq!(current(&site, id), set(expected), "{name}");
        assert_eq!(last_run(&site, id).outcome.as_str(), "ok");
    }
}
