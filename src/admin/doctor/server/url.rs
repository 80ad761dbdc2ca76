//! Asks the host itself as a client does: for a file that mirrors have, one that is served here,
//! one that the index does not know, a range, and a document.
//!
//! No redirect is followed, and nothing is written: a fresh file is looked for, never made.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use roaring::RoaringBitmap;

use super::{fallback, origin};
use crate::admin::doctor::examination::{Examination, SiteCommand};
use crate::admin::doctor::finding::{AreaReport, Finding};
use crate::admin::doctor::shell::{text_word, word};
use crate::config::{OriginConfig, SiteConfig};
use crate::db::mirror::{self, MirrorRecord};
use crate::db::{DbError, Reader, catalogue, content};
use crate::domain::file::FileVersion;
use crate::fetch::{
    Addresses, FetchError, HttpAnswer, HttpClient, HttpOptions, HttpRequest, HttpSession, HttpUrl,
    OwnPorts, Patience,
};
use crate::program::exit::chain;

/// A host that is well answers in milliseconds, one without its responder in a second.
const TIMEOUT: Duration = Duration::from_secs(10);

/// All questions together.
const TIME_MAX: Duration = Duration::from_secs(60);

/// Characters of a URL that the host redirects to; longer ones are shown in part.
const LOCATION_CHARS_MAX: usize = 2000;

/// Names among which a fresh file is looked for.
const NAMES_MAX: usize = 20_000;

/// Files of the site, each of which stands for all of its kind.
#[derive(Default)]
pub(super) struct Samples {
    /// The largest that mirrors have.
    pub redirected: Option<(Vec<u8>, FileVersion)>,
    /// One that rules exclude.
    pub excluded: Option<(Vec<u8>, FileVersion)>,
    /// One that the catalogue does not have.
    pub fresh: Option<Vec<u8>>,
}

/// The host under question.
pub(super) struct UrlQuestion<'a> {
    base: HttpUrl,
    session: HttpSession<'a>,
    command: SiteCommand,
    mirrors: Vec<MirrorRecord>,
}

/// The answer.
pub(super) enum HostAnswer<'a> {
    Redirect(String),
    Own(Box<HttpAnswer<'a>>),
    Failed(String),
}

/// A site, its catalogue and the URL of its host.
pub(in crate::admin::doctor) struct HostQuestion<'a> {
    pub examined: &'a Examination<'a>,
    pub site: &'a Arc<SiteConfig>,
    pub reader: &'a Reader,
    pub url: &'a str,
}

/// Asks the host about files of a site.
pub(in crate::admin::doctor) fn check(question: &HostQuestion<'_>) -> AreaReport {
    let mut report = AreaReport::of_site("url", question.site);
    with_host(
        &mut report,
        question,
        TIMEOUT,
        |asked, report, samples| match &question.site.origin {
            Some(at_origin) => ask_origin(asked, report, at_origin, samples),
            None => asked.ask(report, question.site, samples),
        },
    );
    report
}

fn ask_origin(
    asked: &UrlQuestion<'_>,
    report: &mut AreaReport,
    at_origin: &OriginConfig,
    samples: &Samples,
) {
    let files = [&samples.redirected, &samples.excluded];
    match files.into_iter().flatten().next() {
        Some((path, _)) => origin::check(report, &asked.session, (&asked.base, at_origin), path),
        None => report.absent("the origin, because the catalogue has no files"),
    }
}

/// Prepares the host and the samples, and calls `then`; says why, if it cannot.
pub(super) fn with_host(
    report: &mut AreaReport,
    question: &HostQuestion<'_>,
    timeout: Duration,
    then: impl FnOnce(&UrlQuestion<'_>, &mut AreaReport, &Samples),
) {
    let (reader, url) = (question.reader, question.url);
    let base = match HttpUrl::parse(url) {
        Ok(base) => base,
        Err(error) => return report.refused(format!("--url: {error}")),
    };
    let found = samples(question.site, reader).and_then(|found| Ok((found, mirror::all(reader)?)));
    let (found, mirrors) = match found {
        Ok(found) => found,
        Err(error) => return report.refused(chain(&error)),
    };
    let (stop, addresses) = (AtomicBool::new(false), Addresses::default());
    let client = match HttpClient::new(timeout, &addresses) {
        Ok(client) => client,
        Err(error) => return report.refused(chain(&error)),
    };
    let asked = UrlQuestion {
        session: client.session(HttpOptions {
            patience: Patience::new(timeout, TIME_MAX, &stop),
            own_ports: OwnPorts::of([url]),
        }),
        base,
        command: SiteCommand::of(question.examined, question.site),
        mirrors,
    };
    then(&asked, report, &found);
    report.looked_at = Some(url.to_owned());
}

fn samples(site: &SiteConfig, reader: &Reader) -> Result<Samples, DbError> {
    let mut on_mirrors = RoaringBitmap::new();
    for mirror in mirror::all(reader)? {
        if mirror.enabled && mirror.alive {
            on_mirrors |= content::current(reader, mirror.id)?;
        }
    }
    let mut samples = Samples::default();
    catalogue::for_each(reader, b"", |path, file| {
        let Some(version) = file.version else { return };
        let rules = site.rules(path);
        let is_masked = rules
            .exclude_file_mask
            .as_ref()
            .is_some_and(|mask| mask.is_match(path));
        let is_excluded = !rules.engine || version.size < rules.min_size_bytes || is_masked;
        let place = match is_excluded {
            true => &mut samples.excluded,
            false if on_mirrors.contains(file.id.0) => &mut samples.redirected,
            false => return,
        };
        if place
            .as_ref()
            .is_none_or(|(_, known)| known.size < version.size)
        {
            *place = Some((path.to_owned(), version));
        }
    })?;
    if site.origin.is_none() {
        samples.fresh = fresh(&site.tree, reader)?;
    }
    Ok(samples)
}

/// Finds a file of the tree that the catalogue does not have.
fn fresh(tree: &Path, reader: &Reader) -> Result<Option<Vec<u8>>, DbError> {
    let mut waiting: Vec<PathBuf> = vec![tree.to_owned()];
    let mut names = 0;
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            names += 1;
            if names > NAMES_MAX {
                return Ok(None);
            }
            let (path, Ok(kind)) = (entry.path(), entry.file_type()) else {
                continue;
            };
            if kind.is_dir() {
                waiting.push(path);
            } else if kind.is_file()
                && let Ok(below) = path.strip_prefix(tree)
                && catalogue::find(reader, below.as_os_str().as_bytes())?.is_none()
            {
                return Ok(Some(below.as_os_str().as_bytes().to_owned()));
            }
        }
    }
    Ok(None)
}

impl UrlQuestion<'_> {
    fn ask(&self, report: &mut AreaReport, site: &SiteConfig, samples: &Samples) {
        match &samples.redirected {
            Some((path, version)) => {
                let answer = self.get(path, "", None);
                if let HostAnswer::Failed(problem) = &answer {
                    report.push(self.unreachable(path, problem));
                    return;
                }
                // `mode` and `rollout` hold redirects back on purpose.
                let raw = site.raw_rules(path);
                let is_shadow = raw.mode.as_deref() == Some("shadow");
                let is_held = is_shadow || raw.rollout.as_deref().is_some_and(|it| it != "100%");
                match &answer {
                    HostAnswer::Own(answer) if is_held && answer.status == 200 => {
                        report.absent("a redirect: `mode` or `rollout` holds it back");
                    }
                    _ => report.findings.extend(self.judge_redirect(path, &answer)),
                }
                report.findings.extend(self.judge_document(path));
                let sample = (path.as_slice(), *version);
                fallback::check(report, site, &self.session, sample);
            }
            None => report.absent("a redirect: no mirror that is up has a file of the catalogue"),
        }
        match &samples.excluded {
            Some((path, version)) => {
                let answer = self.get(path, "", None);
                report
                    .findings
                    .extend(self.judge_own(path, &answer, "excluded"));
                report.findings.extend(self.judge_range(path, version.size));
            }
            None => report.absent("a file that is served here, and a range: no file is excluded"),
        }
        match &samples.fresh {
            Some(path) => {
                let answer = self.get(path, "", None);
                report
                    .findings
                    .extend(self.judge_own(path, &answer, "not yet indexed"));
            }
            None => report.absent("a fresh file: the catalogue has every file of the tree"),
        }
    }

    fn url(&self, path: &[u8], end: &str) -> HttpUrl {
        self.base.file(&[path, end.as_bytes()].concat())
    }

    pub fn get(&self, path: &[u8], end: &str, byte: Option<u64>) -> HostAnswer<'_> {
        let request = HttpRequest {
            byte,
            once: true,
            ..HttpRequest::default()
        };
        match self.session.get(&self.url(path, end), request, &|_| false) {
            Ok(answer) => HostAnswer::Own(Box::new(answer)),
            Err(FetchError::Redirected { to }) => {
                HostAnswer::Redirect(to.chars().take(LOCATION_CHARS_MAX).collect())
            }
            Err(error) => HostAnswer::Failed(chain(&error)),
        }
    }

    pub fn curl(&self, path: &[u8], end: &str) -> String {
        format!("curl -sI {}", text_word(&self.shown(path, end)))
    }

    pub fn shown(&self, path: &[u8], end: &str) -> String {
        // The slash of a base URL is not a file's.
        self.url(path, end)
            .to_string()
            .trim_end_matches('/')
            .to_owned()
    }

    fn unreachable(&self, path: &[u8], problem: &str) -> Finding {
        let what = format!("{} cannot be fetched", self.shown(path, ""));
        Finding::error("url-unreachable", what)
            .because(problem)
            .mended_by(self.curl(path, ""))
    }

    fn judge_redirect(&self, path: &[u8], answer: &HostAnswer<'_>) -> Option<Finding> {
        let url = self.shown(path, "");
        let explain = self.command.with(&format!(
            "explain {} --ip 192.0.2.7",
            word(Path::new(std::ffi::OsStr::from_bytes(path)))
        ));
        match answer {
            HostAnswer::Redirect(to) if self.is_of_mirror(to) => None,
            HostAnswer::Redirect(to) => Some(
                Finding::error(
                    "url-redirected-elsewhere",
                    format!("{url} leads to no mirror"),
                )
                .because(format!(
                    "it leads to {to}; another redirect of the host comes first"
                ))
                .mended_by(self.curl(path, "")),
            ),
            HostAnswer::Own(answer) if answer.status == 200 => Some(
                Finding::error("url-not-redirected", format!("{url} is served here"))
                    .because(
                        "mirrors have that file; the responder was not asked, or has a reason \
                         that `explain` tells",
                    )
                    .mended_by(explain),
            ),
            HostAnswer::Own(answer) => Some(self.wrong_status(path, "", answer.status)),
            HostAnswer::Failed(problem) => Some(self.unreachable(path, problem)),
        }
    }

    fn wrong_status(&self, path: &[u8], end: &str, status: u16) -> Finding {
        let url = self.shown(path, end);
        Finding::error("url-fails", format!("{url} is answered with {status}"))
            .because("the error log of the web server tells why")
            .mended_by(self.curl(path, end))
    }

    fn is_of_mirror(&self, to: &str) -> bool {
        let (_, to) = to.split_once("://").unwrap_or(("", to));
        let urls = self
            .mirrors
            .iter()
            .flat_map(|mirror| std::iter::once(&mirror.base_url).chain(&mirror.further_base_urls));
        let mut bare = urls.filter_map(|url| url.split_once("://"));
        bare.any(|(_, base)| to.starts_with(base.trim_end_matches('/')))
    }

    fn judge_own(&self, path: &[u8], answer: &HostAnswer<'_>, kind: &str) -> Option<Finding> {
        let url = self.shown(path, "");
        match answer {
            HostAnswer::Own(answer) if answer.status == 200 => None,
            HostAnswer::Own(answer) => Some(self.wrong_status(path, "", answer.status)),
            HostAnswer::Redirect(to) => Some(
                Finding::error(
                    "url-redirected",
                    format!("{url} is redirected, and is {kind}"),
                )
                .because(format!("it leads to {to}, where the file need not be"))
                .mended_by(self.curl(path, "")),
            ),
            HostAnswer::Failed(problem) => Some(self.unreachable(path, problem)),
        }
    }

    fn judge_range(&self, path: &[u8], size: u64) -> Option<Finding> {
        if size == 0 {
            return None;
        }
        let HostAnswer::Own(answer) = self.get(path, "", Some(0)) else {
            return None;
        };
        let expected = format!("bytes 0-0/{size}");
        if answer.status == 206 && answer.content_range == expected {
            return None;
        }
        let url = self.shown(path, "");
        Some(
            Finding::error("url-without-ranges", format!("{url} has no ranges"))
                .because(format!(
                    "the first byte was asked for; the answer is {}, Content-Range '{}', not 206, \
                     '{expected}': downloads cannot be continued",
                    answer.status, answer.content_range
                ))
                .mended_by(format!("curl -sI -r 0-0 {}", text_word(&url))),
        )
    }

    fn judge_document(&self, path: &[u8]) -> Option<Finding> {
        const END: &str = ".meta4";
        let url = self.shown(path, END);
        match self.get(path, END, None) {
            HostAnswer::Own(answer)
                if answer.status == 200 && answer.content_type.contains("metalink4") =>
            {
                None
            }
            HostAnswer::Own(answer) => Some(
                Finding::warning("url-without-documents", format!("{url} is no metalink"))
                    .because(format!(
                        "the answer is {}, of the type '{}'",
                        answer.status, answer.content_type
                    ))
                    .mended_by(self.curl(path, END)),
            ),
            HostAnswer::Redirect(to) => Some(
                Finding::warning("url-without-documents", format!("{url} is redirected"))
                    .because(format!("it leads to {to}"))
                    .mended_by(self.curl(path, END)),
            ),
            HostAnswer::Failed(problem) => Some(self.unreachable(path, &problem)),
        }
    }
}
