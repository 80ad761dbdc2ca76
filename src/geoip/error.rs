//! Why a GeoIP file cannot be used.

use maxminddb::MaxMindDbError;

/// Why a GeoIP file cannot be used; the path is named by whoever logs it. A message is whole: it
/// has the words of its cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GeoIpError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(std::io::Error),
    /// A folder, a FIFO, a device.
    #[error("it is no regular file")]
    NotAFile,
    /// More than is read into memory.
    #[error("it has {bytes} bytes, more than {most} are not read into memory")]
    TooLarge {
        /// Bytes of the file.
        bytes: u64,
        /// Bytes that are read at most.
        most: u64,
    },
    /// It is none, or a damaged one.
    #[error("it is no GeoIP database, or a damaged one: {0}")]
    Format(MaxMindDbError),
    /// The search tree is damaged.
    #[error("it is damaged: {wrong}")]
    Tree {
        /// What is wrong.
        wrong: &'static str,
    },
    /// No record can be read.
    #[error("it is damaged: none of its {records} records can be read ({damage})")]
    Records {
        /// Different records.
        records: usize,
        /// What is wrong with the first.
        damage: String,
    },
    /// The program ends.
    #[error("it was not read to its end, because the program ends")]
    Stopped,
}
