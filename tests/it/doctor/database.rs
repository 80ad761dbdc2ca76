//! Mistakes about the database, its folder and the times in it.

use std::os::unix::fs::chown;

use rusqlite::Connection;

use super::healthy::{Clinic, now_s, set_mode};
use crate::stand_in::site::set_mtime;
use crate::stand_in::small_disk::SmallDisk;

/// Runs SQL as nothing of ours would.
fn sql(clinic: &Clinic, text: &str) {
    let connection = Connection::open(clinic.site.database()).expect("open");
    connection.execute_batch(text).expect("done");
}

#[test]
fn a_database_that_the_wrong_users_read_or_write_is_named() {
    let clinic = Clinic::new();
    set_mode(&clinic.site.database(), 0o644);
    clinic.sees_and_mends("database-open", "passwords of mirrors");
    chown(clinic.site.database(), Some(0), Some(0)).expect("an owner");
    clinic.sees_and_mends("database-owner", "its owner is root");
    chown(clinic.path(""), Some(0), Some(0)).expect("an owner");
    clinic.sees_and_mends("folder-closed", "nobody cannot write into ");
    set_mode(&clinic.path(""), 0o757);
    let fixes = clinic.sees("folder-open", "its mode is 0757");
    clinic.apply(&fixes[0]);
    set_mode(&clinic.path(""), 0o755);
    assert_eq!(clinic.ids(), [""; 0]);
}

#[test]
fn schemas_that_do_not_fit_are_named() {
    let clinic = Clinic::new();
    // As before the newest migration.
    sql(&clinic, "DROP TABLE drain; PRAGMA user_version = 20");
    let fixes = clinic.sees("database-older", "schema 20");
    clinic.apply(&fixes[0]);
    assert_eq!(clinic.ids(), [""; 0]);
    sql(&clinic, "PRAGMA user_version = 99");
    clinic.sees("database-newer", "schema 99");
    sql(&clinic, "PRAGMA application_id = 1");
    let fixes = clinic.sees("database-foreign", "not a Heliostat database");
    clinic.apply(&fixes[0]);
    let fixes = clinic.sees("database-missing", "does not exist");
    std::fs::remove_file(clinic.path("test.sqlite-wal")).expect("it was kept");
    std::fs::remove_file(clinic.path("test.sqlite-shm")).expect("it was kept");
    clinic.apply(&fixes[0]);
    assert_eq!(clinic.ids(), ["mirrors-none"], "the index made it");
}

#[test]
fn a_follower_and_another_journal_are_named() {
    let clinic = Clinic::without_responder();
    let is_away = ["responder-away"];
    assert_eq!(clinic.ids(), is_away);
    sql(&clinic, "PRAGMA journal_mode = DELETE");
    let (found, _) = clinic.findings();
    let fix = found.iter().find(|one| one["id"] == "database-journal");
    let fix = fix.expect("it is seen")["fix"].as_str().expect("text");
    assert!(!fix.contains("sqlite3"), "not every machine has it: {fix}");
    clinic.apply(fix);
    assert_eq!(clinic.ids(), is_away);
    std::fs::write(clinic.path("test.sqlite-txid"), "1").expect("a file");
    assert_eq!(clinic.ids(), ["database-follower", "responder-away"]);
    std::fs::remove_file(clinic.path("test.sqlite-txid")).expect("removed");
    assert_eq!(clinic.ids(), is_away);
}

#[test]
fn times_in_the_future_are_named() {
    let clinic = Clinic::new();
    let file = clinic.site.tree().join("dir/known.iso");
    set_mtime(&file, now_s() as u64 + 86_400);
    clinic
        .site
        .run_ok("heliostat-index", &["-q", "--no-hashes"]);
    let (found, _) = clinic.findings();
    let future = found.iter().find(|one| one["id"] == "file-time-future");
    clinic.apply(future.expect("it is seen")["fix"].as_str().expect("text"));
    let ids = clinic.ids();
    assert_eq!(
        ids,
        ["files-on-no-mirror"],
        "a new version is on no mirror yet"
    );
    let future = now_s() + 86_400;
    sql(
        &clinic,
        &format!("UPDATE run SET started_at = {future} WHERE id = 1"),
    );
    assert_eq!(clinic.ids(), ["run-time-future", "files-on-no-mirror"]);
}

#[test]
fn a_full_disk_is_named() {
    let clinic = Clinic::new();
    let _disk = SmallDisk::mount(clinic.path("small"));
    let small = clinic.path("small");
    chown(&small, Some(65534), Some(65534)).expect("an owner");
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args(["test.sqlite", "test.sqlite-wal", "test.sqlite-shm"].map(|n| clinic.path(n)))
        .arg(&small)
        .status();
    assert!(copied.expect("cp starts").success());
    let config = std::fs::read_to_string(clinic.site.config()).expect("it is there");
    let config = config.replace("\"test.sqlite\"", "\"small/test.sqlite\"");
    std::fs::write(clinic.site.config(), config).expect("written");
    clinic.sees("disk-full", "MB are free for ");
}
