//! Decides what is recorded and told when the probing host itself looks cut off (no I/O).

use crate::db::probe::Outage;
use crate::domain::health::Family;
use crate::domain::time::Timestamp;

/// Seconds without any answer over a family after which this host no longer has that family: it is
/// no outage then.
const GONE_S: i64 = 7 * 86_400;

/// Seconds of silence after an outage was told, so that a line that goes up and down is told only
/// once in that time.
const PAUSE_S: i64 = 600;

/// News of the host itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostNews {
    /// `cut off IPv4`.
    pub about: String,
    /// `down` or `up`.
    pub state: &'static str,
    /// Whether it is good news.
    pub is_good: bool,
    /// One line for people.
    pub text: String,
}

/// The outage in words.
pub fn looks(family: Family) -> String {
    let family = family.as_str();
    format!(
        "nearly all mirrors fail at once over {family}: this host looks cut off, so nothing is \
         turned off"
    )
}

/// The families over which this host was cut off until now.
pub fn ongoing(outages: &[Outage], now: Timestamp) -> Vec<Family> {
    let goes_on = |outage: &&Outage| outage.until.is_none() && now.0 - outage.since.0 < GONE_S;
    let families = outages.iter().filter(goes_on);
    families.map(|outage| outage.family).collect()
}

/// The outages that began or ended: compares the recorded outages with the findings of a pass.
pub fn changed(outages: &[Outage], cut_off: &[Family], now: Timestamp) -> Vec<Outage> {
    let next = |family: Family| {
        let last = outages.iter().find(|outage| outage.family == family);
        let running = last.filter(|outage| outage.until.is_none());
        match (running, cut_off.contains(&family)) {
            (None, true) => Some(Outage {
                family,
                since: now,
                until: None,
                reason: looks(family),
                told: false,
                told_at: last.and_then(|outage| outage.told_at),
            }),
            (Some(running), false) => Some(Outage {
                until: Some(now),
                // The end of an outage is told only if its begin was told.
                told: !running.told,
                ..running.clone()
            }),
            _ => None,
        }
    };
    Family::ALL.into_iter().filter_map(next).collect()
}

/// The news about an outage, if people have to hear of it.
pub fn news(outage: &Outage, now: Timestamp) -> Option<HostNews> {
    if outage.told {
        return None;
    }
    let about = format!("cut off {}", outage.family.as_str());
    match outage.until {
        None if outage.told_at.is_some_and(|at| now.0 - at.0 < PAUSE_S) => None,
        None => Some(HostNews {
            about,
            state: "down",
            is_good: false,
            text: format!("{} (since {})", outage.reason, outage.since),
        }),
        Some(until) => Some(HostNews {
            about,
            state: "up",
            is_good: true,
            text: format!(
                "mirrors answer again over {}: this host was cut off from {} to {until}",
                outage.family.as_str(),
                outage.since
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes and whether the host is cut off over IPv4; what is told.
    fn walk(steps: &[(i64, bool)]) -> Vec<&'static str> {
        let mut outages: Vec<Outage> = Vec::new();
        let mut said = Vec::new();
        for (minute, is_cut_off) in steps {
            let now = Timestamp(1_000_000 + minute * 60);
            let cut_off = if *is_cut_off { &[Family::V4][..] } else { &[] };
            for next in changed(&outages, cut_off, now) {
                outages = vec![next];
            }
            let news = outages.first().and_then(|outage| news(outage, now));
            said.push(news.map_or("", |news| news.state));
            if said.last() != Some(&"") {
                (outages[0].told, outages[0].told_at) = (true, Some(now));
            }
        }
        said
    }

    #[test]
    fn an_outage_is_told_when_it_begins_and_when_it_ends() {
        let steps = [(0, false), (1, true), (2, true), (9, false), (10, false)];
        assert_eq!(walk(&steps), ["", "down", "", "up", ""]);
    }

    #[test]
    fn a_line_that_comes_and_goes_is_told_of_once_in_a_while() {
        let steps = [
            (0, true),
            (1, false),
            (2, true),
            (3, false),
            (4, true),
            (10, true),
            (11, true),
            (12, false),
        ];
        let expected = ["down", "up", "", "", "", "", "down", "up"];
        assert_eq!(walk(&steps), expected);
    }

    #[test]
    fn a_family_that_is_gone_for_a_week_is_no_outage() {
        let outages = changed(&[], &[Family::V6], Timestamp(0));
        let at = |day: i64| ongoing(&outages, Timestamp(day * 86_400));
        assert_eq!(at(6), [Family::V6]);
        assert!(at(7).is_empty());
    }
}
