//! A new `repomd.xml` while mirrors still have the earlier one: who is named, with which hashes,
//! and who gets redirects.

use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{catalogue, open_writer};
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::stand_in::fcgi_client::{Answer, Request};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::{TestSite, eventually, failure};

const D: &str = "pub/lin/9/x86_64/os";
const REPOMD: &str = "pub/lin/9/x86_64/os/repodata/repomd.xml";
const R: &str = "repo=lin-9&arch=x86_64";
const OLD: u64 = 1_789_913_600;
const NEW: u64 = 1_790_000_000;

const CONFIG: &str = "\
[[site.test.repository]]
path = '^pub/lin/(\\d+)/(x86_64)/os$'
repo = \"lin-$1\"
arch = \"$2\"
[site.test.rules]
min_size = 0
";

const MIRRORS: [&str; 3] = ["one", "two", "three"];

fn old() -> Vec<u8> {
    vec![b'o'; 41]
}

fn new() -> Vec<u8> {
    vec![b'n'; 45]
}

/// A repository that three mirrors have.
fn site(more: &str) -> TestSite {
    let site = TestSite::with_config(&format!("{CONFIG}{more}"));
    site.write(REPOMD, &old(), OLD);
    site.write(format!("{D}/repodata/primary.xml"), b"old primary", OLD);
    site.write(format!("{D}/a.rpm"), b"a package", OLD);
    site.run_ok("heliostat-index", &[]);
    let mut writer = open_writer(&site.database()).expect("a database");
    let added = writer.transaction(|transaction| {
        for (id, name) in (1..).zip(MIRRORS) {
            let record = MirrorRecord {
                id: MirrorId(id),
                base_url: format!("http://{name}.example/"),
                enabled: true,
                alive: true,
                ..MirrorRecord::new(name)
            };
            mirror::insert(transaction, &record)?;
        }
        Ok(())
    });
    added.expect("mirrors");
    MIRRORS.iter().for_each(|name| catches_up(&site, name));
    site
}

/// The mirror has all that the catalogue has.
fn catches_up(site: &TestSite, name: &str) {
    has(site, name, |_| true);
}

/// The mirror has the catalogue's files of these paths and nothing else.
fn has(site: &TestSite, name: &str, wanted: impl Fn(&[u8]) -> bool) {
    let place = MIRRORS.iter().position(|known| *known == name);
    let id = MirrorId(1 + place.expect("a mirror") as i64);
    let mut writer = open_writer(&site.database()).expect("a database");
    let mut held = Content::default();
    let read = catalogue::for_each(&writer, b"", |path, file| {
        if wanted(path) {
            held.current.insert(file.id.0);
        }
    });
    read.expect("the catalogue");
    let origin = ContentOrigin {
        at: Timestamp(NEW as i64),
        by: "test".to_owned(),
        unknown_files: 0,
    };
    writer
        .transaction(|transaction| content::publish(transaction, id, &held, &origin))
        .expect("published");
}

fn publish(site: &TestSite) {
    site.write(REPOMD, &new(), NEW);
    site.write(
        format!("{D}/repodata/primary.xml"),
        b"new primary, longer",
        NEW,
    );
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).expect("UTF-8")
}

fn ask(responder: &Responder, path: &str, query: &str) -> String {
    let answer = responder.connect().send(&Request::get(path).query(query));
    assert_eq!(answer.status, 200, "{answer:?}");
    text(&answer)
}

/// The mirrors that an answer names.
fn named(text: &str) -> Vec<&'static str> {
    let is_named = |name: &&str| text.contains(&format!("http://{name}.example/"));
    MIRRORS.into_iter().filter(is_named).collect()
}

fn hash(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("<hash type=\"sha256\">{hex}</hash>")
}

fn get(responder: &Responder, path: &str) -> Answer {
    responder.connect().send(&Request::get(format!("/{path}")))
}

#[test]
fn mirrors_that_are_behind_stay_in_lists_until_the_version_is_expired() {
    let site = site("");
    let responder = Responder::start(&site);
    let metalink = || ask(&responder, "/metalink", R);
    let list = || ask(&responder, "/mirrorlist", R);
    let first = metalink();
    assert!(
        first.contains(&hash(&old())),
        "hashed with the index: {first}"
    );
    assert!(!first.contains("alternate"), "{first}");
    assert_eq!(named(&first), MIRRORS);

    publish(&site);
    // Nobody has hashed it yet. Mirrors may have either.
    let between = metalink();
    assert!(!between.contains("<hash"), "{between}");
    assert_eq!(named(&between), MIRRORS);
    assert_eq!(named(&list()), MIRRORS);
    assert!(get(&responder, REPOMD).text("X-Sendfile").is_some());

    site.run_ok("heliostat-index", &[]);
    eventually("the new version is known", || {
        metalink().contains(&hash(&new()))
    });
    let behind = metalink();
    assert_eq!(named(&behind), MIRRORS);
    assert_eq!(named(&list()), MIRRORS);
    let (main, alternates) = behind.split_once("<mm0:alternates>").expect("alternates");
    assert!(main.contains(&hash(&new())) && !main.contains(&hash(&old())));
    for part in [
        "<mm0:timestamp>1789913600</mm0:timestamp>",
        "<size>41</size>",
        &hash(&old()),
    ] {
        assert!(alternates.contains(part), "{part}: {behind}");
    }
    assert_eq!(behind.matches("<mm0:alternate>").count(), 1);
    // A redirect never leads to an earlier version.
    assert!(get(&responder, REPOMD).text("X-Sendfile").is_some());
    let redirect = Request::get("/mirrorlist").query(format!("path={REPOMD}&redirect"));
    let redirect = responder.connect().send(&redirect);
    let location = redirect.text("Location").expect("a redirect");
    assert!(
        location.starts_with("http://download.example.org/"),
        "{location}"
    );

    one_catches_up_and_the_version_expires(&site, &responder);
}

fn one_catches_up_and_the_version_expires(site: &TestSite, responder: &Responder) {
    let metalink = || ask(responder, "/metalink", R);
    let list = || ask(responder, "/mirrorlist", R);
    catches_up(site, "two");
    let shown = site.run_ok("heliostat", &["repo", "show", "lin-9", "--json"]);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    let versions = &shown[0]["versions"];
    assert_eq!(versions[0]["mirrors"], serde_json::json!(["two"]));
    assert_eq!(versions[1]["mirrors"], serde_json::json!(["one", "three"]));
    assert_eq!(versions[1]["counts"], true);
    let listed = site.run_ok("heliostat", &["repo", "list"]);
    let expected = format!(
        "lin-9 x86_64 ({REPOMD}): 1 mirrors up to date, 2 behind by up to 1 versions that count\n"
    );
    assert_eq!(listed, expected);

    let rehearsed = site.run_ok("heliostat", &["repo", "expire", "lin-9", "--dry-run"]);
    assert!(
        rehearsed.contains("1 earlier versions would be expired"),
        "{rehearsed}"
    );
    assert!(metalink().contains("alternate"));
    site.run_ok("heliostat", &["repo", "expire", "lin-9"]);
    eventually("nobody takes the earlier one", || {
        !metalink().contains("alternate")
    });
    assert_eq!(named(&metalink()), ["two"]);
    assert_eq!(named(&list()), ["two"]);
    let again = site.run_ok("heliostat", &["repo", "expire", "lin-9", "--json"]);
    assert!(again.contains("\"changed\": false"), "{again}");
    let events = site.run_ok("heliostat", &["events"]);
    assert!(events.contains("1 earlier versions expired"), "{events}");
}

#[test]
fn errors_name_the_repository_and_the_remedy() {
    let site = site("");
    for (arguments, code, part) in [
        (
            &["repo", "expire", "lin-8"][..],
            1,
            "there is no repository 'lin-8'",
        ),
        (
            &["repo", "show", "lin-9", "--arch", "arm"],
            1,
            "'lin-9' for arm",
        ),
        (
            &["repo", "expire", "--path", "../x"],
            2,
            "'../x' is no path of a file",
        ),
        (&["repo", "expire"], 2, "REPO"),
    ] {
        let (status, message) = failure(&site.run("heliostat", arguments));
        assert_eq!(status, Some(code), "{message}");
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn nothing_earlier_is_taken_where_nothing_is_kept() {
    let site = site("[site.test.lists]\nalternates_s = 0\n");
    let responder = Responder::start(&site);
    publish(&site);
    site.run_ok("heliostat-index", &[]);
    eventually("the new version is known", || {
        named(&ask(&responder, "/mirrorlist", R)).is_empty()
    });
    let metalink = ask(&responder, "/metalink", R);
    assert!(
        !metalink.contains("alternate") && named(&metalink).is_empty(),
        "{metalink}"
    );
}

#[test]
fn files_of_a_group_come_from_mirrors_with_the_whole_generation() {
    let site = site("");
    let responder = Responder::start(&site);
    let primary = format!("{D}/repodata/primary.xml");
    let goes_to = |path: &str, names: &[&str]| {
        eventually("mirrors have the file", || {
            get(&responder, path).text("Location").is_some()
        });
        for _ in 0..20 {
            let answer = get(&responder, path);
            let location = answer.text("Location").expect("a redirect");
            let fits = |name: &&str| location.starts_with(&format!("http://{name}.example/"));
            assert!(names.iter().any(fits), "{path}: {location}");
        }
    };
    let is_local = |path: &str| get(&responder, path).text("X-Sendfile").is_some();
    goes_to(REPOMD, &MIRRORS);
    publish(&site);
    site.run_ok("heliostat-index", &[]);
    // All new members, but the earlier root; and the root alone.
    has(&site, "one", |path| path != REPOMD.as_bytes());
    has(&site, "three", |path| path == REPOMD.as_bytes());
    goes_to(&primary, &["one"]);
    assert!(is_local(REPOMD), "nobody has a whole generation");
    let explained = site.run_ok("heliostat", &["explain", REPOMD]);
    assert!(explained.contains("generation"), "{explained}");
    catches_up(&site, "two");
    goes_to(REPOMD, &["two"]);
    goes_to(&primary, &["two"]);
    // Other files do not depend on it.
    goes_to(&format!("{D}/a.rpm"), &["one", "two"]);
}

#[test]
fn mirrors_with_an_older_copy_are_kept_where_the_admin_allows_it() {
    let day = "[[site.test.allow_outdated]]\npath = \"pub/**/repomd.xml\"\nminutes = 1440\n";
    let less = "[[site.test.allow_outdated]]\npath = \"pub/**/repomd.xml\"\nminutes = 1439\n";
    for (more, is_kept) in [(day, true), (less, false)] {
        let site = site(more);
        let responder = Responder::start(&site);
        let is_redirected = || get(&responder, REPOMD).text("Location").is_some();
        eventually("it is redirected", is_redirected);
        publish(&site);
        assert_eq!(is_redirected(), is_kept, "before the index: {more}");
        site.run_ok("heliostat-index", &[]);
        site.run_ok("heliostat", &["repo", "list"]);
        eventually("the index is known", || {
            ask(&responder, "/metalink", R).contains(&hash(&new()))
        });
        let answer = get(&responder, REPOMD);
        assert_eq!(answer.text("Location").is_some(), is_kept, "{more}");
        assert!(
            answer.text("Digest").is_none(),
            "nobody knows which: {answer:?}"
        );
    }
}
