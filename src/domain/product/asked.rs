//! Reads a query for a product, and finds the file or host to which it leads.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::rule::{HandoffRule, ProductLaw, fits};
use super::table::ProductTable;
use crate::domain::escape::{percent_decode, url_query_into};
use crate::domain::path::FilePath;

/// Number of arguments that are read.
const ARGUMENTS_MAX: usize = 64;

/// The arguments of a question, decoded; the first value of a name counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductArguments {
    arguments: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Request fields that rules look at, besides the query.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProductClient<'c> {
    /// `User-Agent`
    pub user_agent: &'c [u8],
    /// `Referer`
    pub referer: &'c [u8],
}

/// A question's way to a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResolvedProduct {
    /// The name that was asked for, in lower case.
    pub asked: String,
    /// The number of the rule that replaced it, from 1.
    pub rule: Option<usize>,
    /// The last alias on the way.
    pub alias: Option<String>,
    /// The product's name as written; empty: there is none.
    pub product: String,
    /// The system.
    pub os: String,
    /// The language as it is written in paths.
    pub language: String,
    /// Whether only https URLs count.
    pub is_ssl_only: bool,
    /// Whether the URL is wanted as text.
    pub prints: bool,
}

/// Where a question leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProductLead {
    /// No product is named.
    Unnamed,
    /// To another host.
    Handoff(String),
    /// To a file of the tree.
    File(FilePath),
    /// Nowhere, and why.
    Nothing(&'static str),
}

impl ProductArguments {
    /// Reads a query string.
    pub fn parse(query: &[u8]) -> ProductArguments {
        let parts = query
            .split(|byte| *byte == b'&')
            .filter(|part| !part.is_empty());
        let split = |part: &[u8]| {
            let at = part.iter().position(|byte| *byte == b'=');
            let (name, value) = at.map_or((part, &b""[..]), |at| (&part[..at], &part[at + 1..]));
            (decode(name), decode(value))
        };
        ProductArguments {
            arguments: parts.take(ARGUMENTS_MAX).map(split).collect(),
        }
    }

    /// Whether the query is about products, or empty; any other query asks for something else.
    pub fn is_question(&self) -> bool {
        let is_ours =
            |(name, _): &(Vec<u8>, Vec<u8>)| [&b"product"[..], b"os", b"lang"].contains(&&name[..]);
        self.arguments.is_empty() || self.arguments.iter().any(is_ours)
    }

    /// The value of a name; empty if it is absent.
    pub fn value(&self, name: &str) -> Cow<'_, str> {
        let mut arguments = self.arguments.iter();
        let found = arguments.find(|(known, _)| known == name.as_bytes());
        found.map_or(Cow::Borrowed(""), |(_, value)| {
            String::from_utf8_lossy(value)
        })
    }

    /// Finds where the question leads, and the way there; `vary` collects the fields that rules
    /// looked at.
    pub fn resolve(
        &self,
        (law, table): (&ProductLaw, &ProductTable),
        client: ProductClient<'_>,
        vary: &mut ProductVary,
    ) -> (ProductLead, ResolvedProduct) {
        let mut way = ResolvedProduct {
            asked: self.value("product").trim().to_lowercase(),
            prints: self.value("print") == "yes",
            ..ResolvedProduct::default()
        };
        if way.asked.is_empty() {
            return (ProductLead::Unnamed, way);
        }
        way.os = or_default(self.value("os").trim().to_lowercase(), &law.os);
        way.language = or_default(self.value("lang").into_owned(), &law.language);
        let mut handoffs = law.handoffs.iter();
        if let Some(rule) = handoffs.find(|rule| self.is_handed(rule, (law, &way), client, vary)) {
            return (ProductLead::Handoff(self.handoff_url(rule, &way)), way);
        }
        let name = self.replaced(law, client, &mut way, vary);
        let lead = find(table, &name, &mut way);
        (lead, way)
    }

    /// The name after the rules.
    fn replaced(
        &self,
        law: &ProductLaw,
        client: ProductClient<'_>,
        way: &mut ResolvedProduct,
        vary: &mut ProductVary,
    ) -> String {
        for (number, rule) in (1..).zip(&law.rules) {
            if !rule.asked.fits(&way.asked, &way.os) {
                continue;
            }
            vary.user_agent |= rule.user_agent.is_some();
            if !fits(rule.user_agent.as_ref(), client.user_agent) {
                continue;
            }
            vary.referer |= rule.is_foreign;
            if rule.is_foreign && law.is_own_site(client.referer) {
                continue;
            }
            way.rule = Some(number);
            if let Some(change) = &rule.to_os {
                vary.user_agent |= change.when_user_agent.is_some();
                let os = change.os(&way.asked, client.user_agent);
                way.os = os.map_or(std::mem::take(&mut way.os), str::to_owned);
            }
            return rule.to.clone();
        }
        way.asked.clone()
    }

    fn is_handed(
        &self,
        rule: &HandoffRule,
        (law, way): (&ProductLaw, &ResolvedProduct),
        client: ProductClient<'_>,
        vary: &mut ProductVary,
    ) -> bool {
        let has_all = rule
            .parameters
            .iter()
            .all(|name| !self.value(name).is_empty());
        let is_meant = rule.os.is_empty() || rule.os.contains(&way.os);
        if !has_all || !is_meant || !rule.asked.fits(&way.asked, &way.os) {
            return false;
        }
        let first = rule.parameters.first();
        let code = first.map_or(Cow::Borrowed(""), |name| self.value(name));
        if rule.own_site_content.is_empty() || !has_content(&code, &rule.own_site_content) {
            return true;
        }
        vary.referer = true;
        law.is_own_site(client.referer)
    }

    /// The URL of a hand-off, with sorted arguments.
    fn handoff_url(&self, rule: &HandoffRule, way: &ResolvedProduct) -> String {
        let mut arguments: Vec<(&str, Cow<'_, str>)> = rule
            .parameters
            .iter()
            .map(|name| (name.as_str(), self.value(name)))
            .collect();
        arguments.push(("lang", Cow::Borrowed(&way.language)));
        arguments.push(("os", Cow::Borrowed(&way.os)));
        arguments.push(("product", Cow::Borrowed(&way.asked)));
        arguments.sort();
        let mut url = rule.url.clone().into_bytes();
        for (place, (name, value)) in arguments.iter().enumerate() {
            url.push(if place == 0 { b'?' } else { b'&' });
            form_into(&mut url, name);
            url.push(b'=');
            form_into(&mut url, value);
        }
        String::from_utf8_lossy(&url).into_owned()
    }
}

/// The request fields on which an answer depends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProductVary {
    /// `User-Agent`
    pub user_agent: bool,
    /// `Referer`
    pub referer: bool,
}

impl ProductVary {
    /// The value of `Vary`; empty: no such field.
    pub fn as_str(self) -> &'static str {
        match (self.user_agent, self.referer) {
            (false, false) => "",
            (true, false) => "User-Agent",
            (false, true) => "Referer",
            (true, true) => "User-Agent, Referer",
        }
    }
}

impl ProductLaw {
    fn is_own_site(&self, referer: &[u8]) -> bool {
        let mut own = self.own_sites.iter();
        own.any(|site| referer.starts_with(site.as_bytes()))
    }
}

fn find(table: &ProductTable, name: &str, way: &mut ResolvedProduct) -> ProductLead {
    let Some((product, alias)) = table.find(name) else {
        return ProductLead::Nothing("there is no product of that name");
    };
    way.alias = alias.map(str::to_owned);
    way.product.clone_from(&product.name);
    way.is_ssl_only = product.is_ssl_only;
    let Some(language) = product.language(&way.language).map(str::to_owned) else {
        return ProductLead::Nothing("the product has no such language");
    };
    way.language = language;
    match product.path(&way.os, &way.language) {
        Some(path) => ProductLead::File(path),
        None => ProductLead::Nothing("the product has no file for this system"),
    }
}

fn or_default(value: String, default: &str) -> String {
    if value.is_empty() {
        default.to_owned()
    } else {
        value
    }
}

fn decode(text: &[u8]) -> Vec<u8> {
    let spaced = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte });
    percent_decode(&spaced.collect::<Vec<u8>>())
}

/// Whether a code, base64 of a query with `.` in place of `=`, has such a `content`.
fn has_content(code: &str, begins: &str) -> bool {
    let decoded = URL_SAFE_NO_PAD.decode(code.trim_end_matches('.'));
    let arguments = decoded.map(|decoded| ProductArguments::parse(&decoded));
    arguments.is_ok_and(|arguments| arguments.value("content").starts_with(begins))
}

/// Appends a text as forms encode it.
fn form_into(out: &mut Vec<u8>, text: &str) {
    for (place, word) in text.split(' ').enumerate() {
        if place > 0 {
            out.push(b'+');
        }
        let from = out.len();
        url_query_into(out, word.as_bytes());
        // A path keeps its slashes, a value does not.
        let encoded = out.split_off(from);
        for byte in encoded {
            match byte {
                b'/' => out.extend_from_slice(b"%2F"),
                _ => out.push(byte),
            }
        }
    }
}
