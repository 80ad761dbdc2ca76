//! Writes `.torrent` with MirrorBrain's keys (behaviour §4.7), and those of BEP 52 if it is hybrid.

use std::convert::Infallible;

use super::body::{Body, Form};
use super::info_dictionary::{Bencode, Info, PIECE_DIGEST_BYTES};
use super::sheet::GENERATOR;
use crate::domain::hash::HashPart;
use crate::domain::rule::DhtNode;

/// The values of a torrent.
#[derive(Debug, Clone, Copy)]
pub struct Torrent<'a> {
    /// The info dictionary.
    pub info: Info<'a>,
    /// Modification time of the file, in seconds since 1970.
    pub mtime: i64,
    /// URLs of the trackers; a client that supports only one tracker uses the first.
    pub trackers: &'a [String],
    /// Nodes through which clients enter the distributed hash table.
    pub dht_nodes: &'a [DhtNode],
    /// URLs of the file, encoded.
    pub seeds: &'a [Vec<u8>],
}

/// Renders the document.
pub fn torrent(torrent: &Torrent<'_>) -> Body {
    let mut body = Body::new();
    let text = std::mem::take(&mut body.text);
    let mut out = Bencode::new(text);
    let (pieces_at, layer_at) = match write(torrent, &mut out) {
        Ok(places) => places,
        Err(never) => match never {},
    };
    body.text = out.finish();
    let pieces = torrent.info.pieces();
    let gap = |at, part, stored| super::body::Gap {
        at,
        part,
        form: Form::Raw,
        stored,
    };
    if pieces > 0 {
        let stored = pieces * PIECE_DIGEST_BYTES;
        body.gaps.push(gap(pieces_at, HashPart::Sha1Pieces, stored));
    }
    if let Some(at) = layer_at {
        body.gaps
            .push(gap(at, HashPart::Sha256Layer, pieces * LAYER_DIGEST_BYTES));
    }
    body
}

/// Length in bytes of a digest of the v2 tree.
pub const LAYER_DIGEST_BYTES: u64 = 32;

/// Writes the torrent without the long parts; returns the indexes in the text where they belong.
fn write(
    torrent: &Torrent<'_>,
    out: &mut Bencode<Vec<u8>>,
) -> Result<(usize, Option<usize>), Infallible> {
    out.dictionary()?;
    if let Some(first) = torrent.trackers.first() {
        out.key(b"announce")?.bytes(first.as_bytes())?;
        out.key(b"announce-list")?.list()?.list()?;
        for tracker in torrent.trackers {
            out.bytes(tracker.as_bytes())?;
        }
        out.end()?.end()?;
    }
    out.key(b"comment")?.bytes(torrent.info.name)?;
    out.key(b"created by")?.bytes(GENERATOR.as_bytes())?;
    out.key(b"creation date")?.integer(torrent.mtime)?;
    out.key(b"info")?;
    let mut pieces_at = 0;
    torrent.info.write(out, |out| {
        pieces_at = out.sink().len();
        Ok(())
    })?;
    if !torrent.dht_nodes.is_empty() {
        out.key(b"nodes")?.list()?;
        for node in torrent.dht_nodes {
            out.list()?.bytes(node.host.as_bytes())?;
            out.integer(i64::from(node.port))?.end()?;
        }
        out.end()?;
    }
    let mut layer_at = None;
    torrent.info.write_piece_layers(out, |out| {
        layer_at = Some(out.sink().len());
        Ok(())
    })?;
    for key in [&b"sources"[..], b"url-list"] {
        out.key(key)?.list()?;
        for seed in torrent.seeds {
            out.bytes(seed)?;
        }
        out.end()?;
    }
    out.end()?;
    Ok((pieces_at, layer_at))
}
