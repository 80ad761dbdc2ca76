//! Joins lines to SQL statements: finds the end of each by PostgreSQL's quoting rules.

use super::error::DumpError;

/// Longest statement in bytes; an INSERT of pg_dump holds one row, and the longest are hashes: the
/// pieces of a file of 200 GB. A few KB of compressed data can unpack to any length, of which some
/// copies are in memory at once.
pub const STATEMENT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Remedy for a line or a statement that is too long.
pub const TOO_LONG: &str = "if these are hashes, `pg_dump -T hash` leaves them out, and \
    `heliostat-index` makes them anew";

/// The context of the current byte.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mode {
    Plain,
    /// `'…'`, or `E'…'` with backslash escapes.
    Literal {
        escapes: bool,
    },
    /// `"…"`.
    Identifier,
    /// `$tag$…$tag$`; the value is the closing tag.
    Dollar(Vec<u8>),
    /// `/*…*/`, which nests.
    Comment(u32),
}

/// A whole statement without its semicolon.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) first_line: u64,
    pub(crate) text: Vec<u8>,
}

/// Collects lines until a statement is whole.
#[derive(Debug)]
pub(crate) struct StatementReader {
    kept: Vec<u8>,
    mode: Mode,
    first_line: u64,
    /// `standard_conforming_strings`: off, a backslash escapes in every literal.
    pub(crate) standard_strings: bool,
}

impl StatementReader {
    pub(crate) fn new() -> StatementReader {
        StatementReader {
            kept: Vec::new(),
            mode: Mode::Plain,
            first_line: 0,
            standard_strings: true,
        }
    }

    /// Whether a statement, a literal or a comment has begun and not ended.
    pub(crate) fn is_inside(&self) -> bool {
        !self.kept.is_empty() || self.mode != Mode::Plain
    }

    /// Reads a line, which ends in its line feed, up to the end of a statement; gives the
    /// statement and what follows it in the line.
    pub(crate) fn feed<'a>(
        &mut self,
        line: u64,
        text: &'a [u8],
    ) -> Result<Option<(Statement, &'a [u8])>, DumpError> {
        let mut at = 0;
        while at < text.len() {
            if self.mode == Mode::Plain {
                if text[at] == b';' {
                    let statement = Statement {
                        first_line: self.first_line,
                        text: std::mem::take(&mut self.kept),
                    };
                    return Ok(Some((statement, &text[at + 1..])));
                }
                if text[at..].starts_with(b"--") {
                    return Ok(None);
                }
            }
            let was_comment = matches!(self.mode, Mode::Comment(_));
            let length = self.step(text, at);
            if !was_comment && !matches!(self.mode, Mode::Comment(_)) {
                self.keep(line, &text[at..at + length])?;
            }
            at += length;
        }
        Ok(None)
    }

    fn keep(&mut self, line: u64, bytes: &[u8]) -> Result<(), DumpError> {
        if self.kept.is_empty() {
            if bytes.iter().all(u8::is_ascii_whitespace) {
                return Ok(());
            }
            self.first_line = line;
        }
        if self.kept.len() + bytes.len() > STATEMENT_BYTES_MAX {
            return Err(DumpError::Syntax {
                line: self.first_line,
                problem: format!(
                    "a statement is longer than {STATEMENT_BYTES_MAX} bytes; {TOO_LONG}"
                ),
            });
        }
        self.kept.extend_from_slice(bytes);
        Ok(())
    }

    /// Takes one element and the change of mode that it brings; returns its length, at least 1
    /// and never beyond the line.
    fn step(&mut self, text: &[u8], at: usize) -> usize {
        let rest = &text[at..];
        let (mode, length) = match &self.mode {
            Mode::Plain => self.step_plain(text, at),
            Mode::Literal { escapes } => match rest {
                [b'\\', _, ..] if *escapes => (None, 2),
                [b'\'', b'\'', ..] => (None, 2),
                [b'\'', ..] => (Some(Mode::Plain), 1),
                _ => (None, 1),
            },
            Mode::Identifier => match rest {
                [b'"', b'"', ..] => (None, 2),
                [b'"', ..] => (Some(Mode::Plain), 1),
                _ => (None, 1),
            },
            Mode::Dollar(tag) if rest.starts_with(tag) => (Some(Mode::Plain), tag.len()),
            Mode::Dollar(_) => (None, 1),
            Mode::Comment(depth) => match rest {
                [b'/', b'*', ..] => (Some(Mode::Comment(depth.saturating_add(1))), 2),
                [b'*', b'/', ..] if *depth <= 1 => (Some(Mode::Plain), 2),
                [b'*', b'/', ..] => (Some(Mode::Comment(depth - 1)), 2),
                _ => (None, 1),
            },
        };
        if let Some(mode) = mode {
            self.mode = mode;
        }
        length
    }

    fn step_plain(&self, text: &[u8], at: usize) -> (Option<Mode>, usize) {
        match &text[at..] {
            [b'\'', ..] => {
                let escapes = !self.standard_strings || is_escape_prefix(&text[..at]);
                (Some(Mode::Literal { escapes }), 1)
            }
            [b'"', ..] => (Some(Mode::Identifier), 1),
            [b'/', b'*', ..] => (Some(Mode::Comment(1)), 2),
            [b'$', ..] => match dollar_tag(&text[..at], &text[at..]) {
                Some(tag) => (Some(Mode::Dollar(tag.to_vec())), tag.len()),
                None => (None, 1),
            },
            _ => (None, 1),
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// Whether a quote after this begins an `E'…'` literal.
fn is_escape_prefix(before: &[u8]) -> bool {
    match before {
        [.., other, b'e' | b'E'] => !is_word(*other),
        [b'e' | b'E'] => true,
        _ => false,
    }
}

/// `$$` or `$tag$` at the beginning of `rest`, unless it continues a word.
pub(super) fn dollar_tag<'a>(before: &[u8], rest: &'a [u8]) -> Option<&'a [u8]> {
    if before.last().is_some_and(|&byte| is_word(byte)) {
        return None;
    }
    let length = rest.iter().skip(1).position(|&byte| byte == b'$')? + 2;
    let name = &rest[1..length - 1];
    let is_name =
        name.iter().all(|&byte| is_word(byte)) && !name.first().is_some_and(u8::is_ascii_digit);
    is_name.then(|| &rest[..length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn statements(text: &[u8]) -> (Vec<String>, bool) {
        let mut scanner = StatementReader::new();
        let mut found = Vec::new();
        for (number, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let mut rest = line;
            while let Some((statement, after)) =
                scanner.feed(number as u64 + 1, rest).expect("short")
            {
                let text = String::from_utf8_lossy(&statement.text).into_owned();
                found.push(format!("{}: {text}", statement.first_line));
                rest = after;
            }
        }
        (found, scanner.is_inside())
    }

    #[test]
    fn statements_end_at_semicolons_outside_of_quotes_and_comments() {
        for (text, expected, inside) in [
            ("SET a = 1;\n", &["1: SET a = 1"][..], false),
            ("\n\n  A;B;\n", &["3: A", "3: B"], false),
            (
                "A ';' -- ; x\n;\n",
                &["1: A ';' \n"[..].trim_end_matches('\n')],
                false,
            ),
            ("A 'it''s;';\n", &["1: A 'it''s;'"], false),
            ("A 'a\\';\n", &["1: A 'a\\'"], false),
            ("A E'a\\';';\n", &["1: A E'a\\';'"], false),
            ("A \"x;\"\"y\";\n", &["1: A \"x;\"\"y\""], false),
            ("A $$;\n;$$;\n", &["1: A $$;\n;$$"], false),
            ("A $f$ $$; $f$;\n", &["1: A $f$ $$; $f$"], false),
            ("A a$b; $c;\n", &["1: A a$b", "1: $c"], false),
            ("A /* ; /* ; */ ; */ B;\n", &["1: A  B"], false),
            ("A 'x\n-- y;\n';\n", &["1: A 'x\n-- y;\n'"], false),
            ("A '", &[], true),
            ("A\n", &[], true),
            ("/*", &[], true),
            ("-- nothing\n\n", &[], false),
        ] {
            let (found, is_inside) = statements(text.as_bytes());
            let found: Vec<&str> = found
                .iter()
                .map(|text| text.trim_end_matches('\n'))
                .collect();
            assert_eq!((found.as_slice(), is_inside), (expected, inside), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_scanned(text in prop::collection::vec(prop_oneof![
            Just(b'\''), Just(b'"'), Just(b'$'), Just(b';'), Just(b'-'), Just(b'/'), Just(b'*'),
            Just(b'\\'), Just(b'\n'), Just(b'E'), any::<u8>()], 0..80)) {
            let _ = statements(&text);
        }
    }
}
