//! Decides requests for a product by its name: from the name to a file of the tree, and from there
//! as for every file.

use super::value::NamedQuestion;
use crate::decide::context::WorkerContext;
use crate::decide::decision::{
    DecidedFile, DecidedRules, LocalReason, MissingReason, Outcome, OwnUrl, Unavailable,
};
use crate::decide::passage::RequestPass;
use crate::domain::path::FilePath;
use crate::domain::product::{ProductArguments, ProductClient, ProductLead, ProductVary};
use crate::domain::representation::Representation;
use crate::tree::Location;

impl<'s> RequestPass<'_, 's> {
    /// The answer to a question for a product; `None` for any other request.
    pub(in crate::decide) fn product(
        &mut self,
        context: &mut WorkerContext,
        path: Option<&FilePath>,
    ) -> Option<Outcome<'s>> {
        let config = &self.state.config;
        let law = &config.products;
        if self.request.query_string.is_empty() && law.home.is_empty() {
            return None;
        }
        if !self.is_at(&law.path, path.map_or(b"", FilePath::as_bytes)) {
            return None;
        }
        let asked = ProductArguments::parse(self.request.query_string);
        if !asked.is_question() {
            return None;
        }
        let is_named = !asked.value("product").trim().is_empty();
        let Some(snapshot) = self.state.snapshot.as_deref() else {
            return is_named.then_some(Outcome::Unavailable(Unavailable::Database));
        };
        if law.home.is_empty() && (!is_named || snapshot.products.is_empty()) {
            return None;
        }
        let client = ProductClient {
            user_agent: self.request.user_agent,
            referer: self.request.referer,
        };
        let mut vary = ProductVary::default();
        let (lead, way) = asked.resolve((law, &snapshot.products), client, &mut vary);
        let mut problem = None;
        let outcome = match lead {
            ProductLead::Unnamed => return Some(Outcome::Elsewhere(law.home.clone())),
            ProductLead::Handoff(url) => Outcome::Elsewhere(url),
            ProductLead::Nothing(why) => {
                problem = Some(why);
                Outcome::Missing(MissingReason::NoFile)
            }
            ProductLead::File(path) => self.file_of_product(context, path, way.is_ssl_only),
        };
        self.decision.vary = vary.as_str();
        let named = NamedQuestion::Product { way, problem };
        self.decision.named = Some(Box::new(named));
        Some(outcome)
    }

    /// Whether the request is about the directory of products, or its index page.
    fn is_at(&self, directory: &[u8], path: &[u8]) -> bool {
        if !self.request.is_directory_index() {
            return path == directory;
        }
        let slash = path.iter().rposition(|byte| *byte == b'/');
        &path[..slash.unwrap_or(0)] == directory
    }

    fn file_of_product(
        &mut self,
        context: &mut WorkerContext,
        path: FilePath,
        is_ssl_only: bool,
    ) -> Outcome<'s> {
        let (real, version) = match self.locate(context, &path) {
            Location::File { path, version } => (path, version),
            Location::Unknown(problem) => return Outcome::Unavailable(Unavailable::Tree(problem)),
            _ => return Outcome::Missing(MissingReason::NoFile),
        };
        if let DecidedRules::Configured(_) = self.decision.rules {
            let rules = self.state.config.rules(path.as_bytes());
            self.decision.rules = DecidedRules::Configured(rules);
        }
        let file = DecidedFile {
            path: real,
            version,
        };
        self.decision.own = OwnUrl::OfTree(path.clone());
        self.decision.requested = Some(path);
        self.decision.file = Some(file.clone());
        self.is_https_wanted = is_ssl_only;
        let asked = self.asked_by_query();
        if !self.decision.rules.engine {
            return match asked {
                Representation::File => Outcome::Local(LocalReason::EngineOff),
                document => Outcome::Missing(MissingReason::NoDocument(document)),
            };
        }
        self.answer(context, &file, asked)
    }
}
