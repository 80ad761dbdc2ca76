//! Reads query arguments as mod_form does (behaviour §1.2).

use crate::domain::escape::percent_decode;

/// The arguments of a request, with names in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    arguments: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Largest number of arguments that are read. MirrorBrain knows a dozen; more are an attack.
const ARGUMENTS_MAX: usize = 64;

fn decode(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text
        .iter()
        .map(|&byte| if byte == b'+' { b' ' } else { byte })
        .collect();
    percent_decode(&spaced)
}

impl Query {
    /// Splits at `&` and decodes. A name without `=` has an empty value and counts as present.
    pub fn parse(text: &[u8]) -> Query {
        if text.is_empty() {
            return Query::default();
        }
        let arguments = text
            .split(|&byte| byte == b'&')
            .filter(|part| !part.is_empty())
            .take(ARGUMENTS_MAX)
            .map(|part| {
                let at = part.iter().position(|&byte| byte == b'=');
                let (key, value) = at.map_or((part, &b""[..]), |at| (&part[..at], &part[at + 1..]));
                (decode(key).to_ascii_lowercase(), decode(value))
            })
            .collect();
        Query { arguments }
    }

    /// Whether there is any argument.
    pub fn is_empty(&self) -> bool {
        self.arguments.is_empty()
    }

    /// Whether the argument is present, with any value.
    pub fn has(&self, key: &str) -> bool {
        self.arguments
            .iter()
            .any(|(name, _)| name == key.as_bytes())
    }

    /// The first value of an argument, with which the joined values of a repeated one begin.
    pub fn first(&self, key: &str) -> Option<&[u8]> {
        self.arguments
            .iter()
            .find(|(name, _)| name == key.as_bytes())
            .map(|(_, value)| value.as_slice())
    }

    /// The value of an argument that is present exactly once. A repeated one has no value, because
    /// mod_form joins its values into a text that no check accepts.
    pub fn once(&self, key: &str) -> Option<&[u8]> {
        let mut values = self
            .arguments
            .iter()
            .filter(|(name, _)| name == key.as_bytes());
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_as_mod_form_reads_them() {
        let query = Query::parse(b"mirrorlist&Country=d%65&as=680+x&a=b=c&&empty=");
        assert!(query.has("mirrorlist") && query.has("empty") && !query.has("md5"));
        assert_eq!(query.once("country"), Some(&b"de"[..]));
        assert_eq!(query.once("as"), Some(&b"680 x"[..]));
        assert_eq!(query.once("a"), Some(&b"b=c"[..]));
        let repeated = Query::parse(b"country=de&country=fr");
        assert_eq!(repeated.once("country"), None);
        assert_eq!(repeated.first("country"), Some(&b"de"[..]));
        assert!(Query::parse(b"").is_empty());
    }
}
