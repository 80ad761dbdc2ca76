//! Writes everything that people have written of mirrors as JSON, passwords too.

use serde_json::{Map, Value, json};

use crate::db::mirror::MirrorRecord;
use crate::db::mirror_field::{FIELDS, FieldValue};
use crate::db::overview::marker::Marker;

/// The mirrors and markers.
pub fn json(mirrors: &[MirrorRecord], markers: &[Marker]) -> Value {
    let mirrors: Vec<Value> = mirrors.iter().map(mirror).collect();
    let markers = markers.iter();
    let markers: Vec<Value> = markers
        .map(|marker| json!({ "name": marker.name, "files": marker.files }))
        .collect();
    json!({ "mirrors": mirrors, "markers": markers })
}

fn mirror(record: &MirrorRecord) -> Value {
    let fields = FIELDS.iter().filter(|field| field.is_of(record.kind));
    let fields = fields.filter_map(|field| Some((field.name, field.value(record)?)));
    let mut map: Map<String, Value> = fields
        .map(|(name, value)| (name.to_owned(), value_json(value)))
        .collect();
    map.insert("id".to_owned(), record.id.0.into());
    map.insert("identifier".to_owned(), record.identifier.clone().into());
    Value::Object(map)
}

fn value_json(value: FieldValue) -> Value {
    match value {
        FieldValue::Text(text) => text.into(),
        FieldValue::Flag(flag) => flag.into(),
        FieldValue::Number(number) => number.into(),
        FieldValue::Degrees(degrees) => degrees.into(),
        FieldValue::List(texts) => texts.into(),
    }
}
