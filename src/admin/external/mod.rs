//! Commands of `heliostat` that start another program of ours.

pub mod makehashes;
pub mod run;
