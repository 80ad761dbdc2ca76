//! Names the tables of a dump and their columns.

use super::clause::defined_columns;
use super::error::DumpError;
use super::parser::{Current, Parser};
use super::row::{ColumnSource, PUBLIC, Table};
use super::sink::{RowSink, TableFacts};
use super::statement::Statement;
use super::token::Tokens;

/// Tables that a dump may name; MirrorBrain's has a dozen.
const TABLES_MAX: usize = 10_000;

impl Parser {
    /// `CREATE TABLE name (column type, …, CONSTRAINT …)`.
    pub(super) fn create(
        &mut self,
        statement: &Statement,
        mut tokens: Tokens<'_>,
    ) -> Result<Option<String>, DumpError> {
        tokens.take_word("UNLOGGED");
        if !tokens.take_word("TABLE") {
            return Ok(None);
        }
        if tokens.take_word("IF") {
            tokens.take_word("NOT");
            tokens.take_word("EXISTS");
        }
        let Some(name) = self.table_name(&mut tokens) else {
            return Ok(None);
        };
        let columns = defined_columns(&mut tokens);
        let facts = self.facts(statement.first_line, &name)?;
        if facts.defined {
            return Err(DumpError::Twice {
                line: statement.first_line,
                table: name,
            });
        }
        facts.defined = true;
        facts.columns = columns;
        Ok(Some(name))
    }

    /// The columns that a statement names, else those of CREATE TABLE, else those that the table
    /// usually has.
    pub(super) fn columns<S: RowSink>(
        &self,
        line: u64,
        table: &str,
        named: Vec<String>,
        sink: &mut S,
    ) -> Result<(Vec<String>, ColumnSource), DumpError> {
        if !named.is_empty() {
            return Ok((named, ColumnSource::Statement));
        }
        if let Some(facts) = self.tables.get(table).filter(|facts| facts.defined) {
            return Ok((facts.columns.clone(), ColumnSource::Definition));
        }
        if let Some(columns) = sink.assumed_columns(table) {
            return Ok((columns, ColumnSource::Assumption));
        }
        Err(self.syntax(
            line,
            format!("the columns of table {table} are not named; use pg_dump --column-inserts"),
        ))
    }

    /// Makes a table the current one; asks the sink when it was not.
    pub(super) fn begin<S: RowSink>(&mut self, table: Table, sink: &mut S) -> Result<(), S::Error> {
        let same = self.current.as_ref().is_some_and(|now| now.table == table);
        if !same {
            self.facts(self.line, &table.name)?;
            let wanted = sink.table(&table)?;
            self.facts(self.line, &table.name)?.wanted |= wanted;
            self.current = Some(Current { table, wanted });
        }
        Ok(())
    }

    /// `[schema.]table`.
    pub(super) fn table_name(&self, tokens: &mut Tokens<'_>) -> Option<String> {
        let first = tokens.take_name()?;
        let (schema, table) = if tokens.take_symbol(b'.') {
            (first, tokens.take_name()?)
        } else {
            (self.schema.clone(), first)
        };
        Some(if schema == PUBLIC {
            table
        } else {
            format!("{schema}.{table}")
        })
    }

    pub(super) fn facts(&mut self, line: u64, table: &str) -> Result<&mut TableFacts, DumpError> {
        if self.tables.len() >= TABLES_MAX && !self.tables.contains_key(table) {
            let problem = format!("it names more than {TABLES_MAX} tables; it looks damaged");
            return Err(self.syntax(line, problem));
        }
        Ok(self.tables.entry(table.to_owned()).or_default())
    }
}
