//! Adds up results of probes: completion, answer times, and the score that Arch Linux gives its
//! mirrors.

/// Results of probes of some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CheckSums {
    /// Results that count.
    pub checks: u64,
    /// Good ones.
    pub ok: u64,
    /// Milliseconds of the good ones.
    pub ms_sum: u64,
    /// Their squares.
    pub ms_sq: u64,
}

/// The completion that a score takes in place of 0, as for Arch Linux.
const COMPLETION_MIN: f64 = 0.005;

impl CheckSums {
    /// Adds others.
    pub fn add(&mut self, other: CheckSums) {
        self.checks += other.checks;
        self.ok += other.ok;
        self.ms_sum += other.ms_sum;
        self.ms_sq += other.ms_sq;
    }

    /// Adds up several.
    pub fn of(all: impl IntoIterator<Item = CheckSums>) -> CheckSums {
        let mut sum = CheckSums::default();
        for sums in all {
            sum.add(sums);
        }
        sum
    }

    /// Gives the share of good results. Absent without results.
    pub fn completion(&self) -> Option<f64> {
        (self.checks > 0).then(|| self.ok as f64 / self.checks as f64)
    }

    /// Mean of the good results in seconds.
    pub fn mean_s(&self) -> Option<f64> {
        (self.ok > 0).then(|| self.ms_sum as f64 / self.ok as f64 / 1000.0)
    }

    /// Gives the standard deviation of a sample in seconds, as PostgreSQL's STDDEV; 0 for one
    /// result.
    pub fn deviation_s(&self) -> Option<f64> {
        let count = self.ok as f64;
        match self.ok {
            0 => None,
            1 => Some(0.0),
            _ => {
                let sum = self.ms_sum as f64;
                let variance = (self.ms_sq as f64 - sum * sum / count) / (count - 1.0);
                Some(variance.max(0.0).sqrt() / 1000.0)
            }
        }
    }

    /// Gives Arch Linux's score (less is better): hours of delay, mean and deviation of the answer
    /// time, divided by completion. Absent while the delay is not known, or without results.
    pub fn score(&self, delay_s: Option<i64>) -> Option<f64> {
        let hours = delay_s? as f64 / 3600.0;
        let divisor = match self.completion()? {
            share if share > 0.0 => share,
            _ => COMPLETION_MIN,
        };
        let times = self.mean_s().unwrap_or(0.0) + self.deviation_s().unwrap_or(0.0);
        Some((hours + times) / divisor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: Option<f64>, expected: f64) -> bool {
        found.is_some_and(|found| (found - expected).abs() < 0.0001)
    }

    #[test]
    fn e1_a_score_is_archs() {
        let sums = CheckSums {
            checks: 24,
            ok: 18,
            ms_sum: 18 * 200,
            ms_sq: 18 * 200 * 200,
        };
        assert!(close(sums.completion(), 0.75));
        assert!(close(sums.mean_s(), 0.2));
        assert!(close(sums.deviation_s(), 0.0));
        assert!(close(sums.score(Some(7200)), 2.9333), "{sums:?}");
        assert_eq!(sums.score(None), None);
    }

    #[test]
    fn e2_who_never_answers_has_a_score() {
        let sums = CheckSums {
            checks: 10,
            ..CheckSums::default()
        };
        assert!(close(sums.score(Some(3600)), 1.0 / 0.005));
    }

    #[test]
    fn e3_without_a_check_nothing_is_known() {
        let none = CheckSums::default();
        assert_eq!(none.completion(), None);
        assert_eq!((none.mean_s(), none.deviation_s()), (None, None));
        assert_eq!(none.score(Some(1)), None);
    }

    #[test]
    fn the_deviation_is_that_of_a_sample() {
        let times = [100_u64, 200, 300, 400];
        let sums = CheckSums::of(times.map(|ms| CheckSums {
            checks: 1,
            ok: 1,
            ms_sum: ms,
            ms_sq: ms * ms,
        }));
        // SELECT stddev(x) FROM (VALUES (.1), (.2), (.3), (.4)) AS t(x)
        assert!(close(sums.deviation_s(), 0.1291));
    }
}
