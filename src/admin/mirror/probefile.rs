//! Runs `probefile`: checks now which mirrors really have a file.

use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};

use crate::admin::args::{ProbefileArgs, UrlsArg};
use crate::admin::error::AdminError;
use crate::admin::session::{Session, find_mirror};
use crate::db::catalogue;
use crate::db::mirror::{self, MirrorRecord};
use crate::domain::mirror::MirrorKind;
use crate::domain::mirror::name::NO_MIRRORS;
use crate::domain::order::ShortList;
use crate::domain::path::FilePath;
use crate::domain::url::{BaseUrl, Scheme, without_login};
use crate::fetch::OwnPorts;
use crate::fetch::probe::{ProbeClient, ProbeFile, ProbeFinding, ProbeLimits, ProbeTarget};
use crate::program::exit::Exit;
use crate::snapshot::CACHE_FILE_BYTES_MAX;

/// Asks mirrors for a file; as `mb` a line a URL, `1` when it is there, and their number.
///
/// # Errors
/// Returns [`AdminError::Value`] if a value cannot be used, [`AdminError::Lookup`] if the name
/// means no mirror or several mirrors, [`AdminError::Db`] if the database cannot be read or
/// written, and [`AdminError::Fetch`] if the network gives no answer.
pub fn probefile(session: &mut Session, args: &ProbefileArgs) -> Result<Exit, AdminError> {
    let path = FilePath::parse(args.path.as_bytes()).map_err(|error| AdminError::Value {
        key: "FILE".to_owned(),
        problem: error.into(),
    })?;
    let reader = session.reader()?;
    let known = catalogue::find(&reader, path.as_bytes())?;
    if known.is_none() {
        log::warn!("the catalogue does not have {path}, so that its size is not compared");
    }
    let version = known.and_then(|file| file.version);
    let file = ProbeFile::new(path.as_bytes().to_vec(), version, None);
    let is_small = file.size.is_some_and(|size| size <= CACHE_FILE_BYTES_MAX);
    let mirrors = match &args.mirror {
        Some(wanted) => vec![find_mirror(&reader, wanted)?],
        None => mirror::all(&reader)?,
    };
    let is_asked = |m: &MirrorRecord| m.enabled || args.all_mirrors || args.mirror.is_some();
    let mut names = Vec::new();
    let mut targets = Vec::new();
    for mirror in mirrors.iter().filter(|mirror| is_asked(mirror)) {
        let is_cache = mirror.kind == MirrorKind::Cache;
        if is_cache && !is_small {
            log::warn!(
                "{} is not asked: a cache would fetch the whole file, which is larger than \
                 {CACHE_FILE_BYTES_MAX} bytes, or of unknown size",
                mirror.identifier
            );
            continue;
        }
        let urls = urls_of(mirror, args.urls);
        let own_ports = OwnPorts::of(urls.iter().map(BaseUrl::as_str));
        for url in urls {
            names.push(mirror.identifier.clone());
            targets.push(ProbeTarget {
                own_ports,
                is_cache,
                ..ProbeTarget::new(url, vec![file.clone()])
            });
        }
    }
    if targets.is_empty() {
        return Err(nobody_asked(&mirrors));
    }
    let asked = ask(session, &names, &targets)?;
    print(
        session,
        args,
        &String::from_utf8_lossy(path.as_bytes()),
        &asked,
    )
}

/// Asks each URL, and sorts what they answer by mirror.
fn ask(
    session: &Session,
    names: &[String],
    targets: &[ProbeTarget],
) -> Result<Vec<AskedUrl>, AdminError> {
    let mut asked: Vec<AskedUrl> = Vec::new();
    let limits = ProbeLimits {
        timeout: session.site.probe.timeout,
        deadline: session.site.probe.deadline,
    };
    let bar = session
        .progress
        .bar("probefile", "URLs", Some(targets.len() as u64));
    let client = ProbeClient::new(limits, &session.site.server_names)?;
    client.run(targets, &AtomicBool::new(false), |place, finding| {
        let url = without_login(targets[place].url.as_str());
        let (is_there, said) = in_words(&finding);
        let mirror = names[place].clone();
        asked.push(AskedUrl {
            mirror,
            url,
            is_there,
            said,
        });
        bar.add(1);
    });
    drop(bar);
    asked.order_by(|a, b| (&a.mirror, &a.url).cmp(&(&b.mirror, &b.url)));
    Ok(asked)
}

/// The answer of one URL.
struct AskedUrl {
    mirror: String,
    url: String,
    is_there: bool,
    said: String,
}

/// Prints a line per URL, and how many have the file.
fn print(
    session: &mut Session,
    args: &ProbefileArgs,
    path: &str,
    asked: &[AskedUrl],
) -> Result<Exit, AdminError> {
    let found = asked.iter().filter(|asked| asked.is_there).count();
    if args.json {
        let urls = asked.iter().map(|asked| {
            json!({
                "mirror": asked.mirror,
                "url": asked.url,
                "is_there": asked.is_there,
                "said": asked.said,
            })
        });
        let urls: Vec<Value> = urls.collect();
        let value = json!({ "path": path, "found": found, "urls": urls });
        session.console.json(&value)?;
        return Ok(Exit::Ok);
    }
    for asked in asked {
        let mark = u8::from(asked.is_there);
        let (name, url, said) = (&asked.mirror, &asked.url, &asked.said);
        session
            .console
            .line(format!("{mark} {name:<30} {url} {said}"))?;
    }
    session.console.line(format!("Found: {found}"))?;
    Ok(Exit::Ok)
}

/// Says why no mirror was asked.
fn nobody_asked(mirrors: &[MirrorRecord]) -> AdminError {
    AdminError::Nothing(match mirrors.is_empty() {
        true => NO_MIRRORS.to_owned(),
        false => "no mirror was asked: each is disabled, has no URL of that kind, or is a cache; \
                  `-a` also asks disabled ones"
            .to_owned(),
    })
}

fn urls_of(mirror: &MirrorRecord, urls: UrlsArg) -> Vec<BaseUrl> {
    let (checked, _) = mirror.check();
    let of_clients = checked
        .base_url
        .into_iter()
        .chain(checked.further_base_urls);
    let of_scans = BaseUrl::parse(&mirror.ftp_url).ok();
    let mut wanted: Vec<BaseUrl> = Vec::new();
    if urls != UrlsArg::Scan {
        wanted.extend(of_clients);
    }
    if urls != UrlsArg::Http {
        wanted.extend(of_scans);
    }
    let is_probed = |url: &BaseUrl| !matches!(url.scheme(), Scheme::Ftps | Scheme::Rsync);
    wanted.retain(is_probed);
    wanted
}

/// Whether it is there over one family at least, and what is said of each.
fn in_words(finding: &ProbeFinding) -> (bool, String) {
    let checks = match finding {
        ProbeFinding::NoAddress(failure, _) => return (false, failure.to_string()),
        ProbeFinding::Checked(checks) => checks,
    };
    let is_there = checks.iter().any(|(_, check)| check.result.is_ok());
    let words: Vec<String> = checks
        .iter()
        .map(|(family, check)| match &check.result {
            Ok(()) => format!("{}: ok", family.as_str()),
            Err(failure) => format!("{}: {failure}", family.as_str()),
        })
        .collect();
    (is_there, words.join("; "))
}
