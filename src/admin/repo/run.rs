//! Runs `repo list`, `repo show` and `repo expire`.

use serde_json::{Value, json};

use super::known::{NamedMarker, all, wanted};
use super::versions::{MirrorContents, ShownVersion, versions};
use crate::admin::args::{ExpireRepoArgs, ListRepoArgs, RepoAction, RepoArgs, ShowRepoArgs};
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::epoch::Epochs;
use crate::db::marker_version;
use crate::domain::escape::hex_into;
use crate::domain::time::Timestamp;
use crate::program::exit::Exit;

/// Lists, shows or expires versions of repositories.
///
/// # Errors
/// Returns [`AdminError::Usage`] if an argument cannot be used, [`AdminError::Nothing`] if there is
/// no such repository, and [`AdminError::Db`] if the database cannot be read or written.
pub fn repo(session: &mut Session, args: &RepoArgs) -> Result<Exit, AdminError> {
    match &args.action {
        RepoAction::List(args) => list(session, args),
        RepoAction::Show(args) => show(session, args),
        RepoAction::Expire(args) => expire(session, args),
    }
}

fn list(session: &mut Session, args: &ListRepoArgs) -> Result<Exit, AdminError> {
    let reader = session.reader()?;
    let earlier = marker_version::all(&reader)?;
    let epochs = Epochs::load(&reader)?;
    let contents = MirrorContents::load(&reader)?;
    let mut rows = Vec::new();
    for marker in all(session, &reader, &earlier)? {
        let path = marker.shown_path();
        if !marker.repo.contains(&args.part) && !path.contains(&args.part) {
            continue;
        }
        let versions = versions(session, &reader, (&marker, &earlier, &epochs))?;
        let is_last = |version: &&ShownVersion| version.replaced_at.is_none();
        let last: Vec<_> = versions
            .iter()
            .filter(is_last)
            .map(|shown| shown.id)
            .collect();
        let counts = |version: &&ShownVersion| version.replaced_at.is_some() && version.counts;
        let before: Vec<_> = versions
            .iter()
            .filter(counts)
            .map(|shown| shown.id)
            .collect();
        let has_last = contents.count_with(&last, &[]);
        let has_earlier = contents.count_with(&before, &last);
        rows.push((marker, has_last, has_earlier, before.len()));
    }
    if args.json {
        let row = |(marker, last, earlier, versions): &(NamedMarker, usize, usize, usize)| {
            json!({
                "repo": marker.repo,
                "arch": marker.arch,
                "path": marker.shown_path(),
                "mirrors": last,
                "earlier_mirrors": earlier,
                "earlier_versions": versions,
            })
        };
        let rows = rows.iter().map(row).collect::<Vec<_>>();
        session.console.json(&Value::Array(rows))?;
        return Ok(Exit::Ok);
    }
    for (marker, last, earlier, versions) in rows {
        let behind = match versions {
            0 => String::new(),
            _ => format!(", {earlier} behind by up to {versions} versions that count"),
        };
        let line = format!("{}: {last} mirrors up to date{behind}", name_of(&marker));
        session.console.line(line)?;
    }
    Ok(Exit::Ok)
}

fn name_of(marker: &NamedMarker) -> String {
    match marker.repo.is_empty() {
        true => marker.shown_path(),
        false => format!("{} {} ({})", marker.repo, marker.arch, marker.shown_path()),
    }
}

fn show(session: &mut Session, args: &ShowRepoArgs) -> Result<Exit, AdminError> {
    let reader = session.reader()?;
    let earlier = marker_version::all(&reader)?;
    let epochs = Epochs::load(&reader)?;
    let contents = MirrorContents::load(&reader)?;
    let known = all(session, &reader, &earlier)?;
    let mut shown = Vec::new();
    for marker in wanted(session, known, &args.choice)? {
        let versions = versions(session, &reader, (&marker, &earlier, &epochs))?;
        if args.json {
            let versions: Vec<Value> = versions
                .iter()
                .map(|version| as_json(version, &contents))
                .collect();
            shown.push(json!({
                "repo": marker.repo,
                "arch": marker.arch,
                "path": marker.shown_path(),
                "versions": versions,
            }));
            continue;
        }
        session.console.line(name_of(&marker))?;
        for version in &versions {
            let mirrors = contents.with(version.id);
            let names = match mirrors.is_empty() {
                true => "no mirror".to_owned(),
                false => mirrors.join(" "),
            };
            session
                .console
                .line(format!("    {}: {names}", about(version)))?;
        }
    }
    if args.json {
        session.console.json(&Value::Array(shown))?;
    }
    Ok(Exit::Ok)
}

fn about(version: &ShownVersion) -> String {
    let of = version
        .version
        .map_or("of unknown time".to_owned(), |known| {
            format!("of {}, {} bytes", Timestamp(known.mtime), known.size)
        });
    match (version.replaced_at, version.counts) {
        (None, _) => format!("last version {of}"),
        (Some(at), true) => format!("version {of}, replaced at {at}"),
        (Some(at), false) => format!("version {of}, replaced at {at}, counts no more"),
    }
}

fn as_json(version: &ShownVersion, contents: &MirrorContents) -> Value {
    let hex = |digest: &Vec<u8>| {
        let mut text = Vec::new();
        hex_into(&mut text, digest);
        String::from_utf8_lossy(&text).into_owned()
    };
    json!({
        "size": version.version.map(|known| known.size),
        "time": version.version.map(|known| known.mtime),
        "sha256": version.sha256.as_ref().map(hex),
        "replaced_at": version.replaced_at.map(|at| at.0),
        "counts": version.counts,
        "mirrors": contents.with(version.id),
    })
}

fn expire(session: &mut Session, args: &ExpireRepoArgs) -> Result<Exit, AdminError> {
    let reader = session.reader()?;
    let earlier = marker_version::all(&reader)?;
    let known = all(session, &reader, &earlier)?;
    let found = wanted(session, known, &args.choice)?;
    drop(reader);
    let versions = |marker: &NamedMarker| earlier.get(&marker.path).map_or(0, Vec::len);
    let has_any = |marker: &&NamedMarker| versions(marker) > 0;
    let expired: Vec<&NamedMarker> = found.iter().filter(has_any).collect();
    let is_changed = !expired.is_empty();
    if is_changed && !args.flags.dry_run {
        session.writer()?.transaction(|transaction| {
            for marker in &expired {
                let count = marker_version::forget(transaction, &marker.path)?;
                let what = format!("{}: {count} earlier versions expired", name_of(marker));
                session.event(transaction, None, &what)?;
            }
            Ok(())
        })?;
    }
    if args.flags.json {
        let row = |marker: &&NamedMarker| {
            json!({
                "repo": marker.repo,
                "arch": marker.arch,
                "path": marker.shown_path(),
                "versions": versions(marker),
            })
        };
        session.console.json(&json!({
            "expired": expired.iter().map(row).collect::<Vec<_>>(),
            "changed": is_changed && !args.flags.dry_run,
            "dry_run": args.flags.dry_run,
        }))?;
        return Ok(Exit::Ok);
    }
    let verb = match args.flags.dry_run {
        true => "would be expired",
        false => "expired",
    };
    for marker in &expired {
        let count = versions(marker);
        let line = format!("{}: {count} earlier versions {verb}", name_of(marker));
        session.console.line(line)?;
    }
    if !is_changed {
        session.console.line("There are no earlier versions.")?;
    }
    Ok(Exit::Ok)
}
