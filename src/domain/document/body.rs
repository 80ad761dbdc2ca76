//! A rendered document: its text, and gaps where long parts of a hash row belong.
//!
//! A large file's piece digests take tens of megabytes, so that renderers write only what stands
//! around them; who sends the document fills the gaps, at once or while it is sent.

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::domain::hash::Long;

use super::digest::hex_into;

/// Bytes of a SHA-1 digest.
const SHA1_BYTES: usize = 20;

/// A document without its long parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// Everything else.
    pub text: Vec<u8>,
    /// Where long parts belong, in order.
    pub gaps: Vec<Gap>,
    /// Parts of the text that may differ between two documents that say the same: the time, and
    /// mirrors in an order that is drawn. In order, without overlap.
    passing: Vec<std::ops::Range<usize>>,
    /// Sum of the digests of what is listed there in whatever order.
    listed: u128,
}

/// A long part in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Place in the text.
    pub at: usize,
    /// What belongs there.
    pub part: Long,
    /// How it is written.
    pub form: Form,
    /// Bytes that it has in the database.
    pub stored: u64,
}

/// How a long part is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is stored.
    Raw,
    /// Elements of RFC 5854, one for each digest.
    Meta4,
    /// Elements of version 3, numbered.
    Metalink,
}

impl Body {
    /// A body to be written, with some room.
    pub fn new() -> Body {
        Body {
            text: Vec::with_capacity(4096),
            ..Body::default()
        }
    }

    /// A body of text alone.
    pub fn of(text: Vec<u8>) -> Body {
        Body {
            text,
            ..Body::default()
        }
    }

    /// Leaves a gap at the present end.
    pub(crate) fn gap(&mut self, part: Long, form: Form, stored: u64) {
        self.gaps.push(Gap {
            at: self.text.len(),
            part,
            form,
            stored,
        });
    }

    /// What `write` appends does not tell two documents apart.
    pub(crate) fn passing(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.text.len();
        write(&mut self.text);
        let end = self.text.len();
        match self.passing.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => self.passing.push(start..end),
        }
    }

    /// Something that is listed in the passing parts; its place there does not matter.
    pub(crate) fn lists(&mut self, fact: &[u8]) {
        self.listed = self.listed.wrapping_add(xxh3_128(fact));
    }

    /// Bytes of the whole document.
    pub fn length(&self) -> u64 {
        let gaps = self.gaps.iter().map(|gap| gap.form.length(gap.stored));
        self.text.len() as u64 + gaps.sum::<u64>()
    }

    /// Entity tag (RFC 9110, section 8.8.3): a strong one of a document whose bytes are all
    /// digested; else a weak one of what the document says.
    ///
    /// Long parts count by their length: the digests of the same file are beside them.
    pub fn etag(&self) -> String {
        let mut hasher = Xxh3::new();
        let mut from = 0;
        for passing in &self.passing {
            hasher.update(&self.text[from..passing.start]);
            from = passing.end;
        }
        hasher.update(&self.text[from..]);
        for gap in &self.gaps {
            hasher.update(&gap.at.to_le_bytes());
            hasher.update(&gap.stored.to_le_bytes());
        }
        let is_strong = self.passing.is_empty() && self.gaps.is_empty();
        let weak = if is_strong { "" } else { "W/" };
        format!(
            "{weak}\"{:032x}\"",
            hasher.digest128().wrapping_add(self.listed)
        )
    }
}

impl Form {
    /// Bytes of `stored` bytes in this form.
    pub fn length(self, stored: u64) -> u64 {
        let digests = stored / SHA1_BYTES as u64;
        match self {
            Form::Raw => stored,
            Form::Meta4 => digests * 60,
            Form::Metalink => digests * 73 + digits_below(digests),
        }
    }

    /// Appends a portion that begins at the byte `from` of the stored part; of digests only whole
    /// ones are given.
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
                for (place, digest) in (first..).zip(portion.chunks_exact(SHA1_BYTES)) {
                    out.extend_from_slice(b"          <hash piece=\"");
                    out.extend_from_slice(place.to_string().as_bytes());
                    out.extend_from_slice(b"\">");
                    hex_into(out, digest);
                    out.extend_from_slice(b"</hash>\n");
                }
            }
        }
    }
}

/// Decimal digits of all numbers from 0 to `count` - 1.
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
                for (place, portion) in stored.chunks(7 * SHA1_BYTES).enumerate() {
                    let from = place * 7 * SHA1_BYTES;
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
            body.passing(|out| out.extend_from_slice(time.as_bytes()));
            body.text.extend_from_slice(b">");
            body.passing(|out| {
                mirrors
                    .iter()
                    .for_each(|m| out.extend_from_slice(m.as_bytes()))
            });
            mirrors
                .iter()
                .for_each(|mirror| body.lists(mirror.as_bytes()));
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
