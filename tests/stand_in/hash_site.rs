//! Reads the hashes that `heliostat-index` made, and makes long files for it.

use std::fs::File;

use heliostat::db::hash::{self, HashPart, HashRecord};
use heliostat::db::{DbError, Reader, catalogue, open_reader};

use super::site::{TestSite, set_mtime};

/// The hash row of a file's version in the catalogue, with its long parts.
pub fn row(site: &TestSite, path: &[u8]) -> Option<HashRecord> {
    row_of(&open_reader(&site.database()).expect("a database"), path)
}

/// The same by a connection that is open.
pub fn row_of(reader: &Reader, path: &[u8]) -> Option<HashRecord> {
    let file = catalogue::find(reader, path).expect("a catalogue")?;
    let version = file.version?;
    let mut record = hash::find_record(reader, file.id, version).expect("hashes")?;
    let long = |part| {
        hash::long_bytes(reader, file.id, part)
            .expect("length")
            .map(|length| {
                let mut bytes = Vec::new();
                hash::read_long(reader, file.id, part, |portion| {
                    bytes.extend_from_slice(portion);
                    Ok::<(), DbError>(())
                })
                .expect("a long part");
                assert_eq!(bytes.len() as u64, length);
                bytes
            })
    };
    record.zsync_sums = long(HashPart::ZsyncSums);
    record.sha256_layer = long(HashPart::Sha256Layer);
    Some(record)
}

/// Writes a file of zeros that takes no room on the disk.
pub fn write_sparse(site: &TestSite, name: &str, bytes: u64, mtime: u64) {
    let path = site.tree().join(name);
    let file = File::create(&path).expect("a file");
    file.set_len(bytes)
        .expect("this file system takes long sparse files");
    set_mtime(&path, mtime);
}
