//! What a conversation reports to its owner, and what it allows.

use crate::fcgi::serve::options::ServerOptions;

/// What a conversation allows.
#[derive(Debug, Clone, Copy)]
pub struct ConversationLimits {
    /// Bytes of parameters a request.
    pub params_bytes_max: usize,
    /// Parameters a request.
    pub params_max: usize,
    /// Bytes of body a request.
    pub stdin_bytes_max: u64,
    /// What GET_VALUES is told about connections; requests are the same, one a connection.
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

/// Why [`Conversation::advance`](super::protocol::Conversation::advance) came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConversationStep {
    /// All input was taken; more is needed.
    Hungry,
    /// A request is complete: ask for it, then answer it.
    Ready,
    /// A request was refused and has been answered so.
    Refused(Refusal),
    /// The web server gave the open request up; it has been told that it ended.
    Aborted,
    /// The connection must be closed once what is to be sent was sent.
    Over,
    /// The connection must be closed: what came is not FastCGI.
    Broken(Violation),
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The last parameter is cut off.
    Malformed,
    /// Too many bytes of parameters, or too many parameters.
    ParamsTooLarge,
    /// Too many bytes of body.
    StdinTooLarge,
}

impl Refusal {
    /// The CGI response that the web server passes on to its client.
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

/// The CGI response for a request whose handler panicked or wrote nothing.
pub(in crate::fcgi) const INTERNAL_ERROR: &[u8] =
    b"Status: 500 Internal Server Error\r\nContent-Type: text/plain\r\n\
      Content-Length: 26\r\n\r\n500 Internal Server Error\n";

/// How the other side broke the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// A version other than 1.
    Version(u8),
    /// A record type that no web server sends, or with an id that does not go with its type.
    Kind(u8),
    /// BEGIN_REQUEST of another length than 8, or for the request that is open.
    Begin,
    /// A record that continues a stream after its end.
    StreamEnded,
    /// GET_VALUES longer than any list of the known variables.
    ValuesTooLarge,
    /// Endless records of requests that are not open.
    TooMuchIgnored,
}
