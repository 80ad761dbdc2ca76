//! Tests the rules for due scans as tables.

use super::*;
use crate::scan::due::changed_directories::changed;

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const NOW: Timestamp = Timestamp(1_800_000_000);

fn ago(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp(NOW.0 - seconds))
}

/// Has all ids up to this one; the last good scan and the last attempts are that long ago.
fn mirror(has_up_to: u32, whole: i64, changed: Option<i64>) -> MirrorState {
    MirrorState {
        whole_at: ago(whole),
        suspicious_at: None,
        is_unfinished: false,
        attempt: ScanAttempt {
            whole_at: ago(whole + MINUTE),
            changed_at: changed.and_then(ago),
        },
        hints: Hints::default(),
        current: (1..=has_up_to).collect(),
        unwanted: Arc::default(),
    }
}

/// Ten directories `0` … `9` of one old file each; new files in the first of them, which came
/// one after the other so many seconds ago.
fn news(ages: &[i64]) -> ChangedDirectories {
    let changes: Vec<(i64, u32)> = (11..)
        .zip(ages)
        .map(|(id, age_s)| (NOW.0 - age_s, id))
        .collect();
    let names: Vec<(String, u32)> = (0..10)
        .flat_map(|number| {
            let old = (format!("{number}/old"), number + 1);
            let new = (format!("{number}/new"), number + 11);
            let is_new = (number as usize) < ages.len();
            [Some(old), is_new.then_some(new)]
        })
        .flatten()
        .collect();
    let files: Vec<(&str, u32)> = names
        .iter()
        .map(|(name, id)| (name.as_str(), *id))
        .collect();
    changed(&changes, &files)
}

fn decide_one(news: &ChangedDirectories, mirror: MirrorState) -> DueDecision {
    let mut decisions = decide(&DueConfig::default(), NOW, news, &[mirror]);
    decisions.pop().expect("one mirror, one decision")
}

#[test]
fn the_whole_is_due_by_age_and_what_failed_later() {
    let never = |tried: Option<i64>| MirrorState {
        whole_at: None,
        attempt: ScanAttempt {
            whole_at: tried.and_then(ago),
            changed_at: None,
        },
        ..mirror(0, 0, None)
    };
    let tried = |age: i64, tried: i64| MirrorState {
        attempt: never(Some(tried)).attempt,
        ..mirror(10, age, None)
    };
    let stopped = |age: i64| MirrorState {
        is_unfinished: true,
        ..mirror(10, age, None)
    };
    let in_the_future = MirrorState {
        whole_at: ago(-HOUR),
        attempt: never(Some(-HOUR)).attempt,
        ..mirror(10, 0, None)
    };
    let old = |age_s| DueReason::Old { age_s };
    let at = Timestamp(NOW.0 + HOUR);
    let ahead = DueReason::Ahead { at };
    use DuePart::{Nothing, Whole};
    use DueReason::{HasAll, NeverScanned, Tried, Unfinished};
    for (number, (mirror, what, why, in_s)) in [
        (never(None), Whole, NeverScanned, 0),
        (never(Some(3 * HOUR)), Whole, NeverScanned, 0),
        (never(Some(3 * HOUR - 1)), Nothing, Tried, 1),
        (mirror(10, DAY, None), Whole, old(DAY), 0),
        (mirror(10, DAY - 1, None), Nothing, HasAll, 1),
        (tried(2 * DAY, HOUR), Nothing, Tried, 2 * HOUR),
        (tried(2 * DAY, 4 * HOUR), Whole, old(2 * DAY), 0),
        (stopped(4 * HOUR), Whole, Unfinished, 0),
        (stopped(HOUR), Nothing, Tried, 2 * HOUR - MINUTE),
        // A clock was wrong.
        (in_the_future, Whole, ahead, 0),
    ]
    .into_iter()
    .enumerate()
    {
        let decision = decide_one(&ChangedDirectories::default(), mirror);
        let next_at = Timestamp(NOW.0 + in_s);
        let expected = DueDecision { what, why, next_at };
        assert_eq!(decision, expected, "case {number}");
    }
}

#[test]
fn a_fresh_change_is_looked_for_often_and_an_old_one_seldom() {
    for (change, looked, is_due) in [
        // This mirror was looked at before the change.
        (MINUTE, 5 * MINUTE, true),
        (MINUTE, 4 * MINUTE, false),
        (10 * MINUTE, 5 * MINUTE, true),
        (20 * MINUTE, 5 * MINUTE - 1, false),
        (20 * MINUTE, 5 * MINUTE, true),
        (4 * HOUR, 59 * MINUTE, false),
        (4 * HOUR, HOUR, true),
        (DAY, 6 * HOUR - 1, false),
        (DAY, 6 * HOUR, true),
    ] {
        let found = decide_one(&news(&[change]), mirror(10, 20 * HOUR, Some(looked)));
        let expected = match is_due {
            true => DueReason::Lacks {
                directories: 1,
                age_s: change,
            },
            false => DueReason::Looked { directories: 1 },
        };
        assert_eq!(found.why, expected, "{change} {looked}");
        assert_eq!(found.what != DuePart::Nothing, is_due, "{change} {looked}");
    }
    // The table of what is due tells when it will be: 3 t = 4 looked - change.
    let found = decide_one(&news(&[DAY]), mirror(10, 20 * HOUR, Some(3 * HOUR)));
    assert_eq!(found.next_at.0, NOW.0 - 3 * HOUR + 7 * HOUR);
    // A whole scan is a look, too.
    let found = decide_one(&news(&[MINUTE]), mirror(10, 2 * MINUTE, None));
    assert_eq!(found.why, DueReason::Looked { directories: 1 });
}

#[test]
fn the_latest_change_that_it_lacks_counts_and_all_it_lacks_is_asked_for() {
    let news = news(&[2 * DAY, 8 * MINUTE]);
    let both = DuePart::Changed(vec![0, 1]);
    for (has_up_to, looked, what) in [
        (10, 5 * MINUTE, both.clone()),
        (11, 5 * MINUTE, DuePart::Changed(vec![1])),
        (12, 5 * MINUTE, DuePart::Nothing),
        (10, 4 * MINUTE, DuePart::Nothing),
    ] {
        let found = decide_one(&news, mirror(has_up_to, 20 * HOUR, Some(looked)));
        assert_eq!(found.what, what, "{has_up_to} {looked}");
    }
    // This mirror has the later one alone.
    let mut odd = mirror(10, 20 * HOUR, Some(HOUR));
    odd.current.insert(12);
    assert_eq!(decide_one(&news, odd.clone()).what, DuePart::Nothing);
    odd.attempt.changed_at = ago(12 * HOUR);
    assert_eq!(decide_one(&news, odd).what, DuePart::Changed(vec![0]));
}

#[test]
fn once_most_have_it_the_rest_is_left() {
    let news = news(&[HOUR]);
    for (have, of, left) in [(8, 10, false), (9, 10, true), (2, 3, false), (0, 1, false)] {
        let state = |number| mirror(if number < have { 11 } else { 10 }, 20 * HOUR, None);
        let mirrors: Vec<MirrorState> = (0..of).map(state).collect();
        let decisions = decide(&DueConfig::default(), NOW, &news, &mirrors);
        let last = decisions.last().expect("there are mirrors");
        let expected = match left {
            true => DueReason::MostHave { directories: 1 },
            false => DueReason::Lacks {
                directories: 1,
                age_s: HOUR,
            },
        };
        assert_eq!(last.why, expected, "{have} of {of}");
        assert!(
            decisions[..have]
                .iter()
                .all(|one| one.why == DueReason::HasAll)
        );
    }
}

#[test]
fn what_a_mirror_is_not_asked_for_is_not_lacked_and_counts_for_nobody() {
    let news = news(&[HOUR]);
    let without = MirrorState {
        unwanted: Arc::new([0].into()),
        ..mirror(10, 20 * HOUR, None)
    };
    let mut mirrors = vec![without; 9];
    mirrors.push(mirror(10, 20 * HOUR, None));
    let decisions = decide(&DueConfig::default(), NOW, &news, &mirrors);
    assert!(
        decisions[..9]
            .iter()
            .all(|one| one.why == DueReason::HasAll)
    );
    assert_eq!(decisions[9].what, DuePart::Changed(vec![0]));
    mirrors[8] = mirror(11, 20 * HOUR, None);
    mirrors.extend(vec![mirror(11, 20 * HOUR, None); 8]);
    let decisions = decide(&DueConfig::default(), NOW, &news, &mirrors);
    assert_eq!(decisions[9].why, DueReason::MostHave { directories: 1 });
}

#[test]
fn who_lacks_much_is_scanned_whole() {
    let two = decide_one(&news(&[HOUR, HOUR]), mirror(10, 20 * HOUR, None));
    assert_eq!(two.what, DuePart::Changed(vec![0, 1]));
    let three = news(&[HOUR, HOUR, HOUR]);
    let found = decide_one(&three, mirror(10, 20 * HOUR, None));
    assert_eq!(found.what, DuePart::Whole);
    assert_eq!(found.why, DueReason::LacksMuch { directories: 3 });
    let soon = decide_one(&three, mirror(10, 20 * HOUR, Some(10 * MINUTE)));
    assert_eq!(soon.why, DueReason::Looked { directories: 3 });
}

#[test]
fn who_is_asked_for_is_looked_at_soon() {
    let asked = |has_up_to, looked, requested: i64| MirrorState {
        hints: Hints {
            requested_at: ago(requested),
        },
        ..mirror(has_up_to, 20 * HOUR, Some(looked))
    };
    let never = MirrorState {
        whole_at: None,
        ..asked(0, HOUR, MINUTE)
    };
    let changed = DuePart::Changed(vec![0]);
    for (number, (mirror, what, why)) in [
        // Two days old: it would have to wait for hours.
        (asked(10, HOUR, MINUTE), changed, DueReason::Requested),
        (
            asked(11, HOUR, MINUTE),
            DuePart::Whole,
            DueReason::Requested,
        ),
        (
            asked(10, 4 * MINUTE, MINUTE),
            DuePart::Nothing,
            DueReason::RequestedSoon,
        ),
        // Asked for before the last look, which another process may have been kept from.
        (
            asked(10, 4 * MINUTE, HOUR),
            DuePart::Nothing,
            DueReason::RequestedSoon,
        ),
        (
            asked(10, HOUR, 2 * HOUR),
            DuePart::Changed(vec![0]),
            DueReason::Requested,
        ),
        // All it has was read two hours ago; once in three is enough for who asks.
        (
            MirrorState {
                attempt: ScanAttempt {
                    whole_at: ago(2 * HOUR),
                    changed_at: None,
                },
                ..asked(11, HOUR, MINUTE)
            },
            DuePart::Nothing,
            DueReason::RequestedSoon,
        ),
        (
            asked(10, 4 * MINUTE, -HOUR),
            DuePart::Nothing,
            DueReason::Looked { directories: 1 },
        ),
        (never, DuePart::Whole, DueReason::NeverScanned),
    ]
    .into_iter()
    .enumerate()
    {
        let found = decide_one(&news(&[2 * DAY]), mirror);
        assert_eq!((found.what, found.why), (what, why), "case {number}");
    }
    // A directory that most mirrors have is asked for all the same.
    let mut mirrors = vec![mirror(11, 20 * HOUR, None); 20];
    mirrors.push(asked(10, HOUR, MINUTE));
    let decisions = decide(&DueConfig::default(), NOW, &news(&[HOUR]), &mirrors);
    assert_eq!(decisions[20].what, DuePart::Changed(vec![0]));
}
