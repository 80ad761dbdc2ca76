//! Computes the numbers that order a class (behaviour §2.2), and the variants that a site may
//! choose.

use crate::domain::mirror::Mirror;
use crate::domain::place::Coordinates;

/// How the distance between client and mirror is measured, in thousandths of a degree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Distance {
    /// MirrorBrain's: Euclidean in latitude and longitude, without wrapping at ±180°.
    #[default]
    Degrees,
    /// The angle along the great circle.
    GreatCircle,
}

/// How scores become shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Weights {
    /// MirrorBrain's rank: a score of 50 beside one of 100 gets a quarter of the clients, not a
    /// third.
    #[default]
    MirrorBrain,
    /// The share is the score divided by the sum of scores.
    Proportional,
}

/// The selection law of one site; the default is MirrorBrain's.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Law {
    /// Measure of distance.
    pub distance: Distance,
    /// Rule for shares.
    pub weights: Weights,
    /// If coordinates are known: mirrors that are at most this many thousandths of a degree farther
    /// away than the nearest share its clients by score. 0: the nearest gets all clients.
    pub spread: u32,
    /// Whether mirrors that also serve the client's country share with the mirrors in it.
    pub share_other_countries: bool,
    /// Whether mirrors that serve only their own prefixes or autonomous systems count as private.
    pub restricted_are_private: bool,
    /// Whether mirrors whose IPv6 address does not answer are treated like others, instead of last.
    pub dead_ipv6_as_any: bool,
}

/// Distance of a mirror without coordinates.
const DISTANCE_UNKNOWN: u32 = 9_999_999;

/// MirrorBrain's constant for the handicap in thousandths of a degree: it is divided by the size of
/// the class and by the score, so that a higher score makes a mirror nearer.
const DISTANCE_FACTOR: u32 = 2_000_000;

/// The number that MirrorBrain divides by the score (RAND_MAX >> 16 of glibc).
const RANK_RANGE: u32 = 32_767;

/// A uniform random number from 0 to 32767.
pub type Draw = u16;

impl Law {
    /// Whether only the mirror's own clients may learn about it.
    pub fn is_private(&self, mirror: &Mirror) -> bool {
        let is_restricted = mirror.prefix_only || mirror.as_only;
        mirror.private || (self.restricted_are_private && is_restricted)
    }

    /// Rank of a mirror; lower is better.
    pub fn rank(&self, score: u16, draw: Draw) -> u32 {
        match self.weights {
            Weights::MirrorBrain => u32::from(draw) * step(score),
            Weights::Proportional => {
                // The smallest of several exponential random numbers is each one's with a
                // probability in proportion to its rate.
                let uniform = (f64::from(draw) + 0.5) / f64::from(RANK_RANGE + 1);
                (-uniform.ln() / f64::from(score) * 1e8) as u32
            }
        }
    }

    /// Distance between a client and a mirror in thousandths of a degree.
    pub fn distance(&self, client: Coordinates, mirror: Option<Coordinates>) -> u32 {
        let Some(place) = mirror else {
            return DISTANCE_UNKNOWN;
        };
        let degrees = match self.distance {
            Distance::Degrees => {
                let latitude = client.latitude - place.latitude;
                let longitude = client.longitude - place.longitude;
                (latitude * latitude + longitude * longitude).sqrt()
            }
            Distance::GreatCircle => client.degrees_to(place),
        };
        (degrees * 1000.0) as u32
    }

    /// Distance plus the handicap of the score in a class of that size.
    pub fn handicapped(&self, distance: u32, class_size: usize, score: u16) -> u32 {
        let size = u32::try_from(class_size.max(1)).unwrap_or(u32::MAX);
        distance + DISTANCE_FACTOR / size / u32::from(score.max(1))
    }
}

/// Factor between a random number and a mirror's rank.
pub(super) fn step(score: u16) -> u32 {
    RANK_RANGE / u32::from(score.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(latitude: f64, longitude: f64) -> Coordinates {
        Coordinates::known(latitude, longitude).expect("not zero")
    }

    #[test]
    fn distances_and_handicaps_are_mirrorbrains() {
        let law = Law::default();
        let berlin = at(52.52, 13.40);
        assert_eq!(law.distance(berlin, Some(at(52.727, 12.254))), 1164);
        assert_eq!(law.distance(berlin, None), 9_999_999);
        assert_eq!(law.handicapped(0, 10, 100), 2000);
        assert_eq!(law.handicapped(0, 10, 200), 1000);
        let circle = Law {
            distance: Distance::GreatCircle,
            ..law
        };
        let fiji = at(-17.7, 178.0);
        let samoa = Some(at(-13.8, -171.8));
        assert!(
            law.distance(fiji, samoa) > 349_000,
            "no wrap at 180 degrees"
        );
        assert!(circle.distance(fiji, samoa) < 12_000);
    }

    #[test]
    fn ranks_are_a_draw_times_the_step_of_the_score() {
        let law = Law::default();
        assert_eq!(law.rank(100, 1), 327);
        assert_eq!(law.rank(5000, 2), 12);
        assert_eq!(law.rank(32_767, 32_767), 32_767);
        assert_eq!(law.rank(1, 32_767), 32_767 * 32_767);
    }
}
