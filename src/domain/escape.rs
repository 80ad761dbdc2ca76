//! Escapes bytes for the syntax that they are written into: URLs, HTML and XML, header fields,
//! terminals.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// Bytes that are encoded in a URL's path: all but those that Apache leaves too, so that a
/// `Location` reads like the rest of the site. `+` is encoded, because object stores read it as a
/// space.
const PATH_ENCODED: &AsciiSet = &without(b"$-_.!*'(),:@&=/~");

/// Bytes that are encoded in a query string, where `+`, `&` and `=` have a meaning of their own.
const QUERY_ENCODED: &AsciiSet = &without(b"-_.~/");

/// All bytes but letters, digits and these marks.
const fn without(marks: &[u8]) -> AsciiSet {
    let mut set = NON_ALPHANUMERIC.remove(marks[0]);
    let mut mark = 1;
    while mark < marks.len() {
        set = set.remove(marks[mark]);
        mark += 1;
    }
    set
}

/// Characters with a meaning in HTML and XML.
const HTML_MARKS: [bool; 256] = marked(b"&<>\"'");

/// Bytes that stay as they are in a URL's path: those that [`PATH_ENCODED`] does not have.
const PATH_PLAIN: [bool; 256] =
    marked(b"$-_.!*'(),:@&=/~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

/// A table of these bytes.
const fn marked(marks: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut mark = 0;
    while mark < marks.len() {
        table[marks[mark] as usize] = true;
        mark += 1;
    }
    table
}

fn percent_encode_into(out: &mut Vec<u8>, bytes: &[u8], encoded: &'static AsciiSet) {
    for run in percent_encode(bytes, encoded) {
        out.extend_from_slice(run.as_bytes());
    }
}

/// Appends a path, percent-encoded (RFC 3986 §2.1); decoding returns exactly the same bytes.
pub fn url_path_into(out: &mut Vec<u8>, path: &[u8]) {
    // Most names need no escape. Without an early end the loop takes half the time.
    let is_plain = path
        .iter()
        .fold(true, |all, byte| all & PATH_PLAIN[usize::from(*byte)]);
    match is_plain {
        true => out.extend_from_slice(path),
        false => percent_encode_into(out, path, PATH_ENCODED),
    }
}

/// Appends a path to a query, behind a base URL such as `http://m/get?f=`.
pub fn url_query_into(out: &mut Vec<u8>, path: &[u8]) {
    percent_encode_into(out, path, QUERY_ENCODED);
}

/// Appends text to HTML or XML, as content or in a quoted attribute.
pub fn html_into(out: &mut Vec<u8>, text: &[u8]) {
    // Runs of plain bytes are copied as a whole: most of a list of 200 mirrors needs no escape.
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| HTML_MARKS[usize::from(*byte)]) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(match rest[at] {
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'"' => b"&quot;",
            _ => b"&#39;",
        });
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// Escapes what was appended from `begin` on. Most URLs need no escape.
pub fn html_from(out: &mut Vec<u8>, begin: usize) {
    let has_mark = out[begin..]
        .iter()
        .fold(false, |any, byte| any | HTML_MARKS[usize::from(*byte)]);
    if has_mark {
        let text = out.split_off(begin);
        html_into(out, &text);
    }
}

/// Appends bytes as lower-case hexadecimal digits.
pub fn hex_into(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Appends a number in decimal digits, without the cost of `format!`.
pub fn decimal_into(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let mut from = digits.len();
    let mut rest = number;
    loop {
        from -= 1;
        digits[from] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[from..]);
}

/// Appends a header field's value, without the control characters that could end the field.
pub fn header_into(out: &mut Vec<u8>, value: &[u8]) {
    let is_control = |byte: u8| (byte < b' ') & (byte != b'\t') | (byte == 0x7f);
    // Without an early end the loop takes many bytes at a time; hardly any value has such a byte.
    if value
        .iter()
        .fold(false, |any, byte| any | is_control(*byte))
    {
        out.extend(value.iter().filter(|byte| !is_control(**byte)));
    } else {
        out.extend_from_slice(value);
    }
}

/// Appends text for a terminal. Characters that control the terminal or reorder others become
/// `\u001b`, bytes that are not UTF-8 become `\xff`. Line feeds and tabs stay.
pub fn visible_into(out: &mut Vec<u8>, text: &[u8]) {
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_hidden(c) && !matches!(c, '\n' | '\t') {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
            } else {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        for byte in chunk.invalid() {
            out.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
        }
    }
}

/// Like [`visible_into`], on one line: line feeds and tabs are escaped too.
pub fn visible_line(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    visible_into(&mut out, text);
    let line = String::from_utf8_lossy(&out);
    line.replace('\n', "\\u000a").replace('\t', "\\u0009")
}

/// Whether a terminal would act on a character: controls (C0, DEL, C1), separators of lines and
/// paragraphs, and the marks of Unicode's bidirectional algorithm (UAX #9, 2).
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}')
}

/// Decodes `%XX`; a `%` without two hex digits stays as it is.
pub fn percent_decode(text: &[u8]) -> Vec<u8> {
    percent_encoding::percent_decode(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_percent_encoded_like_apache_does() {
        let mut out = Vec::new();
        url_path_into(&mut out, b"a b%#?&\"<+[];\xfc:~@/x=1");
        assert_eq!(out, b"a%20b%25%23%3F&%22%3C%2B%5B%5D%3B%FC:~@/x=1");
        out.clear();
        url_query_into(&mut out, b"a+b&c");
        assert_eq!(out, b"a%2Bb%26c");
    }

    #[test]
    fn what_is_plain_in_a_path_is_what_is_not_encoded() {
        for byte in 0..=u8::MAX {
            let encoded = percent_encode(&[byte], PATH_ENCODED).to_string();
            assert_eq!(PATH_PLAIN[usize::from(byte)], encoded.len() == 1, "{byte}");
        }
    }

    #[test]
    fn texts_are_escaped_and_numbers_are_decimal() {
        let mut out = Vec::new();
        html_into(&mut out, b"&a<b>'c\"");
        assert_eq!(out, b"&amp;a&lt;b&gt;&#39;c&quot;");
        for number in [0, 9, 10, 1_234_567_890, u64::MAX] {
            out.clear();
            decimal_into(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }

    #[test]
    fn a_terminal_shows_what_was_written() {
        let show = |text: &[u8]| {
            let mut out = Vec::new();
            visible_into(&mut out, text);
            String::from_utf8(out).expect("text")
        };
        for (text, expected) in [
            (&b"a\tb\nc"[..], "a\tb\nc"),
            (
                b"\x1b[2J\r\x07\x7f\0",
                "\\u001b[2J\\u000d\\u0007\\u007f\\u0000",
            ),
            ("\u{9b}31m\u{fc}".as_bytes(), "\\u009b31m\u{fc}"),
            (
                "\u{202e}exe\u{2066}.\u{61c}".as_bytes(),
                "\\u202eexe\\u2066.\\u061c",
            ),
            (b"\xff\xc3", "\\xff\\xc3"),
        ] {
            assert_eq!(show(text), expected, "{}", text.escape_ascii());
        }
        assert_eq!(visible_line(b"a\nb\tc"), "a\\u000ab\\u0009c");
    }

    #[test]
    fn header_values_cannot_end_a_field() {
        let mut out = Vec::new();
        header_into(&mut out, b"x\r\nSet-Cookie: a\x7f\xff");
        assert_eq!(out, b"xSet-Cookie: a\xff");
    }

    proptest! {
        #[test]
        fn decoding_gives_the_exact_bytes_back(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut path = Vec::new();
            url_path_into(&mut path, &bytes);
            prop_assert!(path.iter().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(percent_decode(&path), bytes.clone());
            let mut query = Vec::new();
            url_query_into(&mut query, &bytes);
            prop_assert_eq!(percent_decode(&query), bytes);
        }

        #[test]
        fn a_field_loses_control_characters_alone(
            bytes in prop::collection::vec(any::<u8>(), 0..80)
        ) {
            let mut value = Vec::new();
            header_into(&mut value, &bytes);
            let stays = |byte: &u8| *byte == b'\t' || !byte.is_ascii_control();
            let expected: Vec<u8> = bytes.into_iter().filter(stays).collect();
            prop_assert_eq!(value, expected);
        }
    }
}
