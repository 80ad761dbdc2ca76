//! Writes `.magnet`: a magnet link and a line end (behaviour §4.9).
//!
//! MirrorBrain writes `&amp;` and does not encode URLs. This is a URI that clients understand, with
//! web seeds (`ws`, BEP 19) and the URL of the torrent (`xs`), which a client needs to start
//! without peers.

use std::io::Write;

use super::body::Body;
use crate::domain::escape::{hex_into, url_query_into};

/// The multihash prefix of a v2 info hash: SHA-256 and its length (BEP 52).
const SHA256_MULTIHASH: [u8; 2] = [0x12, 0x20];

/// The values of a magnet link.
#[derive(Debug, Clone, Copy)]
pub struct Magnet<'a> {
    /// Last component of the canonical path.
    pub name: &'a [u8],
    /// Size of the file in bytes.
    pub size: u64,
    /// v1 info hash of the torrent, 20 bytes.
    pub info_hash: &'a [u8],
    /// v2 info hash of the torrent, 32 bytes; only hybrid torrents have one.
    pub info_hash_v2: Option<&'a [u8]>,
    /// 16 bytes.
    pub md5: Option<&'a [u8]>,
    /// URL of the file at this host, encoded.
    pub own: &'a [u8],
    /// URL of the torrent, encoded; `None` if there is no torrent.
    pub torrent: Option<&'a [u8]>,
    /// URLs of the trackers.
    pub trackers: &'a [String],
    /// URLs of the file at mirrors, encoded; their order may be random.
    pub seeds: &'a [Vec<u8>],
}

/// Renders the document.
pub fn magnet(magnet: &Magnet<'_>) -> Body {
    let mut body = Body::new();
    let out = &mut body.text;
    out.extend_from_slice(b"magnet:?xt=urn:btih:");
    hex_into(out, magnet.info_hash);
    if let Some(info_hash) = magnet.info_hash_v2 {
        out.extend_from_slice(b"&xt=urn:btmh:");
        hex_into(out, &SHA256_MULTIHASH);
        hex_into(out, info_hash);
    }
    if let Some(md5) = magnet.md5 {
        out.extend_from_slice(b"&xt=urn:md5:");
        hex_into(out, md5);
    }
    let _ = write!(out, "&xl={}", magnet.size);
    field_into(out, "dn", magnet.name);
    field_into(out, "as", magnet.own);
    if let Some(torrent) = magnet.torrent {
        field_into(out, "xs", torrent);
    }
    for tracker in magnet.trackers {
        field_into(out, "tr", tracker.as_bytes());
    }
    body.varying(|out| {
        for seed in magnet.seeds {
            field_into(out, "ws", seed);
        }
    });
    for seed in magnet.seeds {
        body.add_listed(seed);
    }
    body.text.push(b'\n');
    body
}

fn field_into(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.push(b'&');
    out.extend_from_slice(name.as_bytes());
    out.push(b'=');
    url_query_into(out, value);
}
