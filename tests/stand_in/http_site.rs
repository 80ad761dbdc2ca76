//! Makes the site that tests of scans over HTTP share: the same tree for a mirror, and answers.

use heliostat::domain::mirror::MirrorId;

use super::odd_web::{Reply, index, page, status};
use super::scan_site::{OLD, add_mirror, catalogue_tree};
use super::site::TestSite;
use super::webd::Tree;

/// The files of the site.
pub const FILES: [&str; 6] = ["a", "b", "dir/c", "dir/d", "other/e", "other/f"];

/// A site with six files, and a mirror's tree with the same.
pub fn site_and_tree(config: &str) -> (TestSite, Tree) {
    let (site, tree) = (TestSite::with_config(config), Tree::new());
    for path in FILES {
        site.write(path, path.as_bytes(), OLD);
        tree.write(path, path.as_bytes(), OLD);
    }
    catalogue_tree(&site);
    (site, tree)
}

/// Stores a mirror that is listed over HTTP alone.
pub fn add(site: &TestSite, name: &str, url: &str) -> MirrorId {
    add_mirror(site, name, "", |mirror| mirror.base_url = url.to_owned())
}

/// A file whose content is its path.
pub fn file(path: &str) -> Reply {
    let fields = "Content-Type: application/octet-stream\r\n\
                  Last-Modified: Sun, 09 Sep 2001 01:46:40 GMT\r\n";
    Reply::Whole("200 OK", fields.to_owned(), path.to_owned())
}

/// From now on mirror `m` is asked there.
pub fn set_url(site: &TestSite, url: &str) {
    site.run_ok(
        "heliostat",
        &["edit", "m", "--set", &format!("baseurl={url}")],
    );
}

/// A healthy answer for each directory of the site, and for each of its files.
pub fn healthy(path: &str) -> Reply {
    let below = path.strip_prefix("/pub/").unwrap_or_default();
    if FILES.contains(&below) {
        return file(below);
    }
    match path {
        "/pub/" => page(index(&[("dir/", 0), ("other/", 0), ("a", 1), ("b", 1)])),
        "/pub/dir/" => page(index(&[("c", 5), ("d", 5)])),
        "/pub/other/" => page(index(&[("e", 7), ("f", 7)])),
        _ => status("404 Not Found", ""),
    }
}
