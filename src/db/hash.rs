//! Stores digests of file versions.

use rusqlite::blob::ZeroBlob;
use rusqlite::{Connection, MAIN_DB, OptionalExtension, Row, params};

use super::error::{DbError, Doing};
use super::open::{Queryable, Transaction};
use crate::domain::file::{FileId, FileVersion};
pub use crate::domain::hash::{Digests, HashPart, HashRecord, HashSummary};

/// Whether there is any hash row at all.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
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
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn find(
    database: &impl Queryable,
    id: FileId,
    version: FileVersion,
) -> Result<Option<Digests>, DbError> {
    find_with(database.sqlite(), id, version)
}

/// [`find`] on a bare connection.
pub(super) fn find_with(
    sqlite: &Connection,
    id: FileId,
    version: FileVersion,
) -> Result<Option<Digests>, DbError> {
    let mut statement = sqlite
        .prepare_cached(
            "SELECT md5, sha1, sha256, sha512, btih, btih_hybrid, btmh, pgp IS NOT NULL FROM hash \
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
                btih_hybrid: row.get(5)?,
                btmh: row.get(6)?,
                has_pgp: row.get(7)?,
            })
        })
        .optional()
        .doing("looking hashes up")
}

/// The whole row of exactly this version but for zsync's sums and the layer of the v2 tree, which
/// [`read_long`] gives; see [`find`].
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn find_record(
    database: &impl Queryable,
    id: FileId,
    version: FileVersion,
) -> Result<Option<HashRecord>, DbError> {
    let Some(mut record) = find_short(database, id, version)? else {
        return Ok(None);
    };
    record.sha1_pieces = database
        .sqlite()
        .prepare_cached("SELECT sha1_pieces FROM hash_pieces WHERE file_id = ?1")
        .doing("preparing to read pieces")?
        .query_row([id.0], |row| row.get(0))
        .optional()
        .doing("reading pieces")?
        .flatten();
    Ok(Some(record))
}

/// The row of exactly this version without any of its long parts; see [`find`].
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn find_short(
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
            "SELECT pgp, piece_size, zsync_block_size, zsync_hash_lengths, pgp_size, pgp_mtime, \
             sha256_root FROM hash WHERE file_id = ?1",
        )
        .doing("preparing to read hashes")?;
    statement
        .query_row([id.0], |row| {
            Ok(HashRecord {
                digests,
                pgp: row.get(0)?,
                piece_size: row.get(1)?,
                zsync_block_size: row.get(2)?,
                zsync_hash_lengths: row.get(3)?,
                pgp_version: version_of(row, 4)?,
                sha256_root: row.get(6)?,
                sha1_pieces: None,
                zsync_sums: None,
                sha256_layer: None,
            })
        })
        .optional()
        .doing("reading hashes")
}

/// Reads the part of a row that documents need, if it is of exactly this version; see [`find`].
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn find_summary(
    database: &impl Queryable,
    id: FileId,
    version: FileVersion,
) -> Result<Option<HashSummary>, DbError> {
    // SQLite tells the length of a blob without reading it.
    let mut statement = database
        .sqlite()
        .prepare_cached(
            "SELECT md5, sha1, sha256, sha512, btih, btih_hybrid, btmh, pgp, piece_size, \
             zsync_block_size, zsync_hash_lengths, sha256_root, \
             length(sha1_pieces), length(zsync_sums), length(sha256_layer) \
             FROM hash LEFT JOIN hash_pieces USING (file_id) \
             WHERE file_id = ?1 AND size = ?2 AND mtime = ?3",
        )
        .doing("preparing to look pieces up")?;
    statement
        .query_row(
            params![id.0, version.size as i64, version.mtime],
            summary_of,
        )
        .optional()
        .doing("looking pieces up")
}

fn summary_of(row: &Row<'_>) -> Result<HashSummary, rusqlite::Error> {
    let length = |column| -> Result<u64, rusqlite::Error> {
        let length: Option<i64> = row.get(column)?;
        Ok(length.unwrap_or(0).max(0) as u64)
    };
    let pgp: Option<String> = row.get(7)?;
    Ok(HashSummary {
        digests: Digests {
            md5: row.get(0)?,
            sha1: row.get(1)?,
            sha256: row.get(2)?,
            sha512: row.get(3)?,
            btih: row.get(4)?,
            btih_hybrid: row.get(5)?,
            btmh: row.get(6)?,
            has_pgp: pgp.is_some(),
        },
        pgp,
        piece_size: row.get(8)?,
        pieces_bytes: length(12)?,
        zsync_block_size: row.get(9)?,
        zsync_hash_lengths: row.get(10)?,
        sums_bytes: length(13)?,
        sha256_root: row.get(11)?,
        layer_bytes: length(14)?,
    })
}

/// Appends a long part of a row as a whole, for one that is short enough; nothing of what is not
/// there. For a part of some kilobytes this costs half of what [`read_long`] does.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn read_short(
    database: &impl Queryable,
    id: FileId,
    part: HashPart,
    out: &mut Vec<u8>,
) -> Result<(), DbError> {
    let sql = match part {
        HashPart::Sha1Pieces => "SELECT sha1_pieces FROM hash_pieces WHERE file_id = ?1",
        HashPart::ZsyncSums => "SELECT zsync_sums FROM hash_pieces WHERE file_id = ?1",
        HashPart::Sha256Layer => "SELECT sha256_layer FROM hash_pieces WHERE file_id = ?1",
    };
    database
        .sqlite()
        .prepare_cached(sql)
        .doing("preparing to read pieces")?
        .query_row([id.0], |row| {
            let part = row.get_ref(0)?.as_blob_or_null()?;
            out.extend_from_slice(part.unwrap_or_default());
            Ok(())
        })
        .optional()
        .doing("reading pieces")?;
    Ok(())
}

/// Size and time in two columns, the first of which is `column`.
fn version_of(row: &Row<'_>, column: usize) -> Result<Option<FileVersion>, rusqlite::Error> {
    let (size, mtime): (Option<i64>, Option<i64>) = (row.get(column)?, row.get(column + 1)?);
    Ok(size.zip(mtime).map(|(size, mtime)| FileVersion {
        size: size.max(0) as u64,
        mtime,
    }))
}

/// Stores the hashes of a file version, in place of any earlier row of that id. The long parts go
/// into the database in small portions, so that a row of any length takes no memory of its own.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
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
             pgp, piece_size, zsync_block_size, zsync_hash_lengths, btih_hybrid, btmh, pgp_size, \
             pgp_mtime, sha256_root) VALUES \
             (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
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
            digests.btih_hybrid,
            digests.btmh,
            hash.pgp_version.map(|version| version.size as i64),
            hash.pgp_version.map(|version| version.mtime),
            hash.sha256_root,
        ])
        .doing("storing hashes")?;
    store_long(sqlite, id, hash)
}

/// Sets the signature of a row that is there; `None` when the file has none any more.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn set_signature(
    transaction: &Transaction<'_>,
    id: FileId,
    text: Option<&str>,
    read_from: Option<FileVersion>,
) -> Result<(), DbError> {
    let mut statement = transaction
        .inner
        .prepare_cached(
            "UPDATE hash SET pgp = ?2, pgp_size = ?3, pgp_mtime = ?4 WHERE file_id = ?1",
        )
        .doing("preparing to store a signature")?;
    let size = read_from.map(|version| version.size as i64);
    let mtime = read_from.map(|version| version.mtime);
    statement
        .execute(params![id.0, text, size, mtime])
        .doing("storing a signature")?;
    Ok(())
}

/// The column of a long part.
pub(super) fn column_of(part: HashPart) -> &'static str {
    match part {
        HashPart::Sha1Pieces => "sha1_pieces",
        HashPart::ZsyncSums => "zsync_sums",
        HashPart::Sha256Layer => "sha256_layer",
    }
}

/// Bytes of a long part that are read or written at a time.
const PORTION_BYTES: usize = 64 * 1024;

fn store_long(sqlite: &Connection, id: FileId, hash: &HashRecord) -> Result<(), DbError> {
    let parts = [
        ("sha1_pieces", &hash.sha1_pieces),
        ("zsync_sums", &hash.zsync_sums),
        ("sha256_layer", &hash.sha256_layer),
    ];
    // SQLite keeps room without building the row in memory only if nothing but such room and NULL
    // is at its end.
    let room = parts.map(|(_, part)| part.as_ref().map(|part| ZeroBlob(part.len() as i32)));
    let [pieces, sums, layer] = &room;
    sqlite
        .prepare_cached(
            "INSERT OR REPLACE INTO hash_pieces \
             (file_id, sha1_pieces, zsync_sums, sha256_layer) VALUES (?1, ?2, ?3, ?4)",
        )
        .doing("preparing to store pieces")?
        .execute(params![id.0, pieces, sums, layer])
        .doing("storing pieces")?;
    for (column, part) in parts {
        let Some(part) = part.as_ref().filter(|part| !part.is_empty()) else {
            continue;
        };
        let mut blob = sqlite
            .blob_open(MAIN_DB, "hash_pieces", column, id.0.into(), false)
            .doing("storing pieces")?;
        for (place, portion) in part.chunks(PORTION_BYTES).enumerate() {
            blob.write_at(portion, place * PORTION_BYTES)
                .doing("storing pieces")?;
        }
    }
    Ok(())
}

/// Bytes of a long part of a row; `None`: there is none. The row is that of a version which
/// [`find_record`] has found in the same read transaction.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn long_bytes(
    database: &impl Queryable,
    id: FileId,
    part: HashPart,
) -> Result<Option<u64>, DbError> {
    let sql = format!(
        "SELECT length({}) FROM hash_pieces WHERE file_id = ?1",
        column_of(part)
    );
    let length: Option<Option<i64>> = database
        .sqlite()
        .prepare_cached(&sql)
        .doing("preparing to read pieces")?
        .query_row([id.0], |row| row.get(0))
        .optional()
        .doing("reading pieces")?;
    Ok(length.flatten().map(|length| length.max(0) as u64))
}

/// Gives a long part of a row in portions, so that it is never in memory as a whole. A part that
/// the row does not have is empty.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or the row vanishes meanwhile, and the
/// first error of `give`.
pub fn read_long<E: From<DbError>>(
    database: &impl Queryable,
    id: FileId,
    part: HashPart,
    mut give: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    if long_bytes(database, id, part)?.is_none() {
        return Ok(());
    }
    let blob = database
        .sqlite()
        .blob_open(MAIN_DB, "hash_pieces", column_of(part), id.0.into(), true)
        .doing("reading pieces")?;
    let mut portion = vec![0; PORTION_BYTES.min(blob.len())];
    let mut place = 0;
    while place < blob.len() {
        let read = blob.read_at(&mut portion, place).doing("reading pieces")?;
        if read == 0 {
            break;
        }
        give(&portion[..read])?;
        place += read;
    }
    Ok(())
}

/// Removes the hashes of a version that the catalogue no longer has.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn remove(transaction: &Transaction<'_>, id: FileId) -> Result<(), DbError> {
    transaction
        .inner
        .prepare_cached("DELETE FROM hash WHERE file_id = ?1")
        .doing("preparing to remove hashes")?
        .execute([id.0])
        .doing("removing hashes")?;
    Ok(())
}

/// How many rows are of a version that the catalogue does not have.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn count_orphans(database: &impl Queryable) -> Result<u64, DbError> {
    let count: Result<i64, _> = database.sqlite().query_row(
        "SELECT count(*) FROM hash WHERE file_id NOT IN (SELECT id FROM file)",
        [],
        |row| row.get(0),
    );
    Ok(count.doing("counting hashes of no file")?.max(0) as u64)
}

/// Removes every row of a version that the catalogue does not have; returns how many.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn remove_orphans(transaction: &Transaction<'_>) -> Result<usize, DbError> {
    transaction
        .inner
        .execute(
            "DELETE FROM hash WHERE file_id NOT IN (SELECT id FROM file)",
            [],
        )
        .doing("removing hashes of no file")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::open_writer;

    #[test]
    fn a_row_comes_back_with_its_long_parts_whatever_their_length() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let version = FileVersion { size: 7, mtime: -1 };
        let bytes = |length: usize| (0..length).map(|at| at as u8).collect::<Vec<u8>>();
        for (pieces, sums) in [(20, 0), (PORTION_BYTES, 3 * PORTION_BYTES + 1), (40, 5)] {
            let record = HashRecord {
                digests: Digests {
                    btih_hybrid: Some(bytes(20)),
                    btmh: Some(bytes(32)),
                    has_pgp: true,
                    ..Digests::default()
                },
                pgp: Some("signed".to_owned()),
                pgp_version: Some(FileVersion { size: 6, mtime: 8 }),
                piece_size: 3,
                sha1_pieces: Some(bytes(pieces)),
                zsync_block_size: 2048,
                zsync_hash_lengths: Some("1,2,3".to_owned()),
                zsync_sums: Some(bytes(sums)),
                sha256_root: Some(bytes(32)),
                sha256_layer: None,
            };
            writer
                .transaction(|transaction| store(transaction, FileId(3), version, &record))
                .expect("store");
            let mut found = find_record(&writer, FileId(3), version)
                .expect("find")
                .expect("a row");
            assert_eq!(
                long_bytes(&writer, FileId(3), HashPart::ZsyncSums).expect("length"),
                Some(sums as u64)
            );
            let mut read = Vec::new();
            read_long(&writer, FileId(3), HashPart::ZsyncSums, |portion| {
                read.extend_from_slice(portion);
                Ok::<(), DbError>(())
            })
            .expect("read");
            found.zsync_sums = Some(read);
            assert_eq!(found, record);
            read_long(
                &writer,
                FileId(3),
                HashPart::Sha256Layer,
                |_| -> Result<(), DbError> { panic!("there is none") },
            )
            .expect("read");
        }
        let other = FileVersion { size: 8, mtime: -1 };
        assert_eq!(find_record(&writer, FileId(3), other).expect("find"), None);
    }
}
