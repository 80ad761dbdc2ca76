//! dnf and librepo while mirrors still have the repository as it was before.

use std::process::Command;

use serde_json::Value;

use super::dnf::{REPOMD, REPOSITORY, build_repository_of, dnf_stage, install};
use crate::stage::site::eventually;
use crate::stage::{MTIME, Stage};

/// Reads the metalink as librepo does.
fn librepo(stage: &Stage, url: &str, folder: &str) -> Value {
    let folder = stage.site.path(folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/e2e/client/read_metalink.py"
    );
    // Debian's own interpreter has Debian's modules.
    let output = Command::new("/usr/bin/python3")
        .args([script, url])
        .arg(&folder)
        .env_remove("http_proxy")
        .output()
        .expect("python3; `scripts/test` installs python3-librepo");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// All mirrors are behind: their version is accepted as an alternate, and nobody is sent to us.
fn librepo_takes_the_earlier_version(stage: &Stage, url: &str, old: &str) {
    let understood = librepo(stage, url, "librepo-behind");
    assert_eq!(understood["repomd"], old, "{understood}");
    let alternates = understood["alternates"].as_array().expect("alternates");
    assert_eq!(alternates.len(), 1, "{understood}");
    assert_eq!(alternates[0]["size"], old.len());
    assert_eq!(alternates[0]["timestamp"], MTIME);
    let urls = understood["urls"].as_array().expect("URLs");
    assert_eq!(urls[0][1], 100, "{understood}");
    let own = format!("http://127.0.0.1:{}/", stage.apache().port);
    let is_ours = |url: &Value| url[0].as_str().is_some_and(|url| url.starts_with(&own));
    assert!(!urls.iter().any(is_ours), "{understood}");
}

/// Only this mirror has it.
fn librepo_takes_the_last_version(stage: &Stage, (url, mirror): (&str, &str), new: &str) {
    let understood = librepo(stage, url, "librepo-again");
    let urls = understood["urls"].as_array().expect("URLs");
    let http = urls.iter().filter_map(|url| url[0].as_str());
    let http: Vec<&str> = http.filter(|url| url.starts_with("http")).collect();
    assert!(http.len() == 1 && http[0].starts_with(mirror), "{http:?}");
    assert_eq!(understood["repomd"], new);
}

/// Whether dnf fetched something of the repository from us.
fn comes_to_us(log: &str, own: &str) -> bool {
    let ours = format!("{own}/{REPOSITORY}/");
    log.lines().any(|line| line.contains(&ours))
}

/// The same with dnf, by metalink and by list.
fn dnf_takes_the_earlier_version(stage: &Stage, own: &str, url: &str) {
    let list = url.replace("/metalink?", "/mirrorlist?");
    for (name, source) in [
        ("behind-metalink", format!("metalink={url}")),
        ("behind-list", format!("mirrorlist={list}")),
    ] {
        let log = install(stage, name, &source);
        assert!(log.contains("lighthouse-1.0-1"), "{name}: {log}");
        assert!(!comes_to_us(&log, own), "{name}: {log}");
    }
}

#[test]
fn dnf_goes_on_with_mirrors_that_are_behind_until_the_version_is_expired() {
    let stage = dnf_stage(&[("germany", "de"), ("france", "fr"), ("italy", "it")]);
    let own = format!("http://127.0.0.1:{}", stage.apache().port);
    let url = format!("{own}/metalink?repo=tiny-5-os&arch=noarch");
    let mirrors: Vec<String> = stage
        .mirrors
        .iter()
        .map(|mirror| format!("http://127.0.0.1:{}/", mirror.http_port))
        .collect();
    let read = |name: &str| {
        let path = stage.site.tree().join(name);
        std::fs::read_to_string(path).expect("a file")
    };
    let old = read(REPOMD);
    build_repository_of(&stage, "2", MTIME + 3600);
    let new = read(REPOMD);
    assert_ne!(old, new);
    stage.index();
    // This scan finds the earlier version.
    stage.scan();
    let metalink = || {
        let text = stage
            .get("/metalink?repo=tiny-5-os&arch=noarch")
            .send()
            .body;
        String::from_utf8_lossy(&text).into_owned()
    };
    eventually("the scan is known", || {
        let text = metalink();
        text.contains("mm0:alternates") && mirrors.iter().all(|url| text.contains(url.as_str()))
    });

    librepo_takes_the_earlier_version(&stage, &url, &old);

    dnf_takes_the_earlier_version(&stage, &own, &url);

    // A client that comes by redirects alone gets the last version, with nothing of the one before.
    let log = install(
        &stage,
        "by-redirects",
        &format!("baseurl={own}/{REPOSITORY}/"),
    );
    assert!(log.contains("lighthouse-1.0-2"), "{log}");

    stage
        .site
        .run_ok("heliostat", &["repo", "expire", "tiny-5-os"]);
    eventually("it is expired", || !metalink().contains("mm0:alternates"));
    let understood = librepo(&stage, &url, "librepo-expired");
    assert_eq!(understood["repomd"], new, "{understood}");
    let log = install(&stage, "expired", &format!("metalink={url}"));
    assert!(
        log.contains("lighthouse-1.0-2") && comes_to_us(&log, &own),
        "{log}"
    );

    // One mirror has it all: it alone is named, and nobody comes to us any more.
    stage.mirrors[1].sync(&stage.site.tree());
    stage.scan();
    eventually("the scan is known", || metalink().contains(&mirrors[1]));
    librepo_takes_the_last_version(&stage, (&url, &mirrors[1]), &new);
    let log = install(&stage, "again", &format!("metalink={url}"));
    let is_whole = log.contains("lighthouse-1.0-2") && !comes_to_us(&log, &own);
    assert!(is_whole, "{log}");
}
