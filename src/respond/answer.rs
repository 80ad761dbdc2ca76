//! A decision as header fields and body (spec §4.1, §4.11).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use crate::config::SiteConfig;
use crate::db::hash::Digests;
use crate::decide::{Choice, Decision, LocalReason, MissingReason, Outcome, Redirect, StampKey};
use crate::domain::escape::{html_into, url_path_into};
use crate::domain::mirror::EncodedPath;
use crate::domain::time::Timestamp;
use crate::http::{Request, Response};

const HTML: &str = "text/html; charset=iso-8859-1";

/// Writes the answer to a request.
pub(super) fn write(
    out: &mut Vec<u8>,
    config: &SiteConfig,
    request: &Request<'_>,
    decision: &Decision<'_>,
    now: Timestamp,
) {
    match &decision.outcome {
        Outcome::Redirect(redirect) => {
            write_redirect(out, (config, request, decision), redirect, now);
        }
        Outcome::Local(reason) => write_local(out, config, decision, reason),
        Outcome::Missing(reason) => write_missing(out, decision, *reason),
        Outcome::Options => {
            Response::new(out, "200 OK")
                .field("Allow", b"GET, HEAD, OPTIONS")
                .body(HTML, b"");
        }
        Outcome::MethodNotAllowed => {
            let mut response = Response::new(out, "405 Method Not Allowed");
            response.field("Allow", b"GET, HEAD, OPTIONS");
            page(
                response,
                "405 Method Not Allowed",
                b"<p>Files can be read only.</p>\n",
            );
        }
        Outcome::NoTree => no_site(&mut Response::new(out, "503 Service Unavailable")),
    }
}

/// The vhost and the configuration do not fit together; the web server's fallback serves.
pub(super) fn no_site(response: &mut Response<'_>) {
    response.field("Retry-After", b"5").body(HTML, b"");
}

fn page(mut response: Response<'_>, title: &str, text: &[u8]) {
    let mut body = Vec::with_capacity(256 + text.len());
    body.extend_from_slice(b"<!DOCTYPE html>\n<html><head>\n<title>");
    body.extend_from_slice(title.as_bytes());
    body.extend_from_slice(b"</title>\n</head><body>\n<h1>");
    let heading = title.split_once(' ').map_or(title, |(_, words)| words);
    body.extend_from_slice(heading.as_bytes());
    body.extend_from_slice(b"</h1>\n");
    body.extend_from_slice(text);
    body.extend_from_slice(b"</body></html>\n");
    response.body(HTML, &body);
}

type Asked<'d> = (&'d SiteConfig, &'d Request<'d>, &'d Decision<'d>);

fn write_redirect(out: &mut Vec<u8>, asked: Asked<'_>, redirect: &Redirect<'_>, now: Timestamp) {
    let (config, _, decision) = asked;
    let (Some(best), Some(file)) = (redirect.choices.first(), &decision.file) else {
        return;
    };
    let urls = redirect.choices.iter().map(|choice| choice.base_url);
    let path = EncodedPath::new(file.path.as_bytes(), urls);
    let stamp = redirect.stamp_key.map(|key| stamp(key, now));
    let target = |out: &mut Vec<u8>, choice: &Choice<'_>| {
        choice.base_url.file_url_into(out, &path);
        if let Some(stamp) = &stamp {
            let joint: &[u8] = if choice.base_url.has_query() {
                b"&"
            } else {
                b"?"
            };
            out.extend_from_slice(joint);
            out.extend_from_slice(stamp.as_bytes());
        }
    };
    let mut location = Vec::with_capacity(256);
    target(&mut location, best);

    let mut response = Response::new(out, "302 Found");
    response.field("X-MirrorBrain-Mirror", best.name.as_bytes());
    response.field(
        "X-MirrorBrain-Realm",
        best.candidate.realm.as_str().as_bytes(),
    );
    write_described_by(&mut response, asked, redirect.digests.as_ref());
    for (place, choice) in redirect
        .choices
        .iter()
        .take(config.link_mirrors)
        .enumerate()
    {
        response.field_with("Link", |out| {
            out.push(b'<');
            target(out, choice);
            out.extend_from_slice(b">; rel=duplicate; pri=");
            out.extend_from_slice((place + 1).to_string().as_bytes());
            if let Some(country) = choice.country {
                out.extend_from_slice(b"; geo=");
                out.extend_from_slice(country.as_str().as_bytes());
            }
        });
    }
    if let Some(digests) = &redirect.digests {
        write_digests(&mut response, digests);
    }
    response.field("Location", &location);
    write_log_fields(&mut response, decision, "redirect");
    response.field("X-MB-Realm", best.candidate.realm.as_str().as_bytes());
    response.field("X-MB-Redirected", b"1");
    let mut text = Vec::with_capacity(location.len() + 64);
    text.extend_from_slice(b"<p>The document has moved <a href=\"");
    html_into(&mut text, &location);
    text.extend_from_slice(b"\">here</a>.</p>\n");
    page(response, "302 Found", &text);
}

/// `time=EPOCH&stamp=MD5HEX` of "EPOCH KEY"; mirrors check the age themselves (spec §4.1).
fn stamp(key: StampKey<'_>, now: Timestamp) -> String {
    let digest = Md5::digest(format!("{} {}", now.0, key.0).as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("time={}&stamp={hex}", now.0)
}

/// Links to documents about the file under its own URL.
fn write_described_by(response: &mut Response<'_>, asked: Asked<'_>, digests: Option<&Digests>) {
    let (config, request, decision) = asked;
    let Some(requested) = &decision.requested else {
        return;
    };
    let mut document = |suffix: &[u8], mime_type: &str| {
        response.field_with("Link", |out| {
            out.push(b'<');
            request.own_origin_into(out);
            for part in [config.url_path.as_slice(), requested.as_bytes()] {
                if !part.is_empty() {
                    out.push(b'/');
                    url_path_into(out, part);
                }
            }
            out.extend_from_slice(suffix);
            out.extend_from_slice(b">; rel=describedby; type=\"");
            out.extend_from_slice(mime_type.as_bytes());
            out.push(b'"');
        });
    };
    document(b".meta4", "application/metalink4+xml");
    if digests.is_some_and(|digests| digests.has_pgp) {
        document(b".asc", "application/pgp-signature");
    }
}

/// `Digest` (RFC 3230, RFC 5843) as MirrorBrain sends it, and its successor (RFC 9530).
fn write_digests(response: &mut Response<'_>, digests: &Digests) {
    let fields = [
        ("MD5=", &digests.md5),
        ("SHA=", &digests.sha1),
        ("SHA-256=", &digests.sha256),
    ];
    for (name, digest) in fields {
        if let Some(digest) = digest {
            response.field(
                "Digest",
                format!("{name}{}", STANDARD.encode(digest)).as_bytes(),
            );
        }
    }
    let fields = [("sha-256", &digests.sha256), ("sha-512", &digests.sha512)];
    for (name, digest) in fields {
        if let Some(digest) = digest {
            let value = format!("{name}=:{}:", STANDARD.encode(digest));
            response.field("Repr-Digest", value.as_bytes());
        }
    }
}

/// MirrorBrain's log variables, which the vhost turns into notes and takes away.
fn write_log_fields(response: &mut Response<'_>, decision: &Decision<'_>, give: &str) {
    response.field("X-MB-Want", decision.want.as_str().as_bytes());
    response.field("X-MB-Give", give.as_bytes());
    if decision.no_mirror {
        response.field("X-MB-NoMirror", b"1");
    }
    let (Some(client), Some(file)) = (&decision.client, &decision.file) else {
        return;
    };
    response.field("X-MB-FileSize", file.version.size.to_string().as_bytes());
    let country = client
        .place
        .country
        .map(|code| code.as_str().to_ascii_uppercase());
    response.field(
        "X-MB-Country-Code",
        country.as_deref().unwrap_or("--").as_bytes(),
    );
    let region = client
        .place
        .region
        .map(|code| code.as_str().to_ascii_uppercase());
    response.field(
        "X-MB-Continent-Code",
        region.as_deref().unwrap_or("--").as_bytes(),
    );
    if let Some(asn) = client.place.asn {
        response.field("X-MB-ASN", asn.to_string().as_bytes());
    }
    if let Some(network) = client.network {
        response.field("X-MB-PFX", network.to_string().as_bytes());
    }
}

/// The web server serves the file: ranges, conditions and types stay its own.
fn write_local(
    out: &mut Vec<u8>,
    config: &SiteConfig,
    decision: &Decision<'_>,
    reason: &LocalReason,
) {
    let Some(requested) = &decision.requested else {
        return;
    };
    let give = match reason {
        LocalReason::DatabaseUnavailable => "file (database_not_reached)",
        _ => "file",
    };
    let local = &config.local;
    let file = [local.prefix.as_slice(), b"/", requested.as_bytes()].concat();
    if !local.is_encoded && file.iter().any(u8::is_ascii_control) {
        // No header can carry such a name; the web server's fallback serves it.
        return no_site(&mut Response::new(out, "503 Service Unavailable"));
    }
    // The explicit status keeps Apache from judging the request's conditions before it has the
    // file's ETag.
    let mut response = Response::new(out, "200 OK");
    response.field_with(&local.header, |out| match local.is_encoded {
        true => url_path_into(out, &file),
        false => out.extend_from_slice(&file),
    });
    if !local.is_encoded {
        // nginx and lighttpd say so themselves.
        response.field("Accept-Ranges", b"bytes");
    }
    if *reason != LocalReason::EngineOff {
        write_log_fields(&mut response, decision, give);
    }
    response.end();
}

fn write_missing(out: &mut Vec<u8>, decision: &Decision<'_>, reason: MissingReason) {
    let text: &[u8] = match reason {
        MissingReason::NotInTree | MissingReason::NoFile => b"<p>There is no such file.</p>\n",
        MissingReason::Directory => b"<p>This is a directory.</p>\n",
        MissingReason::NoDocument(_) => b"<p>There is no such document about the file.</p>\n",
    };
    let mut response = Response::new(out, "404 Not Found");
    if matches!(reason, MissingReason::NoDocument(_)) {
        write_log_fields(&mut response, decision, "none");
    }
    page(response, "404 Not Found", text);
}
