//! Runs `new`.

use super::locate::{self, LocateError, Survey};
use super::outcome::ChangeOutcome;
use super::sheet;
use crate::admin::args::{NewArgs, NewCacheArgs};
use crate::admin::error::{AdminError, ArgumentError};
use crate::admin::session::Session;
use crate::config::SiteConfig;
use crate::db::mirror::{self, MirrorRecord};
use crate::db::mirror_cache::CacheRecord;
use crate::db::open::Queryable;
use crate::db::{DbError, open_reader};
use crate::domain::cache::VersionKey;
use crate::domain::mirror::{MirrorKind, value};
use crate::domain::time::ctime;
use crate::domain::url::mask_password;
use crate::program::exit::Exit;

/// Adds a mirror, disabled; what is not said of its place is looked up.
///
/// # Errors
/// [`AdminError::Value`] names the option; [`AdminError::Db`], also when the name is taken.
pub fn new(session: &mut Session, args: &NewArgs) -> Result<Exit, AdminError> {
    let mut record = record(args)?;
    refuse_signed(&session.site, &record)?;
    let flags = args.beyond.flags;
    // Known names are refused before anything is resolved.
    let database = &session.site.database;
    let writer = if !flags.dry_run {
        let writer = session.writer()?;
        refuse_known(&writer, &record.identifier)?;
        Some(writer)
    } else {
        // The first mirror makes the database.
        if database.exists() {
            refuse_known(&open_reader(database)?, &record.identifier)?;
        }
        None
    };
    let located = locate::fill(&mut record, &session.site);
    let added = format!("Added - {}", ctime(session.now));
    record.append_comment(&added);
    let what = format!("added {}", record.identifier);
    if let Some(mut writer) = writer {
        writer.transaction(|transaction| {
            let id = mirror::insert(transaction, &record)?;
            session.event(transaction, Some(id), &what)
        })?;
    }
    let outcome = ChangeOutcome {
        mirror: record.identifier.clone(),
        what: Some(what),
        line: added_line(&record, located),
    };
    outcome.say(session, flags)?;
    for problem in record.check().1 {
        log::warn!("{}: {problem}", record.identifier);
    }
    Ok(Exit::Ok)
}

/// Message about a new mirror: its place, and the next step.
fn added_line(record: &MirrorRecord, located: Result<Option<Survey>, LocateError>) -> String {
    let name = &record.identifier;
    let mut place = Vec::new();
    match located {
        Ok(Some(survey)) => {
            let addresses = survey.addresses.iter();
            let addresses: Vec<String> = addresses.map(|(ip, _)| ip.to_string()).collect();
            let verb = if addresses.len() == 1 { "is" } else { "are" };
            place.push(format!("{} {verb} in", addresses.join(", ")));
            survey.warn_of_differences(name, |_| true);
        }
        Ok(None) => {}
        Err(problem) => log::warn!("{name}: its place is not looked up: {problem}"),
    }
    place.extend([&record.region, &record.country].into_iter().cloned());
    place.extend(
        record
            .latitude
            .zip(record.longitude)
            .map(|(a, b)| format!("{a},{b}")),
    );
    if record.asn != 0 {
        place.push(format!("AS{}", record.asn));
    }
    place.retain(|part| !part.is_empty());
    let next = match (record.kind, record.is_never_scanned()) {
        (MirrorKind::Cache, _) => {
            format!("`heliostat enable {name}`, then `heliostat-probe {name}` looks at it.")
        }
        (MirrorKind::Mirror, true) => format!(
            "with country '**' it is never scanned, so it has no files; if it is a cache, \
             `heliostat edit {name} --set kind=cache` says so."
        ),
        (MirrorKind::Mirror, false) => format!("`heliostat scan -e {name}` scans and enables."),
    };
    let line = format!("{name}: added, disabled; {next}");
    match place.is_empty() {
        true => line,
        false => format!("{line} ({})", place.join(" ")),
    }
}

/// A signature and a version in one query would make each redirect a new object.
///
/// # Errors
/// Returns [`AdminError::Value`] if a value cannot be used.
pub fn refuse_signed(site: &SiteConfig, record: &MirrorRecord) -> Result<(), AdminError> {
    let is_cache = record.kind == MirrorKind::Cache;
    if is_cache && record.cache.version_key == VersionKey::Query && site.signs() {
        return refused("versionKey", ArgumentError::Signed);
    }
    Ok(())
}

/// Refuses a name that another mirror has.
///
/// # Errors
/// Returns [`DbError::DuplicateIdentifier`] if there is such a mirror; [`DbError::Sql`] if the
/// database cannot be read.
pub fn refuse_known(database: &impl Queryable, name: &str) -> Result<(), DbError> {
    match mirror::find(database, name) {
        Ok(_) => Err(DbError::DuplicateIdentifier(name.to_owned())),
        Err(DbError::NoSuchMirror(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Stores what an option says in its field.
fn set(
    record: &mut MirrorRecord,
    (option, key): (&str, &str),
    text: &str,
) -> Result<(), AdminError> {
    let field = sheet::find_field(key, record, text)?;
    field
        .set(record, text)
        .map_err(|problem| AdminError::Value {
            key: option.to_owned(),
            problem: problem.into(),
        })
}

fn refused<T>(option: &str, problem: ArgumentError) -> Result<T, AdminError> {
    Err(AdminError::Value {
        key: option.to_owned(),
        problem,
    })
}

fn record(args: &NewArgs) -> Result<MirrorRecord, AdminError> {
    let name = value::identifier(&args.identifier).map_err(|problem| AdminError::Value {
        key: "IDENTIFIER".to_owned(),
        problem: problem.into(),
    })?;
    let mut record = MirrorRecord::new(&name);
    if args.http.is_empty() {
        return refused("--http", ArgumentError::NoBaseUrl);
    }
    for (option, key, text) in [
        ("--http", "base_url", &args.http),
        ("--ftp", "ftp_url", &args.ftp),
        ("--rsync", "rsync_url", &args.rsync),
        ("--region", "region", &args.region),
        ("--country", "country", &args.country),
        ("--admin", "admin", &args.admin),
        ("--admin-email", "admin_email", &args.admin_email),
        ("--operator-name", "operator_name", &args.operator_name),
        ("--operator-url", "operator_url", &args.operator_url),
    ] {
        set(&mut record, (option, key), text)?;
    }
    record.comment.clone_from(&args.comment);
    if let Some(score) = args.score.as_ref().or(args.prio.as_ref()) {
        set(&mut record, ("--score", "score"), score)?;
    }
    record.prefix_only = args.prefix_only;
    record.as_only = args.as_only;
    record.country_only = args.country_only;
    record.region_only = args.region_only;
    fill_beyond(&mut record, args)?;
    for pair in &args.beyond.set {
        let (key, value) = sheet::assignment("--set", pair)?;
        set(&mut record, (key, key), value)?;
    }
    refuse_useless(&record, &args.beyond.cache)?;
    Ok(record)
}

fn fill_beyond(record: &mut MirrorRecord, args: &NewArgs) -> Result<(), AdminError> {
    let args = &args.beyond;
    if let Some(https) = &args.https {
        if !https.to_ascii_lowercase().starts_with("https://") {
            return refused("--https", ArgumentError::NoHttps(mask_password(https)));
        }
        set(record, ("--https", "further_base_urls"), https)?;
    }
    set(
        record,
        ("--prefix", "further_prefixes"),
        &args.prefix.join(" "),
    )?;
    if !record.further_prefixes.is_empty() {
        record.prefix = record.further_prefixes.remove(0);
    }
    set(record, ("--asn", "further_asns"), &args.asn.join(" "))?;
    if !record.further_asns.is_empty() {
        let main = record.further_asns.remove(0);
        set(record, ("--asn", "asn"), &main)?;
    }
    record.ipv6_only = args.ipv6_only;
    record.private = args.private;
    if let (Some(lat), Some(lng)) = (&args.lat, &args.lng) {
        set(record, ("--lat, --lng", "lat,lng"), &format!("{lat},{lng}"))?;
    }
    for (option, key, text) in [
        ("--kind", "kind", &args.kind),
        (
            "--other-countries",
            "other_countries",
            &args.other_countries,
        ),
        ("--file-maxsize", "file_maxsize", &args.file_maxsize),
    ] {
        set(record, (option, key), text)?;
    }
    let args = &args.cache;
    if let Some(ttl) = &args.cache_ttl {
        set(record, ("--cache-ttl", "cache_ttl_s"), ttl)?;
    }
    if let Some(key) = &args.version_key {
        set(record, ("--version-key", "version_key"), key)?;
    }
    for (option, key, texts) in [
        ("--fill-networks", "fill_networks", &args.fill_networks),
        ("--cache-paths", "cache_paths", &args.cache_paths),
        ("--cache-exclude", "cache_exclude", &args.cache_exclude),
    ] {
        set(record, (option, key), &texts.join(" "))?;
    }
    Ok(())
}

/// Refuses what would have no effect.
fn refuse_useless(record: &MirrorRecord, args: &NewCacheArgs) -> Result<(), AdminError> {
    let has_network = !record.prefix.is_empty() || record.asn != 0;
    if record.private && !has_network {
        return refused("--private", ArgumentError::NobodyIsSent);
    }
    let is_of_caches = args.cache_ttl.is_some()
        || args.version_key.is_some()
        || record.cache != CacheRecord::default();
    if is_of_caches && record.kind == MirrorKind::Mirror {
        return refused("--kind", ArgumentError::OfCaches);
    }
    Ok(())
}
