//! BitTorrent clients download by torrents and magnet links from web seeds alone: nobody else has
//! the file.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::stage::site::eventually;
use crate::stage::{Process, Stage, tool};

const NAME: &str = "a b&c.iso";
const PATH: &str = "/a%20b%26c.iso";

/// A file on two mirrors, without a tracker.
fn stage(version: &str) -> (Stage, Vec<u8>) {
    let mut stage = Stage::new(&format!(
        "[site.test.torrent]\nversion = \"{version}\"\n[site.test.rules]\ntrackerless = true\n"
    ));
    let content = stage.file(NAME, 3_000_000);
    stage.mirror("germany", ["de", "eu"]);
    stage.mirror("berlin", ["de", "eu"]);
    stage.play();
    stage.until_redirected(PATH);
    (stage, content)
}

/// An empty folder for downloads, with the torrent beside it.
fn downloads(stage: &Stage, name: &str) -> (PathBuf, PathBuf) {
    let folder = stage.site.path(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    let torrent = stage.site.path("a.torrent");
    let answer = stage.get(format!("{PATH}.torrent")).send();
    assert_eq!(answer.status, 200, "{answer:?}");
    std::fs::write(&torrent, answer.body).expect("a file");
    (folder, torrent)
}

fn text_of(stage: &Stage, suffix: &str) -> String {
    let answer = stage.get(format!("{PATH}{suffix}")).send();
    assert_eq!(answer.status, 200, "{suffix}: {answer:?}");
    String::from_utf8(answer.body)
        .expect("ASCII")
        .trim()
        .to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn aria2_downloads_by_the_torrent() {
    for version in ["v1", "hybrid"] {
        let (stage, content) = stage(version);
        let (folder, torrent) = downloads(&stage, "aria2");
        let (_, said) = tool(&folder, "aria2c", &["-S", text(&torrent)]);
        let btih = text_of(&stage, ".btih?only_hash");
        // aria2 digests its own reading of a hybrid torrent, not the bytes that it read; web seeds
        // work.
        if version == "v1" {
            assert!(said.contains(&format!("Info Hash: {btih}")), "{said}");
        }
        let url = format!("http://127.0.0.1:{}{PATH}.torrent", stage.apache().port);
        // As a user calls it, but for what looks for other hosts. Like every client it goes on
        // seeding when it has the file.
        let mut command = Command::new("aria2c");
        command
            .args(["--enable-dht=false", "--enable-dht6=false"])
            .arg(&url)
            .current_dir(&folder)
            .env("HOME", &folder);
        let mut client = Process::start("aria2c", &mut command);
        eventually("aria2c has the file", || {
            std::fs::read(folder.join(NAME)).is_ok_and(|have| have == content)
        });
        assert!(client.is_running(), "it seeds");
        client.end(Signal::INT);
    }
}

#[test]
fn libtorrent_downloads_by_torrent_and_by_magnet_link() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/client/bittorrent.py");
    for version in ["v1", "hybrid"] {
        let (stage, content) = stage(version);
        let (folder, torrent) = downloads(&stage, "torrent");
        let btih = text_of(&stage, ".btih?only_hash");
        let arguments = [text(&script), "torrent", text(&torrent), text(&folder)];
        let (ended, said) = tool(&folder, "/usr/bin/python3", &arguments);
        assert!(ended, "{version}: {said}");
        assert_eq!(said.trim(), format!("{btih} 0"), "hash, bytes from peers");
        assert!(std::fs::read(folder.join(NAME)).expect("the file") == content);

        let (folder, torrent) = downloads(&stage, "magnet");
        let magnet = text_of(&stage, ".magnet");
        let arguments = [
            text(&script),
            "magnet",
            &magnet,
            text(&folder),
            text(&torrent),
        ];
        let (ended, said) = tool(&folder, "/usr/bin/python3", &arguments);
        assert!(ended, "{version}: {magnet}: {said}");
        assert_eq!(said.trim(), format!("{btih} 0"), "hash, bytes from peers");
        assert!(std::fs::read(folder.join(NAME)).expect("the file") == content);
    }
}

/// No network but the loopback.
const TRANSMISSION: &str = r#"{"dht-enabled": false, "lpd-enabled": false, "pex-enabled": false,
    "utp-enabled": false, "port-forwarding-enabled": false, "bind-address-ipv4": "127.0.0.1"}"#;

#[test]
fn transmission_downloads_by_the_torrent() {
    let (stage, content) = stage("v1");
    let (folder, torrent) = downloads(&stage, "transmission");
    let settings = stage.site.path("transmission-settings");
    std::fs::create_dir(&settings).expect("a folder");
    std::fs::write(settings.join("settings.json"), TRANSMISSION).expect("a file");
    let log = std::fs::File::create(stage.site.path("transmission.log")).expect("a file");
    let mut command = Command::new("transmission-cli");
    command
        .arg("-g")
        .arg(&settings)
        .arg("-w")
        .arg(&folder)
        .arg("-M")
        .arg(&torrent);
    command
        .env("HOME", &folder)
        .stderr(log.try_clone().expect("a log"))
        .stdout(log);
    // The program goes on as a seed, and is ended with the test.
    let _process = Process::start("transmission-cli", &mut command);
    eventually("transmission has the file", || {
        std::fs::read(folder.join(NAME)).is_ok_and(|found| found == content)
    });
    let bytes: u64 = ["germany", "berlin"]
        .iter()
        .flat_map(|name| stage.asked_of(name))
        .map(|(_, bytes, _)| bytes)
        .sum();
    assert!(bytes >= content.len() as u64, "from web seeds: {bytes}");
}
