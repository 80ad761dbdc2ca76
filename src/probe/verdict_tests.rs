//! Rows of what a pass finds and what follows.

use std::time::Duration;

use super::*;
use crate::config::RawProbe;
use crate::db::mirror::MirrorRecord;
use crate::domain::health::Hysteresis;
use crate::domain::url::BaseUrl;
use crate::fetch::probe::ProbeTarget;

fn config() -> ProbeConfig {
    ProbeConfig {
        timeout: Duration::from_secs(1),
        deadline: Duration::from_secs(1),
        interval: Duration::from_secs(1),
        retry: Duration::ZERO,
        hysteresis: Hysteresis {
            down_after: 2,
            window: 3,
            up_after: 2,
        },
        ..RawProbe::default().checked().expect("defaults")
    }
}

fn planned(alive: bool, known: Vec<ProbeRecord>) -> ProbePlan {
    let mut mirror = MirrorRecord::new("m");
    mirror.id = MirrorId(1);
    (mirror.enabled, mirror.alive) = (true, alive);
    ProbePlan {
        mirror,
        targets: vec![ProbeTarget {
            url: BaseUrl::parse("https://u:p@m/").expect("a URL"),
            files: Vec::new(),
            own_ports: Default::default(),
            is_cache: false,
            staleness: None,
        }],
        known,
        problems: Vec::new(),
    }
}

fn check(result: Result<(), Failure>) -> Check {
    Check {
        result,
        latency: Some(Duration::from_millis(7)),
        expires_at: None,
        cache_hit: None,
        notes: Vec::new(),
        evidence: "curl".into(),
    }
}

fn silent() -> Result<(), Failure> {
    Err(Failure::Silent { timeout_s: 1 })
}

fn finding(v4: Result<(), Failure>, v6: Option<Result<(), Failure>>) -> ProbeFinding {
    let v6 = v6.map(|result| (Family::V6, check(result)));
    ProbeFinding::Checked(std::iter::once((Family::V4, check(v4))).chain(v6).collect())
}

/// One pass after the other over a single mirror; what is told of each.
fn passes(alive: bool, findings: Vec<Option<ProbeFinding>>) -> Vec<String> {
    let mut planned = planned(alive, Vec::new());
    let mut said = Vec::new();
    for (at, finding) in findings.into_iter().enumerate() {
        let now = Timestamp(60 * (at as i64 + 1));
        let seen = observe(&planned, &[finding], now);
        let verdict = conclude(&planned, seen, &[], &config(), now);
        let changed = verdict.facts.iter().filter(|fact| fact.changed);
        let facts: Vec<String> = changed
            .map(|f| format!("{} {}", f.about, f.state))
            .collect();
        said.push(facts.join(", "));
        planned.mirror.alive = verdict.alive;
        planned.known = verdict.records;
    }
    said
}

#[test]
fn a_mirror_is_down_when_all_its_targets_are() {
    let ok = || Ok(());
    for (alive, findings, expected) in [
        (
            true,
            vec![(silent(), None), (ok(), None), (silent(), None)],
            vec!["", "", "mirror down"],
        ),
        (
            true,
            vec![(silent(), None), (ok(), None), (ok(), None)],
            vec!["", "", ""],
        ),
        (
            true,
            vec![
                (silent(), Some(ok())),
                (silent(), Some(ok())),
                (ok(), Some(ok())),
            ],
            vec!["", "https IPv4 down", ""],
        ),
        (
            false,
            vec![(ok(), None), (ok(), None)],
            vec!["", "mirror up"],
        ),
        (
            true,
            vec![
                (ok(), Some(Err(Failure::NoRoute))),
                (ok(), Some(Err(Failure::NoRoute))),
            ],
            vec!["", ""],
        ),
    ] {
        let findings = findings.into_iter().map(|(v4, v6)| Some(finding(v4, v6)));
        assert_eq!(passes(alive, findings.collect()), expected);
    }
}

#[test]
fn what_cannot_be_seen_from_here_says_nothing() {
    let no_route = || Some(Err(Failure::NoRoute));
    let both = |v4| Some(finding(v4, no_route()));
    let findings = vec![both(silent()), both(silent()), both(Ok(())), both(Ok(()))];
    assert_eq!(passes(true, findings), ["", "mirror down", "", "mirror up"]);
    // Nothing at all can be seen: nothing changes.
    let blind = || Some(finding(Err(Failure::NoRoute), no_route()));
    assert_eq!(passes(true, vec![blind(), blind(), blind()]), ["", "", ""]);
    let mut planned = planned(true, Vec::new());
    let seen = observe(&planned, &[both(Ok(()))], Timestamp(60));
    planned.known = conclude(&planned, seen, &[], &config(), Timestamp(60)).records;
    let usable: Vec<bool> = planned
        .known
        .iter()
        .map(|known| known.standing.usable)
        .collect();
    assert_eq!(usable, [true, true], "IPv6 clients are not shut out");
}

#[test]
fn what_was_not_reached_stays_as_it_was() {
    let fails = || Some(finding(silent(), None));
    let said = passes(true, vec![fails(), None, None, fails()]);
    assert_eq!(said, ["", "", "", "mirror down"]);
}

#[test]
fn a_host_without_address_fails_and_is_not_forgotten() {
    let gone = || {
        let failure = Failure::UnknownHost { said: "x".into() };
        Some(ProbeFinding::NoAddress(failure, "curl".into()))
    };
    let said = passes(true, vec![Some(finding(Ok(()), None)), gone(), gone()]);
    assert_eq!(said, ["", "", "mirror down"]);
}

#[test]
fn a_switch_of_somebody_else_is_believed() {
    let mut planned = planned(true, Vec::new());
    let now = Timestamp(60);
    let one_pass = |planned: &ProbePlan, result| {
        let seen = observe(planned, &[Some(finding(result, None))], now);
        conclude(planned, seen, &[], &config(), now)
    };
    planned.known = one_pass(&planned, silent()).records;
    planned.known = one_pass(&planned, silent()).records;
    assert!(!planned.known[0].standing.usable, "down by two failures");
    // The admin says that it is alive.
    planned.mirror.alive = true;
    assert!(
        one_pass(&planned, silent()).alive,
        "two more failures are needed"
    );
    planned.known[0].standing = TargetStanding::new(true);
    planned.mirror.alive = false;
    let verdict = one_pass(&planned, Ok(()));
    assert!(!verdict.alive, "two successes are needed");
}

#[test]
fn nothing_changes_when_this_host_is_cut_off() {
    let mirrors: Vec<ProbePlan> = (0..4).map(|_| planned(true, Vec::new())).collect();
    let now = Timestamp(60);
    let observe_all = |result: &dyn Fn(usize) -> Result<(), Failure>| -> Vec<Vec<Observation>> {
        let one = |(at, planned)| observe(planned, &[Some(finding(result(at), None))], now);
        mirrors.iter().enumerate().map(one).collect()
    };
    assert_eq!(cut_off(&observe_all(&|_| silent()), 0.8, &[]), [Family::V4]);
    let one_answers = |at| if at == 0 { Ok(()) } else { silent() };
    assert_eq!(cut_off(&observe_all(&one_answers), 0.8, &[]), []);
    // An answer, even a wrong one, came over the way.
    let one_errs = |at| match at {
        0 => Err(Failure::Base { status: 500 }),
        _ => silent(),
    };
    assert_eq!(cut_off(&observe_all(&one_errs), 0.8, &[]), []);
    // A refusal is an answer, and so is that there is no such name.
    let said = || "x".to_owned();
    for (failure, expected) in [
        (Failure::Unreachable { said: said() }, &[][..]),
        (Failure::UnknownHost { said: said() }, &[]),
        (Failure::Here { said: said() }, &[]),
        (Failure::NoWay { said: said() }, &[Family::V4]),
        (Failure::ResolverSilent { said: said() }, &[Family::V4]),
        // A family that this host never had, and one that it has lost.
        (Failure::NoRoute, &[]),
    ] {
        let all = |_| Err(failure.clone());
        assert_eq!(cut_off(&observe_all(&all), 0.8, &[]), expected, "{failure}");
    }
    let no_route = |_| Err(Failure::NoRoute);
    let seen = observe_all(&no_route);
    assert_eq!(cut_off(&seen, 0.8, &[Family::V4]), [Family::V4]);
    let seen = observe_all(&|_| silent()).remove(0);
    let mut law = config();
    law.hysteresis.down_after = 1;
    let verdict = conclude(&mirrors[0], seen, &[Family::V4], &law, now);
    assert!(verdict.alive && verdict.records[0].ok.is_none());
    assert!(verdict.records[0].reason.contains("cut off"), "{verdict:?}");
}

#[test]
fn certificates_are_warned_of_in_time() {
    let planned = planned(true, Vec::new());
    let now = Timestamp(0);
    for (days, expected) in [
        (15, "fine"),
        (13, "expires 1970-01-14"),
        (0, "expires 1970-01-01"),
    ] {
        let mut check = check(Ok(()));
        check.expires_at = Some(Timestamp(days * 86_400 + 60));
        let finding = ProbeFinding::Checked(vec![(Family::V4, check)]);
        let seen = observe(&planned, &[Some(finding)], now);
        let verdict = conclude(&planned, seen, &[], &config(), now);
        let fact = verdict
            .facts
            .iter()
            .find(|fact| fact.about == "certificate");
        assert_eq!(fact.expect("a certificate").state, expected);
        assert_eq!(verdict.records[0].url, "https://m/", "no credentials");
    }
}
