//! A directive with the sections around it.

use std::path::PathBuf;

/// `<VirtualHost …>`, `<Directory …>` and the like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin) struct Section {
    /// The name in lower case.
    pub kind: String,
    /// The words behind it.
    pub argument: String,
    /// The place where it begins.
    pub file: PathBuf,
    pub line: usize,
    /// Its number among all sections that were read.
    pub number: usize,
}

/// One directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin) struct Directive {
    /// The name in lower case.
    pub name: String,
    pub arguments: Vec<String>,
    /// Its place.
    pub file: PathBuf,
    pub line: usize,
    /// The last of its lines, if it is continued.
    pub last_line: usize,
    /// From the outside to the inside.
    pub sections: Vec<Section>,
    /// Whether it counts depends on something that only Apache knows.
    pub is_certain: bool,
}

impl Directive {
    /// The first word behind the name.
    pub fn argument(&self) -> &str {
        self.arguments.first().map_or("", String::as_str)
    }

    /// The innermost section of that kind.
    pub fn section(&self, kind: &str) -> Option<&Section> {
        self.sections
            .iter()
            .rev()
            .find(|section| section.kind == kind)
    }

    /// `FILE:LINE`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}
