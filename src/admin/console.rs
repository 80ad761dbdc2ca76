//! Writes to standard output, and asks yes/no questions on a terminal.

use std::io::{BufRead, BufWriter, IsTerminal, Stdout, Write, stderr, stdin, stdout};

use serde_json::Value;

use super::error::AdminError;
use crate::domain::escape::visible_line;
use crate::program::console::Visible;

/// The terminal, or what stands in for it.
pub struct Console {
    out: Visible<BufWriter<Stdout>>,
    /// Colours are wanted: a terminal, and `NO_COLOR` (no-color.org) is not set.
    pub colour: bool,
}

impl Console {
    /// The console of this process.
    pub fn new() -> Console {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Console {
            out: Visible::new(BufWriter::new(stdout())),
            colour: stdout().is_terminal() && !unwanted,
        }
    }

    /// Output of a command.
    pub fn out(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// Writes a line.
    ///
    /// # Errors
    /// Returns [`AdminError::Console`] if the output cannot be written.
    pub fn line(&mut self, text: impl AsRef<str>) -> Result<(), AdminError> {
        Ok(writeln!(self.out, "{}", text.as_ref())?)
    }

    /// Writes bytes as they are, for other programs; a terminal gets them as it gets lines.
    ///
    /// # Errors
    /// Returns [`AdminError::Console`] if the output cannot be written.
    pub fn exact(&mut self, bytes: &[u8]) -> Result<(), AdminError> {
        match stdout().is_terminal() {
            true => Ok(self.out.write_all(bytes)?),
            false => Ok(self.out.write_raw(bytes)?),
        }
    }

    /// Writes lines that have their line feeds.
    ///
    /// # Errors
    /// Returns [`AdminError::Console`] if the output cannot be written.
    pub fn lines(&mut self, text: &str) -> Result<(), AdminError> {
        Ok(self.out.write_all(text.as_bytes())?)
    }

    /// Writes a value as JSON.
    ///
    /// # Errors
    /// Returns [`AdminError::Console`] if the output cannot be written.
    pub fn json(&mut self, value: &Value) -> Result<(), AdminError> {
        self.line(format!("{value:#}"))
    }

    /// Writes a line in a colour.
    ///
    /// # Errors
    /// Returns [`AdminError::Console`] if the output cannot be written.
    pub fn painted_line(&mut self, paint: &str, text: &str) -> Result<(), AdminError> {
        const PLAIN: &str = "\x1b[0m";
        let is_painted = self.colour && !paint.is_empty();
        if is_painted {
            self.out.write_raw(paint.as_bytes())?;
        }
        self.out.write_all(text.as_bytes())?;
        if is_painted {
            self.out.write_raw(PLAIN.as_bytes())?;
        }
        Ok(writeln!(self.out)?)
    }

    /// Whether a person sees what is written.
    pub fn is_screen(&self) -> bool {
        stdout().is_terminal()
    }

    /// Puts the terminal's other screen in front: what was there comes back by
    /// [`Console::end_screen`].
    ///
    /// # Errors
    /// Returns [`AdminError::Console`] if the output cannot be written.
    pub fn begin_screen(&mut self) -> Result<(), AdminError> {
        Ok(self.out.write_raw(b"\x1b[?1049h")?)
    }

    /// Empties the screen, for lines from its top on.
    ///
    /// # Errors
    /// Returns [`AdminError::Console`] if the output cannot be written.
    pub fn clear_screen(&mut self) -> Result<(), AdminError> {
        Ok(self.out.write_raw(b"\x1b[2J\x1b[H")?)
    }

    /// Puts the first screen in front again.
    ///
    /// # Errors
    /// Returns [`AdminError::Console`] if the output cannot be written.
    pub fn end_screen(&mut self) -> Result<(), AdminError> {
        self.out.write_raw(b"\x1b[?1049l")?;
        self.flush()
    }

    /// Brings everything out.
    ///
    /// # Errors
    /// Returns [`AdminError::Console`] if the output cannot be written.
    pub fn flush(&mut self) -> Result<(), AdminError> {
        Ok(self.out.flush()?)
    }

    /// Whether somebody can answer.
    pub fn is_attended(&self) -> bool {
        stdin().is_terminal()
    }

    /// Asks until one of the letters is answered; `None` at the end of the input.
    ///
    /// # Errors
    /// Returns [`AdminError::Console`] if the output cannot be written.
    pub fn ask(&mut self, question: &str, letters: &[char]) -> Result<Option<char>, AdminError> {
        self.flush()?;
        loop {
            let mut error = stderr().lock();
            write!(error, "{} ", visible_line(question.as_bytes()))?;
            error.flush()?;
            let mut answer = String::new();
            if stdin().lock().read_line(&mut answer)? == 0 {
                writeln!(error)?;
                return Ok(None);
            }
            let first = answer.trim().chars().next();
            let letter = first.map(|letter| letter.to_ascii_lowercase());
            if letter.is_some_and(|letter| letters.contains(&letter)) {
                return Ok(letter);
            }
        }
    }
}

impl Default for Console {
    fn default() -> Console {
        Console::new()
    }
}
