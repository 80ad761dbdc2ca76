//! Holds a request and its decision, from which every answer is written.

use crate::config::SiteConfig;
use crate::decide::{Decision, SiteState, Sources};
use crate::domain::time::Timestamp;
use crate::http::Request;
use crate::respond::permit::Streams;

/// A request, its decision and its site.
#[derive(Clone, Copy)]
pub(in crate::respond) struct Exchange<'d> {
    /// The site that the decision was made for.
    pub site: &'d SiteState,
    /// The request.
    pub request: &'d Request<'d>,
    /// The decision about it.
    pub decision: &'d Decision<'d>,
    /// Time of the request.
    pub now: Timestamp,
}

/// The worker's resources for long answers.
pub(in crate::respond) struct AnswerResources<'m> {
    /// Reads the long parts of documents.
    pub sources: &'m mut dyn Sources,
    /// The long documents that are being sent.
    pub streams: &'m Streams,
}

impl<'d> Exchange<'d> {
    /// The configuration of the site.
    pub(super) fn config(self) -> &'d SiteConfig {
        &self.site.config
    }

    /// Whether the answer's URLs at mirrors are signed, so that the answer differs each second.
    pub(super) fn is_signed(self) -> bool {
        self.decision.stamp_key().is_some()
    }

    /// The signature for the answer's URLs at mirrors.
    pub(super) fn stamp(self) -> Option<String> {
        self.decision.stamp_key().map(|key| key.stamp(self.now))
    }

    /// Time of the last change of the site or of a file that changed at `file_changed_at`.
    pub(super) fn modified_at(self, file_changed_at: i64) -> Timestamp {
        let changed_at = self.site.changed_at.0.max(file_changed_at);
        Timestamp(changed_at.min(self.now.0))
    }
}
