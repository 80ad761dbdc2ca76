//! Asks servers as a client does that follows nothing, many requests at a time.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::error::FetchError;
use super::tls::with_system_certificates;

/// Who asks.
const USER_AGENT: &str = concat!("heliostat-compare/", env!("CARGO_PKG_VERSION"));

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskRequest {
    /// Whole URL.
    pub url: String,
    /// HEAD, not GET.
    pub is_head: bool,
    /// Further fields.
    pub fields: Vec<(&'static str, String)>,
    /// Bytes of the body that are read at most; the rest is not sent for.
    pub body_bytes_max: usize,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskAnswer {
    /// The status.
    pub status: u16,
    /// Fields with names in lower case, in their order.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The beginning of the body.
    pub body: Vec<u8>,
}

impl AskAnswer {
    /// The first field of a name as text; empty if there is none.
    pub fn text(&self, name: &str) -> String {
        let found = self.fields.iter().find(|(found, _)| found == name);
        found.map_or_else(String::new, |(_, value)| {
            String::from_utf8_lossy(value).into_owned()
        })
    }
}

/// Asks at most so many requests at a time.
#[derive(Debug)]
pub struct AskClient {
    runtime: Runtime,
    client: Client,
    places: Arc<Semaphore>,
}

impl AskClient {
    /// A client that has `jobs` requests in work at a time, each for `timeout` at most.
    ///
    /// # Errors
    /// Returns [`FetchError::Client`] if no client can be made.
    pub fn new(jobs: usize, timeout: Duration) -> Result<AskClient, FetchError> {
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .tls_backend_preconfigured(with_system_certificates()?)
            .http1_only()
            .no_gzip()
            .no_proxy()
            .timeout(timeout)
            .build()
            .map_err(|error| FetchError::Client(error.into()))?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| FetchError::Client(error.into()))?;
        Ok(AskClient {
            runtime,
            client,
            places: Arc::new(Semaphore::new(jobs.max(1))),
        })
    }

    /// The answers in the order of the requests, or why there is none; `done` is called after each.
    pub fn ask(
        &self,
        requests: &[AskRequest],
        mut done: impl FnMut(),
    ) -> Vec<Result<AskAnswer, String>> {
        let mut answers: Vec<_> = requests.iter().map(|_| Err(String::new())).collect();
        self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for (place, request) in requests.iter().cloned().enumerate() {
                let (client, places) = (self.client.clone(), Arc::clone(&self.places));
                tasks.spawn(async move {
                    let _place = places.acquire_owned().await;
                    (place, one(&client, request).await)
                });
            }
            while let Some(ended) = tasks.join_next().await {
                if let Ok((place, answer)) = ended {
                    answers[place] = answer.map_err(|error| super::cause::deepest(&error));
                }
                done();
            }
        });
        answers
    }
}

async fn one(client: &Client, request: AskRequest) -> Result<AskAnswer, reqwest::Error> {
    let method = match request.is_head {
        true => Method::HEAD,
        false => Method::GET,
    };
    let mut asked = client.request(method, &request.url);
    for (name, value) in request.fields {
        asked = asked.header(name, value);
    }
    let mut response = asked.send().await?;
    let fields = response.headers().iter();
    let fields = fields.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
    let mut answer = AskAnswer {
        status: response.status().as_u16(),
        fields: fields.collect(),
        body: Vec::new(),
    };
    while answer.body.len() < request.body_bytes_max
        && let Some(chunk) = response.chunk().await?
    {
        answer.body.extend_from_slice(&chunk);
    }
    answer.body.truncate(request.body_bytes_max);
    Ok(answer)
}
