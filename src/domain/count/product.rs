//! Names the product that a path stands for, by patterns of the configuration.

use fancy_regex::{Captures, Regex, RegexBuilder};

/// Steps that one search may go back; a pattern that needs more counts as not fitting.
const BACKTRACK_MAX: usize = 100_000;

/// The names that a pattern gives a path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ProductNames {
    /// The product.
    pub product: String,
    /// Its version.
    pub version: String,
    /// The operating system that it is for.
    pub os: String,
    /// The architecture that it is for.
    pub arch: String,
    /// Its language.
    pub lang: String,
}

/// One pattern with the texts of its names, in which `$name` and `$1` stand for parts of the path.
#[derive(Debug, Clone)]
pub struct CountPattern {
    pattern: Regex,
    names: ProductNames,
}

/// Reason for which a pattern cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("'{pattern}' is no regular expression: {message}")]
pub struct CountPatternError {
    pattern: String,
    message: String,
}

/// Compiles a regular expression, which may have back references.
///
/// # Errors
/// Returns [`CountPatternError`] if the text is no regular expression.
pub fn compile(pattern: &str) -> Result<Regex, CountPatternError> {
    let mut builder = RegexBuilder::new(pattern);
    builder.backtrack_limit(BACKTRACK_MAX);
    builder.build().map_err(|error| CountPatternError {
        pattern: pattern.to_owned(),
        message: error.to_string().replace('\n', " "),
    })
}

impl CountPattern {
    /// A pattern and its names.
    ///
    /// # Errors
    /// Returns [`CountPatternError`] if the text is no regular expression.
    pub fn new(pattern: &str, names: ProductNames) -> Result<CountPattern, CountPatternError> {
        let pattern = compile(pattern)?;
        Ok(CountPattern { pattern, names })
    }

    fn find(&self, path: &str) -> Option<ProductNames> {
        let found = self.pattern.captures(path).ok().flatten()?;
        let names = &self.names;
        Some(ProductNames {
            product: expand(&names.product, &found),
            version: expand(&names.version, &found),
            os: expand(&names.os, &found),
            arch: expand(&names.arch, &found),
            lang: expand(&names.lang, &found),
        })
    }
}

/// The names that the first fitting pattern gives; a path that is not UTF-8 has none.
pub fn product_of(patterns: &[CountPattern], path: &[u8]) -> Option<ProductNames> {
    if patterns.is_empty() {
        return None;
    }
    let path = std::str::from_utf8(path).ok()?;
    patterns.iter().find_map(|pattern| pattern.find(path))
}

/// Replaces `$name`, `${name}` and `$1`; `$$` is a dollar.
fn expand(text: &str, found: &Captures<'_, str>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let (name, after) = match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((name, after)) => (name, after),
            None => {
                let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        let value = match name.parse::<usize>() {
            Ok(number) => found.get(number),
            Err(_) => found.name(name),
        };
        out.push_str(value.map_or("", |value| value.as_str()));
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pattern_that_fits_names_the_product() {
        let first = concat!(
            r"^releases/(?P<version>[^/]+)/(?P<os>[a-z]+)/(?P<product>[A-Za-z]+)",
            r"-\k<version>-(?P<arch>[a-z0-9_]+)\.(iso|rpm)$",
        );
        let names = |product: &str, version: &str| ProductNames {
            product: product.to_owned(),
            version: version.to_owned(),
            os: "$os".to_owned(),
            arch: "${arch}".to_owned(),
            lang: String::new(),
        };
        let patterns = [
            CountPattern::new(first, names("$product", "$version")).expect("a pattern"),
            CountPattern::new("^(releases)/", names("$1-$$", "")).expect("a pattern"),
        ];
        let found = |path: &str| product_of(&patterns, path.as_bytes());
        let fits = found("releases/4.2/linux/Leap-4.2-x86_64.iso").expect("it fits");
        assert_eq!(
            [
                &*fits.product,
                &*fits.version,
                &*fits.os,
                &*fits.arch,
                &*fits.lang
            ],
            ["Leap", "4.2", "linux", "x86_64", ""]
        );
        let other = found("releases/4.2/linux/Leap-4.3-x86_64.iso").expect("the second fits");
        assert_eq!(other.product, "releases-$");
        assert_eq!(found("other/x"), None);
        assert_eq!(product_of(&patterns, b"releases/\xff"), None);
        assert!(CountPattern::new("(", ProductNames::default()).is_err());
    }
}
