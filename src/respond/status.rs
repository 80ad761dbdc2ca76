//! Reports the responder's status to `heliostat status` and `heliostat explain`, which may run as
//! another user and therefore see another tree.

use serde_json::{Value, json};

use super::complaint::Complaints;
use super::state::ResponderState;
use crate::decide::SiteState;
use crate::domain::time::Timestamp;
use crate::http::Response;
use crate::tree::{Tree, user_name};

/// Answers with the user, the configuration in use, and the problems of each site.
pub(super) fn answer(
    out: &mut Vec<u8>,
    state: &ResponderState,
    complaints: &Complaints,
    now: Timestamp,
) {
    let sites = state.sites.iter();
    let sites = sites.map(|site| {
        let problems = problems(site, complaints, now);
        json!({ "name": site.config.name, "problems": problems })
    });
    let answer = json!({
        "program": "heliostat-fcgi",
        "version": env!("CARGO_PKG_VERSION"),
        "process": std::process::id(),
        "user": user_name(),
        "config": state.config.path.to_string_lossy(),
        "config_problem": state.config_problem,
        "sites": sites.collect::<Vec<Value>>(),
    });
    Response::new(out, "200 OK")
        .field("Cache-Control", b"no-store")
        .body("application/json", answer.to_string().as_bytes());
}

fn problems(site: &SiteState, complaints: &Complaints, now: Timestamp) -> Vec<String> {
    let mut problems = Vec::new();
    let mut tree = Tree::new(&site.config.tree);
    match tree.check() {
        Err(problem) => problems.push(problem.text()),
        Ok(()) => problems.extend(
            complaints
                .recent(&site.config.name, now)
                .map(|(at, problem)| format!("{} (last at {at})", problem.text())),
        ),
    }
    problems.extend(site.geoip.problems().map(str::to_owned));
    if site.snapshot.is_none() {
        let database = site.config.database.display();
        problems.push(format!(
            "the responder cannot read the database {database}; its log says why"
        ));
    }
    problems
}
