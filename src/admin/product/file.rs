//! Finds the files of a product in the catalogue, language by language.

use crate::admin::error::AdminError;
use crate::db::catalogue;
use crate::db::open::Queryable;
use crate::domain::path::FilePath;
use crate::domain::product::{LANGUAGE_MARK, Product, is_language};

/// A file of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProductFile {
    pub os: String,
    pub path: FilePath,
}

/// The files of all systems and languages. Without a list of languages, those that the catalogue
/// has.
pub(super) fn files(
    database: &impl Queryable,
    product: &Product,
) -> Result<Vec<ProductFile>, AdminError> {
    let mut files = Vec::new();
    for (os, location) in &product.locations {
        let languages = match (
            location.contains(LANGUAGE_MARK),
            product.languages.is_empty(),
        ) {
            (false, _) => vec![String::new()],
            (true, false) => product.languages.clone(),
            (true, true) => languages_of(database, location)?,
        };
        files.extend(languages.iter().filter_map(|language| {
            let path = product.path(os, language)?;
            Some(ProductFile {
                os: os.clone(),
                path,
            })
        }));
    }
    Ok(files)
}

/// The languages for which the catalogue has a file.
fn languages_of(database: &impl Queryable, location: &str) -> Result<Vec<String>, AdminError> {
    let location = location.trim_start_matches('/');
    let (before, _) = location.split_once(LANGUAGE_MARK).unwrap_or((location, ""));
    let directory = before
        .rsplit_once('/')
        .map_or("", |(directory, _)| directory);
    let mut languages = Vec::new();
    catalogue::for_each(database, directory.as_bytes(), |path, _| {
        let rest = path.strip_prefix(before.as_bytes()).unwrap_or_default();
        let end = rest
            .iter()
            .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-');
        let Ok(language) = std::str::from_utf8(&rest[..end.unwrap_or(rest.len())]) else {
            return;
        };
        let is_it = location.replace(LANGUAGE_MARK, language).as_bytes() == path;
        if is_language(language) && is_it {
            languages.push(language.to_owned());
        }
    })?;
    Ok(languages)
}
