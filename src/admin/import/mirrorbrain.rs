//! Imports MirrorBrain's tables row by row: those of the upstream schema and of the openSUSE fork
//! (behaviour §5.1).

use std::collections::{BTreeMap, BTreeSet};

use super::dump::{DumpError, Row, RowSink, Table, timestamp};
use crate::admin::error::AdminError;
use crate::db::DbError;
use crate::db::hash::{Digests, HashRecord};
use crate::db::import::{ForeignFileId, ImportCounts, Importer, MIRRORS_MAX};
use crate::db::mirror::MirrorRecord;
use crate::db::mirror_field::{FIELDS, FieldValue};
use crate::domain::file::FileVersion;
use crate::domain::mirror::name::check_name;
use crate::domain::mirror::{MirrorId, SCORE_MAX, parse_prefix, refused_character, value};
use crate::domain::select::{HttpsCount, Roster};
use crate::domain::time::Timestamp;
use crate::domain::url::mask_password;

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

/// Columns of `server` that are no field of their own; the last comes from a patch that many
/// installed.
const FURTHER_COLUMNS: [&str; 3] = ["id", "identifier", "baseurl_https"];

/// The columns of `server` that are read.
fn server_columns() -> impl Iterator<Item = &'static str> {
    let fields = FIELDS.iter().filter_map(|field| field.imported);
    FURTHER_COLUMNS.into_iter().chain(fields)
}

/// MirrorBrain's tables and the order of their columns, for rows that do not name them.
const COLUMN_ORDERS: [(&str, &[&str]); 7] = [
    (
        "server",
        &[
            "id",
            "identifier",
            "baseurl",
            "baseurl_ftp",
            "baseurl_rsync",
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
        ],
    ),
    ("filearr", &["id", "path", "mirrors"]),
    (
        "hash",
        &[
            "file_id",
            "mtime",
            "size",
            "md5",
            "sha1",
            "sha256",
            "sha1piecesize",
            "sha1pieces",
            "btih",
            "pgp",
            "zblocksize",
            "zhashlens",
            "zsums",
        ],
    ),
    ("marker", &["id", "subtree_name", "markers"]),
    ("country", &["id", "code", "name"]),
    ("region", &["id", "code", "name"]),
    (
        "version",
        &["id", "component", "major", "minor", "patchlevel"],
    ),
];

/// Number of problems that are shown one by one; the others are only counted.
const PROBLEMS_MAX: usize = 1000;

/// Bytes of all texts of all mirrors; those of 300 mirrors with notes of 15 years take 200 KB.
const MIRROR_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Networks of one mirror.
const NETWORKS_MAX: usize = 1000;

/// A problem of one mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorProblem {
    /// Its name.
    pub mirror: String,
    /// One line.
    pub problem: String,
}

/// Passes MirrorBrain's rows to the importer.
pub struct MirrorBrain<'t> {
    importer: Importer<'t>,
    /// Mirrors wait until their networks are known, which come in a later table.
    mirrors: BTreeMap<MirrorId, MirrorRecord>,
    names: BTreeSet<String>,
    /// Mirrors without a number, which PostgreSQL would have given them.
    unnumbered: Vec<MirrorRecord>,
    /// Mirrors that cannot be imported, with the reason; any of them stops the import.
    refused: Vec<String>,
    refused_more: u64,
    /// The schema of the tables; `None` until one of them is seen.
    schema_name: Option<String>,
    /// Another one that has mirrors, too.
    second_schema: Option<String>,
    mirror_bytes: usize,
    more_problems: u64,
    array: Vec<MirrorId>,
    /// `2.19.0`, when the dump says so.
    pub version: Option<String>,
    /// Columns of `server` without a field here.
    pub unknown_columns: BTreeSet<String>,
    /// Tables whose rows name no columns, with those that they are taken for.
    assumed: BTreeMap<&'static str, String>,
    /// Problems of mirrors.
    pub problems: Vec<MirrorProblem>,
    has_upstream_files: bool,
    has_fork_files: bool,
}

impl RowSink for MirrorBrain<'_> {
    type Error = AdminError;

    fn table(&mut self, table: &Table) -> Result<bool, AdminError> {
        let (schema, name) = schema_and_name(&table.name);
        if !TABLES.contains(&name) {
            return Ok(false);
        }
        let known = self.schema_name.get_or_insert_with(|| schema.to_owned());
        if known != schema {
            return Ok(false);
        }
        if name == "server" {
            let columns = table.columns.iter().map(String::as_str);
            let unknown = columns.filter(|column| !server_columns().any(|known| known == *column));
            let room = PROBLEMS_MAX.saturating_sub(self.unknown_columns.len());
            let unknown = unknown.take(room).map(str::to_owned);
            self.unknown_columns.extend(unknown);
        }
        Ok(true)
    }

    /// A schema is MirrorBrain's when its mirrors are there; it need not be `public`.
    fn defined(&mut self, table: &str) {
        let (schema, name) = schema_and_name(table);
        if name != "server" {
            return;
        }
        match &self.schema_name {
            Some(known) if known != schema => self.second_schema = Some(schema.to_owned()),
            _ => self.schema_name = Some(schema.to_owned()),
        }
    }

    fn assumed_columns(&mut self, table: &str) -> Option<Vec<String>> {
        let name = schema_and_name(table).1;
        let (name, columns) = COLUMN_ORDERS.iter().find(|(known, _)| *known == name)?;
        self.assumed.insert(name, columns.join(", "));
        Some(columns.iter().map(|&column| column.to_owned()).collect())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), AdminError> {
        match schema_and_name(row.table()).1 {
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
                let mirror = MirrorId(row.needed_integer("server_id")?);
                let file = ForeignFileId(row.needed_integer("file_id")?);
                Ok(self.importer.pair(mirror, file)?)
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
            unnumbered: Vec::new(),
            refused: Vec::new(),
            refused_more: 0,
            schema_name: None,
            second_schema: None,
            mirror_bytes: 0,
            more_problems: 0,
            array: Vec::new(),
            version: None,
            unknown_columns: BTreeSet::new(),
            assumed: BTreeMap::new(),
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
        if let (Some(one), Some(two)) = (&self.schema_name, &self.second_schema) {
            return Some(format!(
                "the schemas {one} and {two} both have a table server; dump the one that is meant: \
                 `pg_dump -n {one} DATABASE`"
            ));
        }
        let own = self.schema_name.as_deref().unwrap_or(PUBLIC);
        let tables: BTreeMap<&str, u64> = tables
            .map(|(name, rows)| match schema_and_name(name) {
                (schema, local) if schema == own => (local, rows),
                _ => (name, rows),
            })
            .collect();
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
        let has_mirrors = !self.mirrors.is_empty() || !self.unnumbered.is_empty();
        if !has_mirrors
            && self.refused.is_empty()
            && !self.has_upstream_files
            && !self.has_fork_files
        {
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
        if self.problems.len() >= PROBLEMS_MAX {
            self.more_problems += 1;
            return;
        }
        self.problems.push(MirrorProblem {
            mirror: mirror.to_owned(),
            problem,
        });
    }

    fn server(&mut self, row: &Row<'_>) -> Result<(), AdminError> {
        let id = row.integer("id")?;
        let mut record = MirrorRecord::new(&row.text("identifier"));
        self.limit_mirrors(row)?;
        if let Some(id) = id.filter(|id| *id <= 0) {
            let problem = format!("mirror '{}' has the id {id}", record.identifier);
            return Err(Self::error(row, problem));
        }
        let is_known = id.is_some_and(|id| self.mirrors.contains_key(&MirrorId(id)));
        if is_known || !self.names.insert(record.identifier.clone()) {
            let number = id.map_or_else(String::new, |id| format!(" {id}"));
            let problem = format!("mirror{number} '{}' comes a second time", record.identifier);
            return Err(Self::error(row, problem));
        }
        record.id = MirrorId(id.unwrap_or(0));
        fill(&mut record, row)?;
        let https = row.text("baseurl_https");
        // The column takes http, https and ftp alone.
        if https.to_ascii_lowercase().starts_with("https://") {
            record.further_base_urls.push(https);
        } else if !https.is_empty() {
            let shown = mask_password(&https).escape_debug().to_string();
            let problem = format!(
                "baseurl_https '{shown}' is left out, because it does not begin with https://; \
                 `heliostat edit` sets moreBaseurls"
            );
            self.problem(&record.identifier, problem);
        }
        self.limit_coordinates(&mut record);
        let name = &record.identifier;
        record.score = self.limited(name, "score", record.score, i64::from(SCORE_MAX));
        record.file_maxsize = self.limited(name, "file_maxsize", record.file_maxsize, i64::MAX);
        if let Some(problem) = unusable(&record) {
            self.refuse(row, &record.identifier, &problem);
        }
        match id {
            Some(_) => {
                self.mirrors.insert(record.id, record);
            }
            None => self.unnumbered.push(record),
        }
        Ok(())
    }

    /// A few KB of compressed data can hold any number of rows and any length of text.
    fn limit_mirrors(&mut self, row: &Row<'_>) -> Result<(), AdminError> {
        if self.mirrors.len() + self.unnumbered.len() >= MIRRORS_MAX {
            return Err(DbError::TooManyMirrors { most: MIRRORS_MAX }.into());
        }
        let bytes = server_columns().map(|column| row.bytes(column).map_or(0, <[u8]>::len));
        self.mirror_bytes += bytes.sum::<usize>();
        if self.mirror_bytes > MIRROR_BYTES_MAX {
            let problem =
                format!("the texts of table server are longer than {MIRROR_BYTES_MAX} bytes");
            return Err(Self::error(row, problem));
        }
        Ok(())
    }

    fn refuse(&mut self, row: &Row<'_>, name: &str, problem: &str) {
        if self.refused.len() < REFUSED_NAMED_MAX {
            let line = row.line;
            let name = name.escape_debug();
            self.refused
                .push(format!("line {line}: mirror '{name}': {problem}"));
        } else {
            self.refused_more += 1;
        }
    }

    /// Leaves out coordinates that are no place on Earth.
    fn limit_coordinates(&mut self, record: &mut MirrorRecord) {
        let both = [
            ("lat", record.latitude, 90.0),
            ("lng", record.longitude, 180.0),
        ];
        let odd = both.into_iter().find_map(|(column, degrees, most)| {
            let degrees = degrees?;
            (!(-most..=most).contains(&degrees)).then_some((column, degrees, most))
        });
        let Some((column, degrees, most)) = odd else {
            return;
        };
        (record.latitude, record.longitude) = (None, None);
        self.problem(
            &record.identifier,
            format!(
                "{column} {degrees} lies not from -{most} to {most}, so it is taken over without \
                 coordinates: `heliostat update --coordinates` or `edit` sets them"
            ),
        );
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
        let id = ForeignFileId(row.needed_integer("id")?);
        let array = &mut self.array;
        array.clear();
        row.integers("mirrors", |mirror| {
            if array.len() <= MIRRORS_MAX {
                array.push(MirrorId(mirror));
            }
        })?;
        if array.len() > MIRRORS_MAX {
            return Err(DbError::TooManyMirrors { most: MIRRORS_MAX }.into());
        }
        let path = row.bytes("path").unwrap_or_default();
        Ok(self.importer.file(id, path, &self.array)?)
    }

    fn fork_file(&mut self, row: &Row<'_>) -> Result<(), AdminError> {
        self.has_fork_files = true;
        self.one_schema(row)?;
        let id = ForeignFileId(row.needed_integer("id")?);
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
        let id = ForeignFileId(row.needed_integer("file_id")?);
        let size = row.needed_integer("size")?;
        let mtime = Timestamp(row.needed_integer("mtime")?);
        self.store_hash(id, size, mtime, hash_record(row)?)
    }

    fn store_hash(
        &mut self,
        id: ForeignFileId,
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
        let id = MirrorId(row.needed_integer("serverid")?);
        let (prefix, asn) = (row.text("prefix"), row.integer("asn")?.unwrap_or(0));
        let Some(record) = self.mirrors.get_mut(&id) else {
            let problem = format!("the network {prefix} of no mirror is left out");
            self.problem(&format!("#{id}"), problem);
            return Ok(());
        };
        if record.prefix.is_empty() {
            record.prefix = prefix;
        } else if record.further_prefixes.len() >= NETWORKS_MAX {
            let name = record.identifier.clone();
            self.problem(
                &name,
                format!("more than {NETWORKS_MAX} networks: {prefix} is left out"),
            );
            return Ok(());
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
    /// [`AdminError::Refused`] names mirrors that cannot be taken over; [`AdminError::Db`].
    pub fn finish(mut self, at: Timestamp) -> Result<(ImportCounts, DumpSummary), AdminError> {
        if !self.refused.is_empty() {
            let more = match self.refused_more {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            return Err(AdminError::Refused(format!(
                "nothing is imported: {}{more}; correct them in MirrorBrain (`mb edit`, \
                 `mb rename`) and dump again",
                self.refused.join("; ")
            )));
        }
        let mut next = self.mirrors.last_key_value().map_or(0, |(id, _)| id.0);
        for mut record in std::mem::take(&mut self.unnumbered) {
            next += 1;
            record.id = MirrorId(next);
            self.mirrors.insert(record.id, record);
        }
        let mut mirrors = Vec::with_capacity(self.mirrors.len());
        for record in std::mem::take(&mut self.mirrors).into_values() {
            let (mirror, problems) = record.check();
            mirrors.push(mirror);
            for problem in problems.into_iter().chain(notices(&record)) {
                self.problem(&record.identifier, problem);
            }
            self.importer.mirror(&record)?;
        }
        let facts = DumpSummary {
            version: self.version.take(),
            schema: self.schema(),
            unknown_columns: self.unknown_columns.into_iter().collect(),
            assumed: self.assumed,
            problems: self.problems,
            more_problems: self.more_problems,
            https: Roster::new(mirrors).https(),
        };
        let imported = self.importer.finish(&Importer::origin(at))?;
        Ok((imported, facts))
    }
}

/// Facts about a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpSummary {
    /// `2.19.0`, when the dump says so.
    pub version: Option<String>,
    /// Which schema it has.
    pub schema: &'static str,
    /// Columns of `server` that were not taken over.
    pub unknown_columns: Vec<String>,
    /// Tables whose rows name no columns, with those that they are taken for.
    pub assumed: BTreeMap<&'static str, String>,
    /// Problems of mirrors.
    pub problems: Vec<MirrorProblem>,
    /// Number of further problems.
    pub more_problems: u64,
    /// How many mirrors take https clients.
    pub https: HttpsCount,
}

const PUBLIC: &str = "public";

/// Number of mirrors that a message names if they cannot be imported.
const REFUSED_NAMED_MAX: usize = 10;

/// `mirrors.server` in its parts; a name alone is in `public`.
fn schema_and_name(table: &str) -> (&str, &str) {
    table.rsplit_once('.').unwrap_or((PUBLIC, table))
}

/// Takes the columns of a row of `server` into their fields, whether the values can be used or not.
fn fill(record: &mut MirrorRecord, row: &Row<'_>) -> Result<(), DumpError> {
    for field in FIELDS {
        let (Some(column), Some(default)) = (field.imported, field.value(record)) else {
            continue;
        };
        let value = match default {
            FieldValue::Text(_) => FieldValue::Text(row.text(column)),
            FieldValue::Flag(_) => FieldValue::Flag(row.boolean(column)?),
            FieldValue::Number(default) => {
                FieldValue::Number(row.integer(column)?.unwrap_or(default))
            }
            FieldValue::Degrees(_) => FieldValue::Degrees(coordinate(row, column)?),
            FieldValue::List(_) => continue,
        };
        field.put(record, value);
    }
    Ok(())
}

/// `mb export` writes None for a place that is not known.
fn coordinate(row: &Row<'_>, column: &str) -> Result<Option<f64>, DumpError> {
    match row.bytes(column) {
        Some(b"None" | b"") => Ok(None),
        _ => row.number(column),
    }
}

/// Why a mirror cannot be imported: `heliostat new` refuses such a name, or a character must not
/// stand in a page or a header.
fn unusable(record: &MirrorRecord) -> Option<String> {
    if let Err(error) = check_name(&record.identifier) {
        return Some(error.cause.to_string());
    }
    let control = |url: &str| url.chars().find(|c| c.is_control());
    let scanned = [&record.ftp_url, &record.rsync_url].into_iter();
    let scanned = scanned.filter_map(|url| Some((url, control(url)?)));
    let shown = std::iter::once(&record.base_url).chain(&record.further_base_urls);
    let shown = shown.filter_map(|url| Some((url, refused_character(url)?)));
    shown.chain(scanned).next().map(|(url, bad)| {
        let shown = mask_password(url).escape_debug().to_string();
        format!(
            "'{}' may not stand in the URL '{shown}'",
            bad.escape_debug()
        )
    })
}

/// Notes about values whose meaning is not the apparent one, with the consequence.
fn notices(record: &MirrorRecord) -> Vec<String> {
    let mut notices = Vec::new();
    for prefix in std::iter::once(&record.prefix).chain(&record.further_prefixes) {
        let has_mask = prefix.contains('/');
        if !has_mask && !prefix.is_empty() && parse_prefix(prefix).is_some() {
            notices.push(format!(
                "prefix '{prefix}' has no mask, so it is this one address; no other client is of \
                 the mirror's network: write {prefix}/24 or what it is, if a network is meant"
            ));
        }
    }
    let country = record.country.as_str();
    if !country.is_empty() && value::country(country).is_err() {
        notices.push(format!(
            "country '{}' has not two letters, so it counts as unknown; only continent and \
             distance bring clients here: `heliostat edit` or `update --country` sets it",
            country.escape_debug()
        ));
    }
    if !record.region.is_empty() && value::region(&record.region).is_err() {
        notices.push(format!(
            "region '{}' is no continent, so it counts as unknown: `heliostat edit` or `update \
             --region` sets it",
            record.region.escape_debug()
        ));
    }
    let others = record.other_countries.split([',', ' ', ';']);
    for code in others.filter(|code| !code.is_empty() && value::country(code).is_err()) {
        notices.push(format!(
            "other country '{}' has not two letters, so it brings no clients here",
            code.escape_debug()
        ));
    }
    if record.base_url.to_ascii_lowercase().starts_with("https://") {
        notices.push("its base URL is https: clients over http are sent there, too".to_owned());
    }
    notices
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

/// Tables of the dump that are not imported.
pub fn is_taken_over(table: &str) -> bool {
    TABLES.contains(&schema_and_name(table).1)
}
