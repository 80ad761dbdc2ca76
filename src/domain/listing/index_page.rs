//! Interprets the tags and the text of an index page.
//!
//! A *line* is a row of a table, an item of a list, a line of preformatted text, or the text
//! between two links that nothing else separates. Its first link to a child is an entry, and the
//! words after that link are its fields (with serve-index the words inside of the link, with IIS
//! those before it). If a table has a heading, its words determine which column has sizes.

use super::index_bucket::Bucket;
use super::index_entry::{IndexEntry, IndexPage, OtherListing, PageError};
use super::index_field::{CELL_END, EXACT_MARK, IndexFields, read_fields, with_decimal_units};
use super::index_link::{Link, PageAddress};
use super::index_table::Columns;
use super::listed::is_name;
use crate::domain::path::PATH_BYTES_MAX;

/// Largest number of bytes of a line that are kept beside the link: fields come first, descriptions
/// after them.
const TEXT_BYTES_MAX: usize = 512;

/// Largest number of bytes of a title that are kept.
const TITLE_BYTES_MAX: usize = 200;

/// Words in titles and headings of indexes, in lower case.
const TITLES: [&[u8]; 5] = [
    b"index of",
    b"directory listing",
    b"listing directory",
    b"listing:",
    b"files within",
];

/// The relevant attributes of a tag.
#[derive(Debug, Default)]
pub(super) struct Tag {
    pub href: Option<Vec<u8>>,
    /// `type` of an `<input>`.
    pub kind: Option<Vec<u8>>,
    /// `datetime` of a `<time>`, `mtime` in nginx's XML.
    pub time: Option<Vec<u8>>,
    /// An attribute with the number that the text shows, or `size` in nginx's XML.
    pub size: Option<Vec<u8>>,
    /// `colspan` of a cell.
    pub columns: Option<Vec<u8>>,
}

/// A page that is being read.
pub(super) struct Page<'a> {
    address: &'a PageAddress,
    /// The address with the page's own base for relative links.
    based: Option<PageAddress>,
    each: &'a mut dyn FnMut(IndexEntry, &[u8]),
    line: PageLine,
    /// The text of the title, heading or link that is open.
    open_text: Option<PageText>,
    title: Vec<u8>,
    /// Numbers of open `<pre>`, `<table>` and `<ul>`.
    containers: [u32; 3],
    columns: Columns,
    /// The listing of a bucket, if the page is one.
    bucket: Option<Bucket>,
    signs: Signs,
    entries: u64,
    has_fields: bool,
    /// The first entry whose name no file can have.
    unreadable: Option<Vec<u8>>,
}

/// Signs that tell an index from another page.
#[derive(Default)]
struct Signs {
    is_titled: bool,
    /// Its title has a whole URL: merecat's, whose sizes are powers of ten.
    is_decimal: bool,
    has_parent: bool,
    has_sorting: bool,
    has_password: bool,
    /// An entry with a size or a time is in a table, a list or preformatted text.
    has_row: bool,
    is_xml: bool,
    is_closed: bool,
    /// The page's `<base>` is on another server.
    is_foreign: bool,
    /// A link would be an entry if it had another base or host.
    has_stray: bool,
    /// A link shows a directory by a query.
    has_query: bool,
    has_directory: bool,
    /// The page is a listing of a kind that is not read.
    other: Option<OtherListing>,
}

#[derive(Default)]
struct PageLine {
    before: Vec<u8>,
    after: Vec<u8>,
    /// Text inside of the link, after the name.
    inside: Vec<u8>,
    entry: Option<(Vec<u8>, bool)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PageElement {
    Title,
    Parent,
    Link,
    XmlName { is_dir: bool },
}

struct PageText {
    element: PageElement,
    text: Vec<u8>,
}

impl<'a> Page<'a> {
    pub fn new(address: &'a PageAddress, each: &'a mut dyn FnMut(IndexEntry, &[u8])) -> Page<'a> {
        Page {
            address,
            based: None,
            each,
            line: PageLine::default(),
            open_text: None,
            title: Vec::new(),
            containers: [0; 3],
            columns: Columns::default(),
            bucket: None,
            signs: Signs::default(),
            entries: 0,
            has_fields: false,
            unreadable: None,
        }
    }

    pub fn open(&mut self, name: &[u8], tag: &Tag) {
        if let Some(bucket) = &mut self.bucket {
            return bucket.open(name);
        }
        if let Some(depth) = self.container(name) {
            *depth = depth.saturating_add(1);
        }
        match name {
            b"a" => self.link(tag),
            b"base" => self.base(tag),
            b"title" | b"h1" | b"h4" => self.begin_text(PageElement::Title),
            b"input" => {
                let is_password = |kind: &Vec<u8>| kind.eq_ignore_ascii_case(b"password");
                self.signs.has_password |= tag.kind.as_ref().is_some_and(is_password);
            }
            b"list" => self.signs.is_xml = true,
            b"listbucketresult" => self.bucket = Some(Bucket::new(self.address.key_prefix())),
            b"enumerationresults" => self.signs.other = Some(OtherListing::Azure),
            b"catalogref" | b"dataset" => self.signs.other = Some(OtherListing::Thredds),
            b"file" | b"directory" if self.signs.is_xml => self.xml_entry(name, tag),
            b"time" => {
                self.part();
                if let Some(time) = &tag.time {
                    self.push_beside(time);
                    self.push_beside(&[CELL_END]);
                }
            }
            b"td" | b"th" => {
                self.push_beside(&[CELL_END]);
                let mark = self.columns.open_cell(tag.columns.as_deref());
                if let Some(mark) = mark {
                    self.push_beside(&mark);
                }
                if let Some(size) = &tag.size {
                    self.push_beside(&[EXACT_MARK]);
                    self.push_beside(size);
                    self.push_beside(b" ");
                }
            }
            _ if is_part(name) => self.part(),
            _ => {}
        }
        if is_break(name) {
            self.end_line();
        }
        self.end_row(name);
        if name == b"table" {
            self.columns = Columns::default();
        }
    }

    pub fn close(&mut self, name: &[u8]) {
        if let Some(bucket) = &mut self.bucket {
            if name == b"listbucketresult" {
                self.signs.is_closed = true;
            }
            let (entries, each) = (&mut self.entries, &mut self.each);
            return bucket.close(name, &mut |entry, name| {
                *entries += 1;
                each(entry, name);
            });
        }
        match name {
            b"a" | b"title" | b"h1" | b"h4" | b"file" | b"directory" => self.end_text(),
            b"td" | b"th" => self.push_beside(&[CELL_END]),
            _ if is_part(name) => self.part(),
            b"html" | b"body" | b"list" => self.signs.is_closed = true,
            _ => {}
        }
        if is_break(name) {
            self.end_line();
        }
        self.end_row(name);
        if let Some(depth) = self.container(name) {
            *depth = depth.saturating_sub(1);
        }
    }

    pub fn text(&mut self, text: &[u8]) {
        if let Some(bucket) = &mut self.bucket {
            return bucket.text(text);
        }
        self.columns.text(text);
        if let Some(open) = &mut self.open_text {
            let bytes_max = match open.element {
                PageElement::XmlName { .. } => PATH_BYTES_MAX + 1,
                // A name and the text after it.
                PageElement::Link => PATH_BYTES_MAX + TEXT_BYTES_MAX,
                _ => TITLE_BYTES_MAX,
            };
            push(&mut open.text, text, bytes_max);
            return;
        }
        if self.containers[0] == 0 {
            self.push_beside(text);
            return;
        }
        let mut lines = text.split(|&byte| byte == b'\n');
        if let Some(first) = lines.next() {
            self.push_beside(first);
        }
        for line in lines {
            self.end_line();
            self.push_beside(line);
        }
    }

    pub fn finish(mut self) -> Result<IndexPage, PageError> {
        self.end_text();
        self.end_line();
        let signs = &self.signs;
        if let Some(mut bucket) = self.bucket {
            if !signs.is_closed {
                return Err(PageError::Truncated);
            }
            return Ok(IndexPage {
                entries: self.entries,
                has_fields: true,
                unreadable: bucket.take_unreadable(),
                bucket: Some(bucket.finish()?),
            });
        }
        if let Some(other) = self.other_listing() {
            return Err(PageError::OtherListing(other));
        }
        if signs.has_password {
            return Err(PageError::Login);
        }
        if signs.is_foreign || (signs.has_stray && self.entries == 0) {
            return Err(PageError::Elsewhere);
        }
        let is_index = signs.is_titled
            || signs.has_parent
            || signs.has_sorting
            || signs.has_row
            || signs.is_xml;
        if !is_index {
            let title = String::from_utf8_lossy(&self.title);
            let printable = |char: char| if char.is_control() { '?' } else { char };
            return Err(PageError::NotAnIndex {
                title: title.trim().chars().map(printable).collect(),
            });
        }
        let is_open = self.containers.iter().any(|depth| *depth > 0) || signs.is_xml;
        if is_open && !signs.is_closed {
            return Err(PageError::Truncated);
        }
        Ok(IndexPage {
            entries: self.entries,
            has_fields: self.has_fields,
            unreadable: self.unreadable,
            bucket: None,
        })
    }

    fn other_listing(&self) -> Option<OtherListing> {
        if contains(&self.title.to_ascii_lowercase(), b"tdsstaticcatalog") {
            return Some(OtherListing::Thredds);
        }
        let by_query = self.signs.has_query && !self.signs.has_directory;
        self.signs
            .other
            .or(by_query.then_some(OtherListing::ByQuery))
    }

    fn container(&mut self, name: &[u8]) -> Option<&mut u32> {
        match name {
            b"pre" => Some(&mut self.containers[0]),
            b"table" => Some(&mut self.containers[1]),
            b"ul" => Some(&mut self.containers[2]),
            _ => None,
        }
    }

    fn link(&mut self, tag: &Tag) {
        self.end_text();
        let mut element = PageElement::Link;
        match tag.href.as_ref().map(|href| self.resolve(href)) {
            Some(Link::Child { name, is_dir }) => {
                // An icon and a name may link to the same child.
                let is_other = |entry: &(Vec<u8>, bool)| entry.0 != name;
                if self.line.entry.as_ref().is_some_and(is_other) {
                    self.end_line();
                }
                self.signs.has_directory |= is_dir;
                self.line.entry = Some((name, is_dir));
            }
            Some(Link::Parent) => element = PageElement::Parent,
            Some(Link::Sorted) => self.signs.has_sorting = true,
            Some(Link::Query) => self.signs.has_query = true,
            Some(Link::Impossible(name)) => {
                self.unreadable.get_or_insert(name);
            }
            Some(Link::Catalog) => self.signs.other = Some(OtherListing::Thredds),
            Some(Link::Elsewhere) => {
                let href = tag.href.as_deref().unwrap_or_default();
                self.signs.has_stray |= self.address.is_child_elsewhere(href);
            }
            None => {}
        }
        self.begin_text(element);
    }

    fn resolve(&mut self, href: &[u8]) -> Link {
        let link = self.based.as_ref().unwrap_or(self.address).resolve(href);
        let is_stray = link == Link::Elsewhere
            && matches!(
                self.address.without_base().resolve(href),
                Link::Child { .. }
            );
        self.signs.has_stray |= is_stray;
        link
    }

    /// The first `<base>` of a page counts (HTML §4.2.3).
    fn base(&mut self, tag: &Tag) {
        let Some(href) = tag.href.as_ref().filter(|_| self.based.is_none()) else {
            return;
        };
        let based = self.address.with_base(href);
        self.signs.is_foreign |= based.is_none();
        self.based = Some(based.unwrap_or_else(|| self.address.clone()));
    }

    fn begin_text(&mut self, element: PageElement) {
        self.end_text();
        self.open_text = Some(PageText {
            element,
            text: Vec::new(),
        });
    }

    /// Ends the open text and interprets it.
    fn end_text(&mut self) {
        let Some(PageText { element, text }) = self.open_text.take() else {
            return;
        };
        let lower = text.to_ascii_lowercase();
        match element {
            PageElement::Title => {
                let says = |words: &[u8]| contains(&lower, words);
                self.signs.is_titled |= TITLES.into_iter().any(says);
                self.signs.is_decimal |= says(b"index of http://") || says(b"index of https://");
                if self.title.is_empty() {
                    self.title = text;
                }
            }
            PageElement::Parent => {
                let is_named = contains(&lower, b"parent") || lower.trim_ascii().starts_with(b"..");
                self.signs.has_parent |= is_named;
            }
            PageElement::Link => self.take_inside(&text),
            PageElement::XmlName { is_dir } => {
                if is_name(&text) {
                    self.line.entry = Some((text, is_dir));
                } else if !matches!(&text[..], b"." | b"..") {
                    self.unreadable.get_or_insert(text);
                }
                self.end_line();
            }
        }
    }

    fn xml_entry(&mut self, name: &[u8], tag: &Tag) {
        self.end_line();
        for value in [&tag.time, &tag.size].into_iter().flatten() {
            push(&mut self.line.after, value, TEXT_BYTES_MAX);
            push(&mut self.line.after, &[CELL_END], TEXT_BYTES_MAX);
        }
        let is_dir = name == b"directory";
        self.begin_text(PageElement::XmlName { is_dir });
    }

    /// Starts a new part of a link's text.
    fn part(&mut self) {
        if let Some(PageText { text, .. }) = &mut self.open_text
            && text.last().is_some_and(|last| *last != CELL_END)
        {
            text.push(CELL_END);
        }
    }

    /// Takes the parts of a link's text after the name as fields, if the link contains the whole
    /// line.
    fn take_inside(&mut self, text: &[u8]) {
        let Some((name, _)) = &self.line.entry else {
            return;
        };
        let mut parts = text.split(|&byte| byte == CELL_END);
        let is_name = |part: &&[u8]| {
            let part = part.trim_ascii();
            part.strip_suffix(b"/").unwrap_or(part) == *name
        };
        match parts.clone().any(|part| is_name(&part)) {
            true => parts.find(is_name),
            false => parts.find(|part| !part.trim_ascii().is_empty()),
        };
        for part in parts {
            push(&mut self.line.inside, part, TEXT_BYTES_MAX);
            push(&mut self.line.inside, &[CELL_END], TEXT_BYTES_MAX);
        }
    }

    fn push_beside(&mut self, text: &[u8]) {
        let side = match self.line.entry {
            Some(_) => &mut self.line.after,
            None => &mut self.line.before,
        };
        push(side, text, TEXT_BYTES_MAX);
    }

    fn end_row(&mut self, tag: &[u8]) {
        if matches!(tag, b"tr" | b"table" | b"tbody") {
            self.columns.end_row();
        }
    }

    fn end_line(&mut self) {
        if let Some((name, is_dir)) = self.line.entry.take() {
            let mut fields = read_fields(&self.line.after);
            if !fields.is_any {
                fields = read_fields(&self.line.inside).sure();
            }
            if self.columns.has_heading() {
                fields = fields.or(read_fields(&self.line.before));
            } else if !fields.is_any {
                fields = read_fields(&self.line.before).sure();
            }
            self.columns.mark_entry();
            self.give(&name, is_dir, fields);
        }
        self.line.before.clear();
        self.line.after.clear();
        self.line.inside.clear();
    }

    fn give(&mut self, name: &[u8], is_dir: bool, mut fields: IndexFields) {
        if self.signs.is_decimal {
            fields.file.size = with_decimal_units(fields.file.size);
        }
        self.entries += 1;
        self.has_fields |= fields.is_any;
        let is_inside = self.containers.iter().any(|depth| *depth > 0);
        self.signs.has_row |= fields.is_any && is_inside;
        let entry = if is_dir || fields.is_dir {
            IndexEntry::Directory
        } else {
            IndexEntry::File(fields.file)
        };
        (self.each)(entry, name);
    }
}

/// Whether a tag separates parts of a link's text.
fn is_part(name: &[u8]) -> bool {
    matches!(name, b"span" | b"div" | b"p" | b"small" | b"time")
}

/// Whether a tag begins or ends a line.
fn is_break(name: &[u8]) -> bool {
    matches!(
        name,
        b"br" | b"tr" | b"li" | b"hr" | b"pre" | b"table" | b"ul" | b"body" | b"tbody"
    )
}

fn contains(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len()).any(|window| window == words)
}

fn push(out: &mut Vec<u8>, more: &[u8], bytes_max: usize) {
    let free = bytes_max.saturating_sub(out.len());
    out.extend_from_slice(&more[..more.len().min(free)]);
}
