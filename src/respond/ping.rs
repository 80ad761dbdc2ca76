//! Answers `/.heliostat/ping/IDENTIFIER`, by which a mirror reports that it has synced.
//!
//! A ping becomes a file in a folder, because the responder never writes to the database. The file
//! holds only the mirror's name; a second ping before the next scan changes nothing.
//!
//! # Security
//! Anybody can send pings. Only as many per mirror and day count as a mirror needs to report its
//! syncs. The answer is the same whether the mirror exists or not, so that nobody learns the names
//! of mirrors, in particular of private ones.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::PingConfig;
use crate::decide::SiteState;
use crate::domain::time::Timestamp;
use crate::http::{Method, Request, Response};
use crate::program::clock::now;

/// The part of the URL path after the configured prefix.
const BELOW: &[u8] = b"/ping/";

/// Longest name of a file on common file systems; no identifier is longer.
const NAME_BYTES_MAX: usize = 255;

const TAKEN: &str = "204 No Content";
const UNAVAILABLE: &str = "503 Service Unavailable";

/// Mode of ping files: the scanner runs as the same user.
const MODE: u32 = 0o644;

/// Largest number of pings per mirror within [`PERIOD_S`] that lead to a scan: mirrors sync at most
/// each hour, some in two steps.
const PINGS_PER_DAY: u32 = 48;

/// Seconds of a day.
const PERIOD_S: i64 = 86_400;

/// Seconds between two log lines about pings for unknown mirrors.
const LOG_EVERY_S: i64 = 60;

/// Pings that counted, by site and mirror; there are no more entries than mirrors.
#[derive(Debug, Clone, Default)]
pub(super) struct Pings(Arc<Mutex<PingCounts>>);

#[derive(Debug, Default)]
struct PingCounts {
    by_mirror: HashMap<(String, String), Count>,
    logged_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    since: Timestamp,
    pings: u32,
}

impl Pings {
    /// Counts one more ping of a mirror; returns whether it may lead to a scan.
    fn spend(&self, site: &str, mirror: &str, now: Timestamp) -> bool {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (site.to_owned(), mirror.to_owned());
        let fresh = Count {
            since: now,
            pings: 0,
        };
        let count = spent.by_mirror.entry(key).or_insert(fresh);
        // A clock that was set back also begins a new period.
        if !(0..PERIOD_S).contains(&(now.0 - count.since.0)) {
            *count = fresh;
        }
        count.pings = count.pings.saturating_add(1);
        if count.pings == PINGS_PER_DAY + 1 {
            log::warn!(
                "more pings than {PINGS_PER_DAY} a day, the rest of them change nothing: \
                 site={site} mirror={mirror}"
            );
        }
        count.pings <= PINGS_PER_DAY
    }

    /// Logs that there is no mirror of that name, because the answer must not tell.
    fn nobody(&self, site: &str, name: &str, now: Timestamp) {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = |then: Timestamp| !(0..LOG_EVERY_S).contains(&(now.0 - then.0));
        if spent.logged_at.is_none_or(is_due) {
            spent.logged_at = Some(now);
            log::info!("a ping of no mirror, its name may be misspelt: site={site} name={name}");
        }
    }
}

/// Answers a ping; returns false if the request is not a ping, and then writes nothing.
pub(super) fn answer(
    out: &mut Vec<u8>,
    (site, config): (&SiteState, &PingConfig),
    request: &Request<'_>,
    pings: &Pings,
) -> bool {
    // Any web page can make its readers' browsers send a GET.
    if request.method != Method::Post {
        return false;
    }
    let path = request.url_path();
    let Some(name) = name_in(&path, config) else {
        return false;
    };
    let status = note((site, config), name, pings);
    Response::new(out, status)
        .field("Cache-Control", b"no-store")
        .end();
    true
}

/// Makes the file of a ping; returns the status of the answer, which does not depend on the name.
fn note((site, config): (&SiteState, &PingConfig), name: &str, pings: &Pings) -> &'static str {
    let site_name = &site.config.name;
    let complain = |error: &dyn std::fmt::Display| {
        let folder = config.folder.display();
        log::warn!("a ping is not noted: site={site_name} folder={folder} error=\"{error}\"");
    };
    let Some(snapshot) = &site.snapshot else {
        return UNAVAILABLE;
    };
    let needed = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    if let Err(error) = rustix::fs::access(&config.folder, needed) {
        complain(&std::io::Error::from(error));
        return UNAVAILABLE;
    }
    let mut mirrors = snapshot.roster.mirrors().iter();
    if !mirrors.any(|mirror| mirror.identifier == name) {
        pings.nobody(site_name, name, now());
        return TAKEN;
    }
    let file = config.folder.join(name);
    let is_noted = std::fs::symlink_metadata(&file).is_ok();
    if is_noted || !pings.spend(site_name, name, now()) {
        return TAKEN;
    }
    // Never through a link, and never into an existing file.
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(file);
    if let Err(error) = made
        && error.kind() != ErrorKind::AlreadyExists
    {
        complain(&error);
    }
    TAKEN
}

/// The name in the URL, if it can be that of a mirror and of a file in the folder.
fn name_in<'p>(path: &'p [u8], config: &PingConfig) -> Option<&'p str> {
    let name = path.strip_prefix(&config.prefix[..])?.strip_prefix(BELOW)?;
    let is_name = !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name[0] != b'.'
        && name
            .iter()
            .all(|&byte| byte.is_ascii_graphic() && byte != b'/');
    is_name.then(|| std::str::from_utf8(name).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_has_so_many_pings_a_day() {
        let pings = Pings::default();
        let at = |second: i64| Timestamp(1_700_000_000 + second);
        for _ in 0..PINGS_PER_DAY {
            assert!(pings.spend("site", "m", at(0)));
        }
        assert!(!pings.spend("site", "m", at(PERIOD_S - 1)));
        assert!(pings.spend("site", "n", at(0)), "each has its own");
        assert!(pings.spend("other", "m", at(0)));
        assert!(pings.spend("site", "m", at(PERIOD_S)), "the next day");
        assert!(pings.spend("site", "n", at(-5)), "the clock was set back");
    }

    #[test]
    fn names_are_those_of_mirrors_alone() {
        let config = PingConfig {
            folder: "/ping".into(),
            prefix: b"/pub/.heliostat".to_vec(),
        };
        for (path, expected) in [
            ("/pub/.heliostat/ping/m.example.org", Some("m.example.org")),
            ("/pub/.heliostat/ping/", None),
            ("/pub/.heliostat/ping/..", None),
            ("/pub/.heliostat/ping/.m", None),
            ("/pub/.heliostat/ping/a/b", None),
            ("/pub/.heliostat/ping/a b", None),
            ("/pub/.heliostat/ping/\u{fc}", None),
            ("/pub/.heliostat/down", None),
            ("/.heliostat/ping/m", None),
        ] {
            assert_eq!(name_in(path.as_bytes(), &config), expected, "{path}");
        }
    }
}
