//! Holds the state that all workers read.

use std::sync::Arc;

use super::start::Start;
use crate::config::{Config, SiteConfig};
use crate::decide::SiteState;
use crate::domain::path::{FilePath, is_below};
use crate::http::Request;
use crate::program::clock::now;
use crate::tree::rest_below;

/// Configuration and sites at one moment.
#[derive(Debug)]
pub struct ResponderState {
    /// The configuration.
    pub config: Arc<Config>,
    /// The sites, in the order of `config.sites`.
    pub sites: Vec<SiteState>,
    /// Reason for which the configuration in use is not that of the file.
    pub config_problem: Option<String>,
}

impl ResponderState {
    /// The state before anything but the configuration is read: the web server serves all files.
    pub(super) fn at_start(start: &Start) -> ResponderState {
        let site = |config: &Arc<SiteConfig>| SiteState {
            config: Arc::clone(config),
            snapshot: None,
            geoip: Arc::default(),
            changed_at: now(),
        };
        ResponderState {
            sites: start.config.sites.iter().map(site).collect(),
            config: Arc::new(start.config.clone()),
            config_problem: start.config_problem.clone(),
        }
    }

    /// The site of a request: the one that the web server names, or else the one whose host names
    /// and tree, or URL path, fit best.
    pub fn site_of(&self, request: &Request<'_>) -> Option<usize> {
        if !request.site.is_empty() {
            return self
                .sites
                .iter()
                .position(|s| s.config.name.as_bytes() == request.site);
        }
        if self.sites.len() == 1 {
            return Some(0);
        }
        let path = FilePath::parse(request.script_name).ok();
        let path = path.as_ref().map_or(&b""[..], FilePath::as_bytes);
        let fits = |site: &SiteState| {
            let names = &site.config.server_names;
            let by_name = names
                .iter()
                .any(|name| request.server_name.eq_ignore_ascii_case(name.as_bytes()));
            let tree = site.config.tree.as_os_str().as_encoded_bytes();
            let has_tree = site.config.origin.is_none();
            let has_file = has_tree && rest_below(request.file, tree).is_some();
            let is_its_own = has_file || is_below(path, &site.config.url_path);
            let depth = if has_file {
                tree.len()
            } else {
                site.config.url_path.len()
            };
            let matches = (names.is_empty() || by_name) && is_its_own;
            matches.then_some((by_name, has_file, depth))
        };
        let ranked = self
            .sites
            .iter()
            .enumerate()
            .filter_map(|(i, site)| Some((fits(site)?, i)));
        ranked
            .max_by_key(|(rank, index)| (*rank, std::cmp::Reverse(*index)))
            .map(|(_, index)| index)
    }
}
