//! Judges from probe results whether a mirror answers, and over which address families.
//!
//! One *target* is one base URL over one address family. Each probe gives each target a result, and
//! the target's [`TargetStanding`] follows with hysteresis, so that one lost packet changes
//! nothing. A mirror is alive while at least one of its targets is usable.

use std::net::IpAddr;

use super::url::Scheme;

/// IP address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both families.
    pub const ALL: [Family; 2] = [Family::V4, Family::V6];

    /// The family of an address; an IPv4 address written as IPv6 (`::ffff:192.0.2.1`) is IPv4.
    pub fn of(ip: IpAddr) -> Family {
        match ip.to_canonical() {
            IpAddr::V4(_) => Family::V4,
            IpAddr::V6(_) => Family::V6,
        }
    }

    /// The number that is stored: 4 or 6.
    pub fn number(self) -> u8 {
        match self {
            Family::V4 => 4,
            Family::V6 => 6,
        }
    }

    /// The family with that number.
    pub fn from_number(number: i64) -> Option<Family> {
        match number {
            4 => Some(Family::V4),
            6 => Some(Family::V6),
            _ => None,
        }
    }

    /// The name that people are shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        }
    }
}

/// Whether a URL can be reached over a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reachability {
    /// The URL's host has no address of the family.
    Absent,
    /// The host has such an address, but does not answer there.
    Dead,
    /// The host answers, or nothing speaks against it yet.
    Open,
}

/// Over which families a mirror's URL of one scheme can be reached, as the prober found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Scheme of the URL.
    pub scheme: Scheme,
    /// State over IPv4.
    pub v4: Reachability,
    /// State over IPv6.
    pub v6: Reachability,
}

impl Reach {
    /// Whether the URL can be reached over that family.
    pub fn over(&self, family: Family) -> bool {
        let way = match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        };
        way == Reachability::Open
    }

    /// Whether clients that have both families may hang, because they try IPv6 first.
    pub fn has_dead_ipv6(&self) -> bool {
        self.v4 == Reachability::Open && self.v6 == Reachability::Dead
    }
}

/// Largest number of results in a [`History`]: one bit each.
pub const HISTORY_MAX: u32 = 32;

/// The latest results of a target since its standing last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct History {
    /// One bit per result, the latest in bit 0; 1 is a failure.
    pub failures: u32,
    /// Number of results in `failures`, at most [`HISTORY_MAX`].
    pub results: u32,
}

/// The rule for changing a target's standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hysteresis {
    /// This many failures …
    pub down_after: u32,
    /// … among this many latest results make a target unusable.
    pub window: u32,
    /// This many successes in a row make it usable again.
    pub up_after: u32,
}

/// Whether a target is used, and its results since that last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetStanding {
    /// Whether clients are sent to the target.
    pub usable: bool,
    /// Results since `usable` last changed.
    pub history: History,
}

impl TargetStanding {
    /// A standing without results.
    pub fn new(usable: bool) -> TargetStanding {
        TargetStanding {
            usable,
            history: History::default(),
        }
    }

    /// Returns the standing after one more result. A change starts a new history, so that the
    /// failures that made a target unusable do not count again once it is back.
    #[must_use]
    pub fn after(self, ok: bool, law: &Hysteresis) -> TargetStanding {
        let history = self.history.with(ok);
        let flips = if self.usable {
            history.failures_among(law.window) >= law.down_after
        } else {
            history.successes_in_a_row() >= law.up_after
        };
        if flips {
            return TargetStanding::new(!self.usable);
        }
        TargetStanding { history, ..self }
    }
}

impl History {
    fn with(self, ok: bool) -> History {
        History {
            failures: self.failures << 1 | u32::from(!ok),
            results: (self.results + 1).min(HISTORY_MAX),
        }
    }

    fn failures_among(self, window: u32) -> u32 {
        let count = window.min(self.results);
        let mask = u32::MAX.checked_shr(HISTORY_MAX - count).unwrap_or(0);
        (self.failures & mask).count_ones()
    }

    fn successes_in_a_row(self) -> u32 {
        self.failures.trailing_zeros().min(self.results)
    }
}

/// Smallest number of failed mirrors that can mean that this host is offline; two mirrors may well
/// fail by chance.
pub const OFFLINE_MIRRORS_MIN: usize = 3;

/// Whether so many targets that answered before fail now that this host itself must be cut off:
/// more than `share` of them, and at least [`OFFLINE_MIRRORS_MIN`].
pub fn looks_offline(answered_before: usize, fail_now: usize, share: f64) -> bool {
    fail_now >= OFFLINE_MIRRORS_MIN && fail_now as f64 > answered_before as f64 * share
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAW: Hysteresis = Hysteresis {
        down_after: 3,
        window: 5,
        up_after: 2,
    };

    /// Usable or not after each result; `.` is a success, `x` a failure.
    fn walk(start: bool, results: &str) -> String {
        let mut standing = TargetStanding::new(start);
        let step = |result: char| {
            standing = standing.after(result == '.', &LAW);
            if standing.usable { '1' } else { '0' }
        };
        results.chars().map(step).collect()
    }

    #[test]
    fn a_standing_changes_by_n_of_m() {
        for (start, results, expected) in [
            (true, "x.....", "111111"),
            (true, "xxx", "110"),
            (true, "x.x.x", "11110"),
            (true, "x..x..x..x..", "111111111111"),
            (true, "xxx..x..", "11001111"),
            (true, "xxx.x.x..", "110000001"),
            (false, "x..", "001"),
            (false, "..xx.xx", "0111100"),
        ] {
            let start_is = if start { "up" } else { "down" };
            assert_eq!(walk(start, results), expected, "{start_is}, then {results}");
        }
        let long = ".".repeat(100) + "xxx";
        assert!(walk(true, &long).ends_with("110"));
    }

    #[test]
    fn one_result_is_enough_if_it_is_said_so() {
        let law = Hysteresis {
            down_after: 1,
            window: 1,
            up_after: 1,
        };
        let down = TargetStanding::new(true).after(false, &law);
        assert!(!down.usable);
        assert!(down.after(true, &law).usable);
    }

    #[test]
    fn a_cut_off_host_is_told_from_dead_mirrors() {
        for (before, now, expected) in [
            (300, 300, true),
            (300, 151, true),
            (300, 150, false),
            (300, 30, false),
            (3, 3, true),
            (3, 1, false),
            (2, 2, false),
            (0, 0, false),
        ] {
            assert_eq!(looks_offline(before, now, 0.5), expected, "{before} {now}");
        }
    }

    #[test]
    fn mapped_addresses_are_ipv4() {
        for (text, expected) in [
            ("192.0.2.1", Family::V4),
            ("::ffff:192.0.2.1", Family::V4),
            ("2001:db8::1", Family::V6),
        ] {
            assert_eq!(Family::of(text.parse().expect("an address")), expected);
        }
    }
}
