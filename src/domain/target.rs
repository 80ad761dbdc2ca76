//! Where mirrors have a file: the URL below each base URL, signed or not.

use super::mirror::{BaseUrl, EncodedPath};

/// A file's path and signature, appended to any base URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    path: EncodedPath,
    stamp: Option<String>,
}

impl Target {
    /// `stamp` is the signature as query arguments (`time=…&stamp=…`).
    pub fn new(path: EncodedPath, stamp: Option<String>) -> Target {
        Target { path, stamp }
    }

    /// Appends the URL at one mirror.
    pub fn url_into(&self, out: &mut Vec<u8>, base_url: &BaseUrl) {
        let has_query = base_url.file_url_into(out, &self.path);
        if let Some(stamp) = &self.stamp {
            out.push(if has_query { b'&' } else { b'?' });
            out.extend_from_slice(stamp.as_bytes());
        }
    }
}
