//! Writes hash documents: one line that `sha256sum -c` reads (behaviour §4.3).

use crate::domain::escape::hex_into;

/// Writes `<hex>␠␠<name>\n`, or the digest alone. The name keeps the bytes of the file system; a
/// name with a line end is written as by GNU coreutils: escaped, with a backslash at the start of
/// the line.
pub fn line(digest: &[u8], name: Option<&[u8]>) -> Vec<u8> {
    let mut out = Vec::with_capacity(digest.len() * 2 + 3 + name.map_or(0, <[u8]>::len));
    let has_line_end = |name: &[u8]| name.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
    let is_escaped = name.is_some_and(has_line_end);
    if is_escaped {
        out.push(b'\\');
    }
    hex_into(&mut out, digest);
    if let Some(name) = name {
        out.extend_from_slice(b"  ");
        for &byte in name {
            match byte {
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\\' if is_escaped => out.extend_from_slice(b"\\\\"),
                _ => out.push(byte),
            }
        }
    }
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_coreutils() {
        type Case<'a> = (Option<&'a [u8]>, &'a [u8]);
        let table: [Case<'_>; 8] = [
            (None, b"0aff\n"),
            (Some(b"a&b.bin"), b"0aff  a&b.bin\n"),
            (Some(b"<x>.bin"), b"0aff  <x>.bin\n"),
            (Some(b"\"q\".bin"), b"0aff  \"q\".bin\n"),
            (Some(b"\xc3\xbc.bin"), b"0aff  \xc3\xbc.bin\n"),
            (Some(b"\xfc.bin"), b"0aff  \xfc.bin\n"),
            (Some(b"a\\b"), b"0aff  a\\b\n"),
            (Some(b"a\\\nb"), b"\\0aff  a\\\\\\nb\n"),
        ];
        for (name, expected) in table {
            assert_eq!(line(&[0x0a, 0xff], name), expected);
        }
    }
}
