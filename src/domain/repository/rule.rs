//! Gives directories the names of repositories (`[[site.NAME.repository]]`).

use regex::bytes::{Captures, Regex};

use crate::domain::path::FilePath;

/// One rule: the directories to which it applies, and the names that it gives them.
#[derive(Debug, Clone)]
pub struct RepositoryRule {
    path: Regex,
    repo: NameTemplate,
    arch: NameTemplate,
    /// The file that shows that a mirror has the repository, below its directory.
    pub marker: FilePath,
    /// Whether lists of these repositories are refused.
    pub is_disabled: bool,
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// An expression that cannot be compiled, such as `^pub/(`.
    #[error("the path '{0}' is not a regular expression")]
    NoExpression(String),
    /// A group that does not exist, such as `$3` of two.
    #[error("'{template}' has ${group}, but the path has no group of that number")]
    NoSuchGroup {
        /// As written.
        template: String,
        /// The number.
        group: usize,
    },
    /// A name is empty.
    #[error("{0} is empty; write a name such as \"os-$1\"")]
    NoName(&'static str),
    /// The marker is not a path below the directory.
    #[error("the marker '{0}' is not a path below the directory; write it as repodata/repomd.xml")]
    Marker(String),
}

/// A name with groups of the path: `os-$1`.
#[derive(Debug, Clone)]
struct NameTemplate(Vec<NamePart>);

#[derive(Debug, Clone)]
enum NamePart {
    Text(Vec<u8>),
    /// Group of that number; 0: the whole match.
    Group(usize),
}

/// The names of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenNames {
    /// `repo=`
    pub repo: Vec<u8>,
    /// `arch=`
    pub arch: Vec<u8>,
}

impl RepositoryRule {
    /// Checks a rule.
    ///
    /// # Errors
    /// Returns [`RepositoryError`] if the rule cannot be used.
    pub fn new(
        path: &str,
        (repo, arch): (&str, &str),
        marker: &str,
        is_disabled: bool,
    ) -> Result<RepositoryRule, RepositoryError> {
        let path = Regex::new(path).map_err(|_| RepositoryError::NoExpression(path.to_owned()))?;
        let groups = path.captures_len();
        let not_below = |_| RepositoryError::Marker(marker.to_owned());
        Ok(RepositoryRule {
            repo: NameTemplate::new("repo", repo, groups)?,
            arch: NameTemplate::new("arch", arch, groups)?,
            path,
            marker: FilePath::parse(marker.as_bytes()).map_err(not_below)?,
            is_disabled,
        })
    }

    /// The names of a directory; `None` if the rule does not apply to it.
    pub fn names(&self, directory: &[u8]) -> Option<GivenNames> {
        let captures = self.path.captures(directory)?;
        Some(GivenNames {
            repo: self.repo.fill(&captures),
            arch: self.arch.fill(&captures),
        })
    }
}

impl NameTemplate {
    fn new(key: &'static str, text: &str, groups: usize) -> Result<NameTemplate, RepositoryError> {
        if text.is_empty() {
            return Err(RepositoryError::NoName(key));
        }
        let mut pieces = text.split('$');
        let first = pieces.next().unwrap_or_default();
        let mut parts = vec![NamePart::Text(first.as_bytes().to_vec())];
        for piece in pieces {
            let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = piece.split_at(digits);
            if number.is_empty() {
                // A dollar sign that belongs to the name.
                parts.push(NamePart::Text(format!("${rest}").into_bytes()));
                continue;
            }
            let group = number.parse().unwrap_or(usize::MAX);
            if group >= groups {
                let template = text.to_owned();
                return Err(RepositoryError::NoSuchGroup { template, group });
            }
            parts.push(NamePart::Group(group));
            parts.push(NamePart::Text(rest.as_bytes().to_vec()));
        }
        Ok(NameTemplate(parts))
    }

    fn fill(&self, captures: &Captures<'_>) -> Vec<u8> {
        let mut name = Vec::new();
        for part in &self.0 {
            name.extend_from_slice(match part {
                NamePart::Text(text) => text,
                NamePart::Group(group) => {
                    captures.get(*group).map_or(b"", |found| found.as_bytes())
                }
            });
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(path: &str, repo: &str, arch: &str) -> Result<RepositoryRule, RepositoryError> {
        RepositoryRule::new(path, (repo, arch), "repodata/repomd.xml", false)
    }

    #[test]
    fn groups_of_the_path_give_the_names() {
        let rule = rule(r"^pub/lin/(\d+)/(\w+)/os$", "lin-$1$", "$2").expect("a rule");
        let names = rule.names(b"pub/lin/9/x86_64/os").expect("names");
        assert_eq!(
            (&names.repo[..], &names.arch[..]),
            (&b"lin-9$"[..], &b"x86_64"[..])
        );
        assert_eq!(rule.names(b"pub/lin/9/x86_64/os-old"), None);
    }

    #[test]
    fn errors_are_those_of_the_configuration() {
        let group = |group| RepositoryError::NoSuchGroup {
            template: format!("a${group}"),
            group,
        };
        for (path, repo, expected) in [
            ("(", "a", RepositoryError::NoExpression("(".to_owned())),
            ("(x)", "a$2", group(2)),
            ("x", "a$1", group(1)),
            ("x", "", RepositoryError::NoName("repo")),
        ] {
            assert_eq!(rule(path, repo, "b").expect_err("an error"), expected);
        }
        let marker = RepositoryRule::new("x", ("a", "b"), "../x", false);
        assert_eq!(
            marker.expect_err("an error"),
            RepositoryError::Marker("../x".to_owned())
        );
    }
}
