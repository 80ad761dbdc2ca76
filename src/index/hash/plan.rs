//! Decides which files must be hashed, and how: compares the catalogue with the configuration.

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

/// The options of a hashing run.
#[derive(Debug, Clone, Default)]
pub struct HashRequest {
    /// Path of the subtree relative to the tree, "" for all.
    pub directory: Vec<u8>,
    /// Whether files with hashes are hashed again.
    pub rehash: bool,
    /// Whether the run must not change anything.
    pub dry_run: bool,
    /// If set, only files whose name matches at its start are hashed.
    pub file_mask: Option<Regex>,
    /// If set, files whose path, including the tree's, matches at its start are not hashed.
    pub ignore_mask: Option<Regex>,
}

/// Decides for each file.
pub struct HashPlan<'a> {
    config: &'a HashesConfig,
    request: &'a HashRequest,
    /// The tree's path with a slash, which the ignore mask sees before a file's path.
    tree: Vec<u8>,
    /// Signatures in the catalogue, by a short hash of the path that they sign. A collision (1 in
    /// 2^64) at worst delays reading one signature until the file changes again.
    signatures: HashMap<u64, FileVersion>,
}

impl<'a> HashPlan<'a> {
    /// Makes a plan for the present catalogue.
    ///
    /// # Errors
    /// Returns [`DbError`] if the catalogue cannot be read.
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

    /// The work for a file, if there is any.
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

    /// The hashes that need not be computed.
    fn known(&self, state: &HashState) -> HashKinds {
        if self.request.rehash {
            return HashKinds::default();
        }
        let mut known = state.known;
        // MirrorBrain's rows may have a piece size but no pieces; then they have no info hash.
        known.pieces &= state.has_btih || !self.config.kinds.make_torrent();
        known
    }

    /// Length of the file's pieces. Another length would be another torrent, so the stored one
    /// stays.
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
        // Like MirrorBrain, accepts a signature only if it is smaller than its file.
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
