//! `heliostat-scan`: lists mirrors and records which files each of them has.
//!
//! A long-lived [`Scanner`] loads the catalogue ([`KnownFiles`]) and makes one [`ScanRun`] per
//! mirror, several at a time; each returns a [`MirrorReport`]. A run takes the mirror's lock, lists
//! it by the first [`Protocol`] that works (over FTP and HTTP by a `crawl`), streams the lines
//! through a [`Tally`] into a [`Listing`], and ends in one short transaction (`publish`) that
//! judges it (`judge`) and publishes it as one bitmap generation, or keeps it aside. The mirror's
//! own trace (`trace`) is asked for before; pings are requests for scans (`request`).
//!
//! # Errors
//! Returns [`ScanError`] if no scan could begin. A mirror that fails is reported and changes
//! nothing, and the others go on. A directory that a server does not list, for example because of
//! its permissions, keeps its previous state, and the run ends as partial.
//!
//! # Limits
//! Those of [`crate::fetch`] for each listing; [`JOBS_MAX`](crate::config::JOBS_MAX) mirrors at a
//! time.
//!
//! # Locking
//! One scan per mirror at a time (`lock`), whichever process runs it. No transaction is open while
//! a scan waits for the network. A process that is killed leaves the mirror's content as it was.

pub mod args;
mod choose;
mod compare;
mod crawl;
pub mod due;
mod error;
mod filter;
mod listing;
mod lock;
mod network;
mod output;
mod program;
mod protocol;
mod publish;
mod report;
mod request;
mod run;
mod scanner;
mod trace;

pub use crate::snapshot::{Cursor, KnownFiles};
pub use choose::{MirrorChoice, choose_all, choose_named};
pub use compare::area::{Area, DirectoryArea};
pub use compare::directory::{DirectoryFacts, KnownDirectories};
pub use compare::known::{KnownTree, LARGE_BYTES, LargeFile};
pub use compare::large_files::UndeliverableFiles;
pub use compare::tally::{Observations, Tally, ZoneFrom};
pub use crawl::memory::{CrawlRest, DirectoryMemory, Memory};
pub use crawl::reading::PreviousListing;
pub use crawl::wanted::CrawlRules;
pub use error::{MirrorError, ScanError};
pub use listing::{Links, Listing};
pub use network::Network;
pub use output::{Output, Style};
pub use program::main;
pub use protocol::Protocol;
pub use publish::conclude::conclude;
pub use publish::judge::{CONFIRM_SHARE_MAX, JudgementLimits, Suspicion};
pub use publish::options::{PublishOptions, ScanSpan};
pub use report::{MirrorReport, ScanCounts, ScanReport};
pub use request::{RequestError, collect_requests};
pub use run::ScanRun;
pub use scanner::{ScanOptions, ScanTask, Scanner};
pub use trace::TraceRead;
