//! A mirror: who it is, where, and for whom.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::cache::{CacheRules, VersionKey, version_hex};
use super::file::FileVersion;
use super::health::Reach;
use super::place::{Asn, Coordinates, CountryCode, RegionCode};

/// Number of a mirror; kept on import from MirrorBrain, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MirrorId(pub i64);

impl fmt::Display for MirrorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

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
    /// The scheme of a URL, without regard to case.
    pub fn of(url: &str) -> Option<Scheme> {
        let (name, _) = url.split_once("://")?;
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

    /// Lower case, as in a URL.
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

/// A URL that file paths are appended to; ends in a slash unless it has a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    scheme: Scheme,
    has_query: bool,
    version_key: VersionKey,
}

/// Longest base URL in bytes; MirrorBrain's column held 128 characters.
pub const BASE_URL_BYTES_MAX: usize = 1024;

/// Why a text is no base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// `mirror.example.org/pub`.
    #[error("it has no scheme; write it as http://HOST/PATH/ or https://HOST/PATH/")]
    NoScheme,
    /// `http:///pub`.
    #[error("it has no host")]
    NoHost,
    /// A port that is no number from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    BadPort,
    /// Spaces, control characters or bytes beyond ASCII.
    #[error("it has a space, a control or a non-ASCII character; percent-encode it")]
    BadCharacter,
    /// Longer than [`BASE_URL_BYTES_MAX`].
    #[error("it is longer than {BASE_URL_BYTES_MAX} bytes")]
    TooLong,
}

/// The first character of a URL that would end it, or open something else, in a page, a header or
/// a shell; nobody is to store one. Those of RFC 3986 that have none of that are left alone.
pub fn refused_character(url: &str) -> Option<char> {
    url.chars()
        .find(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | '`'))
}

/// Characters that no URL has as they are (RFC 3986, 2), and the quotes.
const ENCODED: &[u8] = b"<>\"'`\\^{|}";

impl BaseUrl {
    /// Checks a URL and appends the slash that MirrorBrain appends.
    ///
    /// # Errors
    /// See [`BaseUrlError`]; a port is fine, a missing scheme is not.
    pub fn parse(text: &str) -> Result<BaseUrl, BaseUrlError> {
        if text.len() > BASE_URL_BYTES_MAX {
            return Err(BaseUrlError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BaseUrlError::BadCharacter);
        }
        let scheme = Scheme::of(text).ok_or(BaseUrlError::NoScheme)?;
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

    /// The same, with URLs that name the version of the file.
    #[must_use]
    pub fn with_version_key(mut self, key: VersionKey) -> BaseUrl {
        self.version_key = key;
        self
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Its host without port and credentials.
    pub fn host(&self) -> &str {
        host_of(&self.text).unwrap_or_default()
    }

    /// Appends the URL of a file; returns whether it has a query.
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

    /// Whether files are named in a query (`http://m/get?f=`).
    pub fn has_query(&self) -> bool {
        self.has_query
    }
}

/// What an earlier version stored is harmless wherever it is written.
fn encoded(url: &str) -> String {
    let mut out = String::with_capacity(url.len() + 1);
    for c in url.chars() {
        match u8::try_from(c) {
            Ok(byte) if ENCODED.contains(&byte) => out.push_str(&format!("%{byte:02X}")),
            _ => out.push(c),
        }
    }
    out
}

/// A URL as it may be shown and logged: without user and password.
pub fn without_login(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}{after}")
}

/// A URL, or rsync's `HOST::MODULE`, as the admin is shown it: with stars for its password. What
/// cannot be read as one loses all that may be a password.
pub fn mask_password(url: &str) -> String {
    let start = url.find("://").map_or(0, |colon| colon + 3);
    let (scheme, rest) = url.split_at(start);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, _) = rest.split_at(end);
    // A password with a slash of its own ends behind what looks like the host.
    let is_module_or_address = authority.contains("::") || authority.starts_with('[');
    let port = authority.split_once(':').map(|(_, port)| port);
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let is_cut = !is_module_or_address && port.is_some_and(|port| !is_port(port));
    let login_end = authority
        .rfind('@')
        .or_else(|| rest.rfind('@').filter(|_| is_cut));
    let Some((login, host)) = login_end.map(|end| rest.split_at(end)) else {
        return url.to_owned();
    };
    match login.split_once(':') {
        Some((user, _)) => format!("{scheme}{user}:***{host}"),
        None => url.to_owned(),
    }
}

/// A file's path, percent-encoded once for all the URLs that it is appended to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedPath {
    in_path: Vec<u8>,
    in_query: Vec<u8>,
    version: Option<String>,
}

impl EncodedPath {
    /// Encodes the path for the base URLs named; the form for queries only if one has a query.
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

    /// The path of one version of a file, for base URLs that name it.
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

fn host_of(url: &str) -> Result<&str, BaseUrlError> {
    let (_, rest) = url.split_once("://").ok_or(BaseUrlError::NoScheme)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_port = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = match host_port.strip_prefix('[') {
        Some(v6) => {
            let (host, after) = v6.split_once(']').ok_or(BaseUrlError::NoHost)?;
            (host, after.strip_prefix(':'))
        }
        None => match host_port.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (host_port, None),
        },
    };
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

/// How a mirror comes to have files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// A copy that is scanned.
    #[default]
    Mirror,
    /// A pull-through cache or CDN: has everything, is never scanned.
    Cache,
}

impl Kind {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Mirror => "mirror",
            Kind::Cache => "cache",
        }
    }
}

/// The country of a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MirrorCountry {
    /// Not known.
    #[default]
    Unknown,
    /// One country.
    Of(CountryCode),
    /// `**`: near everybody (a CDN).
    Everywhere,
}

impl fmt::Display for MirrorCountry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MirrorCountry::Unknown => f.pad(""),
            MirrorCountry::Of(country) => country.fmt(f),
            MirrorCountry::Everywhere => f.pad("**"),
        }
    }
}

/// A mirror as selection and scans need it, checked; `db::mirror::MirrorRecord` is what is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Mirror {
    /// Its number.
    pub id: MirrorId,
    /// Its unique name.
    pub identifier: String,
    /// Copy or cache.
    pub kind: Kind,
    /// Where clients are sent; `None` when the database has none that is usable.
    pub base_url: Option<BaseUrl>,
    /// Further base URLs for other schemes (an https client needs an https one).
    pub further_base_urls: Vec<BaseUrl>,
    /// Where it is scanned by FTP.
    pub ftp_url: String,
    /// Where it is scanned by rsync.
    pub rsync_url: String,
    /// The admin's switch.
    pub enabled: bool,
    /// The prober's switch.
    pub alive: bool,
    /// Continent.
    pub region: Option<RegionCode>,
    /// Country.
    pub country: MirrorCountry,
    /// Its autonomous systems, the main one first.
    pub asns: Vec<Asn>,
    /// Its address prefixes, the main one first.
    pub prefixes: Vec<IpNet>,
    /// Answers over IPv6 alone.
    pub ipv6_only: bool,
    /// What the prober found, one for each scheme that it looked at; none: not probed yet.
    pub reach: Vec<Reach>,
    /// Preference, 100 as a rule; 0 is never chosen.
    pub score: u16,
    /// Where it stands.
    pub coordinates: Option<Coordinates>,
    /// Only for clients of its country.
    pub country_only: bool,
    /// Only for clients of its continent.
    pub region_only: bool,
    /// Only for clients of its autonomous system.
    pub as_only: bool,
    /// Only for clients of its prefixes.
    pub prefix_only: bool,
    /// Further countries that it serves, searched as text: `ca,us`.
    pub other_countries: String,
    /// Largest file in bytes that it can deliver; 0: any.
    pub file_maxsize: u64,
    /// Shown and given only to its own clients, see [`Mirror::is_of`].
    pub private: bool,
    /// What is particular to a cache.
    pub cache: CacheRules,
}

/// Score that a new mirror gets.
pub const SCORE_DEFAULT: u16 = 100;

impl Mirror {
    /// A mirror of that name with every field at its default, switched off.
    pub fn new(identifier: &str) -> Mirror {
        Mirror {
            id: MirrorId(0),
            identifier: identifier.to_owned(),
            kind: Kind::Mirror,
            base_url: None,
            further_base_urls: Vec::new(),
            ftp_url: String::new(),
            rsync_url: String::new(),
            enabled: false,
            alive: false,
            region: None,
            country: MirrorCountry::Unknown,
            asns: Vec::new(),
            prefixes: Vec::new(),
            ipv6_only: false,
            reach: Vec::new(),
            score: SCORE_DEFAULT,
            coordinates: None,
            country_only: false,
            region_only: false,
            as_only: false,
            prefix_only: false,
            other_countries: String::new(),
            file_maxsize: 0,
            private: false,
            cache: CacheRules::default(),
        }
    }

    /// Whether a client is one of its own: of its prefixes or its autonomous systems.
    pub fn is_of(&self, ip: Option<IpAddr>, asn: Option<Asn>) -> bool {
        let is_near = ip.is_some_and(|ip| self.prefix_of(ip).is_some());
        is_near || asn.is_some_and(|asn| self.asns.contains(&asn))
    }

    /// Whether one of its prefixes has the address.
    pub fn prefix_of(&self, ip: IpAddr) -> Option<&IpNet> {
        self.prefixes.iter().find(|prefix| prefix.contains(&ip))
    }

    /// What the prober found of the URL of that scheme.
    pub fn reach_of(&self, scheme: Scheme) -> Option<&Reach> {
        self.reach.iter().find(|reach| reach.scheme == scheme)
    }

    /// The base URL of that scheme, the main one before further ones.
    pub fn url_of(&self, scheme: Scheme) -> Option<&BaseUrl> {
        let mut urls = self.base_url.iter().chain(&self.further_base_urls);
        urls.find(|url| url.scheme() == scheme)
    }

    /// The base URL for a client of that scheme: an https client is never sent to another scheme,
    /// an http client gets the main URL whatever it is, as it did from MirrorBrain.
    pub fn base_url_for(&self, client: Scheme) -> Option<&BaseUrl> {
        let main = self.base_url.as_ref()?;
        if client != Scheme::Https || main.scheme() == Scheme::Https {
            return Some(main);
        }
        self.further_base_urls
            .iter()
            .find(|url| url.scheme() == Scheme::Https)
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
            ("joe:a@h", "joe:***@h"),
            ("", ""),
        ] {
            assert_eq!(mask_password(url), expected, "{url}");
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
            ("gopher://m/", Err(BaseUrlError::NoScheme)),
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
    fn https_clients_never_get_another_scheme() {
        let url = |text| BaseUrl::parse(text).expect("a URL of the test");
        let mut mirror = Mirror::new("m");
        mirror.base_url = Some(url("http://m/"));
        assert_eq!(mirror.base_url_for(Scheme::Https), None);
        assert_eq!(mirror.base_url_for(Scheme::Http), Some(&url("http://m/")));
        mirror.further_base_urls.push(url("https://s/"));
        assert_eq!(mirror.base_url_for(Scheme::Https), Some(&url("https://s/")));
        mirror.base_url = Some(url("ftp://f/"));
        assert_eq!(mirror.base_url_for(Scheme::Http), Some(&url("ftp://f/")));
    }
}
