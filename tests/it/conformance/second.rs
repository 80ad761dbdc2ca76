//! The selection law, written twice: every case's mirrors are those that `scripts/oracle/law.py`
//! gives.

use serde_json::Value;

use crate::judge::case::cases;
use crate::judge::known::Known;

#[test]
fn every_case_has_the_mirrors_that_the_law_gives() {
    let mut known = Known::read();
    let (mut judged, mut wrong) = (0, Vec::new());
    for case in cases().iter().filter(|case| case.is_redirect()) {
        let groups = known.groups(case);
        judged += 1;
        // A case has as many groups as Link fields need.
        let start: Vec<_> = groups.into_iter().take(case.groups().len()).collect();
        if start.is_empty() || start != sorted(case.groups()) {
            wrong.push(format!(
                "{}: {:?}, the law: {start:?}",
                case.name,
                case.groups()
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {judged}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(judged > 500, "{judged}");
}

/// Members of each group in one order behind the realm.
fn sorted(groups: &[Vec<Value>]) -> Vec<Vec<Value>> {
    let mut groups = groups.to_vec();
    for group in &mut groups {
        group[1..].sort_by_key(ToString::to_string);
    }
    groups
}
