//! The table of directives that an import understands, one row each, with the fate of each one.
//!
//! `docs/migrate.md` has the same rows; a test compares them.

use crate::admin::import::problem::{ImportProblem, Spot};

/// Where a directive may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DirectiveScope {
    /// In `<Directory>`, `<Location>` and similar sections.
    Directory,
    /// The same, and also in a host, the server and an `.htaccess`.
    Anywhere,
    /// In the server and its hosts alone.
    Server,
}

/// The fate of a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The directive becomes a key of `[site.NAME.rules]` and `[[site.NAME.directory]]`.
    Rule(&'static str),
    /// The directive becomes a key of `[site.NAME]`, or of a section below it.
    Site(&'static str),
    /// The directive stays where it is.
    Stays(&'static str),
    /// The directive is removed without a replacement.
    Gone(&'static str),
}

/// A directive that is known.
#[derive(Debug)]
pub(super) struct KnownDirective {
    pub name: &'static str,
    pub scope: DirectiveScope,
    /// Least and largest number of words that it takes.
    pub words: (usize, usize),
    pub fate: Fate,
}

/// Words of a directive that takes any number.
const ANY: usize = 1000;

const NO_POSTGRESQL: &str = "the database is a file, which `database` names";
const NO_MEMCACHED: &str = "the responder has all mirrors in its memory";
const NO_FORM: &str = "the responder reads the query itself, GET alone";
const OF_GEOIP: &str = "values that Apache sets win; `geoip` does without the module";
const NO_ASN: &str = "AS numbers come from a file of `geoip`";
const TOO_OLD: &str = "MirrorBrain itself no longer knows it";

use DirectiveScope::{Anywhere, Directory, Server};
use Fate::{Gone, Rule, Site, Stays};

const fn row(
    name: &'static str,
    scope: DirectiveScope,
    words: (usize, usize),
    fate: Fate,
) -> KnownDirective {
    KnownDirective {
        name,
        scope,
        words,
        fate,
    }
}

/// All of them.
#[rustfmt::skip]
pub(super) const KNOWN: &[KnownDirective] = &[
    row("MirrorBrainEngine", Directory, (1, 1), Rule("engine")),
    row("MirrorBrainMinSize", Anywhere, (1, 1), Rule("min_size")),
    row("MirrorBrainExcludeMimeType", Anywhere, (1, 1), Rule("exclude_mime_types")),
    row("MirrorBrainExcludeUserAgent", Anywhere, (1, 1), Rule("exclude_user_agents")),
    row("MirrorBrainExcludeNetwork", Anywhere, (1, 1), Rule("exclude_networks")),
    row("MirrorBrainExcludeIP", Anywhere, (1, 1), Rule("exclude_ips")),
    row("MirrorBrainExcludeFileMask", Directory, (1, 1), Rule("exclude_file_mask")),
    row("MirrorBrainHandleHEADRequestLocally", Anywhere, (1, 1), Rule("handle_head_locally")),
    row("MirrorBrainMetalinkTorrentAddMask", Directory, (1, 1), Rule("metalink_torrent_add_mask")),
    row("MirrorBrainFallback", Directory, (3, 3), Rule("fallbacks")),
    row("MirrorBrainRedirectStampKey", Directory, (1, 1), Rule("redirect_stamp_key")),
    row("FormGET", Anywhere, (1, 1), Rule("query")),
    row("MirrorBrainTorrentTrackerURL", Server, (1, 1), Rule("trackers")),
    row("MirrorBrainDHTNode", Server, (2, 2), Rule("dht_nodes")),
    row("MirrorBrainMetalinkMagnetLinks", Server, (1, 1), Rule("metalink_magnet_links")),
    row("MirrorBrainHashesSuppressFilenames", Server, (1, 1), Rule("hashes_suppress_filenames")),
    row("MirrorBrainMirrorlistStyleSheet", Server, (1, 1), Rule("mirrorlist_style_sheet")),
    row("MirrorBrainMirrorlistHeader", Server, (1, 1), Rule("mirrorlist_header")),
    row("MirrorBrainMirrorlistFooter", Server, (1, 1), Rule("mirrorlist_footer")),
    row("MirrorBrainMetalinkPublisher", Server, (2, 2),
        Site("metalink.publisher_name, metalink.publisher_url")),
    row("MirrorBrainMetalinkBrokenTestMirrors", Server, (1, 1),
        Site("metalink.broken_test_mirrors")),
    row("MirrorBrainYumDir", Server, (3, ANY), Site("yum")),
    row("MirrorBrainInstance", Server, (1, 1), Site("its name")),
    row("MirrorBrainDebug", Directory, (1, 1), Gone("`heliostat explain` tells every decision")),
    row("MirrorBrainDBDQuery", Server, (1, ANY), Gone("mirrors are selected by keys, not by SQL")),
    row("MirrorBrainDBDQueryHash", Server, (1, ANY), Gone("hashes are read by our own SQL")),
    row("MirrorBrainMemcached", Server, (1, 1), Gone(NO_MEMCACHED)),
    row("MirrorBrainMemcachedLifeTime", Server, (1, 1), Gone(NO_MEMCACHED)),
    row("MirrorBrainMetalinkHashesPathPrefix", Server, (1, 1), Gone(TOO_OLD)),
    row("MirrorBrainGeoIPFile", Server, (1, 1), Gone(TOO_OLD)),
    row("MirrorBrainHandleDirectoryIndexLocally", Anywhere, (1, 1), Gone(TOO_OLD)),
    row("FormPOST", Anywhere, (1, 1), Gone(NO_FORM)),
    row("FormDelim", Anywhere, (1, 1), Gone(NO_FORM)),
    row("FormMaxSize", Anywhere, (1, 1), Gone(NO_FORM)),
    row("DBDriver", Server, (1, 1), Gone(NO_POSTGRESQL)),
    row("DBDParams", Server, (1, 1), Gone(NO_POSTGRESQL)),
    row("DBDMin", Server, (1, 1), Gone(NO_POSTGRESQL)),
    row("DBDMax", Server, (1, 1), Gone(NO_POSTGRESQL)),
    row("DBDKeep", Server, (1, 1), Gone(NO_POSTGRESQL)),
    row("DBDExptime", Server, (1, 1), Gone(NO_POSTGRESQL)),
    row("DBDPersist", Server, (1, 1), Gone(NO_POSTGRESQL)),
    row("MemcacheServer", Server, (1, ANY), Gone(NO_MEMCACHED)),
    row("GeoIPEnable", Anywhere, (1, 1), Stays(OF_GEOIP)),
    row("GeoIPDBFile", Server, (1, 2), Stays(OF_GEOIP)),
    row("GeoIPOutput", Server, (1, ANY), Stays(OF_GEOIP)),
    row("GeoIPEnableUTF8", Server, (1, 1), Stays(OF_GEOIP)),
    row("GeoIPScanProxyHeaders", Server, (1, 1), Stays(OF_GEOIP)),
    row("GeoIPScanProxyHeaderField", Server, (1, 1), Stays(OF_GEOIP)),
    row("GeoIPUseFirstXForwardedForIP", Server, (1, 1), Stays(OF_GEOIP)),
    row("GeoIPUseLastXForwardedForIP", Server, (1, 1), Stays(OF_GEOIP)),
    row("GeoIPUseFirstNonPrivateXForwardedForIP", Server, (1, 1), Stays(OF_GEOIP)),
    row("GeoIPEnableHostnameLookups", Server, (1, 1), Stays(OF_GEOIP)),
    row("MaxMindDBEnable", Anywhere, (1, 1), Stays(OF_GEOIP)),
    row("MaxMindDBFile", Anywhere, (2, 2), Site("geoip")),
    row("MaxMindDBEnv", Anywhere, (2, 2), Stays(OF_GEOIP)),
    row("MaxMindDBNetworkEnv", Anywhere, (2, 2), Stays(OF_GEOIP)),
    row("MaxMindDBSetNotes", Anywhere, (1, 1), Stays(OF_GEOIP)),
    row("ASLookup", Anywhere, (1, 1), Gone(NO_ASN)),
    row("ASLookupDebug", Anywhere, (1, 1), Gone(NO_ASN)),
    row("ASLookupQuery", Server, (1, ANY), Gone(NO_ASN)),
    row("ASSetHeaders", Anywhere, (1, 1), Gone(NO_ASN)),
    row("ASIPEnvvar", Server, (1, 1), Gone(NO_ASN)),
    row("ASIPHeader", Server, (1, 1), Gone(NO_ASN)),
];

/// Beginnings of names that belong to MirrorBrain and its neighbours, in lower case.
const FAMILIES: [&str; 3] = ["mirrorbrain", "zrkadlo", "maxminddb"];

/// Modules of MirrorBrain and its neighbours: a part of a configuration that is read alone is
/// believed to have them.
pub(super) const MODULES: &[&str] = &[
    "mirrorbrain_module",
    "form_module",
    "dbd_module",
    "geoip_module",
    "maxminddb_module",
    "asn_module",
    "memcache_module",
    "autoindex_mb_module",
];

/// Modules that go; the last is replaced by Apache's own.
pub(super) const GONE_MODULES: [&str; 5] = [
    "mirrorbrain_module",
    "form_module",
    "asn_module",
    "memcache_module",
    "autoindex_mb_module",
];

/// The row of a directive, by its name in lower case.
pub(super) fn known(name: &str) -> Option<&'static KnownDirective> {
    KNOWN.iter().find(|row| row.name.eq_ignore_ascii_case(name))
}

/// Whether a name without a row is MirrorBrain's or a neighbour's.
pub(super) fn is_of_family(name: &str) -> bool {
    FAMILIES.iter().any(|family| name.starts_with(family))
}

impl KnownDirective {
    /// Whether it is MirrorBrain's own, or of a module that it alone needs.
    pub fn goes(&self) -> bool {
        let is_own = self.name.starts_with("MirrorBrain") || self.name.starts_with("Form");
        is_own || matches!(self.fate, Fate::Gone(_))
    }

    /// Refuses words that Apache would refuse.
    pub fn check(&self, spot: &Spot, words: &[String]) -> Result<(), ImportProblem> {
        let (least, most) = self.words;
        if (least..=most).contains(&words.len()) {
            return Ok(());
        }
        let takes = match (least, most) {
            (1, 1) => "one word".to_owned(),
            (least, ANY) => format!("at least {least} words"),
            (least, most) if least == most => format!("{least} words"),
            (least, most) => format!("{least} to {most} words"),
        };
        let (name, count) = (self.name, words.len());
        Err(ImportProblem::new(
            spot,
            format!("{name} takes {takes}, and has {count}; correct it, or put it in quotes"),
        ))
    }

    /// The cell of `docs/migrate.md`.
    #[cfg(test)]
    pub fn cell(&self) -> String {
        match self.fate {
            Rule(key) => format!("`{key}` in `rules` or `directory`"),
            Site("its name") => "the name of the site".to_owned(),
            Site(keys) => {
                let keys: Vec<String> = keys.split(", ").map(|key| format!("`{key}`")).collect();
                keys.join(", ")
            }
            Stays(why) => format!("stays in Apache: {why}"),
            Gone(why) => format!("not carried over, because {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rule::RawRules;

    #[test]
    fn the_document_has_each_directive() {
        let page = include_str!("../../../../docs/migrate.md");
        let rows: Vec<String> = KNOWN
            .iter()
            .map(|row| format!("| `{}` | {} |", row.name, row.cell()))
            .collect();
        let missing: Vec<&String> = rows
            .iter()
            .filter(|row| !page.lines().any(|line| line == row.as_str()))
            .collect();
        assert!(missing.is_empty(), "docs/migrate.md lacks:\n{missing:#?}");
    }

    #[test]
    fn rules_are_keys_of_the_configuration() {
        for row in KNOWN {
            if let Fate::Rule(key) = row.fate {
                assert!(
                    RawRules::KEYS.iter().any(|known| known.name == key),
                    "{key}"
                );
            }
        }
    }
}
