//! Mirrors that cannot be listed: one clear line, and nothing is lost.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Stdio};

use heliostat::domain::mirror::MirrorId;

use crate::stand_in::port::free_port;
use crate::stand_in::rsyncd::{PASSWORD, Rsyncd};
use crate::stand_in::scan_site::{
    OLD, add_mirror, catalogue_tree, current, last_run, published, set, site_with_mirror,
};
use crate::stand_in::site::{TestSite, eventually, failure};

/// The scan of `mirror` fails with one line that has `expected`, and changes nothing.
fn fails(site: &TestSite, mirror: &str, id: MirrorId, expected: &str) {
    let before = published(site, id);
    let (code, error) = failure(&site.run("heliostat-scan", &[mirror]));
    assert_eq!(code, Some(1), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.contains(expected), "{error}\nwanted {expected}");
    assert!(error.contains("its files stay as they were"), "{error}");
    assert_eq!(published(site, id), before);
    let run = last_run(site, id);
    assert_eq!(run.outcome.as_str(), "failed");
    assert!(run.error.contains(expected), "{}", run.error);
    assert!(!error.contains(PASSWORD) && !run.error.contains(PASSWORD));
}

/// Each case: a mirror's name, its URL, what the line says.
fn all_fail(site: &TestSite, cases: &[(&str, String, &str)]) {
    for (name, url, expected) in cases {
        let id = add_mirror(site, name, url, |_| {});
        fails(site, name, id, expected);
    }
}

#[test]
fn each_refusal_is_one_clear_line() {
    let (site, daemon, _) = site_with_mirror(&["a", "b"]);
    let url = |path| daemon.url(path);
    let wrong_user = url("auth").replace("//", "//joe:wrong@");
    let full = "takes no more connections (max connections (-1) reached";
    let denied = "the server refuses us (access denied to deny";
    let unknown = "no such module (Unknown module 'nope')";
    let password = "refuses user or password (auth failed on module auth)";
    let unlistable = "does not let the module be listed (";
    let directory = "the URL's directory cannot be listed (change_dir";
    all_fail(
        &site,
        &[
            ("full", url("full"), full),
            ("deny", url("deny"), denied),
            ("nope", url("nope"), unknown),
            ("write", url("write"), unlistable),
            ("refuse", url("refuse"), unlistable),
            ("no-password", url("auth"), password),
            ("wrong-password", wrong_user, password),
            ("no-directory", url("pub/no dir"), directory),
            ("a-file", url("pub/a"), directory),
        ],
    );
    // With another mirror that is well the run is partial, and that one is published.
    let output = site.run("heliostat-scan", &["m", "deny"]);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_url_that_leads_nowhere_is_one_clear_line() {
    let (site, _daemon, _) = site_with_mirror(&["a"]);
    let closed = format!("rsync://127.0.0.1:{}/pub", free_port());
    // A label of more than 63 bytes is no name, so that nobody's name server is asked.
    let unknown_host = format!("rsync://{}.invalid/pub", "x".repeat(64));
    let plain = |text: &str| text.to_owned();
    let form = "not of the form rsync://HOST/MODULE/";
    let host = "its host is not a host name or address";
    all_fail(
        &site,
        &[
            (
                "closed",
                closed,
                "cannot connect (failed to connect to 127.0.0.1",
            ),
            ("dns", unknown_host, "cannot find the host (getaddrinfo"),
            ("shell", plain("host:/srv/pub"), form),
            ("option", plain("--rsh=sh::pub"), host),
            ("modules", plain("rsync://127.0.0.1/"), "it has no module"),
        ],
    );
}

#[test]
fn what_speaks_no_rsync_or_says_nothing_is_given_up() {
    let site = TestSite::with_config("[site.test.scan]\ntimeout_s = 1");
    site.write("a", b"a", OLD);
    catalogue_tree(&site);
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = |listener: &TcpListener| {
        let port = listener.local_addr().expect("its address").port();
        format!("rsync://127.0.0.1:{port}/pub")
    };
    let id = add_mirror(&site, "silent", &url(&silent), |_| {});
    fails(
        &site,
        "silent",
        id,
        "no answer for 1 s; scan.timeout_s sets",
    );

    let web = TcpListener::bind("127.0.0.1:0").expect("a port");
    let id = add_mirror(&site, "web", &url(&web), |_| {});
    let serve = std::thread::spawn(move || {
        let (mut stream, _) = web.accept().expect("rsync connects");
        stream
            .write_all(b"HTTP/1.0 400 Bad\r\n\r\n")
            .expect("an answer");
        read_to_end(&mut stream);
    });
    fails(&site, "web", id, "server sent \"HTTP/1.0 400 Bad");
    serve.join().expect("the web server ends");
}

fn read_to_end(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut rest);
}

/// A site and a mirror of many directories, of which rsync lists some ahead, never all.
fn large_mirror() -> (TestSite, Rsyncd) {
    let (site, daemon) = (TestSite::new(), Rsyncd::start());
    for number in 0..20_000 {
        let path = format!("dir-{:02}/file-{number}", number % 20);
        daemon.write(&path, b"", OLD);
        if number % 100 == 0 {
            site.write(&path, b"", OLD);
        }
    }
    catalogue_tree(&site);
    (site, daemon)
}

/// Bytes of the large listing after which the daemon dies: a few of its twenty directories.
const MIDDLE_BYTES: usize = 60_000;

/// Passes on what the daemon says; after [`MIDDLE_BYTES`] calls `in_the_middle` once.
fn pass_on(listener: &TcpListener, daemon_port: u16, in_the_middle: impl FnOnce()) {
    let (mut client, _) = listener.accept().expect("rsync connects");
    let mut server = TcpStream::connect(("127.0.0.1", daemon_port)).expect("the daemon");
    let mut to_server = server.try_clone().expect("a second handle");
    let mut from_client = client.try_clone().expect("a second handle");
    let upstream = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
    });
    let (mut passed, mut buffer) = (0, [0; 4096]);
    let mut in_the_middle = Some(in_the_middle);
    while let Ok(count @ 1..) = server.read(&mut buffer) {
        passed += count;
        if client.write_all(&buffer[..count]).is_err() {
            break;
        }
        if passed > MIDDLE_BYTES
            && let Some(call) = in_the_middle.take()
        {
            call();
        }
    }
    assert!(
        in_the_middle.is_none(),
        "only {passed} bytes were passed on"
    );
    // Both ends may be closed already.
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
    upstream.join().expect("the other direction ends");
}

#[test]
fn a_daemon_that_dies_in_the_middle_changes_nothing() {
    let (site, mut daemon) = large_mirror();
    let id = add_mirror(&site, "m", &daemon.url("pub"), |_| {});
    site.run_ok("heliostat-scan", &["m"]);
    let before = current(&site, id);
    assert_eq!(before.len(), 200);

    let proxy = TcpListener::bind("127.0.0.1:0").expect("a port");
    let proxy_port = proxy.local_addr().expect("its address").port();
    let through = format!("baseurlRsync=rsync://127.0.0.1:{proxy_port}/pub");
    site.run_ok("heliostat", &["edit", "m", "--set", &through]);
    let port = daemon.port();
    let (tell, told) = std::sync::mpsc::channel::<()>();
    let (done, wait) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pass_on(&proxy, port, move || {
                tell.send(()).expect("the test listens");
                wait.recv().expect("the daemon is killed");
            });
        });
        scope.spawn(move || {
            told.recv().expect("the middle is reached");
            daemon.kill();
            done.send(()).expect("the proxy waits");
        });
        fails(
            &site,
            "m",
            id,
            "the connection broke before the listing was complete",
        );
    });
    assert_eq!(current(&site, id), before);
}

#[test]
fn a_daemon_that_hangs_in_the_middle_changes_nothing() {
    let (site, daemon) = large_mirror();
    let id = add_mirror(&site, "m", &daemon.url("pub"), |_| {});
    site.run_ok("heliostat-scan", &["m"]);
    let config = std::fs::read_to_string(site.config()).expect("the configuration");
    let config = format!("{config}[site.test.scan]\ntimeout_s = 1\n");
    std::fs::write(site.config(), config).expect("the configuration");
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a port");
    let proxy_port = proxy.local_addr().expect("its address").port();
    let url = format!("baseurlRsync=rsync://127.0.0.1:{proxy_port}/pub");
    site.run_ok("heliostat", &["edit", "m", "--set", &url]);
    let (done, wait) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pass_on(&proxy, daemon.port(), move || {
                wait.recv().expect("the scan ends");
            });
        });
        fails(&site, "m", id, "no answer for 1 s");
        done.send(()).expect("the proxy waits");
    });
}

/// Whether a process has that in its command line.
fn runs(part: &str) -> bool {
    let processes = std::fs::read_dir("/proc").expect("the processes").flatten();
    let mut lines = processes.filter_map(|each| std::fs::read(each.path().join("cmdline")).ok());
    lines.any(|line| String::from_utf8_lossy(&line).contains(part))
}

#[test]
fn a_scan_that_is_stopped_in_the_middle_leaves_no_rsync_behind() {
    let (site, daemon) = large_mirror();
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("rsync://{}/pub", proxy.local_addr().expect("its address"));
    add_mirror(&site, "m", &url, |_| {});
    let (came, middle) = std::sync::mpsc::channel::<()>();
    let (done, wait) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pass_on(&proxy, daemon.port(), move || {
                came.send(()).expect("the test waits");
                wait.recv().expect("the scan ends");
            });
        });
        let mut command = site.command("heliostat-scan");
        let mut scan = command.args(["-qq", "m"]).spawn().expect("it starts");
        middle.recv().expect("the listing begins");
        assert!(runs(&url));
        let pid = rustix::process::Pid::from_child(&scan);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        assert_eq!(scan.wait().expect("ours").code(), Some(1));
        eventually("both processes of rsync are gone", || !runs(&url));
        done.send(()).expect("the proxy waits");
    });
}

/// The first process that a program started.
fn child_of(program: &Child) -> Option<u32> {
    let children = format!("/proc/{0}/task/{0}/children", program.id());
    let children = std::fs::read_to_string(children).ok()?;
    // Threads start children, too.
    if let Some(first) = children.split_whitespace().next() {
        return first.parse().ok();
    }
    let tasks = std::fs::read_dir(format!("/proc/{}/task", program.id())).ok()?;
    tasks.flatten().find_map(|task| {
        let children = std::fs::read_to_string(task.path().join("children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    })
}

#[test]
fn a_password_is_seen_nowhere_and_a_stopped_scan_ends_at_once() {
    let site = TestSite::new();
    site.write("a", b"a", OLD);
    catalogue_tree(&site);
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("its address").port();
    let url = format!("rsync://joe:{PASSWORD}@127.0.0.1:{port}/auth");
    let id = add_mirror(&site, "m", &url, |_| {});
    let mut scan = site
        .command("heliostat-scan")
        .args(["-vv", "m"])
        .env("RUST_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the scan starts");
    let (_rsync, _) = silent.accept().expect("rsync connects");
    let child = child_of(&scan).expect("rsync runs");
    for pid in [scan.id(), child] {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).expect("its command line");
        assert!(!String::from_utf8_lossy(&line).contains(PASSWORD));
    }
    let line = std::fs::read(format!("/proc/{child}/cmdline")).expect("its command line");
    assert!(String::from_utf8_lossy(&line).contains(&format!("rsync://joe@127.0.0.1:{port}/")));

    let pid = rustix::process::Pid::from_child(&scan);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    eventually("the scan stops", || {
        scan.try_wait().expect("ours").is_some()
    });
    let rsync_runs = || std::path::Path::new(&format!("/proc/{child}")).exists();
    eventually("rsync ends with it", || !rsync_runs());
    let output = scan.wait_with_output().expect("its output");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("stopped before the listing was complete"),
        "{text}"
    );
    assert!(!text.contains(PASSWORD), "{text}");
    assert_eq!(last_run(&site, id).outcome.as_str(), "interrupted");
}

#[test]
fn a_password_opens_a_module() {
    let (site, daemon, _) = site_with_mirror(&["a"]);
    let url = daemon
        .url("auth")
        .replace("//", &format!("//joe:{PASSWORD}@"));
    let id = add_mirror(&site, "auth", &url, |_| {});
    let output = site.run("heliostat-scan", &["-vv", "auth"]);
    assert!(output.status.success());
    let text = [output.stdout, output.stderr].concat();
    assert!(!String::from_utf8_lossy(&text).contains(PASSWORD));
    assert_eq!(current(&site, id), set(&["a"]));
}

#[test]
fn a_mirror_is_scanned_once_at_a_time() {
    let site = TestSite::new();
    site.write("a", b"a", OLD);
    catalogue_tree(&site);
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("its address").port();
    add_mirror(&site, "m", &format!("rsync://127.0.0.1:{port}/pub"), |_| {});
    let mut first = site
        .command("heliostat-scan")
        .arg("m")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the scan starts");
    let (_rsync, _) = silent.accept().expect("rsync connects");
    let (code, error) = failure(&site.run("heliostat-scan", &["m"]));
    assert_eq!(code, Some(1));
    assert!(
        error.contains("another scan of this mirror is running"),
        "{error}"
    );
    first.kill().expect("it is ours");
    first.wait().expect("it is ours");
}

#[test]
fn without_the_program_rsync_the_line_says_so() {
    let (site, _daemon, id) = site_with_mirror(&["a"]);
    let output = site
        .command("heliostat-scan")
        .env("PATH", site.path("empty"))
        .arg("m")
        .output()
        .expect("it starts");
    let (_, error) = failure(&output);
    assert!(
        error.contains("cannot run the program rsync; install it"),
        "{error}"
    );
    assert!(published(&site, id).is_none());
}

#[test]
fn what_is_not_scanned_is_said_with_its_reason() {
    let (site, _rsyncd, _) = site_with_mirror(&["a"]);
    site.run_ok("heliostat", &["disable", "m"]);
    let output = site.run("heliostat-scan", &["-a"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("no mirror is scanned: m (it is disabled)"),
        "{said}"
    );
}

#[test]
fn a_database_that_cannot_be_seen_is_not_said_to_be_missing() {
    let (site, _rsyncd, _) = site_with_mirror(&["a"]);
    let database = site.path("test.sqlite");
    std::fs::rename(&database, site.path("other.sqlite")).expect("it can be moved");
    std::os::unix::fs::symlink("test.sqlite", &database).expect("a link to itself");
    for (program, arguments) in [("heliostat-scan", &["-a"][..]), ("heliostat-probe", &[])] {
        let output = site.run(program, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains("cannot look at database"),
            "{program}: {said}"
        );
    }
}
