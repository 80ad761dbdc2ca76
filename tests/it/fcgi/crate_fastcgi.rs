//! The crate `fastcgi` beside our module: what it loses is the reason for a module of our own.

use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;

use heliostat::fcgi::ServerOptions;

use super::peer::{Peer, request};
use super::server::TestServer;
use super::wire;

use crate::stand_in::folder::temporary_folder;

/// The question for both: a field that is not UTF-8 stands before the client's address, as with
/// `curl -H $'X: \xff'` through Apache.
const PARAMS: [(&str, &[u8]); 4] = [
    ("REQUEST_METHOD", b"GET"),
    ("HTTP_X", b"\xff"),
    ("SCRIPT_NAME", b"/a.iso"),
    ("REMOTE_ADDR", b"203.0.113.7"),
];

/// The names of parameters that a responder on the crate knows of such a request, in order.
fn names_by_the_crate(params: &[(&str, &[u8])]) -> Vec<String> {
    let folder = temporary_folder();
    let socket = folder.path().join("crate.sock");
    let listener = UnixListener::bind(&socket).expect("a free path");
    // The crate has no end: its thread waits for connections until this process ends.
    std::thread::spawn(move || {
        let tell = |mut request: fastcgi::Request| {
            let mut names: Vec<String> = request.params().map(|(name, _)| name).collect();
            names.sort();
            let told = request.stdout().write_all(names.join(" ").as_bytes());
            told.expect("the test reads");
        };
        fastcgi::run_raw(tell, listener.as_raw_fd());
    });
    let mut peer = Peer::connect(&socket);
    peer.send(&request(1, false, params));
    let mut told = Vec::new();
    while let Some((kind, _, content)) = peer.record() {
        if kind == wire::STDOUT {
            told.extend_from_slice(&content);
        }
    }
    let told = String::from_utf8(told).expect("names of parameters are text");
    told.split_ascii_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_crate_fastcgi_loses_what_follows_a_parameter_that_is_no_text() {
    let mut text = PARAMS;
    text[1].1 = b"x";
    let all = ["HTTP_X", "REMOTE_ADDR", "REQUEST_METHOD", "SCRIPT_NAME"];
    assert_eq!(names_by_the_crate(&text), all);
    assert_eq!(names_by_the_crate(&PARAMS), ["REQUEST_METHOD"]);

    let server = TestServer::start(ServerOptions::default());
    let answer = Peer::connect(&server.socket).ask(&PARAMS);
    let mut expected = b"Status: 200 OK\r\n\r\n".to_vec();
    for (name, value) in PARAMS {
        expected.extend([name.as_bytes(), b"=", value, b"\n"].concat());
    }
    assert_eq!(answer.stdout, expected);
}
