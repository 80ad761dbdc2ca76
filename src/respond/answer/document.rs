//! A document about a file: its header fields; the bytes are [`crate::domain::render`]'s.

use super::list;
use super::redirect::{own_url_into, stamp};
use super::write::{Asked, write_log_fields};
use crate::decide::{DecidedFile, Document, Metalink};
use crate::domain::mirror::{BaseUrl, EncodedPath};
use crate::domain::render::{Sheet, Source, digest, meta4, metalink, name};
use crate::domain::representation::Representation;
use crate::domain::select::Tier;
use crate::domain::target::Target;
use crate::domain::time::Timestamp;
use crate::http::{Method, Response};

/// Writes a document; HEAD gets the same fields without the body.
pub(super) fn write(out: &mut Vec<u8>, asked: Asked<'_>, document: &Document<'_>, now: Timestamp) {
    let (_, request, decision) = asked;
    let kind = document.kind();
    let mut mime_type = kind.mime_type();
    let mut response = Response::new(out, "200 OK");
    let body = match (document, &decision.file) {
        (Document::Digest(line), file) => {
            let name = file.as_ref().filter(|_| line.is_named);
            digest::line(&line.digest, name.map(|file| file.path.name()))
        }
        (Document::MirrorList(content), _) => {
            let (kind, body) = list::mirrors(&mut response, asked, content, now);
            mime_type = kind;
            body
        }
        (Document::YumList(content), _) => list::yum(asked, content),
        (Document::Metalink(_), None) => Vec::new(),
        (Document::Metalink(content), Some(file)) => {
            let attachment = name::attachment(file.path.name(), kind.as_str());
            response.field("Vary", b"Accept");
            response.field("Content-Disposition", &attachment);
            render(asked, file, content, now)
        }
    };
    write_log_fields(&mut response, decision, kind.as_str());
    if request.method == Method::Head {
        response.head(mime_type, body.len());
    } else {
        response.body(mime_type, &body);
    }
}

fn render(asked: Asked<'_>, file: &DecidedFile, content: &Metalink<'_>, now: Timestamp) -> Vec<u8> {
    let (config, _, decision) = asked;
    let own = own_base_url(asked, content);
    let urls = content.choices.iter().map(|choice| choice.base_url);
    let path = EncodedPath::new(file.path.as_bytes(), urls.chain(&own));
    let target = Target::new(path, content.stamp_key.map(|key| stamp(key, now)));
    let mut sources: Vec<Source<'_>> = content
        .choices
        .iter()
        .map(|choice| Source {
            base_url: choice.base_url,
            tier: choice.candidate.tier,
            country: choice.country,
        })
        .collect();
    sources.extend(own.iter().map(|base_url| Source {
        base_url,
        tier: Tier::Elsewhere,
        country: None,
    }));
    let mut origin = Vec::with_capacity(256);
    own_url_into(&mut origin, asked, ".");
    origin.extend_from_slice(content.kind.as_str().as_bytes());
    let client = decision.client.as_ref();
    let hashes = content.hashes.as_ref();
    let sheet = Sheet {
        name: file.path.name(),
        version: file.version,
        id: hashes.map(|(id, _)| *id),
        hashes: hashes.map(|(_, record)| &**record),
        sources: &sources,
        target: &target,
        place: client.map(|client| client.place).unwrap_or_default(),
        network: client.and_then(|client| client.network),
        origin: &origin,
        publisher: config.publisher.as_ref(),
        now,
    };
    match content.kind {
        Representation::Meta4 => meta4::meta4(&sheet),
        _ => metalink::metalink(&sheet),
    }
}

/// Where the file is when no mirror has it: here. A metalink needs a URL.
fn own_base_url(asked: Asked<'_>, content: &Metalink<'_>) -> Option<BaseUrl> {
    if !content.choices.is_empty() {
        return None;
    }
    let mut url = Vec::with_capacity(128);
    list::own_base_url_into(&mut url, asked);
    BaseUrl::parse(std::str::from_utf8(&url).ok()?).ok()
}
