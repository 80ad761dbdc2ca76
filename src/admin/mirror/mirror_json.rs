//! A mirror as JSON.

use serde_json::{Value, json};

use crate::admin::error::AdminError;
use crate::admin::report::trace;
use crate::db::content::{self, PublishedContent};
use crate::db::mirror::MirrorRecord;
use crate::db::open::Queryable;
use crate::db::{catalogue, mirror_trace, run};
use crate::domain::mirror::MirrorKind;
use crate::domain::url::mask_password;

/// Every field under its name in the database (stars for passwords), how many files it has, and
/// what is wrong with it.
///
/// # Errors
/// [`AdminError::Db`].
pub fn mirror(database: &impl Queryable, record: &MirrorRecord) -> Result<Value, AdminError> {
    let content = content::load(database, record.id)?;
    let trace = mirror_trace::load(database, record.id)?;
    let generation = catalogue::generation(database)?;
    let differences = trace
        .as_ref()
        .map(|stored| trace::differences(record, &stored.trace));
    let (_, problems) = record.check();
    let further = record.further_base_urls.iter();
    let further: Vec<String> = further.map(|url| mask_password(url)).collect();
    let mut value = json!({
        "id": record.id.0,
        "identifier": record.identifier,
        "kind": record.kind.as_str(),
        "base_url": mask_password(&record.base_url),
        "further_base_urls": further,
        "ftp_url": mask_password(&record.ftp_url),
        "rsync_url": mask_password(&record.rsync_url),
        "enabled": record.enabled,
        "alive": record.alive,
        "region": record.region,
        "country": record.country,
        "asn": record.asn,
        "further_asns": record.further_asns,
        "prefix": record.prefix,
        "further_prefixes": record.further_prefixes,
        "ipv6_only": record.ipv6_only,
        "score": record.score,
        "scan_fpm": record.scan_fpm,
        "last_scan": last_scan(database, record)?,
        "comment": record.comment,
        "operator_name": record.operator_name,
        "operator_url": record.operator_url,
        "public_notes": record.public_notes,
        "admin": record.admin,
        "admin_email": record.admin_email,
        "latitude": record.latitude,
        "longitude": record.longitude,
        "country_only": record.country_only,
        "region_only": record.region_only,
        "as_only": record.as_only,
        "prefix_only": record.prefix_only,
        "private": record.private,
        "other_countries": record.other_countries,
        "file_maxsize": record.file_maxsize,
        "content": content.as_ref().map(content_json),
        "trace": trace::json(trace.as_ref(), generation),
        "trace_notes": differences.unwrap_or_default(),
        "problems": problems,
    });
    if let (MirrorKind::Cache, Some(fields)) = (record.kind, value.as_object_mut()) {
        let of_caches = json!({
            "cache_ttl_s": record.cache.ttl_s,
            "version_key": record.cache.version_key.as_str(),
            "fill_networks": record.cache.fill_networks,
            "cache_paths": record.cache.paths,
            "cache_exclude": record.cache.exclude,
        });
        fields.extend(of_caches.as_object().cloned().unwrap_or_default());
    }
    Ok(value)
}

/// When its whole tree was scanned last; as imported until a scan of ours.
///
/// # Errors
/// [`AdminError::Db`].
pub fn last_scan(database: &impl Queryable, record: &MirrorRecord) -> Result<String, AdminError> {
    let again = run::last_repeat(database, record.id)?.map(|at| at.to_string());
    // Both are written with the year first.
    Ok(record.last_scan.clone().max(again.unwrap_or_default()))
}

fn content_json(content: &PublishedContent) -> Value {
    json!({
        "files": content.content.current.len(),
        "outdated_files": content.content.outdated.len(),
        "unknown_files": content.learnt.unknown_files,
        "generation": content.generation,
        "learnt_at": content.learnt.at.to_string(),
        "learnt_by": content.learnt.by,
        "can_roll_back": content.has_previous,
    })
}
