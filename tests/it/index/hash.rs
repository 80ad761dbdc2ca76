//! Hashes by `heliostat-index`: what they are, when they are computed, for which version they hold.

use heliostat::db::hash;
use heliostat::db::open_reader;
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use crate::judge::site::Table;
use crate::stand_in::fcgi_client::percent_decoded;
use crate::stand_in::hash_content::content;
use crate::stand_in::hash_site::row;
use crate::stand_in::index_site::{INDEX, last_run};
use crate::stand_in::site::{TestSite, failure};

pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn hex_of(digest: &Option<Vec<u8>>) -> String {
    digest.as_ref().map(hex).unwrap_or_default()
}

#[test]
fn hashes_are_those_that_mirrorbrain_stored() {
    // More threads than there are cores, or lanes.
    let site = TestSite::with_config("hashes.zsync = true\nhashes.threads = 9");
    let text = include_str!("../../fixtures/hash/rows.tsv");
    let table = Table::parse(text);
    let mut files = 0;
    for column in table.rows() {
        let path = percent_decoded(column("path").as_bytes());
        let size = column("size").parse().expect("a size");
        let mtime = column("mtime").parse().expect("a time");
        let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&path);
        site.write(name, &content(&path, size), mtime);
        files += 1;
    }
    let lines = site.run_ok(INDEX, &[]);
    assert!(
        lines.contains(&format!("hashed site=test files={files} ")),
        "{lines}"
    );
    let mut with_sums = 0;
    for column in table.rows() {
        let path = percent_decoded(column("path").as_bytes());
        let found = row(&site, &path).expect("a row");
        let digests = &found.digests;
        let pieces = found.sha1_pieces.as_ref().map(Md5::digest).expect("pieces");
        assert_eq!(
            [
                hex_of(&digests.md5),
                hex_of(&digests.sha1),
                hex_of(&digests.sha256),
                hex_of(&digests.btih),
                hex(pieces),
            ],
            ["md5", "sha1", "sha256", "btih", "pieces_md5"].map(&column),
            "{}",
            path.escape_ascii()
        );
        assert_eq!(found.piece_size, 262_144);
        let all = content(&path, column("size").parse().expect("a size"));
        assert_eq!(digests.sha512.as_deref(), Some(&Sha512::digest(&all)[..]));
        if !column("zsync_lengths").is_empty() {
            with_sums += 1;
            assert_eq!(found.zsync_block_size, 2048);
            assert_eq!(
                found.zsync_hash_lengths.as_deref(),
                Some(column("zsync_lengths"))
            );
            let sums = found.zsync_sums.as_ref().map(Md5::digest).expect("sums");
            assert_eq!(
                hex(sums),
                column("zsync_sums_md5"),
                "{}",
                path.escape_ascii()
            );
        }
    }
    assert!(with_sums >= 40, "{with_sums}");
    let lines = site.run_ok(INDEX, &[]);
    assert!(
        !lines.contains("hashed"),
        "nothing is hashed twice: {lines}"
    );
}

#[test]
fn defaults_are_makehashes_and_a_dry_run_only_counts() {
    let site = TestSite::new();
    site.write("d/file", b"12345", 1000);
    site.run_ok(INDEX, &["--no-hashes"]);
    assert_eq!(row(&site, b"d/file"), None);
    let lines = site.run_ok(INDEX, &["-n"]);
    assert!(
        lines.contains("would hash site=test files=1 bytes=5 "),
        "{lines}"
    );
    assert_eq!(row(&site, b"d/file"), None);
    let line = site.run_ok(INDEX, &["--hashes-only"]);
    assert!(
        line.starts_with("hashed site=test files=1 bytes=5 took="),
        "{line}"
    );
    let found = row(&site, b"d/file").expect("a row");
    assert!(found.digests.btih.is_some() && found.sha1_pieces.is_some());
    assert_eq!(
        (&found.zsync_hash_lengths, &found.digests.btmh),
        (&None, &None)
    );
    let (outcome, counts, _) = last_run(&site);
    assert_eq!((outcome.as_str(), &counts["hashed"]), ("ok", &1.into()));
}

#[test]
fn a_changed_file_has_no_old_hash() {
    let site = TestSite::new();
    site.write("file", b"old", 1000);
    site.write("same", b"same", 1000);
    site.run_ok(INDEX, &[]);
    let (old, same) = (row(&site, b"file"), row(&site, b"same"));
    assert_eq!(
        old.expect("a row").digests.md5.as_deref(),
        Some(&Md5::digest(b"old")[..])
    );
    site.write("file", b"new", 2000);
    site.run_ok(INDEX, &["--no-hashes"]);
    assert_eq!(
        row(&site, b"file"),
        None,
        "the new version has no hashes yet"
    );
    assert_eq!(row(&site, b"same"), same);
    let line = site.run_ok(INDEX, &["--json"]);
    let report: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(
        (
            &report["hashes"]["hashed"],
            &report["hashes"]["hashed_bytes"]
        ),
        (&1.into(), &3.into())
    );
    assert_eq!(
        row(&site, b"file").expect("a row").digests.md5.as_deref(),
        Some(&Md5::digest(b"new")[..])
    );
    std::fs::remove_file(site.tree().join("file")).expect("remove");
    site.run_ok(INDEX, &[]);
    let reader = open_reader(&site.database()).expect("a database");
    assert!(
        hash::any(&reader).expect("rows"),
        "the other file's row is there"
    );
}

#[test]
fn odd_names_and_empty_files_are_hashed_like_others() {
    let site = TestSite::with_config("hashes.zsync = true\ntorrent.version = \"hybrid\"");
    let odd = b"new\nline/\xff & <x>\n.iso";
    let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(odd);
    site.write(name, b"content", 1000);
    site.write("empty", b"", 1000);
    site.run_ok(INDEX, &[]);
    let found = row(&site, odd).expect("a row");
    assert_eq!(
        found.digests.sha256.as_deref(),
        Some(&Sha256::digest(b"content")[..])
    );
    assert!(found.digests.btih.is_some());
    let empty = row(&site, b"empty").expect("a row");
    assert_eq!(empty.digests.sha1.as_deref(), Some(&Sha1::digest(b"")[..]));
    assert_eq!(empty.zsync_hash_lengths.as_deref(), Some("1,2,3"));
    assert_eq!((empty.digests.btih, empty.digests.btmh), (None, None));
    assert!(!site.run_ok(INDEX, &[]).contains("hashed"), "not again");
}

#[test]
fn what_is_missing_is_added_and_what_is_there_stays() {
    let site = TestSite::with_config("hashes.digests = [\"md5\"]\nhashes.zsync = true");
    let bytes = content(b"large", 700_000);
    site.write("large", &bytes, 1000);
    site.run_ok(INDEX, &[]);
    let few = row(&site, b"large").expect("a row");
    assert_eq!((&few.digests.sha1, &few.digests.btih), (&None, &None));
    assert!(few.sha1_pieces.is_some() && few.zsync_sums.is_some());
    let config = std::fs::read_to_string(site.config()).expect("a configuration");
    let more = "hashes.digests = [\"md5\", \"sha1\", \"sha256\", \"sha512\"]\n\
                hashes.piece_size = 65536\ntorrent.version = \"hybrid\"";
    let begin = config
        .split("hashes.digests")
        .next()
        .expect("its beginning");
    std::fs::write(site.config(), format!("{begin}{more}\n")).expect("another one");
    site.run_ok(INDEX, &[]);
    let all = row(&site, b"large").expect("a row");
    assert_eq!(
        all.digests.sha512.as_deref(),
        Some(&Sha512::digest(&bytes)[..])
    );
    assert_eq!(
        all.piece_size, 262_144,
        "another piece size would be another torrent"
    );
    assert_eq!(all.sha256_layer.as_ref().map(Vec::len), Some(3 * 32));
    assert_eq!(
        all.zsync_sums, few.zsync_sums,
        "zsync is off now, but the sums hold"
    );
    assert!(all.digests.btih_hybrid.is_some() && all.digests.btmh.is_some());
    assert_ne!(all.digests.btih, all.digests.btih_hybrid);
    site.run_ok(INDEX, &["--rehash"]);
    let again = row(&site, b"large").expect("a row");
    assert_eq!(
        again.piece_size, 65_536,
        "--rehash takes the configured one"
    );
    assert_eq!(again.sha256_layer.as_ref().map(Vec::len), Some(11 * 32));
}

#[test]
fn a_signature_is_read_again_when_only_it_changes() {
    let site = TestSite::new();
    let armoured = |text: &str| {
        format!("-----BEGIN PGP SIGNATURE-----\n\n{text}\n-----END PGP SIGNATURE-----\n")
    };
    site.write("d/file", &[b'x'; 1000], 1000);
    site.write("d/tiny", b"x", 1000);
    site.write("d/file.asc", armoured("one").as_bytes(), 1000);
    site.write(
        "d/tiny.asc",
        armoured("larger than the file").as_bytes(),
        1000,
    );
    site.run_ok(INDEX, &[]);
    assert_eq!(
        row(&site, b"d/file").expect("a row").pgp,
        Some(armoured("one"))
    );
    assert_eq!(row(&site, b"d/tiny").expect("a row").pgp, None);
    let before = row(&site, b"d/file").expect("a row").digests;

    site.write("d/file.asc", armoured("two").as_bytes(), 2000);
    let report: serde_json::Value =
        serde_json::from_str(&site.run_ok(INDEX, &["--json"])).expect("JSON");
    // The signature is a file, too, and so it is hashed; the signed file is not read again.
    assert_eq!(
        (&report["hashes"]["hashed"], &report["hashes"]["signatures"]),
        (&1.into(), &1.into())
    );
    let found = row(&site, b"d/file").expect("a row");
    assert_eq!((found.pgp, found.digests), (Some(armoured("two")), before));

    site.write("d/file.asc", b"not a signature", 3000);
    site.run_ok(INDEX, &[]);
    assert_eq!(row(&site, b"d/file").expect("a row").pgp, None);
    assert!(!site.run_ok(INDEX, &[]).contains("hashed"), "not again");
    site.write("d/file.asc", armoured("three").as_bytes(), 4000);
    site.run_ok(INDEX, &[]);
    assert_eq!(
        row(&site, b"d/file").expect("a row").pgp,
        Some(armoured("three"))
    );
    std::fs::remove_file(site.tree().join("d/file.asc")).expect("remove");
    site.run_ok(INDEX, &[]);
    let found = row(&site, b"d/file").expect("a row");
    assert_eq!((found.pgp, found.pgp_version), (None, None));
    assert!(!site.run_ok(INDEX, &[]).contains("hashed"), "not again");
}

#[test]
fn sizes_and_names_may_be_left_out() {
    let site = TestSite::with_config(
        "hashes.size_min = 2\nhashes.size_max = 4\nhashes.exclude = [\"*.tmp\", \"nightly\"]",
    );
    for (name, content) in [
        ("a/1", "1"),
        ("a/2", "12"),
        ("a/4", "1234"),
        ("a/5", "12345"),
        ("a/x.tmp", "123"),
        ("nightly/3", "123"),
    ] {
        site.write(name, content.as_bytes(), 1000);
    }
    let lines = site.run_ok(INDEX, &[]);
    assert!(
        lines.contains("hashed site=test files=2 bytes=6 "),
        "{lines}"
    );
    assert!(row(&site, b"a/2").is_some() && row(&site, b"a/4").is_some());
}

#[test]
fn makehashes_takes_mbs_options() {
    let site = TestSite::with_config("hashes.enabled = false");
    for name in ["d/a.iso", "d/b.iso", "d/b.txt", "e/a.iso"] {
        site.write(name, b"content", 1000);
    }
    let directory = site.tree().join("d").display().to_string();
    let tree = site.tree().display().to_string();
    let run = |more: &[&str]| {
        let arguments = [
            &["makehashes", &directory, "-t", "/nowhere", "-b", &tree],
            more,
        ]
        .concat();
        site.run_ok("heliostat", &arguments)
    };
    assert!(!site.run_ok(INDEX, &[]).contains("hashed"), "they are off");
    let ignore = format!("{tree}/d/b");
    let lines = run(&["-f", r".*\.iso$", "-i", &ignore, "-n"]);
    assert!(lines.contains("would hash site=test files=1 "), "{lines}");
    let lines = run(&["--file-m", r".*\.iso$", "--ignore-mask", &ignore]);
    assert!(
        lines.contains("hashed site=test files=1 bytes=7 "),
        "{lines}"
    );
    assert!(row(&site, b"d/a.iso").is_some() && row(&site, b"d/b.iso").is_none());
    let lines = run(&["-v", "--copy-permissions"]);
    assert!(lines.contains("hashed site=test files=2 "), "{lines}");
    let lines = run(&["--force"]);
    assert!(lines.contains("hashed site=test files=3 "), "{lines}");
    assert_eq!(row(&site, b"e/a.iso"), None);
    let (code, text) = failure(&site.run("heliostat", &["makehashes", &directory, "-f", "("]));
    assert_eq!((code, text.lines().count()), (Some(2), 1), "{text}");
    assert!(text.contains("'(' is not a regular expression"), "{text}");
}

#[test]
fn large_files_have_the_sums_of_zsyncmake_and_the_trees_of_libtorrent() {
    let site = TestSite::with_config("hashes.zsync = true\ntorrent.version = \"hybrid\"");
    // The results of zsyncmake 0.6.2 and libtorrent 2.0.8 for the same content: Hash-Lengths and
    // the MD5 of all sums; the v2 info hash of our hybrid dictionary as libtorrent reads it, the
    // root, and the MD5 of the layer.
    let known = [
        (
            "z/b.bin",
            120_000_001,
            "2,2,5",
            "611f7d3dc1139d36c7f34699b4df9761",
            "a7aa9294ee57372b17ebe059f6660fe66c87719eff7f32b4c141808d4fc445af",
            "15fed326d5f7e9f9b28fcf818c0b0d30d1b6975eadaea62e4a509251cd9121d2",
            "f0ca855e237b8c17bff5093f365838d4",
        ),
        (
            "z/g.bin",
            262_145,
            "2,2,4",
            "ccf32cc383ece7ae1da6bcbe8d495f65",
            "5b8bb7575c3a388d739f162d4e010362af9159cd788fa67267cff8a1d29f9c5a",
            "d4b2de629f7cabf9323f7d21d6a6543d7aad1e04776437a4e61d967568d5c994",
            "f7e63b6c759fa6517bceb90d0f0d7f4c",
        ),
    ];
    for (path, size, ..) in known {
        site.write(path, &content(path.as_bytes(), size), 1000);
    }
    site.run_ok(INDEX, &[]);
    for (path, size, lengths, sums, btmh, root, layer) in known {
        let row = row(&site, path.as_bytes()).expect("a row");
        let md5 = |part: &Option<Vec<u8>>| part.as_ref().map(|part| hex(Md5::digest(part)));
        assert_eq!(
            row.zsync_block_size,
            if size < 100_000_000 { 2048 } else { 4096 }
        );
        assert_eq!(row.zsync_hash_lengths.as_deref(), Some(lengths));
        assert_eq!(md5(&row.zsync_sums).as_deref(), Some(sums), "{path}");
        assert_eq!(hex_of(&row.digests.btmh), btmh, "{path}");
        assert_eq!(hex_of(&row.sha256_root), root, "{path}");
        assert_eq!(md5(&row.sha256_layer).as_deref(), Some(layer), "{path}");
    }
}
