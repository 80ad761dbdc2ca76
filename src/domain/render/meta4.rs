//! `.meta4`: RFC 5854, with MirrorBrain's elements in MirrorBrain's order (spec §4.4).
//!
//! Where MirrorBrain left the RFC it is followed: the publisher stands inside `file` and has
//! attributes, names and URLs are escaped, a country that is not known is left out.

use super::digest::hex_into;
use super::name::{lines_into, text_of};
use super::sheet::{GENERATOR, Publisher, Sheet, append, location_into};
use crate::domain::escape::html_into;

/// The hash functions by their IANA names.
const HASH_TYPES: [&str; 4] = ["md5", "sha-1", "sha-256", "sha-512"];

/// The document.
pub fn meta4(sheet: &Sheet<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    append(
        &mut out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">\n",
    );
    append(&mut out, &format!("  <generator>{GENERATOR}</generator>\n"));
    append(&mut out, "  <origin dynamic=\"true\">");
    html_into(&mut out, sheet.origin);
    append(&mut out, "</origin>\n");
    append(
        &mut out,
        &format!("  <published>{}</published>\n\n", sheet.now),
    );
    append(&mut out, "  <file name=\"");
    html_into(&mut out, text_of(sheet.name).as_bytes());
    append(&mut out, "\">\n");
    if let Some(publisher) = sheet.publisher {
        publisher_into(&mut out, publisher);
    }
    append(
        &mut out,
        &format!("    <size>{}</size>\n", sheet.version.size),
    );
    sheet.comments_into(&mut out);
    hashes_into(&mut out, sheet);
    sheet.sources_into(&mut out, |out, place, source| {
        location_into(out, source);
        append(out, &format!(" priority=\"{}\"", place + 1));
    });
    append(&mut out, "  </file>\n</metalink>\n");
    out
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

fn hashes_into(out: &mut Vec<u8>, sheet: &Sheet<'_>) {
    if let Some(pgp) = sheet.hashes.and_then(|hashes| hashes.pgp.as_deref()) {
        append(
            out,
            "    <signature mediatype=\"application/pgp-signature\">\n",
        );
        lines_into(out, pgp);
        append(out, "\n    </signature>\n");
    }
    for (kind, digest) in sheet.digests(HASH_TYPES) {
        append(out, &format!("    <hash type=\"{kind}\">"));
        hex_into(out, digest);
        append(out, "</hash>\n");
    }
    if let Some((size, pieces)) = sheet.pieces() {
        append(
            out,
            &format!("    <pieces length=\"{size}\" type=\"sha-1\">\n"),
        );
        for piece in pieces {
            append(out, "      <hash>");
            hex_into(out, piece);
            append(out, "</hash>\n");
        }
        append(out, "    </pieces>\n");
    }
}
