//! Finds the directory of a repository by its names. The table is made when the catalogue is read,
//! so that no request costs an expression.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::RepositoryRule;
use crate::domain::path::FilePath;

/// A repository of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRepository {
    /// Its directory in the tree; empty: the tree itself.
    pub directory: Vec<u8>,
    /// The file that shows that a mirror has it.
    pub marker: FilePath,
}

/// The repositories of a catalogue by (`repo`, `arch`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepositoryTable {
    known: BTreeMap<(Vec<u8>, Vec<u8>), KnownRepository>,
    disabled: BTreeSet<Vec<u8>>,
    clashes: Vec<String>,
}

/// Number of clashes that are kept for a message; one shows that a rule is wrong.
const CLASHES_MAX: usize = 5;

impl RepositoryTable {
    /// The repository of these names.
    pub fn find(&self, repo: &[u8], arch: &[u8]) -> Option<&KnownRepository> {
        self.known.get(&(repo.to_vec(), arch.to_vec()))
    }

    /// Whether lists of a repository are refused.
    pub fn is_disabled(&self, repo: &[u8]) -> bool {
        self.disabled.contains(repo)
    }

    /// All names, sorted, with what they stand for.
    pub fn all(&self) -> impl Iterator<Item = (&[u8], &[u8], &KnownRepository)> {
        let known = self.known.iter();
        known.map(|((repo, arch), known)| (&repo[..], &arch[..], known))
    }

    /// Directories whose names another directory has already.
    pub fn clashes(&self) -> &[String] {
        &self.clashes
    }
}

/// Makes a table out of the paths of a catalogue.
#[derive(Debug)]
pub struct TableBuilder<'r> {
    rules: &'r [RepositoryRule],
    markers: Vec<&'r [u8]>,
    table: RepositoryTable,
}

impl<'r> TableBuilder<'r> {
    /// A table by these rules, empty so far.
    pub fn new(rules: &'r [RepositoryRule]) -> TableBuilder<'r> {
        let mut markers: Vec<&[u8]> = rules.iter().map(|rule| rule.marker.as_bytes()).collect();
        markers.sort_unstable();
        markers.dedup();
        TableBuilder {
            rules,
            markers,
            table: RepositoryTable::default(),
        }
    }

    /// Takes the next file of the catalogue. Nearly none is a marker, which costs a comparison.
    pub fn see(&mut self, path: &[u8]) {
        for place in 0..self.markers.len() {
            let marker = self.markers[place];
            let Some(directory) = path.strip_suffix(marker) else {
                continue;
            };
            match directory {
                b"" => self.name(b"", marker),
                [directory @ .., b'/'] => self.name(directory, marker),
                _ => {}
            }
        }
    }

    /// Gives a directory the names of the first rule that applies to it.
    fn name(&mut self, directory: &[u8], marker: &[u8]) {
        let of_marker = |rule: &&RepositoryRule| rule.marker.as_bytes() == marker;
        let mut rules = self.rules.iter().filter(of_marker);
        let found = rules.find_map(|rule| Some((rule, rule.names(directory)?)));
        let Some((rule, names)) = found else { return };
        if rule.is_disabled {
            self.table.disabled.insert(names.repo);
            return;
        }
        let marker = match directory {
            b"" => rule.marker.clone(),
            _ => match FilePath::parse(&[directory, b"/", marker].concat()) {
                Ok(marker) => marker,
                Err(_) => return,
            },
        };
        let repository = KnownRepository {
            directory: directory.to_vec(),
            marker,
        };
        let key = (names.repo, names.arch);
        if let Some(first) = self.table.known.get(&key) {
            if self.table.clashes.len() < CLASHES_MAX {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                self.table.clashes.push(format!(
                    "repo={} arch={} is {}, not {}",
                    text(&key.0),
                    text(&key.1),
                    text(&first.directory),
                    text(directory)
                ));
            }
            return;
        }
        self.table.known.insert(key, repository);
    }

    /// The table.
    pub fn finish(self) -> RepositoryTable {
        self.table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(path: &str, repo: &str, arch: &str, is_disabled: bool) -> RepositoryRule {
        let rule = RepositoryRule::new(path, (repo, arch), "repodata/repomd.xml", is_disabled);
        rule.expect("a rule")
    }

    #[test]
    fn the_first_rule_that_fits_names_a_directory_and_the_first_directory_keeps_a_name() {
        let rules = [
            rule(r"^lin/7/(\w+)$", "lin-7", "$1", true),
            rule(r"^lin/(\d+)/(\w+)$", "lin-$1", "$2", false),
            rule(r"^old/(\d+)/(\w+)$", "lin-$1", "$2", false),
        ];
        let mut builder = TableBuilder::new(&rules);
        for path in [
            "lin/10/x/repodata/repomd.xml",
            "lin/10/x/repodata/repomd.xml.asc",
            "lin/7/x/repodata/repomd.xml",
            "lin/9/x/repodata/repomd.xml",
            "lin/9/x/repodata/primary.xml",
            "old/9/x/repodata/repomd.xml",
            "other/xrepodata/repomd.xml",
            "repodata/repomd.xml",
        ] {
            builder.see(path.as_bytes());
        }
        let table = builder.finish();
        let found = table.find(b"lin-9", b"x").expect("it is known");
        assert_eq!(found.directory, b"lin/9/x");
        assert_eq!(found.marker.as_bytes(), b"lin/9/x/repodata/repomd.xml");
        let names: Vec<_> = table.all().map(|(repo, _, _)| repo).collect();
        assert_eq!(names, [&b"lin-10"[..], b"lin-9"]);
        assert!(table.is_disabled(b"lin-7") && !table.is_disabled(b"lin-9"));
        assert_eq!(
            table.clashes(),
            ["repo=lin-9 arch=x is lin/9/x, not old/9/x"]
        );
        assert_eq!(table.find(b"lin-9", b"y"), None);
    }

    #[test]
    fn the_tree_itself_may_be_a_repository() {
        let rules = [rule("^$", "all", "noarch", false)];
        let mut builder = TableBuilder::new(&rules);
        builder.see(b"repodata/repomd.xml");
        let table = builder.finish();
        let found = table.find(b"all", b"noarch").expect("it is known");
        assert_eq!(found.directory, b"");
    }
}
