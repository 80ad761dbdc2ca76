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

pub mod args;
mod choose;
mod compare;
mod crawl;
pub mod due;
mod error;
mod filter;
mod lock;
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
pub use choose::{Choice, choose_all, choose_named};
pub use compare::area::{Area, Directories};
pub use compare::directory::{DirectoryFacts, KnownDirectories};
pub use compare::known::{KnownTree, LARGE_BYTES, LargeFile};
pub use compare::large::Undeliverable;
pub use compare::tally::{Seen, Tally, ZoneFrom};
pub use crawl::crawler::Before;
pub use crawl::memory::{Memory, Remembered};
pub use crawl::wanted::Wanted;
pub use error::{MirrorError, ScanError};
pub use output::{Output, Style};
pub use program::main;
pub use protocol::{Found, Left, Network, Protocol};
pub use publish::conclude::{Conclusion, Finding, Rules, conclude};
pub use publish::judge::{CONFIRM_SHARE_MAX, Limits, Suspicion};
pub use report::{Counts, MirrorReport, Report};
pub use request::{RequestError, collect_requests};
pub use run::Run;
pub use scanner::{ScanOptions, Scanner, Task};
pub use trace::TraceRead;
