//! The time zone of a mirror's index pages: pure.
//!
//! Most servers write times in their own zone and do not say which. Mirrors keep the times of
//! files, so that all current copies differ from the catalogue by the same number of minutes,
//! which is the zone. In summer it may be an hour more.

use std::collections::HashMap;

/// Farthest zones from UTC, in minutes: UTC-12 and UTC+14.
const ZONES_MIN: std::ops::RangeInclusive<i32> = -12 * 60..=14 * 60;

/// Zones are whole quarters of an hour.
const ZONE_STEP_MIN: i32 = 15;

/// How much summer time adds.
const SUMMER_MIN: i32 = 60;

/// Minutes that page times are ahead of UTC, if most of the `differences` (page time less
/// catalogue time, in minutes) agree; 0 when they agree on nothing.
pub fn constant_shift(differences: impl Iterator<Item = i32>) -> i32 {
    let mut counts: HashMap<i32, u64> = HashMap::new();
    let mut all = 0;
    for difference in differences {
        all += 1;
        if ZONES_MIN.contains(&difference) && difference % ZONE_STEP_MIN == 0 {
            *counts.entry(difference).or_default() += 1;
        }
    }
    let count = |shift: i32| counts.get(&shift).copied().unwrap_or(0);
    // Among equals the one that is nearer to UTC.
    let best = counts
        .keys()
        .copied()
        .max_by_key(|&shift| (count(shift), -shift.abs()));
    let Some(shift) = best else {
        return 0;
    };
    let neighbour = count(shift - SUMMER_MIN).max(count(shift + SUMMER_MIN));
    if (count(shift) + neighbour) * 2 > all {
        shift
    } else {
        0
    }
}

/// Whether a copy with that difference is older than the catalogue's file, in a zone `shift`
/// minutes ahead of UTC.
pub fn is_older(difference: i32, shift: i32) -> bool {
    let late = difference - shift;
    let is_winter = shift != 0 && late == -SUMMER_MIN;
    late < 0 && !is_winter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_what_most_agree_on() {
        for (differences, expected) in [
            (&[][..], 0),
            (&[0, 0, 0], 0),
            (&[-300, -300, -300, 5], -300),
            (&[345, 345, -7], 345),
            // Half of the year.
            (&[60, 60, 120, 120, 120], 120),
            // A mirror that does not keep times.
            (&[10, 200, 3000, 45, 7], 0),
            // No zone is that far, or that odd.
            (&[2000, 2000, 2000], 0),
            (&[7, 7, 7], 0),
        ] {
            let found = constant_shift(differences.iter().copied());
            assert_eq!(found, expected, "{differences:?}");
        }
    }

    #[test]
    fn older_is_before_the_shifted_time() {
        for (difference, shift, expected) in [
            (0, 0, false),
            (1, 0, false),
            (-1, 0, true),
            (-60, 0, true),
            (120, 120, false),
            (60, 120, false),
            (59, 120, true),
            (0, 120, true),
        ] {
            assert_eq!(
                is_older(difference, shift),
                expected,
                "{difference} {shift}"
            );
        }
    }
}
