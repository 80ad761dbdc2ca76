//! `new`.

use super::change::append_comment;
use super::locate;
use super::value;
use crate::admin::args::{NewArgs, NewCacheArgs};
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::config::SiteConfig;
use crate::db::mirror::{self, MirrorRecord};
use crate::db::{DbError, Writer};
use crate::domain::cache::VersionKey;
use crate::domain::mirror::MirrorKind;
use crate::domain::time::ctime;
use crate::program::exit::Exit;

/// Adds a mirror, disabled; what is not said of its place is looked up.
///
/// # Errors
/// [`AdminError::Value`] names the option; [`AdminError::Db`], also when the name is taken.
pub fn new(session: &mut Session, args: &NewArgs) -> Result<Exit, AdminError> {
    let mut record = record(args)?;
    refuse_signed(&session.site, &record)?;
    let mut writer = session.writer()?;
    // Known names are refused before anything is resolved.
    refuse_known(&writer, &record.identifier)?;
    let located = locate::fill(&mut record, &session.site);
    let added = format!("Added - {}", ctime(session.now));
    append_comment(&mut record, &added);
    writer.transaction(|transaction| {
        let id = mirror::insert(transaction, &record)?;
        session.event(
            transaction,
            Some(id),
            &format!("added {}", record.identifier),
        )
    })?;
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
    let mut line = format!("{name}: added, disabled; {next}");
    if !place.is_empty() {
        line = format!("{line} ({})", place.join(" "));
    }
    session.console.line(line)?;
    Ok(Exit::Ok)
}

/// A signature and a version in one query would make each redirect a new object.
///
/// # Errors
/// [`AdminError::Value`].
pub fn refuse_signed(site: &SiteConfig, record: &MirrorRecord) -> Result<(), AdminError> {
    let is_cache = record.kind == MirrorKind::Cache;
    if is_cache && record.cache.version_key == VersionKey::Query && site.signs() {
        return Err(AdminError::Value {
            key: "versionKey".to_owned(),
            problem: "the site signs redirects (redirect_stamp_key), which is a query, too; \
                      write none or path"
                .to_owned(),
        });
    }
    Ok(())
}

fn refuse_known(writer: &Writer, name: &str) -> Result<(), DbError> {
    match mirror::find(writer, name) {
        Ok(_) => Err(DbError::DuplicateIdentifier(name.to_owned())),
        Err(DbError::NoSuchMirror(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

fn checked<T>(option: &str, value: Result<T, value::ValueProblem>) -> Result<T, AdminError> {
    value.map_err(|problem| AdminError::Value {
        key: option.to_owned(),
        problem,
    })
}

fn record(args: &NewArgs) -> Result<MirrorRecord, AdminError> {
    let name = checked("IDENTIFIER", value::identifier(&args.identifier))?;
    let mut record = MirrorRecord::new(&name);
    if args.http.is_empty() {
        return checked("--http", Err("a mirror needs a base URL".to_owned()));
    }
    record.base_url = checked("--http", value::base_url(&args.http))?;
    record.ftp_url = checked("--ftp", value::ftp_url(&args.ftp))?;
    record.rsync_url = checked("--rsync", value::rsync_url(&args.rsync))?;
    record.region = checked("--region", value::region(&args.region))?;
    record.country = checked("--country", value::country(&args.country))?;
    record.admin = checked("--admin", value::text(&args.admin))?;
    record.admin_email = checked("--admin-email", value::text(&args.admin_email))?;
    record.operator_name = checked("--operator-name", value::text(&args.operator_name))?;
    record.operator_url = checked("--operator-url", value::text(&args.operator_url))?;
    record.comment.clone_from(&args.comment);
    if let Some(score) = args.score.as_ref().or(args.prio.as_ref()) {
        record.score = checked("--score", value::score(score))?;
    }
    record.prefix_only = args.prefix_only;
    record.as_only = args.as_only;
    record.country_only = args.country_only;
    record.region_only = args.region_only;
    fill_beyond(&mut record, args)?;
    Ok(record)
}

fn fill_beyond(record: &mut MirrorRecord, args: &NewArgs) -> Result<(), AdminError> {
    let args = &args.beyond;
    if let Some(https) = &args.https {
        let url = checked("--https", value::base_url(https))?;
        if !url.to_ascii_lowercase().starts_with("https://") {
            return checked(
                "--https",
                Err(format!("'{url}' does not begin with https://")),
            );
        }
        record.further_base_urls.push(url);
    }
    let mut prefixes = Vec::new();
    for prefix in &args.prefix {
        prefixes.extend(checked("--prefix", value::further_prefixes(prefix))?);
    }
    let mut asns = Vec::new();
    for asn in &args.asn {
        asns.extend(checked("--asn", value::further_asns(asn))?);
    }
    if !prefixes.is_empty() {
        record.prefix = prefixes.remove(0);
        record.further_prefixes = prefixes;
    }
    if !asns.is_empty() {
        record.asn = checked("--asn", value::asn(&asns.remove(0)))?;
        record.further_asns = asns;
    }
    record.kind = checked("--kind", value::kind(&args.kind))?;
    record.ipv6_only = args.ipv6_only;
    record.private = args.private;
    if record.private && record.prefix.is_empty() && record.asn == 0 {
        let problem = "a private mirror needs --prefix or --asn, or no client is sent there";
        return checked("--private", Err(problem.to_owned()));
    }
    if let (Some(lat), Some(lng)) = (&args.lat, &args.lng) {
        let place = checked("--lat, --lng", value::coordinates(&format!("{lat},{lng}")))?;
        (record.latitude, record.longitude) = place.unzip();
    }
    record.other_countries = checked("--other-countries", value::countries(&args.other_countries))?;
    record.file_maxsize = checked("--file-maxsize", value::bytes(&args.file_maxsize))?;
    fill_cache(record, &args.cache)
}

fn fill_cache(record: &mut MirrorRecord, args: &NewCacheArgs) -> Result<(), AdminError> {
    if let Some(ttl) = &args.cache_ttl {
        record.cache.ttl_s = checked("--cache-ttl", value::seconds(ttl))?;
    }
    if let Some(key) = &args.version_key {
        record.cache.version_key = checked("--version-key", value::version_key(key))?;
    }
    let networks = args.fill_networks.join(" ");
    record.cache.fill_networks = checked("--fill-networks", value::networks(&networks))?;
    let (paths, exclude) = (args.cache_paths.join(" "), args.cache_exclude.join(" "));
    record.cache.paths = checked("--cache-paths", value::path_patterns(&paths))?;
    record.cache.exclude = checked("--cache-exclude", value::path_patterns(&exclude))?;
    let is_said = args.cache_ttl.is_some()
        || args.version_key.is_some()
        || !(networks.is_empty() && paths.is_empty() && exclude.is_empty());
    if is_said && record.kind == MirrorKind::Mirror {
        let problem = "options of caches say nothing of a mirror; add --kind cache";
        return checked("--kind", Err(problem.to_owned()));
    }
    Ok(())
}
