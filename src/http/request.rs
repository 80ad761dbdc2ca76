//! Reads a request from the web server's CGI parameters.
//!
//! One pass over the parameters fills the fields. Nothing is copied, and bytes stay bytes.

use std::borrow::Cow;
use std::net::IpAddr;

use super::Conditions;
use crate::domain::rule::key_of_parameter;
use crate::domain::url::Scheme;

/// The method, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// GET
    #[default]
    Get,
    /// HEAD
    Head,
    /// OPTIONS
    Options,
    /// POST
    Post,
    /// Any other.
    Other,
}

/// Settings of a directory that the web server overrides by a parameter (Apache's `SetEnv`), with
/// the key of the configuration or MirrorBrain's directive as its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Overrides<'a>(pub Vec<(&'static str, &'a [u8])>);

/// Everything on which a decision depends: slices of the web server's parameters, empty if absent.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    /// GET, HEAD…
    pub method: Method,
    /// Decoded URL path as the server mapped it.
    pub script_name: &'a [u8],
    /// The rest of the path after the mapped name.
    pub path_info: &'a [u8],
    /// Path and query as the client wrote them, encoded.
    pub request_uri: &'a [u8],
    /// Query string, still encoded.
    pub query_string: &'a [u8],
    /// Absolute path of the file to which the web server mapped the URL; empty if unknown.
    pub file: &'a [u8],
    /// Whether the shipped configuration asks about a file that it found, after it has granted
    /// access to it. Such a request never asks for anything else of ours.
    pub is_about_file: bool,
    /// The document about `file` that is requested, if the web server removed its suffix from the
    /// URL (`HELIOSTAT_DOCUMENT`).
    pub document: &'a [u8],
    /// URL at which the web server serves `file` itself after a `Location` (`HELIOSTAT_LOCAL`);
    /// empty: it does so after an error.
    pub local_url: &'a [u8],
    /// Whether the web server must serve files in the way that it has for times without us, even if
    /// other ways are configured (`HELIOSTAT_LEAVE`): the request's settings are meant for our
    /// answers.
    pub leaves_file: bool,
    /// Root directory of the web server's documents.
    pub document_root: &'a [u8],
    /// Whether the client uses https.
    pub is_https: bool,
    /// Whether a trusted proxy said so; then the server's own port is not the one that the client
    /// used.
    pub is_forwarded: bool,
    /// Host and port as the client wrote them.
    pub http_host: &'a [u8],
    /// Names of the host, separated by spaces, the preferred one first (`HELIOSTAT_NAMES`).
    pub names: &'a [u8],
    /// Name of the server; with Apache's `UseCanonicalName Off` the name that the client wrote.
    pub server_name: &'a [u8],
    /// The server's port.
    pub server_port: &'a [u8],
    /// Address to which the client connected.
    pub server_addr: &'a [u8],
    /// `Accept`.
    pub accept: &'a [u8],
    /// `X-Broken-Mirrors`, with which tests of clients request mirrors that do not work.
    pub broken_mirrors: &'a [u8],
    /// `User-Agent`.
    pub user_agent: &'a [u8],
    /// `Range`.
    pub range: &'a [u8],
    /// `Referer`.
    pub referer: &'a [u8],
    /// `CDN-Loop` (RFC 8586).
    pub cdn_loop: &'a [u8],
    /// `Via`.
    pub via: &'a [u8],
    /// `If-None-Match` and similar fields.
    pub conditions: Conditions<'a>,
    /// Content type derived from the file's name, if the server states it (`HELIOSTAT_MIME_TYPE`).
    pub mime_type: &'a [u8],
    /// Name of the site, if the server states it (`HELIOSTAT_SITE`).
    pub site: &'a [u8],
    /// Number of fields with the same name that the server sends as separate lines, because it
    /// copies them from helper fields (`HELIOSTAT_LINES`); 0: no helper fields are needed, or it
    /// joins them.
    pub lines: usize,
    /// The client's place, as far as the server knows it.
    pub geo: GeoParameters<'a>,
    /// Whether one of our programs asks for the responder's status (`HELIOSTAT_ASK=status`).
    pub asks_status: bool,
    /// Overridden settings.
    pub overrides: Overrides<'a>,
}

/// Facts about the client from the web server; they take precedence over our own look-up.
#[derive(Debug, Clone, Default)]
pub struct GeoParameters<'a> {
    /// GEOIP_ADDR
    pub geoip_addr: &'a [u8],
    /// MMDB_ADDR
    pub mmdb_addr: &'a [u8],
    /// REMOTE_ADDR
    pub remote_addr: &'a [u8],
    /// GEOIP_COUNTRY_CODE
    pub country: &'a [u8],
    /// GEOIP_COUNTRY_CODE_V6
    pub country_v6: &'a [u8],
    /// GEOIP_CONTINENT_CODE
    pub continent: &'a [u8],
    /// GEOIP_CONTINENT_CODE_V6
    pub continent_v6: &'a [u8],
    /// GEOIP_LATITUDE
    pub latitude: &'a [u8],
    /// GEOIP_LATITUDE_V6
    pub latitude_v6: &'a [u8],
    /// GEOIP_LONGITUDE
    pub longitude: &'a [u8],
    /// GEOIP_LONGITUDE_V6
    pub longitude_v6: &'a [u8],
    /// ASN
    pub asn: &'a [u8],
    /// PFX
    pub prefix: &'a [u8],
}

impl<'a> GeoParameters<'a> {
    /// The client's address: GEOIP_ADDR, then MMDB_ADDR, then REMOTE_ADDR (behaviour §1.1, step 9).
    pub fn ip(&self) -> Option<IpAddr> {
        [self.geoip_addr, self.mmdb_addr, self.remote_addr]
            .into_iter()
            .filter(|text| !text.is_empty())
            .find_map(|text| std::str::from_utf8(text).ok()?.trim().parse().ok())
            .map(|ip: IpAddr| ip.to_canonical())
    }
}

impl<'a> Request<'a> {
    /// Reads the parameters; the last one counts if a name is repeated.
    pub fn from_parameters(parameters: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Request<'a> {
        let mut request = Request::default();
        let mut mapped = FileStatement::default();
        for (name, value) in parameters {
            request.set(&mut mapped, name, value);
        }
        request.file = mapped.file();
        request.is_about_file = mapped.has_field || !mapped.parameter.is_empty();
        if let Some(is_https) = mapped.is_https {
            request.is_https = is_https;
            request.is_forwarded = true;
        }
        request
    }

    fn set(&mut self, mapped: &mut FileStatement<'a>, name: &'a [u8], value: &'a [u8]) {
        match name {
            b"SCRIPT_FILENAME" => mapped.script = value,
            b"HTTP_X_HELIOSTAT_FILE" => mapped.field = value,
            b"REQUEST_METHOD" => {
                self.method = match value {
                    b"GET" => Method::Get,
                    b"HEAD" => Method::Head,
                    b"OPTIONS" => Method::Options,
                    b"POST" => Method::Post,
                    _ => Method::Other,
                }
            }
            b"SCRIPT_NAME" => self.script_name = value,
            b"PATH_INFO" => self.path_info = value,
            b"QUERY_STRING" => self.query_string = value,
            b"REQUEST_URI" => self.request_uri = value,
            b"HTTPS" => self.is_https |= value.eq_ignore_ascii_case(b"on") || value == b"1",
            b"REQUEST_SCHEME" => self.is_https |= value == b"https",
            b"HTTP_HOST" => self.http_host = value,
            b"SERVER_NAME" => self.server_name = value,
            b"SERVER_PORT" => self.server_port = value,
            b"HTTP_CDN_LOOP" => self.cdn_loop = value,
            b"HTTP_VIA" => self.via = value,
            b"SERVER_ADDR" => self.server_addr = value,
            b"DOCUMENT_ROOT" => self.document_root = value,
            b"HTTP_ACCEPT" => self.accept = value,
            b"HTTP_X_BROKEN_MIRRORS" => self.broken_mirrors = value,
            b"HTTP_USER_AGENT" => self.user_agent = value,
            b"HTTP_RANGE" => self.range = value,
            b"HTTP_REFERER" => self.referer = value,
            b"ASN" => self.geo.asn = value,
            b"PFX" => self.geo.prefix = value,
            b"REMOTE_ADDR" => self.geo.remote_addr = value,
            _ if name.starts_with(b"HTTP_IF_") => self.set_condition(name, value),
            _ if name.starts_with(b"HTTP_") => {}
            _ if name.starts_with(b"HELIOSTAT_") => self.set_own(mapped, name, value),
            _ if name.starts_with(b"GEOIP_") || name == b"MMDB_ADDR" => self.set_geo(name, value),
            _ => self.set_override(name, value),
        }
    }

    /// Reads parameters that only a configuration for Heliostat sets.
    fn set_own(&mut self, mapped: &mut FileStatement<'a>, name: &'a [u8], value: &'a [u8]) {
        match name {
            b"HELIOSTAT_MIME_TYPE" => self.mime_type = value,
            b"HELIOSTAT_SITE" => self.site = value,
            b"HELIOSTAT_LINES" => {
                let text = std::str::from_utf8(value).unwrap_or_default();
                self.lines = text.trim().parse().unwrap_or_default();
            }
            b"HELIOSTAT_ASK" => self.asks_status = value == b"status",
            b"HELIOSTAT_FILE" => mapped.parameter = value,
            b"HELIOSTAT_ASKED" => mapped.has_field = !value.is_empty(),
            b"HELIOSTAT_DOCUMENT" => self.document = value,
            b"HELIOSTAT_LOCAL" => self.local_url = value,
            b"HELIOSTAT_LEAVE" => self.leaves_file = !value.is_empty(),
            b"HELIOSTAT_NAMES" => self.names = value,
            b"HELIOSTAT_SCHEME" => {
                mapped.is_https = [(&b"https"[..], true), (b"http", false)]
                    .into_iter()
                    .find_map(|(scheme, is)| value.eq_ignore_ascii_case(scheme).then_some(is));
            }
            _ => self.set_override(name, value),
        }
    }

    fn set_condition(&mut self, name: &[u8], value: &'a [u8]) {
        let field = match name {
            b"HTTP_IF_MATCH" => &mut self.conditions.if_match,
            b"HTTP_IF_NONE_MATCH" => &mut self.conditions.if_none_match,
            b"HTTP_IF_MODIFIED_SINCE" => &mut self.conditions.if_modified_since,
            b"HTTP_IF_UNMODIFIED_SINCE" => &mut self.conditions.if_unmodified_since,
            _ => return,
        };
        *field = value;
    }

    fn set_geo(&mut self, name: &[u8], value: &'a [u8]) {
        let geo = &mut self.geo;
        let field = match name {
            b"GEOIP_ADDR" => &mut geo.geoip_addr,
            b"MMDB_ADDR" => &mut geo.mmdb_addr,
            b"GEOIP_COUNTRY_CODE" => &mut geo.country,
            b"GEOIP_COUNTRY_CODE_V6" => &mut geo.country_v6,
            b"GEOIP_CONTINENT_CODE" => &mut geo.continent,
            b"GEOIP_CONTINENT_CODE_V6" => &mut geo.continent_v6,
            b"GEOIP_LATITUDE" => &mut geo.latitude,
            b"GEOIP_LATITUDE_V6" => &mut geo.latitude_v6,
            b"GEOIP_LONGITUDE" => &mut geo.longitude,
            b"GEOIP_LONGITUDE_V6" => &mut geo.longitude_v6,
            _ => return,
        };
        *field = value;
    }

    fn set_override(&mut self, name: &[u8], value: &'a [u8]) {
        // CGI's own names are in upper case, keys in lower case, and directives in mixed case.
        let may_be_override = name.first().is_some_and(u8::is_ascii_lowercase)
            || name.starts_with(b"MirrorBrain")
            || name == b"FormGET"
            || name.starts_with(b"HELIOSTAT_");
        if !may_be_override {
            return;
        }
        if let Some(key) = key_of_parameter(name) {
            self.overrides.0.push((key, value));
        }
    }

    /// Decoded URL path: the mapped name and the rest.
    pub fn url_path(&self) -> Cow<'a, [u8]> {
        if self.path_info.is_empty() {
            Cow::Borrowed(self.script_name)
        } else {
            Cow::Owned([self.script_name, self.path_info].concat())
        }
    }

    /// Whether the client requested a directory, for which the web server found a file: its index
    /// page.
    pub fn is_directory_index(&self) -> bool {
        let path = self
            .request_uri
            .split(|byte| *byte == b'?')
            .next()
            .unwrap_or_default();
        let names_directory = path.ends_with(b"/") || self.names_directory();
        names_directory && !self.file.is_empty() && !self.file.ends_with(b"/")
    }

    /// Whether the path ends in a slash, so that it can name a directory but no file.
    pub fn names_directory(&self) -> bool {
        let last = if self.path_info.is_empty() {
            self.script_name
        } else {
            self.path_info
        };
        last.ends_with(b"/")
    }

    /// Scheme of the client's request.
    pub fn scheme(&self) -> Scheme {
        if self.is_https {
            Scheme::Https
        } else {
            Scheme::Http
        }
    }

    /// Appends `scheme://host[:port]` of this host, with the name in lower case; the port only if
    /// it is not the scheme's default.
    ///
    /// The client's own text is used if it is a name of this host: one of `names` (from the
    /// configuration), of the names from the web server, or the address to which it connected. Any
    /// other name must not reach answers that others may get; the first of our names replaces it.
    /// If nobody has named this host, the client's text is used.
    pub fn own_origin_into(&self, out: &mut Vec<u8>, names: &[String]) {
        out.extend_from_slice(self.scheme().as_str().as_bytes());
        out.extend_from_slice(b"://");
        let (host, port) = split_port(self.http_host);
        let (host, port) = match self.canonical_name(host, names) {
            None if !host.is_empty() => (host, port),
            Some(name) => (name, self.own_port()),
            None => (self.server_name, self.own_port()),
        };
        let end = host.iter().position(|byte| !is_of_host(byte));
        let before = out.len();
        out.extend_from_slice(&host[..end.unwrap_or(host.len())]);
        out[before..].make_ascii_lowercase();
        let default_port: &[u8] = if self.is_https { b"443" } else { b"80" };
        if let Some(port) = port.filter(|port| *port != default_port) {
            out.push(b':');
            out.extend(port.iter().take_while(|byte| byte.is_ascii_digit()));
        }
    }

    fn own_port(&self) -> Option<&'a [u8]> {
        (!self.server_port.is_empty() && !self.is_forwarded).then_some(self.server_port)
    }

    /// Our name, if it must replace `host`, the client's text; `None`: the client's text stays.
    fn canonical_name<'n>(&self, host: &[u8], names: &'n [String]) -> Option<&'n [u8]>
    where
        'a: 'n,
    {
        let is_written = |name: &[u8]| name.eq_ignore_ascii_case(host);
        let told = self.names.split(u8::is_ascii_whitespace);
        // This may be the name that the client wrote, unless the web server is configured
        // otherwise.
        let last = [self.server_name]
            .into_iter()
            .filter(|_| names.is_empty() && self.names.is_empty());
        let mut ours = (names.iter().map(|name| name.as_bytes()))
            .chain(told)
            .chain(last)
            .filter(|name| is_name(name));
        let first = ours.next()?;
        let is_ours = is_written(first) || ours.any(is_written) || self.is_address_of_ours(host);
        (!is_ours).then_some(first)
    }

    /// Whether the client wrote the address to which it connected.
    fn is_address_of_ours(&self, host: &[u8]) -> bool {
        let bare = host
            .strip_prefix(b"[")
            .and_then(|host| host.strip_suffix(b"]"));
        let parse = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<IpAddr>().ok();
        let Some(address) = parse(self.server_addr).map(|address| address.to_canonical()) else {
            return false;
        };
        let is_local = host.eq_ignore_ascii_case(b"localhost") && address.is_loopback();
        is_local || parse(bare.unwrap_or(host)).map(|host| host.to_canonical()) == Some(address)
    }
}

/// The web server's statements about the file, in order of precedence.
#[derive(Debug, Clone, Default)]
struct FileStatement<'a> {
    /// `X-Heliostat-File`: our shipped configuration for Apache sets it last, whatever the client
    /// sent.
    field: &'a [u8],
    /// Whether that configuration says so (`HELIOSTAT_ASKED`); otherwise the field may be the
    /// client's.
    has_field: bool,
    /// `HELIOSTAT_FILE`
    parameter: &'a [u8],
    /// `SCRIPT_FILENAME`
    script: &'a [u8],
    /// `HELIOSTAT_SCHEME`: the scheme according to a trusted proxy.
    is_https: Option<bool>,
}

impl<'a> FileStatement<'a> {
    /// Absolute path of the file; empty if unknown.
    fn file(&self) -> &'a [u8] {
        let field = if self.has_field { self.field } else { b"" };
        [field, self.parameter, self.script]
            .into_iter()
            .find(|file| file.starts_with(b"/"))
            .unwrap_or_default()
    }
}

/// Splits `host:port` or `[address]:port`, also without a port.
fn split_port(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let colon = text.iter().rposition(|&byte| byte == b':');
    match colon {
        Some(at)
            if text[at + 1..].iter().all(u8::is_ascii_digit) && !text[..at].ends_with(b":") =>
        {
            let port = &text[at + 1..];
            (&text[..at], (!port.is_empty()).then_some(port))
        }
        _ => (text, None),
    }
}

/// Whether a text can be our host in a URL; `_` and `~…` are nginx's names for "any".
fn is_name(name: &[u8]) -> bool {
    let is_first = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'[';
    name.first().is_some_and(is_first) && name.iter().all(is_of_host)
}

/// Whether a byte can stand in a host.
fn is_of_host(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':' | b'[' | b']')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(parameters: &[(&str, &str)], names: &[String]) -> String {
        let request = Request::from_parameters(
            parameters
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_bytes())),
        );
        let mut out = Vec::new();
        request.own_origin_into(&mut out, names);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn our_own_origin_is_as_the_client_wrote_it() {
        for (parameters, expected) in [
            (
                vec![("HTTP_HOST", "mb.example.org:8080")],
                "http://mb.example.org:8080",
            ),
            (
                vec![("HTTP_HOST", "M.example"), ("HTTPS", "on")],
                "https://m.example",
            ),
            (
                vec![("HTTP_HOST", "m.example:443"), ("HTTPS", "on")],
                "https://m.example",
            ),
            (
                vec![("SERVER_NAME", "s"), ("SERVER_PORT", "8080")],
                "http://s:8080",
            ),
            (
                vec![("SERVER_NAME", "s"), ("SERVER_PORT", "80")],
                "http://s",
            ),
            (
                vec![("HTTP_HOST", "[2001:db8::1]:8080")],
                "http://[2001:db8::1]:8080",
            ),
            (vec![("HTTP_HOST", "a\r\nX: y")], "http://a"),
        ] {
            assert_eq!(origin(&parameters, &[]), expected);
        }
    }

    #[test]
    fn a_name_that_is_none_of_ours_is_not_repeated() {
        let server = "SERVER_NAME=s.example SERVER_PORT=8080";
        let configured = ["a.example".to_owned(), "b.example".to_owned()];
        let told = "HELIOSTAT_NAMES=n.example,m.example";
        for (more, names, expected) in [
            ("HTTP_HOST=evil.example", &[][..], "http://s.example:8080"),
            ("HTTP_HOST=evil.example:99", &[], "http://s.example:8080"),
            ("HTTP_HOST=S.example:99", &[], "http://s.example:99"),
            ("HTTP_HOST=s.example", &configured, "http://a.example:8080"),
            ("HTTP_HOST=b.example", &configured, "http://b.example"),
            (
                &format!("HTTP_HOST=m.example:81 {told}"),
                &[],
                "http://m.example:81",
            ),
            (
                &format!("HTTP_HOST=s.example {told}"),
                &[],
                "http://n.example:8080",
            ),
            (told, &configured, "http://a.example:8080"),
            (
                "HTTP_HOST=1.2.3.4:81 SERVER_ADDR=1.2.3.4",
                &configured,
                "http://1.2.3.4:81",
            ),
            (
                "HTTP_HOST=[1::B] SERVER_ADDR=1:0::b",
                &configured,
                "http://[1::b]",
            ),
            (
                "HTTP_HOST=1.2.3.5 SERVER_ADDR=1.2.3.4",
                &configured,
                "http://a.example:8080",
            ),
            (
                "HTTP_HOST=localhost SERVER_ADDR=127.0.0.1",
                &configured,
                "http://localhost",
            ),
            (
                "HTTP_HOST=evil HELIOSTAT_SCHEME=HTTPS",
                &configured,
                "https://a.example",
            ),
            ("HTTP_HOST=x SERVER_NAME=_", &[], "http://x"),
        ] {
            let text = format!("{server} {more}");
            let pairs = text.split(' ').filter_map(|pair| pair.split_once('='));
            let parameters: Vec<_> = pairs.map(|(n, v)| (n, v.replace(',', " "))).collect();
            let parameters: Vec<_> = parameters.iter().map(|(n, v)| (*n, v.as_str())).collect();
            assert_eq!(origin(&parameters, names), expected, "{more:?}");
        }
    }

    #[test]
    fn the_file_is_the_web_servers_word_and_never_the_clients() {
        let file = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes()));
            String::from_utf8_lossy(Request::from_parameters(pairs).file).into_owned()
        };
        let field = ("HTTP_X_HELIOSTAT_FILE", "/field");
        let (asked, parameter) = (("HELIOSTAT_ASKED", "1"), ("HELIOSTAT_FILE", "/parameter"));
        let script = ("SCRIPT_FILENAME", "/script");
        for (pairs, expected) in [
            (vec![], ""),
            (vec![field], ""),
            (vec![script, field], "/script"),
            (vec![field, script, parameter], "/parameter"),
            (vec![asked, script, field, parameter], "/field"),
            (vec![("SCRIPT_FILENAME", "proxy:fcgi://heliostat/a")], ""),
        ] {
            assert_eq!(file(&pairs), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_trusted_proxy_tells_the_scheme() {
        for (pairs, expected) in [
            (vec![("HELIOSTAT_SCHEME", "https")], true),
            (vec![("HTTPS", "on"), ("HELIOSTAT_SCHEME", "http")], false),
            (vec![("HTTPS", "on"), ("HELIOSTAT_SCHEME", "")], true),
            (vec![("HTTP_X_FORWARDED_PROTO", "https")], false),
        ] {
            let parameters = pairs.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes()));
            assert_eq!(
                Request::from_parameters(parameters).is_https,
                expected,
                "{pairs:?}"
            );
        }
    }

    #[test]
    fn the_address_comes_from_the_first_parameter_that_has_one() {
        let ip = |pairs: &[(&'static str, &'static str)]| {
            Request::from_parameters(pairs.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())))
                .geo
                .ip()
                .map(|ip| ip.to_string())
        };
        let remote = ("REMOTE_ADDR", "10.0.0.1");
        assert_eq!(ip(&[remote]).as_deref(), Some("10.0.0.1"));
        assert_eq!(
            ip(&[remote, ("GEOIP_ADDR", "1.2.3.4")]).as_deref(),
            Some("1.2.3.4")
        );
        assert_eq!(
            ip(&[remote, ("MMDB_ADDR", "::ffff:1.2.3.4")]).as_deref(),
            Some("1.2.3.4")
        );
        assert_eq!(
            ip(&[("GEOIP_ADDR", "x"), remote]).as_deref(),
            Some("10.0.0.1")
        );
        assert_eq!(ip(&[]), None);
    }

    #[test]
    fn settings_are_overridden_by_key_or_directive_and_never_by_a_header() {
        let pairs: [(&[u8], &[u8]); 4] = [
            (b"MirrorBrainMinSize", b"0"),
            (b"handle_head_locally", b"on"),
            (b"HTTP_MIN_SIZE", b"9"),
            (b"HTTP_X", b"\xff"),
        ];
        let request = Request::from_parameters(pairs.into_iter());
        let expected = vec![("min_size", &b"0"[..]), ("handle_head_locally", b"on")];
        assert_eq!(request.overrides.0, expected);
    }
}
