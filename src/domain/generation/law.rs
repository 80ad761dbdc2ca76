//! Says which files are the roots of groups, which files belong to them, and how long their earlier
//! versions count (`[[site.NAME.group]]`, `[[site.NAME.allow_outdated]]`).

use crate::domain::cache::{PathPattern, PatternError};

/// Digits of the shortest digest that makes a name unique: MD5.
const DIGEST_DIGITS_MIN: usize = 32;

/// A root and what belongs to it: `repomd.xml` names all other files of its directory.
#[derive(Debug, Clone)]
pub struct GroupRule {
    root: PathPattern,
    /// How many components of a path the root has.
    depth: usize,
    members: Vec<PathPattern>,
    /// Directories below the group's in which root and members are.
    places: Vec<Vec<u8>>,
    keep_s: i64,
}

/// Why a group cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// Nothing, or a pattern for any number of directories.
    #[error("the root '{0}' is no file below a directory; write it as repodata/repomd.xml")]
    Root(String),
    /// A pattern that cannot be used.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

/// Files of which mirrors may have an older version, by so much.
#[derive(Debug, Clone)]
pub struct OutdatedRule {
    /// Which files.
    pub path: PathPattern,
    /// How many seconds older the mirror's version may be.
    pub age_s: i64,
}

/// All of it for one site; nothing by default.
#[derive(Debug, Clone, Default)]
pub struct MarkerLaw {
    groups: Vec<GroupRule>,
    outdated: Vec<OutdatedRule>,
}

impl GroupRule {
    /// A group. `members` are patterns below the group's directory, separated by spaces; without
    /// any: all files of the root's own directory, if it has one of its own.
    ///
    /// # Errors
    /// Returns [`GroupError`] if root or members cannot be used.
    pub fn new(root: &str, members: &str, keep_s: i64) -> Result<GroupRule, GroupError> {
        let root = root.trim_matches('/');
        if root.is_empty() || root.contains("**") {
            return Err(GroupError::Root(root.to_owned()));
        }
        let folder = root.rsplit_once('/').map(|(folder, _)| folder);
        let usual = folder.map(|folder| format!("{folder}/*"));
        let mut texts: Vec<&str> = members.split_whitespace().collect();
        if texts.is_empty() {
            texts.extend(usual.as_deref());
        }
        let mut places: Vec<Vec<u8>> = texts
            .iter()
            .chain([&root])
            .map(|text| place(text))
            .collect();
        places.sort_unstable();
        places.dedup_by(|below, above| is_in(below, above));
        let members = texts.iter().map(|text| PathPattern::new(text));
        Ok(GroupRule {
            depth: root.split('/').count(),
            members: members.collect::<Result<_, _>>()?,
            root: PathPattern::new(&format!("**/{root}"))?,
            places,
            keep_s,
        })
    }

    /// The directory of the group whose root the path is.
    pub fn directory_of_root<'p>(&self, path: &'p [u8]) -> Option<&'p [u8]> {
        if !self.root.is_match(path) {
            return None;
        }
        let mut directory = path;
        for _ in 0..self.depth {
            let end = directory.iter().rposition(|&byte| byte == b'/');
            directory = &directory[..end.unwrap_or(0)];
        }
        Some(directory)
    }

    /// The directories of groups to which the path may belong, the deepest first.
    fn directories_of_member<'p>(&self, path: &'p [u8]) -> Vec<&'p [u8]> {
        let ends = path.iter().enumerate().rev();
        let ends = ends.filter_map(|(end, &byte)| (byte == b'/').then_some(end));
        let below = |end: &usize| &path[end + 1..];
        let is_member = |name: &[u8]| self.members.iter().any(|pattern| pattern.is_match(name));
        let mut found: Vec<&[u8]> = ends
            .filter(|end| is_member(below(end)))
            .map(|end| &path[..end])
            .collect();
        if is_member(path) {
            found.push(b"");
        }
        found
    }

    /// Whether a file of the group's directory belongs to the group.
    pub fn has(&self, path: &[u8], directory: &[u8]) -> bool {
        let below = match directory {
            b"" => path,
            _ => match path.strip_prefix(directory) {
                Some([b'/', below @ ..]) => below,
                _ => return false,
            },
        };
        self.directory_of_root(path) == Some(directory)
            || self.members.iter().any(|pattern| pattern.is_match(below))
    }

    /// Where the group's files are, below its directory.
    pub fn places<'a>(&'a self, directory: &'a [u8]) -> impl Iterator<Item = Vec<u8>> + 'a {
        self.places
            .iter()
            .map(move |place| match (directory, &place[..]) {
                (b"", _) => place.clone(),
                (_, b"") => directory.to_vec(),
                _ => [directory, b"/", place].concat(),
            })
    }
}

/// The directory that a pattern names before its first wildcard.
fn place(pattern: &str) -> Vec<u8> {
    let pattern = pattern.trim_start_matches('/');
    let literal = pattern.find(['*', '?']).unwrap_or(pattern.len());
    let end = pattern[..literal].rfind('/').unwrap_or(0);
    pattern.as_bytes()[..end].to_vec()
}

fn is_in(below: &[u8], above: &[u8]) -> bool {
    above.is_empty() || below == above || matches!(below.strip_prefix(above), Some([b'/', ..]))
}

impl MarkerLaw {
    /// The law of these rules; the first group that fits a path counts.
    pub fn new(groups: Vec<GroupRule>, outdated: Vec<OutdatedRule>) -> MarkerLaw {
        MarkerLaw { groups, outdated }
    }

    /// Whether it is about no file at all.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.outdated.is_empty()
    }

    /// The group of this number.
    pub fn group(&self, number: usize) -> Option<&GroupRule> {
        self.groups.get(number)
    }

    /// The group whose root a file is: its number and directory.
    pub fn group_of_root<'p>(&self, path: &'p [u8]) -> Option<(usize, &'p [u8])> {
        let mut groups = self.groups.iter().enumerate();
        groups.find_map(|(number, group)| Some((number, group.directory_of_root(path)?)))
    }

    /// The groups to which a file may belong that is no root; none if its name has a digest, for
    /// then it is right whatever else a mirror has.
    pub fn groups_of_member<'p>(&self, path: &'p [u8]) -> Vec<(usize, &'p [u8])> {
        if self.groups.is_empty() || has_digest(path) {
            return Vec::new();
        }
        let groups = self.groups.iter().enumerate();
        groups
            .flat_map(move |(number, group)| {
                let directories = group.directories_of_member(path).into_iter();
                directories.map(move |directory| (number, directory))
            })
            .collect()
    }

    /// How long earlier versions of a root count; 0: the file is no root, or they do not count.
    pub fn keep_s(&self, path: &[u8]) -> i64 {
        let group = self.group_of_root(path);
        let group = group.and_then(|(number, _)| self.group(number));
        group.map_or(0, |group| group.keep_s)
    }

    /// By how many seconds a mirror's version may be older; 0: not at all.
    pub fn allowed_s(&self, path: &[u8]) -> i64 {
        let rules = self.outdated.iter().filter(|rule| rule.path.is_match(path));
        rules.map(|rule| rule.age_s).max().unwrap_or(0)
    }

    /// Whether earlier versions of a file are remembered.
    pub fn remembers(&self, path: &[u8]) -> bool {
        !self.is_empty() && (self.keep_s(path) > 0 || self.allowed_s(path) > 0)
    }
}

/// Whether the last component of a path has a digest in it.
fn has_digest(path: &[u8]) -> bool {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let mut parts = name.split(|byte| !byte.is_ascii_hexdigit());
    parts.any(|digits| digits.len() >= DIGEST_DIGITS_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(root: &str, members: &str) -> GroupRule {
        GroupRule::new(root, members, 60).expect("a group")
    }

    #[test]
    fn a_root_tells_its_directory_and_members_belong_to_it() {
        let law = MarkerLaw::new(
            vec![
                group("repodata/repomd.xml", ""),
                group("InRelease", "main/**"),
            ],
            Vec::new(),
        );
        for (path, expected) in [
            ("a/b/repodata/repomd.xml", Some((0, "a/b"))),
            ("repodata/repomd.xml", Some((0, ""))),
            ("a/xrepodata/repomd.xml", None),
            ("a/repodata/repomd.xml.asc", None),
            ("dists/sid/InRelease", Some((1, "dists/sid"))),
            ("InRelease", Some((1, ""))),
        ] {
            let found = law.group_of_root(path.as_bytes());
            let expected = expected.map(|(number, path): (usize, &str)| (number, path.as_bytes()));
            assert_eq!(found, expected, "{path}");
        }
        let members = |path: &'static str| law.groups_of_member(path.as_bytes());
        assert_eq!(members("a/repodata/primary.xml.gz"), [(0, &b"a"[..])]);
        assert_eq!(members("a/repodata/x/primary.xml.gz"), []);
        let unique = "a/repodata/0123456789abcdef0123456789abcdef-primary.xml.gz";
        assert_eq!(members(unique), []);
        assert_eq!(members("d/main/binary/Packages"), [(1, &b"d"[..])]);
        let rule = group("repodata/repomd.xml", "");
        assert!(rule.has(b"a/repodata/x", b"a") && !rule.has(b"ab/repodata/x", b"a"));
        assert!(rule.has(b"repodata/repomd.xml", b"") && !rule.has(b"a/x.rpm", b"a"));
    }

    #[test]
    fn a_group_is_read_where_its_files_are() {
        let places = |rule: &GroupRule, directory: &[u8]| -> Vec<String> {
            let places = rule.places(directory);
            places
                .map(|place| String::from_utf8_lossy(&place).into_owned())
                .collect()
        };
        let rule = group("repodata/repomd.xml", "");
        assert_eq!(places(&rule, b"a/b"), ["a/b/repodata"]);
        assert_eq!(places(&rule, b""), ["repodata"]);
        let rule = group("InRelease", "main/** contrib/*/Packages");
        assert_eq!(places(&rule, b"d"), ["d"]);
        let rule = group("x/root", "x/y/* z/*");
        assert_eq!(places(&rule, b"d"), ["d/x", "d/z"]);
    }

    #[test]
    fn roots_that_could_be_anywhere_are_refused() {
        for root in ["", "/", "**/InRelease"] {
            assert!(GroupRule::new(root, "", 1).is_err(), "{root}");
        }
    }

    #[test]
    fn the_longest_age_counts() {
        let rule = |path: &str, age_s| OutdatedRule {
            path: PathPattern::new(path).expect("a pattern"),
            age_s,
        };
        let law = MarkerLaw::new(Vec::new(), vec![rule("a/**", 60), rule("**/x", 600)]);
        assert_eq!(law.allowed_s(b"a/y"), 60);
        assert_eq!(law.allowed_s(b"a/x"), 600);
        assert_eq!(law.allowed_s(b"b/y"), 0);
        assert!(law.remembers(b"a/y") && !law.remembers(b"b/y"));
    }
}
