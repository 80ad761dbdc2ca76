//! A site of values for tests of decisions and answers: no disk, no database, no clock.

use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;

use super::{DrawFn, SiteState, Sources, WorkerContext};
use crate::config::{Config, parse};
use crate::db::DbError;
use crate::db::content::Content;
use crate::db::hash::{Digests, HashPart, HashSummary};
use crate::domain::file::{CatalogueFile, FileId, FileVersion};
use crate::domain::mirror::{Mirror, MirrorCountry, MirrorId};
use crate::domain::path::FilePath;
use crate::domain::place::{CountryCode, RegionCode};
use crate::domain::product::ProductTable;
use crate::domain::time::Timestamp;
use crate::domain::url::BaseUrl;
use crate::geoip::GeoIp;
use crate::snapshot::{Snapshot, SnapshotValues};
use crate::tree::{Location, NamedLocation, TreeProblem};

/// A name that leaves no room in a head of 1024 bytes.
pub(crate) const LONG: &str = concat!(
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.iso"
);

/// The version on the disk of every file but `small.iso`.
pub(crate) const VERSION: FileVersion = FileVersion {
    size: 10_000,
    mtime: 1_000,
};

/// Time of every request.
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000);

/// The parameters of a request unless a row says otherwise; the client is in Germany.
const USUAL: [(&str, &str); 6] = [
    ("REQUEST_METHOD", "GET"),
    ("REMOTE_ADDR", "192.0.2.1"),
    ("GEOIP_COUNTRY_CODE", "de"),
    ("GEOIP_CONTINENT_CODE", "eu"),
    ("HTTP_USER_AGENT", "test/1"),
    ("HTTP_HOST", "download.example.org"),
];

/// The catalogue's entry of a file, if there is one: an id and perhaps a version.
type Catalogued = Option<(u32, Option<FileVersion>)>;

/// Files with what the catalogue knows (id, version) and which of the mirrors 1 (Germany), 2 (USA)
/// and 3 (USA, for its country alone) have them; `bare.iso` alone has no hashes.
const FILES: [(&str, Catalogued, &[u32]); 13] = [
    ("a.iso", known(1), &[1, 2]),
    ("bare.iso", known(2), &[1, 2]),
    ("alone.iso", known(3), &[]),
    ("far.iso", known(4), &[3]),
    ("changed.iso", Some((5, Some(OLDER))), &[1]),
    ("imported.iso", Some((6, None)), &[1]),
    ("small.iso", Some((7, Some(SMALL))), &[1]),
    ("repo/repodata/repomd.xml", known(8), &[2]),
    ("dir/b.iso", known(9), &[1]),
    ("secret/c.iso", known(10), &[1]),
    (LONG, known(11), &[1]),
    ("new.iso", None, &[]),
    (".heliostat-generation", None, &[]),
];

const OLDER: FileVersion = FileVersion {
    size: 10_000,
    mtime: 900,
};
const SMALL: FileVersion = FileVersion {
    size: 10,
    mtime: 1_000,
};

const fn known(id: u32) -> Catalogued {
    Some((id, Some(VERSION)))
}

/// A problem of the file system.
pub(crate) fn problem(path: &str) -> TreeProblem {
    TreeProblem::new(path.as_ref(), Errno::IO)
}

fn located(path: &[u8]) -> Location {
    let text = std::str::from_utf8(path).expect("names of the sample are UTF-8");
    match text {
        "dir" | "repo" | "repo/repodata" | "secret" => return Location::Directory,
        "link.iso" => return Location::Outside,
        "broken.iso" => return Location::Unknown(problem("/srv/broken.iso")),
        _ => {}
    }
    let name = if text == "alias.iso" { "a.iso" } else { text };
    let file = FILES.iter().find(|(path, _, _)| *path == name);
    file.map_or(Location::Missing, |(path, _, _)| Location::File {
        path: FilePath::parse(path.as_bytes()).expect("a path"),
        version: if name == "small.iso" { SMALL } else { VERSION },
    })
}

/// The tree and the hashes; with `fails` the database cannot be read.
#[derive(Debug, Clone, Copy)]
struct ValueSources {
    fails: bool,
}

impl ValueSources {
    fn found<T>(self, value: T) -> Result<T, DbError> {
        let path = "/srv/heliostat.sqlite".into();
        match self.fails {
            true => Err(DbError::Missing { path }),
            false => Ok(value),
        }
    }
}

fn summary() -> HashSummary {
    HashSummary {
        digests: Digests {
            md5: Some(vec![1; 16]),
            sha1: Some(vec![2; 20]),
            sha256: Some(vec![3; 32]),
            sha512: Some(vec![4; 64]),
            btih: Some(vec![5; 20]),
            ..Digests::default()
        },
        piece_size: 10_000,
        pieces_bytes: 20,
        zsync_block_size: 2048,
        zsync_hash_lengths: Some("1,2,4".to_owned()),
        sums_bytes: 30,
        ..HashSummary::default()
    }
}

impl Sources for ValueSources {
    fn named(&mut self, file: &[u8]) -> NamedLocation {
        let text = String::from_utf8_lossy(file);
        match (text.strip_prefix("/srv/"), &text[..]) {
            (Some(path), _) => NamedLocation::Below(FilePath::parse(path.as_bytes())),
            (None, "/srv") => NamedLocation::Below(FilePath::parse(b"")),
            (None, "/elsewhere/x.iso") => NamedLocation::Outside { exists: true },
            (None, "/closed/x.iso" | "/closed/x.iso.md5") => {
                NamedLocation::Unknown(problem("/closed"))
            }
            (None, "/container/a.iso") => NamedLocation::Unseen,
            _ => NamedLocation::Outside { exists: false },
        }
    }

    fn locate(&mut self, path: &FilePath, _: Option<FileVersion>) -> Location {
        located(path.as_bytes())
    }

    fn directory(&mut self, path: &[u8]) -> Result<Option<Vec<u8>>, TreeProblem> {
        match located(path) {
            Location::Directory => Ok(Some(path.to_vec())),
            Location::Unknown(problem) => Err(problem),
            _ => Ok(path.is_empty().then(Vec::new)),
        }
    }

    fn digests(
        &mut self,
        _: &Snapshot,
        id: FileId,
        _: FileVersion,
    ) -> Result<Option<Digests>, DbError> {
        self.found((id.0 != 2).then(|| summary().digests))
    }

    fn hash_summary(
        &mut self,
        _: &Snapshot,
        id: FileId,
        _: FileVersion,
    ) -> Result<Option<HashSummary>, DbError> {
        self.found((id.0 != 2).then(summary))
    }

    fn short(
        &mut self,
        _: &Snapshot,
        (_, part): (FileId, HashPart),
        out: &mut Vec<u8>,
    ) -> Result<(), DbError> {
        let bytes = match part {
            HashPart::Sha1Pieces => 20,
            HashPart::ZsyncSums => 30,
            HashPart::Sha256Layer => 0,
        };
        out.resize(out.len() + bytes, 7);
        self.found(())
    }

    fn files_below(
        &mut self,
        _: &Snapshot,
        directory: &[u8],
        limit: usize,
    ) -> Result<Vec<FileId>, DbError> {
        let below = |path: &str| path.as_bytes().starts_with(directory);
        let files = FILES.iter().filter(|(path, _, _)| below(path));
        let ids = files.filter_map(|(_, known, _)| Some(FileId((*known)?.0)));
        self.found(ids.take(limit).collect())
    }

    fn written_at(&mut self) -> Option<Timestamp> {
        None
    }

    fn paths_below(
        &mut self,
        _: &Snapshot,
        directory: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, FileId)>, DbError> {
        let below = |path: &str| path.as_bytes().starts_with(directory);
        let files = FILES.iter().filter(|(path, _, _)| below(path));
        let named = files.filter_map(|(path, known, _)| {
            let id = FileId((*known)?.0);
            Some((path.as_bytes().to_vec(), id))
        });
        self.found(named.take(limit).collect())
    }

    fn end_read(&mut self) {}
}

fn mirror(id: i64, identifier: &str, (region, country): (&str, &str)) -> Mirror {
    let mut mirror = Mirror::new(identifier);
    mirror.id = MirrorId(id);
    mirror.base_url = BaseUrl::parse(&format!("http://{identifier}.example/")).ok();
    (mirror.enabled, mirror.alive) = (true, true);
    mirror.region = RegionCode::parse(region.as_bytes());
    mirror.country = CountryCode::parse(country.as_bytes())
        .map_or_else(MirrorCountry::default, MirrorCountry::Of);
    mirror
}

fn snapshot() -> Snapshot {
    let mut far = mirror(3, "far", ("na", "us"));
    far.country_only = true;
    let mirrors = vec![
        mirror(1, "near", ("eu", "de")),
        mirror(2, "usa", ("na", "us")),
        far,
    ];
    let has = |mirror: u32| {
        let files = FILES
            .iter()
            .filter(move |(_, _, has)| has.contains(&mirror));
        files
            .filter_map(|(_, known, _)| Some((*known)?.0))
            .collect()
    };
    let content = |mirror| Content {
        current: has(mirror),
        ..Content::default()
    };
    let files = FILES.iter().filter_map(|(path, known, _)| {
        let (id, version) = (*known)?;
        let id = FileId(id);
        Some((path.as_bytes().to_vec(), CatalogueFile { id, version }))
    });
    Snapshot::of_values(SnapshotValues {
        mirrors,
        files: files.collect(),
        contents: [1, 2, 3]
            .map(|id| (MirrorId(i64::from(id)), content(id)))
            .into(),
        has_hashes: true,
        repositories: Vec::new(),
        products: ProductTable::default(),
        earlier: Default::default(),
    })
}

/// The state of the database that a row of a table is tried with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    /// The database is there.
    There,
    /// There is no snapshot.
    Away,
    /// The database went away after the snapshot.
    Failing,
}

/// Keys of a site that are none of its rules.
const SITE_KEYS: [&str; 3] = ["link_mirrors", "head_bytes_max", "metalink.mirrors_max"];

/// The site with lines of `[site.a]`, or of its rules, in place of defaults.
pub(crate) fn state(settings: &str, database: Database) -> SiteState {
    let mut text = "[site.a]\ntree = \"/srv\"\ndatabase = \"/srv/x.sqlite\"\n".to_owned();
    for line in settings.lines().chain(["min_size = 100"]) {
        let is_of_site = SITE_KEYS.iter().any(|key| line.starts_with(key));
        text = format!("{text}{}{line}\n", if is_of_site { "" } else { "rules." });
    }
    text.push_str(
        "[[site.a.yum]]\narguments = [\"repo=r\"]\ndirectory = \"repo\"\n\
         marker = \"repodata/repomd.xml\"\n",
    );
    let path = Path::new("/srv/heliostat.toml");
    let text = parse(path, &text).expect("settings of a row");
    let config = Config::check(path, text).expect("settings of a row");
    SiteState {
        config: Arc::clone(&config.sites[0]),
        snapshot: (database != Database::Away).then(|| Arc::new(snapshot())),
        geoip: Arc::new(GeoIp::open(&[])),
        changed_at: Timestamp(2_000),
    }
}

/// A worker that sees the sample, and draws the same number for every mirror.
pub(crate) fn context(database: Database) -> WorkerContext {
    let draw: DrawFn = Box::new(|| 16_384);
    let fails = database == Database::Failing;
    WorkerContext::with(Box::new(ValueSources { fails }), draw, Box::new(|| NOW))
}

/// The parameters of a row, those that are usual first: the method, URL path and query of
/// `GET /path?query`, then further ones as `NAME=VALUE`.
pub(crate) fn parameters(asked: &str, further: &[&str]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (method, url) = asked.split_once(' ').unwrap_or(("GET", asked));
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let own = [
        ("REQUEST_METHOD", method),
        ("SCRIPT_NAME", path),
        ("REQUEST_URI", url),
        ("QUERY_STRING", query),
    ];
    let further = further.iter().filter_map(|text| text.split_once('='));
    let all = USUAL.into_iter().chain(own).chain(further);
    all.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect()
}
