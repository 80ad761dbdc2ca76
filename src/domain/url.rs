//! URLs of mirrors: schemes, base URLs, and the URLs of files below them.

use std::fmt;

use md5::{Digest, Md5};

use super::cache::{VersionKey, version_hex};
use super::escape::hex_into;
use super::file::FileVersion;
use super::time::Timestamp;
use super::url_parts::{URL_BYTES_MAX, UrlParts, split_authority};

/// Scheme of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// http
    Http,
    /// https
    Https,
    /// ftp
    Ftp,
    /// ftps
    Ftps,
    /// rsync
    Rsync,
}

impl Scheme {
    /// The scheme of a URL; case is ignored.
    pub fn of(url: &str) -> Option<Scheme> {
        Scheme::named(UrlParts::of(url)?.scheme)
    }

    /// The scheme of that name; case is ignored.
    pub fn named(name: &str) -> Option<Scheme> {
        Scheme::ALL
            .into_iter()
            .find(|scheme| scheme.as_str().eq_ignore_ascii_case(name))
    }

    /// Every scheme.
    pub const ALL: [Scheme; 5] = [
        Scheme::Http,
        Scheme::Https,
        Scheme::Ftp,
        Scheme::Ftps,
        Scheme::Rsync,
    ];

    /// The scheme in lower case, as in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Ftp => "ftp",
            Scheme::Ftps => "ftps",
            Scheme::Rsync => "rsync",
        }
    }
}

/// A URL to which paths of files are appended; always ends in a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    pub(super) text: String,
    pub(super) scheme: Scheme,
    pub(super) has_query: bool,
    pub(super) version_key: VersionKey,
}

/// Why a text is not a base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// `mirror.example.org/pub`.
    #[error("it has no scheme; write it as http://HOST/PATH/ or https://HOST/PATH/")]
    NoScheme,
    /// `javascript:alert(1)`, `gopher://mirror.example.org/`.
    #[error("its scheme is none of http, https, ftp, ftps, rsync")]
    OtherScheme,
    /// `http:///pub`.
    #[error("it has no host")]
    NoHost,
    /// A port that is not a number from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    BadPort,
    /// A space, a control character or a byte beyond ASCII.
    #[error("it has a space, a control or a non-ASCII character; percent-encode it")]
    BadCharacter,
    /// Longer than [`URL_BYTES_MAX`].
    #[error("it is longer than {URL_BYTES_MAX} bytes")]
    TooLong,
}

impl BaseUrl {
    /// Checks a URL and appends a slash where it lacks one, as MirrorBrain does.
    ///
    /// # Errors
    /// Returns [`BaseUrlError`] if the text is not a base URL. A port is allowed, a missing scheme
    /// is not.
    pub fn parse(text: &str) -> Result<BaseUrl, BaseUrlError> {
        if text.len() > URL_BYTES_MAX {
            return Err(BaseUrlError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BaseUrlError::BadCharacter);
        }
        let scheme = Scheme::of(text).ok_or_else(|| match has_other_scheme(text) {
            true => BaseUrlError::OtherScheme,
            false => BaseUrlError::NoScheme,
        })?;
        host_of(text)?;
        let mut text = encoded(text);
        if !text.ends_with('/') {
            text.push('/');
        }
        let has_query = text.contains('?');
        Ok(BaseUrl {
            text,
            scheme,
            has_query,
            version_key: VersionKey::None,
        })
    }

    /// The same base URL, where the URLs of files name the version by `key`.
    #[must_use]
    pub fn with_version_key(mut self, key: VersionKey) -> BaseUrl {
        self.version_key = key;
        self
    }

    /// The URL as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Its host, without port and credentials.
    pub fn host(&self) -> &str {
        host_of(&self.text).unwrap_or_default()
    }

    /// Appends the URL of a file; returns whether that URL has a query.
    pub fn file_url_into(&self, out: &mut Vec<u8>, path: &EncodedPath) -> bool {
        out.extend_from_slice(self.text.as_bytes());
        let version = path.version.as_deref();
        if let (VersionKey::Path, Some(version)) = (self.version_key, version) {
            out.extend_from_slice(b".v/");
            out.extend_from_slice(version.as_bytes());
            out.push(b'/');
        }
        out.extend_from_slice(if self.has_query {
            &path.in_query
        } else {
            &path.in_path
        });
        let (VersionKey::Query, Some(version)) = (self.version_key, version) else {
            return self.has_query;
        };
        out.extend_from_slice(if self.has_query { b"&v=" } else { b"?v=" });
        out.extend_from_slice(version.as_bytes());
        true
    }

    /// Whether files are named in its query (`http://m/get?f=`).
    pub fn has_query(&self) -> bool {
        self.has_query
    }
}

/// Whether a text without a known scheme begins with another one, and not with a host and a port or
/// with a user and a password.
fn has_other_scheme(text: &str) -> bool {
    let Some((name, rest)) = split_authority(text).0.split_once(':') else {
        return false;
    };
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let is_port = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    is_name && !is_port && !rest.contains('@')
}

/// A URL in messages: without user and password; a text that cannot be read as a URL loses
/// everything that may be a password.
pub fn shown_url(url: &str) -> String {
    mask_password(&without_login(url))
}

/// A URL as clients get it: without user name and password.
pub fn without_login(url: &str) -> String {
    let Some(parts) = UrlParts::of(url) else {
        return url.to_owned();
    };
    let host = parts.host_and_port();
    format!("{}://{host}{}", parts.scheme, parts.after)
}

/// A URL, or rsync's `HOST::MODULE`, with its password replaced by stars, as an admin is shown it.
/// A text that cannot be read as a URL loses everything that may be a password.
pub fn mask_password(url: &str) -> String {
    let start = UrlParts::of(url).map_or(0, |parts| parts.scheme.len() + 3);
    let (scheme, rest) = url.split_at(start);
    let (authority, _) = split_authority(rest);
    let is_module = scheme.is_empty() && (authority.contains("::") || authority.starts_with('['));
    // `joe:12/34@h`: digits before a slash in a password look like a port.
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| {
        !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    // A home (`h:80/~a@b/`) is none.
    let has_home = rest[authority.len()..].starts_with("/~");
    let may_be_login = has_port && !has_home && !authority.contains('@') && rest.contains('@');
    let is_url = host_of(url).is_ok() && !url.contains(char::is_whitespace) && !may_be_login;
    let is_readable = is_module || is_url;
    // A slash in the password, or one too many in front, makes the authority end too early.
    let login_end = match is_readable {
        true => authority.rfind('@'),
        false => rest.rfind('@'),
    };
    let Some((login, host)) = login_end.map(|end| rest.split_at(end)) else {
        return url.to_owned();
    };
    match login.split_once(':') {
        Some((user, _)) => format!("{scheme}{user}:***{host}"),
        None if is_readable => url.to_owned(),
        // The end of a password, perhaps.
        None => format!("{scheme}***{host}"),
    }
}

/// URLs that are separated by spaces, with their passwords replaced by stars. A word that begins no
/// URL belongs to the one before it, since passwords may have spaces in them.
pub fn mask_passwords(urls: &str) -> String {
    let mut found: Vec<String> = Vec::new();
    for word in urls.split(' ') {
        match found.last_mut() {
            Some(last) if !word.contains("://") => {
                last.push(' ');
                last.push_str(word);
            }
            _ => found.push(word.to_owned()),
        }
    }
    let masked: Vec<String> = found.iter().map(|url| mask_password(url)).collect();
    masked.join(" ")
}

/// A file's path, percent-encoded once for all base URLs to which it is appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedPath {
    pub(super) in_path: Vec<u8>,
    pub(super) in_query: Vec<u8>,
    pub(super) version: Option<String>,
}

impl EncodedPath {
    /// Encodes a path for these base URLs; the form for queries is made only if one of them has a
    /// query.
    pub fn new<'u>(path: &[u8], mut urls: impl Iterator<Item = &'u BaseUrl>) -> EncodedPath {
        let (mut in_path, mut in_query) = (Vec::with_capacity(path.len() + 16), Vec::new());
        super::escape::url_path_into(&mut in_path, path);
        if urls.any(BaseUrl::has_query) {
            super::escape::url_query_into(&mut in_query, path);
        }
        EncodedPath {
            in_path,
            in_query,
            version: None,
        }
    }

    /// Encodes the path of one version of a file, for base URLs whose file URLs name the version.
    pub fn of_version<'u>(
        path: &[u8],
        version: FileVersion,
        urls: impl Iterator<Item = &'u BaseUrl> + Clone,
    ) -> EncodedPath {
        let is_keyed = |url: &BaseUrl| url.version_key != VersionKey::None;
        let version = urls.clone().any(is_keyed).then(|| version_hex(version));
        EncodedPath {
            version,
            ..EncodedPath::new(path, urls)
        }
    }
}

pub(super) fn host_of(url: &str) -> Result<&str, BaseUrlError> {
    let parts = UrlParts::of(url).ok_or(BaseUrlError::NoScheme)?;
    let (host, port) = parts.host_port().ok_or(BaseUrlError::NoHost)?;
    if host.is_empty() {
        return Err(BaseUrlError::NoHost);
    }
    match port {
        Some(port) if port.parse::<u16>().map_or(true, |number| number == 0) => {
            Err(BaseUrlError::BadPort)
        }
        _ => Ok(host),
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Percent-encodes characters that URLs cannot contain, so that URLs stored by earlier versions are
/// harmless wherever they are written.
pub(super) fn encoded(url: &str) -> String {
    let mut out = String::with_capacity(url.len() + 1);
    for c in url.chars() {
        match u8::try_from(c) {
            Ok(byte) if ENCODED.contains(&byte) => out.push_str(&format!("%{byte:02X}")),
            _ => out.push(c),
        }
    }
    out
}

/// Characters that a URL never contains unescaped (RFC 3986 §2), and the quotes.
const ENCODED: &[u8] = b"<>\"'`\\^{|}";

/// A file's path and signature, which can be appended to any base URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileUrl {
    path: EncodedPath,
    stamp: Option<String>,
}

impl FileUrl {
    /// Joins a path and the signature as query arguments (`time=…&stamp=…`).
    pub fn new(path: EncodedPath, stamp: Option<String>) -> FileUrl {
        FileUrl { path, stamp }
    }

    /// Appends the file's URL at one mirror.
    pub fn url_into(&self, out: &mut Vec<u8>, base_url: &BaseUrl) {
        let has_query = base_url.file_url_into(out, &self.path);
        if let Some(stamp) = &self.stamp {
            out.push(if has_query { b'&' } else { b'?' });
            out.extend_from_slice(stamp.as_bytes());
        }
    }
}

/// Key that signs URLs at mirrors that serve no others (MirrorBrainRedirectStampKey); it never
/// shows in a log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StampKey<'k>(&'k str);

impl<'k> StampKey<'k> {
    /// The key as it is configured.
    pub fn new(key: &'k str) -> StampKey<'k> {
        StampKey(key)
    }

    /// `time=EPOCH&stamp=MD5HEX` of "EPOCH KEY"; mirrors check the age themselves (behaviour §4.1).
    pub fn stamp(self, now: Timestamp) -> String {
        let digest = Md5::digest(format!("{} {}", now.0, self.0).as_bytes());
        let mut hex = Vec::with_capacity(32);
        hex_into(&mut hex, &digest);
        format!("time={}&stamp={}", now.0, String::from_utf8_lossy(&hex))
    }
}

impl fmt::Debug for StampKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StampKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_masked() {
        for (url, expected) in [
            ("http://h:80/~a@b/", "http://h:80/~a@b/"),
            ("http://joe:p@h/x@y", "http://joe:***@h/x@y"),
            ("ftp://joe@h/", "ftp://joe@h/"),
            ("rsync://joe:a:b@c@[::1]:9/m", "rsync://joe:***@[::1]:9/m"),
            ("joe:a@b@h::m/x", "joe:***@h::m/x"),
            ("h::m/x@y", "h::m/x@y"),
            ("[::1]::m", "[::1]::m"),
            (
                "http://[1:2:3:4:5:6:7:8]/x@y",
                "http://[1:2:3:4:5:6:7:8]/x@y",
            ),
            ("http://joe:a/b@h/", "http://joe:***@h/"),
            ("http://joe:12/34@h/", "http://joe:***@h/"),
            ("ftp://joe:12/3@4/5@h/x", "ftp://joe:***@h/x"),
            ("http://h:80/x", "http://h:80/x"),
            ("http://h/a@b", "http://h/a@b"),
            ("http://[2001:db8::1]/a@b", "http://[2001:db8::1]/a@b"),
            ("joe:a@h", "joe:***@h"),
            ("joe:a@b/c@h", "joe:***@h"),
            ("//joe:a@h/", "//joe:***@h/"),
            ("http:/joe:a@h/", "http:***@h/"),
            ("http//joe:a@h/", "http//joe:***@h/"),
            ("http:///joe:a@h/", "http:///joe:***@h/"),
            ("http://joe:a b@h/", "http://joe:***@h/"),
            ("b@h/", "***@h/"),
            ("", ""),
        ] {
            assert_eq!(mask_password(url), expected, "{url}");
        }
        for (urls, expected) in [
            (
                "http://joe:a@h/ ftp://joe:b@h/",
                "http://joe:***@h/ ftp://joe:***@h/",
            ),
            ("http://joe:a b@h/ x", "http://joe:***@h/ x"),
            ("http://h/ joe:a@h", "http://h/ joe:***@h"),
        ] {
            assert_eq!(mask_passwords(urls), expected, "{urls}");
        }
    }

    #[test]
    fn base_urls_are_checked_and_end_in_a_slash() {
        type Case<'a> = (&'a str, Result<(&'a str, &'a str), BaseUrlError>);
        let cases: &[Case<'_>] = &[
            (
                "http://m.example.org/pub",
                Ok(("http://m.example.org/pub/", "m.example.org")),
            ),
            (
                "https://m.example.org:8443/",
                Ok(("https://m.example.org:8443/", "m.example.org")),
            ),
            (
                "http://[2001:db8::1]:80/x/",
                Ok(("http://[2001:db8::1]:80/x/", "2001:db8::1")),
            ),
            (
                "ftp://u:p@m.example.org/",
                Ok(("ftp://u:p@m.example.org/", "m.example.org")),
            ),
            ("http://m/get?a=1&p=/", Ok(("http://m/get?a=1&p=/", "m"))),
            (
                "http://m/<i>'\"`^{a|b}\\",
                Ok(("http://m/%3Ci%3E%27%22%60%5E%7Ba%7Cb%7D%5C/", "m")),
            ),
            ("m.example.org/pub", Err(BaseUrlError::NoScheme)),
            ("m.example.org:8080/pub", Err(BaseUrlError::NoScheme)),
            ("joe:s3cret@m/x", Err(BaseUrlError::NoScheme)),
            ("gopher://m/", Err(BaseUrlError::OtherScheme)),
            ("javascript:alert(1)", Err(BaseUrlError::OtherScheme)),
            ("http:///pub", Err(BaseUrlError::NoHost)),
            ("http://m:99999/", Err(BaseUrlError::BadPort)),
            ("http://m:/", Err(BaseUrlError::BadPort)),
            ("http://m/a b", Err(BaseUrlError::BadCharacter)),
            ("http://m/\r\nX: y", Err(BaseUrlError::BadCharacter)),
        ];
        for (text, expected) in cases {
            let found = BaseUrl::parse(text);
            let seen = found
                .as_ref()
                .map(|url| (url.as_str(), url.host()))
                .map_err(Clone::clone);
            assert_eq!(seen, *expected, "{text}");
        }
    }

    #[test]
    fn urls_at_caches_name_the_version() {
        let version = FileVersion {
            size: 3_000_000,
            mtime: 1_700_000_000,
        };
        for (base, key, expected, has_query) in [
            ("http://c/", VersionKey::None, "http://c/a%20b", false),
            (
                "http://c/",
                VersionKey::Query,
                "http://c/a%20b?v=89aa7d5b54acdb52",
                true,
            ),
            (
                "http://c/",
                VersionKey::Path,
                "http://c/.v/89aa7d5b54acdb52/a%20b",
                false,
            ),
            (
                "http://c/get?f=/",
                VersionKey::Query,
                "http://c/get?f=/a%20b&v=89aa7d5b54acdb52",
                true,
            ),
        ] {
            let url = BaseUrl::parse(base).expect("a URL").with_version_key(key);
            let path = EncodedPath::of_version(b"a b", version, std::iter::once(&url));
            let mut out = Vec::new();
            assert_eq!(url.file_url_into(&mut out, &path), has_query, "{base}");
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }

    #[test]
    fn a_stamp_is_the_time_and_the_md5_of_time_and_key() {
        let key = StampKey::new("secret");
        let expected = "time=1700000000&stamp=";
        let stamp = key.stamp(Timestamp(1_700_000_000));
        assert_eq!(&stamp[..expected.len()], expected);
        // printf '1700000000 secret' | md5sum
        assert_eq!(&stamp[expected.len()..], "7520e7dec2be78f57db94409bcd608e3");
        assert_eq!(format!("{key:?}"), "StampKey(…)");
    }
}
