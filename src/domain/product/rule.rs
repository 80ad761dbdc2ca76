//! Rules that give some clients another product than they ask for, or hand them to another host.

use regex::bytes::Regex;

/// A rule by product, system and client.
#[derive(Debug, Clone, Default)]
pub struct ProductPattern {
    /// The name that is asked for, in lower case; `None`: any.
    pub product: Option<Regex>,
    /// Names that contain this are exempt.
    pub not_product: Option<Regex>,
    /// The system; `None`: any.
    pub os: Option<Regex>,
}

/// Replaces the product for some clients.
#[derive(Debug, Clone)]
pub struct ProductRule {
    /// The questions to which it applies.
    pub asked: ProductPattern,
    /// `User-Agent`; `None`: any.
    pub user_agent: Option<Regex>,
    /// Whether it applies only to clients that do not come from our own sites.
    pub is_foreign: bool,
    /// The product or alias that they get.
    pub to: String,
    /// When the system is replaced, too.
    pub to_os: Option<OsChange>,
}

/// Replaces the system.
#[derive(Debug, Clone)]
pub struct OsChange {
    /// The name that is asked for; `None`: any.
    pub when_product: Option<Regex>,
    /// `User-Agent`; `None`: any.
    pub when_user_agent: Option<Regex>,
    /// The system that they get.
    pub os: String,
}

/// Hands clients to another host, with their question.
#[derive(Debug, Clone)]
pub struct HandoffRule {
    /// Arguments that a query must have, none empty; they are passed on.
    pub parameters: Vec<String>,
    /// The URL to which they are passed.
    pub url: String,
    /// Systems to which it applies, in lower case; empty: all.
    pub os: Vec<String>,
    /// Products to which it applies.
    pub asked: ProductPattern,
    /// If the first argument, decoded, has a `content` that begins with this, the client must come
    /// from one of our own sites; empty: no such demand.
    pub own_site_content: String,
}

/// `[site.NAME.products]` and its rules.
#[derive(Debug, Clone, Default)]
pub struct ProductLaw {
    /// Path of the directory at which products are asked for; empty: the tree.
    pub path: Vec<u8>,
    /// Where a client is sent that names no product; empty: nowhere.
    pub home: String,
    /// The system of a query that names none.
    pub os: String,
    /// The language of a query that names none.
    pub language: String,
    /// Beginnings of the URLs of our own pages.
    pub own_sites: Vec<String>,
    /// Whether bouncer's URLs for load balancers are answered.
    pub heartbeat: bool,
    /// The first that fits replaces the product.
    pub rules: Vec<ProductRule>,
    /// The first that fits hands the client on.
    pub handoffs: Vec<HandoffRule>,
}

impl ProductPattern {
    /// Whether the rule applies to a question; `product` is in lower case.
    pub fn fits(&self, product: &str, os: &str) -> bool {
        fits(self.product.as_ref(), product.as_bytes())
            && fits(self.os.as_ref(), os.as_bytes())
            && !self
                .not_product
                .as_ref()
                .is_some_and(|not| not.is_match(product.as_bytes()))
    }
}

/// Whether an expression finds something; without an expression, always.
pub(super) fn fits(expression: Option<&Regex>, text: &[u8]) -> bool {
    expression.is_none_or(|expression| expression.is_match(text))
}

impl OsChange {
    /// The system for a client.
    pub(super) fn os(&self, product: &str, user_agent: &[u8]) -> Option<&str> {
        let fits = fits(self.when_product.as_ref(), product.as_bytes())
            && fits(self.when_user_agent.as_ref(), user_agent);
        fits.then_some(&self.os[..])
    }
}
