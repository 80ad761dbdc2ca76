//! Which path below the tree a request is about.
//!
//! The web server has mapped the URL already, by aliases, rewrites and whatever else it knows; the
//! file that it found is the file of the request. Only where it tells no file, the URL is read as
//! a path below the place where the tree hangs (`url_path`).

use super::context::WorkerContext;
use super::site::SiteState;
use crate::domain::path::{FilePath, PathError};
use crate::http::Request;
use crate::tree::{Named, TreeProblem};

/// What the web server, or the URL, names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mapping {
    /// The tree itself.
    Tree,
    /// Something below it, links not resolved.
    Below(FilePath),
    /// Something that is not of the tree; only the web server can serve it.
    Outside {
        /// Whether it is there.
        exists: bool,
    },
    /// No path below the tree.
    Nowhere,
    /// The file system does not tell.
    Unknown(TreeProblem),
}

impl Mapping {
    /// Maps a request.
    pub(super) fn of(
        state: &SiteState,
        context: &mut WorkerContext,
        request: &Request<'_>,
    ) -> Mapping {
        if request.file.is_empty() {
            return by_url(state, request);
        }
        match context.sources.named(request.file) {
            Named::Below(path) => below(path),
            Named::Outside { exists } => Mapping::Outside { exists },
            Named::Unknown(problem) => Mapping::Unknown(problem),
            // The web server may see the same tree under another name, in a container of its own.
            Named::Unseen if is_plain(request) => by_url(state, request),
            Named::Unseen => Mapping::Outside { exists: true },
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

/// Whether the file is what its URL says, below the root of the web server's documents.
fn is_plain(request: &Request<'_>) -> bool {
    let root = request.document_root;
    let path = request
        .file
        .strip_prefix(root.strip_suffix(b"/").unwrap_or(root));
    !root.is_empty() && path.is_some_and(|path| path == &*request.url_path())
}

/// The URL path without the place where the tree hangs.
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
