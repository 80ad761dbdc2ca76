//! A download reaches the right mirror.

use crate::host::local::ODD_NAMES;
use crate::stage::site::eventually;
use crate::stage::{ApacheOptions, MirrorFacts, Request, Stage, decode, encode};

/// How a test tells Apache where a client is, in place of mod_maxminddb.
const TEST_PARAMETERS: &str = "\
SetEnvIf X-Test-Country \"^(.+)$\" GEOIP_COUNTRY_CODE=$1\n\
SetEnvIf X-Test-Continent \"^(.+)$\" GEOIP_CONTINENT_CODE=$1\n\
SetEnvIf X-Test-ASN \"^(.+)$\" ASN=$1\n\
SetEnvIf X-Test-PFX \"^(.+)$\" PFX=$1\n";

fn world() -> Stage {
    let mut stage = Stage::new("");
    stage.file("dir/a.iso", 20_000);
    stage.file("dir/small.txt", 100);
    stage.mirror("germany", ["de", "eu"]);
    stage.mirror("america", ["us", "na"]);
    stage.mirror("japan", ["jp", "as"]);
    stage.mirror_with(MirrorFacts {
        name: "university",
        country: "za",
        region: "af",
        more: &["--asn", "64497", "--as-only"],
    });
    stage.mirror_with(MirrorFacts {
        name: "campus",
        country: "za",
        region: "af",
        more: &["--prefix", "192.0.2.64/26", "--prefix-only"],
    });
    // Known to Apache, but not to the world: a file that no mirror has.
    stage.file("dir/new.iso", 20_000);
    stage.learn();
    let before = TEST_PARAMETERS.to_owned();
    stage.start_with(&ApacheOptions {
        before,
        ..ApacheOptions::default()
    });
    stage
}

/// Where a request is sent, and why.
fn sent_to(request: Request) -> (String, String) {
    let answer = request.send();
    assert_eq!(answer.status, 302, "{answer:?}");
    (answer.mirror(), answer.text("x-mirrorbrain-realm"))
}

#[test]
fn clients_are_sent_by_prefix_network_country_and_region() {
    let stage = world();
    for (ip, mirror, realm) in [
        ("192.0.2.1", "germany", "country"),
        ("198.51.100.1", "america", "country"),
        ("203.0.113.1", "japan", "country"),
        ("2001:db8::1", "germany", "country"),
        ("192.0.2.200", "university", "AS"),
        ("192.0.2.70", "campus", "prefix"),
        ("198.18.0.1", "germany", "region"),
    ] {
        let found = sent_to(stage.get("/dir/a.iso").from(ip));
        assert_eq!(found, (mirror.into(), realm.into()), "{ip}");
    }
    let (_, realm) = sent_to(stage.get("/dir/a.iso").from("203.0.113.200"));
    assert_eq!(realm, "other", "nobody is near Australia");
    let ask = |query: &str| stage.get(format!("/dir/a.iso?{query}")).from("192.0.2.1");
    assert_eq!(
        sent_to(ask("country=jp")),
        ("japan".into(), "country".into())
    );
    assert_eq!(sent_to(ask("as=64497")), ("university".into(), "AS".into()));
}

#[test]
fn what_apache_knows_of_a_client_wins() {
    let stage = world();
    for (fields, mirror, realm) in [
        (
            vec!["X-Test-Country: US", "X-Test-Continent: NA"],
            "america",
            "country",
        ),
        (
            vec!["X-Test-Country: CA", "X-Test-Continent: NA"],
            "america",
            "region",
        ),
        (vec!["X-Test-ASN: 64497"], "university", "AS"),
    ] {
        let mut request = stage.get("/dir/a.iso").from("192.0.2.1");
        for field in &fields {
            request = request.field(field);
        }
        assert_eq!(
            sent_to(request),
            (mirror.into(), realm.into()),
            "{fields:?}"
        );
    }
}

#[test]
fn a_redirect_leads_to_the_file_and_says_what_mirrorbrain_says() {
    let stage = world();
    let answer = stage.get("/dir/a.iso").from("192.0.2.1").send();
    let url = format!(
        "http://127.0.0.1:{}/dir/a.iso",
        stage.mirror_named("germany").http_port
    );
    assert_eq!(answer.text("location"), url);
    assert!(answer.text("content-type").starts_with("text/html"));
    assert_eq!(
        answer.text("content-length"),
        answer.body.len().to_string(),
        "not in chunks"
    );
    // Each is a line of its own.
    let links = answer.all("link");
    let described = "/dir/a.iso.meta4>; rel=describedby; type=\"application/metalink4+xml\"";
    assert!(links[0].ends_with(described), "{links:?}");
    assert_eq!(links[1], format!("<{url}>; rel=duplicate; pri=1; geo=de"));
    let leaked = answer
        .fields
        .iter()
        .find(|(name, _)| name.starts_with("x-mb-"));
    assert_eq!(leaked, None, "log variables are Apache's");

    let head = stage.get("/dir/a.iso").from("192.0.2.1").head().send();
    assert_eq!((head.status, head.text("location")), (302, url.clone()));
    // curl follows the way that a download goes.
    let followed = stage
        .get("/dir/a.iso")
        .from("192.0.2.1")
        .argument("-L")
        .argument("-o/dev/stdout");
    assert!(
        followed
            .send()
            .body
            .ends_with(&stage.file("dir/a.iso", 20_000))
    );
    assert_eq!(
        Request::url(&url).send().body,
        stage.file("dir/a.iso", 20_000)
    );

    for (path, what) in [
        ("/dir/small.txt", "small"),
        ("/dir/new.iso", "on no mirror"),
    ] {
        let answer = stage.get(path).from("192.0.2.1").send();
        assert_eq!(
            (answer.status, answer.mirror().as_str()),
            (200, ""),
            "{what}"
        );
    }
    assert_eq!(stage.get("/dir/none.iso").send().status, 404);
    let post = stage
        .get("/dir/a.iso")
        .from("192.0.2.1")
        .argument("-dx=1")
        .send();
    assert!(!post.has("location"), "POST is not redirected: {post:?}");
    let range = stage
        .get("/dir/a.iso")
        .from("192.0.2.1")
        .field("Range: bytes=0-9")
        .send();
    assert_eq!(range.status, 302, "the mirror answers the range");
}

#[test]
fn a_name_arrives_at_the_mirror_to_the_byte() {
    use std::os::unix::ffi::OsStrExt;
    let mut stage = Stage::new("");
    let path = |name: &[u8]| [b"dir \xc3\xbc/", name].concat();
    for name in ODD_NAMES {
        stage.file(std::ffi::OsStr::from_bytes(&path(name)), 5_000);
    }
    stage.mirror("germany", ["de", "eu"]);
    stage.play();
    let base = format!(
        "http://127.0.0.1:{}/",
        stage.mirror_named("germany").http_port
    );
    for name in ODD_NAMES {
        let path = path(name);
        let url = [b"/", encode(&path).as_slice()].concat();
        let answer = stage.get(&url).send();
        assert_eq!(answer.status, 302, "{} {answer:?}", path.escape_ascii());
        let location = answer.bytes("location");
        let target = location
            .strip_prefix(base.as_bytes())
            .expect("the mirror's address");
        assert_eq!(decode(target), path, "Location {}", location.escape_ascii());
        assert!(
            target.iter().all(u8::is_ascii_graphic),
            "{}",
            location.escape_ascii()
        );
        let file = Request::url(location).send();
        assert_eq!(
            (file.status, file.body.len()),
            (200, 5_000),
            "the mirror knows the name"
        );
        // A header of bytes that are no text changes nothing, not for this client's place either.
        let odd = stage
            .get(&url)
            .field(b"X: \xff")
            .field(b"User-Agent: \xfe")
            .send();
        assert_eq!(odd.comparable(), answer.comparable());
    }
}

#[test]
fn settings_of_a_directory_may_stand_in_apaches_configuration() {
    let mut stage =
        Stage::new("[[site.test.directory]]\npath = \"toml\"\nexclude_file_mask = '\\.md5$'\n");
    for directory in ["toml", "env", "private"] {
        for name in ["a.iso", "a.md5"] {
            stage.file(format!("{directory}/{name}"), 20_000);
        }
    }
    stage.file("env/small.iso", 1_000);
    stage.mirror("germany", ["de", "eu"]);
    stage.learn();
    let tree = stage.site.tree().display().to_string();
    let no_mirror = stage.site.path("redirected.log").display().to_string();
    let after = format!(
        "<Directory {tree}/env>\nSetEnv MirrorBrainMinSize 500\n\
         SetEnv MirrorBrainExcludeFileMask \"\\.md5$\"\n</Directory>\n\
         <Directory {tree}/private>\n<If \"true\">\nSetHandler None\n</If>\n</Directory>\n\
         CustomLog {no_mirror} combined_redirect \"expr=-n %{{note:MB_REDIRECTED}}\"\n"
    );
    stage.start_with(&ApacheOptions {
        min_size: 500,
        before: "Define HELIOSTAT_NO_LOG\n".to_owned(),
        after,
        ..ApacheOptions::default()
    });
    for (path, status) in [
        ("/toml/a.iso", 302),
        ("/toml/a.md5", 200),
        ("/env/a.iso", 302),
        ("/env/a.md5", 200),
        ("/env/small.iso", 302),
        ("/private/a.iso", 200),
    ] {
        assert_eq!(stage.get(path).send().status, status, "{path}");
    }
    let mut log = String::new();
    eventually("three redirects", || {
        log = std::fs::read_to_string(stage.site.path("redirected.log")).unwrap_or_default();
        log.lines().count() == 3
    });
    assert!(
        log.lines().all(|line| line.contains("give:redirect")),
        "{log}"
    );
}

#[test]
fn the_access_log_is_mirrorbrains() {
    let stage = world();
    let agent = |path: &str| stage.get(path).from("192.0.2.1").argument("-Atest/1");
    agent("/dir/a.iso").field("Range: bytes=0-9").send();
    agent("/dir/small.txt").send();
    agent("/dir/new.iso")
        .field("X-Test-PFX: 192.0.0.0/16")
        .send();
    agent("/dir/").send();
    // A line is written after its answer.
    let mut log = String::new();
    eventually("four lines", || {
        log = stage.access_log();
        log.lines().count() == 4
    });
    let lines: Vec<String> = log.lines().map(without_varying).collect();
    let expected = [
        "192.0.2.1 - - [] \"GET /dir/a.iso HTTP/1.1\" 302 N \"-\" \"test/1\" want:file \
         give:redirect r:country germany EU:DE ASN:64496 P:192.0.2.0/25 [N N] size:20000 bytes=0-9",
        "192.0.2.1 - - [] \"GET /dir/small.txt HTTP/1.1\" 200 N \"-\" \"test/1\" want:file \
         give:file r:- - -:- ASN:- P:- [N N] size:- -",
        "192.0.2.1 - - [] \"GET /dir/new.iso HTTP/1.1\" 200 N \"-\" \"test/1\" want:file \
         give:file r:- - EU:DE ASN:64496 P:192.0.0.0/16 [N N] size:20000 -",
        "192.0.2.1 - - [] \"GET /dir/ HTTP/1.1\" 200 N \"-\" \"test/1\" want:file give:- r:- - \
         -:- ASN:- P:- [N N] size:- -",
    ];
    assert_eq!(lines, expected);
}

/// A line without its time and its numbers of bytes.
fn without_varying(line: &str) -> String {
    let (before, rest) = line.split_once('[').expect("a time");
    let (_, after) = rest.split_once(']').expect("a time's end");
    let mut words: Vec<String> = format!("{before}[]{after}")
        .split(' ')
        .map(Into::into)
        .collect();
    words[8] = "N".to_owned();
    let io = words
        .iter()
        .position(|word| word.starts_with('[') && word != "[]");
    let io = io.expect("bytes in and out");
    words[io] = "[N".to_owned();
    words[io + 1] = "N]".to_owned();
    words.join(" ")
}
