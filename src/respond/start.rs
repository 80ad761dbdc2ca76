//! Chooses the configuration with which the responder starts.

use std::path::Path;
use std::sync::Arc;

use super::complaint::Complaints;
use crate::config::{self, Config, ConfigError, LastGood};
use crate::program::clock::now;
use crate::program::exit::chain;
use crate::tree::Tree;

/// The configuration at the start.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub config: Config,
    /// Reason for which it is not that of the file.
    pub config_problem: Option<String>,
    /// The file that keeps the last good configuration, if the service has a state folder.
    pub last_good: Option<LastGood>,
}

impl Start {
    /// Reads the configuration, or else the last good one: a typo must not stop a service that is
    /// restarted.
    ///
    /// # Errors
    /// Returns the error if the file cannot be used and no last good configuration is kept.
    pub fn read(path: &Path) -> Result<Start, ConfigError> {
        let last_good = LastGood::of_service();
        match config::load(path) {
            Ok(config) => Ok(Start {
                config,
                config_problem: None,
                last_good,
            }),
            Err(error) => {
                let kept = last_good.as_ref().and_then(|kept| kept.load(path));
                let Some(config) = kept else {
                    return Err(error);
                };
                let problem = chain(&error);
                log::error!("going on with the last good configuration: {problem}");
                Ok(Start {
                    config,
                    config_problem: Some(problem),
                    last_good,
                })
            }
        }
    }

    /// Keeps the configuration, once its socket listens: with one that cannot start, a start with a
    /// broken file would fail, too.
    pub fn keep(&self) {
        if self.config_problem.is_none() {
            keep(self.last_good.as_ref(), &self.config);
        }
    }
}

/// Keeps a copy of a good configuration.
pub(super) fn keep(last_good: Option<&LastGood>, config: &Config) {
    if let Some(last_good) = last_good
        && let Err(error) = last_good.keep(config)
    {
        log::warn!(
            "this configuration is not kept, so that a start with a broken one will fail: \
             error=\"{error}\""
        );
    }
}

/// Logs which trees cannot be read. It runs in its own thread, because it waits for a disk that
/// hangs.
pub(super) fn check_trees(config: &Config, complaints: &Arc<Complaints>) {
    let trees: Vec<(String, std::path::PathBuf)> = config
        .sites
        .iter()
        .filter(|site| site.origin.is_none())
        .map(|site| (site.name.clone(), site.tree.clone()))
        .collect();
    let complaints = Arc::clone(complaints);
    let check = move || {
        for (site, tree) in trees {
            if let Err(problem) = Tree::new(&tree).check() {
                complaints.hear(&site, &problem, now());
            }
        }
    };
    let thread = std::thread::Builder::new().name("trees".to_owned());
    if let Err(error) = thread.spawn(check) {
        log::warn!("the trees are not looked at: error=\"{error}\"");
    }
}
