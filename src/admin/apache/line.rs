//! Lines and words of Apache's configuration files.

/// A line with its number; continued lines are one, with the number of the first.
pub(in crate::admin) struct LogicalLine {
    pub number: usize,
    /// The number of its last part.
    pub last: usize,
    pub text: String,
}

/// The lines that mean something.
pub(in crate::admin) fn logical_lines(text: &str) -> Vec<LogicalLine> {
    let mut lines = Vec::new();
    let mut numbered = text.lines().enumerate();
    while let Some((index, line)) = numbered.next() {
        let mut whole = line.to_owned();
        let mut last = index + 1;
        while whole.ends_with('\\') {
            whole.pop();
            if let Some((index, more)) = numbered.next() {
                last = index + 1;
                whole.push_str(more);
            }
        }
        let text = whole.trim();
        if !text.is_empty() && !text.starts_with('#') {
            lines.push(LogicalLine {
                number: index + 1,
                last,
                text: text.to_owned(),
            });
        }
    }
    lines
}

/// The words of a line: separated by white space; quotes hold a word together.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '"' | '\'' => quoted(&rest[1..], first),
            _ => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        words.push(word);
        rest = after.trim_start();
    }
    words
}

/// A word up to its closing quote; a backslash protects a quote or a backslash.
fn quoted(text: &str, quote: char) -> (String, &str) {
    let mut word = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return (word, &text[at + 1..]);
        }
        let next = text[at + c.len_utf8()..].chars().next();
        match next.filter(|next| c == '\\' && (*next == quote || *next == '\\')) {
            Some(next) => {
                word.push(next);
                chars.next();
            }
            None => word.push(c),
        }
    }
    (word, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_words_are_split_as_apache_does() {
        let text = "# no\n\nServerName a \\\n  b\n  Alias /x \"/two words\"\n";
        let lines = logical_lines(text);
        let found: Vec<_> = lines
            .iter()
            .map(|line| (line.number, &*line.text))
            .collect();
        assert_eq!(
            found,
            [(3, "ServerName a   b"), (5, "Alias /x \"/two words\"")]
        );
        for (text, expected) in [
            ("a  b", &["a", "b"][..]),
            (
                r#"Header set X "a \"b\" \\ \d""#,
                &["Header", "set", "X", r#"a "b" \ \d"#],
            ),
            ("'it is' \"it's\"", &["it is", "it's"]),
            ("open \"end", &["open", "end"]),
            ("", &[]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }
}
