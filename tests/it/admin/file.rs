//! `heliostat file`: what is said of mirrors' files, and what mirrors say themselves.

use serde_json::Value;

use crate::stand_in::rsyncd::Rsyncd;
use crate::stand_in::scan_site::{add_mirror, current, published, set, site_with_mirror};
use crate::stand_in::site::{TestSite, failure};
use crate::stand_in::webserver::{Manner, WebServer};

fn run(site: &TestSite, line: &str) -> String {
    let arguments: Vec<&str> = line.split_whitespace().collect();
    site.run_ok("heliostat", &arguments)
}

fn site() -> (TestSite, Rsyncd) {
    let (site, daemon, _) = site_with_mirror(&["dist/a", "dist/b", "other/c"]);
    (site, daemon)
}

#[test]
fn files_are_added_and_removed_until_the_next_scan() {
    let (site, _daemon) = site();
    let id = add_mirror(&site, "new", "", |_| {});
    assert_eq!(
        run(&site, "file add dist/a -m new -n"),
        "new: file add dist/a. (--dry-run: nothing is stored)\n"
    );
    assert_eq!(published(&site, id), None);
    assert_eq!(
        run(&site, "file add dist/a -m new"),
        "new: file add dist/a.\n"
    );
    assert_eq!(
        run(&site, "file add /dist/* -m new"),
        "new: file add /dist/*.\n"
    );
    assert_eq!(current(&site, id), set(&["dist/a", "dist/b"]));
    assert_eq!(
        run(&site, "file add dist/a -m new"),
        "new: nothing changes.\n"
    );
    assert_eq!(
        run(&site, "file rm % -m new"),
        "new: file rm % (2 files).\n"
    );
    assert_eq!(current(&site, id), set(&[]));
    run(&site, "rollback new");
    assert_eq!(
        current(&site, id),
        set(&["dist/a", "dist/b"]),
        "the removal is undone"
    );
    let value: Value =
        serde_json::from_str(&run(&site, "file rm dist/a -m new --json")).expect("JSON");
    assert_eq!(value["what"], "file rm dist/a");
    assert_eq!(current(&site, id), set(&["dist/b"]));

    run(&site, "scan -q m");
    run(&site, "file rm dist/a -m m");
    assert!(!run(&site, "file ls dist/a").contains(" m"));
    run(&site, "scan -q m");
    assert!(
        run(&site, "file ls dist/a").contains(" m"),
        "a scan has the last word"
    );
    let events = run(&site, "events");
    assert!(events.contains("file rm dist/a"), "{events}");
    for (line, code, part) in [
        ("file add dist/a", 2, "--mirror"),
        ("file rm dist/a", 2, "--mirror"),
        (
            "file add dist/z -m new",
            1,
            "the catalogue has no file 'dist/z'",
        ),
        ("file add dist/a -m nobody", 1, "Not found."),
        ("file move dist/a -m new", 2, "move"),
    ] {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let (found, said) = failure(&site.run("heliostat", &arguments));
        assert_eq!(found, Some(code), "{line}: {said}");
        assert!(said.contains(part), "{line}: {said}");
    }
    run(&site, "new cdn -H http://cdn/ --kind cache");
    let (code, said) = failure(&site.run("heliostat", &["file", "add", "dist/a", "-m", "cdn"]));
    assert_eq!(code, Some(1));
    assert!(said.contains("cdn has no list of files"), "{said}");
}

#[test]
fn mirrors_are_asked_for_the_file_and_its_digest() {
    let (site, _daemon) = site();
    let web = WebServer::start("127.0.0.1", Manner::Serves);
    web.put("dist/a", b"dist/a");
    let other = WebServer::start("127.0.0.1", Manner::Serves);
    other.put("dist/a", b"something else");
    let gone = WebServer::start("127.0.0.1", Manner::Status(404));
    let servers = [("good", &web), ("other", &other), ("gone", &gone)];
    for (name, server) in servers {
        add_mirror(&site, name, "", |m| {
            m.base_url = server.url("127.0.0.1");
            (m.region, m.country) = ("eu".to_owned(), "de".to_owned());
        });
        run(&site, &format!("file add dist/a -m {name}"));
    }
    add_mirror(&site, "silent", "", |m| {
        m.base_url = "http://127.0.0.1:1/".to_owned()
    });
    run(&site, "file add dist/a -m silent");
    let line = |name: &str, more: &str| format!("eu de  100 ok       ok   {name:<30} {more}\n");
    let asked = run(&site, "file ls dist/a -p");
    assert!(
        asked.ends_with(&format!(
            "{}{}{}",
            line("gone", "404"),
            line("good", "200"),
            line("other", "200")
        )),
        "{asked}"
    );
    let silent = asked.lines().find(|line| line.contains("silent"));
    assert!(
        silent.is_some_and(|line| line.ends_with("silent")),
        "{asked}"
    );
    let digest = |text: &str| {
        let output = std::process::Command::new("sh")
            .args(["-c", "printf %s \"$1\" | md5sum", "sh", text])
            .output()
            .expect("md5sum starts");
        String::from_utf8_lossy(&output.stdout)[..32].to_owned()
    };
    let asked = run(&site, "file ls dist/a --md5 -u -m other");
    assert_eq!(
        asked,
        line(
            "other",
            &format!(
                "200 {} {}dist/a",
                digest("something else"),
                other.url("127.0.0.1")
            )
        )
    );
    let values: Value =
        serde_json::from_str(&run(&site, "file ls dist/a --md5 --json")).expect("JSON");
    let of = |name: &str| {
        let list = values.as_array().expect("a list").iter();
        let mut found = list.filter(|value| value["mirror"] == name);
        found.next().expect("the mirror").clone()
    };
    assert_eq!(of("good")["md5"], digest("dist/a"));
    assert_eq!(
        (&of("gone")["status"], &of("gone")["md5"]),
        (&404.into(), &Value::Null)
    );
    assert_eq!(of("silent")["status"], Value::Null);
}
