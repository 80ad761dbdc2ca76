//! Takes a mirror out of service slowly, and back, by a plan and the clock alone.

use crate::domain::time::Timestamp;

/// Time in seconds in which a mirror gets its full share back after a drain: its caches are cold.
pub const DRAIN_RAMP_UP_S: i64 = 600;

/// The plan of a drain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorDrain {
    /// From when no client is sent to the mirror.
    pub from: Timestamp,
    /// Seconds before `from` in which the share falls from all to nothing.
    pub ramp_s: i64,
    /// When the drain ends at the earliest; `None`: when the admin cancels it.
    pub until: Option<Timestamp>,
    /// When the mirror was known to be well again after the end: a probe was good, and a scan
    /// had begun. `None`: not yet.
    pub back_at: Option<Timestamp>,
    /// Why, for people.
    pub reason: String,
}

impl MirrorDrain {
    /// The part of its usual share that the mirror gets, from 0 to 1.
    pub fn share(&self, now: Timestamp) -> f64 {
        let until_begin = self.from.0.saturating_sub(now.0);
        if until_begin > 0 {
            let ramp = self.ramp_s.max(1) as f64;
            return (until_begin as f64 / ramp).min(1.0);
        }
        match self.back_at.filter(|_| self.is_past(now)) {
            Some(at) => {
                (now.0.saturating_sub(at.0) as f64 / DRAIN_RAMP_UP_S as f64).clamp(0.0, 1.0)
            }
            None => 0.0,
        }
    }

    /// Whether its end has passed.
    pub fn is_past(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now >= until)
    }

    /// Whether nothing of it is left: the mirror has its full share back.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.from && self.share(now) >= 1.0
    }

    /// The state in words for people who run the site.
    pub fn text(&self, now: Timestamp) -> String {
        let percent = (self.share(now) * 100.0).round();
        let why = match self.reason.is_empty() {
            true => String::new(),
            false => format!(": {}", self.reason),
        };
        let end = match self.until {
            Some(until) => format!("until {until}"),
            None => "until `heliostat drain --cancel`".to_owned(),
        };
        if now < self.from {
            return format!("drained from {} {end}, now at {percent} %{why}", self.from);
        }
        if !self.is_past(now) {
            return format!("drained since {} {end}{why}", self.from);
        }
        match self.back_at {
            Some(_) => format!("back after a drain, now at {percent} %{why}"),
            None => format!("drained {end}; it waits for a good probe and a scan{why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_falls_before_the_drain_and_rises_after_it() {
        let mut drain = MirrorDrain {
            from: Timestamp(10_000),
            ramp_s: 1800,
            until: Some(Timestamp(20_000)),
            back_at: None,
            reason: "new disks".to_owned(),
        };
        let share = |drain: &MirrorDrain, now| drain.share(Timestamp(now));
        for (now, expected) in [
            (0, 1.0),
            (8_200, 1.0),
            (9_100, 0.5),
            (10_000, 0.0),
            (19_999, 0.0),
            (30_000, 0.0),
        ] {
            assert!((share(&drain, now) - expected).abs() < 1e-9, "{now}");
        }
        assert!(drain.text(Timestamp(9_100)).contains("50 %: new disks"));
        assert!(drain.text(Timestamp(21_000)).contains("waits"));
        drain.back_at = Some(Timestamp(21_000));
        for (now, expected) in [(20_999, 0.0), (21_300, 0.5), (21_600, 1.0), (90_000, 1.0)] {
            assert!((share(&drain, now) - expected).abs() < 1e-9, "{now}");
        }
        assert!(drain.is_over(Timestamp(21_600)) && !drain.is_over(Timestamp(21_599)));
        let open = MirrorDrain {
            until: None,
            ramp_s: 0,
            ..drain
        };
        assert!((share(&open, 9_999) - 1.0).abs() < 1e-9, "no ramp");
        assert!(share(&open, 99_999).abs() < 1e-9, "until it is cancelled");
    }
}
