//! From classes to ordered candidates.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::IpAddr;

use super::class::{Class, ClassTable, Roster};
use super::law::{Draw, Law};
use super::reason::Reason;
use super::share;
use crate::domain::mirror::{Kind, Mirror, MirrorCountry, Scheme};
use crate::domain::place::{CountryCode, Place};

/// Which class decided, in the order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// The client's address is in one of the mirror's prefixes.
    Prefix,
    /// Same autonomous system.
    As,
    /// Same country, everywhere, or standing in for it.
    Country,
    /// Same continent.
    Region,
    /// The rest of the world, and mirrors whose file_maxsize is too small (as a reserve).
    Elsewhere,
}

impl Tier {
    /// Stable word for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Prefix => "prefix",
            Tier::As => "AS",
            Tier::Country => "country",
            Tier::Region => "region",
            Tier::Elsewhere => "other",
        }
    }
}

/// MirrorBrain's word for how a mirror relates to the client; in headers and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Realm {
    /// By its tier.
    Tier(Tier),
    /// In the country tier, though of another country.
    OtherCountry,
}

impl Realm {
    /// As in `X-MirrorBrain-Realm`.
    pub fn as_str(self) -> &'static str {
        match self {
            Realm::Tier(tier) => tier.as_str(),
            Realm::OtherCountry => "other_country",
        }
    }
}

/// What mirrors have of the file that is asked for.
pub trait Holdings {
    /// Whether the mirror has the current version.
    fn has(&self, mirror: usize) -> bool;
    /// Why it does not: missing, outdated, never scanned. Only asked where [`Holdings::has`] is
    /// false, and only for explanations.
    fn why_not(&self, mirror: usize) -> Reason;
}

/// Who asks for what.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// Where the client is.
    pub place: Place,
    /// The scheme of the request.
    pub scheme: Scheme,
    /// Bytes of the file.
    pub size: u64,
    /// How many candidates are wanted; the first tier that has any is always whole in the draw.
    pub want: usize,
}

/// A mirror that may get the client.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Index in [`Roster::mirrors`].
    pub mirror: usize,
    /// Its tier.
    pub tier: Tier,
    /// MirrorBrain's word for it.
    pub realm: Realm,
    /// Drawn number: lower is better.
    pub rank: u32,
    /// Thousandths of a degree, when the client's coordinates are known.
    pub distance: Option<u32>,
    /// Distance with the handicap of the score; orders the tier when known.
    pub handicapped: Option<u32>,
    /// The country that it counts for: its own, or the client's when it is everywhere.
    pub country: Option<CountryCode>,
    /// How likely it is to be chosen; filled by [`Selector::explain`] alone.
    pub probability: f64,
}

/// The outcome: candidates in order, the first is the choice.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// Best first.
    pub candidates: Vec<Candidate>,
    /// Whether any usable mirror has the file, also one that serves other places only.
    pub rows_found: bool,
    /// Every other mirror with why; filled by [`Selector::explain`] alone.
    pub excluded: Vec<(usize, Reason)>,
}

/// Orders candidates; keeps its working memory from request to request.
#[derive(Debug)]
pub struct Selector<D> {
    draw: D,
    heap: BinaryHeap<Reverse<(u32, usize)>>,
}

/// One question about one site.
#[derive(Clone, Copy)]
struct Case<'a, H> {
    law: &'a Law,
    roster: &'a Roster,
    table: &'a ClassTable,
    question: &'a Question,
    holdings: &'a H,
    near: &'a [usize],
}

impl<H: Holdings> Case<'_, H> {
    fn mirror(&self, index: usize) -> &Mirror {
        &self.roster.mirrors()[index]
    }

    fn is_too_small(&self, index: usize) -> bool {
        let limit = self.mirror(index).file_maxsize;
        limit > 0 && self.question.size > limit
    }

    /// A pull-through cache has everything.
    fn has(&self, index: usize) -> bool {
        self.mirror(index).kind == Kind::Cache || self.holdings.has(index)
    }

    /// What stands between this client and a mirror that has the file.
    fn barrier(&self, index: usize) -> Option<Reason> {
        let mirror = self.mirror(index);
        if mirror.base_url_for(self.question.scheme).is_none() {
            return Some(Reason::NoHttps);
        }
        let is_ipv4 = matches!(self.question.ip, Some(IpAddr::V4(_)));
        (mirror.ipv6_only && is_ipv4).then_some(Reason::Ipv6Only)
    }

    fn passes(&self, index: usize) -> bool {
        self.has(index) && self.barrier(index).is_none()
    }

    /// Whether the mirror is in the class that the table says, and not moved by prefix or size.
    fn stays(&self, index: usize) -> bool {
        !self.near.contains(&index) && !self.is_too_small(index)
    }

    fn members(&self, class: Class) -> impl Iterator<Item = usize> {
        self.table
            .members(class)
            .iter()
            .copied()
            .filter(|&index| self.stays(index))
    }

    fn any_passes(&self, class: Class) -> bool {
        self.members(class).any(|index| self.passes(index))
    }

    /// Indexes of a tier, not yet tested for the file.
    fn tier_members(&self, tier: Tier) -> Vec<usize> {
        match tier {
            Tier::Prefix => self
                .near
                .iter()
                .copied()
                .filter(|&index| !self.is_too_small(index))
                .collect(),
            Tier::As => self.members(Class::As).collect(),
            Tier::Country => self.country_members(),
            Tier::Region => self.members(Class::Region).collect(),
            Tier::Elsewhere => self
                .members(Class::Elsewhere)
                .chain(self.roster.too_small_for(self.question.size))
                .collect(),
        }
    }

    /// Mirrors that stand in for the country count only when it has none of its own.
    fn country_members(&self) -> Vec<usize> {
        let others = self.table.members(Class::OtherCountry);
        let own = self.members(Class::Country);
        if others.is_empty() {
            own.collect()
        } else if self.law.share_other_countries {
            own.chain(self.members(Class::OtherCountry)).collect()
        } else if self.any_passes(Class::Country) {
            own.collect()
        } else {
            self.members(Class::OtherCountry).collect()
        }
    }

    fn candidate(&self, index: usize, tier: Tier, rank: u32) -> Candidate {
        let mirror = self.mirror(index);
        let country = match mirror.country {
            MirrorCountry::Of(country) => Some(country),
            MirrorCountry::Everywhere => self.question.place.country,
            MirrorCountry::Unknown => None,
        };
        let is_foreign = tier == Tier::Country
            && country != self.question.place.country
            && mirror.country != MirrorCountry::Everywhere;
        Candidate {
            mirror: index,
            tier,
            realm: if is_foreign {
                Realm::OtherCountry
            } else {
                Realm::Tier(tier)
            },
            rank,
            distance: None,
            handicapped: None,
            country,
            probability: 0.0,
        }
    }
}

const TIERS: [Tier; 5] = [
    Tier::Prefix,
    Tier::As,
    Tier::Country,
    Tier::Region,
    Tier::Elsewhere,
];

impl<D: FnMut() -> Draw> Selector<D> {
    /// `draw` gives uniform numbers from 0 to 32767.
    pub fn new(draw: D) -> Selector<D> {
        Selector {
            draw,
            heap: BinaryHeap::new(),
        }
    }

    /// One uniform number, 0 … 32767.
    pub fn draw(&mut self) -> Draw {
        (self.draw)()
    }

    /// The best candidates, as many as the question wants (at least one if there is any).
    pub fn select(
        &mut self,
        law: &Law,
        site: (&Roster, &ClassTable),
        question: &Question,
        holdings: &impl Holdings,
    ) -> Selection {
        let (roster, table) = site;
        let near = roster.near(question.ip);
        let case = Case {
            law,
            roster,
            table,
            question,
            holdings,
            near: &near,
        };
        let mut candidates = Vec::new();
        let want = question.want.max(1);
        for tier in TIERS {
            self.add_tier(&case, tier, want, &mut candidates);
            if candidates.len() >= want {
                break;
            }
        }
        let rows_found =
            !candidates.is_empty() || roster.usable().iter().any(|&index| case.has(index));
        Selection {
            candidates,
            rows_found,
            excluded: Vec::new(),
        }
    }

    fn add_tier<H: Holdings>(
        &mut self,
        case: &Case<'_, H>,
        tier: Tier,
        want: usize,
        candidates: &mut Vec<Candidate>,
    ) {
        let members = case.tier_members(tier);
        if members.is_empty() {
            return;
        }
        if case.question.place.coordinates.is_some() {
            let room = want - candidates.len();
            let mut ordered = self.by_distance(case, tier, &members);
            ordered.truncate(room);
            candidates.append(&mut ordered);
            return;
        }
        // The order of ranks does not depend on who has the file, so bitmaps are tested from the
        // best rank on, and no more of them than needed.
        let mut entries = std::mem::take(&mut self.heap).into_vec();
        entries.clear();
        entries.extend(members.iter().map(|&index| {
            let rank = case.law.rank(case.mirror(index).score, (self.draw)());
            Reverse((rank, index))
        }));
        self.heap = BinaryHeap::from(entries);
        while candidates.len() < want {
            let Some(Reverse((rank, index))) = self.heap.pop() else {
                break;
            };
            if case.passes(index) {
                candidates.push(case.candidate(index, tier, rank));
            }
        }
    }

    /// With coordinates the size of the class matters, so all of its mirrors are tested.
    fn by_distance<H: Holdings>(
        &mut self,
        case: &Case<'_, H>,
        tier: Tier,
        members: &[usize],
    ) -> Vec<Candidate> {
        let Some(client) = case.question.place.coordinates else {
            return Vec::new();
        };
        let present: Vec<usize> = members
            .iter()
            .copied()
            .filter(|&index| case.passes(index))
            .collect();
        let all_rows = || {
            case.roster
                .usable()
                .iter()
                .filter(|&&index| case.has(index))
                .count()
        };
        let mut candidates: Vec<Candidate> = present
            .iter()
            .map(|&index| {
                let mirror = case.mirror(index);
                let rank = case.law.rank(mirror.score, (self.draw)());
                let distance = case.law.distance(client, mirror);
                // MirrorBrain counts all rows for a mirror whose file_maxsize is too small.
                let size = if case.is_too_small(index) {
                    all_rows()
                } else {
                    present.len()
                };
                let handicapped = case.law.handicapped(distance, size, mirror.score);
                Candidate {
                    distance: Some(distance),
                    handicapped: Some(handicapped),
                    ..case.candidate(index, tier, rank)
                }
            })
            .collect();
        order_by_distance(case.law, &mut candidates);
        candidates
    }

    /// Every candidate with its probability, and every other mirror with why.
    pub fn explain(
        &mut self,
        law: &Law,
        site: (&Roster, &ClassTable),
        question: &Question,
        holdings: &impl Holdings,
    ) -> Selection {
        let question = Question {
            want: usize::MAX,
            ..*question
        };
        let mut selection = self.select(law, site, &question, holdings);
        let (roster, table) = site;
        let near = roster.near(question.ip);
        let case = Case {
            law,
            roster,
            table,
            question: &question,
            holdings,
            near: &near,
        };
        fill_probabilities(law, roster, &mut selection.candidates);
        let is_candidate = |index| selection.candidates.iter().any(|c| c.mirror == index);
        let mut excluded: Vec<(usize, Reason)> = roster.unusable().to_vec();
        for &index in roster.usable() {
            if is_candidate(index) {
                continue;
            }
            let dropped = table.dropped().iter().find(|(other, _)| *other == index);
            let by_class = dropped.map_or(Reason::OtherCountryUnneeded, |(_, why)| *why);
            let reason = if case.has(index) {
                case.barrier(index).unwrap_or(by_class)
            } else {
                holdings.why_not(index)
            };
            excluded.push((index, reason));
        }
        excluded.sort_by_key(|(index, _)| *index);
        selection.excluded = excluded;
        selection
    }
}

/// Sorts by handicapped distance, then rank; with a spread those near enough to the best come
/// first, by rank.
fn order_by_distance(law: &Law, candidates: &mut [Candidate]) {
    candidates.sort_by_key(|candidate| (candidate.handicapped, candidate.rank));
    if law.spread > 0 {
        let near = within_spread(law, candidates);
        candidates[..near].sort_by_key(|candidate| candidate.rank);
    }
}

/// How many of the tier, sorted by distance, share the clients.
fn within_spread(law: &Law, candidates: &[Candidate]) -> usize {
    let best = candidates
        .iter()
        .filter_map(|candidate| candidate.handicapped)
        .min();
    let limit = best.unwrap_or(0).saturating_add(law.spread);
    candidates
        .iter()
        .filter(|candidate| candidate.handicapped <= Some(limit))
        .count()
}

fn fill_probabilities(law: &Law, roster: &Roster, candidates: &mut [Candidate]) {
    let Some(first) = candidates.first().map(|candidate| candidate.tier) else {
        return;
    };
    let tier_size = candidates
        .iter()
        .filter(|candidate| candidate.tier == first)
        .count();
    let sharing = if candidates[0].handicapped.is_some() {
        within_spread(law, &candidates[..tier_size])
    } else {
        tier_size
    };
    let scores: Vec<u16> = candidates[..sharing]
        .iter()
        .map(|candidate| roster.mirrors()[candidate.mirror].score)
        .collect();
    for (candidate, share) in candidates.iter_mut().zip(share::by_score(law, &scores)) {
        candidate.probability = share;
    }
}
