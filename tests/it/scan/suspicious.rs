//! Listings that look wrong: kept aside, confirmed, forced.

use heliostat::db::content;

use crate::stand_in::scan_site::{
    OLD, add_mirror, catalogue_tree, current, last_run, outdated, published, reader, set,
    site_with_mirror,
};
use crate::stand_in::site::{TestSite, failure};

const FILES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

/// The scan is suspicious for a reason that has `expected`.
fn is_suspicious(site: &TestSite, mirror: &str, expected: &str) {
    let (code, error) = failure(&site.run("heliostat-scan", &[mirror]));
    assert_eq!(code, Some(1), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(
        error.contains("suspicious, so nothing is published"),
        "{error}"
    );
    assert!(error.contains(expected), "{error}\nwanted {expected}");
}

#[test]
fn much_that_vanished_is_published_when_a_second_scan_sees_the_same() {
    let (site, daemon, id) = site_with_mirror(&FILES);
    site.run_ok("heliostat-scan", &["m"]);
    for gone in ["a", "b", "c", "d"] {
        daemon.remove(gone);
    }
    is_suspicious(&site, "m", "4 of 10 files vanished");
    assert_eq!(current(&site, id), set(&FILES));
    assert_eq!(last_run(&site, id).outcome.as_str(), "suspicious");
    let pending = content::pending(&reader(&site), id)
        .expect("readable")
        .expect("kept");
    assert_eq!(pending.content.current.len(), 6);
    // The mirror goes on losing files: that is another listing, and is not confirmed.
    daemon.remove("e");
    is_suspicious(&site, "m", "5 of 10 files vanished");
    let text = site.run_ok("heliostat-scan", &["m", "-v"]);
    assert!(text.contains("files to be purged: 5"), "{text}");
    assert_eq!(current(&site, id), set(&FILES[5..]));
    assert!(
        content::pending(&reader(&site), id)
            .expect("readable")
            .is_none()
    );
}

#[test]
fn a_mirror_that_comes_back_needs_no_confirmation() {
    let (site, daemon, id) = site_with_mirror(&FILES);
    site.run_ok("heliostat-scan", &["m"]);
    for gone in FILES {
        daemon.remove(gone);
    }
    let reason = "the listing is empty";
    let note = "not listed by http: cannot connect (";
    is_suspicious(&site, "m", &format!("--force does now; {note}"));
    let run = last_run(&site, id);
    assert_eq!(run.error, reason);
    assert!(run.note.starts_with(note), "{run:?}");
    assert_eq!(current(&site, id), set(&FILES));
    for back in FILES {
        daemon.write(back, back.as_bytes(), OLD);
    }
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&FILES));
    assert!(
        content::pending(&reader(&site), id)
            .expect("readable")
            .is_none()
    );
}

#[test]
fn the_admin_may_publish_at_once() {
    let (site, daemon, id) = site_with_mirror(&FILES);
    site.run_ok("heliostat-scan", &["m"]);
    for gone in FILES {
        daemon.remove(gone);
    }
    site.run_ok("heliostat-scan", &["--force", "m"]);
    assert_eq!(current(&site, id), set(&[]));
}

#[test]
fn what_left_the_catalogue_or_is_outdated_has_not_vanished() {
    let (site, daemon, id) = site_with_mirror(&FILES);
    site.run_ok("heliostat-scan", &["m"]);
    for gone in &FILES[..8] {
        std::fs::remove_file(site.tree().join(gone)).expect("it was there");
        daemon.remove(gone);
    }
    site.write("i", b"a new version", OLD + 1);
    catalogue_tree(&site);
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&["j"]));
    assert_eq!(outdated(&site, id), set(&["i"]));
}

#[test]
fn a_first_scan_needs_one_current_file() {
    let (site, daemon, _) = site_with_mirror(&["a", "b"]);
    daemon.write("other/tree/x", b"x", OLD);
    let id = add_mirror(&site, "new", &daemon.url("pub/other"), |mirror| {
        mirror.enabled = false
    });
    is_suspicious(
        &site,
        "new",
        "none of the 1 files on it is the current version",
    );
    assert!(published(&site, id).is_none());
    let (_, error) = failure(&site.run("heliostat-scan", &["--enable", "nobody"]));
    assert!(error.contains("nobody"), "{error}");
    // Seen twice it is believed: it has nothing of ours.
    site.run_ok("heliostat-scan", &["-e", "new"]);
    assert!(published(&site, id).expect("published").current.is_empty());
    assert!(!crate::stand_in::scan_site::mirror_record(&site, "new").enabled);
    // An URL that is right at last.
    let right = add_mirror(&site, "right", &daemon.url("pub"), |_| {});
    site.run_ok("heliostat-scan", &["right"]);
    assert_eq!(current(&site, right), set(&["a", "b"]));
}

#[test]
fn an_imported_entry_trusts_any_copy_until_it_is_indexed() {
    use heliostat::db::{catalogue::CatalogueWriter, open_writer};
    use heliostat::domain::file::FileId;
    let (site, daemon, id) = site_with_mirror(&["a"]);
    daemon.write("imported", b"whatever", 5);
    let mut writer = open_writer(&site.database()).expect("the database opens");
    writer
        .transaction(|transaction| {
            let mut catalogue = CatalogueWriter::new(transaction)?;
            catalogue.import(b"imported", FileId(70))?;
            catalogue.finish()
        })
        .expect("imported");
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&["a", "imported"]));
}

#[test]
fn a_mirror_that_has_little_left_needs_attention_whoever_confirmed_it() {
    let (site, daemon, _) = site_with_mirror(&FILES);
    let code = |site: &TestSite| site.run("heliostat", &["status", "--check", "m"]);
    let events = |site: &TestSite| {
        let connection = rusqlite::Connection::open(site.database()).expect("a database");
        let mut all = connection.prepare("SELECT what FROM event").expect("SQL");
        let rows = all.query_map([], |row| row.get::<_, String>(0));
        let all: Vec<String> = rows.expect("rows").map(|row| row.expect("a row")).collect();
        all.join("\n")
    };
    site.run_ok("heliostat-scan", &["m"]);
    for (gone, reason, event) in [
        (
            &FILES[..6],
            "it lost most of its files: 4 now, 10 within 30 days",
            "4 of 10 are left",
        ),
        (
            &FILES[6..],
            "it has no current file",
            "no current file any more",
        ),
    ] {
        for file in gone {
            daemon.remove(file);
        }
        site.run_ok("heliostat-scan", &["--force", "m"]);
        let output = code(&site);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(reason), "{said}");
        assert!(events(&site).contains(event), "{}", events(&site));
    }
}

#[test]
fn a_mirror_below_its_coverage_needs_attention() {
    let (site, daemon, _) = site_with_mirror(&FILES);
    for gone in &FILES[..6] {
        daemon.remove(gone);
    }
    // A first scan has nothing to compare with, and still covers too little.
    site.run_ok("heliostat-scan", &["m"]);
    let output = site.run("heliostat", &["status", "--check", "m"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    for expected in [
        "it covers 40.0 % of the 10 files that it may have, less than 50 % (coverage_min)",
        "30 days",
        "40.0 to 40.0 %",
    ] {
        assert!(said.contains(expected), "{said}\nwanted {expected}");
    }
    let connection = rusqlite::Connection::open(site.database()).expect("a database");
    let sql = "SELECT count(*) FROM event WHERE what LIKE '%(coverage_min)'";
    let count: i64 = connection
        .query_row(sql, [], |row| row.get(0))
        .expect("a count");
    assert_eq!(count, 1);
}

#[test]
fn probes_that_miss_what_a_suspicious_scan_lost_take_the_mirror_out() {
    use crate::stand_in::http_site::{add, healthy, set_url, site_and_tree};
    use crate::stand_in::odd_web::{OddWeb, index, page, status};
    use crate::stand_in::probe_site::{AT_ONCE, is_alive};
    for is_lost in [false, true] {
        let (site, _tree) = site_and_tree(&format!("[site.test.probe]\n{AT_ONCE}"));
        let web = OddWeb::start(|asked| healthy(&asked.path));
        add(&site, "m", &web.url());
        site.run_ok("heliostat-scan", &["m"]);
        let web = OddWeb::start(move |asked| match asked.path.as_str() {
            "/pub/" => page(index(&[("a", 1)])),
            path if is_lost && path != "/pub/a" => status("404 Not Found", ""),
            "/pub/dir/" | "/pub/other/" => page(index(&[])),
            path => healthy(path),
        });
        set_url(&site, &web.url());
        is_suspicious(&site, "m", "files vanished");
        site.run("heliostat-probe", &[]);
        assert_eq!(is_alive(&site, "m"), !is_lost, "{:?}", web.asked());
    }
}
