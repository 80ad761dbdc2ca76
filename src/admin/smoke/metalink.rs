//! Reads what a metalink (RFC 5854) says of its file: size, digests, pieces, URLs.
//!
//! The reader is made for documents of our own kind of host, whose elements hold text alone. It
//! passes over all that it does not know.

use crate::domain::hash::Digests;

/// The facts that a metalink tells of its file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct MetalinkFacts {
    pub size: Option<u64>,
    pub digests: Digests,
    /// Bytes per piece, and SHA-1 of each, concatenated.
    pub pieces: Option<(u64, Vec<u8>)>,
    /// In the order of their priority.
    pub urls: Vec<String>,
}

/// Reads a document. Absent if it is no whole metalink.
pub(super) fn read(document: &[u8]) -> Option<MetalinkFacts> {
    let text = std::str::from_utf8(document).ok()?;
    if !text.contains("urn:ietf:params:xml:ns:metalink") || !text.contains("</metalink>") {
        return None;
    }
    let mut facts = MetalinkFacts::default();
    let mut piece_length = 0;
    let mut sums = Vec::new();
    let mut is_in_pieces = false;
    for element in Elements(text) {
        let content = unescaped(element.text.trim());
        match element.name {
            "size" => facts.size = content.parse().ok(),
            "url" => facts.urls.push(content),
            "pieces" => {
                let is_sha1 = element.attribute("type") == Some("sha-1");
                let length = element.attribute("length").filter(|_| is_sha1);
                piece_length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
                is_in_pieces = true;
            }
            "/pieces" => is_in_pieces = false,
            "hash" if is_in_pieces => sums.extend(bytes_of_hex(&content)?),
            "hash" => {
                let digest = bytes_of_hex(&content);
                match element.attribute("type")? {
                    "md5" => facts.digests.md5 = digest,
                    "sha-1" => facts.digests.sha1 = digest,
                    "sha-256" => facts.digests.sha256 = digest,
                    _ => {}
                }
            }
            _ => {}
        }
    }
    facts.pieces = (piece_length > 0 && !sums.is_empty()).then_some((piece_length, sums));
    Some(facts)
}

/// Reads the bytes that hexadecimal digits stand for.
pub(super) fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let pairs = digits.chunks_exact(2);
    pairs
        .map(|pair| {
            let digit = |at: usize| char::from(pair[at]).to_digit(16);
            Some((digit(0)? * 16 + digit(1)?) as u8)
        })
        .collect()
}

/// A tag with the text behind it.
struct Element<'t> {
    /// The name of the tag; a closing tag has a slash before it.
    name: &'t str,
    attributes: &'t str,
    text: &'t str,
}

impl<'t> Element<'t> {
    fn attribute(&self, name: &str) -> Option<&'t str> {
        let mut words = self.attributes.split_ascii_whitespace();
        words.find_map(|word| {
            let value = word.strip_prefix(name)?.strip_prefix("=\"")?;
            value.split('"').next()
        })
    }
}

/// The tags of a text, in their order.
struct Elements<'t>(&'t str);

impl<'t> Iterator for Elements<'t> {
    type Item = Element<'t>;

    fn next(&mut self) -> Option<Element<'t>> {
        loop {
            let (_, after) = self.0.split_once('<')?;
            if let Some(comment) = after.strip_prefix("!--") {
                self.0 = comment.split_once("-->")?.1;
                continue;
            }
            let (tag, rest) = after.split_once('>')?;
            self.0 = rest;
            let end = tag.find(|c: char| c.is_ascii_whitespace());
            let (name, attributes) = tag.split_at(end.unwrap_or(tag.len()));
            let text = rest.split('<').next().unwrap_or_default();
            return Some(Element {
                name,
                attributes,
                text,
            });
        }
    }
}

fn unescaped(text: &str) -> String {
    let named = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        // The last, so that `&amp;lt;` stays a text.
        ("&amp;", "&"),
    ];
    named
        .into_iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = concat!(
        "<?xml version=\"1.0\"?>\n<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">\n",
        "<file name=\"a\">\n<publisher name=\"A &amp; B\" url=\"http://x/\"/>\n",
        "<size>7</size>\n<!-- <size>9</size> -->\n<hash type=\"md5\">0aff</hash>\n",
        "<hash type=\"sha-256\">01</hash>\n<pieces length=\"4\" type=\"sha-1\">\n",
        "<hash>11</hash>\n<hash>22</hash>\n</pieces>\n",
        "<metaurl mediatype=\"torrent\">http://h/a.torrent</metaurl>\n",
        "<url location=\"de\" priority=\"1\">http://m/a?x=1&amp;y=2</url>\n",
        "<url priority=\"2\">ftp://n/a</url>\n</file>\n</metalink>\n",
    );

    #[test]
    fn a_metalink_says_what_is_expected_and_where() {
        let facts = read(DOCUMENT.as_bytes()).expect("a metalink");
        assert_eq!(facts.size, Some(7));
        assert_eq!(facts.digests.md5, Some(vec![0x0a, 0xff]));
        assert_eq!(facts.digests.sha256, Some(vec![1]));
        assert_eq!(facts.pieces, Some((4, vec![0x11, 0x22])));
        assert_eq!(facts.urls, ["http://m/a?x=1&y=2", "ftp://n/a"]);
    }

    #[test]
    fn what_is_no_whole_metalink_is_none() {
        let cut = &DOCUMENT[..DOCUMENT.len() - 20];
        for text in [cut, "", "<html>urn</html>", "<metalink></metalink>"] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }
}
