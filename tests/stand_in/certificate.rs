//! Certificates by `openssl`: an authority of the test's own, and what it signs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::folder::temporary_folder;

/// An authority; its files are removed with it.
pub struct Authority {
    folder: tempfile::TempDir,
}

const CONFIG: &str = "\
[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
";

/// The options of `openssl req` for a server's key and name.
const NEW_KEY: [&str; 9] = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-keyout",
    "leaf.key",
    "-subj",
    "/CN=leaf",
];

impl Authority {
    /// A new one.
    pub fn new() -> Authority {
        let folder = temporary_folder();
        std::fs::write(folder.path().join("ca.conf"), CONFIG).expect("a file");
        std::fs::write(folder.path().join("index.txt"), "").expect("a file");
        std::fs::write(folder.path().join("serial"), "1000\n").expect("a file");
        let authority = Authority { folder };
        // A name of its own, whatever folder is for temporary files.
        let folder = authority.folder.path().file_name().expect("it is not /");
        let name = format!("/CN={}", folder.display());
        authority.openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-days",
            "30",
            "-subj",
            &name,
        ]);
        authority
    }

    /// Its certificate, for `SSL_CERT_FILE`.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A server for that host (`DNS:name` or `IP:address`), whose certificate was valid for 90 days
    /// and expires in so many days; negative ones are past.
    pub fn server(&self, name: &str, days: i64) -> Arc<ServerConfig> {
        self.server_within(name, days - 90, days)
    }

    /// The same with a certificate that is valid from one day to another, counted from now.
    pub fn server_within(&self, name: &str, from: i64, to: i64) -> Arc<ServerConfig> {
        let extension = format!("subjectAltName={name}");
        let mut request = vec!["req"];
        request.extend(NEW_KEY);
        request.extend(["-out", "leaf.csr", "-addext", &extension]);
        self.openssl(&request);
        let (start, end) = (stamp(from), stamp(to));
        self.openssl(&[
            "ca",
            "-batch",
            "-notext",
            "-config",
            "ca.conf",
            "-cert",
            "ca.pem",
            "-keyfile",
            "ca.key",
            "-startdate",
            &start,
            "-enddate",
            &end,
            "-in",
            "leaf.csr",
            "-out",
            "leaf.pem",
        ]);
        self.config()
    }

    /// A server for that host with a self-signed certificate. `openssl req -x509` makes it
    /// an authority unless it is told otherwise, and both kinds are common.
    pub fn self_signed(&self, name: &str, is_authority: bool) -> Arc<ServerConfig> {
        let extension = format!("subjectAltName={name}");
        let constraint = match is_authority {
            true => "basicConstraints=critical,CA:TRUE",
            false => "basicConstraints=critical,CA:FALSE",
        };
        let mut request = vec!["req", "-x509", "-days", "9"];
        request.extend(NEW_KEY);
        request.extend([
            "-out", "leaf.pem", "-addext", &extension, "-addext", constraint,
        ]);
        self.openssl(&request);
        self.config()
    }

    fn config(&self) -> Arc<ServerConfig> {
        let read = |name: &str| std::fs::read(self.folder.path().join(name)).expect("a file");
        let chain = CertificateDer::from_pem_slice(&read("leaf.pem")).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(&read("leaf.key")).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![chain], key)
            .expect("a key that fits");
        Arc::new(config)
    }

    fn openssl(&self, arguments: &[&str]) {
        run_in(self.folder.path(), arguments);
    }
}

fn run_in(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("openssl is installed (scripts/needs.sh)");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments:?}: {said}");
}

/// `20260102030405Z`, so many days from now.
fn stamp(days: i64) -> String {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    let at = now.as_secs() as i64 + days * 86_400 + 3600;
    let text = heliostat::domain::time::Timestamp(at).to_string();
    text.replace(['-', ':', 'T'], "")
}
