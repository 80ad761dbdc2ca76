//! Large imports.

mod import_unpacked;
