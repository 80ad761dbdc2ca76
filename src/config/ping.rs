//! `ping`: how mirrors report that they have synced.

use std::path::{Path, PathBuf};

use crate::domain::key::ConfigProblem;

/// How mirrors say that they have synced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingConfig {
    /// Where the files are that stand for pings.
    pub folder: PathBuf,
    /// The beginning of each ping's path: `/URL_PATH/.heliostat`.
    pub prefix: Vec<u8>,
}

/// Checks the folder beside the site's tree and database.
pub(super) fn check_ping(
    folder: &Path,
    tree: &Path,
    database: &Path,
    url_path: &str,
) -> Result<Option<PingConfig>, ConfigProblem> {
    if folder.as_os_str().is_empty() {
        return Ok(None);
    }
    // Files are made and removed there.
    let is_in_tree = !tree.as_os_str().is_empty() && folder.starts_with(tree);
    if is_in_tree || database.parent() == Some(folder) {
        let why = format!("'{}' has other files", folder.display());
        let remedy = "it must be a folder of its own";
        return Err(ConfigProblem::unusable(why, remedy).below("ping"));
    }
    let below = url_path.trim_matches('/');
    let slash = if below.is_empty() { "" } else { "/" };
    Ok(Some(PingConfig {
        folder: folder.to_owned(),
        prefix: format!("{slash}{below}/.heliostat").into_bytes(),
    }))
}
