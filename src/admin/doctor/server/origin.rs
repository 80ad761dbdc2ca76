//! The origin of a front end without a tree: it must have the files, and not lead back.

use crate::admin::doctor::finding::{AreaReport, Finding};
use crate::config::OriginConfig;
use crate::domain::escape::url_path_into;
use crate::fetch::{FetchError, HttpRequest, HttpSession, HttpUrl};
use crate::program::exit::chain;

/// Asks for one file; `own` is the front end.
pub(super) fn check(
    report: &mut AreaReport,
    session: &HttpSession<'_>,
    (own, origin): (&HttpUrl, &OriginConfig),
    path: &[u8],
) {
    let mut url = format!("{}/", origin.base_url).into_bytes();
    url_path_into(&mut url, path);
    let url = String::from_utf8_lossy(&url).into_owned();
    let Ok(asked) = HttpUrl::of_file(&url) else {
        report.refused(format!("{url} is no URL"));
        return;
    };
    let request = HttpRequest {
        byte: Some(0),
        once: true,
        ..HttpRequest::default()
    };
    match session.get(&asked, request, &|_| false) {
        Ok(answer) if matches!(answer.status, 200 | 206) => {}
        Ok(answer) => report.push(
            Finding::error("origin-file", format!("the origin has no {url}"))
                .because(format!(
                    "it answers {}; clients get that, too",
                    answer.status
                ))
                .mended_by("heliostat config origin"),
        ),
        Err(FetchError::Redirected { to }) if leads_to(&to, own) => report.push(
            Finding::error("origin-loop", format!("the origin leads back to {to}"))
                .because("clients go round in circles until they give up")
                .mended_by("heliostat config origin"),
        ),
        // The origin's own Heliostat sends clients to mirrors.
        Err(FetchError::Redirected { .. }) => {}
        Err(error) => report.absent(format!("the origin: {}", chain(&error))),
    }
    report.looked_at = Some(format!("{url}, of the origin"));
}

fn leads_to(to: &str, own: &HttpUrl) -> bool {
    HttpUrl::of_file(to).is_ok_and(|to| to.host_and_port() == own.host_and_port())
}
