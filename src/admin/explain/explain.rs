//! Runs `explain`: decides a request for a path and a client, and shows the reasons.
//!
//! The command runs the pipeline of the redirect itself, at full depth and with a drawn number that
//! is the same for every mirror, so that a tier without coordinates is listed by score.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::explain_text::{self, ExplainAside};
use super::named::named_json;
use super::summary::summary;
use crate::admin::args::ExplainArgs;
use crate::config::SiteConfig;
use crate::decide::{
    Choice, Client, Decision, Depth, FactSource, LocalReason, Outcome, SiteState, Unavailable,
    WorkerContext, decide,
};
use crate::domain::escape::percent_decode;
use crate::domain::mirror::Mirror;
use crate::domain::select::Reason;
use crate::domain::time::Timestamp;
use crate::domain::url_parts::UrlParts;
use crate::geoip::GeoIp;
use crate::http::Request;
use crate::program::clock::now;
use crate::program::exit::{Exit, chain};
use crate::snapshot::{Loader, SnapshotChange};

/// Drawn for every mirror alike: the order then is that of the scores.
const SAME_DRAW: u16 = 16_384;

/// Explains one decision on `out`; `looked_as` says as whom the tree is looked at.
///
/// # Errors
/// When `out` cannot be written.
pub fn explain(
    site: &Arc<SiteConfig>,
    args: &ExplainArgs,
    looked_as: &str,
    out: &mut impl Write,
) -> std::io::Result<Exit> {
    let snapshot = match Loader::new(&site.database)
        .naming(&site.repositories)
        .poll()
    {
        Ok(SnapshotChange::New(snapshot)) => Some(snapshot),
        Ok(SnapshotChange::None) => None,
        Err(error) => {
            log::error!("{}", chain(&error));
            None
        }
    };
    let has_database = snapshot.is_some();
    let state = SiteState {
        config: Arc::clone(site),
        snapshot,
        geoip: Arc::new(GeoIp::open(&site.geoip)),
        // No document is made here, so that none has a time.
        changed_at: Timestamp(0),
    };
    let mut context = WorkerContext::new(site, Box::new(|| SAME_DRAW), Box::new(now));
    let asked = ExplainSubject::of(site, args);
    let parameters = request_parameters(args, &asked);
    let pairs = parameters
        .iter()
        .map(|(name, value)| (name.as_slice(), value.as_slice()));
    let request = Request::from_parameters(pairs);
    let decision = decide(&state, &mut context, &request, Depth::Full);
    let client = decision
        .client
        .unwrap_or_else(|| Client::of_site(&request, &state));
    let https = state
        .snapshot
        .as_ref()
        .map(|snapshot| snapshot.roster.https());
    let drains = drains(&state, now());
    let rules = rules(&decision, &state);
    if args.json {
        let sources = client.sources(&state.geoip);
        let mut explained = as_json(&decision, &client, &sources);
        explained["looked_as"] = json!(looked_as);
        explained["drains"] = json!(drains);
        explained["network_rules"] = json!(rules);
        explained["https_mirrors"] = https.map_or(
            Value::Null,
            |https| json!({ "with": https.with, "of": https.of }),
        );
        writeln!(out, "{explained:#}")?;
    } else {
        let sources = client.sources(&state.geoip);
        let aside = ExplainAside {
            looked_as,
            https,
            is_own_address: args.ip.is_none(),
            tree_path: asked.tree_path.as_deref(),
            lists_excluded: args.verbose,
            drains: &drains,
            rules: &rules,
        };
        explain_text::write(out, &decision, (&client, &sources), &aside)?;
    }
    Ok(if has_database { Exit::Ok } else { Exit::Failed })
}

/// One line per rule of networks that is for the client's network.
fn rules(decision: &Decision<'_>, state: &SiteState) -> Vec<String> {
    let Some(client) = &decision.client else {
        return Vec::new();
    };
    let of_client = client.for_rules(state);
    let rules = state.config.network_rules.all().iter();
    let rules = rules.filter(|rule| rule.is_for(of_client));
    rules.map(|rule| rule.text(client.ip)).collect()
}

/// One line per mirror that gets fewer clients than usual because of a drain.
fn drains(state: &SiteState, now: Timestamp) -> Vec<String> {
    let snapshot = state.snapshot.as_ref();
    let mirrors = snapshot.map_or(&[][..], |snapshot| snapshot.roster.mirrors());
    let line = |mirror: &Mirror| {
        let drain = mirror
            .drain
            .as_ref()
            .filter(|drain| drain.share(now) < 1.0)?;
        Some(format!("{}: {}", mirror.identifier, drain.text(now)))
    };
    mirrors.iter().filter_map(line).collect()
}

/// The question, where the command line leaves it open.
struct ExplainSubject {
    ip: IpAddr,
    /// The URL path, if the argument is a path in the file system.
    tree_path: Option<String>,
}

impl ExplainSubject {
    fn of(site: &SiteConfig, args: &ExplainArgs) -> ExplainSubject {
        ExplainSubject {
            ip: args.ip.unwrap_or_else(own_address),
            tree_path: tree_path(&site.tree, &args.path),
        }
    }
}

/// The URL path of a file of the tree; `None` if the argument is something else, or the URL path of
/// a file itself.
fn tree_path(tree: &Path, argument: &str) -> Option<String> {
    // A front end without the tree.
    if tree.as_os_str().is_empty() {
        return None;
    }
    let below = Path::new(argument).strip_prefix(tree).ok()?;
    let is_url_path = tree.join(argument.trim_start_matches('/')).exists();
    let below = below.to_str().filter(|below| !below.is_empty())?;
    (!is_url_path).then(|| format!("/{below}"))
}

/// The address from which this host reaches others; connecting a UDP socket sends nothing.
fn own_address() -> IpAddr {
    /// Of documentation networks (RFC 5737): only the way there counts, not who answers.
    const ELSEWHERE: (&str, u16) = ("192.0.2.1", 9);
    let found = UdpSocket::bind(("0.0.0.0", 0)).and_then(|socket| {
        socket.connect(ELSEWHERE)?;
        socket.local_addr()
    });
    found.map_or(Ipv4Addr::LOCALHOST.into(), |address| address.ip())
}

fn request_parameters(args: &ExplainArgs, asked: &ExplainSubject) -> Vec<(Vec<u8>, Vec<u8>)> {
    let url = UrlParts::of(&args.path);
    let (path, mut query) = match url {
        Some(UrlParts { after, .. }) => {
            let rest = after.split('#').next().unwrap_or_default();
            let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
            let path = if path.is_empty() { "/" } else { path };
            (percent_decode(path.as_bytes()), query.to_owned())
        }
        None => {
            let path = asked.tree_path.as_ref().unwrap_or(&args.path);
            (path.clone().into_bytes(), String::new())
        }
    };
    for (name, value) in [("country", &args.country), ("as", &args.asn)] {
        if let Some(value) = value {
            query.push_str(&format!("&{name}={value}"));
        }
    }
    let is_https = args.https || url.is_some_and(|url| url.scheme == "https");
    let mut parameters: Vec<(Vec<u8>, Vec<u8>)> = [
        (
            "REQUEST_METHOD",
            args.method.to_ascii_uppercase().as_bytes(),
        ),
        ("SCRIPT_NAME", &path),
        ("QUERY_STRING", query.as_bytes()),
        ("REMOTE_ADDR", asked.ip.to_string().as_bytes()),
        ("HTTP_USER_AGENT", args.user_agent.as_bytes()),
        ("HTTPS", if is_https { b"on" } else { b"" }),
    ]
    .map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()))
    .into();
    let further = args.parameters.iter();
    parameters.extend(further.map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec())));
    parameters
}

fn as_json(decision: &Decision<'_>, client: &Client, sources: &[FactSource<'_>]) -> Value {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let place = &client.place;
    json!({
        "summary": summary(decision),
        "outcome": outcome_code(&decision.outcome),
        "held_back": decision.held.as_deref().map(outcome_code),
        "named": decision.named.as_deref().map(named_json),
        "requested": decision.requested.as_ref().map(|path| text(path.as_bytes())),
        "file": decision.file.as_ref().map(|file| json!({
            "path": text(file.path.as_bytes()),
            "size": file.version.size,
            "mtime": Timestamp(file.version.mtime).to_string(),
        })),
        "client": {
            "ip": client.ip,
            "country": place.country.map(|code| code.to_string()),
            "continent": place.region.map(|code| code.to_string()),
            "latitude": place.coordinates.map(|at| at.latitude),
            "longitude": place.coordinates.map(|at| at.longitude),
            "asn": place.asn.map(|asn| asn.number()),
            "network": client.network.map(|network| network.to_string()),
            "scheme": client.scheme.as_str(),
            "told_by": sources.iter().map(source_json).collect::<Map<_, _>>(),
        },
        "candidates": decision.choices()
            .iter()
            .map(|choice| candidate_json(choice, decision))
            .collect::<Vec<_>>(),
        "excluded": decision.excluded().iter().map(|(id, name, reason)| json!({
            "id": id.0, "mirror": name, "reason": reason.code(), "text": reason.text(),
        })).collect::<Vec<_>>(),
    })
}

/// A fact about the client and who told it.
fn source_json(source: &FactSource<'_>) -> (String, Value) {
    let (fact, by) = match source {
        FactSource::Parameter(fact) => (fact, json!({ "parameter": true })),
        FactSource::Query(fact) => (fact, json!({ "query": true })),
        FactSource::Configuration(fact) => (fact, json!({ "configuration": true })),
        FactSource::File(told) => (
            &told.fact,
            json!({ "file": told.file.to_string_lossy(), "field": told.field }),
        ),
    };
    (fact.as_str().to_owned(), by)
}

fn candidate_json(choice: &Choice<'_>, decision: &Decision<'_>) -> Value {
    let candidate = &choice.candidate;
    json!({
        "mirror": choice.name,
        "fallback": choice.is_fallback,
        "url": decision.url(choice).unwrap_or_default(),
        "tier": candidate.tier.as_str(),
        "realm": candidate.realm.as_str(),
        "country": choice.country.map(|code| code.to_string()),
        "score": choice.score,
        "distance": candidate.distance,
        "weight": candidate.handicapped,
        "probability": candidate.probability,
        "later": candidate.later.map(Reason::code),
    })
}

fn outcome_code(outcome: &Outcome<'_>) -> String {
    match outcome {
        Outcome::Redirect(_) => "redirect".to_owned(),
        Outcome::Document(document) => format!("document:{}", document.kind().as_str()),
        Outcome::Local(reason) => format!("local:{}", reason.code()),
        Outcome::Missing(_) => "missing".to_owned(),
        Outcome::Elsewhere(_) => "elsewhere".to_owned(),
        Outcome::Origin(origin) => {
            let reason = origin.reason.as_ref();
            format!("origin:{}", reason.map_or("unknown", LocalReason::code))
        }
        Outcome::NoList(refusal) => format!("no-list:{}", refusal.why.code()),
        Outcome::Options => "options".to_owned(),
        Outcome::MethodNotAllowed => "method-not-allowed".to_owned(),
        Outcome::Unavailable(Unavailable::Tree(_)) => "unavailable:tree".to_owned(),
        Outcome::Unavailable(Unavailable::Database) => "unavailable:database".to_owned(),
    }
}
