//! Spool files of many requests, and an independent count of them.

use std::collections::BTreeMap;
use std::path::Path;

use heliostat::domain::count::column::{CountColumn, CountEvent, RequestKind};
use heliostat::domain::count::spool::{self, SpoolHead};
use heliostat::domain::count::tally::CountTally;
use heliostat::domain::place::CountryCode;
use heliostat::domain::time::Timestamp;

/// The counts that were sent, by the name of a table and of a row.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sent(pub BTreeMap<(&'static str, String), u64>);

impl Sent {
    /// Adds to a row.
    pub fn add(&mut self, table: &'static str, row: &str, number: u64) {
        *self.0.entry((table, row.to_owned())).or_default() += number;
    }
}

/// Makes one spool file of a front end with so many random requests, and counts them.
pub fn spool_file(
    (front, boot, seq): (&str, u64, u64),
    from: Timestamp,
    requests: usize,
    (random, sent): (&mut fastrand::Rng, &mut Sent),
) -> (String, Vec<u8>) {
    let mut tally = CountTally::default();
    for _ in 0..requests {
        let column = CountColumn::ALL[random.usize(..CountColumn::ALL.len())];
        let path = format!("dir-{}/file-{}.iso", random.u8(..3), random.u16(..200));
        let mirror = ["mirror-a", "mirror-b", ""][random.usize(..3)];
        let country = ["de", "fr", "jp"][random.usize(..3)];
        let (asn, bytes) = (random.u32(1..50), random.u64(1..10_000));
        let is_redirect = !mirror.is_empty();
        let counted = CountEvent {
            kind: RequestKind {
                outcome: if is_redirect { "redirect" } else { "local" },
                column,
                document: "",
                reason: if is_redirect { "" } else { "no-mirror" },
                tier: if is_redirect { "country" } else { "" },
                scheme: "https",
                family: "4",
            },
            path: path.as_bytes(),
            mirror,
            country: CountryCode::parse(country.as_bytes()),
            asn,
            bytes,
        };
        tally.add(&counted, &[]);
        sent.add("columns", column.as_str(), 1);
        if column == CountColumn::Downloads {
            sent.add("files", &path, 1);
            sent.add("mirrors", mirror, 1);
            sent.add("countries", country, 1);
            sent.add("as", &asn.to_string(), 1);
        }
    }
    let head = SpoolHead {
        front: front.to_owned(),
        boot,
        seq,
        from,
        to: Timestamp(from.0 + 59),
    };
    (head.file_name(), spool::write(&head, &tally))
}

/// Writes a spool file whole, as rsync and the responder do.
pub fn bring(folder: &Path, name: &str, text: &[u8]) {
    let temporary = folder.join(format!(".{name}.part"));
    std::fs::write(&temporary, text).expect("a file");
    std::fs::rename(&temporary, folder.join(name)).expect("renamed");
}
