//! `heliostat-scan`: which mirror has which file.
//!
//! A long-lived [`Scanner`] loads the catalogue ([`KnownFiles`]), and makes one [`Run`] a mirror,
//! several at a time; each gives a [`MirrorReport`]. A run takes the mirror's lock, lists it by the
//! first [`Protocol`] that works (over FTP and HTTP by a `crawl`), streams the listing
//! through a [`Tally`], and ends in one short transaction (`publish`) that judges what was
//! seen (`judge`) and publishes it as one bitmap generation, or keeps it aside. What a mirror
//! says of itself (`trace`) is asked for before; pings are requests for scans (`request`).
//!
//! # Errors
//! A mirror that fails is reported and changes nothing; the others go on. What a server could not
//! list (directories without permission) keeps its previous state, and the run ends as partial.
//!
//! # Limits
//! Those of [`crate::fetch`] for each listing; `JOBS_MAX` mirrors at a time.
//!
//! # Locking
//! One scan a mirror (`lock`), over all processes. No transaction is open while the network is
//! waited for. A process that is killed leaves the content before, and no run.

mod area;
pub mod args;
mod choose;
mod crawl;
mod crawl_ftp;
mod crawl_page;
mod directory;
pub mod due;
mod error;
mod filter;
mod judge;
mod known;
mod large;
mod lock;
mod memory;
mod output;
mod program;
mod protocol;
mod publish;
mod repeat;
mod report;
mod request;
mod run;
mod scanner;
mod shift;
mod tally;
mod trace;
mod wanted;

pub use crate::db::known::{Cursor, KnownFiles};
pub use area::{Area, Directories};
pub use choose::{Choice, choose_all, choose_named};
pub use crawl::Before;
pub use directory::{DirectoryFacts, KnownDirectories};
pub use error::{MirrorError, ScanError};
pub use judge::{CONFIRM_SHARE_MAX, Limits, Suspicion};
pub use known::{KnownTree, LARGE_BYTES, LargeFile};
pub use large::Undeliverable;
pub use memory::{Memory, Remembered};
pub use output::{Output, Style};
pub use program::main;
pub use protocol::{Found, Left, Network, Protocol};
pub use publish::{Conclusion, Finding, Rules, conclude};
pub use report::{Counts, MirrorReport, Report};
pub use request::{RequestError, collect_requests};
pub use run::Run;
pub use scanner::{ScanOptions, Scanner, Task};
pub use tally::{Seen, Tally, ZoneFrom};
pub use trace::TraceRead;
pub use wanted::Wanted;
