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
