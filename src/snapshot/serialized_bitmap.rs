//! Reads a serialised bitmap 65,536 ids at a time, as plain bits, without making a bitmap of it.
//!
//! The format is RoaringFormatSpec's, which the database stores. Its parts ("containers") stand for
//! 65,536 ids each, which is the matrix's unit, too. A walk over single ids would take longer than
//! all else that a start does: two hundred mirrors have a billion pairs at ten million files.
//!
//! # Errors
//! A layout that [`roaring::RoaringBitmap::deserialize_from`] refuses is refused here; a test
//! compares both.

use std::io::{self, ErrorKind};

/// Number of words of the bits of one part.
pub(super) const PART_WORDS: usize = 1 << 10;

/// First two bytes of a bitmap some of whose parts are runs.
const COOKIE_WITH_RUNS: u16 = 12_347;

/// First four bytes of a bitmap without runs.
const COOKIE_PLAIN: u32 = 12_346;

/// From so many parts on, a bitmap with runs has a table of offsets.
const OFFSETS_FROM: usize = 4;

/// Largest number of ids of a part that is a list.
const LIST_MAX: usize = 4096;

/// Bytes of a part that is plain bits.
const BITS_BYTES: usize = PART_WORDS * 8;

/// A bitmap in its stored form; without parts, an empty one.
#[derive(Debug, Default)]
pub struct SerializedBitmap {
    bytes: Vec<u8>,
    parts: Vec<BitmapPart>,
}

#[derive(Debug)]
struct BitmapPart {
    /// Upper half of the ids.
    key: u16,
    kind: PartKind,
    /// Where its content begins and ends.
    begin: usize,
    end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PartKind {
    /// Ids, two bytes each.
    List,
    /// A bit per id.
    Bits,
    /// First id and number of the further ones, two bytes each.
    Runs,
}

/// Takes bytes from the front.
struct ByteReader<'b> {
    bytes: &'b [u8],
    next: usize,
}

impl ByteReader<'_> {
    fn skip(&mut self, count: usize) -> io::Result<(usize, usize)> {
        let begin = self.next;
        let end = begin.saturating_add(count);
        if end > self.bytes.len() {
            return Err(damaged("it ends too early"));
        }
        self.next = end;
        Ok((begin, end))
    }

    fn u16(&mut self) -> io::Result<u16> {
        let (begin, _) = self.skip(2)?;
        Ok(u16_at(self.bytes, begin))
    }

    fn u32(&mut self) -> io::Result<u32> {
        Ok(u32::from(self.u16()?) | u32::from(self.u16()?) << 16)
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

impl SerializedBitmap {
    /// Checks the layout.
    ///
    /// # Errors
    /// Returns `InvalidData` if the bytes are not a bitmap.
    pub fn parse(bytes: Vec<u8>) -> io::Result<SerializedBitmap> {
        let mut scanner = ByteReader {
            bytes: &bytes,
            next: 0,
        };
        let cookie = scanner.u32()?;
        let (count, flags) = if cookie as u16 == COOKIE_WITH_RUNS {
            let count = (cookie >> 16) as usize + 1;
            (count, Some(scanner.skip(count.div_ceil(8))?.0))
        } else if cookie == COOKIE_PLAIN {
            (scanner.u32()? as usize, None)
        } else {
            return Err(damaged("it begins as no bitmap does"));
        };
        if count > 1 << 16 {
            return Err(damaged("it has too many parts"));
        }
        let (table, _) = scanner.skip(count * 4)?;
        if flags.is_none() || count >= OFFSETS_FROM {
            scanner.skip(count * 4)?;
        }
        let mut parts: Vec<BitmapPart> = Vec::with_capacity(count);
        for index in 0..count {
            let key = u16_at(&bytes, table + index * 4);
            let ids = usize::from(u16_at(&bytes, table + index * 4 + 2)) + 1;
            let is_runs = flags.is_some_and(|at| bytes[at + index / 8] >> (index % 8) & 1 == 1);
            let (kind, length) = if is_runs {
                (PartKind::Runs, usize::from(scanner.u16()?) * 4)
            } else if ids <= LIST_MAX {
                (PartKind::List, ids * 2)
            } else {
                (PartKind::Bits, BITS_BYTES)
            };
            let (begin, end) = scanner.skip(length)?;
            if parts.last().is_some_and(|last| last.key >= key) {
                return Err(damaged("its parts are not in order"));
            }
            check(kind, &bytes[begin..end], ids)?;
            parts.push(BitmapPart {
                key,
                kind,
                begin,
                end,
            });
        }
        Ok(SerializedBitmap { bytes, parts })
    }

    /// Number of parts up to the last one that has ids.
    pub(super) fn parts(&self) -> usize {
        self.parts
            .last()
            .map_or(0, |last| usize::from(last.key) + 1)
    }

    /// Size in memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Writes the bits of one part, all zero if the bitmap has nothing there.
    pub(super) fn fill(&self, part: usize, bits: &mut [u64]) {
        let index = self
            .parts
            .binary_search_by_key(&part, |p| usize::from(p.key));
        let Ok(index) = index else {
            bits.fill(0);
            return;
        };
        let part = &self.parts[index];
        let content = &self.bytes[part.begin..part.end];
        if part.kind == PartKind::Bits {
            for (word, bytes) in bits.iter_mut().zip(content.chunks_exact(8)) {
                *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
            }
            return;
        }
        bits.fill(0);
        if part.kind == PartKind::List {
            for at in (0..content.len()).step_by(2) {
                let id = usize::from(u16_at(content, at));
                bits[id / 64] |= 1 << (id % 64);
            }
            return;
        }
        for at in (0..content.len()).step_by(4) {
            let first = usize::from(u16_at(content, at));
            set_range(bits, first, first + usize::from(u16_at(content, at + 2)));
        }
    }
}

/// Checks the content of a part of so many ids.
fn check(kind: PartKind, content: &[u8], ids: usize) -> io::Result<()> {
    match kind {
        PartKind::Bits => {
            let words = content.chunks_exact(8);
            let ones = words.map(|word| {
                u64::from_le_bytes(word.try_into().unwrap_or_default()).count_ones() as usize
            });
            if ones.sum::<usize>() != ids {
                return Err(damaged("a part has another number of ids than it says"));
            }
        }
        PartKind::List => {
            let ids = content.chunks_exact(2).map(|id| u16_at(id, 0));
            if !ids.is_sorted_by(|a, b| a < b) {
                return Err(damaged("a list is not in order"));
            }
        }
        PartKind::Runs => {
            if content.is_empty() {
                return Err(damaged("a part has no runs"));
            }
            let mut least = 0;
            for run in content.chunks_exact(4) {
                let first = u32::from(u16_at(run, 0));
                let last = first + u32::from(u16_at(run, 2));
                if first < least || last > u32::from(u16::MAX) {
                    return Err(damaged("a run is out of order or too long"));
                }
                // Two runs that touch are one.
                least = last + 2;
            }
        }
    }
    Ok(())
}

fn set_range(bits: &mut [u64], first: usize, last: usize) {
    let (first_word, last_word) = (first / 64, last / 64);
    let from = u64::MAX << (first % 64);
    let to = u64::MAX >> (63 - last % 64);
    if first_word == last_word {
        bits[first_word] |= from & to;
        return;
    }
    bits[first_word] |= from;
    bits[first_word + 1..last_word].fill(u64::MAX);
    bits[last_word] |= to;
}

#[cfg(test)]
mod tests {
    use super::*;
    use roaring::RoaringBitmap;

    fn serialized(bitmap: &RoaringBitmap) -> Vec<u8> {
        let mut bytes = Vec::new();
        bitmap.serialize_into(&mut bytes).expect("memory");
        bytes
    }

    fn ids(bitmap: &SerializedBitmap) -> RoaringBitmap {
        let mut found = RoaringBitmap::new();
        let mut bits = vec![7; PART_WORDS];
        for part in bitmap.parts.iter().map(|part| usize::from(part.key)) {
            bitmap.fill(part, &mut bits);
            let base = (part << 16) as u32;
            found.extend(
                (0..1 << 16)
                    .filter(|id| bits[id / 64] >> (id % 64) & 1 == 1)
                    .map(|id| base + id as u32),
            );
        }
        found
    }

    /// Lists, bits and runs, with and without a table of offsets.
    fn samples() -> Vec<RoaringBitmap> {
        let mut random = fastrand::Rng::with_seed(5);
        let mut all = vec![
            RoaringBitmap::new(),
            [0, 65_535, 65_536].into_iter().collect(),
        ];
        for count in [1, 100, 5000, 60_000, 200_000] {
            let mut bitmap = RoaringBitmap::new();
            bitmap.extend((0..count).map(|_| random.u32(0..500_000)));
            all.push(bitmap.clone());
            bitmap.insert_range(63..70_000);
            bitmap.insert_range(300_000..300_001);
            bitmap.insert_range(u32::MAX - 70_000..=u32::MAX);
            bitmap.optimize();
            all.push(bitmap);
        }
        all
    }

    #[test]
    fn the_same_ids_are_read_as_the_crate_reads() {
        for bitmap in samples() {
            let parsed = SerializedBitmap::parse(serialized(&bitmap)).expect("a bitmap");
            assert_eq!(ids(&parsed), bitmap);
        }
    }

    #[test]
    fn damage_is_refused_where_the_crate_refuses_it() {
        let mut random = fastrand::Rng::with_seed(6);
        for bitmap in samples() {
            let bytes = serialized(&bitmap);
            for _ in 0..200 {
                let mut bytes = bytes.clone();
                if random.bool() {
                    bytes.truncate(random.usize(..bytes.len()));
                } else {
                    let end = bytes.len().min(64);
                    let near = random.usize(..end);
                    let at = if random.bool() {
                        near
                    } else {
                        random.usize(..bytes.len())
                    };
                    bytes[at] ^= 1 << random.u32(..8);
                }
                let theirs = RoaringBitmap::deserialize_from(&bytes[..]);
                match (SerializedBitmap::parse(bytes), theirs) {
                    (Ok(ours), Ok(theirs)) => assert_eq!(ids(&ours), theirs),
                    (Err(_), _) => {}
                    (Ok(_), Err(error)) => panic!("accepted, although {error}"),
                }
            }
        }
    }
}
