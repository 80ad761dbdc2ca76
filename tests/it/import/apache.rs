//! `heliostat import apache`, directive by directive: which key each becomes, and where it holds.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use heliostat::config::{Config, parse};
use serde_json::Value;

use crate::stand_in::folder::temporary_folder;
use crate::stand_in::site::{failure, program_path};

/// A host around lines of its own and of the directory of its tree.
fn host(of_host: &str, of_tree: &str) -> String {
    format!(
        "<VirtualHost *:80>\n    ServerName d.example.org\n    DocumentRoot /srv/d\n    \
         DBDParams \"host=db user=mb password=s3cret dbname=mb\"\n{of_host}\n    \
         <Directory /srv/d>\n        MirrorBrainEngine On\n        FormGET On\n{of_tree}\n    \
         </Directory>\n</VirtualHost>\n"
    )
}

fn import(arguments: &[&str]) -> Output {
    let mut command = Command::new(program_path("heliostat"));
    command.args(["import", "apache"]).args(arguments);
    command.env("HELIOSTAT_CONFIG", "/nonexistent/heliostat.toml");
    command.output().expect("it starts")
}

/// Imports a file, which must be good; gives the JSON.
fn imported(file: &Path) -> Value {
    let output = import(&[file.to_str().expect("UTF-8"), "--json"]);
    assert!(output.status.success(), "{:?}", failure(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn imported_text(text: &str) -> Value {
    let folder = temporary_folder();
    let file = folder.path().join("host.conf");
    fs::write(&file, text).expect("written");
    imported(&file)
}

fn configuration(imported: &Value) -> String {
    imported["files"][0]["text"]
        .as_str()
        .expect("a text")
        .to_owned()
}

fn notes(imported: &Value) -> String {
    let notes = imported["notes"].as_array().expect("notes");
    let notes = notes
        .iter()
        .map(|note| format!("{}: {}\n", note["line"], note["text"]));
    notes.collect()
}

/// Lines of the host, lines of the tree's directory, and a line of the configuration.
const CARRIED: [(&str, &str, &str); 28] = [
    ("", "MirrorBrainMinSize 2048", "min_size = 2048"),
    ("MirrorBrainMinSize 0", "", "min_size = 0"),
    (
        "",
        "MirrorBrainExcludeMimeType image/*",
        "exclude_mime_types = [\"image/*\"]",
    ),
    (
        "",
        "MirrorBrainExcludeUserAgent \"rpm/4.4.2*\"\nMirrorBrainExcludeUserAgent *APT-HTTP*",
        "exclude_user_agents = [\"rpm/4.4.2*\", \"*APT-HTTP*\"]",
    ),
    (
        "",
        "MirrorBrainExcludeNetwork 192.168.",
        "exclude_networks = [\"192.168.\"]",
    ),
    (
        "",
        "MirrorBrainExcludeIP 192.0.2.9",
        "exclude_ips = [\"192.0.2.9\"]",
    ),
    (
        "",
        r#"MirrorBrainExcludeFileMask "\.(md5|asc)$""#,
        r"exclude_file_mask = '\.(md5|asc)$'",
    ),
    (
        "",
        "MirrorBrainHandleHEADRequestLocally on",
        "handle_head_locally = true",
    ),
    (
        "",
        r#"MirrorBrainMetalinkTorrentAddMask "\.(iso|dmg)$""#,
        r"metalink_torrent_add_mask = '\.(iso|dmg)$'",
    ),
    (
        "",
        "MirrorBrainFallback NA us http://f.example/",
        "fallbacks = [{ country = \"us\", region = \"na\", url = \"http://f.example/\" }]",
    ),
    (
        "",
        "MirrorBrainRedirectStampKey 'k e y'",
        "redirect_stamp_key = \"k e y\"",
    ),
    ("", "FormGET Off", "query = false"),
    (
        "MirrorBrainTorrentTrackerURL http://t/a\nMirrorBrainTorrentTrackerURL \"udp://t/a\"",
        "",
        "trackers = [\"http://t/a\", \"udp://t/a\"]",
    ),
    (
        "MirrorBrainDHTNode r.example 6881",
        "",
        "dht_nodes = [\"r.example:6881\"]",
    ),
    (
        "MirrorBrainMetalinkMagnetLinks On",
        "",
        "metalink_magnet_links = true",
    ),
    (
        "MirrorBrainHashesSuppressFilenames On",
        "",
        "hashes_suppress_filenames = true",
    ),
    (
        "MirrorBrainMirrorlistStyleSheet \"/m.css\"",
        "",
        "mirrorlist_style_sheet = \"/m.css\"",
    ),
    (
        "MirrorBrainMirrorlistHeader /h.html",
        "",
        "mirrorlist_header = \"/h.html\"",
    ),
    (
        "MirrorBrainMirrorlistFooter /f.html",
        "",
        "mirrorlist_footer = \"/f.html\"",
    ),
    (
        "MirrorBrainMetalinkPublisher \"Oranges, Inc.\" http://o.example",
        "",
        "metalink.publisher_name = \"Oranges, Inc.\"",
    ),
    (
        "MirrorBrainMetalinkBrokenTestMirrors /b.inc",
        "",
        "metalink.broken_test_mirrors = \"/b.inc\"",
    ),
    (
        r"MirrorBrainYumDir release=(5\.5|6) arch=i586 y/$1/i386 repodata/repomd.xml",
        "",
        "marker = \"repodata/repomd.xml\"",
    ),
    ("MirrorBrainInstance one", "", "[site.one]"),
    ("", "", "[site.mb]"),
    ("", "", "tree = \"/srv/d\""),
    ("", "", "server_names = [\"d.example.org\"]"),
    (
        "MaxMindDBFile CITY /g/City.mmdb",
        "",
        "geoip = [\"/g/City.mmdb\"]",
    ),
    ("MirrorBrainMin\\\nSize \\\n  17", "", "min_size = 17"),
];

#[test]
fn each_directive_becomes_its_key() {
    let mut bad = Vec::new();
    for (of_host, of_tree, expected) in CARRIED {
        let imported = imported_text(&host(of_host, of_tree));
        let text = configuration(&imported);
        if !text.lines().any(|line| line == expected) {
            bad.push(format!(
                "{of_host} {of_tree}: no line {expected} in:\n{text}"
            ));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn what_is_not_carried_over_is_named_with_its_line() {
    for (of_host, of_tree, expected) in [
        (
            "",
            "MirrorBrainDebug On",
            "9: \"MirrorBrainDebug is not carried over",
        ),
        (
            "MirrorBrainDBDQuery \"SELECT 1\"",
            "",
            "5: \"MirrorBrainDBDQuery is not",
        ),
        (
            "MirrorBrainMemcached On",
            "",
            "5: \"MirrorBrainMemcached is not",
        ),
        (
            "ZrkadloEngine On",
            "",
            "5: \"zrkadloengine is not carried over",
        ),
        ("DBDMax 32", "", "5: \"DBDMax is not carried over"),
        ("GeoIPDBFile /g.dat", "", "5: \"GeoIPDBFile stays in Apache"),
        ("", "ASLookup On", "9: \"ASLookup is not carried over"),
        (
            "",
            "MirrorBrainExcludeNetwork 10.0.0.0/8",
            "never had an effect",
        ),
        ("", "MirrorBrainExcludeIP 10.0.0.0/8", "is no address"),
        (
            "",
            "MirrorBrainExcludeFileMask (?!x)y",
            "9: \"MirrorBrainExcludeFileMask: ",
        ),
        (
            "IndexOptions FancyIndexing Mirrorlist",
            "",
            "5: \"IndexOptions: ",
        ),
        (
            "Header set X-Want %{WANT}e",
            "",
            "5: \"header reads a variable",
        ),
    ] {
        let said = notes(&imported_text(&host(of_host, of_tree)));
        assert!(said.contains(expected), "{of_host} {of_tree}: {said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
}

#[test]
fn a_line_that_apache_refuses_ends_with_its_place_and_changes_nothing() {
    for (of_host, of_tree, expected) in [
        (
            "",
            "MirrorBrainMinSize x",
            "host.conf:9: MirrorBrainMinSize 'x': write bytes",
        ),
        (
            "",
            "MirrorBrainMinSize 1 2",
            "MirrorBrainMinSize takes one word, and has 2",
        ),
        ("", "MirrorBrainEngine maybe", "write On or Off"),
        ("MirrorBrainEngine On", "", "is for a <Directory> alone"),
        (
            "",
            "MirrorBrainDHTNode a 1",
            "is for the server and its hosts alone",
        ),
        (
            "MirrorBrainDHTNode a 70000",
            "",
            "write a number up to 65535",
        ),
        (
            "MirrorBrainMirrorlistHeader h.html",
            "",
            "write the path from the root on",
        ),
    ] {
        let folder = temporary_folder();
        let (file, out) = (folder.path().join("host.conf"), folder.path().join("out"));
        fs::write(&file, host(of_host, of_tree)).expect("written");
        let paths = [&file, &out].map(|path| path.to_str().expect("UTF-8"));
        let output = import(&[paths[0], "--out", paths[1]]);
        let (code, said) = failure(&output);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(expected), "{expected}: {said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
        assert!(!out.exists());
    }
    for (text, expected) in [
        (
            "DocumentRoot /srv\n",
            "there is no <Directory> with MirrorBrainEngine On",
        ),
        (
            "\0\u{1}<Directory",
            "there is no <Directory> with MirrorBrainEngine On",
        ),
    ] {
        let folder = temporary_folder();
        let file = folder.path().join("host.conf");
        fs::write(&file, text).expect("written");
        let (code, said) = failure(&import(&[file.to_str().expect("UTF-8")]));
        assert_eq!((code, said.contains(expected)), (Some(2), true), "{said}");
    }
    let (code, said) = failure(&import(&["/nonexistent/host.conf"]));
    assert_eq!(
        (code, said.contains("cannot be read")),
        (Some(2), true),
        "{said}"
    );
}

/// The rules of a path below the tree, as the responder has them.
fn checked(imported: &Value) -> Config {
    let path = Path::new("/etc/heliostat.toml");
    let text = configuration(imported);
    let parsed = parse(path, &text).unwrap_or_else(|error| panic!("{error}: {text}"));
    Config::check(path, parsed).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn directories_have_the_effect_that_they_have_in_mirrorbrain() {
    let of_host = "
    MirrorBrainExcludeIP 192.0.2.1
    <Location /pub/loc>
        MirrorBrainMinSize 7
    </Location>
    <Directory /srv/d/pub/loc/deep>
        MirrorBrainMinSize 9
    </Directory>
    <Directory /srv/d/pub/same>
        MirrorBrainMinSize 4096
        MirrorBrainExcludeIP 192.0.2.3
    </Directory>
    <Directory /srv/d/pub/off>
        MirrorBrainEngine Off
    </Directory>
    <Directory /srv/d/pub/form>
        FormGET Off
    </Directory>
    <Directory /srv/d/nested>
        MirrorBrainEngine On
        MirrorBrainExcludeIP 192.0.2.4
    </Directory>";
    let of_tree = "MirrorBrainMinSize 100\nMirrorBrainExcludeIP 192.0.2.2\n\
        MirrorBrainHandleHEADRequestLocally On\nMirrorBrainFallback eu de http://f.example/";
    let imported = imported_text(&host(of_host, of_tree));
    let config = checked(&imported);
    let site = config.site(Some("mb")).expect("the site");
    let of = |path: &str| site.rules(path.as_bytes());
    let table = [
        // path, least size, addresses, HEAD locally, engine, query
        ("", 100, 2, true, true, true),
        ("pub/x", 100, 2, true, true, true),
        // A location comes last, whatever is deeper.
        ("pub/loc/x", 7, 2, false, true, true),
        ("pub/loc/deep/x", 7, 2, false, true, true),
        // 4096 is what MirrorBrain takes for "not set".
        ("pub/same/x", 100, 3, false, true, true),
        ("pub/off/x", 100, 2, false, false, true),
        // mod_form alone is told something.
        ("pub/form/x", 100, 2, true, true, false),
    ];
    for (path, min_size, addresses, head, engine, query) in table {
        let rules = of(path);
        let found = (
            rules.min_size_bytes,
            rules.exclude_ips.len(),
            rules.handle_head_locally,
            rules.engine,
            rules.query,
        );
        assert_eq!(found, (min_size, addresses, head, engine, query), "{path}");
        assert_eq!(rules.fallbacks.len(), 1, "{path}");
    }
    let nested = config.site(Some("mb-2")).expect("the nested site");
    assert_eq!(nested.tree, Path::new("/srv/d/nested"));
    assert_ne!(nested.database, site.database);
    assert_eq!(nested.rules(b"x").exclude_ips.len(), 3);
    let said = notes(&imported);
    for part in [
        "has no effect below another value",
        "does not reach this section",
        "a site with",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn an_htaccess_is_a_directory_and_conditions_are_those_of_apache() {
    let folder = temporary_folder();
    let tree = folder.path().join("tree");
    fs::create_dir_all(tree.join("sub")).expect("made");
    fs::create_dir(folder.path().join("more")).expect("made");
    let shown = folder.path().display();
    let text = format!(
        "Define TREE {shown}/tree\nLoadModule mirrorbrain_module m\nLoadModule form_module f\n\
         <VirtualHost *:80>\nDocumentRoot ${{TREE}}\n<IfModule mod_mirrorbrain.c>\n\
         <Directory \"${{TREE}}\">\nMirrorBrainEngine On\nIncludeOptional more/*.conf\n\
         </Directory>\n</IfModule>\n<IfModule mod_geoip.c>\n<Directory \"${{TREE}}\">\n\
         MirrorBrainMinSize 1\n</Directory>\n</IfModule>\n<IfDefine NO>\nMirrorBrainMinSize 2\n\
         </IfDefine>\n</VirtualHost>\n"
    );
    for (name, text) in [
        ("httpd.conf", text.as_str()),
        ("more/a.conf", "MirrorBrainMinSize 33\n"),
        (
            "tree/sub/.htaccess",
            "# a\nMirrorBrainMinSize 55\nOptions Indexes\n",
        ),
    ] {
        fs::write(folder.path().join(name), text).expect("written");
    }
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let out = path("out");
    let files = [path("httpd.conf"), path("tree/sub/.htaccess")];
    let arguments = [&files[0], &files[1], "--out", &out];
    let output = import(&arguments);
    assert!(output.status.success(), "{:?}", failure(&output));
    let written = fs::read_to_string(format!("{out}/heliostat.toml")).expect("it is there");
    let config = Path::new("/etc/heliostat.toml");
    let config = Config::check(config, parse(config, &written).expect("TOML")).expect("checked");
    let site = config.site(None).expect("a site");
    assert_eq!(site.rules(b"x").min_size_bytes, 33, "{written}");
    assert_eq!(site.rules(b"sub/x").min_size_bytes, 55, "{written}");
    // FormGET stands nowhere, so MirrorBrain looks at no query.
    assert!(!site.rules(b"x").query);
    let copy = fs::read_to_string(format!("{out}{}", files[1])).expect("a copy");
    assert_eq!(copy, "# a\nOptions Indexes\n");

    // A second run changes nothing; a changed file is kept and shown.
    let again = import(&arguments);
    assert!(again.status.success(), "{:?}", failure(&again));
    fs::write(format!("{out}/heliostat.toml"), "mine = 1\n").expect("written");
    let refused = import(&arguments);
    let (code, said) = failure(&refused);
    assert_eq!(
        (code, said.contains("exists and differs")),
        (Some(1), true),
        "{said}"
    );
    assert!(String::from_utf8_lossy(&refused.stdout).contains("-mine = 1"));
    let kept = fs::read_to_string(format!("{out}/heliostat.toml")).expect("it is there");
    assert_eq!(kept, "mine = 1\n");
}
