//! Parses the lines of a dump and gives its rows.

use std::collections::BTreeMap;

use super::clause::{defined_columns, name_list, values};
use super::error::DumpError;
use super::field::DumpFields;
use super::row::{ColumnSource, Row, Table};
use super::statement::{STATEMENT_BYTES_MAX, Statement, StatementReader};
use super::token::{Token, Tokens};

/// Longest line in bytes: a COPY row is one line, and an INSERT may be.
pub const LINE_BYTES_MAX: usize = STATEMENT_BYTES_MAX;

/// pg_dump's first comment, and that of pg_dumpall; what begins so ends in [`TRAILER`].
const HEADERS: [&[u8]; 2] = [
    b"-- PostgreSQL database dump",
    b"-- PostgreSQL database cluster dump",
];

/// Tables that a dump may name; MirrorBrain's has a dozen.
const TABLES_MAX: usize = 10_000;

/// Of text files of Windows.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// pg_dump's last comment; what has its first one and lacks this was cut.
const TRAILER: &[u8] = b"-- PostgreSQL database dump complete";

/// Takes the rows.
pub trait RowSink {
    /// What refusing a row ends in.
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

/// What was seen of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFacts {
    /// The columns that CREATE TABLE names.
    pub columns: Vec<String>,
    /// Rows, also those that were not wanted.
    pub rows: u64,
    /// A CREATE TABLE was there; a second one belongs to another database.
    defined: bool,
    /// A COPY was there; pg_dump writes one a table.
    copied: bool,
    /// Its rows are read.
    wanted: bool,
}

/// The rows at hand: of a COPY block, or of INSERT statements of one table.
#[derive(Debug)]
struct Current {
    table: Table,
    wanted: bool,
}

/// Reads a dump line by line.
#[derive(Debug)]
pub struct Parser {
    line: u64,
    scanner: StatementReader,
    fields: DumpFields,
    current: Option<Current>,
    in_copy: bool,
    schema: String,
    tables: BTreeMap<String, TableFacts>,
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

const PUBLIC: &str = "public";

/// Statements that may change rows.
const CHANGES: [&str; 9] = [
    "UPDATE", "DELETE", "MERGE", "TRUNCATE", "WITH", "DO", "CALL", "ROLLBACK", "ABORT",
];

/// Commands of psql that take rows from another file.
const FURTHER_FILES: [&[u8]; 5] = [b"i", b"ir", b"include", b"include_relative", b"copy"];

/// What to do about a file that only PostgreSQL can carry out.
const LOAD_FIRST: &str = "load the file into PostgreSQL by psql and import that database's dump";

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

    fn syntax(&self, line: u64, problem: impl Into<String>) -> DumpError {
        DumpError::Syntax {
            line,
            problem: problem.into(),
        }
    }

    fn copy_line<S: RowSink>(&mut self, line: &[u8], sink: &mut S) -> Result<(), S::Error> {
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

    /// Gives the decoded fields to the sink as a row of the current table.
    fn give<S: RowSink>(&self, line: u64, sink: &mut S) -> Result<(), S::Error> {
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

    /// Refuses an INSERT that goes on after its values, as where a comma is missing: rows would be
    /// lost.
    fn end_of_insert(&self, line: u64, next: Option<Token<'_>>) -> Result<(), DumpError> {
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
    fn no_value(&self, line: u64, place: usize) -> DumpError {
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

    /// Refuses a statement that changes rows in a way that is not carried out: without it, a mirror
    /// that it disables would get clients.
    fn refuse_change(
        &self,
        line: u64,
        first: &Token<'_>,
        mut tokens: Tokens<'_>,
    ) -> Result<(), DumpError> {
        let Some(word) = CHANGES.into_iter().find(|word| first.is_word(word)) else {
            return Ok(());
        };
        let changes = match word {
            "UPDATE" | "DELETE" | "MERGE" | "TRUNCATE" => self.names_rows(&mut tokens),
            "WITH" => std::iter::from_fn(|| tokens.next()).any(|token| {
                let mut changes = ["INSERT", "UPDATE", "DELETE", "MERGE"].into_iter();
                changes.any(|word| token.is_word(word))
            }),
            _ => true,
        };
        if !changes {
            return Ok(());
        }
        let problem =
            format!("this {word} may change rows, which import does not do; {LOAD_FIRST}");
        Err(self.syntax(line, problem))
    }

    /// Whether a statement names a table of which wanted rows were read.
    fn names_rows(&self, tokens: &mut Tokens<'_>) -> bool {
        for word in ["FROM", "INTO", "TABLE", "ONLY"] {
            tokens.take_word(word);
        }
        while let Some(name) = self.table_name(tokens) {
            if self.tables.get(&name).is_some_and(|facts| facts.wanted) {
                return true;
            }
            if !tokens.take_symbol(b',') {
                return false;
            }
        }
        false
    }

    /// Refuses a command of psql that takes rows from another file.
    fn refuse_further_file(&self, command: &[u8]) -> Result<(), DumpError> {
        let word = command.split(u8::is_ascii_whitespace).next();
        let word = word.unwrap_or_default();
        if !FURTHER_FILES.contains(&word) {
            return Ok(());
        }
        let command = word.escape_ascii();
        let problem =
            format!("`\\{command}` reads another file, which import does not do; {LOAD_FIRST}");
        Err(self.syntax(self.line, problem))
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

    /// `[schema.]table`.
    fn table_name(&self, tokens: &mut Tokens<'_>) -> Option<String> {
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

    fn facts(&mut self, line: u64, table: &str) -> Result<&mut TableFacts, DumpError> {
        if self.tables.len() >= TABLES_MAX && !self.tables.contains_key(table) {
            let problem = format!("it names more than {TABLES_MAX} tables; it looks damaged");
            return Err(self.syntax(line, problem));
        }
        Ok(self.tables.entry(table.to_owned()).or_default())
    }

    /// `CREATE TABLE name (column type, …, CONSTRAINT …)`.
    fn create(
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

    /// Makes a table the current one; asks the sink when it was not.
    fn begin<S: RowSink>(&mut self, table: Table, sink: &mut S) -> Result<(), S::Error> {
        let same = self.current.as_ref().is_some_and(|now| now.table == table);
        if !same {
            self.facts(self.line, &table.name)?;
            let wanted = sink.table(&table)?;
            self.facts(self.line, &table.name)?.wanted |= wanted;
            self.current = Some(Current { table, wanted });
        }
        Ok(())
    }

    /// The columns that a statement names, else those of CREATE TABLE, else those that the table
    /// usually has.
    fn columns<S: RowSink>(
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

    /// `COPY name (columns) [WITH OIDS] FROM stdin`.
    fn copy<S: RowSink>(
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

    /// `INSERT INTO name [AS alias] [(columns)] [OVERRIDING SYSTEM VALUE] VALUES (…), (…)`.
    fn insert<S: RowSink>(
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Writes every row down.
    #[derive(Default)]
    struct Notes {
        rows: Vec<String>,
        unwanted: &'static str,
    }

    impl RowSink for Notes {
        type Error = DumpError;

        fn table(&mut self, table: &Table) -> Result<bool, DumpError> {
            Ok(table.name != self.unwanted)
        }

        fn row(&mut self, row: &Row<'_>) -> Result<(), DumpError> {
            let fields = row
                .table
                .columns
                .iter()
                .map(|column| match row.bytes(column) {
                    Some(bytes) => format!("{column}={}", bytes.escape_ascii()),
                    None => format!("{column}:"),
                });
            let fields: Vec<String> = fields.collect();
            self.rows
                .push(format!("{} {}", row.table(), fields.join(" ")));
            Ok(())
        }
    }

    fn read(dump: &[u8]) -> (Result<(), DumpError>, Notes, Parser) {
        let mut notes = Notes {
            unwanted: "pfx2asn",
            ..Notes::default()
        };
        let mut parser = Parser::default();
        for line in dump.split_inclusive(|&byte| byte == b'\n') {
            let result = match line.strip_suffix(b"\n") {
                Some(line) => parser.line(line, &mut notes),
                None => parser.last_line(line, &mut notes),
            };
            if let Err(error) = result {
                return (Err(error), notes, parser);
            }
        }
        (parser.finish(), notes, parser)
    }

    const HEADER: &str = "--\n-- PostgreSQL database dump\n--\n";

    const END: &str = "\n--\n-- PostgreSQL database dump complete\n--\n";

    fn check_rows(dumps: &[(&str, &str)]) {
        for (dump, expected) in dumps {
            let (end, notes, _) = read(format!("{dump}{END}").as_bytes());
            let rows = notes.rows.join("|");
            assert_eq!((end, rows.as_str()), (Ok(()), *expected), "{dump}");
        }
    }

    #[test]
    fn rows_come_out_of_copy() {
        check_rows(&[
            (
                "COPY public.t (id, b) FROM stdin;\n1\t\\N\n2\tx\n\\.\n",
                "t id=1 b:|t id=2 b=x",
            ),
            (
                "COPY t (b, id) FROM stdin;\n\\\\.\t1\n\\.\n",
                "t b=\\\\. id=1",
            ),
            ("COPY \"T\" (\"Id\") FROM stdin;\n\n\\.\n", "T Id="),
            (
                "COPY t (id) WITH OIDS FROM stdin;\n17\t1\n\\.\n",
                "t oid=17 id=1",
            ),
            (
                "SET search_path = x, pg_catalog;\nCOPY t (id) FROM stdin;\n1\n\\.\n",
                "x.t id=1",
            ),
            (
                "SET search_path = public, x;\nCOPY t (id) FROM stdin;\n1\n\\.\n",
                "t id=1",
            ),
            (
                "SELECT pg_catalog.set_config('search_path', '', false);\n\
                 COPY public.t (id) FROM stdin;\r\n1\r\n\\.\r\n",
                "t id=1",
            ),
            (
                "COPY pfx2asn (pfx, asn) FROM stdin;\nnot looked at\n\\.\n",
                "",
            ),
        ]);
    }

    #[test]
    fn rows_come_out_of_insert() {
        check_rows(&[
            (
                "INSERT INTO public.t (id, b) VALUES (1, 'it''s');\n",
                "t id=1 b=it\\'s",
            ),
            (
                "INSERT INTO t (id, b) OVERRIDING SYSTEM VALUE VALUES (-1, DEFAULT),\n\t\
                 (2.5, NULL);\n",
                "t id=-1 b:|t id=2.5 b:",
            ),
            (
                "INSERT INTO t (a,b,c) VALUES (true,false,'\\x00'::bytea);\n",
                "t a=t b=f c=\\\\x00",
            ),
            (
                "INSERT INTO t (a) VALUES ('two\n\\.\n-- lines;');\n",
                "t a=two\\n\\\\.\\n-- lines;",
            ),
            (
                "SET standard_conforming_strings = off;\nINSERT INTO t (a) VALUES ('\\\\x');\n",
                "t a=\\\\x",
            ),
            ("INSERT INTO t (a) VALUES (E'\\\\x\\'');\n", "t a=\\\\x\\'"),
            (
                "\\restrict abc\nINSERT INTO t (a) VALUES (1);\n\\unrestrict abc\n",
                "t a=1",
            ),
            (
                "CREATE FUNCTION f() AS $_$\nINSERT INTO t (a) VALUES (1);\n$_$;\n",
                "",
            ),
        ]);
    }

    #[test]
    fn what_people_write_needs_no_closing_line() {
        for (text, expected) in [
            (
                "INSERT INTO t (a, b) VALUES (ARRAY[1, 2]::smallint[], now())",
                "t a={1,2} b:",
            ),
            (
                "INSERT INTO t (a, b) VALUES ($q$it's $5;$q$, $$x$$::character varying(64))",
                "t a=it\\'s $5; b=x",
            ),
            (
                "\u{feff}INSERT INTO t (a, b) VALUES (nextval('s'::regclass), CURRENT_TIMESTAMP)",
                "t a: b:",
            ),
            (
                "INSERT INTO t (a, b) VALUES (CAST('x' AS character varying(64)), \
                 CAST(CAST(-5 AS pg_catalog.int4) AS text))",
                "t a=x b=-5",
            ),
            (
                "INSERT INTO t (a, b) VALUES (CAST('1'::text AS int)::int, cast(NULL as int[]))",
                "t a=1 b:",
            ),
            ("BEGIN; COPY t (a) FROM stdin;\n1\n\\.\nCOMMIT", "t a=1"),
        ] {
            let (end, notes, _) = read(format!("{text};\n").as_bytes());
            assert_eq!(
                (end, notes.rows.join("|").as_str()),
                (Ok(()), expected),
                "{text}"
            );
        }
    }

    #[test]
    fn columns_that_are_not_named_are_those_of_the_table() {
        let create = "CREATE TABLE public.t (\n    id integer NOT NULL,\n    \"odd,n\" \
                      numeric(6,3) DEFAULT '(,',\n    CONSTRAINT c CHECK ((id > 0)),\n \
                      b character varying(3)\n);\n";
        for data in [
            "COPY public.t FROM stdin;\n1\tx\\ty\t\\N\n\\.\n",
            "INSERT INTO public.t VALUES (1, 'x\ty', NULL);\n",
        ] {
            let (end, notes, parser) = read(format!("{create}{data}{END}").as_bytes());
            let row = "t id=1 odd,n=x\\ty b:".to_owned();
            assert_eq!((end, notes.rows), (Ok(()), vec![row]), "{data}");
            assert_eq!(parser.tables()["t"].rows, 1);
        }
    }

    #[test]
    fn what_is_wrong_is_told_in_one_line() {
        let copy = "COPY t (a, b) FROM stdin;\n";
        for (dump, expected) in [
            ("".to_owned(), "the dump is empty"),
            ("-- nothing\n\n".to_owned(), "pg_dump DATABASE > FILE"),
            (
                HEADER.to_owned(),
                "closing line 'PostgreSQL database dump complete'",
            ),
            (
                copy.to_owned(),
                "after line 1 it ends in the middle of the rows of table t",
            ),
            (
                format!("{copy}1\t2\n3\n"),
                "table t: the row has 1 fields, not 2",
            ),
            (
                format!("{copy}1\t2\n3"),
                "in the middle of the rows of table t",
            ),
            (
                format!("{copy}1\t2\n\\.\nINSERT INTO t (a) VALUES ('"),
                "middle of a statement",
            ),
            (format!("{HEADER}{copy}1\t2\n\\.\n"), "closing line"),
            (
                format!("{copy}\\.\n{copy}\\.\n{END}"),
                "table t comes a second time",
            ),
            (format!("{HEADER}{END}{copy}\\.\n"), "closing line"),
            (
                format!("{copy}1\t2\\\n"),
                "line 2: the row ends in the middle of an escape",
            ),
            (
                format!("COPY t FROM stdin;\n{END}"),
                "columns of table t are not named",
            ),
            (
                format!("COPY t (a) FROM '/etc/x';\n{END}"),
                "not as pg_dump writes it",
            ),
            (
                format!("COPY t (a) FROM stdin WITH (FORMAT csv);\n{END}"),
                "such as CSV); make a plain dump",
            ),
            (
                format!("INSERT INTO t (a) SELECT 1;\n{END}"),
                "has no VALUES",
            ),
            (
                format!("INSERT INTO t (a) VALUES (random());\n{END}"),
                "table t, column a: the value is no number",
            ),
            (
                format!("INSERT INTO t (a) VALUES (1, 2);\n{END}"),
                "the row has 2 fields, not 1",
            ),
            (
                format!("CREATE TABLE t (a int);\nCREATE TABLE t (a int);\n{END}"),
                "second time",
            ),
        ] {
            let (end, _, _) = read(dump.as_bytes());
            let error = end.expect_err(&dump).to_string();
            assert!(error.contains(expected), "{dump}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn values_that_are_to_be_computed_are_refused_by_their_column() {
        for values in [
            "'', 50+50",
            "'', -CAST(5 AS int)",
            "'', CAST(5, int)",
            &format!("'', {}5", "CAST(".repeat(500_000)),
        ] {
            let dump = format!("INSERT INTO t (b, a) VALUES ({values});\n");
            let (end, _, _) = read(dump.as_bytes());
            let error = end.expect_err("refused").to_string();
            let expected = "line 1: table t, column a: the value is no number";
            assert!(error.starts_with(expected), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(lines in prop::collection::vec(prop_oneof![
            Just(b"COPY t (a, b) FROM stdin;".to_vec()),
            Just(b"INSERT INTO t (a) VALUES (".to_vec()),
            Just(b"CREATE TABLE t (".to_vec()),
            Just(b"\\.".to_vec()),
            Just(b"'); --".to_vec()),
            Just(b"-- PostgreSQL database dump complete".to_vec()),
            prop::collection::vec(any::<u8>(), 0..40),
        ], 0..12)) {
            let _ = read(&lines.join(&b'\n'));
        }

        #[test]
        fn a_cut_dump_is_never_taken_for_whole(cut in 0_usize..1000) {
            let dump = "--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE public.t (\n    \
                a integer\n);\nCOPY public.t (a) FROM stdin;\n1\n2\n\\.\n\nINSERT INTO \
                public.u (a) VALUES ('x\n;');\n--\n-- PostgreSQL database dump complete\n";
            // The last line feed alone may be missing.
            let cut = cut % (dump.len() - 1);
            prop_assert!(read(&dump.as_bytes()[..cut]).0.is_err());
        }
    }
}
