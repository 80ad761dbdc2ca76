//! Rules about length: files, lines and functions that one sees at a glance.

use super::source::Source;
use super::written::Written;

/// A file of one idea, as the house style allows; tests inside it are not counted.
const FILE_LINES_MAX: usize = 800;
/// A function that one sees at once, with some mercy for a long `match`.
pub const FUNCTION_LINES_MAX: usize = 70;
/// Two files fit beside each other on a screen.
const LINE_CHARS_MAX: usize = 100;
/// A program is a shell over the library.
const BIN_LINES_MAX: usize = 40;
/// The architecture is read before the code; longer than this it is not read.
const ARCHITECTURE_LINES_MAX: usize = 150;

/// Files with more lines than their kind may have.
pub fn long_files(files: &[Source]) -> Vec<String> {
    let mut bad = Vec::new();
    for file in files {
        let lines = file.text.lines().count();
        let counts = |line: &usize| file.is_test_file() || !file.is_test(*line);
        let counted = (1..=lines).filter(counts).count();
        let limit = if file.name.starts_with("src/bin/") {
            BIN_LINES_MAX
        } else {
            FILE_LINES_MAX
        };
        if counted > limit {
            bad.push(format!("{}: {counted} lines, at most {limit}", file.name));
        }
    }
    bad
}

/// Lines of code that do not fit beside others.
pub fn long_lines(files: &[Written]) -> Vec<String> {
    let mut bad = Vec::new();
    for Written { name, text } in files {
        // Dumps among the fixtures have the lines that pg_dump writes.
        let is_code = name.ends_with(".rs")
            || name.starts_with("sql/")
            || name.starts_with("scripts/")
            || name.starts_with(".ci/");
        // A text of JSON cannot be broken.
        let is_code = is_code && !name.ends_with(".json");
        for (at, line) in text.lines().enumerate().filter(|_| is_code) {
            let chars = line.chars().count();
            // One long word (an address, a digest) cannot be broken.
            if chars > LINE_CHARS_MAX && line.split_whitespace().count() > 2 {
                bad.push(format!("{name}:{}: {chars} characters", at + 1));
            }
        }
    }
    bad
}

/// Functions with more than [`FUNCTION_LINES_MAX`] lines.
pub fn long_functions(files: &[Source]) -> Vec<String> {
    let mut bad = Vec::new();
    for file in files {
        for (start, _) in file.code.match_indices("fn ") {
            let is_word = start > 0 && !file.code.as_bytes()[start - 1].is_ascii_whitespace();
            let named = file.code[start + 3..].starts_with(|c: char| c.is_alphabetic() || c == '_');
            let Some(end) = file.end_of_block(start).filter(|_| !is_word && named) else {
                continue;
            };
            let lines = file.line_of(end) - file.line_of(start) + 1;
            if lines > FUNCTION_LINES_MAX {
                bad.push(format!(
                    "{}:{}: {lines} lines",
                    file.name,
                    file.line_of(start)
                ));
            }
        }
    }
    bad
}

/// The architecture, when it is longer than somebody reads.
pub fn long_architecture(files: &[Written]) -> Vec<String> {
    let is_it = |file: &&Written| file.name == "ARCHITECTURE.md";
    let lines = files
        .iter()
        .filter(is_it)
        .map(|file| file.text.lines().count());
    lines
        .filter(|lines| *lines > ARCHITECTURE_LINES_MAX)
        .map(|lines| format!("ARCHITECTURE.md: {lines} lines"))
        .collect()
}
