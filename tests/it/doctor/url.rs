//! `--url`: the host itself is asked, behind a real Apache.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command};

use serde_json::Value;

use super::healthy::Clinic;
use crate::stand_in::responder::Responder;
use crate::stand_in::site::eventually;

/// A running Apache of the site's configuration; it ends with the test.
pub struct Running {
    child: Child,
}

impl Running {
    pub fn start(clinic: &Clinic, port: u16) -> Running {
        let mut command = Command::new("/usr/sbin/apache2");
        command.arg("-f").arg(clinic.path("httpd.conf"));
        let child = command.arg("-DFOREGROUND").spawn().expect("Apache starts");
        let running = Running { child };
        eventually("Apache answers", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-s", "TERM", &id]).status();
        let _ = self.child.wait();
    }
}

/// Gives Apache a free port.
pub fn with_port(clinic: &Clinic) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let server = fs::read_to_string(clinic.path("httpd.conf")).expect("it is there");
    let server = server.replace("65000", &port.to_string());
    let server = server.replace("User www-data", "User www-data\nGroup www-data");
    fs::write(clinic.path("httpd.conf"), server).expect("written");
    let host = fs::read_to_string(clinic.path("download.conf")).expect("it is there");
    let host = host.replace("*:80", &format!("*:{port}"));
    fs::write(clinic.path("download.conf"), host).expect("written");
    port
}

fn ask(clinic: &Clinic, port: u16) -> Value {
    let url = format!("http://127.0.0.1:{port}/");
    let output = clinic.call(&["--json", "--url", &url]);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The names of what is found, and what was not asked.
fn told(clinic: &Clinic, port: u16) -> (Vec<String>, Vec<String>) {
    let value = ask(clinic, port);
    let texts = |list: &str, key: &str| -> Vec<String> {
        let list = value[list].as_array().expect("a list").iter();
        let of_url = list.filter(|one| one["area"] == "url");
        of_url
            .map(|one| one[key].as_str().expect("text").to_owned())
            .collect()
    };
    (texts("findings", "id"), texts("not_checked", "why"))
}

pub fn add_to_host(clinic: &Clinic, line: &str) {
    let host = fs::read_to_string(clinic.path("download.conf")).expect("it is there");
    let host = host.replace("</VirtualHost>", &format!("{line}\n</VirtualHost>"));
    fs::write(clinic.path("download.conf"), host).expect("written");
}

#[test]
fn a_host_that_is_well_answers_all_questions() {
    let clinic = Clinic::new();
    let port = with_port(&clinic);
    let _apache = Running::start(&clinic, port);
    let (found, not_asked) = told(&clinic, port);
    assert_eq!(found, [""; 0], "{:#?}", ask(&clinic, port));
    assert_eq!(
        not_asked.len(),
        2,
        "no excluded and no fresh file: {not_asked:?}"
    );
    clinic.site.write("dir/small", &[1; 100], 1_500_000_000);
    clinic
        .site
        .run_ok("heliostat-index", &["-q", "--no-hashes"]);
    clinic
        .site
        .write("dir/fresh.iso", &[2; 9000], 1_500_000_000);
    assert_eq!(told(&clinic, port), (vec![], vec![]));
}

#[test]
fn wrong_answers_are_named() {
    let clinic = Clinic::new();
    let port = with_port(&clinic);
    clinic.site.write("dir/small", &[1; 100], 1_500_000_000);
    clinic
        .site
        .run_ok("heliostat-index", &["-q", "--no-hashes"]);
    let host = fs::read_to_string(clinic.path("download.conf")).expect("it is there");
    for (line, expected) in [
        (
            "Redirect /dir/known.iso https://other.example.org/x",
            &["url-redirected-elsewhere"][..],
        ),
        (
            "Redirect /dir/small https://other.example.org/x",
            &["url-redirected"],
        ),
        ("MaxRanges none", &["url-without-ranges"]),
        (
            "<Files known.iso>\nRequire all denied\n</Files>",
            &["url-fails", "url-without-documents"],
        ),
    ] {
        fs::write(clinic.path("download.conf"), &host).expect("written");
        add_to_host(&clinic, line);
        let _apache = Running::start(&clinic, port);
        let (found, _) = told(&clinic, port);
        assert_eq!(found, expected, "{line}");
    }
    let (found, _) = told(&clinic, port);
    assert_eq!(found, ["url-unreachable"], "Apache is gone");
}

#[test]
fn a_file_that_is_not_redirected_and_a_broken_fallback_are_named() {
    let clinic = Clinic::without_responder();
    let port = with_port(&clinic);
    let apache = Running::start(&clinic, port);
    let (found, _) = told(&clinic, port);
    assert_eq!(found, ["url-not-redirected", "url-without-documents"]);
    let _responder = Responder::start(&clinic.site);
    let config = fs::read_to_string(clinic.site.config()).expect("it is there");
    let fallback = format!("http://127.0.0.1:{port}/nowhere/");
    let more = format!("[site.test.rules]\nfallbacks = [{{ url = \"{fallback}\" }}]\n");
    fs::write(clinic.site.config(), config + &more).expect("written");
    let (found, _) = told(&clinic, port);
    assert_eq!(found, ["fallback-fails"]);
    drop(apache);
    let value: Value = {
        let output = clinic.call(&["--json"]);
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    assert!(
        value["not_checked"]
            .to_string()
            .contains("1 fallbacks: --url asks them")
    );
}
