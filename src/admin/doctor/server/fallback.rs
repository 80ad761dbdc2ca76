//! Fallbacks: no program scans or probes them, so the doctor asks each one for a file.

use std::collections::BTreeSet;

use crate::admin::doctor::finding::{AreaReport, Finding};
use crate::admin::doctor::shell::text_word;
use crate::config::SiteConfig;
use crate::domain::file::FileVersion;
use crate::fetch::{HttpRequest, HttpSession, HttpUrl};
use crate::program::exit::chain;

/// The base URLs of a site's fallbacks.
pub(in crate::admin::doctor) fn fallbacks(site: &SiteConfig) -> BTreeSet<&str> {
    let rules = site.directories.iter().map(|directory| &directory.rules);
    let rules = rules.chain([&site.tree_rules]);
    let all = rules.flat_map(|rules| &rules.fallbacks);
    all.map(|fallback| fallback.base_url.as_str()).collect()
}

/// Asks each fallback for a file that it must have.
pub(super) fn check(
    report: &mut AreaReport,
    site: &SiteConfig,
    session: &HttpSession<'_>,
    (path, version): (&[u8], FileVersion),
) {
    for base in fallbacks(site) {
        let Ok(url) = HttpUrl::parse(base) else {
            report.absent(format!(
                "the fallback {base}: only http and https are asked"
            ));
            continue;
        };
        let url = url.file(path);
        let request = HttpRequest {
            byte: Some(0),
            once: true,
            ..HttpRequest::default()
        };
        let size = version.size;
        let cause = match session.get(&url, request, &|_| true) {
            Ok(answer) if answer.status == 206 => {
                let whole = answer.content_range.rsplit('/').next().map(str::to_owned);
                match whole.as_deref() == Some(&*size.to_string()) {
                    true => continue,
                    false => format!(
                        "the file has {size} bytes here, and '{}' there",
                        answer.content_range
                    ),
                }
            }
            Ok(answer) if answer.status == 200 && answer.length == Some(size) => continue,
            Ok(answer) => format!("it answers {}", answer.status),
            Err(error) => chain(&error),
        };
        report.push(
            Finding::error(
                "fallback-fails",
                format!("the fallback {base} does not have {url}"),
            )
            .because(format!(
                "{cause}; clients are sent there for every file that no mirror has"
            ))
            .mended_by(format!("curl -sIL {}", text_word(&url.to_string()))),
        );
    }
}
