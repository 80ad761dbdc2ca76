//! Who hears of which mirror: private ones stand in answers to their own clients alone, and those
//! to which nobody or not this client is sent stand without a link.

use heliostat::db::catalogue::CatalogueWriter;
use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::hash;
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{self, open::Transaction};
use heliostat::domain::file::FileVersion;
use heliostat::domain::mirror::MirrorKind;
use heliostat::domain::time::Timestamp;

use super::document_seed::record as hashes;
use crate::stand_in::fcgi_client::{Answer, Request};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::TestSite;

const MTIME: u64 = 1_401_807_080;
const SETTINGS: &str = "\
[[site.test.yum]]
arguments = [\"release=5\", \"repo=os\"]
directory = \"dir\"
marker = \"x.iso\"
[site.test.rules]
trackers = [\"http://t.example.org/announce\"]
";
const REPOSITORY: &str = "\
[[site.test.repository]]
path = '^dir$'
repo = \"os\"
arch = \"all\"
marker = \"x.iso\"
";
/// An address of the private mirrors' network, and one of nobody's.
const INSIDE: &str = "198.51.100.7";
const OUTSIDE: &str = "192.0.2.9";
const ASN: &str = "64500";

fn content() -> Vec<u8> {
    (0..100_000_usize)
        .map(|at| ((at * at) >> 3) as u8)
        .collect()
}

fn mirror(name: &str, change: impl FnOnce(&mut MirrorRecord)) -> MirrorRecord {
    let mut record = MirrorRecord {
        base_url: format!("http://{name}.example.org/"),
        further_base_urls: vec![format!("https://{name}.example.org/")],
        country: "de".to_owned(),
        region: "eu".to_owned(),
        latitude: Some(50.0),
        longitude: Some(8.0),
        enabled: true,
        alive: true,
        ..MirrorRecord::new(name)
    };
    change(&mut record);
    record
}

fn private(name: &str, change: impl FnOnce(&mut MirrorRecord)) -> MirrorRecord {
    mirror(name, |record| {
        record.private = true;
        record.prefix = "198.51.100.0/24".to_owned();
        change(record);
    })
}

/// All have all files. Names that nobody outside may hear of have `secret` in them.
fn mirrors() -> Vec<MirrorRecord> {
    vec![
        mirror("public", |_| ()),
        private("secret-prefix", |_| ()),
        mirror("secret-as", |m| (m.private, m.asn) = (true, 64500)),
        private("secret-dead", |m| m.alive = false),
        private("secret-off", |m| m.enabled = false),
        private("secret-zero", |m| m.score = 0),
        private("secret-cache", |m| m.kind = MirrorKind::Cache),
        // Two ways in which others get into a class whatever their flags.
        private("secret-world", |m| m.country = "**".to_owned()),
        private("secret-helper", |m| m.other_countries = "de,us".to_owned()),
        private("secret-small", |m| m.file_maxsize = 1),
        mirror("campus", |m| {
            m.prefix_only = true;
            m.prefix = "198.51.100.0/24".to_owned();
        }),
        mirror("dead", |m| m.alive = false),
        mirror("off", |m| m.enabled = false),
        mirror("zero", |m| m.score = 0),
        mirror("choosy", |m| {
            (m.country_only, m.country) = (true, "nz".to_owned())
        }),
    ]
}

fn fill(transaction: &Transaction<'_>) -> Result<(), db::DbError> {
    let version = FileVersion {
        size: content().len() as u64,
        mtime: MTIME as i64,
    };
    let mut catalogue = CatalogueWriter::new(transaction)?;
    let id = catalogue.insert(b"dir/x.iso", version)?;
    catalogue.finish()?;
    hash::store(transaction, id, version, &hashes(b"x.iso", &content()))?;
    let mut held = Content::default();
    held.current.insert(id.0);
    for record in mirrors() {
        let mirror = mirror::insert(transaction, &record)?;
        let origin = ContentOrigin {
            at: Timestamp(1_700_000_000),
            by: "test".to_owned(),
            unknown_files: 0,
        };
        content::publish(transaction, mirror, &held, &origin)?;
    }
    Ok(())
}

fn build(more: &str) -> TestSite {
    build_with(more, "")
}

fn build_with(more: &str, rules: &str) -> TestSite {
    let site = TestSite::with_config(&format!("{more}\n{SETTINGS}{rules}{REPOSITORY}"));
    site.write("dir/x.iso", &content(), MTIME);
    let mut writer = db::open_writer(&site.database()).expect("a database");
    writer.transaction(fill).expect("the content");
    site
}

/// Everything that names mirrors: path, query, Accept.
const ANSWERS: [(&str, &str, &str); 30] = [
    ("dir/x.iso", "", ""),
    ("dir/x.iso", "", "application/metalink4+xml"),
    ("dir/x.iso.meta4", "", ""),
    ("dir/x.iso.metalink", "", ""),
    ("dir/x.iso", "metalink", ""),
    ("dir/x.iso.torrent", "", ""),
    ("dir/x.iso.zsync", "", ""),
    ("dir/x.iso.magnet", "", ""),
    ("dir/x.iso.mirrorlist", "", ""),
    ("dir/x.iso", "mirrorlist&json", ""),
    ("dir/", "mirrorlist", ""),
    ("dir.mirrorlist", "json", ""),
    ("", "mirrorlist", ""),
    ("", "release=5&repo=os", ""),
    ("", "release=5&repo=os&metalink", ""),
    ("", "release=5&repo=os&meta4", ""),
    ("dir/x.iso", "not=nobody", ""),
    ("dir/x.iso", "try=1", ""),
    ("dir/x.iso", "avoid_country=us", ""),
    ("dir/x.iso", "mirrorlist&limit=99", ""),
    ("dir/x.iso", "mirrorlist&ipv4&json", ""),
    ("mirrorlist", "repo=os&arch=all", ""),
    ("mirrorlist", "repo=os&arch=all&redirect=1", ""),
    ("mirrorlist", "repo=os&arch=all&netblock=1&time=1", ""),
    ("mirrorlist", "path=dir", ""),
    ("mirrorlist", "path=dir/x.iso", ""),
    ("mirrorlist", "path=dir&protocol=http,https,ftp,rsync", ""),
    ("metalink", "repo=os&arch=all", ""),
    ("metalink", "path=dir/x.iso", ""),
    ("metalink", "path=dir/x.iso&protocol=rsync,http", ""),
];

/// Of lists by name, those that name mirrors wherever they are.
const EVERYWHERE: [(&str, &str, &str); 6] = [
    ("mirrorlist", "repo=os&arch=all&country=global", ""),
    (
        "mirrorlist",
        "repo=os&arch=all&country=de,us&netblock=0",
        "",
    ),
    ("mirrorlist", "path=dir&country=global", ""),
    ("mirrorlist", "path=dir/x.iso&country=de", ""),
    ("metalink", "repo=os&arch=all&country=global", ""),
    ("metalink", "path=dir/x.iso&country=de,us", ""),
];

/// Words with which a client may claim to be one of a private mirror's.
const CLAIMS: [&str; 5] = [
    "ip=198.51.100.7",
    "ip=198.51.100.7&netblock=1",
    "asn=64500",
    "not=public",
    "try=2",
];

/// Places that clients claim for themselves.
const PRETENCES: [&str; 4] = ["", "as=64500", "country=de", "as=64500&country=us"];

fn request((path, query, accept): (&str, &str, &str), pretence: &str, scheme: &str) -> Request {
    let query = [query, pretence].join("&");
    Request::get(format!("/{path}"))
        .query(query.trim_matches('&'))
        .with("HTTP_ACCEPT", accept)
        .with("REQUEST_SCHEME", scheme)
        .with("HTTPS", if scheme == "https" { "on" } else { "" })
        .with("GEOIP_COUNTRY_CODE", "DE")
        .with("GEOIP_CONTINENT_CODE", "EU")
        .with("GEOIP_LATITUDE", "51.234567")
        .with("GEOIP_LONGITUDE", "9.876543")
}

/// All of an answer.
fn whole(answer: &Answer) -> String {
    let fields = answer.headers.iter();
    let fields: String = fields
        .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value)))
        .collect();
    format!("{fields}\n{}", String::from_utf8_lossy(&answer.body))
}

#[test]
fn nobody_else_hears_of_private_mirrors() {
    for (switch, campus_is_told) in [
        ("", true),
        (
            "[site.test.selection]\nrestricted_are_private = true",
            false,
        ),
    ] {
        let site = build(switch);
        let responder = Responder::start(&site);
        let mut client = responder.connect();
        let mut is_told = false;
        for form in ANSWERS.into_iter().chain(EVERYWHERE) {
            for claim in CLAIMS {
                let request = request(form, claim, "http").with("REMOTE_ADDR", OUTSIDE);
                let said = whole(&client.send(&request));
                assert!(!said.contains("secret"), "{form:?} {claim}: {said}");
            }
            for pretence in PRETENCES {
                for scheme in ["http", "https"] {
                    let request = request(form, pretence, scheme).with("REMOTE_ADDR", OUTSIDE);
                    let answer = client.send(&request);
                    assert!(answer.status < 400, "{form:?} {pretence}: {answer:?}");
                    let said = whole(&answer);
                    assert!(!said.contains("secret"), "{form:?} {pretence}: {said}");
                    assert!(said.contains("public"), "{form:?} {pretence}: {said}");
                    is_told |= said.contains("campus");
                }
            }
        }
        assert_eq!(is_told, campus_is_told);
    }
}

/// Nor in answers that are errors or numbers.
#[test]
fn no_error_and_no_public_number_names_a_private_mirror() {
    let stats = "[site.test.stats]\nspool = \"spool\"\npublic = true\nhealth = true\n";
    let site = build(stats);
    std::fs::create_dir(site.path("spool")).expect("a folder");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    for (path, query) in [
        ("none.iso", ""),
        ("dir/x.iso", "stats"),
        ("dir/x.iso", "stats=2026"),
        ("dir/x.iso.torrent", "stats"),
        (".heliostat/health", ""),
        (".heliostat/metrics", ""),
        ("mirrorlist", "repo=secret-prefix&arch=x"),
        ("mirrorlist", "repo=os"),
        ("mirrorlist", "path=none"),
        ("metalink", "path=dir"),
        ("", "product=x"),
        ("dir/x.iso", "not=public,secret-prefix"),
        ("dir/x.iso", "not=public"),
        ("dir/x.iso", "try=9"),
    ] {
        let request = request((path, query, ""), "", "http").with("REMOTE_ADDR", OUTSIDE);
        let mut said = whole(&client.send(&request)).to_lowercase();
        if query.contains("repo=secret") {
            // The client itself has named the repository.
            said = said.replacen("repo = secret-prefix", "", 1);
        }
        assert!(!said.contains("secret"), "{path}?{query}: {said}");
    }
}

#[test]
fn their_own_clients_are_sent_to_private_mirrors() {
    let site = build("[site.test.selection]\nrestricted_are_private = true");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    for form in ANSWERS {
        for scheme in ["http", "https"] {
            let by_prefix = request(form, "", scheme).with("REMOTE_ADDR", INSIDE);
            let said = whole(&client.send(&by_prefix));
            let secret = ["prefix", "world", "cache", "helper", "small"];
            let is_secret = |name: &&str| said.contains(&format!("secret-{name}"));
            let is_told = secret.iter().any(is_secret) || said.contains("campus");
            assert!(is_told, "{form:?}: {said}");
            assert!(!said.contains("secret-as"), "{form:?}: {said}");
            let by_asn = request(form, "", scheme)
                .with("REMOTE_ADDR", OUTSIDE)
                .with("ASN", ASN);
            let said = whole(&client.send(&by_asn));
            assert!(said.contains("secret-as"), "{form:?}: {said}");
            assert!(!said.contains("secret-prefix"), "{form:?}: {said}");
            assert!(!said.contains("campus"), "{form:?}: {said}");
        }
    }
    // They see why others of their own are out.
    let list = request(("dir/x.iso.mirrorlist", "", ""), "", "http").with("REMOTE_ADDR", INSIDE);
    let said = whole(&client.send(&list));
    assert!(said.contains("<li>secret-dead (de): "), "{said}");
    assert!(said.contains("<li>secret-zero (de): "), "{said}");
}

/// A cache in front of the web server would give a private mirror's URL to everybody.
#[test]
fn no_shared_cache_keeps_a_redirect_that_names_a_private_mirror() {
    for value in ["no-cache, stale-if-error=86400", "public, max-age=60", ""] {
        let site = build_with("", &format!("redirect_cache_control = \"{value}\"\n"));
        let responder = Responder::start(&site);
        let mut client = responder.connect();
        let mut kept = |ip: &str, asn: &str| {
            let file = request(("dir/x.iso", "", ""), "", "http");
            let answer = client.send(&file.with("REMOTE_ADDR", ip).with("ASN", asn));
            assert_eq!(answer.status, 302, "{answer:?}");
            answer.text("Cache-Control").unwrap_or_default()
        };
        assert_eq!(kept(OUTSIDE, ""), value);
        assert_eq!(kept(INSIDE, ""), "private, no-cache", "{value}");
        assert_eq!(kept(OUTSIDE, ASN), "private, no-cache", "{value}");
    }
}

#[test]
fn who_gets_nobody_stands_without_a_link_and_no_score_is_told() {
    let site = build("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    for form in [
        ("dir/x.iso.mirrorlist", "", ""),
        ("dir/", "mirrorlist", ""),
        ("dir/x.iso", "mirrorlist&json", ""),
        ("dir/", "mirrorlist&json", ""),
    ] {
        let said = whole(&client.send(&request(form, "", "http").with("REMOTE_ADDR", OUTSIDE)));
        for name in ["campus", "dead", "off", "zero", "choosy"] {
            assert!(said.contains(name), "{form:?}: no {name}: {said}");
            let link = format!("//{name}.example.org");
            assert!(!said.contains(&link), "{form:?}: {link}: {said}");
        }
        for words in [
            "it counts as down and was not probed yet",
            "switched off by the admin",
            "not in use",
            "only for clients of its country",
        ] {
            assert!(said.contains(words), "{form:?}: no {words}: {said}");
        }
        for secret in ["51.23", "9.876", "prio", "its score", "\"score\""] {
            assert!(!said.contains(secret), "{form:?}: {secret}: {said}");
        }
    }
}

#[test]
fn a_private_mirror_is_made_and_explained() {
    let site = build("");
    let refused = site.run(
        "heliostat",
        &["new", "lost", "-H", "http://lost.example.org/", "--private"],
    );
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("needs --prefix or --asn"), "{said}");
    let new = [
        "new",
        "own",
        "-H",
        "http://own.example.org/",
        "--private",
        "--asn",
        "64501",
    ];
    site.run_ok("heliostat", &new);
    assert!(
        site.run_ok("heliostat", &["show", "own"])
            .contains("private")
    );
    let listed = site.run_ok("heliostat", &["list", "-a", "own", "--private"]);
    assert!(listed.contains("private=True"), "{listed}");
    site.run_ok("heliostat", &["edit", "public", "--set", "private=yes"]);
    let shown = site.run_ok("heliostat", &["show", "public"]);
    assert!(shown.contains("neither prefix nor AS number"), "{shown}");
    let explained = |ip: &str| {
        let arguments = [
            "explain",
            "/dir/x.iso",
            "-v",
            "--ip",
            ip,
            "--as",
            ASN,
            "--country",
            "de",
        ];
        site.run_ok("heliostat", &arguments)
    };
    let outside = explained(OUTSIDE);
    assert!(outside.contains("served locally"), "{outside}");
    let reason = "private: only its own clients may use or see it";
    assert_eq!(outside.matches(reason).count(), 7, "{outside}");
    assert!(
        explained(INSIDE).contains("secret-prefix"),
        "{}",
        explained(INSIDE)
    );
}
