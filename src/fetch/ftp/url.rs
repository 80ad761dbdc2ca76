//! Reads URLs of FTP servers.

use std::fmt;

use reqwest::Url;

use crate::domain::escape::percent_decode;
use crate::domain::url_parts::{URL_BYTES_MAX, UrlParts};
use crate::fetch::http::url::Login;

/// User and password of an anonymous login (RFC 1635); some servers want something like a mail
/// address.
const ANONYMOUS: [&str; 2] = ["anonymous", "anonymous@"];

/// The URL of a mirror's tree: `ftp[s]://[USER[:PASSWORD]@]HOST[:PORT]/PATH/`.
///
/// `ftp` is without TLS, `ftps` begins with TLS (port 990), and `ftpes` switches to TLS before the
/// login (RFC 4217). It is displayed without user and password, always with a slash at the end.
#[derive(Clone, PartialEq, Eq)]
pub struct FtpUrl {
    security: FtpSecurity,
    login: Option<Login>,
    /// With the brackets of an IPv6 address.
    host: String,
    port: u16,
    /// Decoded, without slashes at the ends. It begins at the root if `is_absolute`, else in the
    /// directory in which a login begins.
    path: Vec<u8>,
    is_absolute: bool,
}

/// When an FTP connection becomes encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FtpSecurity {
    /// Never.
    None,
    /// After `AUTH TLS`.
    Explicit,
    /// From the first byte.
    Implicit,
}

/// Why a text is no FTP URL of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FtpUrlError {
    /// The text has another form, or is no URL.
    #[error("it is not of the form ftp://HOST/PATH/, ftps://HOST/PATH/ or ftpes://HOST/PATH/")]
    Form,
    /// The text has a control character, as it is or percent-encoded, which no command can
    /// transmit.
    #[error("it has a control character")]
    Control,
    /// The text is longer than any URL of a mirror.
    #[error("it is longer than {URL_BYTES_MAX} bytes")]
    TooLong,
}

impl FtpUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// Returns [`FtpUrlError`], which never repeats the URL, because that may hold a password.
    pub fn parse(text: &str) -> Result<FtpUrl, FtpUrlError> {
        let text = text.trim();
        if text.len() > URL_BYTES_MAX {
            return Err(FtpUrlError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(FtpUrlError::Control);
        }
        let parts = UrlParts::of(text).ok_or(FtpUrlError::Form)?;
        let security = match parts.scheme.to_ascii_lowercase().as_str() {
            "ftp" => FtpSecurity::None,
            "ftps" => FtpSecurity::Implicit,
            "ftpes" => FtpSecurity::Explicit,
            _ => return Err(FtpUrlError::Form),
        };
        // The crate would take the first part of the path for the host.
        if parts.authority.is_empty() || parts.authority.starts_with('\\') {
            return Err(FtpUrlError::Form);
        }
        // In FTP's URLs a question mark is a part of the path (RFC 1738, 3.2).
        let path = parts.after.replace('?', "%3F").replace('#', "%23");
        let path = path.strip_prefix('/').unwrap_or(&path);
        // The crate checks hosts of known schemes only.
        let url = Url::parse(&format!("ftp://{}/{path}", parts.authority));
        let url = url.map_err(|_| FtpUrlError::Form)?;
        let decode = |text: &str| percent_decode(text.as_bytes());
        let text = |text: &str| String::from_utf8_lossy(&decode(text)).into_owned();
        let login = (!url.username().is_empty()).then(|| Login {
            user: text(url.username()),
            password: text(url.password().unwrap_or_default()),
        });
        let path = decode(url.path());
        let path = path.strip_prefix(b"/").unwrap_or(&path);
        let has_line_end = |text: &[u8]| text.iter().any(|byte| b"\r\n\0".contains(byte));
        let words = login
            .iter()
            .flat_map(|l| [l.user.as_bytes(), l.password.as_bytes()]);
        if words.chain([path]).any(has_line_end) {
            return Err(FtpUrlError::Control);
        }
        Ok(FtpUrl {
            security,
            login,
            host: url.host_str().ok_or(FtpUrlError::Form)?.to_owned(),
            port: url.port().unwrap_or(security.port()),
            path: trim(path).to_vec(),
            is_absolute: path.first() == Some(&b'/'),
        })
    }

    /// Host and port to connect to.
    pub(in crate::fetch) fn address(&self) -> (&str, u16) {
        (self.host.trim_matches(['[', ']']), self.port)
    }

    pub(in crate::fetch) fn security(&self) -> FtpSecurity {
        self.security
    }

    /// User and password of the URL, else those of an anonymous login.
    pub(in crate::fetch) fn login(&self) -> (&str, &str) {
        match &self.login {
            Some(login) => (&login.user, &login.password),
            None => (ANONYMOUS[0], ANONYMOUS[1]),
        }
    }

    /// The name of a file, absolute or relative to the directory in which the login begins.
    pub(in crate::fetch) fn file(&self, path: &[u8]) -> Vec<u8> {
        let absolute = self.directory(b"", path);
        match self.is_absolute {
            true => absolute,
            false => trim(&absolute).to_vec(),
        }
    }

    /// The absolute path of `path` below this directory, for a login that begins at `home`.
    pub(in crate::fetch) fn directory(&self, home: &[u8], path: &[u8]) -> Vec<u8> {
        let home = if self.is_absolute { b"" } else { trim(home) };
        let parts = [home, &self.path, path];
        let mut out = Vec::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            out.push(b'/');
            out.extend_from_slice(part);
        }
        if out.is_empty() {
            out.push(b'/');
        }
        out
    }
}

impl FtpSecurity {
    fn port(self) -> u16 {
        match self {
            FtpSecurity::None | FtpSecurity::Explicit => 21,
            FtpSecurity::Implicit => 990,
        }
    }

    fn scheme(self) -> &'static str {
        match self {
            FtpSecurity::None => "ftp",
            FtpSecurity::Explicit => "ftpes",
            FtpSecurity::Implicit => "ftps",
        }
    }
}

fn trim(mut path: &[u8]) -> &[u8] {
    while let Some(shorter) = path.strip_prefix(b"/") {
        path = shorter;
    }
    while let Some(shorter) = path.strip_suffix(b"/") {
        path = shorter;
    }
    path
}

impl fmt::Display for FtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.security.scheme(), self.host)?;
        if self.port != self.security.port() {
            write!(f, ":{}", self.port)?;
        }
        let root = if self.is_absolute { "/%2F" } else { "/" };
        f.write_str(root)?;
        let mut path = Vec::new();
        crate::domain::escape::url_path_into(&mut path, &self.path);
        f.write_str(&String::from_utf8_lossy(&path))?;
        f.write_str(if self.path.is_empty() { "" } else { "/" })
    }
}

impl fmt::Debug for FtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FtpUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_passwords_are_never_shown() {
        for (text, shown, login) in [
            ("ftp://h", "ftp://h/", ("anonymous", "anonymous@")),
            (
                " FTP://H:2121/pub/a%20b ",
                "ftp://h:2121/pub/a%20b/",
                ("anonymous", "anonymous@"),
            ),
            ("ftps://u:p%40ss@h/", "ftps://h/", ("u", "p@ss")),
            ("ftpes://u:p:@ss@h:21/x", "ftpes://h/x/", ("u", "p:@ss")),
            ("ftp://u@[::1]:21/m/", "ftp://[::1]/m/", ("u", "")),
            (
                "ftp://h/%2Fsrv/x?y#z",
                "ftp://h/%2Fsrv/x%3Fy%23z/",
                ("anonymous", "anonymous@"),
            ),
            // The host ends at these signs, as everywhere in a URL.
            (
                "ftp://h?u:p@n/",
                "ftp://h/%3Fu:p@n/",
                ("anonymous", "anonymous@"),
            ),
            ("ftp://u@h:2121#x:9/", "ftp://h:2121/%23x:9/", ("u", "")),
        ] {
            let url = FtpUrl::parse(text).expect(text);
            assert_eq!((url.to_string().as_str(), url.login()), (shown, login));
            assert!(!format!("{url:?}").contains("ss@h"), "{text}");
            assert!(!shown.contains("p@ss") && !shown.contains("p%40ss"));
        }
        for (text, expected) in [
            ("", FtpUrlError::Form),
            ("http://h/", FtpUrlError::Form),
            ("ftp:///x", FtpUrlError::Form),
            ("ftp://?x", FtpUrlError::Form),
            ("ftp://h:x/", FtpUrlError::Form),
            ("ftp://h/a%0d%0aDELE x", FtpUrlError::Control),
            ("ftp://u:%0a@h/", FtpUrlError::Control),
            ("ftp://h/\nx", FtpUrlError::Control),
        ] {
            assert_eq!(FtpUrl::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn directories_count_from_the_login_or_from_the_root() {
        for (url, home, path, expected) in [
            ("ftp://h", "/", "", "/"),
            ("ftp://h/", "/", "a/b", "/a/b"),
            ("ftp://h/pub/", "/", "a", "/pub/a"),
            ("ftp://h/pub", "/home/u", "a", "/home/u/pub/a"),
            ("ftp://h/%2Fpub", "/home/u", "a", "/pub/a"),
            ("ftp://h/%2F", "/home/u", "", "/"),
        ] {
            let url = FtpUrl::parse(url).expect("a URL");
            let found = url.directory(home.as_bytes(), path.as_bytes());
            assert_eq!(found, expected.as_bytes(), "{url}");
        }
        for (url, expected) in [
            ("ftp://h", "a/b"),
            ("ftp://h/pub", "pub/a/b"),
            ("ftp://h/%2Fpub/", "/pub/a/b"),
            ("ftp://h?x", "?x/a/b"),
        ] {
            let url = FtpUrl::parse(url).expect("a URL");
            assert_eq!(url.file(b"a/b"), expected.as_bytes(), "{url}");
        }
    }
}
