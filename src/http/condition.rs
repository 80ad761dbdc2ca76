//! Judges conditional requests (RFC 9110, section 13): compares the state of a document that a
//! client has with the present one.
//!
//! This is only for generated documents; the web server handles conditions on files.

use crate::domain::time::Timestamp;
use crate::domain::time::{parse_http_date, rfc822};

use super::Response;

/// The conditional fields of a request; empty if absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Conditions<'a> {
    /// `If-Match`
    pub if_match: &'a [u8],
    /// `If-None-Match`
    pub if_none_match: &'a [u8],
    /// `If-Modified-Since`
    pub if_modified_since: &'a [u8],
    /// `If-Unmodified-Since`
    pub if_unmodified_since: &'a [u8],
}

/// The values that tell two states of a document apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validators {
    /// Entity tag with its quotes and, if it is weak, `W/`.
    pub etag: String,
    /// Time of the document's last known change.
    pub modified_at: Timestamp,
}

/// The answer to a request with conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionVerdict {
    /// The same as without conditions.
    Send,
    /// 304: the client has the present state.
    NotModified,
    /// 412: the client requires another state.
    Failed,
}

impl Conditions<'_> {
    /// Judges the conditions in the order of section 13.2.2, for GET and HEAD. A date that cannot
    /// be read is ignored.
    pub fn judge(&self, now: &Validators) -> ConditionVerdict {
        let date = |field: &[u8]| parse_http_date(std::str::from_utf8(field).ok()?);
        if !self.if_match.is_empty() {
            if !lists(self.if_match, &now.etag, true) {
                return ConditionVerdict::Failed;
            }
        } else if date(self.if_unmodified_since).is_some_and(|since| now.modified_at > since) {
            return ConditionVerdict::Failed;
        }
        let is_known = if self.if_none_match.is_empty() {
            date(self.if_modified_since).is_some_and(|since| now.modified_at <= since)
        } else {
            lists(self.if_none_match, &now.etag, false)
        };
        if is_known {
            ConditionVerdict::NotModified
        } else {
            ConditionVerdict::Send
        }
    }
}

impl Validators {
    /// The validators of a 304, which repeats the tag of the answer that the client has (section
    /// 15.4.5). Unlike mod_brotli, Apache's mod_deflate does not change the tag of a 304.
    pub fn as_known(&self, conditions: &Conditions<'_>) -> Validators {
        let compressed = format!("{}-gzip\"", self.etag.trim_end_matches('"'));
        let opaque = compressed.trim_start_matches("W/").as_bytes();
        let field = conditions.if_none_match;
        let is_known = field.windows(opaque.len()).any(|part| part == opaque);
        Validators {
            etag: if is_known {
                compressed
            } else {
                self.etag.clone()
            },
            modified_at: self.modified_at,
        }
    }

    /// Writes both as fields.
    pub fn write(&self, response: &mut Response<'_>) {
        response.field("ETag", self.etag.as_bytes());
        response.field("Last-Modified", rfc822(self.modified_at).as_bytes());
    }
}

/// Suffixes that web servers append to a tag inside its quotes when they compress the answer:
/// Apache's mod_deflate and mod_brotli, lighttpd's mod_deflate.
const CODINGS: [&[u8]; 7] = [
    b"-x-gzip",
    b"-x-bzip2",
    b"-gzip",
    b"-br",
    b"-zstd",
    b"-deflate",
    b"-bzip2",
];

/// A tag without the suffixes of compression.
fn uncoded(mut tag: &[u8]) -> &[u8] {
    while let Some(rest) = CODINGS.iter().find_map(|coding| tag.strip_suffix(*coding)) {
        tag = rest;
    }
    tag
}

/// Whether a field's list of entity tags contains this one. The strong comparison refuses weak tags
/// (section 8.8.3.2).
fn lists(field: &[u8], etag: &str, is_strong: bool) -> bool {
    if field.trim_ascii() == b"*" {
        return true;
    }
    let opaque = etag.trim_start_matches("W/").as_bytes();
    if is_strong && etag.starts_with("W/") {
        return false;
    }
    let mut rest = field;
    while let Some(start) = rest.iter().position(|byte| *byte == b'"') {
        let Some(length) = rest[start + 1..].iter().position(|byte| *byte == b'"') else {
            return false;
        };
        let end = start + 1 + length + 1;
        let is_weak = rest[..start].ends_with(b"W/");
        if uncoded(&rest[start + 1..end - 1]) == &opaque[1..opaque.len() - 1]
            && !(is_strong && is_weak)
        {
            return true;
        }
        rest = &rest[end..];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: &str = "Tue, 03 Jun 2014 14:51:20 GMT";
    const LATER: &str = "Tue, 03 Jun 2014 14:51:21 GMT";
    const EARLIER: &str = "Tue, 03 Jun 2014 14:51:19 GMT";

    fn judge(etag: &str, fields: [(&str, &str); 2]) -> ConditionVerdict {
        let mut conditions = Conditions::default();
        for (name, value) in fields {
            let value = value.as_bytes();
            match name {
                "if-match" => conditions.if_match = value,
                "if-none-match" => conditions.if_none_match = value,
                "if-modified-since" => conditions.if_modified_since = value,
                "if-unmodified-since" => conditions.if_unmodified_since = value,
                _ => {}
            }
        }
        conditions.judge(&Validators {
            etag: etag.to_owned(),
            modified_at: Timestamp(1_401_807_080),
        })
    }

    #[test]
    fn conditions_are_judged_in_their_order() {
        use ConditionVerdict::{Failed, NotModified, Send};
        let none = ("", "");
        let table = [
            ("\"a\"", [none, none], Send),
            ("\"a\"", [("if-none-match", "\"a\""), none], NotModified),
            ("\"a\"", [("if-none-match", "W/\"a\""), none], NotModified),
            ("W/\"a\"", [("if-none-match", "\"a\""), none], NotModified),
            (
                "W/\"a\"",
                [("if-none-match", "\"b\", W/\"a\",\"c\""), none],
                NotModified,
            ),
            ("\"a\"", [("if-none-match", "\"b\""), none], Send),
            ("\"a\"", [("if-none-match", "a"), none], Send),
            ("\"a\"", [("if-none-match", "\"a"), none], Send),
            ("\"a\"", [("if-none-match", "*"), none], NotModified),
            ("\"a\"", [("if-modified-since", TIME), none], NotModified),
            ("\"a\"", [("if-modified-since", LATER), none], NotModified),
            ("\"a\"", [("if-modified-since", EARLIER), none], Send),
            ("\"a\"", [("if-modified-since", "yesterday"), none], Send),
            // If-None-Match is looked at alone.
            (
                "\"a\"",
                [("if-none-match", "\"b\""), ("if-modified-since", LATER)],
                Send,
            ),
            (
                "\"a\"",
                [("if-none-match", "\"a\""), ("if-modified-since", EARLIER)],
                NotModified,
            ),
            ("\"a\"", [("if-match", "\"a\""), none], Send),
            ("\"a\"", [("if-match", "\"b\""), none], Failed),
            ("\"a\"", [("if-match", "*"), none], Send),
            // The strong comparison.
            ("\"a\"", [("if-match", "W/\"a\""), none], Failed),
            ("W/\"a\"", [("if-match", "W/\"a\""), none], Failed),
            (
                "\"a\"",
                [("if-match", "\"a\""), ("if-none-match", "\"a\"")],
                NotModified,
            ),
            (
                "\"a\"",
                [("if-match", "\"b\""), ("if-none-match", "\"a\"")],
                Failed,
            ),
            ("\"a\"", [("if-unmodified-since", TIME), none], Send),
            ("\"a\"", [("if-unmodified-since", EARLIER), none], Failed),
            ("\"a\"", [("if-unmodified-since", "soon"), none], Send),
            (
                "\"a\"",
                [("if-match", "\"a\""), ("if-unmodified-since", EARLIER)],
                Send,
            ),
        ];
        for (etag, fields, expected) in table {
            assert_eq!(judge(etag, fields), expected, "{etag} {fields:?}");
        }
    }

    #[test]
    fn a_304_has_the_tag_of_what_the_client_has() {
        for (etag, field, expected) in [
            ("\"a\"", "\"a\"", "\"a\""),
            ("\"a\"", "\"b\", \"a-gzip\"", "\"a-gzip\""),
            ("W/\"a\"", "W/\"a-gzip\"", "W/\"a-gzip\""),
            ("W/\"a\"", "W/\"a-br\"", "W/\"a\""),
            ("\"a\"", "*", "\"a\""),
        ] {
            let now = Validators {
                etag: etag.to_owned(),
                modified_at: Timestamp(0),
            };
            let conditions = Conditions {
                if_none_match: field.as_bytes(),
                ..Conditions::default()
            };
            assert_eq!(now.as_known(&conditions).etag, expected, "{field}");
        }
    }

    #[test]
    fn a_tag_that_the_web_server_changed_is_still_ours() {
        use ConditionVerdict::{Failed, NotModified, Send};
        let none = ("", "");
        let table = [
            (
                "\"a\"",
                [("if-none-match", "\"a-gzip\""), none],
                NotModified,
            ),
            (
                "W/\"a\"",
                [("if-none-match", "W/\"a-br\""), none],
                NotModified,
            ),
            (
                "\"a\"",
                [("if-none-match", "\"b-gzip\", \"a-x-gzip\""), none],
                NotModified,
            ),
            ("\"a\"", [("if-none-match", "\"b-gzip\""), none], Send),
            ("\"a\"", [("if-none-match", "\"a-gzipped\""), none], Send),
            ("\"a\"", [("if-none-match", "\"agzip\""), none], Send),
            ("\"a\"", [("if-none-match", "\"-gzip\""), none], Send),
            ("\"a\"", [("if-match", "\"a-gzip\""), none], Send),
            ("W/\"a\"", [("if-match", "\"a-gzip\""), none], Failed),
        ];
        for (etag, fields, expected) in table {
            assert_eq!(judge(etag, fields), expected, "{etag} {fields:?}");
        }
    }
}
