//! Every call that looks at the tree fails, with every error that says nothing about a file: no
//! file that exists is called missing, nobody waits, and one line says what is wrong.

use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::stand_in::fcgi_client::{Answer, FcgiClient, Request};
use crate::stand_in::site::{TestSite, eventually, program_path};

/// Errors of a file system, and of a process that has used up what it may have.
const ERRORS: [&str; 5] = ["EACCES", "EIO", "ESTALE", "EMFILE", "ENOMEM"];

/// The system calls that `tree` makes, whatever the C library makes of them.
const CALLS: [&str; 7] = [
    "newfstatat",
    "fstat",
    "statx",
    "openat",
    "openat2",
    "readlink,readlinkat",
    "faccessat,faccessat2",
];

/// Files that exist, by paths that are looked at in different ways.
const FILES: [&str; 5] = [
    "/dir/known.iso",
    "/dir/new.iso",
    "/link.iso",
    "/alias/known.iso",
    "/private.iso",
];

/// Documents about them, and a list that exists; `?`: by query.
const DOCUMENTS: [&str; 5] = [
    "/dir/known.iso.sha256",
    "/link.iso.mirrorlist",
    "/dir/known.iso?sha256",
    "/alias/known.iso?mirrorlist",
    "/dir/?mirrorlist",
];

/// No answer may take longer, on a machine that is busy.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// A responder under strace, which makes calls fail.
struct Faulty<'s> {
    child: Child,
    site: &'s TestSite,
    log: std::path::PathBuf,
}

impl<'s> Faulty<'s> {
    fn start(site: &'s TestSite, calls: &str, error: &str) -> Faulty<'s> {
        let log = site.path("fcgi.log");
        let output = std::fs::File::create(&log).expect("a log");
        let mut command = Command::new("strace");
        command.args(["-D", "-f", "-qq", "-o", "/dev/null"]);
        let tree = site.tree();
        let paths = [
            "",
            "dir",
            "dir/known.iso",
            "dir/new.iso",
            "link.iso",
            "alias",
        ];
        for tree in [&tree, &site.path("other")] {
            for path in paths {
                let path = tree.join(path);
                let path = path.to_string_lossy();
                command.args(["-P", path.trim_end_matches('/')]);
            }
        }
        command
            .arg("-e")
            .arg(format!("inject={calls}:error={error}"))
            .arg(program_path("heliostat-fcgi"))
            .env("HELIOSTAT_CONFIG", site.config())
            .env("RUST_LOG", "heliostat=warn")
            .stdin(Stdio::null())
            .stderr(output);
        let child = command.spawn().expect("strace; `scripts/test` installs it");
        let mut faulty = Faulty { child, site, log };
        eventually("the responder listens", || {
            let ended = faulty.child.try_wait().expect("its state is known");
            assert_eq!(ended, None, "{calls} {error}: {}", faulty.log());
            FcgiClient::try_connect(&site.path("fcgi.sock")).is_ok()
        });
        faulty
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks, where the web server names the file below that name of the tree, or names none.
    fn ask(&self, path: &str, tree: Option<&str>) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut client = FcgiClient::connect(&self.site.path("fcgi.sock"));
        let begin = Instant::now();
        let mut request = Request::get(path).query(query);
        if let Some(tree) = tree {
            let file = format!("{}{path}", self.site.path(tree).display());
            request = request.with("HELIOSTAT_FILE", file);
        }
        let answer = client.send(&request);
        assert!(
            begin.elapsed() < ANSWER_MAX,
            "{path}: {:?}",
            begin.elapsed()
        );
        answer
    }
}

impl Drop for Faulty<'_> {
    fn drop(&mut self) {
        // The process may have ended by itself; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn site() -> TestSite {
    use std::os::unix::fs::PermissionsExt;
    let site = TestSite::new();
    site.write("dir/known.iso", &[1; 20_000], 1_700_000_000);
    symlink("dir/known.iso", site.tree().join("link.iso")).expect("a link");
    symlink("dir", site.tree().join("alias")).expect("a link");
    symlink("tree", site.path("other")).expect("another name of the tree");
    site.run_ok("heliostat-index", &[]);
    site.write("dir/new.iso", &[2; 20_000], 1_700_000_000);
    site.write("private.iso", &[3; 20_000], 1_700_000_000);
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(site.tree().join("private.iso"), private).expect("a mode");
    site
}

/// All requests while some calls fail; returns how many were answered for want of knowledge.
fn try_all(site: &TestSite, calls: &str, error: &str) -> usize {
    let responder = Faulty::start(site, calls, error);
    let what = |path: &str, answer: &Answer| {
        let (status, log) = (answer.status, responder.log());
        format!("{path} while {calls} fails with {error}: {status}\n{log}")
    };
    let mut unknown = 0;
    let asked = |paths: [&'static str; 5]| {
        let trees = [None, Some("tree"), Some("other")];
        let pairs = move |tree| paths.map(|path| (path, tree));
        trees.into_iter().flat_map(pairs)
    };
    for (path, tree) in asked(FILES) {
        let answer = responder.ask(path, tree);
        let is_served = answer.header("X-Sendfile").is_some() || answer.status == 503;
        assert!(is_served, "{}", what(path, &answer));
        let gives = answer.text("Give-MB").unwrap_or_default();
        unknown += usize::from(answer.status == 503 || gives.contains("tree_not_reached"));
    }
    for (path, tree) in asked(DOCUMENTS) {
        let answer = responder.ask(path, tree);
        assert!(
            [200, 503].contains(&answer.status),
            "{}",
            what(path, &answer)
        );
        if answer.status == 503 {
            assert!(
                answer.header("Retry-After").is_some(),
                "{}",
                what(path, &answer)
            );
            unknown += 1;
        }
    }
    let log = responder.log();
    let lines = log.matches("cannot look at ").count();
    assert_eq!(lines, usize::from(unknown > 0), "{calls} {error}: {log}");
    unknown
}

#[test]
fn what_the_tree_does_not_tell_is_never_missing() {
    let per_error = |error: &'static str| {
        let site = site();
        let mut unknown = 0;
        for calls in CALLS {
            unknown += try_all(&site, calls, error);
        }
        unknown
    };
    std::thread::scope(|scope| {
        let threads = ERRORS.map(|error| scope.spawn(move || per_error(error)));
        for (error, thread) in ERRORS.iter().zip(threads) {
            let unknown = thread.join().expect("every case holds");
            println!("{error}: {unknown} of 210 answers without knowledge of the tree");
            assert!(
                unknown > 20,
                "{error}: {unknown}: the calls are those that are made"
            );
        }
    });
}
