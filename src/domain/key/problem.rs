//! Says why a value of the configuration cannot be used: key, problem and remedy.

/// A value that cannot be used, as one line.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{key}: {problem}{}{remedy}", if remedy.is_empty() { "" } else { "; " })]
pub struct ConfigProblem {
    /// The key, dotted; so far as the one who found it knows where it is.
    pub key: String,
    /// The problem.
    pub problem: Problem,
    /// The remedy; empty: the problem says it.
    pub remedy: String,
}

/// The reason why a value cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A key without which nothing works.
    #[error("it is missing")]
    Missing,
    /// A key that nobody knows.
    #[error("there is no such key")]
    UnknownKey,
    /// A value of another type.
    #[error("{found}")]
    WrongType {
        /// `"8" is a text`
        found: String,
    },
    /// A number that is too small or too large.
    #[error("{value} is out of bounds")]
    OutOfBounds {
        /// As written.
        value: String,
    },
    /// A word that is none of those that have a meaning.
    #[error("'{value}' is unknown")]
    UnknownWord {
        /// As written.
        value: String,
    },
    /// A list that is too long.
    #[error("{count} entries are too many")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// A value that is not what it should stand for.
    #[error("{why}")]
    Unusable {
        /// `'10.1' is not an IP address`
        why: String,
    },
}

impl ConfigProblem {
    /// A problem of a value whose key the caller adds by [`below`](ConfigProblem::below).
    pub fn new(problem: Problem, remedy: impl Into<String>) -> ConfigProblem {
        ConfigProblem {
            key: String::new(),
            problem,
            remedy: remedy.into(),
        }
    }

    /// A value that is not what it should stand for.
    pub fn unusable(why: impl Into<String>, remedy: impl Into<String>) -> ConfigProblem {
        let why = why.into();
        ConfigProblem::new(Problem::Unusable { why }, remedy)
    }

    /// The same problem, seen from the section that has the key.
    #[must_use]
    pub fn below(mut self, section: &str) -> ConfigProblem {
        self.key = match self.key.as_str() {
            "" => section.to_owned(),
            key if key.starts_with(['[', ' ']) => format!("{section}{key}"),
            key => format!("{section}.{key}"),
        };
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_one_line_with_key_and_remedy() {
        let value = "x".to_owned();
        let problem = ConfigProblem::new(Problem::UnknownWord { value }, "use a or b");
        let problem = problem.below("version").below("torrent");
        let text = "torrent.version: 'x' is unknown; use a or b";
        assert_eq!(problem.to_string(), text);
        let missing = ConfigProblem::new(Problem::Missing, "").below("path");
        let missing = missing.below("[2]").below("directory").to_string();
        assert_eq!(missing, "directory[2].path: it is missing");
    }
}
