//! Thins out mirrors on their way into or out of a drain, request by request.

use super::class::Roster;
use super::law::Draw;
use super::set::MirrorSet;
use crate::domain::time::Timestamp;

/// The share from which a list names a mirror in its ordinary place: a client of the list may stay
/// with a mirror for long.
const LISTED_SHARE_MIN: f64 = 0.05;

/// The number of different draws.
const DRAWS: f64 = 32_768.0;

/// The time of a request, and what it does to drained mirrors.
#[derive(Debug, Clone, Copy)]
pub struct DrainMoment {
    /// When.
    pub now: Timestamp,
    /// Whether one mirror is drawn for the client, which may be another one the next time; a list
    /// names all of them.
    pub is_drawn: bool,
    /// Whether a drained mirror is better than none, because the files are not here.
    pub is_last_resort: bool,
}

/// The drained mirrors, as one request sees them.
#[derive(Debug, Clone, Default)]
pub(super) struct DrainedMirrors {
    /// Mirrors to which nobody is sent.
    pub out: MirrorSet,
    /// Mirrors that come last in their tier this time.
    pub thinned: MirrorSet,
    /// Mirrors to which nobody would be sent if there were others.
    pub let_in: MirrorSet,
    /// The share of each, by index.
    shares: Vec<(usize, f64)>,
}

impl DrainedMirrors {
    /// The part of its usual share that a mirror gets.
    pub fn share_of(&self, mirror: usize) -> f64 {
        let known = self.shares.iter().find(|(index, _)| *index == mirror);
        known.map_or(1.0, |(_, share)| *share)
    }

    /// The same, when there is nobody else.
    pub fn all_let_in(self) -> DrainedMirrors {
        DrainedMirrors {
            let_in: self.out,
            ..DrainedMirrors::default()
        }
    }
}

impl Roster {
    /// The mirrors that are drained at that time, with a draw for each that is thinned.
    pub(super) fn drained_at(
        &self,
        moment: DrainMoment,
        mut draw: impl FnMut() -> Draw,
    ) -> DrainedMirrors {
        let mut found = DrainedMirrors::default();
        for &index in self.drained() {
            let drain = self.mirrors()[index].drain.as_ref();
            let share = drain.map_or(1.0, |drain| drain.share(moment.now));
            if share >= 1.0 {
                continue;
            }
            found.shares.push((index, share));
            if share <= 0.0 {
                found.out.insert(index);
            } else if match moment.is_drawn {
                true => f64::from(draw()) >= share * DRAWS,
                false => share < LISTED_SHARE_MIN,
            } {
                found.thinned.insert(index);
            }
        }
        found
    }
}
