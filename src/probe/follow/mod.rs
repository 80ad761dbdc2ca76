//! Follows some of our own redirects as clients got them, and compares pieces of files with ours.
//!
//! A round draws from the redirects that the responder kept (`choose`), asks for one byte of each
//! file by GET (`crate::fetch::probe`), and sorts the answers (`judge`, pure). A mirror that was
//! wrong twice about a file gets no clients for it until its next scan, which the round asks for
//! (`run`). `piece` compares the bytes of a piece.
//!
//! # Limits
//! `follow_per_min` redirects per minute of [`FOLLOW_EVERY`], at most one per mirror, and 200
//! second looks per round.

mod choose;
mod judge;
mod piece;
mod report;
mod run;

pub(super) use choose::FOLLOW_EVERY;
