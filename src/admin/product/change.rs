//! Runs `product add`, `rm` and `alias`; each change is an event.

use serde_json::{Value, json};

use super::import::import;
use super::list::list;
use super::uptake::measure;
use crate::admin::args::{
    AddProductArgs, AliasArgs, ProductAction, ProductArgs, RemoveProductArgs,
};
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::product;
use crate::domain::path::FilePath;
use crate::domain::product::{ALIAS_STEPS_MAX, Product, ProductTable, is_language};
use crate::program::exit::Exit;

/// Lists or changes products.
///
/// # Errors
/// Returns [`AdminError::Usage`] if an argument cannot be used, [`AdminError::Nothing`] if there is
/// no such product or alias, and [`AdminError::Db`] if the database cannot be read or written.
pub fn product(session: &mut Session, args: &ProductArgs) -> Result<Exit, AdminError> {
    match &args.action {
        ProductAction::Add(args) => add(session, args),
        ProductAction::Rm(args) => remove(session, args),
        ProductAction::Alias(args) => alias(session, args),
        ProductAction::List(args) => list(session, args),
        ProductAction::Import(args) => import(session, args),
    }
}

fn usage(option: &str, value: &str, why: &str) -> AdminError {
    AdminError::Usage(format!("{option}: '{}' {why}", value.escape_debug()))
}

/// A name that a query can ask for.
fn check_name(name: &str) -> Result<(), AdminError> {
    let is_name = !name.trim().is_empty() && name.trim() == name;
    match is_name && !name.chars().any(char::is_control) {
        true => Ok(()),
        false => Err(usage(
            "NAME",
            name,
            "is no name; write one such as Lantern-9.1",
        )),
    }
}

fn read(args: &AddProductArgs) -> Result<Product, AdminError> {
    check_name(&args.name)?;
    let mut languages = args.language.clone();
    languages.sort_unstable();
    languages.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
    if let Some(wrong) = languages.iter().find(|language| !is_language(language)) {
        return Err(usage(
            "--language",
            wrong,
            "is no language; write one such as de or en-US",
        ));
    }
    let mut locations: Vec<(String, String)> = Vec::new();
    for text in &args.location {
        let form = "is no location; write it as OS=PATH";
        let (os, path) = text
            .split_once('=')
            .filter(|(os, _)| !os.is_empty())
            .ok_or_else(|| usage("--location", text, form))?;
        let os = os.to_lowercase();
        let path = FilePath::parse(path.as_bytes());
        let path = path.map_err(|_| usage("--location", text, "has no path below the tree"))?;
        if locations.iter().any(|(known, _)| *known == os) {
            return Err(usage("--location", text, "is the second of its system"));
        }
        locations.push((os, String::from_utf8_lossy(path.as_bytes()).into_owned()));
    }
    locations.sort_unstable();
    Ok(Product {
        name: args.name.clone(),
        is_ssl_only: args.ssl_only,
        languages,
        locations,
    })
}

fn add(session: &mut Session, args: &AddProductArgs) -> Result<Exit, AdminError> {
    let new = read(args)?;
    let reader = session.reader()?;
    let is_alias = |(alias, _): &(String, String)| alias.eq_ignore_ascii_case(&new.name);
    if product::aliases(&reader)?.iter().any(is_alias) {
        return Err(usage(
            "NAME",
            &new.name,
            "is an alias; choose another name, or remove it",
        ));
    }
    let known = product::products(&reader)?;
    let known = known
        .iter()
        .find(|known| known.name.eq_ignore_ascii_case(&new.name));
    let is_changed = known != Some(&new);
    let what = match known {
        Some(_) => format!("product {}: replaced", new.name),
        None => format!("product {}: added", new.name),
    };
    drop(reader);
    if is_changed && !args.flags.dry_run {
        session.writer()?.transaction(|transaction| {
            product::store(transaction, &new)?;
            session.event(transaction, None, &what)
        })?;
    }
    let value = json!({
        "product": new.name,
        "changed": is_changed,
        "dry_run": args.flags.dry_run,
    });
    told(session, args.flags.json, &value, (is_changed, &what))
}

fn remove(session: &mut Session, args: &RemoveProductArgs) -> Result<Exit, AdminError> {
    let reader = session.reader()?;
    let known = product::products(&reader)?;
    let known = known
        .iter()
        .find(|known| known.name.eq_ignore_ascii_case(&args.name));
    let Some(known) = known.map(|known| known.name.clone()) else {
        return Err(nothing("product", &args.name));
    };
    drop(reader);
    let what = format!("product {known}: removed");
    if !args.flags.dry_run {
        session.writer()?.transaction(|transaction| {
            product::remove(transaction, &known)?;
            session.event(transaction, None, &what)
        })?;
    }
    let value = json!({ "product": known, "changed": true, "dry_run": args.flags.dry_run });
    told(session, args.flags.json, &value, (true, &what))
}

fn nothing(kind: &str, name: &str) -> AdminError {
    let name = name.escape_debug();
    AdminError::Nothing(format!(
        "there is no {kind} '{name}'; `heliostat product list` lists them"
    ))
}

fn alias(session: &mut Session, args: &AliasArgs) -> Result<Exit, AdminError> {
    check_name(&args.alias)?;
    let reader = session.reader()?;
    let aliases = product::aliases(&reader)?;
    let known = aliases
        .iter()
        .find(|(alias, _)| alias.eq_ignore_ascii_case(&args.alias));
    let stands_for = match &args.name {
        Some(name) => Some(target(&product::table(&reader)?, &args.alias, name)?),
        None if known.is_none() => return Err(nothing("alias", &args.alias)),
        None => None,
    };
    drop(reader);
    let uptake = match (&stands_for, args.when_uptake) {
        (Some(name), Some(_)) => Some(measure(session, name, None)?.percent()),
        _ => None,
    };
    let is_early = uptake
        .zip(args.when_uptake)
        .is_some_and(|(is, min)| is < u64::from(min));
    let is_changed = !is_early && known.map(|(_, name)| name) != stands_for.as_ref();
    let what = match (&stands_for, is_early) {
        (Some(name), true) => format!(
            "alias {} does not stand for {name} yet: its uptake is {} %",
            args.alias,
            uptake.unwrap_or(0)
        ),
        (Some(name), false) => format!("alias {} stands for {name}", args.alias),
        (None, _) => format!("alias {}: removed", args.alias),
    };
    if is_changed && !args.flags.dry_run {
        session.writer()?.transaction(|transaction| {
            product::set_alias(transaction, &args.alias, stands_for.as_deref())?;
            session.event(transaction, None, &what)
        })?;
    }
    let value = json!({
        "alias": args.alias,
        "stands_for": stands_for,
        "uptake": uptake,
        "changed": is_changed,
        "dry_run": args.flags.dry_run,
    });
    told(
        session,
        args.flags.json,
        &value,
        (is_changed || is_early, &what),
    )?;
    Ok(if is_early { Exit::Partial } else { Exit::Ok })
}

/// The name that an alias may stand for.
fn target(table: &ProductTable, alias: &str, name: &str) -> Result<String, AdminError> {
    let is_product = table
        .find(alias)
        .is_some_and(|(product, by)| by.is_none() && product.name.eq_ignore_ascii_case(alias));
    if is_product {
        return Err(usage(
            "ALIAS",
            alias,
            "is the name of a product; choose another name",
        ));
    }
    if table.would_loop(alias, name) {
        let why = format!("comes back to the alias, or needs more than {ALIAS_STEPS_MAX} steps");
        return Err(usage("NAME", name, &why));
    }
    match table.find(name) {
        Some(_) => Ok(name.to_owned()),
        None => Err(nothing("product", name)),
    }
}

/// Prints the change that was made, or would be made.
fn told(
    session: &mut Session,
    is_json: bool,
    value: &Value,
    (is_news, what): (bool, &str),
) -> Result<Exit, AdminError> {
    match (is_json, is_news) {
        (true, _) => session.console.json(value)?,
        (false, true) => session.console.line(what)?,
        (false, false) => session.console.line("nothing to change")?,
    }
    Ok(Exit::Ok)
}
