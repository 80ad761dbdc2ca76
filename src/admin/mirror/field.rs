//! The fields of a mirror: one table for `show`, `edit` and `--set`.
//!
//! Labels and order are MirrorBrain's (`mb show`), then come the fields that it does not have.

use super::value;
use crate::db::mirror::MirrorRecord;
use crate::domain::mirror::MirrorKind;
use crate::domain::name::nearest;

type Get = fn(&MirrorRecord) -> String;
type Set = fn(&mut MirrorRecord, &str) -> Result<(), value::ValueProblem>;

/// One field as people see and write it.
pub struct Field {
    /// MirrorBrain's name.
    pub label: &'static str,
    /// The name in the database and in JSON.
    pub name: &'static str,
    get: Get,
    set: Set,
}

impl Field {
    /// The field of that label or name, without regard to case.
    pub fn find(key: &str) -> Option<&'static Field> {
        let key = key.trim();
        FIELDS.iter().find(|field| {
            field.label.eq_ignore_ascii_case(key) || field.name.eq_ignore_ascii_case(key)
        })
    }

    /// The label that was meant by a wrong one, if any was.
    pub fn nearest(key: &str) -> Option<&'static str> {
        nearest(FIELDS.iter().map(|field| field.label), key)
    }

    /// Whether it says anything of a mirror of that kind.
    pub fn is_of(&self, kind: MirrorKind) -> bool {
        kind == MirrorKind::Cache || !OF_CACHES.contains(&self.name)
    }

    /// The value on one line: a line feed is shown as `\n`.
    pub fn shown(&self, record: &MirrorRecord) -> String {
        (self.get)(record).replace('\r', "").replace('\n', "\\n")
    }

    /// Stores a value as [`Field::shown`] writes it.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn set(&self, record: &mut MirrorRecord, value: &str) -> Result<(), value::ValueProblem> {
        (self.set)(record, &value.trim().replace("\\n", "\n"))
    }
}

macro_rules! field {
    ($label:literal, $name:ident, $read:path) => {
        Field {
            label: $label,
            name: stringify!($name),
            get: |record| record.$name.to_string(),
            set: |record, text| {
                record.$name = $read(text)?;
                Ok(())
            },
        }
    };
}

macro_rules! of_cache {
    ($label:literal, $name:literal, $field:ident, $read:path) => {
        Field {
            label: $label,
            name: $name,
            get: |record| record.cache.$field.to_string(),
            set: |record, text| {
                record.cache.$field = $read(text)?;
                Ok(())
            },
        }
    };
}

macro_rules! flag {
    ($label:literal, $name:ident) => {
        Field {
            label: $label,
            name: stringify!($name),
            get: |record| if record.$name { "True" } else { "False" }.to_owned(),
            set: |record, text| {
                record.$name = value::flag(text)?;
                Ok(())
            },
        }
    };
}

macro_rules! list {
    ($label:literal, $name:ident, $read:path) => {
        Field {
            label: $label,
            name: stringify!($name),
            get: |record| record.$name.join(" "),
            set: |record, text| {
                record.$name = $read(text)?;
                Ok(())
            },
        }
    };
}

/// Fields that only caches have.
const OF_CACHES: [&str; 5] = [
    "cache_ttl_s",
    "version_key",
    "fill_networks",
    "cache_paths",
    "cache_exclude",
];

/// Every field that can be edited, without the name and the comment.
pub static FIELDS: [Field; 34] = [
    field!("operatorName", operator_name, value::text),
    field!("operatorUrl", operator_url, value::text),
    field!("baseurl", base_url, value::base_url),
    field!("baseurlFtp", ftp_url, value::ftp_url),
    field!("baseurlRsync", rsync_url, value::rsync_url),
    field!("region", region, value::region),
    field!("country", country, value::country),
    field!("asn", asn, value::asn),
    field!("prefix", prefix, value::prefix),
    Field {
        label: "lat,lng",
        name: "coordinates",
        get: |record| match (record.latitude, record.longitude) {
            (Some(latitude), Some(longitude)) => format!("{latitude},{longitude}"),
            _ => String::new(),
        },
        set: |record, text| {
            let place = value::coordinates(text)?;
            (record.latitude, record.longitude) = place.unzip();
            Ok(())
        },
    },
    flag!("regionOnly", region_only),
    flag!("countryOnly", country_only),
    flag!("asOnly", as_only),
    flag!("prefixOnly", prefix_only),
    flag!("ipv6Only", ipv6_only),
    field!("otherCountries", other_countries, value::countries),
    field!("fileMaxsize", file_maxsize, value::bytes),
    field!("publicNotes", public_notes, value::text),
    field!("score", score, value::score),
    flag!("enabled", enabled),
    flag!("statusBaseurl", alive),
    field!("admin", admin, value::text),
    field!("adminEmail", admin_email, value::text),
    Field {
        label: "kind",
        name: "kind",
        get: |record| record.kind.as_str().to_owned(),
        set: |record, text| {
            record.kind = value::kind(text)?;
            Ok(())
        },
    },
    flag!("private", private),
    list!("moreBaseurls", further_base_urls, value::further_urls),
    list!("morePrefixes", further_prefixes, value::further_prefixes),
    list!("moreAsns", further_asns, value::further_asns),
    of_cache!("cacheTtl", "cache_ttl_s", ttl_s, value::seconds),
    Field {
        label: "versionKey",
        name: "version_key",
        get: |record| record.cache.version_key.as_str().to_owned(),
        set: |record, text| {
            record.cache.version_key = value::version_key(text)?;
            Ok(())
        },
    },
    of_cache!(
        "fillNetworks",
        "fill_networks",
        fill_networks,
        value::networks
    ),
    of_cache!("cachePaths", "cache_paths", paths, value::path_patterns),
    of_cache!(
        "cacheExclude",
        "cache_exclude",
        exclude,
        value::path_patterns
    ),
    Field {
        label: "comments",
        name: "comment",
        get: |record| record.comment.clone(),
        set: |record, text| {
            record.comment = text.to_owned();
            Ok(())
        },
    },
];
