//! Sums up a decision in one line, for `explain`.

use crate::decide::{Choice, Decision, Document, LocalReason, MissingReason, Outcome};

/// One line on the outcome.
pub(in crate::admin) fn summary(decision: &Decision<'_>) -> String {
    let outcome = of(&decision.outcome);
    match &decision.held {
        Some(held) => format!("{outcome}; without that: {}", of(held)),
        None => outcome,
    }
}

fn of(outcome: &Outcome<'_>) -> String {
    match outcome {
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
        Outcome::Document(Document::RepositoryList(list)) => {
            format!("list by name with {} URLs", list.choices.len())
        }
        Outcome::Elsewhere(url) => format!("302 to {url}"),
        Outcome::Origin(origin) => {
            let reason = origin.reason.as_ref().map(LocalReason::text);
            let reason = reason.unwrap_or_else(|| "the catalogue does not know it".to_owned());
            format!("302 to the origin {}: {reason}", origin.url)
        }
        Outcome::NoList(refusal) => format!("no list: {}", refusal.why.text()),
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
