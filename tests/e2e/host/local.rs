//! Tests that Apache serves its own files and pages as if Heliostat were not there.

use crate::stage::{ApacheOptions, Request, Stage, encode};

/// Names that break what does not take bytes as bytes.
pub const ODD_NAMES: [&[u8]; 22] = [
    b"plain.iso",
    b"sp ace.iso",
    b"per%cent.iso",
    b"per%41cent.iso",
    b"ha#sh.iso",
    b"que?ry.iso",
    b"am&p.iso",
    b"quo\"te.iso",
    b"l<e>ss.iso",
    b"plus+.iso",
    b"br[a]cket.iso",
    b"semi;co.iso",
    b"back\\slash.iso",
    b"apo'.iso",
    b"$do{l}^lar`|.iso",
    b"colon:.iso",
    b"trailing ",
    "\u{fc}\u{20ac}\u{1f600}.iso".as_bytes(),
    b"latin\xfc\xe9.iso",
    b"nbsp\xa0.iso",
    b"~tilde.iso",
    b"comma,at@=.iso",
];

/// A request for the same thing at both hosts.
fn compare(stage: &Stage, path: &[u8], change: impl Fn(Request) -> Request, what: &str) {
    // Redirects to a directory's own name repeat the host.
    let ask = |request: Request| change(request.field("Host: download.example.org"));
    let plain = ask(stage.plain(path)).send().comparable();
    let ours = ask(stage.get(path)).send().comparable();
    assert_ne!(plain.status, 0, "{what}");
    assert_eq!(ours, plain, "{what} of {}", path.escape_ascii());
}

/// Fields of requests with conditions and ranges; `{etag}` and `{modified}` are the file's own.
const CONDITIONS: [&[&str]; 24] = [
    &[],
    &["Range: bytes=100-199"],
    &["Range: bytes=-5"],
    &["Range: bytes=9990-"],
    &["Range: bytes=0-1,10-20,99-"],
    &["Range: bytes=10000-"],
    &["Range: bytes=z"],
    &["Range: bytes=5-1"],
    &["If-None-Match: {etag}"],
    &["If-None-Match: *"],
    &["If-None-Match: \"other\""],
    &["If-None-Match: \"other\", {etag}"],
    &["If-Modified-Since: {modified}"],
    &["If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT"],
    &["If-Modified-Since: nonsense"],
    &["If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT"],
    &["If-Unmodified-Since: {modified}"],
    &["If-Match: {etag}"],
    &["If-Match: \"other\""],
    &["Range: bytes=0-9", "If-Range: {etag}"],
    &["Range: bytes=0-9", "If-Range: \"other\""],
    &["Range: bytes=0-9", "If-Range: {modified}"],
    &["Range: bytes=0-9", "If-None-Match: {etag}"],
    &["Accept-Encoding: gzip, br", "Accept: application/x-none"],
];

fn compare_all_conditions(stage: &Stage, path: &[u8]) {
    let known = stage.plain(path).send();
    for fields in CONDITIONS {
        for is_head in [false, true] {
            let change = |mut request: Request| {
                for field in fields {
                    let field = field.replace("{etag}", &known.text("etag"));
                    request =
                        request.field(field.replace("{modified}", &known.text("last-modified")));
                }
                if is_head { request.head() } else { request }
            };
            compare(stage, path, change, &format!("{fields:?} head={is_head}"));
        }
    }
}

#[test]
fn ranges_and_conditions_are_apaches_own() {
    let mut stage = Stage::new("");
    for name in [
        "dir/image.iso",
        "dir/text.txt",
        "dir/unknown",
        "dir/pack.tar.gz",
    ] {
        stage.file(name, 10_000);
    }
    stage.start();
    let answer = stage.get("/dir/image.iso").send();
    assert_eq!((answer.status, answer.body.len()), (200, 10_000));
    for name in [
        "dir/image.iso",
        "dir/text.txt",
        "dir/unknown",
        "dir/pack.tar.gz",
    ] {
        compare_all_conditions(&stage, format!("/{name}").as_bytes());
    }
    let log = stage.access_log();
    let given = "give:file (database_not_reached)";
    assert!(log.contains(given), "the responder was asked: {log}");
}

#[test]
fn without_a_responder_the_answers_are_the_same() {
    let mut stage = Stage::new("");
    stage.file("dir/image.iso", 10_000);
    stage.start_apache(&ApacheOptions::default());
    compare_all_conditions(&stage, b"/dir/image.iso");
}

#[test]
fn names_are_bytes() {
    use std::os::unix::ffi::OsStrExt;
    let mut stage = Stage::new("");
    for name in ODD_NAMES {
        stage.file(
            std::ffi::OsStr::from_bytes(&[b"dir/", name].concat()),
            5_000,
        );
    }
    stage.start();
    for name in ODD_NAMES {
        let path = [b"/dir/", encode(name).as_slice()].concat();
        compare(&stage, &path, |request| request, "a name");
    }
    // No header can carry a line's end: Apache serves such a file without asking.
    stage.file("dir/line\nend.iso", 5_000);
    compare(&stage, b"/dir/line%0aend.iso", |request| request, "a name");
    stage.responder = None;
    for name in ODD_NAMES {
        let path = [b"/dir/", encode(name).as_slice()].concat();
        compare(
            &stage,
            &path,
            |request| request,
            "a name, without responder",
        );
    }
}

#[test]
fn what_needs_no_mirror_is_untouched() {
    let mut stage = Stage::new("");
    stage.file("dir/large.iso", 10_000);
    stage.file("dir/small.iso", 100);
    stage.file("page/index.html", 100);
    stage.start();
    for path in [
        "/",
        "/dir",
        "/dir/",
        "/dir/?C=M;O=D",
        "/page/",
        "/dir/small.iso",
        "/dir/none.iso",
        "/dir/large.iso/more",
        "/../etc/passwd",
        "/dir//large.iso",
        "/dir/%2e%2e/dir/large.iso",
    ] {
        compare(&stage, path.as_bytes(), |request| request, "a GET");
        compare(&stage, path.as_bytes(), Request::head, "a HEAD");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let with = |request: Request| request.argument("-X").argument(method);
        compare(
            &stage,
            b"/dir/large.iso",
            |r| with(r).argument("-dx=1"),
            method,
        );
    }
    // A header of bytes that are no text changes nothing.
    compare(
        &stage,
        b"/dir/large.iso",
        |r| r.field(b"X: \xff").field(b"Y: \xfe\xff"),
        "X: \\xff",
    );
    let direct = stage.get("/.heliostat/local").send();
    assert_eq!(
        direct.status, 403,
        "the fallback's own path is not for clients"
    );
    assert_eq!(stage.get("/.heliostat/down").send().status, 403);
}
