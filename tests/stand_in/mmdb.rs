//! GeoIP files byte by byte: with any layout, and such as no tool would write.

/// A value of a record.
#[derive(Debug, Clone)]
pub enum Item {
    Text(&'static str),
    /// A string that is no UTF-8.
    Raw(&'static [u8]),
    Double(f64),
    Float(f32),
    Unsigned(u32),
    Signed(i32),
    Bool(bool),
    List(Vec<Item>),
    Map(Vec<(&'static str, Item)>),
    /// Bytes as they are.
    Bytes(Vec<u8>),
}

/// Which way a side of a node leads.
#[derive(Debug, Clone, Copy)]
pub enum Side {
    Nowhere,
    Node(u32),
    /// To an offset of the data.
    Data(u32),
}

const MAP: u8 = 7;
const ARRAY: u8 = 11;

/// A control byte with as many bytes of length as it needs.
pub fn control(kind: u8, size: usize) -> Vec<u8> {
    let (short, more) = match size {
        0..=28 => (size as u8, vec![]),
        29..=284 => (29, vec![(size - 29) as u8]),
        285..=65_820 => (30, ((size - 285) as u16).to_be_bytes().to_vec()),
        _ => (31, ((size - 65_821) as u32).to_be_bytes()[1..].to_vec()),
    };
    let first = if kind <= MAP {
        vec![kind << 5 | short]
    } else {
        vec![short, kind - MAP]
    };
    [first, more].concat()
}

fn with_bytes(kind: u8, bytes: &[u8]) -> Vec<u8> {
    [control(kind, bytes.len()), bytes.to_vec()].concat()
}

impl Item {
    /// In the format's encoding.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Item::Text(text) => with_bytes(2, text.as_bytes()),
            Item::Raw(bytes) => with_bytes(2, bytes),
            Item::Double(number) => with_bytes(3, &number.to_be_bytes()),
            Item::Float(number) => with_bytes(15, &number.to_be_bytes()),
            Item::Unsigned(number) => with_bytes(6, &number.to_be_bytes()),
            Item::Signed(number) => with_bytes(8, &number.to_be_bytes()),
            Item::Bool(value) => control(14, usize::from(*value)),
            Item::List(items) => {
                let content: Vec<u8> = items.iter().flat_map(Item::encode).collect();
                [control(ARRAY, items.len()), content].concat()
            }
            Item::Map(fields) => map(fields),
            Item::Bytes(bytes) => bytes.clone(),
        }
    }
}

fn map(fields: &[(&'static str, Item)]) -> Vec<u8> {
    let mut out = control(MAP, fields.len());
    for (name, item) in fields {
        out.extend(Item::Text(name).encode());
        out.extend(item.encode());
    }
    out
}

/// A whole file of nodes and data, made in 1970.
pub fn file(ip_version: u32, nodes: &[[Side; 2]], data: &[u8]) -> Vec<u8> {
    file_built(1, ip_version, nodes, data)
}

/// A whole file of nodes and data that was made then, in seconds since 1970.
pub fn file_built(built_s: u32, ip_version: u32, nodes: &[[Side; 2]], data: &[u8]) -> Vec<u8> {
    const SEPARATOR: u32 = 16;
    let count = nodes.len() as u32;
    let mut out = Vec::new();
    for side in nodes.iter().flatten() {
        let record = match side {
            Side::Nowhere => count,
            Side::Node(node) => *node,
            Side::Data(offset) => count + SEPARATOR + offset,
        };
        out.extend(record.to_be_bytes());
    }
    out.extend([0; SEPARATOR as usize]);
    out.extend(data);
    out.extend(b"\xab\xcd\xefMaxMind.com");
    let short = |number: u32| Item::Bytes(with_bytes(5, &(number as u16).to_be_bytes()));
    out.extend(map(&[
        ("binary_format_major_version", short(2)),
        ("binary_format_minor_version", short(0)),
        (
            "build_epoch",
            Item::Bytes(with_bytes(9, &built_s.to_be_bytes())),
        ),
        ("database_type", Item::Text("Test")),
        ("description", Item::Map(vec![])),
        ("ip_version", short(ip_version)),
        ("languages", Item::List(vec![])),
        ("node_count", Item::Unsigned(count)),
        ("record_size", short(32)),
    ]));
    out
}

/// A file that knows one record for all IPv4 addresses: a way of one node.
pub fn of_record(record: &Item) -> Vec<u8> {
    file(4, &[[Side::Data(0), Side::Data(0)]], &record.encode())
}
