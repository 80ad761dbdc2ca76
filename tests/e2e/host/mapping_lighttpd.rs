//! lighttpd's mapping is the truth, whatever the responder does.

use std::os::unix::fs::symlink;

use rustix::process::Signal;

use crate::host::mapping::{
    Url, X, has_documents_of_odd_names, has_md5_documents, same, stage_with,
};
use crate::stage::{ApacheOptions, Request, Server, Stage, start_lighttpd_with};

/// The settings that operators have in lighttpd.conf, before Heliostat's file.
const LIGHTTPD: &str = "\
server.modules += ( \"mod_alias\", \"mod_rewrite\", \"mod_simple_vhost\", \"mod_userdir\" )
alias.url = ( \"/al/\" => \"{tree}/war/\", \"/shadow/\" => \"{tree}/other/\",
    \"/out/\" => \"{home}/outside/\" )
url.rewrite-once = ( \"^/current/(.*)$\" => \"/war/2.361/$1\" )
url.rewrite-if-not-file = ( \"^/maybe/(.*)$\" => \"/war/2.361/$1\" )
url.access-deny = ( \"~\", \"denied.iso\" )
userdir.path = \"pub\"
userdir.basepath = \"{tree}/home/\"
index-file.names = ( \"index.html\" )
$HTTP[\"host\"] == \"vhost.test\" { simple-vhost.server-root = \"{tree}\"
    simple-vhost.default-host = \"hosts\" simple-vhost.document-root = \"vhostalias\" }
$HTTP[\"url\"] =~ \"^/nolinks/\" { server.follow-symlink = \"disable\" }
server.error-handler-404 = \"/page/index.html\"
";

/// The URLs that lighttpd is asked for, each with the file of the tree that it must be redirected
/// to.
const LIGHTTPD_URLS: &[Url] = &[
    ("/war/2.361/x.iso", X),
    ("/war/2.361/x.iso?x=1", X),
    ("/war/2.361/new.iso", None),
    ("/war/2.361/none.iso", None),
    ("/war/2.361/x.iso/more", None),
    ("/war//2.361/./x.iso", X),
    ("/al/2.361/x.iso", X),
    ("/al/2.361/new.iso", None),
    ("/al/2.361/none.iso", None),
    ("/shadow/2.361/x.iso", Some("other/2.361/x.iso")),
    ("/out/o.iso", None),
    ("/out/none.iso", None),
    ("/al/real.iso.md5", Some("war/real.iso.md5")),
    ("/current/x.iso", X),
    ("/current/new.iso", None),
    ("/maybe/x.iso", X),
    ("/~anna/u.iso", Some("home/anna/pub/u.iso")),
    ("/~bert/u.iso", None),
    ("/links/x.iso", X),
    ("/links/out.iso", None),
    ("/links/dangling.iso", None),
    ("/nolinks/x.iso", None),
    ("/page/", None),
    ("/page/index.html", Some("page/index.html")),
    ("/listed/", None),
    ("/denied.iso", None),
];

/// The same bytes, from the mirror at that port or from the server itself.
fn is_delivered_by(
    server: &Server,
    base: u16,
    (url, path): &Url,
    must_redirect: bool,
) -> Result<(), String> {
    let plain = Request::get(server.plain_port, url).send();
    let ours = Request::get(server.port, url).send();
    let Some(path) = path.filter(|_| must_redirect || ours.status == 302) else {
        return same(&ours, &plain);
    };
    let expected = format!("http://127.0.0.1:{base}/{path}");
    if ours.text("location") != expected {
        return Err(format!("not redirected to {path}: {ours:?}"));
    }
    same(&Request::url(&expected).send(), &plain)
}

#[test]
fn lighttpd_finds_the_same_files() {
    let mut stage = stage_with("local_header = \"X-LIGHTTPD-send-file\"\n");
    symlink("links", stage.site.tree().join("nolinks")).expect("a link");
    stage.file("denied.iso", 10_000);
    stage.start_apache(&ApacheOptions::default());
    stage.start_responder();
    let server = start_lighttpd_with(&stage.site.path(""), LIGHTTPD);
    let base = stage.mirror_named("germany").http_port;
    has_documents_of_odd_names(
        &stage,
        server.port,
        &["/war/q%3F.iso", "/al/%C3%BC%E4%B8%AD.iso"],
    );
    let check = |state: &str, must_redirect: bool| {
        std::thread::scope(|scope| {
            for part in LIGHTTPD_URLS.chunks(3) {
                let server = &server;
                scope.spawn(move || {
                    for url in part {
                        is_delivered_by(server, base, url, must_redirect)
                            .unwrap_or_else(|error| panic!("{state}: {}: {error}", url.0));
                    }
                });
            }
        });
        let ask = |port| {
            Request::get(port, "/v.iso")
                .field("Host: vhost.test")
                .send()
        };
        let (ours, plain) = (ask(server.port), ask(server.plain_port));
        let is_same = ours.status == 302 || same(&ours, &plain).is_ok();
        assert!(plain.status == 200 && is_same, "{state}: {ours:?}");
    };
    check("up", true);
    for (url, path) in LIGHTTPD_URLS {
        let Some(path) = path.filter(|_| !url.contains('?')) else {
            continue;
        };
        let content = std::fs::read(stage.site.tree().join(path)).expect("a file of the tree");
        has_md5_documents(server.port, url, &content);
    }
    let outside = Request::get(server.port, "/out/o.iso.md5").send();
    assert_eq!(outside.status, 404, "{outside:?}");
    // This host has a page for what is not there, and sends it with 200.
    let [ours, plain] = [server.port, server.plain_port]
        .map(|port| Request::get(port, "/war/2.361/none.iso.md5").send());
    assert!(same(&ours, &plain).is_ok(), "{ours:?}");
    let mut responder = stage.responder.take().expect("it runs");
    responder.signal(Signal::STOP);
    check("stopped", false);
    responder.signal(Signal::CONT);
    std::thread::scope(|scope| {
        let killer = scope.spawn(|| {
            responder.end(Signal::KILL);
        });
        for _ in 0..5 {
            check("killed in between", false);
        }
        killer.join().expect("it was killed");
    });
    check("killed", false);
    std::fs::remove_file(stage.site.path("fcgi.sock")).expect("the socket");
    check("gone", false);
    page_for_errors_stands_in_nobodys_way(&stage);
}

/// With the responder away: files are there, what is missing is not.
fn page_for_errors_stands_in_nobodys_way(stage: &Stage) {
    let server = start_lighttpd_with(
        &stage.site.path(""),
        "server.error-handler = \"/page/index.html\"\n",
    );
    for url in ["/war/2.361/x.iso", "/war/2.361/new.iso?x=1", "/none.iso"] {
        for request in [server.port, server.plain_port].map(|port| Request::get(port, url)) {
            let head = request.clone().head().send();
            let is_there = !url.contains("none");
            assert_eq!((head.status == 200), is_there, "{url}: {head:?}");
        }
        let [ours, plain] = [server.port, server.plain_port].map(|port| Request::get(port, url));
        same(&ours.send(), &plain.send()).unwrap_or_else(|error| panic!("{url}: {error}"));
    }
}
