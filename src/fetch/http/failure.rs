//! Turns errors of reqwest, hyper and TLS into one clear reason.

use std::time::Duration;

use crate::fetch::cause::{causes, deepest};
use crate::fetch::certificate::tls_words;
use crate::fetch::client_error::{ClientFailure, HANDSHAKE_CUT, sort};
use crate::fetch::error::FetchError;
use crate::fetch::tls::is_without_certificates;

/// The reason for a failure of the client, without the URL.
pub(in crate::fetch) fn explain(error: reqwest::Error, timeout: Duration) -> FetchError {
    let error = error.without_url();
    let sorted = sort(&error);
    if matches!(sorted, ClientFailure::Timeout) {
        return FetchError::Silent {
            timeout_s: timeout.as_secs(),
        };
    }
    // Errors of our own resolver are among the causes.
    match causes(&error).find_map(|cause| cause.downcast_ref()) {
        Some(FetchError::UnknownHost { said }) => {
            let said = said.clone();
            return FetchError::UnknownHost { said };
        }
        Some(FetchError::NoThread(error)) => {
            return FetchError::NoThread(std::io::Error::from(error.kind()));
        }
        _ => {}
    }
    let said = deepest(&error);
    match sorted {
        ClientFailure::Tls(error) => explain_tls(error),
        ClientFailure::Handshake => FetchError::Tls {
            said: HANDSHAKE_CUT.to_owned(),
        },
        ClientFailure::UnknownHost => FetchError::UnknownHost { said },
        ClientFailure::Connect => FetchError::Unreachable { said },
        ClientFailure::Timeout | ClientFailure::Exchange => FetchError::Broken { said },
    }
}

/// The reason for an error of TLS.
pub(in crate::fetch) fn explain_tls(error: &rustls::Error) -> FetchError {
    match is_without_certificates(error) {
        true => FetchError::NoCertificates,
        false => FetchError::Tls {
            said: tls_words(error),
        },
    }
}
