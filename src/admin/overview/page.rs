//! Writes the overview of all mirrors as a page, with MirrorBrain's ids and classes.
//!
//! Every value is escaped, and the page loads nothing but flags, if they are wanted.

use std::path::Path;

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::admin::args::{ImageArg, MirrorlistArgs};
use crate::admin::error::AdminError;
use crate::db::mirror::MirrorRecord;
use crate::db::overview::marker::Marker;
use crate::db::overview::place_name::PlaceNames;
use crate::domain::escape::html_into;
use crate::domain::time::{Timestamp, rfc822};
use crate::domain::url::{Scheme, without_login};
use crate::regular_file;

/// A mirror and the markers that it has.
pub struct OverviewRow {
    /// The mirror.
    pub mirror: MirrorRecord,
    /// One per marker.
    pub has: Vec<bool>,
}

/// Content of the page.
pub struct OverviewPage<'a> {
    /// The mirrors in order.
    pub rows: &'a [OverviewRow],
    /// The columns.
    pub markers: &'a [Marker],
    /// Names of places.
    pub names: &'a PlaceNames,
    /// When it is made.
    pub now: Timestamp,
    /// Options of the page.
    pub args: &'a MirrorlistArgs,
}

const TITLE: &str = "Download Mirrors - Overview";

const CAPTION: &str = "All mirrors";

/// Columns before those of markers.
const FIRST_COLUMNS: usize = 6;

/// After so many rows the names of markers are repeated.
const ROWS_WITHOUT_NAMES: usize = 20;

/// No header, footer or flag is larger.
const PART_BYTES_MAX: u64 = 4 * 1024 * 1024;

#[derive(Template)]
#[template(config = "src/admin/overview/template/askama.toml", path = "head.html")]
struct OverviewHead<'a> {
    title: &'a str,
}

#[derive(Template)]
#[template(
    config = "src/admin/overview/template/askama.toml",
    path = "table.html"
)]
struct OverviewTable<'a> {
    caption: &'a str,
    columns: usize,
    markers: Vec<MarkerColumn>,
    rows: Vec<ShownRow>,
}

#[derive(Template)]
#[template(config = "src/admin/overview/template/askama.toml", path = "foot.html")]
struct OverviewFoot<'a> {
    utc: &'a str,
}

struct MarkerColumn {
    class: &'static str,
    name: String,
}

struct ShownRow {
    is_odd: bool,
    /// The continent, where it begins.
    region: Option<String>,
    repeats_markers: bool,
    flag: Option<String>,
    country: String,
    operator: String,
    operator_url: Option<String>,
    urls: [ShownLink; 3],
    stars: &'static str,
    marks: Vec<ShownMark>,
}

struct ShownLink {
    word: &'static str,
    href: Option<String>,
}

struct ShownMark {
    class: &'static str,
    has: bool,
}

/// The page.
///
/// # Errors
/// Returns [`AdminError::File`] if a header, a footer or a flag cannot be read.
pub fn write(page: &OverviewPage<'_>) -> Result<String, AdminError> {
    let title = page.args.title.as_deref().unwrap_or(TITLE);
    let utc = rfc822(page.now).replace("GMT", "UTC");
    let rendered = |part: Result<String, askama::Error>| {
        part.expect("a template that is written into memory does not fail")
    };
    let head = match &page.args.html_header {
        Some(path) => filled_in(&read_text(path)?, title, &utc),
        None => rendered(OverviewHead { title }.render()) + "\n",
    };
    let foot = match &page.args.html_footer {
        Some(path) => filled_in(&read_text(path)?, title, &utc),
        None => rendered(OverviewFoot { utc: &utc }.render()) + "\n",
    };
    let markers = page.markers.iter().enumerate();
    let table = OverviewTable {
        caption: page.args.caption.as_deref().unwrap_or(CAPTION),
        columns: FIRST_COLUMNS + page.markers.len(),
        markers: markers
            .map(|(place, marker)| MarkerColumn {
                class: class(place),
                name: plain(&marker.name),
            })
            .collect(),
        rows: shown_rows(page)?,
    };
    Ok(format!("{head}{}\n{foot}", rendered(table.render())))
}

/// MirrorBrain counts columns from 1.
fn class(place: usize) -> &'static str {
    if place.is_multiple_of(2) { "a" } else { "b" }
}

fn shown_rows(page: &OverviewPage<'_>) -> Result<Vec<ShownRow>, AdminError> {
    let mut last = None;
    let mut shown = Vec::new();
    for (place, row) in page.rows.iter().enumerate() {
        let mirror = &row.mirror;
        let region = mirror.region.to_ascii_lowercase();
        let is_new = last.replace(region.clone()) != Some(region.clone());
        let marks = row.has.iter().enumerate();
        shown.push(ShownRow {
            is_odd: place.is_multiple_of(2),
            region: is_new.then(|| plain(&page.names.region(&region))),
            repeats_markers: (place + 1).is_multiple_of(ROWS_WITHOUT_NAMES),
            flag: flag(page.args, &mirror.country)?,
            country: plain(&page.names.country(&mirror.country)),
            operator: plain(operator(mirror)),
            operator_url: link(&mirror.operator_url, &[Scheme::Http, Scheme::Https]),
            urls: links(mirror),
            stars: stars(mirror.score),
            marks: marks
                .map(|(place, has)| ShownMark {
                    class: class(place),
                    has: *has,
                })
                .collect(),
        });
    }
    Ok(shown)
}

/// The operator, or the mirror's name if the operator is unknown.
fn operator(mirror: &MirrorRecord) -> &str {
    match mirror.operator_name.is_empty() {
        true => &mirror.identifier,
        false => &mirror.operator_name,
    }
}

/// Links to the mirror, none where it does not answer.
fn links(mirror: &MirrorRecord) -> [ShownLink; 3] {
    const OF_CLIENTS: [Scheme; 3] = [Scheme::Http, Scheme::Https, Scheme::Ftp];
    let shown = |word, url: &str, schemes: &[Scheme]| ShownLink {
        word,
        href: link(url, schemes).filter(|_| mirror.alive),
    };
    [
        shown("HTTP", &mirror.base_url, &OF_CLIENTS),
        shown("FTP", &mirror.ftp_url, &[Scheme::Ftp, Scheme::Ftps]),
        shown("rsync", &mirror.rsync_url, &[Scheme::Rsync]),
    ]
}

fn link(url: &str, schemes: &[Scheme]) -> Option<String> {
    let scheme = Scheme::of(url)?;
    let is_link = schemes.contains(&scheme) && !url.contains(char::is_control);
    is_link.then(|| without_login(url))
}

/// As MirrorBrain shows scores.
fn stars(score: i64) -> &'static str {
    match score {
        ..50 => "*",
        50..100 => "**",
        100 => "***",
        _ => "****",
    }
}

/// Path or URL of a country's flag.
fn flag(args: &MirrorlistArgs, country: &str) -> Result<Option<String>, AdminError> {
    let code = country.to_ascii_lowercase();
    let is_code = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_lowercase());
    let wanted = args
        .image_type
        .or(args.inline_images_from.as_ref().map(|_| ImageArg::Png));
    let Some(kind) = wanted.filter(|_| is_code).map(ImageArg::as_str) else {
        return Ok(None);
    };
    let Some(folder) = &args.inline_images_from else {
        return Ok(Some(format!("flags/{code}.{kind}")));
    };
    let path = folder.join(format!("{code}.{kind}"));
    let bytes = read(&path)?;
    let data = STANDARD.encode(bytes);
    Ok(Some(format!("data:image/{kind};base64,{data}")))
}

/// A text without what XML cannot have.
fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// A part of the admin's, with MirrorBrain's two variables.
fn filled_in(text: &str, title: &str, utc: &str) -> String {
    let mut escaped = Vec::new();
    html_into(&mut escaped, title.as_bytes());
    let title = String::from_utf8_lossy(&escaped);
    let parts = text.split("%%");
    let filled = parts.map(|part| part.replace("%(title)s", &title).replace("%(utc)s", utc));
    filled.collect::<Vec<_>>().join("%")
}

fn read(path: &Path) -> Result<Vec<u8>, AdminError> {
    regular_file::read(path, PART_BYTES_MAX).map_err(|source| AdminError::File {
        doing: "read",
        path: path.to_owned(),
        source,
    })
}

fn read_text(path: &Path) -> Result<String, AdminError> {
    Ok(String::from_utf8_lossy(&read(path)?).into_owned())
}
