//! Each fault that mirrors have: nothing that was known is lost by it, and what the mirror really
//! lost is found out by the next good scan.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use super::fault_site::{By, FILES, Stage, healthy_listing, healthy_page};
use crate::stand_in::certificate::Authority;
use crate::stand_in::ftpd::{Ftpd, Kind as FtpKind, Tls};
use crate::stand_in::odd_ftp::{Listing, OddFtp, list};
use crate::stand_in::odd_web::{OddWeb, Reply, index, page, status};
use crate::stand_in::port::free_port;
use crate::stand_in::rsyncd::{Rsyncd, set_mode};
use crate::stand_in::scan_site::{OLD, last_run, set};
use crate::stand_in::site::eventually;
use crate::stand_in::webd::{Kind, Tree, Web};
use crate::stand_in::webserver::{Manner, WebServer};

/// Where the mirror lies when a port is all that it has.
fn url_of(by: By, port: u16) -> String {
    match by {
        By::Http => format!("http://127.0.0.1:{port}/pub/"),
        By::Ftp => format!("ftp://127.0.0.1:{port}/"),
        By::Rsync => format!("rsync://127.0.0.1:{port}/pub"),
    }
}

#[test]
fn connection_refused() {
    let stage = Stage::new();
    let port = free_port();
    for (by, gone) in [(By::Http, "a"), (By::Ftp, "dir/c"), (By::Rsync, "top/k")] {
        stage.point(by, &url_of(by, port));
        stage.keeps("cannot connect");
        stage.recovers_without(by, gone);
    }
}

#[test]
fn hanging_in_the_middle() {
    let stage = Stage::new();
    stage.configure("timeout_s = 2");
    let half = "<title>Index of /</title><pre><a href=\"c\">c</a> 09-Sep-2001 01:46 5\n";
    for hanging in ["/pub/", "/pub/dir/"] {
        let web = OddWeb::start(move |asked| match asked.path.as_str() {
            path if path == hanging => Reply::Hang(half.to_owned()),
            path => healthy_page(path),
        });
        stage.point(By::Http, &web.url());
        stage.keeps("no answer for 2 s");
    }
    let ftp = OddFtp::start(
        |_, _| None,
        |_, directory| match directory {
            "/dir" => Listing::Hang(list(&[("c", 5)])),
            other => healthy_listing(other),
        },
    );
    stage.point(By::Ftp, &ftp.url());
    stage.keeps("no answer for 2 s");
    stage.recovers_without(By::Http, "dir/d");
}

#[test]
fn a_certificate_that_has_expired() {
    let stage = Stage::new();
    let authority = Authority::new();
    let tls = authority.server("IP:127.0.0.1", -1);
    let web = WebServer::with_tls("127.0.0.1", Manner::Serves, Some(tls));
    stage.point(By::Http, &web.url(""));
    stage.keeps_trusting("its certificate has expired", Some(authority.file()));
    assert!(web.requests().is_empty(), "nothing is sent to it");
    stage.recovers_without(By::Http, "a");

    let ftp = Ftpd::start(FtpKind::ProFtpd, Tls::Expired, &stage.tree.path());
    stage.point(By::Ftp, &ftp.url());
    stage.keeps_trusting("its certificate has expired", ftp.authority());
    stage.recovers_without(By::Ftp, "top/l");
}

#[test]
fn a_subtree_that_is_forbidden() {
    let stage = Stage::new();
    set_mode(&stage.tree.path().join("dir"), 0o311);
    let server = stage.serve(By::Rsync);
    stage.point(By::Rsync, &server.url());
    stage.keeps("could not list 'dir'");
    assert_eq!(last_run(&stage.site, stage.id).outcome.as_str(), "partial");
    // Other servers are asked for its files one by one.
    let mut expected = set(&FILES);
    for by in [By::Http, By::Ftp] {
        let server = stage.serve(by);
        stage.point(by, &server.url());
        stage.scans();
        assert_eq!(stage.current(), expected);
    }
    // So what is lost is found out there as elsewhere.
    stage.tree.remove("other/f");
    stage.tree.remove("dir/c");
    let server = stage.serve(By::Http);
    stage.point(By::Http, &server.url());
    stage.scans();
    assert!(expected.remove("other/f"));
    assert!(expected.remove("dir/c"));
    assert_eq!(stage.current(), expected);
}

#[test]
fn an_index_page_that_became_a_login_page() {
    const FORM: &str = "<html><title>Sign in</title><body><form method=post action=/login>\
         <input name=user><input type=password name=word></form><a href=\"a\">a</a></html>";
    const PORTAL: &str = "<html><title>Single sign-on</title><body><form action=/sso>\
         <input name=user></form><a href=\"help\">Help</a></body></html>";
    let stage = Stage::new();
    let portal = OddWeb::start(|_| page(FORM.to_owned()));
    let elsewhere = portal.url().replace("/pub/", "/login?next=/pub/");
    let redirect = move || status("302 Found", &format!("Location: {elsewhere}\r\n"));
    type Made = Box<dyn Fn() -> Reply + Send + Sync>;
    let cases: [(&str, Made, &str); 6] = [
        (
            "/pub/",
            Box::new(|| page(FORM.into())),
            "it is a login page",
        ),
        (
            "/pub/",
            Box::new(|| page(PORTAL.into())),
            "not an index of files",
        ),
        ("/pub/", Box::new(redirect.clone()), "which is not followed"),
        (
            "/pub/dir/",
            Box::new(|| page(FORM.into())),
            "could not list 'dir'",
        ),
        (
            "/pub/dir/",
            Box::new(|| page(PORTAL.into())),
            "could not list 'dir'",
        ),
        ("/pub/dir/", Box::new(redirect), "which is not below"),
    ];
    for (at, reply, expected) in cases {
        // The files of the directory are behind the same login.
        let web = OddWeb::start(move |asked| match asked.path.as_str() {
            path if path
                .rsplit_once('/')
                .is_some_and(|(folder, _)| at.trim_end_matches('/') == folder) =>
            {
                reply()
            }
            path => healthy_page(path),
        });
        stage.point(By::Http, &web.url());
        stage.keeps(expected);
    }
    stage.recovers_without(By::Http, "dir/e");
}

/// Says to a daemon what a client says first; true when the module lets it in.
fn is_let_in(stream: &TcpStream) -> bool {
    let mut lines = BufReader::new(stream).lines();
    let greeting = lines.next().and_then(Result::ok).unwrap_or_default();
    assert!(greeting.starts_with("@RSYNCD: "), "{greeting}");
    let mut write = stream;
    write
        .write_all(b"@RSYNCD: 31.0 md5\none\n")
        .expect("the daemon reads");
    let mut lines = lines.map_while(Result::ok);
    lines.any(|line| line == "@RSYNCD: OK")
}

#[test]
fn a_daemon_with_its_only_connection_taken() {
    let stage = Stage::new();
    let daemon = stage.rsyncd();
    let port = daemon.port();
    let taken = TcpStream::connect(("127.0.0.1", port)).expect("the daemon");
    assert!(is_let_in(&taken));
    stage.point(By::Rsync, &daemon.url("one"));
    stage.keeps("takes no more connections (max connections (1) reached");
    stage.tree.remove("b");
    drop(taken);
    // The daemon takes a moment to see that it is free.
    eventually("it takes the next one", || {
        stage.site.run("heliostat-scan", &["m"]).status.success()
    });
    let mut expected = set(&FILES);
    assert!(expected.remove("b"));
    assert_eq!(stage.current(), expected);
}

/// How a daemon is killed in the middle: `scan_failure`.
#[test]
fn a_listing_that_is_cut() {
    let stage = Stage::new();
    let whole = index(&[("c", 5), ("d", 5), ("e", 5)]);
    let half = whole[..whole.find("\"d\"").expect("an entry")].to_owned();
    let root = index(&[("dir/", 0), ("a", 1)]).replace("</pre></body></html>\n", "");
    for (at, text) in [("/pub/dir/", half), ("/pub/", root)] {
        for is_broken in [true, false] {
            let text = text.clone();
            let web = OddWeb::start(move |asked| match asked.path.as_str() {
                path if path == at && is_broken => Reply::Break(text.clone()),
                path if path == at => page(text.clone()),
                path => healthy_page(path),
            });
            stage.point(By::Http, &web.url());
            let expected = match is_broken {
                true => "the connection broke",
                false => "ends before the index is complete",
            };
            stage.keeps(expected);
        }
    }
    for cut in ["/dir", "/"] {
        let ftp = OddFtp::start(
            |_, _| None,
            move |_, directory| match directory {
                path if path == cut => Listing::Ended(
                    list(&[("c", 5), ("a", 1), ("dir/", 0)]),
                    "426 Connection closed; transfer aborted.",
                ),
                other => healthy_listing(other),
            },
        );
        stage.point(By::Ftp, &ftp.url());
        stage.keeps("426 Connection closed");
    }
    stage.recovers_without(By::Http, "dir/c");
}

#[test]
fn another_tree_under_the_url() {
    let stage = Stage::new();
    let other = Tree::new();
    for path in ["debian/x", "debian/y", "top/strange", "z"] {
        other.write(path, b"strange", OLD);
    }
    let web = Web::start(Kind::ApacheTable, &other, "UTC", "");
    stage.point(By::Http, &web.url());
    stage.keeps("12 of 12 files vanished");
    stage.recovers_without(By::Http, "a");
    let ftp = Ftpd::start(FtpKind::ProFtpd, Tls::None, &other.path());
    stage.point(By::Ftp, &ftp.url());
    stage.keeps("11 of 11 files vanished");
    stage.recovers_without(By::Ftp, "b");
    let daemon = Rsyncd::start();
    daemon.write("debian/x", b"strange", OLD);
    stage.point(By::Rsync, &daemon.url("pub"));
    stage.keeps("10 of 10 files vanished");
    stage.recovers_without(By::Rsync, "dir/c");
}

#[test]
fn a_clock_that_is_hours_away() {
    let stage = Stage::new();
    let write_all = |time: u64| {
        for path in FILES {
            stage.tree.write(path, path.as_bytes(), time);
        }
    };
    // Pages in the time of Kathmandu and of Honolulu.
    for zone in ["Asia/Kathmandu", "Pacific/Honolulu"] {
        let web = Web::start(Kind::Nginx, &stage.tree, zone, "");
        stage.point(By::Http, &web.url());
        stage.scans();
        assert_eq!(stage.current(), set(&FILES), "{zone}");
    }
    // The files themselves are hours older or younger, as on a disk that keeps local time.
    for time in [OLD - 5 * 3600, OLD + 7 * 3600] {
        write_all(time);
        let server = stage.serve(By::Http);
        stage.point(By::Http, &server.url());
        stage.scans();
        assert_eq!(stage.current(), set(&FILES));
    }
    // rsync has true times, so that what is younger is current, and what is older is old.
    let daemon = stage.serve(By::Rsync);
    stage.point(By::Rsync, &daemon.url());
    stage.scans();
    assert_eq!(stage.current(), set(&FILES));
    write_all(OLD - 5 * 3600);
    stage.scans();
    assert_eq!(stage.outdated(), set(&FILES));
    write_all(OLD);
    stage.scans();
    assert_eq!(stage.current(), set(&FILES));
}
