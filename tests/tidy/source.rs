//! A Rust file seen as a guard needs it: code without comments and strings, the strings apart,
//! and which lines are tests.
//!
//! A lexer of a few states instead of a parser: the guards look for words and braces, and a
//! parser would cost every `cargo test` more than all the guards together.

use std::path::{Path, PathBuf};

/// One file of the repository and the views of it that the guards ask for.
pub struct Source {
    /// Path relative to the repository, with `/` between its parts.
    pub name: String,
    /// The file as it is.
    pub text: String,
    /// The text with comments and the insides of literals blanked; every line keeps its place.
    pub code: String,
    /// String literals: the line (from 1) on which each begins, and what is inside.
    pub strings: Vec<(usize, String)>,
    test_lines: Vec<bool>,
}

impl Source {
    /// Reads `path` and takes it apart; `root` is cut from its name.
    pub fn read(root: &Path, path: &Path) -> Source {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.strip_prefix(root).expect("walked from the root");
        Source::new(name.to_string_lossy().replace('\\', "/"), text)
    }

    /// Takes `text` apart under the name `name`.
    pub fn new(name: String, text: String) -> Source {
        let (code, strings) = split(&text);
        let mut source = Source {
            name,
            text,
            code,
            strings,
            test_lines: Vec::new(),
        };
        source.test_lines = source.find_test_lines();
        source
    }

    /// True when `line` (from 1) belongs to a test: a `#[cfg(test)]` block, or a file of tests.
    pub fn is_test(&self, line: usize) -> bool {
        self.is_test_file() || self.test_lines.get(line - 1).copied().unwrap_or(false)
    }

    /// True for files that are compiled only for tests, or stand outside the crate's product.
    pub fn is_test_file(&self) -> bool {
        let inside = ["tests/", "fuzz/", "benches/"]
            .iter()
            .any(|dir| self.name.starts_with(dir));
        inside
            || self.name.ends_with("/tests.rs")
            || self.name.ends_with("_tests.rs")
            || self.name.contains("/tests/")
    }

    /// Lines of code with their numbers (from 1), comments and literals blanked.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
    }

    /// The line (from 1) of a byte offset in `code`.
    pub fn line_of(&self, offset: usize) -> usize {
        self.code[..offset]
            .bytes()
            .filter(|byte| *byte == b'\n')
            .count()
            + 1
    }

    /// The offset after the brace that closes the one at or after `from`; `None` when a `;`
    /// ends the item first.
    pub fn end_of_block(&self, from: usize) -> Option<usize> {
        let (mut depth, mut nested) = (0usize, 0usize);
        for (at, byte) in self.code.bytes().enumerate().skip(from) {
            match byte {
                b'(' | b'[' if depth == 0 => nested += 1,
                b')' | b']' if depth == 0 => nested = nested.saturating_sub(1),
                b';' if depth == 0 && nested == 0 => return None,
                b'{' if nested == 0 => depth += 1,
                b'}' if depth == 1 => return Some(at + 1),
                b'}' if depth > 1 => depth -= 1,
                _ => {}
            }
        }
        None
    }

    fn find_test_lines(&self) -> Vec<bool> {
        let mut lines = vec![false; self.text.lines().count()];
        for (start, _) in self.code.match_indices("#[cfg(test)]") {
            let end = self
                .end_of_block(start + "#[cfg(test)]".len())
                .unwrap_or(start);
            let last = self.line_of(end);
            for line in lines.iter_mut().take(last).skip(self.line_of(start) - 1) {
                *line = true;
            }
        }
        lines
    }
}

/// Every file below `dir` whose name ends with one of `ends`, in order; nothing when `dir` is
/// missing.
pub fn files_below(dir: &Path, ends: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(dir) else {
        return found;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && !path.is_symlink() {
            if name != "target" && name != "corpus" && name != "artifacts" {
                found.extend(files_below(&path, ends));
            }
        } else if ends.iter().any(|end| name.ends_with(end)) {
            found.push(path);
        }
    }
    found
}

/// Code with comments and literals blanked, and the literals with their lines.
fn split(text: &str) -> (String, Vec<(usize, String)>) {
    let bytes = text.as_bytes();
    let (mut code, mut strings) = (Vec::with_capacity(bytes.len()), Vec::new());
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        let (end, inside) = token_end(bytes, at);
        match inside {
            None => code.extend_from_slice(&bytes[at..end]),
            Some((from, to, is_string)) => {
                if is_string {
                    strings.push((line, String::from_utf8_lossy(&bytes[from..to]).into_owned()));
                }
                code.extend_from_slice(&bytes[at..from]);
                code.extend(
                    bytes[from..to]
                        .iter()
                        .map(|b| if *b == b'\n' { b'\n' } else { b' ' }),
                );
                code.extend_from_slice(&bytes[to..end]);
            }
        }
        line += bytes[at..end].iter().filter(|byte| **byte == b'\n').count();
        at = end;
    }
    (
        String::from_utf8(code).expect("only whole literals were blanked"),
        strings,
    )
}

/// Where the token at `at` ends, and the part of it to blank: (from, to, is a string).
fn token_end(bytes: &[u8], at: usize) -> (usize, Option<(usize, usize, bool)>) {
    let rest = &bytes[at..];
    let before_is_word = at > 0 && is_word(bytes[at - 1]);
    if rest.starts_with(b"//") {
        let end = find(bytes, at, b"\n").unwrap_or(bytes.len());
        return (end, Some((at, end, false)));
    }
    if rest.starts_with(b"/*") {
        let end = block_comment_end(bytes, at);
        return (end, Some((at, end, false)));
    }
    if !before_is_word && let Some((from, to, end)) = raw_string(bytes, at) {
        return (end, Some((from, to, true)));
    }
    if rest[0] == b'"' {
        let to = quoted_end(bytes, at + 1, b'"');
        return ((to + 1).min(bytes.len()), Some((at + 1, to, true)));
    }
    // A quote is a character when it closes; else it begins a lifetime.
    if rest[0] == b'\'' {
        let escaped = rest.get(1) == Some(&b'\\');
        let width = rest.get(1).map_or(1, |byte| utf8_width(*byte));
        if escaped || rest.get(1 + width) == Some(&b'\'') {
            let to = quoted_end(bytes, at + 1, b'\'');
            return ((to + 1).min(bytes.len()), Some((at + 1, to, false)));
        }
    }
    (at + utf8_width(rest[0]).min(rest.len()), None)
}

/// `r"…"`, `r#"…"#`, `br"…"`: (first byte inside, after the last inside, after the literal).
fn raw_string(bytes: &[u8], at: usize) -> Option<(usize, usize, usize)> {
    let prefixes: [&[u8]; 3] = [b"br", b"cr", b"r"];
    let prefix = prefixes
        .iter()
        .find(|prefix| bytes[at..].starts_with(prefix))?;
    let start = at + prefix.len();
    let hashes = bytes[start..]
        .iter()
        .take_while(|byte| **byte == b'#')
        .count();
    if bytes.get(start + hashes) != Some(&b'"') {
        return None;
    }
    let close: Vec<u8> = std::iter::once(b'"')
        .chain(std::iter::repeat_n(b'#', hashes))
        .collect();
    let from = start + hashes + 1;
    let to = find(bytes, from, &close).unwrap_or(bytes.len());
    Some((from, to, (to + close.len()).min(bytes.len())))
}

fn block_comment_end(bytes: &[u8], at: usize) -> usize {
    let (mut depth, mut at) = (0usize, at);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if bytes[at..].starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

fn quoted_end(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    bytes[from..]
        .windows(what.len())
        .position(|window| window == what)
        .map(|at| from + at)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn utf8_width(first: u8) -> usize {
    match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xff => 4,
        _ => 1,
    }
}
