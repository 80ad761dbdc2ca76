//! Decides which URL of a mirror a client gets, which mirrors it cannot reach, and which mirrors
//! come last.

use super::reason::Reason;
use crate::domain::health::Family;
use crate::domain::mirror::Mirror;
use crate::domain::url::{BaseUrl, Scheme};

/// Whether https clients may be sent to http URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HttpsToHttp {
    /// Never: browsers and many programs refuse such a redirect.
    #[default]
    Never,
    /// Only if no mirror with the file can serve them over https.
    IfNone,
    /// As if http were https; but a mirror's https URL is preferred.
    Always,
}

impl HttpsToHttp {
    /// Every value.
    pub const ALL: [HttpsToHttp; 3] =
        [HttpsToHttp::Never, HttpsToHttp::IfNone, HttpsToHttp::Always];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            HttpsToHttp::Never => "never",
            HttpsToHttp::IfNone => "if-none",
            HttpsToHttp::Always => "always",
        }
    }

    /// The value for that word.
    pub fn from_word(word: &str) -> Option<HttpsToHttp> {
        let mut all = HttpsToHttp::ALL.into_iter();
        all.find(|value| value.as_str() == word)
    }
}

/// Properties of a request that rule out mirrors whatever their class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Access {
    /// Scheme of the request.
    pub scheme: Scheme,
    /// Family of the client's address, if known. The client may have another address that we do not
    /// know, so a mirror that answers over the other family alone may be out of reach.
    pub family: Option<Family>,
    /// Whether https clients may be sent to http URLs.
    pub https_to_http: HttpsToHttp,
    /// Whether http clients get an http URL if the mirror has one.
    pub prefer_http_for_http: bool,
    /// Whether mirrors with a dead IPv6 address come last for every client.
    pub dead_ipv6_last: bool,
}

/// The turn in which a mirror is considered; lower is earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct AccessRank {
    /// Whether it is considered only if no mirror of an earlier turn has the file.
    pub is_substitute: bool,
    /// Whether it comes after all mirrors for which this is false.
    pub is_last: bool,
}

/// Number of turns.
pub(super) const TURNS: usize = 4;

impl AccessRank {
    /// Index of the turn, less than [`TURNS`].
    pub(super) fn index(self) -> usize {
        usize::from(self.is_substitute) * 2 + usize::from(self.is_last)
    }
}

/// The way in which a client is sent to a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route<'m> {
    /// Base URL for the client.
    pub url: &'m BaseUrl,
    /// Turn in which the mirror is considered.
    pub turn: AccessRank,
    /// Reason for a later turn than the first.
    pub why: Option<Reason>,
}

impl Access {
    /// MirrorBrain's rules: https clients get https URLs, all others the main URL.
    pub fn of(scheme: Scheme, family: Option<Family>) -> Access {
        Access {
            scheme,
            family,
            https_to_http: HttpsToHttp::Never,
            prefer_http_for_http: false,
            dead_ipv6_last: true,
        }
    }

    /// The route of such a client to a mirror.
    ///
    /// # Errors
    /// Returns the [`Reason`] if the client cannot be sent to the mirror.
    pub fn route(self, mirror: &Mirror) -> Result<Route<'_>, Reason> {
        if self.scheme == Scheme::Https {
            self.https_route(mirror)
        } else {
            self.plain_route(mirror)
        }
    }

    fn https_route<'m>(&self, mirror: &'m Mirror) -> Result<Route<'m>, Reason> {
        let https = mirror.url_of(Scheme::Https).ok_or(Reason::NoHttps);
        let secure = https.and_then(|url| self.over(mirror, url));
        let barrier = match (secure, self.https_to_http) {
            (Ok(route), _) => return Ok(route),
            (Err(barrier), HttpsToHttp::Never) => return Err(barrier),
            (Err(barrier), _) => barrier,
        };
        let http = mirror.url_of(Scheme::Http).ok_or(barrier)?;
        let mut route = self.over(mirror, http).map_err(|_| barrier)?;
        if self.https_to_http == HttpsToHttp::IfNone {
            route.turn.is_substitute = true;
            route.why = Some(barrier);
        }
        Ok(route)
    }

    fn plain_route<'m>(&self, mirror: &'m Mirror) -> Result<Route<'m>, Reason> {
        let main = mirror.base_url.as_ref().ok_or(Reason::NoBaseUrl)?;
        if !self.prefer_http_for_http {
            return self.over(mirror, main);
        }
        if let Some(http) = mirror.url_of(Scheme::Http)
            && let Ok(route) = self.over(mirror, http)
        {
            return Ok(route);
        }
        let mut route = self.over(mirror, main)?;
        if main.scheme() == Scheme::Https {
            route.turn.is_last = true;
            route.why = Some(Reason::HttpsAlone);
        }
        Ok(route)
    }

    /// The route over this URL, if the client can reach it according to the prober.
    fn over<'m>(&self, mirror: &'m Mirror, url: &'m BaseUrl) -> Result<Route<'m>, Reason> {
        if mirror.ipv6_only && self.family == Some(Family::V4) {
            return Err(Reason::Ipv6Only);
        }
        let reach = mirror.reach_of(url.scheme());
        let mut route = Route {
            url,
            turn: AccessRank::default(),
            why: None,
        };
        let Some(reach) = reach else {
            return Ok(route);
        };
        let (v4, v6) = (reach.over(Family::V4), reach.over(Family::V6));
        match (v4, v6, self.family) {
            (false, false, _) => return Err(Reason::UrlDown),
            (false, true, Some(Family::V4)) => return Err(Reason::Ipv6Only),
            (true, false, Some(Family::V6)) => return Err(Reason::Ipv4Only),
            _ => {}
        }
        if self.dead_ipv6_last && reach.has_dead_ipv6() {
            route.turn.is_last = true;
            route.why = Some(Reason::DeadIpv6);
        }
        Ok(route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::health::{Reach, Reachability};

    fn mirror(urls: &[&str], reach: &[(Scheme, Reachability, Reachability)]) -> Mirror {
        let mut mirror = Mirror::new("m");
        let urls = urls.iter().map(|url| BaseUrl::parse(url));
        let mut urls: Vec<BaseUrl> = urls.collect::<Result<_, _>>().expect("URLs");
        mirror.base_url = Some(urls.remove(0));
        mirror.further_base_urls = urls;
        let reach = reach.iter();
        let reach = reach.map(|&(scheme, v4, v6)| Reach { scheme, v4, v6 });
        mirror.reach = reach.collect();
        mirror
    }

    fn shown(found: Result<Route<'_>, Reason>) -> String {
        match found {
            Err(reason) => format!("!{}", reason.code()),
            Ok(route) => {
                let turn = ["", " last", " substitute", " substitute, last"];
                format!("{}{}", route.url, turn[route.turn.index()])
            }
        }
    }

    #[test]
    fn nobody_is_sent_where_he_cannot_go() {
        use Scheme::{Http, Https};
        let (open, dead, absent) = (Reachability::Open, Reachability::Dead, Reachability::Absent);
        let (v4, v6) = (Some(Family::V4), Some(Family::V6));
        let (http, https) = ("http://m/", "https://m/");
        for (reach, scheme, family, expected) in [
            (&[][..], Http, v4, http),
            (&[(Http, open, open)], Https, v6, https),
            (&[(Http, open, absent)], Http, v4, http),
            (&[(Http, open, absent)], Http, v6, "!ipv4-only"),
            (&[(Http, open, absent)], Http, None, http),
            (&[(Http, open, dead)], Http, v4, "http://m/ last"),
            (&[(Http, open, dead)], Http, v6, "!ipv4-only"),
            (&[(Http, open, dead)], Http, None, "http://m/ last"),
            (&[(Http, open, dead)], Https, v4, https),
            (&[(Http, dead, open)], Http, v4, "!ipv6-only"),
            (&[(Http, dead, open)], Http, v6, http),
            (&[(Http, absent, open)], Http, v4, "!ipv6-only"),
            (&[(Https, dead, dead)], Https, v4, "!url-down"),
            (&[(Https, dead, dead)], Http, v4, http),
            (&[(Http, dead, absent)], Http, None, "!url-down"),
        ] {
            let mirror = mirror(&[http, https], reach);
            let found = Access::of(scheme, family).route(&mirror);
            assert_eq!(shown(found), expected, "{reach:?} {scheme:?} {family:?}");
        }
        let half = mirror(&[http], &[(Http, open, dead)]);
        let access = Access {
            dead_ipv6_last: false,
            ..Access::of(Http, v4)
        };
        assert_eq!(shown(access.route(&half)), http, "a setting");
    }

    #[test]
    fn https_clients_get_http_only_where_it_is_allowed() {
        use HttpsToHttp::{Always, IfNone, Never};
        let down = (Scheme::Https, Reachability::Dead, Reachability::Absent);
        let plain_down = (Scheme::Http, Reachability::Dead, Reachability::Absent);
        let half = (Scheme::Http, Reachability::Open, Reachability::Dead);
        let (http, https, ftp) = ("http://m/", "https://m/", "ftp://m/");
        for (urls, reach, policy, expected) in [
            (&[http][..], &[][..], Never, "!no-https"),
            (&[http], &[], IfNone, "http://m/ substitute"),
            (&[http], &[], Always, http),
            (&[http], &[half], IfNone, "http://m/ substitute, last"),
            (&[http, https], &[], IfNone, https),
            (&[https, http], &[], Always, https),
            (&[http, https], &[down], Never, "!url-down"),
            (&[http, https], &[down], IfNone, "http://m/ substitute"),
            (&[http, https], &[down], Always, http),
            (&[http], &[plain_down], Always, "!no-https"),
            (&[ftp], &[], Always, "!no-https"),
            (&[ftp, http], &[], Always, http),
        ] {
            let access = Access {
                https_to_http: policy,
                ..Access::of(Scheme::Https, Some(Family::V4))
            };
            let mirror = mirror(urls, reach);
            let found = shown(access.route(&mirror));
            assert_eq!(found, expected, "{urls:?} {policy:?}");
        }
    }

    #[test]
    fn http_clients_that_cannot_follow_to_https_get_http_first() {
        let down = (Scheme::Http, Reachability::Dead, Reachability::Absent);
        let (http, https) = ("http://m/", "https://m/");
        for (urls, reach, prefers, expected) in [
            (&[https, http][..], &[][..], false, https),
            (&[https, http], &[], true, http),
            (&[https, http], &[down], true, "https://m/ last"),
            (&[https], &[], true, "https://m/ last"),
            (&[https], &[], false, https),
            (&["ftp://m/"], &[], true, "ftp://m/"),
            (&[http, https], &[down], true, "!url-down"),
        ] {
            let access = Access {
                prefer_http_for_http: prefers,
                ..Access::of(Scheme::Http, Some(Family::V4))
            };
            let mirror = mirror(urls, reach);
            let found = shown(access.route(&mirror));
            assert_eq!(found, expected, "{urls:?} {prefers}");
        }
    }

    #[test]
    fn values_are_their_words() {
        for value in HttpsToHttp::ALL {
            assert_eq!(HttpsToHttp::from_word(value.as_str()), Some(value));
        }
        assert_eq!(HttpsToHttp::from_word("sometimes"), None);
    }
}
