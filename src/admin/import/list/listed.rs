//! A mirror of a list, and how values of a list become its fields.

use std::collections::HashSet;

use crate::admin::import::problem::{ImportProblem, Spot};
use crate::db::import::MIRRORS_MAX;
use crate::db::mirror::MirrorRecord;
use crate::db::mirror_field::Field;
use crate::domain::mirror::name::check_name;
use crate::domain::url_parts::UrlParts;

/// A mirror, and its place in the list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ReadMirror {
    pub record: MirrorRecord,
    pub spot: Spot,
}

/// The content of a list.
#[derive(Debug, Default)]
pub(super) struct ReadList {
    pub mirrors: Vec<ReadMirror>,
    names: HashSet<String>,
    /// Notes about fields that are not carried over.
    pub notes: Vec<ImportProblem>,
}

impl ReadList {
    /// Adds a mirror.
    ///
    /// # Errors
    /// Returns a problem if there are as many as a database can have.
    pub fn add(&mut self, mirror: ReadMirror, spot: &Spot) -> Result<(), ImportProblem> {
        if self.mirrors.len() >= MIRRORS_MAX {
            let text = format!("{MIRRORS_MAX} mirrors are allowed; import a part of the list");
            return Err(ImportProblem::new(spot, text));
        }
        self.names.insert(mirror.record.identifier.clone());
        self.mirrors.push(mirror);
        Ok(())
    }

    /// Whether a mirror of the list has that name.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// A name that no mirror of the list has: the wanted one, or one with a number.
    pub fn free_name(&self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut numbers = 2_usize..;
        while self.has(&name) {
            name = format!("{wanted}-{}", numbers.next().unwrap_or_default());
        }
        name
    }
}

impl ReadMirror {
    /// A mirror of that name.
    ///
    /// # Errors
    /// Returns a problem if no mirror may have the name.
    pub fn new(name: &str, spot: &Spot) -> Result<ReadMirror, ImportProblem> {
        match check_name(name) {
            Ok(()) => Ok(ReadMirror {
                record: MirrorRecord::new(name),
                spot: spot.clone(),
            }),
            Err(error) => Err(ImportProblem::new(spot, error.to_string())),
        }
    }

    /// Sets a field by its name; an empty value sets nothing.
    ///
    /// # Errors
    /// Returns a problem if the field cannot have the value.
    pub fn set(&mut self, field: &str, value: &str, spot: &Spot) -> Result<(), ImportProblem> {
        let Some(row) = Field::find(field).filter(|_| !value.is_empty()) else {
            debug_assert!(value.is_empty(), "no field {field}");
            return Ok(());
        };
        let set = row.set(&mut self.record, value);
        set.map_err(|error| ImportProblem::new(spot, format!("{field}: {error}")))
    }

    /// Takes a URL into the field of its scheme; false: that field has another URL.
    ///
    /// # Errors
    /// Returns a problem if the URL cannot be used.
    pub fn take_url(&mut self, url: &str, spot: &Spot) -> Result<bool, ImportProblem> {
        let scheme = UrlParts::of(url).map(|parts| parts.scheme.to_ascii_lowercase());
        let record = &self.record;
        let (field, there) = match scheme.as_deref() {
            Some("http") => ("base_url", &record.base_url),
            Some("https") if record.base_url.is_empty() => ("base_url", &record.base_url),
            Some("https") => {
                if record.base_url == url || record.further_base_urls.iter().any(|one| one == url) {
                    return Ok(true);
                }
                let is_https = record.base_url.to_ascii_lowercase().starts_with("https://");
                if is_https || !record.further_base_urls.is_empty() {
                    return Ok(false);
                }
                self.set("further_base_urls", url, spot)?;
                return Ok(true);
            }
            Some("ftp" | "ftps") => ("ftp_url", &record.ftp_url),
            Some("rsync") => ("rsync_url", &record.rsync_url),
            _ => {
                let shown = crate::domain::url::mask_password(url);
                let text = format!(
                    "'{}' is no URL of a mirror; write one such as http://HOST/PATH/",
                    shown.escape_debug()
                );
                return Err(ImportProblem::new(spot, text));
            }
        };
        if there == url {
            return Ok(true);
        }
        let is_http = scheme.as_deref() == Some("http");
        let is_https_first = is_http && there.to_ascii_lowercase().starts_with("https://");
        if is_https_first && record.further_base_urls.is_empty() {
            // The base URL is that of http, where there are both.
            let https = there.clone();
            self.set("base_url", url, spot)?;
            self.set("further_base_urls", &https, spot)?;
            return Ok(true);
        }
        if !there.is_empty() {
            return Ok(false);
        }
        self.set(field, url, spot)?;
        Ok(true)
    }
}

/// The host of a URL, as a name.
pub(super) fn host_of(url: &str) -> Option<String> {
    let (host, _) = UrlParts::of(url)?.host_port()?;
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}
