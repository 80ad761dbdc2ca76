//! `heliostat-scan --due` that is stopped or killed: when the rest is looked at.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use heliostat::domain::mirror::MirrorId;
use rustix::process::{Pid, Signal, kill_process};

use super::due_site::{HOUR, due, pass};
use crate::stand_in::http_site::{FILES, add, healthy, site_and_tree};
use crate::stand_in::odd_web::{OddWeb, Reply, status};
use crate::stand_in::scan_site::{current, last_run, set};
use crate::stand_in::site::{TestSite, eventually};

/// A mirror of which one directory hangs while that is set.
struct Hanging {
    site: TestSite,
    mirror: MirrorId,
    web: OddWeb,
    hangs: Arc<AtomicBool>,
}

impl Hanging {
    fn start() -> Hanging {
        let (site, _tree) = site_and_tree("[site.test.scan]\nrequests = 1");
        let hangs = Arc::new(AtomicBool::new(true));
        let is_slow = Arc::clone(&hangs);
        let web = OddWeb::start(move |asked| {
            // Directories are taken from the end of the page.
            if asked.path == "/pub/dir/" && is_slow.load(Ordering::Relaxed) {
                return Reply::Hang(String::new());
            }
            healthy(&asked.path)
        });
        let mirror = add(&site, "m", &web.url());
        Hanging {
            site,
            mirror,
            web,
            hangs,
        }
    }

    /// Ends a scan while it waits for the directory.
    fn end_a_scan(&self, signal: Signal) -> Option<i32> {
        end_a_scan(&self.site, &self.web, signal)
    }

    /// Nothing is due for three hours, then the rest is.
    fn comes_back(&self) {
        self.hangs.store(false, Ordering::Relaxed);
        let before = self.web.asked().len();
        pass(&self.site, HOUR);
        assert_eq!(due(&self.site), "nothing is due\n");
        assert_eq!(self.web.asked().len(), before);
        pass(&self.site, 2 * HOUR);
        due(&self.site);
        assert_eq!(current(&self.site, self.mirror), set(&FILES));
        pass(&self.site, 4 * HOUR);
        assert_eq!(due(&self.site), "nothing is due\n");
    }
}

/// Ends a scan while it waits for the directory.
fn end_a_scan(site: &TestSite, web: &OddWeb, signal: Signal) -> Option<i32> {
    let asked = || {
        let asked = web.asked();
        asked.iter().filter(|path| *path == "/pub/dir/").count()
    };
    let before = asked();
    let mut scan = site.command("heliostat-scan");
    scan.args(["--due", "-qq"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = scan.spawn().expect("it starts");
    eventually("it asks for the directory", || asked() > before);
    let pid = Pid::from_raw(child.id() as i32).expect("a process id");
    kill_process(pid, signal).expect("it runs");
    child.wait().expect("it is ours").code()
}

#[test]
fn what_a_continued_scan_cannot_find_out_is_kept() {
    const HANGS: u8 = 1;
    const FAILS: u8 = 2;
    let (site, _tree) = site_and_tree("[site.test.scan]\nrequests = 1");
    let state = Arc::new(AtomicU8::new(0));
    let now = Arc::clone(&state);
    let web =
        OddWeb::start(
            move |asked| match (now.load(Ordering::Relaxed), asked.path.as_str()) {
                (HANGS, "/pub/dir/") => Reply::Hang(String::new()),
                (FAILS, "/pub/dir/") => status("403 Forbidden", ""),
                (FAILS, path) if path.starts_with("/pub/dir/") => {
                    status("500 Internal Server Error", "")
                }
                (_, path) => healthy(path),
            },
        );
    let mirror = add(&site, "m", &web.url());
    site.run_ok("heliostat-scan", &["--all"]);
    assert_eq!(current(&site, mirror), set(&FILES));
    pass(&site, 40 * HOUR);
    state.store(HANGS, Ordering::Relaxed);
    assert_eq!(end_a_scan(&site, &web, Signal::TERM), Some(3));
    assert_eq!(current(&site, mirror), set(&FILES));
    state.store(FAILS, Ordering::Relaxed);
    let before = web.asked().len();
    let output = site.run("heliostat-scan", &["--all"]);
    let asked = web.asked().split_off(before);
    assert!(
        !asked.contains(&"/pub/other/".to_owned()),
        "it continues: {asked:?}"
    );
    let run = last_run(&site, mirror);
    assert_eq!(run.outcome.as_str(), "partial", "{run:?} {output:?}");
    assert_eq!(current(&site, mirror), set(&FILES));
}

#[test]
fn what_a_stopped_scan_left_is_looked_at_after_hours_not_a_day() {
    let hanging = Hanging::start();
    assert_eq!(hanging.end_a_scan(Signal::TERM), Some(3));
    let seen = set(&["a", "b", "other/e", "other/f"]);
    assert_eq!(current(&hanging.site, hanging.mirror), seen);
    hanging.comes_back();
}

#[test]
fn a_killed_scan_is_made_again_but_not_each_minute() {
    let hanging = Hanging::start();
    assert_eq!(hanging.end_a_scan(Signal::KILL), None);
    assert_eq!(current(&hanging.site, hanging.mirror), set(&[]));
    hanging.comes_back();
}
