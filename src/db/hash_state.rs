//! Tells which files of the catalogue have which hashes, for the indexer's plan.

use std::ops::ControlFlow;

use rusqlite::{Row, params};

use super::error::{DbError, Doing};
use super::open::Queryable;
use crate::domain::file::{FileId, FileVersion};
use crate::domain::hash::HashKinds;

/// A file of the catalogue, and what its hash row has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashState {
    /// Its number.
    pub id: FileId,
    /// Size and time.
    pub version: FileVersion,
    /// The kinds of hashes that are stored for exactly this version; pieces are there when an info
    /// hash is.
    pub known: HashKinds,
    /// Whether there is a row at all.
    pub has_row: bool,
    /// Bytes a piece; 0: no pieces.
    pub piece_size: u64,
    /// Whether there is a v1 info hash.
    pub has_btih: bool,
    /// The version of the signature's file from which the stored text was read.
    pub pgp_version: Option<FileVersion>,
}

/// Rows of another version than the catalogue's are as if they were not there.
const STATES: &str = "\
    SELECT f.path, f.id, f.size, f.mtime, h.file_id IS NOT NULL, \
    h.md5 IS NOT NULL, h.sha1 IS NOT NULL, h.sha256 IS NOT NULL, h.sha512 IS NOT NULL, \
    h.btih IS NOT NULL, h.btmh IS NOT NULL, h.zsync_hash_lengths IS NOT NULL, \
    coalesce(h.piece_size, 0), h.pgp_size, h.pgp_mtime \
    FROM file f LEFT JOIN hash h \
    ON h.file_id = f.id AND h.size = f.size AND h.mtime = f.mtime \
    WHERE f.path > ?1 AND (?2 IS NULL OR f.path < ?2) AND f.size IS NOT NULL AND f.mtime NOT NULL \
    ORDER BY f.path";

fn state(row: &Row<'_>) -> Result<HashState, rusqlite::Error> {
    let pgp: (Option<i64>, Option<i64>) = (row.get(13)?, row.get(14)?);
    let version = |size: i64, mtime| FileVersion {
        size: size.max(0) as u64,
        mtime,
    };
    Ok(HashState {
        id: FileId(row.get(1)?),
        version: version(row.get(2)?, row.get(3)?),
        known: HashKinds {
            md5: row.get(5)?,
            sha1: row.get(6)?,
            sha256: row.get(7)?,
            sha512: row.get(8)?,
            pieces: row.get::<_, i64>(12)? > 0,
            hybrid: row.get(10)?,
            zsync: row.get(11)?,
        },
        has_row: row.get(4)?,
        piece_size: row.get::<_, i64>(12)?.max(0) as u64,
        has_btih: row.get(9)?,
        pgp_version: pgp.0.zip(pgp.1).map(|(size, mtime)| version(size, mtime)),
    })
}

/// Gives each file that has a version, in the order of paths, from behind `after` to the end of
/// the directory `below` ("" is the tree), until `give` breaks.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn for_each(
    database: &impl Queryable,
    (after, below): (&[u8], &[u8]),
    mut give: impl FnMut(&[u8], HashState) -> ControlFlow<()>,
) -> Result<(), DbError> {
    // '0' is the byte after '/', so that the range is the subtree exactly.
    let begin = (!below.is_empty()).then(|| [below, b"/"].concat());
    let end = (!below.is_empty()).then(|| [below, b"0"].concat());
    let after = begin.as_deref().map_or(after, |begin| begin.max(after));
    let mut statement = database
        .sqlite()
        .prepare_cached(STATES)
        .doing("preparing to look for files without hashes")?;
    let mut rows = statement
        .query(params![after, end])
        .doing("looking for files without hashes")?;
    while let Some(row) = rows.next().doing("looking for files without hashes")? {
        let found = state(row).doing("looking for files without hashes")?;
        let path = row
            .get_ref(0)
            .doing("looking for files without hashes")?
            .as_bytes()
            .unwrap_or_default();
        if give(path, found).is_break() {
            break;
        }
    }
    Ok(())
}

/// Gives each file of the catalogue that is named like a signature (`….asc`): the path of the file
/// that it may sign, and its own version.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn for_each_signature(
    database: &impl Queryable,
    mut give: impl FnMut(&[u8], FileVersion),
) -> Result<(), DbError> {
    let mut statement = database
        .sqlite()
        .prepare(
            "SELECT path, size, mtime FROM file \
             WHERE substr(path, -4) = CAST('.asc' AS BLOB) AND size NOT NULL AND mtime NOT NULL",
        )
        .doing("preparing to look for signatures")?;
    let mut rows = statement.query([]).doing("looking for signatures")?;
    while let Some(row) = rows.next().doing("looking for signatures")? {
        let read = || -> Result<FileVersion, rusqlite::Error> {
            Ok(FileVersion {
                size: row.get::<_, i64>(1)?.max(0) as u64,
                mtime: row.get(2)?,
            })
        };
        let version = read().doing("looking for signatures")?;
        let path = row.get_ref(0).doing("looking for signatures")?;
        let path = path.as_bytes().unwrap_or_default();
        give(path.strip_suffix(b".asc").unwrap_or(path), version);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::catalogue::CatalogueWriter;
    use crate::db::hash::{self, Digests, HashRecord};
    use crate::db::open_writer;

    #[test]
    fn a_row_counts_for_its_version_only_and_pages_go_on_where_they_ended() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let version = |mtime| FileVersion { size: 5, mtime };
        let record = HashRecord {
            digests: Digests {
                md5: Some(vec![1; 16]),
                ..Digests::default()
            },
            pgp_version: Some(version(9)),
            ..HashRecord::default()
        };
        writer
            .transaction(|transaction| {
                let mut catalogue = CatalogueWriter::new(transaction)?;
                for path in [&b"a"[..], b"d/x", b"d/x.asc", b"d/y", b"d0"] {
                    let id = catalogue.insert(path, version(1))?;
                    let of = if path == b"d/y" {
                        version(2)
                    } else {
                        version(1)
                    };
                    hash::store(transaction, id, of, &record)?;
                }
                catalogue.import(b"d/imported", FileId(9))?;
                catalogue.finish()
            })
            .expect("insert");
        let found = |after: &[u8], below: &[u8]| {
            let mut found = Vec::new();
            for_each(&writer, (after, below), |path, state| {
                found.push((path.to_vec(), state.has_row, state.known.md5));
                ControlFlow::Continue(())
            })
            .expect("read");
            found
        };
        let x = || (b"d/x".to_vec(), true, true);
        let asc = || (b"d/x.asc".to_vec(), true, true);
        let y = || (b"d/y".to_vec(), false, false);
        assert_eq!(found(b"", b"d"), [x(), asc(), y()]);
        assert_eq!(found(b"d/x", b"d"), [asc(), y()]);
        assert_eq!(found(b"", b"").len(), 5);
        let mut signatures = Vec::new();
        for_each_signature(&writer, |path, version| {
            signatures.push((path.to_vec(), version))
        })
        .expect("read");
        assert_eq!(signatures, [(b"d/x".to_vec(), version(1))]);
    }
}
