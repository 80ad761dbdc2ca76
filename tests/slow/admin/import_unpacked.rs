//! Dumps that unpack to much more than they are.

use std::io::Write;
use std::process::Command;

use crate::stand_in::site::{TestSite, failure, program_path};

/// Compressed, as small as it gets.
fn packed(parts: &[(&[u8], usize)]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for (part, times) in parts {
        let in_block = times.min(&10_000);
        let block = part.repeat(*in_block);
        for _ in 0..times / in_block {
            gzip.write_all(&block).expect("gzip");
        }
        gzip.write_all(&part.repeat(times % in_block))
            .expect("gzip");
    }
    gzip.finish().expect("gzip")
}

#[test]
fn a_small_file_that_unpacks_to_much_takes_little_memory() {
    const MIB: usize = 1024 * 1024;
    let files: &[u8] = b"COPY filearr (id, path, mirrors) FROM stdin;\n1\ta\t{";
    let servers: &[u8] = b"COPY server (id, identifier, comment) FROM stdin;\n";
    // Each row is small, and all rows together are not.
    let row = |id: usize| format!("{id}\tm{id}\t{}\n", "x".repeat(10 * 1024));
    let rows: String = (1..8 * 1024).map(row).collect();
    let hashes: &[u8] = b"COPY hash (file_id, size, mtime, md5) FROM stdin;\n1\t1\t1\t\\\\x";
    for (parts, expected) in [
        (&[(&b"0"[..], 64 * MIB)][..], "longer than"),
        (&[(hashes, 1), (b"0", 64 * MIB)], "pg_dump -T hash"),
        (
            &[
                (b"INSERT INTO server (id) VALUES ('", 1),
                (b"x\n", 48 * MIB),
            ],
            "longer than",
        ),
        (
            &[(files, 1), (b"1,", 12 * MIB), (b"1}\n", 1)],
            "more than 16384 mirrors",
        ),
        (&[(files, 1), (b"\t", 30 * MIB), (b"\n", 1)], "more fields"),
        (
            &[
                (b"INSERT INTO server (", 1),
                (b"a,", 12 * MIB),
                (b"b) VALUES (1);", 1),
            ],
            "line 1",
        ),
        (
            &[(servers, 1), (rows.as_bytes(), 1)],
            "the texts of table server are longer than",
        ),
        (
            &[
                (servers, 1),
                (b"7\tm\tx\n", 1),
                (b"8\tn\t", 1),
                (b"x", 64 * MIB),
            ],
            "longer than",
        ),
    ] {
        let site = TestSite::new();
        let path = site.path("dump.gz");
        let bytes = packed(parts);
        assert!(bytes.len() < MIB, "{expected}: it is small");
        std::fs::write(&path, bytes).expect("a file");
        let program = program_path("heliostat");
        // KiB of addresses; a program that takes more ends by a signal.
        let script = format!(
            "ulimit -v 300000; exec '{program}' import mirrorbrain '{}'",
            path.display()
        );
        let mut command = Command::new("sh");
        command
            .args(["-c", &script])
            .env("HELIOSTAT_CONFIG", site.config());
        let (code, said) = failure(&command.output().expect("sh starts"));
        assert_eq!(code, Some(1), "{expected}: {said}");
        assert!(said.contains(expected), "{expected}: {said}");
    }
}
