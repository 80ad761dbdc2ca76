//! `heliostat-index`: the catalogue of the tree, and hashes.

mod failure;
mod hash;
mod hash_content;
mod hash_failure;
mod hash_fair;
mod hash_kill;
mod index;
mod kill;
