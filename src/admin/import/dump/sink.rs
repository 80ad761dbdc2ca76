//! Where the rows of a dump go, and what is seen of its tables.

use super::error::DumpError;
use super::row::{Row, Table};

/// Takes the rows.
pub trait RowSink {
    /// The error for a refused row.
    type Error: From<DumpError>;

    /// Rows of this table come next; `false`: they need not be read. It may be asked again.
    ///
    /// # Errors
    /// Ends the reading.
    fn table(&mut self, table: &Table) -> Result<bool, Self::Error>;

    /// A table of this name is defined, of which rows may follow.
    fn defined(&mut self, _name: &str) {}

    /// The columns of a table in the order of the rows that come, which neither those nor a CREATE
    /// TABLE name; `None` when they are not known.
    fn assumed_columns(&mut self, _table: &str) -> Option<Vec<String>> {
        None
    }

    /// One row of a table that is wanted.
    ///
    /// # Errors
    /// Ends the reading.
    fn row(&mut self, row: &Row<'_>) -> Result<(), Self::Error>;
}

/// Counts of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFacts {
    /// The columns that CREATE TABLE names.
    pub columns: Vec<String>,
    /// Rows, also those that were not wanted.
    pub rows: u64,
    /// A CREATE TABLE was there; a second one belongs to another database.
    pub(super) defined: bool,
    /// A COPY was there; pg_dump writes one a table.
    pub(super) copied: bool,
    /// Its rows are read.
    pub(super) wanted: bool,
}
