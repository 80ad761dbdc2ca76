//! The mirror database: the only SQL of the crate.
