//! `iplookup`, `update`: what the GeoIP files know of a host.

use std::net::IpAddr;

use super::args::{IplookupArgs, UpdateArgs};
use super::error::AdminError;
use super::locate::addresses;
use super::session::{Session, find_mirror};
use crate::db::import::in_transaction;
use crate::db::mirror::{self, MirrorRecord};
use crate::domain::health::Family;
use crate::domain::mirror::BaseUrl;
use crate::exit::Exit;
use crate::geoip::{GeoIp, Located};

/// Shows the network and the AS of an address or host: `PREFIX (ASn)`, and its IPv6 address.
///
/// # Errors
/// [`AdminError::Nothing`] when nothing is known.
pub fn iplookup(session: &mut Session, args: &IplookupArgs) -> Result<Exit, AdminError> {
    let addresses = resolve(&args.address)?;
    let first = first_of(&addresses);
    let located = first.map(|ip| GeoIp::open(&session.site.geoip).find(ip));
    let prefix = located.and_then(|located| located.network);
    let prefix = prefix.map(|network| network.to_string());
    let asn = located.and_then(|located| located.place.asn);
    let asn = asn.map(|asn| asn.number().to_string());
    if prefix.is_none() && asn.is_none() {
        return Err(AdminError::Nothing(format!(
            "the site's GeoIP files know nothing of {}; `heliostat config` names them",
            args.address
        )));
    }
    let (prefix, asn) = (prefix.unwrap_or_default(), asn.unwrap_or_default());
    let line = if args.prefix {
        prefix
    } else if args.asn {
        asn
    } else {
        let v6 = addresses.iter().find(|ip| Family::of(**ip) == Family::V6);
        let v6 = v6.filter(|ip| Some(**ip) != first);
        let v6 = v6.map_or(String::new(), |ip| format!(" {ip}"));
        format!("{prefix} (AS{asn}){v6}")
    };
    session.console.line(line)?;
    Ok(Exit::Ok)
}

/// IPv4 first, as mirrors are looked up.
fn first_of(addresses: &[IpAddr]) -> Option<IpAddr> {
    let v4 = addresses.iter().find(|ip| Family::of(**ip) == Family::V4);
    v4.or(addresses.first()).copied()
}

fn resolve(host: &str) -> Result<Vec<IpAddr>, AdminError> {
    addresses(host).map_err(AdminError::Nothing)
}

/// Refreshes what the GeoIP files know of mirrors; that a host has IPv6 alone always.
///
/// # Errors
/// [`AdminError::NotFound`], [`AdminError::Several`], [`AdminError::Db`].
pub fn update(session: &mut Session, args: &UpdateArgs) -> Result<Exit, AdminError> {
    let reader = session.reader()?;
    let mut mirrors = Vec::new();
    if args.all_mirrors {
        mirrors = mirror::all(&reader)?;
    }
    for wanted in &args.identifiers {
        mirrors.push(find_mirror(&reader, wanted)?);
    }
    drop(reader);
    let geoip = GeoIp::open(&session.site.geoip);
    let bar = session
        .progress
        .bar("update", "mirrors", Some(mirrors.len() as u64));
    let mut exit = Exit::Ok;
    for before in mirrors {
        bar.add(1);
        // Names are resolved outside of the transaction.
        let host = BaseUrl::parse(&before.base_url).map(|url| url.host().to_owned());
        let addresses = match host
            .map_err(|error| error.to_string())
            .and_then(|h| addresses(&h))
        {
            Ok(addresses) => addresses,
            Err(error) => {
                log::warn!("{}: {error}", before.identifier);
                exit = Exit::Partial;
                continue;
            }
        };
        let located = first_of(&addresses).map_or_else(Located::default, |ip| geoip.find(ip));
        let is_v6 = |ip: &IpAddr| Family::of(*ip) == Family::V6;
        let mut after = before.clone();
        after.ipv6_only = addresses.iter().all(is_v6);
        refresh(&mut after, args, &located);
        let changes = differences(&before, &after);
        for (key, from, to) in &changes {
            let line = format!("{}: updating {key} ({from} -> {to})", before.identifier);
            session.console.line(line)?;
        }
        if !args.dry_run && !changes.is_empty() {
            store(session, &before, args, (&located, after.ipv6_only))?;
        }
    }
    Ok(exit)
}

/// Takes over what is known; what is not known stays.
fn refresh(record: &mut MirrorRecord, args: &UpdateArgs, located: &Located) {
    let place = &located.place;
    if let Some(at) = place.coordinates.filter(|_| args.all || args.coordinates) {
        (record.latitude, record.longitude) = (Some(at.latitude), Some(at.longitude));
    }
    if args.all || args.asn {
        record.asn = place.asn.map_or(record.asn, |asn| i64::from(asn.number()));
    }
    if let Some(network) = located.network.filter(|_| args.all || args.prefix) {
        record.prefix = network.to_string();
    }
    if let Some(country) = place.country.filter(|_| args.all || args.country) {
        record.country = country.to_string();
    }
    if let Some(region) = place.region.filter(|_| args.all || args.region) {
        record.region = region.to_string();
    }
}

fn differences(before: &MirrorRecord, after: &MirrorRecord) -> Vec<(&'static str, String, String)> {
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
    (located, ipv6_only): (&Located, bool),
) -> Result<(), AdminError> {
    in_transaction(&mut session.writer()?, |transaction| {
        let before = mirror::find(transaction, &seen.identifier)?;
        let mut after = before.clone();
        after.ipv6_only = ipv6_only;
        refresh(&mut after, args, located);
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
