//! Parses the lines of a dump and gives its rows.

use std::collections::BTreeMap;

use super::error::DumpError;
use super::field::DumpFields;
use super::row::{PUBLIC, Row, Table};
use super::sink::{RowSink, TableFacts};
use super::statement::{STATEMENT_BYTES_MAX, Statement, StatementReader};
use super::token::{Token, Tokens};

/// Longest line in bytes: a COPY row is one line, and an INSERT may be.
pub const LINE_BYTES_MAX: usize = STATEMENT_BYTES_MAX;

/// pg_dump's first comment, and that of pg_dumpall; what begins so ends in [`TRAILER`].
const HEADERS: [&[u8]; 2] = [
    b"-- PostgreSQL database dump",
    b"-- PostgreSQL database cluster dump",
];

/// Of text files of Windows.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// pg_dump's last comment; what has its first one and lacks this was cut.
const TRAILER: &[u8] = b"-- PostgreSQL database dump complete";

/// The rows at hand: of a COPY block, or of INSERT statements of one table.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) table: Table,
    pub(super) wanted: bool,
}

/// Reads a dump line by line.
#[derive(Debug)]
pub struct Parser {
    pub(super) line: u64,
    pub(super) scanner: StatementReader,
    pub(super) fields: DumpFields,
    pub(super) current: Option<Current>,
    pub(super) in_copy: bool,
    pub(super) schema: String,
    pub(super) tables: BTreeMap<String, TableFacts>,
    complete: bool,
    /// pg_dump's first comment was there.
    has_header: bool,
    /// A statement was there.
    has_begun: bool,
}

impl Default for Parser {
    fn default() -> Parser {
        Parser {
            line: 0,
            scanner: StatementReader::new(),
            fields: DumpFields::default(),
            current: None,
            in_copy: false,
            schema: PUBLIC.to_owned(),
            tables: BTreeMap::new(),
            complete: false,
            has_header: false,
            has_begun: false,
        }
    }
}

impl Parser {
    /// Lines read so far.
    pub fn lines(&self) -> u64 {
        self.line
    }

    /// Every table seen so far.
    pub fn tables(&self) -> &BTreeMap<String, TableFacts> {
        &self.tables
    }

    /// Reads one line, without its line feed.
    ///
    /// # Errors
    /// [`DumpError`], or what the sink returns.
    pub fn line<S: RowSink>(&mut self, line: &[u8], sink: &mut S) -> Result<(), S::Error> {
        self.line += 1;
        if self.in_copy {
            return self.copy_line(line, sink);
        }
        let line = match self.line {
            1 => line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line),
            _ => line,
        };
        if !self.scanner.is_inside() {
            // psql's own commands (\restrict, \connect) end with their line.
            if let Some(command) = line.strip_prefix(b"\\") {
                return Ok(self.refuse_further_file(command)?);
            }
            if line.trim_ascii_end() == TRAILER {
                self.complete = true;
                return Ok(());
            }
            self.has_header |= HEADERS.contains(&line.trim_ascii_end());
        }
        for part in [line, b"\n"] {
            let mut rest = part;
            while let Some((statement, after)) = self.scanner.feed(self.line, rest)? {
                self.statement(&statement, sink)?;
                if self.in_copy {
                    return Ok(());
                }
                rest = after;
            }
        }
        Ok(())
    }

    /// Reads a last line that lacks its line feed: pg_dump ends every line with one, so half a row
    /// is no row, and [`Parser::finish`] tells that it was cut.
    ///
    /// # Errors
    /// [`DumpError`], or what the sink returns.
    pub fn last_line<S: RowSink>(&mut self, line: &[u8], sink: &mut S) -> Result<(), S::Error> {
        if self.in_copy {
            self.line += 1;
            return Ok(());
        }
        self.line(line, sink)
    }

    /// Says whether the dump was whole.
    ///
    /// # Errors
    /// Returns [`DumpError::Cut`] if the dump is cut, and [`DumpError::Empty`] if it has no
    /// statement.
    pub fn finish(&self) -> Result<(), DumpError> {
        let place = match &self.current {
            Some(current) if self.in_copy => {
                format!("in the middle of the rows of table {}", current.table.name)
            }
            _ if self.scanner.is_inside() => "in the middle of a statement".to_owned(),
            _ if !self.has_header && !self.has_begun => return Err(DumpError::Empty),
            _ if !self.complete && self.has_header => {
                "without pg_dump's closing line 'PostgreSQL database dump complete'".to_owned()
            }
            _ => return Ok(()),
        };
        Err(DumpError::Cut {
            line: self.line,
            place,
        })
    }

    pub(super) fn syntax(&self, line: u64, problem: impl Into<String>) -> DumpError {
        DumpError::Syntax {
            line,
            problem: problem.into(),
        }
    }

    /// Gives the decoded fields to the sink as a row of the current table.
    pub(super) fn give<S: RowSink>(&self, line: u64, sink: &mut S) -> Result<(), S::Error> {
        let Some(current) = &self.current else {
            return Ok(());
        };
        let table = &current.table;
        if self.fields.len() != table.columns.len() {
            let problem = format!(
                "table {}: the row has {} fields, not {}{}",
                table.name,
                self.fields.len(),
                table.columns.len(),
                table.remedy()
            );
            return Err(self.syntax(line, problem).into());
        }
        sink.row(&Row {
            table,
            fields: &self.fields,
            line,
        })
    }

    fn statement<S: RowSink>(
        &mut self,
        statement: &Statement,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        // Another database's dump may follow (pg_dumpall); it must be whole as well.
        self.complete = false;
        self.has_begun = true;
        let mut tokens = Tokens::new(&statement.text, self.scanner.standard_strings);
        match tokens.next() {
            Some(token) if token.is_word("COPY") => self.copy(statement, tokens, sink),
            Some(token) if token.is_word("INSERT") => self.insert(statement, tokens, sink),
            Some(token) if token.is_word("CREATE") => {
                if let Some(table) = self.create(statement, tokens)? {
                    sink.defined(&table);
                }
                Ok(())
            }
            Some(token) if token.is_word("SET") => {
                self.set(tokens);
                Ok(())
            }
            Some(token) => Ok(self.refuse_change(statement.first_line, &token, tokens)?),
            None => Ok(()),
        }
    }

    /// `SET search_path = mirrors, pg_catalog`, `SET standard_conforming_strings = off`.
    fn set(&mut self, mut tokens: Tokens<'_>) {
        let name = tokens.take_name();
        if !tokens.take_symbol(b'=') {
            tokens.take_word("TO");
        }
        let value = match tokens.next() {
            Some(Token::Word(word)) => word.to_ascii_lowercase(),
            Some(Token::Name(name)) => name,
            Some(Token::Literal(text)) => text,
            _ => return,
        };
        match name.as_deref() {
            Some("standard_conforming_strings") => {
                self.scanner.standard_strings = value != b"off";
            }
            Some("search_path") if !value.is_empty() => {
                self.schema = String::from_utf8_lossy(&value).into_owned();
            }
            _ => {}
        }
    }
}
