//! Refuses what only PostgreSQL can carry out.

use super::error::DumpError;
use super::parser::Parser;
use super::token::{Token, Tokens};

/// Statements that may change rows.
const CHANGES: [&str; 9] = [
    "UPDATE", "DELETE", "MERGE", "TRUNCATE", "WITH", "DO", "CALL", "ROLLBACK", "ABORT",
];

/// Commands of psql that take rows from another file.
const FURTHER_FILES: [&[u8]; 5] = [b"i", b"ir", b"include", b"include_relative", b"copy"];

/// Remedy for a file that only PostgreSQL can carry out.
pub(super) const LOAD_FIRST: &str =
    "load the file into PostgreSQL by psql and import that database's dump";

impl Parser {
    /// Refuses a statement that changes rows in a way that is not carried out: without it, a mirror
    /// that it disables would get clients.
    pub(super) fn refuse_change(
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
    pub(super) fn names_rows(&self, tokens: &mut Tokens<'_>) -> bool {
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
    pub(super) fn refuse_further_file(&self, command: &[u8]) -> Result<(), DumpError> {
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
}
