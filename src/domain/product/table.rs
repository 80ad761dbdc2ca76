//! Products with their languages and files, and aliases, found without case.

use std::collections::HashMap;

use crate::domain::path::FilePath;

/// Number of aliases that may stand for each other in a row; a loop is refused when it is made.
pub const ALIAS_STEPS_MAX: usize = 4;

/// Stands for the language in a path.
pub const LANGUAGE_MARK: &str = ":lang";

/// One build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Product {
    /// As written.
    pub name: String,
    /// Whether clients get https URLs alone.
    pub is_ssl_only: bool,
    /// As written, sorted; empty: any language whose file exists.
    pub languages: Vec<String>,
    /// Systems, and the path of the file for each.
    pub locations: Vec<(String, String)>,
}

/// All products and aliases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductTable {
    products: HashMap<String, Product>,
    aliases: HashMap<String, String>,
}

impl ProductTable {
    /// A table of products and of aliases, each with the name that it stands for.
    pub fn new(
        products: impl IntoIterator<Item = Product>,
        aliases: impl IntoIterator<Item = (String, String)>,
    ) -> ProductTable {
        let products = products.into_iter();
        let aliases = aliases.into_iter();
        ProductTable {
            products: products
                .map(|product| (product.name.to_lowercase(), product))
                .collect(),
            aliases: aliases
                .map(|(alias, name)| (alias.to_lowercase(), name.to_lowercase()))
                .collect(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.products.is_empty() && self.aliases.is_empty()
    }

    /// The product of that name, by aliases or by itself, and the last alias on the way.
    pub fn find(&self, name: &str) -> Option<(&Product, Option<&str>)> {
        let mut name = name.to_lowercase();
        let mut alias = None;
        for _ in 0..=ALIAS_STEPS_MAX {
            match self.aliases.get_key_value(&name) {
                Some((known, to)) => {
                    alias = Some(known.as_str());
                    name.clone_from(to);
                }
                None => return Some((self.products.get(&name)?, alias)),
            }
        }
        None
    }

    /// Whether a new alias would lead back to itself, or need too many steps.
    pub fn would_loop(&self, alias: &str, name: &str) -> bool {
        let (alias, mut name) = (alias.to_lowercase(), name.to_lowercase());
        for _ in 0..ALIAS_STEPS_MAX {
            if name == alias {
                return true;
            }
            match self.aliases.get(&name) {
                Some(to) => name.clone_from(to),
                None => return false,
            }
        }
        true
    }
}

impl Product {
    /// The language as it is written in paths; `None`: there is no such language of the product.
    pub fn language<'l>(&'l self, asked: &'l str) -> Option<&'l str> {
        if self.languages.is_empty() {
            return Some(asked).filter(|language| is_language(language));
        }
        let mut known = self.languages.iter();
        let found = known.find(|language| language.eq_ignore_ascii_case(asked));
        found.map(String::as_str)
    }

    /// The path of the file for a system and a language.
    pub fn path(&self, os: &str, language: &str) -> Option<FilePath> {
        let mut locations = self.locations.iter();
        let (_, path) = locations.find(|(known, _)| known.eq_ignore_ascii_case(os))?;
        FilePath::parse(path.replace(LANGUAGE_MARK, language).as_bytes()).ok()
    }
}

/// Whether a text is a language such as `de`, `en-US` or `zh-Hant-TW`, so that it cannot be part of
/// another path.
pub fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    (2..=3).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| {
            (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_have_their_form() {
        for (text, is) in [
            ("de", true),
            ("en-US", true),
            ("ast", true),
            ("ca-valencia", true),
            ("ja-JP-mac", true),
            ("d", false),
            ("", false),
            ("../../x", false),
            ("de-", false),
            ("de/x", false),
            ("%", false),
        ] {
            assert_eq!(is_language(text), is, "{text}");
        }
    }

    #[test]
    fn aliases_stand_for_names_in_four_steps_and_never_for_themselves() {
        let product = Product {
            name: "P".to_owned(),
            ..Product::default()
        };
        let pairs = [
            ("a", "p"),
            ("b", "a"),
            ("c", "b"),
            ("d", "c"),
            ("e", "d"),
            ("x", "gone"),
        ];
        let pairs = pairs.map(|(alias, name)| (alias.to_owned(), name.to_owned()));
        let table = ProductTable::new([product], pairs);
        let found = |name: &str| {
            table
                .find(name)
                .map(|(product, alias)| (&product.name[..], alias))
        };
        assert_eq!(found("P"), Some(("P", None)));
        assert_eq!(found("D"), Some(("P", Some("a"))));
        assert_eq!(found("e"), None);
        assert_eq!(found("x"), None);
        for (alias, name, is) in [("p2", "d", true), ("p2", "c", false), ("p", "c", true)] {
            assert_eq!(table.would_loop(alias, name), is, "{alias} {name}");
        }
    }
}
