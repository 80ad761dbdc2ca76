//! Writes `.metalink`: version 3 (<http://www.metalinker.org/>), which older clients read
//! (behaviour §4.5).

use std::io::Write;

use super::body::{Body, Form};
use super::name::{lines_into, text_of};
use super::sheet::{GENERATOR, Publisher, Sheet, append, location_into};
use crate::domain::escape::{decimal_into, hex_into, html_into};
use crate::domain::generation::EarlierVersion;
use crate::domain::hash::HashPart;
use crate::domain::time::rfc822;

/// The hash functions under their names in version 3.
const HASH_TYPES: [&str; 4] = ["md5", "sha1", "sha256", "sha512"];

/// Name of the file that describes a yum repository. yum and dnf look in its metalink for its
/// modification time, in a name space of Fedora's MirrorManager.
pub const REPOMD: &[u8] = b"repomd.xml";

/// Preference of the best mirror; each mirror after it has one less, down to 0.
const PREFERENCE_MAX: usize = 100;

/// Preference of the best working mirror if broken ones precede it.
const PREFERENCE_BEHIND_BROKEN: usize = 84;

/// Renders the document.
pub fn metalink(sheet: &Sheet<'_>) -> Body {
    let mut body = Body::new();
    let out = &mut body.text;
    append(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <metalink version=\"3.0\" xmlns=\"http://www.metalinker.org/\"\n  ",
    );
    let is_repository = sheet.name == REPOMD;
    if is_repository {
        let name_space = "xmlns:mm0=\"http://fedorahosted.org/mirrormanager\"\n  ";
        append(out, name_space);
    }
    append(out, "origin=\"");
    html_into(out, sheet.origin);
    let _ = write!(out, "\"\n  generator=\"{GENERATOR}\"\n  type=\"dynamic\"");
    body.varying(|out| {
        let time = rfc822(sheet.published);
        let _ = write!(out, " pubdate=\"{time}\" refreshdate=\"{time}\"");
    });
    let out = &mut body.text;
    append(out, ">\n\n");
    if let Some(publisher) = sheet.publisher {
        publisher_into(out, publisher);
    }
    let name = text_of(sheet.name);
    append(out, "  <files>\n  <file name=\"");
    html_into(out, name.as_bytes());
    append(out, "\">\n");
    if is_repository {
        let mtime = sheet.version.mtime;
        let _ = writeln!(out, "    <mm0:timestamp>{mtime}</mm0:timestamp>");
    }
    let _ = writeln!(out, "    <size>{}</size>", sheet.version.size);
    sheet.comments_into(out);
    verification_into(&mut body, sheet, &name);
    alternates_into(&mut body.text, sheet.alternates);
    append(&mut body.text, "    <resources>\n");
    let best = match sheet.broken {
        Some(_) => PREFERENCE_BEHIND_BROKEN,
        None => PREFERENCE_MAX,
    };
    for link in [sheet.torrent, sheet.magnet].into_iter().flatten() {
        let out = &mut body.text;
        let _ = write!(
            out,
            "    <url type=\"bittorrent\" preference=\"{PREFERENCE_MAX}\">"
        );
        html_into(out, link);
        append(out, "</url>\n");
    }
    sheet.sources_into(&mut body, |out, index, source| {
        append(out, " type=\"");
        append(out, source.base_url.scheme().as_str());
        append(out, "\"");
        location_into(out, source);
        append(out, " preference=\"");
        let rank = source.rank.unwrap_or(index);
        decimal_into(out, best.saturating_sub(rank) as u64);
        append(out, "\"");
        if source.is_private && source.rank.is_some() {
            append(out, " mm0:private=\"True\"");
        }
    });
    append(
        &mut body.text,
        "    </resources>\n  </file>\n  </files>\n</metalink>\n",
    );
    body
}

fn publisher_into(out: &mut Vec<u8>, publisher: &Publisher) {
    append(out, "  <publisher>\n    <name>");
    html_into(out, publisher.name.as_bytes());
    append(out, "</name>\n");
    if !publisher.url.is_empty() {
        append(out, "    <url>");
        html_into(out, publisher.url.as_bytes());
        append(out, "</url>\n");
    }
    append(out, "  </publisher>\n\n");
}

/// Appends earlier versions as MirrorManager writes them; dnf takes a file with one of their
/// hashes.
fn alternates_into(out: &mut Vec<u8>, alternates: &[EarlierVersion]) {
    if alternates.is_empty() {
        return;
    }
    append(out, "    <mm0:alternates>\n");
    for alternate in alternates {
        let (version, digests) = (alternate.version, &alternate.digests);
        let _ = write!(
            out,
            "      <mm0:alternate>\n        <mm0:timestamp>{}</mm0:timestamp>\n        \
             <size>{}</size>\n        <verification>\n",
            version.mtime, version.size
        );
        let digests = [
            &digests.md5,
            &digests.sha1,
            &digests.sha256,
            &digests.sha512,
        ];
        for (kind, digest) in HASH_TYPES.into_iter().zip(digests) {
            let Some(digest) = digest else { continue };
            let _ = write!(out, "          <hash type=\"{kind}\">");
            hex_into(out, digest);
            append(out, "</hash>\n");
        }
        append(out, "        </verification>\n      </mm0:alternate>\n");
    }
    append(out, "    </mm0:alternates>\n");
}

fn verification_into(body: &mut Body, sheet: &Sheet<'_>, name: &str) {
    let Some(hashes) = sheet.hashes else { return };
    let out = &mut body.text;
    append(out, "      <verification>\n");
    if let Some(pgp) = &hashes.pgp {
        append(out, "        <signature type=\"pgp\" file=\"");
        html_into(out, name.as_bytes());
        append(out, ".asc\">\n");
        lines_into(out, pgp);
        append(out, "\n        </signature>\n");
    }
    for (kind, digest) in sheet.digests(HASH_TYPES) {
        let _ = write!(out, "        <hash type=\"{kind}\">");
        hex_into(out, digest);
        append(out, "</hash>\n");
    }
    if let Some((size, stored)) = sheet.pieces() {
        let _ = writeln!(out, "        <pieces length=\"{size}\" type=\"sha1\">");
        body.gap(HashPart::Sha1Pieces, Form::Metalink, stored);
        append(&mut body.text, "        </pieces>\n");
    }
    append(&mut body.text, "      </verification>\n");
}
