//! A request as the web server describes it in its CGI parameters.
//!
//! One pass over the parameters fills the fields; nothing is copied, bytes stay bytes.

use std::net::IpAddr;

use super::Conditions;
use crate::domain::mirror::Scheme;

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

/// Settings of a directory that the web server overrides by a parameter (Apache's `SetEnv`): the
/// key of the configuration, or MirrorBrain's directive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Overrides<'a>(pub Vec<(&'static str, &'a [u8])>);

/// Everything that a decision looks at; slices into the web server's parameters, empty if absent.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    /// GET, HEAD…
    pub method: Method,
    /// Decoded URL path as the server mapped it.
    pub script_name: &'a [u8],
    /// What follows the mapped name.
    pub path_info: &'a [u8],
    /// Query string, still encoded.
    pub query_string: &'a [u8],
    /// http or https.
    pub is_https: bool,
    /// Host and port as the client wrote them.
    pub http_host: &'a [u8],
    /// The server's name.
    pub server_name: &'a [u8],
    /// The server's port.
    pub server_port: &'a [u8],
    /// `Accept`.
    pub accept: &'a [u8],
    /// `User-Agent`.
    pub user_agent: &'a [u8],
    /// `CDN-Loop` (RFC 8586).
    pub cdn_loop: &'a [u8],
    /// `Via`.
    pub via: &'a [u8],
    /// `If-None-Match` and the like.
    pub conditions: Conditions<'a>,
    /// Content type by the file's name, where the server tells it (`HELIOSTAT_MIME_TYPE`).
    pub mime_type: &'a [u8],
    /// The site, where the server names it (`HELIOSTAT_SITE`).
    pub site: &'a [u8],
    /// How many fields of one name the server sends in lines of their own, because it makes them
    /// of helper fields (`HELIOSTAT_LINES`); 0: it needs none, or joins them.
    pub lines: usize,
    /// The client's place, where the server knows it.
    pub geo: GeoParameters<'a>,
    /// A program of ours asks how the responder is (`HELIOSTAT_ASK=status`).
    pub asks_status: bool,
    /// Overridden settings.
    pub overrides: Overrides<'a>,
}

/// The client's data that the web server may set; they win over our own look-up.
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
            .find_map(|text| std::str::from_utf8(text).ok()?.trim().parse().ok())
            .map(|ip: IpAddr| ip.to_canonical())
    }
}

/// Configuration keys that a parameter may override, with MirrorBrain's name.
const OVERRIDABLE: [(&str, &str); 28] = [
    ("engine", "MirrorBrainEngine"),
    ("min_size", "MirrorBrainMinSize"),
    ("exclude_mime_types", "MirrorBrainExcludeMimeType"),
    ("exclude_user_agents", "MirrorBrainExcludeUserAgent"),
    ("exclude_networks", "MirrorBrainExcludeNetwork"),
    ("exclude_ips", "MirrorBrainExcludeIP"),
    ("exclude_file_mask", "MirrorBrainExcludeFileMask"),
    ("handle_head_locally", "MirrorBrainHandleHEADRequestLocally"),
    ("redirect_stamp_key", "MirrorBrainRedirectStampKey"),
    ("fallbacks", "MirrorBrainFallback"),
    (
        "fallback_when_ineligible",
        "HELIOSTAT_FALLBACK_WHEN_INELIGIBLE",
    ),
    ("fallback_when_unknown", "HELIOSTAT_FALLBACK_WHEN_UNKNOWN"),
    ("query", "FormGET"),
    (
        "hashes_suppress_filenames",
        "MirrorBrainHashesSuppressFilenames",
    ),
    ("mirrorlist_style_sheet", "MirrorBrainMirrorlistStyleSheet"),
    ("mirrorlist_header", "MirrorBrainMirrorlistHeader"),
    ("mirrorlist_footer", "MirrorBrainMirrorlistFooter"),
    ("trackers", "MirrorBrainTorrentTrackerURL"),
    ("dht_nodes", "MirrorBrainDHTNode"),
    ("trackerless", "HELIOSTAT_TRACKERLESS"),
    ("metalink_magnet_links", "MirrorBrainMetalinkMagnetLinks"),
    (
        "metalink_torrent_add_mask",
        "MirrorBrainMetalinkTorrentAddMask",
    ),
    ("metalink.by_accept", "HELIOSTAT_METALINK_BY_ACCEPT"),
    ("metalink.own_url", "HELIOSTAT_METALINK_OWN_URL"),
    ("metalink.torrent", "HELIOSTAT_METALINK_TORRENT"),
    ("redirect_cache_control", "HELIOSTAT_REDIRECT_CACHE_CONTROL"),
    ("https_to_http", "HELIOSTAT_HTTPS_TO_HTTP"),
    ("prefer_http_for_http", "HELIOSTAT_PREFER_HTTP_FOR_HTTP"),
];

/// Directives of ours that override settings.
const OWN_DIRECTIVES: [&[u8]; 9] = [
    b"HELIOSTAT_FALLBACK_WHEN_INELIGIBLE",
    b"HELIOSTAT_FALLBACK_WHEN_UNKNOWN",
    b"HELIOSTAT_TRACKERLESS",
    b"HELIOSTAT_METALINK_BY_ACCEPT",
    b"HELIOSTAT_METALINK_OWN_URL",
    b"HELIOSTAT_METALINK_TORRENT",
    b"HELIOSTAT_REDIRECT_CACHE_CONTROL",
    b"HELIOSTAT_HTTPS_TO_HTTP",
    b"HELIOSTAT_PREFER_HTTP_FOR_HTTP",
];

impl<'a> Request<'a> {
    /// Reads the parameters; of a repeated one the last counts.
    pub fn from_parameters(parameters: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Request<'a> {
        let mut request = Request::default();
        for (name, value) in parameters {
            request.set(name, value);
        }
        request
    }

    fn set(&mut self, name: &'a [u8], value: &'a [u8]) {
        match name {
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
            b"HTTPS" => self.is_https |= value.eq_ignore_ascii_case(b"on") || value == b"1",
            b"REQUEST_SCHEME" => self.is_https |= value == b"https",
            b"HTTP_HOST" => self.http_host = value,
            b"SERVER_NAME" => self.server_name = value,
            b"SERVER_PORT" => self.server_port = value,
            b"HTTP_CDN_LOOP" => self.cdn_loop = value,
            b"HTTP_VIA" => self.via = value,
            b"HTTP_ACCEPT" => self.accept = value,
            b"HTTP_USER_AGENT" => self.user_agent = value,
            b"HELIOSTAT_MIME_TYPE" => self.mime_type = value,
            b"HELIOSTAT_SITE" => self.site = value,
            b"HELIOSTAT_LINES" => {
                let text = std::str::from_utf8(value).unwrap_or_default();
                self.lines = text.trim().parse().unwrap_or_default();
            }
            b"HELIOSTAT_ASK" => self.asks_status = value == b"status",
            b"ASN" => self.geo.asn = value,
            b"PFX" => self.geo.prefix = value,
            b"REMOTE_ADDR" => self.geo.remote_addr = value,
            _ if name.starts_with(b"HTTP_IF_") => self.set_condition(name, value),
            _ if name.starts_with(b"HTTP_") => {}
            _ if name.starts_with(b"GEOIP_") || name == b"MMDB_ADDR" => self.set_geo(name, value),
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
        // CGI's own names are upper case; keys are lower case and directives mixed.
        let may_be_override = name.first().is_some_and(u8::is_ascii_lowercase)
            || name.starts_with(b"MirrorBrain")
            || name == b"FormGET"
            || name.starts_with(b"HELIOSTAT_") && OWN_DIRECTIVES.contains(&name);
        if !may_be_override {
            return;
        }
        let known = OVERRIDABLE
            .iter()
            .find(|(key, directive)| name == key.as_bytes() || name == directive.as_bytes());
        if let Some((key, _)) = known {
            self.overrides.0.push((key, value));
        }
    }

    /// Decoded URL path: what was mapped and what follows it.
    pub fn url_path(&self) -> Vec<u8> {
        [self.script_name, self.path_info].concat()
    }

    /// Whether the path ends in a slash, so that it can name a directory and no file.
    pub fn names_directory(&self) -> bool {
        let last = if self.path_info.is_empty() {
            self.script_name
        } else {
            self.path_info
        };
        last.ends_with(b"/")
    }

    /// The scheme of the client's request.
    pub fn scheme(&self) -> Scheme {
        if self.is_https {
            Scheme::Https
        } else {
            Scheme::Http
        }
    }

    /// Appends `scheme://host[:port]` as the client addressed us, the host in lower case; the port
    /// only when it is not the scheme's own.
    pub fn own_origin_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.scheme().as_str().as_bytes());
        out.extend_from_slice(b"://");
        let host = if self.http_host.is_empty() {
            self.server_name
        } else {
            self.http_host
        };
        let is_host = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(byte);
        let host = host.iter().take_while(is_host);
        out.extend(host.map(u8::to_ascii_lowercase));
        let default_port: &[u8] = if self.is_https { b"443" } else { b"80" };
        if self.http_host.is_empty() && !matches!(self.server_port, b"") {
            if self.server_port != default_port {
                out.push(b':');
                out.extend(
                    self.server_port
                        .iter()
                        .take_while(|byte| byte.is_ascii_digit()),
                );
            }
        } else if let Some(bare) = strip_port(out, default_port) {
            out.truncate(bare);
        }
    }
}

/// Length without `:PORT` when the text ends so.
fn strip_port(text: &[u8], port: &[u8]) -> Option<usize> {
    let rest = text.strip_suffix(port)?.strip_suffix(b":")?;
    Some(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(parameters: &[(&str, &str)]) -> String {
        let request = Request::from_parameters(
            parameters
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_bytes())),
        );
        let mut out = Vec::new();
        request.own_origin_into(&mut out);
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
            assert_eq!(origin(&parameters), expected);
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
