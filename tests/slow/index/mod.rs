//! Long files, large trees, and runs that are killed.

mod hash_kill;
mod hash_long;
mod kill;
mod wal;
