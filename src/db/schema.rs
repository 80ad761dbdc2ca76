//! The schema and its migrations: `sql/NNNN_name.sql`, counted by `user_version`, append-only.

use std::path::Path;

use rusqlite::Connection;

use super::copy::lineage::{begin_branch, is_copy};
use super::error::{DbError, Doing};
use super::lock_wait::{begin, open_error, set_wal};

/// Every migration in order; the number of a file is its place here plus one.
const MIGRATIONS: &[&str] = &[
    include_str!("../../sql/0001_initial.sql"),
    include_str!("../../sql/0002_bittorrent_v2.sql"),
    include_str!("../../sql/0003_scan_directory.sql"),
    include_str!("../../sql/0004_probe.sql"),
    include_str!("../../sql/0005_run_repeat.sql"),
    include_str!("../../sql/0006_scan_attempt.sql"),
    include_str!("../../sql/0007_mirror_trace.sql"),
    include_str!("../../sql/0008_private.sql"),
    include_str!("../../sql/0009_cache.sql"),
    include_str!("../../sql/0010_purge.sql"),
    include_str!("../../sql/0011_outage.sql"),
    include_str!("../../sql/0012_cache_answer.sql"),
    include_str!("../../sql/0013_run_note.sql"),
    include_str!("../../sql/0014_lineage.sql"),
    include_str!("../../sql/0015_file_change.sql"),
    include_str!("../../sql/0016_countries.sql"),
    include_str!("../../sql/0017_product.sql"),
    include_str!("../../sql/0018_follow.sql"),
    include_str!("../../sql/0019_probe_history.sql"),
    include_str!("../../sql/0020_marker_version.sql"),
    include_str!("../../sql/0021_drain.sql"),
];

/// `application_id` of our files ("Heli"), so that no other SQLite file is taken for one.
pub(super) const APPLICATION_ID: i64 = 0x4865_6c69;

/// The schema that this program knows.
pub const VERSION: i64 = MIGRATIONS.len() as i64;

fn pragma(connection: &Connection, name: &str) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Refuses a file of another program, and one of a newer Heliostat.
pub(super) fn check_for_copying(connection: &Connection, path: &Path) -> Result<(), DbError> {
    match check_for_reading(connection, path) {
        Err(DbError::Older { .. }) => Ok(()),
        result => result,
    }
}

/// Refuses anything that a reader cannot use as it is.
pub(super) fn check_for_reading(connection: &Connection, path: &Path) -> Result<(), DbError> {
    let open = |source| open_error(path, source);
    let application = pragma(connection, "application_id").map_err(open)?;
    if application != APPLICATION_ID {
        return Err(DbError::Foreign {
            path: path.to_owned(),
        });
    }
    let found = pragma(connection, "user_version").map_err(open)?;
    match found.cmp(&VERSION) {
        std::cmp::Ordering::Greater => Err(DbError::Newer {
            path: path.to_owned(),
            found,
            known: VERSION,
        }),
        std::cmp::Ordering::Less => Err(DbError::Older {
            path: path.to_owned(),
            found,
            known: VERSION,
        }),
        std::cmp::Ordering::Equal => Ok(()),
    }
}

/// Brings a new or older file up to [`VERSION`] and says whether it was another; does nothing to
/// one that is.
pub(super) fn migrate(connection: &Connection, path: &Path) -> Result<bool, DbError> {
    let open = |source| open_error(path, source);
    let application = pragma(connection, "application_id").map_err(open)?;
    let found = pragma(connection, "user_version").map_err(open)?;
    if found > VERSION {
        return Err(DbError::Newer {
            path: path.to_owned(),
            found,
            known: VERSION,
        });
    }
    if application == APPLICATION_ID && found == VERSION {
        begin_writing(connection, path)?;
        return Ok(false);
    }
    let empty: bool = connection
        .query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
            row.get(0)
        })
        .map_err(open)?;
    if application != APPLICATION_ID && !empty {
        return Err(DbError::Foreign {
            path: path.to_owned(),
        });
    }
    set_wal(connection, path)?;
    let transaction = begin(connection, path)?;
    // Another program may have migrated while this one waited for the lock.
    let found = pragma(&transaction, "user_version").map_err(open)?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction
            .execute_batch(migration)
            .doing("migrating the database")?;
    }
    if found == 0 {
        transaction
            .execute("UPDATE meta SET value = 1 WHERE key = 'is_purged'", [])
            .doing("marking the database")?;
    }
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .doing("marking the database")?;
    transaction
        .pragma_update(None, "user_version", VERSION)
        .doing("marking the database")?;
    transaction.commit().map_err(|source| DbError::NotWritten {
        path: path.to_owned(),
        source,
    })?;
    Ok(true)
}

/// Makes a copy, which has a rollback journal, a database that is written: with a WAL, for which
/// readers never wait, and on a branch of its own.
fn begin_writing(connection: &Connection, path: &Path) -> Result<(), DbError> {
    let mode = connection.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0));
    if mode.map_err(|source| open_error(path, source))? != "wal" {
        set_wal(connection, path)?;
    }
    if !is_copy(connection)? {
        return Ok(());
    }
    let transaction = begin(connection, path)?;
    // Another program may have begun meanwhile.
    if is_copy(&transaction)? {
        begin_branch(&transaction)?;
    }
    transaction.commit().map_err(|source| DbError::NotWritten {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names and statements; without white space, since SQLite adds columns in a way of its own.
    fn tables(connection: &Connection) -> Vec<(String, String)> {
        let mut statement = connection
            .prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
            .expect("prepare");
        let rows = statement
            .query_map([], |row| {
                let sql: String = row.get(1)?;
                Ok((row.get(0)?, sql.split_whitespace().collect()))
            })
            .expect("query")
            .collect::<Result<_, _>>();
        rows.expect("rows")
    }

    #[test]
    fn migrating_twice_is_migrating_once_and_equals_the_schema_file() {
        let migrated = Connection::open_in_memory().expect("open");
        migrate(&migrated, Path::new(":memory:")).expect("first");
        migrate(&migrated, Path::new(":memory:")).expect("second");
        let plain = Connection::open_in_memory().expect("open");
        plain
            .execute_batch(include_str!("../../sql/schema.sql"))
            .expect("schema.sql");
        assert_eq!(tables(&migrated), tables(&plain));
    }

    #[test]
    fn remarks_of_runs_that_did_their_work_become_notes() {
        let connection = Connection::open_in_memory().expect("open");
        for migration in &MIGRATIONS[..12] {
            connection.execute_batch(migration).expect("migration");
        }
        let old = "PRAGMA application_id = 0x48656c69; PRAGMA user_version = 12;
            INSERT INTO run (kind, started_at, outcome, error) VALUES
            ('scan', 1, 'ok', 'a'), ('index', 1, 'partial', 'b'), ('probe', 1, 'ok', ''),
            ('scan', 1, 'failed', 'c'), ('scan', 1, 'suspicious', 'd'),
            ('scan', 1, 'interrupted', 'e')";
        connection.execute_batch(old).expect("runs");
        migrate(&connection, Path::new(":memory:")).expect("migrated");
        let mut statement = connection
            .prepare("SELECT error, note FROM run ORDER BY id")
            .expect("prepare");
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .expect("query")
            .collect::<Result<Vec<(String, String)>, _>>()
            .expect("rows");
        let expected = [
            ("", "a"),
            ("", "b"),
            ("", ""),
            ("c", ""),
            ("d", ""),
            ("e", ""),
        ];
        assert_eq!(
            rows,
            expected.map(|(error, note)| (error.to_owned(), note.to_owned()))
        );
    }

    #[test]
    fn newer_and_foreign_files_are_refused() {
        let newer = Connection::open_in_memory().expect("open");
        migrate(&newer, Path::new("n")).expect("migrate");
        newer
            .pragma_update(None, "user_version", VERSION + 1)
            .expect("pragma");
        let error = migrate(&newer, Path::new("n")).expect_err("newer");
        assert!(error.to_string().contains("update the program"), "{error}");

        let foreign = Connection::open_in_memory().expect("open");
        foreign.execute_batch("CREATE TABLE t (a)").expect("table");
        let error = migrate(&foreign, Path::new("f")).expect_err("foreign");
        assert!(matches!(error, DbError::Foreign { .. }), "{error}");
    }
}
