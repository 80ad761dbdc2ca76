//! Stores results in the database, several per transaction.
//!
//! A row is stored only if the catalogue still has exactly the version that was hashed. So no row
//! ever belongs to another version than its file, whatever another run changes meanwhile.

use std::time::{Duration, Instant};

use super::job::{Job, Signature};
use crate::db::hash::{self, HashPart};
use crate::db::open::Transaction;
use crate::db::{DbError, Writer, catalogue};
use crate::domain::hash::HashRecord;

/// Longest time that results wait: a killed run loses at most this much work, besides the files in
/// progress.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Largest total length in bytes of long parts that wait.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest number of rows per transaction; a thousand take some milliseconds.
const ROWS_MAX: usize = 1000;

/// Results that are not stored yet.
#[derive(Default)]
pub struct Batch {
    rows: Vec<(Job, HashRecord)>,
    bytes: usize,
    /// Time when the first one was added.
    since: Option<Instant>,
}

/// Counts of what was stored.
#[derive(Debug, Clone, Copy, Default)]
pub struct BatchCounts {
    /// Files whose hashes were computed.
    pub files: u64,
    /// Total size of these files in bytes.
    pub bytes: u64,
    /// Signatures that were read or dropped.
    pub signatures: u64,
}

impl Batch {
    /// Adds a result.
    pub fn add(&mut self, job: Job, record: HashRecord) {
        self.bytes += record.long_bytes();
        self.since.get_or_insert_with(Instant::now);
        self.rows.push((job, record));
    }

    /// Whether it is time to store.
    pub fn is_due(&self) -> bool {
        self.bytes >= BYTES_MAX
            || self.rows.len() >= ROWS_MAX
            || self.since.is_some_and(|since| since.elapsed() >= WAIT_MAX)
    }

    /// Stores all results in one transaction, or none of them.
    ///
    /// # Errors
    /// Returns [`DbError`] if the database cannot be written.
    pub fn store(&mut self, writer: &mut Writer) -> Result<BatchCounts, DbError> {
        let batch = std::mem::take(self);
        if batch.rows.is_empty() {
            return Ok(BatchCounts::default());
        }
        writer.transaction(|transaction| {
            let mut stored = BatchCounts::default();
            for (job, record) in batch.rows {
                store_one(transaction, job, record, &mut stored)?;
            }
            Ok(stored)
        })
    }
}

fn store_one(
    transaction: &Transaction<'_>,
    job: Job,
    record: HashRecord,
    stored: &mut BatchCounts,
) -> Result<(), DbError> {
    let known = catalogue::find(transaction, &job.path)?;
    if known.is_none_or(|file| file.id != job.id || file.version != Some(job.version)) {
        log::debug!(
            "not stored, because the file has another version meanwhile: path='{}'",
            job.path.escape_ascii()
        );
        return Ok(());
    }
    if job.signature != Signature::Keep {
        stored.signatures += 1;
    }
    if job.kinds.is_empty() {
        let is_read = record.pgp_version.is_some();
        if is_read || job.signature == Signature::Drop {
            let text = record.pgp.as_deref();
            hash::set_signature(transaction, job.id, text, record.pgp_version)?;
        }
        return Ok(());
    }
    let record = completed(transaction, &job, record)?;
    hash::store(transaction, job.id, job.version, &record)?;
    stored.files += 1;
    stored.bytes += job.version.size;
    Ok(())
}

/// Completes a record with the stored values of this version that were not computed again.
fn completed(
    transaction: &Transaction<'_>,
    job: &Job,
    mut new: HashRecord,
) -> Result<HashRecord, DbError> {
    let Some(old) = hash::find_short(transaction, job.id, job.version)? else {
        return Ok(new);
    };
    let long = |part| -> Result<Option<Vec<u8>>, DbError> {
        let length = hash::long_bytes(transaction, job.id, part)?;
        let mut bytes = Vec::with_capacity(length.unwrap_or(0) as usize);
        hash::read_long(transaction, job.id, part, |portion| {
            bytes.extend_from_slice(portion);
            Ok::<(), DbError>(())
        })?;
        Ok(length.map(|_| bytes))
    };
    let (digests, known) = (&mut new.digests, old.digests);
    digests.md5 = digests.md5.take().or(known.md5);
    digests.sha1 = digests.sha1.take().or(known.sha1);
    digests.sha256 = digests.sha256.take().or(known.sha256);
    digests.sha512 = digests.sha512.take().or(known.sha512);
    // Pieces and the hashes made of them belong together.
    if new.sha1_pieces.is_none() {
        new.piece_size = old.piece_size;
        new.sha1_pieces = long(HashPart::Sha1Pieces)?;
        new.sha256_root = old.sha256_root;
        new.sha256_layer = long(HashPart::Sha256Layer)?;
        digests.btih = known.btih;
        digests.btih_hybrid = known.btih_hybrid;
        digests.btmh = known.btmh;
    }
    if new.zsync_hash_lengths.is_none() {
        new.zsync_block_size = old.zsync_block_size;
        new.zsync_hash_lengths = old.zsync_hash_lengths;
        new.zsync_sums = long(HashPart::ZsyncSums)?;
    }
    if new.pgp_version.is_none() && job.signature != Signature::Drop {
        new.pgp = old.pgp;
        new.pgp_version = old.pgp_version;
    }
    Ok(new)
}
