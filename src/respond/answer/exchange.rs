//! One request and its decision: what every answer is written from.

use crate::config::SiteConfig;
use crate::decide::{Decision, SiteState, Sources};
use crate::domain::time::Timestamp;
use crate::http::Request;
use crate::respond::permit::Streams;

/// A request, what was decided for it and where.
#[derive(Clone, Copy)]
pub(in crate::respond) struct Exchange<'d> {
    /// The site that the decision was made for.
    pub site: &'d SiteState,
    /// What was asked.
    pub request: &'d Request<'d>,
    /// What is answered.
    pub decision: &'d Decision<'d>,
    /// Time of the request.
    pub now: Timestamp,
}

/// What the worker lends to long answers.
pub(in crate::respond) struct AnswerResources<'m> {
    /// Long parts of documents are read through it.
    pub sources: &'m mut dyn Sources,
    /// The long documents under way.
    pub streams: &'m Streams,
}

impl<'d> Exchange<'d> {
    /// The configuration of the site.
    pub(super) fn config(self) -> &'d SiteConfig {
        &self.site.config
    }

    /// Whether the answer's URLs at mirrors are signed: the same answer is another each second.
    pub(super) fn is_signed(self) -> bool {
        self.decision.stamp_key().is_some()
    }

    /// What signs the answer's URLs at mirrors.
    pub(super) fn stamp(self) -> Option<String> {
        self.decision.stamp_key().map(|key| key.stamp(self.now))
    }

    /// Since when the site and a file that changed at `file_changed_at` are as they are.
    pub(super) fn modified_at(self, file_changed_at: i64) -> Timestamp {
        let changed_at = self.site.changed_at.0.max(file_changed_at);
        Timestamp(changed_at.min(self.now.0))
    }
}
