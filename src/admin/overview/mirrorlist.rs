//! Runs `mirrorlist`: writes an overview of all mirrors, as text or as a page.
//!
//! # Security
//! The list is for everybody: private mirrors are never in it, and no URL has a login.

use regex::Regex;

use super::holding::MarkedFiles;
use super::page::{self, OverviewPage, OverviewRow};
use crate::admin::args::{ListFormat, MirrorlistArgs};
use crate::admin::error::{AdminError, ArgumentError};
use crate::admin::session::{Session, fitting_mirrors};
use crate::db::mirror::{self, MirrorRecord};
use crate::db::open::Queryable;
use crate::db::overview::marker::{self, Marker};
use crate::db::overview::place_name;
use crate::db::{Reader, content};
use crate::domain::mirror::MirrorKind;
use crate::domain::order::ShortList;
use crate::program::exit::Exit;
use crate::program::replacement::replace_file;

/// Web servers send the file, and run as another user.
const MODE: u32 = 0o644;

/// Writes the overview.
///
/// # Errors
/// Returns [`AdminError::Value`] if the expression cannot be used, [`AdminError::Lookup`] if the
/// name means no mirror, [`AdminError::File`] if a file cannot be read or written, and
/// [`AdminError::Db`] if the database cannot be read.
pub fn mirrorlist(session: &mut Session, args: &MirrorlistArgs) -> Result<Exit, AdminError> {
    let reader = session.reader()?;
    let markers = markers(&reader, args)?;
    if args.list_markers {
        for marker in &markers {
            let files: Vec<String> = marker.files.split_whitespace().map(quoted).collect();
            let line = format!("{:<20}    [{}]", marker.name, files.join(", "));
            session.console.line(line)?;
        }
        return Ok(Exit::Ok);
    }
    let mut rows = rows(session, &reader, args, &markers)?;
    if args.skip_empty {
        rows.retain(|row| row.has.contains(&true));
    }
    let text = match args.format {
        ListFormat::Txt => paragraphs(&rows, &markers),
        ListFormat::Txt2 => lines(&rows, &markers),
        ListFormat::Xhtml => page::write(&OverviewPage {
            rows: &rows,
            markers: &markers,
            names: &place_name::all(&reader)?,
            now: session.now,
            args,
        })?,
    };
    match &args.output {
        Some(path) => {
            replace_file(path, text.as_bytes(), MODE).map_err(|source| AdminError::File {
                doing: "write",
                path: path.clone(),
                source,
            })?;
        }
        None => session.console.exact(text.as_bytes())?,
    }
    Ok(Exit::Ok)
}

/// Whether lists for everybody have the mirror, unless it is private.
pub(in crate::admin) fn is_for_everybody(mirror: &MirrorRecord) -> bool {
    mirror.enabled && !mirror.prefix_only && !mirror.as_only && mirror.country != "**"
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.escape_debug())
}

/// The markers whose names match from their beginning.
fn markers(database: &impl Queryable, args: &MirrorlistArgs) -> Result<Vec<Marker>, AdminError> {
    let mut markers = marker::all(database)?;
    if let Some(filter) = &args.filter {
        let compiled = Regex::new(&format!("^(?:{filter})"));
        let compiled = compiled.map_err(|error| AdminError::Value {
            key: "--filter".to_owned(),
            problem: ArgumentError::Expression(last_line(&error.to_string())),
        })?;
        markers.retain(|marker| compiled.is_match(&marker.name));
    }
    Ok(markers)
}

/// The last of several lines, which names the problem.
fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim().to_owned()
}

/// The mirrors of the list in the order of place and operator.
fn rows(
    session: &Session,
    reader: &Reader,
    args: &MirrorlistArgs,
    markers: &[Marker],
) -> Result<Vec<OverviewRow>, AdminError> {
    let mut mirrors = match &args.identifier {
        Some(wanted) => fitting_mirrors(reader, wanted)?,
        None => mirror::all(reader)?,
    };
    if args.identifier.is_none() {
        mirrors.retain(is_for_everybody);
    }
    mirrors.retain(|m| {
        let is_private = session.site.law.is_private(&m.check().0);
        if is_private && args.identifier.is_some() {
            log::warn!("{} is private and left out", m.identifier);
        }
        !is_private
    });
    let place = |m: &MirrorRecord| {
        let (region, country) = (m.region.clone(), m.country.clone());
        (
            region,
            country,
            m.operator_name.clone(),
            m.identifier.clone(),
        )
    };
    mirrors.order_by_key(place);
    let marked = MarkedFiles::of(markers, reader)?;
    let mut rows = Vec::new();
    for mirror in mirrors {
        let has = match mirror.kind {
            MirrorKind::Cache => vec![true; marked.len()],
            MirrorKind::Mirror => {
                let held = content::current(reader, mirror.id)?;
                marked.iter().map(|files| files.are_in(&held)).collect()
            }
        };
        rows.push(OverviewRow { mirror, has });
    }
    Ok(rows)
}

/// An empty line, the mirror, and a line per marker.
fn paragraphs(rows: &[OverviewRow], markers: &[Marker]) -> String {
    let mut text = String::new();
    for row in rows {
        text.push_str(&format!("\n{}\n", row.mirror.identifier));
        for (marker, has) in markers.iter().zip(&row.has) {
            let sign = if *has { '+' } else { '-' };
            text.push_str(&format!("{sign}{}\n", marker.name));
        }
    }
    text
}

/// A line per mirror and marker that it has.
fn lines(rows: &[OverviewRow], markers: &[Marker]) -> String {
    let mut text = String::new();
    for row in rows {
        for (marker, _) in markers.iter().zip(&row.has).filter(|(_, has)| **has) {
            text.push_str(&format!("{}: {}\n", row.mirror.identifier, marker.name));
        }
    }
    text
}
