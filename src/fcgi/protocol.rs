//! The state of one connection, without input or output: bytes in, steps and bytes out.
//!
//! [`Conversation::advance`] takes bytes in whatever pieces they arrive and stops at each
//! [`Step`] that its owner must know of. It keeps only the parameters of the request being read:
//! everything else is handled as it passes or thrown away.
//!
//! Rules beyond the specification's letter:
//! - A request is complete when PARAMS *and* STDIN are closed, so that an answer never
//!   overtakes a body that the web server is still writing. A request refused for its size is
//!   answered at once, and what is left of it is read and thrown away.
//! - Records of a request that is not open are ignored (specification 3.3), up to
//!   `IGNORED_BYTES_MAX`.
//! - What no web server sends (other versions, records that only applications send, PARAMS after
//!   their end) is a [`Violation`]: the connection has lost its frame, nothing after can be
//!   trusted, so it is closed.
//!
//! # Limits
//! `params` never holds more than `params_bytes_max` bytes, `control` never more than
//! `CONTROL_BYTES_MAX`. Answers that the conversation makes by itself are at most five times as
//! long as what asked for them; the owner sends them before it reads on.

use super::handler::Request;
use super::params;
use super::record::{self, Ending, HEADER_BYTES, Header, kind};
use super::step::INTERNAL_ERROR;
pub use super::step::{Limits, Refusal, Step, Violation};

/// Bytes of a record that must be seen whole, BEGIN_REQUEST and GET_VALUES. All variables that
/// can be asked for take 51 bytes.
const CONTROL_BYTES_MAX: usize = 512;

/// Bytes of records of no open request, between two requests, headers included. A multiplexing
/// web server that has not yet read our refusal sends at most a request; more is garbage.
const IGNORED_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// Capacity for parameters that an idle connection keeps. Apache's take 1 to 4 KiB.
const PARAMS_KEPT_BYTES: usize = 8 * 1024;

/// The request being read.
#[derive(Debug)]
struct Open {
    id: u16,
    keep: bool,
    params_ended: bool,
    stdin_ended: bool,
    stdin_bytes: u64,
    /// Answered already, since it was refused; what is left of it is only read away.
    refused: bool,
    /// All of it has come and it waits for its answer.
    ready: bool,
}

/// Where the content of the present record goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sink {
    Params,
    Stdin,
    Control,
    Ignored,
}

/// One connection's state.
#[derive(Debug)]
pub struct Conversation {
    limits: Limits,
    header: [u8; HEADER_BYTES],
    header_have: usize,
    /// The record whose content is being read; `None` between records.
    record: Option<(Header, Sink)>,
    content_left: usize,
    padding_left: usize,
    control: Vec<u8>,
    params: Vec<u8>,
    open: Option<Open>,
    ignored_bytes: u64,
    over: bool,
}

impl Conversation {
    /// A connection on which nothing was said yet.
    pub fn new(limits: Limits) -> Conversation {
        Conversation {
            limits,
            header: [0; HEADER_BYTES],
            header_have: 0,
            record: None,
            content_left: 0,
            padding_left: 0,
            control: Vec::new(),
            params: Vec::new(),
            open: None,
            ignored_bytes: 0,
            over: false,
        }
    }

    /// Takes bytes off the front of `input` until there is a step to report; appends to `out`
    /// what must be sent to the web server.
    ///
    /// After [`Step::Ready`] nothing is taken until [`Conversation::answer`]; after
    /// [`Step::Over`] and [`Step::Broken`] nothing is taken any more.
    pub fn advance(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Step {
        if self.open.as_ref().is_some_and(|open| open.ready) {
            return Step::Ready;
        }
        loop {
            if self.over {
                return Step::Over;
            }
            let step = match self.record {
                None => self.take_header(input),
                Some((header, sink)) => self.take_content(header, sink, input, out),
            };
            match step {
                None => {}
                Some(Step::Hungry) => return Step::Hungry,
                Some(Step::Broken(violation)) => {
                    self.over = true;
                    return Step::Broken(violation);
                }
                Some(step) => return step,
            }
        }
    }

    /// The complete request after [`Step::Ready`].
    pub fn request(&self) -> Request<'_> {
        Request::new(&self.params)
    }

    /// Appends the answer to the complete request to `out` and goes on to the next.
    /// An answer of no bytes is a handler's mistake and becomes a 500.
    pub fn answer(&mut self, cgi: &[u8], out: &mut Vec<u8>) {
        if let Some(open) = self.open.take_if(|open| open.ready) {
            let cgi = if cgi.is_empty() { INTERNAL_ERROR } else { cgi };
            record::push_answer(out, open.id, cgi);
            self.close(open.keep);
        }
    }

    /// Appends a part of the answer to the complete request to `out`; [`Self::answer_end`] ends it.
    pub fn answer_part(&mut self, cgi: &[u8], out: &mut Vec<u8>) {
        if let Some(open) = self.open.as_ref().filter(|open| open.ready) {
            record::push_stdout(out, open.id, cgi);
        }
    }

    /// Ends an answer of parts and goes on to the next request.
    pub fn answer_end(&mut self, out: &mut Vec<u8>) {
        if let Some(open) = self.open.take_if(|open| open.ready) {
            record::push_end(out, open.id, Ending::Complete);
            self.close(open.keep);
        }
    }

    /// Whether nothing has come since the last request ended: closing now loses nothing that
    /// was read.
    pub fn is_idle(&self) -> bool {
        self.open.is_none()
            && self.record.is_none()
            && self.header_have == 0
            && self.padding_left == 0
    }

    /// Whether a request has begun that was not answered.
    pub fn is_owing(&self) -> bool {
        self.open.as_ref().is_some_and(|open| !open.refused)
    }

    /// Bytes kept until more comes: at most the limit of parameters, and half a kilobyte.
    pub fn held_bytes(&self) -> usize {
        self.params.len() + self.control.len() + self.header_have
    }

    /// Forgets the request that has ended.
    fn close(&mut self, keep: bool) {
        self.params.clear();
        self.params.shrink_to(PARAMS_KEPT_BYTES);
        self.ignored_bytes = 0;
        self.over = !keep;
    }

    /// Skips what is left of the last record's padding, then gathers a header.
    fn take_header(&mut self, input: &mut &[u8]) -> Option<Step> {
        let skipped = self.padding_left.min(input.len());
        self.padding_left -= skipped;
        *input = &input[skipped..];

        let wanted = HEADER_BYTES - self.header_have;
        let Some((head, rest)) = input.split_at_checked(wanted) else {
            self.header[self.header_have..][..input.len()].copy_from_slice(input);
            self.header_have += input.len();
            *input = &[];
            return Some(Step::Hungry);
        };
        self.header[self.header_have..].copy_from_slice(head);
        self.header_have = 0;
        *input = rest;

        let header = Header::parse(self.header);
        self.content_left = usize::from(header.content_bytes);
        self.padding_left = usize::from(header.padding_bytes);
        match self.sink(&header) {
            Ok(sink) => {
                self.record = Some((header, sink));
                None
            }
            Err(violation) => Some(Step::Broken(violation)),
        }
    }

    /// Where the content of a record goes, or why the record cannot be.
    fn sink(&mut self, header: &Header) -> Result<Sink, Violation> {
        if header.version != record::VERSION {
            return Err(Violation::Version(header.version));
        }
        let management = header.id == record::MANAGEMENT;
        let open = self.open.as_ref().filter(|open| open.id == header.id);
        self.control.clear();
        let sink = match (header.kind, open) {
            (kind::BEGIN_REQUEST | kind::ABORT_REQUEST | kind::PARAMS, _)
            | (kind::STDIN | kind::DATA, _)
                if management =>
            {
                return Err(Violation::Kind(header.kind));
            }
            (kind::BEGIN_REQUEST, Some(open)) if !open.refused => return Err(Violation::Begin),
            (kind::BEGIN_REQUEST, _) if self.content_left != record::BODY_BYTES => {
                return Err(Violation::Begin);
            }
            (kind::BEGIN_REQUEST, _) => Sink::Control,
            (kind::PARAMS, Some(open)) if open.params_ended => return Err(Violation::StreamEnded),
            (kind::STDIN, Some(open)) if open.stdin_ended => return Err(Violation::StreamEnded),
            (kind::PARAMS, Some(_)) => Sink::Params,
            (kind::STDIN | kind::DATA, Some(_)) => Sink::Stdin,
            (kind::ABORT_REQUEST, Some(_)) => Sink::Ignored,
            (kind::ABORT_REQUEST | kind::PARAMS | kind::STDIN | kind::DATA, None) => Sink::Ignored,
            (kind::GET_VALUES, _) if management => {
                if self.content_left > CONTROL_BYTES_MAX {
                    return Err(Violation::ValuesTooLarge);
                }
                Sink::Control
            }
            (kind::END_REQUEST..=kind::UNKNOWN_TYPE, _) => {
                return Err(Violation::Kind(header.kind));
            }
            (_, _) if management => Sink::Ignored,
            (_, _) => return Err(Violation::Kind(header.kind)),
        };
        if sink == Sink::Ignored {
            self.ignored_bytes += (HEADER_BYTES + self.content_left + self.padding_left) as u64;
            if self.ignored_bytes > IGNORED_BYTES_MAX {
                return Err(Violation::TooMuchIgnored);
            }
        }
        Ok(sink)
    }

    /// Takes what has come of the present record's content; acts when it is whole.
    fn take_content(
        &mut self,
        header: Header,
        sink: Sink,
        input: &mut &[u8],
        out: &mut Vec<u8>,
    ) -> Option<Step> {
        let (content, rest) = input.split_at(self.content_left.min(input.len()));
        *input = rest;
        self.content_left -= content.len();
        let refusal = match sink {
            Sink::Params => self.take_params(content),
            Sink::Stdin => self.take_stdin(content),
            Sink::Control => {
                self.control.extend_from_slice(content);
                None
            }
            Sink::Ignored => None,
        };
        if self.content_left == 0 {
            self.record = None;
        }
        if let Some(refusal) = refusal {
            return Some(self.refuse(refusal, out));
        }
        if self.content_left > 0 {
            return Some(Step::Hungry);
        }
        self.end_record(header, out)
    }

    fn take_params(&mut self, content: &[u8]) -> Option<Refusal> {
        let open = self.open.as_ref()?;
        if open.refused {
            return None;
        }
        if self.params.len() + content.len() > self.limits.params_bytes_max {
            return Some(Refusal::ParamsTooLarge);
        }
        self.params.extend_from_slice(content);
        None
    }

    fn take_stdin(&mut self, content: &[u8]) -> Option<Refusal> {
        let open = self.open.as_mut()?;
        open.stdin_bytes += content.len() as u64;
        let too_large = open.stdin_bytes > self.limits.stdin_bytes_max && !open.refused;
        too_large.then_some(Refusal::StdinTooLarge)
    }

    /// Answers the open request with a refusal; the rest of it is read away.
    fn refuse(&mut self, refusal: Refusal, out: &mut Vec<u8>) -> Step {
        if let Some(open) = &mut self.open {
            open.refused = true;
            record::push_answer(out, open.id, refusal.cgi());
            self.params.clear();
        }
        self.end_refused();
        Step::Refused(refusal)
    }

    /// Forgets a refused request once all of it has come.
    fn end_refused(&mut self) {
        let ended = |open: &mut Open| open.refused && open.params_ended && open.stdin_ended;
        if let Some(open) = self.open.take_if(ended) {
            self.close(open.keep);
        }
    }

    /// Acts on a record that has come whole.
    fn end_record(&mut self, header: Header, out: &mut Vec<u8>) -> Option<Step> {
        let is_open = self.open.as_ref().is_some_and(|open| open.id == header.id);
        match header.kind {
            kind::BEGIN_REQUEST => self.begin(header.id, out),
            kind::GET_VALUES => self.answer_values(out),
            kind::ABORT_REQUEST if is_open => return self.abort(out),
            kind::PARAMS | kind::STDIN if is_open && header.content_bytes == 0 => {
                return self.end_stream(header.kind, out);
            }
            kind::ABORT_REQUEST | kind::PARAMS | kind::STDIN | kind::DATA => {}
            unknown => record::push_unknown_type(out, unknown),
        }
        None
    }

    fn begin(&mut self, id: u16, out: &mut Vec<u8>) {
        let Some(&[role1, role0, flags, ..]) = self.control.first_chunk::<3>() else {
            return;
        };
        let keep = flags & record::KEEP_CONNECTION != 0;
        if self.open.as_ref().is_some_and(|open| !open.refused) {
            record::push_end(out, id, Ending::CannotMultiplex);
        } else if u16::from_be_bytes([role1, role0]) != record::ROLE_RESPONDER {
            record::push_end(out, id, Ending::UnknownRole);
            self.over = !keep;
        } else {
            self.params.clear();
            self.open = Some(Open {
                id,
                keep,
                params_ended: false,
                stdin_ended: false,
                stdin_bytes: 0,
                refused: false,
                ready: false,
            });
        }
    }

    fn abort(&mut self, out: &mut Vec<u8>) -> Option<Step> {
        let open = self.open.take()?;
        self.close(open.keep);
        if open.refused {
            return None;
        }
        record::push_end(out, open.id, Ending::Complete);
        Some(Step::Aborted)
    }

    /// Notes the end of PARAMS or STDIN; a request of which both have ended is ready.
    fn end_stream(&mut self, kind: u8, out: &mut Vec<u8>) -> Option<Step> {
        let open = self.open.as_mut()?;
        match kind {
            kind::PARAMS => open.params_ended = true,
            _ => open.stdin_ended = true,
        }
        if open.refused {
            self.end_refused();
            return None;
        }
        if !(open.params_ended && open.stdin_ended) {
            return None;
        }
        match params::count(&self.params) {
            Some(count) if count <= self.limits.params_max => {
                open.ready = true;
                Some(Step::Ready)
            }
            Some(_) => Some(self.refuse(Refusal::ParamsTooLarge, out)),
            None => Some(self.refuse(Refusal::Malformed, out)),
        }
    }

    /// Answers GET_VALUES with those of the asked variables that exist (specification 4.1).
    fn answer_values(&mut self, out: &mut Vec<u8>) {
        let connections = self.limits.connections_max.to_string();
        let known = [
            ("FCGI_MAX_CONNS", &*connections),
            ("FCGI_MAX_REQS", &connections),
            ("FCGI_MPXS_CONNS", "0"),
        ];
        let asked =
            |name: &str| params::Params::new(&self.control).any(|(n, _)| n == name.as_bytes());
        let values: Vec<_> = known
            .into_iter()
            .filter(|(name, _)| asked(name))
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        record::push_values(out, &values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        params_bytes_max: 64,
        params_max: 3,
        stdin_bytes_max: 16,
        connections_max: 77,
    };

    const BODY: &[u8] = b"answer";

    fn record(kind: u8, id: u16, content: &[u8]) -> Vec<u8> {
        let [id1, id0] = id.to_be_bytes();
        let [length1, length0] = (content.len() as u16).to_be_bytes();
        [
            &[1, kind, id1, id0, length1, length0, 3, 0],
            content,
            &[0xee; 3],
        ]
        .concat()
    }

    fn begin(id: u16, role: u8, flags: u8) -> Vec<u8> {
        record(1, id, &[0, role, flags, 0, 0, 0, 0, 0])
    }

    fn request(id: u16, params: &[u8], flags: u8) -> Vec<u8> {
        // An empty record ends the stream, so there is only one of them.
        let params = if params.is_empty() {
            Vec::new()
        } else {
            record(4, id, params)
        };
        [
            begin(id, 1, flags),
            params,
            record(4, id, b""),
            record(5, id, b""),
        ]
        .concat()
    }

    /// What came of `input` in pieces of `size`: steps other than `Hungry`, then records.
    fn converse(input: &[u8], size: usize) -> (Vec<String>, Vec<String>) {
        let mut conversation = Conversation::new(LIMITS);
        let (mut steps, mut out) = (Vec::new(), Vec::new());
        'all: for mut piece in input.chunks(size) {
            loop {
                let step = conversation.advance(&mut piece, &mut out);
                match step {
                    Step::Hungry => break,
                    Step::Ready => {
                        steps.push(format!("{:?}", conversation.request().params().count()));
                        conversation.answer(BODY, &mut out);
                    }
                    Step::Over | Step::Broken(_) => {
                        steps.push(format!("{step:?}"));
                        break 'all;
                    }
                    step => steps.push(format!("{step:?}")),
                }
            }
        }
        (steps, records(&out))
    }

    /// Each record in words: its type and id, and what its content says.
    fn records(mut out: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        while let Some((head, rest)) = out.split_first_chunk::<HEADER_BYTES>() {
            let header = Header::parse(*head);
            assert_eq!((header.version, header.padding_bytes), (1, 0));
            let (content, rest) = rest.split_at(header.content_bytes.into());
            out = rest;
            let id = header.id;
            found.push(match header.kind {
                kind::STDOUT if content == BODY => format!("answer {id}"),
                kind::STDOUT => format!("{} {id}", content[8..11].escape_ascii()),
                kind::END_REQUEST => format!("end {id} {}", content[4]),
                kind::UNKNOWN_TYPE => format!("unknown {id} {}", content[0]),
                kind::GET_VALUES_RESULT => format!("values {id} {}", content.escape_ascii()),
                other => panic!("sent a record of type {other}"),
            });
        }
        assert!(out.is_empty(), "half a record was sent");
        found
    }

    /// Holds `input`, in pieces of many sizes, against the steps and the records sent, each
    /// list joined by commas.
    fn check(input: &[u8], steps: &str, sent: &str) {
        for size in [1, 2, 3, 5, 7, 8, 11, 16, 64, input.len().max(1)] {
            let (found_steps, found_sent) = converse(input, size);
            assert_eq!(found_steps.join(", "), steps, "in pieces of {size}");
            assert_eq!(found_sent.join(", "), sent, "in pieces of {size}");
        }
    }

    const PARAMS: &[u8] = b"\x01\x02abc\x01\x00b";

    #[test]
    fn requests_are_answered_one_after_the_other() {
        check(b"", "", "");
        check(&request(1, PARAMS, 1), "2", "answer 1, end 1 0");
        check(&request(1, PARAMS, 0), "2, Over", "answer 1, end 1 0");
        check(&request(0xffff, b"", 1), "0", "answer 65535, end 65535 0");
        let two = [request(1, PARAMS, 1), request(2, b"", 1)].concat();
        check(&two, "2, 0", "answer 1, end 1 0, answer 2, end 2 0");
        let after_the_last = [request(1, b"", 0), request(2, b"", 0)].concat();
        check(&after_the_last, "0, Over", "answer 1, end 1 0");
    }

    #[test]
    fn a_request_is_complete_when_both_its_streams_have_ended() {
        let unfinished = [begin(1, 1, 1), record(4, 1, PARAMS), record(4, 1, b"")].concat();
        check(&unfinished, "", "");
        let end = [record(4, 1, b""), record(5, 1, b"")].concat();
        let bytes = PARAMS.iter().flat_map(|byte| record(4, 1, &[*byte]));
        let a_byte_a_record = [begin(1, 1, 1), bytes.collect(), end.clone()].concat();
        check(&a_byte_a_record, "2", "answer 1, end 1 0");
        let with_a_body = [begin(1, 1, 1), record(4, 1, b""), record(5, 1, b"form")].concat();
        check(&with_a_body, "", "");
        let with_a_body = [with_a_body, record(5, 1, b"")].concat();
        check(&with_a_body, "0", "answer 1, end 1 0");
        let body_first = [begin(1, 1, 1), record(5, 1, b""), record(4, 1, PARAMS)].concat();
        let body_first = [body_first, record(4, 1, b"")].concat();
        check(&body_first, "2", "answer 1, end 1 0");
    }

    #[test]
    fn management_records_are_answered() {
        let ask = b"\x0f\x00FCGI_MPXS_CONNS\x0e\x00FCGI_MAX_CONNS\x05\x00OTHER";
        let values = r"values 0 \x0e\x02FCGI_MAX_CONNS77\x0f\x01FCGI_MPXS_CONNS0";
        check(&record(9, 0, ask), "", values);
        check(&record(9, 0, b"\x01\x00x"), "", "values 0 ");
        check(&record(200, 0, b"abc"), "", "unknown 0 200");
        check(&record(0, 0, b""), "", "unknown 0 0");
        let end = [record(4, 1, b""), record(5, 1, b"")].concat();
        let within = [begin(1, 1, 1), record(200, 0, b""), end].concat();
        check(&within, "0", "unknown 0 200, answer 1, end 1 0");
    }

    #[test]
    fn what_we_are_not_is_said() {
        check(&begin(1, 2, 1), "", "end 1 3");
        check(&begin(7, 3, 0), "Over", "end 7 3");
        let end = [record(4, 1, b""), record(5, 1, b"")].concat();
        let multiplexed = [begin(1, 1, 1), request(2, b"\x01\x00a", 1), end].concat();
        check(&multiplexed, "0", "end 2 1, answer 1, end 1 0");
    }

    #[test]
    fn requests_that_are_given_up_end() {
        let aborted = [begin(1, 1, 1), record(2, 1, b"")].concat();
        check(&aborted, "Aborted", "end 1 0");
        let again = [aborted, record(5, 1, b"late"), request(1, b"", 1)].concat();
        check(&again, "Aborted, 0", "end 1 0, answer 1, end 1 0");
        let not_kept = [begin(1, 1, 0), record(2, 1, b"")].concat();
        check(&not_kept, "Aborted, Over", "end 1 0");
        check(&record(2, 9, b""), "", "");
        let of_no_request = [record(4, 9, b"x"), record(5, 9, b"y"), record(8, 9, b"")];
        check(&of_no_request.concat(), "", "");
    }

    #[test]
    fn too_many_parameters_are_refused() {
        let refused = "Refused(ParamsTooLarge)";
        let long = [0u8; 65];
        check(&request(1, &long, 1), refused, "431 1, end 1 0");
        let over = format!("{refused}, Over");
        check(&request(1, &long, 0), &over, "431 1, end 1 0");
        check(&request(1, &[0; 8], 1), refused, "431 1, end 1 0");
        let cut_off = request(1, b"\x05\x01ab", 1);
        check(&cut_off, "Refused(Malformed)", "400 1, end 1 0");
        let pieces = [&long[..33], &long[..33], &long, b""].map(|piece| record(4, 3, piece));
        let in_pieces = [begin(3, 1, 1), pieces.concat(), record(5, 3, b"")].concat();
        check(&in_pieces, refused, "431 3, end 3 0");
        let sent = "431 3, end 3 0, answer 4, end 4 0";
        let and_on = [in_pieces, request(4, b"", 1)].concat();
        check(&and_on, &format!("{refused}, 0"), sent);
    }

    #[test]
    fn a_large_body_is_refused_and_read_away() {
        let begun = [begin(1, 1, 1), record(4, 1, b""), record(5, 1, &[0; 17])].concat();
        let rest = [record(5, 1, &[0; 900]), record(5, 1, b"")].concat();
        let (steps, sent) = (
            "Refused(StdinTooLarge), 0",
            "413 1, end 1 0, answer 1, end 1 0",
        );
        let read_away = [&begun[..], &rest, &request(1, b"", 1)].concat();
        check(&read_away, steps, sent);
        // Apache does not send the rest once it has the answer.
        let given_up = [begun, request(1, b"", 1)].concat();
        check(&given_up, steps, sent);
    }

    #[test]
    fn what_no_web_server_sends_breaks_the_connection() {
        let mut version = begin(1, 1, 1);
        version[0] = 2;
        let twice = |kind| [begin(1, 1, 1), record(kind, 1, b""), record(kind, 1, b"")].concat();
        let cases: &[(&[u8], &str)] = &[
            (&version, "Version(2)"),
            (b"GET / HTTP/1.1\r\n\r\n", "Version(71)"),
            (&begin(0, 1, 1), "Kind(1)"),
            (&record(4, 0, b""), "Kind(4)"),
            (&record(2, 0, b""), "Kind(2)"),
            (&record(6, 1, b""), "Kind(6)"),
            (&record(3, 1, b""), "Kind(3)"),
            (&record(9, 1, b""), "Kind(9)"),
            (&record(99, 1, b""), "Kind(99)"),
            (&record(1, 1, b"\0\x01"), "Begin"),
            (&record(1, 1, &[0; 9]), "Begin"),
            (&[begin(1, 1, 1), begin(1, 1, 1)].concat(), "Begin"),
            (&twice(4), "StreamEnded"),
            (&twice(5), "StreamEnded"),
            (&record(9, 0, &[0; 513]), "ValuesTooLarge"),
        ];
        for (input, violation) in cases {
            check(input, &format!("Broken({violation})"), "");
        }
    }

    #[test]
    fn garbage_of_no_request_is_not_read_for_ever() {
        let garbage = record(5, 9, &[0; 0xfff0]).repeat(40);
        let (steps, sent) = converse(&garbage, 4096);
        assert_eq!(steps, ["Broken(TooMuchIgnored)"]);
        assert!(sent.is_empty());
    }

    #[test]
    fn idle_means_that_nothing_was_begun() {
        let input = request(1, b"\x01\x00a", 1);
        for end in 0..input.len() {
            let mut conversation = Conversation::new(LIMITS);
            let step = conversation.advance(&mut &input[..end], &mut Vec::new());
            assert_eq!(conversation.is_idle(), end == 0, "after {end} bytes");
            // The last three bytes are padding: the request is complete without them.
            assert_eq!(
                step == Step::Ready,
                end >= input.len() - 3,
                "after {end} bytes"
            );
            // A request is owed an answer once its BEGIN_REQUEST has come.
            assert_eq!(conversation.is_owing(), end >= 16, "after {end} bytes");
        }
    }

    #[test]
    fn an_empty_answer_becomes_an_error_and_no_request_is_answered_twice() {
        let mut conversation = Conversation::new(LIMITS);
        let mut out = Vec::new();
        conversation.answer(BODY, &mut out);
        assert!(out.is_empty(), "nothing was asked");
        let input = request(1, b"", 1);
        assert_eq!(conversation.advance(&mut &input[..], &mut out), Step::Ready);
        assert_eq!(
            conversation.advance(&mut &b"more"[..], &mut out),
            Step::Ready
        );
        conversation.answer(b"", &mut out);
        conversation.answer(BODY, &mut out);
        assert_eq!(records(&out), ["500 1", "end 1 0"]);
    }

    #[test]
    fn what_we_say_ourselves_has_the_length_it_tells() {
        let refusals = [
            Refusal::Malformed,
            Refusal::ParamsTooLarge,
            Refusal::StdinTooLarge,
        ];
        for cgi in refusals
            .map(Refusal::cgi)
            .into_iter()
            .chain([INTERNAL_ERROR])
        {
            let text = std::str::from_utf8(cgi).expect("ASCII");
            let (head, body) = text.split_once("\r\n\r\n").expect("an empty line");
            let length = head.rsplit("Content-Length: ").next().expect("a length");
            assert_eq!(length, body.len().to_string(), "{text}");
            assert_eq!(head.lines().count(), 3, "{text}");
        }
    }
}
