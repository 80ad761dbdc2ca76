//! dnf installs a package from mirrors that our list and our metalink name.

use std::path::{Path, PathBuf};
use std::process::Command;

use heliostat::db::hash::{self, Digests, HashRecord};
use heliostat::db::{catalogue, open_writer};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::stage::site::{eventually, set_mtime};
use crate::stage::{ApacheOptions, MTIME, Stage};

const SPEC: &str = "\
Name: lighthouse
Version: 1.0
Release: 1
Summary: A package for a test
License: MIT
BuildArch: noarch
%description
It has one file.
%install
mkdir -p %{buildroot}/usr/share/lighthouse
echo light > %{buildroot}/usr/share/lighthouse/lamp
%files
/usr/share/lighthouse/lamp
";

const RULE: &str = "\
[[site.test.yum]]
arguments = [\"release=\\\\d+\", \"repo=os|updates\"]
directory = \"dist/$1/$2\"
marker = \"repodata/repomd.xml\"
[[site.test.repository]]
path = '^dist/(\\d+)/(os|updates)$'
repo = \"tiny-$1-$2\"
arch = \"noarch\"
[site.test.rules]
trackers = [\"http://127.0.0.1:9/announce\"]
";

/// The repository in the tree.
pub(super) const REPOSITORY: &str = "dist/5/os";
pub(super) const REPOMD: &str = "dist/5/os/repodata/repomd.xml";

fn run(command: &mut Command) {
    let output = command.output();
    let output = output.unwrap_or_else(|error| {
        panic!("{command:?}: {error}; `scripts/test` installs what the tests need")
    });
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Builds a package of that release, and the repository with all releases so far; what is new has
/// that time.
pub(super) fn build_repository_of(stage: &Stage, release: &str, mtime: u64) {
    let folder = stage.site.tree().join(REPOSITORY);
    std::fs::create_dir_all(&folder).expect("a folder");
    let spec = stage.site.path("lighthouse.spec");
    let known = files_below(&folder);
    let text = SPEC.replace("Release: 1", &format!("Release: {release}"));
    std::fs::write(&spec, text).expect("a specification");
    run(Command::new("rpmbuild")
        .arg("-bb")
        .arg(format!(
            "--define=_topdir {}",
            stage.site.path("rpmbuild").display()
        ))
        .arg(format!("--define=_rpmdir {}", folder.display()))
        .arg(format!(
            "--define=_dbpath {}",
            stage.site.path("rpmdb").display()
        ))
        .arg(&spec));
    run(Command::new("createrepo_c").arg(&folder));
    let metadata = folder.join("repodata");
    for file in files_below(&folder) {
        if !known.contains(&file) || file.starts_with(&metadata) {
            set_mtime(&file, mtime);
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// A repository, and mirrors of these names and countries that have it.
pub(super) fn dnf_stage(mirrors: &[(&'static str, &'static str)]) -> Stage {
    let mut stage = Stage::new(RULE);
    build_repository_of(&stage, "1", MTIME);
    // In a tree of one repository, a new version would look like a disk that is gone.
    for number in 0..10 {
        let page = format!("doc/page-{number}.html");
        stage.site.write(&page, b"light", MTIME);
    }
    for (name, country) in mirrors {
        stage.mirror(name, [country, "eu"]);
    }
    stage.learn();
    stage.start_with(&ApacheOptions {
        before: "Define HELIOSTAT_LISTS \"mirrorlist|release|repo\"\n".to_owned(),
        ..ApacheOptions::default()
    });
    stage
}

/// Stores the hash that the metalink names, and all that a torrent has.
fn store_hash(stage: &Stage) {
    let mut writer = open_writer(&stage.site.database()).expect("the database");
    let file = catalogue::find(&writer, REPOMD.as_bytes()).expect("the catalogue");
    let file = file.expect("it is indexed");
    let content = std::fs::read(stage.site.tree().join(REPOMD)).expect("the metadata");
    let sha1 = Sha1::digest(&content).to_vec();
    let record = HashRecord {
        digests: Digests {
            md5: Some(Md5::digest(&content).to_vec()),
            sha1: Some(sha1.clone()),
            sha256: Some(Sha256::digest(&content).to_vec()),
            btih: Some(vec![7; 20]),
            ..Digests::default()
        },
        piece_size: 262_144,
        sha1_pieces: Some(sha1),
        ..HashRecord::default()
    };
    let version = file.version.expect("it was indexed");
    writer
        .transaction(|transaction| hash::store(transaction, file.id, version, &record))
        .expect("the hash");
}

/// Installs the package; returns dnf's log of what it downloaded from where.
pub(super) fn install(stage: &Stage, name: &str, source: &str) -> String {
    let home = stage.site.path(name);
    let root = home.join("root");
    std::fs::create_dir_all(&root).expect("a folder");
    let text = format!(
        "[main]\ngpgcheck=0\ninstall_weak_deps=0\nzchunk=0\ncachedir={home}/cache\n\
         logdir={home}/log\npersistdir={home}/state\nreposdir=/nonexistent\npluginpath={home}\n\
         debuglevel=2\nlogfilelevel=9\n\
         [tiny]\nname=tiny\nenabled=1\n{source}\n",
        home = home.display()
    );
    let config = home.join("dnf.conf");
    std::fs::write(&config, text).expect("a configuration");
    let mut command = if rustix::process::geteuid().is_root() {
        Command::new("timeout")
    } else {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "timeout"]);
        command
    };
    run(command
        .args(["120", "dnf", "-y", "--releasever=5", "-c"])
        .arg(&config)
        .arg(format!("--installroot={}", root.display()))
        .args(["install", "lighthouse"])
        .env_remove("http_proxy"));
    let lamp = root.join("usr/share/lighthouse/lamp");
    let lamp = std::fs::read_to_string(lamp).expect("the package's file");
    assert_eq!(lamp, "light\n");
    log_of(&home, &root)
}

/// dnf puts its logs below the root that it installs in.
fn log_of(home: &Path, root: &Path) -> String {
    let places = [
        home.join("log"),
        root.join(home.strip_prefix("/").unwrap_or(home))
            .join("log"),
    ];
    let logs = places.iter().map(|place| place.join("dnf.librepo.log"));
    let text: String = logs
        .filter_map(|log| std::fs::read_to_string(log).ok())
        .collect();
    assert!(!text.is_empty(), "no log in {places:?}");
    text
}

#[test]
fn dnf_installs_from_our_mirror_list_and_our_metalinks() {
    let stage = dnf_stage(&[("germany", "de"), ("france", "fr")]);
    let port = stage.apache().port;
    let own = format!("http://127.0.0.1:{port}");
    let mirrors: Vec<String> = stage
        .mirrors
        .iter()
        .map(|mirror| format!("http://127.0.0.1:{}/{REPOSITORY}/", mirror.http_port))
        .collect();
    let list = stage
        .get("/?release=5&repo=os")
        .field("X-Forwarded-For: 192.0.2.7")
        .send();
    let expected: String = mirrors.iter().map(|url| format!("{url}\n")).collect();
    assert_eq!(String::from_utf8_lossy(&list.body), expected, "{list:?}");
    assert_eq!(list.text("content-type"), "text/plain; charset=UTF-8");
    assert_eq!(stage.get("/?release=x&repo=os").send().status, 404);

    let metalinks = [
        format!("metalink={own}/?release=$releasever&repo=os&metalink"),
        format!("metalink={own}/{REPOMD}.metalink"),
        format!("metalink={own}/{REPOMD}?metalink"),
        format!("metalink={own}/metalink?repo=tiny-$releasever-os&arch=noarch"),
    ];
    let list = format!("mirrorlist={own}/?release=$releasever&repo=os");
    let from_mirrors = |name: &str, source: &str| {
        let log = install(&stage, name, source);
        let is_from_mirror = |line: &str| {
            line.contains(".rpm") && mirrors.iter().any(|url| line.contains(url.as_str()))
        };
        assert!(log.lines().any(is_from_mirror), "{source}\n{log}");
    };
    from_mirrors("by-list", &list);
    let named = "mirrorlist?repo=tiny-$releasever-os&arch=noarch&countme=1";
    from_mirrors("by-name", &format!("mirrorlist={own}/{named}"));
    from_mirrors("by-metalink-without-hash", &metalinks[0]);
    store_hash(&stage);
    // dnf would take it for a mirror.
    let torrent = format!("/{REPOMD}.torrent");
    eventually("there is a torrent", || {
        stage.get(&torrent).send().status == 200
    });
    let text = stage.get(format!("/{REPOMD}.metalink")).send().body;
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(!text.contains("torrent"), "{text}");
    for (number, source) in metalinks.iter().enumerate() {
        from_mirrors(&format!("by-metalink-{number}"), source);
    }
}
