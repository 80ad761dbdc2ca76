//! `heliostat smoke`: downloads through a virtual host as clients do, and checks what each mirror
//! sends.
//!
//! Files are sampled; each is asked for from each place as a whole, as a range and as a metalink.
//! The host's answers name mirrors, which are then asked for the bytes. Size and digests come from
//! the database, or from the host's own documents.
//!
//! # Security
//! The host is the admin's. Its redirects lead to mirrors of the database, to public addresses, or
//! to addresses of the host's own scope; a mirror's redirects obey the rules of probes.

mod args;
mod download;
mod metalink;
mod plan;
mod report;
mod report_text;
mod result;
mod run;
mod truth;
mod verdict;

pub use args::SmokeArgs;
pub use run::{smoke_alone, smoke_site};
