//! A further front end: a responder of its own, to which copies of the first one's database come.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::fcgi_client::Request;
use super::probe_site::{FILES, add, site};
use super::responder::Responder;
use super::scan_site::OLD;
use super::site::{TestSite, eventually};

/// Connections that ask all the time.
const CONNECTIONS: usize = 16;

/// Counts of one trial.
pub struct Fed {
    /// Answers that were as they must be.
    pub good: u64,
    /// Status and file of answers that were not.
    pub bad: Vec<(u16, String)>,
    /// Copies that were brought.
    pub copies: u64,
}

/// Ends the askers when it is dropped.
struct EndOfAskers<'f>(&'f AtomicBool);

impl Drop for EndOfAskers<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The first front end, and another one with the same files.
fn front_ends() -> (TestSite, TestSite) {
    let first = site("");
    first.run_ok("heliostat-index", &["-q"]);
    add(&first, "m", "http://127.0.0.1:1/pub/", |_| {});
    let second = TestSite::with_config("[site.test.rules]\nmin_size = 0\n");
    for file in FILES {
        second.write(file, format!("this is {file}").as_bytes(), OLD);
    }
    (first, second)
}

fn bring(first: &TestSite, second: &TestSite) {
    let database = second.database();
    let database = database.to_str().expect("UTF-8");
    first.run_ok("heliostat", &["backup", database]);
}

/// Brings a copy after each `interval`, with a change each, while 16 connections ask.
pub fn feed(duration: Duration, interval: Duration) -> Fed {
    let (first, second) = front_ends();
    bring(&first, &second);
    let responder = Responder::start(&second);
    let status = |path: &str| responder.connect().send(&Request::get(path)).status;
    eventually("it redirects", || status("/z.zip") == 302);
    let (is_over, good) = (AtomicBool::new(false), AtomicU64::new(0));
    let ask = |number: usize| {
        let mut client = responder.connect();
        let mut bad = Vec::new();
        // One of them asks for what is read from the database for each answer.
        let (path, expected) = match number {
            0 => ("/z.zip.sha256", 200),
            _ => (["/z.zip", "/d/c.tar.gz"][number % 2], 302),
        };
        while !is_over.load(Ordering::Relaxed) {
            let status = client.send(&Request::get(path)).status;
            if status == expected {
                good.fetch_add(1, Ordering::Relaxed);
            } else {
                bad.push((status, path.to_owned()));
            }
        }
        bad
    };
    let (mut copies, mut bad) = (0, Vec::new());
    std::thread::scope(|scope| {
        let ask = &ask;
        let askers: Vec<_> = (0..CONNECTIONS)
            .map(|number| scope.spawn(move || ask(number)))
            .collect();
        // They end with this, also if a command fails.
        let askers_end = EndOfAskers(&is_over);
        let start = Instant::now();
        while start.elapsed() < duration {
            copies += 1;
            first.run_ok("heliostat", &["score", "m", &copies.to_string()]);
            bring(&first, &second);
            // The pace of the copies is what is tested.
            std::thread::sleep(interval);
        }
        drop(askers_end);
        bad = askers
            .into_iter()
            .flat_map(|asker| asker.join().expect("it asked"))
            .collect();
    });
    Fed {
        good: good.into_inner(),
        bad,
        copies,
    }
}
