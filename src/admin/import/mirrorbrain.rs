//! MirrorBrain's tables, row by row: the upstream schema (behaviour §5.1) and
//! the openSUSE fork's (§5.4).

use std::collections::{BTreeMap, BTreeSet};

use super::dump::{DumpError, Row, Sink, Table, timestamp};
use crate::admin::error::AdminError;
use crate::db::hash::{Digests, HashRecord};
use crate::db::import::{Imported, Importer};
use crate::db::mirror::{MirrorRecord, SCORE_MAX};
use crate::domain::file::FileVersion;
use crate::domain::mirror::MirrorId;
use crate::domain::select::{HttpsCount, Roster};
use crate::domain::time::Timestamp;

/// The major version whose schema this is.
const MAJOR: i64 = 2;

/// Tables of MirrorBrain that are taken over.
const TABLES: [&str; 10] = [
    "server",
    "filearr",
    "hash",
    "marker",
    "country",
    "region",
    "version",
    // The openSUSE fork's.
    "files",
    "server_files",
    "serverpfx",
];

/// Tables of a fork's schema that was in use only while it was being made.
const INTERMEDIATE: &str = "filemetadata";

/// The columns of `server` that are read; baseurl_https comes from a patch that many installed.
const SERVER_COLUMNS: [&str; 30] = [
    "id",
    "identifier",
    "baseurl",
    "baseurl_ftp",
    "baseurl_rsync",
    "baseurl_https",
    "enabled",
    "status_baseurl",
    "region",
    "country",
    "asn",
    "prefix",
    "ipv6_only",
    "score",
    "scan_fpm",
    "last_scan",
    "comment",
    "operator_name",
    "operator_url",
    "public_notes",
    "admin",
    "admin_email",
    "lat",
    "lng",
    "country_only",
    "region_only",
    "as_only",
    "prefix_only",
    "other_countries",
    "file_maxsize",
];

/// What is wrong with one mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorProblem {
    /// Its name.
    pub mirror: String,
    /// One line.
    pub problem: String,
}

/// Takes MirrorBrain's rows to the importer.
pub struct MirrorBrain<'t> {
    importer: Importer<'t>,
    /// Mirrors wait until their networks are known, which come in a later table.
    mirrors: BTreeMap<i64, MirrorRecord>,
    names: BTreeSet<String>,
    array: Vec<i64>,
    /// `2.19.0`, when the dump says so.
    pub version: Option<String>,
    /// Columns of `server` that nothing here has a place for.
    pub unknown_columns: BTreeSet<String>,
    /// What is wrong with mirrors.
    pub problems: Vec<MirrorProblem>,
    has_upstream_files: bool,
    has_fork_files: bool,
}

impl Sink for MirrorBrain<'_> {
    type Error = AdminError;

    fn table(&mut self, table: &Table) -> Result<bool, AdminError> {
        if table.name == "server" {
            let columns = table.columns.iter().map(String::as_str);
            let unknown = columns.filter(|column| !SERVER_COLUMNS.contains(column));
            self.unknown_columns.extend(unknown.map(str::to_owned));
        }
        Ok(TABLES.contains(&table.name.as_str()))
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), AdminError> {
        match row.table() {
            "server" => self.server(row),
            "filearr" => self.upstream_file(row),
            "hash" => self.hash(row),
            "marker" => {
                let (name, files) = (row.text("subtree_name"), row.text("markers"));
                Ok(self.importer.marker(&name, &files)?)
            }
            "country" => Ok(self
                .importer
                .country(&row.text("code"), &row.text("name"))?),
            "region" => Ok(self.importer.region(&row.text("code"), &row.text("name"))?),
            "version" => self.version(row),
            "files" => self.fork_file(row),
            "server_files" => {
                let mirror = row.needed_integer("server_id")?;
                Ok(self.importer.pair(mirror, row.needed_integer("file_id")?)?)
            }
            "serverpfx" => self.network(row),
            _ => Ok(()),
        }
    }
}

impl<'t> MirrorBrain<'t> {
    /// A reader of rows for that importer.
    pub fn new(importer: Importer<'t>) -> MirrorBrain<'t> {
        MirrorBrain {
            importer,
            mirrors: BTreeMap::new(),
            names: BTreeSet::new(),
            array: Vec::new(),
            version: None,
            unknown_columns: BTreeSet::new(),
            problems: Vec::new(),
            has_upstream_files: false,
            has_fork_files: false,
        }
    }

    /// Which schema the files came in.
    pub fn schema(&self) -> &'static str {
        if self.has_fork_files {
            "the openSUSE fork's schema"
        } else {
            "the upstream schema"
        }
    }

    /// Why this is no dump of MirrorBrain; `tables` are those it has, with their rows.
    pub fn refusal<'n>(&self, tables: impl Iterator<Item = (&'n str, u64)>) -> Option<String> {
        let tables: BTreeMap<&str, u64> = tables.collect();
        if tables.contains_key(INTERMEDIATE) {
            return Some(format!(
                "it has the openSUSE fork's intermediate schema (table {INTERMEDIATE}), which is \
                 not known here; finish the fork's migration to the tables files and server_files"
            ));
        }
        let names: Vec<&str> = tables.keys().copied().collect();
        if !tables.contains_key("server") {
            let has = if names.is_empty() {
                "no table at all".to_owned()
            } else {
                format!("only {}", names.join(", "))
            };
            return Some(format!(
                "it is no dump of MirrorBrain: there is no table server, but {has}"
            ));
        }
        if self.mirrors.is_empty() && !self.has_upstream_files && !self.has_fork_files {
            return Some(
                "it has no mirrors and no files; was it made with --schema-only?".to_owned(),
            );
        }
        None
    }

    fn error(row: &Row<'_>, problem: String) -> AdminError {
        AdminError::Dump(DumpError::Syntax {
            line: row.line,
            problem,
        })
    }

    fn problem(&mut self, mirror: &str, problem: String) {
        self.problems.push(MirrorProblem {
            mirror: mirror.to_owned(),
            problem,
        });
    }

    fn server(&mut self, row: &Row<'_>) -> Result<(), AdminError> {
        let id = row.needed_integer("id")?;
        let mut record = MirrorRecord::new(&row.text("identifier"));
        if id <= 0 {
            let problem = format!("mirror '{}' has the id {id}", record.identifier);
            return Err(Self::error(row, problem));
        }
        if self.mirrors.contains_key(&id) || !self.names.insert(record.identifier.clone()) {
            let problem = format!("mirror {id} '{}' comes a second time", record.identifier);
            return Err(Self::error(row, problem));
        }
        record.id = MirrorId(id);
        record.base_url = row.text("baseurl");
        record.ftp_url = row.text("baseurl_ftp");
        record.rsync_url = row.text("baseurl_rsync");
        let https = row.text("baseurl_https");
        // The column takes http, https and ftp alone.
        if https.to_ascii_lowercase().starts_with("https://") {
            record.further_base_urls.push(https);
        } else if !https.is_empty() {
            self.problem(
                &record.identifier,
                format!("baseurl_https '{https}' is left out"),
            );
        }
        record.enabled = row.boolean("enabled")?;
        record.alive = row.boolean("status_baseurl")?;
        record.ipv6_only = row.boolean("ipv6_only")?;
        record.country_only = row.boolean("country_only")?;
        record.region_only = row.boolean("region_only")?;
        record.as_only = row.boolean("as_only")?;
        record.prefix_only = row.boolean("prefix_only")?;
        record.region = row.text("region");
        record.country = row.text("country");
        record.other_countries = row.text("other_countries");
        record.prefix = row.text("prefix");
        record.asn = row.integer("asn")?.unwrap_or(0);
        record.scan_fpm = row.integer("scan_fpm")?.unwrap_or(0);
        record.last_scan = row.text("last_scan");
        record.latitude = row.number("lat")?;
        record.longitude = row.number("lng")?;
        record.comment = row.text("comment");
        record.operator_name = row.text("operator_name");
        record.operator_url = row.text("operator_url");
        record.public_notes = row.text("public_notes");
        record.admin = row.text("admin");
        record.admin_email = row.text("admin_email");
        let score = row.integer("score")?.unwrap_or(record.score);
        record.score = self.limited(&record.identifier, "score", score, i64::from(SCORE_MAX));
        let size = row.integer("file_maxsize")?.unwrap_or(0);
        record.file_maxsize = self.limited(&record.identifier, "file_maxsize", size, i64::MAX);
        self.mirrors.insert(id, record);
        Ok(())
    }

    /// A number from 0 to `most`; what lies beyond means the same as the limit.
    fn limited(&mut self, mirror: &str, column: &str, value: i64, most: i64) -> i64 {
        let limited = value.clamp(0, most);
        if limited != value {
            self.problem(
                mirror,
                format!("{column} {value} is taken over as {limited}"),
            );
        }
        limited
    }

    fn upstream_file(&mut self, row: &Row<'_>) -> Result<(), AdminError> {
        self.has_upstream_files = true;
        self.one_schema(row)?;
        let id = row.needed_integer("id")?;
        self.array.clear();
        row.integers("mirrors", |mirror| self.array.push(mirror))?;
        let path = row.bytes("path").unwrap_or_default();
        Ok(self.importer.file(id, path, &self.array)?)
    }

    fn fork_file(&mut self, row: &Row<'_>) -> Result<(), AdminError> {
        self.has_fork_files = true;
        self.one_schema(row)?;
        let id = row.needed_integer("id")?;
        self.importer
            .file(id, row.bytes("path").unwrap_or_default(), &[])?;
        let record = hash_record(row)?;
        let mtime = timestamp(&row.text("mtime"));
        match (row.integer("size")?, mtime) {
            (Some(size), Some(mtime)) if record != HashRecord::default() => {
                self.store_hash(id, size, mtime, record)
            }
            _ => Ok(()),
        }
    }

    fn one_schema(&self, row: &Row<'_>) -> Result<(), AdminError> {
        if self.has_upstream_files && self.has_fork_files {
            let problem = "it has files in the upstream schema (filearr) and in the openSUSE \
                           fork's (files); dump without the old ones: pg_dump -T filearr -T hash";
            return Err(Self::error(row, problem.to_owned()));
        }
        Ok(())
    }

    fn hash(&mut self, row: &Row<'_>) -> Result<(), AdminError> {
        let id = row.needed_integer("file_id")?;
        let size = row.needed_integer("size")?;
        let mtime = Timestamp(row.needed_integer("mtime")?);
        self.store_hash(id, size, mtime, hash_record(row)?)
    }

    fn store_hash(
        &mut self,
        id: i64,
        size: i64,
        mtime: Timestamp,
        record: HashRecord,
    ) -> Result<(), AdminError> {
        let version = FileVersion {
            size: u64::try_from(size).unwrap_or(0),
            mtime: mtime.0,
        };
        Ok(self.importer.hash(id, version, record)?)
    }

    /// The fork's `serverpfx`: the first network of a mirror is its main one.
    fn network(&mut self, row: &Row<'_>) -> Result<(), AdminError> {
        let id = row.needed_integer("serverid")?;
        let (prefix, asn) = (row.text("prefix"), row.integer("asn")?.unwrap_or(0));
        let Some(record) = self.mirrors.get_mut(&id) else {
            let problem = format!("the network {prefix} of no mirror is left out");
            self.problem(&format!("#{id}"), problem);
            return Ok(());
        };
        if record.prefix.is_empty() {
            record.prefix = prefix;
        } else if record.prefix != prefix && !record.further_prefixes.contains(&prefix) {
            record.further_prefixes.push(prefix);
        }
        let text = asn.to_string();
        if record.asn == 0 {
            record.asn = asn;
        } else if asn != 0 && record.asn != asn && !record.further_asns.contains(&text) {
            record.further_asns.push(text);
        }
        Ok(())
    }

    fn version(&mut self, row: &Row<'_>) -> Result<(), AdminError> {
        if !row.text("component").eq_ignore_ascii_case("mirrorbrain") {
            return Ok(());
        }
        let major = row.needed_integer("major")?;
        let minor = row.integer("minor")?.unwrap_or(0);
        let patch = row.integer("patchlevel")?.unwrap_or(0);
        let version = format!("{major}.{minor}.{patch}");
        if major != MAJOR {
            let problem = format!("it is of MirrorBrain {version}; only {MAJOR}.x is known");
            return Err(Self::error(row, problem));
        }
        self.version = Some(version);
        Ok(())
    }

    /// Stores the mirrors and puts everything in its place.
    ///
    /// # Errors
    /// [`AdminError::Db`].
    pub fn finish(mut self, at: Timestamp) -> Result<(Imported, Facts), AdminError> {
        let mut mirrors = Vec::with_capacity(self.mirrors.len());
        for record in std::mem::take(&mut self.mirrors).into_values() {
            let (mirror, problems) = record.check();
            mirrors.push(mirror);
            for problem in problems {
                self.problem(&record.identifier, problem);
            }
            self.importer.mirror(&record)?;
        }
        let facts = Facts {
            version: self.version.take(),
            schema: self.schema(),
            unknown_columns: self.unknown_columns.into_iter().collect(),
            problems: self.problems,
            https: Roster::new(mirrors).https(),
        };
        let imported = self.importer.finish(&Importer::learnt(at))?;
        Ok((imported, facts))
    }
}

/// What else there is to say of a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// `2.19.0`, when the dump says so.
    pub version: Option<String>,
    /// Which schema it has.
    pub schema: &'static str,
    /// Columns of `server` that were not taken over.
    pub unknown_columns: Vec<String>,
    /// What is wrong with mirrors.
    pub problems: Vec<MirrorProblem>,
    /// How many mirrors take https clients.
    pub https: HttpsCount,
}

fn hash_record(row: &Row<'_>) -> Result<HashRecord, DumpError> {
    let text = |column| Some(row.text(column)).filter(|text| !text.is_empty());
    let pgp = text("pgp");
    Ok(HashRecord {
        digests: Digests {
            md5: row.bytea("md5")?,
            sha1: row.bytea("sha1")?,
            sha256: row.bytea("sha256")?,
            btih: row.bytea("btih")?,
            has_pgp: pgp.is_some(),
            ..Digests::default()
        },
        pgp,
        piece_size: row.integer("sha1piecesize")?.unwrap_or(0),
        sha1_pieces: row.bytea("sha1pieces")?,
        zsync_block_size: row.integer("zblocksize")?.unwrap_or(0),
        zsync_hash_lengths: text("zhashlens"),
        zsync_sums: row.bytea("zsums")?,
        ..HashRecord::default()
    })
}

/// Tables that came in the dump and are none of those taken over.
pub fn is_taken_over(table: &str) -> bool {
    TABLES.contains(&table)
}
