//! Why an exchange over HTTP failed, in the words of whoever knows best.

use std::error::Error;
use std::io;
use std::time::Duration;

use crate::fetch::cause::causes;

use crate::fetch::error::FetchError;

/// What a failure of the client means; the URL is left out of it.
pub(in crate::fetch) fn explain(error: reqwest::Error, timeout: Duration) -> FetchError {
    let error = error.without_url();
    if error.is_timeout() {
        return FetchError::Silent {
            timeout_s: timeout.as_secs(),
        };
    }
    let said = deepest(&error);
    // The resolver is ours.
    if let Some(FetchError::UnknownHost { said }) =
        causes(&error).find_map(|cause| cause.downcast_ref())
    {
        let said = said.clone();
        return FetchError::UnknownHost { said };
    }
    if has_tls(&error) {
        FetchError::Tls { said }
    } else if causes(&error).any(|cause| cause.to_string().starts_with("dns error")) {
        FetchError::UnknownHost { said }
    } else if error.is_connect() {
        FetchError::Unreachable { said }
    } else {
        FetchError::Broken { said }
    }
}

fn deepest(error: &(dyn Error + 'static)) -> String {
    causes(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn has_tls(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(is_tls)
}

/// An error of TLS comes wrapped in errors of input and output, which do not name it as a source.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let inner = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| is_tls(inner))
}
