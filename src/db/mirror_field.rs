//! Lists the fields of a mirror, one row each, for everything that stores, shows, edits or imports
//! them.
//!
//! A new field is a column in a migration below `sql/`, a row here, and its use: `new --set`,
//! `edit`, `show`, `list --field`, JSON, the import and the statements of `db::mirror` follow.

use std::fmt;

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use super::mirror_cache::CacheRecord;
use crate::domain::cache::VersionKey;
use crate::domain::mirror::name::nearest;
use crate::domain::mirror::value::{self, ValueError};
use crate::domain::mirror::{MirrorId, MirrorKind, SCORE_DEFAULT};

/// Makes of each row a field of [`MirrorRecord`], a column of the statements and a [`Field`].
///
/// A row of `columns` reads: type and default, `[label, reader]` of what people write, `[column]`
/// of MirrorBrain's table `server`; an empty `[]` where there is none. `then FIELD` adds a field
/// over several columns.
macro_rules! mirror_fields {
    (
        columns { $(
            #[doc = $doc:literal]
            $name:ident: $type:ty = $default:expr,
                [$($label:literal, $read:path)?], [$($imported:literal)?];
            $(then $joint:ident;)?
        )+ }
        lists { $(
            #[doc = $list_doc:literal]
            $list:ident, $list_label:literal, $list_read:path;
        )+ }
        of_caches { $(
            $cache_name:literal = $cache:ident, $cache_label:literal, $cache_read:path;
        )+ }
    ) => {
        /// A mirror as stored, text as it was written.
        ///
        /// Empty strings and zero mean "none". A value that cannot be used (a prefix that is no
        /// network) is kept and shown, and `MirrorRecord::check` says what is wrong with it.
        #[derive(Debug, Clone, PartialEq)]
        pub struct MirrorRecord {
            /// Its number; 0 until it is stored.
            pub id: MirrorId,
            /// Its unique name.
            pub identifier: String,
            $(#[doc = $doc] pub $name: $type,)+
            $(#[doc = $list_doc] pub $list: Vec<String>,)+
            /// The fields that only a cache has.
            pub cache: CacheRecord,
        }

        impl MirrorRecord {
            /// A mirror of that name, switched off, everything else at its default.
            pub fn new(identifier: &str) -> MirrorRecord {
                MirrorRecord {
                    id: MirrorId(0),
                    identifier: identifier.to_owned(),
                    $($name: $default,)+
                    $($list: Vec::new(),)+
                    cache: CacheRecord::default(),
                }
            }

            /// Reads a row of [`COLUMNS`]; lists and cache are in other tables.
            pub(super) fn from_row(row: &Row<'_>) -> Result<MirrorRecord, rusqlite::Error> {
                Ok(MirrorRecord {
                    id: MirrorId(row.get("id")?),
                    identifier: row.get("identifier")?,
                    $($name: row.get(stringify!($name))?,)+
                    $($list: Vec::new(),)+
                    cache: CacheRecord::default(),
                })
            }

            /// The parameters of [`UPDATE`].
            pub(super) fn parameters(&self) -> Vec<(&'static str, &dyn ToSql)> {
                vec![
                    (":id", &self.id.0),
                    (":identifier", &self.identifier),
                    $((concat!(":", stringify!($name)), &self.$name),)+
                ]
            }
        }

        /// The columns of table `mirror`.
        pub(super) const COLUMNS: &str =
            concat!("id, identifier" $(, ", ", stringify!($name))+);

        /// Stores every column of a mirror.
        pub(super) const UPDATE: &str = concat!(
            "UPDATE mirror SET identifier = :identifier"
            $(, ", ", stringify!($name), " = :", stringify!($name))+,
            " WHERE id = :id"
        );

        /// Every field but number and name, in MirrorBrain's order, then those that it does not
        /// have.
        pub static FIELDS: &[Field] = &[
            $(
                Field {
                    label: only(&[$($label)?]),
                    name: stringify!($name),
                    imported: only(&[$($imported)?]),
                    is_of_caches: false,
                    value: Some(|record| record.$name.value()),
                    shown: |record| record.$name.value().to_string(),
                    set: only::<Set>(&[$(|record: &mut MirrorRecord, text: &str| {
                        record.$name = $read(text)?;
                        Ok(())
                    })?]),
                    put: |record, value| record.$name.put(value),
                },
                $($joint,)?
            )+
            $(Field {
                label: Some($list_label),
                name: stringify!($list),
                imported: None,
                is_of_caches: false,
                value: Some(|record| record.$list.value()),
                shown: |record| record.$list.value().to_string(),
                set: Some(|record, text| {
                    record.$list = $list_read(text)?;
                    Ok(())
                }),
                put: |record, value| record.$list.put(value),
            },)+
            $(Field {
                label: Some($cache_label),
                name: $cache_name,
                imported: None,
                is_of_caches: true,
                value: Some(|record| record.cache.$cache.value()),
                shown: |record| record.cache.$cache.value().to_string(),
                set: Some(|record, text| {
                    record.cache.$cache = $cache_read(text)?;
                    Ok(())
                }),
                put: |record, value| record.cache.$cache.put(value),
            },)+
        ];
    };
}

mirror_fields! {
    columns {
        /// Who runs it.
        operator_name: String = String::new(),
            ["operatorName", value::text], ["operator_name"];
        /// Their page.
        operator_url: String = String::new(),
            ["operatorUrl", value::text], ["operator_url"];
        /// Where clients are sent.
        base_url: String = String::new(),
            ["baseurl", value::base_url], ["baseurl"];
        /// Where it is scanned by FTP.
        ftp_url: String = String::new(),
            ["baseurlFtp", value::ftp_url], ["baseurl_ftp"];
        /// Where it is scanned by rsync.
        rsync_url: String = String::new(),
            ["baseurlRsync", value::rsync_url], ["baseurl_rsync"];
        /// Continent.
        region: String = String::new(),
            ["region", value::region], ["region"];
        /// Country, or `**`.
        country: String = String::new(),
            ["country", value::country], ["country"];
        /// Autonomous system.
        asn: i64 = 0,
            ["asn", value::asn], ["asn"];
        /// Address prefix.
        prefix: String = String::new(),
            ["prefix", value::prefix], ["prefix"];
        /// Degrees.
        latitude: Option<f64> = None,
            [], ["lat"];
        /// Degrees.
        longitude: Option<f64> = None,
            [], ["lng"];
        then COORDINATES;
        /// Only for clients of its continent.
        region_only: bool = false,
            ["regionOnly", value::flag], ["region_only"];
        /// Only for clients of its country.
        country_only: bool = false,
            ["countryOnly", value::flag], ["country_only"];
        /// Only for clients of its autonomous systems.
        as_only: bool = false,
            ["asOnly", value::flag], ["as_only"];
        /// Only for clients of its prefixes.
        prefix_only: bool = false,
            ["prefixOnly", value::flag], ["prefix_only"];
        /// Answers over IPv6 alone.
        ipv6_only: bool = false,
            ["ipv6Only", value::flag], ["ipv6_only"];
        /// Further countries that it serves.
        other_countries: String = String::new(),
            ["otherCountries", value::countries], ["other_countries"];
        /// Largest file in bytes; 0: any.
        file_maxsize: i64 = 0,
            ["fileMaxsize", value::bytes], ["file_maxsize"];
        /// Notes shown to everybody.
        public_notes: String = String::new(),
            ["publicNotes", value::text], ["public_notes"];
        /// Preference, 0 … 32767.
        score: i64 = i64::from(SCORE_DEFAULT),
            ["score", value::score], ["score"];
        /// The admin's switch.
        enabled: bool = false,
            ["enabled", value::flag], ["enabled"];
        /// The prober's switch.
        alive: bool = false,
            ["statusBaseurl", value::flag], ["status_baseurl"];
        /// Name of its admin.
        admin: String = String::new(),
            ["admin", value::text], ["admin"];
        /// Mail address of its admin.
        admin_email: String = String::new(),
            ["adminEmail", value::text], ["admin_email"];
        /// Copy or cache.
        kind: MirrorKind = MirrorKind::Mirror,
            ["kind", value::kind], [];
        /// Shown and given only to clients of its own prefixes and autonomous systems.
        private: bool = false,
            ["private", value::flag], [];
        /// The countries whose clients alone it serves; empty: all.
        only_countries: String = String::new(),
            ["onlyCountries", value::countries], [];
        /// Countries whose clients it does not serve.
        not_countries: String = String::new(),
            ["notCountries", value::countries], [];
        /// Files a minute at the last scan.
        scan_fpm: i64 = 0,
            [], ["scan_fpm"];
        /// Time of the last full scan, as text.
        last_scan: String = String::new(),
            [], ["last_scan"];
        /// Notes of the admin.
        comment: String = String::new(),
            ["comments", value::lines], ["comment"];
    }
    lists {
        /// Further base URLs, one a scheme.
        further_base_urls, "moreBaseurls", value::further_urls;
        /// Further address prefixes.
        further_prefixes, "morePrefixes", value::further_prefixes;
        /// Further autonomous systems.
        further_asns, "moreAsns", value::further_asns;
    }
    of_caches {
        "cache_ttl_s" = ttl_s, "cacheTtl", value::seconds;
        "version_key" = version_key, "versionKey", value::version_key;
        "fill_networks" = fill_networks, "fillNetworks", value::networks;
        "cache_paths" = paths, "cachePaths", value::path_patterns;
        "cache_exclude" = exclude, "cacheExclude", value::path_patterns;
    }
}

/// Latitude and longitude, which people write together.
const COORDINATES: Field = Field {
    label: Some("lat,lng"),
    name: "coordinates",
    imported: None,
    is_of_caches: false,
    value: None,
    shown: |record| match (record.latitude, record.longitude) {
        (Some(latitude), Some(longitude)) => format!("{latitude},{longitude}"),
        _ => String::new(),
    },
    set: Some(|record, text| {
        (record.latitude, record.longitude) = value::coordinates(text)?.unzip();
        Ok(())
    }),
    put: |_, _| {},
};

type Set = fn(&mut MirrorRecord, &str) -> Result<(), ValueError>;

/// One field of a mirror.
pub struct Field {
    label: Option<&'static str>,
    /// The name in the database and in JSON.
    pub name: &'static str,
    /// Its column in MirrorBrain's table `server`.
    pub imported: Option<&'static str>,
    is_of_caches: bool,
    value: Option<fn(&MirrorRecord) -> FieldValue>,
    shown: fn(&MirrorRecord) -> String,
    set: Option<Set>,
    put: fn(&mut MirrorRecord, FieldValue),
}

impl Field {
    /// The field that people write by that label or name, without regard to case.
    pub fn find(key: &str) -> Option<&'static Field> {
        let key = key.trim();
        Field::edited().find(|field| {
            field.label().eq_ignore_ascii_case(key) || field.name.eq_ignore_ascii_case(key)
        })
    }

    /// The label that was meant by a wrong one, if any was.
    pub fn nearest(key: &str) -> Option<&'static str> {
        nearest(Field::edited().map(Field::label), key)
    }

    /// Every field that people write.
    pub fn edited() -> impl Iterator<Item = &'static Field> {
        FIELDS.iter().filter(|field| field.set.is_some())
    }

    /// The name by which people write it: MirrorBrain's where it has one.
    pub fn label(&self) -> &'static str {
        self.label.unwrap_or(self.name)
    }

    /// Whether it says anything of a mirror of that kind.
    pub fn is_of(&self, kind: MirrorKind) -> bool {
        kind == MirrorKind::Cache || !self.is_of_caches
    }

    /// Whether the value is made of URLs of the mirror itself, which may have passwords in them.
    pub fn has_urls(&self) -> bool {
        self.label().to_ascii_lowercase().contains("baseurl")
    }

    /// The value as it is stored; `None` where other fields have it.
    pub fn value(&self, record: &MirrorRecord) -> Option<FieldValue> {
        self.value.map(|value| value(record))
    }

    /// The value on one line: a line feed is shown as `\n`.
    pub fn shown(&self, record: &MirrorRecord) -> String {
        (self.shown)(record).replace('\r', "").replace('\n', "\\n")
    }

    /// Stores a value as [`Field::shown`] writes it.
    ///
    /// # Errors
    /// Returns [`ValueError`] if the field cannot have that value.
    pub fn set(&self, record: &mut MirrorRecord, value: &str) -> Result<(), ValueError> {
        match self.set {
            Some(set) => set(record, &value.trim().replace("\\n", "\n")),
            None => Ok(()),
        }
    }

    /// Stores a value as it is, whether it can be used or not; one of another type changes nothing.
    pub fn put(&self, record: &mut MirrorRecord, value: FieldValue) {
        (self.put)(record, value);
    }
}

/// The only element, or none.
const fn only<T: Copy>(elements: &[T]) -> Option<T> {
    match elements {
        [one, ..] => Some(*one),
        [] => None,
    }
}

/// A value of any field.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// Text; a word of a closed set, too.
    Text(String),
    /// A switch.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// Degrees, if they are known.
    Degrees(Option<f64>),
    /// Several texts.
    List(Vec<String>),
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldValue::Text(text) => f.write_str(text),
            FieldValue::Flag(true) => f.write_str("True"),
            FieldValue::Flag(false) => f.write_str("False"),
            FieldValue::Number(number) => number.fmt(f),
            FieldValue::Degrees(Some(degrees)) => degrees.fmt(f),
            FieldValue::Degrees(None) => Ok(()),
            FieldValue::List(texts) => f.write_str(&texts.join(" ")),
        }
    }
}

/// A type that fields have.
trait FieldType {
    /// The value.
    fn value(&self) -> FieldValue;

    /// Takes a value of its own type.
    fn put(&mut self, value: FieldValue);
}

/// Implements [`FieldType`] for a type that is one kind of value.
macro_rules! field_type {
    ($type:ty, $kind:ident) => {
        impl FieldType for $type {
            fn value(&self) -> FieldValue {
                FieldValue::$kind(self.clone())
            }

            fn put(&mut self, value: FieldValue) {
                if let FieldValue::$kind(value) = value {
                    *self = value;
                }
            }
        }
    };
}

field_type!(String, Text);
field_type!(bool, Flag);
field_type!(i64, Number);
field_type!(Option<f64>, Degrees);
field_type!(Vec<String>, List);

/// Implements [`FieldType`] for a closed set of words.
macro_rules! word_type {
    ($type:ty) => {
        impl FieldType for $type {
            fn value(&self) -> FieldValue {
                FieldValue::Text(self.as_str().to_owned())
            }

            fn put(&mut self, value: FieldValue) {
                if let FieldValue::Text(word) = value
                    && let Some(value) = <$type>::from_word(&word)
                {
                    *self = value;
                }
            }
        }
    };
}

word_type!(MirrorKind);
word_type!(VersionKey);

impl ToSql for MirrorKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for MirrorKind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<MirrorKind> {
        Ok(MirrorKind::from_word(value.as_str()?).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::open::Queryable;
    use crate::db::open_writer;

    #[test]
    fn each_column_is_a_field_and_each_label_stands_once() {
        let folder = tempfile::tempdir().expect("folder");
        let writer = open_writer(&folder.path().join("t.sqlite")).expect("open");
        let mut statement = writer
            .sqlite()
            .prepare("SELECT name FROM pragma_table_info('mirror') ORDER BY name")
            .expect("SQL");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        let stored: Vec<String> = rows.collect::<Result<_, _>>().expect("names");
        let mut columns: Vec<&str> = COLUMNS.split(", ").collect();
        columns.sort_unstable();
        assert_eq!(stored, columns);
        let mut labels: Vec<&str> = FIELDS.iter().map(Field::label).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), FIELDS.len());
    }

    #[test]
    fn what_was_put_is_what_is_there() {
        let mut record = MirrorRecord::new("m");
        for field in FIELDS {
            let value = match field.value(&record) {
                Some(FieldValue::Text(_)) if field.name == "kind" => {
                    FieldValue::Text("cache".into())
                }
                Some(FieldValue::Text(_)) if field.name == "version_key" => {
                    FieldValue::Text("path".into())
                }
                Some(FieldValue::Text(_)) => FieldValue::Text("any".into()),
                Some(FieldValue::Flag(flag)) => FieldValue::Flag(!flag),
                Some(FieldValue::Number(number)) => FieldValue::Number(number + 1),
                Some(FieldValue::Degrees(_)) => FieldValue::Degrees(Some(1.5)),
                Some(FieldValue::List(_)) => FieldValue::List(vec!["any".into()]),
                None => continue,
            };
            field.put(&mut record, value.clone());
            assert_eq!(field.value(&record), Some(value.clone()), "{}", field.name);
            let other = match value {
                FieldValue::Flag(_) => FieldValue::Number(7),
                _ => FieldValue::Flag(false),
            };
            field.put(&mut record, other);
            assert_eq!(field.value(&record), Some(value), "{}", field.name);
        }
        assert_eq!(Field::nearest("coordinate"), None);
        assert!(Field::find("last_scan").is_none(), "people do not write it");
        assert!(Field::find(" BASE_URL ").is_some());
    }
}
