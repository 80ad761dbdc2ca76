//! Runs `topology check` and `topology lookup`.

use serde_json::json;

use super::table_file::{read_table, table_path};
use crate::admin::args::{TopologyCheckArgs, TopologyLookupArgs};
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::program::exit::Exit;

/// A table of this age in days is old: each day, some networks change their AS.
const AGE_DAYS_MAX: i64 = 14;

const DAY_S: i64 = 86_400;

/// Checks a table and prints its age and its counts.
pub(super) fn check(session: &mut Session, args: &TopologyCheckArgs) -> Result<Exit, AdminError> {
    let path = table_path(session, args.table.as_ref())?;
    let table = read_table(&path)?;
    let age_days = (session.now.0 - table.made_at()).max(0) / DAY_S;
    let exit = match age_days {
        ..=AGE_DAYS_MAX => Exit::Ok,
        _ => Exit::Partial,
    };
    if args.json {
        session.console.json(&json!({
            "table": path.to_string_lossy(),
            "networks": table.networks(),
            "systems": table.systems(),
            "labels": table.labels(),
            "made_at": table.made_at(),
            "age_days": age_days,
        }))?;
        return Ok(exit);
    }
    session.console.line(format!(
        "{}: {} networks of {} AS, {} labels, made {age_days} days ago",
        path.display(),
        table.networks(),
        table.systems(),
        table.labels(),
    ))?;
    if exit == Exit::Partial {
        session.console.line(format!(
            "It is older than {AGE_DAYS_MAX} days: load new routing data and run `heliostat \
             topology compile`."
        ))?;
    }
    Ok(exit)
}

/// Shows the network, the AS and the label of an address.
pub(super) fn lookup(session: &mut Session, args: &TopologyLookupArgs) -> Result<Exit, AdminError> {
    let path = table_path(session, args.table.as_ref())?;
    let table = read_table(&path)?;
    let Some(found) = table.find(args.ip.to_canonical()) else {
        let (path, ip) = (path.display(), args.ip);
        return Err(AdminError::Nothing(format!(
            "{path}: no network contains {ip}"
        )));
    };
    let name = found.asn.and_then(|asn| table.name(asn));
    if args.json {
        session.console.json(&json!({
            "ip": args.ip.to_string(),
            "network": found.network.to_string(),
            "asn": found.asn.map(|asn| asn.number()),
            "name": name,
            "label": found.label,
            "table": path.to_string_lossy(),
        }))?;
        return Ok(Exit::Ok);
    }
    session.console.line(format!("network {}", found.network))?;
    if let Some(asn) = found.asn {
        let name = name.map(|name| format!(" {name}")).unwrap_or_default();
        session.console.line(format!("AS      {asn}{name}"))?;
    }
    if let Some(label) = found.label {
        session.console.line(format!("label   {label}"))?;
    }
    Ok(Exit::Ok)
}
