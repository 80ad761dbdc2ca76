//! Users and passwords in the URLs of mirrors are seen nowhere: whatever is run, said, answered,
//! sent and stored, but for the URLs themselves.

use std::process::Output;

use crate::stand_in::fcgi_client::{Answer, Request};
use crate::stand_in::ftpd::{Ftpd, Kind as FtpKind, LOGIN, Tls};
use crate::stand_in::http_site::{FILES, site_and_tree};
use crate::stand_in::odd_ftp::{Listing, OddFtp};
use crate::stand_in::odd_web::{OddWeb, page, status};
use crate::stand_in::responder::Responder;
use crate::stand_in::rsyncd::{PASSWORD, Rsyncd};
use crate::stand_in::scan_site::add_mirror;
use crate::stand_in::site::TestSite;
use crate::stand_in::webd::{Kind, Tree, Web};
use crate::stand_in::webserver::{Manner, WebServer};

/// In every password here, plain or percent-encoded, and in what goes into `Authorization`.
const SECRETS: [&str; 2] = ["s3cr3t", "am9lOnMzY3Iz"];

const SETTINGS: &str = "[site.test.scan]\ntimeout_s = 5\n[site.test.rules]\nmin_size = 0\n\
     [site.test.probe]\ntimeout_s = 5\ndown_after = 1\nup_after = 1\nwindow = 1\n\
     mail_to = [\"admin@site.test\"]\nmail_from = \"heliostat@site.test\"\n\
     mail_mirror_admins = true\n";

/// Servers of the mirrors; they end with the test.
struct Servers {
    web: Web,
    refusing: OddWeb,
    redirecting: OddWeb,
    echoing: OddFtp,
    ftp: Ftpd,
    rsync: Rsyncd,
}

impl Servers {
    fn start(tree: &Tree) -> Servers {
        let rsync = Rsyncd::start();
        for path in FILES {
            rsync.write(path, path.as_bytes(), crate::stand_in::scan_site::OLD);
        }
        Servers {
            web: Web::start(Kind::Nginx, tree, "UTC", ""),
            refusing: OddWeb::start(|_| status("401 Unauthorized", "")),
            redirecting: OddWeb::start(|asked| match asked.path.as_str() {
                "/pub/" => page(crate::stand_in::odd_web::index(&[("dir/", 0), ("a", 1)])),
                _ => status(
                    "302 Found",
                    "Location: http://joe:s3cr3t@127.0.0.1:1/else/\r\n",
                ),
            }),
            // This server repeats the command that it got.
            echoing: OddFtp::start(
                |line, _| {
                    line.starts_with("PASS")
                        .then(|| format!("530 not you: {line}"))
                },
                |_, _| Listing::Refused("550 no"),
            ),
            ftp: Ftpd::start(FtpKind::ProFtpd, Tls::None, &tree.path()),
            rsync,
        }
    }
}

fn with(url: &str, login: &str) -> String {
    url.replace("://", &format!("://{login}"))
}

/// Mirrors that are well and ill, each with a password in every URL: over HTTP, FTP and rsync.
fn add_mirrors(site: &TestSite, servers: &Servers) {
    let good = with(&servers.web.url(), LOGIN);
    let no_tls = good.replace("http:", "https:");
    let refused = with(&servers.refusing.url(), LOGIN);
    let away = with(&servers.redirecting.url(), LOGIN);
    let echo = with(&servers.echoing.url(), LOGIN);
    let (ftp, wrong) = (
        servers.ftp.url_of(LOGIN),
        servers.ftp.url_of("joe:s3cr3t-not@"),
    );
    let module = |login: &str| with(&servers.rsync.url("auth"), &format!("joe:{login}@"));
    let (rsync, rsync_wrong) = (module(PASSWORD), module("s3cr3t-not"));
    let closed = "http://joe:s3cr3t@127.0.0.1:1/";
    let closed_ftp = closed.replace("http:", "ftp:");
    for (name, urls) in [
        ("web", [good.as_str(), "", ""]),
        ("refused", [&refused, "", ""]),
        ("sent-away", [&away, "", ""]),
        ("no-tls", [&no_tls, "", ""]),
        ("ftp", [&good, &ftp, ""]),
        ("ftp-wrong", [&no_tls, &wrong, ""]),
        ("ftp-echo", [&no_tls, &echo, ""]),
        ("rsync", [&good, "", &rsync]),
        ("rsync-wrong", [&no_tls, "", &rsync_wrong]),
        ("closed", [closed, &closed_ftp, "joe:s3cr3t@127.0.0.1::pub"]),
        (
            "no-form",
            [
                "http://joe:s3cr3t@[::/",
                "ftp://joe:s3cr3t@/",
                "joe:s3cr3t@h:/x",
            ],
        ),
    ] {
        add_mirror(site, name, urls[2], |mirror| {
            mirror.base_url = urls[0].to_owned();
            mirror.ftp_url = urls[1].to_owned();
            mirror.admin_email = "ops@mirror.test".to_owned();
        });
    }
}

/// Has none of the secrets in it.
#[track_caller]
fn is_clean(what: &str, said: &str) {
    for secret in SECRETS {
        if let Some(place) = said.find(secret) {
            let line = said[..place].rfind('\n').map_or(0, |start| start + 1);
            let rest = said[line..].lines().next().unwrap_or_default();
            panic!("{what}: {rest}");
        }
    }
}

fn words(output: &Output) -> String {
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}

/// Runs a program as loud as it can be, and looks at what it says.
fn run_loud(site: &TestSite, program: &str, arguments: &[&str]) {
    let mut command = site.command(program);
    let output = command
        .args(arguments)
        .env("RUST_LOG", "trace")
        .output()
        .expect("it starts");
    let said = words(&output);
    assert!(!said.is_empty(), "{program} {arguments:?}");
    // A mistake in the arguments of this test, unless it is made on purpose.
    let is_usage = output.status.code() == Some(2) && arguments[0] != "edit";
    assert!(!is_usage, "{arguments:?}: {said}");
    is_clean(&format!("{program} {arguments:?}"), &said);
}

#[test]
fn no_password_is_said_answered_sent_or_stored() {
    let (site, tree) = site_and_tree(SETTINGS);
    let hook = WebServer::start("127.0.0.1", Manner::Serves);
    std::fs::create_dir(site.path("mails")).expect("a folder");
    let mails = site.path("mails").display().to_string();
    let program = site.script("sendmail", &format!("cat > {mails}/$$"));
    let config = std::fs::read_to_string(site.config()).expect("the configuration");
    let tell = format!(
        "sendmail = \"{}\"\nwebhook = \"{}hook?token=s3cr3t\"\n",
        program.display(),
        hook.url("")
    );
    std::fs::write(site.config(), config + &tell).expect("the configuration");
    let servers = Servers::start(&tree);
    add_mirrors(&site, &servers);

    run_loud(&site, "heliostat-scan", &["--all", "-vv"]);
    run_loud(&site, "heliostat-scan", &["--all", "--json"]);
    run_loud(&site, "heliostat-probe", &["-vv"]);
    run_loud(&site, "heliostat-probe", &["--json"]);
    for name in ["web", "refused", "no-tls", "closed"] {
        run_loud(&site, "heliostat", &["test", name]);
        run_loud(&site, "heliostat", &["show", name]);
        run_loud(&site, "heliostat", &["show", name, "--json"]);
        run_loud(
            &site,
            "heliostat",
            &["explain", "/a", "--ip", "192.0.2.1", "--json"],
        );
    }
    for arguments in [
        &["status"][..],
        &["status", "--json", "-a"],
        &["list", "-a"],
        &["list", "-a", "-H", "-F", "-R"],
        &["list", "-a", "--json"],
        &[
            "edit",
            "web",
            "--set",
            "baseurlFtp=ftp://joe:s3cr3t-new@127.0.0.1:1/",
        ],
        &["edit", "web", "--set", "baseurl=joe:s3cr3t@nowhere"],
        &["new", "added", "-H", "http://joe:s3cr3t@127.0.0.1:1/"],
        &["delete", "--yes", "added"],
        &["runs", "--json"],
        &["events", "--json"],
        &["explain", "/a", "--ip", "192.0.2.1"],
        &["probefile", "a", "-a", "--urls", "all"],
        &["file", "ls", "a"],
    ] {
        run_loud(&site, "heliostat", arguments);
    }
    pages_are_clean(&site);
    let sent = std::fs::read_dir(mails).expect("the folder");
    let sent: Vec<_> = sent.map(|mail| mail.expect("a mail").path()).collect();
    assert!(!sent.is_empty(), "somebody was told");
    for mail in sent {
        is_clean("a mail", &std::fs::read_to_string(mail).expect("a mail"));
    }
    let posts = hook.requests();
    assert!(!posts.is_empty(), "the webhook was told");
    for post in posts {
        is_clean("the webhook", &post.body);
    }
    database_is_clean(&site);
}

/// Checks the pages that everybody may ask for.
fn pages_are_clean(site: &TestSite) {
    let responder = Responder::start(site);
    let mut client = responder.connect();
    for name in [
        "a",
        "a.mirrorlist",
        "a.meta4",
        "a.metalink",
        "a?mirrorlist&json",
        "nowhere",
    ] {
        let (path, query) = name.split_once('?').unwrap_or((name, ""));
        let answer: Answer = client.send(&Request::get(format!("/{path}")).query(query));
        is_clean(
            name,
            &format!("{answer:?} {}", String::from_utf8_lossy(&answer.body)),
        );
    }
}

/// Everything that is stored but the URLs of mirrors.
fn database_is_clean(site: &TestSite) {
    let copy = site.path("copy.sqlite");
    let database = rusqlite::Connection::open(site.database()).expect("the database opens");
    let runs = |table: &str| -> i64 {
        let count = format!("SELECT count(*) FROM {table}");
        database
            .query_row(&count, [], |row| row.get(0))
            .expect("a count")
    };
    assert!(runs("run") > 0 && runs("probe") > 0 && runs("event") > 0);
    let into = format!("VACUUM INTO '{}'", copy.display());
    database.execute_batch(&into).expect("it is copied");
    let database = rusqlite::Connection::open(&copy).expect("the copy opens");
    database
        .execute_batch(
            "UPDATE mirror SET base_url = '', ftp_url = '', rsync_url = '';
             DELETE FROM mirror_base_url; VACUUM;",
        )
        .expect("it is changed");
    drop(database);
    let bytes = std::fs::read(&copy).expect("the copy");
    is_clean("the database", &String::from_utf8_lossy(&bytes));
}
