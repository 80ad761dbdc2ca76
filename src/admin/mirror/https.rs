//! Runs `update --https`: checks now which mirrors answer https clients.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::{Value, json};

use crate::admin::args::UpdateArgs;
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::import::in_transaction;
use crate::db::mirror::{self, MirrorRecord};
use crate::db::open_reader;
use crate::domain::mirror::MirrorKind;
use crate::domain::url::{BaseUrl, Scheme};
use crate::domain::url_parts::UrlParts;
use crate::fetch::OwnPorts;
use crate::fetch::probe::{
    Failure, ProbeClient, ProbeFile, ProbeFinding, ProbeLimits, ProbeTarget,
};
use crate::program::exit::Exit;
use crate::snapshot::{CacheLaw, Sample, sample};

/// URLs that are asked at a time get so many seconds more for each hundred of them.
const SECONDS_A_HUNDRED: u64 = 10;

/// A mirror and an https URL that may work.
struct HttpsAttempt {
    mirror: MirrorRecord,
    http: BaseUrl,
    https: BaseUrl,
    files: Vec<ProbeFile>,
}

/// Result for one file at one URL.
enum Answer {
    /// The file is there, over each family that can be checked from here.
    There,
    /// Something else is wrong with the file alone.
    FileFails(String),
    /// The URL does not work.
    Fails(String),
    /// The URL cannot be checked from here.
    Unknown(String),
}

/// Tries the https form of the http URLs of mirrors, with files that they are known to have, and
/// stores what works. Returns what is to be printed as JSON, if that is wanted.
///
/// # Errors
/// Returns [`AdminError::Db`] if the database cannot be read or written, and [`AdminError::Fetch`]
/// if the network gives no answer.
pub fn find_https(
    session: &mut Session,
    args: &UpdateArgs,
    mirrors: Vec<MirrorRecord>,
) -> Result<(Exit, Value), AdminError> {
    let asked = mirrors.len();
    let without: Vec<MirrorRecord> = mirrors.into_iter().filter(lacks_https).collect();
    let had = asked - without.len();
    let attempts = attempts(session, &without)?;
    let results = ask(session, &attempts)?;
    let mut works: BTreeMap<String, String> = BTreeMap::new();
    let mut fails: BTreeMap<String, HttpsRefusal> = BTreeMap::new();
    for (attempt, result) in attempts.iter().zip(results) {
        let name = attempt.mirror.identifier.clone();
        if works.contains_key(&name) {
            continue;
        }
        match result {
            Ok(()) => {
                if !args.dry_run {
                    store(session, attempt)?;
                }
                works.insert(name, attempt.https.to_string());
            }
            Err(why) => {
                let text = format!("{}: {}", attempt.https, why.text);
                fails.insert(name, HttpsRefusal { text, ..why });
            }
        }
    }
    let mut exit = Exit::Ok;
    let mut lines = Vec::new();
    for mirror in &without {
        let name = &mirror.identifier;
        let (said, is_asked) = match (works.get(name), fails.get(name)) {
            (Some(url), _) if args.dry_run => (format!("{url} works, and would be added"), true),
            (Some(url), _) => (format!("{url} works, and is added"), true),
            (None, Some(why)) => (why.text.clone(), why.is_known),
            (None, None) => nothing_to_ask(mirror),
        };
        if !is_asked {
            exit = Exit::Partial;
        }
        lines.push((name, works.get(name), said));
    }
    let added = works.len();
    if args.json {
        let mirrors = lines
            .iter()
            .map(|(name, url, said)| json!({ "mirror": name, "url": url, "said": said }));
        let mirrors: Vec<Value> = mirrors.collect();
        let value = json!({ "of": asked, "had": had, "added": added, "mirrors": mirrors });
        return Ok((exit, value));
    }
    for (name, _, said) in lines {
        session.console.line(format!("{name}: {said}"))?;
    }
    session.console.line(format!(
        "{} of {asked} mirrors have an https URL: {had} had one, {added} {}",
        had + added,
        if args.dry_run {
            "would be added"
        } else {
            "were added"
        }
    ))?;
    Ok((exit, Value::Null))
}

fn lacks_https(record: &MirrorRecord) -> bool {
    record.check().0.url_of(Scheme::Https).is_none()
}

/// Why a mirror was not asked, and whether there is nothing to be asked for.
fn nothing_to_ask(mirror: &MirrorRecord) -> (String, bool) {
    let name = &mirror.identifier;
    if mirror.check().0.url_of(Scheme::Http).is_none() {
        return ("it has no http URL to try https for".to_owned(), true);
    }
    let why = if mirror.kind == MirrorKind::Cache {
        "no file is small and old enough to ask a cache for; `heliostat edit NAME --set \
         moreBaseurls=URL` adds a URL untried"
            .replace("NAME", name)
    } else {
        format!("it is not known what it has, so nothing can be asked for: `heliostat scan {name}`")
    };
    (why, false)
}

/// The https forms of a URL: the same port, and the ordinary one.
fn https_forms(http: &BaseUrl) -> Vec<BaseUrl> {
    let Some(parts) = UrlParts::of(http.as_str()) else {
        return Vec::new();
    };
    let (authority, path) = (parts.authority, parts.after);
    let colon = authority
        .rfind(':')
        .filter(|colon| !authority[*colon..].contains(']'));
    let (host, port) = authority.split_at(colon.unwrap_or(authority.len()));
    let mut forms = Vec::new();
    if !matches!(port, "" | ":80") {
        forms.push(format!("https://{authority}{path}"));
    }
    forms.push(format!("https://{host}{path}"));
    forms
        .iter()
        .filter_map(|url| BaseUrl::parse(url).ok())
        .collect()
}

fn attempts(session: &Session, mirrors: &[MirrorRecord]) -> Result<Vec<HttpsAttempt>, AdminError> {
    let reader = open_reader(&session.site.database)?;
    let law = CacheLaw {
        is_mutable: &|path| session.site.is_mutable(path),
        now: session.now,
    };
    let samples = sample(&reader, mirrors, &law, &mut fastrand::Rng::new())?;
    let mut attempts = Vec::new();
    for (mirror, samples) in mirrors.iter().zip(samples) {
        let checked = mirror.check().0;
        let file = |sample: Sample| ProbeFile::new(sample.path, sample.version, sample.sha256);
        let files: Vec<ProbeFile> = samples.into_iter().map(file).collect();
        let Some(http) = checked.url_of(Scheme::Http).filter(|_| !files.is_empty()) else {
            continue;
        };
        for https in https_forms(http) {
            attempts.push(HttpsAttempt {
                mirror: mirror.clone(),
                http: http.clone(),
                https: https.with_version_key(checked.cache.version_key),
                files: files.clone(),
            });
        }
    }
    Ok(attempts)
}

/// Why a URL is not taken.
struct HttpsRefusal {
    text: String,
    /// Whether the result says something about the mirror.
    is_known: bool,
}

/// Asks each URL for each file; files that fail by themselves are asked for over http, too, where
/// they may have gone as well.
fn ask(
    session: &Session,
    attempts: &[HttpsAttempt],
) -> Result<Vec<Result<(), HttpsRefusal>>, AdminError> {
    let mut wanted = Vec::new();
    for (place, attempt) in attempts.iter().enumerate() {
        for file in &attempt.files {
            wanted.push((place, target(attempt, &attempt.https, file)));
        }
    }
    let mut answers = answers(session, &wanted, "https")?;
    let mut again = Vec::new();
    for (at, (place, wanted)) in wanted.iter().enumerate() {
        if matches!(answers[at], Answer::FileFails(_)) {
            let attempt = &attempts[*place];
            again.push((at, target(attempt, &attempt.http, &wanted.files[0])));
        }
    }
    let over_http = self::answers(session, &again, "http")?;
    for ((at, _), answer) in again.iter().zip(over_http) {
        if !matches!(answer, Answer::There) {
            // The file is gone, or unknown, over http, too: nothing is said of https.
            answers[*at] = Answer::Unknown("its files are not there over http either".to_owned());
        }
    }
    let mut results: Vec<(bool, Option<HttpsRefusal>)> =
        attempts.iter().map(|_| (false, None)).collect();
    for ((place, _), answer) in wanted.iter().zip(answers) {
        let (has_any, why) = &mut results[*place];
        match answer {
            Answer::There => *has_any = true,
            Answer::FileFails(text) | Answer::Fails(text) => {
                *why = Some(HttpsRefusal {
                    text,
                    is_known: true,
                });
            }
            Answer::Unknown(text) => {
                why.get_or_insert(HttpsRefusal {
                    text,
                    is_known: false,
                });
            }
        }
    }
    let verdict = |(has_any, why): (bool, Option<HttpsRefusal>)| match why {
        Some(why) if why.is_known || !has_any => Err(why),
        _ => Ok(()),
    };
    Ok(results.into_iter().map(verdict).collect())
}

fn target(attempt: &HttpsAttempt, url: &BaseUrl, file: &ProbeFile) -> ProbeTarget {
    ProbeTarget {
        url: url.clone(),
        files: vec![file.clone()],
        own_ports: OwnPorts::of([attempt.http.as_str(), attempt.https.as_str()]),
        is_cache: attempt.mirror.kind == MirrorKind::Cache,
        staleness: None,
    }
}

fn answers(
    session: &Session,
    wanted: &[(usize, ProbeTarget)],
    what: &'static str,
) -> Result<Vec<Answer>, AdminError> {
    let targets: Vec<ProbeTarget> = wanted.iter().map(|(_, target)| target.clone()).collect();
    let nothing = || Answer::Unknown("it was not asked in time".to_owned());
    let mut answers: Vec<Answer> = targets.iter().map(|_| nothing()).collect();
    if targets.is_empty() {
        return Ok(answers);
    }
    let timeout = session.site.probe.timeout;
    let hundreds = targets.len() as u64 / 100 + 1;
    let limits = ProbeLimits {
        timeout,
        deadline: timeout * 2 + Duration::from_secs(hundreds * SECONDS_A_HUNDRED),
    };
    let bar = session
        .progress
        .bar(what, "files", Some(targets.len() as u64));
    let client = ProbeClient::new(limits, &session.site.server_names)?;
    client.run(&targets, &AtomicBool::new(false), |place, finding| {
        answers[place] = answer(finding);
        bar.add(1);
    });
    Ok(answers)
}

fn answer(finding: ProbeFinding) -> Answer {
    let checks = match finding {
        ProbeFinding::NoAddress(failure, _) => return failed(&failure, String::new()),
        ProbeFinding::Checked(checks) => checks,
    };
    let mut best = Answer::Unknown("its host has no address".to_owned());
    for (family, check) in checks {
        let next = match check.result {
            Ok(()) => Answer::There,
            Err(failure) => failed(&failure, format!("{} ", family.as_str())),
        };
        best = match (best, next) {
            (best, Answer::Unknown(_)) if !matches!(best, Answer::Unknown(_)) => best,
            (Answer::Fails(text), _) | (_, Answer::Fails(text)) => Answer::Fails(text),
            (Answer::FileFails(text), _) => Answer::FileFails(text),
            (_, next) => next,
        };
    }
    best
}

fn failed(failure: &Failure, family: String) -> Answer {
    let text = format!("{family}{failure}");
    if failure.is_ours() {
        Answer::Unknown(text)
    } else if failure.is_of_the_file() {
        Answer::FileFails(text)
    } else {
        Answer::Fails(text)
    }
}

/// Into the record as it is now, which somebody may have changed elsewhere meanwhile.
fn store(session: &Session, attempt: &HttpsAttempt) -> Result<(), AdminError> {
    in_transaction(&mut session.writer()?, |transaction| {
        let mut record = mirror::find(transaction, &attempt.mirror.identifier)?;
        let still = record.check().0.url_of(Scheme::Http) == Some(&attempt.http);
        if !still || !lacks_https(&record) {
            return Ok(());
        }
        record.further_base_urls.push(attempt.https.to_string());
        mirror::update(transaction, &record)?;
        let what = format!(
            "https clients are sent to {}, which was tried",
            attempt.https
        );
        session.event(transaction, Some(record.id), &what)?;
        Ok::<(), AdminError>(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_is_tried_on_the_same_port_and_on_its_own() {
        for (http, expected) in [
            ("http://m/pub/", &["https://m/pub/"][..]),
            ("http://m:80/", &["https://m/"]),
            ("http://m:8080/x/", &["https://m:8080/x/", "https://m/x/"]),
            ("http://[::1]/", &["https://[::1]/"]),
            ("http://[::1]:81/", &["https://[::1]:81/", "https://[::1]/"]),
        ] {
            let forms = https_forms(&BaseUrl::parse(http).expect("a URL"));
            let forms: Vec<&str> = forms.iter().map(BaseUrl::as_str).collect();
            assert_eq!(forms, expected, "{http}");
        }
    }
}
