//! A mirror that was well and falls ill: what tests of faults have in common.

use std::collections::BTreeSet;
use std::path::PathBuf;

use heliostat::db::content::Content;
use heliostat::db::{mirror, open_writer};
use heliostat::domain::mirror::MirrorId;

use crate::stand_in::ftpd::{Ftpd, Kind as FtpKind, Tls};
use crate::stand_in::odd_ftp::{self, Listing};
use crate::stand_in::odd_web::{Reply, index, page, status};
use crate::stand_in::rsyncd::Rsyncd;
use crate::stand_in::scan_site::{
    OLD, add_mirror, catalogue_tree, current, last_run, mirror_record, outdated, published, set,
};
use crate::stand_in::site::{TestSite, failure};
use crate::stand_in::webd::{Kind, Tree, Web};

/// The files of the site; each holds its own path.
pub const FILES: [&str; 12] = [
    "a", "b", "dir/c", "dir/d", "dir/e", "other/f", "other/g", "other/h", "top/i", "top/j",
    "top/k", "top/l",
];

/// By what the mirror is listed.
#[derive(Debug, Clone, Copy)]
pub enum By {
    /// An index page.
    Http,
    /// An FTP server.
    Ftp,
    /// A daemon.
    Rsync,
}

/// A real server of the mirror's tree; it ends with the test.
pub enum Server {
    /// nginx.
    Web(Web),
    /// ProFTPD.
    Ftp(Ftpd),
    /// rsyncd.
    Rsync(Rsyncd),
}

/// A site, and mirror `m` that a good scan has found to have everything.
pub struct Stage {
    /// The site.
    pub site: TestSite,
    /// The files that the mirror has.
    pub tree: Tree,
    /// The mirror.
    pub id: MirrorId,
    config: String,
}

impl Stage {
    /// All is well.
    pub fn new() -> Stage {
        let (site, tree) = (TestSite::new(), Tree::new());
        for path in FILES {
            site.write(path, path.as_bytes(), OLD);
            tree.write(path, path.as_bytes(), OLD);
        }
        catalogue_tree(&site);
        let id = add_mirror(&site, "m", "", |_| {});
        let config = std::fs::read_to_string(site.config()).expect("the configuration");
        let stage = Stage {
            site,
            tree,
            id,
            config,
        };
        let server = stage.serve(By::Http);
        stage.point(By::Http, &server.url());
        stage.scans();
        assert_eq!(current(&stage.site, id), set(&FILES));
        stage
    }

    /// Settings of scans from now on; none: the defaults.
    pub fn configure(&self, scan: &str) {
        let text = format!("{}[site.test.scan]\n{scan}\n", self.config);
        std::fs::write(self.site.config(), text).expect("the configuration");
    }

    /// Starts a server that is well.
    pub fn serve(&self, by: By) -> Server {
        match by {
            By::Http => Server::Web(Web::start(Kind::Nginx, &self.tree, "UTC", "")),
            By::Ftp => Server::Ftp(Ftpd::start(FtpKind::ProFtpd, Tls::None, &self.tree.path())),
            By::Rsync => Server::Rsync(self.rsyncd()),
        }
    }

    /// A daemon of the mirror's tree.
    pub fn rsyncd(&self) -> Rsyncd {
        let daemon = Rsyncd::start();
        std::fs::remove_dir(daemon.tree()).expect("it is empty");
        std::os::unix::fs::symlink(self.tree.path(), daemon.tree()).expect("a link");
        daemon
    }

    /// From now on the mirror has that URL and no other.
    pub fn point(&self, by: By, url: &str) {
        let mut record = mirror_record(&self.site, "m");
        let of = |this: bool| if this { url.to_owned() } else { String::new() };
        record.base_url = of(matches!(by, By::Http));
        record.ftp_url = of(matches!(by, By::Ftp));
        record.rsync_url = of(matches!(by, By::Rsync));
        let mut writer = open_writer(&self.site.database()).expect("the database opens");
        writer
            .transaction(|transaction| mirror::update(transaction, &record))
            .expect("the mirror is stored");
    }

    /// Reads the content that is published.
    pub fn published(&self) -> Content {
        published(&self.site, self.id).expect("it was published")
    }

    /// Current files.
    pub fn current(&self) -> BTreeSet<String> {
        current(&self.site, self.id)
    }

    /// Outdated files.
    pub fn outdated(&self) -> BTreeSet<String> {
        outdated(&self.site, self.id)
    }

    /// A scan that goes well.
    pub fn scans(&self) {
        self.site.run_ok("heliostat-scan", &["m"]);
        assert_eq!(last_run(&self.site, self.id).outcome.as_str(), "ok");
    }

    /// A scan that does not, says `expected`, and changes nothing.
    #[track_caller]
    pub fn keeps(&self, expected: &str) {
        self.keeps_trusting(expected, None);
    }

    /// The same with the certificate of an authority.
    #[track_caller]
    pub fn keeps_trusting(&self, expected: &str, authority: Option<PathBuf>) {
        let before = self.published();
        let mut command = self.site.command("heliostat-scan");
        command.args(["m", "-v"]);
        if let Some(file) = authority {
            command.env("SSL_CERT_FILE", file);
        }
        let (code, error) = failure(&command.output().expect("it starts"));
        assert!(matches!(code, Some(1 | 3)), "{code:?} {error}");
        assert!(error.contains(expected), "{error}\nwanted {expected}");
        assert_eq!(self.published(), before, "{error}");
        assert_ne!(last_run(&self.site, self.id).outcome.as_str(), "ok");
    }

    /// The mirror is well again and has lost `gone` meanwhile: that is found out, and no more.
    #[track_caller]
    pub fn recovers_without(&self, by: By, gone: &str) {
        self.configure("");
        let mut expected = self.current();
        assert!(expected.remove(gone));
        self.tree.remove(gone);
        let server = self.serve(by);
        self.point(by, &server.url());
        self.scans();
        assert_eq!(self.current(), expected);
    }
}

impl Server {
    /// URL of the tree.
    pub fn url(&self) -> String {
        match self {
            Server::Web(web) => web.url(),
            Server::Ftp(ftp) => ftp.url(),
            Server::Rsync(daemon) => daemon.url("pub"),
        }
    }
}

/// Names and sizes right in a directory of the site; directories end with a slash.
fn entries(directory: &str) -> Option<Vec<(&'static str, u64)>> {
    if directory.is_empty() {
        let files = [("a", 1), ("b", 1)];
        return Some([&[("dir/", 0), ("other/", 0), ("top/", 0)][..], &files].concat());
    }
    let prefix = format!("{directory}/");
    let files: Vec<_> = FILES
        .iter()
        .filter_map(|path| Some((path.strip_prefix(prefix.as_str())?, path.len() as u64)))
        .collect();
    (!files.is_empty()).then_some(files)
}

/// A healthy page for each directory of the site.
pub fn healthy_page(path: &str) -> Reply {
    let inner = path
        .strip_prefix("/pub/")
        .map(|path| path.trim_end_matches('/'));
    match inner.and_then(entries) {
        Some(entries) => page(index(&entries)),
        None => status("404 Not Found", ""),
    }
}

/// A healthy listing for each directory of the site.
pub fn healthy_listing(directory: &str) -> Listing {
    match entries(directory.trim_matches('/')) {
        Some(entries) => Listing::Whole(odd_ftp::list(&entries)),
        None => Listing::Refused("550 no such directory"),
    }
}
