//! A rendered document: its text, and gaps for the long parts of a hash row.
//!
//! The piece digests of a large file take tens of megabytes. So renderers write only the text
//! around them, and the sender fills the gaps, at once or while it sends.

use crate::domain::escape::hex_into;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::domain::hash::HashPart;

/// Bytes of a SHA-1 digest.
const SHA1_BYTES: usize = 20;

/// A document without the long parts of the hash row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// The text around the gaps.
    pub text: Vec<u8>,
    /// The gaps, in the order of the text.
    pub gaps: Vec<Gap>,
    /// Ranges of the text that may differ between two documents with the same meaning: the time,
    /// and lists of mirrors in random order. In order, without overlap.
    varying: Vec<std::ops::Range<usize>>,
    /// Sum of the digests of all items that the varying ranges list, in whatever order.
    listed: u128,
}

/// A gap in a document's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Index in the text, in bytes.
    pub at: usize,
    /// The part of the hash row that fills the gap.
    pub part: HashPart,
    /// The form in which the part is written.
    pub form: Form,
    /// Length of the part in the database, in bytes.
    pub stored: u64,
}

/// The form in which a long part is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The bytes as stored.
    Raw,
    /// One element of RFC 5854 per digest.
    Meta4,
    /// One numbered element of metalink version 3 per digest.
    Metalink,
}

impl Body {
    /// An empty body with room for a typical document.
    pub fn new() -> Body {
        Body {
            text: Vec::with_capacity(4096),
            ..Body::default()
        }
    }

    /// A body of text without gaps.
    pub fn of(text: Vec<u8>) -> Body {
        Body {
            text,
            ..Body::default()
        }
    }

    /// Adds a gap at the present end of the text.
    pub(crate) fn gap(&mut self, part: HashPart, form: Form, stored: u64) {
        self.gaps.push(Gap {
            at: self.text.len(),
            part,
            form,
            stored,
        });
    }

    /// Appends text that does not count for the entity tag.
    pub(crate) fn varying(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.text.len();
        write(&mut self.text);
        let end = self.text.len();
        match self.varying.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => self.varying.push(start..end),
        }
    }

    /// Counts a listed item for the entity tag, wherever it stands in the varying ranges.
    pub(crate) fn add_listed(&mut self, fact: &[u8]) {
        self.listed = self.listed.wrapping_add(xxh3_128(fact));
    }

    /// Length of the whole document in bytes.
    pub fn length(&self) -> u64 {
        let gaps = self.gaps.iter().map(|gap| gap.form.length(gap.stored));
        self.text.len() as u64 + gaps.sum::<u64>()
    }

    /// Entity tag (RFC 9110, section 8.8.3). It is strong if all bytes of the document are
    /// digested; otherwise it is weak, and stands for the document's meaning.
    ///
    /// Long parts count by their length: the text around them has the digests of the same file.
    pub fn etag(&self) -> String {
        let mut hasher = Xxh3::new();
        let mut from = 0;
        for varying in &self.varying {
            hasher.update(&self.text[from..varying.start]);
            from = varying.end;
        }
        hasher.update(&self.text[from..]);
        for gap in &self.gaps {
            hasher.update(&gap.at.to_le_bytes());
            hasher.update(&gap.stored.to_le_bytes());
        }
        let is_strong = self.varying.is_empty() && self.gaps.is_empty();
        let weak = if is_strong { "" } else { "W/" };
        format!(
            "{weak}\"{:032x}\"",
            hasher.digest128().wrapping_add(self.listed)
        )
    }
}

impl Form {
    /// Length in bytes of `stored` bytes in this form.
    pub fn length(self, stored: u64) -> u64 {
        let digests = stored / SHA1_BYTES as u64;
        match self {
            Form::Raw => stored,
            Form::Meta4 => digests * 60,
            Form::Metalink => digests * 73 + digits_below(digests),
        }
    }

    /// Appends a portion of the part that starts at byte `from` of the stored part. Digests must be
    /// whole.
    pub fn write(self, out: &mut Vec<u8>, from: u64, portion: &[u8]) {
        match self {
            Form::Raw => out.extend_from_slice(portion),
            Form::Meta4 => {
                for digest in portion.chunks_exact(SHA1_BYTES) {
                    out.extend_from_slice(b"      <hash>");
                    hex_into(out, digest);
                    out.extend_from_slice(b"</hash>\n");
                }
            }
            Form::Metalink => {
                let first = from / SHA1_BYTES as u64;
                for (index, digest) in (first..).zip(portion.chunks_exact(SHA1_BYTES)) {
                    out.extend_from_slice(b"          <hash piece=\"");
                    out.extend_from_slice(index.to_string().as_bytes());
                    out.extend_from_slice(b"\">");
                    hex_into(out, digest);
                    out.extend_from_slice(b"</hash>\n");
                }
            }
        }
    }
}

/// Total number of decimal digits of all numbers from 0 to `count` - 1.
fn digits_below(count: u64) -> u64 {
    let mut digits = 0;
    let (mut from, mut width) = (0, 1);
    while from < count {
        let to = count.min(10_u64.pow(width));
        digits += (to - from) * u64::from(width);
        (from, width) = (to, width + 1);
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_what_is_written() {
        for digests in [0, 1, 9, 10, 11, 99, 101, 1234] {
            let stored = vec![0xab; digests * SHA1_BYTES];
            for form in [Form::Raw, Form::Meta4, Form::Metalink] {
                let mut whole = Vec::new();
                form.write(&mut whole, 0, &stored);
                assert_eq!(
                    whole.len() as u64,
                    form.length(stored.len() as u64),
                    "{form:?}"
                );
                let mut portions = Vec::new();
                for (index, portion) in stored.chunks(7 * SHA1_BYTES).enumerate() {
                    let from = index * 7 * SHA1_BYTES;
                    form.write(&mut portions, from as u64, portion);
                }
                assert_eq!(portions, whole, "{form:?}");
            }
        }
    }

    #[test]
    fn tags_are_of_what_is_said() {
        let body = |time: &str, mirrors: [&str; 2]| {
            let mut body = Body::new();
            body.text.extend_from_slice(b"<");
            body.varying(|out| out.extend_from_slice(time.as_bytes()));
            body.text.extend_from_slice(b">");
            body.varying(|out| {
                mirrors
                    .iter()
                    .for_each(|m| out.extend_from_slice(m.as_bytes()))
            });
            mirrors
                .iter()
                .for_each(|mirror| body.add_listed(mirror.as_bytes()));
            body
        };
        let tag = body("now", ["a", "b"]).etag();
        assert!(tag.starts_with("W/\""), "{tag}");
        assert_eq!(body("then", ["b", "a"]).etag(), tag);
        assert_ne!(body("now", ["a", "c"]).etag(), tag);
        assert_ne!(body("now", ["a", "a"]).etag(), tag);
        let strong = Body::of(b"x".to_vec()).etag();
        assert!(strong.starts_with('"') && strong.len() == 34, "{strong}");
    }
}
