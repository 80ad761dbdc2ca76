//! Writes `.zsync`, with which clients turn an old copy into the new one by fetching the difference
//! (behaviour §4.8).

use crate::domain::escape::hex_into;
use std::io::Write;

use super::body::{Body, Form};
use super::name::text_of;
use crate::domain::file::FileVersion;
use crate::domain::hash::HashPart;
use crate::domain::time::Timestamp;
use crate::domain::time::rfc822;

/// Version of the format, at which clients look.
const FORMAT: &str = "0.6.1";

/// The values of a control file.
#[derive(Debug, Clone, Copy)]
pub struct Zsync<'a> {
    /// Last component of the canonical path.
    pub name: &'a [u8],
    /// Size and time.
    pub version: FileVersion,
    /// Length of a block in bytes.
    pub block_size: i64,
    /// `seq,rsum,checksum`.
    pub hash_lengths: &'a str,
    /// 20 bytes.
    pub sha1: Option<&'a [u8]>,
    /// URLs of the file, encoded, best first.
    pub urls: &'a [Vec<u8>],
    /// Length of the block sums in bytes.
    pub sums_bytes: u64,
}

/// Renders the document: lines, an empty line, the sums.
pub fn zsync(zsync: &Zsync<'_>) -> Body {
    let mut body = Body::new();
    let out = &mut body.text;
    let _ = write!(out, "zsync: {FORMAT}\nFilename: ");
    // A line end in a name must not begin another field.
    match zsync.name.iter().any(u8::is_ascii_control) {
        true => out.extend_from_slice(text_of(zsync.name).as_bytes()),
        false => out.extend_from_slice(zsync.name),
    }
    let mtime = rfc822(Timestamp(zsync.version.mtime));
    let _ = write!(
        out,
        "\nMTime: {mtime}\nBlocksize: {}\nLength: {}\nHash-Lengths: {}\n",
        zsync.block_size, zsync.version.size, zsync.hash_lengths
    );
    body.varying(|out| {
        for url in zsync.urls {
            out.extend_from_slice(b"URL: ");
            out.extend_from_slice(url);
            out.push(b'\n');
        }
    });
    for url in zsync.urls {
        body.add_listed(url);
    }
    let out = &mut body.text;
    if let Some(sha1) = zsync.sha1 {
        out.extend_from_slice(b"SHA-1: ");
        hex_into(out, sha1);
        out.push(b'\n');
    }
    out.push(b'\n');
    if zsync.sums_bytes > 0 {
        body.gap(HashPart::ZsyncSums, Form::Raw, zsync.sums_bytes);
    }
    body
}
