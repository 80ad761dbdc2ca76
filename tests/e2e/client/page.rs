//! Pages that Apache puts together, and packed twins of files: whole, however their URL is written.

use rustix::process::Signal;

use crate::stage::{ApacheOptions, Request, Stage, load_module, start_nginx_with};

/// First label of the host, directives, URLs.
type Host = (&'static str, &'static str, &'static [&'static str]);

const HOSTS: &[Host] = &[
    (
        "include",
        "<Directory {tree}/page>\nOptions +Includes\nAddType text/html .shtml\n\
        AddOutputFilter INCLUDES .shtml\nDirectoryIndex index.shtml\n</Directory>\n\
        RewriteEngine On\nRewriteRule ^/a$ /page/index.shtml [PT]\nRewriteRule ^/b$ /page/ [PT]\n\
        RewriteRule ^/c$ {tree}/page/top.shtml",
        &[
            "/page/top.shtml",
            "/page/",
            "/page/index.shtml",
            "/a",
            "/b",
            "/c",
        ],
    ),
    (
        "xbithack",
        "<Directory {tree}/page>\nOptions +Includes\nXBitHack full\n</Directory>\n\
        RewriteEngine On\nRewriteRule ^/a$ /page/bit.html [PT]\nRewriteRule ^/dir$ /page/dir/ [PT]",
        &[
            "/page/bit.html",
            "/a",
            "/dir",
            "/page/dir/",
            "/page/part.html",
        ],
    ),
    (
        "filter",
        "<Directory {tree}/page>\nOptions +Includes\nSetOutputFilter INCLUDES\n</Directory>",
        &["/page/bit.html", "/page/index.html", "/page/dir/"],
    ),
    (
        "listing",
        "<Directory {tree}/list>\nHeaderName head.html\nReadmeName read.html\n</Directory>\n\
        RewriteEngine On\nRewriteRule ^/a$ /list/ [PT]",
        &["/list/", "/list/?C=M;O=A", "/a"],
    ),
    (
        "packed",
        "<Directory {tree}/packed>\nRewriteEngine On\n\
        RewriteCond %{HTTP:Accept-Encoding} gzip\nRewriteCond %{REQUEST_FILENAME}.gz -f\n\
        RewriteRule ^(.*)\\.js$ $1.js.gz [QSA]\n\
        RewriteRule \\.js\\.gz$ - [T=application/javascript,E=no-gzip:1]\n\
        <FilesMatch \"\\.js\\.gz$\">\nHeader set Content-Encoding gzip\n</FilesMatch>\n\
        </Directory>",
        &["/packed/a.js", "/packed/a.js?v=1"],
    ),
];

/// A tree in which all is on the mirror.
fn stage() -> Stage {
    use std::os::unix::fs::PermissionsExt;

    let mut stage = Stage::new("");
    let top = "top <!--#include virtual=\"/text/part.txt\" -->\
               <!--#include virtual=\"/page/part.html\" --> end";
    for (path, content, size) in [
        ("page/top.shtml", top, 9_000),
        ("page/index.shtml", top, 0),
        ("page/index.html", top, 9_000),
        ("page/bit.html", top, 9_000),
        ("page/dir/index.html", top, 9_000),
        ("page/part.html", "PART", 9_000),
        ("text/part.txt", "TEXT", 9_000),
        ("list/head.html", "<p>head</p>", 9_000),
        ("list/read.html", "<p>foot</p>", 9_000),
        ("packed/a.js", "var x;", 9_000),
        ("packed/a.js.gz", "packed", 9_000),
        ("odd/a\nb.iso", "odd", 9_000),
        ("odd/a\tb.iso", "odd", 9_000),
    ] {
        let content = format!("{content}{}\n", ".".repeat(size));
        stage.site.write(path, content.as_bytes(), 1_700_000_000);
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(stage.site.tree().join(path), mode).expect("our own file");
    }
    stage.mirror("germany", ["de", "eu"]);
    stage.learn();
    stage
}

fn start(stage: &mut Stage) {
    let hosts = HOSTS
        .iter()
        .map(|(name, lines, _)| ((*name).to_owned(), (*lines).to_owned()));
    stage.start_with(&ApacheOptions {
        before: ["include", "cgid"].map(load_module).concat(),
        hosts: hosts.collect(),
        ..ApacheOptions::default()
    });
    stage.until_redirected("/text/part.txt");
}

#[test]
fn what_apache_puts_together_is_whole() {
    let mut stage = stage();
    start(&mut stage);
    let check = |stage: &Stage, state: &str| {
        for (host, _, urls) in HOSTS {
            for url in *urls {
                let [ours, plain] = [stage.apache().port, stage.apache().plain_port].map(|port| {
                    let request = Request::get(port, url).field(format!("Host: {host}.test"));
                    request.field("Accept-Encoding: gzip").send()
                });
                let fields = ["content-type", "content-encoding"];
                let seen = fields.map(|name| (ours.text(name), plain.text(name)));
                let is_same = ours.status == plain.status
                    && ours.body == plain.body
                    && seen.iter().all(|(ours, plain)| ours == plain);
                // A page without its parts is smaller.
                let is_whole = plain.status == 200 && plain.body.len() > 9_000;
                assert!(
                    is_same && is_whole,
                    "{state} {host} {url}: {ours:?} {plain:?}"
                );
            }
        }
    };
    check(&stage, "up");
    stage.responder.as_mut().expect("it runs").end(Signal::KILL);
    check(&stage, "killed");
}

/// mod_proxy forwards no such name: there are no documents of it, and the file is none.
#[test]
fn names_with_control_characters_have_no_documents_by_query() {
    let mut stage = stage();
    start(&mut stage);
    for state in ["up", "killed"] {
        for name in ["a%0Ab.iso", "a%09b.iso"] {
            for query in ["md5", "x=1&meta4", "%6dd5", "MIRRORLIST=1"] {
                let answer = stage.get(format!("/odd/{name}?{query}")).send();
                assert_eq!(answer.status, 404, "{state} {name}?{query}: {answer:?}");
            }
            for path in [format!("/odd/{name}"), format!("/odd/{name}?x=md5")] {
                let (ours, plain) = (stage.get(&path).send(), stage.plain(&path).send());
                let is_same = ours.status == 200 && ours.body == plain.body;
                assert!(is_same, "{state} {path}: {ours:?}");
            }
        }
        stage.responder.as_mut().expect("it runs").end(Signal::KILL);
    }
}

/// Codes that are none, in a query: the file all the same, and the documents.
#[test]
fn malformed_escapes_in_a_query_cost_nobody_the_file() {
    let settings = "local_header = \"X-Accel-Redirect\"\nlocal_prefix = \"/.heliostat-local\"\n";
    let mut stage = Stage::new(settings);
    stage.file("dir/mirrored.iso", 10_000);
    stage.mirror("germany", ["de", "eu"]);
    stage.file("dir/a.iso", 10_000);
    stage.learn();
    stage.start_responder();
    let server = start_nginx_with(&stage.site.path("."), "");
    let queries = [
        "%",
        "%zz",
        "%4",
        "x=%",
        "x=%&y=%zz",
        "%00",
        "%ff=1",
        "&&%&",
        "=%",
    ];
    for state in ["up", "killed"] {
        for query in queries {
            let plain = Request::get(server.plain_port, format!("/dir/a.iso?{query}")).send();
            let ours = Request::get(server.port, format!("/dir/a.iso?{query}")).send();
            let is_same = ours.status == 200 && ours.body == plain.body;
            assert!(is_same, "{state} {query}: {ours:?}");
            let redirect = Request::get(server.port, format!("/dir/mirrored.iso?{query}")).send();
            let expected = if state == "up" { 302 } else { 200 };
            assert_eq!(redirect.status, expected, "{state} {query}: {redirect:?}");
            let document = Request::get(server.port, format!("/dir/a.iso?{query}&md5")).send();
            let expected = if state == "up" { 200 } else { 503 };
            assert_eq!(document.status, expected, "{state} {query}: {document:?}");
            assert_ne!(document.body, plain.body, "{state} {query}");
        }
        stage.responder.as_mut().expect("it runs").end(Signal::KILL);
    }
}
