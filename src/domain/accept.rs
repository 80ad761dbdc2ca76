//! Decides when a file's own URL answers with a metalink because the request's `Accept` field names
//! one.
//!
//! A client that takes any type gets the file: a metalink would break a download that worked
//! without it. Rules per user agent make exceptions, for example for libzypp.

use super::pattern::Pattern;
use super::representation::Representation;

/// User agents of libzypp, which accepts `*/*` besides metalinks and prefers metalinks.
pub const LIBZYPP: &str = "*zypp*";

/// When a file's own URL answers with a metalink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByAccept {
    /// When `Accept` names a metalink type, whatever else it names (MirrorBrain's way).
    Always,
    /// When `Accept` names a metalink type, and does not take every type (`*/*`) besides: then the
    /// client expects a metalink.
    UnlessAny,
    /// Never. The `.meta4` suffix and the `?meta4` query still work.
    Never,
}

impl ByAccept {
    /// Each value with its name in the configuration.
    pub const NAMES: [(&str, ByAccept); 3] = [
        ("always", ByAccept::Always),
        ("unless-any", ByAccept::UnlessAny),
        ("never", ByAccept::Never),
    ];

    /// The value with that name.
    pub fn parse(name: &str) -> Option<ByAccept> {
        let known = ByAccept::NAMES.iter().find(|(known, _)| *known == name);
        known.map(|(_, value)| *value)
    }

    /// Whether a client with this `Accept` field gets a metalink; `accept` names a metalink type.
    fn sends(self, accept: &[u8]) -> bool {
        match self {
            ByAccept::Always => true,
            ByAccept::UnlessAny => {
                !accepts(accept, |range| matches!(range, b"*/*" | b"*"))
                    && accepts(accept, |range| Representation::from_accept(range).is_some())
            }
            ByAccept::Never => false,
        }
    }
}

/// One line of `metalink.by_accept`: which user agents it is for, and when they get metalinks.
#[derive(Debug, Clone)]
pub struct AcceptRule {
    /// Pattern for the whole `User-Agent`; `None` fits every client.
    pub user_agent: Option<Pattern>,
    /// When these clients get a metalink.
    pub by_accept: ByAccept,
}

/// The keys `metalink.*` of a directory.
#[derive(Debug, Clone)]
pub struct MetalinkRules {
    /// The first rule that fits the client counts; the last rule fits every client.
    by_accept: Vec<AcceptRule>,
    /// A metalink for which there is no mirror names this host's own URL.
    pub own_url: bool,
    /// Metalinks name the torrent generated for the file.
    pub torrent: bool,
}

impl Default for MetalinkRules {
    fn default() -> MetalinkRules {
        MetalinkRules::new(Vec::new())
    }
}

impl MetalinkRules {
    /// Puts `rules` before the default ones, which decide for the clients that `rules` do not
    /// cover.
    pub fn new(mut rules: Vec<AcceptRule>) -> MetalinkRules {
        let of_all = rules.iter().position(|rule| rule.user_agent.is_none());
        match of_all {
            // Rules after one that fits every client are never reached.
            Some(last) => rules.truncate(last + 1),
            None => rules.extend([
                AcceptRule {
                    user_agent: Some(Pattern::new(LIBZYPP)),
                    by_accept: ByAccept::Always,
                },
                AcceptRule {
                    user_agent: None,
                    by_accept: ByAccept::UnlessAny,
                },
            ]),
        }
        MetalinkRules {
            by_accept: rules,
            own_url: false,
            torrent: false,
        }
    }

    /// Returns the metalink type that this client gets at the file's own URL, if any, and the value
    /// of `Vary` for that URL. An empty value means that every client gets the same kind of answer;
    /// `User-Agent` is named only where another user agent would get another answer.
    pub fn negotiated(
        &self,
        accept: &[u8],
        user_agent: &[u8],
    ) -> (Option<Representation>, &'static str) {
        if let [only] = self.by_accept.as_slice()
            && only.by_accept == ByAccept::Never
        {
            return (None, "");
        }
        // Nearly all requests return here.
        let Some(named) = Representation::from_accept(accept) else {
            return (None, "Accept");
        };
        let fits = |rule: &&AcceptRule| match &rule.user_agent {
            Some(pattern) => pattern.matches(user_agent),
            None => true,
        };
        let rule = self.by_accept.iter().find(fits);
        let is_sent = rule.is_some_and(|rule| rule.by_accept.sends(accept));
        let is_same = |rule: &AcceptRule| rule.by_accept.sends(accept) == is_sent;
        let vary = match self.by_accept.iter().all(is_same) {
            true => "Accept",
            false => "Accept, User-Agent",
        };
        (is_sent.then_some(named), vary)
    }
}

/// Whether an `Accept` field takes a type for which `is_meant` holds: it names the type, and not
/// with a quality of 0 (RFC 9110, sections 12.4.2 and 12.5.1). Old Java programs write `*` for
/// `*/*`.
fn accepts(accept: &[u8], is_meant: impl Fn(&[u8]) -> bool) -> bool {
    accept.split(|byte| *byte == b',').any(|range| {
        let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        parts.next().is_some_and(&is_meant) && !parts.any(is_zero_quality)
    })
}

/// Whether a parameter is `q=0`, also as `Q = 0.000`.
fn is_zero_quality(parameter: &[u8]) -> bool {
    let Some(at) = parameter.iter().position(|byte| *byte == b'=') else {
        return false;
    };
    let (name, value) = (
        parameter[..at].trim_ascii(),
        parameter[at + 1..].trim_ascii(),
    );
    name.eq_ignore_ascii_case(b"q")
        && value.starts_with(b"0")
        && value.iter().all(|byte| matches!(byte, b'0' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const META4: &str = "application/metalink4+xml";
    const ARIA2: &str = "*/*,application/metalink4+xml,application/metalink+xml";
    const ZYPP: &str = "ZYpp 17.31.20 (curl 8.0.1) openSUSE-Leap-15.5-x86_64";

    fn rule(user_agent: Option<&str>, by_accept: ByAccept) -> AcceptRule {
        AcceptRule {
            user_agent: user_agent.map(Pattern::new),
            by_accept,
        }
    }

    #[test]
    fn a_client_that_takes_anything_gets_the_file() {
        let rules = MetalinkRules::default();
        let table = "
            application/metalink4+xml                          yes
            application/metalink+xml                           yes
            application/metalink4+xml;q=0.1,text/html          yes
            */*,application/metalink4+xml                      -
            application/metalink4+xml;q=1,*/*;q=0.1            -
            application/metalink4+xml,*;q=.2                   -
            application/metalink4+xml,*/*;q=0                  yes
            application/metalink4+xml,*/*;level=1;q=0.000      yes
            application/metalink4+xml,*/*;q=0.001              -
            application/metalink4+xml,application/*            yes
            application/metalink4+xml;q=0,text/html            -
            application/metalink4+xml;q=0,application/metalink+xml yes
            */*                                                -
            text/html                                          -";
        for row in table.lines().skip(1) {
            let words: Vec<&str> = row.split_ascii_whitespace().collect();
            let [accept, expected] = words[..] else {
                panic!("{row}")
            };
            // Blanks stand around everything.
            for accept in [
                accept.to_owned(),
                accept.replace(',', " , ").replace(';', " ; "),
            ] {
                let (found, _) = rules.negotiated(accept.as_bytes(), b"aria2/1.36.0");
                assert_eq!(found.is_some(), expected == "yes", "{accept}");
            }
        }
        assert!(
            rules
                .negotiated(ARIA2.as_bytes(), ZYPP.as_bytes())
                .0
                .is_some()
        );
        assert!(rules.negotiated(b"*/*", ZYPP.as_bytes()).0.is_none());
    }

    #[test]
    fn the_first_word_on_a_client_counts() {
        use ByAccept::{Always, Never, UnlessAny};
        let table = [
            (vec![rule(None, Always)], "aria2/1", true),
            (vec![rule(None, Never)], ZYPP, false),
            (vec![rule(None, UnlessAny)], ZYPP, false),
            (vec![rule(Some("aria2/*"), Always)], "aria2/1", true),
            (vec![rule(Some("aria2/*"), Always)], "curl/8", false),
            (vec![rule(Some("aria2/*"), Never)], ZYPP, true),
            (
                vec![rule(Some("*zypp*"), Never), rule(None, Always)],
                ZYPP,
                false,
            ),
            (
                vec![rule(None, Never), rule(Some("*zypp*"), Always)],
                ZYPP,
                false,
            ),
        ];
        for (rules, agent, expected) in table {
            let what = format!("{agent} {rules:?}");
            let rules = MetalinkRules::new(rules);
            let (found, _) = rules.negotiated(ARIA2.as_bytes(), agent.as_bytes());
            assert_eq!(found.is_some(), expected, "{what}");
        }
    }

    #[test]
    fn vary_names_what_the_answer_depends_on() {
        use ByAccept::{Always, Never};
        let vary = |rules, accept: &str| {
            let rules = MetalinkRules::new(rules);
            rules.negotiated(accept.as_bytes(), b"aria2/1.36.0").1
        };
        assert_eq!(vary(vec![], "*/*"), "Accept");
        assert_eq!(vary(vec![], META4), "Accept");
        assert_eq!(vary(vec![], ARIA2), "Accept, User-Agent");
        assert_eq!(vary(vec![rule(None, Always)], META4), "Accept");
        assert_eq!(vary(vec![rule(None, Never)], META4), "");
    }
}
