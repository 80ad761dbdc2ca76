//! Whether a mirror answers: address families, hysteresis over results, and what selection needs.
//!
//! One *target* is one base URL over one address family. Each probe gives a target a result; the
//! target's [`TargetStanding`] follows with hysteresis, so that one lost packet changes nothing. A
//! mirror is alive while one of its targets is usable.

use std::net::IpAddr;

use super::url::Scheme;

/// Address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both.
    pub const ALL: [Family; 2] = [Family::V4, Family::V6];

    /// Of an address; an IPv4 address that is written as IPv6 (`::ffff:192.0.2.1`) is IPv4.
    pub fn of(ip: IpAddr) -> Family {
        match ip.to_canonical() {
            IpAddr::V4(_) => Family::V4,
            IpAddr::V6(_) => Family::V6,
        }
    }

    /// 4 or 6, as stored.
    pub fn number(self) -> u8 {
        match self {
            Family::V4 => 4,
            Family::V6 => 6,
        }
    }

    /// From its number.
    pub fn from_number(number: i64) -> Option<Family> {
        match number {
            4 => Some(Family::V4),
            6 => Some(Family::V6),
            _ => None,
        }
    }

    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        }
    }
}

/// Whether a URL can be reached over a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Its host has no address of the family.
    Absent,
    /// It has, and does not answer there.
    Dead,
    /// It answers, or it is not known that it does not.
    Open,
}

/// How a mirror's URL of a scheme can be reached over each family, as the prober found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// The URL's scheme.
    pub scheme: Scheme,
    /// Over IPv4.
    pub v4: Way,
    /// Over IPv6.
    pub v6: Way,
}

impl Reach {
    /// Over that family.
    pub fn over(&self, family: Family) -> bool {
        let way = match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        };
        way == Way::Open
    }

    /// Whether clients that have both families may hang: they try IPv6 first.
    pub fn has_dead_ipv6(&self) -> bool {
        self.v4 == Way::Open && self.v6 == Way::Dead
    }
}

/// Results that a history can hold.
pub const HISTORY_MAX: u32 = 32;

/// The last results since the last change of standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct History {
    /// Bit 0 is the latest; 1 is a failure.
    pub failures: u32,
    /// How many bits count, at most [`HISTORY_MAX`].
    pub results: u32,
}

/// When a target's standing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hysteresis {
    /// So many failures …
    pub down_after: u32,
    /// … among so many results turn a target off.
    pub window: u32,
    /// So many successes in a row turn it on again.
    pub up_after: u32,
}

/// What a target counts as, and what it has shown since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetStanding {
    /// Whether clients are sent there.
    pub usable: bool,
    /// Results since `usable` last changed.
    pub history: History,
}

impl TargetStanding {
    /// With no results yet.
    pub fn new(usable: bool) -> TargetStanding {
        TargetStanding {
            usable,
            history: History::default(),
        }
    }

    /// The standing after one more result. A change begins a new history, so that the failures
    /// that turned a target off do not turn it off again once it is back.
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

/// Fewer mirrors than this can all fail at once by themselves.
pub const OFFLINE_MIRRORS_MIN: usize = 3;

/// Whether so many targets that answered before fail now that it is the checking host which is
/// cut off, and not they: more than `share` of them, and at least [`OFFLINE_MIRRORS_MIN`].
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
