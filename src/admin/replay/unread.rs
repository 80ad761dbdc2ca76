//! Keeps the first lines that were not understood.

use crate::domain::escape::visible_line;

/// So many of them are shown.
const SHOWN: usize = 3;
/// Characters of each.
const SHOWN_CHARS: usize = 120;

/// A line that was not understood.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UnreadLine {
    /// Number of the file on the command line, from 0.
    pub file: usize,
    /// Number of the line, from 1.
    pub line: u64,
    /// Its beginning.
    pub text: String,
}

/// How many lines were not understood, and the first of them.
#[derive(Debug, Clone, Default)]
pub(super) struct UnreadLines {
    pub count: u64,
    pub first: Vec<UnreadLine>,
}

impl UnreadLines {
    pub(super) fn add(&mut self, file: usize, line: u64, text: &[u8]) {
        self.count += 1;
        // A thread meets lines in their order.
        if self.first.len() < SHOWN {
            let begin = &text[..text.len().min(SHOWN_CHARS)];
            self.first.push(UnreadLine {
                file,
                line,
                text: visible_line(begin),
            });
        }
    }

    /// Adds those of another thread.
    pub(super) fn merge(&mut self, other: UnreadLines) {
        self.count += other.count;
        self.first.extend(other.first);
        self.first.sort();
        self.first.truncate(SHOWN);
    }
}
