//! The other ways to stand before Heliostat: mod_fcgid, nginx, lighttpd.

use std::time::Duration;

use md5::{Digest, Md5};
use rustix::process::Signal;

use crate::host::local::ODD_NAMES;
use crate::stage::site::eventually;
use crate::stage::{
    Answer, ApacheOptions, Request, Server, Stage, encode, start_lighttpd, start_lighttpd_with,
    start_nginx,
};

/// A tree with a file on a mirror, one on none, and odd names on none.
fn stage(more: &str) -> Stage {
    use std::os::unix::ffi::OsStrExt;
    let mut stage = Stage::new(more);
    stage.file("dir/mirrored.iso", 10_000);
    stage.mirror("germany", ["de", "eu"]);
    stage.file("dir/a.iso", 10_000);
    stage.file("dir/empty.iso", 0);
    for name in ODD_NAMES {
        stage.file(
            std::ffi::OsStr::from_bytes(&[b"odd/", name].concat()),
            5_000,
        );
    }
    stage.learn();
    stage
}

/// Fields of one name come in a line each, for clients that take a line for a field.
fn assert_lines(answer: &Answer) {
    let links = answer.all("link");
    let kinds = ["rel=describedby", "rel=duplicate; pri=1; geo=de"];
    assert_eq!(links.len(), kinds.len(), "{links:?}");
    let is_of = |(link, kind): (&String, &str)| link.contains(kind) && !link.contains(", <");
    assert!(links.iter().zip(kinds).all(is_of), "{links:?}");
    let digests = answer.all("digest");
    let kinds: Vec<&str> = digests
        .iter()
        .filter_map(|field| field.split('=').next())
        .collect();
    assert_eq!(kinds, ["MD5", "SHA", "SHA-256"], "{digests:?}");
    let helper = answer
        .fields
        .iter()
        .find(|(name, _)| name.starts_with("x-link"));
    assert_eq!(helper, None, "helpers are not for clients");
}

/// Redirects, and local files as the server alone would answer.
fn assert_works(port: u16, plain_port: u16, names: &[&[u8]]) {
    let answer = Request::get(port, "/dir/mirrored.iso").send();
    assert_eq!(
        (answer.status, answer.mirror().as_str()),
        (302, "germany"),
        "{answer:?}"
    );
    assert!(answer.text("location").ends_with("/dir/mirrored.iso"));
    assert_lines(&answer);
    let etag = Request::get(plain_port, "/dir/a.iso").send().text("etag");
    let conditions = [
        String::new(),
        "Range: bytes=5-9".to_owned(),
        "Range: bytes=0-1,5-9".to_owned(),
        "Range: bytes=99999-".to_owned(),
        format!("If-None-Match: {etag}"),
        format!("If-Match: {etag}"),
        "If-Match: \"other\"".to_owned(),
    ];
    let compare = |path: &[u8], condition: &str| {
        let ask = |port| {
            let request = Request::get(port, path).field("Host: download.example.org");
            let request = if condition.is_empty() {
                request
            } else {
                request.field(condition)
            };
            request.send().comparable()
        };
        assert_eq!(
            ask(port),
            ask(plain_port),
            "{} {condition}",
            path.escape_ascii()
        );
    };
    for condition in &conditions {
        compare(b"/dir/a.iso", condition);
    }
    for path in ["/", "/dir/", "/none.iso"] {
        compare(path.as_bytes(), "");
    }
    for name in names {
        compare(&[b"/odd/", encode(name).as_slice()].concat(), "");
    }
    let local = Request::get(port, "/dir/a.iso").send();
    let leaked = local
        .fields
        .iter()
        .chain(&answer.fields)
        .find(|(n, _)| n.starts_with("x-mb-"));
    assert_eq!(leaked, None, "log variables are not for clients");
    let sent = local
        .fields
        .iter()
        .find(|(name, _)| name.contains("send") || name.contains("accel"));
    assert_eq!(sent, None, "nor is what is told to the server");
    let digest = Md5::digest(&local.body);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let document = Request::get(port, "/dir/a.iso.md5").send();
    assert_eq!(
        String::from_utf8_lossy(&document.body),
        format!("{hex}  a.iso\n"),
        "hashes are made by the index"
    );
    let post = Request::get(port, "/dir/mirrored.iso")
        .argument("-dx=1")
        .send();
    assert!(!post.has("location"), "POST is not redirected");
}

/// The list of a directory's mirrors is asked for, the directory itself is the server's.
fn assert_lists(port: u16) {
    let list = Request::get(port, "/dir/?mirrorlist").send();
    let text = String::from_utf8_lossy(&list.body).into_owned();
    assert_eq!(list.status, 200, "{list:?}");
    assert!(text.contains("<div id=\"mirrorbrain-details\">"), "{text}");
    let index = Request::get(port, "/dir/?C=N").send();
    let text = String::from_utf8_lossy(&index.body).into_owned();
    assert!(!text.contains("mirrorbrain-details"), "{text}");
}

/// Every file as the server alone sends it, also parts, heads and what is known already.
fn assert_serves(state: &str, port: u16, plain_port: u16, names: &[&[u8]]) {
    let etag = Request::get(plain_port, "/dir/a.iso").send().text("etag");
    let conditions = [
        "X: y".to_owned(),
        "Range: bytes=5-9".to_owned(),
        "Range: bytes=0-1,5-9".to_owned(),
        "Range: bytes=99999-".to_owned(),
        format!("If-None-Match: {etag}"),
        "If-None-Match: \"other\"".to_owned(),
        format!("If-Match: {etag}"),
        "If-Match: \"other\"".to_owned(),
        "If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT".to_owned(),
        "If-Modified-Since: Wed, 15 Nov 2023 22:13:20 GMT".to_owned(),
        "If-Modified-Since: Mon, 13 Nov 2023 22:13:20 GMT".to_owned(),
        format!("Range: bytes=5-9\r\nIf-Range: {etag}"),
    ];
    let files = [
        &b"/dir/a.iso"[..],
        b"/dir/mirrored.iso",
        b"/dir/a.iso?x=1",
        b"/dir/empty.iso",
    ];
    // While it is up, one of them is redirected.
    let files = files
        .iter()
        .filter(|path| state != "up" || !path.starts_with(b"/dir/mirrored"));
    let of_file = |path: &&[u8]| conditions.clone().map(|field| (path.to_vec(), field));
    let mut asked: Vec<(Vec<u8>, String)> = files.flat_map(of_file).collect();
    let odd = names
        .iter()
        .map(|name| [b"/odd/", encode(name).as_slice()].concat());
    let others = odd.chain(["/", "/dir/", "/none.iso"].map(|path| path.into()));
    asked.extend(others.map(|path| (path, "X: y".to_owned())));
    // Each waits for its second then.
    let step = if state == "stopped" { 5 } else { 1 };
    let asked: Vec<_> = asked.into_iter().step_by(step).collect();
    std::thread::scope(|scope| {
        for part in asked.chunks(asked.len().div_ceil(16)) {
            scope.spawn(move || {
                for (path, field) in part {
                    let ask = |port| {
                        let request = Request::get(port, path).field("Host: download.example.org");
                        let request = request.field(field);
                        let head = request.clone().head().send();
                        (request.send().comparable(), head.comparable())
                    };
                    let (ours, plain) = (ask(port), ask(plain_port));
                    let path = path.escape_ascii();
                    assert_eq!(ours, plain, "{state}: {path} {field}");
                }
            });
        }
    });
}

/// With the responder stopped, killed or gone, files are served as by the server alone; documents
/// are not replaced by files.
fn assert_falls_back(stage: &mut Stage, port: u16, plain_port: u16) {
    assert_serves("up", port, plain_port, &[]);
    let content = stage.file("dir/a.iso", 10_000);
    let fetch = || Request::get(port, "/dir/a.iso").send();
    let responder = stage.responder.as_mut().expect("it runs");
    responder.signal(Signal::STOP);
    let answer = fetch();
    assert!(
        answer.status == 200 && answer.body == content,
        "stopped: {answer:?}"
    );
    assert!(
        answer.took < Duration::from_secs(5),
        "stopped: {:?}",
        answer.took
    );
    assert_serves("stopped", port, plain_port, &ODD_NAMES[..2]);
    responder.end(Signal::KILL);
    let answer = fetch();
    assert!(
        answer.status == 200 && answer.body == content,
        "killed: {answer:?}"
    );
    assert_serves("killed", port, plain_port, &ODD_NAMES);
    for document in [".md5", "?md5", "?%6dd5", ".mirrorlist", "?mirrorlist"] {
        let answer = Request::get(port, format!("/dir/a.iso{document}")).send();
        assert_eq!(answer.status, 503, "{document}: {answer:?}");
        assert!(answer.has("retry-after"), "{document}: {answer:?}");
    }
    let _ = std::fs::remove_file(stage.site.path("fcgi.sock"));
    assert_serves("gone", port, plain_port, &ODD_NAMES);
}

#[test]
fn nginx_redirects_and_falls_back() {
    let mut stage =
        stage("local_header = \"X-Accel-Redirect\"\nlocal_prefix = \"/.heliostat-local\"\n");
    stage.start_responder();
    let Server {
        port, plain_port, ..
    } = &start_nginx(&stage.site.path("."));
    assert_lists(*port);
    assert_works(*port, *plain_port, &ODD_NAMES);
    assert_eq!(
        Request::get(*port, "/.heliostat-local/dir/a.iso")
            .send()
            .status,
        404
    );
    assert_falls_back(&mut stage, *port, *plain_port);
}

#[test]
fn lighttpd_redirects_and_falls_back() {
    let mut stage = stage("local_header = \"X-LIGHTTPD-send-file\"\n");
    stage.start_responder();
    let server = start_lighttpd(&stage.site.path("."));
    // lighttpd answers 400 to a URL that is not UTF-8, with or without Heliostat.
    assert_works(server.port, server.plain_port, &ODD_NAMES);
    assert_lists(server.port);
    assert_falls_back(&mut stage, server.port, server.plain_port);
    stage.start_responder();
    eventually("it is asked again", || {
        Request::get(server.port, "/dir/mirrored.iso").send().status == 302
    });
}

/// lighttpd counts whole seconds: not every request may wait for a responder that hangs.
#[test]
fn lighttpd_asks_a_hung_responder_now_and_then() {
    let mut stage = stage("local_header = \"X-LIGHTTPD-send-file\"\n");
    stage.start_responder();
    let server = start_lighttpd(&stage.site.path("."));
    let fetch = || Request::get(server.port, "/dir/mirrored.iso").send();
    eventually("it is redirected", || fetch().status == 302);
    let responder = stage.responder.as_ref().expect("it runs");
    responder.signal(Signal::STOP);
    let begun = std::time::Instant::now();
    assert_eq!(fetch().status, 200);
    let answers: Vec<Answer> = (0..100).map(|_| fetch()).collect();
    let waited = |answer: &&Answer| answer.took > Duration::from_secs(1);
    let slow = answers.iter().filter(waited).count() as u64;
    let allowed = begun.elapsed().as_secs() / 5;
    assert!(slow <= allowed, "{slow} of 100 waited");
    assert!(answers.iter().all(|answer| answer.status == 200));
    for document in [".md5", "?md5", "?mirrorlist"] {
        let answer = Request::get(server.port, format!("/dir/a.iso{document}")).send();
        assert_eq!(answer.status, 503, "{document}: {answer:?}");
        assert!(answer.has("retry-after"), "{document}: {answer:?}");
    }
    responder.signal(Signal::CONT);
    eventually("it is asked again", || fetch().status == 302);
    assert!(fetch().status == 302 && fetch().status == 302);
}

#[test]
fn mod_fcgid_starts_its_own_responders() {
    let mut stage = stage("");
    let program = crate::stage::site::program_path("heliostat-fcgi");
    let script = format!("exec {program} --config {}", stage.site.config().display());
    let command = stage.site.script("responder", &script);
    let before = format!("Define HELIOSTAT_COMMAND \"{}\"\n", command.display());
    let shipped = "mod_fcgid.conf";
    stage.start_apache(&ApacheOptions {
        shipped,
        before,
        ..ApacheOptions::default()
    });
    let (port, plain_port) = (stage.apache().port, stage.apache().plain_port);
    assert_lists(port);
    assert_works(port, plain_port, &ODD_NAMES);
    // A program that cannot be started.
    let command = stage.site.script("ends", "exit 1");
    stage.start_apache(&ApacheOptions {
        shipped,
        before: format!("Define HELIOSTAT_COMMAND \"{}\"\n", command.display()),
        ..ApacheOptions::default()
    });
    let answer = stage.get("/dir/a.iso").send();
    assert!(
        answer.status == 200 && answer.body.len() == 10_000,
        "{answer:?}"
    );
}

/// Scripts are run, whatever the responder does; nobody sees their source, nor a document of it.
#[test]
fn lighttpd_runs_scripts() {
    let mut stage = Stage::new("local_header = \"X-LIGHTTPD-send-file\"\n");
    let names = [
        "a.cgi", "a.php", "a.PHP", "a.php.de", "a.pl", "a.own", "a.lua",
    ];
    let script = format!(
        "# the source\nprintf 'Content-Type: text/plain\\r\\n\\r\\nran %s' \
         \"$QUERY_STRING\"\n#{}\n",
        "x".repeat(9_000)
    );
    for name in names {
        stage.site.write(name, script.as_bytes(), 1_700_000_000);
    }
    let fails = script.replace("printf", "exit 1; printf");
    stage
        .site
        .write("fails.cgi", fails.as_bytes(), 1_700_000_000);
    stage.mirror("germany", ["de", "eu"]);
    stage.learn();
    stage.start_responder();
    let directives = "server.modules += ( \"mod_cgi\" )\n\
        cgi.assign = ( \".cgi\" => \"/bin/sh\", \".php\" => \"/bin/sh\", \".pl\" => \"/bin/sh\" )\n\
        static-file.exclude-extensions = ( \".PHP\", \".php.de\", \".lua\" )\n";
    let server = start_lighttpd_with(&stage.site.path(""), directives);
    let check = |state: &str| {
        for name in names.iter().chain(&["fails.cgi"]) {
            for query in ["", "?x=1", "?md5", "?mirrorlist"] {
                let path = format!("/{name}{query}");
                let is_own = *name == "a.own";
                if is_own && query.contains('m') {
                    continue;
                }
                let [ours, plain] =
                    [server.port, server.plain_port].map(|port| Request::get(port, &path).send());
                let is_same = ours.status == plain.status && ours.body == plain.body;
                let is_redirected = is_own && ours.status == 302;
                assert!(is_same || is_redirected, "{state} {path}: {ours:?}");
                let shows = String::from_utf8_lossy(&ours.body).contains("the source");
                assert!(!shows || is_own, "{state} {path}: {ours:?}");
            }
            if *name != "a.own" {
                for document in ["md5", "meta4", "mirrorlist"] {
                    let path = format!("/{name}.{document}");
                    let answer = Request::get(server.port, &path).send();
                    assert!(answer.status >= 400, "{state} {path}: {answer:?}");
                }
            }
        }
    };
    check("up");
    stage.responder.as_mut().expect("it runs").end(Signal::KILL);
    check("killed");
}
