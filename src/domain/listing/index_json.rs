//! Reads index pages in JSON: nginx's `autoindex_format json` and Caddy's.
//!
//! The forms are `[{"name":"x","type":"file","mtime":"Thu, 02 Jan 2020 03:04:05 GMT","size":12},
//! …]` and `[{"name":"x","size":12,"mod_time":"2020-01-02T03:04:05Z","is_dir":false}, …]`. Names
//! need not be UTF-8: nginx writes their bytes unchanged.

use std::fmt;
use std::io::{self, Read};

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::index_date::date;
use super::index_entry::{IndexEntry, IndexPage, PageError};
use super::listed::{ListedFile, ListedSize, ListedTime, is_name};

/// Reads an array of objects, one object at a time.
pub(super) fn read_json(
    source: impl Read,
    each: &mut dyn FnMut(IndexEntry, &[u8]),
) -> Result<IndexPage, PageError> {
    let mut page = IndexPage {
        entries: 0,
        has_fields: true,
        unreadable: None,
        bucket: None,
    };
    let mut deserializer = serde_json::Deserializer::from_reader(io::BufReader::new(source));
    let items = Items {
        each,
        page: &mut page,
    };
    let read = deserializer
        .deserialize_seq(items)
        .and_then(|()| deserializer.end());
    match read {
        Ok(()) => Ok(page),
        Err(error) if error.is_io() => Err(PageError::Read(error.into())),
        Err(error) if error.is_eof() => Err(PageError::Truncated),
        Err(_) => Err(PageError::NotAnIndex {
            title: String::new(),
        }),
    }
}

struct Items<'a> {
    each: &'a mut dyn FnMut(IndexEntry, &[u8]),
    page: &'a mut IndexPage,
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of files")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<Item>()? {
            let name = item.name.strip_suffix(b"/").unwrap_or(&item.name);
            if matches!(name, b"." | b"..") {
                continue;
            }
            if !is_name(name) {
                self.page.unreadable.get_or_insert(item.name);
                continue;
            }
            self.page.entries += 1;
            (self.each)(item.entry(), name);
        }
        Ok(())
    }
}

#[derive(Default)]
struct Item {
    name: Vec<u8>,
    is_dir: bool,
    size: Option<u64>,
    time: Option<ListedTime>,
}

impl Item {
    fn entry(&self) -> IndexEntry {
        if self.is_dir || self.name.ends_with(b"/") {
            return IndexEntry::Directory;
        }
        IndexEntry::File(ListedFile {
            size: self.size.map_or(ListedSize::Unknown, ListedSize::Exact),
            time: self.time,
        })
    }
}

impl<'de> serde::Deserialize<'de> for Item {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Item, D::Error> {
        deserializer.deserialize_map(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a file with a name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let mut item = Item::default();
        while let Some(Bytes(key)) = map.next_key::<Bytes>()? {
            match key.as_slice() {
                b"name" => item.name = map.next_value::<Bytes>()?.0,
                b"type" => item.is_dir |= map.next_value::<Bytes>()?.0 == b"directory",
                b"is_dir" => item.is_dir |= map.next_value::<bool>()?,
                b"size" => item.size = u64::try_from(map.next_value::<i64>()?).ok(),
                b"mtime" | b"mod_time" => item.time = time(&map.next_value::<Bytes>()?.0),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if item.name.is_empty() {
            return Err(serde::de::Error::missing_field("name"));
        }
        Ok(item)
    }
}

fn time(text: &[u8]) -> Option<ListedTime> {
    let words = text.split(|&byte| byte == b' ');
    let words: Vec<&[u8]> = words.filter(|word| !word.is_empty()).take(8).collect();
    date(&words)?.0
}

/// A string that need not be UTF-8.
struct Bytes(Vec<u8>);

impl<'de> serde::Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        struct BytesVisitor;
        impl Visitor<'_> for BytesVisitor {
            type Value = Bytes;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Bytes, E> {
                Ok(Bytes(text.as_bytes().to_vec()))
            }
        }
        deserializer.deserialize_bytes(BytesVisitor)
    }
}
