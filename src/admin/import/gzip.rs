//! Reads gzip's members one after the other, and recognises padding behind the last one.

use std::cell::Cell;
use std::io::{self, BufRead, ErrorKind, Read};
use std::rc::Rc;

use flate2::bufread::GzDecoder;

/// gzip's first byte.
const MAGIC: u8 = 0x1f;

/// Something follows the compressed data that is neither another member nor padding.
#[derive(Debug, thiserror::Error)]
#[error("behind its compressed data stand bytes that are not of gzip")]
pub(super) struct NotGzip;

/// The members of a gzip file. Bytes of value 0 behind them, with which tapes and disks are filled
/// up to whole blocks, are counted and passed over, as gzip does.
pub(super) struct GzipMembers<R> {
    /// `None` after the last one.
    member: Option<GzDecoder<R>>,
    padding_bytes: Rc<Cell<u64>>,
}

impl<R: BufRead> GzipMembers<R> {
    /// Reads from the first member's first byte.
    pub(super) fn new(raw: R, padding_bytes: Rc<Cell<u64>>) -> GzipMembers<R> {
        GzipMembers {
            member: Some(GzDecoder::new(raw)),
            padding_bytes,
        }
    }

    /// The member that begins here, if any does.
    fn next_member(&self, mut raw: R) -> io::Result<Option<GzDecoder<R>>> {
        loop {
            let bytes = raw.fill_buf()?;
            let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
            match bytes.get(zeros) {
                Some(&MAGIC) if self.padding_bytes.get() == 0 && zeros == 0 => {
                    return Ok(Some(GzDecoder::new(raw)));
                }
                Some(_) => return Err(io::Error::new(ErrorKind::InvalidData, NotGzip)),
                None if zeros == 0 => return Ok(None),
                None => {
                    raw.consume(zeros);
                    let before = self.padding_bytes.get();
                    self.padding_bytes.set(before + zeros as u64);
                }
            }
        }
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let length = member.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            if let Some(ended) = self.member.take() {
                self.member = self.next_member(ended.into_inner())?;
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn member(text: &str) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(text.as_bytes()).expect("written");
        gzip.finish().expect("packed")
    }

    #[test]
    fn what_follows_the_members_is_told() {
        let (a, b) = (member("one "), member("two"));
        let zeros = vec![0; 700];
        for (parts, expected, padding) in [
            (&[&a[..]][..], Some("one "), 0),
            (&[&a, &b], Some("one two"), 0),
            (&[&a, &b, &zeros], Some("one two"), 700),
            (&[&a, b"x"], None, 0),
            (&[&a, &zeros, &b], None, 0),
            (&[&a, b"\x1f\x8b"], None, 0),
            (&[&a[..a.len() - 1]], None, 0),
        ] {
            let bytes = parts.concat();
            let counted = Rc::new(Cell::new(0));
            // A small buffer has ends at every place.
            let raw = io::BufReader::with_capacity(7, bytes.as_slice());
            let mut text = String::new();
            let read = GzipMembers::new(raw, Rc::clone(&counted)).read_to_string(&mut text);
            assert_eq!(read.is_ok(), expected.is_some(), "{parts:?}: {read:?}");
            if let Some(expected) = expected {
                assert_eq!((text.as_str(), counted.get()), (expected, padding));
            }
        }
    }
}
