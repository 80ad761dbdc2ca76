//! Judges the answers to redirects that were followed (no I/O).

use crate::domain::follow::result::FollowResult;
use crate::domain::health::Family;
use crate::domain::order::ShortList;
use crate::fetch::probe::{Check, Failure, ProbeFinding};

/// Gives the result, and a command line that shows the same. The answer over the preferred family
/// counts, if there is one. Absent if nothing is known, because this host has no way there.
pub(super) fn judge(
    finding: &ProbeFinding,
    preferred: Option<Family>,
) -> Option<(FollowResult, String)> {
    let checks = match finding {
        ProbeFinding::NoAddress(failure, evidence) => {
            return Some((of_failure(failure)?, evidence.clone()));
        }
        ProbeFinding::Checked(checks) => checks,
    };
    let of = |check: &Check| {
        let result = match &check.result {
            Ok(()) => Some(FollowResult::Right),
            Err(failure) => of_failure(failure),
        };
        result.map(|result| (result, check.evidence.clone()))
    };
    let mut sorted: Vec<&(Family, Check)> = checks.iter().collect();
    sorted.order_by_key(|(family, _)| Some(*family) != preferred);
    let mut silent = None;
    for (result, evidence) in sorted.into_iter().filter_map(|(_, check)| of(check)) {
        match result {
            // Perhaps it answers over the other family.
            FollowResult::Unreachable => silent = Some((result, evidence)),
            _ => return Some((result, evidence)),
        }
    }
    silent
}

/// Gives the result that a failure stands for. Only an answer that is understood counts as wrong.
fn of_failure(failure: &Failure) -> Option<FollowResult> {
    if failure.is_ours() {
        return None;
    }
    Some(match failure {
        Failure::Status { status, .. } => match status {
            404 | 410 => FollowResult::NotFound,
            401 | 403 | 451 => FollowResult::Forbidden,
            429 | 503 => FollowResult::Busy,
            _ => FollowResult::Unknown,
        },
        Failure::WrongSize { .. } | Failure::Page { .. } => FollowResult::Size,
        Failure::WrongContent { .. } | Failure::WrongPiece { .. } => FollowResult::Content,
        Failure::Downgraded { .. } => FollowResult::Downgrade,
        Failure::Home { .. } | Failure::TooManyRedirects { .. } => FollowResult::Loop,
        Failure::Tls { .. } => FollowResult::Tls,
        Failure::NoSize { .. } => FollowResult::SizeUnknown,
        Failure::Silent { .. }
        | Failure::NoWay { .. }
        | Failure::Unreachable { .. }
        | Failure::UnknownHost { .. }
        | Failure::ResolverSilent { .. } => FollowResult::Unreachable,
        _ => FollowResult::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(result: Result<(), Failure>, evidence: &str) -> Check {
        Check {
            result,
            latency: None,
            expires_at: None,
            cache_hit: None,
            notes: Vec::new(),
            evidence: evidence.to_owned(),
        }
    }

    fn status(status: u16) -> Failure {
        let path = "/f".to_owned();
        Failure::Status { status, path }
    }

    #[test]
    fn only_what_is_understood_is_wrong() {
        for (failure, expected) in [
            (status(404), Some(FollowResult::NotFound)),
            (status(451), Some(FollowResult::Forbidden)),
            (status(503), Some(FollowResult::Busy)),
            (status(500), Some(FollowResult::Unknown)),
            (status(301), Some(FollowResult::Unknown)),
            (Failure::RedirectedAway, Some(FollowResult::Unknown)),
            (
                Failure::Broken {
                    said: String::new(),
                },
                Some(FollowResult::Unknown),
            ),
            (Failure::NoRoute, None),
            (
                Failure::Silent { timeout_s: 1 },
                Some(FollowResult::Unreachable),
            ),
            (
                Failure::NoSize { path: "/f".into() },
                Some(FollowResult::SizeUnknown),
            ),
            (
                Failure::TooManyRedirects { redirects_max: 5 },
                Some(FollowResult::Loop),
            ),
        ] {
            assert_eq!(of_failure(&failure), expected, "{failure}");
        }
    }

    #[test]
    fn the_clients_family_counts_unless_it_tells_nothing() {
        let finding = |v4, v6| {
            let checks = [(Family::V4, check(v4, "4")), (Family::V6, check(v6, "6"))];
            ProbeFinding::Checked(checks.to_vec())
        };
        let wrong = || Err(status(404));
        let found = |finding, family| judge(&finding, family).map(|(result, _)| result.as_str());
        let mixed = finding(Ok(()), wrong());
        assert_eq!(found(mixed.clone(), Some(Family::V6)), Some("not-found"));
        assert_eq!(found(mixed.clone(), Some(Family::V4)), Some("ok"));
        assert_eq!(found(mixed, None), Some("ok"));
        let away = finding(wrong(), Err(Failure::NoRoute));
        assert_eq!(found(away, Some(Family::V6)), Some("not-found"));
        let silent = finding(Ok(()), Err(Failure::Silent { timeout_s: 1 }));
        assert_eq!(found(silent, Some(Family::V6)), Some("ok"));
        let ours = finding(Err(Failure::NoRoute), Err(Failure::NoRoute));
        assert_eq!(found(ours, None), None);
    }
}
