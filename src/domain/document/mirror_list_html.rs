//! Writes `.mirrorlist`: the page that shows people the mirrors of a file or directory.
//!
//! Admins have style sheets for MirrorBrain's page, so its elements, ids, classes and words are
//! kept in their order (behaviour §4.6). New parts have ids of their own:
//! `mirrorbrain-breadcrumb`, `mirrorbrain-download`, `mirrorbrain-copy`, `mirrorbrain-map`,
//! `mirrorbrain-mirrors-others`; a mirror's facts have the class `mirrorbrain-facts`. Every name
//! and URL is escaped. A name that is not UTF-8 is shown as [`super::name::text_of`] writes it;
//! links have its exact bytes.
//!
//! The page needs no script; a short one adds a button that copies a hash. The page loads nothing
//! but the operator's logo: style and script are inside, and [`content_security_policy`] forbids
//! everything else. A style sheet of the admin's replaces the built-in one, because the two would
//! mix colours. The sheet may load other sheets, pictures and fonts from its own host and ours.

use std::borrow::Cow;
use std::fmt::Write;

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::map::map_into;
use super::mirror_list::{
    FileFacts, ListedMirror, MirrorPage, Offers, Subject, UnlistedMirror, readable_size, short_size,
};
use super::name::text_of;
use crate::domain::escape::{hex_into, html_into, url_path_into};
use crate::domain::file::FileVersion;
use crate::domain::place::CountryCode;
use crate::domain::select::Tier;
use crate::domain::time::Timestamp;
use crate::domain::time::rfc822;
use crate::domain::url_parts::{UrlParts, split_authority};

/// Style of the parts that MirrorBrain's page has too.
const PAGE_STYLE: &str = include_str!("template/mirror_list.css");
/// Style of the new parts, which no style sheet for MirrorBrain's page covers.
const MAP_STYLE: &str = include_str!("template/mirror_list_map.css");
/// Adds the button that copies a hash.
const COPY_SCRIPT: &str = include_str!("template/mirror_list_copy.js");

/// From this probability of a redirect on, the page names one mirror as that of the download.
const NEARLY_SURE: f64 = 0.99;

/// Distances are rounded to so many kilometres, so that several of them do not tell where a client
/// is.
const DISTANCE_STEP_KM: f64 = 100.0;

/// The admin's own parts of the page (MirrorBrainMirrorlistStyleSheet, -Header, -Footer).
#[derive(Debug, Clone, Copy, Default)]
pub struct Frame<'a> {
    /// URL of a style sheet that replaces the built-in one.
    pub style_sheet: Option<&'a str>,
    /// Text that replaces everything before the page's own content.
    pub header: Option<&'a [u8]>,
    /// Text that replaces `</body></html>`.
    pub footer: Option<&'a [u8]>,
    /// The site as the page shows it, where nothing replaces the head.
    pub brand: Brand<'a>,
}

/// Name, logo and colour of a site.
#[derive(Debug, Clone, Copy, Default)]
pub struct Brand<'a> {
    /// Name; without one, the page shows the host.
    pub name: Option<&'a str>,
    /// URL of a picture.
    pub logo: Option<&'a str>,
    /// Colour of links and buttons, as `#rrggbb`, dark enough for white text.
    pub color: Option<&'a str>,
}

/// Renders the page.
pub fn mirrorlist(page: &MirrorPage<'_>, frame: Frame<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 * 1024);
    match frame.header {
        Some(header) => out.extend_from_slice(header),
        None => {
            let head = HeadTemplate {
                title: &text_of(title(page)),
                site: &site(page, frame.brand),
                style: &style(frame),
                style_sheet: frame.style_sheet,
            };
            render_into(&mut out, &head);
        }
    }
    render_into(&mut out, &BodyTemplate::new(page, frame));
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
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    let (style, script) = (hash(&style(frame)), hash(COPY_SCRIPT.trim_end()));
    let logo = frame.brand.logo.map(source_of);
    let logo = logo.map_or(String::new(), |source| format!(" {source}"));
    let (sheet, font) = match frame.style_sheet.map(source_of) {
        None => (String::new(), String::new()),
        Some(source) => (format!(" {source}"), format!("font-src data: {source}; ")),
    };
    Some(format!(
        "default-src 'none'; img-src data:{sheet}{logo}; {font}style-src 'sha256-{style}'{sheet}; \
         script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'"
    ))
}

/// The sources for a policy: the hosts from which a style sheet and the files that it refers to may
/// be loaded.
fn source_of(url: &str) -> String {
    let origin = UrlParts::of(url).map(|parts| format!("{}://{}", parts.scheme, parts.authority));
    let origin = origin.or_else(|| Some(split_authority(url.strip_prefix("//")?).0.to_owned()));
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

fn style(frame: Frame<'_>) -> String {
    if frame.style_sheet.is_some() {
        return MAP_STYLE.to_owned();
    }
    let mut style = format!("{PAGE_STYLE}{MAP_STYLE}");
    if let Some(color) = frame.brand.color {
        let _ = writeln!(
            style,
            ":root{{--link:{color};--on-link:#fff}}\n@media (prefers-color-scheme:dark){{:root{{\
             --link:color-mix(in srgb,{color} 45%,#fff);--on-link:#0d1720}}}}"
        );
    }
    style
}

/// The name of the site, or its host.
fn site(page: &MirrorPage<'_>, brand: Brand<'_>) -> String {
    let url = String::from_utf8_lossy(page.own_url);
    let host = UrlParts::of(&url).map(|parts| parts.host_and_port().to_owned());
    let name = brand.name.map(str::to_owned);
    name.or(host).unwrap_or_default()
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

/// Everything before the page's own content.
#[derive(Template)]
#[template(
    config = "src/domain/document/template/askama.toml",
    path = "mirror_list_head.html"
)]
struct HeadTemplate<'a> {
    title: &'a str,
    site: &'a str,
    style: &'a str,
    style_sheet: Option<&'a str>,
}

/// The page's own content.
#[derive(Template)]
#[template(
    config = "src/domain/document/template/askama.toml",
    path = "mirror_list.html"
)]
struct BodyTemplate<'a> {
    page: &'a MirrorPage<'a>,
    /// Whether the operator's own head comes before.
    is_framed: bool,
    brand: Brand<'a>,
    site: String,
    /// The directories above the file or directory.
    folders: Vec<Folder>,
    script: &'static str,
    has_copy: bool,
    title: String,
    /// The requested path, for people.
    path: String,
    /// The requested path, encoded.
    url: String,
    /// `None` for a directory.
    file: Option<FilePart>,
    /// An SVG element, or an empty text.
    map: String,
    groups: Vec<MirrorGroup<'a>>,
    /// The mirrors that this client is not sent to.
    others: Vec<&'a UnlistedMirror<'a>>,
}

/// A directory above the file.
struct Folder {
    name: String,
    url: String,
}

/// The part about a file.
struct FilePart {
    short_size: String,
    size: String,
    modified: String,
    hashes: Vec<HashRow>,
    has_pgp: bool,
    groups: Vec<DocumentGroup>,
}

/// A hash of the file, which links to a document with it.
struct HashRow {
    suffix: &'static str,
    label: &'static str,
    hex: String,
    /// Whether it is the one that people should compare.
    is_best: bool,
}

/// Documents of one kind.
struct DocumentGroup {
    heading: &'static str,
    links: Vec<DocumentLink>,
}

/// A document about the file.
struct DocumentLink {
    suffix: &'static str,
    remark: &'static str,
}

/// The mirrors of one tier.
struct MirrorGroup<'a> {
    heading: String,
    /// Number of its first mirror in the whole list, as on the map.
    first: usize,
    mirrors: Vec<&'a ListedMirror<'a>>,
}

/// Escapes as every other document of ours.
#[derive(Clone, Copy)]
pub(super) struct PageEscaper;

impl askama::filters::Escaper for PageEscaper {
    fn write_escaped_str<W: Write>(&self, mut out: W, text: &str) -> std::fmt::Result {
        let mut escaped = Vec::with_capacity(text.len() + 16);
        html_into(&mut escaped, text.as_bytes());
        out.write_str(std::str::from_utf8(&escaped).map_err(|_| std::fmt::Error)?)
    }
}

/// Appends a rendered template, and its last line end, which templates lose.
fn render_into(out: &mut Vec<u8>, template: &impl Template) {
    // Writing to memory cannot fail.
    let _ = Template::write_into(template, out);
    out.push(b'\n');
}

impl<'a> BodyTemplate<'a> {
    fn new(page: &'a MirrorPage<'a>, frame: Frame<'a>) -> BodyTemplate<'a> {
        let mut url = Vec::with_capacity(page.path.len() + 16);
        url_path_into(&mut url, page.path);
        let mut map = Vec::new();
        map_into(&mut map, page);
        let others = page.others.iter().filter(|m| m.is_of_interest());
        let file = match &page.subject {
            Subject::File(file) => Some(FilePart::new(file)),
            Subject::Directory(_) => None,
        };
        BodyTemplate {
            page,
            is_framed: frame.header.is_some(),
            brand: frame.brand,
            site: site(page, frame.brand),
            folders: folders(page.path),
            script: COPY_SCRIPT.trim_end(),
            has_copy: file
                .as_ref()
                .is_some_and(|file| file.hashes.iter().any(|hash| hash.is_best)),
            title: text_of(title(page)),
            path: text_of(page.path),
            url: lossy(url),
            file,
            map: lossy(map),
            groups: groups(page),
            others: others.collect(),
        }
    }

    /// MirrorBrain's sentence about the client, after "List of best mirrors". Unknown values are
    /// left out, and so are coordinates, because people show such pages to others.
    fn client(&self) -> String {
        let client = &self.page.client;
        let mut text = String::new();
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
        text
    }

    /// Where the download comes from, in words.
    fn from(&self) -> String {
        let Some(best) = self.page.mirrors.first() else {
            return "from this server".to_owned();
        };
        let place = match best.country.and_then(CountryCode::name) {
            Some(country) => format!("{} ({country})", self.place(best)),
            None => self.place(best),
        };
        match best.probability >= NEARLY_SURE {
            true => format!("from {place}"),
            false => format!("from one of the mirrors below, such as {place}"),
        }
    }

    /// The host of a mirror.
    fn place(&self, mirror: &ListedMirror<'_>) -> String {
        let url = self.ascii(&mirror.url);
        let host = UrlParts::of(&url).map(|parts| parts.host_and_port().to_owned());
        host.unwrap_or_else(|| mirror.name.to_owned())
    }

    /// Gives the facts about a mirror that people may want to know; may be empty.
    fn facts(&self, mirror: &ListedMirror<'_>) -> String {
        let mut facts = Vec::new();
        if let Some(code) = mirror.country {
            facts.push(match code.name() {
                Some(name) => format!("{name} ({code})"),
                None => format!("({code})"),
            });
        }
        if mirror.url.starts_with(b"https:") {
            facts.push("https".to_owned());
        }
        if let Some((here, there)) = self.page.client.place.coordinates.zip(mirror.at) {
            let steps = (here.kilometres_to(there) / DISTANCE_STEP_KM).round();
            facts.push(match steps < 1.0 {
                true => "near".to_owned(),
                false => format!("about {} km", steps * DISTANCE_STEP_KM),
            });
        }
        if mirror.is_fallback {
            facts.push("fallback".to_owned());
        }
        facts.extend(self.files_had(&mirror.files));
        facts.join(", ")
    }

    /// The share of a directory's files that a mirror has, unless it is complete.
    fn share(&self, has: &Option<u64>) -> Option<(u64, u64)> {
        match (&self.page.subject, has) {
            (Subject::Directory(facts), Some(has)) if *has < facts.files => {
                Some((*has, facts.files))
            }
            _ => None,
        }
    }

    /// The number of a directory's files, in words.
    fn files_counted(&self) -> String {
        match &self.page.subject {
            Subject::Directory(facts) if facts.is_cut => format!(
                "more than {} in it and below; only these were counted",
                facts.files
            ),
            Subject::Directory(facts) => format!("{} in it and below", facts.files),
            Subject::File(_) => String::new(),
        }
    }

    /// The share of a directory's files that a mirror has, in words.
    fn files_had(&self, has: &Option<u64>) -> Option<String> {
        let (Subject::Directory(facts), Some(has)) = (&self.page.subject, has) else {
            return None;
        };
        Some(match *has == facts.files {
            true => "complete".to_owned(),
            false => format!("{has} of {} files", facts.files),
        })
    }

    /// Gives the facts about a mirror to which this client is not sent.
    fn other_facts(&self, mirror: &UnlistedMirror<'_>) -> String {
        let country = self.country(&mirror.country);
        match self.files_had(&mirror.files) {
            Some(files) => format!("{country}, {files}"),
            None => country,
        }
    }

    fn country(&self, country: &Option<CountryCode>) -> String {
        country.map_or("--".to_owned(), |code| code.to_string())
    }

    /// The URL of a file at a mirror, which is ASCII.
    fn ascii<'u>(&self, url: &'u [u8]) -> Cow<'u, str> {
        String::from_utf8_lossy(url)
    }
}

impl FilePart {
    fn new(file: &FileFacts<'_>) -> FilePart {
        let FileVersion { size, mtime } = file.version;
        FilePart {
            short_size: readable_size(size),
            size: format!("{} ({size} bytes)", short_size(size)),
            modified: format!("{} (Unix time: {mtime})", rfc822(Timestamp(mtime))),
            hashes: hashes(file),
            has_pgp: file.digests.is_some_and(|digests| digests.has_pgp),
            groups: documents(file.offers),
        }
    }
}

impl MirrorGroup<'_> {
    fn count(&self) -> usize {
        self.mirrors.len()
    }
}

/// The directories above a path.
fn folders(path: &[u8]) -> Vec<Folder> {
    let inside = path.strip_suffix(b"/").unwrap_or(path);
    let slashes = inside.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    let ends: Vec<usize> = slashes.map(|(place, _)| place).collect();
    let folder = |pair: &[usize]| {
        let mut url = Vec::with_capacity(pair[1] + 16);
        url_path_into(&mut url, &path[..=pair[1]]);
        Folder {
            name: text_of(&path[pair[0] + 1..pair[1]]),
            url: lossy(url),
        }
    };
    ends.windows(2).map(folder).collect()
}

/// Text that was made of ASCII and strings.
fn lossy(text: Vec<u8>) -> String {
    String::from_utf8_lossy(&text).into_owned()
}

fn hashes(file: &FileFacts<'_>) -> Vec<HashRow> {
    let Some(digests) = file.digests else {
        return Vec::new();
    };
    let btih = digests.btih.as_ref().filter(|_| file.offers.torrent);
    let rows = [
        (".sha512", "SHA-512 Hash", digests.sha512.as_ref()),
        (".sha256", "SHA-256 Hash", digests.sha256.as_ref()),
        (".sha1", "SHA-1 Hash", digests.sha1.as_ref()),
        (".md5", "MD5 Hash", digests.md5.as_ref()),
        (".btih", "BitTorrent Information Hash", btih),
    ];
    let row = |(suffix, label, digest): (_, _, Option<&Vec<u8>>)| {
        let mut hex = Vec::with_capacity(128);
        hex_into(&mut hex, digest?);
        Some(HashRow {
            suffix,
            label,
            hex: lossy(hex),
            is_best: suffix == ".sha256",
        })
    };
    rows.into_iter().filter_map(row).collect()
}

fn documents(offers: Offers) -> Vec<DocumentGroup> {
    let link = |is_there: bool, suffix, remark| is_there.then_some(DocumentLink { suffix, remark });
    let groups = [
        (
            "Metalink",
            [
                link(true, ".meta4", " (IETF Metalink)"),
                link(true, ".metalink", " (old (v3) Metalink)"),
            ],
        ),
        (
            "P2P links",
            [
                link(offers.torrent, ".torrent", " (BitTorrent)"),
                link(offers.magnet, ".magnet", " (Magnet)"),
            ],
        ),
        ("Zsync links", [link(offers.zsync, ".zsync", ""), None]),
    ];
    let group = |(heading, links): (_, [Option<DocumentLink>; 2])| DocumentGroup {
        heading,
        links: links.into_iter().flatten().collect(),
    };
    let mut groups: Vec<DocumentGroup> = groups.into_iter().map(group).collect();
    groups.retain(|group| !group.links.is_empty());
    groups
}

fn groups<'a>(page: &'a MirrorPage<'a>) -> Vec<MirrorGroup<'a>> {
    let mut groups: Vec<MirrorGroup<'_>> = Vec::new();
    for tier in Tier::ALL {
        let of_tier = page.mirrors.iter().filter(|mirror| mirror.tier == tier);
        let mirrors: Vec<&ListedMirror<'_>> = of_tier.collect();
        let before = groups.iter().map(MirrorGroup::count).sum::<usize>();
        if !mirrors.is_empty() {
            groups.push(MirrorGroup {
                heading: heading(page, tier),
                first: before + 1,
                mirrors,
            });
        }
    }
    groups
}

fn upper(value: Option<impl ToString>) -> String {
    value.map_or("--".to_owned(), |value| value.to_string().to_uppercase())
}

/// MirrorBrain's words for a tier.
fn heading(page: &MirrorPage<'_>, tier: Tier) -> String {
    let client = &page.client;
    match tier {
        Tier::Rule => "preferred for your network".to_owned(),
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
