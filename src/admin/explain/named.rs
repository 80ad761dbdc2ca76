//! Says what a question named in place of a path, and what that stands for.

use serde_json::{Value, json};

use crate::decide::NamedQuestion;
use crate::domain::escape::visible_line;
use crate::domain::product::ResolvedProduct;

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
        NamedQuestion::Product { way, problem } => json!({
            "kind": "product",
            "asked": way.asked,
            "rule": way.rule,
            "alias": way.alias,
            "product": way.product,
            "os": way.os,
            "language": way.language,
            "problem": problem,
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
        NamedQuestion::Product { way, problem } => product_line(way, *problem),
    }
}

fn product_line(way: &ResolvedProduct, problem: Option<&str>) -> String {
    let visible = |text: &str| visible_line(text.as_bytes());
    let mut line = format!("product    {}", visible(&way.asked));
    if let Some(rule) = way.rule {
        line.push_str(&format!(", by product_rule {rule}"));
    }
    if let Some(alias) = &way.alias {
        line.push_str(&format!(", alias {}", visible(alias)));
    }
    if !way.product.is_empty() {
        line.push_str(&format!(", is {}", visible(&way.product)));
    }
    line.push_str(&format!(
        "  {}  {}",
        visible(&way.os),
        visible(&way.language)
    ));
    if let Some(problem) = problem {
        line.push_str(&format!(": {problem}"));
    }
    line
}
