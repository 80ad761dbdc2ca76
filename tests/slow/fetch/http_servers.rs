//! The same tree behind real web servers: each is found to have the same files.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::stand_in::scan_site::{add_mirror, catalogue_tree, published, reader};
use crate::stand_in::site::{TestSite, set_mtime};
use crate::stand_in::webd::{Kind, Tree, Web};
use heliostat::db::catalogue;

/// Files in one directory.
const MANY: u32 = 5_000;

/// Files in all, about.
pub const ALL: u32 = 20_000;

/// A time that no two files of a minute share.
fn time(number: u32) -> u64 {
    1_500_000_000 + u64::from(number) * 601
}

fn odd_names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        "with space.iso",
        "100%.iso",
        "pct%20literal.iso",
        "hash#mark.iso",
        "a&b.iso",
        "query?x=1.iso",
        "quote\"s'.iso",
        "less<more>.iso",
        "plus+sign.iso",
        "co:lon.iso",
        "semi;colon.iso",
        "[brackets].iso",
        "back\\slash.iso",
        "utf-8-\u{fc}\u{4e2d}.iso",
        "tilde~.iso",
        "caret^.iso",
        "comma,.iso",
        "=equals.iso",
        "@at.iso",
        "!bang.iso",
        "a-name-that-is-so-long-that-servers-cut-it-in-what-they-show-but-not-in-the-link.tar.gz",
    ]
    .iter()
    .map(|name| name.as_bytes().to_vec())
    .collect();
    names.push(b"latin-1-\xfc\xe4.iso".to_vec());
    names
}

/// The whole tree: odd names, deep and full directories, an empty and a very large file, links.
pub fn fill(tree: &Tree) {
    for (number, name) in (0..).zip(odd_names()) {
        tree.write(
            OsStr::from_bytes(&name),
            &vec![b'x'; number],
            time(number as u32),
        );
        let inner = [b"odd ", name.as_slice(), b"/file"].concat();
        tree.write(OsStr::from_bytes(&inner), b"x", time(number as u32));
    }
    tree.write("empty", b"", time(1));
    tree.write("deep/a/b/c/d/e/f/g/h/i/j/k/file", b"deep", time(2));
    let large = tree.path().join("large.iso");
    let file = File::create(&large).expect("a file");
    file.set_len((5 << 30) + 17).expect("a sparse file");
    set_mtime(&large, time(3));
    for number in 0..MANY {
        tree.write(format!("many/file-{number:05}.deb"), b"many", time(number));
    }
    let mut number = MANY;
    'all: for directory in 0.. {
        for file in 0..60 {
            if number == ALL {
                break 'all;
            }
            let path = format!(
                "pool/{}/package-{directory}/file-{file}.deb",
                directory % 20
            );
            tree.write(path, b"pool", time(number));
            number += 1;
        }
    }
    symlink("empty", tree.path().join("link")).expect("a link");
    symlink("pool/1", tree.path().join("link-to-directory")).expect("a link");
    symlink(".", tree.path().join("deep/loop")).expect("a link");
}

/// A site with the tree that mirrors have; the indexer walks the same folder.
pub fn site_of(tree: &Tree) -> TestSite {
    let site = TestSite::new();
    std::fs::remove_dir(site.tree()).expect("it is empty");
    symlink(tree.path(), site.tree()).expect("a link");
    catalogue_tree(&site);
    site
}

/// Paths of the catalogue that a mirror does not have as current.
pub fn lacking(site: &TestSite, id: heliostat::domain::mirror::MirrorId) -> Vec<PathBuf> {
    let content = published(site, id).expect("it was published");
    let mut lacking = Vec::new();
    catalogue::for_each(&reader(site), b"", |path, file| {
        if !content.current.contains(file.id.0) {
            lacking.push(PathBuf::from(OsStr::from_bytes(path)));
        }
    })
    .expect("the catalogue");
    lacking
}

#[test]
fn all_servers_are_found_to_have_the_same_files() {
    let tree = Tree::new();
    fill(&tree);
    let site = site_of(&tree);
    let files = catalogue::count(&reader(&site)).expect("a count");
    assert!(files > u64::from(ALL), "{files}");
    let kinds = [
        Kind::ApachePlain,
        Kind::ApacheFancy,
        Kind::ApacheTable,
        Kind::Nginx,
        Kind::NginxRounded,
        Kind::NginxJson,
        Kind::NginxXml,
        Kind::Fancyindex,
        Kind::Lighttpd,
        Kind::Caddy,
        Kind::Python,
    ];
    let mirrors = kinds.map(|kind| {
        let web = Web::start(kind, &tree, "UTC", "");
        let name = format!("{kind:?}");
        let id = add_mirror(&site, &name, "", |mirror| mirror.base_url = web.url());
        (kind, web, id)
    });
    let output = site.run("heliostat-scan", &["--all", "-j", "4", "--json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let json = String::from_utf8_lossy(&output.stdout);
    let report: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    for mirror in report["mirrors"].as_array().expect("a list") {
        let number = |key: &str| mirror[key].to_string();
        // A measurement of scans reads these numbers.
        eprintln!(
            "{}: {} files, {} requests, {} s",
            mirror["identifier"],
            number("files"),
            number("requests"),
            number("took_s")
        );
    }
    for (kind, _web, id) in mirrors {
        let lacking = lacking(&site, id);
        // Python cannot deliver names that are no UTF-8, so what it lists of them has another name.
        let expected = |path: &PathBuf| kind == Kind::Python && path.to_str().is_none();
        let wrong: Vec<_> = lacking.iter().filter(|path| !expected(path)).collect();
        assert!(wrong.is_empty(), "{kind:?} lacks {wrong:?}: {json}");
    }
}
