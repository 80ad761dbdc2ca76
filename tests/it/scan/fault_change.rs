//! Mirrors and catalogues that change while a scan looks at them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::fault_site::{By, FILES, Stage, healthy_page};
use crate::stand_in::http_site::add;
use crate::stand_in::odd_web::{OddWeb, index, page};
use crate::stand_in::scan_site::{
    OLD, add_mirror, catalogue_tree, current, last_run, outdated, set,
};
use crate::stand_in::site::{TestSite, failure};
use crate::stand_in::webd::Tree;

/// Makes the mirror of the middle of a synchronisation: half of the files, of which some are old,
/// and some that are being written.
fn half_synchronise(tree: &Tree) {
    for path in &FILES[6..] {
        tree.remove(path);
    }
    // Old: by its size, by its time.
    tree.write("dir/c", b"an older version", OLD - 60);
    tree.write("dir/d", b"dir/d", OLD - 86_400);
    // Being written in place: short, and new.
    tree.write("dir/e", b"dir", OLD + 60);
    // As rsync, wget and curl, lftp name what is not yet whole.
    for name in [
        ".j.Ab12Cd",
        "k.part",
        ".in.l.",
        ".~tmp~/i",
        "l.lftp-pget-status",
    ] {
        tree.write(Path::new("top").join(name), b"top/i", OLD);
    }
}

#[test]
fn a_mirror_in_the_middle_of_its_synchronisation() {
    let whole = set(&FILES);
    for by in [By::Http, By::Ftp, By::Rsync] {
        let stage = Stage::new();
        half_synchronise(&stage.tree);
        let server = stage.serve(by);
        stage.point(by, &server.url());
        // The mirror is known to have all: that so much is gone must be seen twice.
        stage.keeps("6 of 12 files vanished");
        assert_eq!(stage.current(), whole);
        // A new mirror is believed, as far as it has what the catalogue has.
        let new = add_mirror(&stage.site, "new", "", |mirror| match by {
            By::Http => mirror.base_url = server.url(),
            By::Ftp => {
                mirror.base_url = String::new();
                mirror.ftp_url = server.url();
            }
            By::Rsync => mirror.rsync_url = server.url(),
        });
        stage.site.run_ok("heliostat-scan", &["new"]);
        let (site, old) = (&stage.site, set(&["dir/c", "dir/d", "dir/e"]));
        assert_eq!(current(site, new), set(&["a", "b", "other/f"]), "{by:?}");
        assert_eq!(outdated(site, new), old, "{by:?}");
        // The files are still gone: now the scan is believed.
        stage.scans();
        assert_eq!(stage.current(), set(&["a", "b", "other/f"]));
        // And it has come to an end.
        std::fs::remove_dir_all(stage.tree.path().join("top")).expect("a directory");
        for path in FILES {
            stage.tree.write(path, path.as_bytes(), OLD);
        }
        stage.site.run_ok("heliostat-scan", &["m", "new"]);
        assert_eq!(stage.current(), whole, "{by:?}");
        assert_eq!(current(site, new), whole, "{by:?}");
    }
}

/// Files that stay, and a few that come, change and go all the time.
const STABLE: usize = 400;
const RESTLESS: usize = 40;

/// Scans that see the tree change.
const SCANS: usize = 4;

fn stable(number: usize) -> String {
    format!("d{:02}/stable-{number}", number % 20)
}

fn restless(number: usize) -> String {
    match number % 4 {
        0 => format!("restless/{number}"),
        _ => format!("d{:02}/restless-{number}", number % 20),
    }
}

/// Changes the tree until it is told to stop; counts the changes.
fn change(tree: &Path, is_over: &AtomicBool, changes: &AtomicU64) {
    for round in 0.. {
        for number in 0..RESTLESS {
            if is_over.load(Ordering::Relaxed) {
                return;
            }
            let path = restless(number);
            let (file, other) = (tree.join(&path), tree.join(format!("{path}.new")));
            // A file that is there already or gone already is as good.
            let _ = match (round + number) % 4 {
                0 => std::fs::remove_file(&file),
                1 => std::fs::write(&other, &path).and_then(|()| std::fs::rename(&other, &file)),
                2 => std::fs::write(&file, "half"),
                _ => std::fs::rename(&file, &other),
            };
            changes.fetch_add(1, Ordering::Relaxed);
        }
        // A whole directory goes and comes.
        let _ = std::fs::remove_dir_all(tree.join("restless"));
        std::fs::create_dir_all(tree.join("restless")).expect("a directory");
    }
}

#[test]
fn files_that_change_during_the_scan() {
    let site = TestSite::new();
    let stage = Stage::new();
    let all: Vec<String> = (0..STABLE)
        .map(stable)
        .chain((0..RESTLESS).map(restless))
        .collect();
    for path in &all {
        site.write(path, path.as_bytes(), OLD);
        stage.tree.write(path, path.as_bytes(), OLD);
    }
    catalogue_tree(&site);
    let (web, daemon) = (stage.serve(By::Http), stage.serve(By::Rsync));
    let ids = [
        add(&site, "http", &web.url()),
        add_mirror(&site, "rsync", &daemon.url(), |_| {}),
    ];
    site.run_ok("heliostat-scan", &["--all"]);
    let names = |names: Vec<String>| names.into_iter().collect::<BTreeSet<String>>();
    let keeps = names((0..STABLE).map(stable).collect());
    for id in ids {
        assert_eq!(current(&site, id), names(all.clone()));
    }
    let (is_over, changes) = (AtomicBool::new(false), AtomicU64::new(0));
    let tree = stage.tree.path();
    std::thread::scope(|scope| {
        scope.spawn(|| change(&tree, &is_over, &changes));
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..SCANS {
                let before = changes.load(Ordering::Relaxed);
                let output = site.run("heliostat-scan", &["--all", "-v"]);
                let said = String::from_utf8_lossy(&output.stderr);
                // 3: a directory that was on a page was gone when it was asked for.
                assert!(matches!(output.status.code(), Some(0 | 3)), "{said}");
                assert!(changes.load(Ordering::Relaxed) > before, "nothing changed");
                for id in ids {
                    assert!(current(&site, id).is_superset(&keeps), "{said}");
                }
            }
        }));
        is_over.store(true, Ordering::Relaxed);
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
    // The mirror is quiet again: a good scan finds what is there and what is gone.
    let mut expected = keeps;
    for number in 0..RESTLESS {
        let path = restless(number);
        let file = stage.tree.path().join(&path);
        if number % 2 == 0 {
            stage.tree.write(&path, path.as_bytes(), OLD);
            expected.insert(path);
        } else if file.exists() {
            stage.tree.remove(&path);
        }
    }
    site.run_ok("heliostat-scan", &["--all"]);
    for id in ids {
        assert_eq!(current(&site, id), expected);
        assert_eq!(last_run(&site, id).outcome.as_str(), "ok");
    }
}

#[test]
fn a_catalogue_that_changes_during_the_scan() {
    let stage = Arc::new(Mutex::new(Stage::new()));
    let is_indexed = AtomicBool::new(false);
    let changing = Arc::clone(&stage);
    let web = OddWeb::start(move |asked| {
        if asked.path == "/pub/other/" && !is_indexed.swap(true, Ordering::Relaxed) {
            let stage = changing.lock().expect("no test panics in it");
            let site = &stage.site;
            site.write("a", b"a new version", OLD + 60);
            site.write("dir/new", b"new", OLD);
            std::fs::remove_file(site.tree().join("b")).expect("it was there");
            std::fs::remove_file(site.tree().join("other/f")).expect("it was there");
            catalogue_tree(site);
        }
        match asked.path.as_str() {
            // One of its directories, and what is in it, is forbidden, too.
            path if path.starts_with("/pub/top/") => {
                crate::stand_in::odd_web::status("403 Forbidden", "")
            }
            path => healthy_page(path),
        }
    });
    // The scan runs unlocked, so that the server can change the catalogue.
    let mut scan = {
        let stage = stage.lock().expect("no test panics in it");
        stage.point(By::Http, &web.url());
        stage.site.command("heliostat-scan")
    };
    let (code, error) = failure(&scan.arg("m").output().expect("it starts"));
    assert_eq!(code, Some(3), "{error}");
    let stage = stage.lock().expect("no test panics in it");
    // The scan saw another version of `a`, which counts for nobody.
    let mut expected = set(&FILES);
    for gone in ["a", "b", "other/f"] {
        expected.remove(gone);
    }
    assert_eq!(stage.current(), expected);
    assert_eq!(stage.outdated(), set(&[]));
    let healthy = OddWeb::start(|asked| match asked.path.as_str() {
        "/pub/" => page(index(&[
            ("dir/", 0),
            ("other/", 0),
            ("top/", 0),
            ("a", 1),
            ("b", 1),
        ])),
        "/pub/dir/" => page(index(&[("c", 5), ("d", 5), ("e", 5), ("new", 3)])),
        path => healthy_page(path),
    });
    stage.point(By::Http, &healthy.url());
    stage.scans();
    expected.insert("dir/new".to_owned());
    assert_eq!(stage.current(), expected);
    assert_eq!(stage.outdated(), set(&["a"]));
}
