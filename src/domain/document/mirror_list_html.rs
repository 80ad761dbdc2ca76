//! Writes `.mirrorlist`: the page that shows people the mirrors of a file or directory.
//!
//! Admins have style sheets for MirrorBrain's page, so its elements, ids, classes and words are
//! kept in their order (behaviour §4.6). New parts have ids of their own: `mirrorbrain-map`,
//! `mirrorbrain-mirrors-others`. Every name and URL is escaped. A name that is not UTF-8 is shown
//! as [`super::name::text_of`] writes it; links have its exact bytes.
//!
//! The page loads nothing: its style is inside, and [`content_security_policy`] forbids everything
//! else. A style sheet of the admin's replaces the built-in one, because the two would mix colours.
//! The sheet may load other sheets, pictures and fonts from its own host and from ours.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::map::map_into;
use super::mirror_list::{
    FileFacts, ListedMirror, MirrorPage, Subject, UnlistedMirror, short_size,
};
use super::name::text_of;
use super::sheet::append;
use crate::domain::escape::{hex_into, html_into, url_path_into};
use crate::domain::select::Tier;
use crate::domain::time::Timestamp;
use crate::domain::time::rfc822;

/// Style of the parts that MirrorBrain's page has too.
const PAGE_STYLE: &str = include_str!("mirror_list.css");
/// Style of the new parts, which no style sheet for MirrorBrain's page covers.
const MAP_STYLE: &str = include_str!("mirror_list_map.css");

/// The admin's own parts of the page (MirrorBrainMirrorlistStyleSheet, -Header, -Footer).
#[derive(Debug, Clone, Copy, Default)]
pub struct Frame<'a> {
    /// URL of a style sheet that replaces the built-in one.
    pub style_sheet: Option<&'a str>,
    /// Text that replaces everything before the page's own content.
    pub header: Option<&'a [u8]>,
    /// Text that replaces `</body></html>`.
    pub footer: Option<&'a [u8]>,
}

/// Renders the page.
pub fn mirrorlist(page: &MirrorPage<'_>, frame: Frame<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 * 1024);
    match frame.header {
        Some(header) => out.extend_from_slice(header),
        None => head_into(&mut out, frame.style_sheet),
    }
    append(
        &mut out,
        "<div id=\"mirrorbrain-details\">\n  <h2>Mirrors for ",
    );
    link_into(&mut out, page.path, "", Some(title(page)));
    append(&mut out, "</h2>\n<div id=\"mirrorbrain-fileinfo\">\n");
    match &page.subject {
        Subject::File(file) => file_into(&mut out, page, file),
        Subject::Directory(_) => directory_into(&mut out, page),
    }
    append(
        &mut out,
        "<div id=\"mirrorbrain-mirrors\">\n<h3>Mirrors</h3>\n",
    );
    client_into(&mut out, page);
    map_into(&mut out, page);
    groups_into(&mut out, page);
    others_into(&mut out, page);
    append(
        &mut out,
        "</div>\n<address>Powered by Heliostat</address>\n</div><!-- mirrorbrain-details -->\n",
    );
    out.extend_from_slice(frame.footer.unwrap_or(b"</body>\n</html>\n"));
    out
}

/// Value of `Content-Security-Policy`: only the admin's style sheet, and the files that it refers
/// to, may be loaded. `None` if the admin has a header or footer, because only the admin knows what
/// those load.
pub fn content_security_policy(frame: Frame<'_>) -> Option<String> {
    if frame.header.is_some() || frame.footer.is_some() {
        return None;
    }
    let hash = STANDARD.encode(Sha256::digest(style(frame.style_sheet)));
    let (sheet, font) = match frame.style_sheet.map(source_of) {
        None => (String::new(), String::new()),
        Some(source) => (format!(" {source}"), format!("font-src data: {source}; ")),
    };
    Some(format!(
        "default-src 'none'; img-src data:{sheet}; {font}style-src 'sha256-{hash}'{sheet}; \
         base-uri 'none'; form-action 'none'"
    ))
}

/// The sources for a policy: the hosts from which a style sheet and the files that it refers to may
/// be loaded.
fn source_of(url: &str) -> String {
    let origin = url.split_once("://").map(|(scheme, rest)| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        format!("{scheme}://{host}")
    });
    let origin = origin.or_else(|| {
        let rest = url.strip_prefix("//")?;
        rest.split(['/', '?', '#']).next().map(str::to_owned)
    });
    // A semicolon or a space would begin another directive or source.
    let is_plain = |origin: &String| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/[]".contains(&byte);
        origin.bytes().all(fits)
    };
    match origin.filter(is_plain) {
        Some(origin) => format!("'self' {origin}"),
        None => "'self'".to_owned(),
    }
}

fn style(sheet: Option<&str>) -> String {
    match sheet {
        None => format!("{PAGE_STYLE}{MAP_STYLE}"),
        Some(_) => MAP_STYLE.to_owned(),
    }
}

fn head_into(out: &mut Vec<u8>, sheet: Option<&str>) {
    append(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n  <meta charset=\"UTF-8\" />\n  \
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n  \
         <title>Mirror List</title>\n  <link rel=\"icon\" href=\"data:,\" />\n  <style>",
    );
    append(out, &style(sheet));
    append(out, "</style>\n");
    if let Some(url) = sheet {
        append(out, "  <link type=\"text/css\" rel=\"stylesheet\" href=\"");
        html_into(out, url.as_bytes());
        append(out, "\" />\n");
    }
    append(out, "</head>\n\n<body>\n");
}

/// The title of the page: the file's real name, or the directory's last component.
fn title<'a>(page: &MirrorPage<'a>) -> &'a [u8] {
    match &page.subject {
        Subject::File(file) => file.name,
        Subject::Directory(_) => {
            let inside = &page.path[..page.path.len().saturating_sub(1)];
            let start = inside.iter().rposition(|&byte| byte == b'/');
            start.map_or(page.path, |slash| &page.path[slash + 1..])
        }
    }
}

/// Appends a link to a document below the page's own URL. The link's text is `text`, or that URL if
/// there is none.
fn link_into(out: &mut Vec<u8>, path: &[u8], suffix: &str, text: Option<&[u8]>) {
    append(out, "<a href=\"");
    let mut url = Vec::with_capacity(path.len() + 16);
    url_path_into(&mut url, path);
    html_into(out, &url);
    append(out, &format!("{suffix}\">"));
    match text {
        Some(text) => html_into(out, text_of(text).as_bytes()),
        None => {
            html_into(out, text_of(path).as_bytes());
            append(out, suffix);
        }
    }
    append(out, "</a>");
}

fn label_into(out: &mut Vec<u8>, label: &str, value: &[u8]) {
    append(out, "  <li><span class=\"mirrorbrain-label\">");
    append(out, label);
    append(out, ":</span> ");
    html_into(out, value);
    append(out, "</li>\n");
}

fn file_into(out: &mut Vec<u8>, page: &MirrorPage<'_>, file: &FileFacts<'_>) {
    append(out, "<h3>File information</h3>\n<ul>\n");
    label_into(out, "Filename", text_of(file.name).as_bytes());
    label_into(out, "Path", text_of(page.path).as_bytes());
    let size = file.version.size;
    let words = format!("{} ({size} bytes)", short_size(size));
    label_into(out, "Size", words.as_bytes());
    let mtime = file.version.mtime;
    let words = format!("{} (Unix time: {mtime})", rfc822(Timestamp(mtime)));
    label_into(out, "Last modified", words.as_bytes());
    hashes_into(out, page, file);
    append(out, "</ul>\n<p><a href=\"");
    let mut url = Vec::with_capacity(page.path.len() + 16);
    url_path_into(&mut url, page.path);
    html_into(out, &url);
    append(
        out,
        "\" class=\"mirrorbrain-btn\">Download file from preferred mirror</a></p>\n</div>\n\n",
    );
    documents_into(out, page, file);
}

fn hashes_into(out: &mut Vec<u8>, page: &MirrorPage<'_>, file: &FileFacts<'_>) {
    let Some(digests) = file.digests else { return };
    let btih = digests.btih.as_ref().filter(|_| file.offers.torrent);
    for (suffix, label, digest) in [
        (".sha512", "SHA-512 Hash", digests.sha512.as_ref()),
        (".sha256", "SHA-256 Hash", digests.sha256.as_ref()),
        (".sha1", "SHA-1 Hash", digests.sha1.as_ref()),
        (".md5", "MD5 Hash", digests.md5.as_ref()),
        (".btih", "BitTorrent Information Hash", btih),
    ] {
        let Some(digest) = digest else { continue };
        append(out, "  <li><span class=\"mirrorbrain-label\">");
        link_into(out, page.path, suffix, Some(label.as_bytes()));
        append(out, ":</span> <tt>");
        hex_into(out, digest);
        append(out, "</tt></li>\n");
    }
    if digests.has_pgp {
        append(
            out,
            "  <li><span class=\"mirrorbrain-label\">PGP signature:</span> ",
        );
        link_into(out, page.path, ".asc", None);
        append(out, "</li>\n");
    }
}

fn documents_into(out: &mut Vec<u8>, page: &MirrorPage<'_>, file: &FileFacts<'_>) {
    append(
        out,
        "<div id=\"mirrorbrain-links\">\n<h3>Reliable downloads</h3>\n",
    );
    let offers = file.offers;
    /// Whether the document is offered, its suffix, and a remark.
    type Link = (bool, &'static str, &'static str);
    let groups: [(&str, [Link; 2]); 3] = [
        (
            "Metalink",
            [
                (true, ".meta4", " (IETF Metalink)"),
                (true, ".metalink", " (old (v3) Metalink)"),
            ],
        ),
        (
            "P2P links",
            [
                (offers.torrent, ".torrent", " (BitTorrent)"),
                (offers.magnet, ".magnet", " (Magnet)"),
            ],
        ),
        (
            "Zsync links",
            [(offers.zsync, ".zsync", ""), (false, "", "")],
        ),
    ];
    for (heading, links) in groups {
        if links.iter().all(|(is_there, ..)| !is_there) {
            continue;
        }
        append(
            out,
            &format!("<div class=\"mirrorbrain-links-grp\">\n<h4>{heading}</h4>\n<ul>\n"),
        );
        for (_, suffix, words) in links.into_iter().filter(|(is_there, ..)| *is_there) {
            append(out, "  <li>");
            link_into(out, page.path, suffix, None);
            append(out, &format!("{words}</li>\n"));
        }
        append(out, "</ul>\n</div>\n");
    }
    append(out, "</div>\n\n");
}

fn directory_into(out: &mut Vec<u8>, page: &MirrorPage<'_>) {
    append(out, "<h3>Directory information</h3>\n<ul>\n");
    label_into(out, "Path", text_of(page.path).as_bytes());
    if let Subject::Directory(facts) = &page.subject {
        let words = if facts.is_cut {
            format!(
                "more than {} in it and below; only these were counted",
                facts.files
            )
        } else {
            format!("{} in it and below", facts.files)
        };
        label_into(out, "Files", words.as_bytes());
    }
    append(out, "</ul>\n</div>\n\n");
}

fn upper(value: Option<impl ToString>) -> String {
    value.map_or("--".to_owned(), |value| value.to_string().to_uppercase())
}

/// Appends MirrorBrain's sentence about the client. Unknown values are left out, and so are
/// coordinates, because people show such pages to others.
fn client_into(out: &mut Vec<u8>, page: &MirrorPage<'_>) {
    let client = &page.client;
    let mut text = "<p>List of best mirrors".to_owned();
    if let Some(ip) = client.ip {
        let _ = write!(text, " for IP address {ip}");
    }
    if client.place.country.is_some() {
        let _ = write!(text, " in {}", upper(client.place.country));
    }
    if let Some(network) = client.network {
        let _ = write!(text, ", network {network}");
    }
    if let Some(asn) = client.place.asn {
        let _ = write!(text, " (autonomous system {asn})");
    }
    append(out, &text);
    append(out, ".</p>\n\n");
}

/// MirrorBrain's words for a tier.
fn heading(page: &MirrorPage<'_>, tier: Tier) -> String {
    let client = &page.client;
    match tier {
        Tier::Prefix => {
            let network = client.network.map_or("--".to_owned(), |n| n.to_string());
            format!("directly nearby (within the same network prefix: {network})")
        }
        Tier::As => {
            let asn = client
                .place
                .asn
                .map_or("--".to_owned(), |asn| asn.to_string());
            format!("very close (within the same autonomous system (AS{asn})")
        }
        Tier::Country => format!(
            "which handle this country ({})",
            upper(client.place.country)
        ),
        Tier::Region => {
            let region = upper(client.place.region);
            format!("in other countries, but same continent ({region})")
        }
        Tier::Elsewhere => "in other parts of the world".to_owned(),
        Tier::Last => "which come last, because not every client can reach them".to_owned(),
    }
}

fn groups_into(out: &mut Vec<u8>, page: &MirrorPage<'_>) {
    if page.mirrors.is_empty() {
        return none_into(out, page);
    }
    for tier in Tier::ALL {
        let group: Vec<&ListedMirror<'_>> =
            page.mirrors.iter().filter(|m| m.tier == tier).collect();
        if group.is_empty() {
            continue;
        }
        let plural = if group.len() == 1 { "" } else { "s" };
        append(
            out,
            &format!(
                "<div class=\"mirrorbrain-mirrors-grp\">\n<h4>Found {} mirror{plural} {}</h4>\n\
                 <ul>\n",
                group.len(),
                heading(page, tier)
            ),
        );
        for mirror in group {
            item_into(out, page, mirror);
        }
        append(out, "</ul>\n</div>\n\n");
    }
}

fn item_into(out: &mut Vec<u8>, page: &MirrorPage<'_>, mirror: &ListedMirror<'_>) {
    append(out, "  <li>");
    url_into(out, &mirror.url);
    let country = mirror
        .country
        .map_or("--".to_owned(), |code| code.to_string());
    let fallback = if mirror.is_fallback { ", fallback" } else { "" };
    let files = files(page, mirror.files);
    append(out, &format!(" ({country}{fallback}{files})</li>\n"));
}

/// The share of a directory's files that a mirror has, in words.
fn files(page: &MirrorPage<'_>, has: Option<u64>) -> String {
    match (&page.subject, has) {
        (Subject::Directory(facts), Some(has)) if has == facts.files => ", complete".to_owned(),
        (Subject::Directory(facts), Some(has)) => format!(", {has} of {} files", facts.files),
        _ => String::new(),
    }
}

fn url_into(out: &mut Vec<u8>, url: &[u8]) {
    append(out, "<a href=\"");
    html_into(out, url);
    append(out, "\">");
    html_into(out, url);
    append(out, "</a>");
}

fn none_into(out: &mut Vec<u8>, page: &MirrorPage<'_>) {
    append(
        out,
        "<div id=\"mirrorbrain-mirrors-none\">\n<h4>No mirror was found</h4>\n",
    );
    if let Some(note) = page.note {
        append(out, "<p>");
        html_into(out, note.as_bytes());
        append(out, "</p>\n");
    }
    append(
        out,
        "<p>I am very sorry, but no mirror was found. Feel free to download directly:<br />\n  ",
    );
    link_into(out, page.path, "", None);
    append(out, "</p>\n</div>\n");
}

/// Appends the mirrors that this client is not sent to, each with the reason.
fn others_into(out: &mut Vec<u8>, page: &MirrorPage<'_>) {
    let others: Vec<&UnlistedMirror<'_>> = page
        .others
        .iter()
        .filter(|mirror| mirror.is_of_interest())
        .collect();
    if others.is_empty() {
        return;
    }
    let words = match others.len() {
        1 => "1 more mirror, to which you are not sent".to_owned(),
        count => format!("{count} more mirrors, to which you are not sent"),
    };
    append(
        out,
        &format!("<details id=\"mirrorbrain-mirrors-others\">\n<summary>{words}</summary>\n<ul>\n"),
    );
    for mirror in others {
        append(out, "  <li>");
        html_into(out, mirror.name.as_bytes());
        let country = mirror
            .country
            .map_or("--".to_owned(), |code| code.to_string());
        append(
            out,
            &format!(
                " ({country}{}): <span class=\"mirrorbrain-reason\">{}</span></li>\n",
                files(page, mirror.files),
                mirror.reason.public_text()
            ),
        );
    }
    append(out, "</ul>\n</details>\n");
}
