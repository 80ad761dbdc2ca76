//! Writes lists of mirrors, with the operator's own header and footer.

use std::path::Path;

use super::exchange::Exchange;
use super::page::write_log_fields;
use super::precondition;
use crate::decide::{Choice, MirrorList, OtherMirror, YumList};
use crate::domain::document::Body;
use crate::domain::document::mirror_list::{
    DirectorySummary, FileFacts, ListedMirror, MirrorPage, PageClient, Subject, UnlistedMirror,
};
use crate::domain::document::mirror_list_html::{
    Brand, Frame, content_security_policy, mirrorlist,
};
use crate::domain::document::mirror_list_json::mirrorlist_json;
use crate::domain::escape::url_path_into;
use crate::domain::mirror::MirrorCountry;
use crate::domain::order::ShortList;
use crate::domain::representation::Representation;
use crate::domain::url::{BaseUrl, EncodedPath, FileUrl};
use crate::http::{Response, Validators};
use crate::regular_file;

/// Largest size in bytes of an operator's header or footer; a larger file is no part of a page.
const FRAME_BYTES_MAX: u64 = 1024 * 1024;

/// Writes a list of mirrors; HEAD gets the same fields without the body.
pub(super) fn write_mirrors(out: &mut Vec<u8>, exchange: Exchange<'_>, list: &MirrorList<'_>) {
    let decision = exchange.decision;
    let changed_at = decision.file.as_ref().map_or(0, |file| file.version.mtime);
    let mut fields = Vec::with_capacity(512);
    let made = mirrors(&mut Response::part(&mut fields), exchange, list);
    let validators = (!exchange.is_signed()).then_some(Validators {
        etag: made.etag,
        modified_at: exchange.modified_at(changed_at),
    });
    let Some(sending) = precondition::judge(out, exchange.request, validators) else {
        return;
    };
    let mut response = Response::new(out, sending.status);
    response.fields(&fields);
    if let Some(validators) = &sending.validators {
        validators.write(&mut response);
    }
    // The list is made for one client, and its order may be random.
    response.field("Cache-Control", b"private, no-cache");
    response.field("Accept-Ranges", b"none");
    write_log_fields(&mut response, decision, Representation::Mirrorlist.as_str());
    match sending.has_body {
        true => response.body(made.mime_type, &made.text),
        false => response.end(),
    }
}

/// Writes a list of base URLs for yum.
pub(super) fn write_yum(out: &mut Vec<u8>, exchange: Exchange<'_>, list: &YumList<'_>) {
    let kind = Representation::Yumlist;
    let mut response = Response::new(out, "200 OK");
    response.field("Cache-Control", b"private, no-cache");
    write_log_fields(&mut response, exchange.decision, kind.as_str());
    response.body(kind.mime_type(), &yum(exchange, list));
}

/// A list with its header fields.
struct RenderedList {
    mime_type: &'static str,
    text: Vec<u8>,
    etag: String,
}

/// A weak entity tag, because it covers the content and not the order of mirrors, which may be
/// random.
fn etag(page: &MirrorPage<'_>, frame: Frame<'_>) -> String {
    let mut sorted = page.clone();
    sorted.mirrors.order_by(|a, b| a.url.cmp(&b.url));
    let mut facts = mirrorlist_json(&sorted);
    for part in [
        frame.header,
        frame.footer,
        frame.style_sheet.map(str::as_bytes),
        frame.brand.name.map(str::as_bytes),
        frame.brand.logo.map(str::as_bytes),
        frame.brand.color.map(str::as_bytes),
        Some(env!("CARGO_PKG_VERSION").as_bytes()),
    ] {
        facts.extend_from_slice(part.unwrap_or_default());
        facts.push(0);
    }
    format!("W/{}", Body::of(facts).etag())
}

/// Writes the fields of a list and renders it.
fn mirrors(
    response: &mut Response<'_>,
    exchange: Exchange<'_>,
    list: &MirrorList<'_>,
) -> RenderedList {
    // For another `Accept`, the same URL gives the other form.
    response.field("Vary", b"Accept");
    response.field("X-Content-Type-Options", b"nosniff");
    let mut own_url = Vec::with_capacity(256);
    exchange.own_url_into(&mut own_url, "");
    if list.directory.is_some() && !own_url.ends_with(b"/") {
        own_url.push(b'/');
    }
    let path = exchange.url_path(list.directory.is_some());
    let note = list.reason.as_ref().map(|reason| reason.text());
    let (mirrors, others) = both(list, &target(exchange, list));
    let page = MirrorPage {
        subject: subject(exchange, list),
        path: &path,
        own_url: &own_url,
        client: client(exchange),
        mirrors,
        others,
        note: note.as_deref(),
    };
    if list.is_json {
        return RenderedList {
            mime_type: "application/json",
            text: mirrorlist_json(&page),
            etag: etag(&page, Frame::default()),
        };
    }
    let read = |path: &Option<_>| path.as_deref().and_then(part);
    let own = &exchange.decision.rules.mirrorlist;
    let (header, footer) = (read(&own.header), read(&own.footer));
    let frame = Frame {
        style_sheet: own.style_sheet.as_deref(),
        header: header.as_deref(),
        footer: footer.as_deref(),
        brand: Brand {
            name: own.site_name.as_deref(),
            logo: own.logo.as_deref(),
            color: own.color.as_deref(),
        },
    };
    if let Some(policy) = content_security_policy(frame) {
        response.field("Content-Security-Policy", policy.as_bytes());
    }
    RenderedList {
        mime_type: Representation::Mirrorlist.mime_type(),
        text: mirrorlist(&page, frame),
        etag: etag(&page, frame),
    }
}

fn client(exchange: Exchange<'_>) -> PageClient {
    let client = exchange.decision.client.as_ref();
    client.map_or(PageClient::default(), |client| PageClient {
        ip: client.ip,
        place: client.place,
        network: client.network,
    })
}

/// The mirrors to which this client is sent, and all others.
fn both<'a>(
    list: &'a MirrorList<'_>,
    target: &FileUrl,
) -> (Vec<ListedMirror<'a>>, Vec<UnlistedMirror<'a>>) {
    let count = |place: usize| {
        let directory = list.directory.as_ref()?;
        directory.counts.get(place).copied()
    };
    let choices = list.choices.iter().map(|choice| {
        let files = (!choice.is_fallback).then(|| count(choice.candidate.mirror));
        listed(choice, target, files.flatten())
    });
    let others = list.others.iter();
    let others = others.map(|other| unlisted(other, count(other.place)));
    (choices.collect(), others.collect())
}

fn subject<'a>(exchange: Exchange<'a>, list: &'a MirrorList<'_>) -> Subject<'a> {
    match (&list.directory, &exchange.decision.file) {
        (None, Some(file)) => Subject::File(FileFacts {
            name: file.path.name(),
            version: file.version,
            digests: list.digests.as_ref(),
            offers: list.offers,
        }),
        (directory, _) => Subject::Directory(DirectorySummary {
            files: directory.as_ref().map_or(0, |count| count.files),
            is_cut: directory.as_ref().is_some_and(|count| count.is_cut),
        }),
    }
}

/// The path of the file or directory below each base URL.
fn target(exchange: Exchange<'_>, list: &MirrorList<'_>) -> FileUrl {
    let directory = list.directory.as_ref().map(|count| &count.path[..]);
    let chosen = list.choices.iter().map(|choice| &*choice.base_url);
    let path = match (directory, &exchange.decision.file) {
        (None, Some(file)) => EncodedPath::of_version(file.path.as_bytes(), file.version, chosen),
        (directory, _) => EncodedPath::new(directory.unwrap_or_default(), chosen),
    };
    FileUrl::new(path, exchange.stamp())
}

fn url(target: &FileUrl, base_url: &BaseUrl) -> Vec<u8> {
    let mut url = Vec::with_capacity(160);
    target.url_into(&mut url, base_url);
    url
}

fn listed<'a>(choice: &'a Choice<'_>, target: &FileUrl, files: Option<u64>) -> ListedMirror<'a> {
    let candidate = &choice.candidate;
    ListedMirror {
        name: &choice.name,
        url: url(target, &choice.base_url),
        tier: candidate.tier,
        country: choice.country,
        is_fallback: choice.is_fallback,
        distance: candidate.distance,
        probability: candidate.probability,
        at: choice.coordinates,
        files,
    }
}

fn unlisted<'a>(other: &OtherMirror<'a>, files: Option<u64>) -> UnlistedMirror<'a> {
    let mirror = other.mirror;
    let country = match mirror.country {
        MirrorCountry::Of(country) => Some(country),
        MirrorCountry::Unknown | MirrorCountry::Everywhere => None,
    };
    UnlistedMirror {
        name: &mirror.identifier,
        country,
        at: mirror.coordinates,
        has_file: other.has_file,
        reason: other.reason,
        files,
    }
}

/// An operator's part of the page; if its file cannot be read, the built-in part is used.
fn part(path: &Path) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut content = Vec::new();
    let read = regular_file::open(path)
        .and_then(|file| file.take(FRAME_BYTES_MAX).read_to_end(&mut content));
    match read {
        Ok(_) => Some(content),
        Err(error) => {
            log::warn!(
                "a part of mirror lists cannot be read: path={} error=\"{error}\"",
                path.display()
            );
            None
        }
    }
}

/// Writes a line for each base URL of the repository (behaviour §4.10).
fn yum(exchange: Exchange<'_>, list: &YumList<'_>) -> Vec<u8> {
    let mut body = Vec::with_capacity(1024);
    let urls = list.choices.iter().map(|choice| &*choice.base_url);
    let path = EncodedPath::new(&list.directory, urls);
    for choice in &list.choices {
        choice.base_url.file_url_into(&mut body, &path);
        body.push(b'\n');
    }
    if list.choices.is_empty() {
        exchange.own_base_url_into(&mut body);
        url_path_into(&mut body, &list.named);
        body.push(b'\n');
    }
    body
}
