//! Finds the path below the tree that a request is about.
//!
//! The web server has already mapped the URL, by aliases, rewrites and whatever else it knows; the
//! file that it found is the file of the request. Only if it names no file is the URL read as a
//! path below the tree's own URL path (`url_path`).

use super::context::WorkerContext;
use super::site::SiteState;
use crate::domain::path::{FilePath, PathError};
use crate::http::Request;
use crate::tree::{NamedLocation, TreeProblem};

/// The location that the web server, or the URL, names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mapping {
    /// The tree itself.
    Tree,
    /// A path below the tree, links not resolved.
    Below(FilePath),
    /// A file outside of the tree, which only the web server can serve.
    Outside {
        /// Whether the file exists.
        exists: bool,
    },
    /// A URL that is no path below the tree.
    Nowhere,
    /// The file system gives no answer.
    Unknown(TreeProblem),
}

impl Mapping {
    /// Maps a request.
    pub(super) fn of(
        state: &SiteState,
        context: &mut WorkerContext,
        request: &Request<'_>,
    ) -> Mapping {
        // Without a tree, a file of the web server is none of ours.
        if request.file.is_empty() || state.config.origin.is_some() {
            return by_url(state, request);
        }
        match context.sources.named(request.file) {
            NamedLocation::Below(path) => below(path),
            NamedLocation::Outside { exists } => Mapping::Outside { exists },
            NamedLocation::Unknown(problem) => Mapping::Unknown(problem),
            // The web server may see the same tree under another name, in a container of its own.
            NamedLocation::Unseen if is_plain(request) => by_url(state, request),
            NamedLocation::Unseen => Mapping::Outside { exists: true },
        }
    }
}

fn below(path: Result<FilePath, PathError>) -> Mapping {
    match path {
        Ok(path) => Mapping::Below(path),
        Err(PathError::Empty) => Mapping::Tree,
        Err(_) => Mapping::Nowhere,
    }
}

/// Whether the file's path is the web server's document root followed by the URL path.
fn is_plain(request: &Request<'_>) -> bool {
    let root = request.document_root;
    let path = request
        .file
        .strip_prefix(root.strip_suffix(b"/").unwrap_or(root));
    !root.is_empty() && path.is_some_and(|path| path == &*request.url_path())
}

/// Reads the URL path without the tree's own URL path (`url_path`).
fn by_url(state: &SiteState, request: &Request<'_>) -> Mapping {
    let url_path = FilePath::parse(&request.url_path());
    let prefix = &state.config.url_path;
    if prefix.is_empty() {
        return below(url_path);
    }
    let rest = url_path.as_ref().ok().and_then(|url_path| {
        let is_below = url_path.is_below(prefix);
        is_below.then(|| &url_path.as_bytes()[prefix.len()..])
    });
    rest.map_or(Mapping::Nowhere, |rest| below(FilePath::parse(rest)))
}
