//! The protocol's properties, over random conversations.

use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;

use super::model::{check, seeds};
use super::peer::{begin, record};
use super::wire;

/// Set, the seeds of the fuzz corpus are written into this directory.
const SEEDS: &str = "HELIOSTAT_WRITE_SEEDS";

#[test]
fn the_seeds_hold() {
    let directory = std::env::var_os(SEEDS).map(std::path::PathBuf::from);
    for (number, seed) in seeds().into_iter().enumerate() {
        check(&seed, &[3, 1, 8]);
        if let Some(directory) = &directory {
            fs::create_dir_all(directory).expect("a directory for seeds");
            // The fuzz target takes the sizes of pieces from the front.
            let bytes = [&[4, 1, 8, 16, 255][..], &seed].concat();
            fs::write(directory.join(format!("seed-{number:02}")), bytes).expect("writable");
        }
    }
}

/// A record that may be anything, but is likely to mean something.
fn some_record() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![8 => 1u8..=9, 1 => any::<u8>()];
    let id = prop_oneof![4 => Just(1u16), 2 => 0u16..4, 1 => any::<u16>()];
    let content = prop_oneof![
        3 => Just(vec![]),
        3 => Just(vec![0, 1, 1, 0, 0, 0, 0, 0]),
        2 => vec(any::<u8>(), 0..40),
        1 => vec(0u8..4, 0..400),
    ];
    (kind, id, content, 0u8..9).prop_map(|(kind, id, content, padding)| {
        let mut bytes = Vec::new();
        wire::record(&mut bytes, kind, id, &content, padding);
        bytes
    })
}

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Parameters that are within the model's limits.
fn some_params() -> impl Strategy<Value = Pairs> {
    let pair = (vec(any::<u8>(), 0..10), vec(any::<u8>(), 0..10));
    let long = (vec(any::<u8>(), 0..10), vec(any::<u8>(), 128..140));
    (vec(pair, 0..5), proptest::option::of(long)).prop_map(|(mut pairs, long)| {
        pairs.extend(long);
        pairs
    })
}

/// A request, its parameters cut into records of these sizes.
fn request(id: u16, pairs: &Pairs, sizes: &[u8], body: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    for (name, value) in pairs {
        wire::pair(&mut packed, name, value);
    }
    let mut bytes = begin(id, true);
    let mut rest = &packed[..];
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let size = sizes.next().map_or(1, |size| usize::from(*size));
        let (content, tail) = rest.split_at(size.clamp(1, rest.len()));
        wire::record(&mut bytes, wire::PARAMS, id, content, (size % 8) as u8);
        rest = tail;
    }
    bytes.extend(record(wire::PARAMS, id, b""));
    if !body.is_empty() {
        bytes.extend(record(wire::STDIN, id, body));
    }
    bytes.extend(record(wire::STDIN, id, b""));
    bytes
}

proptest! {
    #[test]
    fn any_bytes_are_survived(
        input in vec(any::<u8>(), 0..200),
        sizes in vec(any::<u8>(), 1..8),
    ) {
        check(&input, &sizes);
    }

    #[test]
    fn any_records_are_survived(
        records in vec(some_record(), 0..30),
        sizes in vec(any::<u8>(), 1..8),
    ) {
        check(&records.concat(), &sizes);
    }

    #[test]
    fn well_formed_requests_arrive_whole(
        requests in vec((1u16.., some_params(), vec(any::<u8>(), 1..4)), 1..6),
        body in vec(any::<u8>(), 0..50),
        sizes in vec(any::<u8>(), 1..8),
    ) {
        let input: Vec<u8> = requests
            .iter()
            .flat_map(|(id, pairs, cuts)| request(*id, pairs, cuts, &body))
            .collect();
        let outcome = check(&input, &sizes);
        let expected: Vec<Pairs> = requests.into_iter().map(|(_, pairs, _)| pairs).collect();
        prop_assert_eq!(outcome.requests, expected);
    }
}
