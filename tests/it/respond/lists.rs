//! Lists by the name of a repository, from the socket: the cases of MirrorManager's clients.

use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{self, open::Transaction};
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;

use crate::stand_in::fcgi_client::{Answer, Request};
use crate::stand_in::mmdb::{Item, Side, file};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::TestSite;

const MTIME: u64 = 1_790_000_000;
const SIZE: usize = 45;

/// The repository of the cases.
const D: &str = "pub/lin/9/x86_64/os";

const CONFIG: &str = "\
geoip = [\"places.mmdb\"]
[site.test.selection]
weights = \"proportional\"
[site.test.lists]
minimum = 5
ip_parameter = [\"127.0.0.0/8\"]
redirects = { \"lin-current\" = \"lin-9\" }
[[site.test.repository]]
path = '^pub/lin/7/(\\w+)/os$'
repo = \"lin-7\"
arch = \"$1\"
disabled = true
[[site.test.repository]]
path = '^pub/lin/(\\d+)/(x86_64|arm)/os$'
repo = \"lin-$1\"
arch = \"$2\"
[[site.test.repository]]
path = '^pub/lin/(\\d+)/source$'
repo = \"lin-source-$1\"
arch = \"source\"
";

/// Where A (203.0.113.5), B (198.51.100.70), C (192.0.2.1), J (203.0.113.200) and a French client
/// without an AS (192.0.2.200) are.
fn places() -> Vec<u8> {
    let place = |country: &'static str, continent: &'static str, asn: u32| {
        let code = |name: &'static str, code| {
            (
                name,
                Item::Map(vec![(
                    if name == "country" {
                        "iso_code"
                    } else {
                        "code"
                    },
                    code,
                )]),
            )
        };
        let mut fields = vec![
            code("country", Item::Text(country)),
            code("continent", Item::Text(continent)),
        ];
        if asn > 0 {
            fields.push(("autonomous_system_number", Item::Unsigned(asn)));
        }
        Item::Map(fields).encode()
    };
    let networks: [([u8; 4], u32, Vec<u8>); 5] = [
        ([203, 0, 113, 0], 25, place("FR", "EU", 64500)),
        ([203, 0, 113, 128], 25, place("JP", "AS", 0)),
        ([198, 51, 100, 0], 24, place("FR", "EU", 64501)),
        ([192, 0, 2, 0], 25, place("US", "NA", 0)),
        ([192, 0, 2, 128], 25, place("FR", "EU", 0)),
    ];
    let (mut nodes, mut data) = (vec![[Side::Nowhere; 2]], Vec::new());
    for (address, length, record) in networks {
        let offset = data.len() as u32;
        data.extend(record);
        let bits = u32::from_be_bytes(address);
        let mut node = 0;
        for bit in 0..length {
            let side = (bits >> (31 - bit) & 1) as usize;
            if bit + 1 == length {
                nodes[node][side] = Side::Data(offset);
                break;
            }
            node = match nodes[node][side] {
                Side::Node(next) => next as usize,
                _ => {
                    let next = nodes.len();
                    nodes.push([Side::Nowhere; 2]);
                    nodes[node][side] = Side::Node(next as u32);
                    next
                }
            };
        }
    }
    file(4, &nodes, &data)
}

fn record(name: &str, country: &str, score: i64, url: &str) -> MirrorRecord {
    let region = match country {
        "us" => "na",
        "au" => "oc",
        _ => "eu",
    };
    MirrorRecord {
        base_url: url.to_owned(),
        enabled: true,
        alive: true,
        country: country.to_owned(),
        region: region.to_owned(),
        score,
        ..MirrorRecord::new(name)
    }
}

fn mirrors() -> Vec<MirrorRecord> {
    let mut fr1 = record("fr1", "fr", 1000, "https://fr1.example/lin/");
    fr1.further_base_urls = vec!["http://fr1.example/lin/".to_owned()];
    fr1.rsync_url = "rsync://fr1.example/lin/".to_owned();
    let mut fr2 = record("fr2", "fr", 10, "http://fr2.example/l/");
    fr2.asn = 64500;
    let mut au1 = record("au1", "au", 100, "rsync://au1.example/lin/");
    au1.rsync_url = "rsync://user:secret@au1.example/lin/".to_owned();
    let mut lim = record("lim", "de", 100, "http://lim.example/");
    lim.only_countries = "de,at".to_owned();
    let mut private = record("priv", "fr", 100, "http://priv.example/");
    (private.private, private.asn) = (true, 64501);
    private.prefix = "198.51.100.0/24".to_owned();
    vec![
        fr1,
        fr2,
        record("de1", "de", 100, "http://de1.example/"),
        record("us1", "us", 1000, "https://us1.example/"),
        au1,
        lim,
        private,
    ]
}

fn fill(transaction: &Transaction<'_>, files: &[u32]) -> Result<(), db::DbError> {
    for (id, record) in (1..).zip(mirrors()) {
        let record = MirrorRecord {
            id: MirrorId(id),
            ..record
        };
        mirror::insert(transaction, &record)?;
        let held = Content {
            current: files.iter().copied().collect(),
            ..Content::default()
        };
        let origin = ContentOrigin {
            at: Timestamp(MTIME as i64),
            by: "test".to_owned(),
            unknown_files: 0,
        };
        content::publish(transaction, MirrorId(id), &held, &origin)?;
    }
    Ok(())
}

/// The site of the cases: all mirrors have all files but `arm`'s.
fn build(more: &str) -> TestSite {
    let site = TestSite::with_config(&format!("{more}\n{CONFIG}"));
    std::fs::write(site.path("places.mmdb"), places()).expect("places");
    for file in [
        "pub/lin/9/x86_64/os/repodata/repomd.xml",
        "pub/lin/9/x86_64/os/x.rpm",
        "pub/lin/9/source/repodata/repomd.xml",
        "pub/lin/7/x86_64/os/repodata/repomd.xml",
        "pub/plain/a.iso",
        "pub/plain/b.iso",
    ] {
        site.write(file, &[b'x'; SIZE], MTIME);
    }
    site.run_ok("heliostat-index", &[]);
    site.write("pub/lin/9/arm/os/repodata/repomd.xml", &[b'y'; SIZE], MTIME);
    let ids: Vec<u32> = (1..=6).collect();
    let mut writer = db::open_writer(&site.database()).expect("a database");
    let filled = writer.transaction(|transaction| fill(transaction, &ids));
    filled.expect("the content");
    site.run_ok("heliostat-index", &[]);
    site
}

const A: &str = "203.0.113.5";
const B: &str = "198.51.100.70";
const C: &str = "192.0.2.1";
const J: &str = "203.0.113.200";

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).expect("UTF-8")
}

/// Asks and returns status, first line and the hosts of the URLs in their order.
fn ask(responder: &Responder, path: &str, query: &str) -> (u16, String, Vec<String>) {
    let answer = responder.connect().send(&Request::get(path).query(query));
    let text = text(&answer);
    let mut lines = text.lines();
    let heading = lines.next().unwrap_or_default().trim_end().to_owned();
    let urls = lines.filter(|line| !line.starts_with('#'));
    (answer.status, heading, urls.map(str::to_owned).collect())
}

fn hosts(urls: &[String]) -> Vec<&str> {
    let host = |url: &'_ String| -> usize { url.find("://").expect("a URL") + 3 };
    urls.iter()
        .map(|url| url[host(url)..].split('.').next().expect("a host"))
        .collect()
}

fn sorted(mut hosts: Vec<&str>) -> Vec<&str> {
    hosts.sort_unstable();
    hosts
}

const R: &str = "repo=lin-9&arch=x86_64";

#[test]
fn errors_are_in_the_form_that_clients_read() {
    let site = build("");
    let responder = Responder::start(&site);
    for (path, query, status, heading) in [
        ("/list", "path=pub/lin", 404, "<!DOCTYPE html>"),
        (
            "/mirrorlist",
            "",
            400,
            "# either path=, or repo= and arch= must be specified",
        ),
        (
            "/mirrorlist",
            "repo=lin-9",
            400,
            "# either path=, or repo= and arch= must be specified",
        ),
        ("/mirrorlist", "path=nope", 404, "error: invalid path"),
        ("/mirrorlist", "path=", 404, "error: invalid path"),
        ("/mirrorlist", "path=../../etc", 404, "error: invalid path"),
        (
            "/mirrorlist",
            "path=pub/plain/c.iso",
            404,
            "error: invalid path",
        ),
        (
            "/mirrorlist",
            &format!("{R}&ip=10.11.12.331"),
            400,
            "error: ip= is not an IP address",
        ),
        (
            "/mirrorlist",
            "repo=lin-7&arch=x86_64",
            404,
            "repo disabled",
        ),
        (
            "/mirrorlist",
            "repo=x&arch=y",
            404,
            "# repo = x arch = y error: invalid repo or arch",
        ),
    ] {
        let (found, first, _) = ask(&responder, path, query);
        assert_eq!((found, first.as_str()), (status, heading), "{path}?{query}");
    }
    let unknown = Request::get("/mirrorlist").query("repo=x&arch=y");
    let unknown = text(&responder.connect().send(&unknown));
    let names: Vec<&str> = unknown.lines().skip(2).collect();
    let expected = [
        "# repo=lin-9&arch=arm",
        "# repo=lin-9&arch=x86_64",
        "# repo=lin-source-9&arch=source",
    ];
    assert_eq!(names, expected);
}

fn change(site: &TestSite, change: impl Fn(&str) -> String) {
    let text = std::fs::read_to_string(site.config()).expect("the configuration");
    std::fs::write(site.config(), change(&text)).expect("written");
}

#[test]
fn a_closed_directory_has_neither_lists_nor_names() {
    let closed = "[[site.test.directory]]\npath = \"pub/lin/9/source\"\ndocuments = false\n\
                  [[site.test.directory]]\npath = \"pub/plain\"\ndocuments = false\n";
    let site = build("");
    change(&site, |text| format!("{text}\n{closed}"));
    let responder = Responder::start(&site);
    for (path, query) in [
        ("/mirrorlist", "repo=lin-source-9&arch=source"),
        ("/metalink", "repo=lin-source-9&arch=source"),
        ("/mirrorlist", "path=pub/lin/9/source"),
        ("/mirrorlist", "path=pub/plain"),
        ("/mirrorlist", "path=pub/plain/a.iso"),
        ("/metalink", "path=pub/plain/a.iso"),
        ("/mirrorlist", "path=/pub/./plain//a.iso"),
        ("/mirrorlist", "path=pub/none&p%61th=pub/plain/a.iso"),
    ] {
        let answer = responder.connect().send(&Request::get(path).query(query));
        assert_eq!(answer.status, 404, "{path}?{query}: {answer:?}");
        let text = text(&answer);
        assert!(!text.contains("repo=lin-source-9&"), "{query}: {text}");
        assert!(!text.contains(".example"), "{query}: {text}");
    }
}

#[test]
fn lists_of_paths_can_be_switched_off() {
    let site = build("");
    change(&site, |text| {
        text.replacen("minimum = 5", "minimum = 5\npaths = false", 1)
    });
    let responder = Responder::start(&site);
    let (status, ..) = ask(&responder, "/mirrorlist", "path=pub/plain/a.iso");
    assert_eq!(status, 404);
    assert_eq!(ask(&responder, "/mirrorlist", R).0, 200);
}

/// The rules of a directory hold for lists of it, as for its own URLs.
#[test]
fn a_list_obeys_the_rules_of_its_directory() {
    let rules = "[[site.test.directory]]\npath = \"pub/plain\"\nengine = false\n\
                 [[site.test.directory]]\npath = \"pub/lin\"\nredirect_stamp_key = \"k\"\n";
    let site = build("");
    change(&site, |text| format!("{text}\n{rules}"));
    let responder = Responder::start(&site);
    for (query, own) in [
        ("path=pub/plain/a.iso", "/pub/plain/a.iso"),
        ("path=pub/plain", "/pub/plain/"),
    ] {
        let (status, _, urls) = ask(&responder, "/mirrorlist", query);
        assert_eq!(status, 200, "{query}");
        assert_eq!(urls.len(), 1, "{urls:?}");
        assert!(urls[0].ends_with(own), "{urls:?}");
        assert!(!urls[0].contains(".example/"), "{urls:?}");
    }
    let signed = format!("path={D}/x.rpm");
    let (_, _, urls) = ask(&responder, "/mirrorlist", &signed);
    assert!(!urls.is_empty());
    assert!(urls.iter().all(|url| url.contains("&stamp=")), "{urls:?}");
}

#[test]
fn errors_of_metalinks_are_in_a_metalink() {
    let site = build("");
    let responder = Responder::start(&site);
    for query in [
        "",
        "repo=lin-7&arch=x86_64",
        "path=pub/plain/c.iso",
        "path=pub/lin",
    ] {
        let answer = responder
            .connect()
            .send(&Request::get("/metalink").query(query));
        let status = if query.is_empty() { 400 } else { 404 };
        assert_eq!(answer.status, status, "{query}");
        assert!(
            text(&answer).contains("<metalink version=\"3.0\""),
            "{answer:?}"
        );
    }
}

#[test]
fn a_list_goes_from_near_to_far() {
    let site = build("");
    let responder = Responder::start(&site);
    let list = |query: &str| {
        let (status, heading, urls) = ask(&responder, "/mirrorlist", query);
        assert_eq!(status, 200, "{query}: {heading}");
        (heading, urls)
    };
    let (heading, urls) = list(&format!("{R}&ip={A}"));
    assert_eq!(
        heading,
        "# repo = lin-9 arch = x86_64 Using ASN 64500 country = FR country = DE country = global"
    );
    let expected = [
        "http://fr2.example/l/",
        "https://fr1.example/lin/",
        "http://de1.example/",
    ];
    let expected = expected.into_iter().chain(["https://us1.example/"]);
    let expected: Vec<String> = expected.map(|base| format!("{base}{D}/")).collect();
    assert_eq!(urls, expected);

    let (heading, urls) = list(&format!("{R}&ip={B}"));
    assert!(
        heading.contains("Using preferred netblock Using ASN 64501 "),
        "{heading}"
    );
    assert_eq!(hosts(&urls)[0], "priv");
    let (_, again) = list(&format!("{R}&ip={B}&netblock=1"));
    assert_eq!(hosts(&again)[0], "priv");
    assert_eq!(urls.iter().filter(|url| url.contains("priv")).count(), 1);
    for off in ["netblock=0", "netblock=", "country=fr"] {
        let (heading, urls) = list(&format!("{R}&ip={B}&{off}"));
        assert!(
            !hosts(&urls).contains(&"priv") && !heading.contains("Using"),
            "{heading}"
        );
    }

    let (heading, urls) = list(&format!("path=/pub//lin/9/x86_64/os/&ip={C}"));
    assert_eq!(
        heading,
        format!("# path = {D} country = US country = global")
    );
    assert_eq!(hosts(&urls)[0], "us1");
    assert_eq!(sorted(hosts(&urls)), ["de1", "fr1", "fr2", "us1"]);
    let (heading, urls) = list(&format!("{R}&ip={J}"));
    assert_eq!(heading, "# repo = lin-9 arch = x86_64 country = global");
    assert_eq!(sorted(hosts(&urls)), ["de1", "fr1", "fr2", "us1"]);

    let (heading, _) = list(&format!("repo=lin-current&arch=x86_64&ip={A}"));
    assert!(
        heading.starts_with("# repo = lin-9 arch = x86_64 "),
        "{heading}"
    );
    let (heading, urls) = list("repo=lin-source-9&arch=x86_64");
    assert!(
        heading.starts_with("# repo = lin-source-9 arch = source "),
        "{heading}"
    );
    assert!(urls[0].ends_with("/pub/lin/9/source/"), "{urls:?}");
    let answer = Request::get("/mirrorlist").query(format!("{R}&time&countme=2"));
    let answer = text(&responder.connect().send(&answer));
    let second = answer.lines().nth(1).expect("a second line");
    assert!(
        second.starts_with("# database creation time: 17"),
        "{second}"
    );
}

#[test]
fn countries_and_protocols_are_the_clients_choice() {
    let site = build("");
    let responder = Responder::start(&site);
    let all = ["de1", "fr1", "fr2", "us1"];
    for (more, heading, expected) in [
        ("country=us", " country = us", &["us1"][..]),
        (
            "country=us,fr",
            " country = fr country = us",
            &["fr1", "fr2", "us1"],
        ),
        ("country=us,zz", " country = us", &["us1"]),
        (
            "country=at",
            " country = DE country = FR",
            &["de1", "fr1", "fr2"],
        ),
        (
            "country=br",
            " country = FR country = DE country = global",
            &all,
        ),
        ("country=global", " country = global", &all),
        (
            "protocol=gopher",
            " Using ASN 64500 country = FR country = DE country = global protocol = gopher (none)",
            &all,
        ),
    ] {
        let query = format!("{R}&ip={A}&{more}");
        let (_, first, urls) = ask(&responder, "/mirrorlist", &query);
        assert_eq!(
            first,
            format!("# repo = lin-9 arch = x86_64{heading}"),
            "{more}"
        );
        assert_eq!(sorted(hosts(&urls)), expected, "{more}");
    }
    let query = format!("{R}&ip={A}&protocol=rsync");
    let (_, heading, urls) = ask(&responder, "/mirrorlist", &query);
    assert!(heading.ends_with(" protocol = rsync"), "{heading}");
    let expected = ["fr1", "au1"].map(|host| format!("rsync://{host}.example/lin/{D}/"));
    assert_eq!(urls, expected);
    // Nobody but a trusted network says who it is.
    let other = Request::get("/mirrorlist")
        .query(format!("{R}&ip={B}"))
        .with("REMOTE_ADDR", A);
    let other = text(&responder.connect().send(&other));
    assert!(
        other.contains("Using ASN 64500") && !other.contains("priv"),
        "{other}"
    );
}

#[test]
fn a_redirect_leads_to_the_first_url() {
    let site = build("");
    let responder = Responder::start(&site);
    for (query, expected) in [
        (
            format!("{R}&redirect=1&ip={A}"),
            format!("http://fr2.example/l/{D}/"),
        ),
        (
            format!("path={D}/x.rpm&redirect&ip={A}"),
            format!("http://fr2.example/l/{D}/x.rpm"),
        ),
        (
            format!("path=pub/plain&redirect&ip={A}"),
            "http://fr2.example/l/pub/plain/".to_owned(),
        ),
        // No mirror has it.
        (
            "repo=lin-9&arch=arm&redirect".to_owned(),
            "http://download.example.org/pub/lin/9/arm/os/".to_owned(),
        ),
    ] {
        let answer = responder
            .connect()
            .send(&Request::get("/mirrorlist").query(&query));
        assert_eq!(answer.status, 302, "{query}: {answer:?}");
        assert_eq!(
            answer.text("Location").as_deref(),
            Some(&expected[..]),
            "{query}"
        );
    }
    let (_, _, urls) = ask(&responder, "/mirrorlist", "repo=lin-9&arch=arm");
    assert_eq!(urls, ["http://download.example.org/pub/lin/9/arm/os/"]);
    // A file of that name wins.
    site.write("mirrorlist", b"own", MTIME);
    let answer = responder
        .connect()
        .send(&Request::get("/mirrorlist").query(R));
    assert!(answer.text("X-Sendfile").is_some(), "{answer:?}");
}

#[test]
fn a_metalink_has_all_urls_of_a_mirror_with_one_preference() {
    let site = build("");
    let responder = Responder::start(&site);
    let metalink = |query: &str| {
        let answer = responder
            .connect()
            .send(&Request::get("/metalink").query(query));
        assert_eq!(answer.status, 200, "{answer:?}");
        text(&answer)
    };
    let text = metalink(&format!("{R}&ip={A}"));
    assert!(text.contains("<file name=\"repomd.xml\">"), "{text}");
    for (url, preference) in [
        ("http://fr2.example/l", 100),
        ("https://fr1.example/lin", 99),
        ("http://fr1.example/lin", 99),
        ("rsync://fr1.example/lin", 99),
        ("http://de1.example", 98),
    ] {
        let line = format!(">{url}/{D}/repodata/repomd.xml</url>");
        let line = text.lines().find(|found| found.contains(&line));
        let line = line.unwrap_or_else(|| panic!("{url}: {text}"));
        assert!(
            line.contains(&format!("preference=\"{preference}\"")),
            "{line}"
        );
    }
    assert!(
        !text.contains("secret") && !text.contains("lim.example"),
        "{text}"
    );
    let text = metalink(&format!("{R}&ip={B}"));
    let line = text.lines().find(|line| line.contains("priv.example"));
    let line = line.expect("it is listed");
    assert!(line.contains("mm0:private=\"True\""), "{line}");
    assert_eq!(text.matches("mm0:private").count(), 1);
}

#[test]
fn scores_decide_within_a_country() {
    let site = build("");
    let more = record("fr3", "fr", 100, "http://fr3.example/");
    let mut writer = db::open_writer(&site.database()).expect("a database");
    let added = writer.transaction(|transaction| {
        mirror::insert(
            transaction,
            &MirrorRecord {
                id: MirrorId(8),
                ..more.clone()
            },
        )?;
        let held = Content {
            current: (1..=6).collect(),
            ..Content::default()
        };
        let origin = ContentOrigin {
            at: Timestamp(MTIME as i64),
            by: "test".to_owned(),
            unknown_files: 0,
        };
        content::publish(transaction, MirrorId(8), &held, &origin)
    });
    added.expect("a mirror");
    let responder = Responder::start(&site);
    let first = || {
        let query = format!("{R}&ip=192.0.2.200");
        let (_, _, urls) = ask(&responder, "/mirrorlist", &query);
        urls[0].contains("fr1")
    };
    let firsts = (0..400).filter(|_| first()).count();
    assert!(
        (336..=384).contains(&firsts),
        "{firsts} of 400, not 0.90 ± 0.06"
    );
}

#[test]
fn the_admin_knows_better_where_clients_are() {
    let site = build("");
    let config = std::fs::read_to_string(site.config()).expect("the configuration");
    let better = "weights = \"proportional\"\ncountries = { \"203.0.113.200\" = \"us\" }\n\
                  continents = { us = \"eu\" }\n";
    let config = config.replace("weights = \"proportional\"\n", better);
    std::fs::write(site.config(), config).expect("the configuration");
    let responder = Responder::start(&site);
    let (_, heading, urls) = ask(&responder, "/mirrorlist", &format!("{R}&ip={J}"));
    assert_eq!(
        heading,
        "# repo = lin-9 arch = x86_64 country = US country = DE country = FR country = global"
    );
    assert_eq!(hosts(&urls)[0], "us1");
    let file = format!("/{D}/repodata/repomd.xml");
    let text = site.run_ok("heliostat", &["explain", &file, "--ip", J]);
    assert!(text.contains("country by the configuration"), "{text}");
    assert!(text.contains("us/eu"), "{text}");
}

#[test]
fn explain_says_the_repository_and_its_alias() {
    let site = build("");
    let url = "http://h/mirrorlist?repo=lin-current&arch=x86_64";
    let text = site.run_ok("heliostat", &["explain", url, "--ip", A]);
    assert!(
        text.contains("repository lin-9  x86_64, asked for as lin-current"),
        "{text}"
    );
    assert!(
        text.contains("lim       it does not serve clients of this country"),
        "{text}"
    );
    let json = site.run_ok("heliostat", &["explain", "--json", url, "--ip", A]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["named"]["repo"], "lin-9");
    assert_eq!(json["named"]["asked"], "lin-current");
    assert_eq!(json["candidates"][0]["mirror"], "fr2");
}

#[test]
fn a_site_without_lists_answers_as_before() {
    let plain = TestSite::new();
    plain.write("a.iso", &[1; 20_000], MTIME);
    plain.run_ok("heliostat-index", &["--no-hashes"]);
    let responder = Responder::start(&plain);
    for path in ["/mirrorlist", "/metalink"] {
        let answer = responder
            .connect()
            .send(&Request::get(path).query("path=a.iso"));
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            answer.body.is_empty() || !answer.body.starts_with(b"# "),
            "{path}"
        );
    }
}
