//! Says what a question named in place of a path, and what that stands for.

use serde_json::{Value, json};

use crate::decide::NamedQuestion;
use crate::domain::escape::visible_line;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// For scripts.
pub(super) fn named_json(named: &NamedQuestion) -> Value {
    match named {
        NamedQuestion::Repository { asked, repo, arch } => json!({
            "kind": "repository",
            "asked": text(asked),
            "repo": text(repo),
            "arch": text(arch),
        }),
    }
}

/// A line for people.
pub(super) fn named_line(named: &NamedQuestion) -> String {
    match named {
        NamedQuestion::Repository { asked, repo, arch } => {
            let alias = match asked == repo {
                true => String::new(),
                false => format!(", asked for as {}", visible_line(asked)),
            };
            let (repo, arch) = (visible_line(repo), visible_line(arch));
            format!("repository {repo}  {arch}{alias}")
        }
    }
}
