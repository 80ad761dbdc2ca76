//! To a mirror (spec §4.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use super::dispatch::{Asked, page, write_log_fields};
use crate::decide::{Redirect, StampKey};
use crate::domain::escape::{html_into, url_path_into};
use crate::domain::hash::Digests;
use crate::domain::mirror::EncodedPath;
use crate::domain::target::Target;
use crate::domain::time::Timestamp;
use crate::http::Response;

pub(super) fn write(out: &mut Vec<u8>, asked: Asked<'_>, redirect: &Redirect<'_>, now: Timestamp) {
    let (config, _, decision) = asked;
    let (Some(best), Some(file)) = (redirect.choices.first(), &decision.file) else {
        return;
    };
    let urls = redirect.choices.iter().map(|choice| choice.base_url);
    let path = EncodedPath::new(file.path.as_bytes(), urls);
    let target = Target::new(path, redirect.stamp_key.map(|key| stamp(key, now)));
    let mut location = Vec::with_capacity(256);
    target.url_into(&mut location, best.base_url);

    let mut response = Response::new(out, "302 Found");
    response.field("X-MirrorBrain-Mirror", best.name.as_bytes());
    response.field(
        "X-MirrorBrain-Realm",
        best.candidate.realm.as_str().as_bytes(),
    );
    write_described_by(&mut response, asked, redirect);
    for (place, choice) in redirect
        .choices
        .iter()
        .take(config.link_mirrors)
        .enumerate()
    {
        response.field_with("Link", |out| {
            out.push(b'<');
            target.url_into(out, choice.base_url);
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
    // Another Accept would have got a metalink from the same URL.
    response.field("Vary", b"Accept");
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
pub(super) fn stamp(key: StampKey<'_>, now: Timestamp) -> String {
    let digest = Md5::digest(format!("{} {}", now.0, key.0).as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("time={}&stamp={hex}", now.0)
}

/// Links to documents about the file under its own URL.
fn write_described_by(response: &mut Response<'_>, asked: Asked<'_>, redirect: &Redirect<'_>) {
    let mut document = |suffix: &str, mime_type: &str| {
        response.field_with("Link", |out| {
            out.push(b'<');
            own_url_into(out, asked, suffix);
            out.extend_from_slice(b">; rel=describedby; type=\"");
            out.extend_from_slice(mime_type.as_bytes());
            out.push(b'"');
        });
    };
    document(".meta4", "application/metalink4+xml");
    if redirect.digests.as_ref().is_some_and(|d| d.has_pgp) {
        document(".asc", "application/pgp-signature");
    }
    if redirect.has_torrent {
        document(".torrent", "application/x-bittorrent");
    }
}

/// Appends the URL that was asked for, without its query and a document's suffix, and `suffix`.
pub(super) fn own_url_into(out: &mut Vec<u8>, asked: Asked<'_>, suffix: &str) {
    let (config, request, decision) = asked;
    let requested = decision.requested.as_ref();
    request.own_origin_into(out);
    for part in [
        &config.url_path[..],
        requested.map_or(b"", |path| path.as_bytes()),
    ] {
        if !part.is_empty() {
            out.push(b'/');
            url_path_into(out, part);
        }
    }
    out.extend_from_slice(suffix.as_bytes());
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
