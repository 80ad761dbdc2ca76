//! `heliostat-scan --due` that is stopped or killed: when the rest is looked at.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use heliostat::domain::mirror::MirrorId;
use rustix::process::{Pid, Signal, kill_process};

use super::due_site::{HOUR, due, pass};
use crate::stand_in::http_site::{FILES, add, healthy, site_and_tree};
use crate::stand_in::odd_web::{OddWeb, Reply};
use crate::stand_in::scan_site::{current, set};
use crate::stand_in::site::TestSite;

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
        let mut scan = self.site.command("heliostat-scan");
        scan.args(["--due", "-qq"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = scan.spawn().expect("it starts");
        self.web.wait_for("/pub/dir/");
        let pid = Pid::from_raw(child.id() as i32).expect("a process id");
        kill_process(pid, signal).expect("it runs");
        child.wait().expect("it is ours").code()
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
