//! `local_header` and `local_prefix`: how the web server is told to serve a file itself.

use std::path::{Path, PathBuf};

use crate::domain::key::{ConfigProblem, Problem};

/// The web servers, by how they are told to serve a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalKind {
    /// mod_xsendfile takes the file's name.
    Apache,
    /// The file's name, encoded.
    Lighttpd,
    /// A URL path of an internal location.
    Nginx,
}

/// How the web server is told to serve a file itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDelivery {
    /// `X-Sendfile`, `X-LIGHTTPD-send-file` or `X-Accel-Redirect`.
    pub header: String,
    /// Which web server.
    pub kind: LocalKind,
    /// What a file's path is appended to: the tree, or nginx's internal location.
    pub prefix: Vec<u8>,
    /// Whether the server decodes the value: nginx and lighttpd do; mod_xsendfile 0.12 takes the
    /// bytes as they are, and later ones do with `XSendFileUnescape Off`.
    pub is_encoded: bool,
}

pub(super) fn check_local(
    header: &str,
    prefix: &str,
    tree: &Path,
) -> Result<LocalDelivery, ConfigProblem> {
    let header = header.to_owned();
    let kind = match header.to_ascii_lowercase().as_str() {
        "x-sendfile" => LocalKind::Apache,
        "x-lighttpd-send-file" => LocalKind::Lighttpd,
        "x-accel-redirect" => LocalKind::Nginx,
        _ => {
            let remedy =
                "use X-Sendfile (Apache), X-LIGHTTPD-send-file or X-Accel-Redirect (nginx)";
            let unknown = Problem::UnknownWord { value: header };
            return Err(ConfigProblem::new(unknown, remedy).below("local_header"));
        }
    };
    let prefix = if prefix.is_empty() {
        if kind == LocalKind::Nginx {
            let why = "nginx needs the internal location, e.g. \"/.heliostat-local\"";
            return Err(ConfigProblem::unusable(why, "").below("local_prefix"));
        }
        let tree: PathBuf = tree.components().collect();
        tree.as_os_str().as_encoded_bytes().to_vec()
    } else {
        prefix.trim_end_matches('/').as_bytes().to_vec()
    };
    Ok(LocalDelivery {
        header,
        kind,
        prefix,
        is_encoded: kind != LocalKind::Apache,
    })
}
