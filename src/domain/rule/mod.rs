//! Rules of directories: their keys, how they are merged and overridden, and which files and
//! clients they exclude.

mod entry;
mod exclusion;
mod rollout;
mod written;

pub use entry::{DhtNode, Fallback, MirrorlistFrame, NetworkRule};
pub use exclusion::{Exclusion, ExclusionSubject};
pub use rollout::Rollout;
pub use written::{
    BY_ACCEPT, RawAcceptRule, RawFallback, RawMetalinkRules, RawRules, Rules, key_of_parameter,
};
