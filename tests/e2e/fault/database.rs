//! Nobody's download fails because the database does, and nobody has to restart anything.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::small_disk::SmallDisk;
use crate::stage::site::eventually;
use crate::stage::{ApacheOptions, MTIME, Stage};

/// No request may wait longer for a database.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// A stage with two files on a mirror; alone, because it measures time.
fn stage() -> Stage {
    let mut stage = Stage::alone("");
    stage.file("a.iso", 20_000);
    stage.file("b.iso", 20_000);
    stage.mirror("germany", ["de", "eu"]);
    stage
}

/// Downloads go on, by mirror or from here, and in time; returns how often by mirror.
fn assert_goes_on(stage: &Stage, what: &str) -> usize {
    let mut redirected = 0;
    let begin = Instant::now();
    // Longer than the responder takes to look for changes.
    while begin.elapsed() < Duration::from_millis(700) {
        for path in ["/a.iso", "/b.iso"] {
            let answer = stage.get(path).send();
            assert!([200, 302].contains(&answer.status), "{what}: {answer:?}");
            assert!(
                answer.status == 302 || answer.body.len() >= 14_000,
                "{what}: {answer:?}"
            );
            assert!(answer.took < ANSWER_MAX, "{what}: {:?}", answer.took);
            redirected += usize::from(answer.status == 302);
        }
    }
    redirected
}

/// The database with what belongs to it.
fn files(stage: &Stage) -> [PathBuf; 3] {
    let database = stage.site.database();
    let beside = |end: &str| PathBuf::from(format!("{}{end}", database.display()));
    [beside(""), beside("-wal"), beside("-shm")]
}

fn copy_database(stage: &Stage, to: &Path) {
    // Whole in one file, as `VACUUM INTO` or Litestream would leave it.
    let database = Connection::open(stage.site.database()).expect("the database");
    let to = to.display().to_string();
    database.execute("VACUUM INTO ?1", [to]).expect("a copy");
}

/// Puts a copy in place, as an admin should: what belonged to the old one goes, too.
fn replace_database(stage: &Stage, copy: &Path) {
    let [database, wal, shm] = files(stage);
    let next = stage.site.path("next.sqlite");
    fs::copy(copy, &next).expect("a copy");
    let _ = fs::remove_file(wal);
    let _ = fs::remove_file(shm);
    fs::rename(next, database).expect("the replacement");
}

#[test]
fn a_missing_database_is_missed_by_nobody() {
    let mut stage = stage();
    stage.play();
    let [database, ..] = files(&stage);
    let copy = stage.site.path("copy.sqlite");
    copy_database(&stage, &copy);
    for file in files(&stage) {
        let _ = fs::remove_file(file);
    }
    assert_goes_on(&stage, "removed while in use");
    stage.start_responder();
    assert_eq!(assert_goes_on(&stage, "missing at the start"), 0);
    assert!(!database.exists(), "nobody makes an empty one");
    replace_database(&stage, &copy);
    stage.until_redirected("/a.iso");
}

#[test]
fn a_locked_database_is_read_all_the_same() {
    let mut stage = stage();
    stage.play();
    let writer = Connection::open(stage.site.database()).expect("the database");
    writer.execute_batch("BEGIN EXCLUSIVE").expect("the lock");
    let redirected = assert_goes_on(&stage, "locked for writing");
    assert!(redirected > 0);
    stage.start_responder();
    assert!(assert_goes_on(&stage, "locked while starting") > 0);
    // A change waits for the lock, and the responder sees it then.
    let waiting = std::thread::scope(|scope| {
        let change = scope.spawn(|| stage.site.run_ok("heliostat", &["disable", "germany"]));
        assert!(assert_goes_on(&stage, "somebody waits") > 0);
        writer.execute_batch("ROLLBACK").expect("the lock's end");
        change.join().expect("the change")
    });
    drop(waiting);
    eventually("the change is seen", || {
        stage.get("/a.iso").send().status == 200
    });
    stage
        .site
        .run_ok("heliostat", &["enable", "germany", "--alive"]);
    stage.until_redirected("/a.iso");
    drop(writer);

    // The whole database, also for readers.
    stage.responder = None;
    let owner = Connection::open(stage.site.database()).expect("the database");
    owner
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; PRAGMA user_version")
        .expect("the lock");
    stage.start_responder();
    assert_goes_on(&stage, "locked for readers");
    drop(owner);
    stage.until_redirected("/a.iso");
}

#[test]
fn a_damaged_database_is_left_aside_until_it_is_replaced() {
    let mut stage = stage();
    stage.play();
    let copy = stage.site.path("copy.sqlite");
    copy_database(&stage, &copy);
    let [database, ..] = files(&stage);
    let whole = fs::metadata(&copy).expect("the copy").len();
    for (length, what) in [
        (whole / 2, "half"),
        (100, "its first bytes"),
        (0, "nothing"),
    ] {
        let file = fs::File::options()
            .write(true)
            .open(&database)
            .expect("the database");
        file.set_len(length).expect("a shorter file");
        assert_goes_on(&stage, &format!("truncated to {what}"));
        stage.start_responder();
        assert_goes_on(&stage, &format!("truncated to {what}, started anew"));
        replace_database(&stage, &copy);
        stage.until_redirected("/a.iso");
    }
    // Bytes that are no database.
    let noise: Vec<u8> = (0..whole).map(|at| (at * 7 % 251) as u8).collect();
    fs::write(&database, noise).expect("noise");
    assert_goes_on(&stage, "noise");
    replace_database(&stage, &copy);
    stage.until_redirected("/a.iso");
}

#[test]
fn an_older_copy_never_sends_clients_to_what_was() {
    let mut stage = stage();
    stage.play();
    let copy = stage.site.path("copy.sqlite");
    copy_database(&stage, &copy);
    // A release comes and is on the mirror.
    let new = b"a new release ".repeat(1_000);
    stage.site.write("a.iso", &new, MTIME + 60);
    stage.index();
    stage.mirror_named("germany").sync(&stage.site.tree());
    stage.scan();
    stage.until_redirected("/a.iso");

    replace_database(&stage, &copy);
    // The mirror has another version than the copy knows, so that the file comes from here; a file
    // that did not change is redirected.
    eventually("the older state is seen", || {
        let (changed, unchanged) = (stage.get("/a.iso").send(), stage.get("/b.iso").send());
        changed.status == 200 && changed.body == new && unchanged.status == 302
    });
    assert_goes_on(&stage, "an older copy");
    stage.index();
    stage.scan();
    stage.until_redirected("/a.iso");
}

#[test]
fn the_responder_needs_no_right_to_write() {
    let mut stage = stage();
    let folder = stage.site.path("data");
    fs::create_dir(&folder).expect("a folder");
    std::os::unix::fs::symlink("data/test.sqlite", stage.site.database()).expect("a link");
    stage.learn();
    // As ProtectSystem=strict does it: for this process the folder is read-only.
    let folder = folder.display();
    let script = format!(
        "mount --bind {folder} {folder} && mount -o remount,bind,ro {folder} && exec \"$0\""
    );
    stage.start_responder_under(&["unshare", "-m", "sh", "-c", &script]);
    stage.start_apache(&ApacheOptions::default());
    assert_eq!(
        stage.get("/a.iso").send().status,
        302,
        "nobody has it open for writing"
    );
    stage.site.run_ok("heliostat", &["disable", "germany"]);
    eventually("a change is seen", || {
        stage.get("/a.iso").send().status == 200
    });
    stage
        .site
        .run_ok("heliostat", &["enable", "germany", "--alive"]);
    stage.until_redirected("/a.iso");
}

#[test]
fn a_full_disk_stops_learning_and_no_download() {
    let mut stage = stage();
    let disk = SmallDisk::mount(stage.site.path("disk"));
    std::os::unix::fs::symlink("disk/test.sqlite", stage.site.database()).expect("a link");
    stage.play();
    disk.fill();
    for number in 0..2_000 {
        stage.file(
            format!("new/directory-{}/file-{number}.bin", number % 7),
            10,
        );
    }
    let output = stage.site.run("heliostat-index", &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("full"), "it says why: {said}");
    let output = stage.site.run("heliostat-scan", &["germany"]);
    assert!(
        output
            .status
            .code()
            .is_some_and(|code| [0, 1, 3].contains(&code))
    );
    assert!(assert_goes_on(&stage, "the disk is full") > 0);
    stage.start_responder();
    assert!(assert_goes_on(&stage, "the disk is full at the start") > 0);
    disk.clear();
    stage.index();
    stage.scan();
    assert!(assert_goes_on(&stage, "there is room again") > 0);
    let listed = stage.site.run_ok(
        "heliostat",
        &[
            "explain",
            "/new/directory-0/file-0.bin",
            "--ip",
            "192.0.2.1",
        ],
    );
    assert!(!listed.is_empty());
}
