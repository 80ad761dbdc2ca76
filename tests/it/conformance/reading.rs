//! The judges read strictly: recordings, bencoding, targets, and the table of differences.

use crate::judge::difference::{CHAPTER, differences, exists, table};
use crate::judge::recording::Message;
use crate::judge::sample::{path_of, query_of};
use crate::judge::seed::tokens;

#[test]
fn every_difference_is_shown_by_a_test() {
    let mut missing = Vec::new();
    for (key, difference) in differences() {
        for test in &difference.shown_by {
            if test != "recordings" && !exists(test) {
                missing.push(format!("{key}: no test {test}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn a_row_that_cannot_be_read_is_an_error() {
    let text = |rows: &str| format!("{CHAPTER}\n| key | a | b | c |\n|---|---|---|---|\n{rows}\n");
    let known = table(&text(
        "| `one` | theirs | ours | `recordings`, `it::a::b` |",
    ));
    assert_eq!(known["one"].shown_by, ["recordings", "it::a::b"]);
    for bad in [
        "| `one` | theirs | ours |",
        "| `one` |  | ours | `it::a::b` |",
        "",
    ] {
        let result = std::panic::catch_unwind(|| table(&text(bad)));
        assert!(result.is_err(), "{bad:?}");
    }
}

#[test]
fn answers_are_read_strictly() {
    let parse = |raw: &str| Message::parse(raw.as_bytes(), true, false);
    let whole = parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    assert_eq!(whole.map(|message| message.body).as_deref(), Ok("abc"));
    for bad in [
        "HTTP/1.1 200 OK\r\n",
        "200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nLink <a>\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    ] {
        assert!(parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn only_bencoding_is_taken_for_a_torrent() {
    for bad in ["", "x", "d", "de1:a", "i5", "2:a", "d1:ai1ee1:b", "le e"] {
        assert_eq!(tokens(bad), None, "{bad}");
    }
    let right = tokens("d1:ali1e2:\u{fc}xee").expect("a dictionary");
    assert_eq!(right, ["d", "a", "l", "i1", "\u{fc}x", "e", "e"]);
}

#[test]
fn targets_are_read_as_apache_reads_them() {
    assert_eq!(
        path_of("http://h.example.org/a//b/./c/../d%20e?x"),
        "/a/b/d e"
    );
    assert_eq!(path_of("/a/b/.."), "/a/");
    assert_eq!(path_of("/a/b/"), "/a/b/");
    let query = query_of("/a?MD5&country=de&country=fr&as=1%32+");
    assert_eq!(query["country"], "de, fr");
    assert_eq!((query["md5"].as_str(), query["as"].as_str()), ("", "12 "));
}
