//! A front end without the tree: a copy of the first one's database, and the first host as origin.

use std::process::Command;

use rustix::process::Signal;

use crate::stage::site::{TestSite, eventually, program_path, set_mtime};
use crate::stage::{Answer, Apache, ApacheOptions, Process, Request, Stage, start_responder};

/// The second host.
struct FrontEnd {
    responder: Process,
    apache: Apache,
    site: TestSite,
    origin: String,
}

impl FrontEnd {
    fn start(first: &Stage) -> FrontEnd {
        let site = TestSite::new();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(site.path(""), open).expect("our own folder");
        let origin = format!("http://127.0.0.1:{}", first.apache().port);
        let folder = site.path("").display().to_string();
        let config = format!(
            "[fcgi]\nlisten = \"{folder}/fcgi.sock\"\nlisten_mode = \"0666\"\npoll_ms = 50\n\
             [site.test]\norigin = \"{origin}/\"\ndatabase = \"test.sqlite\"\n"
        );
        std::fs::write(site.config(), config).expect("a configuration");
        bring(first, &site);
        let options = ApacheOptions {
            shipped: "origin.conf",
            before: format!("Define HELIOSTAT_ORIGIN {origin}\n"),
            ..ApacheOptions::default()
        };
        FrontEnd {
            responder: start_responder(&site, &[]),
            apache: Apache::start(&site.path(""), &options, &[]),
            site,
            origin,
        }
    }

    fn get(&self, path: &str) -> Answer {
        Request::get(self.apache.port, path).send()
    }

    /// The client is sent to the origin, with its URL.
    #[track_caller]
    fn assert_origin(&self, path: &str) {
        let answer = self.get(path);
        let location = answer.text("location");
        assert_eq!(
            (answer.status, location),
            (302, format!("{}{path}", self.origin)),
            "{path}"
        );
        assert!(answer.text("x-sendfile").is_empty(), "{path}");
    }
}

/// Brings a copy of the first host's database, as a cron job does.
fn bring(first: &Stage, site: &TestSite) {
    let status = Command::new(program_path("heliostat"))
        .args([
            "--config",
            first.site.config().to_str().expect("UTF-8"),
            "backup",
        ])
        .arg(site.database())
        .status();
    assert!(status.expect("it starts").success());
}

/// Follows all redirects, as every client does; the bytes at the end.
fn download(front: &FrontEnd, path: &str, size: usize) -> Vec<u8> {
    let body = Request::get(front.apache.port, path)
        .argument("-L")
        .send()
        .body;
    body[body.len().saturating_sub(size)..].to_vec()
}

#[test]
fn a_front_end_without_files_never_loses_one() {
    let mut first = Stage::new("");
    let content = first.file("d/a b.iso", 20_000);
    first.file("small.txt", 100);
    first.mirror("m.example.org", ["de", "eu"]);
    let only_here = first.file("d/only-here.iso", 20_000);
    first.play();
    first.until_redirected("/d/a%20b.iso");
    let mut front = FrontEnd::start(&first);

    // A file that a mirror has.
    let answer = front.get("/d/a%20b.iso");
    assert_eq!(
        (answer.status, answer.mirror()),
        (302, "m.example.org".into())
    );
    assert!(
        answer.text("location").ends_with("/d/a%20b.iso"),
        "{answer:?}"
    );
    let document = front.get("/d/a%20b.iso.meta4");
    assert_eq!(document.status, 200);
    let text = String::from_utf8_lossy(&document.body).into_owned();
    assert!(text.contains("<size>20000</size>"), "{text}");
    assert_eq!(front.get("/d/a%20b.iso.sha256").status, 200);

    // URLs that no mirror gets, that are no files, and that are not known.
    for path in [
        "/small.txt",
        "/d/only-here.iso",
        "/d/",
        "/",
        "/d",
        "/fresh%20one.iso?x=1&y=%2F",
        "/no/such/file",
        "/a%2Fb",
        "/d/no-such.iso.meta4",
        "/%01",
    ] {
        front.assert_origin(path);
    }
    assert!(
        download(&front, "/d/only-here.iso", 20_000) == only_here,
        "the origin has it"
    );
    assert!(
        download(&front, "/d/a%20b.iso", 20_000) == content,
        "the mirror has it"
    );

    // The log tells where clients went.
    let log = std::fs::read_to_string(front.site.path("access.log")).expect("a log");
    assert!(log.contains("give:origin"), "{log}");

    grow_old(&first, &front);
    lose_the_responder(&mut front, &content);
}

/// An old copy: what was new in it is the origin's; a day later, all is.
fn grow_old(first: &Stage, front: &FrontEnd) {
    let hours_ago = |hours: u64| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.expect("after 1970").as_secs() - hours * 3600
    };
    set_mtime(&front.site.database(), hours_ago(30));
    eventually("the copy is too old", || {
        front.get("/d/a%20b.iso").mirror().is_empty()
    });
    front.assert_origin("/d/a%20b.iso");
    front.assert_origin("/d/a%20b.iso.sha256");
    bring(first, &front.site);
    eventually("a new copy counts", || {
        !front.get("/d/a%20b.iso").mirror().is_empty()
    });
}

/// A responder that hangs or is gone costs no download.
fn lose_the_responder(front: &mut FrontEnd, content: &[u8]) {
    front.responder.signal(Signal::STOP);
    front.assert_origin("/d/a%20b.iso");
    front.responder.signal(Signal::CONT);
    front.responder.end(Signal::TERM);
    front.assert_origin("/d/a%20b.iso?x=%20y");
    front.assert_origin("/no/such/file");
    assert!(
        download(front, "/d/a%20b.iso", 20_000) == content,
        "the bytes come"
    );
    assert_eq!(
        Request::get(front.apache.port, "/.heliostat/metrics")
            .send()
            .status,
        403
    );
}
