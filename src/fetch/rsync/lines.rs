//! Splits a stream of bytes into lines and holds only one of them.

use std::io::{self, BufRead, Read};

/// Longest line in bytes: a path of 4,096 bytes, each written as `\#ooo`, and the text before it.
pub const LINE_BYTES_MAX: usize = 32 * 1024;

/// Number of bytes per read: a quarter of the largest pipe.
const READ_BYTES: usize = 256 * 1024;

/// Splits the bytes of a source into lines.
#[derive(Debug)]
pub struct LineReader<R> {
    source: R,
    buffer: Vec<u8>,
    /// Bytes of an unfinished line at the front of the buffer.
    kept: usize,
    /// Whether the current line is too long, so that its rest is dropped.
    overlong: bool,
}

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub enum LineRead<'a> {
    /// Its bytes without the line feed.
    Whole(&'a [u8]),
    /// The line was longer than [`LINE_BYTES_MAX`] and is dropped.
    Overlong,
}

impl<R: Read> LineReader<R> {
    /// Reads from `source`.
    pub fn new(source: R) -> LineReader<R> {
        LineReader {
            source,
            buffer: vec![0; LINE_BYTES_MAX + READ_BYTES],
            kept: 0,
            overlong: false,
        }
    }

    /// The source.
    pub fn source(&self) -> &R {
        &self.source
    }

    /// Reads once and gives the complete lines; returns the number of bytes, 0 at the end.
    ///
    /// # Errors
    /// Returns the error of the source.
    pub fn read(&mut self, mut give: impl FnMut(LineRead<'_>)) -> io::Result<usize> {
        let read = self.source.read(&mut self.buffer[self.kept..])?;
        if read == 0 {
            if self.kept > 0 && !self.overlong {
                give(LineRead::Whole(&self.buffer[..self.kept]));
            }
            self.kept = 0;
            return Ok(0);
        }
        let filled = self.kept + read;
        let mut start = 0;
        while let Some(length) = line_length(&self.buffer[start..filled]) {
            if !std::mem::take(&mut self.overlong) {
                give(LineRead::Whole(&self.buffer[start..start + length]));
            }
            start += length + 1;
        }
        self.keep(start, filled, &mut give);
        Ok(read)
    }

    fn keep(&mut self, start: usize, filled: usize, give: &mut impl FnMut(LineRead<'_>)) {
        self.kept = filled - start;
        if self.overlong {
            self.kept = 0;
        } else if self.kept > LINE_BYTES_MAX {
            self.overlong = true;
            self.kept = 0;
            give(LineRead::Overlong);
        } else {
            self.buffer.copy_within(start..filled, 0);
        }
    }
}

/// The number of bytes before the first line feed. `skip_until` searches by the system's `memchr`,
/// which compares many bytes at a time.
fn line_length(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    let skipped = rest.skip_until(b'\n').ok()?;
    (skipped > 0 && bytes[skipped - 1] == b'\n').then(|| skipped - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives at most `step` bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(self.1).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn lines(bytes: &[u8], step: usize) -> Vec<Option<Vec<u8>>> {
        let mut lines = LineReader::new(Drip(bytes, step));
        let mut found = Vec::new();
        let mut give = |line: LineRead<'_>| {
            found.push(match line {
                LineRead::Whole(line) => Some(line.to_vec()),
                LineRead::Overlong => None,
            })
        };
        while lines.read(&mut give).expect("memory does not fail") > 0 {}
        found
    }

    #[test]
    fn lines_are_cut_wherever_reads_end() {
        for step in [1, 2, 3, 100] {
            let some = |text: &[u8]| Some(text.to_vec());
            assert_eq!(
                lines(b"one\n\ntwo\r\nthree", step),
                [some(b"one"), some(b""), some(b"two\r"), some(b"three")]
            );
        }
        assert!(lines(b"", 1).is_empty());
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let long = vec![b'x'; 3 * (LINE_BYTES_MAX + READ_BYTES)];
        let bytes = [b"a\n", &long[..], b"\nb\n", &long[..]].concat();
        for step in [1000, usize::MAX] {
            assert_eq!(
                lines(&bytes, step),
                [Some(b"a".to_vec()), None, Some(b"b".to_vec()), None]
            );
        }
    }
}
