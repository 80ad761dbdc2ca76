//! Writes a mirror as `key : value` lines, as `show` prints it and `edit` opens it.

use crate::admin::error::{AdminError, ArgumentError};
use crate::db::mirror::MirrorRecord;
use crate::db::mirror_field::Field;
use crate::domain::url::mask_passwords;

/// Stands before and after the comment.
pub const COMMENT_MARK: &str = "---------- comments ----------";

/// Label of the one line that cannot be edited.
const IDENTIFIER: &str = "identifier";

const COMMENT: &str = "comments";

/// A field that is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// MirrorBrain's name of the field.
    pub key: &'static str,
    /// The old value as shown.
    pub from: String,
    /// The new value as written.
    pub to: String,
}

/// One line.
pub fn line(label: &str, value: &str) -> String {
    format!("{label:<14} : {value}")
}

/// The lines of everything but the comment, without a line feed at the end; stars for passwords.
pub fn field_lines(record: &MirrorRecord) -> String {
    lines(record, masked)
}

fn lines(record: &MirrorRecord, shown: impl Fn(&Field, &str) -> String) -> String {
    let mut lines = vec![line(IDENTIFIER, &record.identifier)];
    lines.extend(fields_of(record).map(|field| {
        let value = shown(field, &field.shown(record));
        line(field.label(), &value)
    }));
    lines.join("\n")
}

/// The fields that a sheet has of such a mirror, but for the comment.
fn fields_of(record: &MirrorRecord) -> impl Iterator<Item = &'static Field> {
    let kind = record.kind;
    Field::edited().filter(move |field| field.label() != COMMENT && field.is_of(kind))
}

/// The value of a field, with stars for the passwords of URLs.
pub fn masked(field: &Field, value: &str) -> String {
    if !field.has_urls() {
        return value.to_owned();
    }
    mask_passwords(value)
}

/// The comment between its marks.
pub fn comment_block(record: &MirrorRecord) -> String {
    let comment = record.comment.trim_end_matches('\n');
    format!("{COMMENT_MARK}\n{comment}\n{COMMENT_MARK}\n")
}

/// The text for the editor.
pub fn write(record: &MirrorRecord) -> String {
    let whole = lines(record, |_, value| value.to_owned());
    format!("{whole}\n{}", comment_block(record))
}

/// The changes in an edited sheet; each new value can be used.
///
/// # Errors
/// [`AdminError::Text`] and [`AdminError::Value`] name the line's key.
pub fn read(text: &str, record: &MirrorRecord) -> Result<Vec<FieldChange>, AdminError> {
    let (lines, comment) = split(text)?;
    let mut changes = Vec::new();
    let mut missing: Vec<&str> = fields_of(record).map(Field::label).collect();
    for (number, text) in lines.iter().enumerate() {
        if text.trim().is_empty() {
            continue;
        }
        let (key, value) = text.split_once(':').ok_or_else(|| {
            let text = text.escape_debug();
            AdminError::Text(format!("line {}: '{text}' is no `key : value`", number + 1))
        })?;
        let (key, value) = (key.trim(), value.trim());
        if key == IDENTIFIER {
            check_identifier(value, record)?;
            continue;
        }
        let field = find_field(key, record, value)?;
        missing.retain(|label| *label != field.label());
        changes.extend(change(field, record, value)?);
    }
    if let Some(label) = missing.first() {
        return Err(AdminError::Text(format!(
            "{label}: its line is missing; write no value to clear a field"
        )));
    }
    changes.extend(comment_change(record, &comment));
    Ok(changes)
}

/// The lines before the comment, and the comment.
fn split(text: &str) -> Result<(Vec<&str>, String), AdminError> {
    let lines: Vec<&str> = text.lines().collect();
    let is_mark = |line: &&str| line.trim_end() == COMMENT_MARK;
    let first = lines.iter().position(is_mark);
    // A comment may have such a line itself, so the last one ends it.
    let last = lines.iter().rposition(is_mark);
    match (first, last) {
        (Some(first), Some(last)) if first < last => {
            let comment = lines[first + 1..last].join("\n");
            let comment = comment.trim_end_matches('\n').to_owned();
            Ok((lines[..first].to_vec(), comment))
        }
        _ => Err(AdminError::Text(format!(
            "{COMMENT}: the lines '{COMMENT_MARK}' before and after it must stay"
        ))),
    }
}

fn check_identifier(value: &str, record: &MirrorRecord) -> Result<(), AdminError> {
    if value == record.identifier {
        return Ok(());
    }
    Err(AdminError::Value {
        key: IDENTIFIER.to_owned(),
        problem: ArgumentError::Rename {
            from: record.identifier.clone(),
            to: value.to_owned(),
        },
    })
}

/// The two parts of `KEY=VALUE`.
///
/// # Errors
/// Returns [`AdminError::Value`] if there is no `=`.
pub fn assignment<'p>(option: &str, pair: &'p str) -> Result<(&'p str, &'p str), AdminError> {
    pair.split_once('=').ok_or_else(|| AdminError::Value {
        key: option.to_owned(),
        problem: ArgumentError::NoAssignment(mask_passwords(pair)),
    })
}

/// The field of that label or name, to be given that value.
///
/// # Errors
/// Returns [`AdminError::UnknownField`] with the nearest field if there is no such field;
/// [`AdminError::Value`] for the name, which another command changes to `value`.
pub fn find_field(
    key: &str,
    record: &MirrorRecord,
    value: &str,
) -> Result<&'static Field, AdminError> {
    if key.trim().eq_ignore_ascii_case(IDENTIFIER) {
        check_identifier(value, record)?;
    }
    known_field(key)
}

/// The field of that label or name.
///
/// # Errors
/// Returns [`AdminError::UnknownField`] with the nearest field if there is no such field.
pub fn known_field(key: &str) -> Result<&'static Field, AdminError> {
    Field::find(key).ok_or_else(|| AdminError::UnknownField {
        key: key.to_owned(),
        nearest: Field::nearest(key),
    })
}

/// The change that a value makes; `None` when the field has it already.
///
/// # Errors
/// Returns [`AdminError::Value`] if a value cannot be used.
pub fn change(
    field: &'static Field,
    record: &MirrorRecord,
    value: &str,
) -> Result<Option<FieldChange>, AdminError> {
    if field.label() == COMMENT {
        return Ok(comment_change(record, &value.replace("\\n", "\n")));
    }
    let from = field.shown(record);
    if from == value {
        return Ok(None);
    }
    // An unusable imported value may stay unchanged, but cannot be set again.
    let mut changed = record.clone();
    apply(field, &mut changed, value)?;
    let to = field.shown(&changed);
    Ok((from != to).then_some(FieldChange {
        key: field.label(),
        from,
        to,
    }))
}

/// The changes that assignments make.
///
/// # Errors
/// As [`assignment`], [`find_field`] and [`change`].
pub fn changes(record: &MirrorRecord, pairs: &[String]) -> Result<Vec<FieldChange>, AdminError> {
    let mut changes = Vec::new();
    for pair in pairs {
        let (key, value) = assignment("--set", pair)?;
        let field = find_field(key, record, value)?;
        changes.extend(change(field, record, value)?);
    }
    Ok(changes)
}

/// A comment is compared as it is, but for line feeds at its end.
fn comment_change(record: &MirrorRecord, to: &str) -> Option<FieldChange> {
    let from = record.comment.trim_end_matches('\n');
    (from != to).then(|| FieldChange {
        key: COMMENT,
        from: from.to_owned(),
        to: to.to_owned(),
    })
}

fn apply(field: &Field, record: &mut MirrorRecord, value: &str) -> Result<(), AdminError> {
    field
        .set(record, value)
        .map_err(|problem| AdminError::Value {
            key: field.label().to_owned(),
            problem: problem.into(),
        })
}

impl FieldChange {
    /// Makes the change, unless the field is no longer what it was when the edit began.
    ///
    /// # Errors
    /// Returns [`AdminError::Meanwhile`] if somebody else changed the same field, and
    /// [`AdminError::Value`] if a value cannot be used.
    pub fn apply(&self, record: &mut MirrorRecord) -> Result<(), AdminError> {
        let field = find_field(self.key, record, &self.to)?;
        let is_comment = self.key == COMMENT;
        let now = if is_comment {
            record.comment.trim_end_matches('\n').to_owned()
        } else {
            field.shown(record)
        };
        if now != self.from && now != self.to {
            return Err(AdminError::Meanwhile {
                mirror: record.identifier.clone(),
                key: self.key.to_owned(),
                from: masked(field, &self.from),
                to: masked(field, &now),
            });
        }
        if is_comment {
            record.comment.clone_from(&self.to);
            return Ok(());
        }
        apply(field, record, &self.to)
    }

    /// `changing score from '100' to '50'`; a comment only says that it changes.
    pub fn describe(&self) -> String {
        if self.key == COMMENT {
            return "changing comments".to_owned();
        }
        let (from, to) = (self.shown(&self.from), self.shown(&self.to));
        format!("changing {} from '{from}' to '{to}'", self.key)
    }

    /// The field before and after, as the lines of a diff.
    pub fn diff(&self) -> [String; 2] {
        let line = |sign, value: &str| format!("{sign}{}", line(self.key, &self.shown(value)));
        [line('-', &self.from), line('+', &self.to)]
    }

    /// A value on one line, with stars for passwords.
    fn shown(&self, value: &str) -> String {
        let value = match Field::find(self.key) {
            Some(field) => masked(field, value),
            None => value.to_owned(),
        };
        value.replace('\n', "\\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> MirrorRecord {
        let mut record = MirrorRecord::new("m.example.org");
        record.base_url = "http://m.example.org/".into();
        record.prefix = "not a net".into();
        record.public_notes = "one\ntwo".into();
        record.comment = format!("first\n{COMMENT_MARK}\nlast\n");
        record.latitude = Some(38.503);
        record.longitude = Some(-96.597);
        record
    }

    fn edited(from: &str, to: &str) -> Result<Vec<FieldChange>, String> {
        let sheet = write(&record());
        assert!(sheet.contains(from), "{from} is in\n{sheet}");
        read(&sheet.replace(from, to), &record()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_change_by_somebody_else_is_told_without_passwords() {
        let mut record = MirrorRecord::new("m");
        record.base_url = "http://joe:s3cr3t@c/".into();
        let change = FieldChange {
            key: "baseurl",
            from: "http://joe:s3cret@a/".into(),
            to: "http://b/".into(),
        };
        let said = change.apply(&mut record).expect_err("changed").to_string();
        assert!(said.contains("http://joe:***@c/"), "{said}");
        assert!(
            !said.contains("s3cret") && !said.contains("s3cr3t"),
            "{said}"
        );
    }

    #[test]
    fn an_unchanged_sheet_changes_nothing_even_with_values_that_cannot_be_used() {
        assert_eq!(read(&write(&record()), &record()).expect("unchanged"), []);
        let mut stored = record();
        for field in Field::edited() {
            let shown = field.shown(&stored);
            if field.label() != "prefix" {
                let label = field.label();
                field.set(&mut stored, &shown).expect(label);
                assert_eq!(field.shown(&stored), shown, "{}", field.label());
            }
        }
        stored.comment = record().comment;
        assert_eq!(stored, record(), "what is shown reads back as the same");
    }

    #[test]
    fn changes_are_found_and_made() {
        for (from, to, expected) in [
            (
                "score          : 100",
                "score : 50",
                "changing score from '100' to '50'",
            ),
            (
                "enabled        : False",
                "ENABLED:1",
                "changing enabled from 'False' to 'True'",
            ),
            (
                "38.503,-96.597",
                "",
                "changing lat,lng from '38.503,-96.597' to ''",
            ),
            (
                "one\\ntwo",
                "three",
                "changing publicNotes from 'one\\ntwo' to 'three'",
            ),
            ("first", "1st", "changing comments"),
            (
                "not a net",
                "10.0.0.0/8",
                "changing prefix from 'not a net' to '10.0.0.0/8'",
            ),
        ] {
            let changes = edited(from, to).expect(to);
            assert_eq!(changes.len(), 1, "{changes:?}");
            assert_eq!(changes[0].describe(), expected);
            let mut changed = record();
            changes[0].apply(&mut changed).expect("apply");
            assert_ne!(changed, record());
        }
    }

    #[test]
    fn what_cannot_be_used_is_told_with_its_key() {
        for (from, to, expected) in [
            (
                "score          : 100",
                "score : many",
                "score: 'many' is no score",
            ),
            ("score          : 100\n", "", "score: its line is missing"),
            (
                "score          : 100",
                "skore : 1",
                "skore: there is no such field",
            ),
            (
                "score          : 100",
                "score 100",
                "line 20: 'score 100' is no `key : value`",
            ),
            (
                "m.example.org\n",
                "n.example.org\n",
                "identifier: `heliostat rename",
            ),
            (
                "http://m.example.org/",
                "m.example.org",
                "baseurl: 'm.example.org' cannot be used",
            ),
            (COMMENT_MARK, "", "comments: the lines"),
        ] {
            let error = edited(from, to).expect_err(to);
            assert!(error.contains(expected), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn a_change_of_somebody_else_is_not_undone() {
        let change = &edited("score          : 100", "score : 50").expect("edit")[0];
        let mut other = record();
        other.score = 75;
        let error = change.apply(&mut other).expect_err("changed meanwhile");
        assert!(error.to_string().contains("from '100' to '75'"), "{error}");
        other.score = 50;
        change.apply(&mut other).expect("the same change");
        other.score = 100;
        other.admin = "somebody".into();
        change.apply(&mut other).expect("another field");
        assert_eq!((other.score, other.admin.as_str()), (50, "somebody"));
    }
}
