//! The further parts of a decision about a question other than a file's URL.

use crate::domain::product::ResolvedProduct;
use crate::domain::repository::ListHeading;

/// The name in a question, and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedQuestion {
    /// A repository of a list.
    Repository {
        /// The name that was asked for.
        asked: Vec<u8>,
        /// The name that it stands for.
        repo: Vec<u8>,
        /// Its `arch=`.
        arch: Vec<u8>,
    },
    /// A product.
    Product {
        /// The way from the name.
        way: ResolvedProduct,
        /// Why it leads nowhere.
        problem: Option<&'static str>,
    },
}

/// A list that is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRefusal {
    /// The reason.
    pub why: RefusedList,
    /// The first line, if the query says what it is about.
    pub heading: Option<ListHeading>,
    /// Whether a metalink was asked for, so that the text is put into one.
    pub is_metalink: bool,
}

/// Why a list is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedList {
    /// The query does not say what the list is about.
    NoSubject,
    /// `ip=` is no address.
    BadAddress,
    /// The admin switched the repository off.
    Disabled,
    /// No repository has these names.
    UnknownRepository,
    /// The path is neither a directory nor a file of the tree.
    UnknownPath,
    /// There are no metalinks of directories.
    NoMetalink,
}

impl RefusedList {
    /// Whether the question is malformed; otherwise its subject does not exist.
    pub fn is_wrong_question(self) -> bool {
        matches!(self, RefusedList::NoSubject | RefusedList::BadAddress)
    }

    /// The reason in words for clients; programs know MirrorManager's.
    pub fn text(self) -> &'static str {
        match self {
            RefusedList::NoSubject => "either path=, or repo= and arch= must be specified",
            RefusedList::BadAddress => "error: ip= is not an IP address",
            RefusedList::Disabled => "repo disabled",
            RefusedList::UnknownRepository => "error: invalid repo or arch",
            RefusedList::UnknownPath => "error: invalid path",
            RefusedList::NoMetalink => "error: not found or has no metalink",
        }
    }

    /// Stable word for scripts.
    pub fn code(self) -> &'static str {
        match self {
            RefusedList::NoSubject => "no-subject",
            RefusedList::BadAddress => "bad-address",
            RefusedList::Disabled => "repository-disabled",
            RefusedList::UnknownRepository => "unknown-repository",
            RefusedList::UnknownPath => "unknown-path",
            RefusedList::NoMetalink => "no-metalink",
        }
    }
}
