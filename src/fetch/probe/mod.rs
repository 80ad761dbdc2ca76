//! Checks whether a base URL answers, over each address family of its host.
//!
//! A [`ProbeClient`] checks many [`ProbeTarget`]s at a time on one thread. It resolves the host,
//! then asks over each family for a file that the mirror should have: by HEAD and a range request
//! of one byte (`http`), or by SIZE (`ftp`). A part of a file is fetched as a client
//! does (`piece`). A pure function judges the answer (`answer`).
//!
//! # Errors
//! Returns a [`Failure`] as the result of a check that fails; it is not an error of the call.
//!
//! # Limits
//! [`REDIRECTS_MAX`], [`CHECKS_AT_A_TIME_MAX`], [`FTP_REPLY_BYTES_MAX`], a time limit per check and
//! a deadline for all; bodies are never read, except those of small files and generations of
//! caches.
//!
//! # Security
//! Redirects lead only where a mirror may lead to (`fetch::redirect`). The connection goes to the
//! address that was checked. No URL in a failure, a note or a command line has a user, a password
//! or a query.

mod answer;
mod client;
mod failure;
mod ftp;
mod http;
mod piece;
mod resolve;
mod target;

pub use super::ftp::message::FTP_REPLY_BYTES_MAX;
pub use client::{CHECKS_AT_A_TIME_MAX, ProbeClient, ProbeLimits};
pub use failure::Failure;
pub use http::REDIRECTS_MAX;
pub use target::{Check, FilePiece, ProbeFile, ProbeFinding, ProbeTarget, StalenessLimit};
