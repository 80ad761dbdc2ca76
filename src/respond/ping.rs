//! `/.heliostat/ping/IDENTIFIER`: a mirror says that it has synced.
//!
//! A ping is a file in a folder, made because the database is only read here. It says nothing but
//! the name, and a second one before the next scan changes nothing, so that whoever makes them up
//! gains no more than a scan.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;

use crate::config::PingConfig;
use crate::decide::SiteState;
use crate::http::{Method, Request, Response};

/// What follows the prefix of the configuration.
const BELOW: &[u8] = b"/ping/";

/// Longest name of a file on common file systems; no identifier is longer.
const NAME_BYTES_MAX: usize = 255;

const UNAVAILABLE: &str = "503 Service Unavailable";

/// The scanner, which is of the same user, needs no more.
const MODE: u32 = 0o644;

/// Answers a ping of a mirror; returns false when the request is none, so that it is answered as
/// if there were no pings.
pub(super) fn answer(
    out: &mut Vec<u8>,
    site: &SiteState,
    config: &PingConfig,
    request: &Request<'_>,
) -> bool {
    // A GET is what anybody's page can make anybody's browser do.
    if request.method != Method::Post {
        return false;
    }
    let path = request.url_path();
    let Some(name) = name_in(&path, config) else {
        return false;
    };
    let status = note(site, config, name);
    Response::new(out, status)
        .field("Cache-Control", b"no-store")
        .end();
    true
}

/// Makes the file of a ping; returns the status of the answer.
fn note(site: &SiteState, config: &PingConfig, name: &str) -> &'static str {
    let Some(snapshot) = &site.snapshot else {
        return UNAVAILABLE;
    };
    let mut mirrors = snapshot.roster.mirrors().iter();
    if !mirrors.any(|mirror| mirror.identifier == name) {
        return "404 Not Found";
    }
    // Never through a link, and never into a file that is there.
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(config.folder.join(name));
    match made {
        Ok(_) => "204 No Content",
        Err(error) if error.kind() == ErrorKind::AlreadyExists => "204 No Content",
        Err(error) => {
            log::warn!(
                "a ping is not noted: site={} folder={} error=\"{error}\"",
                site.config.name,
                config.folder.display()
            );
            UNAVAILABLE
        }
    }
}

/// A name that can be that of a mirror and of a file in the folder.
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
