//! Digests of file versions.

use rusqlite::{OptionalExtension, params};

use super::error::{DbError, Doing};
use super::open::{Queryable, Transaction};
use crate::domain::file::{FileId, FileVersion};

/// The short digests of one file version; absent ones are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digests {
    /// 16 bytes.
    pub md5: Option<Vec<u8>>,
    /// 20 bytes.
    pub sha1: Option<Vec<u8>>,
    /// 32 bytes.
    pub sha256: Option<Vec<u8>>,
    /// 64 bytes.
    pub sha512: Option<Vec<u8>>,
    /// BitTorrent v1 info hash, 20 bytes.
    pub btih: Option<Vec<u8>>,
    /// Whether a detached signature is stored.
    pub has_pgp: bool,
}

/// A whole hash row, as an import or the indexer writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HashRecord {
    /// The short digests.
    pub digests: Digests,
    /// Armoured detached signature.
    pub pgp: Option<String>,
    /// Bytes a piece; 0: no pieces.
    pub piece_size: i64,
    /// SHA-1 of each piece, 20 bytes each, concatenated.
    pub sha1_pieces: Option<Vec<u8>>,
    /// Bytes a zsync block; 0: none.
    pub zsync_block_size: i64,
    /// zsync's `seq,rsum,checksum`.
    pub zsync_hash_lengths: Option<String>,
    /// zsync's block sums.
    pub zsync_sums: Option<Vec<u8>>,
}

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
