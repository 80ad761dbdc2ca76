//! A spool folder that cannot be written costs statistics, and nothing else.

use std::path::Path;

use rustix::process::Signal;

use crate::stand_in::counted_site::{counted_site, get};
use crate::stand_in::fcgi_client::FcgiClient;
use crate::stand_in::logged_responder::LoggedResponder;
use crate::stand_in::site::TestSite;
use crate::stand_in::small_disk::SmallDisk;

/// The words about lost statistics.
const LOST: &str = "statistics are lost";

fn ask(site: &TestSite, ip: &str) {
    let mut client = FcgiClient::connect(&site.path("fcgi.sock"));
    let answer = client.send(&get("file-0.iso", ip));
    assert_eq!(answer.status, 302, "{answer:?}");
    let location = answer.text("Location");
    let expected = "http://mirror.example.org/pub/file-0.iso";
    assert_eq!(location.as_deref(), Some(expected));
}

/// Asks with a folder in that state, and ends; returns how often the loss was logged.
fn losses(site: &TestSite) -> usize {
    let mut responder = LoggedResponder::start(site);
    for number in 0..20 {
        ask(site, &format!("192.0.2.{number}"));
    }
    responder.signal(Signal::TERM);
    responder.wait();
    responder.log().matches(LOST).count()
}

#[test]
fn a_folder_that_is_missing_or_no_folder_changes_no_answer() {
    let site = counted_site("");
    let spool = site.path("spool");
    std::fs::remove_dir(&spool).expect("removed");
    assert_eq!(losses(&site), 1);
    std::fs::write(&spool, "a file").expect("a file");
    assert_eq!(losses(&site), 1);
    std::fs::remove_file(&spool).expect("removed");
    std::fs::create_dir(&spool).expect("a folder");
    assert_eq!(losses(&site), 0);
    assert_eq!(files(&spool), 1);
}

fn files(spool: &Path) -> usize {
    std::fs::read_dir(spool).expect("a folder").count()
}

#[test]
fn a_full_disk_leaves_no_part_of_a_file() {
    let site = counted_site("");
    std::fs::remove_dir(site.path("spool")).expect("removed");
    let disk = SmallDisk::mount(site.path("spool"));
    disk.fill();
    let before = files(&site.path("spool"));
    assert_eq!(losses(&site), 1);
    assert_eq!(files(&site.path("spool")), before);
    disk.clear();
    assert_eq!(losses(&site), 0);
    remount(&site.path("spool"), "ro");
    assert_eq!(losses(&site), 1);
    remount(&site.path("spool"), "rw");
    assert_eq!(losses(&site), 0);
}

/// Mounts the disk at a folder for reading alone, or for writing again.
fn remount(folder: &Path, mode: &str) {
    let mut mount = std::process::Command::new("mount");
    let mount = mount.arg("-o").arg(format!("remount,{mode}")).arg(folder);
    assert!(mount.status().expect("mount").success());
}

#[test]
fn a_folder_that_nobody_empties_takes_no_more() {
    let site = counted_site("");
    for number in 0..1000 {
        std::fs::write(site.path(&format!("spool/old-{number}.hsp")), "").expect("a file");
    }
    assert_eq!(losses(&site), 1);
    assert_eq!(files(&site.path("spool")), 1000);
}
