//! Reads the words with which clients choose among mirrors: `not=`, `try=`, and MirrorCache's
//! `AVOID_COUNTRY=`, `LIMIT=`, `IPV4` and `IPV6`. Case of the words is ignored, and `COUNTRY=` is
//! `country=`.

use crate::decide::decision::Choice;
use crate::domain::health::Family;
use crate::domain::place::CountryCode;
use crate::domain::select::Reason;
use crate::http::Query;

/// Number of mirrors that one request may leave out; more would be a choice of its own.
const NOT_MAX: usize = 16;

/// Number of countries that one request may avoid; there are some 250.
const AVOIDED_MAX: usize = 300;

/// Largest `try=`: a client has given up by then.
const TRY_MAX: usize = 9;

/// A client's wishes about mirrors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::decide) struct ClientWishes {
    /// Identifiers of mirrors that are left out.
    not: Vec<Vec<u8>>,
    /// Countries whose mirrors are left out.
    avoided: Vec<CountryCode>,
    /// The mirror that is wanted, in an order that is the same for every request; from 1.
    pub nth: Option<usize>,
    /// Number of mirrors in a list.
    pub limit: Option<usize>,
    /// The family over which the client will ask the mirror.
    pub family: Option<Family>,
}

impl ClientWishes {
    /// Reads the words; `None` if there are none. Values without a meaning are ignored.
    pub(in crate::decide) fn of(query: &Query) -> Option<Box<ClientWishes>> {
        if query.is_empty() {
            return None;
        }
        let words = |name: &str, max: usize| {
            let value = query.first(name).unwrap_or_default();
            let words = value
                .split(|byte| *byte == b',')
                .filter(|word| !word.is_empty());
            words.take(max).map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        let number = |name: &str| -> Option<usize> {
            let text = std::str::from_utf8(query.once(name)?).ok()?;
            text.parse().ok().filter(|number| *number > 0)
        };
        let avoided = words("avoid_country", AVOIDED_MAX);
        let wishes = ClientWishes {
            not: words("not", NOT_MAX),
            avoided: avoided
                .iter()
                .filter_map(|word| CountryCode::parse(word))
                .collect(),
            nth: number("try").filter(|nth| *nth <= TRY_MAX),
            limit: number("limit"),
            family: match (query.has("ipv4"), query.has("ipv6")) {
                (true, false) => Some(Family::V4),
                (false, true) => Some(Family::V6),
                _ => None,
            },
        };
        (wishes != ClientWishes::default()).then(|| Box::new(wishes))
    }

    /// Whether the answer is for this request alone, even for a client that asks again.
    pub(in crate::decide) fn is_for_once(&self) -> bool {
        !self.not.is_empty() || self.nth.is_some()
    }

    /// The reason for which a mirror is left out.
    pub(super) fn refusal(
        &self,
        choice: &Choice<'_>,
        country: Option<CountryCode>,
    ) -> Option<Reason> {
        if self.not.iter().any(|name| name == choice.name.as_bytes()) {
            return Some(Reason::ClientNot);
        }
        let is_avoided = country.is_some_and(|country| self.avoided.contains(&country));
        is_avoided.then_some(Reason::NotAsked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_without_a_meaning_are_no_wishes() {
        for query in [
            "",
            "x=1",
            "try=0",
            "try=10",
            "try=x",
            "limit=0",
            "not=",
            "ipv4&ipv6",
        ] {
            let wishes = ClientWishes::of(&Query::parse(query.as_bytes()));
            assert_eq!(wishes, None, "{query}");
        }
        let all = b"NOT=a,b,,A&AVOID_COUNTRY=us,xxx,DE&try=2&LIMIT=3&IPV6";
        let wishes = ClientWishes::of(&Query::parse(all)).expect("wishes");
        assert_eq!(wishes.not, [b"a", b"b", b"A"]);
        assert_eq!(wishes.avoided.len(), 2);
        assert_eq!((wishes.nth, wishes.limit), (Some(2), Some(3)));
        assert_eq!(wishes.family, Some(Family::V6));
        assert!(wishes.is_for_once());
        let many = format!("not={}", "x,".repeat(40));
        let wishes = ClientWishes::of(&Query::parse(many.as_bytes())).expect("wishes");
        assert_eq!(wishes.not.len(), NOT_MAX);
    }
}
