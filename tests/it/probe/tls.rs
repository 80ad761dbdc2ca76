//! Probes over TLS: expiry, names, authorities.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;

use crate::stand_in::certificate::Authority;
use crate::stand_in::probe_site::{
    AT_ONCE, add, events, fill, is_alive, pass_trusting, records, site,
};
use crate::stand_in::site::TestSite;
use crate::stand_in::webserver::{Manner, WebServer};

/// Servers with every usual fault, and the words for it; the empty ones are of good servers.
fn servers(authority: &Authority) -> Vec<(&'static str, Arc<ServerConfig>, &'static str)> {
    let host = "IP:127.0.0.1";
    vec![
        ("fine", authority.server(host, 60), ""),
        ("soon", authority.server(host, 10), ""),
        (
            "expired",
            authority.server(host, -2),
            "its certificate has expired",
        ),
        (
            "early",
            authority.server_within(host, 2, 9),
            "its certificate is not valid yet, or the clock of this host is slow",
        ),
        (
            "name",
            authority.server("DNS:other.test", 60),
            "its certificate is for another name",
        ),
        (
            "unknown",
            Authority::new().server(host, 60),
            "its certificate is issued by an authority that is unknown here, or an intermediate \
             certificate is missing",
        ),
        (
            "own",
            authority.self_signed(host, false),
            "its certificate is self-signed",
        ),
        (
            "ownca",
            authority.self_signed(host, true),
            "its certificate is self-signed",
        ),
    ]
}

/// The URL of a server that answers a handshake in plain HTTP, as nginx does.
fn without_tls() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    format!("https://127.0.0.1:{port}/")
}

#[test]
fn certificates_are_looked_at() {
    let site = site(AT_ONCE);
    let authority = Authority::new();
    let servers = servers(&authority);
    let mut running = Vec::new();
    for (name, tls, _) in &servers {
        let server = WebServer::with_tls("127.0.0.1", Manner::Serves, Some(tls.clone()));
        fill(&server);
        add(&site, name, &server.url(""), |_| {});
        running.push(server);
    }
    let mute = WebServer::start("127.0.0.1", Manner::Serves);
    let no_tls = mute.url("").replace("http:", "https:");
    add(&site, "mute", &no_tls, |_| {});
    add(&site, "plain", &without_tls(), |_| {});
    let trusted = authority.file();
    let (code, said) = pass_trusting(&site, &[], Some(&trusted));
    assert_eq!(code, 0, "{said}");
    let without_tls = [
        ("mute", "it closes the connection during the handshake"),
        ("plain", "it does not speak TLS on this port"),
    ];
    let reasons = servers.iter().map(|(name, _, reason)| (*name, *reason));
    for (name, reason) in reasons.chain(without_tls) {
        assert_eq!(is_alive(&site, name), reason.is_empty(), "{name}: {said}");
        let expected = match reason {
            "" => String::new(),
            _ => format!("TLS fails ({reason}); its operator must repair it"),
        };
        assert_eq!(records(&site, name)[0].reason, expected, "{name}");
        // A scan says the same.
        let mut scan = site.command("heliostat-scan");
        scan.arg(name).env("SSL_CERT_FILE", &trusted);
        let output = scan.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(&expected), "{name}: {said}");
    }
    expiry_is_told(&site, &trusted);
}

/// Of a certificate that expires soon: once, and in `status`.
fn expiry_is_told(site: &TestSite, trusted: &Path) {
    let expires_at = records(site, "soon")[0].expires_at.expect("a certificate");
    let days = (expires_at.0 - records(site, "soon")[0].checked_at.0) / 86_400;
    assert_eq!(days, 10);
    let status = site.run_ok("heliostat", &["status"]);
    let line = status
        .lines()
        .find(|line| line.contains("soon"))
        .expect("it is listed");
    assert!(
        line.contains("its certificate expires in 10 days"),
        "{status}"
    );
    let down = events(site, "expired");
    assert!(
        down[0].contains("TLS fails (its certificate has expired)"),
        "{down:?}"
    );
    // One event of each certificate, not one per minute.
    pass_trusting(site, &[], Some(trusted));
    let warned = events(site, "soon");
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(
        warned[0].contains("expires in 10 days, on 20"),
        "{warned:?}"
    );
    assert_eq!(events(site, "fine"), Vec::<String>::new());
}

#[test]
fn a_redirect_from_https_to_http_is_no_answer() {
    let site = site(AT_ONCE);
    let authority = Authority::new();
    let plain = WebServer::start("127.0.0.1", Manner::Serves);
    fill(&plain);
    let to = format!("http://{}{{}}", plain.address());
    let tls = authority.server("IP:127.0.0.1", 60);
    let secure = WebServer::with_tls("127.0.0.1", Manner::Redirects(to), Some(tls));
    let further = secure.url("");
    add(&site, "m", &plain.url(""), |mirror| {
        mirror.further_base_urls = vec![further];
    });
    let (code, said) = pass_trusting(&site, &[], Some(&authority.file()));
    assert_eq!(code, 0);
    assert!(said.contains("m: https IPv4 (https://127.0.0.1"), "{said}");
    assert!(said.contains("it redirects from https to http"), "{said}");
    assert!(is_alive(&site, "m"), "over http it answers");
    // https clients are not sent there, http clients are.
    let explain = |url: &str| {
        let explained = site.run_ok(
            "heliostat",
            &["explain", url, "--ip", "192.0.2.1", "--json"],
        );
        explained.contains("url-down")
    };
    assert!(explain("https://download.test/z.zip"));
    assert!(!explain("http://download.test/z.zip"));
}
