//! Tells which files of the catalogue a mirror may have by the rules of scans (no I/O).

use regex::bytes::RegexSet;

/// The rules of scans as a question about one path.
#[derive(Debug, Clone)]
pub struct AllowedFiles {
    top_include: Vec<Vec<u8>>,
    /// Of scans over HTTP and FTP, or rsync's as regular expressions.
    exclude: RegexSet,
}

impl AllowedFiles {
    pub(super) fn new(top_include: &[String], exclude: RegexSet) -> AllowedFiles {
        let name = |name: &String| name.trim_matches('/').as_bytes().to_vec();
        AllowedFiles {
            top_include: top_include.iter().map(name).collect(),
            exclude,
        }
    }

    /// Whether a file is looked for on the mirror.
    pub fn has(&self, path: &[u8]) -> bool {
        let end = path.iter().position(|&byte| byte == b'/');
        let top = &path[..end.unwrap_or(path.len())];
        if !self.top_include.is_empty() && !self.top_include.iter().any(|name| name == top) {
            return false;
        }
        if self.exclude.is_empty() {
            return true;
        }
        // Patterns see a slash in front, and behind each directory on the way.
        let whole = [b"/", path].concat();
        let ends = (1..whole.len()).filter(|&end| whole[end] == b'/');
        !ends
            .map(|end| &whole[..=end])
            .chain([whole.as_slice()])
            .any(|part| self.exclude.is_match(part))
    }
}

/// rsync's patterns (man rsync, PATTERN MATCHING RULES) as regular expressions over paths with a
/// slash in front, and behind a directory. A pattern that cannot be said so excludes nothing.
pub(super) fn rsync_patterns(patterns: &[String]) -> RegexSet {
    let expressions = patterns.iter().map(|pattern| rsync_pattern(pattern));
    let valid = expressions.filter(|text| RegexSet::new([text]).is_ok());
    RegexSet::new(valid).unwrap_or_else(|_| RegexSet::empty())
}

fn rsync_pattern(pattern: &str) -> String {
    let (start, pattern) = match pattern.strip_prefix('/') {
        Some(anchored) => ("^/", anchored),
        None => ("/", pattern),
    };
    let (pattern, end) = match pattern.strip_suffix('/') {
        Some(directory) => (directory, "/$"),
        None => (pattern, "/?$"),
    };
    let pattern = pattern.strip_suffix("/***").unwrap_or(pattern);
    let mut expression = format!("(?s-u){start}");
    let mut rest = pattern.chars().peekable();
    while let Some(char) = rest.next() {
        match char {
            '*' if rest.next_if_eq(&'*').is_some() => expression.push_str(".*"),
            '*' => expression.push_str("[^/]*"),
            '?' => expression.push_str("[^/]"),
            '[' => {
                expression.push('[');
                if rest.next_if(|next| matches!(next, '!' | '^')).is_some() {
                    expression.push('^');
                }
            }
            ']' => expression.push(']'),
            '\\' => expression.push_str(&regex::escape(&rest.next().unwrap_or('\\').to_string())),
            '-' => expression.push('-'),
            char => expression.push_str(&regex::escape(&char.to_string())),
        }
    }
    expression + end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excludes(patterns: &[&str], path: &str) -> bool {
        let patterns: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
        !AllowedFiles::new(&[], rsync_patterns(&patterns)).has(path.as_bytes())
    }

    #[test]
    fn patterns_of_rsync_exclude_what_they_exclude_there() {
        for (pattern, path, expected) in [
            ("*.iso", "a.iso", true),
            ("*.iso", "d/a.iso", true),
            ("*.iso", "d/a.iso.md5", false),
            ("/d", "d/a", true),
            ("/d", "x/d/a", false),
            ("/d/", "d/a", true),
            ("/d/", "d", false),
            ("d/", "x/d/a", true),
            ("x/d", "y/x/d/a", true),
            ("/x*d", "x/d", false),
            ("/x**d", "x/y/d", true),
            ("*/.~tmp~/", "a/.~tmp~/f", true),
            ("/.~tmp~/", ".~tmp~/f", true),
            ("file[0-9]", "a/file7", true),
            ("file[!0-9]", "a/file7", false),
            ("d/***", "d/a", true),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("[", "x", false),
        ] {
            assert_eq!(excludes(&[pattern], path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn names_at_the_top_and_expressions_count() {
        let exclude = RegexSet::new(["/tmp/", r"\.part$"]).expect("valid");
        let rules = AllowedFiles::new(&["pub/".to_owned()], exclude);
        for (path, expected) in [
            ("pub/a", true),
            ("other/a", false),
            ("pub/tmp/a", false),
            ("pub/a.part", false),
            ("pub/tmp", true),
        ] {
            assert_eq!(rules.has(path.as_bytes()), expected, "{path}");
        }
    }
}
