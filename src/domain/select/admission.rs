//! Decides which files may be redirected to a pull-through cache now, and recognises requests that
//! a cache itself makes.
//!
//! A cache has every file, but not every version: it may deliver the bytes, or the 404, that it
//! kept under a name. So a new version must wait until the cache has dropped older ones, unless the
//! URL names the version.

use std::net::IpAddr;

use super::reason::Reason;
use crate::domain::cache::{CacheRules, VersionKey};
use crate::domain::mirror::Mirror;
use crate::domain::time::Timestamp;

/// A file for which a cache is considered.
#[derive(Debug, Clone, Copy)]
pub struct CacheFile<'f> {
    /// Canonical path.
    pub path: &'f [u8],
    /// Whether its content changes under the same path.
    pub is_mutable: bool,
    /// Whether the catalogue knows its version.
    pub is_version_known: bool,
    /// Time when this version was first seen; `None`: long ago.
    pub seen_at: Option<Timestamp>,
    /// Whether the URL is signed; then the query has no room for a version.
    pub is_signed: bool,
    /// Time of the request.
    pub now: Timestamp,
}

/// Decides whether a cache may get a file of that size now.
///
/// # Errors
/// Returns the [`Reason`] if it may not.
pub fn admit(cache: &Mirror, file: &CacheFile<'_>, size: u64) -> Result<(), Reason> {
    let rules = &cache.cache;
    if cache.file_maxsize > 0 && size > cache.file_maxsize {
        return Err(Reason::CacheSize);
    }
    if !rules.has_path(file.path) {
        return Err(Reason::CachePath);
    }
    if file.is_mutable {
        return Err(Reason::Mutable);
    }
    if file.is_version_known && is_settled(rules, file) {
        Ok(())
    } else {
        Err(Reason::CacheUnsettled)
    }
}

fn is_settled(rules: &CacheRules, file: &CacheFile<'_>) -> bool {
    let names_version = match rules.version_key {
        VersionKey::None => false,
        VersionKey::Query => !file.is_signed,
        VersionKey::Path => true,
    };
    let is_old = |seen_at: Timestamp| file.now.0 >= seen_at.0.saturating_add(rules.ttl_s);
    names_version || file.seen_at.is_none_or(is_old)
}

/// The properties of a request by which a cache is recognised.
#[derive(Debug, Clone, Copy, Default)]
pub struct FillSigns<'r> {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// `CDN-Loop` (RFC 8586); empty if the request has none.
    pub cdn_loop: &'r [u8],
    /// `Via` (RFC 9110 §7.6.3).
    pub via: &'r [u8],
}

/// Whether one of the caches makes the request. It must get the file itself: a redirect would lead
/// it to itself, or to a mirror to which clients could have been sent.
pub fn is_fill<'m>(mut caches: impl Iterator<Item = &'m Mirror>, signs: &FillSigns<'_>) -> bool {
    let is_of = |cache: &Mirror| {
        let networks = &cache.cache.fill_networks;
        !signs.cdn_loop.is_empty()
            || signs
                .ip
                .is_some_and(|ip| networks.iter().any(|network| network.contains(&ip)))
            || names(signs.via, cache)
    };
    caches.any(is_of)
}

/// Whether a `Via` field names the cache by its identifier or its host.
fn names(via: &[u8], cache: &Mirror) -> bool {
    let host = cache.base_url.as_ref().map_or("", |url| url.host());
    via.split(|&byte| byte == b',').any(|hop| {
        // `1.1 NAME[:PORT] (comment)`.
        let mut words = hop.split(u8::is_ascii_whitespace);
        let by = words.by_ref().filter(|word| !word.is_empty()).nth(1);
        let by = by.unwrap_or_default();
        let name = by.split(|&byte| byte == b':').next().unwrap_or_default();
        let is = |known: &str| {
            !known.is_empty()
                && [by, name]
                    .iter()
                    .any(|said| said.eq_ignore_ascii_case(known.as_bytes()))
        };
        is(&cache.identifier) || is(host)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cache::PathPattern;
    use crate::domain::mirror::MirrorKind;
    use crate::domain::url::BaseUrl;

    fn cache(change: impl FnOnce(&mut Mirror)) -> Mirror {
        let mut mirror = Mirror::new("c1");
        mirror.kind = MirrorKind::Cache;
        mirror.base_url = BaseUrl::parse("http://cache.example.org/").ok();
        change(&mut mirror);
        mirror
    }

    fn patterns(texts: &[&str]) -> Vec<PathPattern> {
        let read = texts.iter().map(|text| PathPattern::new(text));
        read.collect::<Result<_, _>>().expect("patterns")
    }

    const T: i64 = 1_700_000_000;

    fn file(path: &[u8], now: i64) -> CacheFile<'_> {
        CacheFile {
            path,
            is_mutable: false,
            is_version_known: true,
            seen_at: Some(Timestamp(T)),
            is_signed: false,
            now: Timestamp(now),
        }
    }

    #[test]
    fn a_version_waits_for_the_freshness_of_what_the_cache_may_have() {
        let plain = cache(|c| c.cache.ttl_s = 3600);
        let by_query = cache(|c| c.cache.version_key = VersionKey::Query);
        let by_path = cache(|c| c.cache.version_key = VersionKey::Path);
        let at = |now| file(b"a.iso", now);
        let unsettled = Err(Reason::CacheUnsettled);
        assert_eq!(admit(&plain, &at(T + 3599), 1), unsettled);
        assert_eq!(admit(&plain, &at(T + 3600), 1), Ok(()));
        assert_eq!(admit(&plain, &at(T - 86_400), 1), unsettled, "a clock");
        assert_eq!(admit(&by_query, &at(T), 1), Ok(()));
        assert_eq!(admit(&by_path, &at(T), 1), Ok(()));
        let signed = CacheFile {
            is_signed: true,
            ..at(T)
        };
        assert_eq!(admit(&by_query, &signed, 1), unsettled);
        let unknown = CacheFile {
            is_version_known: false,
            ..at(T + 100_000)
        };
        assert_eq!(admit(&by_query, &unknown, 1), unsettled);
        let old = CacheFile {
            seen_at: None,
            ..at(T)
        };
        assert_eq!(admit(&plain, &old, 1), Ok(()));
    }

    #[test]
    fn size_path_and_mutable_names_exclude() {
        let limited = cache(|c| {
            c.file_maxsize = 1000;
            c.cache.paths = patterns(&["pool/", "/dists/*/main"]);
            c.cache.exclude = patterns(&["pool/private"]);
        });
        for (path, size, expected) in [
            (&b"pool/a.deb"[..], 1000, Ok(())),
            (b"pool/a.deb", 1001, Err(Reason::CacheSize)),
            (b"pool", 1, Ok(())),
            (b"pool2/a.deb", 1, Err(Reason::CachePath)),
            (b"dists/sid/main/x/y", 1, Ok(())),
            (b"dists/sid/other/main", 1, Err(Reason::CachePath)),
            (b"pool/private/a", 1, Err(Reason::CachePath)),
            (b"pool/privateer", 1, Ok(())),
        ] {
            let found = admit(&limited, &file(path, T + 100_000), size);
            assert_eq!(found, expected, "{}", path.escape_ascii());
        }
        let mutable = CacheFile {
            is_mutable: true,
            ..file(b"pool/latest.iso", T + 100_000)
        };
        let by_query = cache(|c| c.cache.version_key = VersionKey::Query);
        assert_eq!(admit(&by_query, &mutable, 1), Err(Reason::Mutable));
    }

    #[test]
    fn a_cache_is_known_by_its_address_or_what_it_says() {
        let known = cache(|c| {
            c.cache.fill_networks = vec!["192.0.2.0/28".parse().expect("a prefix")];
        });
        let from = |ip: &str, cdn_loop: &'static [u8], via: &'static [u8]| {
            let signs = FillSigns {
                ip: ip.parse().ok(),
                cdn_loop,
                via,
            };
            is_fill(std::iter::once(&known), &signs)
        };
        assert!(from("192.0.2.15", b"", b""));
        assert!(!from("192.0.2.16", b"", b""));
        assert!(from("203.0.113.1", b"x", b""));
        assert!(from("203.0.113.1", b"", b"1.0 squid, 1.1 C1 (nginx)"));
        assert!(from("203.0.113.1", b"", b"1.1 cache.example.org:8080"));
        assert!(!from("203.0.113.1", b"", b"1.1 squid (c1)"));
        let nobody = FillSigns {
            cdn_loop: b"x",
            ..FillSigns::default()
        };
        assert!(!is_fill(std::iter::empty(), &nobody), "no cache, no fill");
    }
}
