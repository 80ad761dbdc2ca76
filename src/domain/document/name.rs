//! Writes file names into text: into XML and into `Content-Disposition`.
//!
//! A name is bytes; a document is UTF-8. Bytes that are not UTF-8, and characters that XML cannot
//! contain (controls, U+FFFE and U+FFFF), are written as `%XX` per byte. That is readable, allowed
//! in file names everywhere, and unique within a directory unless another name has a literal `%XX`
//! in the same position. Every other character stays as it is.

use crate::domain::escape::{html_into, url_path_into};

/// The name as text.
pub fn text_of(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') {
                let mut bytes = [0; 4];
                percent_into(&mut text, character.encode_utf8(&mut bytes).as_bytes());
            } else {
                text.push(character);
            }
        }
        percent_into(&mut text, chunk.invalid());
    }
    text
}

fn percent_into(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push_str(&format!("%{byte:02X}"));
    }
}

/// Appends a text of several lines to XML, without characters that XML cannot contain.
pub(crate) fn lines_into(out: &mut Vec<u8>, text: &str) {
    let holds = |c: &char| *c == '\n' || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'));
    let clean: String = text.chars().filter(holds).collect();
    html_into(out, clean.trim_end().as_bytes());
}

/// Value of `Content-Disposition` for a document with that suffix (RFC 6266): a quoted ASCII name,
/// and the real name if it is not ASCII.
pub fn attachment(name: &[u8], suffix: &str) -> Vec<u8> {
    let text = text_of(name);
    let mut value = b"attachment; filename=\"".to_vec();
    for character in text.chars() {
        match character {
            '"' | '\\' => value.extend_from_slice(&[b'\\', character as u8]),
            ' '..='~' => value.push(character as u8),
            _ => value.push(b'_'),
        }
    }
    value.push(b'.');
    value.extend_from_slice(suffix.as_bytes());
    value.push(b'"');
    if !text.is_ascii() {
        value.extend_from_slice(b"; filename*=UTF-8''");
        for byte in text.bytes() {
            // RFC 8187 allows fewer marks than paths may have.
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                value.push(byte);
            } else {
                value.extend_from_slice(format!("%{byte:02X}").as_bytes());
            }
        }
        value.push(b'.');
        url_path_into(&mut value, suffix.as_bytes());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_text_and_header_values() {
        let table: [(&[u8], &str, &str); 6] = [
            (b"a&b.bin", "a&b.bin", r#"filename="a&b.bin.md5""#),
            (b"\"q\\.bin", "\"q\\.bin", r#"filename="\"q\\.bin.md5""#),
            (
                "\u{fc}.bin".as_bytes(),
                "\u{fc}.bin",
                r#"filename="_.bin.md5"; filename*=UTF-8''%C3%BC.bin.md5"#,
            ),
            (b"\xfc.bin", "%FC.bin", r#"filename="%FC.bin.md5""#),
            (b"a\nb\x1b", "a%0Ab%1B", r#"filename="a%0Ab%1B.md5""#),
            (
                "\u{ffff}".as_bytes(),
                "%EF%BF%BF",
                r#"filename="%EF%BF%BF.md5""#,
            ),
        ];
        for (name, text, value) in table {
            assert_eq!(text_of(name), text);
            let found = String::from_utf8(attachment(name, "md5")).expect("ASCII");
            assert_eq!(found, format!("attachment; {value}"));
        }
    }
}
