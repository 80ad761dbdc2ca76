//! HTTPS: HTTP/2 where it is offered, gzip, certificates of the system's own list, and redirects
//! from http.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use heliostat::domain::mirror::MirrorId;

use crate::stand_in::folder::temporary_folder;
use crate::stand_in::odd_web::{OddWeb, status};
use crate::stand_in::port::free_port;
use crate::stand_in::scan_site::{OLD, add_mirror, catalogue_tree, current, published, set};
use crate::stand_in::site::{TestSite, failure};
use crate::stand_in::webd::{Kind, Tree, Web};

const FILES: [&str; 3] = ["a", "dir/b", "dir/c"];

fn openssl(folder: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    command
        .args(arguments.split_whitespace())
        .current_dir(folder);
    let output = command
        .output()
        .expect("openssl is installed by scripts/test");
    assert!(output.status.success(), "{arguments}: {output:?}");
}

/// A certificate for 127.0.0.1 that is good until then, of an authority that is made with the
/// first; as nginx is told of it.
fn certificate(folder: &Path, name: &str, until: &str) -> String {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a file");
    if !folder.join("authority.pem").exists() {
        openssl(
            folder,
            "req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=Authority \
             -keyout authority.key -out authority.pem",
        );
        write(
            "ca.conf",
            "[ca]\ndefault_ca=one\n[one]\ndatabase=index\nnew_certs_dir=.\nserial=serial\n\
             default_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n",
        );
        write("san", "subjectAltName=IP:127.0.0.1\n");
    }
    write("index", "");
    openssl(
        folder,
        &format!(
            "req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout {name}.key -out {name}.csr"
        ),
    );
    openssl(
        folder,
        &format!(
            "ca -batch -config ca.conf -create_serial -notext -cert authority.pem \
             -keyfile authority.key -startdate 20200101000000Z -enddate {until} -extfile san \
             -in {name}.csr -out {name}.pem"
        ),
    );
    let folder = folder.display();
    format!("ssl_certificate {folder}/{name}.pem; ssl_certificate_key {folder}/{name}.key;")
}

struct Stage {
    site: TestSite,
    tree: Tree,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Stage {
        let (site, tree) = (TestSite::new(), Tree::new());
        for path in FILES {
            site.write(path, path.as_bytes(), OLD);
            tree.write(path, path.as_bytes(), OLD);
        }
        catalogue_tree(&site);
        let folder = temporary_folder();
        Stage { site, tree, folder }
    }

    /// nginx with TLS, and its access log.
    fn start(&self, name: &str, until: &str) -> (Web, String, PathBuf) {
        let port = free_port();
        let certificate = certificate(self.folder.path(), name, until);
        let log = self.folder.path().join(format!("{name}.log"));
        let more = format!(
            "listen 127.0.0.1:{port} ssl http2; {certificate} gzip on;\naccess_log {};",
            log.display()
        );
        let web = Web::start(Kind::Nginx, &self.tree, "UTC", &more);
        (web, format!("https://127.0.0.1:{port}/pub/"), log)
    }

    fn add(&self, name: &str, url: &str) -> MirrorId {
        add_mirror(&self.site, name, "", |mirror| {
            mirror.base_url = url.to_owned()
        })
    }

    fn scan(&self, name: &str) -> Output {
        let mut command = self.site.command("heliostat-scan");
        command
            .arg(name)
            .env("SSL_CERT_FILE", self.folder.path().join("authority.pem"));
        command.output().expect("it starts")
    }
}

#[test]
fn a_mirror_with_tls_is_listed_over_http_2_and_a_redirect_to_it_is_followed() {
    let stage = Stage::new();
    let (_web, url, log) = stage.start("good", "20990101000000Z");
    let id = stage.add("tls", &url);
    let output = stage.scan("tls");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(current(&stage.site, id), set(&FILES));
    let lines = std::fs::read_to_string(&log).expect("the access log");
    assert!(lines.contains("GET /pub/dir/ HTTP/2.0"), "{lines}");

    let odd = OddWeb::start(move |asked| {
        let to = url.replace("/pub/", &asked.path);
        status("301 Moved", &format!("Location: {to}\r\n"))
    });
    let id = stage.add("http", &odd.url());
    let output = stage.scan("http");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(current(&stage.site, id), set(&FILES));
    // Only the first page was asked for without TLS.
    assert_eq!(odd.asked(), ["/pub/"]);
}

#[test]
fn a_certificate_that_is_over_or_unknown_fails_the_scan() {
    let stage = Stage::new();
    let (_web, url, _) = stage.start("over", "20210101000000Z");
    let id = stage.add("over", &url);
    let (code, error) = failure(&stage.scan("over"));
    assert_eq!(code, Some(1));
    assert!(
        error.contains("TLS fails (its certificate has expired)"),
        "{error}"
    );
    assert!(published(&stage.site, id).is_none());
    let (_web, url, _) = stage.start("good", "20990101000000Z");
    stage.add("unknown", &url);
    let (code, error) = failure(&stage.site.run("heliostat-scan", &["unknown"]));
    assert_eq!(code, Some(1));
    assert!(
        error.contains("TLS fails (its certificate is issued by an authority that is unknown"),
        "{error}"
    );
}
