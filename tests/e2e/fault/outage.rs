//! Nobody's download fails because the responder does.

use std::time::Duration;

use rustix::process::Signal;

use crate::stage::Stage;
use crate::stage::site::eventually;

/// Apache waits one second for an answer, the least it can be told, and serves the file then.
const ANSWER_MAX: Duration = Duration::from_millis(1_500);

/// Downloads, a range, and a condition; all of them from Apache itself.
fn assert_served(stage: &Stage, content: &[u8], what: &str) {
    let answer = stage.get("/a.iso").send();
    assert_eq!(answer.status, 200, "{what}");
    assert!(answer.body == content, "{what}: other bytes");
    assert!(answer.took < ANSWER_MAX, "{what}: {:?}", answer.took);
    let range = stage.get("/a.iso").field("Range: bytes=5-9").send();
    assert_eq!(
        (range.status, range.body.as_slice()),
        (206, &content[5..10]),
        "{what}"
    );
    let condition = format!("If-None-Match: {}", answer.text("etag"));
    assert_eq!(
        stage.get("/a.iso").field(condition).send().status,
        304,
        "{what}"
    );
    let query = stage.get("/a.iso?utm=1").send();
    assert_eq!(
        (query.status, query.body.len()),
        (200, content.len()),
        "{what}"
    );
}

#[test]
fn a_responder_that_is_gone_or_hangs_costs_nobody_a_download() {
    let mut stage = Stage::alone("");
    let content = stage.file("a.iso", 20_000);
    stage.start();
    assert_served(&stage, &content, "all is well");

    stage
        .responder
        .as_ref()
        .expect("it runs")
        .signal(Signal::STOP);
    assert_served(&stage, &content, "stopped");
    for (path, what) in [("/a.iso.torrent", "suffix"), ("/a.iso?torrent", "query")] {
        let status = stage.get(path).send().status;
        assert!(
            [503, 504].contains(&status),
            "a document is not the file: {what} {status}"
        );
    }
    stage
        .responder
        .as_ref()
        .expect("it runs")
        .signal(Signal::CONT);
    assert_served(&stage, &content, "goes on");

    stage.responder.as_mut().expect("it runs").end(Signal::KILL);
    assert_served(&stage, &content, "killed, its socket left behind");
    assert_eq!(stage.get("/a.iso.torrent").send().status, 503);
    std::fs::remove_file(stage.site.path("fcgi.sock")).expect("the socket");
    assert_served(&stage, &content, "no socket");
    stage.start_responder();
    let before = stage.access_log().lines().count();
    assert_served(&stage, &content, "back again");
    let mut log = String::new();
    eventually("four lines", || {
        log = stage.access_log();
        log.lines().count() >= before + 4
    });
    assert!(
        log.lines()
            .skip(before)
            .all(|line| line.contains("database_not_reached")),
        "{log}"
    );
}

#[test]
fn with_fallbacks_what_nobody_knows_is_served_here_all_the_same() {
    let fallback = "fallbacks = [{ region = \"eu\", country = \"de\", \
                    url = \"http://127.0.0.1:1/\" }]";
    let mut stage = Stage::alone(&format!("[site.test.rules]\n{fallback}"));
    stage.file("known.iso", 20_000);
    stage.index();
    stage.start();
    let known = stage.get("/known.iso").send();
    assert_eq!(
        known.status, 302,
        "the catalogue knows it, no mirror has it"
    );
    assert_eq!(known.text("location"), "http://127.0.0.1:1/known.iso");
    // Published a minute ago.
    let content = stage.file("a.iso", 20_000);
    assert_served(&stage, &content, "not in the catalogue");
    std::fs::rename(stage.site.database(), stage.site.path("away")).expect("it is moved");
    eventually("it is seen that the database is away", || {
        stage.get("/known.iso").send().status == 200
    });
    assert_served(&stage, &content, "no database");
}
