//! The work for one file, from the catalogue's row to a hash record.

use std::io::{self, Read};

use sha1::{Digest, Sha1};
use sha2::Sha256;

use super::lane::{Lane, lanes};
use crate::domain::document::info_dictionary::{Bencode, BencodeSink, Info, InfoV2};
use crate::domain::file::{FileId, FileVersion};
use crate::domain::hash::{HashKinds, HashRecord};
use crate::tree::{OpenError, OpenFile, Root};

/// Longest signature that is kept, in bytes; a detached armoured signature has some hundred bytes
/// to 3 KB per key.
pub const SIGNATURE_BYTES_MAX: u64 = 64 * 1024;

/// Largest size of holes in a file that is hashed nevertheless, such as a disk image; more would
/// keep a processor busy for more than an hour.
const HOLE_BYTES_MAX: u64 = 1 << 40;

/// The work for one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Path relative to the tree.
    pub path: Vec<u8>,
    /// Id in the catalogue.
    pub id: FileId,
    /// The catalogue's version; no other version is hashed.
    pub version: FileVersion,
    /// Hashes to compute; empty if only the signature is to be processed.
    pub kinds: HashKinds,
    /// Length of a piece in bytes.
    pub piece_size: u64,
    /// The work for the signature.
    pub signature: Signature,
}

/// The work for a file's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// The stored signature stays.
    Keep,
    /// This version of `PATH.asc` must be read.
    Read(FileVersion),
    /// The signature is gone and must be dropped.
    Drop,
}

/// Why a file was not hashed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// The file cannot be opened or read.
    #[error(transparent)]
    Unreadable(#[from] OpenError),
    /// The file is not the catalogue's version.
    #[error("it changed since it was indexed; the next run hashes the new version")]
    OtherVersion,
    /// Nearly the whole file consists of holes.
    #[error(
        "it is sparse: {holes} bytes of it are not on the disk, and hashing them would take hours; \
         add its name to hashes.exclude, or delete it"
    )]
    Holes {
        /// Size of its holes in bytes.
        holes: u64,
    },
    /// The file was written or removed while it was read.
    #[error("it changed while it was read; the next run tries again")]
    Changed,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        Trouble::Unreadable(OpenError::Io(error))
    }
}

impl Job {
    /// Number of bytes to be read.
    pub fn bytes(&self) -> u64 {
        if self.kinds.is_empty() {
            0
        } else {
            self.version.size
        }
    }

    /// The lanes for the file.
    pub fn lanes(&self) -> Vec<Lane> {
        lanes(self.kinds, self.version.size, self.piece_size)
    }

    /// Opens the file, which must be the catalogue's version.
    ///
    /// # Errors
    /// Returns [`Trouble`] if the file cannot be opened or must not be hashed.
    pub fn open(&self, root: &Root) -> Result<OpenFile, Trouble> {
        let open = root.open_file(&self.path)?;
        if open.version() != self.version {
            return Err(Trouble::OtherVersion);
        }
        let holes = open.hole_bytes();
        if holes > HOLE_BYTES_MAX {
            return Err(Trouble::Holes { holes });
        }
        Ok(open)
    }

    /// Checks that the bytes that were read are the catalogue's version.
    ///
    /// # Errors
    /// Returns [`Trouble::Changed`] if they are not.
    pub fn check_end(&self, open: &OpenFile, read: u64) -> Result<(), Trouble> {
        if read == self.version.size && open.is_same()? {
            return Ok(());
        }
        Err(Trouble::Changed)
    }

    /// Combines the results: those of the lanes, the info hashes that follow from them, and the
    /// signature.
    pub fn finish(&self, root: &Root, lanes: impl IntoIterator<Item = Lane>) -> HashRecord {
        let mut record = HashRecord::default();
        for lane in lanes {
            lane.finish(&mut record);
        }
        if self.version.size > 0 && self.kinds.make_torrent() {
            self.make_info_hashes(&mut record);
        }
        if let Signature::Read(version) = self.signature {
            self.read_signature(root, version, &mut record);
        }
        record
    }

    fn make_info_hashes(&self, record: &mut HashRecord) {
        let digests = &record.digests;
        let (Some(md5), Some(sha1), Some(sha256), Some(pieces)) = (
            &digests.md5,
            &digests.sha1,
            &digests.sha256,
            &record.sha1_pieces,
        ) else {
            return;
        };
        let mut info = Info {
            name: self.path.rsplit(|&b| b == b'/').next().unwrap_or_default(),
            size: self.version.size,
            piece_size: self.piece_size,
            md5,
            sha1,
            sha256,
            v2: None,
        };
        let btih = info_hash::<Sha1>(&info, pieces);
        let mut hybrid = None;
        if let Some(pieces_root) = &record.sha256_root {
            info.v2 = Some(InfoV2 { pieces_root });
            hybrid = Some((
                info_hash::<Sha1>(&info, pieces),
                info_hash::<Sha256>(&info, pieces),
            ));
        }
        let digests = &mut record.digests;
        digests.btih = Some(btih);
        (digests.btih_hybrid, digests.btmh) = hybrid.unzip();
    }

    /// Reads the signature. If it cannot be read or has another version, the next run reads it,
    /// because the catalogue then has that version.
    fn read_signature(&self, root: &Root, version: FileVersion, record: &mut HashRecord) {
        let path = [&self.path[..], b".asc"].concat();
        let read = || -> Result<Vec<u8>, Trouble> {
            let mut open = root.open_file(&path)?;
            if open.version() != version {
                return Err(Trouble::OtherVersion);
            }
            let mut text = Vec::new();
            let limit = SIGNATURE_BYTES_MAX + 1;
            open.file.by_ref().take(limit).read_to_end(&mut text)?;
            if text.len() as u64 != version.size || !open.is_same()? {
                return Err(Trouble::Changed);
            }
            Ok(text)
        };
        match read() {
            Ok(text) => {
                record.pgp_version = Some(version);
                record.pgp = detached_signature(text);
                record.digests.has_pgp = record.pgp.is_some();
            }
            Err(trouble) => {
                log::warn!(
                    "signature not read: path='{}': {trouble}",
                    path.escape_ascii()
                );
            }
        }
    }
}

/// The text, if it is a detached armoured signature, which metalinks can contain.
fn detached_signature(text: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(text).ok()?;
    let is_detached =
        text.contains("-----BEGIN PGP SIGNATURE-----") && !text.contains("-----BEGIN PGP SIGNED");
    is_detached.then_some(text)
}

struct DigestSink<D>(D);

impl<D: Digest> BencodeSink for DigestSink<D> {
    type Error = std::convert::Infallible;

    fn put(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0.update(bytes);
        Ok(())
    }
}

fn info_hash<D: Digest>(info: &Info<'_>, pieces: &[u8]) -> Vec<u8> {
    let mut out = Bencode::new(DigestSink(D::new()));
    info.write(&mut out, |out| out.part(pieces))
        .unwrap_or_else(|never| match never {});
    out.finish().0.finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_detached_signatures_are_kept() {
        let detached = "-----BEGIN PGP SIGNATURE-----\n\nabc=\n-----END PGP SIGNATURE-----\n";
        let clear = format!("-----BEGIN PGP SIGNED MESSAGE-----\n\nx\n{detached}");
        for (text, expected) in [
            (detached.as_bytes().to_vec(), Some(detached.to_owned())),
            (clear.into_bytes(), None),
            (b"an ASCII drawing".to_vec(), None),
            (b"\xff-----BEGIN PGP SIGNATURE-----".to_vec(), None),
        ] {
            assert_eq!(detached_signature(text), expected);
        }
    }
}
