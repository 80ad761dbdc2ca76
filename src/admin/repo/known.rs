//! Finds the repositories of the catalogue by their names or paths.

use std::collections::BTreeSet;

use crate::admin::args::RepoChoice;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::{Reader, catalogue};
use crate::domain::generation::EarlierVersions;
use crate::domain::path::FilePath;
use crate::domain::repository::TableBuilder;

/// A marker with the names of its repository; both are empty if it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedMarker {
    pub repo: String,
    pub arch: String,
    pub path: Vec<u8>,
}

impl NamedMarker {
    /// The path for people.
    pub fn shown_path(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }
}

/// All repositories, and the files without a repository's name that have earlier versions.
///
/// # Errors
/// Returns [`AdminError::Db`] if the database cannot be read.
pub(super) fn all(
    session: &Session,
    reader: &Reader,
    earlier: &EarlierVersions,
) -> Result<Vec<NamedMarker>, AdminError> {
    let mut builder = TableBuilder::new(&session.site.repositories);
    if !session.site.repositories.is_empty() {
        catalogue::for_each(reader, b"", |path, _| builder.see(path))?;
    }
    let table = builder.finish();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut found: Vec<NamedMarker> = table
        .all()
        .map(|(repo, arch, known)| NamedMarker {
            repo: text(repo),
            arch: text(arch),
            path: known.marker.as_bytes().to_vec(),
        })
        .collect();
    let named: BTreeSet<Vec<u8>> = found.iter().map(|marker| marker.path.clone()).collect();
    let mut others: Vec<&Vec<u8>> = earlier
        .keys()
        .filter(|path| !named.contains(*path))
        .collect();
    others.sort_unstable();
    found.extend(others.into_iter().map(|path| NamedMarker {
        repo: String::new(),
        arch: String::new(),
        path: path.clone(),
    }));
    Ok(found)
}

/// The repositories of a name, or the marker at a path.
///
/// # Errors
/// Returns [`AdminError::Nothing`] if the catalogue has no such repository or marker, and
/// [`AdminError::Usage`] if the path leads out of the tree.
pub(super) fn wanted(
    session: &Session,
    known: Vec<NamedMarker>,
    choice: &RepoChoice,
) -> Result<Vec<NamedMarker>, AdminError> {
    let remedy = "`heliostat repo list` lists them";
    if let Some(path) = &choice.path {
        let path = FilePath::parse(path.trim_start_matches('/').as_bytes())
            .map_err(|_| AdminError::Usage(format!("--path: '{path}' is no path of a file")))?;
        let mut found = known;
        found.retain(|marker| marker.path == path.as_bytes());
        if found.is_empty() {
            let why = format!("the file '{path}' has no earlier versions; {remedy}");
            return Err(AdminError::Nothing(why));
        }
        return Ok(found);
    }
    let asked = choice.repo.as_deref().unwrap_or_default();
    let arch = choice.arch.as_ref();
    let redirects = &session.site.lists.redirects;
    let name = redirects.get(asked).map_or(asked, String::as_str);
    let fits = |marker: &NamedMarker| {
        !marker.repo.is_empty()
            && marker.repo == name
            && arch.is_none_or(|arch| marker.arch == *arch)
    };
    let found: Vec<NamedMarker> = known.into_iter().filter(fits).collect();
    if found.is_empty() {
        let arch = arch.map_or(String::new(), |arch| format!(" for {arch}"));
        let name = asked.escape_debug();
        let why = format!("there is no repository '{name}'{arch}; {remedy}");
        return Err(AdminError::Nothing(why));
    }
    Ok(found)
}
