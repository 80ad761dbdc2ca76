//! Mirrors that take time: each ends when its own time is over, and the others go on.

use std::io::Write;
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::stand_in::http_site::{FILES, add, healthy, site_and_tree};
use crate::stand_in::odd_ftp::{Listing, OddFtp};
use crate::stand_in::odd_web::{OddWeb, Reply};
use crate::stand_in::scan_site::{add_mirror, current, last_run, published, set};
use crate::stand_in::site::{TestSite, program_path};

/// Long for a healthy mirror on loopback; no hostile one may take much more than its time.
const PATIENCE: Duration = Duration::from_secs(90);

/// Greets with the same line each tenth of a second; gives its URL.
fn greets_for_ever(line: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        // The thread ends with the program; nobody else connects.
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut stream = stream;
                while stream.write_all(line.as_bytes()).is_ok() {
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
        }
    });
    format!("ftp://{address}/")
}

/// Each command takes a second, and the top is full of links to files of the catalogue.
fn slow_links() -> OddFtp {
    let link = |name: &str| format!("lrwxrwxrwx 1 0 0 9 Sep 09  2001 {name} -> /elsewhere\r\n");
    let text: String = (0..400).map(|_| link("a") + &link("b")).collect();
    OddFtp::start(
        |line, _| {
            let is_question = line.starts_with("SIZE") || line.starts_with("MDTM");
            is_question.then(|| {
                std::thread::sleep(Duration::from_secs(1));
                "213 1".to_owned()
            })
        },
        move |_, _| Listing::Whole(text.clone()),
    )
}

#[test]
fn no_mirror_takes_more_than_its_time_whatever_it_says() {
    let config = "[site.test.scan]\ntimeout_s = 3\ntime_max_s = 10\njobs = 2";
    let (site, _tree) = site_and_tree(config);
    let ftp = |name: &str, url: &str| {
        add_mirror(&site, name, "", |mirror| mirror.ftp_url = url.to_owned())
    };
    let (drip, links) = (OddWeb::start(|_| Reply::Drip), slow_links());
    let healthy_one = OddWeb::start(|asked| healthy(&asked.path));
    let hostile = [
        ("a-120", ftp("a-120", &greets_for_ever("120 soon\r\n"))),
        (
            "b-lines",
            ftp("b-lines", &greets_for_ever("220-still greeting\r\n")),
        ),
        ("c-bytes", ftp("c-bytes", &greets_for_ever("2"))),
        ("d-links", ftp("d-links", &links.url())),
        ("e-drip", add(&site, "e-drip", &drip.url())),
    ];
    let good = add(&site, "z", &healthy_one.url());
    let begun = Instant::now();
    let output = site.run("heliostat-scan", &["--all"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(begun.elapsed() < PATIENCE, "{:?}\n{said}", begun.elapsed());
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert_eq!(current(&site, good), set(&FILES));
    for (name, id) in hostile {
        assert!(published(&site, id).is_none(), "{name}: {said}");
        assert_eq!(
            last_run(&site, id).outcome.as_str(),
            "failed",
            "{name}: {said}"
        );
    }
    for expected in [
        "a-120: by ftp: the server takes no more connections (120 soon)",
        "b-lines: by ftp: its answer comes too slowly",
        "d-links: the listing was not complete after 10 s; scan.time_max_s sets",
        "e-drip: its answer comes too slowly to be waited for",
    ] {
        assert!(said.contains(expected), "{said}\nwanted {expected}");
    }
}

/// Runs a program as a user who may have no thread beside the first.
fn without_threads(site: &TestSite, program: &str, mirror: &str) -> std::process::Output {
    let limits = "exec setpriv --reuid=61234 --regid=61234 --clear-groups \
                  prlimit --nproc=1 \"$@\"";
    Command::new("sh")
        .args(["-c", limits, "sh", program_path(program), mirror])
        .env("HELIOSTAT_CONFIG", site.config())
        .env("NO_COLOR", "1")
        .output()
        .expect("sh starts")
}

#[test]
fn without_a_thread_a_scan_says_so_and_does_not_panic() {
    if !rustix::process::geteuid().is_root() {
        // Only root may become a user who has no other process.
        return;
    }
    let (site, _tree) = site_and_tree("");
    let web = OddWeb::start(|asked| healthy(&asked.path));
    let id = add(&site, "m", &web.url());
    add(&site, "n", &web.url());
    let open = Command::new("chmod")
        .args(["-R", "a+rwX"])
        .arg(site.path(""))
        .status();
    assert!(open.expect("chmod starts").success());
    let output = without_threads(&site, "heliostat-scan", "m");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("this system gives no more threads; raise its limit (ulimit -u, TasksMax=)"),
        "{said}"
    );
    assert!(published(&site, id).is_none());
    // With several mirrors there would be a thread for each.
    let output = without_threads(&site, "heliostat-scan", "--all");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(output.status.code(), Some(1), "{said}");
    let fewer = "fewer mirrors at a time: the system gives no thread";
    assert!(said.contains(fewer), "{said}");
}

#[test]
fn without_a_thread_a_prober_says_so_and_does_not_panic() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (site, _tree) = site_and_tree("");
    let web = OddWeb::start(|asked| healthy(&asked.path));
    let by_name = web.url().replace("127.0.0.1", "localhost");
    for (name, url, unchecked) in [("by-ip", web.url(), false), ("by-name", by_name, true)] {
        add(&site, name, &url);
        let open = Command::new("chmod")
            .args(["-R", "a+rwX"])
            .arg(site.path(""))
            .status();
        assert!(open.expect("chmod starts").success());
        let output = without_threads(&site, "heliostat-probe", name);
        let said = format!("{output:?}");
        assert!(!said.contains("panicked"), "{said}");
        // A mirror that could not be checked is as it was, and the exit code says so.
        let code = if unchecked { 3 } else { 0 };
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert_eq!(said.contains("gives no more threads"), unchecked, "{said}");
    }
}

#[test]
fn without_a_thread_a_webhook_says_so_and_does_not_panic() {
    use crate::stand_in::probe_site::{AT_ONCE, is_alive};
    use crate::stand_in::webserver::{Manner, WebServer};
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let hook = WebServer::start("127.0.0.1", Manner::Serves);
    let url = hook.url("localhost");
    let (site, _tree) = site_and_tree(&format!(
        "[site.test.probe]\n{AT_ONCE}\nwebhook = \"{url}\""
    ));
    let web = OddWeb::start(|asked| healthy(&asked.path));
    add(&site, "m", &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    site.run("heliostat-probe", &["m"]);
    let ill = OddWeb::start(|_| crate::stand_in::odd_web::status("500 Internal", ""));
    crate::stand_in::http_site::set_url(&site, &ill.url());
    let open = Command::new("chmod")
        .args(["-R", "a+rwX"])
        .arg(site.path(""))
        .status();
    assert!(open.expect("chmod starts").success());
    let output = without_threads(&site, "heliostat-probe", "m");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    assert!(said.contains("cannot tell what changed"), "{said}");
    assert!(said.contains("gives no more threads"), "{said}");
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(!is_alive(&site, "m"));
    assert!(hook.requests().is_empty());
    // The next pass, which can, tells.
    let output = site.run("heliostat-probe", &["m", "-v"]);
    assert_eq!(hook.requests().len(), 1, "{output:?}");
}
