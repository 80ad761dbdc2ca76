//! Lists for yum and dnf, from the socket (MirrorBrainYumDir).

use heliostat::db::catalogue::CatalogueWriter;
use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{self, open::Transaction};
use heliostat::domain::file::FileVersion;
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;

use crate::stand_in::fcgi_client::{Answer, Request};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::TestSite;

const MTIME: u64 = 1_401_807_080;
const SIZE: usize = 3000;
const MIRRORS: i64 = 12;

const RULES: &str = "\
[[site.test.yum]]
arguments = [\"release=(5\\\\.5|6\\\\.0)\", \"Repo=os|updates\", \"arch=i586\"]
directory = \"yum/$1/$2/i386\"
marker = \"repodata/repomd.xml\"
[[site.test.yum]]
arguments = [\"release=.*\", \"repo=.*\"]
directory = \"/any/$2\"
marker = \"mark\"
";

fn build(more: &str) -> TestSite {
    let site = TestSite::with_config(&format!("{more}\n{RULES}"));
    let files = [
        "yum/5.5/os/i386/repodata/repomd.xml",
        "any/os/mark",
        "plain.bin",
    ];
    for file in files
        .into_iter()
        .chain(["yum/6.0/os/i386/repodata/repomd.xml"])
    {
        site.write(file, &[b'x'; SIZE], MTIME);
    }
    std::os::unix::fs::symlink("os", site.tree().join("any/alias")).expect("a link");
    let mut writer = db::open_writer(&site.database()).expect("a database");
    writer
        .transaction(|transaction| fill(transaction, &files))
        .expect("the content");
    site
}

fn fill(transaction: &Transaction<'_>, files: &[&str]) -> Result<(), db::DbError> {
    let mut catalogue = CatalogueWriter::new(transaction)?;
    let mut held = Content::default();
    let version = FileVersion {
        size: SIZE as u64,
        mtime: MTIME as i64,
    };
    for file in files {
        held.current
            .insert(catalogue.insert(file.as_bytes(), version)?.0);
    }
    catalogue.finish()?;
    for id in 1..=MIRRORS {
        let record = MirrorRecord {
            id: MirrorId(id),
            base_url: format!("http://m{id}.example.org/pub/"),
            enabled: true,
            alive: true,
            country: "de".to_owned(),
            region: "eu".to_owned(),
            latitude: Some(50.0),
            longitude: Some(id as f64),
            ..MirrorRecord::new(&format!("m{id}"))
        };
        mirror::insert(transaction, &record)?;
        let origin = ContentOrigin {
            at: Timestamp(1_700_000_000),
            by: "test".to_owned(),
            unknown_files: 0,
        };
        content::publish(transaction, MirrorId(id), &held, &origin)?;
    }
    Ok(())
}

/// From the west of all mirrors, so that the first is the nearest.
fn ask(path: &str, query: &str) -> Request {
    Request::get(path)
        .query(query)
        .with("GEOIP_COUNTRY_CODE", "DE")
        .with("GEOIP_CONTINENT_CODE", "EU")
        .with("GEOIP_LATITUDE", "50")
        .with("GEOIP_LONGITUDE", "0.5")
}

fn lines(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        answer.text("Content-Type").as_deref(),
        Some("text/plain; charset=UTF-8")
    );
    assert_eq!(answer.text("Give-MB").as_deref(), Some("yumlist"));
    assert_eq!(answer.text("Want-MB").as_deref(), Some("file"));
    let text = String::from_utf8(answer.body.clone()).expect("UTF-8");
    assert!(text.ends_with('\n'));
    text.lines().map(str::to_owned).collect()
}

fn of_mirrors(directory: &str) -> Vec<String> {
    (1..=10)
        .map(|id| format!("http://m{id}.example.org/pub/{directory}"))
        .collect()
}

#[test]
fn a_rule_that_fits_gives_the_ten_best_mirrors() {
    let site = build("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    for (path, query, directory) in [
        ("/", "release=5.5&repo=os&arch=i586", "yum/5.5/os/i386/"),
        (
            "/",
            "ARCH=i586&Repo=os&x=y&release=5%2E5",
            "yum/5.5/os/i386/",
        ),
        // A rule comes before every other word, and is for any path.
        (
            "/plain.bin",
            "release=5.5&repo=os&arch=i586&mirrorlist",
            "yum/5.5/os/i386/",
        ),
        (
            "/nowhere/",
            "release=5.5&repo=os&arch=i586",
            "yum/5.5/os/i386/",
        ),
        // The first that fits; mirrors have real directories.
        ("/", "release=5.5&repo=os&arch=x86_64", "any/os/"),
        ("/", "release=5.5&repo=alias&arch=x86_64", "any/os/"),
    ] {
        let answer = client.send(&ask(path, query));
        assert_eq!(lines(&answer), of_mirrors(directory), "{query}");
        let head = client.send(&ask(path, query).with("REQUEST_METHOD", "HEAD"));
        assert_eq!(
            (head.status, head.headers, head.body.len()),
            (200, answer.headers, 0)
        );
    }
}

#[test]
fn a_repository_on_no_mirror_is_our_own() {
    let site = build("url_path = \"/pub dir\"");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let own = "http://download.example.org/pub%20dir/yum/6.0/os/i386/";
    let query = "release=6.0&repo=os&arch=i586";
    assert_eq!(lines(&client.send(&ask("/pub dir/", query))), [own]);
    // dnf would give up a repository without a metalink.
    let answer = client.send(&ask("/pub dir/", &format!("{query}&metalink")));
    let text = String::from_utf8(answer.body).expect("UTF-8");
    assert_eq!(answer.status, 200, "{text}");
    assert!(
        text.contains(&format!("{own}repodata/repomd.xml</url>")),
        "{text}"
    );
    assert_eq!(text.matches("<url ").count(), 1);
}

#[test]
fn mirrors_of_the_version_before_stay_until_the_index_knows_the_new_one() {
    let site = build("url_path = \"/pub dir\"");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let query = "release=5.5&repo=os&arch=i586";
    let before = lines(&client.send(&ask("/pub dir/", query)));
    let marker = "yum/5.5/os/i386/repodata/repomd.xml";
    site.write(marker, b"published a moment ago", MTIME + 60);
    let sorted = |mut urls: Vec<String>| {
        urls.sort_unstable();
        urls
    };
    let after = lines(&client.send(&ask("/pub dir/", query)));
    assert_eq!(sorted(after), sorted(before));
    // Mirrors have the old version or the new one, so no hash is right for all.
    let answer = client.send(&ask("/pub dir/", &format!("{query}&metalink")));
    let text = String::from_utf8(answer.body).expect("UTF-8");
    assert_eq!(answer.status, 200, "{text}");
    assert!(!text.contains("<verification>"), "{text}");
    assert!(text.matches("<url ").count() > 1, "{text}");
}

#[test]
fn a_metalink_of_a_repository_is_what_dnf_reads() {
    let site = build("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let marker = "/yum/5.5/os/i386/repodata/repomd.xml";
    for request in [
        ask("/", "release=5.5&repo=os&arch=i586&metalink"),
        ask(marker, "metalink"),
        ask(&format!("{marker}.metalink"), "x"),
    ] {
        let answer = client.send(&request);
        let text = String::from_utf8(answer.body.clone()).expect("UTF-8");
        assert_eq!(answer.status, 200, "{text}");
        let mime_type = "application/metalink+xml; charset=UTF-8";
        assert_eq!(answer.text("Content-Type").as_deref(), Some(mime_type));
        assert!(text.contains("<file name=\"repomd.xml\">"), "{text}");
        assert!(
            text.contains(&format!("<mm0:timestamp>{MTIME}</mm0:timestamp>")),
            "{text}"
        );
        assert!(
            text.contains("xmlns:mm0=\"http://fedorahosted.org/mirrormanager\""),
            "{text}"
        );
        assert!(
            text.contains(&format!("http://m1.example.org/pub{marker}</url>")),
            "{text}"
        );
        let origin = format!("origin=\"http://download.example.org{marker}.metalink\"");
        assert!(text.contains(&origin), "{text}");
        assert_eq!(text.matches("<url ").count(), 12);
    }
}

#[test]
fn a_query_that_fits_no_rule_is_as_if_there_were_none() {
    let site = build("");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    for (path, query, status) in [
        // A file stays what it is, and known words mean what they mean.
        ("/any/os/mark", "release=7", 200),
        ("/any/os/mark", "mirrorlist", 200),
        ("/any/os/mark", "meta4", 200),
        ("/any/os/mark", "md5", 404),
        ("/", "mirrorlist", 200),
        // A URL that is no file answers `mirrorlist` alone.
        ("/", "release=7", 404),
        ("/", "foo", 404),
        ("/yum/", "release=7&arch=i586", 404),
        // A repository that is not there.
        ("/", "release=7&repo=nope&arch=i586", 404),
        ("/", "release=6.0&repo=updates&arch=i586", 404),
        // Nothing is found outside the tree.
        ("/", "release=x&repo=../../..", 404),
    ] {
        let answer = client.send(&ask(path, query));
        assert_eq!(answer.status, status, "{path} {query}: {answer:?}");
        let is_file = answer.header("X-Sendfile").is_some();
        assert_eq!(
            is_file,
            query == "release=7" && path != "/",
            "{path} {query}"
        );
    }
}
