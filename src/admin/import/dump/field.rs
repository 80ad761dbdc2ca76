//! Decodes the fields of a row in PostgreSQL's COPY text format.

/// Columns that a table may have, as in PostgreSQL.
pub(super) const COLUMNS_MAX: usize = 1600;

/// Decoded fields in the order of the columns; the buffers are used again for each row.
#[derive(Debug, Default)]
pub(crate) struct DumpFields {
    bytes: Vec<u8>,
    /// Start and end in `bytes`; `None` is NULL.
    places: Vec<Option<(usize, usize)>>,
}

impl DumpFields {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.places.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The field at that place; `None` when it is NULL or there is none.
    pub(crate) fn get(&self, place: usize) -> Option<&[u8]> {
        let (start, end) = (*self.places.get(place)?)?;
        self.bytes.get(start..end)
    }

    pub(crate) fn push(&mut self, value: Option<&[u8]>) {
        let start = self.bytes.len();
        self.places.push(value.map(|value| {
            self.bytes.extend_from_slice(value);
            (start, start + value.len())
        }));
    }

    /// Takes one line of COPY data apart: fields end at tabs, `\N` is NULL, a backslash escapes
    /// (PostgreSQL manual, COPY, "Text Format").
    pub(crate) fn decode_copy_line(&mut self, line: &[u8]) -> Result<(), &'static str> {
        self.clear();
        if line.iter().filter(|byte| **byte == b'\t').count() >= COLUMNS_MAX {
            return Err("the row has more fields than a table can have");
        }
        if !line.contains(&b'\\') {
            for field in line.split(|&byte| byte == b'\t') {
                self.push(Some(field));
            }
            return Ok(());
        }
        let mut rest = line;
        loop {
            let (after, more) = self.decode_copy_field(rest)?;
            if !more {
                return Ok(());
            }
            rest = after;
        }
    }

    /// Decodes one field; returns what follows it, and whether another field follows.
    fn decode_copy_field<'a>(&mut self, line: &'a [u8]) -> Result<(&'a [u8], bool), &'static str> {
        let start = self.bytes.len();
        let mut at = 0;
        let more = loop {
            match line.get(at) {
                None => break false,
                Some(b'\t') => break true,
                Some(b'\\') => {
                    let (byte, length) = unescape(&line[at + 1..])?;
                    self.bytes.push(byte);
                    at += 1 + length;
                }
                Some(&byte) => {
                    self.bytes.push(byte);
                    at += 1;
                }
            }
        };
        if &line[..at] == b"\\N" {
            self.bytes.truncate(start);
            self.places.push(None);
        } else {
            self.places.push(Some((start, self.bytes.len())));
        }
        Ok((line.get(at + 1..).unwrap_or_default(), more))
    }
}

/// The byte that an escape stands for, and the length of the escape after its backslash.
fn unescape(rest: &[u8]) -> Result<(u8, usize), &'static str> {
    let digits = |digits: &[u8], radix: u32, most: usize| {
        digits
            .iter()
            .take(most)
            .map_while(|&digit| char::from(digit).to_digit(radix))
            .fold((0_u32, 0), |(value, count), digit| {
                (value * radix + digit, count + 1)
            })
    };
    Ok(match rest {
        [] => return Err("the row ends in the middle of an escape"),
        [b'b', ..] => (0x08, 1),
        [b'f', ..] => (0x0c, 1),
        [b'n', ..] => (b'\n', 1),
        [b'r', ..] => (b'\r', 1),
        [b't', ..] => (b'\t', 1),
        [b'v', ..] => (0x0b, 1),
        [b'0'..=b'7', ..] => {
            let (value, count) = digits(rest, 8, 3);
            ((value & 0xff) as u8, count)
        }
        [b'x', hex @ ..] if hex.first().is_some_and(u8::is_ascii_hexdigit) => {
            let (value, count) = digits(hex, 16, 2);
            ((value & 0xff) as u8, 1 + count)
        }
        [byte, ..] => (*byte, 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Decoded = Result<Vec<Option<Vec<u8>>>, &'static str>;

    fn decode(line: &[u8]) -> Decoded {
        let mut fields = DumpFields::default();
        fields.push(Some(b"left over"));
        fields.decode_copy_line(line)?;
        Ok((0..fields.len())
            .map(|place| fields.get(place).map(<[u8]>::to_vec))
            .collect())
    }

    #[test]
    fn copy_lines_are_decoded_as_postgresql_writes_them() {
        let some = |bytes: &[u8]| Some(bytes.to_vec());
        type DumpFields = Vec<Option<Vec<u8>>>;
        let cases: &[(&[u8], DumpFields)] = &[
            (b"", vec![some(b"")]),
            (b"a\tb", vec![some(b"a"), some(b"b")]),
            (b"a\t\t", vec![some(b"a"), some(b""), some(b"")]),
            (b"\\N", vec![None]),
            (b"1\t\\N\tx", vec![some(b"1"), None, some(b"x")]),
            // Only a field that is nothing else is NULL; a backslash and an N is written \\N.
            (b"\\Nx\t\\\\N", vec![some(b"Nx"), some(b"\\N")]),
            (b"a\\tb\\nc\\rd\\\\e", vec![some(b"a\tb\nc\rd\\e")]),
            (b"\\b\\f\\v", vec![some(b"\x08\x0c\x0b")]),
            (b"a\\\tb\tc", vec![some(b"a\tb"), some(b"c")]),
            (b"\\101\\60\\7z\\400", vec![some(b"A0\x07z\x00")]),
            (b"\\x41\\x4g\\xg", vec![some(b"A\x04gxg")]),
            (
                b"\\\\x00ff\t\xff\xfe",
                vec![some(b"\\x00ff"), some(b"\xff\xfe")],
            ),
            (b"\\q\\{", vec![some(b"q{")]),
        ];
        for (line, expected) in cases {
            assert_eq!(
                decode(line).as_ref(),
                Ok(expected),
                "{}",
                line.escape_ascii()
            );
        }
        assert!(decode(b"a\tb\\").is_err());
    }

    /// As PostgreSQL writes it (CopyAttributeOutText).
    fn encode(fields: &[Option<Vec<u8>>]) -> Vec<u8> {
        let field = |value: &Option<Vec<u8>>| match value {
            None => b"\\N".to_vec(),
            Some(bytes) => bytes
                .iter()
                .flat_map(|byte| match byte {
                    b'\\' => b"\\\\".to_vec(),
                    b'\t' => b"\\t".to_vec(),
                    b'\n' => b"\\n".to_vec(),
                    b'\r' => b"\\r".to_vec(),
                    0x08 => b"\\b".to_vec(),
                    0x0b => b"\\v".to_vec(),
                    0x0c => b"\\f".to_vec(),
                    byte => vec![*byte],
                })
                .collect(),
        };
        fields.iter().map(field).collect::<Vec<_>>().join(&b'\t')
    }

    proptest! {
        #[test]
        fn what_postgresql_encodes_is_decoded(fields in prop::collection::vec(
            prop::option::of(prop::collection::vec(any::<u8>(), 0..12)), 1..6)) {
            prop_assert_eq!(decode(&encode(&fields)), Ok(fields));
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(line in prop::collection::vec(
            prop_oneof![Just(b'\\'), Just(b'\t'), Just(b'N'), Just(b'x'), any::<u8>()], 0..64)) {
            let _ = decode(&line);
        }
    }
}
