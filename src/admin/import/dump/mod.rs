//! Reads a plain `pg_dump` line by line: tables, columns, rows.
//!
//! [`Parser`] is given one line after the other and gives each row of the tables that its
//! [`RowSink`] wants; nothing but the statement at hand is kept, so a dump may be larger than
//! memory. Rows come from `COPY … FROM stdin` blocks and from `INSERT` statements alike; what
//! else a dump holds (functions, indexes, grants) is passed over by its quoting rules.
//! [`Row`] reads the values of PostgreSQL's text formats.
//!
//! # Errors
//! [`DumpError`] names the line. A dump that has pg_dump's first comment and not its last one is
//! [`DumpError::Cut`]: so a cut shows. A dump that a person or another program wrote has neither.
//!
//! # Limits
//! [`LINE_BYTES_MAX`], `STATEMENT_BYTES_MAX`.
//!
//! # Security
//! Total: any bytes give rows or an error, never a panic; nothing of a dump is executed.

mod clause;
mod copy;
mod error;
mod field;
mod insert;
mod parser;
#[cfg(test)]
mod parser_tests;
mod refusal;
mod row;
mod sink;
mod statement;
mod table;
mod token;
mod value;

pub use error::DumpError;
pub use parser::{LINE_BYTES_MAX, Parser};
pub use row::Row;
pub use row::Table;
pub use sink::RowSink;
pub use statement::TOO_LONG;
pub use value::timestamp;
