//! Reads INSERT statements.

use super::clause::{name_list, values};
use super::error::DumpError;
use super::parser::Parser;
use super::refusal::LOAD_FIRST;
use super::row::Table;
use super::sink::RowSink;
use super::statement::Statement;
use super::token::{Token, Tokens};

impl Parser {
    /// `INSERT INTO name [AS alias] [(columns)] [OVERRIDING SYSTEM VALUE] VALUES (…), (…)`.
    pub(super) fn insert<S: RowSink>(
        &mut self,
        statement: &Statement,
        mut tokens: Tokens<'_>,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let line = statement.first_line;
        tokens.take_word("INTO");
        let Some(name) = self.table_name(&mut tokens) else {
            return Err(self.syntax(line, "this INSERT names no table").into());
        };
        if tokens.take_word("AS") {
            tokens.take_name();
        }
        let named = name_list(&mut tokens);
        let (columns, columns_of) = self.columns(line, &name, named, sink)?;
        self.begin(
            Table {
                name,
                columns,
                columns_of,
            },
            sink,
        )?;
        while !tokens.take_word("VALUES") {
            if tokens.next().is_none() {
                let problem = format!("this INSERT has no VALUES; {LOAD_FIRST}");
                return Err(self.syntax(line, problem).into());
            }
        }
        loop {
            let (name, wanted) = match &self.current {
                Some(current) => (current.table.name.clone(), current.wanted),
                None => return Ok(()),
            };
            self.facts(line, &name)?.rows += 1;
            self.fields.clear();
            let read = values(&mut tokens, &mut self.fields);
            if !wanted {
                // Its rows are counted; what stands in them is nobody's business.
                if read.is_ok() && tokens.take_symbol(b',') {
                    continue;
                }
                return Ok(());
            }
            if let Err(place) = read {
                return Err(self.no_value(line, place).into());
            }
            self.give(line, sink)?;
            if !tokens.take_symbol(b',') {
                return Ok(self.end_of_insert(line, tokens.next())?);
            }
        }
    }

    /// Refuses an INSERT that goes on after its values, as where a comma is missing: rows would be
    /// lost.
    pub(super) fn end_of_insert(
        &self,
        line: u64,
        next: Option<Token<'_>>,
    ) -> Result<(), DumpError> {
        let is_end = |token: &Token<'_>| token.is_word("ON") || token.is_word("RETURNING");
        if next.as_ref().is_none_or(is_end) {
            return Ok(());
        }
        let problem = format!(
            "this INSERT goes on after its values, in a way that is not understood (is a comma \
             missing?); correct it, or {LOAD_FIRST}"
        );
        Err(self.syntax(line, problem))
    }

    /// Refuses a value that is to be computed, such as `50+50`.
    pub(super) fn no_value(&self, line: u64, place: usize) -> DumpError {
        let table = self.current.as_ref().map(|current| &current.table);
        let column = table.and_then(|table| table.columns.get(place));
        let of = match (table, column) {
            (Some(table), Some(column)) => format!("table {}, column {column}: ", table.name),
            (Some(table), None) => format!("table {}: ", table.name),
            _ => String::new(),
        };
        let problem = format!(
            "{of}the value is no number, no text in quotes, and not true, false or NULL; write \
             one of these, or {LOAD_FIRST}"
        );
        self.syntax(line, problem)
    }
}
