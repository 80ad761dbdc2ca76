//! Apache serves what a shadow holds back, and its log names the mirror.

use crate::stage::Stage;
use crate::stage::site::eventually;

#[test]
fn a_shadow_serves_the_bytes_and_the_log_names_the_mirror() {
    let mut stage = Stage::new(
        "[site.test.rules]\nmode = \"shadow\"\n\
         [[site.test.directory]]\npath = \"live\"\nmode = \"redirect\"\n",
    );
    let content = stage.file("a.iso", 20_000);
    stage.file("live/a.iso", 20_000);
    stage.mirror("germany", ["de", "eu"]);
    stage.play();
    stage.until_redirected("/live/a.iso");
    let get = |path: &str| stage.get(path).from("192.0.2.1");

    let whole = get("/a.iso").send();
    assert_eq!(whole.status, 200, "{whole:?}");
    assert!(whole.body == content);
    // The same answer as without Heliostat, header for header.
    let plain = stage.plain("/a.iso").from("192.0.2.1").send();
    assert_eq!(whole.comparable(), plain.comparable());
    let range = get("/a.iso").field("Range: bytes=10-19").send();
    assert_eq!((range.status, &range.body[..]), (206, &content[10..20]));
    let metalinks = get("/a.iso").field("Accept: application/metalink4+xml");
    assert!(metalinks.send().body == content);
    let since = plain.text("last-modified");
    let unchanged = get("/a.iso").field(format!("If-Modified-Since: {since}"));
    assert_eq!(unchanged.send().status, 304);
    let document = get("/a.iso.meta4").send();
    assert!(document.status == 200 && document.text("content-type").contains("metalink4"));

    let mut log = String::new();
    eventually("the log has all requests", || {
        log = stage.access_log();
        log.contains("/a.iso.meta4")
    });
    let of = |status: &str, give: &str| {
        let lines = log.lines().filter(|line| !line.contains("/live/"));
        lines
            .filter(|line| line.contains(&format!("HTTP/1.1\" {status} ")) && line.contains(give))
            .count()
    };
    let shadow = "want:file give:file (shadow:germany) r:country - EU:DE";
    assert_eq!(of("200", shadow), 1, "{log}");
    assert_eq!(of("206", shadow), 1, "{log}");
    assert_eq!(of("304", shadow), 1, "{log}");
    assert_eq!(
        of("200", "want:meta4 give:file (shadow:.meta4)"),
        1,
        "{log}"
    );
}
