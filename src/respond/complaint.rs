//! Logs problems with the tree once per minute, however many requests meet them, and remembers them
//! for the responder's status.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::time::Timestamp;
use crate::tree::TreeProblem;

/// Shortest time between two log lines about a site.
const PAUSE: Duration = Duration::from_secs(60);

/// Time for which the status shows a problem after the last request that met it. Without further
/// requests it is unknown whether the problem still exists.
const REMEMBERED_S: i64 = 3600;

/// The problems of all sites, by name; shared by the workers.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    sites: Mutex<HashMap<String, ComplaintTime>>,
}

#[derive(Debug)]
struct ComplaintTime {
    told_at: Instant,
    /// Number of requests with a problem since that line.
    untold: u64,
    last_at: Timestamp,
    problem: TreeProblem,
}

impl Complaints {
    /// Records a problem, and logs it unless the site's last line is younger than a minute.
    pub fn hear(&self, site: &str, problem: &TreeProblem, now: Timestamp) {
        let Some(untold) = self.count(site, problem, now) else {
            return;
        };
        let more = match untold {
            0 => String::new(),
            untold => format!(" ({untold} more requests in the last minute)"),
        };
        log::error!(
            "served by the web server, site={site}: {}{more}",
            problem.text()
        );
    }

    /// The last problem, if it is recent.
    pub fn recent(&self, site: &str, now: Timestamp) -> Option<(Timestamp, TreeProblem)> {
        let sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = sites.get(site)?;
        let is_recent = now.0 - heard.last_at.0 <= REMEMBERED_S;
        is_recent.then(|| (heard.last_at, heard.problem.clone()))
    }

    /// Number of requests without a log line so far; `None` if it is too early for a line.
    fn count(&self, site: &str, problem: &TreeProblem, now: Timestamp) -> Option<u64> {
        let told_at = Instant::now();
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(heard) = sites.get_mut(site) else {
            let heard = ComplaintTime {
                told_at,
                untold: 0,
                last_at: now,
                problem: problem.clone(),
            };
            sites.insert(site.to_owned(), heard);
            return Some(0);
        };
        heard.last_at = now;
        heard.problem = problem.clone();
        if told_at - heard.told_at < PAUSE {
            heard.untold += 1;
            return None;
        }
        heard.told_at = told_at;
        Some(std::mem::take(&mut heard.untold))
    }
}
