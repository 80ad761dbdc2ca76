//! Holds what one HTTP scan keeps for the next: versions of pages, and directories that it did not
//! reach.
//!
//! A directory is not listed again if neither its page nor the catalogue has changed since: its
//! files keep their state. This is right only for the content that was published then, so the
//! memory is bound to that generation of the content.

use std::collections::HashMap;

use crate::db::scan::directory::ScanMemory;
use crate::domain::time::Timestamp;
use crate::domain::varint;
use crate::fetch::Validator;
use xxhash_rust::xxh3::xxh3_64;

/// Largest size of one mirror's memory in bytes. If a server's validators are longer, all its pages
/// are read each time.
const MEMORY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Longest validator that is kept.
const VALIDATOR_BYTES_MAX: usize = 256;

/// The memory of a crawl for the next one.
#[derive(Debug, Default)]
pub struct CrawlRest {
    /// Versions of pages.
    pub memory: Memory,
    /// Directories that the scan did not reach: the program was told to stop, or the mirror's time
    /// is over.
    pub unfinished: Vec<Vec<u8>>,
    /// Directories that an interrupted scan had not reached; nothing else was listed. Empty: all
    /// was.
    pub continued: Vec<Vec<u8>>,
}

impl CrawlRest {
    /// The row of a scan of that URL.
    pub fn row(
        &self,
        url: &str,
        tree_generation: i64,
        shift_min: i32,
        at: Timestamp,
    ) -> ScanMemory {
        ScanMemory {
            source: source_of(url),
            tree_generation,
            learnt_at: at,
            shift_min,
            directories: self.memory.encode(),
            unfinished: encode_paths(&self.unfinished),
        }
    }
}

/// A number that stands for a URL in the database, because the URL may hold a password.
pub fn source_of(url: &str) -> i64 {
    xxh3_64(url.as_bytes()) as i64
}

/// A directory at the time of its listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryMemory {
    /// The fingerprint of the catalogue's directory.
    pub fingerprint: u64,
    /// The version of the page.
    pub validator: Validator,
    /// Number of files on the page that the catalogue did not have.
    pub unknown: u64,
    /// Names of directories on the page that the catalogue also had.
    pub directories: Vec<Vec<u8>>,
}

/// The directories of one mirror, by the key of their path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    entries: HashMap<u64, DirectoryMemory>,
}

impl Memory {
    /// Remembers a directory.
    pub fn keep(&mut self, key: u64, remembered: DirectoryMemory) {
        let (Validator::Tag(text) | Validator::Date(text)) = &remembered.validator;
        if text.len() <= VALIDATOR_BYTES_MAX {
            self.entries.insert(key, remembered);
        }
    }

    /// The memory of a directory, if its fingerprint is still this one.
    pub fn find(&self, key: u64, fingerprint: u64) -> Option<&DirectoryMemory> {
        let found = self.entries.get(&key);
        found.filter(|remembered| remembered.fingerprint == fingerprint)
    }

    /// Writes bytes, the same for the same memory; empty if there is nothing to keep, or too much.
    pub fn encode(&self) -> Vec<u8> {
        let mut keys: Vec<&u64> = self.entries.keys().collect();
        keys.sort_unstable();
        let mut out = Vec::new();
        for key in keys {
            let entry = &self.entries[key];
            out.extend(key.to_le_bytes());
            out.extend(entry.fingerprint.to_le_bytes());
            let (kind, text) = match &entry.validator {
                Validator::Tag(text) => (0, text),
                Validator::Date(text) => (1, text),
            };
            varint::put(&mut out, kind);
            put_bytes(&mut out, text.as_bytes());
            varint::put(&mut out, entry.unknown);
            varint::put(&mut out, entry.directories.len() as u64);
            for name in &entry.directories {
                put_bytes(&mut out, name);
            }
        }
        if out.len() > MEMORY_BYTES_MAX {
            return Vec::new();
        }
        out
    }

    /// Reads the bytes; damaged bytes are an empty memory.
    pub fn decode(mut bytes: &[u8]) -> Memory {
        let mut memory = Memory::default();
        while !bytes.is_empty() {
            let Some((key, entry)) = take_entry(&mut bytes) else {
                return Memory::default();
            };
            memory.entries.insert(key, entry);
        }
        memory
    }
}

/// Writes a list of paths as bytes.
pub fn encode_paths(paths: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for path in paths {
        put_bytes(&mut out, path);
    }
    out
}

/// Reads the bytes; damaged bytes are an empty list.
pub fn decode_paths(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    while !bytes.is_empty() {
        match take_bytes(&mut bytes) {
            Some(path) => paths.push(path.to_vec()),
            None => return Vec::new(),
        }
    }
    paths
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    varint::put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn take_bytes<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(varint::take(bytes)?).ok()?;
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}

fn take_entry(bytes: &mut &[u8]) -> Option<(u64, DirectoryMemory)> {
    let key = take_u64(bytes)?;
    let fingerprint = take_u64(bytes)?;
    let kind = varint::take(bytes)?;
    let text = String::from_utf8(take_bytes(bytes)?.to_vec()).ok()?;
    let unknown = varint::take(bytes)?;
    let count = varint::take(bytes)?;
    let mut directories = Vec::new();
    for _ in 0..count {
        directories.push(take_bytes(bytes)?.to_vec());
    }
    let validator = match kind {
        0 => Validator::Tag(text),
        1 => Validator::Date(text),
        _ => return None,
    };
    let remembered = DirectoryMemory {
        fingerprint,
        validator,
        unknown,
        directories,
    };
    Some((key, remembered))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_remembered_comes_back() {
        let mut memory = Memory::default();
        for (key, validator) in [
            (7, Validator::Tag("W/\"a\"".into())),
            (3, Validator::Date("Thu, 02 Jan 2020 03:04:05 GMT".into())),
        ] {
            memory.keep(
                key,
                DirectoryMemory {
                    fingerprint: key + 1,
                    validator,
                    unknown: 300,
                    directories: vec![b"a b".to_vec(), b"\xff".to_vec()],
                },
            );
        }
        let decoded = Memory::decode(&memory.encode());
        assert_eq!(decoded, memory);
        assert!(decoded.find(7, 8).is_some() && decoded.find(7, 9).is_none());
        let paths = [b"a/b".to_vec(), Vec::new()];
        assert_eq!(decode_paths(&encode_paths(&paths)), paths);
    }

    proptest! {
        #[test]
        fn damaged_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            Memory::decode(&bytes);
            decode_paths(&bytes);
        }
    }
}
