//! A decision in words: the summary line, candidates and exclusions.

use crate::decide::{Choice, Decision, Document, LocalReason, MissingReason, Outcome};
use crate::domain::mirror::MirrorId;
use crate::domain::select::Reason;
use crate::domain::url::EncodedPath;

/// URL of the file at a choice, without a signature.
pub(in crate::admin) fn url(choice: &Choice<'_>, decision: &Decision<'_>) -> String {
    let mut out = Vec::new();
    let path = match &decision.outcome {
        Outcome::Document(Document::MirrorList(list)) => {
            list.directory.as_ref().map(|count| count.path.as_slice())
        }
        Outcome::Document(Document::YumList(list)) => Some(list.directory.as_slice()),
        _ => None,
    };
    let urls = std::iter::once(choice.base_url);
    let path = match (path, &decision.file) {
        (Some(path), _) => EncodedPath::new(path, urls),
        (None, Some(file)) => EncodedPath::of_version(file.path.as_bytes(), file.version, urls),
        (None, None) => return String::new(),
    };
    choice.base_url.file_url_into(&mut out, &path);
    String::from_utf8_lossy(&out).into_owned()
}

/// One line on the outcome.
pub(in crate::admin) fn summary(decision: &Decision<'_>) -> String {
    match &decision.outcome {
        Outcome::Redirect(redirect) => match redirect.choices.as_slice() {
            [] => "redirect to nobody".to_owned(),
            [best, ..] if redirect.choices.iter().any(|c| is_as_likely(c, best)) => {
                format!(
                    "redirect, drawn by score (realm {})",
                    best.candidate.realm.as_str()
                )
            }
            [best, ..] => {
                format!(
                    "redirect to {} (realm {})",
                    best.name,
                    best.candidate.realm.as_str()
                )
            }
        },
        Outcome::Document(Document::Digest(digest)) => {
            format!("document: .{}", digest.kind.as_str())
        }
        Outcome::Document(Document::Metalink(metalink)) => format!(
            "document: .{} with {} mirrors",
            metalink.kind.as_str(),
            metalink.choices.len()
        ),
        Outcome::Document(Document::MirrorList(list)) => {
            format!("document: .mirrorlist with {} mirrors", list.choices.len())
        }
        Outcome::Document(Document::YumList(list)) => {
            format!("list for yum with {} mirrors", list.choices.len())
        }
        Outcome::Document(Document::Seeds(seeds)) => format!(
            "document: .{} with {} mirrors",
            seeds.kind.as_str(),
            seeds.choices.len()
        ),
        Outcome::Local(reason) => format!("served locally: {}", reason.text()),
        Outcome::Missing(reason) => format!("404: {}", missing(*reason)),
        Outcome::Options => "200: the methods GET, HEAD, OPTIONS".to_owned(),
        Outcome::MethodNotAllowed => "405: only GET and HEAD".to_owned(),
        Outcome::Unavailable(reason) => format!("503: {}", reason.text()),
    }
}

pub(super) fn is_as_likely(choice: &Choice<'_>, best: &Choice<'_>) -> bool {
    choice.name != best.name && choice.candidate.probability > 0.0
}

pub(super) fn missing(reason: MissingReason) -> String {
    match reason {
        MissingReason::NotInTree => "it is not a path below the tree".to_owned(),
        MissingReason::NoFile => "there is no such file".to_owned(),
        MissingReason::Directory => "it is a directory, which the web server lists".to_owned(),
        MissingReason::NoDocument(document) => format!("no .{} of it", document.as_str()),
    }
}

/// The candidates of a redirect, or the mirrors of a list; none else.
pub(in crate::admin) fn choices<'d, 's>(decision: &'d Decision<'s>) -> &'d [Choice<'s>] {
    match &decision.outcome {
        Outcome::Redirect(redirect) => &redirect.choices,
        Outcome::Document(Document::Metalink(metalink)) => &metalink.choices,
        Outcome::Document(Document::MirrorList(list)) => &list.choices,
        Outcome::Document(Document::YumList(list)) => &list.choices,
        Outcome::Document(Document::Seeds(seeds)) => &seeds.choices,
        _ => &[],
    }
}

/// Every mirror that is no candidate, with why.
pub(in crate::admin) fn excluded<'d>(
    decision: &'d Decision<'_>,
) -> Vec<(MirrorId, &'d str, Reason)> {
    match &decision.outcome {
        Outcome::Redirect(redirect) => redirect.excluded.clone(),
        Outcome::Document(Document::Metalink(metalink)) => metalink.excluded.clone(),
        Outcome::Document(Document::MirrorList(list)) => list
            .others
            .iter()
            .map(|other| {
                (
                    other.mirror.id,
                    other.mirror.identifier.as_str(),
                    other.reason,
                )
            })
            .collect(),
        Outcome::Document(Document::Seeds(seeds)) => seeds.excluded.clone(),
        Outcome::Local(LocalReason::NoMirror { excluded, .. }) => excluded
            .iter()
            .map(|(id, name, reason)| (*id, name.as_str(), *reason))
            .collect(),
        _ => Vec::new(),
    }
}
