//! Prints facts from the databases of all sites, for Prometheus.

use super::args::MetricsArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::overview::facts::facts;
use crate::db::stats::open_stats_reader;
use crate::db::stats::sums::totals;
use crate::db::{DbError, open_reader};
use crate::domain::metric::exposition::{Exposition, MetricFormat};
use crate::domain::metric::facts::{self, DatabaseFacts};
use crate::domain::metric::name;
use crate::program::exit::{Exit, chain};
use crate::program::replacement::replace_file;

/// node_exporter runs as another user.
const MODE: u32 = 0o644;

/// Runs `metrics`.
///
/// # Errors
/// Returns [`AdminError::File`] if the file cannot be written. A database that cannot be read is a
/// metric.
pub(in crate::admin) fn metrics(
    session: &mut Session,
    args: &MetricsArgs,
) -> Result<Exit, AdminError> {
    let mut text = Exposition::new(MetricFormat::Prometheus);
    let version = env!("CARGO_PKG_VERSION");
    text.sample(name::BUILD_INFO, &[("version", version)], 1.0);
    let mut told = Vec::new();
    for site in &session.config.sites {
        let read = open_reader(&site.database);
        let read = read.and_then(|reader| facts(&reader, &site.name, session.now));
        told.push(read.unwrap_or_else(|error| {
            log::warn!("site {}: {}", site.name, chain(&error));
            DatabaseFacts {
                site: site.name.clone(),
                ..DatabaseFacts::default()
            }
        }));
    }
    for site in &session.config.sites {
        let read = open_stats_reader(&site.stats.database).and_then(|reader| totals(&reader));
        match read {
            Ok(totals) => {
                for (column, requests) in totals {
                    let labels = [("site", &*site.name), ("column", &*column)];
                    text.sample(name::REQUESTS, &labels, requests as f64);
                }
            }
            Err(DbError::NoStats { .. }) => {}
            Err(error) => log::warn!("site {}: {}", site.name, chain(&error)),
        }
    }
    facts::write(&mut text, &told);
    let text = text.end();
    match &args.textfile {
        None => session.console.lines(&text)?,
        Some(path) => {
            replace_file(path, text.as_bytes(), MODE).map_err(|source| AdminError::File {
                doing: "write",
                path: path.clone(),
                source,
            })?;
        }
    }
    Ok(match told.iter().all(|site| site.is_up) {
        true => Exit::Ok,
        false => Exit::Partial,
    })
}
