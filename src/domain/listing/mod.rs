//! Listings of mirrors: what each protocol says about the files that a mirror has.
//!
//! Parsers are pure and total: whatever bytes a mirror sends, they give a value, never a panic.
//! [`rsync`] reads the lines of `rsync --list-only`, [`rsync_message`] what rsync says beside
//! them: what it could not list, and why it failed.

pub mod rsync;
pub mod rsync_message;
mod unlisted;

pub use unlisted::{UNLISTED_MAX, Unlisted};
