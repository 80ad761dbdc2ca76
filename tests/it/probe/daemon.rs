//! The daemon, two probers at once, and FTP.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::stand_in::probe_site::{AT_ONCE, add, fill, is_alive, pass, records, site};
use crate::stand_in::site::eventually;
use crate::stand_in::webserver::{Manner, WebServer};

#[test]
fn the_daemon_probes_until_it_is_told_to_stop() {
    let site = site(&format!("{AT_ONCE}\ninterval_s = 1"));
    let web = WebServer::start("127.0.0.1", Manner::Serves);
    fill(&web);
    add(&site, "m", &web.url(""), |_| {});
    let mut daemon = site
        .command("heliostat-probe")
        .arg("--daemon")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    web.behave(Manner::Status(500));
    eventually("it is turned off", || !is_alive(&site, "m"));
    let (code, said) = pass(&site, &[]);
    assert_eq!(code, 3);
    assert!(
        said.contains("another heliostat-probe is at work"),
        "{said}"
    );
    web.behave(Manner::Serves);
    eventually("it is turned on", || is_alive(&site, "m"));
    let pid = Pid::from_child(&daemon);
    kill_process(pid, Signal::TERM).expect("it is ours");
    let status = daemon.wait().expect("it ends");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_single_pass_tries_again_when_it_is_told_to() {
    let site = site("retry_s = 1");
    let closed = WebServer::start("127.0.0.1", Manner::Serves).url("");
    add(&site, "m", &closed, |_| {});
    let (code, said) = pass(&site, &[]);
    assert_eq!((code, said.as_str()), (0, ""), "one failure is no verdict");
    let (code, said) = pass(&site, &["--retry", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, &value["counts"]["dead"]), (0, &1.into()), "{said}");
    assert_eq!(value["mirrors"][0]["was_alive"], true);
    assert!(!is_alive(&site, "m"));
}

/// An FTP server that lets everybody in, with files of that size; of no size: only who has a login.
fn ftp_server(size: u64, greeting: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || ftp_session(stream, size, greeting));
        }
    });
    port
}

fn ftp_session(stream: TcpStream, size: u64, greeting: &str) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    out.write_all(greeting.as_bytes())?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let answer = match line.split_once(' ').unwrap_or((&line, "")) {
            ("USER", "anonymous") if size > 0 => "331 password\r\n".to_owned(),
            ("USER", _) => "530 who?\r\n".to_owned(),
            ("PASS", password) if password.contains('@') => "230-in\r\n230 ok\r\n".to_owned(),
            ("TYPE", "I") => "200 ok\r\n".to_owned(),
            ("SIZE", path) if path.starts_with("pub dir/") => format!("213 {size}\r\n"),
            ("QUIT", _) => return Ok(()),
            _ => "550 no\r\n".to_owned(),
        };
        out.write_all(answer.as_bytes())?;
    }
    Ok(())
}

#[test]
fn ftp_is_asked_for_the_size() {
    let site = site(AT_ONCE);
    let right = ftp_server(13, "220-Hello\r\n220-230 not yet\r\n220 go on\r\n");
    let wrong = ftp_server(7, "220 go on\r\n");
    let closed = ftp_server(0, "220 go on\r\n");
    let other = ftp_server(13, "HTTP/1.1 400 Bad Request\r\n\r\n");
    // For scans; clients get no login, and a probe does as they do.
    let login = |port| format!("ftp://joe:p%40ss@127.0.0.1:{port}/pub%20dir/");
    let only_zip = |site: &crate::stand_in::site::TestSite, name: &str, url: &str| {
        add(site, name, url, |_| {});
    };
    only_zip(&site, "right", &login(right));
    only_zip(&site, "wrong", &login(wrong));
    only_zip(&site, "other", &login(other));
    only_zip(&site, "closed", &login(closed));
    // Every file but z.zip has another size, so that one of them may be asked for first.
    let (_, said) = pass(&site, &["-vv"]);
    assert!(!said.contains("p@ss") && !said.contains("p%40ss"), "{said}");
    let reason = |name| records(&site, name)[0].reason.clone();
    assert!(
        reason("wrong").contains("has 7 bytes there, not "),
        "{said}"
    );
    assert!(
        reason("other").contains("it does not speak FTP (HTTP/1.1 400 Bad Request)"),
        "{said}"
    );
    assert_eq!(reason("closed"), "its base URL answers 530");
    // The prober gets in, whichever file is asked for.
    assert!(!reason("right").contains("530"), "{said}");
    let evidence = records(&site, "right")[0].evidence.clone();
    assert!(
        evidence.starts_with("curl -4 -sS -I 'ftp://127.0.0.1:"),
        "{evidence}"
    );
}
