//! Index pages of real servers, and of those that cannot be run here, with what they list.
//!
//! `tests/fixtures/listing/` holds each page and beside it `.expected`: its URL, then an entry a
//! line. The trees behind the pages of real servers had the same files, so their lists have the
//! same names. `UPDATE_GOLDEN=1` rewrites what is expected.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};

use heliostat::domain::escape::url_path_into;
use heliostat::domain::listing::{
    IndexEntry, IndexForm, IndexPage, ListedFile, ListedSize, OtherListing, PageAddress, PageError,
    read_index,
};
use heliostat::domain::time::Timestamp;
use proptest::prelude::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/listing")
}

fn pages(is_index: bool) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder()).expect("the fixtures");
    let mut pages: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    pages.retain(|page| {
        let name = page.to_string_lossy();
        !name.ends_with(".expected") && name.contains(".notindex.") != is_index
    });
    pages.sort();
    pages
}

fn form_of(page: &Path) -> IndexForm {
    match page.extension().and_then(|extension| extension.to_str()) {
        Some("json") => IndexForm::of("application/json; charset=utf-8"),
        _ => IndexForm::of("text/html"),
    }
}

/// The host that a page's absolute links name.
fn address_of(page: &Path) -> PageAddress {
    let is_cdn = page.to_string_lossy().contains("cdn-");
    let host = if is_cdn {
        "cdn.example.net"
    } else {
        "m.example"
    };
    PageAddress::new(host, "/pub/")
}

fn read(page: &Path, source: impl Read) -> (Result<IndexPage, PageError>, String) {
    let mut lines = BTreeSet::new();
    let read = read_index(source, form_of(page), &address_of(page), |entry, name| {
        lines.insert(line(entry, name));
    });
    (
        read,
        lines.into_iter().collect::<Vec<_>>().join("\n") + "\n",
    )
}

fn line(entry: IndexEntry, name: &[u8]) -> String {
    let mut encoded = Vec::new();
    url_path_into(&mut encoded, name);
    let mut line = String::from_utf8(encoded).expect("encoded");
    match entry {
        IndexEntry::Directory => line += "/",
        IndexEntry::File(file) => describe(&mut line, file),
    }
    line
}

fn describe(line: &mut String, file: ListedFile) {
    let size = match file.size {
        ListedSize::Exact(size) => size.to_string(),
        ListedSize::Between(least, most) => format!("{least}..{most}"),
        ListedSize::Unknown => "?".to_owned(),
    };
    let time = file.time.map_or("?".to_owned(), |time| {
        let zone = if time.is_utc { "UTC" } else { "some zone" };
        format!(
            "{} in {zone}, step {}",
            Timestamp(time.seconds),
            time.step_s
        )
    });
    write!(line, "  size {size}  time {time}").expect("memory");
}

#[test]
fn pages_of_all_servers_give_their_entries() {
    let pages = pages(true);
    assert!(pages.len() >= 12, "{}", pages.len());
    let mut wrong = String::new();
    for page in pages {
        let bytes = std::fs::read(&page).expect("a page");
        let (read, entries) = read(&page, bytes.as_slice());
        let read = read.unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        assert!(read.entries > 0);
        let expected_file = PathBuf::from(format!("{}.expected", page.display()));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&expected_file, &entries).expect("it can be written");
        }
        let expected = std::fs::read_to_string(&expected_file).unwrap_or_default();
        if entries != expected {
            write!(wrong, "{}:\n{entries}\n", page.display()).expect("memory");
        }
        // However the bytes arrive.
        assert_eq!(self::read(&page, Drip(&bytes, 1)).1, entries);
        assert_eq!(self::read(&page, Drip(&bytes, 7)).1, entries);
    }
    assert!(wrong.is_empty(), "not as expected:\n{wrong}");
}

#[test]
fn a_page_that_is_cut_is_no_listing() {
    let mut whole = Vec::new();
    for page in pages(true) {
        let bytes = std::fs::read(&page).expect("a page");
        let last = bytes.windows(9).rposition(|window| window == b"plain.iso");
        let half = &bytes[..last.expect("every page has it")];
        let (read, _) = read(&page, half);
        let is_list_of_divs = page.ends_with("divs-no-fields.html");
        if read.is_ok() && !is_list_of_divs {
            whole.push(page);
        }
    }
    assert!(whole.is_empty(), "{whole:?}");
}

#[test]
fn what_is_no_index_is_told() {
    for page in pages(false) {
        let bytes = std::fs::read(&page).expect("a page");
        let (read, _) = read(&page, bytes.as_slice());
        let error = read.expect_err("no index");
        let is_named = |word: &str| page.to_string_lossy().contains(word);
        let is_login = is_named("login");
        assert_eq!(matches!(error, PageError::Login), is_login, "{error}");
        let other = match error {
            PageError::OtherListing(other) => Some(other),
            _ => None,
        };
        let expected = [
            ("thredds", OtherListing::Thredds),
            ("dir-query", OtherListing::ByQuery),
            ("arguments", OtherListing::ByQuery),
            ("azure", OtherListing::Azure),
        ];
        let expected = expected.into_iter().find(|(name, _)| is_named(name));
        assert_eq!(other, expected.map(|(_, other)| other), "{error}");
        let is_elsewhere = is_named("base-") || is_named("elsewhere-");
        let found_elsewhere = matches!(error, PageError::Elsewhere);
        assert_eq!(found_elsewhere, is_elsewhere, "{error}");
    }
}

/// Gives a few bytes at a time.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.len().min(self.1).min(buffer.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let page = PageAddress::new("m.example", "/pub/");
        for form in [IndexForm::Markup, IndexForm::Json] {
            let _ = read_index(bytes.as_slice(), form, &page, |_, name| {
                assert!(!name.is_empty() && !name.contains(&b'/'));
            });
        }
    }

    #[test]
    fn any_mixture_of_tags_is_read(pieces in prop::collection::vec(prop::sample::select(vec![
        "<a href=\"x\">", "</a>", "<tr>", "<td>", "</td>", "<pre>", "</pre>", "\n", "<table>",
        "2020-01-02 03:04", " 1.2M ", "<a href='../'>", "..", "<br>", "<list>",
        "<file size=\"3\">",
        "y", "</file>", "&amp;", "&#252;", "<td size=3>",
        "<time datetime=\"2020-01-02T03:04:05Z\">",
        "<title>", "Index of", "</title>", "<script>", "</script>",
        "<!--", "-->", "<a href=\"?C=N\">", "<base href=\"/pub/d/\">", "<base href=\"../\">",
        "<a href=\"pub/x\">", "<base href=\"//h/\">", "<span>", "<th>", "Size", "Name", "1234",
        "<ListBucketResult>", "<Key>", "pub/", "</Key>", "<Contents>", "</Contents>", "<Size>",
        "</Size>", "<Prefix>", "</Prefix>", "<CommonPrefixes>", "</CommonPrefixes>",
        "<IsTruncated>true</IsTruncated>", "<EncodingType>url</EncodingType>", "<tr colspan=9>",
    ]), 0..60)) {
        let text = pieces.concat();
        let page = PageAddress::new("m.example", "/pub/");
        let whole = |step| {
            let mut entries = Vec::new();
            let read = read_index(Drip(text.as_bytes(), step), IndexForm::Markup, &page,
                |entry, name| entries.push((entry, name.to_vec())));
            (read.is_ok(), entries)
        };
        prop_assert_eq!(whole(1), whole(usize::MAX));
    }
}
