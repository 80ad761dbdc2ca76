//! Joins the requests of one client for one file: a download in parts counts once.
//!
//! The keys are hashes with a random seed that nobody stores; they are forgotten after ten minutes
//! without a request, and never leave the memory of the program.
//!
//! # Limits
//! At most [`ENTRIES_MAX`] keys per generation, of which there are two: 18 MiB. A full generation
//! is replaced early; then some parts count as downloads of their own.

use foldhash::{HashMap, HashMapExt};

use super::column::CountColumn;

/// Seconds within which a further range continues the same download.
pub const RESUME_S: i64 = 600;

/// Seconds within which the same request is a retry.
pub const RETRY_S: i64 = 60;

/// Keys of one generation. One more would double the table, which has 9 MiB.
pub const ENTRIES_MAX: usize = 7 * (1 << 19) / 8;

/// The requests of the last minutes.
#[derive(Debug)]
pub struct Joins {
    young: HashMap<u64, u32>,
    old: HashMap<u64, u32>,
    begun_at: i64,
    entries_max: usize,
}

impl Default for Joins {
    fn default() -> Joins {
        Joins::new(ENTRIES_MAX)
    }
}

impl Joins {
    /// No requests; at most so many keys per generation.
    pub fn new(entries_max: usize) -> Joins {
        Joins {
            young: HashMap::new(),
            old: HashMap::new(),
            begun_at: 0,
            entries_max,
        }
    }

    /// Forgets everything, because keys are made with a new seed.
    pub fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    /// The column of a request that could be a download (rules 9 to 11), and whether keys were
    /// forgotten early for it. `at`: its time in seconds since 1970.
    pub fn judge(&mut self, key: u64, at: i64, has_range: bool) -> (CountColumn, bool) {
        let is_full = self.make_room(at);
        let second = at.clamp(0, i64::from(u32::MAX)) as u32;
        let before = self.young.insert(key, second);
        let before = before.or_else(|| self.old.get(&key).copied());
        let Some(before) = before else {
            return (CountColumn::Downloads, is_full);
        };
        // Batches of several workers arrive in any order.
        let age = (i64::from(second) - i64::from(before)).abs();
        let column = match has_range {
            true if age <= RESUME_S => CountColumn::Resumed,
            false if age <= RETRY_S => CountColumn::Retries,
            _ => CountColumn::Downloads,
        };
        (column, is_full)
    }

    /// Begins a new generation if the present one is old or full; returns whether it was full.
    fn make_room(&mut self, at: i64) -> bool {
        let is_over = !(0..=RESUME_S).contains(&(at - self.begun_at));
        let is_full = self.young.len() >= self.entries_max;
        if is_over || is_full {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
            self.begun_at = at;
        }
        is_full && !is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests of one client for one file, as (second, has a range, expected column).
    fn follow(requests: &[(i64, bool, CountColumn)]) {
        for begin in [1_700_000_000, 1_700_000_599, 0] {
            let mut joins = Joins::default();
            for (other, (second, has_range, expected)) in (1000..).zip(requests) {
                let (column, _) = joins.judge(7, begin + second, *has_range);
                assert_eq!(column, *expected, "{begin} + {second}");
                // Other clients are others.
                let (column, _) = joins.judge(other, begin + second, true);
                assert_eq!(column, CountColumn::Downloads);
            }
        }
    }

    #[test]
    fn parts_within_ten_minutes_continue_a_download() {
        use CountColumn::{Downloads, Resumed, Retries};
        follow(&[
            (0, true, Downloads),
            (0, true, Resumed),
            (1, true, Resumed),
            (1, true, Resumed),
            (2, true, Resumed),
        ]);
        follow(&[
            (0, false, Downloads),
            (599, true, Resumed),
            (1198, true, Resumed),
            (1799, true, Downloads),
        ]);
        follow(&[
            (0, false, Downloads),
            (10, false, Retries),
            (70, false, Retries),
            (131, false, Downloads),
        ]);
    }

    #[test]
    fn a_full_generation_goes_early_and_says_so() {
        let mut joins = Joins::new(2);
        let mut fulls = 0;
        for key in 0..6 {
            fulls += usize::from(joins.judge(key, 100, true).1);
        }
        assert_eq!(fulls, 2);
        assert_eq!(
            joins.judge(0, 100, true).0,
            CountColumn::Downloads,
            "forgotten"
        );
        assert_eq!(joins.judge(5, 100, true).0, CountColumn::Resumed);
    }
}
