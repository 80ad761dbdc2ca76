//! Writes a mirror as JSON.

use serde_json::{Map, Value, json};

use crate::admin::error::AdminError;
use crate::admin::report::trace;
use crate::db::content::{self, PublishedContent};
use crate::db::mirror::MirrorRecord;
use crate::db::mirror_field::{FIELDS, Field, FieldValue};
use crate::db::open::Queryable;
use crate::db::{catalogue, mirror_trace, run};
use crate::domain::url::mask_password;

/// Every field under its name in the database (stars for passwords), how many files it has, and
/// what is wrong with it.
///
/// # Errors
/// Returns [`AdminError::Db`] if the database cannot be read or written.
pub fn mirror(database: &impl Queryable, record: &MirrorRecord) -> Result<Value, AdminError> {
    let content = content::load(database, record.id)?;
    let trace = mirror_trace::load(database, record.id)?;
    let generation = catalogue::generation(database)?;
    let differences = trace
        .as_ref()
        .map(|stored| trace::differences(record, &stored.trace));
    let (_, problems) = record.check();
    let fields = FIELDS.iter().filter(|field| field.is_of(record.kind));
    let fields = fields.filter_map(|field| Some((field, field.value(record)?)));
    let mut value: Map<String, Value> = fields
        .map(|(field, value)| (field.name.to_owned(), json_value(field, value)))
        .collect();
    let further = json!({
        "id": record.id.0,
        "identifier": record.identifier,
        "last_scan": last_scan(database, record)?,
        "content": content.as_ref().map(content_json),
        "trace": trace::json(trace.as_ref(), generation),
        "trace_notes": differences.unwrap_or_default(),
        "problems": problems,
    });
    value.extend(further.as_object().cloned().unwrap_or_default());
    Ok(Value::Object(value))
}

/// A field's value, with stars for the passwords of URLs.
fn json_value(field: &Field, value: FieldValue) -> Value {
    let text = |text: String| match field.has_urls() {
        true => Value::from(mask_password(&text)),
        false => Value::from(text),
    };
    match value {
        FieldValue::Text(value) => text(value),
        FieldValue::List(values) => values.into_iter().map(text).collect(),
        FieldValue::Flag(flag) => flag.into(),
        FieldValue::Number(number) => number.into(),
        FieldValue::Degrees(degrees) => degrees.into(),
    }
}

/// When its whole tree was scanned last; as imported until a scan of ours.
///
/// # Errors
/// Returns [`AdminError::Db`] if the database cannot be read or written.
pub fn last_scan(database: &impl Queryable, record: &MirrorRecord) -> Result<String, AdminError> {
    let again = run::last_repeat(database, record.id)?.map(|at| at.to_string());
    // Both are written with the year first.
    Ok(record.last_scan.clone().max(again.unwrap_or_default()))
}

fn content_json(content: &PublishedContent) -> Value {
    json!({
        "files": content.content.current.len(),
        "outdated_files": content.content.outdated.len(),
        "unknown_files": content.origin.unknown_files,
        "generation": content.generation,
        "learnt_at": content.origin.at.to_string(),
        "learnt_by": content.origin.by,
        "can_roll_back": content.has_previous,
    })
}
