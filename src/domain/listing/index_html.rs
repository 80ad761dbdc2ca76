//! Feeds an index page in HTML or XML to [`Page`], tag by tag and with bounded memory. [`Page`]
//! knows what tags and text mean.
//!
//! The tokenizer is `html5gum`: it follows the HTML standard for any bytes, reads a stream, and
//! lets us decide what is kept, so that an endless attribute or text takes no memory. (`html5ever`
//! requires UTF-8, which file names need not be; `lol_html` contains a rewriter and CSS selectors.)

use std::convert::Infallible;
use std::io::Read;

use html5gum::{Emitter, Error, IoReader, State, Tokenizer};

use super::index_entry::{IndexEntry, IndexPage, PageError};
use super::index_link::PageAddress;
use super::index_page::{Page, Tag};
use crate::domain::path::PATH_BYTES_MAX;

/// Longest attribute value that is kept: a path with each byte written as `%XX`, and a host.
const VALUE_BYTES_MAX: usize = 3 * PATH_BYTES_MAX + 1024;

/// Longest name of a tag or an attribute that is kept; all relevant ones are shorter.
const NAME_BYTES_MAX: usize = 24;

/// Reads a page; `each` gets every entry as soon as it is read.
pub(super) fn read_html(
    source: impl Read,
    address: &PageAddress,
    each: &mut dyn FnMut(IndexEntry, &[u8]),
) -> Result<IndexPage, PageError> {
    let mut page = Page::new(address, each);
    let mut tokenizer = Tokenizer::new_with_emitter(IoReader::new(source), Tags::new(&mut page));
    // The emitter produces no tokens, so the first item is the end or an error.
    if let Some(Err(error)) = tokenizer.next() {
        return Err(PageError::Read(error));
    }
    page.finish()
}

/// Collects the relevant parts of the tag that is being read.
struct Tags<'p, 'a> {
    page: &'p mut Page<'a>,
    name: Vec<u8>,
    is_end: bool,
    attribute: Vec<u8>,
    value: Vec<u8>,
    /// Whether the value exceeds the limit; then it is dropped, because a part of it would be
    /// another value. Of a link it is kept: such a name is impossible whatever follows.
    is_overlong: bool,
    tag: Tag,
    last_start: Vec<u8>,
}

impl<'p, 'a> Tags<'p, 'a> {
    fn new(page: &'p mut Page<'a>) -> Tags<'p, 'a> {
        Tags {
            page,
            name: Vec::new(),
            is_end: false,
            attribute: Vec::new(),
            value: Vec::new(),
            is_overlong: false,
            tag: Tag::default(),
            last_start: Vec::new(),
        }
    }

    fn init_tag(&mut self, is_end: bool) {
        self.name.clear();
        self.attribute.clear();
        self.value.clear();
        self.is_overlong = false;
        self.is_end = is_end;
        self.tag = Tag::default();
    }

    fn keep_attribute(&mut self) {
        let value = std::mem::take(&mut self.value);
        let is_overlong = std::mem::take(&mut self.is_overlong) && self.attribute != b"href";
        if is_overlong || self.is_end {
            return;
        }
        let slot = match self.attribute.as_slice() {
            b"href" => &mut self.tag.href,
            b"colspan" => &mut self.tag.columns,
            b"type" => &mut self.tag.kind,
            b"datetime" | b"mtime" => &mut self.tag.time,
            b"size" | b"data-size" | b"data-order" | b"data-sort" => &mut self.tag.size,
            _ => return,
        };
        slot.get_or_insert(value);
    }
}

/// Appends as many bytes as fit; returns whether all did.
fn push(out: &mut Vec<u8>, more: &[u8], bytes_max: usize) -> bool {
    let free = bytes_max.saturating_sub(out.len());
    out.extend_from_slice(&more[..more.len().min(free)]);
    more.len() <= free
}

impl Emitter for Tags<'_, '_> {
    type Token = Infallible;

    fn set_last_start_tag(&mut self, last_start_tag: Option<&[u8]>) {
        self.last_start = last_start_tag.unwrap_or_default().to_vec();
    }

    fn emit_eof(&mut self) {}

    fn emit_error(&mut self, _: Error) {}

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    fn pop_token(&mut self) -> Option<Infallible> {
        None
    }

    fn emit_string(&mut self, text: &[u8]) {
        self.page.text(text);
    }

    fn init_start_tag(&mut self) {
        self.init_tag(false);
    }

    fn init_end_tag(&mut self) {
        self.init_tag(true);
    }

    fn init_comment(&mut self) {}

    fn emit_current_tag(&mut self) -> Option<State> {
        self.keep_attribute();
        if self.is_end {
            self.page.close(&self.name);
            return None;
        }
        self.page.open(&self.name, &self.tag);
        self.last_start.clone_from(&self.name);
        match self.name.as_slice() {
            b"script" => Some(State::ScriptData),
            b"style" | b"xmp" | b"iframe" => Some(State::RawText),
            b"title" | b"textarea" => Some(State::RcData),
            _ => None,
        }
    }

    fn emit_current_comment(&mut self) {}

    fn emit_current_doctype(&mut self) {}

    fn set_self_closing(&mut self) {}

    fn set_force_quirks(&mut self) {}

    fn push_tag_name(&mut self, name: &[u8]) {
        // A truncated name equals no relevant name, because those are shorter than the limit.
        push(&mut self.name, name, NAME_BYTES_MAX);
    }

    fn push_comment(&mut self, _: &[u8]) {}

    fn push_doctype_name(&mut self, _: &[u8]) {}

    fn init_doctype(&mut self) {}

    fn init_attribute(&mut self) {
        self.keep_attribute();
        self.attribute.clear();
    }

    fn push_attribute_name(&mut self, name: &[u8]) {
        push(&mut self.attribute, name, NAME_BYTES_MAX);
    }

    fn push_attribute_value(&mut self, value: &[u8]) {
        self.is_overlong |= !push(&mut self.value, value, VALUE_BYTES_MAX);
    }

    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}

    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}

    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}

    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.is_end && !self.name.is_empty() && self.name == self.last_start
    }
}
