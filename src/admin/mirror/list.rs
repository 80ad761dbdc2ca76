//! Runs `list`.

use std::io::Write;

use serde_json::Value;

use super::{list_form, mirror_json, sheet};
use crate::admin::args::{ListArgs, ListForm};
use crate::admin::error::AdminError;
use crate::admin::session::{Session, fitting_mirrors};
use crate::db::content;
use crate::db::mirror::{self, MirrorRecord};
use crate::db::mirror_field::{Field, FieldValue};
use crate::db::open::Queryable;
use crate::domain::mirror::name::NO_MIRRORS;
use crate::program::exit::Exit;

/// One column: `mb`'s width, whether numbers are aligned, and the cells.
struct Column {
    width: usize,
    right: bool,
    cells: Vec<String>,
}

/// Lists mirrors: name first, then the columns that were asked for in `mb`'s order.
///
/// # Errors
/// Returns [`AdminError::UnknownField`] or [`AdminError::Lookup`] if a field or a mirror is not
/// there; [`AdminError::Db`] if they cannot be read.
pub fn list(session: &mut Session, args: &ListArgs) -> Result<Exit, AdminError> {
    let keys = args.field.iter();
    let further: Vec<&'static Field> = keys
        .map(|key| sheet::known_field(key))
        .collect::<Result<_, _>>()?;
    let reader = session.reader()?;
    let mut mirrors = match &args.identifier {
        Some(wanted) => fitting_mirrors(&reader, wanted)?,
        None => mirror::all(&reader)?,
    };
    let all = mirrors.len();
    mirrors.retain(|mirror| is_listed(mirror, args));
    if all == 0 {
        log::warn!("{NO_MIRRORS}");
    } else if mirrors.is_empty() {
        log::warn!("none of {all} mirrors is listed; -a lists disabled ones, too");
    }
    if let Some(key) = &args.sort {
        list_form::sort(&reader, &mut mirrors, key)?;
    }
    match args.form {
        Some(ListForm::Wide) => list_form::write_wide(session, &reader, &mirrors)?,
        Some(ListForm::Csv) => {
            let asked = asked_for(args)?.into_iter().map(|(field, ..)| field);
            let fields = asked.chain(further).collect();
            list_form::write_csv(session, &reader, &mirrors, (args, fields))?;
        }
        _ => write_lines(session, &reader, &mirrors, (args, &further))?,
    }
    Ok(Exit::Ok)
}

/// Writes one line per mirror, as `mb` does, or JSON.
fn write_lines(
    session: &mut Session,
    reader: &impl Queryable,
    mirrors: &[MirrorRecord],
    (args, further): (&ListArgs, &[&'static Field]),
) -> Result<(), AdminError> {
    if args.json || args.form == Some(ListForm::Json) {
        let values: Result<Vec<Value>, AdminError> = mirrors
            .iter()
            .map(|mirror| mirror_json::mirror(reader, mirror))
            .collect();
        return session.console.json(&Value::Array(values?));
    }
    let columns = columns(reader, mirrors, args, further)?;
    let out = session.console.out();
    for row in 0..mirrors.len() {
        writeln!(out, "{}", row_text(&columns, row))?;
    }
    Ok(())
}

fn is_listed(mirror: &MirrorRecord, args: &ListArgs) -> bool {
    let is = |wanted: &Option<String>, value: &str| {
        wanted
            .as_ref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(value))
    };
    let switched = if args.disabled {
        !mirror.enabled
    } else {
        mirror.enabled || args.show_disabled
    };
    switched && is(&args.in_region, &mirror.region) && is(&args.in_country, &mirror.country)
}

fn row_text(columns: &[Column], row: usize) -> String {
    let cells = columns.iter().map(|column| {
        let cell = column.cells[row].as_str();
        let width = column.width;
        if column.right {
            format!("{cell:>width$}")
        } else {
            format!("{cell:<width$}")
        }
    });
    let cells: Vec<String> = cells.collect();
    cells.join(" ").trim_end().to_owned()
}

/// The fields that were asked for in `mb`'s order, with `mb`'s width, and whether they are numbers.
fn asked_for(args: &ListArgs) -> Result<Vec<(&'static Field, usize, bool)>, AdminError> {
    let all = [
        (args.prio, 3, true, "score"),
        (args.region, 2, false, "region"),
        (args.country, 2, false, "country"),
        (args.other_countries, 2, false, "other_countries"),
        (args.asn, 5, true, "asn"),
        (args.prefix, 19, false, "prefix"),
        (args.http, 55, false, "base_url"),
        (args.ftp, 1, false, "ftp_url"),
        (args.rsync, 1, false, "rsync_url"),
        (args.region_only, 1, false, "region_only"),
        (args.country_only, 1, false, "country_only"),
        (args.as_only, 1, false, "as_only"),
        (args.prefix_only, 1, false, "prefix_only"),
        (args.private, 1, false, "private"),
    ];
    let wanted = all.into_iter().filter(|(is_wanted, ..)| *is_wanted);
    wanted
        .map(|(_, width, right, name)| Ok((sheet::known_field(name)?, width, right)))
        .collect()
}

/// The columns in `mb`'s order, none narrower than in `mb`.
fn columns(
    database: &impl Queryable,
    mirrors: &[MirrorRecord],
    args: &ListArgs,
    further: &[&'static Field],
) -> Result<Vec<Column>, AdminError> {
    let names = mirrors.iter().map(|mirror| mirror.identifier.clone());
    let mut columns = vec![column(30, false, names.collect())];
    for (field, width, right) in asked_for(args)? {
        columns.push(column(width, right, cells(field, mirrors)));
    }
    for field in further {
        columns.push(column(1, false, cells(field, mirrors)));
    }
    if args.number_of_files {
        let mut cells = Vec::new();
        for mirror in mirrors {
            let published = content::load(database, mirror.id)?;
            let files = published.map_or(0, |published| published.content.current.len());
            cells.push(format!("nfiles={files}"));
        }
        columns.push(column(1, false, cells));
    }
    Ok(columns)
}

/// A field of each mirror; a flag says its name, too.
fn cells(field: &Field, mirrors: &[MirrorRecord]) -> Vec<String> {
    let cell = |mirror: &MirrorRecord| {
        let shown = sheet::masked(field, &field.shown(mirror));
        match field.value(mirror) {
            Some(FieldValue::Flag(_)) => format!("{}={shown}", field.name),
            _ => shown,
        }
    };
    mirrors.iter().map(cell).collect()
}

fn column(width: usize, right: bool, cells: Vec<String>) -> Column {
    let longest = cells.iter().map(|cell| cell.chars().count()).max();
    Column {
        width: width.max(longest.unwrap_or(0)),
        right,
        cells,
    }
}
