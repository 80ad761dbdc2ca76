//! Decides requests for lists of base URLs for yum and dnf, which a query asks for.

use super::client::Client;
use super::context::WorkerContext;
use super::decision::{
    Choice, DecidedFile, Document, MissingReason, Outcome, OwnUrl, Unavailable, YumList,
};
use super::list::with_slash;
use super::passage::RequestPass;
use super::select::Extent;
use crate::domain::path::FilePath;
use crate::domain::representation::Representation;
use crate::domain::yum::YumRule;
use crate::tree::Location;

/// Largest number of lines in a list for yum; MirrorBrain sends as many.
pub const YUM_MIRRORS_MAX: usize = 10;

impl<'s> RequestPass<'_, 's> {
    /// The answer to a query that names a repository; `None` if it names none.
    ///
    /// As in MirrorBrain, these rules take precedence over all other words of a query. In addition,
    /// with `metalink` or `meta4` in the query the answer is that document about the marker file;
    /// for `repomd.xml`, dnf's `metalink=` needs it.
    pub(super) fn repository(&mut self, context: &mut WorkerContext) -> Option<Outcome<'s>> {
        let rules: &'s [YumRule] = &self.state.config.yum;
        if rules.is_empty() || self.query.is_empty() {
            return None;
        }
        let query = &self.query;
        let value = |name: &str| query.once(name);
        let (rule, repository) = rules
            .iter()
            .find_map(|rule| Some((rule, rule.repository(value)?)))?;
        let asked = match self.asked_by_query() {
            asked @ (Representation::Meta4 | Representation::Metalink) => asked,
            _ => Representation::Yumlist,
        };
        let (path, version) = match self.locate(context, &repository.marker) {
            Location::File { path, version } => (path, version),
            Location::Unknown(problem) => {
                return Some(Outcome::Unavailable(Unavailable::Tree(problem)));
            }
            _ => return Some(Outcome::Missing(MissingReason::NoDocument(asked))),
        };
        if !self.may_tell_of(&path) {
            return Some(Outcome::Missing(MissingReason::NoDocument(asked)));
        }
        let file = DecidedFile { path, version };
        self.decision.own = OwnUrl::OfTree(repository.marker.clone());
        self.decision.requested = Some(repository.marker);
        self.decision.file = Some(file.clone());
        self.takes.is_list = true;
        if asked != Representation::Yumlist {
            return Some(self.answer(context, &file, asked));
        }
        let client = self.client();
        self.decision.client = Some(client);
        let named = repository.directory;
        let named = with_slash(named.as_ref().map_or(b"", FilePath::as_bytes));
        // Mirrors have the real directory; for a marker that is itself a link it is unknown.
        let real = file.path.as_bytes().strip_suffix(rule.marker_suffix());
        let directory = real.map_or(named.clone(), <[u8]>::to_vec);
        let list = YumList {
            directory,
            named,
            choices: self.yum_choices(context, (&client, &file)),
        };
        Some(Outcome::Document(Document::YumList(list)))
    }

    fn yum_choices(
        &mut self,
        context: &mut WorkerContext,
        wanted: (&Client, &DecidedFile),
    ) -> Vec<Choice<'s>> {
        let file = self.take_earlier(context, wanted.1, false);
        let found = self.find(context, (wanted.0, &file), self.depth.extent(Extent::All));
        let mut choices = found.map(|found| found.choices).unwrap_or_default();
        choices.truncate(YUM_MIRRORS_MAX);
        self.limit(&mut choices);
        choices
    }
}
