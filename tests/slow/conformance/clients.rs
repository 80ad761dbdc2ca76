//! The selection law, written twice: clients drawn all over the world are sent where
//! `scripts/oracle/law.py` says.

use crate::judge::case::{Case, cases};
use crate::judge::known::Known;
use crate::judge::site::{build, mirrors, start};

/// Clients that are drawn.
const CLIENTS: usize = 3_000;
/// Where the drawing begins; any will do.
const SEED: u64 = 20_150_609;

#[test]
fn clients_all_over_the_world_are_sent_where_the_law_says() {
    let recorded = build();
    let responder = start(&recorded);
    let mut client = responder.connect();
    let mut known = Known::read();
    let mirrors = mirrors();
    let mut random = fastrand::Rng::with_seed(SEED);
    let models: Vec<Case> = cases().into_iter().filter(Case::is_redirect).collect();
    let mut wrong = Vec::new();
    for _ in 0..CLIENTS {
        let model = &models[random.usize(..models.len())];
        // Of the same site, whose exclusions it has met.
        let site = model.parameter("HELIOSTAT_SITE");
        let others: Vec<&Case> = models
            .iter()
            .filter(|other| other.parameter("HELIOSTAT_SITE") == site)
            .collect();
        let other = others[random.usize(..others.len())];
        let mut case = model.for_client_of(other);
        if random.bool() {
            let degrees = |range: f64, random: &mut fastrand::Rng| {
                format!("{:.2}", (random.f64() - 0.5) * range)
            };
            case.set("GEOIP_LATITUDE", &degrees(180.0, &mut random));
            case.set("GEOIP_LONGITUDE", &degrees(360.0, &mut random));
        }
        let groups = known.groups(&case);
        case.expect_groups(groups);
        let answer = client.send(&case.request());
        for mismatch in case.mismatches(&answer, &mirrors, &recorded.tree()) {
            wrong.push(format!("{} as {}: {mismatch}", case.what, other.what));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
