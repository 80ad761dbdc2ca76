//! Writes the info dictionary of torrents, of which the info hash is the digest, and bencoding in
//! general.
//!
//! The indexer hashes the info dictionary and the responder sends it, and both need the same bytes.
//! So it is written piece by piece into a [`BencodeSink`], and the digests of the file's pieces,
//! the only long part, may come from anywhere and in portions of any size: neither program holds
//! them twice.
//!
//! [`Info`] writes MirrorBrain's dictionary byte for byte (behaviour §4.7), so that info hashes
//! that clients got from MirrorBrain stay valid. With [`InfoV2`] the dictionary is hybrid: it is a
//! BitTorrent v2 dictionary (BEP 52) as well, and has another v1 info hash.
//!
//! A `.torrent` document is a dictionary around the info dictionary, with its keys in the order of
//! their bytes:
//!
//! ```
//! use heliostat::domain::document::info_dictionary::{Bencode, Info};
//! # let (md5, sha1, sha256, pieces) = ([0; 16], [0; 20], [0; 32], [0; 20]);
//! let info = Info {
//!     name: b"x.iso",
//!     size: 5,
//!     piece_size: 262_144,
//!     md5: &md5,
//!     sha1: &sha1,
//!     sha256: &sha256,
//!     v2: None,
//! };
//! let mut out = Bencode::new(Vec::new());
//! out.dictionary()?;
//! out.key(b"announce")?.bytes(b"http://tracker.example.org/announce")?;
//! out.key(b"info")?;
//! info.write(&mut out, |out| out.part(&pieces))?;
//! out.end()?;
//! # assert!(out.finish().starts_with(b"d8:announce35:"));
//! # Ok::<(), std::convert::Infallible>(())
//! ```

use crate::domain::escape::hex_into;
use std::convert::Infallible;

/// Length in bytes of a piece's SHA-1 digest.
pub const PIECE_DIGEST_BYTES: u64 = 20;

/// Length in bytes of the blocks whose SHA-256 digests are the leaves of a v2 tree. A v2 piece has
/// this length, doubled any number of times (BEP 52).
pub const V2_BLOCK_BYTES: u64 = 16 * 1024;

/// The kind of torrents that a site offers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TorrentVersion {
    /// MirrorBrain's torrents, with the info hashes that MirrorBrain published.
    #[default]
    V1,
    /// One torrent for v1 and v2 clients (BEP 52); its v1 info hash is not MirrorBrain's.
    Hybrid,
}

/// Takes the bytes that [`Bencode`] writes.
pub trait BencodeSink {
    /// Reason for which a sink takes no more bytes.
    type Error;

    /// Takes the next bytes.
    ///
    /// # Errors
    /// Returns the sink's own error.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
}

impl BencodeSink for Vec<u8> {
    type Error = Infallible;

    fn put(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// Writes bencoding. The caller must write the keys of a dictionary in the order of their bytes.
#[derive(Debug)]
pub struct Bencode<S> {
    sink: S,
}

impl<S: BencodeSink> Bencode<S> {
    /// A writer into `sink`.
    pub fn new(sink: S) -> Bencode<S> {
        Bencode { sink }
    }

    /// The sink, for reading its state.
    pub fn sink(&self) -> &S {
        &self.sink
    }

    /// Returns the sink.
    pub fn finish(self) -> S {
        self.sink
    }

    /// Writes an integer.
    ///
    /// # Errors
    /// Returns the error of the sink, as all functions below do.
    pub fn integer(&mut self, value: i64) -> Result<&mut Self, S::Error> {
        self.part(format!("i{value}e").as_bytes())?;
        Ok(self)
    }

    /// Writes a whole byte string.
    ///
    /// # Errors
    /// Returns the error of the sink.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<&mut Self, S::Error> {
        self.length(bytes.len() as u64)?.part(bytes)?;
        Ok(self)
    }

    /// Writes the key of the value that follows.
    ///
    /// # Errors
    /// Returns the error of the sink.
    pub fn key(&mut self, key: &[u8]) -> Result<&mut Self, S::Error> {
        self.bytes(key)
    }

    /// Begins a byte string of `length` bytes, which the caller writes by [`Bencode::part`].
    ///
    /// # Errors
    /// Returns the error of the sink.
    pub fn length(&mut self, length: u64) -> Result<&mut Self, S::Error> {
        self.part(format!("{length}:").as_bytes())?;
        Ok(self)
    }

    /// Writes some bytes of the string that [`Bencode::length`] began.
    ///
    /// # Errors
    /// Returns the error of the sink.
    pub fn part(&mut self, bytes: &[u8]) -> Result<(), S::Error> {
        self.sink.put(bytes)
    }

    /// Begins a dictionary.
    ///
    /// # Errors
    /// Returns the error of the sink.
    pub fn dictionary(&mut self) -> Result<&mut Self, S::Error> {
        self.part(b"d")?;
        Ok(self)
    }

    /// Begins a list.
    ///
    /// # Errors
    /// Returns the error of the sink.
    pub fn list(&mut self) -> Result<&mut Self, S::Error> {
        self.part(b"l")?;
        Ok(self)
    }

    /// Ends the innermost dictionary or list.
    ///
    /// # Errors
    /// Returns the error of the sink.
    pub fn end(&mut self) -> Result<&mut Self, S::Error> {
        self.part(b"e")?;
        Ok(self)
    }
}

/// The info dictionary of a torrent of one file.
#[derive(Debug, Clone, Copy)]
pub struct Info<'a> {
    /// Last component of the file's path, byte for byte.
    pub name: &'a [u8],
    /// Size of the file in bytes.
    pub size: u64,
    /// Length of a piece in bytes.
    pub piece_size: u64,
    /// 16 bytes.
    pub md5: &'a [u8],
    /// 20 bytes.
    pub sha1: &'a [u8],
    /// 32 bytes.
    pub sha256: &'a [u8],
    /// The v2 part, which makes the dictionary hybrid.
    pub v2: Option<InfoV2<'a>>,
}

/// The v2 part of a hybrid info dictionary.
#[derive(Debug, Clone, Copy)]
pub struct InfoV2<'a> {
    /// Root of the file's tree of SHA-256 digests, 32 bytes.
    pub pieces_root: &'a [u8],
}

impl Info<'_> {
    /// Number of pieces.
    pub fn pieces(&self) -> u64 {
        self.size.div_ceil(self.piece_size.max(1))
    }

    /// Writes the dictionary. `pieces` must write the SHA-1 digests of all pieces, in order, by
    /// [`Bencode::part`]: [`Info::pieces`] × 20 bytes.
    ///
    /// The keys `md5sum`, `sha1` and `sha256` are MirrorBrain's additions to BEP 3.
    ///
    /// # Errors
    /// Returns the error of the sink.
    pub fn write<S: BencodeSink>(
        &self,
        out: &mut Bencode<S>,
        pieces: impl FnOnce(&mut Bencode<S>) -> Result<(), S::Error>,
    ) -> Result<(), S::Error> {
        out.dictionary()?;
        if let Some(v2) = &self.v2 {
            out.key(b"file tree")?.dictionary()?;
            out.key(self.name)?.dictionary()?;
            out.key(b"")?.dictionary()?;
            out.key(b"length")?.integer(self.size as i64)?;
            out.key(b"pieces root")?.bytes(v2.pieces_root)?;
            out.end()?.end()?.end()?;
        }
        out.key(b"length")?.integer(self.size as i64)?;
        let mut md5 = Vec::with_capacity(32);
        hex_into(&mut md5, self.md5);
        out.key(b"md5sum")?.bytes(&md5)?;
        if self.v2.is_some() {
            out.key(b"meta version")?.integer(2)?;
        }
        out.key(b"name")?.bytes(self.name)?;
        out.key(b"piece length")?.integer(self.piece_size as i64)?;
        out.key(b"pieces")?;
        out.length(self.pieces() * PIECE_DIGEST_BYTES)?;
        pieces(out)?;
        out.key(b"sha1")?.bytes(self.sha1)?;
        out.key(b"sha256")?.bytes(self.sha256)?;
        out.end()?;
        Ok(())
    }

    /// Writes the key `piece layers` and its value, which a hybrid torrent has after `info`, in the
    /// order of keys. `layer` must write the digests of the layer at the size of a piece,
    /// [`Info::pieces`] × 32 bytes. For a file of one piece the dictionary is empty and `layer` is
    /// not called.
    ///
    /// # Errors
    /// Returns the error of the sink.
    pub fn write_piece_layers<S: BencodeSink>(
        &self,
        out: &mut Bencode<S>,
        layer: impl FnOnce(&mut Bencode<S>) -> Result<(), S::Error>,
    ) -> Result<(), S::Error> {
        let Some(v2) = &self.v2 else {
            return Ok(());
        };
        out.key(b"piece layers")?.dictionary()?;
        if self.size > self.piece_size {
            out.key(v2.pieces_root)?.length(self.pieces() * 32)?;
            layer(out)?;
        }
        out.end()?;
        Ok(())
    }
}

/// Whether a v2 torrent may have pieces of that size (BEP 52).
pub fn is_v2_piece_size(piece_size: u64) -> bool {
    piece_size >= V2_BLOCK_BYTES && piece_size.is_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha1::{Digest, Sha1};

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len() / 2)
            .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hexadecimal"))
            .collect()
    }

    fn written(info: &Info<'_>, pieces: &[u8]) -> Vec<u8> {
        let mut out = Bencode::new(Vec::new());
        info.write(&mut out, |out| out.part(pieces))
            .unwrap_or_else(|never| match never {});
        out.finish()
    }

    #[test]
    fn an_info_hash_of_mirrorbrain_is_reproduced() {
        // Two rows of MirrorBrain 2.19's table `hash`: one piece, and two.
        for (name, size, md5, sha1, sha256, pieces, btih) in [
            (
                "pkg-000.rpm",
                8192,
                "1e2117ac90b7242b24b7a0c7f63036da",
                "28d6c56199ac7ad432e9934a4cd368c285fba9c8",
                "cb182b45a534e82aa7d7d967cb8353cdaa00faf2624584ac2d5eb9bb8483a3b0",
                "28d6c56199ac7ad432e9934a4cd368c285fba9c8",
                "db7180d81ceca8508fbeb73760c7376812e87a3b",
            ),
            (
                "pkg-004.tar.gz",
                262_145,
                "8999497aa252eb140cbeb63e29bd543a",
                "745af03590278e8d7c900b3c1a99f4b538257b9a",
                "f78fb17257563c9d2ffe34a985d3383244157880010d5dd0c2ffa4e0c1ad9218",
                "7b40cd39471a04dfabc449ac38c9129f678702587a81af3e591ac713f81ea1efe93dcf36157d8376",
                "b403598e536e9d14220743e7d8709ad71e418a83",
            ),
        ] {
            let info = Info {
                name: name.as_bytes(),
                size,
                piece_size: 262_144,
                md5: &unhex(md5),
                sha1: &unhex(sha1),
                sha256: &unhex(sha256),
                v2: None,
            };
            let dictionary = written(&info, &unhex(pieces));
            assert_eq!(Sha1::digest(dictionary)[..], unhex(btih), "{name}");
        }
    }

    #[test]
    fn a_hybrid_dictionary_has_both_versions_keys_in_order() {
        let info = Info {
            name: b"\xffx",
            size: 3,
            piece_size: 2,
            md5: &[0xab; 16],
            sha1: &[b's'; 20],
            sha256: &[b't'; 32],
            v2: Some(InfoV2 {
                pieces_root: &[b'r'; 32],
            }),
        };
        let (root, pieces) = ("r".repeat(32), "p".repeat(40));
        let expected = [
            b"d9:file treed2:\xffxd0:d6:lengthi3e11:pieces root32:".to_vec(),
            format!("{root}eee6:lengthi3e6:md5sum32:{}", "ab".repeat(16)).into_bytes(),
            b"12:meta versioni2e4:name2:\xffx12:piece lengthi2e6:pieces40:".to_vec(),
            format!("{pieces}4:sha120:{}", "s".repeat(20)).into_bytes(),
            format!("6:sha25632:{}e", "t".repeat(32)).into_bytes(),
        ]
        .concat();
        assert_eq!(written(&info, pieces.as_bytes()), expected);

        let mut out = Bencode::new(Vec::new());
        info.write_piece_layers(&mut out, |out| out.part(&[b'l'; 64]))
            .unwrap_or_else(|never| match never {});
        let layers = format!("12:piece layersd32:{root}64:{}e", "l".repeat(64));
        assert_eq!(out.finish(), layers.as_bytes());
    }
}
