//! Decides which column a request counts in: twelve rules, of which the first that fits counts.

use super::column::CountColumn;
use super::range::AskedRange;

/// Ranges of together fewer bytes are probes: players and installers look at the beginning or the
/// end of a file in this way before, or instead of, a download.
pub const PROBE_BYTES: u64 = 1024;

/// The client's program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agent {
    /// A program of ours.
    Own,
    /// A search engine or the like.
    Bot,
    /// A program that copies trees.
    Mirrorer,
    /// Any other.
    Client,
}

/// The kind of an answer, for the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerClass {
    /// A redirect to a mirror.
    Redirect,
    /// The web server serves the file.
    Local,
    /// A document.
    Document,
    /// A metalink in place of the file.
    MetalinkForFile,
    /// 404.
    Missing,
    /// 405.
    Refused,
    /// 503.
    Unavailable,
    /// Another answer that has nothing to do with a file.
    Other,
}

/// The facts about a request that the rules need.
#[derive(Debug, Clone, Copy)]
pub struct CountedRequest<'r> {
    /// The client's program.
    pub agent: Agent,
    /// Whether it comes from a cache of ours or a network that is left out.
    pub is_own: bool,
    /// Whether it is HEAD.
    pub is_head: bool,
    /// Whether it has `If-None-Match` or `If-Modified-Since`.
    pub has_condition: bool,
    /// `Range`; empty if absent.
    pub range: &'r [u8],
    /// Size of the file, if it is known.
    pub size: Option<u64>,
    /// The answer.
    pub answered: AnswerClass,
}

/// The judgement on a request before it is compared with earlier requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestJudgement {
    /// The column; [`CountColumn::Downloads`] stands for rules 9 to 11, which
    /// [`Joins`](super::joins::Joins) tell apart.
    pub column: CountColumn,
    /// Bytes that the answer promises.
    pub bytes: u64,
    /// Whether the request has a `Range`.
    pub has_range: bool,
}

/// Judges one request by rules 1 to 8, 11 and 12.
pub fn judge(request: &CountedRequest<'_>) -> RequestJudgement {
    let only = |column| RequestJudgement {
        column,
        bytes: 0,
        has_range: false,
    };
    match (request.is_own, request.agent) {
        (true, _) | (_, Agent::Own) => return only(CountColumn::Own),
        (_, Agent::Bot) => return only(CountColumn::Bots),
        (_, Agent::Mirrorer) => return only(CountColumn::Mirrorers),
        (_, Agent::Client) => {}
    }
    if request.is_head {
        return only(CountColumn::Heads);
    }
    match request.answered {
        AnswerClass::Document => return only(CountColumn::Documents),
        AnswerClass::MetalinkForFile => return only(CountColumn::ByMetalink),
        AnswerClass::Missing => return only(CountColumn::Missing),
        AnswerClass::Refused => return only(CountColumn::Refused),
        AnswerClass::Unavailable => return only(CountColumn::Unavailable),
        AnswerClass::Other => return only(CountColumn::Other),
        AnswerClass::Local if request.has_condition => return only(CountColumn::Conditional),
        AnswerClass::Local | AnswerClass::Redirect => {}
    }
    let range = AskedRange::parse(request.range, request.size);
    let size = request.size.unwrap_or(0);
    let (column, bytes) = match range {
        AskedRange::Whole => (CountColumn::Downloads, size),
        AskedRange::Unreadable => (CountColumn::Probes, 0),
        AskedRange::Bytes(bytes) if bytes < PROBE_BYTES => (CountColumn::Probes, bytes),
        // Without a size, an open range promises nothing that could be counted.
        AskedRange::Bytes(bytes) if bytes > u64::MAX / 2 => (CountColumn::Downloads, 0),
        AskedRange::Bytes(bytes) => (CountColumn::Downloads, bytes),
    };
    RequestJudgement {
        column,
        bytes,
        has_range: range != AskedRange::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: CountedRequest<'_> = CountedRequest {
        agent: Agent::Client,
        is_own: false,
        is_head: false,
        has_condition: false,
        range: b"",
        size: Some(5000),
        answered: AnswerClass::Redirect,
    };

    #[test]
    fn the_first_rule_that_fits_counts() {
        use AnswerClass::{Document, Local, MetalinkForFile, Missing, Other, Refused, Unavailable};
        let head = CountedRequest {
            is_head: true,
            ..PLAIN
        };
        let answered = |answered| CountedRequest { answered, ..PLAIN };
        let range = |range| CountedRequest { range, ..PLAIN };
        let agent = |agent| CountedRequest { agent, ..head };
        let conditional = |answered| CountedRequest {
            has_condition: true,
            answered,
            ..PLAIN
        };
        let own = CountedRequest {
            is_own: true,
            ..agent(Agent::Bot)
        };
        for (request, column, bytes) in [
            (own, CountColumn::Own, 0),
            (agent(Agent::Own), CountColumn::Own, 0),
            (agent(Agent::Bot), CountColumn::Bots, 0),
            (agent(Agent::Mirrorer), CountColumn::Mirrorers, 0),
            (head, CountColumn::Heads, 0),
            (answered(Document), CountColumn::Documents, 0),
            (answered(MetalinkForFile), CountColumn::ByMetalink, 0),
            (conditional(Local), CountColumn::Conditional, 0),
            (
                conditional(AnswerClass::Redirect),
                CountColumn::Downloads,
                5000,
            ),
            (range(b"bytes=0-1022"), CountColumn::Probes, 1023),
            (range(b"bytes=x"), CountColumn::Probes, 0),
            (range(b"bytes=0-1023"), CountColumn::Downloads, 1024),
            (range(b"bytes=1000-"), CountColumn::Downloads, 4000),
            (PLAIN, CountColumn::Downloads, 5000),
            (answered(Local), CountColumn::Downloads, 5000),
            (answered(Missing), CountColumn::Missing, 0),
            (answered(Refused), CountColumn::Refused, 0),
            (answered(Unavailable), CountColumn::Unavailable, 0),
            (answered(Other), CountColumn::Other, 0),
        ] {
            let judged = judge(&request);
            assert_eq!(
                (judged.column, judged.bytes),
                (column, bytes),
                "{request:?}"
            );
        }
        let unknown = CountedRequest {
            size: None,
            ..range(b"bytes=7-")
        };
        assert_eq!(judge(&unknown).column, CountColumn::Downloads);
        assert_eq!(judge(&unknown).bytes, 0);
    }
}
