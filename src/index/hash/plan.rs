//! Which files are to be hashed, and what of them: the catalogue against the configuration.

use std::collections::HashMap;

use regex::bytes::Regex;
use xxhash_rust::xxh3::xxh3_64;

use super::job::{Job, SIGNATURE_BYTES_MAX, Signature};
use super::lane::piece_size_for;
use crate::config::{HashesConfig, SiteConfig};
use crate::db::hash_state::{self, HashState};
use crate::db::{DbError, open::Queryable};
use crate::domain::document::info_dictionary::is_v2_piece_size;
use crate::domain::file::FileVersion;
use crate::domain::hash::HashKinds;
use crate::domain::path::FilePath;

/// What a run is to hash.
#[derive(Debug, Clone, Default)]
pub struct HashRequest {
    /// The subtree, relative to the tree, "" for all.
    pub directory: Vec<u8>,
    /// Also what has hashes.
    pub rehash: bool,
    /// Whether it only looks.
    pub dry_run: bool,
    /// Only files whose name matches from its beginning.
    pub file_mask: Option<Regex>,
    /// No files whose path, with the tree's before it, matches from its beginning.
    pub ignore_mask: Option<Regex>,
}

/// Decides file by file.
pub struct HashPlan<'a> {
    config: &'a HashesConfig,
    request: &'a HashRequest,
    /// The tree with a slash; what the ignore mask sees before a path.
    tree: Vec<u8>,
    /// Signatures in the catalogue, by a short key of the path that they sign. Two paths with one
    /// key (one in 2^64) would make a signature be read anew, or not, which the next change mends.
    signatures: HashMap<u64, FileVersion>,
}

impl<'a> HashPlan<'a> {
    /// For what the catalogue has now.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn new(
        site: &'a SiteConfig,
        request: &'a HashRequest,
        database: &impl Queryable,
    ) -> Result<HashPlan<'a>, DbError> {
        let mut signatures = HashMap::new();
        if site.hashes.signatures {
            hash_state::for_each_signature(database, |path, version| {
                if (1..=SIGNATURE_BYTES_MAX).contains(&version.size) {
                    signatures.insert(xxh3_64(path), version);
                }
            })?;
        }
        let mut tree = site.tree.as_os_str().as_encoded_bytes().to_vec();
        tree.push(b'/');
        Ok(HashPlan {
            config: &site.hashes,
            request,
            tree,
            signatures,
        })
    }

    /// What is to be done for a file, if anything.
    pub fn job(&self, path: &[u8], state: &HashState) -> Option<Job> {
        if !self.is_wanted(path, state.version.size) {
            return None;
        }
        let known = self.known(state);
        let kinds = self.config.kinds.missing(&known, state.version.size);
        let signature = self.signature(path, state);
        let has_row = state.has_row || !kinds.is_empty();
        if kinds.is_empty() && (signature == Signature::Keep || !has_row) {
            return None;
        }
        FilePath::parse(path).ok()?;
        Some(Job {
            path: path.to_owned(),
            id: state.id,
            version: state.version,
            kinds,
            piece_size: self.piece_size(state),
            signature,
        })
    }

    fn is_wanted(&self, path: &[u8], size: u64) -> bool {
        let config = self.config;
        if size < config.size_min || size > config.size_max {
            return false;
        }
        let mut components = path.split(|&byte| byte == b'/');
        if components.any(|name| config.exclude.iter().any(|mask| mask.matches(name))) {
            return false;
        }
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
        let fits = self.request.file_mask.as_ref();
        let ignores = self.request.ignore_mask.as_ref();
        fits.is_none_or(|mask| mask.is_match(name))
            && ignores.is_none_or(|mask| !mask.is_match(&[&self.tree[..], path].concat()))
    }

    /// What need not be computed.
    fn known(&self, state: &HashState) -> HashKinds {
        if self.request.rehash {
            return HashKinds::default();
        }
        let mut known = state.known;
        // MirrorBrain's rows may have a piece size and no pieces; then they have no info hash.
        known.pieces &= state.has_btih || !self.config.kinds.make_torrent();
        known
    }

    /// Another piece size would be another torrent, so the stored one stays.
    fn piece_size(&self, state: &HashState) -> u64 {
        let stored = state.piece_size;
        let keeps = stored > 0
            && !self.request.rehash
            && (!self.config.kinds.hybrid || is_v2_piece_size(stored));
        let wanted = if keeps {
            stored
        } else {
            self.config.piece_size
        };
        piece_size_for(state.version.size, wanted)
    }

    fn signature(&self, path: &[u8], state: &HashState) -> Signature {
        if !self.config.signatures {
            return Signature::Keep;
        }
        let found = self.signatures.get(&xxh3_64(path)).copied();
        // MirrorBrain takes only what is smaller than the file for its signature.
        let found = found.filter(|signature| signature.size < state.version.size);
        match (found, state.pgp_version) {
            (Some(found), Some(stored)) if found == stored && !self.request.rehash => {
                Signature::Keep
            }
            (Some(found), _) => Signature::Read(found),
            (None, Some(_)) => Signature::Drop,
            (None, None) => Signature::Keep,
        }
    }
}
