//! Splits a URL into its parts, without changing a byte of them (RFC 3986 §3).
//!
//! This is the only place that knows where a scheme and a host end. Why the parts stay as they were
//! written: docs/decisions/urls-byte-for-byte.md.

/// Longest URL of a mirror in bytes; MirrorBrain's column held 128 characters.
pub const URL_BYTES_MAX: usize = 1024;

/// The parts of a URL `SCHEME://AUTHORITY` with the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UrlParts<'u> {
    /// Before `://`, as written.
    pub scheme: &'u str,
    /// `[USER[:PASSWORD]@]HOST[:PORT]`.
    pub authority: &'u str,
    /// Path, query and fragment: empty, or from `/`, `?` or `#` on.
    pub after: &'u str,
}

impl<'u> UrlParts<'u> {
    /// Splits a URL; returns `None` if it has no `://`.
    pub fn of(url: &'u str) -> Option<UrlParts<'u>> {
        let (scheme, rest) = url.split_once("://")?;
        let (authority, after) = split_authority(rest);
        Some(UrlParts {
            scheme,
            authority,
            after,
        })
    }

    /// User and password as written, if there is an `@`.
    pub fn login(&self) -> Option<&'u str> {
        self.authority.rsplit_once('@').map(|(login, _)| login)
    }

    /// The authority without user and password.
    pub fn host_and_port(&self) -> &'u str {
        let login = self.authority.rsplit_once('@');
        login.map_or(self.authority, |(_, host)| host)
    }

    /// The host, an IPv6 address without brackets, and the text behind its colon. `None` if a
    /// bracket is not closed.
    pub fn host_port(&self) -> Option<(&'u str, Option<&'u str>)> {
        let text = self.host_and_port();
        match text.strip_prefix('[') {
            Some(v6) => {
                let (host, after) = v6.split_once(']')?;
                Some((host, after.strip_prefix(':')))
            }
            None => Some(match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            }),
        }
    }
}

/// Splits a text that begins with an authority at the first `/`, `?` or `#`.
pub fn split_authority(text: &str) -> (&str, &str) {
    text.split_at(text.find(['/', '?', '#']).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_where_the_standard_cuts_them() {
        type Case<'a> = (
            &'a str,
            &'a str,
            Option<&'a str>,
            (&'a str, Option<&'a str>),
            &'a str,
        );
        let cases: [Case<'_>; 7] = [
            ("http://m/pub/", "http", None, ("m", None), "/pub/"),
            ("HTTP://M:80", "HTTP", None, ("M", Some("80")), ""),
            (
                "ftp://u:p@m:21/x@y",
                "ftp",
                Some("u:p"),
                ("m", Some("21")),
                "/x@y",
            ),
            ("ftp://u:a@b@m/", "ftp", Some("u:a@b"), ("m", None), "/"),
            ("http://m?a=/b@c", "http", None, ("m", None), "?a=/b@c"),
            ("http://m#x@y/", "http", None, ("m", None), "#x@y/"),
            (
                "http://u@[::1]:8/",
                "http",
                Some("u"),
                ("::1", Some("8")),
                "/",
            ),
        ];
        for (url, scheme, login, host_port, after) in cases {
            let parts = UrlParts::of(url).expect(url);
            assert_eq!(
                (parts.scheme, parts.login(), parts.host_port(), parts.after),
                (scheme, login, Some(host_port), after),
                "{url}"
            );
        }
        assert_eq!(UrlParts::of("m.example.org/pub"), None);
        assert_eq!(
            UrlParts::of("http://[::1/").and_then(|p| p.host_port()),
            None
        );
    }
}
