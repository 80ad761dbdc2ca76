//! Reads base URLs of mirrors over HTTP.

use std::fmt;

use reqwest::Url;

use crate::domain::escape::{percent_decode, url_path_into};
use crate::domain::listing::PageAddress;
use crate::domain::url_parts::URL_BYTES_MAX;

/// The URL of a mirror's tree: `http[s]://[USER[:PASSWORD]@]HOST[:PORT]/PATH/`.
///
/// The URL is displayed without user and password, always with a slash at the end.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUrl {
    /// Without user and password.
    url: Url,
    login: Option<Login>,
}

/// User and password, decoded.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::fetch) struct Login {
    pub user: String,
    pub password: String,
}

/// Why a text is no HTTP URL of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HttpUrlError {
    /// The text has another form, or is no URL.
    #[error("it is not of the form http://HOST/PATH/ or https://HOST/PATH/")]
    Form,
    /// The URL has a query or a fragment, so that it names no directory.
    #[error("it has a query or a fragment, so that there is no directory to list")]
    Query,
    /// The text has a control character.
    #[error("it has a control character")]
    Control,
    /// The text is longer than any URL of a mirror.
    #[error("it is longer than {URL_BYTES_MAX} bytes")]
    TooLong,
}

impl HttpUrl {
    /// Reads a base URL.
    ///
    /// # Errors
    /// Returns [`HttpUrlError`], which never repeats the URL, because that may hold a password.
    pub fn parse(text: &str) -> Result<HttpUrl, HttpUrlError> {
        let text = text.trim();
        if text.len() > URL_BYTES_MAX {
            return Err(HttpUrlError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(HttpUrlError::Control);
        }
        let url = Url::parse(text).map_err(|_| HttpUrlError::Form)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(HttpUrlError::Query);
        }
        HttpUrl::of(url).ok_or(HttpUrlError::Form)
    }

    /// Reads the URL of a file, with its query.
    ///
    /// # Errors
    /// Returns [`HttpUrlError`] as [`HttpUrl::parse`] does.
    pub fn of_file(text: &str) -> Result<HttpUrl, HttpUrlError> {
        let url = Url::parse(text.trim()).map_err(|_| HttpUrlError::Form)?;
        HttpUrl::resource(url).ok_or(HttpUrlError::Form)
    }

    /// The URL that `Location` names in an answer of this one.
    pub fn join(&self, location: &str) -> Option<HttpUrl> {
        self.url.join(location).ok().and_then(HttpUrl::resource)
    }

    /// Host and port, without the port that belongs to the scheme.
    pub fn host_and_port(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Whether its scheme is https.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    fn of(url: Url) -> Option<HttpUrl> {
        let mut url = HttpUrl::resource(url)?;
        url.url.set_query(None);
        Some(url.with_slash())
    }

    /// Any URL that can be asked for; user and password are taken out of it.
    pub(in crate::fetch) fn resource(mut url: Url) -> Option<HttpUrl> {
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return None;
        }
        let decode = |text: &str| {
            let bytes = percent_decode(text.as_bytes());
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let login = (!url.username().is_empty() || url.password().is_some()).then(|| Login {
            user: decode(url.username()),
            password: decode(url.password().unwrap_or_default()),
        });
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
        url.set_fragment(None);
        Some(HttpUrl { url, login })
    }

    fn with_slash(mut self) -> HttpUrl {
        if !self.url.path().ends_with('/') {
            let path = format!("{}/", self.url.path());
            self.url.set_path(&path);
        }
        self
    }

    /// The directory at `path` below this one; the empty path is this one.
    pub fn directory(&self, path: &[u8]) -> HttpUrl {
        self.file(path).with_slash()
    }

    /// The directory that contains the page.
    pub fn folder(&self) -> HttpUrl {
        let mut folder = self.file(b"");
        let path = folder.url.path();
        let end = path.rfind('/').map_or(0, |end| end + 1);
        let path = path[..end].to_owned();
        folder.url.set_path(&path);
        folder
    }

    /// The base directory behind this URL, if asking for `path` below `base` led here; `None` if
    /// this URL does not end in `path`.
    pub fn above(&self, base: &HttpUrl, path: &[u8]) -> Option<HttpUrl> {
        let asked = base.directory(path);
        let folder = match self.lacks_slash_of(&asked) {
            true => self.file(b"").with_slash(),
            false => self.folder(),
        };
        let end = asked.url.path().strip_prefix(base.url.path())?;
        let tree = percent_decode(folder.url.path().as_bytes());
        let tree = tree.strip_suffix(percent_decode(end.as_bytes()).as_slice())?;
        if !tree.ends_with(b"/") {
            return None;
        }
        if end.is_empty() {
            return Some(folder);
        }
        let mut encoded = Vec::new();
        url_path_into(&mut encoded, tree);
        let mut above = folder;
        above.url.set_path(&String::from_utf8_lossy(&encoded));
        Some(above)
    }

    /// This directory and those above it, each with the decoded path from there to here.
    pub fn above_all(&self) -> Vec<(HttpUrl, Vec<u8>)> {
        let path = self.url.path();
        let ends = path.match_indices('/').map(|(at, _)| at + 1);
        let mut all: Vec<(HttpUrl, Vec<u8>)> = ends
            .map(|end| {
                let mut above = self.file(b"");
                above.url.set_path(&path[..end]);
                (above, percent_decode(&path.as_bytes()[end..]))
            })
            .collect();
        all.reverse();
        all
    }

    /// The file at `path` below this directory.
    pub fn file(&self, path: &[u8]) -> HttpUrl {
        let mut encoded = self.url.path().as_bytes().to_vec();
        url_path_into(&mut encoded, path);
        let mut url = self.url.clone();
        url.set_path(&String::from_utf8_lossy(&encoded));
        url.set_query(None);
        HttpUrl {
            url,
            login: self.login.clone(),
        }
    }

    /// This URL with a query.
    #[must_use]
    pub fn with_query(mut self, query: &str) -> HttpUrl {
        self.url.set_query(Some(query));
        self
    }

    /// Whether this is the URL of the directory `asked` without the slash at its end, whatever lies
    /// above it. Some servers remove the slash, others add it.
    fn lacks_slash_of(&self, asked: &HttpUrl) -> bool {
        let (own, asked) = (self.url.path(), asked.url.path());
        let name = |path: &str| {
            let last = path.rsplit('/').next().unwrap_or_default();
            percent_decode(last.as_bytes())
        };
        let asked = asked.strip_suffix('/').unwrap_or(asked);
        !own.ends_with('/') && !name(asked).is_empty() && name(own) == name(asked)
    }

    /// The address of a directory's index page that was asked for at `asked` and came from this
    /// URL.
    pub fn address(&self, asked: &HttpUrl) -> PageAddress {
        let authority = self.host_and_port();
        match self.lacks_slash_of(asked) {
            true => PageAddress::of_directory(&authority, self.url.path()),
            false => PageAddress::new(&authority, self.url.path()),
        }
    }

    /// Whether `other` is on the same host, whatever the scheme, and at or below this directory.
    pub fn has(&self, other: &HttpUrl) -> bool {
        let port = |url: &Url| url.port_or_known_default();
        let is_same_server = port(&self.url) == port(&other.url)
            || self.url.port().is_none() && other.url.port().is_none();
        let (own, path) = (self.url.path(), other.url.path());
        let is_inside = path.starts_with(own) || own.strip_suffix('/') == Some(path);
        self.is_same_host(other) && is_same_server && is_inside
    }

    fn is_same_host(&self, other: &HttpUrl) -> bool {
        self.url.host_str() == other.url.host_str()
    }

    pub(in crate::fetch) fn url(&self) -> &Url {
        &self.url
    }

    pub(in crate::fetch) fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    /// This URL without user and password.
    pub(in crate::fetch) fn without_login(self) -> HttpUrl {
        HttpUrl {
            login: None,
            ..self
        }
    }

    /// This URL with the user and password of `other`.
    pub(in crate::fetch) fn with_login_of(mut self, other: &HttpUrl) -> HttpUrl {
        self.login.clone_from(&other.login);
        self
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.url, f)
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reason of docs/decisions/urls-byte-for-byte.md.
    #[test]
    fn the_crate_url_rewrites_what_an_admin_writes() {
        for (written, given) in [
            ("http://m:80/pub/", "http://m/pub/"),
            ("http://M.Example.org/pub/", "http://m.example.org/pub/"),
            ("http://m/a/../pub/", "http://m/pub/"),
            ("http://m/%2e%2e/pub/", "http://m/pub/"),
            ("http://m/pub\\x/", "http://m/pub/x/"),
            ("http://192.0.513/pub/", "http://192.0.2.1/pub/"),
        ] {
            assert_eq!(Url::parse(written).expect(written).as_str(), given);
        }
        let module = Url::parse("m.example.org::pub/dir").ok();
        assert_eq!(module.as_ref().and_then(Url::host_str), None);
    }

    #[test]
    fn urls_are_read_and_passwords_are_never_shown() {
        for (text, shown, password) in [
            ("http://h/m", "http://h/m/", None),
            (" HTTPS://H:8443/a%20b/ ", "https://h:8443/a%20b/", None),
            ("http://u:p%40ss@h", "http://h/", Some("p@ss")),
            ("http://[::1]:80/m/", "http://[::1]/m/", None),
        ] {
            let url = HttpUrl::parse(text).expect(text);
            assert_eq!(url.to_string(), shown);
            let found = url.login().map(|login| login.password.as_str());
            assert_eq!(found, password);
            assert!(!format!("{url:?}").contains("p@ss") && !format!("{url:?}").contains("p%40ss"));
        }
        for (text, expected) in [
            ("", HttpUrlError::Form),
            ("ftp://h/", HttpUrlError::Form),
            ("http://", HttpUrlError::Form),
            ("h/m", HttpUrlError::Form),
            ("http://h/get?f=", HttpUrlError::Query),
            ("http://h/\nx", HttpUrlError::Control),
        ] {
            assert_eq!(HttpUrl::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn where_a_directory_was_led_to_tells_where_the_tree_lies() {
        let base = HttpUrl::parse("http://h/pub").expect("a URL");
        for (path, led_to, expected) in [
            (&b""[..], "https://cdn/x/", Some("https://cdn/x/")),
            (b"", "http://h/pub/index.html", Some("http://h/pub/")),
            (b"a b", "http://h/pub/a%20b/", Some("http://h/pub/")),
            (b"a b/c", "http://cdn/x/a%20b/c/", Some("http://cdn/x/")),
            (b"a", "http://cdn/a/", Some("http://cdn/")),
            (b"", "http://h/pub", Some("http://h/pub/")),
            (b"", "https://cdn/x/pub", Some("https://cdn/x/pub/")),
            (b"a b", "http://h/pub/a%20b", Some("http://h/pub/")),
            (b"a b", "http://h/pub/login", None),
            (b"a", "http://cdn/login/", None),
            (b"a", "http://cdn/xa/", None),
        ] {
            let url = Url::parse(led_to).ok().and_then(HttpUrl::resource);
            let above = url.expect("a URL").above(&base, path);
            assert_eq!(
                above.map(|url| url.to_string()).as_deref(),
                expected,
                "{led_to}"
            );
        }
    }

    #[test]
    fn paths_are_appended_encoded_and_stay_below() {
        let base = HttpUrl::parse("http://h/a%20b").expect("a URL");
        let below = base.directory(b"x y/%2e#?\xfc");
        assert_eq!(below.to_string(), "http://h/a%20b/x%20y/%252e%23%3F%FC/");
        assert_eq!(base.directory(b"").to_string(), "http://h/a%20b/");
        assert_eq!(base.file(b"a:b").to_string(), "http://h/a%20b/a:b");
        assert!(base.has(&below));
        for (other, expected) in [
            ("https://h/a%20b/c/", true),
            ("http://h/a%20b", true),
            ("http://h/a%20bc/", false),
            ("http://h/", false),
            ("http://other/a%20b/", false),
            ("http://h:81/a%20b/", false),
        ] {
            let other = HttpUrl::parse(other).expect("a URL");
            assert_eq!(base.has(&other), expected, "{other}");
        }
    }
}
