//! The steps that a conversation reports to its owner, and its limits.

use crate::fcgi::serve::options::ServerOptions;

/// Limits of a conversation.
#[derive(Debug, Clone, Copy)]
pub struct ConversationLimits {
    /// Largest length of a request's parameters in bytes.
    pub params_bytes_max: usize,
    /// Largest number of parameters per request.
    pub params_max: usize,
    /// Largest length of a request's body in bytes.
    pub stdin_bytes_max: u64,
    /// Number of connections that GET_VALUES reports; the number of requests is the same, one per
    /// connection.
    pub connections_max: usize,
}

impl From<&ServerOptions> for ConversationLimits {
    fn from(options: &ServerOptions) -> ConversationLimits {
        ConversationLimits {
            params_bytes_max: options.params_bytes_max,
            params_max: options.params_max,
            stdin_bytes_max: options.stdin_bytes_max,
            connections_max: options.connections_max,
        }
    }
}

/// Why [`Conversation::advance`](super::protocol::Conversation::advance) returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConversationStep {
    /// All input was taken; more is needed.
    Hungry,
    /// A request is complete and must be answered.
    Ready,
    /// A request was refused; the refusal is already in the output.
    Refused(Refusal),
    /// The web server aborted the open request; the confirmation is already in the output.
    Aborted,
    /// The connection must be closed once all output is sent.
    Over,
    /// The connection must be closed, because the input is not FastCGI.
    Broken(Violation),
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The last parameter is cut off.
    Malformed,
    /// The parameters have too many bytes, or there are too many of them.
    ParamsTooLarge,
    /// The body is too long.
    StdinTooLarge,
}

impl Refusal {
    /// The CGI response that the web server passes to its client.
    pub(in crate::fcgi) fn cgi(self) -> &'static [u8] {
        match self {
            Refusal::Malformed => {
                b"Status: 400 Bad Request\r\nContent-Type: text/plain\r\n\
                  Content-Length: 16\r\n\r\n400 Bad Request\n"
            }
            Refusal::ParamsTooLarge => {
                b"Status: 431 Request Header Fields Too Large\r\nContent-Type: text/plain\r\n\
                  Content-Length: 36\r\n\r\n431 Request Header Fields Too Large\n"
            }
            Refusal::StdinTooLarge => {
                b"Status: 413 Content Too Large\r\nContent-Type: text/plain\r\n\
                  Content-Length: 22\r\n\r\n413 Content Too Large\n"
            }
        }
    }
}

/// The CGI response to a request whose handler panicked or wrote no answer.
pub(in crate::fcgi) const INTERNAL_ERROR: &[u8] =
    b"Status: 500 Internal Server Error\r\nContent-Type: text/plain\r\n\
      Content-Length: 26\r\n\r\n500 Internal Server Error\n";

/// The rule of the protocol that the other side broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// A version other than 1.
    Version(u8),
    /// A record type that no web server sends, or an id that does not match the type.
    Kind(u8),
    /// BEGIN_REQUEST with a length other than 8, or for the request that is already open.
    Begin,
    /// A record that continues a stream after its end.
    StreamEnded,
    /// GET_VALUES that is longer than a list of all known variables.
    ValuesTooLarge,
    /// Too many records of requests that are not open.
    TooMuchIgnored,
}
