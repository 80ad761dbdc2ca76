//! Gives the values of one row by the names of its columns.

use super::error::DumpError;
use super::field::DumpFields;
use super::value;
use crate::domain::url::mask_password;

/// Longest part of a value that an error shows.
const SHOWN_BYTES_MAX: usize = 40;

/// Remedy for a value without a better one.
const CORRECT: &str = "; correct it in MirrorBrain and dump again";

/// The schema whose tables are named without it.
pub(super) const PUBLIC: &str = "public";

/// One row of a table.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    pub(crate) table: &'a Table,
    pub(crate) fields: &'a DumpFields,
    /// The line where it begins.
    pub line: u64,
}

impl<'a> Row<'a> {
    /// The table's name; with its schema unless that is `public`.
    pub fn table(&self) -> &'a str {
        &self.table.name
    }

    /// The bytes of a column; `None` when it is NULL or the table has no such column.
    pub fn bytes(&self, column: &str) -> Option<&'a [u8]> {
        let place = self.table.columns.iter().position(|name| name == column)?;
        self.fields.get(place)
    }

    /// Text; NULL and a missing column are empty. Text that is no UTF-8 is read as Latin-1, the
    /// one other encoding such databases were made with.
    pub fn text(&self, column: &str) -> String {
        let bytes = self.bytes(column).unwrap_or_default();
        match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
        }
    }

    fn read<T>(
        &self,
        column: &str,
        expected: &'static str,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, DumpError> {
        let Some(bytes) = self.bytes(column) else {
            return Ok(None);
        };
        match read(bytes) {
            Some(value) => Ok(Some(value)),
            None => Err(DumpError::Value {
                line: self.line,
                table: self.table.name.clone(),
                column: column.to_owned(),
                value: shown(bytes),
                expected,
                remedy: match self.table.remedy() {
                    remedy if remedy.is_empty() => CORRECT.to_owned(),
                    remedy => remedy,
                },
            }),
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// Returns [`DumpError::Value`] if the value is not of that type.
    pub fn integer(&self, column: &str) -> Result<Option<i64>, DumpError> {
        self.read(column, "whole number", value::integer)
    }

    /// A whole number that a row cannot be without.
    ///
    /// # Errors
    /// [`DumpError::Value`], also for NULL; [`DumpError::Syntax`] for a missing column.
    pub fn needed_integer(&self, column: &str) -> Result<i64, DumpError> {
        self.integer(column)?.ok_or_else(|| DumpError::Syntax {
            line: self.line,
            problem: format!("table {} has no {column} here", self.table.name),
        })
    }

    /// A number with a fraction; it may be `NaN` or infinite.
    ///
    /// # Errors
    /// Returns [`DumpError::Value`] if the value is not of that type.
    pub fn number(&self, column: &str) -> Result<Option<f64>, DumpError> {
        self.read(column, "number", value::number)
    }

    /// A boolean; NULL and a missing column are false.
    ///
    /// # Errors
    /// Returns [`DumpError::Value`] if the value is not of that type.
    pub fn boolean(&self, column: &str) -> Result<bool, DumpError> {
        Ok(self
            .read(column, "boolean", value::boolean)?
            .unwrap_or(false))
    }

    /// Binary data; `None` also when it is empty, which is how MirrorBrain says "not there".
    ///
    /// # Errors
    /// Returns [`DumpError::Value`] if the value is not of that type.
    pub fn bytea(&self, column: &str) -> Result<Option<Vec<u8>>, DumpError> {
        let bytes = self.read(column, "bytea", value::bytea)?;
        Ok(bytes.filter(|bytes| !bytes.is_empty()))
    }

    /// Gives each number of an array; NULL is an empty one.
    ///
    /// # Errors
    /// Returns [`DumpError::Value`] if the value is not of that type.
    pub fn integers(&self, column: &str, give: impl FnMut(i64)) -> Result<(), DumpError> {
        self.read(column, "array of whole numbers", |text| {
            value::integers(text, give)
        })?;
        Ok(())
    }
}

fn shown(bytes: &[u8]) -> String {
    // The URL of a mirror may stand in the place of another column.
    let masked = std::str::from_utf8(bytes).map(mask_password);
    let bytes = masked.as_ref().map_or(bytes, String::as_bytes);
    let cut = bytes.len() > SHOWN_BYTES_MAX;
    let bytes = &bytes[..bytes.len().min(SHOWN_BYTES_MAX)];
    let more = if cut { "…" } else { "" };
    format!("{}{more}", bytes.escape_ascii())
}

/// A table whose rows come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name; with its schema unless that is `public`.
    pub name: String,
    /// The columns in the order of the fields.
    pub columns: Vec<String>,
    /// Where they are known from.
    pub columns_of: ColumnSource,
}

/// Where the columns of a table come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnSource {
    /// The statement names them.
    Statement,
    /// CREATE TABLE names them.
    Definition,
    /// The sink says how they usually are.
    Assumption,
}

impl Table {
    /// Remedy for values that do not fit columns which the statement does not name; begins with a
    /// comma, or is empty.
    pub(crate) fn remedy(&self) -> String {
        let of = match self.columns_of {
            ColumnSource::Definition => "its CREATE TABLE",
            ColumnSource::Assumption => "MirrorBrain's schema",
            ColumnSource::Statement => return String::new(),
        };
        let first = self.columns.iter().map(String::as_str);
        let first: Vec<&str> = first.filter(|name| *name != "id").take(2).collect();
        format!(
            ", and {of} has {}; name the columns that are meant: INSERT INTO {} ({}, …) VALUES …",
            self.columns.join(", "),
            self.name,
            first.join(", ")
        )
    }
}
