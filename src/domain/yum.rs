//! Finds the repository that a query of yum or dnf names (MirrorBrainYumDir).
//!
//! Two differences from MirrorBrain: an expression must match the whole value even if it is `a|b`,
//! and a `$N` without its argument is an error in the configuration, not in a request.

use regex::bytes::Regex;

use super::path::FilePath;

/// Largest number of arguments per rule; a yum configuration has a handful of variables.
const ARGUMENTS_MAX: usize = 32;

/// One rule: the arguments that a query must have, and the directory that they name.
#[derive(Debug, Clone)]
pub struct YumRule {
    arguments: Vec<(String, Regex)>,
    directory: Vec<Part>,
    marker: FilePath,
}

/// A part of the directory's name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    /// Value of the argument with this index, counted from 0.
    Value(usize),
    /// A group of the expression of the argument with this index.
    Group(usize, usize),
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum YumError {
    /// An argument without `=`, such as `release`.
    #[error("the argument '{0}' is not written as NAME=REGEX")]
    NoName(String),
    /// Too many arguments, or none: such a rule would match every query.
    #[error("it needs 1 to {ARGUMENTS_MAX} arguments such as \"release=\\\\d+\"")]
    Count,
    /// An expression that cannot be compiled, such as `release=(`.
    #[error("'{0}' is not a regular expression")]
    NoExpression(String),
    /// An argument that does not exist, such as `$3` of two.
    #[error("the directory has ${0}, but there is no argument of that number; the first is $1")]
    NoSuchArgument(usize),
    /// A group that does not exist, such as `${1.2}` where the first argument has one.
    #[error("the directory has ${{{0}.{1}}}, but the expression of argument {0} has no such group")]
    NoSuchGroup(usize, usize),
    /// The marker is not a path below the tree.
    #[error("the marker '{0}' is not a path below the directory; write it as repodata/repomd.xml")]
    Marker(String),
}

/// The repository that a query names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its directory; `None`: the root of the tree.
    pub directory: Option<FilePath>,
    /// Path of the marker, the file that shows that a mirror has the repository.
    pub marker: FilePath,
}

impl YumRule {
    /// Checks a rule.
    ///
    /// # Errors
    /// Returns [`YumError`] if the rule cannot be used.
    pub fn new(arguments: &[String], directory: &str, marker: &str) -> Result<YumRule, YumError> {
        if arguments.is_empty() || arguments.len() > ARGUMENTS_MAX {
            return Err(YumError::Count);
        }
        let arguments = arguments.iter().map(|text| argument(text));
        let arguments: Vec<_> = arguments.collect::<Result<_, _>>()?;
        let directory = parts(directory, &arguments)?;
        let marker =
            FilePath::parse(marker.as_bytes()).map_err(|_| YumError::Marker(marker.to_owned()))?;
        Ok(YumRule {
            arguments,
            directory,
            marker,
        })
    }

    /// Returns the repository that a query names, if each of the rule's arguments is there once and
    /// matches. `value` returns the value of an argument by its name in lower case. A value that
    /// leads out of the tree names no repository.
    pub fn repository<'q>(&self, value: impl Fn(&str) -> Option<&'q [u8]>) -> Option<Repository> {
        let mut values = Vec::with_capacity(self.arguments.len());
        for (name, expression) in &self.arguments {
            let value = value(name)?;
            if !expression.is_match(value) {
                return None;
            }
            values.push(value);
        }
        let mut directory = Vec::new();
        for part in &self.directory {
            match part {
                Part::Text(text) => directory.extend_from_slice(text),
                Part::Value(index) => directory.extend_from_slice(values[*index]),
                Part::Group(index, group) => {
                    let captures = self.arguments[*index].1.captures(values[*index]);
                    let found = captures.and_then(|captures| captures.get(*group));
                    directory.extend_from_slice(found.map_or(b"", |found| found.as_bytes()));
                }
            }
        }
        let marker = [&directory[..], b"/", self.marker.as_bytes()].concat();
        Some(Repository {
            directory: FilePath::parse(&directory).ok(),
            marker: FilePath::parse(&marker).ok()?,
        })
    }

    /// The marker's path below the repository's directory.
    pub fn marker_suffix(&self) -> &[u8] {
        self.marker.as_bytes()
    }
}

fn argument(text: &str) -> Result<(String, Regex), YumError> {
    let named = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, expression) = named.ok_or_else(|| YumError::NoName(text.to_owned()))?;
    // MirrorBrain's anchors, `^a|b$`, would accept every value that begins with `a`.
    let whole = format!("^(?:{expression})$");
    let compiled = Regex::new(&whole);
    let compiled = compiled.map_err(|_| YumError::NoExpression(expression.to_owned()))?;
    Ok((name.to_ascii_lowercase(), compiled))
}

/// Splits a directory such as `yum/$1/os` or `yum/${1.2}/os`.
fn parts(directory: &str, arguments: &[(String, Regex)]) -> Result<Vec<Part>, YumError> {
    let mut pieces = directory.split('$');
    let first = pieces.next().unwrap_or_default();
    let mut parts = vec![Part::Text(first.as_bytes().to_vec())];
    for piece in pieces {
        if let Some((argument, group, rest)) = group_of(piece) {
            let known = argument
                .checked_sub(1)
                .and_then(|index| arguments.get(index));
            let (_, expression) = known.ok_or(YumError::NoSuchArgument(argument))?;
            if group >= expression.captures_len() {
                return Err(YumError::NoSuchGroup(argument, group));
            }
            parts.push(Part::Group(argument - 1, group));
            parts.push(Part::Text(rest.as_bytes().to_vec()));
            continue;
        }
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = piece.split_at(digits);
        if number.is_empty() {
            // A dollar sign that belongs to the name.
            parts.push(Part::Text(format!("${rest}").into_bytes()));
            continue;
        }
        let number = number.parse().unwrap_or(usize::MAX);
        if number == 0 || number > arguments.len() {
            return Err(YumError::NoSuchArgument(number));
        }
        parts.push(Part::Value(number - 1));
        parts.push(Part::Text(rest.as_bytes().to_vec()));
    }
    Ok(parts)
}

/// Reads `{1.2}…`: argument, group and the rest.
fn group_of(piece: &str) -> Option<(usize, usize, &str)> {
    let (numbers, rest) = piece.strip_prefix('{')?.split_once('}')?;
    let (argument, group) = numbers.split_once('.')?;
    Some((argument.parse().ok()?, group.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(arguments: &[&str], directory: &str) -> Result<YumRule, YumError> {
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        YumRule::new(&arguments, directory, "repodata/repomd.xml")
    }

    fn directory(rule: &YumRule, query: &[(&str, &'static str)]) -> Option<String> {
        let value = |name: &str| {
            let found = query.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.as_bytes())
        };
        let repository = rule.repository(value)?;
        Some(
            repository
                .directory
                .map_or(String::new(), |path| path.to_string()),
        )
    }

    #[test]
    fn all_arguments_must_match_whole_and_give_the_directory() {
        let centos = ["release=(5\\.5|6\\.0)", "Repo=os|updates", "arch=i586"];
        let rule = rule(&centos, "yum/$1/$2/i386").expect("a rule");
        for (query, expected) in [
            (
                vec![("release", "5.5"), ("repo", "os"), ("arch", "i586")],
                Some("yum/5.5/os/i386"),
            ),
            (
                vec![
                    ("arch", "i586"),
                    ("repo", "updates"),
                    ("release", "6.0"),
                    ("x", "y"),
                ],
                Some("yum/6.0/updates/i386"),
            ),
            (
                vec![("release", "5.5"), ("repo", "osx"), ("arch", "i586")],
                None,
            ),
            (
                vec![("release", "5.5"), ("repo", "xupdates"), ("arch", "i586")],
                None,
            ),
            (vec![("release", "5.5"), ("repo", "os")], None),
            (
                vec![("release", "5x5"), ("repo", "os"), ("arch", "i586")],
                None,
            ),
            (vec![], None),
        ] {
            assert_eq!(directory(&rule, &query).as_deref(), expected, "{query:?}");
        }
    }

    #[test]
    fn groups_of_an_expression_are_parts_of_the_directory() {
        let rule = rule(
            &["repo=lin-(\\d+)(-beta)?", "arch=.*"],
            "lin/${1.1}${1.2}/$2/${x}",
        );
        let rule = rule.expect("a rule");
        for (repo, expected) in [
            ("lin-40", Some("lin/40/x86_64/${x}")),
            ("lin-40-beta", Some("lin/40-beta/x86_64/${x}")),
            ("lin-x", None),
        ] {
            let query = [("repo", repo), ("arch", "x86_64")];
            assert_eq!(directory(&rule, &query).as_deref(), expected, "{repo}");
        }
    }

    #[test]
    fn a_value_never_leads_out_of_the_tree() {
        let rule = rule(&["repo=.*"], "$1").expect("a rule");
        assert_eq!(directory(&rule, &[("repo", "../../etc")]), None);
        assert_eq!(
            directory(&rule, &[("repo", "a/../b")]).as_deref(),
            Some("b")
        );
        assert_eq!(directory(&rule, &[("repo", "")]).as_deref(), Some(""));
    }

    #[test]
    fn errors_are_those_of_the_configuration() {
        for (arguments, directory, expected) in [
            (vec!["release"], "x", YumError::NoName("release".into())),
            (vec!["=x"], "x", YumError::NoName("=x".into())),
            (vec![], "x", YumError::Count),
            (vec!["a=("], "x", YumError::NoExpression("(".into())),
            (vec!["a=1"], "x/$2", YumError::NoSuchArgument(2)),
            (vec!["a=1"], "x/$0", YumError::NoSuchArgument(0)),
            (vec!["a=1"], "x/${2.1}", YumError::NoSuchArgument(2)),
            (vec!["a=1"], "x/${0.1}", YumError::NoSuchArgument(0)),
            (vec!["a=(1)"], "x/${1.2}", YumError::NoSuchGroup(1, 2)),
        ] {
            assert_eq!(rule(&arguments, directory).expect_err("an error"), expected);
        }
        let dollar = rule(&["a=1"], "cash$/$1$x").expect("a rule");
        assert_eq!(directory_of(&dollar), "cash$/1$x");
    }

    fn directory_of(rule: &YumRule) -> String {
        directory(rule, &[("a", "1")]).expect("it matches")
    }
}
