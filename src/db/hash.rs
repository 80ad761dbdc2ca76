//! Digests of file versions.

use rusqlite::{OptionalExtension, params};

use super::error::{DbError, Doing};
use super::open::{Queryable, Transaction};
use crate::domain::file::{FileId, FileVersion};
pub use crate::domain::hash::{Digests, HashRecord};

/// Whether there is any hash row at all.
///
/// # Errors
/// [`DbError::Sql`].
pub fn any(database: &impl Queryable) -> Result<bool, DbError> {
    database
        .sqlite()
        .query_row("SELECT EXISTS (SELECT 1 FROM hash)", [], |row| row.get(0))
        .doing("looking for hashes")
}

/// The digests of exactly this version; a row of another size or time is no row (MirrorBrain's
/// `size = … AND mtime = …`).
///
/// # Errors
/// [`DbError::Sql`].
pub fn find(
    database: &impl Queryable,
    id: FileId,
    version: FileVersion,
) -> Result<Option<Digests>, DbError> {
    let mut statement = database
        .sqlite()
        .prepare_cached(
            "SELECT md5, sha1, sha256, sha512, btih, pgp IS NOT NULL FROM hash \
             WHERE file_id = ?1 AND size = ?2 AND mtime = ?3",
        )
        .doing("preparing to look hashes up")?;
    statement
        .query_row(params![id.0, version.size as i64, version.mtime], |row| {
            Ok(Digests {
                md5: row.get(0)?,
                sha1: row.get(1)?,
                sha256: row.get(2)?,
                sha512: row.get(3)?,
                btih: row.get(4)?,
                has_pgp: row.get(5)?,
            })
        })
        .optional()
        .doing("looking hashes up")
}

/// The whole row of exactly this version but for zsync's sums; see [`find`].
///
/// # Errors
/// [`DbError::Sql`].
pub fn find_record(
    database: &impl Queryable,
    id: FileId,
    version: FileVersion,
) -> Result<Option<HashRecord>, DbError> {
    let Some(digests) = find(database, id, version)? else {
        return Ok(None);
    };
    let mut statement = database
        .sqlite()
        .prepare_cached(
            "SELECT pgp, piece_size, sha1_pieces, zsync_block_size, zsync_hash_lengths \
             FROM hash LEFT JOIN hash_pieces USING (file_id) WHERE file_id = ?1",
        )
        .doing("preparing to read pieces")?;
    statement
        .query_row([id.0], |row| {
            Ok(HashRecord {
                digests,
                pgp: row.get(0)?,
                piece_size: row.get(1)?,
                sha1_pieces: row.get(2)?,
                zsync_block_size: row.get(3)?,
                zsync_hash_lengths: row.get(4)?,
                zsync_sums: None,
            })
        })
        .optional()
        .doing("reading pieces")
}

/// Stores the hashes of a file version, in place of any earlier row of that id.
///
/// # Errors
/// [`DbError::Sql`].
pub fn store(
    transaction: &Transaction<'_>,
    id: FileId,
    version: FileVersion,
    hash: &HashRecord,
) -> Result<(), DbError> {
    let sqlite = transaction.inner;
    let digests = &hash.digests;
    let mut statement = sqlite
        .prepare_cached(
            "INSERT OR REPLACE INTO hash (file_id, size, mtime, md5, sha1, sha256, sha512, btih, \
             pgp, piece_size, zsync_block_size, zsync_hash_lengths) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )
        .doing("preparing to store hashes")?;
    statement
        .execute(params![
            id.0,
            version.size as i64,
            version.mtime,
            digests.md5,
            digests.sha1,
            digests.sha256,
            digests.sha512,
            digests.btih,
            hash.pgp,
            hash.piece_size,
            hash.zsync_block_size,
            hash.zsync_hash_lengths,
        ])
        .doing("storing hashes")?;
    sqlite
        .prepare_cached(
            "INSERT OR REPLACE INTO hash_pieces (file_id, sha1_pieces, zsync_sums) \
             VALUES (?1, ?2, ?3)",
        )
        .doing("preparing to store pieces")?
        .execute(params![id.0, hash.sha1_pieces, hash.zsync_sums])
        .doing("storing pieces")?;
    Ok(())
}

/// Removes the hashes of a version that the catalogue no longer has.
///
/// # Errors
/// [`DbError::Sql`].
pub fn remove(transaction: &Transaction<'_>, id: FileId) -> Result<(), DbError> {
    transaction
        .inner
        .prepare_cached("DELETE FROM hash WHERE file_id = ?1")
        .doing("preparing to remove hashes")?
        .execute([id.0])
        .doing("removing hashes")?;
    Ok(())
}

/// Removes every row of a version that the catalogue does not have; returns how many.
///
/// # Errors
/// [`DbError::Sql`].
pub fn remove_orphans(transaction: &Transaction<'_>) -> Result<usize, DbError> {
    transaction
        .inner
        .execute(
            "DELETE FROM hash WHERE file_id NOT IN (SELECT id FROM file)",
            [],
        )
        .doing("removing hashes of no file")
}
