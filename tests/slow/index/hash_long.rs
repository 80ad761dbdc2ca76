//! Long files that are hashed: a disk that is full meanwhile, and files behind them.

use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::stand_in::hash_site::{row, write_sparse};
use crate::stand_in::index_site::{INDEX, paths};
use crate::stand_in::site::{TestSite, eventually, failure};
use crate::stand_in::small_disk::SmallDisk;

const MTIME: u64 = 1_000_000_000;

fn is_hashed(site: &TestSite, name: &str) -> bool {
    row(site, name.as_bytes()).is_some_and(|record| record.digests.md5.is_some())
}

#[test]
fn a_full_disk_is_one_clear_line_and_nothing_wrong_is_stored() {
    let site = TestSite::with_config("hashes.zsync = true");
    let disk = SmallDisk::mount(site.path("disk"));
    symlink("disk/test.sqlite", site.database()).expect("a link");
    for number in 0..20 {
        site.write(format!("small-{number}"), b"content", 1000);
    }
    write_sparse(&site, "z-large", 900 << 20, 1000);
    site.run_ok(INDEX, &["--no-hashes"]);
    disk.fill();
    let (code, line) = failure(&site.run(INDEX, &["--hashes-only"]));
    assert_eq!((code, line.lines().count()), (Some(1), 1), "{line}");
    assert!(
        line.contains("cannot store hashes in") && line.contains("full"),
        "{line}"
    );
    assert_eq!(row(&site, b"z-large"), None);
    assert_eq!(paths(&site).len(), 21);
    disk.clear();
    site.run_ok(INDEX, &[]);
    let large = row(&site, b"z-large").expect("a row");
    assert_eq!(
        large.sha1_pieces.map(|pieces| pieces.len()),
        Some(3600 * 20)
    );
    assert!(row(&site, b"small-19").is_some());
}

#[test]
fn a_very_long_file_holds_up_neither_others_nor_new_ones() {
    let site = TestSite::with_config("[site.test.hashes]\ndigests = [\"md5\"]\npieces = false");
    write_sparse(&site, "a-long", 900 << 30, MTIME);
    site.write("b", b"1", MTIME);
    site.write("c", &vec![7; 3_000_000], MTIME);
    site.run_ok(INDEX, &["-q", "--no-hashes"]);
    let mut run = site
        .command(INDEX)
        .args(["-q"])
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    eventually("the files behind it are hashed", || {
        std::thread::sleep(Duration::from_millis(50));
        is_hashed(&site, "b") && is_hashed(&site, "c")
    });
    site.write("d", b"new", MTIME);
    site.run_ok(INDEX, &["-q", "--no-hashes"]);
    eventually("a file that came meanwhile is hashed", || {
        std::thread::sleep(Duration::from_millis(50));
        is_hashed(&site, "d")
    });
    assert_eq!(
        run.try_wait().expect("its state"),
        None,
        "it is still at the long one"
    );
    let pid = Pid::from_raw(run.id() as i32).expect("a process");
    kill_process(pid, Signal::TERM).expect("it runs");
    run.wait().expect("it ends");
}
