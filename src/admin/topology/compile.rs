//! Runs `topology compile`: makes a table of networks from routing data.

use std::path::Path;

use serde_json::{Value, json};

use super::input::{InputReader, InputReport};
use super::table_file::read_table;
use crate::admin::args::TopologyCompileArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::domain::document::mirror_list::readable_size;
use crate::domain::topology::{NetworkForm, NetworkSet, NetworkTable};
use crate::program::exit::Exit;
use crate::program::replacement::replace_file;

/// With a smaller share of the old table's networks, the new table was made from cut files.
const SHARE_MIN_PERCENT: u64 = 80;

/// Everybody may read a table: its sources are public.
const TABLE_MODE: u32 = 0o644;

/// Makes a table and replaces the old one.
pub(super) fn compile(
    session: &mut Session,
    args: &TopologyCompileArgs,
) -> Result<Exit, AdminError> {
    let mut set = NetworkSet::default();
    let mut reports = Vec::new();
    for path in &args.networks {
        let total = std::fs::metadata(path).map_or(0, |file| file.len());
        let bar = session.progress.bytes_bar("reading", total);
        let report = InputReader::new(&mut set, args.label_peer).read(path, &bar)?;
        reports.push((path.as_path(), report));
    }
    let table = set.table(session.now.0);
    if !args.force {
        check_size(&table, &args.output)?;
    }
    let bytes = table.to_bytes();
    if !args.dry_run {
        replace_file(&args.output, &bytes, TABLE_MODE).map_err(|source| AdminError::File {
            doing: "write",
            path: args.output.clone(),
            source,
        })?;
    }
    match args.json {
        true => session
            .console
            .json(&values(args, &table, bytes.len(), &reports))?,
        false => tell(session, args, (&table, bytes.len()), &reports)?,
    }
    Ok(Exit::Ok)
}

/// Refuses a table that has much fewer networks than the one that it would replace.
fn check_size(table: &NetworkTable, output: &Path) -> Result<(), AdminError> {
    // A table that is missing or damaged is there to be replaced.
    let Ok(old) = read_table(output) else {
        return Ok(());
    };
    let (new, old) = (table.networks(), old.networks());
    if new * 100 >= old * SHARE_MIN_PERCENT {
        return Ok(());
    }
    Err(AdminError::InputFile {
        file: output.to_owned(),
        problem: format!(
            "the table has {old} networks and the new one would have {new}: a file may be cut; \
             look at them, or add --force"
        ),
    })
}

fn name(report: &InputReport) -> &'static str {
    match report.form {
        _ if report.is_mrt => "mrt",
        NetworkForm::Pfx2as => "pfx2as",
        NetworkForm::Iptoasn => "iptoasn",
        NetworkForm::Bgpdump => "bgpdump",
        NetworkForm::Plain => "plain",
    }
}

fn values(
    args: &TopologyCompileArgs,
    table: &NetworkTable,
    bytes: usize,
    reports: &[(&Path, InputReport)],
) -> Value {
    let file = |(path, report): &(&Path, InputReport)| {
        json!({
            "file": path.to_string_lossy(),
            "form": name(report),
            "lines": report.lines,
            "networks": report.counts.networks,
            "host_bits": report.counts.host_bits,
            "defaults": report.counts.defaults,
            "too_long": report.counts.too_long,
            "unrouted": report.counts.unrouted,
            "labels_dropped": report.counts.labels_dropped,
            "bad_lines": report.bad_lines,
            "first_bad_lines": report.first_bad,
        })
    };
    json!({
        "table": args.output.to_string_lossy(),
        "networks": table.networks(),
        "systems": table.systems(),
        "labels": table.labels(),
        "bytes": bytes,
        "dry_run": args.dry_run,
        "files": reports.iter().map(file).collect::<Vec<Value>>(),
    })
}

fn tell(
    session: &mut Session,
    args: &TopologyCompileArgs,
    (table, bytes): (&NetworkTable, usize),
    reports: &[(&Path, InputReport)],
) -> Result<(), AdminError> {
    for (path, report) in reports {
        let counts = &report.counts;
        let notes = [
            (counts.host_bits, "with host bits, which were cleared"),
            (counts.defaults, "of all addresses, left out"),
            (counts.too_long, "longer than /64, left out"),
            (counts.unrouted, "private or reserved, left out"),
            (
                counts.labels_dropped,
                "without their label: there are too many",
            ),
        ];
        let notes = notes.iter().filter(|(count, _)| *count > 0);
        let notes: String = notes
            .map(|(count, note)| format!(", {count} {note}"))
            .collect();
        let networks = counts.networks;
        session.console.line(format!(
            "{}: {}, {networks} networks{notes}",
            path.display(),
            name(report)
        ))?;
        if report.bad_lines > 0 {
            let first: Vec<String> = report.first_bad.iter().map(u64::to_string).collect();
            session.console.line(format!(
                "  {} lines cannot be read; first ones: {}",
                report.bad_lines,
                first.join(", ")
            ))?;
        }
    }
    session.console.line(format!(
        "{} {} {} networks of {} AS, {} labels, {}",
        args.output.display(),
        if args.dry_run { "would have" } else { "has" },
        table.networks(),
        table.systems(),
        table.labels(),
        readable_size(bytes as u64),
    ))
}
