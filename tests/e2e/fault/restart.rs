//! A restart of the responder costs nobody a request.

use std::sync::atomic::Ordering;

use crate::stage::site::eventually;
use crate::stage::{ApacheOptions, Manager, Stage, load};

/// Requests, and clients that send them over kept connections.
const REQUESTS: u64 = 50_000;
const CLIENTS: usize = 16;
/// Restarts among them.
const RESTARTS: u64 = 8;

#[test]
fn restarts_under_load_fail_no_request() {
    let mut stage = Stage::alone("");
    stage.file("a.iso", 5_000);
    stage.mirror("germany", ["de", "eu"]);
    stage.learn();
    let mut manager = Manager::start(&stage.site);
    stage.start_apache(&ApacheOptions::default());
    stage.until_redirected("/a.iso");
    let mut kept = 0;
    let port = stage.apache().port;
    let tally = load(port, "/a.iso", (CLIENTS, REQUESTS), |sent| {
        for restart in 1..=RESTARTS {
            let part = restart * REQUESTS / (RESTARTS + 1);
            eventually("a part is sent", || sent.load(Ordering::Relaxed) >= part);
            manager.restart(&stage.site);
            kept += manager.kept_last();
        }
    });
    println!("{tally:?} connections kept over {RESTARTS} restarts: {kept}");
    assert!(tally.total() >= REQUESTS, "{tally:?}");
    let redirected = tally.statuses.get(&302).copied().unwrap_or(0);
    assert_eq!(
        redirected,
        tally.total(),
        "each of them by the responder, none by Apache: {tally:?}"
    );
    assert!(kept > 0, "connections were handed over");
}
