//! Metalinks with mirrors that do not work, by which clients are tested, as MirrorBrain makes them.

use crate::stand_in::fcgi_client::{Answer, Request};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::TestSite;

const BROKEN: &str = "<url type=\"http\" preference=\"100\">http://broken.example.org/</url>";

fn ask(site: &TestSite, path: &str, value: Option<&str>) -> (Answer, String) {
    let responder = Responder::start(site);
    let request = Request::get(path);
    let request = match value {
        Some(value) => request.with("HTTP_X_BROKEN_MIRRORS", value),
        None => request,
    };
    let answer = responder.connect().send(&request);
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    (answer, body)
}

fn site(settings: &str) -> TestSite {
    let more = format!(
        "[site.test.rules]\nmin_size = 0\n[site.test.metalink]\nown_url = true\n{settings}\n"
    );
    let site = TestSite::with_config(&more);
    site.write("a", b"1", 1_000_000_000);
    site.run_ok("heliostat-index", &["-q"]);
    std::fs::write(site.path("broken"), BROKEN).expect("a file");
    site
}

#[test]
fn broken_mirrors_come_first_where_they_are_set_and_asked_for() {
    let on = site("broken_test_mirrors = \"broken\"");
    let (answer, body) = ask(&on, "/a.metalink", Some("1"));
    let field = |name: &str| answer.text(name).unwrap_or_default();
    assert_eq!(field("X-Broken-Mirrors"), "true", "{answer:?}");
    assert_eq!(field("Cache-Control"), "no-store,max-age=0");
    assert!(field("Vary").contains("X-Broken-Mirrors"));
    assert!(answer.header("ETag").is_none());
    let broken = body.find(BROKEN).expect("the broken one");
    let own = body.find("preference=\"84\"").expect("behind it");
    assert!(broken < own && body.ends_with("</metalink>\n"), "{body}");

    let (answer, body) = ask(&on, "/a.meta4", Some("1"));
    assert_eq!(answer.text("X-Broken-Mirrors").as_deref(), Some("true"));
    let broken = body.find(BROKEN).expect("the broken one");
    let own = body.find("priority=\"1\"").expect("behind it");
    assert!(broken < own && body.ends_with("</metalink>\n"), "{body}");
    let (_, body) = ask(&on, "/a.meta4", Some("only"));
    assert!(
        body.contains(BROKEN) && !body.contains("priority=\"1\""),
        "{body}"
    );
    assert!(body.ends_with("  </file>\n</metalink>\n"), "{body}");

    let (_, body) = ask(&on, "/a.metalink", Some("only"));
    assert!(
        body.contains(BROKEN) && !body.contains("preference=\"84\""),
        "{body}"
    );
    assert!(
        body.ends_with("    </resources>\n  </file>\n  </files>\n</metalink>\n"),
        "{body}"
    );

    for (site, path, value) in [
        (&on, "/a.metalink", None),
        (&site(""), "/a.metalink", Some("1")),
    ] {
        let (answer, body) = ask(site, path, value);
        assert!(
            !body.contains("broken.example.org"),
            "{path} {value:?}: {body}"
        );
        assert!(
            answer.header("X-Broken-Mirrors").is_none(),
            "{path} {value:?}"
        );
        assert!(body.contains("</metalink>"), "{path} {value:?}: {answer:?}");
    }
}
