//! Chooses the requests that are compared: some of a log, or some about files of the catalogue.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

use crate::db::{DbError, Reader, catalogue};
use crate::domain::escape::url_path_into;
use crate::domain::representation::Representation;

/// Bytes of a document that are compared.
const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;
/// Documents about each file of the catalogue that are asked for, and a range of it.
const DOCUMENTS: [&str; 5] = [".meta4", ".metalink", ".mirrorlist", ".md5", ".sha256"];

/// A request that both hosts get.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ComparedRequest {
    /// Path and query, encoded.
    pub target: String,
    pub is_head: bool,
    pub range: Option<String>,
}

impl ComparedRequest {
    /// The text that people read.
    pub(super) fn name(&self) -> String {
        let method = if self.is_head { "HEAD" } else { "GET" };
        let range = self.range.as_deref().map(|range| format!(" ({range})"));
        format!("{method} {}{}", self.target, range.unwrap_or_default())
    }

    /// The document that is asked for, by suffix or query.
    pub(super) fn document(&self) -> Option<Representation> {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let named = Representation::split_suffix(path.as_bytes()).map(|(_, document)| document);
        let words = query.split('&');
        let names = words.filter_map(|word| word.split('=').next());
        let mut asked = names.filter_map(|name| {
            let mut all = Representation::DOCUMENTS.into_iter();
            all.find(|document| document.as_str() == name)
        });
        asked.next().or(named)
    }

    /// Gives the number of bytes of the answer that are read: none of a file.
    pub(super) fn body_bytes_max(&self) -> usize {
        match self.document() {
            Some(_) => DOCUMENT_BYTES_MAX,
            None => 0,
        }
    }
}

/// Some of many requests, each as likely, and the same ones each time: those with the smallest
/// hashes.
#[derive(Debug)]
pub(super) struct RequestSample {
    kept: BTreeMap<u64, ComparedRequest>,
    size: usize,
}

impl RequestSample {
    pub(super) fn new(size: usize) -> RequestSample {
        RequestSample {
            kept: BTreeMap::new(),
            size,
        }
    }

    pub(super) fn add(&mut self, request: ComparedRequest) {
        let key = xxh3_64(request.name().as_bytes());
        let is_small = self
            .kept
            .last_key_value()
            .is_none_or(|(last, _)| key < *last);
        if self.kept.len() < self.size || is_small {
            self.kept.insert(key, request);
        }
        if self.kept.len() > self.size {
            self.kept.pop_last();
        }
    }

    pub(super) fn into_requests(self) -> Vec<ComparedRequest> {
        self.kept.into_values().collect()
    }
}

/// Requests about files of the catalogue: each by HEAD, by GET and by a range, its documents, a
/// name that does not exist, and the tree itself.
///
/// # Errors
/// Returns [`DbError`] if the catalogue cannot be read.
pub(super) fn of_catalogue(
    reader: &Reader,
    url_path: &[u8],
    size: usize,
) -> Result<Vec<ComparedRequest>, DbError> {
    let prefix = match url_path {
        b"" => String::new(),
        path => format!("/{}", encoded(path)),
    };
    let whole = |target: String| ComparedRequest {
        target,
        is_head: false,
        range: None,
    };
    let mut files = RequestSample::new((size / (DOCUMENTS.len() + 3)).max(1));
    catalogue::for_each(reader, b"", |path, _| {
        files.add(whole(format!("{prefix}/{}", encoded(path))));
    })?;
    let mut requests = vec![
        whole(format!("{prefix}/")),
        whole(format!("{prefix}/heliostat-compare-no-such-file.iso")),
    ];
    for file in files.into_requests() {
        let target = file.target.clone();
        requests.push(ComparedRequest {
            is_head: true,
            ..file.clone()
        });
        requests.push(ComparedRequest {
            range: Some("bytes=0-99".to_owned()),
            ..file.clone()
        });
        requests.push(file);
        requests.extend(DOCUMENTS.map(|suffix| whole(format!("{target}{suffix}"))));
    }
    Ok(requests)
}

fn encoded(path: &[u8]) -> String {
    let mut out = Vec::with_capacity(path.len() + 16);
    url_path_into(&mut out, path);
    String::from_utf8_lossy(&out).into_owned()
}
