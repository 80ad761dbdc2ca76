//! `backup` makes one whole file and replaces nothing but an older copy.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use heliostat::db::{mirror, open_reader};
use rusqlite::Connection;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;

use crate::stand_in::probe_site::{add, site};
use crate::stand_in::site::{TestSite, failure, program_path};
use crate::stand_in::small_disk::SmallDisk;

/// A site with a catalogue and a mirror that has it.
pub fn site_with_mirror() -> TestSite {
    let site = site("");
    add(&site, "m", "http://127.0.0.1:1/pub/", |_| {});
    site
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_copy_is_one_checked_file_that_needs_no_other() {
    let site = site_with_mirror();
    let folder = site.path("copies");
    fs::create_dir(&folder).expect("a folder");
    let copy = folder.join("copy.sqlite");
    // The umask takes or gives nothing.
    for umask in ["000", "077"] {
        let status = Command::new("sh")
            .args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"])
            .args([program_path("heliostat"), "backup", text(&copy)])
            .env("HELIOSTAT_CONFIG", site.config())
            .stdout(Stdio::null())
            .status();
        assert!(status.expect("sh").success());
        let mode = fs::metadata(&copy).expect("a copy").mode() & 0o7777;
        assert_eq!(mode, 0o640, "{umask}");
    }
    assert_eq!(names(&folder), ["copy.sqlite"]);
    let bytes = fs::read(&copy).expect("it is readable");
    assert_eq!(bytes[18..20], [1, 1], "a rollback journal");
    let reader = open_reader(&copy).expect("it opens");
    assert_eq!(mirror::names(&reader).expect("mirrors"), ["m"]);
    assert_eq!(names(&folder), ["copy.sqlite"], "it is read alone");
    let ours = open_reader(&site.database()).and_then(|reader| reader.lineage());
    let copied = reader.lineage().expect("a lineage");
    assert_eq!(copied, ours.expect("a lineage"));

    site.run_ok("heliostat", &["score", "m", "7"]);
    let told = site.run_ok("heliostat", &["backup", text(&copy), "--json"]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["file"], text(&copy));
    assert_eq!(told["database"], text(&site.database()));
    assert_eq!(told["database_id"], copied.database_id());
    assert_eq!(told["bytes"], fs::metadata(&copy).expect("a copy").len());
    assert_eq!(told["dry_run"], false);
    let record = mirror::find(&open_reader(&copy).expect("it opens"), "m");
    assert_eq!(record.expect("the mirror").score, 7);
    // The one that was open is still what it was.
    assert_eq!(mirror::find(&reader, "m").expect("the mirror").score, 100);
}

/// Files that stay: what to name, and what is said of it.
fn plant(site: &TestSite) -> Vec<(String, &'static str)> {
    let path = |name: &str| text(&site.path(name)).to_owned();
    fs::create_dir(site.path("folder")).expect("a folder");
    mknodat(CWD, site.path("fifo"), FileType::Fifo, Mode::RUSR, 0).expect("a FIFO");
    symlink("test.sqlite", site.path("link")).expect("a link");
    symlink("nowhere", site.path("dangling")).expect("a link");
    fs::hard_link(site.database(), site.path("hard")).expect("a link");
    fs::write(site.path("letter"), "a letter that somebody needs").expect("a file");
    fs::write(site.path("left-wal"), "frames").expect("a file");
    let other = Connection::open(site.path("other.sqlite")).expect("a database");
    other.execute_batch("CREATE TABLE t (a)").expect("a table");
    let live = site_with_mirror();
    fs::copy(live.database(), site.path("live.sqlite")).expect("a database");
    vec![
        (path("test.sqlite"), "it is the database of site test"),
        (path("link"), "it is the database of site test"),
        (path("hard"), "it is the database of site test"),
        (path("test.sqlite-wal"), "belongs to it"),
        (path("test.sqlite-journal"), "belongs to it"),
        (path("test.sqlite.index.lock"), "belongs to it"),
        (path("folder"), "it is a folder; name a file in it"),
        (path("fifo"), "it is not a regular file"),
        (path("dangling"), "it is a link that leads nowhere"),
        (path("letter"), "it is something else than a copy"),
        (path("other.sqlite"), "it is something else than a copy"),
        (path("live.sqlite"), "a database that programs write"),
        (path("left"), "left-wal is of another database"),
        (path("no/folder/copy"), "its folder cannot be used"),
        (path("letter/copy"), "its folder"),
        ("-".to_owned(), "name a file"),
        ("..".to_owned(), "it is a folder"),
    ]
}

#[test]
fn what_is_no_copy_is_not_replaced() {
    let site = site_with_mirror();
    let bad = plant(&site);
    let before = names(&site.path("."));
    for (file, expected) in bad {
        for more in [&["--dry-run"][..], &[]] {
            let arguments = [&["backup", &file][..], more].concat();
            let (code, said) = failure(&site.run("heliostat", &arguments));
            assert_eq!(code, Some(2), "{file}: {said}");
            assert!(said.contains(expected), "{file}: {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }
    assert_eq!(names(&site.path(".")), before);
    let letter = fs::read_to_string(site.path("letter")).expect("the letter");
    assert_eq!(letter, "a letter that somebody needs");
    // A rehearsal of what can be done makes no file.
    let told = site.run_ok("heliostat", &["backup", text(&site.path("new")), "-n"]);
    assert!(told.contains("would be copied to"), "{told}");
    assert_eq!(names(&site.path(".")), before);
    // Through a link to a copy the copy is replaced, and the link stays.
    symlink("new", site.path("to-new")).expect("a link");
    fs::write(site.path("new"), "").expect("an empty file");
    site.run_ok("heliostat", &["backup", text(&site.path("to-new"))]);
    assert!(site.path("to-new").is_symlink());
    open_reader(&site.path("new")).expect("a copy");
}

#[test]
fn a_full_disk_keeps_the_copy_before() {
    let site = site_with_mirror();
    let disk = SmallDisk::mount(site.path("disk"));
    let copy = site.path("disk/copy.sqlite");
    site.run_ok("heliostat", &["backup", text(&copy)]);
    let before = fs::read(&copy).expect("a copy");
    disk.fill();
    let (code, said) = failure(&site.run("heliostat", &["backup", text(&copy)]));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("make room"), "{said}");
    assert_eq!(fs::read(&copy).expect("a copy"), before);
    assert_eq!(names(&site.path("disk")), ["ballast", "copy.sqlite"]);
    disk.clear();
    site.run_ok("heliostat", &["backup", text(&copy)]);
}

#[test]
fn a_killed_backup_leaves_the_copy_before_and_its_rest_is_removed() {
    let site = site_with_mirror();
    let folder = site.path("copies");
    fs::create_dir(&folder).expect("a folder");
    let copy = folder.join("copy.sqlite");
    site.run_ok("heliostat", &["backup", text(&copy)]);
    let mut rests = 0;
    for number in 0..20 {
        let mut child = site
            .command("heliostat")
            .args(["backup", text(&copy)])
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        // The moment is what is tested.
        std::thread::sleep(Duration::from_millis(number * 4));
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        rests += usize::from(names(&folder).len() > 1);
        let reader = open_reader(&copy).expect("the old or the new copy");
        assert_eq!(mirror::names(&reader).expect("mirrors"), ["m"]);
    }
    println!("{rests} of 20 left a part of a copy");
    site.run_ok("heliostat", &["backup", text(&copy)]);
    assert_eq!(names(&folder), ["copy.sqlite"]);
}
