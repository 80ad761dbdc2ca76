//! Stores the fields that only pull-through caches have.

use std::collections::BTreeMap;

use rusqlite::params;

use super::error::{DbError, Doing};
use super::open::{Queryable, Transaction};
use crate::domain::cache::{CacheRules, PathPattern, TTL_DEFAULT_S, VersionKey};
use crate::domain::mirror::{MirrorId, parse_prefix};

/// As stored, text as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct CacheRecord {
    /// Seconds that it keeps anything without asking.
    pub ttl_s: i64,
    /// How its URLs name versions.
    pub version_key: VersionKey,
    /// Prefixes that its own requests come from, separated by spaces.
    pub fill_networks: String,
    /// The paths that it gets, separated by spaces; empty: all.
    pub paths: String,
    /// Paths that it does not get.
    pub exclude: String,
}

impl Default for CacheRecord {
    fn default() -> CacheRecord {
        CacheRecord {
            ttl_s: TTL_DEFAULT_S,
            version_key: VersionKey::None,
            fill_networks: String::new(),
            paths: String::new(),
            exclude: String::new(),
        }
    }
}

impl CacheRecord {
    /// The checked value; adds a line to `problems` for each part that cannot be used.
    pub fn rules(&self, problems: &mut Vec<String>) -> CacheRules {
        let mut patterns = |texts: &str| -> Vec<PathPattern> {
            let read = texts.split_ascii_whitespace().map(PathPattern::new);
            let read = read.map(|read| read.map_err(|error| problems.push(error.to_string())));
            read.filter_map(Result::ok).collect()
        };
        let (paths, exclude) = (patterns(&self.paths), patterns(&self.exclude));
        let mut network = |text: &str| {
            let parsed = parse_prefix(text);
            if parsed.is_none() {
                problems.push(format!("fill network '{text}' is no address prefix"));
            }
            parsed
        };
        let networks = self.fill_networks.split_ascii_whitespace();
        CacheRules {
            ttl_s: self.ttl_s.max(0),
            version_key: self.version_key,
            fill_networks: networks.filter_map(&mut network).collect(),
            paths,
            exclude,
        }
    }
}

/// Reads the record of one mirror, or of all, by mirror.
///
/// # Errors
/// Returns [`DbError::Sql`] if it cannot be read.
pub fn load(
    database: &impl Queryable,
    only: Option<MirrorId>,
) -> Result<BTreeMap<MirrorId, CacheRecord>, DbError> {
    let doing = "reading what is particular to caches";
    let sql = "SELECT mirror_id, ttl_s, version_key, fill_networks, paths, exclude \
               FROM mirror_cache WHERE ?1 IS NULL OR mirror_id = ?1";
    let mut statement = database.sqlite().prepare_cached(sql).doing(doing)?;
    let rows = statement
        .query_map([only.map(|id| id.0)], |row| {
            let key: String = row.get(2)?;
            let record = CacheRecord {
                ttl_s: row.get(1)?,
                version_key: VersionKey::from_word(&key).unwrap_or_default(),
                fill_networks: row.get(3)?,
                paths: row.get(4)?,
                exclude: row.get(5)?,
            };
            Ok((MirrorId(row.get(0)?), record))
        })
        .doing(doing)?;
    rows.collect::<Result<_, _>>().doing(doing)
}

/// Stores what is particular to a mirror; one that is as any new cache has no row.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub(super) fn store(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    record: &CacheRecord,
) -> Result<(), DbError> {
    let doing = "changing what is particular to a cache";
    let sqlite = transaction.inner;
    sqlite
        .execute("DELETE FROM mirror_cache WHERE mirror_id = ?1", [mirror.0])
        .doing(doing)?;
    if *record == CacheRecord::default() {
        return Ok(());
    }
    sqlite
        .execute(
            "INSERT INTO mirror_cache (mirror_id, ttl_s, version_key, fill_networks, paths, \
             exclude) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                mirror.0,
                record.ttl_s,
                record.version_key.as_str(),
                record.fill_networks,
                record.paths,
                record.exclude,
            ],
        )
        .doing(doing)?;
    Ok(())
}
