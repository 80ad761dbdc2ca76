//! Counts requests: from finished answers to spool files and metrics.
//!
//! Each worker has a [`Recorder`]. It writes one small event per request into a batch of its own,
//! and sends the batch to [`teller`] when the worker is idle or the batch is full. The teller,
//! a thread, joins the requests of a client, adds everything up, and writes a spool file per
//! minute.
//!
//! # Locking
//! Counting never waits: if the teller cannot take a batch at once, the batch is dropped and
//! counted. A teller that hangs on a disk, or ends, costs statistics alone.

mod agent;
mod batch;
mod recorder;
mod shared;
mod spool_folder;
mod teller;

pub(super) use recorder::Recorder;
pub(super) use shared::CountShared;
pub(super) use teller::Counting;
