//! Decides where a mirror may redirect scans and probes (no I/O).
//!
//! Mirrors are not trusted. A redirect must not make this host ask what only this host can reach,
//! ask ports of other services, or send the mirror's password elsewhere.

use std::net::IpAddr;

use reqwest::Url;

use crate::domain::scope::Scope;

/// Ports to which every mirror may lead.
const WEB_PORTS: [u16; 2] = [80, 443];

/// Largest number of ports that are kept per mirror; a mirror has a few URLs.
const OWN_PORTS_MAX: usize = 8;

/// The ports of a mirror's own URLs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnPorts([u16; OWN_PORTS_MAX]);

/// Why a redirect is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectRefusal {
    /// The URL's scheme is neither http nor https.
    #[error("that is no URL of a web server")]
    Scheme,
    /// The redirect leads from https to http.
    #[error("that leads from https to http")]
    Downgrade,
    /// The port belongs to another service.
    #[error("its port {0} is neither 80 nor 443 nor one of the mirror's own URLs")]
    Port(u16),
    /// The address is in a network to which the mirror itself does not belong.
    #[error("its address is {}, and the mirror's is not", .0.as_str())]
    Address(Scope),
}

impl OwnPorts {
    /// The ports of base URLs; a text that is no URL has no port.
    pub fn of<'u>(urls: impl IntoIterator<Item = &'u str>) -> OwnPorts {
        let urls = urls
            .into_iter()
            .filter_map(|url| Url::parse(url.trim()).ok());
        let mut own = OwnPorts::default();
        let ports = urls.filter_map(|url| url.port_or_known_default());
        for (place, port) in own.0.iter_mut().zip(ports) {
            *place = port;
        }
        own
    }

    fn have(&self, port: u16) -> bool {
        port != 0 && self.0.contains(&port)
    }
}

/// Checks whether a redirect may be followed, before its host is resolved. `mirror` is the URL that
/// was asked for first.
///
/// # Errors
/// Returns the reason if the redirect may not be followed.
pub(super) fn check_url(
    mirror: &Url,
    from: &Url,
    to: &Url,
    own: OwnPorts,
) -> Result<(), RedirectRefusal> {
    if !matches!(to.scheme(), "http" | "https") || !to.has_host() {
        return Err(RedirectRefusal::Scheme);
    }
    if from.scheme() == "https" && to.scheme() == "http" {
        return Err(RedirectRefusal::Downgrade);
    }
    let port = to.port_or_known_default().unwrap_or_default();
    let is_own = own.have(port) || mirror.port_or_known_default() == Some(port);
    // A redirect to https on the same host may name any port, because the host's operator chose it.
    let is_upgrade = to.scheme() == "https" && to.host_str() == mirror.host_str();
    if !(WEB_PORTS.contains(&port) || is_own || is_upgrade) {
        return Err(RedirectRefusal::Port(port));
    }
    Ok(())
}

/// Checks whether a mirror of some scope may lead to a host with these addresses.
///
/// # Errors
/// Returns the reason if it may not.
pub(super) fn check_addresses(scope: Scope, addresses: &[IpAddr]) -> Result<(), RedirectRefusal> {
    if addresses.iter().any(|ip| scope.may_reach(*ip)) {
        return Ok(());
    }
    Err(RedirectRefusal::Address(Scope::of_all(addresses)))
}

/// Whether a login for one URL may be sent to another.
pub(super) fn keeps_login(from: &Url, to: &Url) -> bool {
    from.origin() == to.origin()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    #[test]
    fn redirects_stay_on_the_web() {
        let own = OwnPorts::of(["http://m.test:8080/pub/", "https://m.test:8443/", "no URL"]);
        for (from, to, expected) in [
            ("http://m.test:8080/", "http://cdn.test/x?token=1", Ok(())),
            ("http://m.test:8080/", "https://cdn.test/x", Ok(())),
            ("http://m.test:8080/", "http://cdn.test:8080/x", Ok(())),
            ("http://m.test:8080/", "https://cdn.test:8443/x", Ok(())),
            ("http://m.test:8080/", "https://m.test:9443/x", Ok(())),
            (
                "http://m.test:8080/",
                "https://cdn.test:9443/x",
                Err(RedirectRefusal::Port(9443)),
            ),
            (
                "http://m.test:8080/",
                "http://m.test:6379/",
                Err(RedirectRefusal::Port(6379)),
            ),
            (
                "https://m.test/",
                "http://m.test/",
                Err(RedirectRefusal::Downgrade),
            ),
            (
                "http://m.test:8080/",
                "ftp://m.test/",
                Err(RedirectRefusal::Scheme),
            ),
            (
                "http://m.test:8080/",
                "file:///etc/passwd",
                Err(RedirectRefusal::Scheme),
            ),
            (
                "http://m.test:8080/",
                "gopher://m.test:70/",
                Err(RedirectRefusal::Scheme),
            ),
        ] {
            let (from, to) = (url(from), url(to));
            assert_eq!(check_url(&from, &from, &to, own), expected, "{to}");
        }
    }

    #[test]
    fn a_login_stays_with_its_origin() {
        for (from, to, expected) in [
            ("http://m.test/a", "http://m.test/b", true),
            ("http://m.test/", "http://m.test:80/", true),
            ("http://m.test/", "https://m.test/", false),
            ("http://m.test/", "http://m.test:8080/", false),
            ("http://m.test/", "http://other.test/", false),
        ] {
            assert_eq!(keeps_login(&url(from), &url(to)), expected, "{to}");
        }
    }
}
