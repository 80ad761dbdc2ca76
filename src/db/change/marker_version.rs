//! Stores earlier versions of markers, which still count for a while.

use rusqlite::{Row, params};

use crate::db::error::{DbError, Doing};
use crate::db::hash;
use crate::db::open::{Queryable, Transaction};
use crate::domain::file::{CatalogueFile, FileId, FileVersion};
use crate::domain::generation::{EarlierVersion, EarlierVersions};
use crate::domain::hash::Digests;
use crate::domain::time::Timestamp;

/// Versions of one file that are remembered: one per hour for more than a day, or one per three
/// hours for four. A metalink names them all.
const VERSIONS_MAX: i64 = 32;

/// Number of changes so far.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn generation(database: &impl Queryable) -> Result<i64, DbError> {
    let sql = "SELECT value FROM meta WHERE key = 'marker_generation'";
    let row = database.sqlite().query_row(sql, [], |row| row.get(0));
    row.doing("reading the generation of earlier versions")
}

/// All earlier versions by path.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn all(database: &impl Queryable) -> Result<EarlierVersions, DbError> {
    let doing = "reading earlier versions";
    let sql = "SELECT path, id, size, mtime, md5, sha1, sha256, sha512, replaced_at \
               FROM marker_version ORDER BY path, id DESC";
    let mut statement = database.sqlite().prepare_cached(sql).doing(doing)?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, earlier(row)?)));
    let mut found = EarlierVersions::new();
    for row in rows.doing(doing)? {
        let (path, version) = row.doing(doing)?;
        found.entry(path).or_default().push(version);
    }
    Ok(found)
}

fn earlier(row: &Row<'_>) -> Result<EarlierVersion, rusqlite::Error> {
    Ok(EarlierVersion {
        id: FileId(row.get(1)?),
        version: FileVersion {
            size: row.get::<_, i64>(2)?.max(0) as u64,
            mtime: row.get(3)?,
        },
        digests: Digests {
            md5: row.get(4)?,
            sha1: row.get(5)?,
            sha256: row.get(6)?,
            sha512: row.get(7)?,
            ..Digests::default()
        },
        replaced_at: Timestamp(row.get(8)?),
    })
}

/// Remembers a version that is being replaced, with the hashes that it has.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn remember(
    transaction: &Transaction<'_>,
    path: &[u8],
    replaced: CatalogueFile,
    at: Timestamp,
) -> Result<(), DbError> {
    let doing = "remembering an earlier version";
    // An entry without a version accepts any copy, so that nothing is known of it.
    let Some(version) = replaced.version else {
        return Ok(());
    };
    let digests = hash::find(transaction, replaced.id, version)?.unwrap_or_default();
    let sqlite = transaction.inner;
    let sql = "INSERT OR REPLACE INTO marker_version \
               (path, id, size, mtime, md5, sha1, sha256, sha512, replaced_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    sqlite
        .execute(
            sql,
            params![
                path,
                replaced.id.0,
                version.size as i64,
                version.mtime,
                digests.md5,
                digests.sha1,
                digests.sha256,
                digests.sha512,
                at.0
            ],
        )
        .doing(doing)?;
    let sql = "DELETE FROM marker_version WHERE path = ?1 AND id <= \
               (SELECT id FROM marker_version WHERE path = ?1 \
                ORDER BY id DESC LIMIT 1 OFFSET ?2)";
    sqlite
        .execute(sql, params![path, VERSIONS_MAX])
        .doing(doing)?;
    count_change(transaction)
}

/// Forgets all earlier versions of a file; returns how many there were.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn forget(transaction: &Transaction<'_>, path: &[u8]) -> Result<usize, DbError> {
    let sql = "DELETE FROM marker_version WHERE path = ?1";
    let forgotten = transaction.inner.execute(sql, [path]);
    let forgotten = forgotten.doing("forgetting earlier versions")?;
    if forgotten > 0 {
        count_change(transaction)?;
    }
    Ok(forgotten)
}

fn count_change(transaction: &Transaction<'_>) -> Result<(), DbError> {
    let sql = "UPDATE meta SET value = value + 1 WHERE key = 'marker_generation'";
    let counted = transaction.inner.execute(sql, []);
    counted.doing("counting a change of earlier versions")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::hash::HashRecord;
    use crate::db::open_writer;

    #[test]
    fn the_newest_versions_come_back_with_their_hashes_until_they_are_forgotten() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let version = FileVersion { size: 5, mtime: 7 };
        let many = VERSIONS_MAX as u32 + 3;
        let stored = writer.transaction(|transaction| {
            let digests = Digests {
                sha256: Some(vec![1; 32]),
                ..Digests::default()
            };
            let record = HashRecord {
                digests,
                ..HashRecord::default()
            };
            hash::store(transaction, FileId(many), version, &record)?;
            for id in 1..=many {
                let file = CatalogueFile {
                    id: FileId(id),
                    version: Some(version),
                };
                remember(transaction, b"a/repomd.xml", file, Timestamp(9))?;
            }
            let unknown = CatalogueFile {
                id: FileId(99),
                version: None,
            };
            remember(transaction, b"b", unknown, Timestamp(9))
        });
        stored.expect("stored");
        let found = all(&writer).expect("read");
        assert_eq!(found.len(), 1);
        let versions = &found[&b"a/repomd.xml"[..]];
        let ids: Vec<u32> = versions.iter().map(|version| version.id.0).collect();
        assert_eq!(ids, (4..=many).rev().collect::<Vec<_>>());
        assert_eq!(versions[0].digests.sha256, Some(vec![1; 32]));
        assert!(versions[0].has_digest() && !versions[1].has_digest());
        let before = generation(&writer).expect("read");
        let forgotten = writer.transaction(|transaction| forget(transaction, b"a/repomd.xml"));
        assert_eq!(forgotten.expect("forgotten"), VERSIONS_MAX as usize);
        assert!(all(&writer).expect("read").is_empty());
        assert_eq!(generation(&writer).expect("read"), before + 1);
    }
}
