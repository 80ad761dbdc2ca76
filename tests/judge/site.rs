//! The recorded site from the facts in `tests/fixtures/conformance`: its mirrors, the files that
//! cases are about, and the three vhosts.

use std::path::Path;

use heliostat::db::content::ContentOrigin;
use heliostat::db::hash::{Digests, HashRecord};
use heliostat::db::import::{ForeignFileId, ImportCounts, Importer};
use heliostat::db::mirror::MirrorRecord;
use heliostat::db::{self, open::Transaction};
use heliostat::domain::file::FileVersion;
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;

use crate::stand_in::fcgi_client::{Request, percent_decoded};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::{TestSite, eventually, set_mtime};

/// Time of the import; any will do.
const IMPORTED_AT: Timestamp = Timestamp(1_700_000_000);

/// A table of tab-separated values with a line of names.
pub struct Table<'t> {
    columns: Vec<&'t str>,
    rows: Vec<Vec<&'t str>>,
}

impl<'t> Table<'t> {
    /// Takes a text apart.
    pub fn parse(text: &'t str) -> Table<'t> {
        let mut lines = text.lines().map(|line| line.split('\t').collect());
        Table {
            columns: lines.next().expect("a line of names"),
            rows: lines.collect(),
        }
    }

    /// A look-up by name for each row.
    pub fn rows(&self) -> impl Iterator<Item = impl Fn(&str) -> &'t str> {
        self.rows.iter().map(|row| {
            |name: &str| {
                let place = self.columns.iter().position(|known| *known == name);
                row[place.unwrap_or_else(|| panic!("no column {name}"))]
            }
        })
    }
}

/// A text of the fixtures.
pub fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/conformance");
    std::fs::read_to_string(folder.join(name)).expect("a fixture")
}

/// The recorded mirrors by number.
pub fn mirrors() -> Vec<MirrorRecord> {
    let text = fixture("mirrors.tsv");
    let table = Table::parse(&text);
    table.rows().map(mirror_record).collect()
}

fn mirror_record<'t>(column: impl Fn(&str) -> &'t str) -> MirrorRecord {
    let number = |name: &str| column(name).parse().expect("a number");
    let switch = |name: &str| column(name) == "t";
    MirrorRecord {
        id: MirrorId(number("id")),
        base_url: column("baseurl").to_owned(),
        enabled: switch("enabled"),
        alive: switch("status_baseurl"),
        region: column("region").to_owned(),
        country: column("country").to_owned(),
        asn: number("asn"),
        prefix: column("prefix").to_owned(),
        score: number("score"),
        latitude: column("lat").parse().ok(),
        longitude: column("lng").parse().ok(),
        country_only: switch("country_only"),
        region_only: switch("region_only"),
        as_only: switch("as_only"),
        prefix_only: switch("prefix_only"),
        other_countries: column("other_countries").to_owned(),
        file_maxsize: number("file_maxsize"),
        ..MirrorRecord::new(column("identifier"))
    }
}

/// Tree, database and configuration of the recorded site.
pub fn build() -> TestSite {
    let site = TestSite::new();
    let config = fixture("heliostat.toml").replace("@ROOT@", &root(&site));
    std::fs::write(site.config(), config).expect("the configuration");
    std::os::unix::fs::symlink("tree", site.path("treelink")).expect("the linked root");
    sparse(&site.path("outside/out.bin"), 50_000, 1_400_000_000);
    sparse(&site.path("o"), 50_000, 1_400_000_000);
    let text = fixture("files.tsv");
    let table = Table::parse(&text);
    for column in table.rows() {
        add_to_tree(&site, column);
    }
    let mut writer = db::open_writer(&site.database()).expect("a database");
    writer
        .transaction(|transaction| import(transaction, &table))
        .expect("the import");
    site
}

/// The responder of the recorded site, when it has read its database.
pub fn start(site: &TestSite) -> Responder {
    let responder = Responder::start(site);
    let request = Request::get("/sel/all.bin").with("HELIOSTAT_SITE", "main");
    eventually("the database is read", || {
        responder.connect().send(&request).status == 302
    });
    responder
}

/// The folder that the recorded configuration calls @ROOT@.
fn root(site: &TestSite) -> String {
    let tree = site.tree();
    let folder = tree.parent().expect("a parent");
    folder.to_str().expect("a plain path").to_owned()
}

fn add_to_tree<'t>(site: &TestSite, column: impl Fn(&str) -> &'t str) {
    let name = percent_decoded(column("path").as_bytes());
    let path = site.tree().join(bytes_as_path(&name));
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
    if column("kind") == "l" {
        let target = column("target").replace("@ROOT@", &root(site));
        std::os::unix::fs::symlink(target, path).expect("a link");
    } else {
        let number = |name: &str| column(name).parse().expect("a number");
        sparse(&path, number("size"), number("mtime"));
    }
}

fn bytes_as_path(name: &[u8]) -> &Path {
    Path::new(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name))
}

fn sparse(path: &Path, size: u64, mtime: u64) {
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
    let file = std::fs::File::create(path).expect("a file");
    file.set_len(size).expect("a hole");
    set_mtime(path, mtime);
}

/// As an import from MirrorBrain: entries without a version, mirrors with their numbers.
fn import(transaction: &Transaction<'_>, files: &Table<'_>) -> Result<ImportCounts, db::DbError> {
    let mut importer = Importer::new(transaction, false)?;
    for record in mirrors() {
        importer.mirror(&record)?;
    }
    // A file that the recorded database did not know has nothing in this column, not even `none`.
    let known = files.rows().filter(|column| !column("mirrors").is_empty());
    for (id, column) in (1..).map(ForeignFileId).zip(known) {
        let path = percent_decoded(column("path").as_bytes());
        let mirrors = ranges(column("mirrors")).into_iter().map(MirrorId);
        importer.file(id, &path, &mirrors.collect::<Vec<_>>())?;
        if !column("hash_size").is_empty() {
            let (version, record) = hashes(column);
            importer.hash(id, version, record)?;
        }
    }
    importer.finish(&ContentOrigin {
        at: IMPORTED_AT,
        by: "import".to_owned(),
        unknown_files: 0,
    })
}

fn hashes<'t>(column: impl Fn(&str) -> &'t str) -> (FileVersion, HashRecord) {
    let number = |name: &str| column(name).parse().expect("a number");
    let version = FileVersion {
        size: number("hash_size") as u64,
        mtime: number("hash_mtime"),
    };
    let has_pgp = column("pgp") == "yes";
    let record = HashRecord {
        digests: Digests {
            md5: digest(column("md5")),
            sha1: digest(column("sha1")),
            sha256: digest(column("sha256")),
            btih: digest(column("btih")),
            has_pgp,
            ..Digests::default()
        },
        pgp: has_pgp.then(|| "-----BEGIN PGP SIGNATURE-----\n".to_owned()),
        piece_size: number("piece_size"),
        sha1_pieces: digest(column("pieces")),
        zsync_block_size: number("zsync_block"),
        zsync_hash_lengths: Some(column("zsync_lengths").to_owned()).filter(|t| !t.is_empty()),
        zsync_sums: digest(column("zsync_sums")),
        ..HashRecord::default()
    };
    (version, record)
}

fn digest(hex: &str) -> Option<Vec<u8>> {
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits");
    (!hex.is_empty()).then(|| (0..hex.len()).step_by(2).map(byte).collect())
}

/// `1-3,7` → 1, 2, 3, 7
pub fn ranges(text: &str) -> Vec<i64> {
    let number = |text: &str| text.parse::<i64>().expect("a number");
    text.split(',')
        .filter(|part| *part != "none")
        .flat_map(|part| match part.split_once('-') {
            Some((first, last)) => number(first)..=number(last),
            None => number(part)..=number(part),
        })
        .collect()
}
