//! Tables of networks that an admin makes from routing data: the autonomous system that announces
//! each network, and its label.
//!
//! [`NetworkForm`] recognises a file of networks by its first line and reads its lines.
//! [`NetworkSet`] collects them, and [`OriginTally`] those of a routing table with several peers.
//! [`NetworkTable`] answers which of the networks an address is in; `encoding` is its form on disk.
//! [`NetworkRules`] give clients of some networks the mirrors that an admin names.
//!
//! # Security
//! Lines and bytes may be anything: a line that cannot be read is reported, and a table whose sum
//! or counts are wrong is refused.

mod encoding;
mod line;
mod origin;
mod rule;
mod set;
mod table;

pub use encoding::{TABLE_MAGIC, TableDamage};
pub use line::{NetworkForm, NetworkLine, NetworkName};
pub use origin::OriginTally;
pub use rule::{NetworkRules, RuleClient, RuleProblem, TopologyRule, bucket};
pub use set::{NetworkSet, NetworkSetCounts};
pub use table::{KnownNetwork, NetworkTable};
