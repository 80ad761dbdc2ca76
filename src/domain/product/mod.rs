//! Products that clients ask for by name, system and language: `?product=NAME&os=OS&lang=LANGUAGE`,
//! as from bouncer.
//!
//! - [`table`]: products, their languages and files, and aliases.
//! - [`rule`]: gives some clients another product, or hands them to another host.
//! - [`asked`]: reads a query and finds where it leads.

pub mod asked;
pub mod rule;
pub mod table;

pub use asked::{ProductArguments, ProductClient, ProductLead, ProductVary, ResolvedProduct};
pub use rule::{HandoffRule, OsChange, ProductLaw, ProductPattern, ProductRule};
pub use table::{ALIAS_STEPS_MAX, LANGUAGE_MARK, Product, ProductTable, is_language};

#[cfg(test)]
mod product_tests;
