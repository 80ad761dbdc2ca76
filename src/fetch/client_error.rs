//! Sorts errors of reqwest by cause, for scans and probes alike.

use crate::fetch::cause::causes;
use crate::fetch::tls::tls_cause;

/// Why the HTTP client failed.
#[derive(Debug)]
pub(in crate::fetch) enum ClientFailure<'e> {
    /// Nothing came within the client's time limit.
    Timeout,
    /// TLS: a certificate, or the handshake.
    Tls(&'e rustls::Error),
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
    } else if error.is_connect() {
        ClientFailure::Connect
    } else {
        ClientFailure::Exchange
    }
}
