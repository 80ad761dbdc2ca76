//! Documents of very large files: sent as fast as they are read, never held as a whole.

use std::fs::File;

use heliostat::db::catalogue::CatalogueWriter;
use heliostat::db::hash::{self, Digests, HashRecord};
use heliostat::db::{self};
use heliostat::domain::file::{FileId, FileVersion};
use sha1::{Digest, Sha1};

use crate::stand_in::fcgi_client::{FcgiClient, Request};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::{TestSite, set_mtime};

const MTIME: u64 = 1_401_807_080;
const PIECE: u64 = 256 * 1024;
/// Files with their pieces: a 300 GB one whose torrent takes 62 MB, and one whose metalink lists
/// as many pieces as any.
const FILES: [(&str, u64); 2] = [("large.img", 1_200_000), ("long.img", 65_536)];
const SETTINGS: &str = "[site.test.torrent]\nversion = \"hybrid\"\n[site.test.rules]\n\
     trackerless = true\nfallbacks = [{ region = \"eu\", country = \"de\", \
     url = \"http://fallback.example.org/\" }]";
/// Clients that do not read what they asked for.
const READERS: usize = 40;
/// The memory that the responder may take for all of them: a piece and a connection to the database
/// each.
const GROWTH_MAX_BYTES: u64 = 32 * 1024 * 1024;

fn bytes(length: u64, seed: u64) -> Vec<u8> {
    (0..length)
        .map(|at| (at.wrapping_mul(seed) >> 7) as u8)
        .collect()
}

fn build() -> TestSite {
    let site = TestSite::with_config(SETTINGS);
    let mut writer = db::open_writer(&site.database()).expect("a database");
    for (id, (name, pieces)) in (1..).zip(FILES) {
        let size = pieces * PIECE;
        let path = site.tree().join(name);
        let file = File::create(&path).expect("a file");
        file.set_len(size).expect("a sparse file");
        set_mtime(&path, MTIME);
        let record = HashRecord {
            digests: Digests {
                md5: Some(vec![1; 16]),
                sha1: Some(vec![2; 20]),
                sha256: Some(vec![3; 32]),
                btih_hybrid: Some(vec![4; 20]),
                ..Digests::default()
            },
            piece_size: PIECE as i64,
            sha1_pieces: Some(bytes(pieces * 20, 31)),
            zsync_block_size: 4096,
            zsync_hash_lengths: Some("2,4,8".to_owned()),
            zsync_sums: Some(bytes(pieces * 16, 37)),
            sha256_root: Some(vec![5; 32]),
            sha256_layer: Some(bytes(pieces * 32, 41)),
            ..HashRecord::default()
        };
        let version = FileVersion {
            size,
            mtime: MTIME as i64,
        };
        writer
            .transaction(|transaction| {
                let mut catalogue = CatalogueWriter::new(transaction)?;
                catalogue.import(name.as_bytes(), FileId(id))?;
                catalogue.finish()?;
                hash::store(transaction, FileId(id), version, &record)
            })
            .expect("the content");
    }
    site
}

fn find(text: &[u8], what: &[u8]) -> usize {
    let at = text.windows(what.len()).position(|window| window == what);
    at.unwrap_or_else(|| panic!("no {}", what.escape_ascii()))
}

#[test]
fn a_reader_that_does_not_read_costs_a_piece_of_the_document() {
    let site = build();
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    // Everything is read once before, so that what follows is the readers' own.
    let documents = [
        "large.img.torrent",
        "large.img.zsync",
        "long.img.meta4",
        "long.img.metalink",
    ];
    let whole = documents.map(|path| {
        let answer = client.send(&Request::get(format!("/{path}")));
        assert_eq!(answer.status, 200, "{path}");
        let length = answer.text("Content-Length").expect("a length");
        assert_eq!(length, answer.body.len().to_string(), "{path}");
        let head = Request::get(format!("/{path}")).with("REQUEST_METHOD", "HEAD");
        let head = client.send(&head);
        assert_eq!(
            (head.headers, head.body.len()),
            (answer.headers, 0),
            "{path}"
        );
        Sha1::digest(&answer.body).to_vec()
    });
    let before = responder.resident_bytes();
    let mut readers: Vec<(usize, FcgiClient)> = (0..READERS)
        .map(|number| {
            let mut reader = responder.connect();
            let which = number % documents.len();
            let request = Request::get(format!("/{}", documents[which]));
            let request = request.with("REMOTE_ADDR", format!("192.0.2.{number}"));
            reader.begin(&request).expect("it is sent");
            (which, reader)
        })
        .collect();
    // Others are served meanwhile, which also shows that all of the requests were taken up.
    for _ in 0..READERS {
        assert_eq!(client.send(&Request::get("/long.img.sha256")).status, 200);
    }
    let growth = responder.resident_bytes().saturating_sub(before);
    println!("{READERS} readers took {} KiB", growth / 1024);
    assert!(
        growth < GROWTH_MAX_BYTES,
        "{growth} bytes for {READERS} readers"
    );
    // Half of them hang up; the others get all of it.
    readers.truncate(READERS / 2);
    for (which, mut reader) in readers {
        let answer = reader.finish().expect("the whole answer");
        assert_eq!(Sha1::digest(&answer.body).to_vec(), whole[which]);
    }
    let growth = responder.resident_bytes().saturating_sub(before);
    assert!(growth < GROWTH_MAX_BYTES, "{growth} bytes afterwards");
}

#[test]
fn a_client_that_does_not_read_leaves_documents_to_others() {
    let site = build();
    let responder = Responder::start(&site);
    let ask = |ip: &str| Request::get("/large.img.torrent").with("REMOTE_ADDR", ip);
    let of_one_line = |number: u32| format!("2001:db8::{number:x}");
    // More than its share, so that others than these have no part of it.
    let readers: Vec<FcgiClient> = (0..24)
        .map(|number| {
            let mut reader = responder.connect();
            reader
                .begin(&ask(&of_one_line(number)))
                .expect("it is sent");
            reader
        })
        .collect();
    let mut client = responder.connect();
    crate::stand_in::site::eventually("the client has its share", || {
        let answer = client.send(&ask(&of_one_line(99)));
        answer.status == 503 && answer.text("Retry-After").is_some()
    });
    assert_eq!(client.send(&ask("2001:db8:0:1::1")).status, 200, "another");
    let short = Request::get("/large.img.sha256").with("REMOTE_ADDR", of_one_line(1));
    assert_eq!(client.send(&short).status, 200, "short ones are no matter");
    drop(readers);
    crate::stand_in::site::eventually("its share is free again", || {
        client.send(&ask(&of_one_line(99))).status == 200
    });
}

#[test]
fn long_parts_stand_where_they_belong() {
    let site = build();
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let torrent = client.send(&Request::get("/large.img.torrent")).body;
    let (_, pieces) = FILES[0];
    for (key, seed, each) in [("6:pieces", 31, 20), ("12:piece layersd32:", 41, 32)] {
        let at = find(&torrent, key.as_bytes()) + key.len();
        let at = at + if each == 32 { 32 } else { 0 };
        let stored = bytes(pieces * each, seed);
        let length = format!("{}:", stored.len());
        assert!(torrent[at..].starts_with(length.as_bytes()), "{key}");
        assert!(torrent[at + length.len()..].starts_with(&stored), "{key}");
    }
    assert!(torrent.ends_with(b"ee"));
    let zsync = client.send(&Request::get("/large.img.zsync")).body;
    assert!(zsync.ends_with(&bytes(pieces * 16, 37)));
    let text = String::from_utf8(client.send(&Request::get("/long.img.metalink")).body);
    let text = text.expect("UTF-8");
    let (_, pieces) = FILES[1];
    let stored = bytes(pieces * 20, 31);
    for place in [0, 799, 800, 9_999, 10_000, 65_535] {
        let digest = &stored[place * 20..][..20];
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let element = format!("<hash piece=\"{place}\">{hex}</hash>\n");
        assert_eq!(text.matches(&element).count(), 1, "{element}");
    }
    assert!(text.trim_end().ends_with("</metalink>"));
    // More pieces than a metalink lists.
    let text = client.send(&Request::get("/large.img.meta4")).body;
    assert!(text.len() < 10_000);
}

#[test]
fn a_document_whose_hashes_are_replaced_under_way_is_another() {
    let site = build();
    let responder = Responder::start(&site);
    let mut reader = responder.connect();
    reader
        .begin(&Request::get("/large.img.torrent"))
        .expect("it is sent");
    // A reader that began keeps the row that it began with.
    let mut writer = db::open_writer(&site.database()).expect("a database");
    writer
        .transaction(|transaction| hash::remove(transaction, FileId(1)))
        .expect("the row is removed");
    if let Ok(answer) = reader.finish() {
        let length = answer.text("Content-Length").expect("a length");
        assert_eq!(length, answer.body.len().to_string());
    }
    crate::stand_in::site::eventually("the row is gone", || {
        let answer = responder
            .connect()
            .send(&Request::get("/large.img.torrent"));
        answer.status == 404
    });
}
