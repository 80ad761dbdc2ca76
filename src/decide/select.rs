//! Turns the candidates of the selection law into choices with names and URLs; orders fallbacks.

use std::borrow::Cow;

use super::client::Client;
use super::context::WorkerContext;
use super::decision::Choice;
use super::site::SiteState;
use crate::config::SiteConfig;
use crate::domain::health::Family;
use crate::domain::mirror::MirrorId;
use crate::domain::rule::{Fallback, Rules};
use crate::domain::select::list::unlisted;
use crate::domain::select::{
    Access, CacheFile, Candidate, DrainMoment, Holdings, HttpsToHttp, Law, Question, Realm, Reason,
    Tier,
};
use crate::domain::time::Timestamp;
use crate::domain::topology::TopologyRule;
use crate::domain::url::Scheme;
use crate::snapshot::Snapshot;

/// The choices of a selection, and all other mirrors with the reason.
pub(super) struct Choices<'s> {
    pub choices: Vec<Choice<'s>>,
    pub rows_found: bool,
    pub excluded: Vec<(MirrorId, &'s str, Reason)>,
}

/// How many candidates are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// The choice and those named in Link fields.
    Best,
    /// All candidates of a list.
    All,
    /// All candidates in the order of a redirect.
    AllDrawn,
    /// All candidates with their probability, and all other mirrors with the reason. The
    /// probabilities of many mirrors take milliseconds.
    Explained,
}

/// A file for which mirrors are chosen, and the rules that apply.
#[derive(Debug, Clone, Copy)]
pub(super) struct MirrorQuestion<'w, H> {
    /// The mirrors that have the file.
    pub holdings: &'w H,
    /// Canonical path of the file, or of the directory of files.
    pub path: &'w [u8],
    /// Size of the file in bytes.
    pub size: u64,
    /// Properties of the file on which caches depend; `None` if no cache can refuse it.
    pub cached: Option<CacheFile<'w>>,
    pub extent: Extent,
    pub rules: &'w Rules,
}

/// The kind of access that a client has to mirrors under the rules of a directory.
pub(super) fn access(config: &SiteConfig, rules: &Rules, client: &Client) -> Access {
    Access {
        scheme: client.scheme,
        family: client.asks_over.or(client.ip.map(Family::of)),
        https_to_http: https_to_http(rules, client),
        prefer_http_for_http: rules.prefer_http_for_http,
        dead_ipv6_last: !config.law.dead_ipv6_as_any,
    }
}

fn https_to_http(rules: &Rules, client: &Client) -> HttpsToHttp {
    match client.is_https_only {
        true => HttpsToHttp::Never,
        false => rules.https_to_http,
    }
}

/// Chooses among the mirrors of a snapshot.
pub(super) fn mirrors<'s>(
    state: &SiteState,
    snapshot: &'s Snapshot,
    context: &mut WorkerContext,
    client: &Client,
    wanted: &MirrorQuestion<'_, impl Holdings>,
) -> Choices<'s> {
    let config = &*state.config;
    let access = access(config, wanted.rules, client);
    let table = context.classes(snapshot, &client.place, access);
    let want = match wanted.extent {
        Extent::Best => config.link_mirrors,
        Extent::All | Extent::AllDrawn | Extent::Explained => usize::MAX,
    };
    let drains = DrainMoment {
        now: context.now(),
        is_drawn: wanted.extent != Extent::All,
        is_last_resort: config.origin.is_some(),
    };
    let question = Question {
        ip: client.ip.filter(|_| !client.is_anywhere),
        place: client.place,
        own_asn: client.own_asn,
        size: wanted.size,
        want,
        cached: wanted.cached,
        rules: &network_rules(state, client, wanted.path, drains.now),
        drains,
    };
    let site = (&snapshot.roster, &*table);
    let (selector, holdings) = (&mut context.selector, wanted.holdings);
    let selection = match wanted.extent {
        Extent::Best | Extent::All | Extent::AllDrawn => {
            selector.select(&config.law, site, &question, holdings)
        }
        Extent::Explained => selector.explain(&config.law, site, &question, holdings),
    };
    let mut candidates = selection.candidates;
    let choices = name_mirrors(snapshot, (&config.law, access), candidates.drain(..));
    context.selector.reuse(candidates);
    let excluded = selection.excluded.into_iter();
    let mirrors = snapshot.roster.mirrors();
    let excluded = excluded.filter_map(|(index, reason)| {
        let mirror = mirrors.get(index)?;
        Some((mirror.id, mirror.identifier.as_str(), reason))
    });
    Choices {
        choices,
        rows_found: selection.rows_found,
        excluded: excluded.collect(),
    }
}

/// The rules of networks that hold for a client and a path.
pub(super) fn network_rules<'s>(
    state: &'s SiteState,
    client: &Client,
    path: &[u8],
    now: Timestamp,
) -> Vec<&'s TopologyRule> {
    let rules = &state.config.network_rules;
    if rules.is_empty() || client.is_anywhere {
        return Vec::new();
    }
    rules.matching(client.for_rules(state), path, now)
}

fn name_mirrors<'s>(
    snapshot: &'s Snapshot,
    (law, access): (&Law, Access),
    candidates: impl ExactSizeIterator<Item = Candidate>,
) -> Vec<Choice<'s>> {
    let mirrors = snapshot.roster.mirrors();
    let mut choices = Vec::with_capacity(candidates.len());
    choices.extend(candidates.filter_map(|candidate| {
        let mirror = mirrors.get(candidate.mirror)?;
        Some(Choice {
            name: Cow::Borrowed(&mirror.identifier),
            base_url: Cow::Borrowed(access.route(mirror).ok()?.url),
            score: mirror.score,
            country: candidate.country,
            is_fallback: false,
            is_private: law.is_private(mirror),
            coordinates: mirror.coordinates,
            candidate,
        })
    }));
    choices
}

/// Removes the mirrors that lists do not show.
pub(super) fn keep_listed<'s>(
    snapshot: &'s Snapshot,
    choices: &mut Vec<Choice<'s>>,
    excluded: &mut Vec<(MirrorId, &'s str, Reason)>,
) {
    let mirrors = snapshot.roster.mirrors();
    choices.retain(|choice| {
        let mirror = mirrors.get(choice.candidate.mirror);
        let mirror = mirror.filter(|_| !choice.is_fallback);
        let Some((mirror, reason)) =
            mirror.and_then(|mirror| Some((mirror, unlisted(choice.candidate.tier, mirror)?)))
        else {
            return true;
        };
        excluded.push((mirror.id, &mirror.identifier, reason));
        false
    });
}

/// Orders the fallbacks: those of the client's country, of its region, then all others, each group
/// in random order (behaviour §2.4). An https client gets only https fallbacks, unless the rules
/// allow http.
pub(super) fn fallbacks<'s>(
    rules: &Rules,
    client: &Client,
    mut draw: impl FnMut() -> u16,
) -> Vec<Choice<'s>> {
    let is_https = |fallback: &Fallback| fallback.base_url.scheme() == Scheme::Https;
    let allows_http = match https_to_http(rules, client) {
        HttpsToHttp::Never => false,
        HttpsToHttp::IfNone => !rules.fallbacks.iter().any(is_https),
        HttpsToHttp::Always => true,
    };
    let fits = |fallback: &&Fallback| {
        client.scheme != Scheme::Https
            || is_https(fallback)
            || allows_http && fallback.base_url.scheme() == Scheme::Http
    };
    let mut choices: Vec<Choice<'s>> = rules
        .fallbacks
        .iter()
        .filter(fits)
        .enumerate()
        .map(|(index, fallback)| {
            let place = &client.place;
            let tier = if place.country.is_some() && fallback.country == place.country {
                Tier::Country
            } else if place.region.is_some() && fallback.region == place.region {
                Tier::Region
            } else {
                Tier::Elsewhere
            };
            Choice {
                name: Cow::Owned(fallback.base_url.host().to_owned()),
                base_url: Cow::Owned(fallback.base_url.clone()),
                score: 1,
                country: fallback.country,
                is_fallback: true,
                is_private: false,
                coordinates: None,
                candidate: Candidate {
                    mirror: index,
                    tier,
                    realm: Realm::Tier(tier),
                    rank: u32::from(draw()),
                    distance: None,
                    handicapped: None,
                    country: fallback.country,
                    later: None,
                    probability: 0.0,
                },
            }
        })
        .collect();
    choices.sort_by_key(|choice| (choice.candidate.tier, choice.candidate.rank));
    let Some(best) = choices.first().map(|choice| choice.candidate.tier) else {
        return choices;
    };
    let sharing = choices
        .iter()
        .filter(|choice| choice.candidate.tier == best)
        .count();
    for choice in &mut choices[..sharing] {
        choice.candidate.probability = 1.0 / sharing as f64;
    }
    choices
}
