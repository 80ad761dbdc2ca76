//! Stores which mirror has which file version: one row of bitmaps per mirror.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension, Row, params};

use super::error::{DbError, Doing};
use super::open::{Queryable, Transaction};
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;

/// Ids of the file versions that a mirror has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Content {
    /// The version of the catalogue.
    pub current: RoaringBitmap,
    /// Another size or an older time.
    pub outdated: RoaringBitmap,
}

/// When and how a content was learnt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentOrigin {
    /// When the scan ended.
    pub at: Timestamp,
    /// `rsync`, `http`, `ftp`, `import`, `file add`…
    pub by: String,
    /// Files seen on the mirror that the catalogue does not have.
    pub unknown_files: u64,
}

/// A content with its place in time.
#[derive(Debug, Clone)]
pub struct PublishedContent {
    /// Grows with each publication of this mirror.
    pub generation: i64,
    /// When and how.
    pub origin: ContentOrigin,
    /// The content itself.
    pub content: Content,
    /// Whether there is an earlier one to roll back to.
    pub has_previous: bool,
}

/// A content that looked wrong and waits for a second scan or for the admin.
#[derive(Debug, Clone)]
pub struct PendingContent {
    /// When it was seen.
    pub seen_at: Timestamp,
    /// The reason why it looked wrong.
    pub reason: String,
    /// The content that the scan saw.
    pub content: Content,
}

fn bitmap(mirror: MirrorId, bytes: &[u8]) -> Result<RoaringBitmap, DbError> {
    RoaringBitmap::deserialize_from(bytes)
        .map_err(|source| DbError::DamagedContent { mirror, source })
}

fn bytes(bitmap: &RoaringBitmap) -> Vec<u8> {
    let mut optimized = bitmap.clone();
    // Runs make the bitmap of a full mirror a few hundred bytes.
    optimized.optimize();
    let mut out = Vec::with_capacity(optimized.serialized_size());
    optimized
        .serialize_into(&mut out)
        .expect("writing to memory does not fail");
    out
}

/// The generation of each mirror's content; tells what must be loaded again.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn generations(database: &impl Queryable) -> Result<Vec<(MirrorId, i64)>, DbError> {
    let mut statement = database
        .sqlite()
        .prepare_cached("SELECT mirror_id, generation FROM mirror_content ORDER BY mirror_id")
        .doing("preparing to read generations")?;
    let rows = statement
        .query_map([], |row| Ok((MirrorId(row.get(0)?), row.get(1)?)))
        .doing("reading generations")?;
    rows.collect::<Result<_, _>>().doing("reading generations")
}

type RawContent = (i64, i64, String, i64, Vec<u8>, Vec<u8>, bool);

fn raw(row: &Row<'_>) -> Result<RawContent, rusqlite::Error> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
        row.get(6)?,
    ))
}

/// Loads the content of a mirror; `None` if the mirror was never scanned.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written, and
/// [`DbError::DamagedContent`] if the stored content of the mirror is damaged.
pub fn load(
    database: &impl Queryable,
    mirror: MirrorId,
) -> Result<Option<PublishedContent>, DbError> {
    const CURRENT: &str = "SELECT generation, learnt_at, learnt_by, unknown_files, current, \
        outdated, previous_current IS NOT NULL FROM mirror_content WHERE mirror_id = ?1";
    read(database, mirror, CURRENT)
}

/// A published content as it is stored.
#[derive(Debug, Clone, Default)]
pub struct SerializedContent {
    /// The current versions, in the format that [`RoaringBitmap`] reads.
    pub current: Vec<u8>,
    /// The outdated ones.
    pub outdated: RoaringBitmap,
}

/// Loads the content of a mirror, for a reader that takes the current versions as they are stored;
/// `None` if the mirror was never scanned.
///
/// # Errors
/// Returns an error as [`load`] does.
pub fn load_serialized(
    database: &impl Queryable,
    mirror: MirrorId,
) -> Result<Option<SerializedContent>, DbError> {
    let doing = "reading a mirror's content";
    let mut statement = database
        .sqlite()
        .prepare_cached("SELECT current, outdated FROM mirror_content WHERE mirror_id = ?1")
        .doing(doing)?;
    let row: Option<(Vec<u8>, Vec<u8>)> = statement
        .query_row([mirror.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .doing(doing)?;
    let Some((current, outdated)) = row else {
        return Ok(None);
    };
    Ok(Some(SerializedContent {
        current,
        outdated: bitmap(mirror, &outdated)?,
    }))
}

/// Loads the content that [`rollback`] would restore; `None` if the mirror has no earlier content.
///
/// # Errors
/// Returns an error as [`load`] does.
pub fn previous(
    database: &impl Queryable,
    mirror: MirrorId,
) -> Result<Option<PublishedContent>, DbError> {
    const PREVIOUS: &str = "SELECT generation, previous_learnt_at, previous_learnt_by, \
        unknown_files, previous_current, previous_outdated, 1 FROM mirror_content \
        WHERE mirror_id = ?1 AND previous_current IS NOT NULL";
    read(database, mirror, PREVIOUS)
}

fn read(
    database: &impl Queryable,
    mirror: MirrorId,
    query: &str,
) -> Result<Option<PublishedContent>, DbError> {
    let mut statement = database
        .sqlite()
        .prepare_cached(query)
        .doing("preparing to read a mirror's content")?;
    let row = statement.query_row([mirror.0], raw).optional();
    let Some((generation, at, by, unknown, current, outdated, has_previous)) =
        row.doing("reading a mirror's content")?
    else {
        return Ok(None);
    };
    Ok(Some(PublishedContent {
        generation,
        origin: ContentOrigin {
            at: Timestamp(at),
            by,
            unknown_files: unknown.max(0) as u64,
        },
        content: Content {
            current: bitmap(mirror, &current)?,
            outdated: bitmap(mirror, &outdated)?,
        },
        has_previous,
    }))
}

/// The current versions that a mirror has; none when it was never scanned.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written, and
/// [`DbError::DamagedContent`] if the stored content of the mirror is damaged.
pub fn current(database: &impl Queryable, mirror: MirrorId) -> Result<RoaringBitmap, DbError> {
    let mut statement = database
        .sqlite()
        .prepare_cached("SELECT current FROM mirror_content WHERE mirror_id = ?1")
        .doing("preparing to read a mirror's content")?;
    let found: Option<Vec<u8>> = statement
        .query_row([mirror.0], |row| row.get(0))
        .optional()
        .doing("reading a mirror's content")?;
    found.map_or_else(|| Ok(RoaringBitmap::new()), |bytes| bitmap(mirror, &bytes))
}

/// Publishes what a mirror has as a new generation; the one before is kept for [`rollback`].
///
/// Equal content only renews the time, so that an unchanged scan writes next to nothing.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn publish(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    content: &Content,
    origin: &ContentOrigin,
) -> Result<(), DbError> {
    let sqlite = transaction.inner;
    let (current, outdated) = (bytes(&content.current), bytes(&content.outdated));
    let same: Option<bool> = sqlite
        .query_row(
            "SELECT current = ?2 AND outdated = ?3 FROM mirror_content WHERE mirror_id = ?1",
            params![mirror.0, current, outdated],
            |row| row.get(0),
        )
        .optional()
        .doing("comparing with the last scan")?;
    let (at, by, unknown) = (origin.at.0, &origin.by, origin.unknown_files as i64);
    match same {
        Some(true) => sqlite.execute(
            "UPDATE mirror_content SET learnt_at = ?2, learnt_by = ?3, unknown_files = ?4 \
             WHERE mirror_id = ?1",
            params![mirror.0, at, by, unknown],
        ),
        Some(false) => sqlite.execute(
            "UPDATE mirror_content SET generation = generation + 1, \
             previous_learnt_at = learnt_at, previous_learnt_by = learnt_by, \
             previous_current = current, previous_outdated = outdated, \
             learnt_at = ?2, learnt_by = ?3, unknown_files = ?4, current = ?5, outdated = ?6 \
             WHERE mirror_id = ?1",
            params![mirror.0, at, by, unknown, current, outdated],
        ),
        None => sqlite.execute(
            "INSERT INTO mirror_content \
             (mirror_id, generation, learnt_at, learnt_by, unknown_files, current, outdated) \
             VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6)",
            params![mirror.0, at, by, unknown, current, outdated],
        ),
    }
    .doing("publishing a mirror's content")?;
    sqlite
        .execute(
            "DELETE FROM pending_content WHERE mirror_id = ?1",
            [mirror.0],
        )
        .doing("dropping a pending scan")?;
    Ok(())
}

/// Stores a content to which a scan of single directories has added something. It is of the same
/// whole scan as before: when and how that was, the one before it, a suspicious one that waits,
/// and what it left for the next stay as they are.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn add(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    content: &Content,
) -> Result<(), DbError> {
    let doing = "adding to a mirror's content";
    transaction
        .inner
        .execute(
            "UPDATE scan_directory SET generation = generation + 1 WHERE mirror_id = ?1 AND \
             generation = (SELECT generation FROM mirror_content WHERE mirror_id = ?1)",
            [mirror.0],
        )
        .doing(doing)?;
    let (current, outdated) = (bytes(&content.current), bytes(&content.outdated));
    transaction
        .inner
        .execute(
            "UPDATE mirror_content SET generation = generation + 1, current = ?2, outdated = ?3 \
             WHERE mirror_id = ?1",
            params![mirror.0, current, outdated],
        )
        .doing(doing)?;
    Ok(())
}

/// Changes places of the current and the previous generation; `false` when there is none.
///
/// Ids name versions, so an old generation can never claim a version that came later.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn rollback(transaction: &Transaction<'_>, mirror: MirrorId) -> Result<bool, DbError> {
    let changed = transaction
        .inner
        .execute(
            "UPDATE mirror_content SET generation = generation + 1, \
             current = previous_current, outdated = previous_outdated, \
             learnt_at = previous_learnt_at, learnt_by = previous_learnt_by, \
             previous_current = current, previous_outdated = outdated, \
             previous_learnt_at = learnt_at, previous_learnt_by = learnt_by \
             WHERE mirror_id = ?1 AND previous_current IS NOT NULL",
            [mirror.0],
        )
        .doing("rolling a mirror's content back")?;
    Ok(changed == 1)
}

/// Keeps a suspicious scan aside.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn set_pending(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    pending: &PendingContent,
) -> Result<(), DbError> {
    let (current, outdated) = (
        bytes(&pending.content.current),
        bytes(&pending.content.outdated),
    );
    transaction
        .inner
        .execute(
            "INSERT OR REPLACE INTO pending_content \
             (mirror_id, seen_at, reason, current, outdated) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                mirror.0,
                pending.seen_at.0,
                pending.reason,
                current,
                outdated
            ],
        )
        .doing("keeping a suspicious scan aside")?;
    Ok(())
}

/// When each content was seen that waits for a second scan.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn pending_since(database: &impl Queryable) -> Result<HashMap<MirrorId, Timestamp>, DbError> {
    let doing = "reading which scans wait for a second";
    let mut statement = database
        .sqlite()
        .prepare_cached("SELECT mirror_id, seen_at FROM pending_content")
        .doing(doing)?;
    let rows = statement
        .query_map([], |row| {
            Ok((MirrorId(row.get(0)?), Timestamp(row.get(1)?)))
        })
        .doing(doing)?;
    rows.collect::<Result<_, _>>().doing(doing)
}

/// The suspicious scan that was kept aside, if any.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written, and
/// [`DbError::DamagedContent`] if the stored content of the mirror is damaged.
pub fn pending(
    database: &impl Queryable,
    mirror: MirrorId,
) -> Result<Option<PendingContent>, DbError> {
    let row: Option<(i64, String, Vec<u8>, Vec<u8>)> = database
        .sqlite()
        .query_row(
            "SELECT seen_at, reason, current, outdated FROM pending_content WHERE mirror_id = ?1",
            [mirror.0],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .optional()
        .doing("reading a suspicious scan")?;
    let Some((seen_at, reason, current, outdated)) = row else {
        return Ok(None);
    };
    let content = Content {
        current: bitmap(mirror, &current)?,
        outdated: bitmap(mirror, &outdated)?,
    };
    Ok(Some(PendingContent {
        seen_at: Timestamp(seen_at),
        reason,
        content,
    }))
}
