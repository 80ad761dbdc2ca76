//! `heliostat-index` as an admin and cron meet it: what gets into the catalogue.

use std::cell::Cell;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use heliostat::config;
use heliostat::db::catalogue::{self, CatalogueWriter};
use heliostat::db::{hash, open_reader, open_writer};
use heliostat::domain::file::{FileId, FileVersion};
use heliostat::index::{IndexRequest, IndexStep, Indexer};

use crate::stand_in::index_site::{INDEX, catalogue, last_run, paths};
use crate::stand_in::site::{TestSite, failure, set_mtime};

#[test]
fn each_run_leaves_a_private_table_of_files_that_a_start_can_use() {
    let site = TestSite::new();
    site.write("a", b"1", 1);
    site.run_ok(INDEX, &["--dry-run"]);
    let table = heliostat::snapshot::table_path(&site.database());
    assert!(!table.exists(), "a dry run writes nothing");
    let found = || {
        let mut loader = heliostat::snapshot::Loader::new(&site.database());
        match loader.poll().expect("it can be read") {
            heliostat::snapshot::SnapshotChange::New(snapshot) => snapshot.find(b"a").is_some(),
            heliostat::snapshot::SnapshotChange::None => panic!("nothing is new"),
        }
    };
    for damage in ["none", "removed", "cut"] {
        match damage {
            "removed" => std::fs::remove_file(&table).expect("removed"),
            "cut" => std::fs::write(&table, b"HELIOFT1").expect("cut"),
            _ => {}
        }
        assert_eq!(
            found_or_missing(&site, &found),
            damage != "none",
            "{damage}"
        );
        // A run that changes nothing mends the file, too.
        site.run_ok(INDEX, &[]);
        let mode = std::fs::metadata(&table).expect("a table").permissions();
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777,
            0o640
        );
        assert!(std::fs::metadata(&table).expect("a table").len() > 100);
        assert!(found());
    }
}

/// Whether the file is found; there is no database before the first run.
fn found_or_missing(site: &TestSite, found: &dyn Fn() -> bool) -> bool {
    site.database().exists() && found()
}

#[test]
fn a_first_run_catalogues_exact_bytes_in_order() {
    let site = TestSite::with_config("index.exclude = [\".~tmp~\", \"*.part\"]");
    let names: [&[u8]; 7] = [
        b"a dir/x y.iso",
        b"a-b",
        b"a/\xfc.iso",
        b"a/b/new\nline",
        b"a/\xc3\xbc%&?#.iso",
        b"a0",
        b"z/last",
    ];
    for (size, name) in names.iter().enumerate() {
        site.write(OsStr::from_bytes(name), &vec![b'x'; size], 1_500_000_000);
    }
    site.write("a/.~tmp~/x", b"", 1);
    site.write("a/half.PART", b"", 1);
    symlink("a", site.tree().join("link")).expect("link");
    symlink("a0", site.tree().join("a/latest")).expect("link");
    symlink("nowhere", site.tree().join("dangling")).expect("link");

    let line = site.run_ok(INDEX, &[]);
    assert!(
        line.starts_with("indexed site=test files=7 added=7 changed=0 removed=0 took="),
        "{line}"
    );
    let found = catalogue(&site);
    let mut sorted = names;
    sorted.sort_unstable();
    for (place, name) in sorted.iter().enumerate() {
        let size = names.iter().position(|other| other == name).expect("it") as u64;
        let expected = (place as u32 + 1, Some((size, 1_500_000_000)));
        assert_eq!(found.get(*name), Some(&expected), "{}", name.escape_ascii());
    }
    assert_eq!(found.len(), names.len());

    let before = std::fs::read(site.database()).expect("the database");
    assert!(
        site.run_ok(INDEX, &[])
            .contains(" files=7 added=0 changed=0 removed=0 ")
    );
    assert_eq!(catalogue(&site), found);
    let reader = open_reader(&site.database()).expect("a database");
    assert_eq!(catalogue::generation(&reader).expect("generation"), 1);
    assert_eq!(
        before.len(),
        std::fs::read(site.database()).expect("it").len()
    );
    let (outcome, counts, note) = last_run(&site);
    assert_eq!((outcome.as_str(), note.as_str()), ("ok", ""));
    assert_eq!(
        (&counts["files"], &counts["bytes"]),
        (&7.into(), &21.into())
    );
}

#[test]
fn new_versions_get_new_ids_and_imported_entries_keep_theirs() {
    let site = TestSite::new();
    for name in ["d/changed", "d/same", "d/touched", "gone", "imported"] {
        site.write(name, b"12345", 1000);
    }
    let mut writer = open_writer(&site.database()).expect("a database");
    let import = writer.transaction(|transaction| {
        let mut catalogue = CatalogueWriter::new(transaction)?;
        catalogue.import(b"imported", FileId(70))?;
        catalogue.finish()
    });
    import.expect("an import");
    let line = site.run_ok(INDEX, &[]);
    assert!(
        line.contains(" files=5 added=4 changed=0 removed=0 adopted=1 "),
        "{line}"
    );
    let first = catalogue(&site);
    assert_eq!(first[&b"imported"[..]], (70, Some((5, 1000))));
    assert_eq!(first[&b"d/changed"[..]].0, 71);

    let version = FileVersion {
        size: 5,
        mtime: 1000,
    };
    let hashed = writer.transaction(|transaction| {
        for name in ["d/changed", "d/same", "gone"] {
            let id = FileId(first[name.as_bytes()].0);
            hash::store(transaction, id, version, &hash::HashRecord::default())?;
        }
        Ok(())
    });
    hashed.expect("hashes");
    site.write("d/changed", b"123456", 1000);
    set_mtime(&site.tree().join("d/touched"), 999);
    std::fs::remove_file(site.tree().join("gone")).expect("remove");
    let line = site.run_ok(INDEX, &[]);
    assert!(
        line.contains(" files=4 added=0 changed=2 removed=1 took="),
        "{line}"
    );
    let second = catalogue(&site);
    assert_eq!(second[&b"d/same"[..]], first[&b"d/same"[..]]);
    assert_eq!(second[&b"d/changed"[..]], (75, Some((6, 1000))));
    assert_eq!(second[&b"d/touched"[..]], (76, Some((5, 999))));
    assert!(!second.contains_key(&b"gone"[..]));
    let has_hash = |name: &str| {
        let id = FileId(first[name.as_bytes()].0);
        hash::find(&writer, id, version).expect("hashes").is_some()
    };
    assert_eq!(
        ["d/changed", "d/same", "gone"].map(has_hash),
        [false, true, false]
    );
}

#[test]
fn a_file_may_become_a_directory_and_a_directory_a_link() {
    let site = TestSite::new();
    for name in ["file", "dir/x", "dir-y", "zz"] {
        site.write(name, b"1", 1);
    }
    site.run_ok(INDEX, &[]);
    std::fs::remove_file(site.tree().join("file")).expect("remove");
    site.write("file/inside", b"1", 1);
    std::fs::rename(site.tree().join("dir"), site.tree().join("real")).expect("rename");
    symlink("real", site.tree().join("dir")).expect("link");
    site.run_ok(INDEX, &[]);
    assert_eq!(paths(&site), ["dir-y", "file/inside", "real/x", "zz"]);
}

#[test]
fn a_document_root_that_is_a_link_is_followed_to_where_it_points_now() {
    let site = TestSite::new();
    for (release, name) in [("v1", "a"), ("v1", "b"), ("v2", "b"), ("v2", "c")] {
        let directory = site.path(release);
        std::fs::create_dir_all(&directory).expect("release");
        std::fs::write(directory.join(name), name).expect("file");
        set_mtime(&directory.join(name), 5);
    }
    std::fs::remove_dir(site.tree()).expect("the plain tree");
    symlink("v1", site.tree()).expect("link");
    site.run_ok(INDEX, &[]);
    assert_eq!(paths(&site), ["a", "b"]);
    let b = catalogue(&site)[&b"b"[..]];
    symlink("v2", site.path("next")).expect("link");
    std::fs::rename(site.path("next"), site.tree()).expect("flip");
    site.run_ok(INDEX, &[]);
    assert_eq!(paths(&site), ["b", "c"]);
    assert_eq!(catalogue(&site)[&b"b"[..]], b);
}

#[test]
fn a_subtree_alone_is_indexed() {
    let site = TestSite::new();
    for name in ["d/a", "d/sub/b", "d-other/c", "d0", "keep"] {
        site.write(name, b"1", 1);
    }
    site.run_ok(INDEX, &[]);
    for name in ["d/new", "d-other/new"] {
        site.write(name, b"1", 1);
    }
    for name in ["d/sub/b", "keep"] {
        std::fs::remove_file(site.tree().join(name)).expect("remove");
    }
    symlink("d", site.tree().join("alias")).expect("link");
    let line = site.run_ok(INDEX, &["--dir", "alias/"]);
    assert!(
        line.contains("site=test dir=d files=2 added=1 changed=0 removed=1 "),
        "{line}"
    );
    assert_eq!(paths(&site), ["d-other/c", "d/a", "d/new", "d0", "keep"]);

    let absolute = site.tree().join("d-other");
    site.run_ok(INDEX, &["--dir", absolute.to_str().expect("text")]);
    assert_eq!(
        paths(&site),
        ["d-other/c", "d-other/new", "d/a", "d/new", "d0", "keep"]
    );
    std::fs::remove_dir_all(site.tree().join("d")).expect("remove");
    site.run_ok(INDEX, &["--dir", "d"]);
    assert_eq!(paths(&site), ["d-other/c", "d-other/new", "d0", "keep"]);
    site.run_ok(INDEX, &["--dir", "."]);
    assert_eq!(paths(&site), ["d-other/c", "d-other/new", "d0"]);

    std::fs::create_dir(site.path("outside")).expect("directory");
    symlink("../outside", site.tree().join("out")).expect("link");
    std::fs::create_dir(site.tree().join(".~tmp~")).expect("directory");
    for (directory, expected) in [
        ("d", "'d' is not a directory in the tree"),
        ("d0/x", "'d0/x' is not a directory in the tree"),
        ("d0", "'d0' is not a directory in the tree"),
        ("out", "'out' is not a directory in the tree"),
        ("../outside", "'../outside' is not a directory in the tree"),
        (
            ".~tmp~",
            "'.~tmp~' is excluded by '.~tmp~' in index.exclude",
        ),
    ] {
        let (code, text) = failure(&site.run(INDEX, &["--dir", directory]));
        assert_eq!((code, text.lines().count()), (Some(2), 1), "{text}");
        assert!(text.contains(expected), "{text}");
    }
    assert_eq!(paths(&site), ["d-other/c", "d-other/new", "d0"]);
}

#[test]
fn a_dry_run_only_looks() {
    let site = TestSite::new();
    site.write("a", b"1", 1);
    let line = site.run_ok(INDEX, &["-n"]);
    assert!(
        line.starts_with("would index site=test files=1 added=1 "),
        "{line}"
    );
    assert!(!site.database().exists() && !site.path("test.sqlite.locks/index").exists());
    site.write("c", b"1", 1);
    site.run_ok(INDEX, &[]);
    site.write("b\n", b"1", 1);
    std::fs::remove_file(site.tree().join("a")).expect("remove");
    let output = site.run(INDEX, &["--dry-run", "-vv"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("debug: remove path=a\ndebug: add path=b\\n\n"),
        "{text}"
    );
    assert_eq!(paths(&site), ["a", "c"]);
}

#[test]
fn the_report_as_json() {
    let site = TestSite::new();
    site.write("a", b"123", 1);
    let report: serde_json::Value =
        serde_json::from_str(&site.run_ok(INDEX, &["--json"])).expect("JSON");
    for (key, expected) in [
        ("site", serde_json::json!("test")),
        ("outcome", "ok".into()),
        ("dry_run", false.into()),
        ("files", 1.into()),
        ("bytes", 3.into()),
        ("added", 1.into()),
        ("unreadable_places", serde_json::json!([])),
        ("error", "".into()),
        ("note", "".into()),
    ] {
        assert_eq!(report[key], expected, "{key}");
    }
    let output = site.run(INDEX, &["--json", "--dir", "nothing"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["outcome"], "failed");
    assert!(
        report["error"]
            .as_str()
            .is_some_and(|text| text.contains("'nothing'"))
    );
    assert!(site.run_ok(INDEX, &["-q"]).is_empty());
}

#[test]
fn a_catalogue_that_changed_meanwhile_is_compared_again() {
    let site = TestSite::new();
    site.write("a", b"1", 1);
    site.write("b", b"1", 1);
    let config = config::load(&site.config()).expect("a configuration");
    let indexer = Indexer::new(Arc::clone(config.site(None).expect("a site")));
    let run = indexer.start(IndexRequest::default()).expect("it begins");
    let attempts = Cell::new(0);
    let import_meanwhile = |step| {
        if !matches!(step, IndexStep::Comparing(_)) {
            return;
        }
        attempts.set(attempts.get() + 1);
        if attempts.get() == 1 {
            let mut writer = open_writer(&site.database()).expect("a database");
            let imported = writer.transaction(|transaction| {
                let mut catalogue = CatalogueWriter::new(transaction)?;
                catalogue.import(b"b", FileId(9))?;
                catalogue.finish()
            });
            imported.expect("an import");
        }
    };
    let report = run
        .execute(&AtomicBool::new(false), &import_meanwhile)
        .expect("a report");
    assert_eq!(attempts.get(), 2);
    assert_eq!((report.counts.added, report.counts.adopted), (1, 1));
    assert_eq!(catalogue(&site)[&b"b"[..]], (9, Some((1, 1))));
    assert_eq!(last_run(&site).0, "ok");
}
