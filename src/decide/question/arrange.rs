//! Puts the candidates of the selection into a list as MirrorManager's: networks, country,
//! continent, and the world if these are too few; one line per URL.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::decide::client::Client;
use crate::decide::decision::Choice;
use crate::domain::health::Family;
use crate::domain::mirror::{Mirror, MirrorCountry, MirrorId};
use crate::domain::place::{CountryCode, RegionCode};
use crate::domain::repository::{ListArguments, ListHeading};
use crate::domain::select::{Reason, Roster, Tier};
use crate::domain::url::{BaseUrl, Scheme};

/// Schemes that yum and dnf read, and so lists without `protocol=` name.
const READ_BY_CLIENTS: &[Scheme] = &[Scheme::Https, Scheme::Http, Scheme::Ftp];

/// Schemes to which a client can be redirected.
const REDIRECTED: &[Scheme] = &[Scheme::Https, Scheme::Http];

/// Conditions of a list.
pub(super) struct ListQuestion<'q> {
    pub asked: &'q ListArguments,
    /// The client with its facts.
    pub client: &'q Client,
    /// With fewer mirrors than these, the world follows.
    pub minimum: usize,
    /// Number of mirrors; 0: all.
    pub max: usize,
    /// Whether a metalink is made, which has all URLs of a mirror.
    pub is_metalink: bool,
    /// Whether mirrors' URLs for scans are named, too.
    pub has_scan_urls: bool,
    /// The continent of a country.
    pub continent_of: &'q dyn Fn(CountryCode) -> Option<RegionCode>,
}

/// Which URLs of a mirror are wanted.
#[derive(Clone, Copy)]
struct WantedUrls<'a> {
    schemes: &'a [Scheme],
    /// All of them, or the first.
    is_all: bool,
    has_scan_urls: bool,
}

/// A list's mirrors: one choice per URL, and those that were left out.
pub(super) struct ListedMirrors<'s> {
    pub choices: Vec<Choice<'s>>,
    pub left_out: Vec<(MirrorId, &'s str, Reason)>,
}

/// A candidate with the facts that a list may need.
struct ListCandidate<'s> {
    choice: Choice<'s>,
    mirror: Option<&'s Mirror>,
    urls: Vec<Cow<'s, BaseUrl>>,
}

/// Arranges the candidates and fills the heading.
pub(super) fn arrange<'s>(
    found: Vec<Choice<'s>>,
    roster: &'s Roster,
    question: &ListQuestion<'_>,
    heading: &mut ListHeading,
) -> ListedMirrors<'s> {
    let asked = question.asked;
    heading.protocols.clone_from(&asked.protocols);
    let with_urls = |schemes: &[Scheme], is_all: bool| -> Vec<ListCandidate<'s>> {
        let found = found.iter();
        found
            .map(|choice| {
                let wanted = WantedUrls {
                    schemes,
                    is_all,
                    has_scan_urls: question.has_scan_urls,
                };
                ListCandidate::of(choice, roster, wanted)
            })
            .collect()
    };
    let usual = || match (asked.redirects, question.is_metalink) {
        (_, true) => with_urls(&Scheme::ALL, true),
        (true, _) => with_urls(REDIRECTED, false),
        (false, _) => with_urls(READ_BY_CLIENTS, false),
    };
    let has_urls = |of: &ListCandidate<'_>| !of.urls.is_empty();
    let mut all = match asked.protocols.is_empty() {
        true => usual(),
        false => with_urls(&asked.schemes(), true),
    };
    if !asked.protocols.is_empty() && !all.iter().any(has_urls) {
        // An empty list makes dnf give the repository up.
        heading.is_unfit = true;
        all = usual();
    }
    network_heading(&all, question, heading);
    let is_wanted = wanted(&all, question, heading);
    let (mut listed, mut left_out) = (Vec::new(), Vec::new());
    for (candidate, is_wanted) in all.into_iter().zip(is_wanted) {
        match is_wanted && has_urls(&candidate) {
            true => listed.push(candidate),
            false => left_out.extend(candidate.left_out()),
        }
    }
    if !asked.countries.is_empty() {
        // The countries are one group, whatever the client's own country is to each.
        let weight =
            |of: &ListCandidate<'_>| (of.choice.candidate.handicapped, of.choice.candidate.rank);
        listed.sort_by_key(weight);
    }
    if question.max > 0 && listed.len() > question.max {
        let behind = listed.split_off(question.max);
        left_out.extend(behind.iter().filter_map(ListCandidate::left_out));
    }
    ListedMirrors {
        choices: listed
            .into_iter()
            .flat_map(ListCandidate::choices)
            .collect(),
        left_out,
    }
}

/// Says which candidates are in the list, by `country=` or else by nearness.
fn wanted(
    all: &[ListCandidate<'_>],
    question: &ListQuestion<'_>,
    heading: &mut ListHeading,
) -> Vec<bool> {
    let codes = question.asked.country_codes();
    let is_global = question.asked.is_global();
    let by_country = |is: &dyn Fn(&ListCandidate<'_>) -> bool| -> Option<Vec<bool>> {
        let wanted: Vec<bool> = all.iter().map(is).collect();
        wanted.contains(&true).then_some(wanted)
    };
    if !codes.is_empty() || is_global {
        let is_named =
            |of: &ListCandidate<'_>| is_global || codes.iter().any(|code| of.serves(*code));
        if let Some(wanted) = by_country(&is_named) {
            let written = question.asked.countries.iter();
            let has_mirrors = |word: &&String| match CountryCode::parse(word.as_bytes()) {
                Some(code) => all.iter().any(|of| of.serves(code)),
                None => word.eq_ignore_ascii_case("global"),
            };
            heading.countries = written.filter(has_mirrors).cloned().collect();
            return wanted;
        }
        let continents: Vec<RegionCode> = codes
            .iter()
            .filter_map(|code| (question.continent_of)(*code))
            .collect();
        let is_there = |of: &ListCandidate<'_>| {
            let region = of.region(question);
            region.is_some_and(|region| continents.contains(&region))
        };
        if let Some(wanted) = by_country(&is_there) {
            heading.countries = countries(all.iter().filter(|of| is_there(of)));
            return wanted;
        }
    }
    near_or_all(all, question, heading)
}

fn near_or_all(
    all: &[ListCandidate<'_>],
    question: &ListQuestion<'_>,
    heading: &mut ListHeading,
) -> Vec<bool> {
    let is_near = |of: &ListCandidate<'_>| of.choice.candidate.tier <= Tier::Region;
    let near = all.iter().filter(|of| is_near(of) && !of.urls.is_empty());
    let has_world = near.count() < question.minimum;
    let place = &question.client.place;
    let shown = all.iter().filter(|of| !of.choice.is_private);
    let (own, others): (Vec<_>, Vec<_>) =
        shown.partition(|of| place.country.is_some() && of.country() == place.country);
    heading.countries = countries(own.into_iter());
    let is_beside = |of: &&ListCandidate<'_>| {
        place.region.is_some() && of.mirror.and_then(|mirror| mirror.region) == place.region
    };
    heading
        .countries
        .extend(countries(others.into_iter().filter(is_beside)));
    if has_world && !all.is_empty() {
        heading.countries.push("global".to_owned());
    }
    all.iter().map(|of| has_world || is_near(of)).collect()
}

/// Fills in the ways in which the client's networks count.
fn network_heading(
    all: &[ListCandidate<'_>],
    question: &ListQuestion<'_>,
    heading: &mut ListHeading,
) {
    if !question.asked.is_near {
        return;
    }
    let client = question.client;
    let is_near = |of: &ListCandidate<'_>| of.choice.candidate.tier == Tier::Prefix;
    heading.has_prefix = all.iter().any(is_near);
    heading.asn = client.place.asn.filter(|asn| {
        let is_in =
            |of: &ListCandidate<'_>| of.mirror.is_some_and(|mirror| mirror.asns.contains(asn));
        all.iter().any(is_in)
    });
}

/// The countries of mirrors in upper case, sorted.
fn countries<'c, 's: 'c>(of: impl Iterator<Item = &'c ListCandidate<'s>>) -> Vec<String> {
    let codes: BTreeSet<String> = of
        .filter_map(|of| Some(of.country()?.as_str().to_ascii_uppercase()))
        .collect();
    codes.into_iter().collect()
}

impl<'s> ListCandidate<'s> {
    fn of(choice: &Choice<'s>, roster: &'s Roster, wanted: WantedUrls<'_>) -> ListCandidate<'s> {
        let mirror = roster.mirrors().get(choice.candidate.mirror);
        let mirror = mirror.filter(|_| !choice.is_fallback);
        ListCandidate {
            urls: urls(choice, mirror, wanted),
            choice: choice.clone(),
            mirror,
        }
    }

    fn country(&self) -> Option<CountryCode> {
        match self.mirror.map(|mirror| mirror.country) {
            Some(MirrorCountry::Of(country)) => Some(country),
            Some(_) => None,
            None => self.choice.country,
        }
    }

    /// Whether it is in the country, serves it, too, or is everywhere.
    fn serves(&self, country: CountryCode) -> bool {
        self.country() == Some(country)
            || self.mirror.is_some_and(|mirror| {
                mirror.country == MirrorCountry::Everywhere
                    || mirror.other_countries.contains(country.as_str())
            })
    }

    fn region(&self, question: &ListQuestion<'_>) -> Option<RegionCode> {
        let own = self.mirror.and_then(|mirror| mirror.region);
        own.or_else(|| (question.continent_of)(self.country()?))
    }

    fn left_out(&self) -> Option<(MirrorId, &'s str, Reason)> {
        let mirror = self.mirror?;
        Some((mirror.id, &mirror.identifier, Reason::NotAsked))
    }

    /// One choice per URL.
    fn choices(self) -> impl Iterator<Item = Choice<'s>> {
        let ListCandidate { choice, urls, .. } = self;
        urls.into_iter().map(move |base_url| Choice {
            base_url,
            ..choice.clone()
        })
    }
}

/// The URLs of a candidate with one of the schemes: all, or the first, which is the one that the
/// selection chose if it fits.
fn urls<'s>(
    choice: &Choice<'s>,
    mirror: Option<&'s Mirror>,
    wanted: WantedUrls<'_>,
) -> Vec<Cow<'s, BaseUrl>> {
    let WantedUrls {
        schemes, is_all, ..
    } = wanted;
    let fits = |url: &BaseUrl| schemes.contains(&url.scheme());
    if !is_all && fits(&choice.base_url) {
        return vec![choice.base_url.clone()];
    }
    let Some(mirror) = mirror else {
        let chosen = Some(choice.base_url.clone());
        return chosen.into_iter().filter(|url| fits(url)).collect();
    };
    let is_down = |url: &BaseUrl| {
        let reach = mirror.reach_of(url.scheme());
        reach.is_some_and(|reach| !reach.over(Family::V4) && !reach.over(Family::V6))
    };
    let of_clients = mirror.base_url.iter().chain(&mirror.further_base_urls);
    let of_clients = of_clients.filter(|url| !is_down(url)).map(Cow::Borrowed);
    // A password is for scans alone.
    let of_scans = [&mirror.ftp_url, &mirror.rsync_url].into_iter();
    let of_scans = of_scans.filter(|url| wanted.has_scan_urls && !url.contains('@'));
    let of_scans = of_scans.filter_map(|url| BaseUrl::parse(url).ok().map(Cow::Owned));
    let mut urls: Vec<Cow<'s, BaseUrl>> = Vec::new();
    for url in of_clients.chain(of_scans).filter(|url| fits(url)) {
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    urls.truncate(if is_all { usize::MAX } else { 1 });
    urls
}
