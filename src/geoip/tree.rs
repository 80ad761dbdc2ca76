//! Verifies a file: visits every node of its search tree and every record once.
//!
//! Nodes may be shared: aliases of IPv4 lead to the same subtree. A file of a hundred nodes, each
//! of which leads to the next one twice, has 2^128 networks; so the walk visits nodes, not
//! networks.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use maxminddb::Reader;

use super::error::GeoIpError;
use super::field::{Record, RecordFacts};

/// Number of sides of nodes between two checks whether to stop.
const STOP_SIDES: usize = 4096;

/// Length in bytes of the separator between tree and data; no record points there.
const SEPARATOR_BYTES: usize = 16;

/// The result of the walk.
#[derive(Debug, Default)]
pub(super) struct WalkResult {
    /// Number of different records.
    pub records: usize,
    /// Number of records that cannot be read to their end.
    pub damaged: usize,
    /// Description of the first one's damage.
    pub damage: Option<String>,
}

/// A node on the path from the root.
struct TreeStep {
    node: usize,
    /// Its address, starting with the highest bit.
    bits: u128,
    /// Number of sides that were visited: the left one first.
    taken: u8,
}

/// State of a node in the walk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Unseen,
    OnTheWay,
    Done,
}

/// The search tree as bytes.
struct SearchTree<'b> {
    bytes: &'b [u8],
    nodes: usize,
    record_bits: usize,
    address_bits: usize,
}

impl SearchTree<'_> {
    /// One side of a node; `None` beyond the end of the file.
    fn record(&self, node: usize, side: usize) -> Option<usize> {
        let node_bytes = self.record_bits / 4;
        let start = node.checked_mul(node_bytes)?;
        let node = self.bytes.get(start..start.checked_add(node_bytes)?)?;
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
        };
        Some(match (self.record_bits, side) {
            (28, 0) => usize::from(node[3] >> 4) << 24 | number(&node[..3]),
            (28, _) => usize::from(node[3] & 15) << 24 | number(&node[4..]),
            (_, 0) => number(&node[..node_bytes / 2]),
            _ => number(&node[node_bytes / 2..]),
        })
    }

    fn address(&self, bits: u128) -> IpAddr {
        if self.address_bits == 32 {
            return Ipv4Addr::from((bits >> 96) as u32).into();
        }
        Ipv6Addr::from(bits).into()
    }
}

/// Visits all nodes and reads every record once.
///
/// # Errors
/// Returns [`GeoIpError::Tree`] if the search tree is damaged, and [`GeoIpError::Stopped`] if
/// `stops` returns true.
pub(super) fn verify(
    bytes: &[u8],
    reader: &Reader<&[u8]>,
    stops: &dyn Fn() -> bool,
) -> Result<WalkResult, GeoIpError> {
    let mut walk = TreeWalk::of(bytes, reader);
    let mut seen = HashSet::new();
    let mut found = WalkResult::default();
    let mut sides = 0;
    if walk.tree.nodes > 0 {
        walk.enter(0, 0)?;
    }
    while let Some((record, bits)) = walk.next()? {
        sides += 1;
        if sides % STOP_SIDES == 0 && stops() {
            return Err(GeoIpError::Stopped);
        }
        let nodes = walk.tree.nodes;
        if record < nodes {
            walk.enter(record, bits)?;
        } else if record > nodes && seen.insert(record) {
            look(reader, walk.tree.address(bits), record - nodes, &mut found)?;
        }
    }
    found.records = seen.len();
    Ok(found)
}

/// The networks whose records have some facts, in order. A network that is an alias of another one
/// is left out.
///
/// # Errors
/// Returns [`GeoIpError::Tree`] if the search tree is damaged.
pub(super) fn networks(
    bytes: &[u8],
    reader: &Reader<&[u8]>,
    is_wanted: impl Fn(&RecordFacts) -> bool,
) -> Result<Vec<IpNet>, GeoIpError> {
    let mut walk = TreeWalk::of(bytes, reader);
    let mut known: HashMap<usize, bool> = HashMap::new();
    let mut networks = Vec::new();
    let nodes = walk.tree.nodes;
    if nodes > 0 {
        walk.enter(0, 0)?;
    }
    while let Some((record, bits)) = walk.next()? {
        if record < nodes {
            walk.enter(record, bits)?;
            continue;
        }
        let is_found = |at: IpAddr| {
            let found = reader.lookup(at).ok();
            let record = found.and_then(|found| found.decode::<Record<'_>>().ok().flatten());
            record.is_some_and(|record| is_wanted(&record.facts()))
        };
        let at = walk.tree.address(bits);
        if record > nodes && *known.entry(record).or_insert_with(|| is_found(at)) {
            networks.extend(walk.network(bits));
        }
    }
    Ok(networks)
}

/// A walk from the root, the left side of each node first.
struct TreeWalk<'b> {
    tree: SearchTree<'b>,
    marks: Vec<Mark>,
    way: Vec<TreeStep>,
}

impl<'b> TreeWalk<'b> {
    fn of(bytes: &'b [u8], reader: &Reader<&[u8]>) -> TreeWalk<'b> {
        let metadata = reader.metadata();
        let tree = SearchTree {
            bytes,
            nodes: metadata.node_count as usize,
            record_bits: usize::from(metadata.record_size),
            address_bits: if metadata.ip_version == 4 { 32 } else { 128 },
        };
        TreeWalk {
            marks: vec![Mark::Unseen; tree.nodes],
            way: Vec::with_capacity(tree.address_bits),
            tree,
        }
    }

    /// The network of the side that was taken last. IPv4 lies below `::/96` where there is IPv6.
    fn network(&self, bits: u128) -> Option<IpNet> {
        /// Bits before an IPv4 address in a tree of IPv6.
        const V4_BITS: usize = 96;
        let depth = self.way.len();
        let is_v4 = self.tree.address_bits == 128 && depth >= V4_BITS && bits >> 32 == 0;
        let (address, length) = match is_v4 {
            true => (Ipv4Addr::from(bits as u32).into(), depth - V4_BITS),
            false => (self.tree.address(bits), depth),
        };
        IpNet::new(address, u8::try_from(length).ok()?).ok()
    }

    /// The next side of a node, and the address that leads there.
    fn next(&mut self) -> Result<Option<(usize, u128)>, GeoIpError> {
        while let Some(step) = self.way.last_mut() {
            let (node, side) = (step.node, step.taken);
            if side == 2 {
                self.marks[node] = Mark::Done;
                self.way.pop();
                continue;
            }
            step.taken += 1;
            let bits = step.bits | u128::from(side) << (128 - self.way.len());
            let record = self.tree.record(node, usize::from(side));
            let record = record.ok_or(GeoIpError::Tree {
                wrong: "it ends within its search tree",
            })?;
            return Ok(Some((record, bits)));
        }
        Ok(None)
    }

    /// Enters a node, unless it was visited before.
    fn enter(&mut self, node: usize, bits: u128) -> Result<(), GeoIpError> {
        let wrong = match self.marks[node] {
            Mark::Done => return Ok(()),
            Mark::OnTheWay => "its search tree has a loop",
            Mark::Unseen if self.way.len() >= self.tree.address_bits => {
                "its search tree is deeper than an address is long"
            }
            Mark::Unseen => {
                self.marks[node] = Mark::OnTheWay;
                self.way.push(TreeStep {
                    node,
                    bits,
                    taken: 0,
                });
                return Ok(());
            }
        };
        Err(GeoIpError::Tree { wrong })
    }
}

/// Reads the record at an address that leads to it.
fn look(
    reader: &Reader<&[u8]>,
    ip: IpAddr,
    offset: usize,
    found: &mut WalkResult,
) -> Result<(), GeoIpError> {
    let beyond = GeoIpError::Tree {
        wrong: "its search tree leads out of its data",
    };
    if offset < SEPARATOR_BYTES {
        return Err(beyond);
    }
    let Ok(result) = reader.lookup(ip) else {
        return Err(beyond);
    };
    let damage = match result.decode::<Record<'_>>() {
        Ok(record) => record.and_then(|record| record.damage),
        Err(error) => Some(error.to_string()),
    };
    if let Some(damage) = damage {
        found.damaged += 1;
        found.damage.get_or_insert(damage);
    }
    Ok(())
}
