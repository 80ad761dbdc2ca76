//! `heliostat import mirrorbrain-conf` and `mirrorbits-conf`: instances become sites, alone and
//! beside Apache's hosts.

use std::fs;
use std::process::{Command, Output};

use crate::stand_in::folder::temporary_folder;
use crate::stand_in::site::{failure, program_path};

const CONF: &str = "[general]\ninstances = second, first\n\n[first]\ndbuser = mb\n\
    dbpass = s3cret\ndbdriver = postgresql\ndbhost = db.example.org\ndbname = one\n\
    zsync_hashes = 1\napache_documentroot = /srv/one\n[second]\ndbname = two\n\
    chunked_hashes = 0\napache_documentroot = /srv/two\nscan_top_include = a b\n\
    [mirrorprobe]\nmailto = root@localhost\nlogfile = /var/log/mirrorprobe.log\n";

fn import(what: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program_path("heliostat"));
    command.args(["import", what]).args(arguments);
    command.output().expect("it starts")
}

#[test]
fn each_instance_becomes_a_site() {
    let folder = temporary_folder();
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (conf, out) = (path("mirrorbrain.conf"), path("out"));
    fs::write(&conf, CONF).expect("written");
    let shown = import("mirrorbrain-conf", &[&conf, "--out", &out, "--dry-run"]);
    assert!(shown.status.success(), "{:?}", failure(&shown));
    assert!(!folder.path().join("out").exists());
    let made = import("mirrorbrain-conf", &[&conf, "--out", &out]);
    assert!(made.status.success(), "{:?}", failure(&made));
    let said = String::from_utf8_lossy(&made.stdout).into_owned();
    for part in [
        "import mirrorbrain postgresql://mb@db.example.org/one",
        ":6: dbpass is not carried over",
        "logfile is not carried over",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("s3cret"), "{said}");
    let written = fs::read_to_string(format!("{out}/heliostat.toml")).expect("it is there");
    for line in [
        "default_site = \"second\"",
        "[site.first]",
        "tree = \"/srv/one\"",
        "database = \"/var/lib/heliostat/first.sqlite\"",
        "hashes.zsync = true",
        "hashes.pieces = false",
        "scan.top_include = [\"a\", \"b\"]",
        "probe.mail_to = [\"root@localhost\"]",
    ] {
        assert!(
            written.lines().any(|found| found == line),
            "{line}: {written}"
        );
    }
    assert!(!written.contains("s3cret"), "{written}");
    let config = format!("{out}/heliostat.toml");
    let mut check = Command::new(program_path("heliostat"));
    check.args(["--config", &config, "config", "--check"]);
    assert!(check.status().expect("it starts").success());
    let again = import("mirrorbrain-conf", &[&conf, "--out", &out]);
    assert!(again.status.success(), "{:?}", failure(&again));
    let now = fs::read_to_string(config).expect("it is there");
    assert_eq!(now, written, "a second run changes nothing");
}

#[test]
fn hosts_of_apache_take_the_keys_of_their_instance() {
    let folder = temporary_folder();
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (conf, host) = (path("mirrorbrain.conf"), path("host.conf"));
    fs::write(&conf, CONF).expect("written");
    let text = "<VirtualHost *:80>\nDocumentRoot /srv/x\nDBDParams \"dbname=one\"\n\
        <Directory /srv/x>\nMirrorBrainEngine On\n</Directory>\n</VirtualHost>\n";
    fs::write(&host, text).expect("written");
    let made = import("apache", &[&host, "--mirrorbrain-conf", &conf]);
    assert!(made.status.success(), "{:?}", failure(&made));
    let said = String::from_utf8_lossy(&made.stdout).into_owned();
    for part in [
        "+[site.first]",
        "+tree = \"/srv/x\"",
        "+hashes.zsync = true",
        "instance second is not carried over, because no host has its database",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_one_line() {
    let folder = temporary_folder();
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let conf = path("mirrorbrain.conf");
    for (text, expected) in [
        ("s3cret\n", ":1: this is neither [NAME] nor KEY = VALUE"),
        (
            "[general]\ninstances = a\n[a]\n",
            ":3: instance a has no apache_documentroot",
        ),
        (
            "[general]\ninstances = a/b\n[a/b]\n",
            ":3: a site's name has letters",
        ),
        ("\u{0}\u{1}", ":1: this is neither"),
    ] {
        fs::write(&conf, text).expect("written");
        let (code, said) = failure(&import("mirrorbrain-conf", &[&conf]));
        assert_eq!(
            (code, said.contains(expected)),
            (Some(2), true),
            "{expected}: {said}"
        );
        assert_eq!(said.trim().lines().count(), 1, "{said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
}

#[test]
fn a_configuration_of_mirrorbits_becomes_a_site() {
    let folder = temporary_folder();
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (conf, out) = (path("mirrorbits.conf"), path("out"));
    let text = "# c\nRepository: /srv/repo/\nRedisPassword: s3cret\nGeoipDatabasePath: /g\n\
        MaxLinkHeaders: 7\nHashes:\n    SHA256: On\n    SHA1: Off\nFallbacks:\n  - URL: \
        http://f.example/\n    CountryCode: FR\n    ContinentCode: EU\n  - URL: \
        http://g.example/\n";
    fs::write(&conf, text).expect("written");
    let arguments = [conf.as_str(), "--out", &out];
    for round in ["first", "second"] {
        let made = import("mirrorbits-conf", &arguments);
        assert!(made.status.success(), "{round}: {:?}", failure(&made));
        let said = String::from_utf8_lossy(&made.stdout).into_owned();
        assert!(
            said.contains(":3: RedisPassword is not carried over"),
            "{said}"
        );
        assert!(!said.contains("s3cret"), "{said}");
    }
    let written = fs::read_to_string(format!("{out}/heliostat.toml")).expect("it is there");
    for line in [
        "[site.main]",
        "tree = \"/srv/repo\"",
        "geoip = [\"/g/GeoLite2-City.mmdb\", \"/g/GeoLite2-ASN.mmdb\"]",
        "link_mirrors = 7",
        "hashes.digests = [\"sha256\"]",
        "fallbacks = [{ country = \"fr\", region = \"eu\", url = \"http://f.example/\" }, \
         { url = \"http://g.example/\" }]",
    ] {
        assert!(
            written.lines().any(|found| found == line),
            "{line}: {written}"
        );
    }
    for (text, expected) in [
        ("a: [", "this is no YAML"),
        ("words", ":1: this is no configuration of mirrorbits"),
        ("Gzip: true\n", ":1: there is no Repository"),
        (
            "\nRepository: x\n",
            ":2: Repository: write the path from the root on",
        ),
        (
            "Repository: /x\nMaxLinkHeaders: y\n",
            ":2: MaxLinkHeaders: write a number",
        ),
    ] {
        fs::write(&conf, text).expect("written");
        let (code, said) = failure(&import("mirrorbits-conf", &[&conf]));
        assert_eq!(
            (code, said.contains(expected)),
            (Some(2), true),
            "{expected}: {said}"
        );
        assert_eq!(said.trim().lines().count(), 1, "{said}");
    }
}
