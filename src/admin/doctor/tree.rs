//! The tree: the way to it, and its content, with the rights of each user.

use std::path::{Path, PathBuf};

use super::examination::{Examination, Examiner, Role};
use super::finding::{AreaReport, Finding, Severity};
use super::links::report_links;
use super::opening::{Rights, Wish};
use super::shell::{text_word, word, words};
use super::walk::{ClosedPlaces, TreeAccess, walk};
use super::way::{check_way, way_to};
use crate::config::SiteConfig;

/// Places that the command of a finding opens one by one at most.
const NAMED_MAX: usize = 8;

/// Looks at the tree of a site.
pub(super) fn check(examined: &Examination<'_>, site: &std::sync::Arc<SiteConfig>) -> AreaReport {
    let mut report = AreaReport::of_site("tree", site);
    if let Some(origin) = &site.origin {
        report.looked_at = Some(format!("none: the files are at {}", origin.base_url));
        return report;
    }
    let way = match way_to(&site.tree) {
        Ok(way) => way,
        Err((path, error)) => {
            report.push(missing(site, &path, &error));
            return report;
        }
    };
    let tree = way.last().cloned().unwrap_or_else(|| site.tree.clone());
    if !tree.is_dir() {
        let error = std::io::Error::from(std::io::ErrorKind::NotADirectory);
        report.push(missing(site, &tree, &error));
        return report;
    }
    check_way(&mut report, &examined.examiners, &site.tree, Wish::List);
    let seen = walk(&tree, &site.index.exclude, &examined.examiners);
    report_closed(&mut report, &examined.examiners, (site, &tree), &seen);
    report_links(&mut report, &seen.links);
    for path in seen.unread.iter().take(NAMED_MAX) {
        report.refused(format!("{} and what is below it", path.display()));
    }
    if seen.is_cut {
        let (files, directories) = (seen.files, seen.directories);
        report.absent(format!(
            "the rest of the tree, after {files} files in {directories} directories"
        ));
    }
    let names: Vec<&str> = examined
        .examiners
        .iter()
        .map(|one| &*one.user.name)
        .collect();
    let link = match tree == site.tree {
        true => String::new(),
        false => format!(" (really {})", tree.display()),
    };
    report.looked_at = Some(format!(
        "{}{link}: {} directories, {} files, as {}",
        site.tree.display(),
        seen.directories,
        seen.files,
        if names.is_empty() {
            "nobody".to_owned()
        } else {
            names.join(", ")
        }
    ));
    report
}

fn missing(site: &SiteConfig, path: &Path, error: &std::io::Error) -> Finding {
    let (tree, shown) = (site.tree.display(), path.display());
    let at = match path == site.tree {
        true => String::new(),
        false => format!(" of {shown}"),
    };
    // Behind a link, where it leads.
    let fix = format!("mkdir -p \"$(readlink -m {})\"", word(&site.tree));
    Finding::error(
        "tree-missing",
        format!("the tree {tree} cannot be looked at"),
    )
    .because(format!(
        "the system says{at}: {error}; its disk is not mounted (mount -a), or `tree` of \
             [site.{}] is another directory",
        site.name
    ))
    .mended_by(fix)
}

/// Users who are shut out of the same places share a finding.
fn report_closed(
    report: &mut AreaReport,
    examiners: &[Examiner],
    (site, tree): (&SiteConfig, &Path),
    seen: &TreeAccess,
) {
    let mut told: Vec<usize> = Vec::new();
    for (index, closed) in seen.closed.iter().enumerate() {
        let closed = match closed {
            Ok(closed) => closed,
            Err(error) => {
                let name = &examiners[index].user.name;
                report.refused(format!("the tree as {name}: {error}"));
                continue;
            }
        };
        if told.contains(&index) {
            continue;
        }
        let same = seen.closed.iter().enumerate().skip(index);
        let same = same.filter(|(_, other)| other.as_ref().is_ok_and(|other| other == closed));
        let users: Vec<&Examiner> = same
            .map(|(index, _)| {
                told.push(index);
                &examiners[index]
            })
            .collect();
        let places = Places {
            users,
            tree,
            exclude: &site.index.exclude,
        };
        report.findings.extend(places.findings(closed));
    }
}

/// Closed places and those who share them.
struct Places<'p> {
    users: Vec<&'p Examiner>,
    tree: &'p Path,
    exclude: &'p [String],
}

impl Places<'_> {
    fn findings(&self, closed: &ClosedPlaces) -> Vec<Finding> {
        let directories = (closed.directories_total > 0).then(|| {
            let count = plural(closed.directories_total, "directory", "directories");
            self.finding(("tree-unreadable", count), &closed.directories, Wish::List)
        });
        let files = (closed.files_total > 0).then(|| {
            let count = plural(closed.files_total, "file", "files");
            self.finding(("files-unreadable", count), &closed.files, Wish::Read)
        });
        directories.into_iter().chain(files).collect()
    }

    fn finding(
        &self,
        (id, count): (&'static str, String),
        places: &[(PathBuf, Rights)],
        wish: Wish,
    ) -> Finding {
        let names: Vec<&str> = self.users.iter().map(|one| &*one.user.name).collect();
        let (path, rights) = &places[0];
        let what = format!(
            "{} cannot read {count} of the tree, such as {}",
            names.join(" and "),
            path.display()
        );
        let cause = format!(
            "{}; {}",
            rights.cause(&self.users[0].user, wish),
            self.effect(wish)
        );
        Finding::new(self.severity(), id, what)
            .because(cause)
            .mended_by(self.fix(places, wish))
    }

    /// Places that only the web server may not read break downloads of catalogued files.
    fn severity(&self) -> Severity {
        let has = |role| self.users.iter().any(|one| one.role == role);
        match has(Role::Web) && !has(Role::Service) {
            true => Severity::Error,
            false => Severity::Warning,
        }
    }

    fn effect(&self, wish: Wish) -> &'static str {
        let has = |role| self.users.iter().any(|one| one.role == role);
        match (has(Role::Web), wish) {
            (true, _) => {
                "clients get 403. If that is meant, name it in `index.exclude`; else the umask of \
                 whoever writes the tree is too strict (022 is right)"
            }
            (false, Wish::Read) => "these files have no hashes",
            (false, _) => "files there are not in the catalogue, so they are never redirected",
        }
    }

    fn fix(&self, places: &[(PathBuf, Rights)], wish: Wish) -> String {
        let user = &self.users[0].user;
        let all_others = places
            .iter()
            .all(|(_, rights)| rights.letter(user, wish) == Some('o'));
        let letters = wish.letters();
        if all_others && places.len() <= NAMED_MAX {
            let paths = places.iter().map(|(path, _)| path.as_path());
            return format!("chmod o+{letters} {}", words(paths));
        }
        if all_others {
            let kind = if wish == Wish::Read { 'f' } else { 'd' };
            // A link as the tree is followed only with the slash.
            return format!(
                "find {}/ {}-type {kind} ! -perm -o={letters} -exec chmod o+{letters} {{}} +",
                word(self.tree),
                self.prune()
            );
        }
        let commands = places.iter().take(NAMED_MAX);
        let commands: Vec<String> = commands
            .map(|(path, rights)| rights.command(user, path, wish))
            .collect();
        commands.join(" && ")
    }

    /// Options of `find` that leave excluded places closed.
    fn prune(&self) -> String {
        let names: Vec<String> = self.exclude.iter().map(|name| text_word(name)).collect();
        match names.is_empty() {
            true => String::new(),
            false => format!("\\( -iname {} \\) -prune -o ", names.join(" -o -iname ")),
        }
    }
}

fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
