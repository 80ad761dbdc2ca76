//! Sends a long document: reads it from the database as fast as the client takes it.
//!
//! # Limits
//! A stream holds a piece of [`PIECE_BYTES`] and a database connection; [`super::permit`] limits
//! the number of streams. A document up to [`HELD_BYTES_MAX`] is written at once, without a stream.

use std::path::Path;

use super::permit::Permit;
use crate::db::long_value::{LongKey, LongReader};
use crate::domain::document::Body;
use crate::domain::document::body::{Form, Gap};
use crate::domain::file::{FileId, FileVersion};
use crate::domain::hash::Digests;
use crate::fcgi;

/// Length up to which a document is written at once. If all connections are in use and no client
/// reads, this takes a quarter of a gigabyte.
pub(super) const HELD_BYTES_MAX: u64 = 256 * 1024;

/// Bytes of a document that are made at a time: one FastCGI record.
const PIECE_BYTES: usize = 64 * 1024 - 1;

/// Stored bytes that are read at a time: whole digests of 20 and of 32 bytes, few enough that their
/// longest form (76 bytes for each 20) fits into a piece.
const PORTION_BYTES: usize = 16_000;

/// A document that is being sent.
pub(super) struct Stream {
    body: Body,
    /// Bytes of the text that were sent.
    given: usize,
    /// The current or next gap.
    gap: usize,
    /// Stored bytes of that gap that were sent.
    given_of_gap: u64,
    reader: LongReader,
    key: LongKey,
    _permit: Permit,
}

impl Stream {
    /// Opens the first long part; `None` if the database has another row by now.
    pub(super) fn open(
        body: Body,
        row: (&Path, FileId, FileVersion),
        digests: &Digests,
        permit: Permit,
    ) -> Option<Stream> {
        let first = body.gaps.first()?;
        let key = LongKey {
            database: row.0.to_owned(),
            id: row.1,
            version: row.2,
            digests: digests.clone(),
            part: first.part,
            bytes: first.stored,
        };
        let reader = LongReader::open(key.clone());
        let reader = reader.map_err(|error| log::warn!("{}", crate::program::exit::chain(&error)));
        Some(Stream {
            body,
            given: 0,
            gap: 0,
            given_of_gap: 0,
            reader: reader.ok()?,
            key,
            _permit: permit,
        })
    }

    /// Appends bytes of the current gap; returns whether the gap is complete.
    fn give_of_gap(&mut self, gap: Gap, out: &mut Vec<u8>) -> std::io::Result<()> {
        if self.key.part != gap.part {
            self.key = LongKey {
                part: gap.part,
                bytes: gap.stored,
                ..self.key.clone()
            };
            self.reader = LongReader::open(self.key.clone()).map_err(std::io::Error::other)?;
        }
        let left = gap.stored - self.given_of_gap;
        let mut portion = [0; PORTION_BYTES];
        let most = match gap.form {
            Form::Raw => PORTION_BYTES.min(PIECE_BYTES - out.len()),
            _ => PORTION_BYTES,
        };
        let portion = &mut portion[..most.min(usize::try_from(left).unwrap_or(usize::MAX))];
        self.reader
            .read(portion, self.given_of_gap)
            .map_err(std::io::Error::other)?;
        gap.form.write(out, self.given_of_gap, portion);
        self.given_of_gap += portion.len() as u64;
        if self.given_of_gap == gap.stored {
            self.gap += 1;
            self.given_of_gap = 0;
        }
        Ok(())
    }
}

impl fcgi::Rest for Stream {
    fn pull(&mut self, out: &mut Vec<u8>) -> std::io::Result<()> {
        while out.len() < PIECE_BYTES {
            let gap = self.body.gaps.get(self.gap).copied();
            let until = gap.map_or(self.body.text.len(), |gap| gap.at);
            if self.given < until {
                let to = until.min(self.given + PIECE_BYTES - out.len());
                out.extend_from_slice(&self.body.text[self.given..to]);
                self.given = to;
                continue;
            }
            let Some(gap) = gap else { break };
            if gap.form != Form::Raw && !out.is_empty() {
                // A portion in one of these forms fills most of a piece.
                break;
            }
            self.give_of_gap(gap, out)?;
        }
        Ok(())
    }
}
