//! Matches wildcard patterns as in MirrorBrain's exclusions: `*`, `?`, `[a-z]`, ignoring case.

/// One pattern, which must match the whole text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<u8>);

impl Pattern {
    /// Reads a pattern. Every text is one: a `[` without its `]` stands for itself.
    pub fn new(text: &str) -> Pattern {
        Pattern(text.to_ascii_lowercase().into_bytes())
    }

    /// Whether the pattern matches the whole text.
    ///
    /// The time is bounded by pattern length × text length: only the last `*` is ever retried.
    pub fn matches(&self, text: &[u8]) -> bool {
        let pattern = &self.0;
        let (mut p, mut t) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while t < text.len() {
            if pattern.get(p) == Some(&b'*') {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            let byte = text[t].to_ascii_lowercase();
            if let Some(length) = pattern.get(p..).and_then(|rest| match_one(rest, byte)) {
                p += length;
                t += 1;
            } else if let Some((after_star, start)) = retry {
                p = after_star;
                t = start + 1;
                retry = Some((after_star, t));
            } else {
                return false;
            }
        }
        pattern[p..].iter().all(|&byte| byte == b'*')
    }
}

/// Length of the pattern's first element, if that element matches the byte.
fn match_one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', escaped, ..] => (*escaped == byte).then_some(2),
        [b'[', rest @ ..] => match set_end(rest) {
            Some(end) => set_has(&rest[..end], byte).then_some(end + 2),
            None => (byte == b'[').then_some(1),
        },
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

/// Index of the `]` that ends a set; a `]` right at the set's beginning stands for itself.
fn set_end(rest: &[u8]) -> Option<usize> {
    let skip = 1 + usize::from(matches!(rest.first(), Some(b'!' | b'^')));
    rest.iter()
        .skip(skip)
        .position(|&byte| byte == b']')
        .map(|index| index + skip)
}

fn set_has(set: &[u8], byte: u8) -> bool {
    let (negated, mut rest) = match set {
        [b'!' | b'^', rest @ ..] => (true, rest),
        _ => (false, set),
    };
    let mut found = false;
    while let Some((&low, after)) = rest.split_first() {
        if let [b'-', high, after_range @ ..] = after {
            found |= (low..=*high).contains(&byte);
            rest = after_range;
        } else {
            found |= low == byte;
            rest = after;
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_texts_without_case() {
        for (pattern, text, expected) in [
            ("w3m/0.5.1", "w3m/0.5.1", true),
            ("w3m/0.5.1", "w3m/0.5.1 x", false),
            ("*Exclu?ed*", "an eXcLuDed agent", true),
            ("*Exclu?ed*", "excluded", true),
            ("*exclu?ed*", "exclued", false),
            ("image/*", "image/png", true),
            ("image/*", "ximage/png", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*b*c", "aXbXbXc", true),
            ("[a-c]x", "Bx", true),
            ("[!a-c]x", "bx", false),
            ("[]x]", "]", true),
            ("[x", "[x", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("rpm/4.4.2*", "rpm/4.4.2.3", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }
}
