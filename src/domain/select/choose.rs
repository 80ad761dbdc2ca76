//! Puts the mirrors of each class in order and returns the candidates.

use std::net::IpAddr;

use super::admission::{CacheFile, admit};
use super::class::{Class, ClassTable, Group, Roster};
use super::drain::{DrainMoment, DrainedMirrors};
use super::law::{Distance, Draw, Law, Weights};
use super::member::{KEPT_MAX, TierMember, keep_best};
use super::reason::Reason;
use super::rendezvous;
use super::set::{MirrorSet, WORD_BITS, indexes};
use super::share::{Sharer, Shares};
use crate::domain::mirror::{Mirror, MirrorCountry};
use crate::domain::place::{Asn, CountryCode, Place};
use crate::domain::topology::TopologyRule;

/// The tier that a mirror belongs to, in order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// A rule of the admin names the mirror for the client's network.
    Rule,
    /// The client's address is in one of the mirror's prefixes.
    Prefix,
    /// The client and the mirror are in the same autonomous system.
    As,
    /// The mirror is in the client's country, is everywhere, or also serves that country.
    Country,
    /// The client and the mirror are on the same continent.
    Region,
    /// The mirror is elsewhere, or its file_maxsize is too small (a reserve).
    Elsewhere,
    /// The mirror comes after all others, wherever it is.
    Last,
}

impl Tier {
    /// All of them, in their order.
    pub const ALL: [Tier; 7] = [
        Tier::Rule,
        Tier::Prefix,
        Tier::As,
        Tier::Country,
        Tier::Region,
        Tier::Elsewhere,
        Tier::Last,
    ];

    /// Those that each turn has: all but the last, which is for what comes behind another turn.
    pub(super) const OF_A_TURN: &'static [Tier] = Tier::ALL.split_at(6).0;

    /// Stable word for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Rule => "rule",
            Tier::Prefix => "prefix",
            Tier::As => "AS",
            Tier::Country => "country",
            Tier::Region => "region",
            Tier::Elsewhere => "other",
            Tier::Last => "last",
        }
    }
}

/// MirrorBrain's word for the relation of a mirror to the client, in headers and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Realm {
    /// The word of the tier.
    Tier(Tier),
    /// The mirror is in the country tier, but in another country.
    OtherCountry,
}

impl Realm {
    /// The word in `X-MirrorBrain-Realm`.
    pub fn as_str(self) -> &'static str {
        match self {
            // MirrorBrain has no word for this tier.
            Realm::Tier(Tier::Last) => Tier::Elsewhere.as_str(),
            Realm::Tier(tier) => tier.as_str(),
            Realm::OtherCountry => "other_country",
        }
    }
}

/// Tells which mirrors have the requested file.
pub trait Holdings {
    /// 64 bits of the set of mirrors that have the current version; 0 beyond the end.
    fn word(&self, word: usize) -> u64;
    /// Reason for which a mirror outside of that set does not have the file: missing, outdated,
    /// never scanned.
    fn why_not(&self, mirror: usize) -> Reason;
}

/// The client and the file for which mirrors are chosen.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// Place of the client, or the one that it states.
    pub place: Place,
    /// The autonomous system of its address, not the one that it states.
    pub own_asn: Option<Asn>,
    /// Size of the file in bytes.
    pub size: u64,
    /// Number of wanted candidates. The first tier with any mirror always takes part in the draw as
    /// a whole.
    pub want: usize,
    /// Properties of the file on which caches depend; `None` if no cache can refuse it.
    pub cached: Option<CacheFile<'q>>,
    /// The time, and what it does to drained mirrors.
    pub drains: DrainMoment,
    /// The rules of networks that hold for the client and the file, in order.
    pub rules: &'q [&'q TopologyRule],
}

/// A mirror to which the client may be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Index in [`Roster::mirrors`].
    pub mirror: usize,
    /// Its tier.
    pub tier: Tier,
    /// MirrorBrain's word for the relation to the client.
    pub realm: Realm,
    /// TierMember rank; lower is better.
    pub rank: u32,
    /// Distance in thousandths of a degree, if the client's coordinates are known.
    pub distance: Option<u32>,
    /// Distance plus the handicap of the score; if known, it orders the tier.
    pub handicapped: Option<u32>,
    /// The country to which it is counted: its own, or the client's if the mirror is everywhere.
    pub country: Option<CountryCode>,
    /// Reason for a later turn than the first.
    pub later: Option<Reason>,
    /// Probability of being chosen; set by [`Selector::explain`] only.
    pub probability: f64,
}

/// The result: the candidates in order, of which the first is chosen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// Candidates, the best first.
    pub candidates: Vec<Candidate>,
    /// Whether any usable mirror has the file, even one that does not serve this client.
    pub rows_found: bool,
    /// All other mirrors with the reason; set by [`Selector::explain`] only.
    pub excluded: Vec<(usize, Reason)>,
}

/// The law by which a rule's weights share clients.
const PROPORTIONAL: Law = Law {
    weights: Weights::Proportional,
    distance: Distance::Degrees,
    spread: 0,
    share_other_countries: false,
    restricted_are_private: false,
    dead_ipv6_as_any: false,
};

/// The mirrors of the rule that counts.
#[derive(Debug, Default)]
struct RuledMirrors {
    set: MirrorSet,
    weights: Vec<(usize, u16)>,
}

impl RuledMirrors {
    fn weight(&self, mirror: usize) -> u16 {
        let known = self.weights.iter().find(|(index, _)| *index == mirror);
        known.map_or(1, |(_, weight)| *weight)
    }
}

/// Chooses candidates by random numbers.
#[derive(Debug)]
pub struct Selector<D> {
    draw: D,
    buffers: SelectionBuffers,
}

/// Memory that one selection leaves for the next.
#[derive(Debug, Default)]
struct SelectionBuffers {
    has: Vec<u64>,
    /// The mirrors of a tier: one or two sets, word by word.
    tier: Vec<u64>,
    /// The best of them, or all, with the numbers that order them.
    members: Vec<TierMember>,
    candidates: Vec<Candidate>,
}

/// One question to one site, and the sets of mirrors that follow from it.
struct SelectionCase<'a> {
    law: &'a Law,
    roster: &'a Roster,
    table: &'a ClassTable,
    question: &'a Question<'a>,
    /// Mirrors that have the file, and caches that may get it, since they have every file; without
    /// hidden ones.
    has: Vec<u64>,
    /// Private mirrors of other clients.
    hidden: MirrorSet,
    /// Mirrors on their way into or out of a drain.
    drained: DrainedMirrors,
    /// Whether a mirror that is drained wholly has the file.
    is_drained: bool,
    /// Mirrors with a prefix that contains the client; they move from their class to the first
    /// tier.
    near: MirrorSet,
    /// Mirrors that cannot deliver a file of this size; they move from their class to the last
    /// tier.
    too_small: MirrorSet,
    /// Mirrors that a rule names, with their weights; they move from their class to the tier of
    /// rules.
    ruled: RuledMirrors,
}

impl<'a> SelectionCase<'a> {
    fn new(
        law: &'a Law,
        site: (&'a Roster, &'a ClassTable),
        question: &'a Question<'a>,
        holdings: &impl Holdings,
        (drained, mut has): (DrainedMirrors, Vec<u64>),
    ) -> SelectionCase<'a> {
        let (roster, table) = site;
        let near = roster.near(question.ip);
        let too_small = roster.too_small_for(question.size);
        let words = 0..roster.mirrors().len().div_ceil(WORD_BITS);
        let caches = admitted(roster, question);
        let hidden = roster.hidden_from(law, question.ip, question.own_asn);
        let mut is_drained = false;
        has.clear();
        has.extend(words.map(|word| {
            let has = (holdings.word(word) | caches.word(word)) & !hidden.word(word);
            is_drained |= has & drained.out.word(word) != 0;
            has & !drained.out.word(word)
        }));
        let mut case = SelectionCase {
            law,
            roster,
            table,
            question,
            has,
            hidden,
            drained,
            is_drained,
            near,
            too_small,
            ruled: RuledMirrors::default(),
        };
        case.ruled = case.ruled();
        case
    }

    /// The mirrors of the first rule that names one with the file that can serve the client. Flags
    /// by which mirrors are for some networks only do not count: the admin named the mirror.
    fn ruled(&self) -> RuledMirrors {
        let can_serve = |index: usize| {
            let serves = |group: &Group| {
                group.reachable().contains(index) && !group.barred().contains(index)
            };
            self.has(index) && !self.too_small.contains(index) && self.table.groups().any(serves)
        };
        let of_rule = |rule: &&TopologyRule| {
            let mut found = RuledMirrors::default();
            for (name, weight) in &rule.mirrors {
                if let Some(index) = self.roster.index_of(name).filter(|index| can_serve(*index)) {
                    found.set.insert(index);
                    found.weights.push((index, *weight));
                }
            }
            (!found.set.is_empty()).then_some(found)
        };
        self.question
            .rules
            .iter()
            .find_map(of_rule)
            .unwrap_or_default()
    }

    fn mirror(&self, index: usize) -> &Mirror {
        &self.roster.mirrors()[index]
    }

    /// Adds the mirrors of a set, given word by word, that have the file.
    fn add_having(&self, set: impl Fn(usize) -> u64, tier: &mut Vec<u64>) {
        let words = self.has.iter().enumerate();
        tier.extend(words.map(|(word, has)| has & set(word)));
    }

    /// Adds the mirrors of a class that have the file and were not moved to another tier.
    fn add_class(&self, (group, class): (&Group, Class), tier: &mut Vec<u64>) {
        let class = group.members(class);
        let moved =
            |word| self.near.word(word) | self.too_small.word(word) | self.ruled.set.word(word);
        let stays = |word| class.word(word) & !moved(word);
        self.add_having(stays, tier);
    }

    /// Puts into `sets` the mirrors of a tier that have the file and to which the client can be
    /// sent: one or two sets of as many words as `has`.
    fn tier(&self, group: &Group, tier: Tier, sets: &mut Vec<u64>) {
        sets.clear();
        let reachable = group.reachable();
        match tier {
            Tier::Rule if self.ruled.weights.is_empty() => {}
            Tier::Rule => {
                let ruled = &self.ruled.set;
                self.add_having(|word| ruled.word(word) & reachable.word(word), sets);
            }
            Tier::Prefix => {
                let moved = |word| self.too_small.word(word) | self.ruled.set.word(word);
                let near = |word| self.near.word(word) & !moved(word);
                self.add_having(|word| near(word) & reachable.word(word), sets);
            }
            Tier::As => self.add_class((group, Class::As), sets),
            Tier::Country => {
                self.add_class((group, Class::Country), sets);
                // Mirrors that also serve this country count only if it has none of its own.
                if sets.iter().all(|word| *word == 0) || self.law.share_other_countries {
                    self.add_class((group, Class::OtherCountry), sets);
                }
            }
            Tier::Region => self.add_class((group, Class::Region), sets),
            Tier::Elsewhere => {
                self.add_class((group, Class::Elsewhere), sets);
                let barred = group.barred();
                let too_small =
                    |word| self.too_small.word(word) & reachable.word(word) & !barred.word(word);
                self.add_having(too_small, sets);
            }
            Tier::Last => {}
        }
    }

    /// Number of usable mirrors that have the file, whichever clients they serve.
    fn rows(&self) -> u32 {
        let usable = self.roster.usable();
        let words = self.has.iter().enumerate();
        words
            .map(|(word, has)| (has & usable.word(word)).count_ones())
            .sum()
    }

    fn candidate(&self, member: &TierMember, tier: Tier) -> Candidate {
        let mirror = self.mirror(member.mirror);
        let is_placed = self.question.place.coordinates.is_some();
        let country = match mirror.country {
            MirrorCountry::Of(country) => Some(country),
            MirrorCountry::Everywhere => self.question.place.country,
            MirrorCountry::Unknown => None,
        };
        let is_foreign = tier == Tier::Country
            && country != self.question.place.country
            && mirror.country != MirrorCountry::Everywhere;
        Candidate {
            mirror: member.mirror,
            tier,
            realm: if is_foreign {
                Realm::OtherCountry
            } else {
                Realm::Tier(tier)
            },
            rank: member.rank(),
            distance: is_placed.then_some(member.distance),
            handicapped: is_placed.then_some(member.handicapped()),
            country,
            later: self.later(member.mirror),
            probability: 0.0,
        }
    }

    /// A mirror of a tier of that size, with its draw.
    fn member(&self, tier: Tier, mirror: usize, size: usize, draw: Draw) -> TierMember {
        let standing = self.roster.standing(mirror);
        let rank = match tier {
            Tier::Rule => PROPORTIONAL.rank(self.ruled.weight(mirror), draw),
            _ => self.law.rank(standing.score, draw),
        };
        let (mut distance, mut handicapped) = (0, 0);
        let client = self.question.place.coordinates;
        if let Some(client) = client.filter(|_| tier != Tier::Rule) {
            distance = self.law.distance(client, standing.coordinates);
            // MirrorBrain counts all mirrors with the file if file_maxsize is too small.
            let size = match self.too_small.contains(mirror) {
                true => self.rows() as usize,
                false => size,
            };
            handicapped = self.law.handicapped(distance, size, standing.score);
        }
        TierMember {
            is_thinned: self.drained.thinned.contains(mirror),
            order: u64::from(handicapped) << 32 | u64::from(rank),
            mirror,
            distance,
        }
    }

    /// The path whose caches have an order of its own, if there are several among the mirrors.
    fn path_for_caches(&self, sets: &[u64]) -> Option<&'a [u8]> {
        let path = self.question.cached.as_ref()?.path;
        let caches = self.roster.caches();
        let words = self.has.len().max(1);
        let sets = sets.iter().enumerate();
        let cached = sets.map(|(number, set)| (set & caches.word(number % words)).count_ones());
        (cached.sum::<u32>() > 1).then_some(path)
    }

    /// Gives the places of caches in a sorted tier to caches in the order that this path has. A
    /// cache that is farther away than the law allows to share keeps its place.
    fn order_caches(&self, path: &[u8], members: &mut [TierMember]) {
        let nearest = members.iter().map(|member| member.handicapped()).min();
        let limit = nearest.unwrap_or(0).saturating_add(self.law.spread);
        let caches = self.roster.caches();
        let is_thinned = members.first().is_some_and(|member| member.is_thinned);
        let shares = |member: &TierMember| {
            member.is_thinned == is_thinned
                && member.handicapped() <= limit
                && caches.contains(member.mirror)
        };
        let mut key = Vec::with_capacity(path.len() + 1);
        let mut ordered: Vec<(f64, TierMember)> = members
            .iter()
            .filter(|member| shares(member))
            .map(|member| {
                let wish = rendezvous::wish(path, self.mirror(member.mirror), &mut key);
                (wish, *member)
            })
            .collect();
        let name = |member: &TierMember| &self.mirror(member.mirror).identifier;
        ordered.sort_by(|(first, one), (second, other)| {
            second
                .total_cmp(first)
                .then_with(|| name(one).cmp(name(other)))
        });
        let places = members.iter_mut().filter(|member| shares(member));
        for (place, (_, member)) in places.zip(ordered) {
            *place = member;
        }
    }

    /// Reason for which a mirror is considered later than others.
    fn later(&self, index: usize) -> Option<Reason> {
        let is_let_in = self.drained.let_in.contains(index);
        let later = self.table.later(index);
        later.or(is_let_in.then_some(Reason::Drained))
    }

    /// Reason for which a mirror does not have the file, or a cache may not get it.
    fn why_not(&self, index: usize, holdings: &impl Holdings) -> Reason {
        let cached = self.question.cached.as_ref();
        let cached = cached.filter(|_| self.roster.caches().contains(index));
        let refusal = cached.and_then(|file| {
            let admission = admit(self.mirror(index), file, self.question.size);
            admission.err()
        });
        refusal.unwrap_or_else(|| holdings.why_not(index))
    }

    fn has(&self, index: usize) -> bool {
        self.has[index / WORD_BITS] >> (index % WORD_BITS) & 1 == 1
    }
}

/// The caches that may get the file.
fn admitted(roster: &Roster, question: &Question<'_>) -> MirrorSet {
    let caches = roster.caches();
    let Some(file) = question.cached.as_ref().filter(|_| !caches.is_empty()) else {
        return caches.clone();
    };
    let mirrors = roster.mirrors();
    let may = |index: &usize| admit(&mirrors[*index], file, question.size).is_ok();
    caches.iter().filter(may).collect()
}

impl<D: FnMut() -> Draw> Selector<D> {
    /// `draw` must return uniform numbers from 0 to 32767.
    pub fn new(draw: D) -> Selector<D> {
        Selector {
            draw,
            buffers: SelectionBuffers::default(),
        }
    }

    /// Takes back the memory of candidates that are not needed any more.
    pub fn reuse(&mut self, candidates: Vec<Candidate>) {
        self.buffers.candidates = candidates;
    }

    /// One uniform number from 0 to 32767.
    pub fn draw(&mut self) -> Draw {
        (self.draw)()
    }

    /// Returns the best candidates: as many as the question wants, and at least one if there is
    /// any.
    pub fn select(
        &mut self,
        law: &Law,
        site: (&Roster, &ClassTable),
        question: &Question<'_>,
        holdings: &impl Holdings,
    ) -> Selection {
        let mut drained = site.0.drained_at(question.drains, &mut self.draw);
        let has = std::mem::take(&mut self.buffers.has);
        let mut case = SelectionCase::new(law, site, question, holdings, (drained, has));
        let mut candidates = self.candidates(&case, question);
        if candidates.is_empty() && case.is_drained && question.drains.is_last_resort {
            drained = case.drained.all_let_in();
            case = SelectionCase::new(law, site, question, holdings, (drained, case.has));
            self.buffers.candidates = candidates;
            candidates = self.candidates(&case, question);
        }
        let rows_found = !candidates.is_empty() || case.is_drained || case.rows() > 0;
        self.buffers.has = case.has;
        Selection {
            candidates,
            rows_found,
            excluded: Vec::new(),
        }
    }

    /// The best candidates, tier by tier.
    fn candidates(&mut self, case: &SelectionCase<'_>, question: &Question<'_>) -> Vec<Candidate> {
        let want = question.want.max(1);
        let mut candidates = std::mem::take(&mut self.buffers.candidates);
        candidates.clear();
        candidates.reserve(want.min(case.roster.mirrors().len()));
        for group in case.table.groups() {
            if group.turn().is_substitute && !candidates.is_empty() {
                break;
            }
            // Candidates of later turns form a tier of their own.
            let is_behind = !candidates.is_empty();
            for tier in Tier::OF_A_TURN.iter().copied() {
                if candidates.len() >= want {
                    break;
                }
                let label = if is_behind { Tier::Last } else { tier };
                self.add_tier(case, (group, tier, label), want, &mut candidates);
            }
        }
        candidates
    }

    fn add_tier(
        &mut self,
        case: &SelectionCase<'_>,
        (group, tier, label): (&Group, Tier, Tier),
        want: usize,
        candidates: &mut Vec<Candidate>,
    ) {
        let room = want - candidates.len();
        let is_spread = case.law.spread > 0 && case.question.place.coordinates.is_some();
        case.tier(group, tier, &mut self.buffers.tier);
        let path_for_caches = match tier {
            Tier::Rule => None,
            _ => case.path_for_caches(&self.buffers.tier),
        };
        let keeps_best = room <= KEPT_MAX && !is_spread && path_for_caches.is_none();
        self.draw_members(case, tier, keeps_best.then_some(room));
        let members = &mut self.buffers.members;
        if !keeps_best {
            members.sort_unstable();
        }
        if is_spread && let Some(best) = members.first() {
            let limit = best.handicapped().saturating_add(case.law.spread);
            let is_thinned = best.is_thinned;
            let near = members.partition_point(|member| {
                member.is_thinned == is_thinned && member.handicapped() <= limit
            });
            members[..near].sort_unstable_by_key(|member| (member.rank(), member.mirror));
        }
        if let Some(path) = path_for_caches {
            case.order_caches(path, members);
        }
        let best = members.iter().take(room);
        candidates.extend(best.map(|member| case.candidate(member, label)));
    }

    /// Turns the sets of a tier into members with the numbers that order them: the best `room` ones
    /// in their order, or all in any order.
    fn draw_members(&mut self, case: &SelectionCase<'_>, tier: Tier, room: Option<usize>) {
        let SelectionBuffers {
            tier: sets,
            members,
            ..
        } = &mut self.buffers;
        members.clear();
        let size: usize = sets.iter().map(|set| set.count_ones() as usize).sum();
        let words = case.has.len().max(1);
        for (number, set) in sets.iter().enumerate().filter(|(_, set)| **set != 0) {
            for mirror in indexes(number % words, *set) {
                let member = case.member(tier, mirror, size, (self.draw)());
                match room {
                    Some(room) => keep_best(members, room, member),
                    None => members.push(member),
                }
            }
        }
    }

    /// Returns every candidate with its probability, and every other mirror with the reason.
    pub fn explain(
        &mut self,
        law: &Law,
        site: (&Roster, &ClassTable),
        question: &Question<'_>,
        holdings: &impl Holdings,
    ) -> Selection {
        let question = Question {
            want: usize::MAX,
            ..*question
        };
        let mut selection = self.select(law, site, &question, holdings);
        let drained = site.0.drained_at(question.drains, &mut self.draw);
        let case = SelectionCase::new(law, site, &question, holdings, (drained, Vec::new()));
        case.fill_probabilities(&mut selection.candidates);
        let is_candidate = |index| selection.candidates.iter().any(|c| c.mirror == index);
        let mut excluded: Vec<(usize, Reason)> = case.roster.unusable().to_vec();
        for index in case
            .roster
            .usable()
            .iter()
            .filter(|index| !is_candidate(*index))
        {
            let reason = if case.hidden.contains(index) {
                Reason::Private
            } else if case.drained.out.contains(index) && holds(holdings, index) {
                Reason::Drained
            } else if case.has(index) {
                // A mirror in a class that is no candidate also serves this country, but was not
                // needed.
                case.table
                    .reason(index)
                    .unwrap_or(Reason::OtherCountryUnneeded)
            } else {
                case.why_not(index, holdings)
            };
            excluded.push((index, reason));
        }
        excluded.sort_by_key(|(index, _)| *index);
        selection.excluded = excluded;
        selection
    }
}

/// Whether a mirror has the file, whatever else holds for it.
fn holds(holdings: &impl Holdings, index: usize) -> bool {
    holdings.word(index / WORD_BITS) >> (index % WORD_BITS) & 1 == 1
}

impl SelectionCase<'_> {
    /// Gives each candidate of the first tier its probability.
    fn fill_probabilities(&self, candidates: &mut [Candidate]) {
        let Some(first) = candidates.first().map(|candidate| candidate.tier) else {
            return;
        };
        let is_of_first = |candidate: &&mut Candidate| candidate.tier == first;
        let mut tier: Vec<&mut Candidate> = candidates.iter_mut().filter(is_of_first).collect();
        let members: Vec<Sharer> = tier.iter().map(|one| self.sharer(one)).collect();
        let is_ruled = first == Tier::Rule;
        let cached = self.question.cached.as_ref().filter(|_| !is_ruled);
        let shares = Shares {
            law: if is_ruled { &PROPORTIONAL } else { self.law },
            path: cached.map(|file| file.path),
            members: &members,
        };
        for (candidate, share) in tier.iter_mut().zip(shares.of_all()) {
            candidate.probability = share;
        }
    }

    fn sharer(&self, candidate: &Candidate) -> Sharer<'_> {
        let mirror = self.mirror(candidate.mirror);
        let is_cache = self.roster.caches().contains(candidate.mirror);
        let score = match candidate.tier {
            Tier::Rule => self.ruled.weight(candidate.mirror),
            _ => mirror.score,
        };
        Sharer {
            score,
            handicapped: candidate.handicapped.unwrap_or(0),
            cache: is_cache.then_some(mirror),
            drained_to: self.drained.share_of(candidate.mirror),
        }
    }
}
