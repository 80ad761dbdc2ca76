//! Symbolic links that lead out of the tree, or nowhere.

use std::fs;
use std::path::{Path, PathBuf};

use super::finding::{AreaReport, Finding};
use super::shell::word;

/// TreeLinks that are named, each kind; more are counted.
const NAMED_MAX: usize = 10;

/// A link that leads out of the tree, or nowhere.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OddLink {
    pub path: PathBuf,
    /// The target outside of the tree; `None` if the target is missing.
    pub target: Option<PathBuf>,
}

/// Collects odd links.
pub(super) struct TreeLinks {
    root: PathBuf,
    pub odd: Vec<OddLink>,
}

impl TreeLinks {
    pub fn of(tree: &Path) -> TreeLinks {
        TreeLinks {
            root: fs::canonicalize(tree).unwrap_or_else(|_| tree.to_owned()),
            odd: Vec::new(),
        }
    }

    /// Follows a link.
    pub fn look(&mut self, link: &Path) {
        let target = match fs::canonicalize(link) {
            Ok(target) if target.starts_with(&self.root) => return,
            Ok(target) => Some(target),
            Err(_) => None,
        };
        self.odd.push(OddLink {
            path: link.to_owned(),
            target,
        });
    }
}

/// Reports each odd link, up to a number.
pub(super) fn report_links(report: &mut AreaReport, links: &[OddLink]) {
    let out = links.iter().filter(|link| link.target.is_some());
    let nowhere = links.iter().filter(|link| link.target.is_none());
    for link in out.clone().take(NAMED_MAX) {
        report.push(leads_out(link));
    }
    for link in nowhere.clone().take(NAMED_MAX) {
        let (shown, path) = (link.path.display(), word(&link.path));
        let to = fs::read_link(&link.path).unwrap_or_default();
        report.push(
            Finding::warning("link-dangling", format!("the link {shown} leads nowhere"))
                .because(format!(
                    "{} does not exist, or goes in a circle; clients get 403 or 404",
                    to.display()
                ))
                .mended_by(format!("rm {path}")),
        );
    }
    for (kind, count) in [
        ("out of the tree", out.count()),
        ("nowhere", nowhere.count()),
    ] {
        if count > NAMED_MAX {
            report.absent(format!(
                "{} more links that lead {kind}; mend those that are named and run again",
                count - NAMED_MAX
            ));
        }
    }
}

fn leads_out(link: &OddLink) -> Finding {
    let target = link.target.as_deref().unwrap_or(Path::new("/"));
    let (path, to) = (word(&link.path), word(target));
    let fix = match target.is_dir() {
        true => format!("rm {path} && mkdir {path} && mount --bind {to} {path}"),
        false => format!("cp --archive --remove-destination {to} {path}"),
    };
    Finding::warning(
        "link-out",
        format!("the link {} leads out of the tree", link.path.display()),
    )
    .because(format!(
        "it leads to {}; Heliostat follows no link out of the tree, so files behind it are \
         never redirected",
        target.display()
    ))
    .mended_by(fix)
}
