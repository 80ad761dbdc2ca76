//! Runs `product import`: imports the products of a bouncer.

use serde_json::json;

use super::bouncer::{self, BouncerDump};
use crate::admin::args::ImportProductArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::product;
use crate::domain::product::{Product, ProductTable, is_language};
use crate::program::exit::Exit;
use crate::regular_file;

/// Largest dump in bytes; 20,000 locations take some 3 MB.
const DUMP_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Imports products and aliases: all of them, or none.
///
/// # Errors
/// Returns [`AdminError::NotThisDump`] if the file cannot be read as a dump, and [`AdminError::Db`]
/// if the database cannot be read or written.
pub(super) fn import(session: &mut Session, args: &ImportProductArgs) -> Result<Exit, AdminError> {
    let file = |source| AdminError::File {
        doing: "read",
        path: args.file.clone(),
        source,
    };
    let wrong = |problem: String| AdminError::NotThisDump {
        path: args.file.clone(),
        problem,
    };
    let bytes = regular_file::read(&args.file, DUMP_BYTES_MAX).map_err(file)?;
    let mut dump = bouncer::read(&String::from_utf8_lossy(&bytes)).map_err(wrong)?;
    if dump.products.is_empty() {
        let problem = "it has no rows of mirror_products; dump bouncer's database by mysqldump";
        return Err(wrong(problem.to_owned()));
    }
    leave_out(&mut dump);
    let reader = session.reader()?;
    let (products, aliases) = (product::products(&reader)?, product::aliases(&reader)?);
    drop(reader);
    let new_products: Vec<&Product> = dump
        .products
        .iter()
        .filter(|product| !products.contains(product))
        .collect();
    let new_aliases: Vec<&(String, String)> = dump
        .aliases
        .iter()
        .filter(|alias| !aliases.contains(alias))
        .collect();
    let (added, named) = (new_products.len(), new_aliases.len());
    let is_changed = added + named > 0;
    if is_changed && !args.flags.dry_run {
        session.writer()?.transaction(|transaction| {
            for product in &new_products {
                product::store(transaction, product)?;
            }
            for (alias, name) in &new_aliases {
                product::set_alias(transaction, alias, Some(name))?;
            }
            let what = format!("products of a bouncer: {added} products and {named} aliases");
            session.event(transaction, None, &what)
        })?;
    }
    if args.flags.json {
        session.console.json(&json!({
            "products": added,
            "aliases": named,
            "left": dump.left,
            "dry_run": args.flags.dry_run,
        }))?;
        return Ok(Exit::Ok);
    }
    session.console.line(format!(
        "{added} products and {named} aliases are new or changed"
    ))?;
    for line in &dump.left {
        session.console.line(format!("not carried over: {line}"))?;
    }
    Ok(Exit::Ok)
}

/// Removes products and aliases that no client can ask for, and notes each one.
fn leave_out(dump: &mut BouncerDump) {
    let left = &mut dump.left;
    for product in &mut dump.products {
        let name = &product.name;
        product.languages.retain(|language| {
            let is = is_language(language);
            if !is {
                left.push(format!(
                    "language {language} of {name}: it has no form of a language"
                ));
            }
            is
        });
    }
    dump.products
        .sort_by_cached_key(|product| product.name.to_lowercase());
    let table = ProductTable::new(dump.products.clone(), dump.aliases.clone());
    dump.aliases.retain(|(alias, name)| {
        let is_known = table.find(alias).is_some();
        if !is_known {
            left.push(format!("alias {alias}: there is no product {name}"));
        }
        is_known
    });
}
