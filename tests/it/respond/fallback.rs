//! Fallbacks get what the catalogue knows in this version and no mirror has; what nobody knows is
//! served here.

use heliostat::db::catalogue::CatalogueWriter;
use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{self};
use heliostat::domain::file::{FileId, FileVersion};
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;

use crate::stand_in::fcgi_client::{FcgiClient, Request};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::{TestSite, eventually};

const MTIME: u64 = 1_401_807_080;
const SIZE: usize = 5000;
const FALLBACKS: &str = "fallbacks = [{ region = \"eu\", country = \"de\", \
     url = \"http://fallback.example.org/\" }]";

/// A mirror for clients of New Zealand alone has `held.bin`; `imported.bin` has no version yet.
fn build(rules: &str) -> TestSite {
    let site = TestSite::with_config(&format!("[site.test.rules]\n{FALLBACKS}\n{rules}"));
    for name in [
        "held.bin",
        "lonely.bin",
        "imported.bin",
        "new.bin",
        "changed.bin",
    ] {
        site.write(name, &[b'x'; SIZE], MTIME);
    }
    site.write("newdir/x.bin", &[b'x'; SIZE], MTIME);
    let version = |mtime: u64| FileVersion {
        size: SIZE as u64,
        mtime: mtime as i64,
    };
    let mut writer = db::open_writer(&site.database()).expect("a database");
    let filled = writer.transaction(|transaction| {
        let mut catalogue = CatalogueWriter::new(transaction)?;
        let held = catalogue.insert(b"held.bin", version(MTIME))?;
        catalogue.insert(b"lonely.bin", version(MTIME))?;
        catalogue.insert(b"changed.bin", version(MTIME - 1))?;
        catalogue.import(b"imported.bin", FileId(100))?;
        catalogue.finish()?;
        let record = MirrorRecord {
            base_url: "http://m.example.org/".to_owned(),
            country: "nz".to_owned(),
            region: "oc".to_owned(),
            country_only: true,
            enabled: true,
            alive: true,
            ..MirrorRecord::new("m")
        };
        let id = mirror::insert(transaction, &record)?;
        let mut content = Content::default();
        content.current.insert(held.0);
        let origin = ContentOrigin {
            at: Timestamp(1_700_000_000),
            by: "test".to_owned(),
            unknown_files: 0,
        };
        content::publish(transaction, MirrorId(id.0), &content, &origin)
    });
    filled.expect("the content");
    site
}

fn get(path: &str) -> Request {
    Request::get(format!("/{path}")).with("GEOIP_COUNTRY_CODE", "DE")
}

/// `fallback`, `mirror`, `here`, or the status.
fn answer(client: &mut FcgiClient, request: &Request) -> String {
    let answer = client.send(request);
    let location = answer.text("Location").unwrap_or_default();
    match answer.status {
        302 if location.starts_with("http://fallback.example.org/") => "fallback".to_owned(),
        302 => "mirror".to_owned(),
        200 if answer.text("X-Sendfile").is_some() => "here".to_owned(),
        status => status.to_string(),
    }
}

#[test]
fn fallbacks_get_what_is_known_and_on_no_mirror() {
    for (rules, expected) in [
        ("", ["here", "fallback", "fallback", "here", "here"]),
        (
            "fallback_when_unknown = true",
            ["here", "fallback", "fallback", "fallback", "here"],
        ),
        (
            "fallback_when_ineligible = true",
            ["fallback", "fallback", "fallback", "here", "here"],
        ),
    ] {
        let site = build(rules);
        let responder = Responder::start(&site);
        let mut client = responder.connect();
        let found = [
            "held.bin",
            "lonely.bin",
            "imported.bin",
            "new.bin",
            "changed.bin",
        ]
        .map(|name| answer(&mut client, &get(name)));
        assert_eq!(found, expected, "{rules}");
        let unknown = if rules.contains("unknown") {
            "fallback"
        } else {
            "here"
        };
        let set = get("new.bin").with("HELIOSTAT_FALLBACK_WHEN_UNKNOWN", "On");
        assert_eq!(
            answer(&mut client, &set),
            "fallback",
            "the vhost may say so"
        );
        let list = client.send(&get("newdir/").query("mirrorlist"));
        let page = String::from_utf8_lossy(&list.body).into_owned();
        let names = page.contains("fallback.example.org");
        assert_eq!(names, unknown == "fallback", "{page}");
        let metalink = client.send(&get("new.bin.meta4"));
        assert_eq!(
            metalink.status == 200,
            unknown == "fallback",
            "{metalink:?}"
        );
    }
}

/// A fallback may still have yesterday's version of a file, in place of the new one.
#[test]
fn what_is_new_or_changes_under_its_name_is_served_here() {
    for (rules, expected) in [
        ("", ["fallback", "here", "here", "here", "fallback"]),
        ("fallback_when_unknown = true", ["fallback"; 5]),
    ] {
        let site = TestSite::with_config(&format!("[site.test.rules]\n{FALLBACKS}\n{rules}"));
        let now = std::time::SystemTime::now();
        let now = now
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970");
        let names = [
            "old.bin",
            "new.bin",
            "latest.bin",
            "os/repodata/repomd.xml",
            "day.bin",
        ];
        for name in names {
            let mtime = match name {
                "new.bin" => now.as_secs() - 600,
                "day.bin" => now.as_secs() - 86_500,
                _ => MTIME,
            };
            site.write(name, &[b'x'; SIZE], mtime);
        }
        site.run_ok("heliostat-index", &["--no-hashes"]);
        let responder = Responder::start(&site);
        let mut client = responder.connect();
        let found = names.map(|name| answer(&mut client, &get(name)));
        assert_eq!(found, expected, "{rules}");
    }
}

#[test]
fn without_the_database_the_web_server_serves() {
    for (rules, expected) in [("", "here"), ("fallback_when_unknown = true", "fallback")] {
        let site = build(rules);
        let responder = Responder::start(&site);
        let mut client = responder.connect();
        assert_eq!(answer(&mut client, &get("lonely.bin")), "fallback");
        std::fs::rename(site.database(), site.path("away")).expect("it is moved");
        eventually("it is seen that the database is away", || {
            answer(&mut client, &get("held.bin")) == expected
                && answer(&mut client, &get("lonely.bin")) == expected
        });
        // mod_expires of a vhost would otherwise let caches keep it.
        let busy = client.send(&get("lonely.bin.sha256"));
        assert_eq!(busy.status, 503, "{busy:?}");
        assert_eq!(busy.text("Cache-Control").as_deref(), Some("no-cache"));
    }
}
