//! `[[site.NAME.count]]`: products by path.

use crate::domain::count::product::{CountPattern, ProductNames};
use crate::domain::key::{ConfigProblem, section};

/// Each is tried on the path of each file once per minute.
pub(in crate::config) const COUNT_MAX: usize = 200;

section! {
    /// `[[site.NAME.count]]`: which product a path stands for; the first pattern that fits counts.
    /// In the names, `$name` and `$1` are parts of the path.
    RawCount => _ {
        /// Regular expression for the path below the tree, without a slash in front.
        pattern: String = String::new();
        /// The product.
        product: String = String::new();
        /// Its version.
        version: String = String::new();
        /// The operating system that it is for.
        os: String = String::new();
        /// The architecture that it is for.
        arch: String = String::new();
        /// Its language.
        lang: String = String::new();
    }
}

/// Compiles the patterns.
pub(super) fn products(raw: &[RawCount]) -> Result<Vec<CountPattern>, ConfigProblem> {
    let check = |(index, rule): (usize, &RawCount)| {
        let problem = |why: String| {
            let problem = ConfigProblem::unusable(why, "");
            problem.below(&format!("count[{}]", index + 1))
        };
        if rule.pattern.is_empty() {
            return Err(problem("it has no pattern".to_owned()));
        }
        let names = ProductNames {
            product: rule.product.clone(),
            version: rule.version.clone(),
            os: rule.os.clone(),
            arch: rule.arch.clone(),
            lang: rule.lang.clone(),
        };
        CountPattern::new(&rule.pattern, names).map_err(|error| problem(error.to_string()))
    };
    raw.iter().enumerate().map(check).collect()
}
