//! Errors about GeoIP files that cannot be used.

use std::io::ErrorKind;

use maxminddb::MaxMindDbError;

use crate::domain::topology::TableDamage;

/// Why a GeoIP file cannot be used. The caller logs it and names the path. The message contains the
/// text of its cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GeoIpError {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Read(std::io::Error),
    /// The file is larger than what is read into memory.
    #[error("it has {bytes} bytes, but at most {most} are read into memory; use a smaller one")]
    TooLarge {
        /// Size of the file in bytes.
        bytes: u64,
        /// Largest size that is read, in bytes.
        most: u64,
    },
    /// The file is not a GeoIP database, or is damaged.
    #[error("it is not a GeoIP database, or is damaged: {0}")]
    Format(MaxMindDbError),
    /// The search tree is damaged.
    #[error("it is damaged: {wrong}")]
    Tree {
        /// Description of the damage.
        wrong: &'static str,
    },
    /// All records are damaged.
    #[error("it is damaged: none of its {records} records can be read ({damage})")]
    Records {
        /// Number of different records.
        records: usize,
        /// Description of the first record's damage.
        damage: String,
    },
    /// The file is no table of networks, though it begins like one.
    #[error("{0}")]
    Networks(TableDamage),
    /// The program is ending.
    #[error("it was not read to its end, because the program ends")]
    Stopped,
}

impl GeoIpError {
    /// Whether the version that was read before may stay in use. A table of networks is made anew
    /// each day, and yesterday's is better than none; a GeoIP file is bought or loaded.
    pub fn keeps_former(&self) -> bool {
        self.is_passing() || matches!(self, GeoIpError::Networks(_))
    }

    /// Whether the error says nothing about the file, so that the same file may be read a moment
    /// later: no free descriptor (EMFILE), a disk that fails to read (EIO), permissions that are
    /// about to be set (EACCES).
    pub fn is_passing(&self) -> bool {
        let GeoIpError::Read(error) = self else {
            return false;
        };
        // There is no file, or something else in its place.
        !matches!(
            error.kind(),
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidInput
        )
    }
}
