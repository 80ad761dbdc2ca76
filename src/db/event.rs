//! Events: what changed, by whom.

use rusqlite::params;

use super::error::{DbError, Doing};
use super::open::Transaction;
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;

/// Records a change: `actor` is a user's name or a program's, `what` one line.
///
/// # Errors
/// [`DbError::Sql`].
pub fn record(
    transaction: &Transaction<'_>,
    at: Timestamp,
    actor: &str,
    mirror: Option<MirrorId>,
    what: &str,
) -> Result<(), DbError> {
    transaction
        .inner
        .execute(
            "INSERT INTO event (at, actor, mirror_id, what) VALUES (?1, ?2, ?3, ?4)",
            params![at.0, actor, mirror.map(|mirror| mirror.0), what],
        )
        .doing("recording an event")?;
    Ok(())
}
