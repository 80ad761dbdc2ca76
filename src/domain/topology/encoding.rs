//! The form of a table on disk.
//!
//! All numbers are little-endian. A head (magic, version, counts), then the starts and values of
//! both families, facts, labels, names; at the end the XXH3 sum (64 bits) of all before it.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

use super::line::is_label;
use super::table::{IntervalKey, Intervals, NetworkFacts, NetworkTable};

/// The first bytes of a table.
pub const TABLE_MAGIC: &[u8] = b"HELIOSTAT-NETS\x00\x01";

/// Bytes of the sum at the end.
const SUM_BYTES: usize = 8;

/// Longest name of an AS in bytes; it is cut there.
const NAME_BYTES_MAX: usize = 255;

/// Why bytes are no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableDamage {
    /// The magic and version are missing.
    #[error("it is no table of networks of this version; make it by `heliostat topology compile`")]
    Foreign,
    /// The sum does not fit: the file was cut, or changed.
    #[error(
        "its sum is wrong: it was cut or changed; make it again by `heliostat topology compile`"
    )]
    Sum,
    /// The sum fits, but the content does not.
    #[error("its content is wrong; make it again by `heliostat topology compile`")]
    Content,
}

impl NetworkTable {
    /// The bytes of the table.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::from(TABLE_MAGIC);
        let counts = [
            self.v4.starts.len() as u64,
            self.v6.starts.len() as u64,
            self.facts.len() as u64,
            self.labels.len() as u64,
            self.names.len() as u64,
            self.networks,
            self.made_at as u64,
        ];
        let put = |bytes: &mut Vec<u8>, number: &[u8]| bytes.extend_from_slice(number);
        counts
            .iter()
            .for_each(|count| put(&mut bytes, &count.to_le_bytes()));
        self.v4
            .starts
            .iter()
            .for_each(|start| put(&mut bytes, &start.to_le_bytes()));
        self.v4
            .values
            .iter()
            .for_each(|value| put(&mut bytes, &value.to_le_bytes()));
        self.v6
            .starts
            .iter()
            .for_each(|start| put(&mut bytes, &start.to_le_bytes()));
        self.v6
            .values
            .iter()
            .for_each(|value| put(&mut bytes, &value.to_le_bytes()));
        for facts in &self.facts {
            put(&mut bytes, &facts.asn.to_le_bytes());
            put(&mut bytes, &facts.label.to_le_bytes());
            put(&mut bytes, &[facts.length]);
        }
        for label in &self.labels {
            put(&mut bytes, &[label.len() as u8]);
            put(&mut bytes, label.as_bytes());
        }
        for (asn, name) in &self.names {
            let name = cut(name);
            put(&mut bytes, &asn.to_le_bytes());
            put(&mut bytes, &[name.len() as u8]);
            put(&mut bytes, name.as_bytes());
        }
        let sum = xxh3_64(&bytes);
        put(&mut bytes, &sum.to_le_bytes());
        bytes
    }

    /// Reads a table.
    ///
    /// # Errors
    /// Returns [`TableDamage`] if the bytes are not exactly a table.
    pub fn from_bytes(bytes: &[u8]) -> Result<NetworkTable, TableDamage> {
        if !bytes.starts_with(TABLE_MAGIC) {
            return Err(TableDamage::Foreign);
        }
        let (content, sum) = bytes
            .split_last_chunk::<SUM_BYTES>()
            .ok_or(TableDamage::Sum)?;
        if xxh3_64(content) != u64::from_le_bytes(*sum) || content.len() < TABLE_MAGIC.len() {
            return Err(TableDamage::Sum);
        }
        read(&content[TABLE_MAGIC.len()..]).ok_or(TableDamage::Content)
    }
}

/// The first whole characters of a name that have room.
fn cut(name: &str) -> &str {
    let mut end = name.len().min(NAME_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// Reads all behind the magic.
fn read(content: &[u8]) -> Option<NetworkTable> {
    let mut rest = content;
    let mut counts = [0; 7];
    for count in &mut counts {
        *count = u64::from_le_bytes(take(&mut rest)?);
    }
    let [v4, v6, facts, labels, names, networks, made_at] = counts;
    let size = |count: u64| usize::try_from(count).ok();
    let v4 = intervals(&mut rest, size(v4)?, u32::from_le_bytes)?;
    let v6 = intervals(&mut rest, size(v6)?, u64::from_le_bytes)?;
    let facts = numbers(&mut rest, size(facts)?, |bytes: [u8; 7]| {
        let [a, b, c, d, e, f, length] = bytes;
        NetworkFacts {
            asn: u32::from_le_bytes([a, b, c, d]),
            label: u16::from_le_bytes([e, f]),
            length,
        }
    })?;
    let mut found_labels = Vec::new();
    for _ in 0..labels {
        found_labels.push(word(&mut rest).filter(|label| is_label(label.as_bytes()))?);
    }
    let mut found_names = BTreeMap::new();
    for _ in 0..names {
        let asn = u32::from_le_bytes(take(&mut rest)?);
        found_names.insert(asn, word(&mut rest)?);
    }
    let is_known = |value: &u32| (*value as usize) < facts.len();
    let is_whole = rest.is_empty()
        && v4.values.iter().all(is_known)
        && v6.values.iter().all(is_known)
        && facts
            .iter()
            .all(|facts| usize::from(facts.label) <= found_labels.len());
    is_whole.then_some(NetworkTable {
        v4,
        v6,
        facts,
        labels: found_labels,
        names: found_names,
        networks,
        made_at: made_at as i64,
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}

/// Reads so many numbers, which must be there: a wrong count allocates nothing.
fn numbers<T, const N: usize>(
    rest: &mut &[u8],
    count: usize,
    number: impl Fn([u8; N]) -> T,
) -> Option<Vec<T>> {
    let (bytes, after) = rest.split_at_checked(count.checked_mul(N)?)?;
    *rest = after;
    let (chunks, _) = bytes.as_chunks::<N>();
    Some(chunks.iter().map(|chunk| number(*chunk)).collect())
}

fn intervals<K: IntervalKey, const N: usize>(
    rest: &mut &[u8],
    count: usize,
    key: impl Fn([u8; N]) -> K,
) -> Option<Intervals<K>> {
    let starts = numbers(rest, count, key)?;
    let values = numbers(rest, count, u32::from_le_bytes)?;
    Intervals::new(starts, values)
}

fn word(rest: &mut &[u8]) -> Option<String> {
    let [length] = take(rest)?;
    let (bytes, after) = rest.split_at_checked(usize::from(length))?;
    *rest = after;
    String::from_utf8(bytes.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::NetworkSet;
    use super::*;
    use crate::domain::place::Asn;

    fn table() -> NetworkTable {
        let mut set = NetworkSet::default();
        let asn = Asn::new(64500);
        for (network, label) in [
            ("192.0.2.0/24", Some(&b"campus"[..])),
            ("192.0.2.128/25", None),
            ("2001:db8::/32", Some(b"decix")),
        ] {
            set.insert(network.parse().expect("a network"), (asn, label), false);
        }
        set.name(asn.expect("an AS"), "Ümlaut".as_bytes());
        set.table(1_700_000_000)
    }

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let table = table();
        assert_eq!(NetworkTable::from_bytes(&table.to_bytes()), Ok(table));
    }

    #[test]
    fn a_changed_or_cut_table_is_refused() {
        let bytes = table().to_bytes();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 0x40;
            NetworkTable::from_bytes(&changed).expect_err("one byte is wrong");
            NetworkTable::from_bytes(&bytes[..place]).expect_err("the end is missing");
        }
    }

    #[test]
    fn wrong_content_with_a_right_sum_is_refused_or_read_without_panic() {
        let bytes = table().to_bytes();
        let content = &bytes[..bytes.len() - SUM_BYTES];
        for place in TABLE_MAGIC.len()..content.len() {
            for flip in [1, 0x80, 0xff] {
                let mut changed = content.to_vec();
                changed[place] ^= flip;
                let sum = xxh3_64(&changed);
                changed.extend(sum.to_le_bytes());
                if let Ok(table) = NetworkTable::from_bytes(&changed) {
                    let ip = "192.0.2.200".parse().expect("an address");
                    let _ = table.find(ip);
                }
            }
        }
    }
}
