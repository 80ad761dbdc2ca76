//! Finds the time zone of a mirror's index pages (no I/O).
//!
//! Most servers write times in their own zone and do not say which. Mirrors keep the times of
//! files, so the times of all current copies differ from the catalogue's by the same number of
//! minutes: the zone. Where summer time exists, files of some months differ by an hour more.

use std::collections::HashMap;

use crate::domain::time::Timestamp;

/// The outermost zones, in minutes: UTC-12 and UTC+14.
const ZONES_MIN: std::ops::RangeInclusive<i32> = -12 * 60..=14 * 60;

/// A zone is a multiple of a quarter of an hour.
const ZONE_STEP_MIN: i32 = 15;

/// Minutes that summer time adds.
const SUMMER_MIN: i32 = 60;

/// Months in which summer time begins or ends somewhere: files of such a month have either time.
const MIXED_MONTHS: [u32; 5] = [3, 4, 9, 10, 11];

/// The difference between the times of a copy and of the catalogue's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// Page time minus catalogue time.
    pub minutes: i32,
    /// Month of the file, 1 to 12.
    pub month: u8,
}

/// A zone of page times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Zone {
    /// Minutes ahead of UTC; 0 if the times agree on no zone.
    pub shift_min: i32,
    /// Per month from January: whether its files may be an hour less ahead.
    is_winter: [bool; 12],
}

impl Difference {
    /// Makes the difference of two times in seconds.
    pub fn new(page_s: i64, catalogue_s: i64) -> Difference {
        let minutes = page_s.div_euclid(60) - catalogue_s.div_euclid(60);
        Difference {
            minutes: minutes.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32,
            month: Timestamp(catalogue_s).date().1 as u8,
        }
    }
}

impl Zone {
    /// The zone on which most of the differences agree.
    pub fn of(differences: impl Iterator<Item = Difference> + Clone) -> Zone {
        let mut counts: HashMap<i32, u64> = HashMap::new();
        let mut all = 0;
        for Difference { minutes, .. } in differences.clone() {
            all += 1;
            if ZONES_MIN.contains(&minutes) && minutes % ZONE_STEP_MIN == 0 {
                *counts.entry(minutes).or_default() += 1;
            }
        }
        let count = |shift: i32| counts.get(&shift).copied().unwrap_or(0);
        // Of several equally frequent zones, the one nearest to UTC counts.
        let shifts = counts.keys().copied();
        let best = shifts.max_by_key(|&shift| (count(shift), -shift.abs()));
        let agrees = |shift: &i32| {
            let neighbour = count(shift - SUMMER_MIN).max(count(shift + SUMMER_MIN));
            (count(*shift) + neighbour) * 2 > all
        };
        match best.filter(agrees) {
            Some(shift_min) if shift_min != 0 => Zone {
                shift_min,
                is_winter: winter(differences, shift_min),
            },
            _ => Zone::default(),
        }
    }

    /// A zone from an earlier listing; which months are winter there is unknown.
    pub fn known(shift_min: i32) -> Zone {
        match shift_min {
            0 => Zone::default(),
            _ => Zone {
                shift_min,
                is_winter: winter(std::iter::empty(), shift_min),
            },
        }
    }

    /// Whether a copy with that difference is older than the catalogue's file.
    pub fn is_older(&self, difference: Difference) -> bool {
        let late = difference.minutes.saturating_sub(self.shift_min);
        let is_winter = self.is_winter[usize::from(difference.month.clamp(1, 12)) - 1];
        late < 0 && !(late == -SUMMER_MIN && is_winter)
    }
}

/// The months in which most files are an hour less ahead, or may be.
fn winter(differences: impl Iterator<Item = Difference>, shift_min: i32) -> [bool; 12] {
    let mut balance = [0_i64; 12];
    for Difference { minutes, month } in differences {
        let place = usize::from(month.clamp(1, 12)) - 1;
        if minutes == shift_min {
            balance[place] -= 1;
        } else if minutes == shift_min - SUMMER_MIN {
            balance[place] += 1;
        }
    }
    std::array::from_fn(|place| balance[place] > 0 || MIXED_MONTHS.contains(&(place as u32 + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(minutes: &[i32], month: u8) -> Vec<Difference> {
        let difference = |&minutes: &i32| Difference { minutes, month };
        minutes.iter().map(difference).collect()
    }

    #[test]
    fn a_zone_is_what_most_agree_on() {
        for (minutes, expected) in [
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
            let zone = Zone::of(differences(minutes, 1).into_iter());
            assert_eq!(zone.shift_min, expected, "{minutes:?}");
        }
    }

    #[test]
    fn older_is_before_the_shifted_time_and_summer_is_no_age() {
        let (january, july) = (1, 7);
        let mut berlin = differences(&[120; 9], july);
        berlin.extend(differences(&[60; 3], january));
        let berlin = Zone::of(berlin.into_iter());
        let kathmandu = Zone::of(differences(&[345; 9], january).into_iter());
        let utc = Zone::of(differences(&[0; 9], january).into_iter());
        for (zone, minutes, month, expected) in [
            (&utc, 0, january, false),
            (&utc, 1, january, false),
            (&utc, -1, january, true),
            (&utc, -60, january, true),
            (&berlin, 120, july, false),
            (&berlin, 60, january, false),
            (&berlin, 60, july, true),
            (&berlin, 59, january, true),
            (&berlin, 60, 10, false),
            (&kathmandu, 345, january, false),
            (&kathmandu, 285, january, true),
            (&kathmandu, i32::MIN, january, true),
        ] {
            let difference = Difference { minutes, month };
            assert_eq!(zone.is_older(difference), expected, "{minutes} {month}");
        }
    }
}
