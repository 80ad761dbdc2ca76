//! Reads YAML and JSON that others wrote.
//!
//! # Limits
//! An alias (`*name`) stands for a copy of what it names, which may have aliases itself: 400 bytes
//! can unfold to terabytes. So the whole is measured before anything is made of it.

use std::collections::HashMap;

use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::{Yaml, YamlLoader};

/// Largest size of the unfolded documents. Configurations and lists of mirrors have some kilobytes
/// and no aliases.
const UNFOLDED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Lists and tables inside each other. The loader calls itself for each, and its stack ends.
const NESTED_MAX: usize = 64;

/// Bytes of a value beside its text.
const VALUE_BYTES: usize = 64;

/// Why a text is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct YamlProblem {
    /// The line, from 1.
    pub line: usize,
    /// The problem, for people.
    pub text: String,
}

/// Adds up what values take when all aliases are unfolded.
#[derive(Default)]
struct Measure {
    /// Sizes of the values that have an anchor.
    anchors: HashMap<usize, usize>,
    /// Anchors of the lists and tables that are open, and the size before each.
    open: Vec<(usize, usize)>,
    bytes: usize,
}

impl Measure {
    fn add(&mut self, bytes: usize, anchor: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.name(anchor, bytes);
    }

    /// The number 0 stands for no anchor.
    fn name(&mut self, anchor: usize, bytes: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, bytes);
        }
    }

    /// The reason to read no further.
    fn problem(&self) -> Option<String> {
        if self.open.len() > NESTED_MAX {
            return Some(format!(
                "it has more than {NESTED_MAX} values inside each other"
            ));
        }
        let is_too_much = self.bytes > UNFOLDED_BYTES_MAX;
        is_too_much.then(|| "its aliases unfold to more than 64 MiB".to_owned())
    }

    fn end(&mut self) {
        if let Some((anchor, before)) = self.open.pop() {
            self.name(anchor, self.bytes.saturating_sub(before));
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Scalar(text, _, anchor, _) => self.add(VALUE_BYTES + text.len(), anchor),
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                self.open.push((anchor, self.bytes));
                self.add(VALUE_BYTES, 0);
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                let bytes = self.anchors.get(&anchor).copied();
                self.add(bytes.unwrap_or(VALUE_BYTES), 0);
            }
            _ => {}
        }
    }
}

/// The documents of a text.
///
/// # Errors
/// Returns [`YamlProblem`] if the text is no YAML, or unfolds to more than can be meant.
pub(super) fn load(text: &str) -> Result<Vec<Yaml>, YamlProblem> {
    let problem = |line: usize, text: String| YamlProblem {
        line: line.max(1),
        text,
    };
    let wrong =
        |error: yaml_rust2::ScanError| problem(error.marker().line(), error.info().to_owned());
    let mut measure = Measure::default();
    let mut parser = Parser::new_from_str(text);
    loop {
        let (event, mark) = parser.next_token().map_err(wrong)?;
        if event == Event::StreamEnd {
            break;
        }
        measure.take(event);
        if let Some(text) = measure.problem() {
            return Err(problem(mark.line(), text));
        }
    }
    YamlLoader::load_from_str(text).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_read_unless_they_unfold_to_too_much() {
        let few = load("a: &a [1, 2]\nb: [*a, *a]\n").expect("YAML");
        assert_eq!(few[0]["b"][1][1].as_i64(), Some(2));
        let mut laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for letter in 'b'..='l' {
            let before = (letter as u8 - 1) as char;
            let nine = vec![format!("*{before}"); 9].join(",");
            laughs += &format!("{letter}: &{letter} [{nine}]\n");
        }
        let problem = load(&laughs).expect_err("too much");
        assert!(problem.text.contains("unfold"), "{problem:?}");
        let long = "x".repeat(1 << 20);
        let copies = "*a,".repeat(100);
        load(&format!("a: &a {long}\nb: [{copies}]\n")).expect_err("too much");
        let deep: String = (0..3000)
            .map(|n| format!("{}a:\n", " ".repeat(n)))
            .collect();
        for deep in [
            deep,
            "- ".repeat(3000),
            "[".repeat(3000),
            "{a: ".repeat(3000),
        ] {
            load(&deep).expect_err("too deep");
        }
        for odd in [
            "*x",
            "&a [*a]",
            "a: &a\nb: *a",
            "[",
            "{a: &a {b: *a}}",
            "&a &b c",
            "",
        ] {
            let _ = load(odd);
        }
    }
}
