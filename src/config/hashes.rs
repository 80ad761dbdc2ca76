//! `[site.NAME.hashes]`: which hashes are computed of which files.

use super::fcgi::{THREADS_MAX, threads};
use crate::domain::document::info_dictionary::{TorrentVersion, is_v2_piece_size};
use crate::domain::hash::HashKinds;
use crate::domain::key::{Bounds, ConfigProblem, list, section};
use crate::domain::pattern::Pattern;

/// Smallest piece: less would make the list of pieces a good part of the file.
const PIECE_SIZE_MIN: u64 = 4096;

/// Largest piece: a client must hold one in memory to check it.
const PIECE_SIZE_MAX: u64 = 64 * 1024 * 1024;

/// The largest size of a file that SQLite can hold.
const SIZE_MAX: u64 = i64::MAX as u64;

section! {
    /// `[site.NAME.hashes]`: hashes of files. The defaults are those of MirrorBrain's makehashes,
    /// and SHA-512.
    RawHashes => HashesConfig {
        /// Whether an index run computes hashes after it has brought the catalogue up to date.
        enabled: bool = true => is_enabled: bool = crate::domain::key::same;
        /// Digests of whole files. A torrent needs the first three.
        digests: Vec<String> = ["md5", "sha1", "sha256", "sha512"].map(str::to_owned).to_vec(),
            in Bounds::Words(&["md5", "sha1", "sha256", "sha512"]) => _;
        /// Whether each piece of a file has a SHA-1, for metalinks and torrents. (MirrorBrain's
        /// `chunked_hashes`.)
        pieces: bool = true => _;
        /// Bytes of a piece. A stored row keeps the size that it has, because another one would be
        /// another torrent. (MirrorBrain's `chunk_size`.)
        piece_size: u64 = 262_144, in Bounds::Whole(PIECE_SIZE_MIN, PIECE_SIZE_MAX);
        /// Whether there are block sums for zsync. (MirrorBrain's `zsync_hashes`.)
        zsync: bool = false => _;
        /// Whether detached signatures are kept: the text of FILE.asc beside FILE.
        signatures: bool = true;
        /// Bytes of the smallest file that has hashes.
        size_min: u64 = 0, in Bounds::Whole(0, SIZE_MAX);
        /// Bytes of the largest file that has hashes; 0: no limit.
        size_max: u64 = 0, in Bounds::Whole(0, SIZE_MAX) => size_max: u64 = limit;
        /// Names of files and directories without hashes; `*` and `?` are wildcards.
        exclude: Vec<String> = Vec::new() => exclude: Vec<Pattern> = patterns;
        /// Threads that hash; 0: one per core.
        threads: usize = 0, in Bounds::Whole(0, THREADS_MAX) => threads: usize = threads;
    }
    also {
        /// The hashes that are computed.
        kinds: HashKinds = kinds;
    }
}

fn limit(size: &u64) -> Result<u64, ConfigProblem> {
    Ok(if *size == 0 { u64::MAX } else { *size })
}

fn patterns(masks: &[String]) -> Result<Vec<Pattern>, ConfigProblem> {
    list(masks, |mask| Ok(Pattern::new(mask)))
}

fn kinds(raw: &RawHashes) -> Result<HashKinds, ConfigProblem> {
    let has = |name: &str| raw.digests.iter().any(|digest| digest == name);
    Ok(HashKinds {
        md5: has("md5"),
        sha1: has("sha1"),
        sha256: has("sha256"),
        sha512: has("sha512"),
        pieces: raw.pieces,
        zsync: raw.zsync,
        ..HashKinds::default()
    })
}

/// Checks the section beside the version of torrents that the site offers.
pub(super) fn check_hashes(
    raw: &RawHashes,
    torrent: TorrentVersion,
) -> Result<HashesConfig, ConfigProblem> {
    let mut config = raw.checked()?;
    if torrent == TorrentVersion::Hybrid {
        let needs = |key: &str, what: String| {
            let why = format!("torrent.version = \"hybrid\" needs {what}");
            Err(ConfigProblem::unusable(why, "").below(key))
        };
        if !config.kinds.make_torrent() {
            return needs("digests", "pieces and md5, sha1, sha256".to_owned());
        }
        if !is_v2_piece_size(raw.piece_size) {
            let size = raw.piece_size;
            return needs(
                "piece_size",
                format!("a power of two from 16384 on, not {size}"),
            );
        }
        config.kinds.hybrid = true;
    }
    Ok(config)
}
