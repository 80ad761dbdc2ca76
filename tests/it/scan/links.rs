//! Links on mirrors that are scanned by rsync, which does not follow them, and rsync servers that
//! end well and list nothing.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::symlink;

use heliostat::domain::mirror::MirrorId;

use crate::stand_in::odd_web::{OddWeb, index, page, status};
use crate::stand_in::rsyncd::Rsyncd;
use crate::stand_in::scan_site::{OLD, add_mirror, catalogue_tree, current, last_run, set};
use crate::stand_in::site::{TestSite, failure};

const FILES: [&str; 5] = ["a", "dir/c", "dir/deep/e", "file", "other/f"];

/// The mirror has `dir` as a link to another place of its disk, and `file` as one to another file.
fn site_with_links(config: &str) -> (TestSite, Rsyncd) {
    let (site, daemon) = (TestSite::with_config(config), Rsyncd::start());
    for path in FILES {
        site.write(path, path.as_bytes(), OLD);
    }
    catalogue_tree(&site);
    for path in ["a", "other/f", "disk2/c", "disk2/deep/e", "disk2/file"] {
        let content = match path.strip_prefix("disk2/") {
            Some("file") => "file".to_owned(),
            Some(name) => format!("dir/{name}"),
            None => path.to_owned(),
        };
        daemon.write(path, content.as_bytes(), OLD);
    }
    symlink("disk2", daemon.tree().join("dir")).expect("a link");
    symlink("disk2/file", daemon.tree().join("file")).expect("a link");
    symlink("nowhere", daemon.tree().join("dangling")).expect("a link");
    (site, daemon)
}

fn add(site: &TestSite, daemon: &Rsyncd, base_url: &str) -> MirrorId {
    add_mirror(site, "m", &daemon.url("pub"), |mirror| {
        mirror.base_url = base_url.to_owned();
    })
}

fn web() -> OddWeb {
    OddWeb::start(|asked| match asked.path.as_str() {
        "/pub/dir/" => page(index(&[("c", 5), ("deep/", 0)])),
        "/pub/dir/deep/" => page(index(&[("e", 10)])),
        "/pub/file" => crate::stand_in::http_site::file("file"),
        _ => status("404 Not Found", ""),
    })
}

#[test]
fn what_lies_behind_links_is_listed_by_http() {
    let (site, daemon) = site_with_links("");
    let web = web();
    let id = add(&site, &daemon, &web.url());
    let output = site.run("heliostat-scan", &["m", "-v"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(current(&site, id), set(&FILES));
    assert!(
        said.contains(
            "links on the mirror, which rsync does not follow: 'dir', 'file'; listed by http"
        ),
        "{said}"
    );
    let asked = web.asked();
    assert!(!asked.iter().any(|path| path == "/pub/other/"), "{asked:?}");
}

#[test]
fn links_that_nobody_can_follow_keep_what_was_known() {
    let (site, daemon) = site_with_links("");
    let web = web();
    let id = add(&site, &daemon, &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    drop(web);
    let (code, error) = failure(&site.run("heliostat-scan", &["m", "-v"]));
    assert_eq!(code, Some(3), "{error}");
    assert!(error.contains("copy_links"), "{error}");
    assert_eq!(current(&site, id), set(&FILES));
}

#[test]
fn a_mirror_may_have_rsync_follow_its_links() {
    let config = "[site.test.scan.mirror.\"m\"]\ncopy_links = true";
    let (site, daemon) = site_with_links(config);
    let id = add(&site, &daemon, "http://127.0.0.1:1/");
    // A link that leads nowhere is no file, and no hole.
    let output = site.run("heliostat-scan", &["m"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(current(&site, id), set(&FILES));
}

/// A front that says something and ends as if it had listed its modules.
fn front(words: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        // The thread ends with the program.
        for mut stream in listener.incoming().flatten() {
            let said = format!("@RSYNCD: 31.0\n{words}@RSYNCD: EXIT\n");
            let _ = stream.write_all(said.as_bytes());
            std::thread::spawn(move || std::io::copy(&mut stream, &mut std::io::sink()));
        }
    });
    format!("rsync://{address}/pub/")
}

#[test]
fn an_rsync_server_that_lists_nothing_and_ends_well_has_failed() {
    let (site, daemon) = site_with_links("");
    let id = add(&site, &daemon, "http://127.0.0.1:1/");
    site.run("heliostat-scan", &["m"]);
    let before = current(&site, id);
    assert!(!before.is_empty());
    for (words, expected) in [
        ("Welcome!\nunknown module 'pub'\n", "unknown module 'pub'"),
        ("", "it says nothing"),
        ("-rw-r--r--  1 2001/01/01 00:00:00 a\n", "lists nothing"),
    ] {
        let url = front(words);
        site.run_ok(
            "heliostat",
            &["edit", "m", "--set", &format!("baseurlrsync={url}")],
        );
        for _ in 0..3 {
            let (code, error) = failure(&site.run("heliostat-scan", &["m"]));
            assert_eq!(code, Some(1), "{error}");
            assert!(error.contains(expected), "{error}");
            assert_eq!(last_run(&site, id).outcome.as_str(), "failed");
            assert_eq!(current(&site, id), before, "{error}");
        }
    }
    let (code, _) = failure(&site.run("heliostat", &["status", "--check"]));
    assert_eq!(code, Some(3));
}
