//! Checks whether a base URL answers, over each address family of its host.
//!
//! A [`ProbeClient`] checks many [`ProbeTarget`]s at a time on one thread: it resolves the host,
//! then asks over each family for a file that the mirror is known to have: HEAD, then one byte by a
//! range request (`http`), or SIZE (`ftp`). What an answer means is a pure function (`answer`).
//!
//! # Errors
//! A check that fails says why in a [`Failure`]: a value of the result, not an error of the call.
//!
//! # Limits
//! [`REDIRECTS_MAX`], [`CHECKS_AT_A_TIME_MAX`], [`FTP_REPLY_BYTES_MAX`], a time-out for each check
//! and a deadline for all; bodies are never read.
//!
//! # Security
//! Redirects lead only where a mirror may lead to (`fetch::redirect`); the address that was looked
//! at is the one that is connected to. No URL in a failure, a note or a command line has a user, a
//! password or a query.

mod answer;
mod client;
mod failure;
mod ftp;
mod http;
mod resolve;
mod target;

pub use super::ftp::message::FTP_REPLY_BYTES_MAX;
pub use client::{CHECKS_AT_A_TIME_MAX, ProbeClient, ProbeLimits};
pub use failure::Failure;
pub use http::REDIRECTS_MAX;
pub use target::{Check, ProbeFile, ProbeFinding, ProbeTarget, StalenessLimit};
