//! FTP servers that are ill, wrong or hostile: what was known stays, and one line says why.

use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use heliostat::domain::mirror::MirrorId;
use rustix::process::{Pid, Signal, kill_process};

use crate::stand_in::ftpd::{Ftpd, Kind, LOGIN, PASSWORD, Tls};
use crate::stand_in::odd_ftp::{Listing, OddFtp, list};
use crate::stand_in::port::free_port;
use crate::stand_in::rsyncd::set_mode;
use crate::stand_in::scan_site::{
    OLD, add_mirror, catalogue_tree, current, last_run, outdated, published, set,
};
use crate::stand_in::site::{TestSite, eventually, failure};
use crate::stand_in::webd::{Kind as WebKind, Tree, Web};

const FILES: [&str; 6] = ["a", "b", "dir/c", "dir/d", "other/e", "other/f"];

/// A site with six files, and a mirror's tree with the same.
fn site_and_tree(config: &str) -> (TestSite, Tree) {
    let (site, tree) = (TestSite::with_config(config), Tree::new());
    for path in FILES {
        site.write(path, path.as_bytes(), OLD);
        tree.write(path, path.as_bytes(), OLD);
    }
    catalogue_tree(&site);
    (site, tree)
}

/// A mirror that has FTP alone.
fn add(site: &TestSite, name: &str, url: &str) -> MirrorId {
    add_mirror(site, name, "", |mirror| {
        mirror.base_url = String::new();
        mirror.ftp_url = url.to_owned();
    })
}

fn set_url(site: &TestSite, url: &str) {
    let value = format!("baseurlFtp={url}");
    site.run_ok("heliostat", &["edit", "m", "--set", &value]);
}

/// A mirror that a good scan of a real server has found to have everything, now at `url`.
fn known_mirror(site: &TestSite, tree: &Tree, url: &str) -> MirrorId {
    let server = Ftpd::start(Kind::ProFtpd, Tls::None, &tree.path());
    let id = add(site, "m", &server.url());
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(site, id), set(&FILES));
    set_url(site, url);
    id
}

/// The scan fails with one line that has `expected`, and changes nothing.
#[track_caller]
fn fails(site: &TestSite, id: MirrorId, expected: &str) {
    let before = published(site, id);
    let (code, error) = failure(&site.run("heliostat-scan", &["m"]));
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains(expected), "{error}\nwanted {expected}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(!error.contains(PASSWORD), "{error}");
    assert_eq!(published(site, id), before);
    assert_eq!(last_run(site, id).outcome.as_str(), "failed");
}

/// The scan is partial, says `expected`, and what the mirror has stays as it was.
#[track_caller]
fn is_partial(site: &TestSite, id: MirrorId, expected: &str) {
    let (code, error) = failure(&site.run("heliostat-scan", &["m", "-v"]));
    assert_eq!(code, Some(3), "{error}");
    assert!(error.contains(expected), "{error}\nwanted {expected}");
    assert_eq!(current(site, id), set(&FILES));
    assert_eq!(last_run(site, id).outcome.as_str(), "partial");
}

/// A healthy listing for each directory of the site.
fn healthy(directory: &str) -> Listing {
    match directory {
        "/" => Listing::Whole(list(&[("dir/", 0), ("other/", 0), ("a", 1), ("b", 1)])),
        "/dir" => Listing::Whole(list(&[("c", 5), ("d", 5)])),
        "/other" => Listing::Whole(list(&[("e", 7), ("f", 7)])),
        _ => Listing::Refused("550 no such directory"),
    }
}

#[test]
fn each_refusal_of_an_ftp_server_is_one_clear_line() {
    let (site, tree) = site_and_tree("");
    let port = free_port();
    let id = known_mirror(&site, &tree, &format!("ftp://127.0.0.1:{port}/"));
    fails(&site, id, "cannot connect (127.0.0.1");

    let server = Ftpd::start(Kind::ProFtpd, Tls::None, &tree.path());
    set_url(&site, &server.url_of("joe:wrong@"));
    fails(
        &site,
        id,
        "the server refuses the login (530 Login incorrect.)",
    );
    set_url(&site, &format!("{}nope/", server.url_of(LOGIN)));
    fails(&site, id, "the URL's directory cannot be listed (550 ");

    let server = Ftpd::start(Kind::Vsftpd, Tls::Explicit, &tree.path());
    set_url(&site, &server.url().replace("ftpes:", "ftp:"));
    fails(
        &site,
        id,
        "the server wants TLS (530 Anonymous sessions must use encryption.)",
    );
    // Nobody has signed its certificate.
    set_url(&site, &server.url());
    fails(
        &site,
        id,
        "TLS fails (its certificate is issued by an authority that is unknown here, or an \
         intermediate certificate is missing)",
    );

    let server = Ftpd::start(Kind::Vsftpd, Tls::None, &tree.path());
    set_url(&site, &server.url().replace("ftp:", "ftpes:"));
    fails(
        &site,
        id,
        "TLS fails (it offers none: 530 Please login with USER and PASS.)",
    );

    let web = Web::start(WebKind::Python, &tree, "UTC", "");
    set_url(&site, &web.url().replace("http:", "ftps:"));
    fails(&site, id, "TLS fails");

    for (greeting, expected) in [
        (
            "SSH-2.0-OpenSSH_9.2",
            "it does not speak FTP (SSH-2.0-OpenSSH_9.2)",
        ),
        (
            "421 too many users",
            "takes no more connections (421 too many users)",
        ),
        ("554 go away", "the server answers '554 go away'"),
    ] {
        let odd = OddFtp::start(
            move |line, _| line.is_empty().then(|| greeting.to_owned()),
            |_, directory| healthy(directory),
        );
        set_url(&site, &odd.url());
        fails(&site, id, expected);
    }
}

#[test]
fn a_silent_ftp_server_is_given_up_and_loses_nothing() {
    let (site, tree) = site_and_tree("[site.test.scan]\ntimeout_s = 1");
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("its address").port();
    let id = known_mirror(&site, &tree, &format!("ftp://127.0.0.1:{port}/"));
    fails(&site, id, "no answer for 1 s");
    set_url(&site, &format!("ftps://127.0.0.1:{port}/"));
    fails(&site, id, "no answer for 1 s");

    let hangs = OddFtp::start(
        |_, _| None,
        |_, directory| match directory {
            "/dir" => Listing::Hang(list(&[("c", 5)])),
            other => healthy(other),
        },
    );
    set_url(&site, &hangs.url());
    is_partial(&site, id, "could not list 'dir'");
}

/// Our file is of 9 September 2001: a mirror's of 1 October is newer, one of 10 January older.
#[test]
fn the_order_of_dates_is_what_the_listing_proves() {
    let (site, tree) = site_and_tree("");
    let id = known_mirror(&site, &tree, "ftp://127.0.0.1:1/");
    for (date_of_d, is_current) in [("30-09-01", true), ("09-30-01", false), ("01-11-01", true)] {
        let server = OddFtp::start(
            |_, _| None,
            move |_, directory| match directory {
                "/dir" => Listing::Whole(format!(
                    "01-10-01  01:46AM                    5 c\r\n\
                     {date_of_d}  01:46AM                    5 d\r\n"
                )),
                other => healthy(other),
            },
        );
        set_url(&site, &server.url());
        let output = site.run("heliostat-scan", &["m"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let has_c = current(&site, id).contains("dir/c");
        assert_eq!(has_c, is_current, "{date_of_d}");
    }
}

#[test]
fn a_truncated_listing_is_not_believed() {
    let (site, tree) = site_and_tree("");
    let is_broken = Arc::new(AtomicBool::new(true));
    let broken = Arc::clone(&is_broken);
    let server = OddFtp::start(
        |_, _| None,
        move |_, directory| match directory {
            "/dir" if broken.load(Ordering::Relaxed) => Listing::Ended(
                list(&[("c", 5)]),
                "426 Connection closed; transfer aborted.",
            ),
            other => healthy(other),
        },
    );
    let id = known_mirror(&site, &tree, &server.url());
    is_partial(&site, id, "could not list 'dir'");
    // The scan tried once more.
    let entered = server.asked();
    let entered = entered.iter().filter(|line| *line == "CWD /dir");
    assert_eq!(entered.count(), 2);
    is_broken.store(false, Ordering::Relaxed);
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&FILES));
    assert_eq!(last_run(&site, id).outcome.as_str(), "ok");
}

#[test]
fn a_server_that_cuts_its_listings_says_so_and_loses_nothing() {
    let (site, tree) = site_and_tree("");
    let id = known_mirror(&site, &tree, "ftp://127.0.0.1:1/");
    for number in 0..150 {
        tree.write(format!("dir/before-{number}"), b"x", OLD);
    }
    let server = Ftpd::start(Kind::PureFtpdShort, Tls::None, &tree.path());
    set_url(&site, &server.url());
    is_partial(&site, id, "could not list 'dir'");
    assert!(last_run(&site, id).note.contains("could not list 'dir'"));
}

#[test]
fn files_of_a_directory_that_nobody_may_read_are_asked_for_by_name() {
    let (site, tree) = site_and_tree("[site.test.scan]\nvanished_share_max = 0.9");
    let id = known_mirror(&site, &tree, "ftp://127.0.0.1:1/");
    set_mode(&tree.path().join("dir"), 0o311);
    // vsftpd lists nothing, and says success.
    for kind in [Kind::Vsftpd, Kind::ProFtpd, Kind::PureFtpd] {
        let server = Ftpd::start(kind, Tls::None, &tree.path());
        set_url(&site, &server.url());
        tree.write("dir/c", b"dir/c", OLD);
        site.run_ok("heliostat-scan", &["m"]);
        assert_eq!(current(&site, id), set(&FILES), "{kind:?}");
        tree.remove("dir/c");
        let (code, error) = match site.run("heliostat-scan", &["m"]) {
            output if output.status.success() => (Some(0), String::new()),
            output => failure(&output),
        };
        // A server that does not say why a file cannot be had leaves it as it was.
        let is_kept = current(&site, id).contains("dir/c");
        assert_eq!(code, Some(if is_kept { 3 } else { 0 }), "{kind:?} {error}");
    }
}

#[test]
fn what_is_really_gone_or_old_is_found_over_ftp() {
    let (site, tree) = site_and_tree("[site.test.scan]\nvanished_share_max = 0.9");
    let id = known_mirror(&site, &tree, "ftp://127.0.0.1:1/");
    tree.remove("a");
    tree.write("b", b"larger", OLD);
    tree.write("dir/c", b"dir/c", OLD - 3600);
    std::fs::remove_file(tree.path().join("dir/d")).expect("a file");
    symlink("c", tree.path().join("dir/d")).expect("a link");
    set_mode(&tree.path().join("other/e"), 0o600);
    let server = Ftpd::start(Kind::ProFtpd, Tls::None, &tree.path());
    set_url(&site, &server.url());
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&["other/f"]));
    // A link counts as what it leads to, as it does for a web server.
    assert_eq!(outdated(&site, id), set(&["b", "dir/c", "dir/d"]));
}

#[test]
fn times_in_the_zone_of_an_ftp_server_are_understood() {
    let (site, tree) = (TestSite::new(), Tree::new());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let month_ago = now.expect("it is later").as_secs() - 30 * 86_400;
    for number in 0..20 {
        let (path, time) = (format!("dir/{number}"), month_ago + number * 4001);
        site.write(&path, b"x", time);
        tree.write(&path, b"x", if number == 7 { time - 7200 } else { time });
    }
    catalogue_tree(&site);
    // LIST has times without a year and without a zone.
    let local = "use_localtime=YES";
    let server = Ftpd::start_on("127.0.0.1", Kind::Vsftpd, Tls::None, &tree.path(), local);
    let id = add(&site, "m", &server.url());
    let json = site.run_ok("heliostat-scan", &["m", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(report["mirrors"][0]["shift_min"], 330, "{json}");
    assert_eq!(outdated(&site, id), set(&["dir/7"]));
    assert_eq!(current(&site, id).len(), 19);
}

#[test]
fn the_next_protocol_is_tried_when_one_fails() {
    let (site, tree) = site_and_tree("");
    let server = Ftpd::start(Kind::ProFtpd, Tls::None, &tree.path());
    let web = Web::start(WebKind::Caddy, &tree, "UTC", "");
    for (name, ftp_url, by, notes) in [
        (
            "to-ftp",
            server.url(),
            "ftp",
            &["not listed by rsync: "][..],
        ),
        (
            "to-http",
            "ftp://127.0.0.1:1/".to_owned(),
            "http",
            &["not listed by rsync: ", "not listed by ftp: "],
        ),
    ] {
        let id = add_mirror(&site, name, "rsync://127.0.0.1:1/pub", |mirror| {
            mirror.ftp_url = ftp_url;
            mirror.base_url = web.url();
        });
        let json = site.run_ok("heliostat-scan", &[name, "--json"]);
        assert_eq!(current(&site, id), set(&FILES));
        let report: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        let mirror = &report["mirrors"][0];
        assert_eq!(mirror["by"], by);
        for (place, note) in notes.iter().enumerate() {
            let said = mirror["notes"][place].as_str().expect("a note");
            assert!(said.starts_with(note), "{said}");
        }
    }
}

#[test]
fn a_subtree_and_filters_hold_over_ftp() {
    let (site, tree) = site_and_tree("[site.test.scan]\nvanished_share_max = 0.9");
    let server = Ftpd::start(Kind::ProFtpd, Tls::None, &tree.path());
    let id = add(&site, "m", &server.url());
    site.run_ok("heliostat-scan", &["m"]);
    for gone in ["a", "dir/c"] {
        tree.remove(gone);
    }
    let listed = site.run_ok("heliostat-scan", &["-d", "dir", "m"]);
    assert!(listed.contains("files to be purged: 1"), "{listed}");
    assert_eq!(
        current(&site, id),
        set(&["a", "b", "dir/d", "other/e", "other/f"])
    );
    for (arguments, name, expected) in [
        (&["--include", "dir"][..], "included", &["dir/d"][..]),
        (
            &["--exclude", "^/dir/"],
            "excluded",
            &["b", "other/e", "other/f"],
        ),
    ] {
        let id = add(&site, name, &server.url());
        let all: Vec<&str> = arguments.iter().copied().chain([name]).collect();
        site.run_ok("heliostat-scan", &all);
        assert_eq!(current(&site, id), set(expected));
    }
}

#[test]
fn data_comes_from_the_host_that_was_asked_whatever_it_says() {
    let (site, _tree) = site_and_tree("");
    // Its PASV names 192.0.2.1.
    let server = OddFtp::start(
        |line, _| (line == "EPSV").then(|| "500 unknown".to_owned()),
        |_, directory| healthy(directory),
    );
    let id = add(&site, "m", &server.url());
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&FILES));
    let asked = server.asked();
    let count = |wanted: &str| asked.iter().filter(|line| *line == wanted).count();
    assert_eq!(count("EPSV"), count("USER anonymous"));
    // The root twice: whether `-a` is understood, and the listing.
    assert_eq!(count("PASV"), 4);
    assert_eq!(count("LIST -a"), 1);
}

#[test]
fn a_server_that_allows_one_login_is_asked_by_one() {
    let (site, tree) = site_and_tree("");
    let more = "MaxClients 1 \"Only %m user\"";
    let server = Ftpd::start_on("127.0.0.1", Kind::ProFtpd, Tls::None, &tree.path(), more);
    let url = server.url_of(LOGIN);
    let id = add(&site, "m", &url);
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&FILES));
    assert_eq!(last_run(&site, id).outcome.as_str(), "ok");
}

#[test]
fn the_end_of_the_only_login_ends_the_scan() {
    let (site, tree) = site_and_tree("");
    let id = known_mirror(&site, &tree, "ftp://127.0.0.1:1/");
    let is_first = AtomicBool::new(true);
    let server = OddFtp::start(
        move |line, _| {
            let is_refused = line.is_empty() && !is_first.swap(false, Ordering::Relaxed);
            is_refused.then(|| "421 one at a time".to_owned())
        },
        |_, directory| match directory {
            "/" => healthy("/"),
            _ => Listing::Ended(String::new(), "421 going down"),
        },
    );
    set_url(&site, &server.url());
    is_partial(&site, id, "takes no more connections (421 one at a time)");
}

#[test]
fn names_that_a_server_hides_keep_their_state() {
    let (site, tree) = (TestSite::new(), Tree::new());
    for path in ["a", "dir/b", "dir/.treeinfo", ".hidden/c"] {
        site.write(path, path.as_bytes(), OLD);
        tree.write(path, path.as_bytes(), OLD);
    }
    catalogue_tree(&site);
    let server = Ftpd::start(Kind::Vsftpd, Tls::None, &tree.path());
    let id = add(&site, "m", &server.url());
    site.run_ok("heliostat-scan", &["m"]);
    let all = set(&["a", "dir/b", "dir/.treeinfo", ".hidden/c"]);
    assert_eq!(current(&site, id), all);
    // This server takes the option `-a` for a name, of which there is none.
    let hides = OddFtp::start(
        |_, _| None,
        |_, directory| match directory {
            "/" => Listing::Whole(list(&[("dir/", 0), ("a", 1)])),
            _ => Listing::Whole(list(&[("b", 5)])),
        },
    );
    set_url(&site, &hides.url());
    let json = site.run_ok("heliostat-scan", &["m", "--json"]);
    assert!(
        json.contains("the server hides names that begin with a dot"),
        "{json}"
    );
    assert_eq!(current(&site, id), all);
}

#[test]
fn an_ftp_password_is_seen_nowhere_and_a_stopped_scan_ends_at_once() {
    let (site, tree) = site_and_tree("");
    let server = Ftpd::start(Kind::ProFtpd, Tls::None, &tree.path());
    let id = add(&site, "m", &server.url_of(LOGIN));
    let output = site
        .command("heliostat-scan")
        .args(["-vv", "m"])
        .env("RUST_LOG", "trace")
        .output()
        .expect("it starts");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success(), "{text}");
    assert!(
        !text.contains(PASSWORD) && !text.contains("s3cr3t"),
        "{text}"
    );
    assert_eq!(current(&site, id), set(&FILES));

    let hangs = OddFtp::start(|_, _| None, |_, _| Listing::Hang(String::new()));
    let url = format!("ftp://{LOGIN}127.0.0.1:{}/", hangs.port());
    set_url(&site, &url);
    let mut scan = site
        .command("heliostat-scan")
        .args(["-vv", "m"])
        .env("RUST_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the scan starts");
    hangs.wait_for("LIST -a");
    kill_process(Pid::from_child(&scan), Signal::TERM).expect("it runs");
    eventually("the scan stops", || {
        scan.try_wait().expect("ours").is_some()
    });
    let output = scan.wait_with_output().expect("its output");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(
        text.contains("stopped before the listing was complete"),
        "{text}"
    );
    assert!(!text.contains("s3cr3t"), "{text}");
    assert_eq!(last_run(&site, id).outcome.as_str(), "interrupted");
    assert_eq!(current(&site, id), set(&FILES));
}
