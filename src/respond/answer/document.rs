//! Writes a document about a file: header fields, conditional answers, body.

use super::compose::DocumentDraft;
use super::exchange::{AnswerResources, Exchange};
use super::page::{NOT_KEPT, page, write_log_fields, write_missing};
use super::precondition;
use crate::decide::{DecidedFile, Document, MissingReason};
use crate::domain::document::{Body, digest, name};
use crate::domain::file::FileId;
use crate::domain::hash::{Digests, HashSummary};
use crate::domain::representation::Representation;
use crate::fcgi::Rest;
use crate::http::{Method, Response, Validators};
use crate::respond::stream::{HELD_BYTES_MAX, Stream};

/// Writes a document; HEAD gets the same fields without the body. Returns the rest of a document
/// that is too long to be kept in memory.
pub(super) fn write(
    out: &mut Vec<u8>,
    exchange: Exchange<'_>,
    document: &Document<'_>,
    resources: &mut AnswerResources<'_>,
) -> Option<Box<dyn Rest>> {
    let (request, decision) = (exchange.request, exchange.decision);
    let file = decision.file.as_ref()?;
    let Some(mut made) = RenderedDocument::of(exchange, file, document) else {
        write_missing(out, decision, MissingReason::NoDocument(document.kind()));
        return None;
    };
    let sending = precondition::judge(out, request, made.validators.take())?;
    made.validators = sending.validators;
    if sending.has_body && request.method != Method::Head {
        return send(out, exchange, made, resources);
    }
    let mut response = Response::new(out, sending.status);
    made.write_fields(&mut response, exchange);
    match sending.has_body {
        true => response.head(made.kind.mime_type(), made.body.length()),
        false => response.end(),
    }
    None
}

/// Writes fields and body, or fields and returns the rest.
fn send(
    out: &mut Vec<u8>,
    exchange: Exchange<'_>,
    mut made: RenderedDocument<'_>,
    resources: &mut AnswerResources<'_>,
) -> Option<Box<dyn Rest>> {
    let mut rest = None;
    if made.body.length() > HELD_BYTES_MAX && !made.body.gaps.is_empty() {
        rest = made.stream(exchange, resources);
        if rest.is_none() {
            busy(out);
            return None;
        }
    } else if made.fill(exchange, resources).is_none() {
        busy(out);
        return None;
    }
    let mut response = Response::new(out, "200 OK");
    made.write_fields(&mut response, exchange);
    let mime_type = made.kind.mime_type();
    match rest {
        Some(rest) => {
            response.head(mime_type, made.length);
            Some(Box::new(rest))
        }
        None => {
            response.body(mime_type, &made.body.text);
            None
        }
    }
}

/// Writes 503: the database went away, or too many long documents are being sent.
fn busy(out: &mut Vec<u8>) {
    let mut response = Response::new(out, "503 Service Unavailable");
    response.field("Cache-Control", NOT_KEPT);
    response.field("Retry-After", b"5");
    page(
        response,
        "503 Service Unavailable",
        b"<p>Please try again in a moment.</p>\n",
    );
}

/// A document with the values of its header fields.
struct RenderedDocument<'d> {
    kind: Representation,
    body: Body,
    length: u64,
    /// The entity tag; `None` if URLs are signed, because each answer then differs.
    validators: Option<Validators>,
    /// Database row and file of the long parts.
    hashes: Option<(FileId, &'d HashSummary)>,
    file: &'d DecidedFile,
    /// Whether the document has broken mirrors, for a test of clients.
    is_broken: bool,
}

impl<'d> RenderedDocument<'d> {
    fn of(
        exchange: Exchange<'_>,
        file: &'d DecidedFile,
        document: &'d Document<'_>,
    ) -> Option<RenderedDocument<'d>> {
        let draft = DocumentDraft {
            exchange,
            file,
            modified_at: exchange.modified_at(file.version.mtime),
        };
        let (body, hashes) = match document {
            // `list` writes these.
            Document::MirrorList(_) | Document::YumList(_) | Document::RepositoryList(_) => {
                return None;
            }
            Document::Digest(line) => {
                let name = line.is_named.then(|| file.path.name());
                (Body::of(digest::line(&line.digest, name)), None)
            }
            Document::Metalink(content) => {
                let hashes = content.hashes.as_ref();
                let hashes = hashes.map(|(id, summary)| (*id, &**summary));
                (draft.metalink(content), hashes)
            }
            Document::Seeds(content) => {
                let hashes = Some((content.hashes.0, &*content.hashes.1));
                (draft.seeds(content)?, hashes)
            }
        };
        let is_broken =
            matches!(document, Document::Metalink(_)) && draft.broken_mirrors().is_some();
        let validators = (!exchange.is_signed() && !is_broken).then(|| Validators {
            etag: body.etag(),
            modified_at: draft.modified_at,
        });
        Some(RenderedDocument {
            kind: document.kind(),
            length: body.length(),
            body,
            validators,
            hashes,
            file,
            is_broken,
        })
    }

    /// Writes the fields that a 304 also has.
    fn write_fields(&self, response: &mut Response<'_>, exchange: Exchange<'_>) {
        let decision = exchange.decision;
        let is_metalink = matches!(self.kind, Representation::Meta4 | Representation::Metalink);
        if is_metalink {
            let vary = match decision.is_negotiated {
                true => decision.vary,
                false => "Accept",
            };
            if !self.is_broken {
                response.field("Vary", vary.as_bytes());
            }
            let attachment = name::attachment(self.file.path.name(), self.kind.as_str());
            response.field("Content-Disposition", &attachment);
        }
        if let Some(validators) = &self.validators {
            validators.write(response);
        }
        if self.is_broken {
            response.field("X-Broken-Mirrors", b"true");
            response.field("Vary", b"Accept, X-Broken-Mirrors");
            response.field("Cache-Control", b"no-store,max-age=0");
            response.field("Accept-Ranges", b"none");
            write_log_fields(response, decision, self.kind.as_str());
            return;
        }
        // Because of the validators, caches might otherwise keep it for a while without asking.
        if self.hashes.is_some() || is_metalink {
            // The mirrors are those of one client and their order may be random, so parts of two
            // answers do not fit together.
            response.field("Cache-Control", b"private, no-cache");
            response.field("Accept-Ranges", b"none");
        } else {
            response.field("Cache-Control", b"no-cache");
        }
        write_log_fields(response, decision, self.kind.as_str());
    }

    /// Puts the long parts into their gaps; `None` if they cannot be read.
    fn fill(&mut self, exchange: Exchange<'_>, resources: &mut AnswerResources<'_>) -> Option<()> {
        let gaps = std::mem::take(&mut self.body.gaps);
        if gaps.is_empty() {
            return Some(());
        }
        let (id, _) = self.hashes?;
        let snapshot = exchange.site.snapshot.as_deref()?;
        let mut whole = Vec::with_capacity(usize::try_from(self.length).ok()?);
        let mut part = Vec::new();
        let mut from = 0;
        for gap in gaps {
            part.clear();
            let found = resources.sources.short(snapshot, (id, gap.part), &mut part);
            if found.is_err() || part.len() as u64 != gap.stored {
                log::warn!("a hash row cannot be read: file={}", self.file.path);
                return None;
            }
            whole.extend_from_slice(&self.body.text[from..gap.at]);
            gap.form.write(&mut whole, 0, &part);
            from = gap.at;
        }
        whole.extend_from_slice(&self.body.text[from..]);
        self.body.text = whole;
        Some(())
    }

    /// A body whose long parts are read while it is sent.
    fn stream(
        &mut self,
        exchange: Exchange<'_>,
        resources: &AnswerResources<'_>,
    ) -> Option<Stream> {
        let client = exchange.decision.client.as_ref();
        let permit = resources
            .streams
            .permit(client.and_then(|client| client.ip))?;
        let (id, summary) = self.hashes?;
        let digests: &Digests = &summary.digests;
        let row = (exchange.config().database.as_path(), id, self.file.version);
        Stream::open(std::mem::take(&mut self.body), row, digests, permit)
    }
}
