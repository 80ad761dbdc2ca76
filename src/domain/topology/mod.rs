//! Which autonomous system announces a network, and how networks are labelled: tables that an admin
//! makes from routing data of his choice.
//!
//! [`NetworkForm`] recognises a file of networks by its first line and reads its lines.
//! [`NetworkSet`] collects them, and [`OriginTally`] those of a routing table with several peers.
//! [`NetworkTable`] answers which of the networks an address is in; `encoding` is its form on disk.
//!
//! # Security
//! Lines and bytes may be anything: a line that cannot be read is told, and a table whose sum or
//! counts are wrong is refused.

mod encoding;
mod line;
mod origin;
mod set;
mod table;

pub use encoding::{TABLE_MAGIC, TableDamage};
pub use line::{NetworkForm, NetworkLine, NetworkName};
pub use origin::OriginTally;
pub use set::{NetworkSet, NetworkSetCounts};
pub use table::{KnownNetwork, NetworkTable};
