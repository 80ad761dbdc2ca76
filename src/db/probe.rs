//! Stores the results of probes, of mirrors and of the probing host, and what people were told.

use std::collections::HashMap;

use rusqlite::{Row, params};

use super::error::{DbError, Doing};
use super::open::{Queryable, Transaction};
use crate::domain::health::{Family, HISTORY_MAX, History, Reach, Reachability, TargetStanding};
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;
use crate::domain::url::Scheme;

/// The record of the probes of one base URL over one address family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeRecord {
    /// The mirror.
    pub mirror: MirrorId,
    /// Scheme of the base URL.
    pub scheme: Scheme,
    /// Address family.
    pub family: Family,
    /// The base URL without credentials.
    pub url: String,
    /// The state that it counts as, and the results since that changed.
    pub standing: TargetStanding,
    /// Whether the last probe was good. Absent if this host could not check the target.
    pub ok: Option<bool>,
    /// When.
    pub checked_at: Timestamp,
    /// Milliseconds from the name to the head of the first answer.
    pub latency_ms: Option<u64>,
    /// When the TLS certificate expires.
    pub expires_at: Option<Timestamp>,
    /// Why it failed, or what was odd; empty: nothing.
    pub reason: String,
    /// A command line that shows the same.
    pub evidence: String,
}

const ALL: &str = "SELECT mirror_id, scheme, family, url, usable, failures, results, ok, \
    checked_at, latency_ms, expires_at, reason, evidence FROM probe \
    ORDER BY mirror_id, scheme, family";

fn record(row: &Row<'_>) -> Result<Option<ProbeRecord>, rusqlite::Error> {
    let scheme: String = row.get(1)?;
    let family = Family::from_number(row.get(2)?);
    let scheme = Scheme::ALL
        .into_iter()
        .find(|known| known.as_str() == scheme);
    let (Some(scheme), Some(family)) = (scheme, family) else {
        return Ok(None);
    };
    let results: u32 = row.get(6)?;
    Ok(Some(ProbeRecord {
        mirror: MirrorId(row.get(0)?),
        scheme,
        family,
        url: row.get(3)?,
        standing: TargetStanding {
            usable: row.get(4)?,
            history: History {
                failures: row.get(5)?,
                results: results.min(HISTORY_MAX),
            },
        },
        ok: row.get(7)?,
        checked_at: Timestamp(row.get(8)?),
        latency_ms: row.get::<_, Option<u32>>(9)?.map(u64::from),
        expires_at: row.get::<_, Option<i64>>(10)?.map(Timestamp),
        reason: row.get(11)?,
        evidence: row.get(12)?,
    }))
}

/// Reads the records of every target, by mirror, scheme and family.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn all(database: &impl Queryable) -> Result<Vec<ProbeRecord>, DbError> {
    let mut statement = database
        .sqlite()
        .prepare_cached(ALL)
        .doing("preparing to read probes")?;
    let rows = statement.query_map([], record).doing("reading probes")?;
    let records: Vec<_> = rows.collect::<Result<_, _>>().doing("reading probes")?;
    Ok(records.into_iter().flatten().collect())
}

/// Reads how each mirror's URLs can be reached over each family, for selection.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn reaches(database: &impl Queryable) -> Result<HashMap<MirrorId, Vec<Reach>>, DbError> {
    let mut reaches: HashMap<MirrorId, Vec<Reach>> = HashMap::new();
    for record in all(database)? {
        let of_mirror = reaches.entry(record.mirror).or_default();
        let known = of_mirror.iter().position(|r| r.scheme == record.scheme);
        let place = known.unwrap_or_else(|| {
            of_mirror.push(Reach {
                scheme: record.scheme,
                v4: Reachability::Absent,
                v6: Reachability::Absent,
            });
            of_mirror.len() - 1
        });
        let reach = &mut of_mirror[place];
        let way = match record.standing.usable {
            true => Reachability::Open,
            false => Reachability::Dead,
        };
        match record.family {
            Family::V4 => reach.v4 = way,
            Family::V6 => reach.v6 = way,
        }
    }
    Ok(reaches)
}

/// Replaces all probe records of a mirror.
///
/// # Errors
/// Returns [`DbError::Sql`] if the mirror no longer exists or the database cannot be written.
pub fn replace(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    records: &[ProbeRecord],
) -> Result<(), DbError> {
    let sqlite = transaction.inner;
    sqlite
        .prepare_cached("DELETE FROM probe WHERE mirror_id = ?1")
        .and_then(|mut statement| statement.execute([mirror.0]))
        .doing("recording probes")?;
    let mut statement = sqlite
        .prepare_cached(
            "INSERT INTO probe (mirror_id, scheme, family, url, usable, failures, results, ok, \
             checked_at, latency_ms, expires_at, reason, evidence) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )
        .doing("preparing to record probes")?;
    for record in records {
        statement
            .execute(params![
                mirror.0,
                record.scheme.as_str(),
                record.family.number(),
                record.url,
                record.standing.usable,
                record.standing.history.failures,
                record.standing.history.results,
                record.ok,
                record.checked_at.0,
                record
                    .latency_ms
                    .map(|ms| u32::try_from(ms).unwrap_or(u32::MAX)),
                record.expires_at.map(|at| at.0),
                record.reason,
                record.evidence,
            ])
            .doing("recording probes")?;
    }
    Ok(())
}

/// A mirror's switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switches {
    /// The admin's.
    pub enabled: bool,
    /// The prober's.
    pub alive: bool,
}

/// Sets a mirror's switches, unless somebody changed them since they were read. Returns whether
/// they were set.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn switch(
    transaction: &Transaction<'_>,
    mirror: MirrorId,
    from: Switches,
    to: Switches,
) -> Result<bool, DbError> {
    let changed = transaction
        .inner
        .execute(
            "UPDATE mirror SET enabled = ?4, alive = ?5 \
             WHERE id = ?1 AND enabled = ?2 AND alive = ?3",
            params![mirror.0, from.enabled, from.alive, to.enabled, to.alive],
        )
        .doing("switching a mirror")?;
    Ok(changed == 1)
}

/// The last message that people got about one thing of a mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastNotice {
    /// The mirror.
    pub mirror: MirrorId,
    /// `mirror`, `certificate`, or a target such as `https IPv6`.
    pub about: String,
    /// The state that people know of.
    pub state: String,
    /// When they were told.
    pub at: Timestamp,
    /// Seconds after that in which people hear nothing more about it.
    pub pause_s: i64,
}

/// All that people were told.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn told(database: &impl Queryable) -> Result<Vec<LastNotice>, DbError> {
    let mut statement = database
        .sqlite()
        .prepare_cached("SELECT mirror_id, about, told, told_at, pause_s FROM notification")
        .doing("preparing to read notifications")?;
    let rows = statement
        .query_map([], |row| {
            Ok(LastNotice {
                mirror: MirrorId(row.get(0)?),
                about: row.get(1)?,
                state: row.get(2)?,
                at: Timestamp(row.get(3)?),
                pause_s: row.get(4)?,
            })
        })
        .doing("reading notifications")?;
    rows.collect::<Result<_, _>>()
        .doing("reading notifications")
}

/// Records what people were told; nothing when the mirror is gone.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn tell(transaction: &Transaction<'_>, told: &LastNotice) -> Result<(), DbError> {
    transaction
        .inner
        .execute(
            "INSERT OR REPLACE INTO notification (mirror_id, about, told, told_at, pause_s) \
             SELECT id, ?2, ?3, ?4, ?5 FROM mirror WHERE id = ?1",
            params![
                told.mirror.0,
                told.about,
                told.state,
                told.at.0,
                told.pause_s
            ],
        )
        .doing("recording a notification")?;
    Ok(())
}

/// The last outage of an address family on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// The family over which the host looked cut off.
    pub family: Family,
    /// Since when.
    pub since: Timestamp,
    /// The end of the outage. Absent if it goes on.
    pub until: Option<Timestamp>,
    /// The description of the outage.
    pub reason: String,
    /// Whether people know how it is now.
    pub told: bool,
    /// When they last heard of it.
    pub told_at: Option<Timestamp>,
}

/// The last outage of each family.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn outages(database: &impl Queryable) -> Result<Vec<Outage>, DbError> {
    let doing = "reading outages";
    let sql = "SELECT family, since, until, reason, told, told_at FROM outage ORDER BY family";
    let mut statement = database.sqlite().prepare_cached(sql).doing(doing)?;
    let rows = statement
        .query_map([], |row| {
            let family = Family::from_number(row.get(0)?);
            Ok(Outage {
                family: family.unwrap_or(Family::V4),
                since: Timestamp(row.get(1)?),
                until: row.get::<_, Option<i64>>(2)?.map(Timestamp),
                reason: row.get(3)?,
                told: row.get(4)?,
                told_at: row.get::<_, Option<i64>>(5)?.map(Timestamp),
            })
        })
        .doing(doing)?;
    rows.collect::<Result<_, _>>().doing(doing)
}

/// Stores an outage in the place of the last one of its family.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn store_outage(transaction: &Transaction<'_>, outage: &Outage) -> Result<(), DbError> {
    transaction
        .inner
        .execute(
            "INSERT OR REPLACE INTO outage (family, since, until, reason, told, told_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                outage.family.number(),
                outage.since.0,
                outage.until.map(|at| at.0),
                outage.reason,
                outage.told,
                outage.told_at.map(|at| at.0),
            ],
        )
        .doing("recording an outage")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::mirror::{self, MirrorRecord};
    use crate::db::open_writer;

    fn target(scheme: Scheme, family: Family, usable: bool) -> ProbeRecord {
        ProbeRecord {
            mirror: MirrorId(1),
            scheme,
            family,
            url: "http://m/".into(),
            standing: TargetStanding::new(usable),
            ok: Some(usable),
            checked_at: Timestamp(100),
            latency_ms: Some(12),
            expires_at: Some(Timestamp(9_000_000_000)),
            reason: "r".into(),
            evidence: "curl".into(),
        }
    }

    #[test]
    fn targets_survive_being_stored_and_a_missing_family_is_no_way() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let mut dual = target(Scheme::Http, Family::V4, true);
        dual.standing.history = History {
            failures: u32::MAX,
            results: 32,
        };
        let records = [
            dual,
            target(Scheme::Http, Family::V6, false),
            target(Scheme::Https, Family::V6, true),
        ];
        writer
            .transaction(|t| {
                mirror::insert(t, &MirrorRecord::new("m"))?;
                replace(t, MirrorId(1), &[target(Scheme::Ftp, Family::V4, true)])?;
                replace(t, MirrorId(1), &records)
            })
            .expect("stored");
        assert_eq!(all(&writer).expect("read"), records);
        let reach = |scheme, v4, v6| Reach { scheme, v4, v6 };
        assert_eq!(
            reaches(&writer).expect("read")[&MirrorId(1)],
            [
                reach(Scheme::Http, Reachability::Open, Reachability::Dead),
                reach(Scheme::Https, Reachability::Absent, Reachability::Open)
            ]
        );
    }

    #[test]
    fn a_switch_that_somebody_else_moved_meanwhile_stays() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let id = writer
            .transaction(|t| mirror::insert(t, &MirrorRecord::new("m")))
            .expect("stored");
        let switches = |enabled, alive| Switches { enabled, alive };
        let mut turn = |from, to| {
            writer
                .transaction(|t| switch(t, id, from, to))
                .expect("sql")
        };
        assert!(!turn(switches(true, false), switches(true, true)));
        assert!(turn(switches(false, false), switches(false, true)));
        let stored = mirror::find(&writer, "m").expect("stored");
        assert_eq!((stored.enabled, stored.alive), (false, true));
    }

    #[test]
    fn the_last_outage_of_a_family_is_kept() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let mut outage = Outage {
            family: Family::V6,
            since: Timestamp(100),
            until: None,
            reason: "silence".into(),
            told: false,
            told_at: None,
        };
        writer
            .transaction(|t| store_outage(t, &outage))
            .expect("stored");
        (outage.until, outage.told) = (Some(Timestamp(200)), true);
        outage.told_at = Some(Timestamp(201));
        writer
            .transaction(|t| store_outage(t, &outage))
            .expect("stored");
        assert_eq!(outages(&writer).expect("read"), [outage]);
    }
}
