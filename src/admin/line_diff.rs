//! Compares texts line by line, for diffs that people read.
//!
//! `similar::TextDiff` picks one of five algorithms while it runs, so that all five are in the
//! program: 0.3 MB. This is the one that it picks if nobody asks for another.

use std::fmt::Write as _;

use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::udiff::UnifiedHunkHeader;
use similar::{ChangeTag, DiffOp, group_diff_ops};

/// Two texts and how one becomes the other.
#[derive(Debug)]
pub(super) struct LineDiff<'a> {
    old: Vec<&'a str>,
    new: Vec<&'a str>,
    steps: Vec<DiffOp>,
}

/// Changes that are close to each other, with the lines around them.
pub(super) type Hunk = Vec<DiffOp>;

impl<'a> LineDiff<'a> {
    /// Compares two texts.
    pub fn new(old: &'a str, new: &'a str) -> LineDiff<'a> {
        let old: Vec<&str> = old.split_inclusive('\n').collect();
        let new: Vec<&str> = new.split_inclusive('\n').collect();
        let capture = Replace::new(Capture::new());
        let mut hook = Compact::new(capture, old.as_slice(), new.as_slice());
        let (old_range, new_range) = (0..old.len(), 0..new.len());
        let Ok(()) = myers::diff(
            &mut hook,
            old.as_slice(),
            old_range,
            new.as_slice(),
            new_range,
        );
        let steps = hook.into_inner().into_inner().into_ops();
        LineDiff { old, new, steps }
    }

    /// The changes with that many lines around each.
    pub fn hunks(&self, context_lines: usize) -> Vec<Hunk> {
        let mut hunks = group_diff_ops(self.steps.clone(), context_lines);
        hunks.retain(|hunk| !hunk.is_empty());
        hunks
    }

    /// The lines of a hunk, each with its end.
    pub fn lines<'b>(&'b self, hunk: &'b [DiffOp]) -> impl Iterator<Item = (ChangeTag, &'a str)> {
        let slices = hunk
            .iter()
            .flat_map(|step| step.iter_slices(self.old.as_slice(), self.new.as_slice()));
        slices.flat_map(|(tag, lines)| lines.iter().map(move |line| (tag, *line)))
    }

    /// All lines that only the new text has.
    pub fn added(&self) -> impl Iterator<Item = &'a str> {
        let lines = self.lines(&self.steps);
        lines.filter_map(|(tag, line)| (tag == ChangeTag::Insert).then_some(line))
    }

    /// A unified diff with these names of the texts; equal texts have none.
    pub fn unified(&self, old_name: &str, new_name: &str, context_lines: usize) -> String {
        let mut text = String::new();
        for hunk in self.hunks(context_lines) {
            if text.is_empty() {
                let _ = writeln!(text, "--- {old_name}\n+++ {new_name}");
            }
            let _ = writeln!(text, "{}", UnifiedHunkHeader::new(&hunk));
            for (tag, line) in self.lines(&hunk) {
                let _ = write!(text, "{tag}{line}");
                if !line.ends_with('\n') {
                    text.push_str("\n\\ No newline at end of file\n");
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "a\nb\nc\nd\ne\nf\ng\nh\n";

    #[test]
    fn a_unified_diff_is_that_of_the_library() {
        let texts = [
            ("", "a\n"),
            ("a\n", ""),
            (OLD, OLD),
            (OLD, "a\nB\nc\nd\ne\nf\nG\nh\n"),
            (OLD, "b\nc\nd\ne\nf\nf\ng\nh\ni"),
            ("a", "a\n"),
            ("x\ny\n", "y\nx\n"),
        ];
        for (old, new) in texts {
            for context_lines in 0..3 {
                let library = similar::TextDiff::from_lines(old, new);
                let expected = library
                    .unified_diff()
                    .context_radius(context_lines)
                    .header("old", "new")
                    .to_string();
                let ours = LineDiff::new(old, new).unified("old", "new", context_lines);
                assert_eq!(ours, expected, "{old:?} {new:?} {context_lines}");
            }
        }
    }

    #[test]
    fn added_lines_are_those_of_the_new_text_alone() {
        let diff = LineDiff::new(OLD, "b\nnew\nc\nd\ne\nf\ng\nh\nlast");
        assert_eq!(diff.added().collect::<Vec<_>>(), ["new\n", "last"]);
    }
}
