//! Finds files that Apache needs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::admin::doctor::finding::Finding;
use crate::admin::doctor::shell::word;

/// The file of two lines that leads from an error to the file.
pub(super) fn local_asis(path: &Path, cause: String) -> Finding {
    let what = format!("{} is missing", path.display());
    let fix = format!(
        "printf 'Status: 200 OK\\nLocation: /.heliostat/local\\n\\n' >{path} && chmod 644 {path}",
        path = word(path)
    );
    Finding::error("local-asis-missing", what)
        .because(cause)
        .mended_by(fix)
}

/// The real path of the part of a path that exists.
pub(super) fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
