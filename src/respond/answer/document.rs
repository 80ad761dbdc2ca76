//! A document about a file: its header fields, conditions on it, and its body.

use super::compose::DocumentDraft;
use super::page::{AnswerInput, AnswerResources, NOT_KEPT, page, write_log_fields, write_missing};
use crate::decide::{DecidedFile, Document, MissingReason};
use crate::domain::document::{Body, digest, name};
use crate::domain::file::FileId;
use crate::domain::hash::{Digests, HashSummary};
use crate::domain::representation::Representation;
use crate::fcgi::Rest;
use crate::http::{ConditionVerdict, Method, Response, Validators};
use crate::respond::stream::{HELD_BYTES_MAX, Stream};

/// Writes a document; HEAD gets the same fields without the body. Returns what follows of one that
/// is too long to be held.
pub(super) fn write(
    out: &mut Vec<u8>,
    asked: AnswerInput<'_>,
    document: &Document<'_>,
    means: &mut AnswerResources<'_>,
) -> Option<Box<dyn Rest>> {
    let (_, request, decision) = asked;
    let file = decision.file.as_ref()?;
    let Some(mut made) = RenderedDocument::of(asked, file, document, means) else {
        write_missing(out, decision, MissingReason::NoDocument(document.kind()));
        return None;
    };
    let verdict = made
        .validators
        .as_ref()
        .map_or(ConditionVerdict::Send, |now| request.conditions.judge(now));
    if verdict == ConditionVerdict::Failed {
        let mut response = Response::new(out, "412 Precondition Failed");
        response.field("Cache-Control", NOT_KEPT);
        page(
            response,
            "412 Precondition Failed",
            b"<p>It is not what you asked for any more.</p>\n",
        );
        return None;
    }
    if verdict == ConditionVerdict::Send && request.method != Method::Head {
        return send(out, asked, made, means);
    }
    let status = match verdict {
        ConditionVerdict::NotModified => "304 Not Modified",
        _ => "200 OK",
    };
    if verdict == ConditionVerdict::NotModified {
        let known = made.validators.take();
        made.validators = known.map(|now| now.as_known(&request.conditions));
    }
    let mut response = Response::new(out, status);
    made.write_fields(&mut response, asked);
    match verdict {
        ConditionVerdict::NotModified => response.end(),
        _ => response.head(made.kind.mime_type(), made.body.length()),
    }
    None
}

/// Fields and body, or fields and what follows.
fn send(
    out: &mut Vec<u8>,
    asked: AnswerInput<'_>,
    mut made: RenderedDocument<'_>,
    means: &mut AnswerResources<'_>,
) -> Option<Box<dyn Rest>> {
    let mut rest = None;
    if made.body.length() > HELD_BYTES_MAX && !made.body.gaps.is_empty() {
        rest = made.stream(asked, means);
        if rest.is_none() {
            busy(out);
            return None;
        }
    } else if made.fill(means).is_none() {
        busy(out);
        return None;
    }
    let mut response = Response::new(out, "200 OK");
    made.write_fields(&mut response, asked);
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

/// The database went away, or too many long documents are being sent: worth trying again.
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

/// A document with all that its fields say.
struct RenderedDocument<'d> {
    kind: Representation,
    body: Body,
    length: u64,
    /// None while URLs are signed: the same document is another at each request.
    validators: Option<Validators>,
    /// Row and file of the long parts.
    hashes: Option<(FileId, &'d HashSummary)>,
    file: &'d DecidedFile,
    /// It has mirrors that do not work, for a test.
    is_broken: bool,
}

impl<'d> RenderedDocument<'d> {
    fn of(
        asked: AnswerInput<'_>,
        file: &'d DecidedFile,
        document: &'d Document<'_>,
        means: &AnswerResources<'_>,
    ) -> Option<RenderedDocument<'d>> {
        let changed_at = means.site.changed_at.0.max(file.version.mtime);
        let draft = DocumentDraft {
            asked,
            file,
            now: means.now,
            modified_at: crate::domain::time::Timestamp(changed_at.min(means.now.0)),
        };
        let (body, hashes, is_signed) = match document {
            // These have their own way, see `list`.
            Document::MirrorList(_) | Document::YumList(_) => return None,
            Document::Digest(line) => {
                let name = line.is_named.then(|| file.path.name());
                (Body::of(digest::line(&line.digest, name)), None, false)
            }
            Document::Metalink(content) => {
                let hashes = content.hashes.as_ref();
                let hashes = hashes.map(|(id, summary)| (*id, &**summary));
                (draft.metalink(content), hashes, content.stamp_key.is_some())
            }
            Document::Seeds(content) => {
                let hashes = Some((content.hashes.0, &*content.hashes.1));
                let is_signed = content.stamp_key.is_some();
                (draft.seeds(content)?, hashes, is_signed)
            }
        };
        let is_broken =
            matches!(document, Document::Metalink(_)) && draft.broken_mirrors().is_some();
        let validators = (!is_signed && !is_broken).then(|| Validators {
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

    /// The fields that a 304 has, too.
    fn write_fields(&self, response: &mut Response<'_>, asked: AnswerInput<'_>) {
        let is_metalink = matches!(self.kind, Representation::Meta4 | Representation::Metalink);
        if is_metalink {
            let vary = match asked.2.is_negotiated {
                true => asked.2.vary,
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
            write_log_fields(response, asked.2, self.kind.as_str());
            return;
        }
        // The validators would let caches keep it for a while without asking.
        if self.hashes.is_some() || is_metalink {
            // Its mirrors are those of one client, and their order may be drawn: no part of it
            // goes with a part of another.
            response.field("Cache-Control", b"private, no-cache");
            response.field("Accept-Ranges", b"none");
        } else {
            response.field("Cache-Control", b"no-cache");
        }
        write_log_fields(response, asked.2, self.kind.as_str());
    }

    /// Puts the long parts into their gaps; none if they cannot be read.
    fn fill(&mut self, means: &mut AnswerResources<'_>) -> Option<()> {
        let gaps = std::mem::take(&mut self.body.gaps);
        if gaps.is_empty() {
            return Some(());
        }
        let (id, _) = self.hashes?;
        let snapshot = means.site.snapshot.as_deref()?;
        let mut whole = Vec::with_capacity(usize::try_from(self.length).ok()?);
        let mut part = Vec::new();
        let mut from = 0;
        for gap in gaps {
            part.clear();
            let found = means.lookup.short(snapshot, (id, gap.part), &mut part);
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

    /// The body as it is to be read while it is sent.
    fn stream(&mut self, asked: AnswerInput<'_>, means: &AnswerResources<'_>) -> Option<Stream> {
        let client = asked.2.client.as_ref();
        let permit = means.streams.permit(client.and_then(|client| client.ip))?;
        let (id, summary) = self.hashes?;
        let digests: &Digests = &summary.digests;
        let row = (means.site.config.database.as_path(), id, self.file.version);
        Stream::open(std::mem::take(&mut self.body), row, digests, permit)
    }
}
