//! The orders and forms of `list` that `mb` does not have.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::sheet;
use crate::admin::args::ListArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::content;
use crate::db::mirror::MirrorRecord;
use crate::db::mirror_field::{FIELDS, Field, FieldValue};
use crate::db::open::Queryable;
use crate::domain::mirror::MirrorId;
use crate::domain::order::ShortList;
use crate::domain::time::age;
use crate::program::table::TextTable;

/// Sorts mirrors by a field, or by the number of their files; `-` before the name turns it round.
/// Those that are equal stay in the order of their names.
///
/// # Errors
/// Returns [`AdminError::UnknownField`] if there is no such field; [`AdminError::Db`] if the files
/// cannot be read.
pub(super) fn sort(
    database: &impl Queryable,
    mirrors: &mut [MirrorRecord],
    key: &str,
) -> Result<(), AdminError> {
    let (name, is_reversed) = match key.strip_prefix('-') {
        Some(name) => (name, true),
        None => (key, false),
    };
    let turned = |order: Ordering| if is_reversed { order.reverse() } else { order };
    mirrors.order_by(|a, b| a.identifier.cmp(&b.identifier));
    match name {
        "name" | "identifier" => mirrors.order_by(|a, b| turned(a.identifier.cmp(&b.identifier))),
        "files" => {
            let counts = files_of(database, mirrors)?;
            let count = |mirror: &MirrorRecord| counts.get(&mirror.id).copied();
            mirrors.order_by(|a, b| turned(count(a).cmp(&count(b))));
        }
        _ => {
            let field = sheet::known_field(name)?;
            mirrors.order_by(|a, b| turned(in_order(field, a, b)));
        }
    }
    Ok(())
}

fn files_of(
    database: &impl Queryable,
    mirrors: &[MirrorRecord],
) -> Result<HashMap<MirrorId, u64>, AdminError> {
    let mut counts = HashMap::new();
    for mirror in mirrors {
        if let Some(published) = content::load(database, mirror.id)? {
            counts.insert(mirror.id, published.content.current.len());
        }
    }
    Ok(counts)
}

/// Numbers by their size, all else by its text.
fn in_order(field: &Field, a: &MirrorRecord, b: &MirrorRecord) -> Ordering {
    match (field.value(a), field.value(b)) {
        (Some(FieldValue::Number(a)), Some(FieldValue::Number(b))) => a.cmp(&b),
        (Some(FieldValue::Degrees(a)), Some(FieldValue::Degrees(b))) => {
            let (a, b) = (a.unwrap_or(f64::MAX), b.unwrap_or(f64::MAX));
            a.total_cmp(&b)
        }
        _ => field.shown(a).cmp(&field.shown(b)),
    }
}

/// Writes what people ask of mirrors first, with a head.
pub(super) fn write_wide(
    session: &mut Session,
    database: &impl Queryable,
    mirrors: &[MirrorRecord],
) -> Result<(), AdminError> {
    let head = [
        "mirror", "country", "score", "state", "files", "listed", "URL",
    ];
    let mut table = TextTable::new(head);
    let country = sheet::known_field("country")?;
    for mirror in mirrors {
        let published = content::load(database, mirror.id)?;
        let files = published.as_ref().map(|it| it.content.current.len());
        let listed = published.map(|it| age(session.now, it.origin.at));
        let state = match (mirror.enabled, mirror.alive) {
            (false, _) => "disabled",
            (true, false) => "down",
            (true, true) => "up",
        };
        table.add_row([
            mirror.identifier.clone(),
            country.shown(mirror),
            mirror.score.to_string(),
            state.to_owned(),
            files.map_or("-".to_owned(), |files| files.to_string()),
            listed.unwrap_or_else(|| "never".to_owned()),
            sheet::masked(sheet::known_field("base_url")?, &mirror.base_url),
        ]);
    }
    if !mirrors.is_empty() {
        session.console.line(table.text([2, 4]))?;
    }
    Ok(())
}

/// Writes a table for spreadsheets (RFC 4180): name, the fields that were asked for, else all, and
/// the number of files.
pub(super) fn write_csv(
    session: &mut Session,
    database: &impl Queryable,
    mirrors: &[MirrorRecord],
    (args, asked_for): (&ListArgs, Vec<&'static Field>),
) -> Result<(), AdminError> {
    let is_chosen = !asked_for.is_empty() || args.number_of_files;
    let fields = if is_chosen {
        asked_for
    } else {
        FIELDS.iter().collect()
    };
    let has_files = !is_chosen || args.number_of_files;
    let counts = files_of(database, mirrors)?;
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let head = std::iter::once("mirror").chain(fields.iter().map(|field| field.name));
    let head = head.chain(has_files.then_some("files"));
    writer.write_record(head).map_err(std::io::Error::other)?;
    for mirror in mirrors {
        let mut record = vec![mirror.identifier.clone()];
        record.extend(
            fields
                .iter()
                .map(|field| sheet::masked(field, &field.shown(mirror))),
        );
        if has_files {
            let count = counts.get(&mirror.id);
            record.push(count.map_or(String::new(), u64::to_string));
        }
        writer.write_record(record).map_err(std::io::Error::other)?;
    }
    let bytes = writer.into_inner();
    let bytes = bytes.map_err(|error| std::io::Error::other(error.to_string()))?;
    session.console.exact(&bytes)
}
