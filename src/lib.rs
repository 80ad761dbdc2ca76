//! Heliostat: a download redirector behind an existing Apache vhost.
//!
//! The map of the code, in reading order:
//!
//! 1. [`domain`]: pure values and rules: paths, mirrors, places, the selection law, listings.
//! 2. [`config`]: `heliostat.toml`, raw and checked.
//! 3. [`db`]: the only SQL: catalogue, mirrors, bitmaps, runs, events.
//! 4. [`geoip`], [`tree`], [`fetch`], [`http`], [`fcgi`]: the edges: where a client is, the local
//!    files, the listings of mirrors, request and response values, and the FastCGI protocol.
//! 5. [`decide`]: the one pipeline from a request to a decision, shared by the redirect and by
//!    `explain`.
//! 6. [`program`]: exit codes, log, progress, signals and locks of every program; [`notify`]: mail
//!    and webhooks; [`snapshot`]: the responder's view of the database in memory; [`regular_file`]:
//!    how what was configured is opened without being waited for; [`system`]: what the operating
//!    system is asked beyond the standard library.
//! 7. Use cases, which never import each other: [`respond`], [`index`], [`scan`], [`probe`],
//!    [`admin`].
//!
//! Data flows one way: `src/bin` → use case → `decide` → `snapshot` → edges → `domain` → std.
//! `tests/tidy.rs` checks it.
//!
//! The rule behind every redirect, in small: a mirror's copy counts only if it is the version of
//! the file that the catalogue knows.
//!
//! ```
//! use heliostat::domain::file::{CatalogueFile, CopyState, FileId, FileVersion};
//! use heliostat::domain::listing::rsync::{RsyncLine, parse_line};
//!
//! let on_disk = FileVersion { size: 11, mtime: 1_795_367_091 };
//! let file = CatalogueFile { id: FileId(1), version: Some(on_disk) };
//!
//! let mut name = Vec::new();
//! let mut copy_of = |line: &str| match parse_line(line.as_bytes(), &mut name) {
//!     RsyncLine::File(version) => file.judge(version),
//!     other => panic!("{other:?}"),
//! };
//! let synced = "-rw-r--r--             11 2026/11/22 17:04:51 dist/x.iso";
//! let stale = "-rw-r--r--             11 2025/11/22 17:04:51 dist/x.iso";
//! assert_eq!(copy_of(synced), CopyState::Current);
//! assert_eq!(copy_of(stale), CopyState::Outdated);
//! ```

pub mod admin;
pub mod config;
pub mod db;
pub mod decide;
pub mod domain;
pub mod fcgi;
pub mod fetch;
pub mod geoip;
pub mod http;
pub mod index;
pub mod notify;
pub mod probe;
pub mod program;
pub mod regular_file;
pub mod respond;
pub mod scan;
pub mod snapshot;
pub mod system;
pub mod tree;
