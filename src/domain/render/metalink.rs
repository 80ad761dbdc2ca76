//! `.metalink`: version 3 (<http://www.metalinker.org/>), which older clients read (spec §4.5).

use super::digest::hex_into;
use super::name::{lines_into, text_of};
use super::sheet::{GENERATOR, Publisher, Sheet, append, location_into};
use crate::domain::ctime::rfc822;
use crate::domain::escape::html_into;

/// The hash functions as version 3 calls them.
const HASH_TYPES: [&str; 4] = ["md5", "sha1", "sha256", "sha512"];

/// The file that describes a yum repository. Fedora's MirrorManager has a name space for what
/// yum and dnf want to know of it beside the metalink: its time of change.
pub const REPOMD: &[u8] = b"repomd.xml";

/// Preference of the best mirror; each further one has one less, down to 0.
const PREFERENCE_MAX: usize = 100;

/// The document.
pub fn metalink(sheet: &Sheet<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    append(
        &mut out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <metalink version=\"3.0\" xmlns=\"http://www.metalinker.org/\"",
    );
    let is_repository = sheet.name == REPOMD;
    if is_repository {
        append(
            &mut out,
            "\n  xmlns:mm0=\"http://fedorahosted.org/mirrormanager\"",
        );
    }
    append(&mut out, "\n  origin=\"");
    html_into(&mut out, sheet.origin);
    let now = rfc822(sheet.now);
    append(
        &mut out,
        &format!(
            "\"\n  generator=\"{GENERATOR}\"\n  type=\"dynamic\" pubdate=\"{now}\" \
             refreshdate=\"{now}\">\n\n"
        ),
    );
    if let Some(publisher) = sheet.publisher {
        publisher_into(&mut out, publisher);
    }
    let name = text_of(sheet.name);
    append(&mut out, "  <files>\n  <file name=\"");
    html_into(&mut out, name.as_bytes());
    append(&mut out, "\">\n");
    if is_repository {
        let mtime = sheet.version.mtime;
        append(
            &mut out,
            &format!("    <mm0:timestamp>{mtime}</mm0:timestamp>\n"),
        );
    }
    append(
        &mut out,
        &format!("    <size>{}</size>\n", sheet.version.size),
    );
    sheet.comments_into(&mut out);
    verification_into(&mut out, sheet, &name);
    append(&mut out, "    <resources>\n");
    sheet.sources_into(&mut out, |out, place, source| {
        let scheme = source.base_url.scheme().as_str();
        append(out, &format!(" type=\"{scheme}\""));
        location_into(out, source);
        let preference = PREFERENCE_MAX.saturating_sub(place);
        append(out, &format!(" preference=\"{preference}\""));
    });
    append(
        &mut out,
        "    </resources>\n  </file>\n  </files>\n</metalink>\n",
    );
    out
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

fn verification_into(out: &mut Vec<u8>, sheet: &Sheet<'_>, name: &str) {
    let Some(hashes) = sheet.hashes else { return };
    append(out, "      <verification>\n");
    if let Some(pgp) = &hashes.pgp {
        append(out, "        <signature type=\"pgp\" file=\"");
        html_into(out, name.as_bytes());
        append(out, ".asc\">\n");
        lines_into(out, pgp);
        append(out, "\n        </signature>\n");
    }
    for (kind, digest) in sheet.digests(HASH_TYPES) {
        append(out, &format!("        <hash type=\"{kind}\">"));
        hex_into(out, digest);
        append(out, "</hash>\n");
    }
    if let Some((size, pieces)) = sheet.pieces() {
        append(
            out,
            &format!("        <pieces length=\"{size}\" type=\"sha1\">\n"),
        );
        for (place, piece) in pieces.enumerate() {
            append(out, &format!("          <hash piece=\"{place}\">"));
            hex_into(out, piece);
            append(out, "</hash>\n");
        }
        append(out, "        </pieces>\n");
    }
    append(out, "      </verification>\n");
}
