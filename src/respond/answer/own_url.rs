//! Writes URLs of our own host, as the client sees it.

use super::exchange::Exchange;
use crate::decide::Decision;
use crate::domain::escape::url_path_into;

impl Exchange<'_> {
    /// The requested path, decoded, as the client sees it.
    pub(super) fn url_path(self, is_directory: bool) -> Vec<u8> {
        let (request, decision) = (self.request, self.decision);
        let config = self.config();
        let own = decision.own_path(request, config);
        let mut path = Vec::with_capacity(own.len() + 2);
        if !own.is_empty() {
            path.push(b'/');
            path.extend_from_slice(&own);
        }
        if is_directory {
            path.push(b'/');
        }
        path
    }

    /// Appends the URL of our own tree, with a slash at the end: the file's URL without the file's
    /// path below the tree, or else the configured `url_path`.
    pub(super) fn own_base_url_into(self, out: &mut Vec<u8>) {
        let (request, decision) = (self.request, self.decision);
        let config = self.config();
        request.own_origin_into(out, &config.server_names);
        out.push(b'/');
        let own = decision.own_path(request, config);
        let requested = decision.requested.as_ref().map(|path| path.as_bytes());
        let before = requested.and_then(|path| own.strip_suffix(path));
        let place = match before.map(|before| before.strip_suffix(b"/").unwrap_or(before)) {
            Some(place) if place.len() + 1 == own.len() - requested.map_or(0, <[u8]>::len) => place,
            Some(b"") => b"",
            _ => &config.url_path,
        };
        if !place.is_empty() {
            url_path_into(out, place);
            out.push(b'/');
        }
    }

    /// Appends the file's own URL, or that of a document about it: `suffix` begins with a dot. If
    /// the web server found the file elsewhere than the URL says, it may not find the name with a
    /// suffix there; the document then has a query in place of the suffix.
    pub(super) fn own_url_into(self, out: &mut Vec<u8>, suffix: &str) {
        let (request, decision) = (self.request, self.decision);
        let config = self.config();
        request.own_origin_into(out, &config.server_names);
        let path = decision.own_path(request, config);
        if !path.is_empty() {
            out.push(b'/');
            url_path_into(out, &path);
        }
        match suffix.strip_prefix('.') {
            Some(word) if is_elsewhere(&path, decision) => {
                out.push(b'?');
                out.extend_from_slice(word.as_bytes());
            }
            _ => out.extend_from_slice(suffix.as_bytes()),
        }
    }
}

/// Whether the URL does not end with the file's path below the tree.
fn is_elsewhere(own_path: &[u8], decision: &Decision<'_>) -> bool {
    let requested = decision.requested.as_ref().map(|path| path.as_bytes());
    let before = requested.map(|requested| own_path.strip_suffix(requested));
    before.is_some_and(|before| {
        !before.is_some_and(|before| before.is_empty() || before.ends_with(b"/"))
    })
}
