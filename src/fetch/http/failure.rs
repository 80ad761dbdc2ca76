//! Turns errors of reqwest, hyper and TLS into one clear reason.

use std::time::Duration;

use crate::fetch::cause::{causes, deepest};
use crate::fetch::error::FetchError;
use crate::fetch::tls::{is_without_certificates, tls_cause};

/// What a failure of the client means; the URL is left out of it.
pub(in crate::fetch) fn explain(error: reqwest::Error, timeout: Duration) -> FetchError {
    let error = error.without_url();
    if error.is_timeout() {
        return FetchError::Silent {
            timeout_s: timeout.as_secs(),
        };
    }
    // The resolver is ours.
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
    if let Some(error) = tls_cause(&error) {
        explain_tls(error)
    } else if causes(&error).any(|cause| cause.to_string().starts_with("dns error")) {
        FetchError::UnknownHost { said }
    } else if error.is_connect() {
        FetchError::Unreachable { said }
    } else {
        FetchError::Broken { said }
    }
}

/// What an error of TLS means.
pub(in crate::fetch) fn explain_tls(error: &rustls::Error) -> FetchError {
    match is_without_certificates(error) {
        true => FetchError::NoCertificates,
        false => FetchError::Tls {
            said: error.to_string(),
        },
    }
}
