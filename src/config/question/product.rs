//! `[site.NAME.products]`, `[[site.NAME.product_rule]]` and `[[site.NAME.product_handoff]]`.

use regex::bytes::Regex;

use crate::domain::key::{ConfigProblem, list, section};
use crate::domain::product::{HandoffRule, OsChange, ProductLaw, ProductPattern, ProductRule};

section! {
    /// `[site.NAME.products]`: files by the names of products, `?product=NAME&os=OS&lang=LANGUAGE`,
    /// as from bouncer. `heliostat product` makes products.
    RawProducts => _ {
        /// URL path, below `url_path`, at which products are asked for.
        path: String = "/".to_owned();
        /// URL to which clients are sent that name no product; empty: nowhere.
        home: String = String::new();
        /// The system of a query that names none.
        os: String = "win".to_owned();
        /// The language of a query that names none.
        language: String = "en-US".to_owned();
        /// URLs of your own pages, with a slash behind the host; the `Referer` begins with one.
        own_sites: Vec<String> = Vec::new();
        /// Whether `/__heartbeat__`, `/__lbheartbeat__` and `/__version__` are answered, as by
        /// bouncer.
        heartbeat: bool = false;
    }
}

section! {
    /// `[[site.NAME.product_rule]]`: another product for some clients, before aliases. The first
    /// rule that fits counts. All but `to` are regular expressions; empty: anything.
    RawProductRule => _ {
        /// The name that is asked for, in lower case.
        product: String = String::new();
        /// Names that are not meant.
        not_product: String = String::new();
        /// The system, in lower case.
        os: String = String::new();
        /// `User-Agent`.
        user_agent: String = String::new();
        /// Whether clients are meant that do not come from `own_sites`, alone.
        foreign_referer: bool = false;
        /// The product or alias that they get.
        to: String = String::new();
        /// Another system for some of them.
        to_os: RawOsChange = RawOsChange::default();
    }
}

section! {
    /// `to_os` of `[[site.NAME.product_rule]]`.
    RawOsChange => _ {
        /// The name that is asked for.
        when_product: String = String::new();
        /// `User-Agent`.
        when_user_agent: String = String::new();
        /// The system that they get; empty: the one that they ask for.
        os: String = String::new();
    }
}

section! {
    /// `[[site.NAME.product_handoff]]`: questions that are passed on to another host.
    RawHandoff => _ {
        /// Arguments that a query must have; they are passed on.
        parameters: Vec<String> = Vec::new();
        /// The URL to which they are passed, with product, system and language.
        url: String = String::new();
        /// Systems that are meant; empty: all.
        os: Vec<String> = Vec::new();
        /// Regular expression for names that are not meant.
        not_product: String = String::new();
        /// Where the first argument, base64 of a query, has a `content` that begins with this, the
        /// client must come from `own_sites`; empty: no such demand.
        own_site_content: String = String::new();
    }
}

fn expression(key: &str, text: &str) -> Result<Option<Regex>, ConfigProblem> {
    if text.is_empty() {
        return Ok(None);
    }
    let compiled = Regex::new(text).map(Some);
    compiled.map_err(|_| {
        let why = format!("'{text}' is not a regular expression");
        ConfigProblem::unusable(why, "").below(key)
    })
}

fn needed(key: &str, text: &str, form: &str) -> Result<String, ConfigProblem> {
    match text.is_empty() {
        true => Err(ConfigProblem::unusable("it is missing", form).below(key)),
        false => Ok(text.to_owned()),
    }
}

fn rule(raw: &RawProductRule) -> Result<ProductRule, ConfigProblem> {
    let change = &raw.to_os;
    let to_os = match change.os.is_empty() {
        true => None,
        false => Some(OsChange {
            when_product: expression("to_os.when_product", &change.when_product)?,
            when_user_agent: expression("to_os.when_user_agent", &change.when_user_agent)?,
            os: change.os.to_lowercase(),
        }),
    };
    Ok(ProductRule {
        asked: ProductPattern {
            product: expression("product", &raw.product)?,
            not_product: expression("not_product", &raw.not_product)?,
            os: expression("os", &raw.os)?,
        },
        user_agent: expression("user_agent", &raw.user_agent)?,
        is_foreign: raw.foreign_referer,
        to: needed("to", &raw.to, "write a product or alias")?,
        to_os,
    })
}

fn handoff(raw: &RawHandoff) -> Result<HandoffRule, ConfigProblem> {
    if raw.parameters.is_empty() {
        let form = "write the arguments that such a query has";
        return Err(ConfigProblem::unusable("it is missing", form).below("parameters"));
    }
    Ok(HandoffRule {
        parameters: raw.parameters.clone(),
        url: needed("url", &raw.url, "write it as https://HOST/")?,
        os: raw.os.iter().map(|os| os.to_lowercase()).collect(),
        asked: ProductPattern {
            not_product: expression("not_product", &raw.not_product)?,
            ..ProductPattern::default()
        },
        own_site_content: raw.own_site_content.clone(),
    })
}

/// Each entry of a list by itself; a problem says which.
fn numbered<T, U>(
    section: &str,
    raw: &[T],
    check: impl Fn(&T) -> Result<U, ConfigProblem>,
) -> Result<Vec<U>, ConfigProblem> {
    let entries: Vec<(usize, &T)> = (1..).zip(raw).collect();
    list(&entries, |(number, entry)| {
        let checked = check(entry);
        checked.map_err(|problem| problem.below(&format!("[{number}]")).below(section))
    })
}

pub(in crate::config) fn product_law(
    raw: &RawProducts,
    rules: &[RawProductRule],
    handoffs: &[RawHandoff],
) -> Result<ProductLaw, ConfigProblem> {
    Ok(ProductLaw {
        path: raw.path.trim_matches('/').as_bytes().to_vec(),
        home: raw.home.clone(),
        os: raw.os.to_lowercase(),
        language: raw.language.clone(),
        own_sites: raw.own_sites.clone(),
        heartbeat: raw.heartbeat,
        rules: numbered("product_rule", rules, rule)?,
        handoffs: numbered("product_handoff", handoffs, handoff)?,
    })
}
