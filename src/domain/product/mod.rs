//! Products that clients ask for by name, system and language: `?product=NAME&os=OS&lang=LANGUAGE`,
//! as from bouncer.
//!
//! - [`table`]: products, their languages and files, and aliases.
//! - [`rule`]: which clients get another product than they ask for, or are handed to another host.
//! - [`asked`]: what a query asks for, and what that leads to.

pub mod asked;
pub mod rule;
pub mod table;

pub use asked::{ProductArguments, ProductClient, ProductLead, ProductVary, ResolvedProduct};
pub use rule::{HandoffRule, OsChange, ProductLaw, ProductPattern, ProductRule};
pub use table::{ALIAS_STEPS_MAX, LANGUAGE_MARK, Product, ProductTable, is_language};

#[cfg(test)]
mod product_tests;
