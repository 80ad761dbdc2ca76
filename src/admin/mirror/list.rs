//! `list`.

use std::io::Write;

use serde_json::Value;

use super::mirror_json;
use crate::admin::args::ListArgs;
use crate::admin::error::AdminError;
use crate::admin::session::{Session, fitting_mirrors};
use crate::db::content;
use crate::db::mirror::{self, MirrorRecord};
use crate::db::open::Queryable;
use crate::domain::url::mask_password;
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
/// [`AdminError::Lookup`], [`AdminError::Db`].
pub fn list(session: &mut Session, args: &ListArgs) -> Result<Exit, AdminError> {
    let reader = session.reader()?;
    let mut mirrors = match &args.identifier {
        Some(wanted) => fitting_mirrors(&reader, wanted)?,
        None => mirror::all(&reader)?,
    };
    let all = mirrors.len();
    mirrors.retain(|mirror| is_listed(mirror, args));
    if mirrors.is_empty() && all > 0 {
        log::warn!("none of {all} mirrors is listed; -a lists disabled ones, too");
    }
    if args.json {
        let values: Result<Vec<Value>, AdminError> = mirrors
            .iter()
            .map(|mirror| mirror_json::mirror(&reader, mirror))
            .collect();
        session
            .console
            .line(format!("{:#}", Value::Array(values?)))?;
        return Ok(Exit::Ok);
    }
    let columns = columns(&reader, &mirrors, args)?;
    let out = session.console.out();
    for row in 0..mirrors.len() {
        writeln!(out, "{}", row_text(&columns, row))?;
    }
    Ok(Exit::Ok)
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

fn flag(name: &str, value: bool) -> String {
    format!("{name}={}", if value { "True" } else { "False" })
}

/// The columns in `mb`'s order, none narrower than in `mb`.
fn columns(
    database: &impl Queryable,
    mirrors: &[MirrorRecord],
    args: &ListArgs,
) -> Result<Vec<Column>, AdminError> {
    type Cell = fn(&MirrorRecord) -> String;
    let plain: [(bool, usize, bool, Cell); 15] = [
        (true, 30, false, |m| m.identifier.clone()),
        (args.prio, 3, true, |m| m.score.to_string()),
        (args.region, 2, false, |m| m.region.clone()),
        (args.country, 2, false, |m| m.country.clone()),
        (args.other_countries, 2, false, |m| {
            m.other_countries.clone()
        }),
        (args.asn, 5, true, |m| m.asn.to_string()),
        (args.prefix, 19, false, |m| m.prefix.clone()),
        (args.http, 55, false, |m| mask_password(&m.base_url)),
        (args.ftp, 1, false, |m| mask_password(&m.ftp_url)),
        (args.rsync, 1, false, |m| mask_password(&m.rsync_url)),
        (args.region_only, 1, false, |m| {
            flag("region_only", m.region_only)
        }),
        (args.country_only, 1, false, |m| {
            flag("country_only", m.country_only)
        }),
        (args.as_only, 1, false, |m| flag("as_only", m.as_only)),
        (args.prefix_only, 1, false, |m| {
            flag("prefix_only", m.prefix_only)
        }),
        (args.private, 1, false, |m| flag("private", m.private)),
    ];
    let mut columns: Vec<Column> = plain
        .into_iter()
        .filter(|(wanted, ..)| *wanted)
        .map(|(_, width, right, cell)| column(width, right, mirrors.iter().map(cell).collect()))
        .collect();
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

fn column(width: usize, right: bool, cells: Vec<String>) -> Column {
    let longest = cells.iter().map(|cell| cell.chars().count()).max();
    Column {
        width: width.max(longest.unwrap_or(0)),
        right,
        cells,
    }
}
