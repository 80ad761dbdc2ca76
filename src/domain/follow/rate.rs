//! The share of redirects that led to something else than the file, with its interval.

use super::result::FollowResult;

/// With fewer redirects followed, the rate says next to nothing.
pub const FOLLOWED_MIN: u64 = 100;

/// Standard deviations of the normal distribution on both sides of which 5 % lie.
const DEVIATIONS: f64 = 1.959_964;

/// The wrong ones among the redirects that were followed in a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MisdirectionRate {
    /// Wrong redirects.
    pub wrong: u64,
    /// Right and wrong ones.
    pub followed: u64,
    /// Whether some of them were not drawn from redirects, but from what mirrors should have.
    pub is_unweighted: bool,
}

impl MisdirectionRate {
    /// Adds so many results of one kind.
    pub fn add(&mut self, result: FollowResult, count: u64, is_weighted: bool) {
        if result.is_counted() {
            self.followed += count;
            self.wrong += count * u64::from(result.is_wrong());
            self.is_unweighted |= !is_weighted && count > 0;
        }
    }

    /// The rate; `None` with fewer than [`FOLLOWED_MIN`].
    pub fn rate(&self) -> Option<f64> {
        let is_enough = self.followed >= FOLLOWED_MIN;
        is_enough.then(|| self.wrong as f64 / self.followed as f64)
    }

    /// Wilson's interval, in which the true rate lies in 95 of 100 cases.
    pub fn interval(&self) -> (f64, f64) {
        if self.followed == 0 {
            return (0.0, 1.0);
        }
        let (n, share) = (
            self.followed as f64,
            self.wrong as f64 / self.followed as f64,
        );
        let square = DEVIATIONS * DEVIATIONS;
        let middle = share + square / (2.0 * n);
        let half = DEVIATIONS * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
        let whole = 1.0 + square / n;
        // At the ends the formula is exact but for rounding.
        let low = match self.wrong {
            0 => 0.0,
            _ => (middle - half) / whole,
        };
        (low.max(0.0), ((middle + half) / whole).min(1.0))
    }

    /// For people: `0.5 % of 400 redirects were wrong (0.1 to 1.8 %)`.
    pub fn text(&self) -> String {
        let of = match self.is_unweighted {
            true => "files drawn from what mirrors should have",
            false => "redirects",
        };
        let Some(rate) = self.rate() else {
            let (wrong, followed) = (self.wrong, self.followed);
            return format!("{wrong} of {followed} {of} were wrong, too few for a rate");
        };
        let (low, high) = self.interval();
        let [rate, low, high] = [rate, low, high].map(|share| share * 100.0);
        let followed = self.followed;
        format!("{rate:.2} % of {followed} {of} were wrong ({low:.2} to {high:.2} %)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(wrong: u64, followed: u64) -> MisdirectionRate {
        MisdirectionRate {
            wrong,
            followed,
            is_unweighted: false,
        }
    }

    #[test]
    fn intervals_are_wilsons() {
        for (wrong, followed, low, high) in [
            (1, 100, 0.18, 5.45),
            (0, 1440, 0.0, 0.27),
            (100, 100, 96.30, 100.0),
            (0, 0, 0.0, 100.0),
        ] {
            let (found_low, found_high) = rate(wrong, followed).interval();
            let is_near = |found: f64, expected: f64| (found * 100.0 - expected).abs() < 0.006;
            assert!(
                is_near(found_low, low) && is_near(found_high, high),
                "{wrong} of {followed}: {found_low} {found_high}"
            );
        }
    }

    #[test]
    fn few_have_no_rate_and_only_right_and_wrong_ones_count() {
        assert_eq!(rate(1, 99).rate(), None);
        assert_eq!(
            rate(1, 99).text(),
            "1 of 99 redirects were wrong, too few for a rate"
        );
        assert_eq!(
            rate(1, 100).text(),
            "1.00 % of 100 redirects were wrong (0.18 to 5.45 %)"
        );
        let mut sum = MisdirectionRate::default();
        for result in FollowResult::ALL {
            sum.add(result, 2, true);
            assert_eq!(FollowResult::from_word(result.as_str()), Some(result));
        }
        assert_eq!((sum.wrong, sum.followed), (14, 16));
        sum.add(FollowResult::Right, 1, false);
        assert!(sum.is_unweighted && sum.text().contains("files drawn"));
    }
}
