//! What a terminal shows is what was written: control and bidi characters of files, dumps and
//! mirrors come out as `\u001b`, whichever program prints them.
//!
//! Also where standard output is no terminal: a log, a mail, a pipe is looked at in one later. In
//! JSON and TOML the form means the same character.

use std::io::{self, Stdout, StdoutLock, Write};

use crate::domain::escape::visible_into;

/// Writes text so that nothing in it moves the cursor, changes colours or turns the order of
/// characters round; line feeds and tabs stay.
#[derive(Debug)]
pub struct Visible<W: Write> {
    out: W,
    buffer: Vec<u8>,
    /// The beginning of a character that the next write ends.
    begun: Vec<u8>,
}

impl<W: Write> Visible<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Visible<W> {
        Visible {
            out,
            buffer: Vec::new(),
            begun: Vec::new(),
        }
    }

    /// Writes what is ours as it is: colours.
    ///
    /// # Errors
    /// Those of the writer.
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

/// Bytes at the end that may be the beginning of a character.
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

/// Writes a line to standard error; nobody hears what cannot be written.
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
