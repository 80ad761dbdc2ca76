//! What the tags and the text of an index page mean.
//!
//! A *line* is a row of a table, an item of a list, a line of preformatted text, or what lies
//! between two links where nothing else separates them. Its first link to a child is an entry,
//! the words behind that link (IIS: before it; serve-index: inside it) are its fields. A table's
//! heading tells which column has the sizes.

use super::index_entry::{IndexEntry, IndexPage, PageError};
use super::index_field::{CELL_END, EXACT_MARK, IndexFields, NUMBER_CELL, SIZE_CELL, read_fields};
use super::index_link::{Link, PageAddress};

/// Bytes of a line that are kept beside the link: fields come first, descriptions after them.
const TEXT_BYTES_MAX: usize = 512;

/// Bytes of titles and link texts that are kept.
const TITLE_BYTES_MAX: usize = 200;

/// Columns of a table that are counted; what is beyond them has no meaning.
const COLUMNS_MAX: usize = 64;

/// Headings of columns of sizes.
const SIZE_HEADINGS: [&[u8]; 9] = [
    b"size",
    b"filesize",
    b"bytes",
    b"length",
    b"gr\xc3\xb6\xc3\x9fe",
    b"taille",
    b"tama\xc3\xb1o",
    b"dimensione",
    b"tamanho",
];

/// Headings of columns of other numbers.
const NUMBER_HEADINGS: [&[u8]; 12] = [
    b"#",
    b"no",
    b"no.",
    b"nr",
    b"nr.",
    b"id",
    b"count",
    b"downloads",
    b"hits",
    b"views",
    b"files",
    b"items",
];

/// Arguments of links that name a directory in place of its path.
const DIRECTORY_ARGUMENTS: [&[u8]; 5] = [b"dir=", b"path=", b"folder=", b"directory=", b"prefix="];

/// Attributes of a tag that matter.
#[derive(Debug, Default)]
pub(super) struct Tag {
    pub href: Option<Vec<u8>>,
    /// Names that style sheets know it by.
    pub class: Option<Vec<u8>>,
    /// Columns that a cell takes.
    pub columns: Option<Vec<u8>>,
    /// `type` of an input.
    pub kind: Option<Vec<u8>>,
    /// `datetime` of a `time`, `mtime` of nginx's XML.
    pub time: Option<Vec<u8>>,
    /// A number beside what is shown, or `size` of nginx's XML.
    pub size: Option<Vec<u8>>,
}

/// A page in progress.
pub(super) struct Page<'a> {
    address: &'a PageAddress,
    /// The address with the page's own base for relative links.
    based: Option<PageAddress>,
    has_base: bool,
    each: &'a mut dyn FnMut(IndexEntry, &[u8]),
    line: PageLine,
    /// The text of a title, a heading or a link, while one is open.
    heard: Option<PageText>,
    title: Vec<u8>,
    /// `<pre>`, `<table>`, `<ul>` that are open.
    containers: [u32; 3],
    table: PageTable,
    /// An element whose class says that it is a size or a time.
    is_field: bool,
    signs: Signs,
    entries: u64,
    has_fields: bool,
}

/// What tells an index from another page.
#[derive(Default)]
struct Signs {
    is_titled: bool,
    has_parent: bool,
    has_sorting: bool,
    has_password: bool,
    /// An entry with a size or a time, in a table, a list or preformatted text.
    has_row: bool,
    is_xml: bool,
    is_closed: bool,
    /// Its base lies on another server.
    is_foreign: bool,
    /// A link that would be an entry, but for the base or the host.
    has_stray: bool,
    /// A listing of a kind that is not read.
    other: Option<&'static str>,
}

/// The table that is read.
#[derive(Default)]
struct PageTable {
    /// What stands before the cells of a column, for the columns with a heading.
    marks: Vec<Option<u8>>,
    is_head: bool,
    /// The column of the next cell.
    next: usize,
    /// The text of a heading and its columns, while it is open.
    heading: Option<(Vec<u8>, usize)>,
}

impl PageTable {
    /// Begins a cell; says what its column has.
    fn cell(&mut self, name: &[u8], tag: &Tag) -> Option<u8> {
        self.end_heading();
        let said = tag.columns.as_deref().and_then(|columns| {
            let columns = std::str::from_utf8(columns).ok()?;
            columns.trim().parse::<usize>().ok()
        });
        let columns = said.unwrap_or(1).clamp(1, COLUMNS_MAX);
        let mark = self.marks.get(self.next).copied().flatten();
        self.next = (self.next + columns).min(COLUMNS_MAX);
        if name != b"th" && !self.is_head {
            return mark;
        }
        self.heading = Some((Vec::new(), columns));
        None
    }

    fn end_heading(&mut self) {
        let Some((text, columns)) = self.heading.take() else {
            return;
        };
        let lower = text.to_ascii_lowercase();
        let is_letter = |byte: &u8| !byte.is_ascii_whitespace();
        let mut words = lower.split(|byte| !is_letter(byte));
        let is_one_of = |word: &[u8], names: &[&[u8]]| names.contains(&word);
        let mark = words.find_map(|word| {
            if is_one_of(word, &SIZE_HEADINGS) {
                Some(SIZE_CELL)
            } else {
                is_one_of(word, &NUMBER_HEADINGS).then_some(NUMBER_CELL)
            }
        });
        let first = self.next.saturating_sub(columns);
        self.marks.resize(self.marks.len().max(self.next), None);
        if let Some(column) = self.marks.get_mut(first) {
            *column = mark;
        }
    }

    fn has_sizes(&self) -> bool {
        self.marks.contains(&Some(SIZE_CELL))
    }
}

#[derive(Default)]
struct PageLine {
    before: Vec<u8>,
    after: Vec<u8>,
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
    what: PageElement,
    text: Vec<u8>,
}

impl<'a> Page<'a> {
    pub fn new(address: &'a PageAddress, each: &'a mut dyn FnMut(IndexEntry, &[u8])) -> Page<'a> {
        Page {
            table: PageTable::default(),
            is_field: false,
            address,
            based: address.own_base(),
            has_base: false,
            each,
            line: PageLine::default(),
            heard: None,
            title: Vec::new(),
            containers: [0; 3],
            signs: Signs::default(),
            entries: 0,
            has_fields: false,
        }
    }

    pub fn open(&mut self, name: &[u8], tag: &Tag) {
        if let Some(depth) = self.container(name) {
            *depth = depth.saturating_add(1);
        }
        match name {
            b"a" => self.link(tag),
            b"base" => self.base(tag),
            b"title" | b"h1" | b"h4" => self.listen(PageElement::Title),
            b"listbucketresult" => self.signs.other = Some("a bucket's listing"),
            b"dataset" => self.signs.other = Some("a THREDDS catalogue"),
            b"table" => self.table = PageTable::default(),
            b"thead" => self.table.is_head = true,
            b"tr" => {
                self.table.end_heading();
                self.table.next = 0;
            }
            b"span" | b"div" | b"p" if names_a_field(tag) => {
                self.is_field = true;
                self.beside(&[CELL_END]);
            }
            b"input" => {
                let is_password = |kind: &Vec<u8>| kind.eq_ignore_ascii_case(b"password");
                self.signs.has_password |= tag.kind.as_ref().is_some_and(is_password);
            }
            b"list" => self.signs.is_xml = true,
            b"file" | b"directory" if self.signs.is_xml => self.xml_entry(name, tag),
            b"time" => {
                if let Some(time) = &tag.time {
                    self.beside(time);
                    self.beside(&[CELL_END]);
                }
            }
            b"td" | b"th" => {
                self.beside(&[CELL_END]);
                if let Some(mark) = self.table.cell(name, tag) {
                    self.beside(&[mark, b' ']);
                }
                if let Some(size) = &tag.size {
                    self.beside(&[EXACT_MARK]);
                    self.beside(size);
                    self.beside(b" ");
                }
            }
            _ => {}
        }
        if is_break(name) {
            self.end_line();
        }
    }

    pub fn close(&mut self, name: &[u8]) {
        match name {
            b"a" | b"title" | b"h1" | b"file" | b"directory" => self.heard(),
            b"thead" => {
                self.table.end_heading();
                self.table.is_head = false;
            }
            b"td" | b"th" => {
                self.table.end_heading();
                self.beside(&[CELL_END]);
            }
            b"span" | b"div" | b"p" if self.is_field => {
                self.is_field = false;
                self.beside(&[CELL_END]);
            }
            b"html" | b"body" | b"list" => self.signs.is_closed = true,
            _ => {}
        }
        if is_break(name) {
            self.end_line();
        }
        if let Some(depth) = self.container(name) {
            *depth = depth.saturating_sub(1);
        }
    }

    pub fn text(&mut self, text: &[u8]) {
        if let Some((heading, _)) = &mut self.table.heading {
            push(heading, text, TITLE_BYTES_MAX);
        }
        if self.is_field && self.line.entry.is_some() {
            self.beside(text);
            return;
        }
        if let Some(heard) = &mut self.heard {
            let bytes_max = match heard.what {
                PageElement::XmlName { .. } => crate::domain::path::PATH_BYTES_MAX + 1,
                _ => TITLE_BYTES_MAX,
            };
            push(&mut heard.text, text, bytes_max);
            return;
        }
        if self.containers[0] == 0 {
            self.beside(text);
            return;
        }
        let mut lines = text.split(|&byte| byte == b'\n');
        if let Some(first) = lines.next() {
            self.beside(first);
        }
        for line in lines {
            self.end_line();
            self.beside(line);
        }
    }

    pub fn finish(mut self) -> Result<IndexPage, PageError> {
        self.heard();
        self.end_line();
        let signs = &self.signs;
        if signs.has_password {
            return Err(PageError::Login);
        }
        if let Some(kind) = signs.other {
            return Err(PageError::OtherListing { kind });
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
        })
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
        self.heard();
        let mut what = PageElement::Link;
        match tag.href.as_ref().map(|href| self.resolve(href)) {
            Some(Link::Child { name, is_dir }) => {
                // An icon and a name may link to the same.
                let is_other = |entry: &(Vec<u8>, bool)| entry.0 != name;
                if self.line.entry.as_ref().is_some_and(is_other) {
                    self.end_line();
                }
                self.line.entry = Some((name, is_dir));
            }
            Some(Link::Parent) => what = PageElement::Parent,
            Some(Link::Sorted) => self.signs.has_sorting = true,
            Some(Link::Elsewhere) => {
                let href = tag.href.as_deref().unwrap_or_default();
                if names_a_directory(href) {
                    self.signs.other = Some("a page that names directories by arguments (`?dir=`)");
                }
                self.signs.has_stray |= self.address.is_child_elsewhere(href);
            }
            None => {}
        }
        self.listen(what);
    }

    fn resolve(&mut self, href: &[u8]) -> Link {
        let Some(based) = &self.based else {
            return self.address.resolve(href);
        };
        let link = based.resolve(href);
        let is_stray = link == Link::Elsewhere
            && matches!(self.address.resolve_here(href), Link::Child { .. });
        self.signs.has_stray |= is_stray;
        link
    }

    /// The first base of a page holds (HTML, 4.2.3).
    fn base(&mut self, tag: &Tag) {
        let Some(href) = tag.href.as_ref().filter(|_| !self.has_base) else {
            return;
        };
        self.has_base = true;
        let based = self.address.with_base(href);
        self.signs.is_foreign |= based.is_none();
        self.based = Some(based.unwrap_or_else(|| self.address.clone()));
    }

    fn listen(&mut self, what: PageElement) {
        self.heard();
        self.heard = Some(PageText {
            what,
            text: Vec::new(),
        });
    }

    /// What was listened to is over.
    fn heard(&mut self) {
        let Some(PageText { what, text }) = self.heard.take() else {
            return;
        };
        let lower = text.to_ascii_lowercase();
        match what {
            PageElement::Title => {
                let says = |words: &[u8]| contains(&lower, words);
                self.signs.is_titled |= says(b"index of")
                    || says(b"directory listing")
                    || says(b"listing directory")
                    || lower.trim_ascii_start().starts_with(b"listing:");
                if self.title.is_empty() {
                    self.title = text;
                }
            }
            PageElement::Parent => {
                let is_named = contains(&lower, b"parent") || lower.trim_ascii().starts_with(b"..");
                self.signs.has_parent |= is_named;
            }
            PageElement::Link => {}
            PageElement::XmlName { is_dir } => {
                let is_name = !matches!(text.as_slice(), b"" | b"." | b"..")
                    && text.len() <= crate::domain::path::PATH_BYTES_MAX
                    && !text.iter().any(|&byte| byte == b'/' || byte == 0);
                self.line.entry = is_name.then_some((text, is_dir));
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
        self.listen(PageElement::XmlName { is_dir });
    }

    fn beside(&mut self, text: &[u8]) {
        let side = match self.line.entry {
            Some(_) => &mut self.line.after,
            None => &mut self.line.before,
        };
        push(side, text, TEXT_BYTES_MAX);
    }

    fn end_line(&mut self) {
        if let Some((name, is_dir)) = self.line.entry.take() {
            let fields = if self.table.has_sizes() {
                let row = [&self.line.before[..], &[CELL_END], &self.line.after];
                read_fields(&row.concat())
            } else {
                Some(read_fields(&self.line.after))
                    .filter(|fields| fields.is_any)
                    .unwrap_or_else(|| read_fields(&self.line.before))
            };
            self.give(&name, is_dir, fields);
        }
        self.line.before.clear();
        self.line.after.clear();
    }

    fn give(&mut self, name: &[u8], is_dir: bool, fields: IndexFields) {
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

/// Whether a style sheet would know it for a size or a time.
fn names_a_field(tag: &Tag) -> bool {
    let mut classes = tag
        .class
        .iter()
        .flat_map(|class| class.split(|&byte| byte == b' '));
    classes.any(|class| {
        let is = |name: &&[u8]| class.eq_ignore_ascii_case(name);
        [&b"size"[..], b"date", b"time", b"modified"].iter().any(is)
    })
}

/// Whether a link names a directory by its arguments, so that only this page's files are paths.
fn names_a_directory(href: &[u8]) -> bool {
    let Some(mark) = href.iter().position(|&byte| byte == b'?') else {
        return false;
    };
    let (page, arguments) = href.split_at(mark);
    let is_page = page.is_empty() || page.ends_with(b"/") || page.ends_with(b".php");
    let mut arguments = arguments[1..].split(|&byte| byte == b'&');
    is_page
        && arguments.any(|argument| {
            DIRECTORY_ARGUMENTS
                .iter()
                .any(|name| argument.len() > name.len() && argument.starts_with(name))
        })
}

/// Tags that begin or end a line.
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
