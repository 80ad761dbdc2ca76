//! Judges of our answers against those of a real MirrorBrain and against the selection law.

pub mod answered;
pub mod apache;
pub mod case;
pub mod difference;
pub mod judge;
pub mod known;
pub mod law;
pub mod list;
pub mod metalink;
pub mod own_part;
pub mod page;
pub mod recording;
pub mod redirect;
pub mod sample;
pub mod seed;
pub mod site;
