//! Hashing when something is wrong: each time one clear line, nothing wrong is stored, and the rest
//! is done.

use std::fs::File;
use std::os::unix::fs::symlink;
use std::process::{Child, Output, Stdio};

use md5::{Digest, Md5};
use rustix::process::{Pid, Signal, kill_process};

use super::failure::{as_nobody, hand_over, set_mode};
use crate::stand_in::hash_site::{row, write_sparse};
use crate::stand_in::index_site::{INDEX, last_run, paths};
use crate::stand_in::site::{TestSite, eventually, failure, set_mtime};

/// Bytes of a file that is hashed for some seconds.
const LARGE_BYTES: u64 = 3 << 30;

/// Starts hashing and waits until the file is being read.
fn start_reading(site: &TestSite, name: &str) -> Child {
    let child = site
        .command(INDEX)
        .arg("--hashes-only")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let path = site.tree().join(name);
    let descriptors = format!("/proc/{}/fd", child.id());
    eventually("the file is open", || {
        let mut open = std::fs::read_dir(&descriptors)
            .into_iter()
            .flatten()
            .flatten();
        open.any(|link| std::fs::read_link(link.path()).is_ok_and(|file| file == path))
    });
    child
}

fn lines(output: &Output) -> (Option<i32>, Vec<String>) {
    let (code, text) = failure(output);
    (code, text.lines().map(str::to_owned).collect())
}

#[test]
fn an_unreadable_file_is_named_and_the_rest_is_hashed() {
    let site = TestSite::new();
    for name in ["a", "closed", "new\nline", "z"] {
        site.write(name, b"content", 1000);
    }
    set_mode(&site, "closed", 0o000);
    set_mode(&site, "new\nline", 0o000);
    hand_over(&site);
    for _ in 0..2 {
        let output = as_nobody(&site).output().expect("it starts");
        let expected = [
            "error: cannot hash path='closed': Permission denied (os error 13)",
            r"error: cannot hash path='new\nline': Permission denied (os error 13)",
        ];
        let (code, mut said) = lines(&output);
        // Two threads name them in either order.
        said.sort();
        assert_eq!(
            (code, said),
            (Some(3), expected.map(str::to_owned).to_vec())
        );
        assert_eq!(paths(&site).len(), 4, "the catalogue has them all");
        assert!(row(&site, b"a").is_some() && row(&site, b"z").is_some());
        assert_eq!(row(&site, b"closed"), None);
        let (outcome, counts, note) = last_run(&site);
        assert_eq!(
            (outcome.as_str(), &counts["unhashed"]),
            ("partial", &2.into())
        );
        assert!(
            note.contains("2 files could not be hashed, among them"),
            "{note}"
        );
    }
    set_mode(&site, "closed", 0o644);
    set_mode(&site, "new\nline", 0o644);
    assert!(as_nobody(&site).status().expect("it starts").success());
    assert!(row(&site, b"closed").is_some() && row(&site, b"new\nline").is_some());
}

#[test]
fn a_file_that_changes_while_it_is_read_gets_no_hashes() {
    let site = TestSite::new();
    type Change = fn(&std::path::Path);
    let changes: [Change; 4] = [
        |path| {
            let file = File::options().append(true).open(path).expect("the file");
            file.set_len(LARGE_BYTES + 1).expect("longer");
            set_mtime(path, 1000);
        },
        |path| {
            let file = File::options().write(true).open(path).expect("the file");
            file.set_len(LARGE_BYTES / 2).expect("shorter");
            set_mtime(path, 1000);
        },
        |path| set_mtime(path, 2000),
        |path| std::fs::remove_file(path).expect("removed"),
    ];
    for change in changes {
        write_sparse(&site, "large", LARGE_BYTES, 1000);
        site.write("other", b"content", 1000);
        site.run_ok(INDEX, &["--no-hashes"]);
        let child = start_reading(&site, "large");
        change(&site.tree().join("large"));
        let output = child.wait_with_output().expect("its end");
        let expected = "error: cannot hash path='large': it changed while it was read; \
                        the next run tries again";
        assert_eq!(lines(&output), (Some(3), vec![expected.to_owned()]));
        assert_eq!(row(&site, b"large"), None);
        assert!(row(&site, b"other").is_some());
        site.run_ok(INDEX, &["--force", "--no-hashes"]);
    }
}

#[test]
fn a_file_that_is_not_what_was_indexed_gets_no_hashes() {
    let site = TestSite::new();
    for name in ["changed", "gone", "link", "same", "small"] {
        site.write(name, b"content", 1000);
    }
    write_sparse(&site, "large", 1 << 20, 1000);
    site.run_ok(INDEX, &["--no-hashes"]);
    site.write("changed", b"another", 2000);
    write_sparse(&site, "large", 1 << 19, 1000);
    for name in ["gone", "link", "small"] {
        std::fs::remove_file(site.tree().join(name)).expect("remove");
    }
    symlink("same", site.tree().join("link")).expect("a link");
    std::fs::create_dir(site.tree().join("small")).expect("a directory");
    let (code, mut found) = lines(&site.run(INDEX, &["--hashes-only"]));
    found.sort();
    let changed = "it changed since it was indexed; the next run hashes the new version";
    let expected = [
        format!("error: cannot hash path='changed': {changed}"),
        "error: cannot hash path='gone': No such file or directory (os error 2)".to_owned(),
        format!("error: cannot hash path='large': {changed}"),
        "error: cannot hash path='link': Too many levels of symbolic links (os error 40)"
            .to_owned(),
        "error: cannot hash path='small': it is no longer a regular file".to_owned(),
    ];
    assert_eq!((code, found), (Some(3), expected.to_vec()));
    assert!(row(&site, b"same").is_some() && row(&site, b"changed").is_none());
    site.run_ok(INDEX, &["--force"]);
    assert_eq!(
        row(&site, b"changed")
            .expect("a row")
            .digests
            .md5
            .as_deref(),
        Some(&Md5::digest(b"another")[..])
    );
}

#[test]
fn a_signal_stops_hashing_and_what_was_hashed_is_stored() {
    let site = TestSite::new();
    site.write("a", b"content", 1000);
    write_sparse(&site, "large", 4 * LARGE_BYTES, 1000);
    site.run_ok(INDEX, &["--no-hashes"]);
    let child = start_reading(&site, "large");
    eventually("the small file is stored", || row(&site, b"a").is_some());
    kill_process(Pid::from_child(&child), Signal::TERM).expect("a signal");
    let (code, found) = lines(&child.wait_with_output().expect("its end"));
    let expected =
        "error: stopped by a signal; finished hashes are stored, the next run computes the rest";
    assert_eq!((code, found), (Some(1), vec![expected.to_owned()]));
    assert_eq!(row(&site, b"large"), None);
    assert_eq!(last_run(&site).0, "interrupted");
}

#[test]
fn indexing_goes_on_while_another_program_hashes() {
    let site = TestSite::new();
    site.write("a", b"content", 1000);
    site.run_ok(INDEX, &[]);
    let file = site.path("test.sqlite.locks/hash");
    let lock = File::open(&file).expect("the lock file");
    lock.lock().expect("the lock");
    let note = format!("process {} since 2026-01-01T00:00:00Z", std::process::id());
    std::fs::write(&file, &note).expect("the note");
    site.write("b", b"content", 1000);
    let line = site.run_ok(INDEX, &[]);
    assert!(
        line.contains("added=1") && !line.contains("hashed"),
        "{line}"
    );
    assert_eq!(paths(&site), ["a", "b"]);
    let (code, found) = lines(&site.run(INDEX, &["--hashes-only"]));
    assert_eq!((code, found.len()), (Some(3), 1));
    assert!(
        found[0].contains("is being hashed by ") && found[0].contains(&note),
        "{found:?}"
    );
    lock.unlock().expect("unlocked");
    site.run_ok(INDEX, &[]);
    assert!(row(&site, b"b").is_some());
}

#[test]
fn a_wrong_configuration_of_hashes_is_named() {
    for (more, expected) in [
        (
            "hashes.digests = [\"tiger\"]",
            "hashes.digests: 'tiger' is unknown",
        ),
        (
            "hashes.piece_size = 100",
            "hashes.piece_size: 100 is out of bounds",
        ),
        (
            "torrent.version = \"hybrid\"\nhashes.piece_size = 300000",
            "hashes.piece_size: torrent.version = \"hybrid\" needs a power of two",
        ),
        (
            "torrent.version = \"hybrid\"\nhashes.pieces = false",
            "needs pieces and md5, sha1, sha256",
        ),
        (
            "torrent.version = \"v3\"",
            "torrent.version: 'v3' is unknown",
        ),
    ] {
        let site = TestSite::with_config(more);
        let (code, found) = lines(&site.run(INDEX, &[]));
        assert_eq!((code, found.len()), (Some(2), 1), "{found:?}");
        assert!(found[0].contains(expected), "{found:?}");
    }
}
