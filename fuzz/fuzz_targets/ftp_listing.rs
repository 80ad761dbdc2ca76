//! Any bytes as the lines of an FTP server's listing, by MLSD and by LIST.
//!
//! The parsers give a value for whatever a mirror sends: they never panic, and a name is always
//! one component.
#![no_main]

use heliostat::domain::listing::{FtpLine, day_order, parse_list, parse_mlsd};
use heliostat::domain::time::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // The first bytes are the time at which the listing is read.
    let (now, lines) = data.split_at(data.len().min(4));
    let now = now.iter().fold(0, |sum, &byte| sum << 8 | i64::from(byte));
    for line in lines.split(|&byte| byte == b'\n') {
        for parsed in [parse_mlsd(line), parse_list(line, day_order(line), Timestamp(now))] {
            if let FtpLine::Entry(_, name) = parsed {
                assert!(!matches!(name, b"" | b"." | b".."));
                assert!(!name.contains(&b'/') && !name.contains(&0));
            }
        }
    }
});
