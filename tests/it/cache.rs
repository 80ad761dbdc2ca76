//! Pull-through caches: which files they get, when, under which URL; and their own requests.

use heliostat::db::mirror::MirrorRecord;
use heliostat::domain::mirror::Kind;

use crate::fcgi_client::{Answer, FcgiClient, Request};
use crate::responder::Responder;
use crate::scan_site::{OLD, add_mirror, catalogue_tree};
use crate::site::{TestSite, eventually};

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
        record.kind = Kind::Cache;
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
        assert_eq!(answer.text("X-MB-Give").as_deref(), Some("file"), "{what}");
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
    let id = crate::scan_site::mirror_record(&site, "everywhere").id;
    let mut writer = heliostat::db::open_writer(&site.database()).expect("the database");
    let content = heliostat::db::content::Content {
        current: (1..=2).collect(),
        outdated: Default::default(),
    };
    let learnt = heliostat::db::content::Learnt {
        at: heliostat::domain::time::Timestamp(1),
        by: "rsync".into(),
        unknown_files: 0,
    };
    writer
        .transaction(|t| heliostat::db::content::publish(t, id, &content, &learnt))
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
