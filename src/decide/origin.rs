//! Sends clients to the origin where a front end has no tree.
//!
//! Such a front end knows files by the catalogue alone. All that a tree would serve, and all that
//! is not known, is the origin's. A redirect there is never wrong, because without this front end
//! every client would ask the origin.

use super::context::WorkerContext;
use super::decision::{DecidedFile, OriginRedirect, Outcome};
use super::passage::RequestPass;
use crate::config::OriginConfig;
use crate::domain::escape::url_path_into;
use crate::domain::time::Timestamp;

/// Seconds before the time of the copy within which a file counts as new: the origin may have
/// replaced it again. If the copy itself is as old, nothing in it counts.
const NEW_S: i64 = 86_400;

impl<'s> RequestPass<'_, 's> {
    /// Whether the catalogue is too old to be sure about the file. Only a front end without a tree
    /// asks this: elsewhere the disk tells.
    pub(super) fn is_doubtful(&self, context: &mut WorkerContext, file: &DecidedFile) -> bool {
        let Some(origin) = &self.state.config.origin else {
            return false;
        };
        let Some(written) = context.sources.written_at() else {
            return true;
        };
        let age_s = context.now().0.saturating_sub(written.0);
        if age_s <= i64::try_from(origin.age_max.as_secs()).unwrap_or(i64::MAX) {
            return false;
        }
        let snapshot = self.state.snapshot.as_deref();
        let known = snapshot.and_then(|snapshot| snapshot.find(file.path.as_bytes()));
        let seen = snapshot
            .zip(known)
            .and_then(|(snapshot, known)| snapshot.seen_at(known.id));
        age_s > NEW_S || seen.is_some_and(|seen| is_new(seen, written))
    }

    /// Gives the answer of a front end without a tree: it sends all that the web server would
    /// serve, and all that is not known, to the origin.
    pub(super) fn to_origin(&self, outcome: Outcome<'s>, origin: &OriginConfig) -> Outcome<'s> {
        let reason = match outcome {
            Outcome::Local(reason) => Some(reason),
            Outcome::Missing(_) | Outcome::Unavailable(_) => None,
            other => return other,
        };
        let mut url = origin.base_url.clone().into_bytes();
        self.origin_path_into(&mut url);
        Outcome::Origin(Box::new(OriginRedirect {
            url: String::from_utf8_lossy(&url).into_owned(),
            reason,
        }))
    }

    fn origin_path_into(&self, url: &mut Vec<u8>) {
        let (request, decision) = (self.request, &self.decision);
        // A question for a product; its answer is a file.
        let named = decision.file.as_ref().filter(|_| decision.named.is_some());
        if named.is_some() {
            url.push(b'/');
            url_path_into(url, &decision.own_path(request, &self.state.config));
            return;
        }
        let path = request.url_path();
        if !path.starts_with(b"/") {
            url.push(b'/');
        }
        url_path_into(url, &path);
        if !request.document.is_empty() {
            url.push(b'.');
            url_path_into(url, request.document);
        }
        let query = request.query_string;
        if !query.is_empty() {
            url.push(b'?');
            // A byte that no URL has is left out; it could end the field.
            url.extend(query.iter().filter(|byte| byte.is_ascii_graphic()));
        }
    }
}

fn is_new(seen: Timestamp, written: Timestamp) -> bool {
    seen.0 > written.0 - NEW_S
}
