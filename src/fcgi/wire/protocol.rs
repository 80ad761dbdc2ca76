//! The state of one connection, without input or output: bytes go in, steps and bytes come out.
//!
//! [`Conversation::advance`] takes bytes in pieces of any length and stops at each
//! [`ConversationStep`] that its owner must know. It keeps only the parameters of the request that
//! is being read; all other bytes are processed at once or discarded.
//!
//! Rules in addition to the specification:
//! - A request is complete when PARAMS *and* STDIN are closed, so that an answer never overtakes a
//!   body that the web server is still writing. A request that is refused for its size is answered
//!   at once, and its remaining bytes are discarded.
//! - Records of a request that is not open are ignored (specification 3.3), up to
//!   `IGNORED_BYTES_MAX`.
//! - A record that no web server sends (another version, a type that only applications send, PARAMS
//!   after their end) is a [`Violation`]: the record boundaries are lost and later bytes cannot be
//!   trusted, so the connection is closed.
//!
//! # Limits
//! `params` never exceeds `params_bytes_max` bytes, `control` never exceeds `CONTROL_BYTES_MAX`.
//! Answers of the conversation itself are at most five times as long as the records that caused
//! them; the owner sends them before it reads on.

use super::params;
use super::record;
use super::record::{Ending, HEADER_BYTES, Header, kind};
use super::step::INTERNAL_ERROR;
pub use super::step::{ConversationLimits, ConversationStep, Refusal, Violation};
use crate::fcgi::handler::FcgiRequest;

/// Largest length in bytes of a record that must be read as a whole, BEGIN_REQUEST and GET_VALUES.
/// All known variables together take 51 bytes.
const CONTROL_BYTES_MAX: usize = 512;

/// Largest number of bytes in records without an open request, between two requests, headers
/// included. A multiplexing web server that has not read our refusal yet sends at most one request;
/// more is garbage.
const IGNORED_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// Capacity in bytes for parameters that an idle connection keeps. Apache's take 1 to 4 KiB.
const PARAMS_KEPT_BYTES: usize = 8 * 1024;

/// The request that is being read.
#[derive(Debug)]
struct OpenRequest {
    id: u16,
    keep: bool,
    params_ended: bool,
    stdin_ended: bool,
    stdin_bytes: u64,
    /// Whether it was refused and answered; its remaining bytes are discarded.
    refused: bool,
    /// Whether it is complete and waits for its answer.
    ready: bool,
}

/// Destination of the present record's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RecordSink {
    Params,
    Stdin,
    Control,
    Ignored,
}

/// The state of one connection.
#[derive(Debug)]
pub struct Conversation {
    limits: ConversationLimits,
    header: [u8; HEADER_BYTES],
    header_have: usize,
    /// The record whose content is being read; `None` between records.
    record: Option<(Header, RecordSink)>,
    content_left: usize,
    padding_left: usize,
    control: Vec<u8>,
    params: Vec<u8>,
    open: Option<OpenRequest>,
    ignored_bytes: u64,
    over: bool,
}

impl Conversation {
    /// The state of a new connection.
    pub fn new(limits: ConversationLimits) -> Conversation {
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

    /// Takes bytes off the front of `input` until there is a step to report; appends to `out` the
    /// bytes that must be sent to the web server.
    ///
    /// After [`ConversationStep::Ready`], no bytes are taken until [`Conversation::answer`]; after
    /// [`ConversationStep::Over`] and [`ConversationStep::Broken`], no more bytes are taken.
    pub fn advance(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> ConversationStep {
        if self.open.as_ref().is_some_and(|open| open.ready) {
            return ConversationStep::Ready;
        }
        loop {
            if self.over {
                return ConversationStep::Over;
            }
            let step = match self.record {
                None => self.take_header(input),
                Some((header, sink)) => self.take_content(header, sink, input, out),
            };
            match step {
                None => {}
                Some(ConversationStep::Hungry) => return ConversationStep::Hungry,
                Some(ConversationStep::Broken(violation)) => {
                    self.over = true;
                    return ConversationStep::Broken(violation);
                }
                Some(step) => return step,
            }
        }
    }

    /// The complete request after [`ConversationStep::Ready`].
    pub fn request(&self) -> FcgiRequest<'_> {
        FcgiRequest::new(&self.params)
    }

    /// Appends the answer to the complete request to `out` and continues with the next request. An
    /// empty answer is a handler's mistake and becomes a 500.
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

    /// Ends an answer that was sent in parts and continues with the next request.
    pub fn answer_end(&mut self, out: &mut Vec<u8>) {
        if let Some(open) = self.open.take_if(|open| open.ready) {
            record::push_end(out, open.id, Ending::Complete);
            self.close(open.keep);
        }
    }

    /// Whether no byte has arrived since the last request ended, so that closing now loses nothing.
    pub fn is_idle(&self) -> bool {
        self.open.is_none()
            && self.record.is_none()
            && self.header_have == 0
            && self.padding_left == 0
    }

    /// Whether a request has begun that is not answered yet.
    pub fn is_owing(&self) -> bool {
        self.open.as_ref().is_some_and(|open| !open.refused)
    }

    /// Number of bytes kept until more arrive: at most the limit for parameters plus half a
    /// kilobyte.
    pub fn held_bytes(&self) -> usize {
        self.params.len() + self.control.len() + self.header_have
    }

    /// Drops the request that has ended.
    fn close(&mut self, keep: bool) {
        self.params.clear();
        self.params.shrink_to(PARAMS_KEPT_BYTES);
        self.ignored_bytes = 0;
        self.over = !keep;
    }

    /// Skips the remaining padding of the last record, then collects a header.
    fn take_header(&mut self, input: &mut &[u8]) -> Option<ConversationStep> {
        let skipped = self.padding_left.min(input.len());
        self.padding_left -= skipped;
        *input = &input[skipped..];

        let wanted = HEADER_BYTES - self.header_have;
        let Some((head, rest)) = input.split_at_checked(wanted) else {
            self.header[self.header_have..][..input.len()].copy_from_slice(input);
            self.header_have += input.len();
            *input = &[];
            return Some(ConversationStep::Hungry);
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
            Err(violation) => Some(ConversationStep::Broken(violation)),
        }
    }

    /// Returns the destination of a record's content, or the rule that the record breaks.
    fn sink(&mut self, header: &Header) -> Result<RecordSink, Violation> {
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
            (kind::BEGIN_REQUEST, _) => RecordSink::Control,
            (kind::PARAMS, Some(open)) if open.params_ended => return Err(Violation::StreamEnded),
            (kind::STDIN, Some(open)) if open.stdin_ended => return Err(Violation::StreamEnded),
            (kind::PARAMS, Some(_)) => RecordSink::Params,
            (kind::STDIN | kind::DATA, Some(_)) => RecordSink::Stdin,
            (kind::ABORT_REQUEST, Some(_)) => RecordSink::Ignored,
            (kind::ABORT_REQUEST | kind::PARAMS | kind::STDIN | kind::DATA, None) => {
                RecordSink::Ignored
            }
            (kind::GET_VALUES, _) if management => {
                if self.content_left > CONTROL_BYTES_MAX {
                    return Err(Violation::ValuesTooLarge);
                }
                RecordSink::Control
            }
            (kind::END_REQUEST..=kind::UNKNOWN_TYPE, _) => {
                return Err(Violation::Kind(header.kind));
            }
            (_, _) if management => RecordSink::Ignored,
            (_, _) => return Err(Violation::Kind(header.kind)),
        };
        if sink == RecordSink::Ignored {
            self.ignored_bytes += (HEADER_BYTES + self.content_left + self.padding_left) as u64;
            if self.ignored_bytes > IGNORED_BYTES_MAX {
                return Err(Violation::TooMuchIgnored);
            }
        }
        Ok(sink)
    }

    /// Takes the available bytes of the present record's content, and processes the record once it
    /// is complete.
    fn take_content(
        &mut self,
        header: Header,
        sink: RecordSink,
        input: &mut &[u8],
        out: &mut Vec<u8>,
    ) -> Option<ConversationStep> {
        let (content, rest) = input.split_at(self.content_left.min(input.len()));
        *input = rest;
        self.content_left -= content.len();
        let refusal = match sink {
            RecordSink::Params => self.take_params(content),
            RecordSink::Stdin => self.take_stdin(content),
            RecordSink::Control => {
                self.control.extend_from_slice(content);
                None
            }
            RecordSink::Ignored => None,
        };
        if self.content_left == 0 {
            self.record = None;
        }
        if let Some(refusal) = refusal {
            return Some(self.refuse(refusal, out));
        }
        if self.content_left > 0 {
            return Some(ConversationStep::Hungry);
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

    /// Answers the open request with a refusal; its remaining bytes will be discarded.
    fn refuse(&mut self, refusal: Refusal, out: &mut Vec<u8>) -> ConversationStep {
        if let Some(open) = &mut self.open {
            open.refused = true;
            record::push_answer(out, open.id, refusal.cgi());
            self.params.clear();
        }
        self.end_refused();
        ConversationStep::Refused(refusal)
    }

    /// Drops a refused request once all of it has arrived.
    fn end_refused(&mut self) {
        let ended = |open: &mut OpenRequest| open.refused && open.params_ended && open.stdin_ended;
        if let Some(open) = self.open.take_if(ended) {
            self.close(open.keep);
        }
    }

    /// Processes a complete record.
    fn end_record(&mut self, header: Header, out: &mut Vec<u8>) -> Option<ConversationStep> {
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
            self.open = Some(OpenRequest {
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

    fn abort(&mut self, out: &mut Vec<u8>) -> Option<ConversationStep> {
        let open = self.open.take()?;
        self.close(open.keep);
        if open.refused {
            return None;
        }
        record::push_end(out, open.id, Ending::Complete);
        Some(ConversationStep::Aborted)
    }

    /// Notes the end of PARAMS or STDIN; once both have ended, the request is ready.
    fn end_stream(&mut self, kind: u8, out: &mut Vec<u8>) -> Option<ConversationStep> {
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
                Some(ConversationStep::Ready)
            }
            Some(_) => Some(self.refuse(Refusal::ParamsTooLarge, out)),
            None => Some(self.refuse(Refusal::Malformed, out)),
        }
    }

    /// Answers GET_VALUES with the requested variables that exist (specification 4.1).
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
#[path = "protocol_tests.rs"]
mod tests;
