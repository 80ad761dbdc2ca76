//! `[site.NAME.hashes]`: as written, and as the indexer uses it.

use serde::{Deserialize, Serialize};

use super::problem::ConfigProblem;
use crate::domain::document::info_dictionary::{TorrentVersion, is_v2_piece_size};
use crate::domain::hash::HashKinds;
use crate::domain::pattern::Pattern;

/// `[site.NAME.hashes]`; the defaults are those of MirrorBrain's makehashes, and SHA-512.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawHashes {
    /// Whether an index run computes hashes after it has brought the catalogue up to date.
    pub enabled: bool,
    /// Of md5, sha1, sha256, sha512. A torrent needs the first three.
    pub digests: Vec<String>,
    /// SHA-1 of each piece, for metalinks and torrents. (MirrorBrain's chunked_hashes.)
    pub pieces: bool,
    /// Bytes of a piece. A stored row keeps the size that it has, because another one would be
    /// another torrent. (MirrorBrain's chunk_size.)
    pub piece_size: u64,
    /// Block sums for zsync. (MirrorBrain's zsync_hashes.)
    pub zsync: bool,
    /// Detached signatures: the text of FILE.asc beside FILE.
    pub signatures: bool,
    /// Smaller files have no hashes, bytes.
    pub size_min: u64,
    /// Larger files have no hashes, bytes; 0: no limit.
    pub size_max: u64,
    /// Names of files and directories without hashes; `*` and `?` are wildcards.
    pub exclude: Vec<String>,
    /// Threads that hash; 0: one a core.
    pub threads: usize,
}

impl Default for RawHashes {
    fn default() -> RawHashes {
        RawHashes {
            enabled: true,
            digests: ["md5", "sha1", "sha256", "sha512"]
                .map(str::to_owned)
                .to_vec(),
            pieces: true,
            piece_size: 262_144,
            zsync: false,
            signatures: true,
            size_min: 0,
            size_max: 0,
            exclude: Vec::new(),
            threads: 0,
        }
    }
}

/// Hashing.
#[derive(Debug, Clone)]
pub struct HashesConfig {
    /// Whether index runs hash.
    pub is_enabled: bool,
    /// What is computed.
    pub kinds: HashKinds,
    /// Bytes of a piece.
    pub piece_size: u64,
    /// Whether detached signatures are kept.
    pub signatures: bool,
    /// Smallest file, bytes.
    pub size_min: u64,
    /// Largest file, bytes.
    pub size_max: u64,
    /// Names without hashes.
    pub exclude: Vec<Pattern>,
    /// Threads; at least one.
    pub threads: usize,
}

/// Smallest piece: less would make the list of pieces a good part of the file.
const PIECE_SIZE_MIN: u64 = 4096;

/// Largest piece: a client must hold one in memory to check it.
const PIECE_SIZE_MAX: u64 = 64 * 1024 * 1024;

/// More threads than the largest machines have cores.
const THREADS_MAX: usize = 256;

/// Checks the section.
pub(super) fn check_hashes(
    raw: &RawHashes,
    torrent: TorrentVersion,
) -> Result<HashesConfig, ConfigProblem> {
    let fail = |key: &str, message: String| Err((format!("hashes.{key}"), message));
    let mut kinds = HashKinds {
        pieces: raw.pieces,
        zsync: raw.zsync,
        ..HashKinds::default()
    };
    for name in &raw.digests {
        match name.as_str() {
            "md5" => kinds.md5 = true,
            "sha1" => kinds.sha1 = true,
            "sha256" => kinds.sha256 = true,
            "sha512" => kinds.sha512 = true,
            other => {
                let message = format!("'{other}' is unknown; use md5, sha1, sha256, sha512");
                return fail("digests", message);
            }
        }
    }
    if !(PIECE_SIZE_MIN..=PIECE_SIZE_MAX).contains(&raw.piece_size) {
        let message = format!(
            "{} is no size from {PIECE_SIZE_MIN} to {PIECE_SIZE_MAX}; 262144 is usual",
            raw.piece_size
        );
        return fail("piece_size", message);
    }
    if torrent == TorrentVersion::Hybrid {
        if !kinds.make_torrent() {
            let message = "torrent.version = \"hybrid\" needs pieces and md5, sha1, sha256";
            return fail("digests", message.into());
        }
        if !is_v2_piece_size(raw.piece_size) {
            let message = format!(
                "torrent.version = \"hybrid\" needs a power of two from 16384 on, not {}",
                raw.piece_size
            );
            return fail("piece_size", message);
        }
        kinds.hybrid = true;
    }
    if raw.threads > THREADS_MAX {
        return fail("threads", format!("more than {THREADS_MAX}"));
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(HashesConfig {
        is_enabled: raw.enabled,
        kinds,
        piece_size: raw.piece_size,
        signatures: raw.signatures,
        size_min: raw.size_min,
        size_max: if raw.size_max == 0 {
            u64::MAX
        } else {
            raw.size_max
        },
        exclude: raw.exclude.iter().map(|mask| Pattern::new(mask)).collect(),
        threads: if raw.threads == 0 { cores } else { raw.threads },
    })
}
