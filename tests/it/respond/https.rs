//! Who is sent to http and who to https.

use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::open_writer;
use heliostat::domain::time::Timestamp;

use crate::stand_in::certificate::Authority;
use crate::stand_in::fcgi_client::{FcgiClient, Request};
use crate::stand_in::probe_site;
use crate::stand_in::responder::Responder;
use crate::stand_in::scan_site::{OLD, add_mirror, catalogue_tree, mirror_record};
use crate::stand_in::site::TestSite;
use crate::stand_in::webserver::{Manner, WebServer};

/// Files 1 and 2; everybody has the first, `plain` alone the second.
fn site(rules: &str) -> TestSite {
    let config = format!(
        "[site.test.rules]\nmin_size = 0\n[[site.test.directory]]\npath = \"in\"\n{rules}\n"
    );
    let site = TestSite::with_config(&config);
    for file in ["in/all.iso", "in/rare.iso", "out/all.iso"] {
        site.write(file, &[b'x'; 3000], OLD);
    }
    catalogue_tree(&site);
    for (name, url, further, files) in [
        ("plain", "http://plain.example.org/", "", vec![1, 2, 3]),
        (
            "both",
            "http://both.example.org/",
            "https://both.example.org/",
            vec![1, 3],
        ),
        (
            "turned",
            "https://turned.example.org/",
            "http://turned.example.org/",
            vec![1, 3],
        ),
        ("secure", "https://secure.example.org/", "", vec![1, 3]),
    ] {
        let id = add_mirror(&site, name, "", |record| {
            record.base_url = url.into();
            record.further_base_urls = vec![further.to_owned()];
            record.further_base_urls.retain(|url| !url.is_empty());
            record.country = "de".into();
            record.region = "eu".into();
        });
        let content = Content {
            current: files.into_iter().collect(),
            outdated: Default::default(),
        };
        let origin = ContentOrigin {
            at: Timestamp(1),
            by: "rsync".into(),
            unknown_files: 0,
        };
        let mut writer = open_writer(&site.database()).expect("the database");
        writer
            .transaction(|t| content::publish(t, id, &content, &origin))
            .expect("published");
    }
    site
}

/// The base URLs that a client is given, sorted; `-` when the file is served from here.
fn given(client: &mut FcgiClient, path: &str, is_https: bool) -> String {
    let request = Request::get(path)
        .with("HTTPS", if is_https { "on" } else { "" })
        .with("GEOIP_COUNTRY_CODE", "DE");
    urls(client, &request)
}

fn urls(client: &mut FcgiClient, request: &Request) -> String {
    let answer = client.send(request);
    if answer.status == 200 {
        return "-".to_owned();
    }
    let first = answer.text("Location").expect("a redirect");
    let links = answer
        .all("Link")
        .map(|link| String::from_utf8_lossy(link).into_owned());
    let links = links.filter(|link| link.contains("rel=duplicate"));
    let mut hosts: Vec<String> = links
        .filter_map(|link| {
            let url = link.split_once('<')?.1.split_once('>')?.0.to_owned();
            let (scheme, rest) = url.split_once("://")?;
            Some(format!("{scheme}:{}", rest.split('.').next()?))
        })
        .collect();
    let last = hosts.last().cloned().unwrap_or_default();
    hosts.sort();
    assert!(first.contains("example.org/"), "{first}");
    format!("{} | {last}", hosts.join(" "))
}

fn hosts(line: &str) -> &str {
    line.split(" |").next().unwrap_or_default()
}

#[test]
fn https_clients_get_http_only_where_the_rules_say_so() {
    let secure = "https:both https:secure https:turned";
    for (rule, all, rare) in [
        ("", secure, "-"),
        ("https_to_http = \"never\"", secure, "-"),
        ("https_to_http = \"if-none\"", secure, "http:plain"),
        (
            "https_to_http = \"always\"",
            "http:plain https:both https:secure https:turned",
            "http:plain",
        ),
    ] {
        let site = site(rule);
        let responder = Responder::start(&site);
        let mut client = responder.connect();
        assert_eq!(
            hosts(&given(&mut client, "/in/all.iso", true)),
            all,
            "{rule}"
        );
        assert_eq!(
            hosts(&given(&mut client, "/in/rare.iso", true)),
            rare,
            "{rule}"
        );
        // Another directory, and http clients, have MirrorBrain's rules.
        assert_eq!(
            hosts(&given(&mut client, "/out/all.iso", true)),
            secure,
            "{rule}"
        );
        let plain = "http:both http:plain https:secure https:turned";
        assert_eq!(
            hosts(&given(&mut client, "/in/all.iso", false)),
            plain,
            "{rule}"
        );
        // The web server may know better, request by request.
        let told = Request::get("/out/rare.iso")
            .with("HTTPS", "on")
            .with("HELIOSTAT_HTTPS_TO_HTTP", "if-none");
        assert_eq!(client.send(&told).status, 404);
        let told = Request::get("/in/rare.iso")
            .with("HTTPS", "on")
            .with("HELIOSTAT_HTTPS_TO_HTTP", "if-none");
        assert_eq!(hosts(&urls(&mut client, &told)), "http:plain", "{rule}");
        let metalink = Request::get("/in/all.iso.meta4").with("HTTPS", "on");
        let text = String::from_utf8_lossy(&client.send(&metalink).body).into_owned();
        let has_plain = text.contains("http://plain.example.org/");
        assert_eq!(has_plain, all.contains("http:plain"), "{rule}: {text}");
    }
}

#[test]
fn http_clients_that_cannot_follow_to_https_get_http_first() {
    let site = site("prefer_http_for_http = true");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    for _ in 0..20 {
        let found = given(&mut client, "/in/all.iso", false);
        assert_eq!(
            found,
            "http:both http:plain http:turned https:secure | https:secure"
        );
    }
    let secure = "https:both https:secure https:turned";
    assert_eq!(hosts(&given(&mut client, "/in/all.iso", true)), secure);
    let odd = Request::get("/out/all.iso").with("HELIOSTAT_PREFER_HTTP_FOR_HTTP", "On");
    assert!(urls(&mut client, &odd).ends_with("| https:secure"));
}

#[test]
fn status_and_explain_count_the_mirrors_for_https() {
    let site = site("");
    let line = "https clients can be sent to 3 of 4 mirrors; \
                `heliostat update --https --all-mirrors` looks for more";
    let status = site.run_ok("heliostat", &["status"]);
    assert!(status.contains(line), "{status}");
    let explained = site.run_ok(
        "heliostat",
        &["explain", "/in/all.iso", "--ip", "192.0.2.1"],
    );
    assert!(explained.contains(line), "{explained}");
    let json = site.run_ok("heliostat", &["status", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        value["https_mirrors"],
        serde_json::json!({ "with": 3, "of": 4 })
    );
}

/// One port for a server without TLS and one with: the first byte tells which is meant.
fn both_at_one_port(plain: &WebServer, secure: &WebServer) -> String {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};
    const TLS_HANDSHAKE: u8 = 0x16;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let (plain, secure) = (plain.address(), secure.address());
    let pipe = move |client: TcpStream| -> std::io::Result<()> {
        let mut first = [0];
        client.peek(&mut first)?;
        let server = TcpStream::connect(if first[0] == TLS_HANDSHAKE {
            secure
        } else {
            plain
        })?;
        let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
        std::thread::spawn(move || {
            let copied = std::io::copy(&mut from, &mut to);
            to.shutdown(std::net::Shutdown::Write).and(copied.map(drop))
        });
        std::io::copy(&mut server.take(u64::MAX), &mut &client)?;
        client.shutdown(std::net::Shutdown::Write)
    };
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || pipe(client));
        }
    });
    format!("http://127.0.0.1:{port}/pub/")
}

/// Mirrors whose https is of all kinds, at one port with their http.
struct Stage {
    site: TestSite,
    authority: Authority,
    /// The http URL of the one that works.
    url: String,
    _servers: Vec<WebServer>,
}

impl Stage {
    fn new() -> Stage {
        let site = probe_site::site(probe_site::AT_ONCE);
        let (authority, stranger) = (Authority::new(), Authority::new());
        let plain = WebServer::start("127.0.0.1", Manner::Serves);
        probe_site::fill(&plain);
        let secure = |authority: &Authority, manner: Manner, is_filled: bool| {
            let tls = authority.server("IP:127.0.0.1", 60);
            let server = WebServer::with_tls("127.0.0.1", manner, Some(tls));
            if is_filled {
                probe_site::fill(&server);
            }
            server
        };
        let good = secure(&authority, Manner::Serves, true);
        let url = both_at_one_port(&plain, &good);
        probe_site::add(&site, "good", &url, |_| {});
        probe_site::add(&site, "further", "ftp://127.0.0.1/pub/", |record| {
            record.further_base_urls = vec![url.clone()];
        });
        let away = Manner::Redirects("http://127.0.0.1{}".into());
        let mut servers = vec![good];
        for (name, server) in [
            ("strange", secure(&stranger, Manner::Serves, true)),
            ("empty", secure(&authority, Manner::Serves, false)),
            ("back", secure(&authority, away, true)),
        ] {
            probe_site::add(&site, name, &both_at_one_port(&plain, &server), |_| {});
            servers.push(server);
        }
        probe_site::add(&site, "plain", &plain.url(""), |_| {});
        servers.push(plain);
        probe_site::add(&site, "has", "http://127.0.0.1:1/", |record| {
            record.further_base_urls = vec!["https://127.0.0.1:1/".into()];
        });
        site.run_ok("heliostat", &["new", "new", "-H", &url]);
        Stage {
            site,
            authority,
            url,
            _servers: servers,
        }
    }

    fn update(&self, more: &[&str], code: i32) -> String {
        let mut command = self.site.command("heliostat");
        command.args(["update", "--https"]).args(more);
        command.env("SSL_CERT_FILE", self.authority.file());
        let output = command.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}{errors}");
        said
    }
}

#[test]
fn update_finds_mirrors_that_take_https_clients() {
    let stage = Stage::new();
    let site = &stage.site;
    let further = |name: &str| mirror_record(site, name).further_base_urls;
    let https = stage.url.replace("http:", "https:");
    // Nobody knows what the mirror "new" has, so it cannot be asked.
    let said = stage.update(&["--dry-run"], 3);
    let works = format!("good: {https} works, and");
    assert!(
        said.contains(&format!("{works} would be added\n")),
        "{said}"
    );
    assert!(further("good").is_empty(), "nothing is stored");
    let said = stage.update(&[], 3);
    assert!(said.contains(&format!("{works} is added\n")), "{said}");
    assert!(said.contains("new: it is not known what it has"), "{said}");
    let summary = "3 of 8 mirrors have an https URL: 1 had one, 2 were added\n";
    assert!(said.ends_with(summary), "{said}");
    assert_eq!(further("good"), [https.as_str()]);
    assert_eq!(further("further"), [stage.url.as_str(), https.as_str()]);
    for name in ["strange", "empty", "back", "plain", "new"] {
        assert!(further(name).is_empty(), "{name}: {said}");
        assert!(said.contains(&format!("{name}: ")), "{name}: {said}");
    }
    let events = site.run_ok("heliostat", &["events"]);
    let event = format!("https clients are sent to {https}");
    assert!(events.contains(&event), "{events}");
    let explained = [
        "explain",
        "/z.zip",
        "--ip",
        "192.0.2.1",
        "--https",
        "--json",
    ];
    let value: serde_json::Value =
        serde_json::from_str(&site.run_ok("heliostat", &explained)).expect("JSON");
    assert_eq!(value["https_mirrors"]["with"], 3, "{value}");
    let said = stage.update(&["good", "plain"], 0);
    let summary = "1 of 2 mirrors have an https URL: 1 had one, 0 were added\n";
    assert!(said.ends_with(summary), "{said}");
}
