//! Lists of mirrors, from the socket: of files and directories, as a page and as JSON, with the
//! operator's own parts, and when something is missing.

use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};

use heliostat::db::catalogue::CatalogueWriter;
use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{self, open::Transaction};
use heliostat::decide::DIRECTORY_FILES_MAX;
use heliostat::domain::file::FileVersion;
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;

use crate::stand_in::fcgi_client::{Answer, FcgiClient, Request};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::TestSite;

const MTIME: u64 = 1_401_807_080;
const SIZE: usize = 5000;

/// Names that need care.
const NAMES: [&[u8]; 4] = [
    b"dir/plain.bin",
    b"dir/a&b <x> \"q\".bin",
    b"dir/gr\xc3\xbc\xc3\x9fe.bin",
    b"dir/gr\xfc\xdfe.bin",
];
const LONELY: &[u8] = b"dir/lonely.bin";
const DEEP: &[u8] = b"dir/deep/x.bin";
const TOP: &[u8] = b"top.bin";

fn build(more: &str) -> TestSite {
    let site = TestSite::with_config(more);
    let mut writer = db::open_writer(&site.database()).expect("a database");
    let names = NAMES.into_iter().chain([LONELY, DEEP, TOP]);
    for name in names.clone() {
        site.write(std::ffi::OsStr::from_bytes(name), &[b'x'; SIZE], MTIME);
    }
    site.write("new.bin", &[b'x'; SIZE], MTIME);
    std::fs::create_dir(site.tree().join("empty")).expect("a directory");
    std::os::unix::fs::symlink("dir", site.tree().join("link")).expect("a link");
    std::fs::create_dir(site.path("outside")).expect("a directory");
    std::os::unix::fs::symlink("../outside", site.tree().join("out")).expect("a link");
    writer
        .transaction(|transaction| fill(transaction, &names.collect::<Vec<_>>()))
        .expect("the content");
    site
}

fn version() -> FileVersion {
    FileVersion {
        size: SIZE as u64,
        mtime: MTIME as i64,
    }
}

/// Identifier, base URL, country, region; what it lacks of what is not lonely.
type Fact = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static [u8]],
);

const MIRRORS: [Fact; 7] = [
    ("part", "http://part.example.org/", "de", "eu", &[DEEP]),
    ("full", "http://full.example.org/", "de", "eu", &[]),
    ("query", "http://q.example.org/get?a=1&p=/", "fr", "eu", &[]),
    ("choosy", "http://choosy.example.org/", "us", "na", &[]),
    ("off", "http://off.example.org/", "de", "eu", &[]),
    ("lacking", "http://lacking.example.org/", "de", "eu", &[b""]),
    ("new", "http://new.example.org/", "de", "eu", &[b""]),
];

fn fill(transaction: &Transaction<'_>, names: &[&[u8]]) -> Result<(), db::DbError> {
    let mut catalogue = CatalogueWriter::new(transaction)?;
    let mut ids = Vec::new();
    for name in names {
        ids.push((*name, catalogue.insert(name, version())?));
    }
    catalogue.finish()?;
    for (id, (name, url, country, region, lacks)) in (1..).zip(MIRRORS) {
        let record = MirrorRecord {
            id: MirrorId(id),
            base_url: url.to_owned(),
            enabled: name != "off",
            alive: true,
            country: country.to_owned(),
            region: region.to_owned(),
            country_only: name == "choosy",
            latitude: Some(50.0),
            longitude: Some(8.0 + id as f64),
            ..MirrorRecord::new(name)
        };
        mirror::insert(transaction, &record)?;
        let mut held = Content::default();
        for (path, file) in &ids {
            let has = *path != LONELY && !lacks.contains(path) && !lacks.contains(&&b""[..]);
            if has {
                held.current.insert(file.0);
            } else if name == "lacking" && *path == TOP {
                held.outdated.insert(file.0);
            }
        }
        let origin = ContentOrigin {
            at: Timestamp(1_700_000_000),
            by: "test".to_owned(),
            unknown_files: 0,
        };
        if name != "new" {
            content::publish(transaction, MirrorId(id), &held, &origin)?;
        }
    }
    Ok(())
}

fn get(path: &[u8]) -> Request {
    Request::get([b"/", path].concat())
        .with("GEOIP_COUNTRY_CODE", "DE")
        .with("GEOIP_CONTINENT_CODE", "EU")
}

fn list(path: &[u8]) -> Request {
    get(&[path, b".mirrorlist"].concat())
}

fn text(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    String::from_utf8(answer.body.clone()).expect("UTF-8")
}

fn json_of(client: &mut FcgiClient, request: &Request) -> Value {
    let answer = client.send(request);
    assert_eq!(
        answer.text("Content-Type").as_deref(),
        Some("application/json"),
        "{answer:?}"
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_slice(&answer.body).expect("JSON")
}

fn column(list: &Value, name: &str) -> Vec<Value> {
    let rows = list.as_array().expect("a list");
    rows.iter().map(|row| row[name].clone()).collect()
}

#[test]
fn a_page_names_every_mirror_and_escapes_every_name() {
    let site = build("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    for (name, shown, linked) in [
        (NAMES[0], "plain.bin", "/dir/plain.bin"),
        (
            NAMES[1],
            "a&amp;b &lt;x&gt; &quot;q&quot;.bin",
            "/dir/a&amp;b%20%3Cx%3E%20%22q%22.bin",
        ),
        (NAMES[2], "gr\u{fc}\u{df}e.bin", "/dir/gr%C3%BC%C3%9Fe.bin"),
        (NAMES[3], "gr%FC%DFe.bin", "/dir/gr%FC%DFe.bin"),
    ] {
        let answer = client.send(&list(name));
        let page = text(&answer);
        let heading = format!("<h2>Mirrors for <a href=\"{linked}\">{shown}</a></h2>");
        assert!(page.contains(&heading), "{heading}\n{page}");
        let mime_type = "text/html; charset=UTF-8";
        assert_eq!(answer.text("Content-Type").as_deref(), Some(mime_type));
        assert_eq!(answer.text("Want-MB").as_deref(), Some("mirrorlist"));
        assert_eq!(answer.text("Give-MB").as_deref(), Some("mirrorlist"));
        let policy = answer.text("Content-Security-Policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        let (_, mirrors) = page.split_once("<h3>Mirrors</h3>").expect("mirrors");
        assert!(
            mirrors.contains("Found 2 mirrors which handle this country (DE)"),
            "{mirrors}"
        );
        assert!(mirrors.contains("Found 1 mirror in other countries, but same continent (EU)"));
        assert!(
            mirrors.contains("http://q.example.org/get?a=1&amp;p=/dir/"),
            "{mirrors}"
        );
        let (_, others) = mirrors
            .split_once("<details id=\"mirrorbrain-mirrors-others\">")
            .expect("others");
        assert!(others.contains("2 more mirrors"), "{others}");
        assert!(
            others.contains("only for clients of its country"),
            "{others}"
        );
        assert!(others.contains("switched off by the admin"), "{others}");
        let by_query = client.send(&get(name).query("MirrorList=0"));
        assert_eq!(text(&by_query).lines().count(), page.lines().count());
        assert_eq!(by_query.text("Want-MB").as_deref(), Some("file"));
        let head = client.send(&list(name).with("REQUEST_METHOD", "HEAD"));
        assert_eq!(
            (head.status, head.headers, head.body.len()),
            (200, answer.headers, 0)
        );
    }
}

#[test]
fn json_says_the_same_for_programs() {
    let site = build("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let place = |request: Request| {
        request
            .with("GEOIP_LATITUDE", "50")
            .with("GEOIP_LONGITUDE", "9")
            .with("ASN", "680")
            .with("PFX", "192.0.2.0/24")
            .with("REMOTE_ADDR", "192.0.2.7")
    };
    let found = json_of(&mut client, &place(get(NAMES[1])).query("mirrorlist&json"));
    assert_eq!(found["file"], "a&b <x> \"q\".bin");
    assert_eq!(
        (&found["size"], &found["mtime"]),
        (&json!(SIZE), &json!(MTIME))
    );
    assert_eq!(
        found["url"],
        "http://download.example.org/dir/a&b%20%3Cx%3E%20%22q%22.bin"
    );
    assert_eq!(
        found["client"],
        json!({"ip": "192.0.2.7", "country": "de", "continent": "eu", "asn": 680,
               "prefix": "192.0.2.0/24"})
    );
    assert_eq!(
        column(&found["mirrors"], "mirror"),
        ["part", "full", "query"]
    );
    assert_eq!(
        column(&found["mirrors"], "class"),
        ["country", "country", "region"]
    );
    assert_eq!(
        column(&found["mirrors"], "probability"),
        [json!(1.0), json!(0.0), json!(0.0)]
    );
    let told = column(&found["mirrors"], "score");
    assert!(told.iter().all(Value::is_null), "{told:?}");
    assert_eq!(
        found["mirrors"][2]["url"],
        "http://q.example.org/get?a=1&p=/dir/a%26b%20%3Cx%3E%20%22q%22.bin"
    );
    assert_eq!(
        column(&found["excluded"], "mirror"),
        ["choosy", "off", "lacking", "new"]
    );
    assert_eq!(
        column(&found["excluded"], "reason"),
        ["country-only", "disabled", "file-missing", "never-scanned"]
    );
    assert_eq!(
        column(&found["excluded"], "has_file"),
        [true, true, false, false]
    );

    // By suffix and `json`; by Accept beside the query alone.
    let accept = |request: Request| request.with("HTTP_ACCEPT", "application/json");
    json_of(&mut client, &list(NAMES[0]).query("json"));
    json_of(&mut client, &accept(get(NAMES[0]).query("mirrorlist")));
    let answer = client.send(&accept(list(NAMES[0])));
    assert_eq!(
        answer.text("Content-Type").as_deref(),
        Some("text/html; charset=UTF-8")
    );
    assert_eq!(client.send(&accept(get(NAMES[0]))).status, 302);
}

#[test]
fn a_file_on_no_mirror_has_a_page_that_says_so() {
    let site = build("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    for (path, words) in [
        (LONELY, ""),
        (&b"new.bin"[..], "it is not in the catalogue"),
    ] {
        let page = text(&client.send(&list(path)));
        assert!(
            page.contains("<div id=\"mirrorbrain-mirrors-none\">"),
            "{page}"
        );
        assert!(page.contains(words), "{page}");
    }
    // A version that nobody was asked about.
    site.write("top.bin", &[b'y'; SIZE + 1], MTIME + 5);
    let page = text(&client.send(&list(TOP)));
    assert!(page.contains("it changed since it was indexed"), "{page}");
    assert!(
        page.contains("(5001 bytes)") && !page.contains("full.example.org"),
        "{page}"
    );
    for absent in [
        &b"nope.bin.mirrorlist"[..],
        b"out/x.mirrorlist",
        b".mirrorlist",
    ] {
        assert_eq!(client.send(&get(absent)).status, 404);
    }
}

#[test]
fn an_outdated_copy_is_told_without_a_link() {
    let site = build("");
    let responder = Responder::start(&site);
    let page = text(&responder.connect().send(&list(TOP)));
    assert!(page.contains("  <li>lacking (de): "), "{page}");
    assert!(
        page.contains("the last scan saw another version there"),
        "{page}"
    );
    assert!(!page.contains("http://lacking.example.org"), "{page}");
}

#[test]
fn fallbacks_are_listed_when_there_is_nothing_else() {
    let site = build("");
    let responder = Responder::start(&site);
    let request = list(LONELY).with(
        "MirrorBrainFallback",
        "eu de http://fall.example.org/, na us http://us.example.org/",
    );
    let page = text(&responder.connect().send(&request));
    assert!(!page.contains("mirrorbrain-mirrors-none"), "{page}");
    let item = "<li><a href=\"http://fall.example.org/dir/lonely.bin\">fall.example.org</a> \
                <span class=\"mirrorbrain-facts\">Germany (de), fallback</span></li>";
    assert!(page.contains(item), "{page}");
    assert!(
        page.contains("Found 1 mirror in other parts of the world"),
        "{page}"
    );
}

#[test]
fn operators_parts_come_from_the_configuration_and_from_parameters() {
    let site = build(
        "mirrorlist_parts = \"parts\"\n\
         [site.test.rules]\nmirrorlist_style_sheet = \"/mb.css\"\nmirrorlist_footer = \"foot\"\n\
         [[site.test.directory]]\npath = \"dir/deep\"\nmirrorlist_footer = \"gone\"\n",
    );
    std::fs::write(site.path("foot"), "<hr>own foot").expect("a footer");
    std::fs::create_dir(site.path("parts")).expect("a folder");
    std::fs::write(site.path("parts/head"), "<p>own head").expect("a header");
    std::fs::write(site.path("secret"), "<p>a secret").expect("a file");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let page = text(&client.send(&list(TOP)));
    let sheet = "<link type=\"text/css\" rel=\"stylesheet\" href=\"/mb.css\" />";
    assert!(
        page.contains(sheet) && page.ends_with("<hr>own foot"),
        "{page}"
    );
    // A file that is not there leaves the built-in part.
    assert!(text(&client.send(&list(DEEP))).ends_with("</html>\n"));
    let bytes = |name| site.path(name).into_os_string().into_encoded_bytes();
    // Whoever may write an .htaccess must not publish what the responder may read.
    for secret in [
        bytes("secret"),
        bytes("parts/../secret"),
        b"../secret".to_vec(),
    ] {
        let request = list(TOP)
            .with("MirrorBrainMirrorlistHeader", &secret)
            .with("MirrorBrainMirrorlistFooter", &secret);
        let page = text(&client.send(&request));
        assert!(!page.contains("a secret"), "{page}");
        assert!(page.ends_with("<hr>own foot"), "{page}");
    }
    let head = bytes("parts/head");
    let request = list(TOP)
        .with("MirrorBrainMirrorlistHeader", &head)
        .with("MirrorBrainMirrorlistFooter", "")
        .with("MirrorBrainMirrorlistStyleSheet", "/other.css");
    let page = text(&client.send(&request));
    assert!(
        page.starts_with("<p>own head<div id=\"mirrorbrain-details\">"),
        "{page}"
    );
    assert!(page.ends_with("</html>\n"), "{page}");
    let request = list(TOP)
        .with("mirrorlist_style_sheet", "https://s.example.org/x.css")
        .with("mirrorlist_footer", "");
    let answer = client.send(&request);
    let policy = answer.text("Content-Security-Policy").expect("a policy");
    assert!(policy.contains(" https://s.example.org;"), "{policy}");
}

#[test]
fn a_directory_tells_how_much_of_it_each_mirror_has() {
    let site = build("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let by_query = |path: &[u8]| get(path).query("mirrorlist");
    for request in [
        by_query(b"dir/"),
        by_query(b"dir"),
        list(b"dir"),
        by_query(b"link/"),
    ] {
        let page = text(&client.send(&request));
        assert!(page.contains("<h3>Directory information</h3>"), "{page}");
        assert!(page.contains("6 in it and below"), "{page}");
        let full = page.find("<meter min=\"0\" max=\"6\" value=\"5\">5 of 6</meter>");
        let part = page.find("<meter min=\"0\" max=\"6\" value=\"4\">4 of 6</meter>");
        assert!(full.is_some() && part.is_some(), "{page}");
        assert!(page.contains("only for clients of its country"), "{page}");
        assert!(!page.contains("lacking"), "{page}");
    }
    let found = json_of(&mut client, &get(b"dir/deep/").query("mirrorlist&json"));
    assert_eq!(
        (&found["directory"], &found["files"]),
        (&json!("/dir/deep/"), &json!(1))
    );
    assert_eq!(found["files_cut"], false);
    assert_eq!(column(&found["mirrors"], "mirror"), ["full", "query"]);
    assert_eq!(column(&found["mirrors"], "files"), [1, 1]);
    assert_eq!(
        found["mirrors"][1]["url"],
        "http://q.example.org/get?a=1&p=/dir/deep/"
    );
    let found = json_of(&mut client, &get(b"").query("mirrorlist&json"));
    assert_eq!(
        (&found["directory"], &found["files"]),
        (&json!("/"), &json!(7))
    );
    assert_eq!(found["url"], "http://download.example.org/");
    assert_eq!(found["mirrors"][0]["files"], 6);
    let page = text(&client.send(&by_query(b"empty/")));
    assert!(page.contains("mirrorbrain-mirrors-none"), "{page}");
    for absent in [&b"nope/"[..], b"out/", b"dir/plain.bin/"] {
        assert_eq!(client.send(&by_query(absent)).status, 404);
    }
    // A URL that is not a list is the web server's.
    assert_eq!(client.send(&get(b"dir/").query("meta4")).status, 404);
    assert_eq!(client.send(&get(b"dir.meta4")).status, 404);
}

#[test]
fn a_mirror_that_has_more_comes_before_a_nearer_one() {
    let site = build("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    // By the law alone the nearer one, which has a part, would be first.
    let near = get(b"dir/")
        .with("GEOIP_LATITUDE", "50")
        .with("GEOIP_LONGITUDE", "9");
    std::fs::remove_file(site.tree().join("dir/lonely.bin")).expect("a file");
    site.run_ok("heliostat-index", &[]);
    crate::stand_in::site::eventually("the catalogue is seen", || {
        let found = json_of(&mut client, &near.clone().query("mirrorlist&json"));
        column(&found["mirrors"], "mirror") == ["full", "part", "query"]
    });
}

#[test]
fn without_a_database_a_list_is_asked_for_again_and_never_the_file() {
    let site = build("");
    std::fs::write(site.database(), "no database").expect("a broken database");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    for request in [
        list(TOP),
        get(TOP).query("mirrorlist"),
        get(b"dir/").query("mirrorlist"),
    ] {
        let answer = client.send(&request);
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.header("X-Sendfile"), None);
    }
}

#[test]
fn a_large_directory_is_looked_at_in_part() {
    let site = TestSite::new();
    std::fs::create_dir(site.tree().join("big")).expect("a directory");
    let mut writer = db::open_writer(&site.database()).expect("a database");
    let fill = |transaction: &Transaction<'_>| {
        let mut catalogue = CatalogueWriter::new(transaction)?;
        for file in 0..=DIRECTORY_FILES_MAX {
            catalogue.insert(format!("big/{file:05}").as_bytes(), version())?;
        }
        catalogue.finish()
    };
    writer.transaction(fill).expect("the content");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let found = json_of(&mut client, &get(b"big/").query("mirrorlist&json"));
    let expected = (json!(DIRECTORY_FILES_MAX), json!(true));
    assert_eq!(
        (found["files"].clone(), found["files_cut"].clone()),
        expected
    );
    let page = text(&client.send(&get(b"big/").query("mirrorlist")));
    assert!(page.contains("more than 20000 in it and below"), "{page}");
}

#[test]
fn a_list_that_says_the_same_is_not_sent_again() {
    let site = build("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    for request in [
        list(NAMES[0]),
        list(NAMES[0]).query("json"),
        get(b"dir/").query("mirrorlist"),
    ] {
        let etag = client.send(&request).text("ETag").expect("an ETag");
        assert!(etag.starts_with("W/\""), "{etag}");
        // The order of two mirrors is drawn, and yet it is the same list.
        for _ in 0..10 {
            let again = request.clone().with("HTTP_IF_NONE_MATCH", &etag);
            let answer = client.send(&again);
            assert_eq!((answer.status, answer.body.len()), (304, 0));
            assert_eq!(answer.text("ETag").as_deref(), Some(&*etag));
        }
        let elsewhere = request
            .with("GEOIP_COUNTRY_CODE", "US")
            .with("HTTP_IF_NONE_MATCH", &etag);
        assert_eq!(client.send(&elsewhere).status, 200);
    }
}
