//! Computes the probability of each candidate (behaviour §2.5).

use super::law::{Law, Weights, step};
use super::rendezvous;
use crate::domain::mirror::Mirror;

/// Number of steps of the integration; the integrand is a polynomial, so this is more than enough.
const STEPS: usize = 400;

/// Number of drained mirrors of a tier whose luck is looked at in all combinations; more count as
/// if they always had it.
const DRAINED_MAX: usize = 8;

/// A candidate of a tier, as far as its share depends on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sharer<'m> {
    pub score: u16,
    /// Distance plus handicap; 0 without coordinates.
    pub handicapped: u32,
    /// The mirror, if it is a cache.
    pub cache: Option<&'m Mirror>,
    /// The part of its usual share that a drain leaves it.
    pub drained_to: f64,
}

/// A tier whose clients are shared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shares<'m> {
    pub law: &'m Law,
    /// The path that caches share; `None`: they share like mirrors.
    pub path: Option<&'m [u8]>,
    pub members: &'m [Sharer<'m>],
}

impl Shares<'_> {
    /// The probability of each member: the mean over all lucks of those that are drained.
    pub fn of_all(&self) -> Vec<f64> {
        let drained = (0..self.members.len()).filter(|&one| self.members[one].drained_to < 1.0);
        let drained: Vec<usize> = drained.take(DRAINED_MAX).collect();
        let mut sums = vec![0.0; self.members.len()];
        for luck in 0..1_u32 << drained.len() {
            let mut chance = 1.0;
            let mut is_in = vec![true; self.members.len()];
            for (place, &member) in drained.iter().enumerate() {
                let share = self.members[member].drained_to;
                is_in[member] = luck >> place & 1 == 1;
                chance *= if is_in[member] { share } else { 1.0 - share };
            }
            if !is_in.contains(&true) {
                is_in.fill(true);
            }
            for (sum, share) in sums.iter_mut().zip(self.of(&is_in)) {
                *sum += chance * share;
            }
        }
        sums
    }

    /// The share of each member if only those are in the draw.
    fn of(&self, is_in: &[bool]) -> Vec<f64> {
        let takes_part = |one: &usize| is_in[*one];
        let members = (0..self.members.len()).filter(takes_part);
        let nearest = members.clone().map(|one| self.members[one].handicapped);
        let limit = nearest.min().unwrap_or(0).saturating_add(self.law.spread);
        let sharing: Vec<usize> = members
            .filter(|&one| self.members[one].handicapped <= limit)
            .collect();
        let scores: Vec<u16> = sharing.iter().map(|&one| self.members[one].score).collect();
        let mut shares = vec![0.0; self.members.len()];
        for (&one, share) in sharing.iter().zip(by_score(self.law, &scores)) {
            shares[one] = share;
        }
        self.give_to_first_cache(&sharing, &mut shares);
        shares
    }

    /// The first cache in the path's order gets the clients of all caches.
    fn give_to_first_cache(&self, sharing: &[usize], shares: &mut [f64]) {
        let Some(path) = self.path else { return };
        let mut key = Vec::new();
        let caches: Vec<(f64, usize)> = sharing
            .iter()
            .filter_map(|&one| {
                let cache = self.members[one].cache?;
                Some((rendezvous::wish(path, cache, &mut key), one))
            })
            .collect();
        let Some(&(_, first)) = caches.iter().max_by(|a, b| a.0.total_cmp(&b.0)) else {
            return;
        };
        let sum: f64 = caches.iter().map(|&(_, one)| shares[one]).sum();
        for (_, one) in caches {
            shares[one] = 0.0;
        }
        shares[first] = sum;
    }
}

/// The share of each mirror in a class by its score, if the lowest rank wins; the shares add up to
/// 1.
pub fn by_score(law: &Law, scores: &[u16]) -> Vec<f64> {
    match law.weights {
        Weights::MirrorBrain => mirrorbrain(scores),
        Weights::Proportional => {
            let sum: f64 = scores.iter().map(|&score| f64::from(score)).sum();
            scores.iter().map(|&score| f64::from(score) / sum).collect()
        }
    }
}

/// P(i) = ∫₀^min(a) (1/aᵢ) Π_{j≠i} (1 − x/aⱼ) dx with a = floor(32767 / score), by Simpson's rule.
fn mirrorbrain(scores: &[u16]) -> Vec<f64> {
    let widths: Vec<f64> = scores.iter().map(|&score| f64::from(step(score))).collect();
    let end = widths.iter().copied().fold(f64::INFINITY, f64::min);
    let mut shares = vec![0.0; scores.len()];
    if scores.is_empty() {
        return shares;
    }
    let mut others = vec![1.0; scores.len()];
    let width = end / STEPS as f64;
    for point in 0..=STEPS {
        let x = width * point as f64;
        let weight = match point {
            0 | STEPS => 1.0,
            odd if odd % 2 == 1 => 4.0,
            _ => 2.0,
        };
        // The product of all others is the product of those before times the product of those
        // after, so that a point costs two passes instead of one per mirror.
        let mut behind = 1.0;
        for (slot, width) in others.iter_mut().zip(&widths).rev() {
            *slot = behind;
            behind *= 1.0 - x / width;
        }
        let mut before = 1.0;
        for ((share, width), behind) in shares.iter_mut().zip(&widths).zip(&others) {
            *share += weight * before * behind / width;
            before *= 1.0 - x / width;
        }
    }
    let sum: f64 = shares.iter().sum();
    shares.iter().map(|share| share / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_mirrorbrains_table() {
        for (scores, expected) in [
            (vec![100, 100, 100], vec![33.3, 33.3, 33.3]),
            (vec![100, 50, 50], vec![58.4, 20.8, 20.8]),
            (vec![100, 200, 10], vec![24.5, 73.4, 2.1]),
            (vec![100, 10], vec![95.0, 5.0]),
            (vec![5000, 5000, 3000, 100], vec![39.8, 39.8, 19.9, 0.5]),
            (vec![7], vec![100.0]),
        ] {
            let shares = by_score(&Law::default(), &scores);
            for (share, expected) in shares.iter().zip(&expected) {
                assert!(
                    (share * 100.0 - expected).abs() < 0.15,
                    "{scores:?}: {shares:?}"
                );
            }
        }
        let mixed = by_score(&Law::default(), &[150, 100, 100, 100, 100, 50, 50, 50, 30]);
        assert!((mixed[5] * 100.0 - 6.3).abs() < 0.1, "{mixed:?}");
    }
}
