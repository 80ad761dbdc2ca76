//! Decides which notifications are due (no I/O).
//!
//! Each change of a fact is told once. If a fact goes to and fro, it is told ever more seldom:
//! after a second change within a day, ten minutes of silence follow, then twice as long each time,
//! up to a day. At the end of a silence, the state at that time is told if it is still news.

use std::collections::HashMap;

use super::verdict::{Newsworthy, ProbeVerdict};
use crate::db::probe::LastNotice;
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;

/// Silence after the second change within [`CALM_S`].
const PAUSE_S_MIN: i64 = 600;

/// The longest silence.
const PAUSE_S_MAX: i64 = 86_400;

/// Seconds without news after which a fact is told at once again.
const CALM_S: i64 = 86_400;

/// A notification, and the row that is recorded once it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The row.
    pub told: LastNotice,
    /// The fact.
    pub fact: Newsworthy,
}

/// The news of a pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// Notifications that are to be sent.
    pub notices: Vec<Notice>,
    /// Facts that are seen for the first time. They are recorded and not told, before a
    /// notification of the same fact.
    pub first: Vec<LastNotice>,
}

/// Finds the facts that are news.
pub fn due(told: Vec<LastNotice>, verdicts: &[ProbeVerdict], now: Timestamp) -> Due {
    let known: HashMap<(MirrorId, String), LastNotice> = told
        .into_iter()
        .map(|told| ((told.mirror, told.about.clone()), told))
        .collect();
    let mut due = Due::default();
    for verdict in verdicts {
        for fact in &verdict.facts {
            let old = known.get(&(verdict.mirror, fact.about.clone()));
            let next = LastNotice {
                mirror: verdict.mirror,
                about: fact.about.clone(),
                state: fact.state.clone(),
                at: now,
                pause_s: old.map_or(0, |old| pause_after(old, now)),
            };
            let fact = fact.clone();
            match old {
                Some(old) if old.state == fact.state => {}
                Some(old) if now.0 < old.at.0 + old.pause_s => {}
                Some(_) => due.notices.push(Notice { told: next, fact }),
                // A certificate that is about to expire is told even if it is seen for the first
                // time.
                None if fact.changed || fact.state.starts_with("expires") => {
                    due.first.extend(before(&fact, &next));
                    due.notices.push(Notice { told: next, fact });
                }
                None => due.first.push(LastNotice {
                    at: Timestamp(0),
                    ..next
                }),
            }
        }
    }
    due
}

/// The state before a change, recorded so that the change stays news until it was told.
fn before(fact: &Newsworthy, next: &LastNotice) -> Option<LastNotice> {
    let state = match (fact.changed, fact.state.as_str()) {
        (true, "up") => "down",
        (true, "down") => "up",
        _ => return None,
    };
    Some(LastNotice {
        state: state.to_owned(),
        at: Timestamp(0),
        ..next.clone()
    })
}

fn pause_after(old: &LastNotice, now: Timestamp) -> i64 {
    if now.0 - old.at.0 > CALM_S {
        return 0;
    }
    (old.pause_s * 2).clamp(PAUSE_S_MIN, PAUSE_S_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(state: &str) -> ProbeVerdict {
        ProbeVerdict {
            mirror: MirrorId(1),
            records: Vec::new(),
            alive: state == "up",
            is_checked: true,
            answers: Default::default(),
            facts: vec![Newsworthy {
                about: "mirror".into(),
                state: state.into(),
                is_good: state == "up",
                changed: false,
                text: String::new(),
                evidence: String::new(),
            }],
        }
    }

    /// Minutes and states; which of them are told.
    fn walk(steps: &[(i64, &str)]) -> Vec<bool> {
        let mut known: Vec<LastNotice> = Vec::new();
        let start = 100 * 86_400;
        let mut said = Vec::new();
        for (minute, state) in steps {
            let now = Timestamp(start + minute * 60);
            let due = due(known.clone(), &[verdict(state)], now);
            said.push(!due.notices.is_empty());
            let news = due.notices.into_iter().map(|notice| notice.told);
            if let Some(told) = due.first.into_iter().chain(news).last() {
                known = vec![told];
            }
        }
        said
    }

    #[test]
    fn each_change_is_told_once() {
        let steps = [
            (0, "up"),
            (1, "up"),
            (2, "down"),
            (3, "down"),
            (60, "down"),
            (61, "up"),
        ];
        assert_eq!(walk(&steps), [false, false, true, false, false, true]);
    }

    #[test]
    fn what_goes_to_and_fro_is_told_ever_more_seldom() {
        let steps = [
            (0, "up"),
            (1, "down"),
            (2, "up"),
            // Ten minutes of silence.
            (3, "down"),
            (11, "down"),
            (12, "down"),
            // Twenty.
            (13, "up"),
            (31, "up"),
            (32, "down"),
            (33, "up"),
            // A calm day ends the silence.
            (5000, "down"),
            (5001, "up"),
        ];
        let expected = [
            false, true, true, false, false, true, false, false, false, true, true, true,
        ];
        assert_eq!(walk(&steps), expected);
    }
}
