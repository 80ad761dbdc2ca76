//! Copies under load, runs that are killed, large imports.

mod backup;
mod import_kill;
mod import_unpacked;
mod restore_kill;
