//! Everything together.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::apache::{Apache, ApacheOptions};
use super::client::Request;
use super::exclusive::{self, Turn};
use super::mirror::{Mirror, MirrorFacts, start_rsyncd};
use super::port::free_port;
use super::process::Process;
use super::responder;
use super::site::{TestSite, eventually};

/// A time of change long ago, so that no test runs into the second in which a file was made.
pub const MTIME: u64 = 1_700_000_000;

/// Where addresses of the documentation networks are said to be.
const PLACES: &str = "\
192.0.2.0/25       de eu 52.5 13.4 64496
192.0.2.128/25     fr eu 48.9 2.4 64497
198.51.100.0/25    us na 40.7 -74.0 64498
198.51.100.128/25  br sa -23.5 -46.6 64499
203.0.113.0/25     jp as 35.7 139.7 64500
203.0.113.128/25   au oc -33.9 151.2 64501
2001:db8::/32      de eu 52.5 13.4 64496
198.18.0.0/16      it eu 41.9 12.5 -
";

/// A site with what stands around it. Parts end in the order of the fields.
pub struct Stage {
    /// The responder, unless it was ended.
    pub responder: Option<Process>,
    apache: Option<Apache>,
    rsyncd: Option<Process>,
    /// The mirrors.
    pub mirrors: Vec<Mirror>,
    rsync_port: u16,
    /// Tree, database, configuration.
    pub site: TestSite,
    _turn: Turn,
}

impl Stage {
    /// An empty tree; `more` is appended to the site's configuration.
    pub fn new(more: &str) -> Stage {
        Stage::take(more, exclusive::shared())
    }

    /// The same, while no other test is on stage: for those that measure time.
    pub fn alone(more: &str) -> Stage {
        Stage::take(more, exclusive::alone())
    }

    fn take(more: &str, turn: Turn) -> Stage {
        let site = TestSite::with_config(&format!("geoip = [\"geo.mmdb\"]\n{more}"));
        // Apache's own user must get in.
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(site.path(""), open).expect("our own folder");
        let table = site.path("places.txt");
        std::fs::write(&table, PLACES).expect("a table");
        make_mmdb(&table, &site.path("geo.mmdb"));
        Stage {
            responder: None,
            apache: None,
            rsyncd: None,
            mirrors: Vec::new(),
            rsync_port: free_port(),
            site,
            _turn: turn,
        }
    }

    /// Writes a file of `size` bytes that differ from file to file, changed at [`MTIME`].
    pub fn file(&self, path: impl AsRef<std::ffi::OsStr>, size: usize) -> Vec<u8> {
        let path = PathBuf::from(path.as_ref());
        let mut state = path
            .as_os_str()
            .as_encoded_bytes()
            .iter()
            .fold(1u32, |sum, byte| {
                sum.wrapping_mul(31).wrapping_add(u32::from(*byte))
            });
        let content: Vec<u8> = (0..size)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        self.site.write(&path, &content, MTIME);
        content
    }

    /// Adds a mirror that has what the tree has now.
    pub fn mirror(&mut self, name: &'static str, place: [&'static str; 2]) -> &mut Mirror {
        self.mirror_with(MirrorFacts {
            name,
            country: place[0],
            region: place[1],
            more: &[],
        })
    }

    /// The same, with all that can be told about it.
    pub fn mirror_with(&mut self, facts: MirrorFacts) -> &mut Mirror {
        let mirror = Mirror::new(&self.site.path(""), facts);
        mirror.sync(&self.site.tree());
        self.mirrors.push(mirror);
        self.mirrors.last_mut().expect("it was pushed")
    }

    /// The mirror of that name.
    pub fn mirror_named(&self, name: &str) -> &Mirror {
        let mirror = self.mirrors.iter().find(|mirror| mirror.facts.name == name);
        mirror.expect("a mirror of the test")
    }

    /// Indexes the tree, makes the mirrors known and scans them.
    pub fn learn(&mut self) {
        self.index();
        self.rsyncd = Some(start_rsyncd(
            &self.site.path(""),
            self.rsync_port,
            &self.mirrors,
        ));
        for mirror in &self.mirrors {
            let arguments = mirror.arguments(self.rsync_port);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            self.site.run_ok("heliostat", &arguments);
        }
        self.scan();
    }

    /// Brings the catalogue up to the tree.
    pub fn index(&self) {
        self.site.run_ok("heliostat-index", &[]);
    }

    /// Scans all mirrors, and enables them.
    pub fn scan(&self) {
        let names = self.mirrors.iter().map(|mirror| mirror.facts.name);
        let arguments: Vec<&str> = ["-e"].into_iter().chain(names).collect();
        self.site.run_ok("heliostat-scan", &arguments);
    }

    /// Everything: index, mirrors, scan, responder, Apache.
    pub fn play(&mut self) {
        self.learn();
        self.start();
    }

    /// Waits until a file is redirected: the responder has seen the newest database.
    pub fn until_redirected(&self, path: &str) {
        eventually(&format!("{path} is redirected"), || {
            self.get(path).send().status == 302
        });
    }

    /// Starts responder and Apache.
    pub fn start(&mut self) {
        self.start_with(&ApacheOptions::default());
    }

    /// Starts both, Apache with other options.
    pub fn start_with(&mut self, options: &ApacheOptions) {
        self.start_responder();
        self.start_apache(options);
    }

    /// Starts the responder, in place of the one that runs.
    pub fn start_responder(&mut self) {
        self.start_responder_under(&[]);
    }

    /// The same, as an argument of another program.
    pub fn start_responder_under(&mut self, wrapper: &[&str]) {
        self.responder = None;
        self.responder = Some(responder::start(&self.site, wrapper));
    }

    /// Lets Apache's group read the database: its user runs the responder then.
    fn open_database_to_apache(&self) {
        let database = self.site.database().display().to_string();
        if !rustix::process::geteuid().is_root() || !self.site.database().exists() {
            return;
        }
        let files = ["", "-wal", "-shm"].map(|end| format!("{database}{end}"));
        let there = files.iter().filter(|file| Path::new(file).exists());
        let status = Command::new("chgrp").arg("www-data").args(there).status();
        assert!(status.expect("chgrp").success(), "{database}");
    }

    /// Starts Apache, in place of the one that runs.
    pub fn start_apache(&mut self, options: &ApacheOptions) {
        self.apache = None;
        if options.shipped.contains("fcgid") {
            self.open_database_to_apache();
        }
        let mirrors: Vec<(u16, PathBuf)> = self
            .mirrors
            .iter()
            .map(|mirror| (mirror.http_port, mirror.folder.clone()))
            .collect();
        self.apache = Some(Apache::start(&self.site.path(""), options, &mirrors));
    }

    /// Apache.
    pub fn apache(&self) -> &Apache {
        self.apache.as_ref().expect("Apache was started")
    }

    /// A request to the host with Heliostat; the path is encoded already.
    pub fn get(&self, path: impl AsRef<[u8]>) -> Request {
        Request::get(self.apache().port, path)
    }

    /// A request to the host without.
    pub fn plain(&self, path: impl AsRef<[u8]>) -> Request {
        Request::get(self.apache().plain_port, path)
    }

    /// The requests that a mirror got so far: status, bytes of the body, path.
    pub fn asked_of(&self, name: &str) -> Vec<(u16, u64, String)> {
        let port = self.mirror_named(name).http_port;
        let log = self.site.path(&format!("mirror-{port}.log"));
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let line = |line: &str| {
            let mut words = line.splitn(3, ' ');
            let status = words.next()?.parse().ok()?;
            Some((
                status,
                words.next()?.parse().ok()?,
                words.next()?.to_owned(),
            ))
        };
        text.lines().filter_map(line).collect()
    }

    /// Makes a mirror known that has what the named one has, at another address.
    pub fn twin(&self, of: &str, name: &str, base_url: &str) {
        let mirror = self.mirror_named(of);
        let mut arguments = mirror.arguments(self.rsync_port);
        arguments[1] = name.to_owned();
        arguments[3] = base_url.to_owned();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.site.run_ok("heliostat", &arguments);
        self.site.run_ok("heliostat-scan", &["-e", name]);
    }

    /// Apache's access log so far.
    pub fn access_log(&self) -> String {
        let bytes = std::fs::read(self.site.path("access.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Makes a GeoIP database by the script that is shipped.
fn make_mmdb(table: &Path, output: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/make-mmdb");
    let status = Command::new(script).arg(table).arg(output).status();
    let status = status.expect("Python is installed; `scripts/test` does it");
    assert!(status.success(), "make-mmdb: {status}");
}

impl Drop for Stage {
    /// A test that failed shows what the programs said.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for log in ["apache.out", "error.log", "fcgi.log"] {
            let text = std::fs::read_to_string(self.site.path(log)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let last = &lines[lines.len().saturating_sub(15)..];
            eprintln!("--- {log}\n{}", last.join("\n"));
        }
    }
}
