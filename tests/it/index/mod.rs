//! `heliostat-index`: the catalogue of the tree, and hashes.

mod failure;
mod hash;
mod hash_failure;
mod hash_fair;
mod index;
