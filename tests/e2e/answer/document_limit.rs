//! Long documents through a real Apache: whole for slow clients, and never cut without a sign.

use std::fs::File;
use std::process::{Command, Stdio};

use heliostat::db;
use heliostat::db::catalogue::CatalogueWriter;
use heliostat::db::hash::{self, Digests, HashRecord};
use heliostat::domain::file::{FileId, FileVersion};
use rustix::process::Signal;

use crate::stage::site::{eventually, set_mtime};
use crate::stage::{MTIME, Stage};

/// A file of 157 GB, whose torrent takes 12 MB.
const PIECES: u64 = 600_000;
const PIECE: u64 = 256 * 1024;

fn stage() -> Stage {
    let stage = Stage::alone("[site.test.rules]\ntrackerless = true\n");
    let path = stage.site.tree().join("large.img");
    File::create(&path)
        .and_then(|file| file.set_len(PIECES * PIECE))
        .expect("a sparse file");
    set_mtime(&path, MTIME);
    let record = HashRecord {
        digests: Digests {
            md5: Some(vec![1; 16]),
            sha1: Some(vec![2; 20]),
            sha256: Some(vec![3; 32]),
            btih: Some(vec![4; 20]),
            ..Digests::default()
        },
        piece_size: PIECE as i64,
        sha1_pieces: Some((0..PIECES * 20).map(|at| (at >> 4) as u8).collect()),
        ..HashRecord::default()
    };
    let version = FileVersion {
        size: PIECES * PIECE,
        mtime: MTIME as i64,
    };
    let mut writer = db::open_writer(&stage.site.database()).expect("a database");
    writer
        .transaction(|transaction| {
            let mut catalogue = CatalogueWriter::new(transaction)?;
            catalogue.import(b"large.img", FileId(1))?;
            catalogue.finish()?;
            hash::store(transaction, FileId(1), version, &record)
        })
        .expect("the content");
    stage
}

#[test]
fn a_slow_client_gets_the_whole_document() {
    let mut stage = stage();
    stage.start();
    let fast = stage.get("/large.img.torrent").send();
    assert_eq!(fast.status, 200, "{fast:?}");
    assert_eq!(fast.text("content-length"), fast.body.len().to_string());
    assert!(fast.body.len() as u64 > PIECES * 20 && fast.body.ends_with(b"ee"));
    // Some six seconds; Apache waits for one. curl takes more at once when it was kept waiting.
    let slow = stage
        .get("/large.img.torrent")
        .argument("--limit-rate")
        .argument("2M");
    let slow = slow.send();
    assert!(slow.took.as_secs_f64() > 1.2, "{:?}", slow.took);
    assert!(slow.body == fast.body, "{slow:?}");
    let head = stage.get("/large.img.torrent").head().send();
    assert_eq!(head.text("content-length"), fast.text("content-length"));
    let again = stage.get("/large.img.torrent");
    let again = again
        .field(format!("If-None-Match: {}", fast.text("etag")))
        .send();
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[test]
fn a_document_that_breaks_off_is_seen_to_be_cut() {
    let mut stage = stage();
    stage.start();
    let url = format!("http://127.0.0.1:{}/large.img.torrent", stage.apache().port);
    let part = stage.site.path("part");
    let mut curl = Command::new("curl")
        .args(["-q", "-s", "--limit-rate", "1M", "--max-time", "40", "-o"])
        .arg(&part)
        .arg(url)
        .stdin(Stdio::null())
        .spawn()
        .expect("curl is installed; `scripts/test` does it");
    eventually("it has begun", || {
        std::fs::metadata(&part).is_ok_and(|file| file.len() > 100_000)
    });
    stage.responder.as_mut().expect("it runs").end(Signal::KILL);
    let status = curl.wait().expect("curl ends");
    assert!(
        !status.success(),
        "curl must not take it for whole: {status}"
    );
    assert!(std::fs::metadata(&part).expect("a part").len() < PIECES * 20);
}
