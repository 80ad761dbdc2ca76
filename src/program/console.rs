//! Writes to terminals so that control and bidi characters in texts of files, dumps and mirrors
//! appear as `\u001b`, whichever program prints them.
//!
//! This applies even if standard output is not a terminal: a log, a mail or a pipe is read on a
//! terminal later. In JSON and TOML the escaped form means the same character.

use std::io::{self, Stdout, StdoutLock, Write};

use crate::domain::escape::visible_into;

/// A writer for texts that must not move the cursor, change colours or reorder characters. Line
/// feeds and tabs stay.
#[derive(Debug)]
pub struct Visible<W: Write> {
    out: W,
    buffer: Vec<u8>,
    /// The start of a character that the next write completes.
    begun: Vec<u8>,
}

impl<W: Write> Visible<W> {
    /// A writer into `out`.
    pub fn new(out: W) -> Visible<W> {
        Visible {
            out,
            buffer: Vec::new(),
            begun: Vec::new(),
        }
    }

    /// Writes our own control sequences, such as colours, unchanged.
    ///
    /// # Errors
    /// Returns the error of the writer.
    pub fn write_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.end_character()?;
        self.out.write_all(bytes)
    }

    fn end_character(&mut self) -> io::Result<()> {
        let begun = std::mem::take(&mut self.begun);
        self.buffer.clear();
        visible_into(&mut self.buffer, &begun);
        self.out.write_all(&self.buffer)
    }
}

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = [&self.begun[..], bytes].concat();
        let whole = text.len() - begun_length(&text);
        self.buffer.clear();
        visible_into(&mut self.buffer, &text[..whole]);
        self.begun = text[whole..].to_vec();
        self.out.write_all(&self.buffer)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.end_character()?;
        self.out.flush()
    }
}

/// Number of bytes at the end that may be the start of a character.
fn begun_length(text: &[u8]) -> usize {
    let last = &text[text.len().saturating_sub(3)..];
    (0..last.len())
        .map(|start| &last[start..])
        .find(|end| std::str::from_utf8(end).is_err_and(|error| is_begun(&error)))
        .map_or(0, <[u8]>::len)
}

fn is_begun(error: &std::str::Utf8Error) -> bool {
    error.valid_up_to() == 0 && error.error_len().is_none()
}

/// Standard output.
pub fn output() -> Visible<Stdout> {
    Visible::new(io::stdout())
}

/// Standard output, locked against other threads.
pub fn locked_output() -> Visible<StdoutLock<'static>> {
    Visible::new(io::stdout().lock())
}

/// Writes a line to standard error; a line that cannot be written is lost.
pub fn complain(line: &str) {
    let mut text = Vec::new();
    visible_into(&mut text, line.as_bytes());
    text.push(b'\n');
    let _ = io::stderr().write_all(&text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(parts: &[&[u8]]) -> String {
        let mut out = Visible::new(Vec::new());
        for part in parts {
            out.write_all(part).expect("memory");
        }
        out.flush().expect("memory");
        String::from_utf8(out.out).expect("text")
    }

    #[test]
    fn characters_may_be_written_in_parts_and_colours_are_ours() {
        assert_eq!(
            shown(&[b"a\xc3", b"\xbc\xe2\x80", b"\xae\n"]),
            "aü\\u202e\n"
        );
        assert_eq!(shown(&[b"a\xc3", b"b\xf0\x9f"]), "a\\xc3b\\xf0\\x9f");
        let mut out = Visible::new(Vec::new());
        out.write_raw(b"\x1b[31m").expect("memory");
        out.write_all(b"\x1b[31m").expect("memory");
        assert_eq!(out.out, b"\x1b[31m\\u001b[31m");
    }

    proptest! {
        #[test]
        fn parts_give_what_the_whole_gives(bytes in prop::collection::vec(any::<u8>(), 0..40),
                                           cut in 0_usize..40) {
            let cut = cut.min(bytes.len());
            prop_assert_eq!(shown(&[&bytes[..cut], &bytes[cut..]]), shown(&[&bytes]));
        }
    }
}
