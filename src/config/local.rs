//! `local_header` and `local_prefix`: how the web server is told to serve a file itself; `origin`:
//! where clients are sent that no mirror gets, on a front end without the tree.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::key::{ConfigProblem, Problem};
use crate::domain::url_parts::UrlParts;

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
    /// The text before a file's path: the tree, or nginx's internal location.
    pub prefix: Vec<u8>,
    /// Whether the server decodes the value: nginx and lighttpd do; mod_xsendfile 0.12 takes the
    /// bytes as they are, and later ones do with `XSendFileUnescape Off`.
    pub is_encoded: bool,
}

/// The origin of a site without a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginConfig {
    /// Base URL in place of this host's, without a slash at its end.
    pub base_url: String,
    /// Age of the database from which on files that were new in it are sent to the origin.
    pub age_max: Duration,
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

/// Checks the origin beside the tree: a site has one of both.
pub(super) fn check_origin(
    origin: &str,
    tree: &Path,
    age_max_s: u64,
) -> Result<Option<OriginConfig>, ConfigProblem> {
    let has_tree = !tree.as_os_str().is_empty();
    if origin.is_empty() {
        return match has_tree {
            true => Ok(None),
            false => Err(ConfigProblem::new(Problem::Missing, "write its path").below("tree")),
        };
    }
    if has_tree {
        let why = "a site has a tree or an origin, not both";
        let remedy = "remove `tree` on a front end without the files, else `origin`";
        return Err(ConfigProblem::unusable(why, remedy).below("origin"));
    }
    let is_plain = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}?#@".contains(c);
    let parts = UrlParts::of(origin);
    let parts = parts.filter(|parts| matches!(parts.scheme, "http" | "https"));
    if parts.is_none_or(|parts| parts.authority.is_empty()) || !origin.chars().all(is_plain) {
        let why = format!("'{origin}' is no URL of a host");
        let remedy = "write one such as https://origin.example.org/";
        return Err(ConfigProblem::unusable(why, remedy).below("origin"));
    }
    Ok(Some(OriginConfig {
        base_url: origin.trim_end_matches('/').to_owned(),
        age_max: Duration::from_secs(age_max_s),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_has_a_tree_or_an_origin() {
        let found = |origin, tree| check_origin(origin, Path::new(tree), 60);
        for (origin, tree, expected) in [
            ("https://o.test/", "", Some("https://o.test")),
            ("http://o.test:8080/pub", "", Some("http://o.test:8080/pub")),
            ("", "/srv", None),
        ] {
            let base = found(origin, tree).expect("a value").map(|o| o.base_url);
            assert_eq!(base.as_deref(), expected, "{origin} {tree}");
        }
        for (origin, tree, key) in [
            ("", "", "tree"),
            ("https://o.test/", "/srv", "origin"),
            ("o.test", "", "origin"),
            ("ftp://o.test/", "", "origin"),
            ("https://", "", "origin"),
            ("https://o.test/?x", "", "origin"),
            ("https://u:p@o.test/", "", "origin"),
            ("https://o.test/a b", "", "origin"),
            ("https://o.test/\r\nX: y", "", "origin"),
        ] {
            assert_eq!(
                found(origin, tree).expect_err("refused").key,
                key,
                "{origin}"
            );
        }
    }
}
