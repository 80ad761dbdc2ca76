//! FastCGI as a web server speaks it: requests written, answers read.
//!
//! Written from the specification alone and sharing nothing with `src/fcgi`, so that a mistake
//! there is not repeated here. Used by the load generator and by the tests.

/// Record types.
pub const BEGIN_REQUEST: u8 = 1;
pub const END_REQUEST: u8 = 3;
pub const PARAMS: u8 = 4;
pub const STDIN: u8 = 5;
pub const STDOUT: u8 = 6;

/// Appends a record.
pub fn record(out: &mut Vec<u8>, kind: u8, id: u16, content: &[u8], padding: u8) {
    let length = u16::try_from(content.len()).expect("content of a record fits 16 bits");
    out.extend([1, kind]);
    out.extend(id.to_be_bytes());
    out.extend(length.to_be_bytes());
    out.extend([padding, 0]);
    out.extend_from_slice(content);
    out.resize(out.len() + usize::from(padding), 0);
}

/// Appends BEGIN_REQUEST.
pub fn begin(out: &mut Vec<u8>, id: u16, role: u16, keep: bool) {
    let [role1, role0] = role.to_be_bytes();
    record(
        out,
        BEGIN_REQUEST,
        id,
        &[role1, role0, u8::from(keep), 0, 0, 0, 0, 0],
        0,
    );
}

/// Appends one packed name-value pair.
pub fn pair(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    for length in [name.len(), value.len()] {
        match u8::try_from(length) {
            Ok(short @ 0..=127) => out.push(short),
            _ => out.extend((length as u32 | 0x8000_0000).to_be_bytes()),
        }
    }
    out.extend_from_slice(name);
    out.extend_from_slice(value);
}

/// Appends a whole request: BEGIN_REQUEST, PARAMS, and empty PARAMS and STDIN.
pub fn request(out: &mut Vec<u8>, id: u16, keep: bool, packed_params: &[u8]) {
    begin(out, id, 1, keep);
    for content in packed_params.chunks(0xffff) {
        record(out, PARAMS, id, content, 0);
    }
    record(out, PARAMS, id, &[], 0);
    record(out, STDIN, id, &[], 0);
}

/// A record that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    pub kind: u8,
    pub id: u16,
    pub content: &'a [u8],
}

/// Takes one whole record off the front of `bytes`.
pub fn split_record(bytes: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let (
        &[
            _version,
            kind,
            id1,
            id0,
            length1,
            length0,
            padding,
            _reserved,
        ],
        rest,
    ) = bytes.split_first_chunk::<8>()?;
    let length = usize::from(u16::from_be_bytes([length1, length0]));
    let (content, rest) = rest.split_at_checked(length)?;
    let (_padding, rest) = rest.split_at_checked(usize::from(padding))?;
    Some((
        Record {
            kind,
            id: u16::from_be_bytes([id1, id0]),
            content,
        },
        rest,
    ))
}
