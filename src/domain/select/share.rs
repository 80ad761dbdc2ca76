//! Computes the probability of each candidate (behaviour §2.5).

use super::law::{Law, Weights, step};

/// Number of steps of the integration; the integrand is a polynomial, so this is more than enough.
const STEPS: usize = 400;

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
