//! Runs `uptake`: how many mirrors, by their scores, have the files of a product.

use serde_json::json;

use super::file::files;
use crate::admin::args::UptakeArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::product;
use crate::domain::path::FilePath;
use crate::domain::place::RegionCode;
use crate::domain::product::Product;
use crate::domain::select::Holdings;
use crate::domain::select::set::WORD_BITS;
use crate::program::exit::Exit;
use crate::snapshot::{Loader, Snapshot, SnapshotChange};

/// The sums of scores of a product's files.
pub(super) struct Uptake {
    /// The product's name.
    pub product: String,
    /// The sum of all scores.
    pub total: u64,
    /// Each file with the sum of the scores of the mirrors that have it.
    pub files: Vec<(String, FilePath, u64)>,
}

impl Uptake {
    /// The smallest sum of all files; 0 without any.
    pub fn available(&self) -> u64 {
        self.files
            .iter()
            .map(|(_, _, available)| *available)
            .min()
            .unwrap_or(0)
    }

    /// The same as a percentage, rounded down.
    pub fn percent(&self) -> u64 {
        self.available() * 100 / self.total.max(1)
    }
}

/// Shows the uptake of a product.
///
/// # Errors
/// Returns [`AdminError::Nothing`] if there is no such product, [`AdminError::Usage`] if the
/// word for the continent is unknown, and [`AdminError::Db`] if the database cannot be read.
pub fn uptake(session: &mut Session, args: &UptakeArgs) -> Result<Exit, AdminError> {
    let region = args.region.as_deref().map(|text| {
        RegionCode::parse(text.as_bytes()).ok_or_else(|| {
            let text = text.escape_debug();
            AdminError::Usage(format!(
                "--region: '{text}' is no continent; write one such as eu"
            ))
        })
    });
    let found = measure(session, &args.name, region.transpose()?)?;
    if args.json {
        let files = found.files.iter().map(|(os, path, available)| {
            json!({ "os": os, "path": path.to_string(), "available": available })
        });
        session.console.json(&json!({
            "product": found.product,
            "available": found.available(),
            "total": found.total,
            "percent": found.percent(),
            "files": files.collect::<Vec<_>>(),
        }))?;
    } else {
        for (os, path, available) in &found.files {
            session
                .console
                .line(format!("{available:>8}  {os}  {path}"))?;
        }
        let (available, total, percent) = (found.available(), found.total, found.percent());
        let name = &found.product;
        session
            .console
            .line(format!("{name}: {available} of {total} ({percent} %)"))?;
    }
    let is_enough = args.min.is_none_or(|min| found.percent() >= u64::from(min));
    Ok(if is_enough { Exit::Ok } else { Exit::Partial })
}

/// Measures the uptake of a product or alias.
pub(super) fn measure(
    session: &Session,
    name: &str,
    region: Option<RegionCode>,
) -> Result<Uptake, AdminError> {
    let reader = session.reader()?;
    let table = product::table(&reader)?;
    let Some((product, _)) = table.find(name) else {
        let name = name.escape_debug();
        return Err(AdminError::Nothing(format!(
            "there is no product '{name}'; `heliostat product list` lists them"
        )));
    };
    let files = files(&reader, product)?;
    let snapshot = match Loader::new(&session.site.database).poll()? {
        SnapshotChange::New(snapshot) => snapshot,
        SnapshotChange::None => {
            return Err(AdminError::Nothing(
                "the database has not been read".to_owned(),
            ));
        }
    };
    let files = files.into_iter().map(|file| {
        let available = available(&snapshot, &file.path, region);
        (file.os, file.path, available)
    });
    Ok(Uptake {
        files: files.collect(),
        product: Product::clone(product).name,
        total: scores(&snapshot, region, |_| true),
    })
}

fn available(snapshot: &Snapshot, path: &FilePath, region: Option<RegionCode>) -> u64 {
    let Some(known) = snapshot.find(path.as_bytes()) else {
        return 0;
    };
    let holdings = snapshot.holdings(known.id);
    let has = |place: usize| holdings.word(place / WORD_BITS) >> (place % WORD_BITS) & 1 == 1;
    let is_cache = |place: usize| snapshot.roster.caches().contains(place);
    scores(snapshot, region, |place| has(place) || is_cache(place))
}

/// The sum of the scores of usable mirrors.
fn scores(snapshot: &Snapshot, region: Option<RegionCode>, has: impl Fn(usize) -> bool) -> u64 {
    let mirrors = snapshot.roster.mirrors();
    let is_there = |place: &usize| region.is_none() || mirrors[*place].region == region;
    let usable = snapshot.roster.usable().iter().filter(is_there);
    usable
        .filter(|place| has(*place))
        .map(|place| u64::from(mirrors[place].score))
        .sum()
}
