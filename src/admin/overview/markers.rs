//! Runs `markers`.

use serde_json::{Value, json};

use crate::admin::args::MarkersArgs;
use crate::admin::error::AdminError;
use crate::admin::mirror::edit::edit_text;
use crate::admin::session::Session;
use crate::db::open_reader;
use crate::db::overview::marker::{self, Marker};
use crate::program::exit::Exit;

/// Lists or changes the markers.
///
/// # Errors
/// Returns [`AdminError::Text`] if a line is no marker, [`AdminError::Nothing`] if none has that
/// name, and [`AdminError::Db`] if the database cannot be read or written.
pub fn markers(session: &mut Session, args: &MarkersArgs) -> Result<Exit, AdminError> {
    let reader = match args.flags.dry_run {
        true => open_reader(&session.site.database)?,
        false => session.reader()?,
    };
    let before = marker::all(&reader)?;
    let after = match args.edit {
        true => edited(&before, args)?,
        false => changed(&before, args)?,
    };
    if after != before && !args.flags.dry_run {
        session.writer()?.transaction(|transaction| {
            marker::replace(transaction, &after)?;
            session.event(transaction, None, &what(&before, &after))
        })?;
    }
    if args.flags.json {
        let markers = after.iter();
        let markers = markers.map(|marker| json!({ "name": marker.name, "files": marker.files }));
        session.console.json(&Value::Array(markers.collect()))?;
        return Ok(Exit::Ok);
    }
    session.console.lines(&text(&after, &args.delimiter))?;
    Ok(Exit::Ok)
}

/// `NAME | FILES`, a line each.
fn text(markers: &[Marker], delimiter: &str) -> String {
    let lines = markers
        .iter()
        .map(|marker| format!("{} {delimiter} {}\n", marker.name, marker.files));
    lines.collect()
}

fn parse(line: &str, delimiter: &str) -> Result<Marker, AdminError> {
    let wrong = |why: &str| {
        let line = line.escape_debug();
        AdminError::Text(format!(
            "marker '{line}': {why}; write it as NAME {delimiter} FILE FILE …"
        ))
    };
    let (name, files) = line
        .split_once(delimiter)
        .ok_or_else(|| wrong(&format!("there is no {delimiter} in it")))?;
    let files: Vec<&str> = files.split_whitespace().collect();
    let marker = Marker {
        name: name.trim().to_owned(),
        files: files.join(" "),
    };
    match (marker.name.is_empty(), files.is_empty()) {
        (true, _) => Err(wrong("it has no name")),
        (_, true) => Err(wrong("it has no files")),
        _ if marker.name.contains(char::is_control) => Err(wrong("its name is no line of text")),
        _ => Ok(marker),
    }
}

fn edited(before: &[Marker], args: &MarkersArgs) -> Result<Vec<Marker>, AdminError> {
    let text = edit_text("markers", &text(before, &args.delimiter))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| parse(line, &args.delimiter)).collect()
}

fn changed(before: &[Marker], args: &MarkersArgs) -> Result<Vec<Marker>, AdminError> {
    let mut markers = before.to_vec();
    for name in &args.delete {
        let count = markers.len();
        markers.retain(|marker| marker.name != *name);
        if markers.len() == count {
            return Err(AdminError::Nothing(format!(
                "no marker is called '{}'; `heliostat markers` lists them",
                name.escape_debug()
            )));
        }
    }
    for line in &args.add {
        let added = parse(line, &args.delimiter)?;
        // One of that name is replaced.
        match markers.iter_mut().find(|marker| marker.name == added.name) {
            Some(known) => *known = added,
            None => markers.push(added),
        }
    }
    Ok(markers)
}

/// The line for the events.
fn what(before: &[Marker], after: &[Marker]) -> String {
    let names = |of: &[Marker], without: &[Marker]| -> Vec<String> {
        let changed = of.iter().filter(|marker| !without.contains(marker));
        changed.map(|marker| marker.name.clone()).collect()
    };
    let (gone, new) = (names(before, after), names(after, before));
    format!("markers: before {}; now {}", listed(&gone), listed(&new))
}

fn listed(names: &[String]) -> String {
    match names.is_empty() {
        true => "nothing".to_owned(),
        false => names.join(", "),
    }
}
