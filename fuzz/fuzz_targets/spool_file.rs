//! Any bytes as a spool file of statistics: read or refused, never a panic, and never a number that
//! sums could not hold. The sum at the end is made right, because anybody can make it.
#![no_main]

use heliostat::domain::count::spool::{SpoolLine, read};
use libfuzzer_sys::fuzz_target;
use xxhash_rust::xxh3::xxh3_64;

fuzz_target!(|data: (&str, &str)| {
    let (body, count) = data;
    let _ = read(body);
    let forged = format!("{body}\n");
    let forged = format!("{forged}end\t{count}\t{:016x}\n", xxh3_64(forged.as_bytes()));
    let Ok((head, lines)) = read(&forged) else {
        return;
    };
    assert!(head.from <= head.to && head.from.0 >= 0);
    for line in lines {
        if let SpoolLine::Kind(_, requests) = line {
            assert!(requests <= 1 << 56);
        }
    }
});
