//! Reads COPY blocks.

use super::clause::name_list;
use super::error::DumpError;
use super::parser::Parser;
use super::refusal::LOAD_FIRST;
use super::row::Table;
use super::sink::RowSink;
use super::statement::Statement;
use super::token::Tokens;

impl Parser {
    /// `COPY name (columns) [WITH OIDS] FROM stdin`.
    pub(super) fn copy<S: RowSink>(
        &mut self,
        statement: &Statement,
        mut tokens: Tokens<'_>,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let line = statement.first_line;
        let unusual = |parser: &Parser| {
            parser.syntax(
                line,
                format!(
                    "this COPY is not as pg_dump writes it (COPY … FROM stdin, without options \
                     such as CSV); make a plain dump, or {LOAD_FIRST}"
                ),
            )
        };
        let name = self.table_name(&mut tokens).ok_or_else(|| unusual(self))?;
        let named = name_list(&mut tokens);
        let (mut columns, columns_of) = self.columns(line, &name, named, sink)?;
        if tokens.take_word("WITH") && tokens.take_word("OIDS") {
            columns.insert(0, "oid".to_owned());
        }
        if !tokens.take_word("FROM") || !tokens.take_word("stdin") || tokens.next().is_some() {
            return Err(unusual(self).into());
        }
        let facts = self.facts(line, &name)?;
        if std::mem::replace(&mut facts.copied, true) {
            return Err(DumpError::Twice { line, table: name }.into());
        }
        self.begin(
            Table {
                name,
                columns,
                columns_of,
            },
            sink,
        )?;
        self.in_copy = true;
        Ok(())
    }

    pub(super) fn copy_line<S: RowSink>(
        &mut self,
        line: &[u8],
        sink: &mut S,
    ) -> Result<(), S::Error> {
        // A carriage return in the data is escaped: a bare one came with the line's end.
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line == b"\\." {
            self.in_copy = false;
            return Ok(());
        }
        let Some(current) = &self.current else {
            return Ok(());
        };
        if let Some(facts) = self.tables.get_mut(&current.table.name) {
            facts.rows += 1;
        }
        if !current.wanted {
            return Ok(());
        }
        self.fields
            .decode_copy_line(line)
            .map_err(|problem| self.syntax(self.line, problem))?;
        self.give(self.line, sink)
    }
}
