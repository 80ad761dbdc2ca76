//! Runs `iplookup` and `update`: looks hosts up in the GeoIP files.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::https::find_https;
use super::locate::{LocateError, Survey};
use crate::admin::args::{IplookupArgs, UpdateArgs};
use crate::admin::error::AdminError;
use crate::admin::session::{Session, find_mirror};
use crate::db::import::in_transaction;
use crate::db::mirror::{self, MirrorRecord};
use crate::db::open_reader;
use crate::domain::health::Family;
use crate::domain::mirror::name::NO_MIRRORS;
use crate::domain::url::BaseUrl;
use crate::geoip::{AddressPlace, GeoIp};
use crate::program::exit::Exit;

/// Shows the network and the AS of an address or host: `PREFIX (ASn)`, and its IPv6 address; then
/// a line for each fact about each address, with the file and the field that told it.
///
/// # Errors
/// Returns [`AdminError::Locate`] if the host has no address; [`AdminError::Nothing`] if nothing is
/// known of it.
pub fn iplookup(session: &mut Session, args: &IplookupArgs) -> Result<Exit, AdminError> {
    let geoip = GeoIp::open(&session.site.geoip);
    let survey = Survey::of(&args.address, &geoip)?;
    let lines = facts(&survey, &geoip);
    let prefix = survey.network.map(|network| network.to_string());
    let asn = survey.place.asn.map(|asn| asn.number().to_string());
    let is_known = match (args.prefix, args.asn) {
        (true, _) => prefix.is_some(),
        (_, true) => asn.is_some(),
        _ if args.all_prefixes => asn.is_some(),
        _ => prefix.is_some() || !lines.is_empty(),
    };
    if !is_known {
        return Err(AdminError::Nothing(format!(
            "the site's GeoIP files know nothing of {}; `heliostat config` names them",
            args.address
        )));
    }
    if args.all_prefixes {
        let networks = match survey.place.asn {
            Some(asn) => geoip.networks_of(asn),
            None => Vec::new(),
        };
        for network in networks {
            session.console.line(network.to_string())?;
        }
        return Ok(Exit::Ok);
    }
    if args.json {
        let addresses = addresses_json(&survey, &geoip);
        let asn = survey.place.asn.map(|asn| asn.number());
        let value = json!({ "prefix": prefix, "asn": asn, "addresses": addresses });
        session.console.json(&value)?;
        return Ok(Exit::Ok);
    }
    let (prefix, asn) = (prefix.unwrap_or_default(), asn.unwrap_or_default());
    if args.prefix {
        session.console.line(prefix)?;
        return Ok(Exit::Ok);
    }
    if args.asn {
        session.console.line(asn)?;
        return Ok(Exit::Ok);
    }
    let mut addresses = survey.addresses.iter().map(|(ip, _)| ip);
    let first = addresses.next();
    let v6 = addresses.find(|ip| Family::of(**ip) == Family::V6);
    let v6 = v6.filter(|ip| Some(*ip) != first);
    let v6 = v6.map_or(String::new(), |ip| format!(" {ip}"));
    session.console.line(format!("{prefix} (AS{asn}){v6}"))?;
    for line in lines {
        session.console.line(line)?;
    }
    Ok(Exit::Ok)
}

/// `ADDRESS  FACT VALUE  by FILE (FIELD)`.
fn facts(survey: &Survey, geoip: &GeoIp) -> Vec<String> {
    let mut lines = Vec::new();
    for (ip, located) in &survey.addresses {
        for told in geoip.origins(located) {
            lines.push(format!(
                "{ip}  {} {}  by {} ({})",
                told.fact.as_str(),
                told.fact.value(&located.place),
                told.file.display(),
                told.field
            ));
        }
    }
    lines
}

fn addresses_json(survey: &Survey, geoip: &GeoIp) -> Vec<Value> {
    let address = |(ip, located): &(IpAddr, AddressPlace)| {
        let origins = geoip.origins(located);
        let facts = origins.iter().map(|told| {
            json!({
                "fact": told.fact.as_str(),
                "value": told.fact.value(&located.place),
                "file": told.file,
                "field": told.field,
            })
        });
        json!({ "ip": ip, "facts": facts.collect::<Vec<_>>() })
    };
    survey.addresses.iter().map(address).collect()
}

/// Refreshes what the GeoIP files know of mirrors; that a host has IPv6 alone always.
///
/// # Errors
/// Returns [`AdminError::Lookup`] if the name means no mirror or several mirrors, and
/// [`AdminError::Db`] if the database cannot be read or written.
pub fn update(session: &mut Session, args: &UpdateArgs) -> Result<Exit, AdminError> {
    let reader = if args.dry_run {
        open_reader(&session.site.database)?
    } else {
        session.reader()?
    };
    let mut mirrors = Vec::new();
    if args.all_mirrors || args.identifiers.is_empty() {
        mirrors = mirror::all(&reader)?;
    }
    for wanted in &args.identifiers {
        mirrors.push(find_mirror(&reader, wanted)?);
    }
    drop(reader);
    if mirrors.is_empty() {
        log::warn!("{NO_MIRRORS}");
        UpdateReport::default().end(session, args)?;
        return Ok(Exit::Ok);
    }
    let mut report = UpdateReport::default();
    if args.https {
        let (found, https) = find_https(session, args, mirrors.clone())?;
        report.https = https;
        if !args.wants_places() || found != Exit::Ok {
            report.end(session, args)?;
            return Ok(found);
        }
    }
    let exit = update_places(session, args, mirrors, &mut report)?;
    report.end(session, args)?;
    Ok(exit)
}

/// The findings, for JSON.
#[derive(Default)]
struct UpdateReport {
    https: Value,
    mirrors: Vec<Value>,
}

impl UpdateReport {
    fn add(&mut self, mirror: &str, changes: &[FieldStep], problem: Option<String>) {
        let changes = changes
            .iter()
            .map(|(field, from, to)| json!({ "field": field, "from": from, "to": to }));
        let changes: Vec<Value> = changes.collect();
        let value = json!({ "mirror": mirror, "problem": problem, "changes": changes });
        self.mirrors.push(value);
    }

    fn end(self, session: &mut Session, args: &UpdateArgs) -> Result<(), AdminError> {
        if !args.json {
            return Ok(());
        }
        session.console.json(&json!({
            "dry_run": args.dry_run,
            "https": self.https,
            "mirrors": self.mirrors,
        }))
    }
}

fn update_places(
    session: &mut Session,
    args: &UpdateArgs,
    mirrors: Vec<MirrorRecord>,
    report: &mut UpdateReport,
) -> Result<Exit, AdminError> {
    let geoip = GeoIp::open(&session.site.geoip);
    let bar = session
        .progress
        .bar("update", "mirrors", Some(mirrors.len() as u64));
    let mut exit = Exit::Ok;
    for before in mirrors {
        bar.add(1);
        // Names are resolved outside of the transaction.
        let host = BaseUrl::parse(&before.base_url).map(|url| url.host().to_owned());
        let survey = match host
            .map_err(LocateError::from)
            .and_then(|host| Survey::of(&host, &geoip))
        {
            Ok(survey) => survey,
            Err(error) => {
                log::warn!("{}: {error}", before.identifier);
                report.add(&before.identifier, &[], Some(error.to_string()));
                exit = Exit::Partial;
                continue;
            }
        };
        survey.warn_of_differences(&before.identifier, |fact| match fact {
            "country" => args.all || args.country,
            "continent" => args.all || args.region,
            "coordinates" => args.all || args.coordinates,
            _ => args.all || args.asn,
        });
        let mut after = before.clone();
        after.ipv6_only = survey.is_ipv6_only();
        refresh(&mut after, args, &survey);
        let changes = differences(&before, &after);
        if !args.dry_run && !changes.is_empty() {
            store(session, &before, args, &survey)?;
        }
        report.add(&before.identifier, &changes, None);
        for (key, from, to) in changes.iter().filter(|_| !args.json) {
            let line = format!("{}: updating {key} ({from} -> {to})", before.identifier);
            session.console.line(line)?;
        }
    }
    Ok(exit)
}

/// Takes over what is known; what is not known stays.
fn refresh(record: &mut MirrorRecord, args: &UpdateArgs, survey: &Survey) {
    let place = &survey.place;
    if let Some(at) = place.coordinates.filter(|_| args.all || args.coordinates) {
        (record.latitude, record.longitude) = (Some(at.latitude), Some(at.longitude));
    }
    if args.all || args.asn {
        record.asn = place.asn.map_or(record.asn, |asn| i64::from(asn.number()));
    }
    if let Some(network) = survey.network.filter(|_| args.all || args.prefix) {
        record.prefix = network.to_string();
    }
    if let Some(country) = place.country.filter(|_| args.all || args.country) {
        record.country = country.to_string();
    }
    if let Some(region) = place.region.filter(|_| args.all || args.region) {
        record.region = region.to_string();
    }
}

/// A field, its value before and after.
type FieldStep = (&'static str, String, String);

fn differences(before: &MirrorRecord, after: &MirrorRecord) -> Vec<FieldStep> {
    let at = |record: &MirrorRecord| match (record.latitude, record.longitude) {
        (Some(latitude), Some(longitude)) => format!("{latitude},{longitude}"),
        _ => "none".to_owned(),
    };
    type Shown<'f> = (&'static str, &'f dyn Fn(&MirrorRecord) -> String);
    let fields: [Shown<'_>; 6] = [
        ("coordinates", &at),
        ("asn", &|record| record.asn.to_string()),
        ("prefix", &|record| record.prefix.clone()),
        ("country", &|record| record.country.clone()),
        ("region", &|record| record.region.clone()),
        ("ipv6Only", &|record| record.ipv6_only.to_string()),
    ];
    fields
        .into_iter()
        .map(|(key, shown)| (key, shown(before), shown(after)))
        .filter(|(_, from, to)| from != to)
        .collect()
}

/// Into the record as it is now, which somebody may have changed elsewhere meanwhile.
fn store(
    session: &Session,
    seen: &MirrorRecord,
    args: &UpdateArgs,
    survey: &Survey,
) -> Result<(), AdminError> {
    in_transaction(&mut session.writer()?, |transaction| {
        let before = mirror::find(transaction, &seen.identifier)?;
        let mut after = before.clone();
        after.ipv6_only = survey.is_ipv6_only();
        refresh(&mut after, args, survey);
        mirror::update(transaction, &after)?;
        let changes = differences(&before, &after);
        let words: Vec<String> = changes
            .iter()
            .map(|(key, from, to)| format!("{key}: {from} -> {to}"))
            .collect();
        session.event(transaction, Some(after.id), &words.join(", "))?;
        Ok(())
    })
}
