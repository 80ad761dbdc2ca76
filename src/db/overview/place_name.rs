//! Reads the names of countries and continents, as MirrorBrain's database had them.

use std::collections::HashMap;

use crate::db::error::{DbError, Doing};
use crate::db::open::Queryable;

/// Names by code, in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlaceNames {
    countries: HashMap<String, String>,
    regions: HashMap<String, String>,
}

/// Continents, for databases that were not imported.
const REGIONS: [(&str, &str); 7] = [
    ("af", "Africa"),
    ("an", "Antarctica"),
    ("as", "Asia"),
    ("eu", "Europe"),
    ("na", "North America"),
    ("oc", "Oceania"),
    ("sa", "South America"),
];

/// All names.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn all(database: &impl Queryable) -> Result<PlaceNames, DbError> {
    let doing = "reading names of places";
    let read = |sql: &str| -> Result<HashMap<String, String>, DbError> {
        let mut statement = database.sqlite().prepare_cached(sql).doing(doing)?;
        let names = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .doing(doing)?;
        names.collect::<Result<_, _>>().doing(doing)
    };
    let known = REGIONS.map(|(code, name)| (code.to_owned(), name.to_owned()));
    let mut regions = HashMap::from(known);
    regions.extend(read("SELECT lower(code), name FROM region")?);
    Ok(PlaceNames {
        countries: read("SELECT lower(code), name FROM country")?,
        regions,
    })
}

impl PlaceNames {
    /// The name of a country; its code in capitals if it is not known.
    pub fn country(&self, code: &str) -> String {
        let found = self.countries.get(&code.to_ascii_lowercase());
        found.cloned().unwrap_or_else(|| code.to_ascii_uppercase())
    }

    /// The name of a continent.
    pub fn region(&self, code: &str) -> String {
        let found = self.regions.get(&code.to_ascii_lowercase());
        found
            .cloned()
            .unwrap_or_else(|| "Continent not known".to_owned())
    }
}
