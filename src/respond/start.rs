//! With which configuration the responder begins.

use std::path::Path;
use std::sync::Arc;

use super::complaint::Complaints;
use crate::config::{self, Config, ConfigError, LastGood};
use crate::program::clock::now;
use crate::program::exit::chain;
use crate::tree::Tree;

/// What the responder begins with.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub config: Config,
    /// Why it is not that of the file.
    pub config_problem: Option<String>,
    /// Where the last good one is kept, if this is a service that was given a folder.
    pub last_good: Option<LastGood>,
}

impl Start {
    /// Reads the file, or what was kept of it: a typo must not end a service that is started anew.
    ///
    /// # Errors
    /// The file cannot be used, and nothing is kept.
    pub fn read(path: &Path) -> Result<Start, ConfigError> {
        let last_good = LastGood::of_service();
        match config::load(path) {
            Ok(config) => {
                keep(last_good.as_ref(), &config);
                Ok(Start {
                    config,
                    config_problem: None,
                    last_good,
                })
            }
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
}

/// Keeps a configuration that can be used.
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

/// Says which trees cannot be looked at. In a thread of its own: a disk that hangs is waited for,
/// and nothing else waits for it.
pub(super) fn check_trees(config: &Config, complaints: &Arc<Complaints>) {
    let trees: Vec<(String, std::path::PathBuf)> = config
        .sites
        .iter()
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
