//! The same tree behind real FTP servers and rsync: each is found to have the same files.

use std::os::unix::fs::symlink;
use std::path::Path;

use heliostat::db::catalogue;
use heliostat::domain::mirror::MirrorId;

use super::http_servers::{ALL, fill, lacking, site_of};
use crate::stand_in::ftpd::{Ftpd, Kind, Tls};
use crate::stand_in::rsyncd::Rsyncd;
use crate::stand_in::scan_site::{add_mirror, reader};
use crate::stand_in::site::TestSite;
use crate::stand_in::webd::Tree;

/// Scans a server; gives what the report says of the mirror.
fn scan(site: &TestSite, name: &str, server: &Ftpd) -> (MirrorId, serde_json::Value) {
    let id = add_mirror(site, name, "", |mirror| mirror.ftp_url = server.url());
    let mut command = site.command("heliostat-scan");
    command.args([name, "--json"]);
    if let Some(authority) = server.authority() {
        command.env("SSL_CERT_FILE", authority);
    }
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    let json = String::from_utf8_lossy(&output.stdout);
    // 3: a directory could not be listed.
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{name}: {said}\n{json}"
    );
    let report: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    (id, report["mirrors"][0].clone())
}

#[test]
fn all_ftp_servers_are_found_to_have_the_same_files() {
    let tree = Tree::new();
    fill(&tree);
    tree.write("pool/.hidden", b"hidden", 1_500_000_000);
    let site = site_of(&tree);
    let files = catalogue::count(&reader(&site)).expect("a count");
    assert!(files > u64::from(ALL), "{files}");
    for (host, kind, tls) in [
        ("127.0.0.1", Kind::Vsftpd, Tls::None),
        ("127.0.0.1", Kind::Vsftpd, Tls::Explicit),
        ("127.0.0.1", Kind::Vsftpd, Tls::Implicit),
        ("::1", Kind::Vsftpd, Tls::None),
        ("127.0.0.1", Kind::ProFtpd, Tls::None),
        ("127.0.0.1", Kind::ProFtpd, Tls::Explicit),
        ("127.0.0.1", Kind::ProFtpd, Tls::Implicit),
        ("::1", Kind::ProFtpd, Tls::Explicit),
        ("127.0.0.1", Kind::ProFtpdList, Tls::None),
        ("127.0.0.1", Kind::PureFtpd, Tls::None),
        ("127.0.0.1", Kind::PureFtpd, Tls::Explicit),
    ] {
        let server = Ftpd::start_on(host, kind, tls, &tree.path(), "");
        let name = format!("{kind:?}-{tls:?}-{}", host.len());
        let (id, mirror) = scan(&site, &name, &server);
        eprintln!(
            "{name}: {} files, {} requests, {} s, notes {}",
            mirror["files"], mirror["requests"], mirror["took_s"], mirror["notes"]
        );
        assert_eq!(mirror["by"], "ftp");
        let lacking = lacking(&site, id);
        if matches!(kind, Kind::PureFtpd) {
            // Pure-FTPd forbids backslashes in names that are entered, and the report says so;
            // files it shows.
            assert!(lacking.is_empty(), "{name} lacks {lacking:?}: {mirror}");
            let notes = mirror["notes"].to_string();
            assert!(notes.contains("553 Prohibited file name"), "{notes}");
            assert_eq!(mirror["unreadable"], 1);
        } else {
            assert!(lacking.is_empty(), "{name} lacks {lacking:?}: {mirror}");
            assert_eq!(mirror["outcome"], "ok", "{mirror}");
        }
    }
}

#[test]
fn rsync_is_found_to_have_the_same_files() {
    let tree = Tree::new();
    fill(&tree);
    let site = site_of(&tree);
    let daemon = Rsyncd::start();
    std::fs::remove_dir(daemon.tree()).expect("it is empty");
    symlink(tree.path(), daemon.tree()).expect("a link");
    let id = add_mirror(&site, "rsync", &daemon.url("pub"), |_| {});
    let json = site.run_ok("heliostat-scan", &["rsync", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let mirror = &report["mirrors"][0];
    eprintln!("rsync: {} files, {} s", mirror["files"], mirror["took_s"]);
    assert_eq!(
        (&mirror["by"], &mirror["outcome"]),
        (&"rsync".into(), &"ok".into())
    );
    assert_eq!(lacking(&site, id), [] as [&Path; 0]);
}
