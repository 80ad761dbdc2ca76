//! Runs `product list`: shows products and aliases, and files that the catalogue lacks.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::file::files;
use crate::admin::args::ListProductArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::{Reader, catalogue, product};
use crate::domain::product::{Product, ProductTable};
use crate::program::exit::Exit;

/// Lists products, and the files that the catalogue lacks.
///
/// # Errors
/// Returns [`AdminError::Db`] if the database cannot be read.
pub(super) fn list(session: &mut Session, args: &ListProductArgs) -> Result<Exit, AdminError> {
    let reader = session.reader()?;
    let part = args.part.to_lowercase();
    let fits = |name: &str| name.to_lowercase().contains(&part);
    let (all, aliases) = (product::products(&reader)?, product::aliases(&reader)?);
    let table = ProductTable::new(all.clone(), aliases.clone());
    let mut lists = Vec::new();
    for product in all.into_iter().filter(|product| fits(&product.name)) {
        let missing = missing(&reader, &product)?;
        lists.push((product, missing));
    }
    let known = |(alias, name): (String, String)| {
        let is_known = table.find(&alias).is_some();
        (alias, name, is_known)
    };
    let aliases = aliases
        .into_iter()
        .filter(|(alias, name)| fits(alias) || fits(name));
    let aliases: Vec<_> = aliases.map(known).collect();
    let is_whole = lists.iter().all(|(_, missing)| missing.is_empty())
        && aliases.iter().all(|(_, _, is_known)| *is_known);
    if args.json {
        session.console.json(&as_json(&lists, &aliases))?;
    } else {
        for (product, missing) in &lists {
            show(session, product, missing)?;
        }
        for (alias, name, is_known) in &aliases {
            let note = if *is_known {
                ""
            } else {
                "  (there is no such product)"
            };
            session.console.line(format!("{alias} -> {name}{note}"))?;
        }
    }
    Ok(if is_whole { Exit::Ok } else { Exit::Partial })
}

/// The files that the catalogue lacks.
fn missing(reader: &Reader, product: &Product) -> Result<Vec<String>, AdminError> {
    let mut missing = BTreeSet::new();
    let files = files(reader, product)?;
    for file in &files {
        if catalogue::find(reader, file.path.as_bytes())?.is_none() {
            missing.insert(file.path.to_string());
        }
    }
    for (os, path) in &product.locations {
        if !files.iter().any(|file| file.os == *os) {
            missing.insert(path.clone());
        }
    }
    Ok(missing.into_iter().collect())
}

fn show(session: &mut Session, product: &Product, missing: &[String]) -> Result<(), AdminError> {
    let ssl = if product.is_ssl_only {
        "  https only"
    } else {
        ""
    };
    let languages = match product.languages.is_empty() {
        true => String::new(),
        false => format!("  {}", product.languages.join(" ")),
    };
    session
        .console
        .line(format!("{}{ssl}{languages}", product.name))?;
    for (os, path) in &product.locations {
        session.console.line(format!("    {os}  {path}"))?;
    }
    for path in missing {
        session
            .console
            .line(format!("    not in the catalogue: {path}"))?;
    }
    Ok(())
}

fn as_json(lists: &[(Product, Vec<String>)], aliases: &[(String, String, bool)]) -> Value {
    let location = |(os, path): &(String, String)| json!({ "os": os, "path": path });
    let product = |(product, missing): &(Product, Vec<String>)| {
        json!({
            "name": product.name,
            "ssl_only": product.is_ssl_only,
            "languages": product.languages,
            "locations": product.locations.iter().map(location).collect::<Vec<_>>(),
            "missing": missing,
        })
    };
    let aliases = aliases
        .iter()
        .map(|alias| json!({ "alias": alias.0, "stands_for": alias.1, "is_known": alias.2 }));
    json!({
        "products": lists.iter().map(product).collect::<Vec<_>>(),
        "aliases": aliases.collect::<Vec<_>>(),
    })
}
