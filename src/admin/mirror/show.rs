//! Runs `show` and `instances`.

use std::io::Write;

use serde_json::{Value, json};

use super::{mirror_json, sheet};
use crate::admin::args::{InstancesArgs, ShowArgs};
use crate::admin::error::AdminError;
use crate::admin::report::trace;
use crate::admin::session::{Session, find_mirror};
use crate::db::{catalogue, content, mirror_trace};
use crate::domain::mirror::MirrorKind;
use crate::program::exit::Exit;

/// Shows all that is known of a mirror.
///
/// # Errors
/// Returns [`AdminError::Lookup`] if the name means no mirror or several mirrors, and
/// [`AdminError::Db`] if the database cannot be read or written.
pub fn show(session: &mut Session, args: &ShowArgs) -> Result<Exit, AdminError> {
    let reader = session.reader()?;
    let record = find_mirror(&reader, &args.identifier)?;
    if args.json {
        let value = mirror_json::mirror(&reader, &record)?;
        session.console.line(format!("{value:#}"))?;
        return Ok(Exit::Ok);
    }
    let published = content::load(&reader, record.id)?;
    let last_scan = mirror_json::last_scan(&reader, &record)?;
    let pending = content::pending(&reader, record.id)?;
    let traced = mirror_trace::load(&reader, record.id)?;
    let (generation, now) = (catalogue::generation(&reader)?, session.now);
    let out = session.console.out();
    writeln!(out, "{}", sheet::field_lines(&record))?;
    let mut line = |label: &str, value: &str| writeln!(out, "{}", sheet::line(label, value));
    line("id", &record.id.to_string())?;
    line("lastScan", &last_scan)?;
    line("scanFpm", &record.scan_fpm.to_string())?;
    if let Some(published) = published {
        let origin = &published.origin;
        line("files", &published.content.current.len().to_string())?;
        line(
            "outdatedFiles",
            &published.content.outdated.len().to_string(),
        )?;
        line("unknownFiles", &origin.unknown_files.to_string())?;
        line("learnt", &format!("{} by {}", origin.at, origin.by))?;
    } else if record.kind == MirrorKind::Cache {
        line("files", "all, when they are asked for")?;
    } else {
        line("files", "never scanned")?;
    }
    if let Some(pending) = pending {
        line(
            "heldBack",
            &format!("scan of {}: {}", pending.seen_at, pending.reason),
        )?;
    }
    if let Some(stored) = traced {
        let said = trace::said(&stored.trace, generation, now);
        line("trace", if said.is_empty() { "no time" } else { &said })?;
        for note in trace::differences(&record, &stored.trace) {
            line("traceNote", &note)?;
        }
    }
    for problem in record.check().1 {
        line("problem", &problem)?;
    }
    write!(out, "{}", sheet::comment_block(&record))?;
    Ok(Exit::Ok)
}

/// Names the sites.
///
/// # Errors
/// Returns [`AdminError::Console`] if the output cannot be written.
pub fn instances(session: &mut Session, args: &InstancesArgs) -> Result<Exit, AdminError> {
    if args.json {
        let sites = session.config.sites.iter();
        let sites = sites.map(|s| json!({ "name": s.name, "database": s.database }));
        let sites = Value::Array(sites.collect());
        session.console.json(&sites)?;
        return Ok(Exit::Ok);
    }
    let names: Vec<String> = session
        .config
        .sites
        .iter()
        .map(|s| s.name.clone())
        .collect();
    for name in names {
        session.console.line(name)?;
    }
    Ok(Exit::Ok)
}
