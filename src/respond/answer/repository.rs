//! Writes lists by the name of a repository, in the forms that clients of MirrorManager read.

use super::exchange::Exchange;
use super::page::{NOT_KEPT, write_log_fields};
use crate::decide::{ListRefusal, RefusedList, RepositoryList};
use crate::domain::escape::{decimal_into, html_into, url_path_into};
use crate::domain::path::FilePath;
use crate::domain::representation::Representation;
use crate::domain::url::{EncodedPath, FileUrl};
use crate::http::Response;

/// Largest number of names in the answer to an unknown one; more would make every mistyped name
/// cost a megabyte.
const NAMES_MAX: usize = 5_000;

const PLAIN: &str = "text/plain; charset=UTF-8";

/// Writes a list, or a redirect to its first URL.
pub(super) fn write(out: &mut Vec<u8>, exchange: Exchange<'_>, list: &RepositoryList<'_>) {
    let urls = urls(exchange, list);
    let status = if list.redirects {
        "302 Found"
    } else {
        "200 OK"
    };
    let mut response = Response::new(out, status);
    response.field("Cache-Control", b"private, no-cache");
    write_log_fields(
        &mut response,
        exchange.decision,
        Representation::Yumlist.as_str(),
    );
    if list.redirects {
        response.field("Location", urls.first().map_or(b"", |url| url));
        response.body(PLAIN, b"");
        return;
    }
    let mut body = Vec::with_capacity(1024);
    list.heading.line_into(&mut body);
    if let Some(made_at) = list.made_at {
        body.extend_from_slice(b"# database creation time: ");
        decimal_into(&mut body, made_at.0.unsigned_abs());
        body.push(b'\n');
    }
    for url in &urls {
        body.extend_from_slice(url);
        body.push(b'\n');
    }
    response.body(PLAIN, &body);
}

/// The URLs of a list; our own where no mirror is left, so that the client gets its files.
fn urls(exchange: Exchange<'_>, list: &RepositoryList<'_>) -> Vec<Vec<u8>> {
    let chosen = list.choices.iter().map(|choice| &*choice.base_url);
    let path = match (&list.directory, &exchange.decision.file) {
        (None, Some(file)) => EncodedPath::of_version(file.path.as_bytes(), file.version, chosen),
        (directory, _) => EncodedPath::new(directory.as_deref().unwrap_or_default(), chosen),
    };
    let target = FileUrl::new(path, exchange.stamp());
    if !list.choices.is_empty() {
        let url = |base_url| {
            let mut url = Vec::with_capacity(160);
            target.url_into(&mut url, base_url);
            url
        };
        return list
            .choices
            .iter()
            .map(|choice| url(&*choice.base_url))
            .collect();
    }
    let mut url = Vec::with_capacity(160);
    exchange.own_base_url_into(&mut url);
    url_path_into(&mut url, &list.named);
    if list.directory.is_some() && !url.ends_with(b"/") {
        url.push(b'/');
    }
    vec![url]
}

/// Writes the answer to a question without a list.
pub(super) fn write_refusal(out: &mut Vec<u8>, exchange: Exchange<'_>, refusal: &ListRefusal) {
    let status = match refusal.why.is_wrong_question() {
        true => "400 Bad Request",
        false => "404 Not Found",
    };
    let mut text = Vec::with_capacity(256);
    if refusal.why == RefusedList::UnknownRepository
        && let Some(heading) = &refusal.heading
    {
        heading.line_into(&mut text);
        // As MirrorManager: the error ends the line.
        text.pop();
    }
    if refusal.why == RefusedList::NoSubject {
        text.extend_from_slice(b"# ");
    }
    text.extend_from_slice(refusal.why.text().as_bytes());
    text.push(b'\n');
    if refusal.why == RefusedList::UnknownRepository {
        known_names_into(&mut text, exchange);
    }
    let mut response = Response::new(out, status);
    response.field("Cache-Control", NOT_KEPT);
    write_log_fields(&mut response, exchange.decision, "none");
    match refusal.is_metalink {
        true => response.body(Representation::Metalink.mime_type(), &empty_metalink(&text)),
        false => response.body(PLAIN, &text),
    }
}

/// Appends the names of all repositories.
fn known_names_into(text: &mut Vec<u8>, exchange: Exchange<'_>) {
    let Some(snapshot) = exchange.site.snapshot.as_deref() else {
        return;
    };
    text.extend_from_slice(b"# following repositories are available:\n");
    let rules = |path: &FilePath| exchange.site.config.rules(path.as_bytes());
    let all = snapshot.repositories.all();
    // A closed directory has no names either.
    let told = all.filter(|(_, _, known)| rules(&known.marker).documents);
    for (repo, arch, _) in told.take(NAMES_MAX) {
        text.extend_from_slice(b"# repo=");
        text.extend_from_slice(repo);
        text.extend_from_slice(b"&arch=");
        text.extend_from_slice(arch);
        text.push(b'\n');
    }
}

/// A metalink with nothing but a comment.
fn empty_metalink(text: &[u8]) -> Vec<u8> {
    let mut comment = Vec::with_capacity(text.len() + 16);
    html_into(&mut comment, text);
    // Two of them would end the comment.
    let comment = String::from_utf8_lossy(&comment).replace("--", "- -");
    let mut body = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <metalink version=\"3.0\" xmlns=\"http://www.metalinker.org/\">\n<!--\n"
        .to_vec();
    body.extend_from_slice(comment.as_bytes());
    body.extend_from_slice(b"-->\n</metalink>\n");
    body
}
