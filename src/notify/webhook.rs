//! Sends notices to other programs: JSON by POST.

use std::time::Duration;

use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use tokio::runtime::Builder;

use super::error::NoticeError;
use crate::fetch::{FetchError, client_words, resolver_of_all, with_system_certificates};

/// Longest time for an answer; only the prober waits for it.
const WEBHOOK_TIME_MAX: Duration = Duration::from_secs(10);

const USER_AGENT: &str = concat!("heliostat/", env!("CARGO_PKG_VERSION"));

/// Sends a JSON text by POST.
///
/// # Errors
/// Returns [`NoticeError::Webhook`] if there is no successful answer, without the URL, which may
/// contain a secret.
pub fn post_json(url: &str, json: String) -> Result<(), NoticeError> {
    let failed = |error: reqwest::Error| NoticeError::Webhook {
        said: client_words(&error.without_url()),
    };
    // The resolver of the runtime panics where no thread can be had.
    let client = Client::builder()
        .dns_resolver(resolver_of_all())
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .tls_backend_preconfigured(with_system_certificates()?)
        .timeout(WEBHOOK_TIME_MAX)
        .no_proxy()
        .build()
        .map_err(failed)?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| FetchError::Client(error.into()))?;
    let json_type = HeaderValue::from_static("application/json");
    let request = client.post(url).header(CONTENT_TYPE, json_type).body(json);
    let answer = runtime
        .block_on(async { request.send().await })
        .map_err(failed)?;
    if answer.status().is_success() {
        return Ok(());
    }
    Err(NoticeError::Webhook {
        said: format!("it answers {}", answer.status().as_u16()),
    })
}
