//! Stores mirrors, and makes checked values of them.

use ipnet::IpNet;
use rusqlite::{OptionalExtension, params};

use super::error::{DbError, Doing};
use super::mirror_cache;
pub use super::mirror_field::MirrorRecord;
use super::mirror_field::{COLUMNS, UPDATE};
use super::open::{Queryable, Transaction};
use crate::domain::mirror::name::HasName;
use crate::domain::mirror::{Mirror, MirrorCountry, MirrorId, MirrorKind, SCORE_MAX, parse_prefix};
use crate::domain::place::{Asn, Coordinates, CountryCode, RegionCode};
use crate::domain::url::{BaseUrl, shown_url, without_login};
use crate::domain::url_parts::UrlParts;

impl HasName for MirrorRecord {
    fn name(&self) -> &str {
        &self.identifier
    }
}

impl MirrorRecord {
    /// The checked value, and one line for each field that cannot be used.
    pub fn check(&self) -> (Mirror, Vec<String>) {
        let mut problems = Vec::new();
        let mut mirror = Mirror::new(&self.identifier);
        mirror.id = self.id;
        mirror.kind = self.kind;
        mirror.base_url = url(&self.base_url, "base_url", &mut problems);
        mirror.further_base_urls = self
            .further_base_urls
            .iter()
            .filter_map(|text| url(text, "further base URL", &mut problems))
            .collect();
        mirror.ftp_url = self.ftp_url.clone();
        mirror.rsync_url = self.rsync_url.clone();
        mirror.enabled = self.enabled;
        mirror.alive = self.alive;
        mirror.region = RegionCode::parse(self.region.as_bytes());
        mirror.country = match self.country.as_str() {
            "**" => MirrorCountry::Everywhere,
            text => CountryCode::parse(text.as_bytes())
                .map_or(MirrorCountry::Unknown, MirrorCountry::Of),
        };
        mirror.asns = self.asns(&mut problems);
        mirror.prefixes = self.prefixes(&mut problems);
        mirror.ipv6_only = self.ipv6_only;
        mirror.score = u16::try_from(self.score.clamp(0, i64::from(SCORE_MAX))).unwrap_or(0);
        mirror.coordinates = self
            .latitude
            .zip(self.longitude)
            .and_then(|(latitude, longitude)| Coordinates::known(latitude, longitude));
        mirror.country_only = self.country_only;
        mirror.region_only = self.region_only;
        mirror.as_only = self.as_only;
        mirror.prefix_only = self.prefix_only;
        mirror.other_countries = self.other_countries.to_ascii_lowercase();
        mirror.file_maxsize = self.file_maxsize.max(0) as u64;
        mirror.private = self.private;
        mirror.only_countries = country_codes(&self.only_countries);
        mirror.not_countries = country_codes(&self.not_countries);
        problems.extend(closed_to_all(&mirror));
        if self.kind == MirrorKind::Cache {
            mirror.cache = self.cache.rules(&mut problems);
            let keyed = |url: BaseUrl| url.with_version_key(self.cache.version_key);
            mirror.base_url = mirror.base_url.map(keyed);
            let further = mirror.further_base_urls.into_iter();
            mirror.further_base_urls = further.map(keyed).collect();
        }
        (mirror, problems)
    }

    /// Appends a paragraph to the comment.
    pub fn append_comment(&mut self, text: &str) {
        let old = self.comment.trim_end_matches('\n');
        self.comment = match old.is_empty() {
            true => text.to_owned(),
            false => format!("{old}\n\n{text}"),
        };
    }

    /// Whether the mirror has no list of files: a cache fetches what it is asked for, and a mirror
    /// with country `**` is believed to have everything.
    pub fn is_never_scanned(&self) -> bool {
        self.kind == MirrorKind::Cache || self.country == "**"
    }

    fn asns(&self, problems: &mut Vec<String>) -> Vec<Asn> {
        let main = u32::try_from(self.asn).ok().and_then(Asn::new);
        let further = self.further_asns.iter().filter_map(|text| {
            let parsed = text.parse().ok();
            if parsed.is_none() {
                problems.push(format!("'{text}' is no AS number"));
            }
            parsed
        });
        main.into_iter().chain(further).collect()
    }

    fn prefixes(&self, problems: &mut Vec<String>) -> Vec<IpNet> {
        std::iter::once(&self.prefix)
            .chain(&self.further_prefixes)
            .filter(|text| !text.is_empty())
            .filter_map(|text| {
                let parsed = parse_prefix(text);
                if parsed.is_none() {
                    problems.push(format!(
                        "'{text}' is no address prefix such as 192.0.2.0/24"
                    ));
                }
                parsed
            })
            .collect()
    }
}

/// The countries of a list, whose words are checked when they are written.
fn country_codes(text: &str) -> Vec<CountryCode> {
    let words = text.split([',', ' ']);
    words
        .filter_map(|word| CountryCode::parse(word.as_bytes()))
        .collect()
}

/// Why a mirror that is for some networks only is for nobody.
fn closed_to_all(mirror: &Mirror) -> Option<String> {
    let (has_prefix, has_asn) = (!mirror.prefixes.is_empty(), !mirror.asns.is_empty());
    let is_of_countries =
        mirror.country == MirrorCountry::Everywhere || !mirror.other_countries.is_empty();
    let why = if is_of_countries && !mirror.private {
        return None;
    } else if mirror.prefix_only && !has_prefix {
        "it is only for clients of its prefixes and has no prefix"
    } else if mirror.as_only && !has_asn && !has_prefix {
        "it is only for clients of its AS and has neither AS number nor prefix"
    } else if mirror.private && !has_prefix && !has_asn {
        "it is private and has neither prefix nor AS number"
    } else {
        return None;
    };
    Some(format!("{why}, so no client is sent to it"))
}

/// Reads a base URL as clients get it: user and password are for scans alone, so that no redirect
/// and no page has them, and a probe sees what clients see.
fn url(text: &str, field: &str, problems: &mut Vec<String>) -> Option<BaseUrl> {
    if text.is_empty() {
        if field == "base_url" {
            problems.push("it has no base URL, so no client is sent to it".to_owned());
        }
        return None;
    }
    BaseUrl::parse(&without_login(text))
        .map_err(|error| {
            let shown = shown_url(text);
            problems.push(format!("{field} '{shown}' cannot be used: {error}"));
        })
        .ok()
}

/// Every mirror, by number.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn all(database: &impl Queryable) -> Result<Vec<MirrorRecord>, DbError> {
    read(database, (None, None))
}

/// The mirror of that number; `None` if it is no longer there.
///
/// # Errors
/// Returns [`DbError::Sql`] if it cannot be read.
pub fn get(database: &impl Queryable, id: MirrorId) -> Result<Option<MirrorRecord>, DbError> {
    Ok(read(database, (None, Some(id)))?.pop())
}

/// Selects from a table of a mirror's further values those of the mirrors that [`read`] reads.
macro_rules! of_mirrors {
    ($columns:literal, $table:literal) => {
        concat!(
            "SELECT mirror_id, ",
            $columns,
            " FROM ",
            $table,
            " WHERE ?1 IS NULL AND ?2 IS NULL OR mirror_id = \
             (SELECT id FROM mirror WHERE identifier = ?1 OR id = ?2)"
        )
    };
}

/// All mirrors, or the one of that name or number, by number.
fn read(
    database: &impl Queryable,
    (name, id): (Option<&str>, Option<MirrorId>),
) -> Result<Vec<MirrorRecord>, DbError> {
    let doing = "reading mirrors";
    let number = id.map(|id| id.0);
    let sqlite = database.sqlite();
    let mut statement = sqlite
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM mirror \
             WHERE ?1 IS NULL AND ?2 IS NULL OR identifier = ?1 OR id = ?2 ORDER BY id"
        ))
        .doing("preparing to read mirrors")?;
    let rows = statement
        .query_map(params![name, number], MirrorRecord::from_row)
        .doing(doing)?;
    let mut records: Vec<MirrorRecord> = rows.collect::<Result<_, _>>().doing(doing)?;
    let mut add = |sql: &str, store: fn(&mut MirrorRecord, &str, String)| {
        let mut statement = sqlite
            .prepare_cached(sql)
            .doing("preparing to read mirrors")?;
        let mut rows = statement.query(params![name, number]).doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            let id = MirrorId(row.get(0).doing(doing)?);
            let kind: String = row.get(1).doing(doing)?;
            let value: String = row.get(2).doing(doing)?;
            if let Ok(index) = records.binary_search_by_key(&id, |record| record.id) {
                store(&mut records[index], &kind, value);
            }
        }
        Ok::<(), DbError>(())
    };
    add(
        of_mirrors!("scheme, url", "mirror_base_url"),
        |record, _, url| {
            record.further_base_urls.push(url);
        },
    )?;
    add(
        of_mirrors!("kind, network", "mirror_network"),
        |record, kind, network| {
            if kind == "asn" {
                record.further_asns.push(network);
            } else {
                record.further_prefixes.push(network);
            }
        },
    )?;
    let only = match &records[..] {
        [one] => Some(one.id),
        _ => None,
    };
    for (id, cache) in mirror_cache::load(database, only)? {
        if let Ok(index) = records.binary_search_by_key(&id, |record| record.id) {
            records[index].cache = cache;
        }
    }
    Ok(records)
}

/// The names of all mirrors, by number.
///
/// # Errors
/// Returns [`DbError::Sql`] if they cannot be read.
pub fn names(database: &impl Queryable) -> Result<Vec<String>, DbError> {
    let mut statement = database
        .sqlite()
        .prepare_cached("SELECT identifier FROM mirror ORDER BY id")
        .doing("preparing to read mirrors")?;
    let rows = statement
        .query_map([], |row| row.get(0))
        .doing("reading mirrors")?;
    rows.collect::<Result<_, _>>().doing("reading mirrors")
}

/// The mirror of exactly that name.
///
/// # Errors
/// Returns [`DbError::NoSuchMirror`] if there is no such mirror, and [`DbError::Sql`] if the
/// database cannot be read or written.
pub fn find(database: &impl Queryable, identifier: &str) -> Result<MirrorRecord, DbError> {
    read(database, (Some(identifier), None))?
        .pop()
        .ok_or_else(|| DbError::NoSuchMirror(identifier.to_owned()))
}

/// Stores a new mirror; a record with a number keeps it (import), else it gets the next.
///
/// # Errors
/// Returns [`DbError::DuplicateIdentifier`] if the name is taken, and [`DbError::Sql`] if the
/// database cannot be read or written.
pub fn insert(transaction: &Transaction<'_>, record: &MirrorRecord) -> Result<MirrorId, DbError> {
    refuse_duplicate(transaction, record)?;
    let sqlite = transaction.inner;
    let id = (record.id.0 != 0).then_some(record.id.0);
    sqlite
        .execute(
            "INSERT INTO mirror (id, identifier) VALUES (?1, ?2)",
            params![id, record.identifier],
        )
        .doing("adding a mirror")?;
    let id = MirrorId(sqlite.last_insert_rowid());
    update(
        transaction,
        &MirrorRecord {
            id,
            ..record.clone()
        },
    )?;
    Ok(id)
}

fn refuse_duplicate(transaction: &Transaction<'_>, record: &MirrorRecord) -> Result<(), DbError> {
    let owner: Option<i64> = transaction
        .inner
        .query_row(
            "SELECT id FROM mirror WHERE identifier = ?1",
            [&record.identifier],
            |row| row.get(0),
        )
        .optional()
        .doing("looking for a mirror")?;
    match owner {
        Some(owner) if owner != record.id.0 => {
            Err(DbError::DuplicateIdentifier(record.identifier.clone()))
        }
        _ => Ok(()),
    }
}

/// Stores every field of an existing mirror, found by its number.
///
/// # Errors
/// Returns [`DbError::DuplicateIdentifier`] if the name is taken, [`DbError::NoSuchMirror`] if
/// there is no such mirror, and [`DbError::Sql`] if the database cannot be read or written.
pub fn update(transaction: &Transaction<'_>, record: &MirrorRecord) -> Result<(), DbError> {
    refuse_duplicate(transaction, record)?;
    forget_probes(transaction, record)?;
    let changed = update_row(transaction, record)?;
    if changed == 0 {
        return Err(DbError::NoSuchMirror(record.identifier.clone()));
    }
    update_lists(transaction, record)
}

/// Removes probes of other URLs, and those from before somebody switched the mirror: their results
/// hold no longer.
fn forget_probes(transaction: &Transaction<'_>, record: &MirrorRecord) -> Result<(), DbError> {
    let urls = record
        .further_base_urls
        .iter()
        .filter(|url| !url.is_empty());
    let mut urls: Vec<&str> = urls.map(String::as_str).collect();
    urls.sort_unstable();
    transaction
        .inner
        .execute(
            "DELETE FROM probe WHERE mirror_id = ?1 AND NOT EXISTS (SELECT 1 FROM mirror \
             WHERE id = ?1 AND alive = ?2 AND base_url = ?3 AND ?4 = coalesce( \
             (SELECT group_concat(url, ' ' ORDER BY url) FROM mirror_base_url \
             WHERE mirror_id = ?1), ''))",
            params![record.id.0, record.alive, record.base_url, urls.join(" ")],
        )
        .doing("forgetting what probes found")?;
    Ok(())
}

fn update_row(transaction: &Transaction<'_>, record: &MirrorRecord) -> Result<usize, DbError> {
    transaction
        .inner
        .execute(UPDATE, &record.parameters()[..])
        .doing("changing a mirror")
}

fn update_lists(transaction: &Transaction<'_>, record: &MirrorRecord) -> Result<(), DbError> {
    let sqlite = transaction.inner;
    let id = record.id.0;
    for table in ["mirror_base_url", "mirror_network"] {
        sqlite
            .execute(&format!("DELETE FROM {table} WHERE mirror_id = ?1"), [id])
            .doing("changing a mirror")?;
    }
    for url in &record.further_base_urls {
        let scheme = UrlParts::of(url).map_or("", |parts| parts.scheme);
        let scheme = scheme.to_ascii_lowercase();
        sqlite
            .execute(
                "INSERT OR REPLACE INTO mirror_base_url (mirror_id, scheme, url) \
                 VALUES (?1, ?2, ?3)",
                params![id, scheme, url],
            )
            .doing("changing a mirror's further URLs")?;
    }
    mirror_cache::store(transaction, record.id, &record.cache)?;
    let networks = record
        .further_prefixes
        .iter()
        .map(|network| ("prefix", network))
        .chain(record.further_asns.iter().map(|network| ("asn", network)));
    for (kind, network) in networks {
        sqlite
            .execute(
                "INSERT OR REPLACE INTO mirror_network (mirror_id, kind, network) \
                 VALUES (?1, ?2, ?3)",
                params![id, kind, network],
            )
            .doing("changing a mirror's networks")?;
    }
    Ok(())
}

/// Removes a mirror with its content; its number is never given again.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn delete(transaction: &Transaction<'_>, id: MirrorId) -> Result<(), DbError> {
    transaction
        .inner
        .execute("DELETE FROM mirror WHERE id = ?1", [id.0])
        .doing("removing a mirror")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::mirror_cache::CacheRecord;
    use crate::db::open_writer;
    use crate::domain::cache::VersionKey;

    #[test]
    fn probes_of_other_urls_or_of_another_state_are_forgotten() {
        use crate::db::probe;
        use crate::domain::health::{Family, TargetStanding};
        use crate::domain::time::Timestamp;
        use crate::domain::url::Scheme;
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let mut record = MirrorRecord::new("m");
        record.base_url = "http://m/".into();
        record.further_base_urls = vec!["https://m/".into(), "ftp://m/".into()];
        record.id = writer.transaction(|t| insert(t, &record)).expect("insert");
        let found = probe::ProbeRecord {
            mirror: record.id,
            scheme: Scheme::Http,
            family: Family::V4,
            url: "http://m/".into(),
            standing: TargetStanding::new(false),
            ok: Some(false),
            checked_at: Timestamp(1),
            latency_ms: None,
            expires_at: None,
            reason: String::new(),
            evidence: String::new(),
        };
        type Change = fn(&mut MirrorRecord);
        let changes: [(Change, usize); 4] = [
            (|m| m.comment = "x".into(), 1),
            (|m| m.alive = true, 0),
            (|m| m.base_url = "http://n/".into(), 0),
            (|m| m.further_base_urls = Vec::new(), 0),
        ];
        for (change, left) in changes {
            let of_mirror = std::slice::from_ref(&found);
            writer
                .transaction(|t| {
                    probe::replace(t, record.id, of_mirror)?;
                    change(&mut record);
                    update(t, &record)
                })
                .expect("update");
            assert_eq!(
                probe::all(&writer).expect("probes").len(),
                left,
                "{record:?}"
            );
        }
    }

    #[test]
    fn problems_show_no_password() {
        for url in [
            "joe:s3cret@m/x",
            "http://joe:s3c/ret@m/",
            "http://joe:s3cret@/x",
            "gopher://joe:s3cret@m/",
            "http://joe:s3cret@m:99999/",
            "http://m/a b",
        ] {
            let mut record = MirrorRecord::new("m");
            record.base_url = url.to_owned();
            record.further_base_urls = vec![url.to_owned()];
            let (_, problems) = record.check();
            let text = problems.join("\n");
            assert_eq!(problems.len(), 2, "{text}");
            assert!(!text.contains("s3c") && !text.contains("ret@"), "{text}");
        }
    }

    #[test]
    fn every_field_survives_being_stored() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let mut full = MirrorRecord::new("m1");
        full.id = MirrorId(77);
        full.base_url = "http://m/".into();
        full.further_base_urls = vec!["https://m/".into()];
        full.further_prefixes = vec!["2001:db8::/32".into()];
        full.further_asns = vec!["64501".into()];
        full.prefix = "not-a-net/24".into();
        full.country = "**".into();
        full.latitude = Some(1.5);
        full.score = 32_767;
        full.other_countries = "BE, LU".into();
        full.file_maxsize = 5_000_000_000;
        full.prefix_only = true;
        full.private = true;
        full.only_countries = "be,nl".into();
        full.not_countries = "lu".into();
        full.kind = MirrorKind::Cache;
        full.cache = CacheRecord {
            ttl_s: 3600,
            version_key: VersionKey::Query,
            fill_networks: "192.0.2.0/24 2001:db8::1".into(),
            paths: "pool/ iso/*".into(),
            exclude: "pool/private".into(),
        };
        writer.transaction(|t| insert(t, &full)).expect("insert");
        assert_eq!(all(&writer).expect("all"), [full.clone()]);
        let (mirror, problems) = full.check();
        assert_eq!(mirror.country, MirrorCountry::Everywhere);
        assert_eq!(mirror.prefixes.len(), 1);
        assert_eq!(problems.len(), 1, "{problems:?}");
        let rules = &mirror.cache;
        assert_eq!((rules.ttl_s, rules.version_key), (3600, VersionKey::Query));
        let counts = (rules.fill_networks.len(), rules.paths.len());
        assert_eq!((counts, rules.exclude.len()), ((2, 2), 1));

        let error = writer
            .transaction(|t| insert(t, &MirrorRecord::new("m1")))
            .expect_err("twice");
        assert!(matches!(error, DbError::DuplicateIdentifier(_)), "{error}");
        writer.transaction(|t| delete(t, full.id)).expect("delete");
        let next = writer
            .transaction(|t| insert(t, &MirrorRecord::new("m2")))
            .expect("insert");
        assert_eq!(next, MirrorId(78), "a number is never given again");
    }
}
