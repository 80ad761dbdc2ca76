//! Index pages that never end: reading one takes no memory.

use std::io::Read;

use heliostat::domain::listing::{IndexForm, PageAddress, read_index};

/// The same piece again and again.
struct Endless<'a> {
    piece: &'a [u8],
    place: usize,
    left: usize,
}

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer
            .len()
            .min(self.piece.len() - self.place)
            .min(self.left);
        buffer[..count].copy_from_slice(&self.piece[self.place..self.place + count]);
        self.place = (self.place + count) % self.piece.len();
        self.left -= count;
        Ok(count)
    }
}

fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.expect("a number").parse().expect("a number")
}

/// Names this process to itself: memory can only be measured where nothing else runs.
const ALONE: &str = "HELIOSTAT_TEST_ALONE";

#[test]
fn a_hostile_page_takes_no_memory() {
    if std::env::var_os(ALONE).is_some() {
        return read_hostile_pages();
    }
    let this = std::env::current_exe().expect("this program");
    let output = std::process::Command::new(this)
        .args([
            "--exact",
            "fetch::hostile_page::a_hostile_page_takes_no_memory",
            "--nocapture",
        ])
        .env(ALONE, "1")
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{output:?}"
    );
}

fn read_hostile_pages() {
    let page = PageAddress::new("m.example", "/pub/");
    let long = [b"<a href=\"".as_slice(), &[b'x'; 9000]].concat();
    for piece in [
        b"<a>".as_slice(),
        b"<a href=\"x\">",
        b"<table><tr><td>",
        b"<a href=\"",
        b"x",
        b"<pre><ul>&amp;&lt;",
        b"<!-- ",
        b"<title>",
        b"<x y=z ",
        b"<list><file size=\"1\">x",
        b"<table><tr><th>Size<th>Name<tr><td><a href=\"x\"><span>1",
        b"<ListBucketResult><Contents><Key>x</Key></Contents>",
        b"<ListBucketResult><Key>",
        &long,
    ] {
        // The first piece of a megabyte brings the code and the buffers into memory; the rest of
        // the page must bring no more.
        let mut entries = 0_u64;
        let mut before = 0;
        for bytes in [1 << 20, 8 << 20] {
            before = memory_kib();
            let source = Endless {
                piece,
                place: 0,
                left: bytes,
            };
            let read = read_index(source, IndexForm::Markup, &page, |_, _| entries += 1);
            assert!(read.is_err() || entries > 0, "{}", piece.escape_ascii());
        }
        let grown = memory_kib().saturating_sub(before);
        assert!(
            grown < 1 << 10,
            "{} KiB for {}",
            grown,
            piece.escape_ascii()
        );
    }
    let piece = b"[[{\"name\":\"x\",";
    let source = Endless {
        piece,
        place: 0,
        left: 8 << 20,
    };
    assert!(read_index(source, IndexForm::Json, &page, |_, _| {}).is_err());
}
