//! Any bytes as a table of networks and as lines of its sources: read or refused, never a panic.
//! The sum at the end of a table is made right, because anybody can make it.
#![no_main]

use heliostat::domain::topology::{NetworkForm, NetworkTable, TABLE_MAGIC};
use libfuzzer_sys::fuzz_target;
use xxhash_rust::xxh3::xxh3_64;

fuzz_target!(|data: &[u8]| {
    let mut bytes = [TABLE_MAGIC, data].concat();
    bytes.extend(xxh3_64(&bytes).to_le_bytes());
    if let Ok(table) = NetworkTable::from_bytes(&bytes) {
        for ip in ["192.0.2.1", "255.255.255.255", "::", "2001:db8::1"] {
            let ip = ip.parse().expect("an address");
            let found = table.find(ip);
            assert!(found.is_none_or(|found| found.network.contains(&ip)));
        }
        assert_eq!(NetworkTable::from_bytes(&table.to_bytes()), Ok(table));
    }
    let form = NetworkForm::of_line(data);
    for form in form.into_iter().chain([NetworkForm::Plain, NetworkForm::Iptoasn]) {
        let _ = form.read(data);
    }
});
