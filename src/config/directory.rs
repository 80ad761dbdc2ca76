//! `[[site.NAME.directory]]`: rules of subtrees, merged from the tree down.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::document::RawMetalink;
use crate::domain::key::{Bounds, ConfigProblem, Key, KeyValue, Kind, MergeWay, Problem};
use crate::domain::order::ShortList;
use crate::domain::path::is_below;
use crate::domain::rule::{RawMetalinkRules, RawRules, Rules};

/// `[[site.NAME.directory]]`: `path`, and beside it the keys of [`RawRules`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RawDirectory {
    /// The subtree, relative to the tree.
    #[serde(default)]
    pub path: String,
    /// Its rules.
    #[serde(flatten)]
    pub rules: RawRules,
}

impl RawDirectory {
    /// The row that directories have beside those of rules.
    pub const PATH: &'static [Key] = &[Key {
        name: "path",
        help: &[" The subtree, relative to the tree. It must be set."],
        kind: &Kind::Text,
        bounds: Bounds::Any,
        merge: MergeWay::No,
        parameter: None,
    }];
}

impl KeyValue for RawDirectory {
    const KIND: &'static Kind = &Kind::Table(&[RawDirectory::PATH, RawRules::KEYS]);

    /// [`check_directories`] does it, which knows what stands above.
    fn check(&self, _: &Bounds) -> Result<(), ConfigProblem> {
        Ok(())
    }

    fn resolve(&mut self, folder: &Path) {
        self.rules.resolve(folder);
    }
}

/// A directory with what holds in it.
#[derive(Debug, Clone)]
pub struct DirectoryRules {
    /// Relative to the tree, without leading and trailing slash.
    pub path: Vec<u8>,
    /// As written, merged with all that the directory lies in.
    pub raw: RawRules,
    /// The same, compiled.
    pub rules: Arc<Rules>,
}

/// The rules of the whole tree: `[site.NAME.rules]` below `[site.NAME.metalink]`.
pub(super) fn tree_rules(rules: &RawRules, metalink: &RawMetalink) -> RawRules {
    let above = RawRules {
        metalink: RawMetalinkRules {
            by_accept: metalink.by_accept.clone(),
            by_accept_agents: metalink.by_accept_agents.clone(),
            own_url: Some(metalink.own_url),
            torrent: Some(metalink.torrent),
        },
        ..RawRules::defaults()
    };
    RawRules::merge(&above, rules)
}

/// Merges each directory with all that it lies in; the result is sorted with deeper ones later.
pub(super) fn check_directories(
    raw: &[RawDirectory],
    tree: &RawRules,
) -> Result<Vec<DirectoryRules>, ConfigProblem> {
    if let Some(index) = raw.iter().position(|directory| directory.path.is_empty()) {
        let missing = ConfigProblem::new(Problem::Missing, "a directory needs `path = \"…\"`");
        let entry = format!("[{}]", index + 1);
        return Err(missing.below("path").below(&entry).below("directory"));
    }
    let bare = |directory: &RawDirectory| directory.path.trim_matches('/').as_bytes().to_vec();
    let mut written: Vec<(Vec<u8>, &RawDirectory)> = raw
        .iter()
        .map(|directory| (bare(directory), directory))
        .collect();
    written.order_by_key(|(path, _)| path.len());
    let mut merged: Vec<DirectoryRules> = Vec::new();
    for (path, directory) in written {
        let above = merged
            .iter()
            .rev()
            .find(|candidate| is_below(&path, &candidate.path))
            .map_or(tree, |candidate| &candidate.raw);
        let raw = RawRules::merge(above, &directory.rules);
        let compiled = raw.compile().map_err(|problem| {
            let entry = format!(" '{}'", directory.path.escape_debug());
            problem.below(&entry).below("directory")
        })?;
        merged.push(DirectoryRules {
            path,
            raw,
            rules: Arc::new(compiled),
        });
    }
    Ok(merged)
}
