//! Runs `topology rules`.

use std::collections::HashSet;
use std::net::IpAddr;

use serde_json::{Value, json};

use crate::admin::args::TopologyRulesArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::mirror;
use crate::domain::mirror::name::HasName;
use crate::domain::topology::{RuleClient, TopologyRule, bucket};
use crate::geoip::GeoIp;
use crate::program::exit::Exit;

/// Lists the rules of networks, and the mirrors in them that do not exist.
pub(super) fn rules(session: &mut Session, args: &TopologyRulesArgs) -> Result<Exit, AdminError> {
    let site = session.site.clone();
    let known: HashSet<String> = mirror::all(&session.reader()?)?
        .iter()
        .map(|mirror| mirror.name().to_owned())
        .collect();
    let geoip = match args.ip {
        Some(_) => GeoIp::open(&site.geoip),
        None => GeoIp::default(),
    };
    let rules = site.network_rules.all().iter();
    let is_wanted = |rule: &&TopologyRule| args.ip.is_none_or(|ip| is_for(rule, ip, &geoip));
    let rules: Vec<&TopologyRule> = rules.filter(is_wanted).collect();
    let mut exit = Exit::Ok;
    let mut rows = Vec::new();
    for rule in rules {
        let unknown: Vec<&str> = rule
            .mirrors
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !known.contains(*name))
            .collect();
        if !unknown.is_empty() {
            exit = Exit::Partial;
        }
        if args.json {
            rows.push(to_json(rule, args.ip, &known));
            continue;
        }
        session.console.line(rule.text(args.ip))?;
        if !unknown.is_empty() {
            let names = unknown.join(" ");
            let line = format!("    no mirror has the name {names}; `heliostat list` has them all");
            session.console.line(line)?;
        }
    }
    if args.json {
        session.console.json(&Value::Array(rows))?;
    } else if site.network_rules.is_empty() {
        session
            .console
            .line("There are no rules; `topology_rules` names no file of them.")?;
    }
    Ok(exit)
}

fn is_for(rule: &TopologyRule, ip: IpAddr, geoip: &GeoIp) -> bool {
    rule.is_for(RuleClient {
        ip: Some(ip),
        asn: geoip.find(ip).place.asn,
        label: geoip.label_of(ip),
    })
}

fn to_json(rule: &TopologyRule, ip: Option<IpAddr>, known: &HashSet<String>) -> Value {
    let mirror = |(name, weight): &(String, u16)| {
        let is_known = known.contains(name);
        json!({ "mirror": name, "weight": weight, "is_known": is_known })
    };
    json!({
        "name": rule.name,
        "networks": rule.networks.to_string(),
        "mirrors": rule.mirrors.iter().map(mirror).collect::<Vec<_>>(),
        "share": rule.share,
        "bucket": ip.map(|ip| bucket(ip, &rule.name)),
        "is_in": ip.map(|ip| rule.takes(Some(ip))),
    })
}
