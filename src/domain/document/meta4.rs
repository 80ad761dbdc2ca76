//! Writes `.meta4` (RFC 5854), with MirrorBrain's elements in MirrorBrain's order (behaviour §4.4).
//!
//! Where MirrorBrain deviates from the RFC, the RFC is followed: the publisher stands inside `file`
//! and has attributes, names and URLs are escaped, and an unknown country is left out.

use std::io::Write;

use super::body::{Body, Form};
use super::name::{lines_into, text_of};
use super::sheet::{GENERATOR, Publisher, Sheet, append, location_into};
use crate::domain::escape::{decimal_into, hex_into, html_into};
use crate::domain::hash::HashPart;

/// The hash functions under their IANA names.
const HASH_TYPES: [&str; 4] = ["md5", "sha-1", "sha-256", "sha-512"];

/// Renders the document.
pub fn meta4(sheet: &Sheet<'_>) -> Body {
    let mut body = Body::new();
    let out = &mut body.text;
    append(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">\n  <generator>",
    );
    append(out, GENERATOR);
    append(out, "</generator>\n  <origin dynamic=\"true\">");
    html_into(out, sheet.origin);
    append(out, "</origin>\n");
    body.varying(|out| {
        let _ = writeln!(out, "  <published>{}</published>\n", sheet.published);
    });
    let out = &mut body.text;
    append(out, "  <file name=\"");
    html_into(out, text_of(sheet.name).as_bytes());
    append(out, "\">\n");
    if let Some(publisher) = sheet.publisher {
        publisher_into(out, publisher);
    }
    let _ = writeln!(out, "    <size>{}</size>", sheet.version.size);
    sheet.comments_into(out);
    hashes_into(&mut body, sheet);
    torrent_into(&mut body.text, sheet);
    sheet.sources_into(&mut body, |out, index, source| {
        location_into(out, source);
        append(out, " priority=\"");
        decimal_into(out, index as u64 + 1);
        out.push(b'"');
    });
    append(&mut body.text, "  </file>\n</metalink>\n");
    body
}

/// Appends the torrent (RFC 5854, section 4.1.2.8) and, where the admin wants it, MirrorBrain's
/// magnet link.
fn torrent_into(out: &mut Vec<u8>, sheet: &Sheet<'_>) {
    for link in [sheet.torrent, sheet.magnet].into_iter().flatten() {
        append(out, "\n    <metaurl mediatype=\"torrent\">");
        html_into(out, link);
        append(out, "</metaurl>\n");
    }
}

fn publisher_into(out: &mut Vec<u8>, publisher: &Publisher) {
    append(out, "    <publisher name=\"");
    html_into(out, publisher.name.as_bytes());
    if !publisher.url.is_empty() {
        append(out, "\" url=\"");
        html_into(out, publisher.url.as_bytes());
    }
    append(out, "\"/>\n");
}

fn hashes_into(body: &mut Body, sheet: &Sheet<'_>) {
    let out = &mut body.text;
    if let Some(pgp) = sheet.hashes.and_then(|hashes| hashes.pgp.as_deref()) {
        append(
            out,
            "    <signature mediatype=\"application/pgp-signature\">\n",
        );
        lines_into(out, pgp);
        append(out, "\n    </signature>\n");
    }
    for (kind, digest) in sheet.digests(HASH_TYPES) {
        let _ = write!(out, "    <hash type=\"{kind}\">");
        hex_into(out, digest);
        append(out, "</hash>\n");
    }
    if let Some((size, stored)) = sheet.pieces() {
        let _ = writeln!(out, "    <pieces length=\"{size}\" type=\"sha-1\">");
        body.gap(HashPart::Sha1Pieces, Form::Meta4, stored);
        append(&mut body.text, "    </pieces>\n");
    }
}
