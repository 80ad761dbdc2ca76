//! The recorded site: its database, its tree, and what is known of a request from the two alone.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde::Deserialize;

use super::law::{Law, Place, Question, Ranked, Ranking};
use super::recording::{Recording, bytes, latin1};
use super::site::fixture;
use crate::stand_in::fcgi_client::percent_decoded;
use crate::stand_in::site::{TestSite, set_mtime};

/// The ports of the recorded server: the site behind each, and the name of its host.
pub const HOSTS: [(u16, &str, &str); 3] = [
    (8080, "main", "mb.example.org"),
    (8443, "tls", "mb.example.org"),
    (8082, "link", "link.example.org"),
];
/// Words of a suffix or a query argument that ask for a document.
const DOCUMENTS: [&str; 11] = [
    "meta4",
    "metalink",
    "mirrorlist",
    "torrent",
    "zsync",
    "magnet",
    "md5",
    "sha1",
    "sha256",
    "btih",
    "yumlist",
];

/// Tables of the dump and the configuration.
pub struct Sample {
    /// Tree, configuration, database.
    pub site: TestSite,
    files: HashMap<Vec<u8>, Vec<i64>>,
    law: Law,
    config: Config,
    linked: PathBuf,
}

/// A row of a table: columns by their names.
type Row = BTreeMap<String, String>;

/// The question of a client, before any module of ours or of MirrorBrain's sees it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The site.
    pub site: &'static str,
    /// `GET`.
    pub method: String,
    /// Decoded, without dot segments and double slashes.
    pub path: String,
    /// Decoded arguments, names in lower case.
    pub query: BTreeMap<String, String>,
    /// Scheme and host as the server calls itself.
    pub origin: String,
    /// The same without the suffix of a document.
    pub file: String,
    /// The path below the tree, links resolved; none when it is no file of the tree.
    pub real: Option<String>,
    /// Whether the path leads to a file outside of the tree.
    pub is_outside: bool,
    /// Whether it is not even of the sample, but of the machine that was recorded.
    pub is_foreign: bool,
    /// Whether the path is a directory of the tree.
    pub is_directory: bool,
    /// Whether it is one with a document's suffix.
    pub is_suffixed_directory: bool,
    /// The key by which URLs are signed.
    pub stamp_key: Option<String>,
    /// The directory of a list for yum.
    pub repository: Option<String>,
    /// Whether the vhost has rules for yum, so that MirrorBrain refuses every other query.
    pub has_yum: bool,
    /// Mirrors as MirrorBrain ranks them.
    pub theirs: Ranking,
    /// Mirrors as Heliostat does.
    pub ours: Ranking,
}

/// The recorded configuration in our terms, as far as it decides.
#[derive(Debug, Deserialize)]
struct Config {
    site: BTreeMap<String, Site>,
}

#[derive(Debug, Deserialize)]
struct Site {
    #[serde(default)]
    directory: Vec<Directory>,
    #[serde(default)]
    yum: Vec<Yum>,
}

#[derive(Debug, Deserialize)]
struct Directory {
    path: String,
    redirect_stamp_key: Option<String>,
    #[serde(default)]
    fallbacks: Vec<Fallback>,
}

#[derive(Debug, Deserialize)]
struct Fallback {
    region: String,
    country: String,
    url: String,
}

#[derive(Debug, Deserialize)]
struct Yum {
    arguments: Vec<String>,
    directory: String,
    marker: String,
}

/// A file of the folder: as named, or compressed with xz.
pub fn file_of(oracle: &Path, name: &str) -> PathBuf {
    let plain = oracle.join(name);
    if plain.exists() {
        plain
    } else {
        oracle.join(format!("{name}.xz"))
    }
}

fn lines(file: &Path) -> impl Iterator<Item = Vec<u8>> {
    let raw = std::fs::File::open(file);
    let raw = raw.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let is_compressed = file.extension().is_some_and(|suffix| suffix == "xz");
    let text: Box<dyn BufRead> = match is_compressed {
        true => Box::new(BufReader::new(liblzma::read::XzDecoder::new(raw))),
        false => Box::new(BufReader::new(raw)),
    };
    text.split(b'\n').map(|line| line.expect("a line"))
}

impl Sample {
    /// Tree, configuration and database of the folder; `programs` has our programs.
    pub fn build(oracle: &Path, recordings: &[Recording]) -> Sample {
        use std::os::unix::fs::PermissionsExt;
        let site = TestSite::new();
        let root = site.path("");
        // Apache's processes do not run as root.
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&root, open).expect("the folder's mode");
        let root = root
            .to_str()
            .expect("a plain path")
            .trim_end_matches('/')
            .to_owned();
        for line in lines(&file_of(oracle, "tree.tsv")).skip(1) {
            add_to_tree(&site, &root, &line);
        }
        let linked = site.path("treelink");
        std::os::unix::fs::symlink("tree", &linked).expect("the linked root");
        for outside in ["outside/out.bin", "o"] {
            sparse(&site.path(outside), 50_000, 1_400_000_000);
        }
        let dump = file_of(oracle, "mirrorbrain-dump.sql");
        let (rows, files) = tables(&dump);
        let text = configuration(&site, recordings).replace("@ROOT@", &root);
        std::fs::write(site.config(), &text).expect("the configuration");
        let sample = Sample {
            law: Law::start(&rows),
            config: toml::from_str(&text).expect("the configuration"),
            site,
            files,
            linked,
        };
        for recording in recordings {
            sample.fill(recording);
        }
        sample
    }

    /// A file that was sent whole has the recorded bytes.
    fn fill(&self, recording: &Recording) {
        let Some(answer) = &recording.answer else {
            return;
        };
        let (method, target, _) = recording.line();
        let is_whole = answer.status == 200 && method == "GET" && !recording.truncated;
        if !is_whole || answer.header("ETag").is_none() {
            return;
        }
        let Ok(file) = self.on_disk(&path_of(&target)).canonicalize() else {
            return;
        };
        let root = self.site.path("").canonicalize().expect("the folder");
        if !file.starts_with(&root) {
            // A link to a file of this machine.
            return;
        }
        let known = file.metadata().expect("a file");
        let content = bytes(&answer.body);
        if known.is_file() && known.len() == content.len() as u64 {
            let time = known.modified().expect("a time");
            std::fs::write(&file, content).expect("the content");
            let open = std::fs::File::options()
                .write(true)
                .open(&file)
                .expect("the file");
            open.set_modified(time).expect("its time");
        }
    }

    fn on_disk(&self, path: &str) -> PathBuf {
        let mut file = self.site.tree().into_os_string();
        file.push(OsStr::from_bytes(&bytes(path)));
        file.into()
    }

    /// Gives the question of a recording, and the mirrors that the law gives.
    pub fn asked(&mut self, recording: &Recording) -> Asked {
        let (method, target, _) = recording.line();
        let host = HOSTS.iter().find(|(port, ..)| *port == recording.port);
        let (_, site, name) = *host.unwrap_or_else(|| panic!("no host of port {}", recording.port));
        let path = path_of(&target);
        let query = query_of(&target);
        let named = if self.on_disk(&path).is_file() {
            path.clone()
        } else {
            without_suffix(&path)
        };
        let file = self.on_disk(&named);
        let tree = self.site.tree().canonicalize().expect("the tree");
        let found = file.canonicalize().ok().filter(|file| file.is_file());
        let below = found
            .as_ref()
            .and_then(|file| file.strip_prefix(&tree).ok());
        let mut real = below.map(|path| latin1(path.as_os_str().as_bytes()));
        let root = self.site.path("").canonicalize().expect("the folder");
        let repository = self.repository(site, &query);
        if let Some((directory, marker)) = &repository {
            real = Some(format!("{directory}/{marker}"));
        }
        let mut asked = Asked {
            site,
            method,
            query,
            origin: origin(recording, &target, name),
            is_outside: found.is_some() && below.is_none(),
            is_foreign: found.as_ref().is_some_and(|file| !file.starts_with(&root)),
            is_directory: self.on_disk(&path).is_dir(),
            is_suffixed_directory: named != path && self.on_disk(&named).is_dir(),
            stamp_key: None,
            repository: repository.map(|(directory, _)| directory),
            has_yum: !self.config.site[site].yum.is_empty(),
            theirs: Ranking::default(),
            ours: Ranking::default(),
            file: named,
            real,
            path,
        };
        self.rank(recording, &mut asked);
        asked
    }

    fn rank(&mut self, recording: &Recording, asked: &mut Asked) {
        let Some(real) = asked.real.clone() else {
            return;
        };
        let mut fallbacks = Vec::new();
        for directory in &self.config.site[asked.site].directory {
            if real.starts_with(&format!("{}/", directory.path)) {
                asked.stamp_key.clone_from(&directory.redirect_stamp_key);
                let known = directory.fallbacks.iter();
                fallbacks.extend(
                    known.map(|one| (one.region.clone(), one.country.clone(), one.url.clone())),
                );
            }
        }
        let size = self
            .on_disk(&format!("/{real}"))
            .metadata()
            .map_or(0, |known| known.len());
        let mut question = Question {
            ids: self.files.get(&bytes(&real)).cloned().unwrap_or_default(),
            size,
            client: place(recording, &asked.query),
            fallbacks,
        };
        asked.theirs = self.law.ask(&question);
        // Deliberate differences: AS 0 is none, and a client of https is not sent to http.
        let is_known = |asn: &String| asn != "0";
        let told = recording.header("X-Test-ASN");
        question.client.asn = question
            .client
            .asn
            .filter(is_known)
            .or(told)
            .filter(is_known);
        question.client.https = asked.site == "tls";
        asked.ours = self.law.ask(&question);
    }

    /// Directory and marker of the rule for yum that fits the arguments.
    fn repository(&self, site: &str, query: &BTreeMap<String, String>) -> Option<(String, String)> {
        self.config.site[site].yum.iter().find_map(|rule| {
            let mut directory = rule.directory.clone();
            for (at, argument) in rule.arguments.iter().enumerate() {
                let (name, mask) = argument.split_once('=').expect("name and expression");
                let value = query.get(name)?;
                let mask = Regex::new(&format!("^(?:{mask})$")).expect("an expression");
                if !mask.is_match(value) {
                    return None;
                }
                directory = directory.replace(&format!("${}", at + 1), value);
            }
            Some((directory, rule.marker.clone()))
        })
    }

    /// The mirrors of which one is drawn for a client without coordinates.
    pub fn first_group(&mut self, path: &str, headers: &[(String, String)]) -> Vec<Ranked> {
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: mb.example.org\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let recording = Recording {
            name: path.to_owned(),
            what: String::new(),
            port: HOSTS[0].0,
            v6: false,
            truncated: false,
            request: request.into_bytes(),
            answer: None,
            faults: Vec::new(),
        };
        self.asked(&recording)
            .ours
            .groups
            .into_iter()
            .next()
            .unwrap_or_default()
    }

    /// The shares of mirrors with these scores.
    pub fn shares(&mut self, scores: &[u32]) -> Vec<f64> {
        self.law.shares(scores)
    }

    /// The root of the tree by its link.
    pub fn linked(&self) -> &Path {
        &self.linked
    }
}

/// The recorded configuration; header and footer of pages are taken from a page that has them.
fn configuration(site: &TestSite, recordings: &[Recording]) -> String {
    let text = with_broken_mirrors(site, recordings, fixture("heliostat.toml"));
    let pages = recordings.iter().filter(|one| one.port == 8082);
    let bodies = pages.filter_map(|one| Some(&one.answer.as_ref()?.body));
    let custom = bodies.filter_map(|body| {
        let (header, rest) = body.split_once("<div id=\"mirrorbrain-details\">")?;
        let (_, footer) = rest.split_once("</div><!-- mirrorbrain-details -->\n")?;
        (!header.contains("XHTML 1.0 Transitional")).then_some((header, footer))
    });
    let Some((header, footer)) = custom.max_by_key(|(_, footer)| footer.len()) else {
        return text;
    };
    std::fs::write(site.path("header.html"), bytes(header)).expect("the header");
    std::fs::write(site.path("footer.html"), bytes(footer)).expect("the footer");
    let place = "[site.link.rules]\n";
    assert!(text.contains(place), "heliostat.toml has no {place}");
    let more = "mirrorlist_header = \"@ROOT@/header.html\"\n\
                mirrorlist_footer = \"@ROOT@/footer.html\"\n";
    text.replace(place, &format!("{place}{more}"))
}

/// The elements of mirrors that do not work, as a recorded metalink that has no others names them.
fn with_broken_mirrors(site: &TestSite, recordings: &[Recording], text: String) -> String {
    let mut alone = recordings
        .iter()
        .filter(|one| one.header("X-Broken-Mirrors").as_deref() == Some("only"));
    let elements = alone.find_map(|one| {
        let (_, rest) = one.answer.as_ref()?.body.split_once(" elsewhere -->\n")?;
        Some(rest.split_once("</file>")?.0.trim().to_owned())
    });
    let Some(elements) = elements else {
        return text;
    };
    std::fs::write(site.path("broken-mirrors.inc"), bytes(&elements)).expect("the elements");
    let place = "[site.main.metalink]\n";
    assert!(text.contains(place), "heliostat.toml has no {place}");
    let more = "broken_test_mirrors = \"@ROOT@/broken-mirrors.inc\"\n";
    text.replace(place, &format!("{place}{more}"))
}

/// Rows of `server`, and the ids of mirrors for each path.
fn tables(dump: &Path) -> (Vec<Row>, HashMap<Vec<u8>, Vec<i64>>) {
    let (mut rows, mut files) = (Vec::new(), HashMap::new());
    let mut columns: Vec<String> = Vec::new();
    let mut table = String::new();
    for line in lines(dump) {
        if let Some(head) = line.strip_prefix(b"COPY public.") {
            let head = String::from_utf8(head.to_vec()).expect("a statement");
            let (name, rest) = head.split_once(" (").expect("columns");
            let names = rest.split(')').next().unwrap_or_default();
            columns = names.split(", ").map(str::to_owned).collect();
            name.clone_into(&mut table);
        } else if line == b"\\." {
            table.clear();
        } else if table == "server" || table == "filearr" {
            let fields: Vec<_> = line.split(|byte| *byte == b'\t').map(unescaped).collect();
            assert_eq!(fields.len(), columns.len(), "fields of {table}");
            let row: BTreeMap<_, _> = columns.iter().cloned().zip(fields).collect();
            if table == "server" {
                rows.push(row);
            } else {
                let ids = row["mirrors"].trim_matches(['{', '}']);
                let ids = ids.split(',').filter(|id| !id.is_empty());
                let ids = ids.map(|id| id.parse().expect("a number")).collect();
                files.insert(bytes(&row["path"]), ids);
            }
        }
    }
    assert!(
        !rows.is_empty() && !files.is_empty(),
        "{}: no mirrors or files",
        dump.display()
    );
    (rows, files)
}

/// A field of COPY; NULL is an empty text here.
fn unescaped(field: &[u8]) -> String {
    if field == b"\\N" {
        String::new()
    } else {
        latin1(field).replace("\\\\", "\\")
    }
}

fn add_to_tree(site: &TestSite, root: &str, line: &[u8]) {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b'\t').collect();
    let [kind, path, size, mtime, target] = fields[..] else {
        panic!("tree.tsv: {}", latin1(line));
    };
    let number = |field: &[u8]| latin1(field).parse().expect("a number of tree.tsv");
    let path = site.tree().join(OsStr::from_bytes(path));
    let parent = path.parent().expect("a parent");
    std::fs::create_dir_all(parent).expect("directories");
    match kind {
        b"d" => std::fs::create_dir_all(&path).expect("a directory"),
        b"l" => {
            let target = bytes(&latin1(target).replace("@ROOT@", root));
            std::os::unix::fs::symlink(OsStr::from_bytes(&target), &path).expect("a link");
        }
        b"f" => sparse(&path, number(size), number(mtime)),
        _ => panic!("tree.tsv: {}", latin1(line)),
    }
}

fn sparse(path: &Path, size: u64, mtime: u64) {
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
    let file = std::fs::File::create(path).expect("a file");
    file.set_len(size).expect("a hole");
    set_mtime(path, mtime);
}

/// The path of a target as Apache makes it: decoded, without dot segments and double slashes.
pub fn path_of(target: &str) -> String {
    let path = target.split('?').next().unwrap_or_default();
    let path = path.split_once("://").map_or(path, |(_, rest)| {
        rest.find('/').map_or("/", |at| &rest[at..])
    });
    let decoded = latin1(&percent_decoded(&bytes(path)));
    let mut names: Vec<&str> = Vec::new();
    for name in decoded.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    let last = decoded.rsplit('/').next().unwrap_or_default();
    let end = if !names.is_empty() && matches!(last, "" | "." | "..") {
        "/"
    } else {
        ""
    };
    format!("/{}{end}", names.join("/"))
}

/// The arguments of a target's query as mod_form reads them.
pub fn query_of(target: &str) -> BTreeMap<String, String> {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let decode = |text: &str| latin1(&percent_decoded(&bytes(&text.replace('+', " "))));
    let mut arguments: BTreeMap<String, String> = BTreeMap::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let known = arguments.entry(decode(name).to_ascii_lowercase());
        let value = decode(value);
        known
            .and_modify(|known| *known = format!("{known}, {value}"))
            .or_insert_with(|| value.clone());
    }
    arguments
}

fn without_suffix(path: &str) -> String {
    match path.rsplit_once('.') {
        Some((file, suffix)) if DOCUMENTS.contains(&suffix) => file.to_owned(),
        _ => path.to_owned(),
    }
}

/// Scheme and host, `UseCanonicalName Off`.
fn origin(recording: &Recording, target: &str, name: &str) -> String {
    let absolute = target.split_once("://").map(|(_, rest)| rest);
    let absolute = absolute.map(|rest| rest.split('/').next().unwrap_or_default().to_owned());
    let host = absolute.or_else(|| recording.header("Host"));
    let host = host.unwrap_or_else(|| name.to_owned()).to_ascii_lowercase();
    let (scheme, usual) = match recording.port {
        8443 => ("https", ":443"),
        _ => ("http", ":80"),
    };
    format!("{scheme}://{}", host.strip_suffix(usual).unwrap_or(&host))
}

/// The client's place, as the recorded server's SetEnvIf lines and the query made it. Whether one
/// without an address has 127.0.0.1 or ::1 makes no difference to any mirror.
fn place(recording: &Recording, query: &BTreeMap<String, String>) -> Place {
    let told = |name: &str| recording.header(&format!("X-Test-{name}"));
    let degrees = |name: &str| told(name).map(|text| text.parse().expect("degrees"));
    let is_code =
        |text: &&String| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let digits =
        |text: &String| -> String { text.chars().take_while(char::is_ascii_digit).collect() };
    let asn = query
        .get("as")
        .map(digits)
        .filter(|digits| !digits.is_empty());
    Place {
        country: query
            .get("country")
            .filter(is_code)
            .cloned()
            .or_else(|| told("Country")),
        continent: told("Continent"),
        lat: degrees("Lat"),
        lng: degrees("Lng"),
        asn: asn.or_else(|| told("ASN")),
        ip: told("IP").unwrap_or_else(|| "127.0.0.1".to_owned()),
        https: false,
    }
}
