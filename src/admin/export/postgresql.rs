//! Writes INSERT statements for MirrorBrain's table `server` (behaviour §10).
//!
//! As in MirrorBrain's own export, there is neither a number nor `ipv6_only`. [`lost`] tells what
//! else the table has no place for. A private mirror becomes one for its own prefix or autonomous
//! system alone, so that it stays hidden there.

use crate::db::mirror::MirrorRecord;
use crate::db::mirror_field::{FIELDS, Field, FieldValue};
use crate::domain::mirror::MirrorKind;
use crate::domain::time::{Timestamp, ctime};

/// Neither has MirrorBrain's export.
const LEFT_OUT: &str = "ipv6_only";

/// Largest number that MirrorBrain's column `file_maxsize` takes.
const MAXSIZE_MOST: i64 = i32::MAX as i64;

/// The fields of the table with their columns there.
fn columns() -> impl Iterator<Item = (&'static Field, &'static str)> {
    let all = FIELDS.iter();
    let imported = all.filter_map(|field| Some((field, field.imported?)));
    imported.filter(|(_, column)| *column != LEFT_OUT)
}

/// One statement per mirror.
pub fn statements(mirrors: &[MirrorRecord], now: Timestamp) -> String {
    let mut text = format!("--\n-- generated on {}\n--\n", ctime(now));
    let names: Vec<&str> = columns().map(|(_, column)| column).collect();
    let names = names.join(", ");
    for mirror in mirrors {
        let name = mirror.identifier.escape_debug();
        text.push_str(&format!("--\n-- {name}\n--\n"));
        let lost = lost(mirror);
        if !lost.is_empty() {
            text.push_str(&format!("-- not in this table: {}\n", lost.join(", ")));
        }
        let there = as_there(mirror);
        let values: Vec<String> = columns()
            .map(|(field, column)| literal(column, field.value(&there)))
            .collect();
        text.push_str(&format!(
            "INSERT INTO server (identifier, {names})\nVALUES ({}, {});\n",
            quoted(&mirror.identifier),
            values.join(", ")
        ));
    }
    text
}

/// Labels of the fields that have something which the table has no place for.
pub fn lost(mirror: &MirrorRecord) -> Vec<String> {
    let plain = MirrorRecord::new(&mirror.identifier);
    let without_place = |field: &&Field| field.imported.is_none_or(|column| column == LEFT_OUT);
    let fields = FIELDS.iter().filter(without_place);
    let fields = fields.filter(|field| field.is_of(mirror.kind));
    let mut lost: Vec<String> = fields
        .filter(|field| field.value(mirror) != field.value(&plain))
        .map(|field| field.label().to_owned())
        .collect();
    if mirror.file_maxsize > MAXSIZE_MOST {
        lost.push("fileMaxsize (larger than the column can hold)".to_owned());
    }
    lost
}

/// The mirror as the table can have it.
fn as_there(mirror: &MirrorRecord) -> MirrorRecord {
    let mut there = mirror.clone();
    if mirror.private {
        match (mirror.prefix.is_empty(), mirror.asn) {
            (false, _) => there.prefix_only = true,
            (true, 0) => there.enabled = false,
            (true, _) => there.as_only = true,
        }
    }
    // There a cache is never scanned and has every file for a country of its own.
    if mirror.kind == MirrorKind::Cache {
        there.enabled = false;
    }
    there
}

fn literal(column: &str, value: Option<FieldValue>) -> String {
    match value {
        Some(FieldValue::Text(text)) if text.is_empty() && column == "last_scan" => "NULL".into(),
        Some(FieldValue::Text(text)) => quoted(&text),
        Some(FieldValue::Flag(flag)) => if flag { "'t'" } else { "'f'" }.to_owned(),
        Some(FieldValue::Number(number)) => number.to_string(),
        Some(FieldValue::Degrees(Some(degrees))) => degrees.to_string(),
        Some(FieldValue::Degrees(None)) | None => "NULL".to_owned(),
        Some(FieldValue::List(texts)) => quoted(&texts.join(" ")),
    }
}

/// A text that means the same whatever `standard_conforming_strings` is.
fn quoted(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    match doubled.contains('\\') {
        true => format!("E'{}'", doubled.replace('\\', "\\\\")),
        false => format!("'{doubled}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_quotes_and_backslashes() {
        assert_eq!(quoted("it's"), "'it''s'");
        assert_eq!(quoted("a\\'b"), "E'a\\\\''b'");
    }

    #[test]
    fn a_private_mirror_stays_hidden() {
        let mut mirror = MirrorRecord::new("m");
        (mirror.private, mirror.enabled) = (true, true);
        assert!(!as_there(&mirror).enabled, "nobody is its client");
        mirror.asn = 64_500;
        assert!(as_there(&mirror).as_only && as_there(&mirror).enabled);
        mirror.prefix = "192.0.2.0/24".to_owned();
        assert!(as_there(&mirror).prefix_only);
        assert_eq!(lost(&mirror), ["private"]);
    }
}
