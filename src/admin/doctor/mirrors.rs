//! The mirrors: who gets no clients, and which files have no mirror.

use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::examination::{Examination, SiteCommand};
use super::finding::{AreaReport, Finding};
use super::shell::text_word;
use crate::config::SiteConfig;
use crate::db::mirror::{self, MirrorRecord};
use crate::db::{DbError, Reader, catalogue, content, run};
use crate::domain::mirror::MirrorKind;
use crate::domain::time::{Timestamp, age};
use crate::program::exit::chain;

/// A scan older than this needs attention: scans are made daily at least.
const SCAN_AGE_S_MAX: i64 = 3 * 86_400;

/// Looks at the mirrors of a site.
pub(super) fn check(
    examined: &Examination<'_>,
    site: &Arc<SiteConfig>,
    reader: &Reader,
) -> AreaReport {
    let mut report = AreaReport::of_site("mirrors", site);
    let looked = look(&mut report, examined, site, reader);
    if let Err(error) = looked {
        report.refused(format!("mirrors: {}", chain(&error)));
    }
    report
}

fn look(
    report: &mut AreaReport,
    examined: &Examination<'_>,
    site: &SiteConfig,
    reader: &Reader,
) -> Result<(), DbError> {
    let command = SiteCommand::of(examined, site);
    let mirrors = mirror::all(reader)?;
    let files = catalogue::count(reader)?;
    if files == 0 {
        let fix = command.with("index --no-hashes");
        report.push(
            Finding::error("catalogue-empty", "the catalogue has no files")
                .because("heliostat-index never found any, so nothing is redirected")
                .mended_by(fix),
        );
    }
    if mirrors.is_empty() {
        report.push(
            Finding::error("mirrors-none", "there are no mirrors")
                .because("every file is served here")
                .mended_by(command.with(
                    "new mirror.example.org -H http://mirror.example.org/pub/ \
                     -R rsync://mirror.example.org/pub/",
                )),
        );
        return Ok(());
    }
    let mut on_mirrors = RoaringBitmap::new();
    let mut has_all = false;
    let mut by_http: Vec<&str> = Vec::new();
    for mirror in &mirrors {
        let published = content::load(reader, mirror.id)?;
        if mirror.enabled {
            if is_without_https(mirror) {
                by_http.push(&mirror.identifier);
            }
            has_all |= mirror.is_never_scanned();
            let again = run::last_repeat(reader, mirror.id)?;
            let learnt = published.as_ref().map(|published| {
                let at = published.origin.at;
                at.max(again.unwrap_or(Timestamp(0)))
            });
            if let Some(published) = &published {
                on_mirrors |= &published.content.current;
            }
            let of_mirror = check_enabled(mirror, learnt, examined.now, &command);
            report.findings.extend(of_mirror);
        } else {
            report.findings.extend(check_disabled(mirror, &command));
        }
    }
    report.findings.extend(without_https(&by_http, &command));
    if !has_all {
        check_coverage(report, (site, &command), reader, &on_mirrors)?;
    }
    report.looked_at = Some(format!("{} mirrors, {files} files", mirrors.len()));
    Ok(())
}

fn check_disabled(mirror: &MirrorRecord, command: &SiteCommand) -> Option<Finding> {
    let name = &mirror.identifier;
    // `new` writes such a line with the date.
    let is_stamp = |line: &str| line.is_empty() || line.starts_with("Added - ");
    mirror
        .comment
        .lines()
        .map(str::trim)
        .all(is_stamp)
        .then(|| {
            Finding::note(
                "mirror-disabled",
                format!("{name} is disabled, and no comment says why"),
            )
            .because("nobody knows whether it may be enabled again")
            .mended_by(command.with(&format!(
                "commentadd {} -C 'disabled because …'",
                text_word(name)
            )))
        })
}

fn check_enabled(
    mirror: &MirrorRecord,
    learnt: Option<Timestamp>,
    now: Timestamp,
    command: &SiteCommand,
) -> Vec<Finding> {
    let (name, word) = (&mirror.identifier, text_word(&mirror.identifier));
    let mut findings = Vec::new();
    if let Some((cause, cure)) = never_chosen(mirror) {
        let fix = match cure {
            Cure::Set(field) => command.with(&format!("edit {word} --set {field}")),
            Cure::Score => command.with(&format!("score {word} 100")),
            Cure::Disable => format!(
                "{} && {}",
                command.with(&format!("disable {word}")),
                command.with(&format!("commentadd {word} -C {}", text_word(&cause)))
            ),
        };
        findings.push(
            Finding::warning("mirror-never-chosen", format!("{name} gets no clients"))
                .because(cause)
                .mended_by(fix),
        );
    } else if !mirror.alive && (learnt.is_some() || mirror.is_never_scanned()) {
        findings.push(
            Finding::warning("mirror-down", format!("{name} is down"))
                .because(
                    "no probe has found it answering lately; when it answers again, it gets \
                     clients again after some probes",
                )
                .mended_by(command.with(&format!("test {word}"))),
        );
    }
    let scanned = match learnt {
        _ if mirror.is_never_scanned() => None,
        None => Some((
            "mirror-never-scanned",
            "was never scanned".to_owned(),
            "scan -e",
        )),
        Some(at) if now.0 - at.0 > SCAN_AGE_S_MAX => {
            let text = format!("was scanned {} ago", age(now, at));
            Some(("mirror-stale", text, "scan"))
        }
        Some(_) => None,
    };
    if let Some((id, text, fix)) = scanned {
        findings.push(
            Finding::warning(id, format!("{name} {text}"))
                .because("its present content is not known; it gets no clients for newer files")
                .mended_by(command.with(&format!("{fix} {word}"))),
        );
    }
    findings
}

/// Whether a mirror has http URLs, and none for https.
fn is_without_https(mirror: &MirrorRecord) -> bool {
    let has = |scheme: &str| {
        let urls = std::iter::once(&mirror.base_url).chain(&mirror.further_base_urls);
        urls.into_iter().any(|url| url.starts_with(scheme))
    };
    mirror.kind == MirrorKind::Mirror && has("http:") && !has("https:")
}

/// Reports all such mirrors in one note, because many are like that.
fn without_https(names: &[&str], command: &SiteCommand) -> Option<Finding> {
    let (what, words) = match names {
        [] => return None,
        [name] => (
            format!("{name} has no https URL"),
            text_word(name).to_owned(),
        ),
        [first, ..] => (
            format!("{} mirrors have no https URL, such as {first}", names.len()),
            "--all-mirrors".to_owned(),
        ),
    };
    Some(
        Finding::note("mirror-without-https", what)
            .because("clients that came by https may refuse to go on by http")
            .mended_by(command.with(&format!("update --https {words}"))),
    )
}

/// The remedy that lets a mirror have clients again.
enum Cure {
    /// A field with another value.
    Set(&'static str),
    Score,
    /// No program can know the remedy: the mirror is disabled, with the reason.
    Disable,
}

/// Why a mirror can never be chosen, and what changes that.
fn never_chosen(mirror: &MirrorRecord) -> Option<(String, Cure)> {
    if let (_, problems) = mirror.check()
        && let Some(problem) = problems.first()
    {
        let cure = match problem {
            text if text.contains("private") => Cure::Set("private=0"),
            text if text.contains("no address prefix") => Cure::Set("prefix="),
            _ => Cure::Disable,
        };
        return Some((problem.clone(), cure));
    }
    if mirror.score == 0 {
        return Some(("its score is 0".to_owned(), Cure::Score));
    }
    for (is_only, lacks, text, field) in [
        (
            mirror.country_only,
            mirror.country.is_empty(),
            "country",
            "countryOnly=0",
        ),
        (
            mirror.region_only,
            mirror.region.is_empty(),
            "continent",
            "regionOnly=0",
        ),
        (
            mirror.as_only,
            mirror.asn == 0 && mirror.further_asns.is_empty(),
            "AS number",
            "asOnly=0",
        ),
        (
            mirror.prefix_only,
            mirror.prefix.is_empty() && mirror.further_prefixes.is_empty(),
            "prefix",
            "prefixOnly=0",
        ),
    ] {
        if is_only && lacks {
            let cause = format!("it is for clients of its {text} only, and has no {text}");
            return Some((cause, Cure::Set(field)));
        }
    }
    None
}

/// Finds files that would be redirected, but that no mirror has.
fn check_coverage(
    report: &mut AreaReport,
    (site, command): (&SiteConfig, &SiteCommand),
    reader: &Reader,
    on_mirrors: &RoaringBitmap,
) -> Result<(), DbError> {
    let (mut count, mut bytes, mut first) = (0_u64, 0_u64, None);
    catalogue::for_each(reader, b"", |path, file| {
        let Some(version) = file.version else { return };
        let rules = site.rules(path);
        let is_wanted = rules.engine
            && version.size >= rules.min_size_bytes
            && !rules
                .exclude_file_mask
                .as_ref()
                .is_some_and(|mask| mask.is_match(path));
        if is_wanted && !on_mirrors.contains(file.id.0) {
            count += 1;
            bytes += version.size;
            first.get_or_insert_with(|| path.to_owned());
        }
    })?;
    if let Some(first) = first {
        let path = std::ffi::OsStr::from_bytes(&first);
        report.push(
            Finding::note(
                "files-on-no-mirror",
                format!(
                    "{count} files ({} MB) are on no mirror, such as {}",
                    bytes / 1_000_000,
                    std::path::Path::new(path).display()
                ),
            )
            .because("they are served here; new files need a scan, old ones a mirror that has them")
            .mended_by(command.with(&format!("file ls {}", super::shell::word(path.as_ref())))),
        );
    }
    Ok(())
}
