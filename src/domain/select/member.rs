//! Orders the mirrors of a tier.

/// Number of best members that are kept in order while a tier is drawn. For more, all members are
/// sorted afterwards.
pub(super) const KEPT_MAX: usize = 16;

/// A mirror of a tier. The order is by handicapped distance (0 without coordinates), then by rank;
/// mirrors that are drained and had bad luck come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TierMember {
    /// Whether the mirror is drained and had bad luck.
    pub is_thinned: bool,
    /// Handicapped distance and rank, in one number because most comparisons end with it.
    pub order: u64,
    /// Its index in the roster.
    pub mirror: usize,
    /// Distance without the handicap.
    pub distance: u32,
}

impl TierMember {
    /// Handicapped distance.
    pub fn handicapped(&self) -> u32 {
        (self.order >> 32) as u32
    }

    /// Rank by weight and draw; the smallest is the best.
    pub fn rank(&self) -> u32 {
        self.order as u32
    }
}

/// Adds a member to the best `room` ones, which are in order.
pub(super) fn keep_best(best: &mut Vec<TierMember>, room: usize, member: TierMember) {
    if best.len() >= room {
        if best.last().is_none_or(|last| *last <= member) {
            return;
        }
        best.pop();
    }
    let before = best.iter().rposition(|other| *other < member);
    best.insert(before.map_or(0, |before| before + 1), member);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_members_are_those_that_sorting_puts_first() {
        let mut random = fastrand::Rng::with_seed(5);
        for size in 0..60 {
            let member = |mirror| TierMember {
                is_thinned: random.bool(),
                order: random.u64(..20),
                mirror,
                distance: 0,
            };
            let mut all: Vec<TierMember> = (0..size).map(member).collect();
            random.shuffle(&mut all);
            for room in 1..=KEPT_MAX {
                let mut best = Vec::new();
                for member in &all {
                    keep_best(&mut best, room, *member);
                }
                let mut sorted = all.clone();
                sorted.sort_unstable();
                sorted.truncate(room);
                assert_eq!(best, sorted, "{size} {room}");
            }
        }
    }
}
