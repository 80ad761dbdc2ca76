//! Sorts errors of reqwest by cause, for scans and probes alike.

use std::io;

use crate::fetch::cause::{causes, deepest};
use crate::fetch::certificate::tls_words;
use crate::fetch::tls::tls_cause;

/// The words about a server that closes the connection before TLS has begun.
pub(in crate::fetch) const HANDSHAKE_CUT: &str = "it closes the connection during the handshake";

/// Why the HTTP client failed.
#[derive(Debug)]
pub(in crate::fetch) enum ClientFailure<'e> {
    /// Nothing came within the client's time limit.
    Timeout,
    /// TLS: a certificate, or the handshake.
    Tls(&'e rustls::Error),
    /// The server closed the connection before TLS had begun.
    Handshake,
    /// The resolver.
    UnknownHost,
    /// The connection could not be made.
    Connect,
    /// The connection or its protocol broke later.
    Exchange,
}

/// Sorts an error of the client.
pub(in crate::fetch) fn sort(error: &reqwest::Error) -> ClientFailure<'_> {
    if error.is_timeout() {
        ClientFailure::Timeout
    } else if let Some(tls) = tls_cause(error) {
        ClientFailure::Tls(tls)
    } else if causes(error).any(|cause| cause.to_string().starts_with("dns error")) {
        ClientFailure::UnknownHost
    } else if error.is_connect() && causes(error).any(is_early_end) {
        // A client that connects reads nothing but TLS.
        ClientFailure::Handshake
    } else if error.is_connect() {
        ClientFailure::Connect
    } else {
        ClientFailure::Exchange
    }
}

fn is_early_end(cause: &(dyn std::error::Error + 'static)) -> bool {
    let error = cause.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof)
}

/// The reason for which a request failed, in the words of TLS if that failed.
pub fn client_words(error: &reqwest::Error) -> String {
    match sort(error) {
        ClientFailure::Tls(error) => tls_words(error),
        ClientFailure::Handshake => HANDSHAKE_CUT.to_owned(),
        _ => deepest(error),
    }
}
