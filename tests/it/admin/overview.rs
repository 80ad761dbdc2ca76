//! `heliostat markers` and `mirrorlist`: the overview of all mirrors.

use std::process::Command;

use crate::stand_in::rsyncd::Rsyncd;
use crate::stand_in::scan_site::{OLD, add_mirror, catalogue_tree};
use crate::stand_in::site::{TestSite, failure};

const FILES: [&str; 4] = ["iso/1.iso", "iso/2.iso", "rpm/SYNCING", "rpm/x.rpm"];

/// Mirrors of three countries; some that no public list may have.
fn site() -> (TestSite, Rsyncd) {
    let site = TestSite::new();
    let daemon = Rsyncd::start();
    for path in FILES {
        site.write(path, path.as_bytes(), OLD);
        daemon.write(path, path.as_bytes(), OLD);
    }
    catalogue_tree(&site);
    let url = |path: &str| daemon.url(path).replace("//", "//joe:pw@");
    add_mirror(&site, "de.example.org", &daemon.url("pub"), |m| {
        (m.region, m.country) = ("eu".to_owned(), "de".to_owned());
        m.operator_name = "Müller & <Söhne>".to_owned();
        m.operator_url = "http://operator/?a=1&b=2".to_owned();
        m.ftp_url = "ftp://joe:pw@de.example.org/".to_owned();
        m.score = 200;
    });
    add_mirror(&site, "at.example.org", &daemon.url("pub/iso"), |m| {
        (m.region, m.country) = ("eu".to_owned(), "at".to_owned());
        m.operator_url = "javascript:alert(1)".to_owned();
        m.score = 10;
    });
    add_mirror(&site, "us.example.org", &daemon.url("nothing"), |m| {
        (m.region, m.country, m.alive) = ("na".to_owned(), "us".to_owned(), false);
    });
    add_mirror(&site, "private", &url("pub"), |m| {
        (m.private, m.prefix) = (true, "10.0.0.0/8".to_owned());
    });
    add_mirror(&site, "prefix", &url("pub"), |m| m.prefix_only = true);
    add_mirror(&site, "as", &url("pub"), |m| m.as_only = true);
    add_mirror(&site, "everywhere", &url("pub"), |m| {
        m.country = "**".to_owned()
    });
    add_mirror(&site, "off", &daemon.url("pub"), |m| m.enabled = false);
    site.run_ok("heliostat-scan", &["-q", "de.example.org"]);
    site.run_ok(
        "heliostat",
        &["file", "add", "iso/*", "-m", "at.example.org"],
    );
    for marker in [
        "ISO images | iso/*.iso",
        "Packages | /rpm/x.rpm !rpm/MISSING",
        "Synced|rpm/x.rpm   !rpm/SYNCING",
    ] {
        site.run_ok("heliostat", &["markers", "--add", marker]);
    }
    (site, daemon)
}

fn list(site: &TestSite, arguments: &[&str]) -> String {
    site.run_ok("heliostat", &[&["mirrorlist"], arguments].concat())
}

#[test]
fn markers_are_listed_added_deleted_and_edited() {
    let (site, _daemon) = site();
    let markers =
        |arguments: &[&str]| site.run_ok("heliostat", &[&["markers"], arguments].concat());
    let all = "ISO images | iso/*.iso\nPackages | /rpm/x.rpm !rpm/MISSING\n\
               Synced | rpm/x.rpm !rpm/SYNCING\n";
    assert_eq!(markers(&[]), all);
    assert_eq!(markers(&["-d", "#"]), all.replace('|', "#"));
    assert!(!markers(&["--delete", "Synced", "-n"]).contains("Synced"));
    assert_eq!(markers(&[]), all, "-n changes nothing");
    markers(&["--delete", "Packages", "--add", "Synced | other"]);
    assert_eq!(markers(&[]), "ISO images | iso/*.iso\nSynced | other\n");
    let mut command = site.command("heliostat");
    command
        .env_remove("VISUAL")
        .env("EDITOR", "sed -i 's/other/third !fourth/'");
    let output = command.args(["markers", "-e"]).output().expect("it starts");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        markers(&[]),
        "ISO images | iso/*.iso\nSynced | third !fourth\n"
    );
    let events = site.run_ok("heliostat", &["events"]);
    assert!(
        events.contains("markers: before Synced; now Synced"),
        "{events}"
    );
    for (line, code, part) in [
        (
            &["markers", "--add", "no files"][..],
            1,
            "there is no | in it; write it as NAME | FILE",
        ),
        (&["markers", "--add", "x | "], 1, "it has no files"),
        (&["markers", "--add", " | x"], 1, "it has no name"),
        (
            &["markers", "--delete", "Nothing"],
            1,
            "no marker is called 'Nothing'",
        ),
        (&["markers", "-e", "--delete", "x"], 2, "--delete"),
    ] {
        let (found, said) = failure(&site.run("heliostat", line));
        assert_eq!(found, Some(code), "{said}");
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(
        markers(&[]),
        "ISO images | iso/*.iso\nSynced | third !fourth\n"
    );
}

#[test]
fn lists_as_text_are_those_of_mb_and_public() {
    let (site, _daemon) = site();
    let paragraphs = "\nat.example.org\n+ISO images\n-Packages\n-Synced\n\
                      \nde.example.org\n+ISO images\n+Packages\n-Synced\n\
                      \nus.example.org\n-ISO images\n-Packages\n-Synced\n";
    assert_eq!(list(&site, &[]), paragraphs);
    assert_eq!(list(&site, &["-f", "txt"]), paragraphs);
    assert_eq!(
        list(&site, &["-f", "txt2"]),
        "at.example.org: ISO images\nde.example.org: ISO images\nde.example.org: Packages\n"
    );
    assert_eq!(
        list(&site, &["-F", "Pack|Syn", "-s"]),
        "\nde.example.org\n+Packages\n-Synced\n"
    );
    assert_eq!(
        list(&site, &["off", "-f", "txt", "-F", "ISO"]),
        "\noff\n-ISO images\n"
    );
    assert_eq!(
        list(&site, &["-l"]),
        "ISO images              ['iso/*.iso']\n\
         Packages                ['/rpm/x.rpm', '!rpm/MISSING']\n\
         Synced                  ['rpm/x.rpm', '!rpm/SYNCING']\n"
    );
    assert_eq!(list(&site, &["private"]), "", "not even by its name");
    for (line, part) in [
        (
            &["mirrorlist", "-F", "("][..],
            "--filter: that is no regular expression",
        ),
        (&["mirrorlist", "-f", "pdf"], "pdf"),
    ] {
        let (code, said) = failure(&site.run("heliostat", line));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn the_page_is_xhtml_escaped_and_shows_no_secret() {
    let (site, _daemon) = site();
    let page = site.path("mirrors.html");
    let name = page.to_str().expect("UTF-8").to_owned();
    let said = list(
        &site,
        &[
            "-f",
            "xhtml",
            "-o",
            &name,
            "-t",
            "Our <mirrors>",
            "-c",
            "A & B",
        ],
    );
    assert_eq!(said, "");
    let text = std::fs::read_to_string(&page).expect("a page");
    let mut command = Command::new("xmllint");
    let checked = command.args(["--noout", "--nonet"]).arg(&page).output();
    let checked = checked.expect("xmllint starts");
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
    for part in [
        "<title>Our &#60;mirrors&#62;</title>",
        "<caption>A &#38; B</caption>",
        "<col id=\"country\" />",
        "<td colspan=\"9\" class=\"newregion\">Europe:</td>",
        "<td colspan=\"9\" class=\"newregion\">North America:</td>",
        "<th scope=\"col\" class=\"a\">ISO images</th>",
        "<th scope=\"col\" class=\"b\">Packages</th>",
        "<tr class=\"odd\">",
        "<a href=\"http://operator/?a=1&#38;b=2\">Müller &#38; &#60;Söhne&#62;</a>",
        "<a href=\"ftp://de.example.org/\">FTP</a>",
        "<td>****</td>",
        "<td>*</td>",
        "<td class=\"a\">&#8730;</td>",
        "by Heliostat",
    ] {
        assert!(text.contains(part), "{part}\nis not in\n{text}");
    }
    for secret in [
        "pw@",
        "javascript",
        "private",
        "prefix",
        "everywhere",
        "/us.example.org/",
    ] {
        assert!(!text.contains(secret), "{secret}\nis in\n{text}");
    }
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(&page)
        .expect("a page")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o644);
    let shown = list(&site, &["-f", "xhtml", "-s"]);
    assert!(
        shown.contains("at.example.org") && !shown.contains("us.example.org"),
        "{shown}"
    );
}

#[test]
fn header_footer_and_flags_are_the_admins() {
    let (site, _daemon) = site();
    std::fs::write(site.path("head"), "<h1>%(title)s</h1> 100%% %(utc)s\n").expect("written");
    std::fs::write(site.path("foot"), "the end %(utc)s\n").expect("written");
    let flags = site.path("flags");
    std::fs::create_dir(&flags).expect("a folder");
    for code in ["de", "at", "us"] {
        std::fs::write(flags.join(format!("{code}.gif")), code).expect("written");
    }
    let [head, foot] = ["head", "foot"].map(|name| site.path(name).display().to_string());
    let flags = flags.display().to_string();
    let arguments = ["-f", "xhtml", "-H", &head, "-B", &foot, "-t", "a<b"];
    let page = list(&site, &arguments);
    assert!(page.starts_with("<h1>a&lt;b</h1> 100% "), "{page}");
    assert!(
        page.trim_end().ends_with(" UTC") && page.contains("the end "),
        "{page}"
    );
    assert!(!page.contains("<img"), "no flags are wanted: {page}");
    let page = list(&site, &[&arguments[..], &["-i", "png"]].concat());
    assert!(
        page.contains("<img src=\"flags/de.png\" width=\"16\" height=\"11\""),
        "{page}"
    );
    let page = list(
        &site,
        &[&arguments[..], &["-i", "gif", "-I", &flags]].concat(),
    );
    assert!(
        page.contains("<img src=\"data:image/gif;base64,ZGU=\""),
        "{page}"
    );
    let wrong = [&["mirrorlist"], &arguments[..], &["-I", &flags]].concat();
    let (code, said) = failure(&site.run("heliostat", &wrong));
    assert_eq!(code, Some(1));
    assert!(said.contains("at.png"), "a missing flag is named: {said}");
}

#[test]
fn imported_names_of_places_are_used() {
    let site = TestSite::new();
    let dump = "INSERT INTO server (identifier, baseurl, region, country, enabled, operator_name) \
                VALUES ('m', 'http://m/', 'EU', 'DE', 't', 'Uni');\n\
                INSERT INTO country (id, code, name) VALUES (1, 'de', 'Germany');\n\
                INSERT INTO region (id, code, name) VALUES (1, 'eu', 'Old Europe');\n\
                INSERT INTO marker (id, subtree_name, markers) VALUES (1, 'All', 'README');\n";
    std::fs::write(site.path("dump.sql"), dump).expect("written");
    let dump = site.path("dump.sql").display().to_string();
    site.run_ok("heliostat", &["import", "mirrorbrain", &dump]);
    let page = list(&site, &["-f", "xhtml"]);
    for part in ["Old Europe:", ">Germany</td>", ">All</th>"] {
        assert!(page.contains(part), "{part}\nis not in\n{page}");
    }
    assert_eq!(list(&site, &["-l"]), "All                     ['README']\n");
}
