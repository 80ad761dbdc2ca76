//! Pull-through caches: which files they get, when, under which URL; and their own requests.

use heliostat::db::mirror::MirrorRecord;
use heliostat::domain::mirror::MirrorKind;

use crate::stand_in::fcgi_client::{Answer, FcgiClient, Request};
use crate::stand_in::port::free_port;
use crate::stand_in::responder::Responder;
use crate::stand_in::scan_site::{OLD, add_mirror, catalogue_tree};
use crate::stand_in::site::{TestSite, eventually};

const ISO: &str = "pool/big.iso";
const REPOMD: &str = "os/repodata/repomd.xml";

fn site(more: &str) -> TestSite {
    let site = TestSite::with_config(&format!("{more}\n[site.test.rules]\nmin_size = 0\n"));
    site.write(ISO, &[b'x'; 3000], OLD);
    site.write(REPOMD, &[b'y'; 3000], OLD);
    site
}

fn add_cache(site: &TestSite, name: &str, change: impl FnOnce(&mut MirrorRecord)) {
    add_mirror(site, name, "", |record| {
        record.kind = MirrorKind::Cache;
        record.base_url = format!("http://{name}.example.org/dist/");
        change(record);
    });
}

/// Everything that was indexed so far was indexed so many seconds ago.
fn age_index(site: &TestSite, seconds: i64) {
    let sqlite = rusqlite::Connection::open(site.database()).expect("the database");
    let now = "CAST(strftime('%s', 'now') AS INTEGER)";
    sqlite
        .execute(&format!("UPDATE id_epoch SET at = {now} - {seconds}"), [])
        .expect("updated");
}

fn redirected(answer: &Answer) -> Option<String> {
    match answer.status {
        302 => answer.text("Location"),
        200 => {
            assert!(answer.header("X-Sendfile").is_some(), "{answer:?}");
            None
        }
        _ => panic!("{answer:?}"),
    }
}

fn ask(client: &mut FcgiClient, path: &str) -> Option<String> {
    redirected(&client.send(&Request::get(format!("/{path}"))))
}

/// The reasons that `explain` gives of all mirrors that are out.
fn reasons(site: &TestSite, path: &str) -> Vec<String> {
    let path = format!("/{path}");
    let arguments = ["explain", &path, "--ip", "192.0.2.1", "--json"];
    let value: serde_json::Value =
        serde_json::from_str(&site.run_ok("heliostat", &arguments)).expect("JSON");
    let excluded = value["excluded"].as_array().cloned().unwrap_or_default();
    let shown = |item: &serde_json::Value| {
        let word = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
        format!("{} {}", word("mirror"), word("reason"))
    };
    excluded.iter().map(shown).collect()
}

#[test]
fn a_changed_file_waits_until_no_cache_can_have_the_version_before() {
    let site = site("");
    catalogue_tree(&site);
    add_cache(&site, "c1", |record| record.cache.ttl_s = 3600);
    age_index(&site, 100_000);
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let url = "http://c1.example.org/dist/pool/big.iso";
    assert_eq!(ask(&mut client, ISO).as_deref(), Some(url));
    // Replaced, and indexed now: the cache may hand out what it has for an hour more.
    site.write(ISO, &[b'z'; 4000], OLD + 7);
    catalogue_tree(&site);
    eventually("it is not redirected", || ask(&mut client, ISO).is_none());
    assert_eq!(reasons(&site, ISO), ["c1 cache-unsettled"]);
    age_index(&site, 3590);
    assert_eq!(ask(&mut client, ISO), None);
    age_index(&site, 3600);
    eventually("it is settled", || ask(&mut client, ISO).is_some());
    assert_eq!(ask(&mut client, ISO).as_deref(), Some(url));
}

#[test]
fn urls_that_name_the_version_need_no_wait() {
    let site = site("");
    catalogue_tree(&site);
    for (name, key) in [("c1", "query"), ("c2", "path")] {
        add_cache(&site, name, |record| {
            record.score = if name == "c1" { 32_767 } else { 1 }
        });
        site.run_ok(
            "heliostat",
            &["edit", name, "--set", &format!("versionKey={key}")],
        );
    }
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let urls = |client: &mut FcgiClient| {
        let answer = client.send(&Request::get(format!("/{ISO}")));
        assert_eq!(answer.status, 302, "{answer:?}");
        let links = answer
            .all("Link")
            .map(|link| String::from_utf8_lossy(link).into_owned());
        let mirrors = links.filter(|link| link.contains("rel=duplicate"));
        let mut urls: Vec<String> = mirrors
            .filter_map(|link| Some(link.split_once('<')?.1.split_once('>')?.0.to_owned()))
            .collect();
        urls.sort();
        urls
    };
    let before = urls(&mut client);
    let (query, path) = (&before[0], &before[1]);
    let start = "http://c1.example.org/dist/pool/big.iso?v=";
    let hex = query.strip_prefix(start).expect("a version");
    assert!(
        hex.len() == 16 && hex.bytes().all(|b| b.is_ascii_hexdigit()),
        "{query}"
    );
    assert_eq!(
        *path,
        format!("http://c2.example.org/dist/.v/{hex}/pool/big.iso")
    );
    let metalink = client.send(&Request::get(format!("/{ISO}.meta4")));
    let text = String::from_utf8_lossy(&metalink.body).into_owned();
    assert!(text.contains(&format!("{start}{hex}<")), "{text}");
    site.write(ISO, &[b'z'; 4000], OLD + 7);
    catalogue_tree(&site);
    eventually("the new version is redirected", || {
        redirected(&client.send(&Request::get(format!("/{ISO}")))).is_some()
    });
    assert_ne!(urls(&mut client)[0], *query);
}

#[test]
fn size_path_and_names_that_change_are_never_sent_to_a_cache() {
    let site = site("");
    std::os::unix::fs::symlink("big.iso", site.tree().join("pool/current.iso")).expect("a link");
    catalogue_tree(&site);
    age_index(&site, 100_000);
    add_cache(&site, "large", |record| record.file_maxsize = 2999);
    add_cache(&site, "other", |record| {
        record.cache.paths = "iso/ dists/*/main".into()
    });
    add_cache(&site, "most", |record| {
        record.cache.exclude = "pool/private os2".into()
    });
    let out = ["large cache-size", "other cache-path"];
    assert_eq!(reasons(&site, ISO), out);
    // Of MirrorBrain's law: a mirror whose file_maxsize is too small is a reserve.
    let expected = ["large cache-size", "other cache-path", "most mutable"];
    assert_eq!(reasons(&site, REPOMD), expected);
    assert_eq!(
        reasons(&site, "pool/current.iso"),
        expected,
        "a link may lead elsewhere"
    );
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    assert!(ask(&mut client, ISO).is_some_and(|url| url.starts_with("http://most.")));
    assert_eq!(ask(&mut client, REPOMD), None);
    assert_eq!(ask(&mut client, "pool/current.iso"), None);
}

#[test]
fn a_caches_own_request_is_never_redirected() {
    let site = site("");
    catalogue_tree(&site);
    age_index(&site, 100_000);
    add_cache(&site, "c1", |record| {
        record.cache.fill_networks = "198.51.100.0/24 2001:db8:f::/48".into();
    });
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let get = || Request::get(format!("/{ISO}"));
    let from = |ip: &str| get().with("REMOTE_ADDR", ip);
    let accept = |request: Request| request.with("HTTP_ACCEPT", "application/metalink4+xml");
    for (fill, what) in [
        (from("198.51.100.7"), "IPv4"),
        (from("2001:db8:f::1"), "IPv6"),
        (get().with("HTTP_CDN_LOOP", "x"), "CDN-Loop"),
        (get().with("HTTP_VIA", "1.1 c1"), "its name"),
        (
            get().with("HTTP_VIA", "1.0 a, 1.1 C1.example.org:80 (nginx)"),
            "its host",
        ),
        (accept(from("198.51.100.7")), "a client's Accept"),
    ] {
        let answer = client.send(&fill);
        assert_eq!(redirected(&answer), None, "{what}");
        assert_eq!(answer.text("Give-MB").as_deref(), Some("file"), "{what}");
        assert_eq!(
            answer.header("Vary"),
            None,
            "{what}: all get the same of the cache"
        );
    }
    for (request, what) in [
        (from("198.51.101.7"), "another network"),
        (
            get().with("HTTP_VIA", "1.1 squid.example.net (c1)"),
            "a proxy of the client's",
        ),
    ] {
        assert!(redirected(&client.send(&request)).is_some(), "{what}");
    }
    let arguments = ["explain", "/pool/big.iso", "--ip", "198.51.100.7", "--json"];
    let said = site.run_ok("heliostat", &arguments);
    assert!(said.contains("\"outcome\": \"local:cache-fill\""), "{said}");
}

#[test]
fn without_a_cache_cdn_loop_means_nothing() {
    let site = site("");
    catalogue_tree(&site);
    add_mirror(&site, "everywhere", "", |record| {
        record.country = "**".into()
    });
    let id = crate::stand_in::scan_site::mirror_record(&site, "everywhere").id;
    let mut writer = heliostat::db::open_writer(&site.database()).expect("the database");
    let content = heliostat::db::content::Content {
        current: (1..=2).collect(),
        outdated: Default::default(),
    };
    let origin = heliostat::db::content::ContentOrigin {
        at: heliostat::domain::time::Timestamp(1),
        by: "rsync".into(),
        unknown_files: 0,
    };
    writer
        .transaction(|t| heliostat::db::content::publish(t, id, &content, &origin))
        .expect("published");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let behind_a_cdn = Request::get(format!("/{ISO}")).with("HTTP_CDN_LOOP", "cloudflare");
    assert!(redirected(&client.send(&behind_a_cdn)).is_some());
}

#[test]
fn commands_advise_only_what_can_be_done_with_a_cache() {
    let site = site("");
    catalogue_tree(&site);
    let new = ["new", "c1", "-H", "http://127.0.0.1:1/", "--kind", "cache"];
    let said = site.run_ok("heliostat", &new);
    assert!(
        said.contains("`heliostat enable c1`, then `heliostat-probe c1`"),
        "{said}"
    );
    let enabled = site.run_ok("heliostat", &["enable", "c1"]);
    assert!(enabled.contains("`heliostat-probe c1` looks"), "{enabled}");
    let shown = site.run_ok("heliostat", &["show", "c1"]);
    assert!(shown.contains("cacheTtl       : 86400\n"), "{shown}");
    let status = site.run_ok("heliostat", &["status"]);
    let row = status
        .lines()
        .find(|line| line.trim().starts_with("c1 "))
        .expect("its row");
    let words: Vec<&str> = row.split_whitespace().take(4).collect();
    assert_eq!(words, ["c1", "down", "-", "-"], "{status}");
    assert!(row.contains("--set fillNetworks=NETWORK"), "{status}");
    for text in [&said, &enabled, &shown, &status] {
        assert!(
            !text.contains("scan -e") && !text.contains("never scanned"),
            "{text}"
        );
    }
    for (command, expected) in [
        (["ping", "c1"], "c1 is a cache: it is never scanned"),
        (["rollback", "c1"], "a cache is never scanned"),
    ] {
        let output = site.run("heliostat", &command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains(expected),
            "{said}"
        );
    }
    // A mirror has no such fields.
    site.run_ok("heliostat", &["new", "m", "-H", "http://127.0.0.1:1/"]);
    assert!(
        !site
            .run_ok("heliostat", &["show", "m"])
            .contains("cacheTtl")
    );
    let wrong = [
        "new",
        "n",
        "-H",
        "http://127.0.0.1:1/",
        "--version-key",
        "query",
    ];
    assert_eq!(site.run("heliostat", &wrong).status.code(), Some(2));
    let everywhere = ["new", "all", "-H", "http://127.0.0.1:1/", "-c", "**"];
    let said = site.run_ok("heliostat", &everywhere);
    assert!(
        said.contains("edit all --set kind=cache") && !said.contains("scan -e"),
        "{said}"
    );
}

#[test]
fn a_version_in_the_query_and_a_signature_do_not_go_together() {
    let site = TestSite::with_config("[site.test.rules]\nredirect_stamp_key = \"secret\"\n");
    catalogue_tree(&site);
    let new = |key: &str| {
        let url = "http://127.0.0.1:1/";
        let command = [
            "new",
            key,
            "-H",
            url,
            "--kind",
            "cache",
            "--version-key",
            key,
        ];
        site.run("heliostat", &command)
    };
    let output = new("query");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("redirect_stamp_key") && said.contains("path"),
        "{said}"
    );
    assert!(new("path").status.success());
    let edit = ["edit", "path", "--set", "versionKey=query"];
    assert_eq!(site.run("heliostat", &edit).status.code(), Some(2));
}

/// nginx as origin and as a cache before it; they end with the test.
struct Nginx {
    child: std::process::Child,
    log: std::path::PathBuf,
    port: u16,
}

impl Nginx {
    fn start(site: &TestSite) -> Nginx {
        let home = site.path("nginx");
        std::fs::create_dir_all(home.join("store")).expect("a folder");
        let (origin, port) = (free_port(), free_port());
        let (log, at) = (home.join("origin.log"), home.display().to_string());
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary = temporary.map(|name| format!("{name}_temp_path {at}/{name};\n"));
        let text = format!(
            "error_log {at}/error.log;\npid {at}/pid;\ndaemon off;\nmaster_process off;\n\
             events {{}}\nhttp {{\n{}proxy_cache_path {at}/store keys_zone=z:1m;\n\
             log_format o '$request_method $uri $status $body_bytes_sent';\n\
             server {{ listen 127.0.0.1:{origin}; root {}; access_log {} o; }}\n\
             server {{ listen 127.0.0.1:{port}; access_log off; proxy_cache z;\n\
             proxy_cache_valid 200 404 1h; add_header X-Cache $upstream_cache_status;\n\
             location / {{ proxy_pass http://127.0.0.1:{origin}; }} }}\n}}\n",
            temporary.concat(),
            site.tree().display(),
            log.display(),
        );
        std::fs::write(home.join("nginx.conf"), text).expect("a file");
        let child = std::process::Command::new("nginx")
            .arg("-p")
            .arg(&home)
            .arg("-c")
            .arg(home.join("nginx.conf"))
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("nginx is installed by scripts/test");
        eventually("nginx listens", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Nginx { child, log, port }
    }

    /// The requests that the origin got: method, path, status, bytes; each once.
    fn asked(&self) -> std::collections::BTreeSet<String> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // nginx may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn probes_make_a_cache_fetch_small_settled_files_and_look_at_every_byte() {
    let site = site("[site.test.probe]\ndown_after = 1\nup_after = 1\nwindow = 1\n");
    site.write("iso/large.iso", &vec![b'x'; 3 * 1024 * 1024], OLD);
    site.write("small.zip", &[b's'; 10_000], OLD);
    catalogue_tree(&site);
    site.run_ok("heliostat-index", &["--hashes", "--quiet"]);
    let nginx = Nginx::start(&site);
    add_cache(&site, "c1", |record| {
        record.base_url = format!("http://127.0.0.1:{}/", nginx.port);
        record.cache.paths = "small.zip iso".into();
        record.alive = false;
    });
    let probe = || site.run("heliostat-probe", &["--json"]);
    let alive = || crate::stand_in::scan_site::mirror_record(&site, "c1").alive;
    // All is new: there is no file that tells anything.
    probe();
    assert!(alive());
    let expected: Vec<String> = vec!["GET /.heliostat-generation 404 153".into()];
    assert_eq!(nginx.asked().into_iter().collect::<Vec<_>>(), expected);
    age_index(&site, 100_000);
    for _ in 0..10 {
        probe();
    }
    assert!(alive());
    let mut expected = expected;
    expected.push("GET /small.zip 200 10000".into());
    let asked: Vec<String> = nginx.asked().into_iter().collect();
    assert_eq!(
        asked, expected,
        "never a large one, never in part, never HEAD"
    );
    // A large file by name is not asked for either.
    let output = site.run("heliostat", &["probefile", "iso/large.iso"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("c1 is not asked: a cache would fetch the whole"),
        "{said}"
    );
    let there = site.run_ok("heliostat", &["probefile", "small.zip"]);
    assert!(there.contains("Found: 1"), "{there}");
    assert_eq!(nginx.asked().into_iter().collect::<Vec<_>>(), expected);
    // The same size, other bytes, and the cache goes on with the old ones for longer than it says.
    site.write("small.zip", &[b't'; 10_000], OLD + 5);
    catalogue_tree(&site);
    site.run_ok("heliostat-index", &["--hashes", "--quiet"]);
    age_index(&site, 100_000);
    let output = probe();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("other bytes of /small.zip (SHA-256)"),
        "{said}"
    );
    assert!(!alive());
    // With the version in the URL it is another object.
    site.run_ok("heliostat", &["edit", "c1", "--set", "versionKey=query"]);
    probe();
    assert!(alive(), "{:?}", nginx.asked());
}

#[test]
fn a_cache_that_keeps_longer_than_said_is_off_until_it_does_not() {
    let site = site(
        "[site.test.index]\nwrite_generation = true\n\
         [site.test.probe]\ndown_after = 1\nup_after = 1\nwindow = 1\n",
    );
    site.write("small.zip", &[b's'; 10_000], OLD);
    catalogue_tree(&site);
    age_index(&site, 100_000);
    let nginx = Nginx::start(&site);
    add_cache(&site, "c1", |record| {
        record.base_url = format!("http://127.0.0.1:{}/", nginx.port);
        record.cache.ttl_s = 3600;
        record.cache.paths = "small.zip".into();
    });
    let probe = || {
        let output = site.run("heliostat-probe", &["--json"]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let alive = || crate::stand_in::scan_site::mirror_record(&site, "c1").alive;
    probe();
    assert!(alive());
    // The next generation: the cache goes on with the number of the first, which is no fault yet.
    site.write("other.zip", b"new", OLD);
    catalogue_tree(&site);
    age_index(&site, 100_000);
    probe();
    assert!(alive(), "{:?}", nginx.asked());
    let later = "UPDATE run SET started_at = started_at - 5000, ended_at = ended_at - 5000";
    let sqlite = rusqlite::Connection::open(site.database()).expect("the database");
    sqlite.execute(later, []).expect("the past");
    let said = probe();
    for expected in [
        "it serves content 50",
        " s old (generation 1 of 2), cacheTtl is 3600",
    ] {
        assert!(said.contains(expected), "{said}\nwanted {expected}");
    }
    assert!(!alive());
    let status = site.run_ok("heliostat", &["status"]);
    assert!(status.contains("cacheTtl is 3600"), "{status}");
    site.run_ok("heliostat", &["edit", "c1", "--set", "cacheTtl=7200"]);
    probe();
    assert!(alive());
    // nginx says by X-Cache what it had: all but the first of five.
    let status = site.run_ok("heliostat", &["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    assert_eq!(status["mirrors"][0]["hit_ratio"], 0.75, "{status}");
    let status = site.run_ok("heliostat", &["status"]);
    let expected = "75.0 % of the probes from what it had (hit ratio)";
    assert!(status.contains(expected), "{status}");
    // Where URLs name the version an old number says nothing of files.
    site.run_ok(
        "heliostat",
        &[
            "edit",
            "c1",
            "--set",
            "cacheTtl=1",
            "--set",
            "versionKey=query",
        ],
    );
    probe();
    assert!(alive());
}
