//! From classes to ordered candidates.

use std::net::IpAddr;

use super::class::{Class, ClassTable, Roster};
use super::law::{Draw, Law};
use super::reason::Reason;
use super::set::{MirrorSet, WORD_BITS, indexes};
use super::share;
use crate::domain::mirror::{Mirror, MirrorCountry};
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
    /// 64 mirrors of the set of those that have the current version; none beyond the end.
    fn word(&self, word: usize) -> u64;
    /// Why a mirror that is not in that set does not have it: missing, outdated, never scanned.
    fn why_not(&self, mirror: usize) -> Reason;
}

/// Who asks for what.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// Where the client is.
    pub place: Place,
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

/// Orders candidates by drawn numbers.
#[derive(Debug)]
pub struct Selector<D> {
    draw: D,
}

/// One question about one site.
struct Case<'a, H> {
    law: &'a Law,
    roster: &'a Roster,
    table: &'a ClassTable,
    question: &'a Question,
    holdings: &'a H,
    /// Mirrors whose prefix has the client; they leave their class for the first tier.
    near: MirrorSet,
    /// Mirrors that cannot deliver so large a file; they leave their class for the last tier.
    too_small: MirrorSet,
}

impl<'a, H: Holdings> Case<'a, H> {
    fn new(
        law: &'a Law,
        site: (&'a Roster, &'a ClassTable),
        question: &'a Question,
        holdings: &'a H,
    ) -> Case<'a, H> {
        let (roster, table) = site;
        let near = roster.near(question.ip);
        let too_small = roster.too_small_for(question.size);
        Case {
            law,
            roster,
            table,
            question,
            holdings,
            near,
            too_small,
        }
    }

    fn mirror(&self, index: usize) -> &Mirror {
        &self.roster.mirrors()[index]
    }

    /// The mirrors of a set that have the file.
    fn having<'c>(&'c self, set: &'c MirrorSet) -> impl Iterator<Item = usize> + 'c {
        (0..set.words()).flat_map(move |word| {
            let has = self.holdings.word(word) | self.roster.caches().word(word);
            indexes(word, has & set.word(word))
        })
    }

    /// The mirrors of a class that have the file and were not moved to another tier.
    fn members(&self, class: Class) -> impl Iterator<Item = usize> {
        let stays = |index: &usize| !self.near.contains(*index) && !self.too_small.contains(*index);
        self.having(self.table.members(class)).filter(stays)
    }

    fn reachable(&self, index: &usize) -> bool {
        self.table.reachable().contains(*index)
    }

    /// The mirrors of a tier that have the file and that the client can be sent to.
    fn tier(&self, tier: Tier) -> Vec<usize> {
        let reachable = |index: &usize| self.reachable(index);
        match tier {
            Tier::Prefix => self
                .having(&self.near)
                .filter(|index| reachable(index) && !self.too_small.contains(*index))
                .collect(),
            Tier::As => self.members(Class::As).collect(),
            Tier::Country => self.country(),
            Tier::Region => self.members(Class::Region).collect(),
            Tier::Elsewhere => self
                .members(Class::Elsewhere)
                .chain(self.having(&self.too_small).filter(reachable))
                .collect(),
        }
    }

    /// Mirrors that stand in for the country count only when it has none of its own.
    fn country(&self) -> Vec<usize> {
        let mut own: Vec<usize> = self.members(Class::Country).collect();
        if own.is_empty() || self.law.share_other_countries {
            own.extend(self.members(Class::OtherCountry));
        }
        own
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

    fn has(&self, index: usize) -> bool {
        let word = self.holdings.word(index / WORD_BITS);
        word >> (index % WORD_BITS) & 1 == 1 || self.roster.caches().contains(index)
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
        Selector { draw }
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
        let case = Case::new(law, site, question, holdings);
        let want = question.want.max(1);
        let mut candidates = Vec::with_capacity(want.min(case.roster.mirrors().len()));
        for tier in TIERS {
            self.add_tier(&case, tier, want, &mut candidates);
            if candidates.len() >= want {
                break;
            }
        }
        let rows_found =
            !candidates.is_empty() || case.having(case.roster.usable()).next().is_some();
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
        let members = case.tier(tier);
        let room = want - candidates.len();
        if case.question.place.coordinates.is_some() {
            let ordered = self.by_distance(case, tier, &members);
            candidates.extend(ordered.into_iter().take(room));
            return;
        }
        let mut ranked: Vec<(u32, usize)> = members
            .into_iter()
            .map(|index| {
                (
                    case.law.rank(case.mirror(index).score, (self.draw)()),
                    index,
                )
            })
            .collect();
        if ranked.len() > room {
            // The rest of a large class needs no order.
            ranked.select_nth_unstable(room);
            ranked.truncate(room);
        }
        ranked.sort_unstable();
        candidates.extend(
            ranked
                .into_iter()
                .map(|(rank, index)| case.candidate(index, tier, rank)),
        );
    }

    fn by_distance<H: Holdings>(
        &mut self,
        case: &Case<'_, H>,
        tier: Tier,
        members: &[usize],
    ) -> Vec<Candidate> {
        let Some(client) = case.question.place.coordinates else {
            return Vec::new();
        };
        let all_rows = || case.having(case.roster.usable()).count();
        let mut candidates: Vec<Candidate> = members
            .iter()
            .map(|&index| {
                let mirror = case.mirror(index);
                let rank = case.law.rank(mirror.score, (self.draw)());
                let distance = case.law.distance(client, mirror);
                // MirrorBrain counts all rows for a mirror whose file_maxsize is too small.
                let is_reserve = case.too_small.contains(index);
                let size = if is_reserve {
                    all_rows()
                } else {
                    members.len()
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
        let case = Case::new(law, site, &question, holdings);
        fill_probabilities(law, case.roster, &mut selection.candidates);
        let is_candidate = |index| selection.candidates.iter().any(|c| c.mirror == index);
        let mut excluded: Vec<(usize, Reason)> = case.roster.unusable().to_vec();
        for index in case
            .roster
            .usable()
            .iter()
            .filter(|index| !is_candidate(*index))
        {
            let reason = if case.has(index) {
                // What is in a class and yet no candidate stood in for a country in vain.
                case.table
                    .reason(index)
                    .unwrap_or(Reason::OtherCountryUnneeded)
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
