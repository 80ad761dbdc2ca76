//! Counts how the lines of a log were answered. Its size depends on the numbers of mirrors and
//! reasons alone.

use std::collections::HashMap;
use std::hash::Hash;

use super::judge::AnswerKind;
use super::line::LoggedRequest;
use super::unread::UnreadLines;
use super::world::ReplayWorld;
use crate::decide::{Choice, Decision};
use crate::domain::mirror::MirrorCountry;
use crate::domain::place::{Coordinates, CountryCode};
use crate::domain::time::Timestamp;

/// Names of mirrors that a log may have. A forged log with more would fill the memory.
const LOGGED_MIRRORS_MAX: usize = 10_000;
/// Stands for the names beyond.
const FURTHER: &str = "(further names)";
/// Kilometres that are counted together.
const STEP_KM: usize = 10;
/// Half of the Earth's circumference.
const STEPS: usize = 20_040 / STEP_KM;

/// Requests, and the bytes of files that they are about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    pub requests: u64,
    pub bytes: u64,
}

impl Traffic {
    fn add(&mut self, bytes: u64) {
        self.merge(Traffic { requests: 1, bytes });
    }

    fn merge(&mut self, other: Traffic) {
        self.requests += other.requests;
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// Results of requests: in the log, or by the decisions of one world.
#[derive(Debug, Clone, Default)]
pub(super) struct AnswerColumn {
    /// By kind and reason.
    pub answers: HashMap<(AnswerKind, &'static str), Traffic>,
    pub mirrors: HashMap<String, Traffic>,
    /// Redirects by distance, in steps.
    distances: Vec<u64>,
    /// Redirects of which the countries of both ends are known.
    pub countries_known: u64,
    /// Those of them that lead to another country.
    pub countries_left: u64,
}

impl AnswerColumn {
    /// Requests of a kind, whatever the reason.
    pub(super) fn of_kind(&self, kind: AnswerKind) -> Traffic {
        let mut sum = Traffic::default();
        let of_kind = self.answers.iter().filter(|((found, _), _)| *found == kind);
        of_kind.for_each(|(_, traffic)| sum.merge(*traffic));
        sum
    }

    /// All requests.
    pub(super) fn all(&self) -> Traffic {
        let mut sum = Traffic::default();
        self.answers
            .values()
            .for_each(|traffic| sum.merge(*traffic));
        sum
    }

    /// The median distance of redirects in kilometres, if any is known.
    pub(super) fn median_km(&self) -> Option<usize> {
        let known: u64 = self.distances.iter().sum();
        let mut passed = 0;
        let mut steps = self.distances.iter();
        let step = steps.position(|count| {
            passed += count;
            passed * 2 >= known
        });
        step.filter(|_| known > 0).map(|step| step * STEP_KM)
    }

    fn add_answer(&mut self, kind: AnswerKind, reason: &'static str, bytes: u64) {
        self.answers.entry((kind, reason)).or_default().add(bytes);
    }

    fn add_mirror(&mut self, name: &str, bytes: u64) {
        let is_full = self.mirrors.len() >= LOGGED_MIRRORS_MAX;
        if let Some(traffic) = self.mirrors.get_mut(name) {
            return traffic.add(bytes);
        }
        let name = if is_full { FURTHER } else { name };
        self.mirrors.entry(name.to_owned()).or_default().add(bytes);
    }

    fn add_choice(&mut self, world: &ReplayWorld, decision: &Decision<'_>, choice: &Choice<'_>) {
        let place = decision.client.as_ref().map(|client| client.place);
        let place = place.unwrap_or_default();
        if let (Some(from), Some(to)) = (place.coordinates, choice.coordinates) {
            self.distances.resize(STEPS + 1, 0);
            self.distances[step(from, to)] += 1;
        }
        if let (Some(from), Some(to)) = (place.country, country(world, choice)) {
            self.countries_known += 1;
            self.countries_left += u64::from(from != to);
        }
    }

    /// Counts a decision.
    pub(super) fn add(&mut self, world: &ReplayWorld, decision: &Decision<'_>, bytes: u64) {
        let (kind, reason) = AnswerKind::of(decision);
        self.add_answer(kind, reason, bytes);
        if kind == AnswerKind::Redirected
            && let Some(choice) = decision.choices().first()
        {
            self.add_mirror(&choice.name, bytes);
            self.add_choice(world, decision, choice);
        }
    }

    /// Counts an answer of the log.
    pub(super) fn add_logged(&mut self, kind: AnswerKind, request: &LoggedRequest, bytes: u64) {
        self.add_answer(kind, "", bytes);
        if kind == AnswerKind::Redirected && !request.mirror.is_empty() {
            self.add_mirror(&String::from_utf8_lossy(&request.mirror), bytes);
        }
    }

    fn merge(&mut self, other: AnswerColumn) {
        for (key, traffic) in other.answers {
            self.answers.entry(key).or_default().merge(traffic);
        }
        for (name, traffic) in other.mirrors {
            self.mirrors.entry(name).or_default().merge(traffic);
        }
        if !other.distances.is_empty() {
            self.distances.resize(STEPS + 1, 0);
        }
        let pairs = self.distances.iter_mut().zip(other.distances);
        pairs.for_each(|(sum, more)| *sum += more);
        self.countries_known += other.countries_known;
        self.countries_left += other.countries_left;
    }
}

fn step(from: Coordinates, to: Coordinates) -> usize {
    (from.kilometres_to(to) as usize / STEP_KM).min(STEPS)
}

fn country(world: &ReplayWorld, choice: &Choice<'_>) -> Option<CountryCode> {
    if choice.is_fallback {
        return choice.country;
    }
    let mirrors = world.roster()?.mirrors();
    match mirrors.get(choice.candidate.mirror)?.country {
        MirrorCountry::Of(country) => Some(country),
        MirrorCountry::Unknown | MirrorCountry::Everywhere => None,
    }
}

/// Kinds before and after, and the reason of the latter.
pub(super) type KindChange = (AnswerKind, AnswerKind, &'static str);

/// The sums of a whole log, or of one thread's part of it.
#[derive(Debug, Clone, Default)]
pub(super) struct ReplayTally {
    pub lines: u64,
    pub decided: u64,
    /// Lines that no decision is made about, by the reason.
    pub left_out: HashMap<&'static str, u64>,
    pub unread: UnreadLines,
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    pub logged: AnswerColumn,
    pub now: AnswerColumn,
    /// With `--against` or `--without`.
    pub then: AnswerColumn,
    pub changes: HashMap<KindChange, Traffic>,
    /// Redirects that lead to another mirror, by the reason.
    pub mirror_changes: HashMap<&'static str, Traffic>,
    /// Redirects to the same mirror as before.
    pub same_mirror: u64,
}

impl ReplayTally {
    /// Counts a line that no decision is made about.
    pub(super) fn leave_out(&mut self, why: &'static str) {
        *self.left_out.entry(why).or_default() += 1;
    }

    /// Widens the span of time.
    pub(super) fn see(&mut self, at: Option<Timestamp>) {
        self.first_at = self.first_at.min(at).or(self.first_at).or(at);
        self.last_at = self.last_at.max(at);
    }

    /// Counts an answer that is of another kind than before.
    pub(super) fn add_change(&mut self, change: KindChange, bytes: u64) {
        self.changes.entry(change).or_default().add(bytes);
    }

    /// Counts a redirect that leads to another mirror than before.
    pub(super) fn add_mirror_change(&mut self, why: &'static str, bytes: u64) {
        self.mirror_changes.entry(why).or_default().add(bytes);
    }

    /// Adds another thread's sums.
    pub(super) fn merge(&mut self, other: ReplayTally) {
        self.lines += other.lines;
        self.decided += other.decided;
        for (why, count) in other.left_out {
            *self.left_out.entry(why).or_default() += count;
        }
        self.unread.merge(other.unread);
        self.see(other.first_at);
        self.see(other.last_at);
        self.logged.merge(other.logged);
        self.now.merge(other.now);
        self.then.merge(other.then);
        merge_traffic(&mut self.changes, other.changes);
        merge_traffic(&mut self.mirror_changes, other.mirror_changes);
        self.same_mirror += other.same_mirror;
    }
}

fn merge_traffic<K: Eq + Hash>(sums: &mut HashMap<K, Traffic>, more: HashMap<K, Traffic>) {
    for (key, traffic) in more {
        sums.entry(key).or_default().merge(traffic);
    }
}
