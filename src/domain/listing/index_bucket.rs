//! Reads listings of buckets: `ListBucketResult` of S3 and of stores with the same protocol.
//!
//! A bucket has no directories, only keys that contain slashes. If asked with a prefix and a
//! delimiter, it lists one directory: files as `Contents`, directories as `CommonPrefixes`. If
//! asked with neither, it lists all keys, of which this parser takes those in one directory. A
//! listing comes in parts of a thousand keys; each part says how to ask for the next.

use super::index_entry::{BucketPart, IndexEntry, NextPart, PageError};
use super::index_field::read_fields;
use super::listed::{ListedFile, ListedSize, is_name};
use crate::domain::escape::percent_decode;
use crate::domain::path::PATH_BYTES_MAX;

/// Largest number of bytes kept of an element's text: a key with each byte written as `%XX`, or a
/// token.
const TEXT_BYTES_MAX: usize = 3 * PATH_BYTES_MAX;

/// A listing that is being read.
pub(super) struct Bucket {
    /// The prefix of the directory's keys, if it is not the one that the listing states.
    key_prefix: Option<Vec<u8>>,
    part: BucketPart,
    /// Text of the open element.
    text: Vec<u8>,
    key: Vec<u8>,
    size: Vec<u8>,
    modified: Vec<u8>,
    is_in_prefixes: bool,
    is_encoded: bool,
    is_cut: bool,
    last: Vec<u8>,
    token: Option<Vec<u8>>,
    marker: Option<Vec<u8>>,
    /// The first key in the directory that no file can have.
    unreadable: Option<Vec<u8>>,
}

impl Bucket {
    pub fn new(key_prefix: Option<&[u8]>) -> Bucket {
        Bucket {
            key_prefix: key_prefix.map(<[u8]>::to_vec),
            part: BucketPart::default(),
            text: Vec::new(),
            key: Vec::new(),
            size: Vec::new(),
            modified: Vec::new(),
            is_in_prefixes: false,
            is_encoded: false,
            is_cut: false,
            last: Vec::new(),
            token: None,
            marker: None,
            unreadable: None,
        }
    }

    /// The first key in the directory that no file can have, once all are read.
    pub fn take_unreadable(&mut self) -> Option<Vec<u8>> {
        self.unreadable.take()
    }

    pub fn open(&mut self, name: &[u8]) {
        self.text.clear();
        match name {
            b"contents" => {
                self.key.clear();
                self.size.clear();
                self.modified.clear();
                self.is_in_prefixes = false;
            }
            b"commonprefixes" => self.is_in_prefixes = true,
            _ => {}
        }
    }

    pub fn text(&mut self, text: &[u8]) {
        let free = TEXT_BYTES_MAX.saturating_sub(self.text.len());
        self.text.extend_from_slice(&text[..text.len().min(free)]);
    }

    /// Ends an element, and calls `give` if an entry is complete.
    pub fn close(&mut self, name: &[u8], give: &mut dyn FnMut(IndexEntry, &[u8])) {
        let text = std::mem::take(&mut self.text);
        match name {
            b"encodingtype" => self.is_encoded = text.eq_ignore_ascii_case(b"url"),
            b"prefix" if self.is_in_prefixes => {
                let prefix = self.decoded(&text);
                self.take(&prefix, give);
            }
            b"prefix" => self.part.prefix = self.decoded(&text),
            b"commonprefixes" => self.is_in_prefixes = false,
            b"key" => self.key = self.decoded(&text),
            b"size" => self.size = text,
            b"lastmodified" => self.modified = text,
            b"contents" => {
                let key = std::mem::take(&mut self.key);
                self.take(&key, give);
            }
            b"istruncated" => self.is_cut = text.trim_ascii().eq_ignore_ascii_case(b"true"),
            b"nextcontinuationtoken" => self.token = some(text),
            b"nextmarker" => self.marker = some(self.decoded(&text)),
            _ => {}
        }
    }

    /// # Errors
    /// Returns [`PageError::Truncated`] if there is a next part, but no way to ask for it.
    pub fn finish(self) -> Result<BucketPart, PageError> {
        if !self.is_cut {
            return Ok(self.part);
        }
        let marker = self.marker.or_else(|| some(self.last));
        let next = match (self.token, marker) {
            (Some(token), _) => NextPart::Token(token),
            (None, Some(marker)) => NextPart::Marker(marker),
            (None, None) => return Err(PageError::Truncated),
        };
        Ok(BucketPart {
            next: Some(next),
            ..self.part
        })
    }

    fn decoded(&self, text: &[u8]) -> Vec<u8> {
        if !self.is_encoded {
            return text.to_vec();
        }
        // Encoded like form data: a plus sign is a space.
        let spaced: Vec<u8> = text
            .iter()
            .map(|&byte| if byte == b'+' { b' ' } else { byte })
            .collect();
        percent_decode(&spaced)
    }

    fn take(&mut self, key: &[u8], give: &mut dyn FnMut(IndexEntry, &[u8])) {
        if key > self.last.as_slice() {
            self.last = key.to_vec();
        }
        let stated = || {
            let prefix = &self.part.prefix;
            let end = prefix.iter().rposition(|&byte| byte == b'/');
            &prefix[..end.map_or(0, |end| end + 1)]
        };
        let prefix = self.key_prefix.as_deref().unwrap_or_else(stated);
        let Some(rest) = key.strip_prefix(prefix) else {
            return;
        };
        let end = rest.iter().position(|&byte| byte == b'/');
        let name = &rest[..end.unwrap_or(rest.len())];
        if !is_name(name) {
            // The key of the directory itself names no entry.
            if !rest.is_empty() {
                self.unreadable.get_or_insert_with(|| key.to_vec());
            }
            return;
        }
        let entry = match end {
            Some(_) => IndexEntry::Directory,
            None => IndexEntry::File(self.file()),
        };
        give(entry, name);
    }

    fn file(&self) -> ListedFile {
        let size = read_fields(&self.size).file.size;
        ListedFile {
            size: match size {
                ListedSize::Exact(_) => size,
                _ => ListedSize::Unknown,
            },
            time: read_fields(&self.modified).file.time,
        }
    }
}

fn some(text: Vec<u8>) -> Option<Vec<u8>> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key_prefix: Option<&[u8]>, text: &str) -> (Vec<String>, Result<BucketPart, PageError>) {
        let mut bucket = Bucket::new(key_prefix);
        let mut found = Vec::new();
        let mut give = |entry, name: &[u8]| {
            let name = String::from_utf8_lossy(name);
            found.push(match entry {
                IndexEntry::Directory => format!("{name}/"),
                IndexEntry::File(file) => format!("{name} {:?}", file.size),
            });
        };
        for part in text.split('<').skip(1) {
            let (name, text) = part.split_once('>').expect("a tag");
            match name.strip_prefix('/') {
                Some(name) => bucket.close(name.as_bytes(), &mut give),
                None => bucket.open(name.as_bytes()),
            }
            bucket.text(text.as_bytes());
        }
        (found, bucket.finish())
    }

    #[test]
    fn keys_below_a_prefix_are_entries() {
        let keys = "<contents><key>d/a</key><size>5</size></contents>\
                    <contents><key>d/</key><size>0</size></contents>\
                    <contents><key>d/e/f</key><size>5</size></contents>\
                    <contents><key>other</key><size>5</size></contents>\
                    <contents><key>d//x</key></contents>\
                    <commonprefixes><prefix>d/g/</prefix></commonprefixes>";
        let in_d = ["a Exact(5)", "e/", "g/"];
        assert_eq!(read(Some(b"d/"), keys).0, in_d);
        assert_eq!(read(None, &format!("<prefix>d/</prefix>{keys}")).0, in_d);
        assert_eq!(
            read(None, keys).0,
            ["d/", "d/", "d/", "other Exact(5)", "d/", "d/"]
        );
    }

    #[test]
    fn a_key_that_no_file_can_have_is_unreadable() {
        let long = format!("d/{}", "x".repeat(PATH_BYTES_MAX + 1));
        for (key, expected) in [
            ("d/", false),
            ("d/a", false),
            ("d/a/", false),
            ("other//x", false),
            ("d//x", true),
            ("d/../x", true),
            ("d/.", true),
            ("d/a\0b", true),
            (long.as_str(), true),
        ] {
            let mut bucket = Bucket::new(Some(b"d/"));
            bucket.open(b"contents");
            bucket.open(b"key");
            bucket.text(key.as_bytes());
            bucket.close(b"key", &mut |_, _| {});
            bucket.close(b"contents", &mut |_, _| {});
            assert_eq!(bucket.take_unreadable().is_some(), expected, "{key:?}");
        }
    }

    #[test]
    fn a_cut_listing_says_how_to_go_on() {
        let next = |text: &str| read(None, text).1.map(|part| part.next).ok();
        let key = "<contents><key>b</key></contents><contents><key>a</key></contents>";
        for (text, expected) in [
            ("<istruncated>false</istruncated>", Some(None)),
            ("<istruncated>true</istruncated>", None),
            (
                "<istruncated>true</istruncated><contents><key>b</key></contents>",
                Some(Some(NextPart::Marker(b"b".to_vec()))),
            ),
            (
                "<istruncated>true</istruncated><nextmarker>m</nextmarker>",
                Some(Some(NextPart::Marker(b"m".to_vec()))),
            ),
            (
                "<nextcontinuationtoken>t=</nextcontinuationtoken><nextmarker>m</nextmarker>\
                 <istruncated>true</istruncated>",
                Some(Some(NextPart::Token(b"t=".to_vec()))),
            ),
        ] {
            assert_eq!(next(text), expected, "{text}");
        }
        let with_keys = format!("<istruncated>true</istruncated>{key}");
        let last = NextPart::Marker(b"b".to_vec());
        assert_eq!(next(&with_keys), Some(Some(last)));
    }
}
