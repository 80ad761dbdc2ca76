//! Reads and writes records: the eight-byte header and the few bodies that a responder sends
//! (specification 3.3).

/// Length of a record's header in bytes.
pub(in crate::fcgi) const HEADER_BYTES: usize = 8;
/// Largest length of a record's content in bytes; the length field has 16 bits.
pub(in crate::fcgi) const CONTENT_BYTES_MAX: usize = 0xffff;
/// The only version of the protocol.
pub(in crate::fcgi) const VERSION: u8 = 1;
/// The id of management records.
pub(in crate::fcgi) const MANAGEMENT: u16 = 0;
/// Length in bytes of the bodies of BEGIN_REQUEST and END_REQUEST.
pub(in crate::fcgi) const BODY_BYTES: usize = 8;

/// Record types (specification 8).
pub(in crate::fcgi) mod kind {
    pub const BEGIN_REQUEST: u8 = 1;
    pub const ABORT_REQUEST: u8 = 2;
    pub const END_REQUEST: u8 = 3;
    pub const PARAMS: u8 = 4;
    pub const STDIN: u8 = 5;
    pub const STDOUT: u8 = 6;
    pub const DATA: u8 = 8;
    pub const GET_VALUES: u8 = 9;
    pub const GET_VALUES_RESULT: u8 = 10;
    pub const UNKNOWN_TYPE: u8 = 11;
}

/// The role that a responder has.
pub(in crate::fcgi) const ROLE_RESPONDER: u16 = 1;
/// The flag of BEGIN_REQUEST that keeps the connection after the answer.
pub(in crate::fcgi) const KEEP_CONNECTION: u8 = 1;

/// Result of a request for END_REQUEST (specification 5.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::fcgi) enum Ending {
    Complete = 0,
    CannotMultiplex = 1,
    UnknownRole = 3,
}

/// A record's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::fcgi) struct Header {
    pub version: u8,
    pub kind: u8,
    pub id: u16,
    pub content_bytes: u16,
    pub padding_bytes: u8,
}

impl Header {
    #[inline]
    pub fn parse(bytes: [u8; HEADER_BYTES]) -> Header {
        let [
            version,
            kind,
            id1,
            id0,
            content1,
            content0,
            padding_bytes,
            _reserved,
        ] = bytes;
        Header {
            version,
            kind,
            id: u16::from_be_bytes([id1, id0]),
            content_bytes: u16::from_be_bytes([content1, content0]),
            padding_bytes,
        }
    }

    #[inline]
    fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let [id1, id0] = self.id.to_be_bytes();
        let [content1, content0] = self.content_bytes.to_be_bytes();
        [
            self.version,
            self.kind,
            id1,
            id0,
            content1,
            content0,
            self.padding_bytes,
            0,
        ]
    }
}

/// Appends one record without padding. `content` must fit a record.
#[inline]
fn push(out: &mut Vec<u8>, kind: u8, id: u16, content: &[u8]) {
    let content_bytes = u16::try_from(content.len()).expect("callers split at 65,535 bytes");
    let header = Header {
        version: VERSION,
        kind,
        id,
        content_bytes,
        padding_bytes: 0,
    };
    out.extend_from_slice(&header.to_bytes());
    out.extend_from_slice(content);
}

/// Appends the answer to request `id`: STDOUT, then END_REQUEST.
///
/// Padding and the empty STDOUT record that may close the stream are left out. END_REQUEST closes
/// it too (Apache, mod_fcgid, nginx and lighttpd accept that), and Apache reads twice per record
/// and once more for padding.
pub(in crate::fcgi) fn push_answer(out: &mut Vec<u8>, id: u16, cgi: &[u8]) {
    push_stdout(out, id, cgi);
    push_end(out, id, Ending::Complete);
}

/// Appends a part of an answer in as few records as possible.
pub(in crate::fcgi) fn push_stdout(out: &mut Vec<u8>, id: u16, cgi: &[u8]) {
    let records = cgi.len() / CONTENT_BYTES_MAX + 1;
    out.reserve(cgi.len() + records * HEADER_BYTES + HEADER_BYTES + BODY_BYTES);
    for content in cgi.chunks(CONTENT_BYTES_MAX) {
        push(out, kind::STDOUT, id, content);
    }
}

/// Appends a request without a body, as a web server sends it. Names and values must be short: all
/// fit one record, and each length fits seven bits.
pub(in crate::fcgi) fn push_request(out: &mut Vec<u8>, params: &[(&str, &str)]) {
    const ID: u16 = 1;
    let [role1, role0] = ROLE_RESPONDER.to_be_bytes();
    push(
        out,
        kind::BEGIN_REQUEST,
        ID,
        &[role1, role0, 0, 0, 0, 0, 0, 0],
    );
    push(out, kind::PARAMS, ID, &packed(params));
    push(out, kind::PARAMS, ID, &[]);
    push(out, kind::STDIN, ID, &[]);
}

fn packed<V: AsRef<str>>(pairs: &[(&str, V)]) -> Vec<u8> {
    let mut packed = Vec::new();
    for (name, value) in pairs {
        let value = value.as_ref();
        packed.extend([name.len() as u8, value.len() as u8]);
        packed.extend_from_slice(name.as_bytes());
        packed.extend_from_slice(value.as_bytes());
    }
    packed
}

/// Appends END_REQUEST with application status 0.
pub(in crate::fcgi) fn push_end(out: &mut Vec<u8>, id: u16, ending: Ending) {
    push(
        out,
        kind::END_REQUEST,
        id,
        &[0, 0, 0, 0, ending as u8, 0, 0, 0],
    );
}

/// Appends UNKNOWN_TYPE, the answer to a management record of an unknown type.
pub(in crate::fcgi) fn push_unknown_type(out: &mut Vec<u8>, unknown: u8) {
    push(
        out,
        kind::UNKNOWN_TYPE,
        MANAGEMENT,
        &[unknown, 0, 0, 0, 0, 0, 0, 0],
    );
}

/// Appends GET_VALUES_RESULT. Names and values must be short: all fit one record.
pub(in crate::fcgi) fn push_values(out: &mut Vec<u8>, values: &[(&str, String)]) {
    push(out, kind::GET_VALUES_RESULT, MANAGEMENT, &packed(values));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_as_they_were() {
        let cases: &[([u8; 8], Header)] = &[
            (
                [1, 1, 0, 1, 0, 8, 0, 0],
                Header {
                    version: 1,
                    kind: 1,
                    id: 1,
                    content_bytes: 8,
                    padding_bytes: 0,
                },
            ),
            (
                [9, 200, 0xfe, 0xdc, 0xff, 0xff, 255, 0],
                Header {
                    version: 9,
                    kind: 200,
                    id: 0xfedc,
                    content_bytes: 65535,
                    padding_bytes: 255,
                },
            ),
        ];
        for (bytes, header) in cases {
            assert_eq!(Header::parse(*bytes), *header);
            assert_eq!(header.to_bytes(), *bytes);
        }
    }

    #[test]
    fn an_answer_is_as_few_records_as_can_be() {
        let end = [1, 3, 0, 7, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for (bytes, stdout_records) in [
            (0, 0),
            (1, 1),
            (65_535, 1),
            (65_536, 2),
            (131_070, 2),
            (131_071, 3),
        ] {
            let mut out = Vec::new();
            push_answer(&mut out, 7, &vec![b'x'; bytes]);
            assert_eq!(out.len(), bytes + stdout_records * 8 + 16, "{bytes} bytes");
            assert!(out.ends_with(&end));
            let first = Header::parse(*out.first_chunk().expect("at least a header"));
            let expected = if bytes == 0 {
                kind::END_REQUEST
            } else {
                kind::STDOUT
            };
            assert_eq!(first.kind, expected);
        }
    }

    #[test]
    fn management_answers_carry_id_zero() {
        let mut out = Vec::new();
        push_unknown_type(&mut out, 99);
        assert_eq!(out, [1, 11, 0, 0, 0, 8, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0]);
        out.clear();
        push_values(&mut out, &[("N", "17".to_owned())]);
        assert_eq!(out, [&[1, 10, 0, 0, 0, 5, 0, 0, 1, 2][..], b"N17"].concat());
    }
}
