//! `heliostat-scan --due`, against real servers: what is asked for, and when.

use std::collections::BTreeSet;
use std::path::PathBuf;

use heliostat::domain::mirror::MirrorId;
use serde_json::Value;

use super::due_site::{HOUR, MINUTE, bytes, count, due, files, pass, release, runs, site};
use crate::stand_in::ftpd::{Ftpd, Kind as FtpKind, Tls};
use crate::stand_in::rsyncd::Rsyncd;
use crate::stand_in::scan_site::{OLD, add_mirror, current, last_run, set};
use crate::stand_in::site::{TestSite, eventually, failure};
use crate::stand_in::webd::{Kind, Tree, Web};

/// Files that were not there before: in a directory, in a new one below another, and at the top.
const NEWS: [&str; 3] = ["d1/new", "d2/sub/new", "new"];

fn all_files() -> BTreeSet<String> {
    let paths = files().into_iter();
    paths.chain(NEWS.map(str::to_owned)).collect()
}

/// A mirror that has the whole tree.
fn rsync_mirror() -> Rsyncd {
    let daemon = Rsyncd::start();
    for path in files() {
        daemon.write(&path, path.as_bytes(), OLD);
    }
    daemon
}

fn tree() -> Tree {
    let tree = Tree::new();
    for path in files() {
        tree.write(&path, path.as_bytes(), OLD);
    }
    tree
}

/// Paths that nginx was asked for.
fn asked(log: &std::path::Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).expect("a log");
    let path = |line: &str| line.split_whitespace().nth(6).map(str::to_owned);
    let paths = text.lines().filter_map(path);
    paths
        .filter(|path| !path.ends_with("/.heliostat.json"))
        .collect()
}

/// Mirrors that are listed over rsync, HTTP and FTP, in this order.
struct Three {
    daemon: Rsyncd,
    /// The files that the other two serve.
    tree: Tree,
    /// The log of nginx's requests.
    log: PathBuf,
    mirrors: [MirrorId; 3],
    _servers: (Web, Ftpd),
}

impl Three {
    fn start(site: &TestSite) -> Three {
        let (daemon, tree) = (rsync_mirror(), tree());
        let log = site.path("nginx.log");
        let more = format!("access_log {};", log.display());
        let web = Web::start(Kind::Nginx, &tree, "UTC", &more);
        let ftp = Ftpd::start(FtpKind::ProFtpd, Tls::None, &tree.path());
        let mirrors = [
            add_mirror(site, "rsync", &daemon.url("pub"), |_| {}),
            add_mirror(site, "http", "", |mirror| mirror.base_url = web.url()),
            add_mirror(site, "ftp", "", |mirror| {
                mirror.base_url = String::new();
                mirror.ftp_url = ftp.url();
            }),
        ];
        Three {
            daemon,
            tree,
            log,
            mirrors,
            _servers: (web, ftp),
        }
    }
}

#[test]
fn a_directory_that_a_mirror_does_not_have_is_no_failure() {
    let site = site("");
    let three = Three::start(&site);
    due(&site);
    release(&site, &["new/a", "d3/below/b"]);
    pass(&site, 10 * MINUTE);
    due(&site);
    assert_eq!(runs(&site, &three.mirrors), [2, 2, 2]);
    let expected: BTreeSet<String> = files().into_iter().collect();
    for mirror in three.mirrors {
        let run = last_run(&site, mirror);
        assert_eq!((run.outcome.as_str(), run.error.as_str()), ("ok", ""));
        assert_eq!(count(&site, mirror, "directories"), 2);
        assert_eq!(current(&site, mirror), expected, "{mirror}");
    }
}

#[test]
fn only_directories_that_changed_are_asked_for_over_each_protocol() {
    let site = site("");
    let Three {
        daemon,
        tree,
        log,
        mirrors,
        _servers,
    } = Three::start(&site);
    // No mirror was ever scanned.
    due(&site);
    assert_eq!(runs(&site, &mirrors), [1, 1, 1]);
    let whole = count(&site, mirrors[1], "requests") as usize;
    eventually("nginx has written its log", || asked(&log).len() == whole);

    // Elsewhere something vanishes, which is not looked at; what is not ours is not counted.
    for path in NEWS {
        daemon.write(path, path.as_bytes(), OLD);
        tree.write(path, path.as_bytes(), OLD);
    }
    for path in ["d5/a", "d1/b"] {
        daemon.remove(path);
        tree.remove(path);
    }
    daemon.write("d5/strange", b"", OLD);
    tree.write("d5/strange", b"", OLD);
    release(&site, &NEWS);
    pass(&site, 10 * MINUTE);
    due(&site);
    assert_eq!(runs(&site, &mirrors), [2, 2, 2]);
    // A file that has vanished in a directory that was looked at is left to a scan of all.
    let expected = all_files();
    for mirror in mirrors {
        assert_eq!(current(&site, mirror), expected, "{mirror}");
        assert_eq!(count(&site, mirror, "directories"), 3, "{mirror}");
        // d1/a, d1/new, d2/sub/new, top, new
        assert_eq!(count(&site, mirror, "files"), 5, "{mirror}");
        assert_eq!(count(&site, mirror, "unknown"), 0, "{mirror}");
        assert_eq!(last_run(&site, mirror).outcome.as_str(), "ok");
    }
    // One more for the way to d2/sub.
    assert_eq!(count(&site, mirrors[2], "requests"), 4);
    assert_eq!(count(&site, mirrors[1], "requests"), 4);
    eventually("nginx has written its log", || {
        asked(&log).len() == whole + 4
    });
    let mut paths = asked(&log).split_off(whole);
    paths.sort();
    assert_eq!(paths, ["/pub/", "/pub/d1/", "/pub/d2/", "/pub/d2/sub/"]);

    // All have it now.
    pass(&site, HOUR);
    assert_eq!(due(&site), "nothing is due\n");
}

#[test]
fn what_looked_wrong_is_looked_at_again_within_minutes() {
    let site = site("");
    let daemon = rsync_mirror();
    let mirror = add_mirror(&site, "m", &daemon.url("pub"), |_| {});
    due(&site);
    let (kept, lost): (Vec<_>, Vec<_>) = files().into_iter().partition(|f| f.starts_with("d1"));
    lost.iter().for_each(|path| daemon.remove(path));
    let scan = || site.run("heliostat-scan", &["--due", "-q"]).status.code();
    pass(&site, 24 * HOUR);
    assert_eq!(scan(), Some(1), "it is kept aside");
    pass(&site, MINUTE);
    assert_eq!(due(&site), "nothing is due\n");
    assert_eq!(current(&site, mirror), files().into_iter().collect());
    // Also where probes have found that what it lost is gone.
    site.run_ok("heliostat", &["edit", "m", "--set", "statusBaseurl=no"]);
    pass(&site, 3 * MINUTE);
    assert_eq!(scan(), Some(0), "seen twice it is so");
    assert_eq!(current(&site, mirror), kept.into_iter().collect());
}

#[test]
fn by_age_all_is_read_again() {
    let site = site("");
    let daemon = rsync_mirror();
    let mirror = add_mirror(&site, "m", &daemon.url("pub"), |_| {});
    due(&site);
    // The second time just the same is found, the third time something is gone.
    for (looks, gone) in [(2, None), (3, Some("d5/a"))] {
        gone.iter().for_each(|path| daemon.remove(path));
        pass(&site, 23 * HOUR);
        assert_eq!(due(&site), "nothing is due\n");
        pass(&site, HOUR);
        due(&site);
        assert_eq!(runs(&site, &[mirror]), [looks]);
        assert_eq!(count(&site, mirror, "directories"), 0);
        let mut expected: BTreeSet<String> = files().into_iter().collect();
        expected.retain(|path| gone != Some(path.as_str()));
        assert_eq!(current(&site, mirror), expected);
    }
}

#[test]
fn who_lacks_it_is_asked_again_until_most_have_it() {
    let site = site("[site.test.scan]\nchanged_share = 0.6\n");
    let daemons = [rsync_mirror(), rsync_mirror(), rsync_mirror()];
    let names = ["m0", "m1", "m2"];
    let mirrors = [0, 1, 2]
        .map(|number: usize| add_mirror(&site, names[number], &daemons[number].url("pub"), |_| {}));
    // A mirror that is scanned by hand is not due either.
    site.run_ok("heliostat-scan", &["--all", "-qq"]);
    assert_eq!(due(&site), "nothing is due\n");
    release(&site, &["d1/new"]);
    assert_eq!(due(&site), "nothing is due\n");
    let mut expected = vec![1; 3];
    let mut step = |seconds: u64, looked: [bool; 3]| {
        pass(&site, seconds);
        due(&site);
        for (count, looked) in expected.iter_mut().zip(looked) {
            *count += usize::from(looked);
        }
        assert_eq!(runs(&site, &mirrors), expected);
    };
    step(6 * MINUTE, [true; 3]);
    step(0, [false; 3]);
    step(3 * MINUTE, [false; 3]);
    step(3 * MINUTE, [true; 3]);
    // Four hours later the pause is an hour and more.
    step(4 * HOUR, [true; 3]);
    step(30 * MINUTE, [false; 3]);
    daemons[0].write("d1/new", b"d1/new", OLD);
    step(HOUR, [true; 3]);
    daemons[1].write("d1/new", b"d1/new", OLD);
    step(4 * HOUR, [false, true, true]);
    // Two of three are enough.
    step(12 * HOUR, [false; 3]);
    let plan = site.run_ok("heliostat-scan", &["--due", "--dry-run"]);
    let line = |name: &str| {
        let mut lines = plan.lines();
        lines
            .find(|line| line.trim_start().starts_with(name))
            .expect("a row")
    };
    assert!(line("m0").contains("it has all that changed"), "{plan}");
    assert!(line("m2").contains("which most mirrors have"), "{plan}");
}

#[test]
fn a_failing_mirror_is_not_asked_each_minute() {
    let site = site("");
    let daemon = rsync_mirror();
    let mirrors = [
        add_mirror(&site, "bad", &daemon.url("deny"), |_| {}),
        add_mirror(&site, "good", &daemon.url("pub"), |_| {}),
    ];
    let output = site.run("heliostat-scan", &["--due", "-qq"]);
    assert_eq!(failure(&output).0, Some(3));
    assert_eq!(runs(&site, &mirrors), [1, 1]);
    pass(&site, HOUR);
    assert_eq!(due(&site), "nothing is due\n");
    pass(&site, 2 * HOUR);
    let output = site.run("heliostat-scan", &["--due", "-qq"]);
    assert_eq!(failure(&output).0, Some(1));
    assert_eq!(runs(&site, &mirrors), [2, 1]);
    assert_eq!(due(&site), "nothing is due\n");
}

#[test]
fn nothing_due_writes_and_prints_nothing() {
    let site = site("");
    let daemon = rsync_mirror();
    let mirror = add_mirror(&site, "m", &daemon.url("pub"), |_| {});
    due(&site);
    release(&site, &["d1/new"]);
    daemon.write("d1/new", b"d1/new", OLD);
    pass(&site, HOUR);
    due(&site);
    pass(&site, HOUR);
    assert_eq!(due(&site), "nothing is due\n");
    let before = bytes(&site);
    for quiet in ["-q", "-qq"] {
        let output = site.run("heliostat-scan", &["--due", quiet]);
        assert!(output.status.success());
        assert_eq!((output.stdout.len(), output.stderr.len()), (0, 0));
    }
    let json: Value =
        serde_json::from_str(&site.run_ok("heliostat-scan", &["--due", "--json"])).expect("JSON");
    assert_eq!(json["mirrors"], Value::Array(Vec::new()));
    assert!(before == bytes(&site), "something was written");
    assert_eq!(runs(&site, &[mirror]), [2]);
}

#[test]
fn a_dry_run_tells_what_is_due_and_why_and_does_nothing() {
    let site = site("[site.test.scan]\ntop_include = [\"d1\", \"d2\", \"top\"]\n");
    let daemon = rsync_mirror();
    let url = daemon.url("pub");
    let old = add_mirror(&site, "old", &url, |_| {});
    due(&site);
    let new = add_mirror(&site, "new", &url, |_| {});
    add_mirror(&site, "off", &url, |mirror| mirror.enabled = false);
    // Of d3 no mirror is asked.
    release(&site, &["d1/new", "d2/new", "d3/new"]);
    pass(&site, HOUR);
    let before = bytes(&site);
    let text = site.run_ok("heliostat-scan", &["--due", "-n"]);
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|t| !t.is_empty())
                .collect()
        })
        .collect();
    assert_eq!(rows[0], ["mirror", "due", "why", "next"]);
    let row = rows.iter().find(|row| row[0] == "old").expect("its row");
    let why = "it lacks 2 changed directories, the latest since 6";
    assert!(row[1] == "2 directories" && row[3] == "now", "{text}");
    assert!(
        row[2].starts_with(why) && row[2].ends_with(" min: 'd1', 'd2'"),
        "{text}"
    );
    for row in [
        ["new", "all", "it was never scanned", "now"],
        ["off", "-", "it is disabled", "-"],
    ] {
        assert!(rows.contains(&row.to_vec()), "{text}\nwanted {row:?}");
    }
    let json = site.run_ok("heliostat-scan", &["--due", "-n", "--json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let names = json["mirrors"].as_array().expect("a list");
    assert_eq!(names.len(), 2);
    let found = names.iter().find(|mirror| mirror["identifier"] == "old");
    let found = found.expect("it is there");
    assert_eq!(found["due"], "directories");
    assert_eq!(found["directories"], serde_json::json!(["d1", "d2"]));
    assert_eq!(json["passed_over"][0]["identifier"], "off");
    assert!(before == bytes(&site), "something was written");
    assert_eq!(runs(&site, &[old, new]), [1, 0]);
}

#[test]
fn mirrors_that_are_being_scanned_are_passed_over() {
    let site = site("");
    let daemon = rsync_mirror();
    let url = daemon.url("pub");
    let [busy, free] = ["busy", "free"].map(|name| add_mirror(&site, name, &url, |_| {}));
    let locks = site.path("test.sqlite.locks");
    std::fs::create_dir_all(&locks).expect("a folder");
    let lock = std::fs::File::create(locks.join(format!("scan-{busy}"))).expect("a lock");
    lock.lock().expect("nobody else has it");
    let output = site.run("heliostat-scan", &["--due", "-qq"]);
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(runs(&site, &[busy, free]), [0, 1]);
}

#[test]
fn a_catalogue_that_does_not_tell_when_it_changed_has_no_changed_directories() {
    let site = site("");
    let daemon = rsync_mirror();
    let mirror = add_mirror(&site, "m", &daemon.url("pub"), |_| {});
    // Nothing is new in a first catalogue, so this is not looked for by itself.
    daemon.remove("d7/a");
    due(&site);
    pass(&site, HOUR);
    assert_eq!(due(&site), "nothing is due\n");
    release(&site, &["d1/new"]);
    forget_changes(&site);
    pass(&site, HOUR);
    assert_eq!(due(&site), "nothing is due\n");
    // The next index tells.
    daemon.write("d1/new", b"d1/new", OLD);
    daemon.write("d2/new", b"d2/new", OLD);
    release(&site, &["d2/new"]);
    due(&site);
    let mut expected: BTreeSet<String> = files().into_iter().collect();
    expected.extend(set(&["d2/new"]));
    expected.remove("d7/a");
    assert_eq!(current(&site, mirror), expected);
}

/// As older programs recorded runs of the index.
fn forget_changes(site: &TestSite) {
    let database = rusqlite::Connection::open(site.database()).expect("the database opens");
    let sql = "UPDATE run SET counts = json_remove(counts, '$.first_id', '$.changed_at')";
    database.execute(sql, []).expect("runs can be changed");
}
