//! Names of any length: a redirect fits into the buffers of a proxy, or the file is served.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::ffi::OsStrExt;

use crate::stage::{Request, Stage, encode, start_nginx, start_nginx_before};

/// Encoded names of up to so many bytes are redirected.
const ENCODED_BYTES: usize = 1_700;
const NAMES: usize = 1_000;
/// With documents of every kind, so that a head is as long as it can be.
const SETTINGS: &str = "[site.test.rules]\ntrackers = [\"http://127.0.0.1:9/announce\"]\n";
/// Characters of names: of one byte, of two, of three, of four, of no UTF-8.
const CHARACTERS: [&[u8]; 24] = [
    b"a",
    b"Z",
    b"0",
    b"-",
    b".",
    b"_",
    b" ",
    b"+",
    b"%",
    b"&",
    b"#",
    b"?",
    b"'",
    b"\"",
    b";",
    b"~",
    "\u{fc}".as_bytes(),
    "\u{df}".as_bytes(),
    "\u{416}".as_bytes(),
    "\u{6587}".as_bytes(),
    "\u{5b57}".as_bytes(),
    "\u{20ac}".as_bytes(),
    "\u{1f600}".as_bytes(),
    b"\xfc",
];
/// The file system takes 255 bytes a component, and the longest character has four.
const COMPONENT_BYTES: usize = 251;

/// Numbers that look random, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }
}

/// A name of its own whose encoded form has at most so many bytes, and nearly so many.
fn name(numbers: &mut Numbers, number: usize, encoded_bytes: usize) -> Vec<u8> {
    let mut name = format!("{number:x}").into_bytes();
    let (mut encoded, mut in_component) = (1 + name.len(), name.len());
    // Mostly characters of one kind: the lengths of heads differ by what encoding adds.
    let kinds = 1 + numbers.below(CHARACTERS.len());
    loop {
        let character = CHARACTERS[numbers.below(kinds)];
        let is_next = in_component + character.len() > COMPONENT_BYTES;
        let parts: &[&[u8]] = if is_next {
            &[b"/x", character]
        } else {
            &[character]
        };
        let more = parts.concat();
        encoded += encode(&more).len();
        if encoded > encoded_bytes {
            return name;
        }
        in_component = if is_next { 0 } else { in_component } + more.len();
        name.extend_from_slice(&more);
    }
}

/// Asks over one connection after the other, each for many names; returns status and Location.
fn ask(port: u16, names: &[Vec<u8>]) -> Vec<(u16, Vec<u8>)> {
    let mut answers = Vec::new();
    let mut connection: Option<BufReader<TcpStream>> = None;
    for name in names {
        let path = [b"/", encode(name).as_slice()].concat();
        let answer = answer(&mut connection, port, &path).or_else(|_| {
            // A server may end a kept connection.
            connection = None;
            answer(&mut connection, port, &path)
        });
        answers.push(answer.unwrap_or_else(|error| panic!("{}: {error}", path.escape_ascii())));
    }
    answers
}

fn answer(
    connection: &mut Option<BufReader<TcpStream>>,
    port: u16,
    path: &[u8],
) -> std::io::Result<(u16, Vec<u8>)> {
    let mut stream = match connection.take() {
        Some(stream) => stream,
        None => BufReader::new(TcpStream::connect(("127.0.0.1", port))?),
    };
    let lines = b" HTTP/1.1\r\nHost: download.example.org\r\n\r\n";
    stream
        .get_mut()
        .write_all(&[b"GET ", path, lines].concat())?;
    let (mut status, mut location, mut length) = (0, Vec::new(), 0);
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_ascii_end();
        let text = String::from_utf8_lossy(line).into_owned();
        if line.is_empty() {
            break;
        }
        if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
            status = rest[..3].parse().expect("a status");
        } else if let Some((name, value)) = text.split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "location" => location = value.as_bytes().to_vec(),
                "content-length" => length = value.parse().expect("a length"),
                _ => {}
            }
        }
    }
    std::io::copy(&mut stream.by_ref().take(length), &mut std::io::sink())?;
    *connection = Some(stream);
    Ok((status, location))
}

#[test]
fn names_of_any_length_are_redirected_through_any_server() {
    let mut stage = Stage::new(SETTINGS);
    let mut numbers = Numbers(7);
    let lengths: Vec<usize> = (0..NAMES)
        .map(|_| 8 + numbers.below(ENCODED_BYTES - 7))
        .collect();
    let mut names: Vec<Vec<u8>> = Vec::new();
    for (number, length) in lengths.into_iter().enumerate() {
        names.push(name(&mut numbers, number, length));
    }
    // Longer names are redirected or served, as there is room.
    let mut longer: Vec<Vec<u8>> = Vec::new();
    for number in 0..60 {
        longer.push(name(
            &mut numbers,
            NAMES + number,
            ENCODED_BYTES + 30 * number,
        ));
    }
    for name in names.iter().chain(&longer) {
        stage.file(std::ffi::OsStr::from_bytes(name), 4_200);
    }
    stage.mirror("one", ["de", "eu"]);
    stage.learn();
    let port = stage.mirror_named("one").http_port;
    for name in ["two", "three", "four", "five"] {
        stage.twin(
            "one",
            name,
            &format!("http://127.0.0.1:{port}/mirrors/{name}/"),
        );
    }
    stage.start();
    let first = String::from_utf8(encode(&names[0])).expect("ASCII");
    stage.until_redirected(&format!("/{first}"));
    let apache = stage.apache().port;
    let folder = stage.site.path(".");
    let nginx = start_nginx(&folder);
    let (_front, front) = start_nginx_before(&folder, apache);
    for (server, port) in [
        ("Apache", apache),
        ("nginx", nginx.port),
        ("in front", front),
    ] {
        for (name, (status, location)) in names.iter().zip(ask(port, &names)) {
            let what = format!("{server}: {}", name.escape_ascii());
            assert_eq!(status, 302, "{what}");
            assert!(crate::stage::decode(&location).ends_with(name), "{what}");
        }
        if server == "nginx" {
            // The stage tells Apache how to serve a file, not nginx.
            continue;
        }
        let answers = ask(port, &longer);
        let redirected = answers.iter().filter(|(status, _)| *status == 302).count();
        assert!(redirected > 10, "{server}: {redirected}");
        let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
        let is_fine = |status: &u16| [200, 302].contains(status);
        assert!(statuses.iter().all(is_fine), "{server}: {statuses:?}");
    }
}

#[test]
fn a_longer_head_that_is_allowed_fits_into_the_buffers_of_nginx() {
    // As in docs/vhost.md; without the buffers of nginx.conf, 4096 bytes are the most.
    let mut stage = Stage::new(&format!("head_bytes_max = 8192\n{SETTINGS}"));
    let name = ["\u{6587}".repeat(60), "\u{5b57}".repeat(60)]
        .join("/")
        .into_bytes();
    stage.file(std::ffi::OsStr::from_bytes(&name), 4_200);
    stage.mirror("one", ["de", "eu"]);
    stage.learn();
    stage.start_responder();
    let nginx = start_nginx(&stage.site.path("."));
    let path = [b"/", encode(&name).as_slice()].concat();
    let answer = Request::get(nginx.port, &path).send();
    let lengths = answer.fields.iter();
    let head: usize = lengths.map(|(name, value)| name.len() + value.len()).sum();
    assert_eq!(answer.status, 302, "{answer:?}");
    assert!(head > 5_000, "{head}: {answer:?}");
}
