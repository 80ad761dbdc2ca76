//! Holds the HTTP client for all mirrors, with persistent connections, HTTP/2 if a server offers
//! it, gzip, and the system's certificates of authorities.
//!
//! `reqwest` runs the protocol on one thread of its own. A caller waits in its own thread, at most
//! [`STOP_CHECK`] at a time, so that a program that is told to stop does not wait for a silent
//! mirror. This module follows redirects itself, because it has to decide where they may lead.
//!
//! # Errors
//! Returns [`FetchError`], without URLs, because they may hold passwords.
//!
//! # Limits
//! [`REDIRECTS_MAX`], [`RETRIES_MAX`], [`RETRY_AFTER_MAX`], [`BODY_BYTES_MAX`], and those of
//! [`Patience`].
//!
//! # Security
//! User and password are sent only to the origin of the URL that has them. There is one client per
//! [`Scope`] of a mirror; at every redirect, it connects only to addresses to which such a mirror
//! may lead.

use std::future::Future;
use std::io::{self, Read};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};
use rustls::ClientConfig;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::failure::explain;
use super::url::HttpUrl;
use crate::domain::scope::Scope;
use crate::domain::time::parse_http_date;
use crate::fetch::address::{Addresses, ScopedResolver};
use crate::fetch::error::FetchError;
use crate::fetch::patience::{Patience, STOP_CHECK, Tempo};
use crate::fetch::redirect::{self, OwnPorts, RedirectRefusal};
use crate::fetch::tls::with_system_certificates;

/// Largest number of redirects in a row: to TLS, to another host, to the slash at the end.
pub const REDIRECTS_MAX: usize = 5;

/// How often a request to a busy server is repeated.
pub const RETRIES_MAX: u32 = 3;

/// Longest pause that a server may ask for; if it wants a longer one, its scan ends.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(120);

/// First pause if a busy server does not say how long to wait; it doubles each time.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Largest size of an unpacked body in bytes: that of an index page of half a million files.
pub const BODY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Protocols over TLS, the best first.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// How long an idle connection is kept.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// The name in requests, by which a mirror's operator finds the page of the project.
const USER_AGENT: &str = concat!("heliostat-scan/", env!("CARGO_PKG_VERSION"));

/// The client of a program.
#[derive(Debug)]
pub struct HttpClient {
    engine: Engine,
    tls: ClientConfig,
    /// In the order of [`Scope::ALL`]; each is made for the first mirror that needs it.
    clients: [OnceLock<reqwest::Client>; Scope::ALL.len()],
    addresses: Addresses,
    connect_timeout: Duration,
}

/// The thread that runs the protocol; it ends when the client is dropped.
#[derive(Debug)]
struct Engine {
    handle: Handle,
    _end: oneshot::Sender<()>,
}

/// Options of a mirror's requests.
#[derive(Debug, Clone, Copy)]
pub struct HttpOptions<'a> {
    /// Limits of time.
    pub patience: Patience<'a>,
    /// Ports to which its redirects may lead, besides those of the web.
    pub own_ports: OwnPorts,
}

/// The requests to one mirror, from several threads.
#[derive(Debug)]
pub struct HttpSession<'a> {
    client: &'a HttpClient,
    options: HttpOptions<'a>,
    /// A busy server wants no request before this time.
    pause_until: Mutex<Option<Instant>>,
    was_busy: AtomicBool,
}

/// The part of a resource that a request asks for, and its condition.
#[derive(Debug, Clone, Copy, Default)]
pub struct HttpRequest<'a> {
    /// Asks only for another version than this one.
    pub unless: Option<&'a Validator>,
    /// Asks only for the byte at this offset.
    pub byte: Option<u64>,
    /// Asks only for the bytes from the first to the last of these offsets.
    pub range: Option<(u64, u64)>,
    /// Asks for all bytes as they are, however many: not compressed for the way, and beyond the
    /// limit of a page.
    pub is_whole: bool,
    /// Does not repeat the request if the server is busy.
    pub once: bool,
}

/// The mark of a version of a page, as the server gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validator {
    /// `ETag`.
    Tag(String),
    /// `Last-Modified`.
    Date(String),
}

/// An answer with any status.
#[derive(Debug)]
pub struct HttpAnswer<'a> {
    /// Its URL after all redirects.
    pub url: HttpUrl,
    /// Its status.
    pub status: u16,
    /// `Content-Type`, or empty.
    pub content_type: String,
    /// The mark of this version, if the server gave one.
    pub validator: Option<Validator>,
    /// `Last-Modified`, in seconds since 1970.
    pub modified_s: Option<i64>,
    /// `Content-Range`, or empty.
    pub content_range: String,
    /// `Content-Length`, if the answer has one.
    pub length: Option<u64>,
    /// Its body.
    pub body: HttpBody<'a>,
}

/// A body that is read as it comes.
#[derive(Debug)]
pub struct HttpBody<'a> {
    client: &'a HttpClient,
    patience: Patience<'a>,
    response: Response,
    piece: Vec<u8>,
    place: usize,
    bytes: u64,
    bytes_max: u64,
    tempo: Tempo,
}

/// Says whether a redirect to a URL may be followed.
pub type MayFollow<'f> = &'f dyn Fn(&HttpUrl) -> bool;

impl Engine {
    fn start() -> Result<Engine, FetchError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| FetchError::Client(error.into()))?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        // The runtime's own way to start a thread panics if the system has none left.
        let thread = std::thread::Builder::new().name("http".to_owned());
        let work = move || {
            // The other half sends nothing; it is dropped at the end.
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        };
        thread.spawn(work).map_err(FetchError::NoThread)?;
        Ok(Engine { handle, _end: end })
    }
}

impl HttpClient {
    /// Makes a client with the system's certificates of authorities.
    ///
    /// # Errors
    /// Returns [`FetchError::NoThread`] or [`FetchError::Client`] if it cannot be set up.
    pub fn new(connect_timeout: Duration, addresses: &Addresses) -> Result<HttpClient, FetchError> {
        let mut tls = with_system_certificates()?;
        tls.alpn_protocols = ALPN.map(<[u8]>::to_vec).to_vec();
        let client = HttpClient {
            engine: Engine::start()?,
            tls,
            clients: Default::default(),
            addresses: addresses.clone(),
            connect_timeout,
        };
        // If a client cannot be set up, the caller has to hear so before the first mirror.
        client.of(Scope::Public)?;
        Ok(client)
    }

    /// The client that connects only to addresses to which a mirror of that scope may lead.
    fn of(&self, scope: Scope) -> Result<&reqwest::Client, FetchError> {
        let place = Scope::ALL.iter().position(|one| *one == scope);
        let kept = &self.clients[place.unwrap_or_default()];
        if let Some(client) = kept.get() {
            return Ok(client);
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        let resolver = ScopedResolver {
            addresses: self.addresses.clone(),
            scope: Some(scope),
        };
        let client = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .default_headers(headers)
            .redirect(Policy::none())
            .tls_backend_preconfigured(self.tls.clone())
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(IDLE_MAX)
            .dns_resolver(Arc::new(resolver))
            .no_proxy()
            .build()
            .map_err(|error| FetchError::Client(error.into()))?;
        Ok(kept.get_or_init(|| client))
    }

    /// Starts the requests to a mirror.
    pub fn session<'a>(&'a self, options: HttpOptions<'a>) -> HttpSession<'a> {
        HttpSession {
            client: self,
            options,
            pause_until: Mutex::new(None),
            was_busy: AtomicBool::new(false),
        }
    }

    /// Waits for an answer of the protocol's thread.
    fn wait<T>(
        &self,
        patience: Patience<'_>,
        future: impl Future<Output = T>,
    ) -> Result<T, FetchError> {
        let deadline = Instant::now() + patience.timeout;
        self.engine.handle.block_on(async {
            let mut future = pin!(future);
            loop {
                patience.check()?;
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(patience.silent());
                }
                let step = tokio::time::timeout(left.min(STOP_CHECK), future.as_mut());
                if let Ok(value) = step.await {
                    return Ok(value);
                }
            }
        })
    }
}

impl<'a> HttpSession<'a> {
    /// Asks for a resource. Follows a redirect if `may_follow` allows it and a mirror may lead
    /// there.
    ///
    /// # Errors
    /// Returns [`FetchError`] if the exchange fails or a redirect is not allowed. A status of 4xx
    /// or 5xx is no error.
    pub fn get(
        &self,
        url: &HttpUrl,
        request: HttpRequest<'_>,
        may_follow: MayFollow<'_>,
    ) -> Result<HttpAnswer<'a>, FetchError> {
        let scope = Scope::of_all(&self.addresses(url)?);
        let mut at = url.clone();
        for _ in 0..=REDIRECTS_MAX {
            let response = self.get_patiently(&at, request, scope);
            let response = response.map_err(|cause| led(url, &at, cause))?;
            let Some(to) = redirected(&response, &at) else {
                return Ok(self.answer(at, response, request));
            };
            let to = to?;
            if !may_follow(&to) {
                return Err(FetchError::Redirected { to: to.to_string() });
            }
            let checked = self.check_redirect(url, &at, &to, scope);
            checked.map_err(|cause| led(url, &to, cause))?;
            at = if redirect::keeps_login(at.url(), to.url()) {
                to.with_login_of(&at)
            } else {
                to.without_login()
            };
        }
        Err(FetchError::TooManyRedirects {
            redirects_max: REDIRECTS_MAX,
        })
    }

    /// Checks whether a host that the admin has named may lead to another one: to a public address,
    /// or to one of its own scope.
    ///
    /// # Errors
    /// Returns [`FetchError::RedirectRefusal`] if it may not, and an error if a host is unknown.
    pub fn check_scope(&self, from: &HttpUrl, to: &HttpUrl) -> Result<(), FetchError> {
        let scope = Scope::of_all(&self.addresses(from)?);
        let checked = redirect::check_addresses(scope, &self.addresses(to)?);
        checked.map_err(|why| FetchError::RedirectRefusal {
            to: to.to_string(),
            why,
        })
    }

    fn addresses(&self, url: &HttpUrl) -> Result<Vec<std::net::IpAddr>, FetchError> {
        let host = url.url().host_str().unwrap_or_default();
        self.client.addresses.of(host, &self.options.patience)
    }

    fn check_redirect(
        &self,
        mirror: &HttpUrl,
        from: &HttpUrl,
        to: &HttpUrl,
        scope: Scope,
    ) -> Result<(), FetchError> {
        let own = self.options.own_ports;
        let refused = |why: RedirectRefusal| FetchError::RedirectRefusal {
            to: to.to_string(),
            why,
        };
        redirect::check_url(mirror.url(), from.url(), to.url(), own).map_err(refused)?;
        redirect::check_addresses(scope, &self.addresses(to)?).map_err(refused)
    }

    /// Whether the server has said that it is busy. Then it should get one request at a time:
    /// lighttpd, for example, refuses to list two directories at once.
    pub fn was_busy(&self) -> bool {
        self.was_busy.load(Ordering::Relaxed)
    }

    /// Asks, and repeats the request when the server wants it if the server is busy.
    fn get_patiently(
        &self,
        url: &HttpUrl,
        request: HttpRequest<'_>,
        scope: Scope,
    ) -> Result<Response, FetchError> {
        let mut pause = RETRY_PAUSE;
        for attempt in 0.. {
            self.pause()?;
            let response = self.get_once(url, request, scope)?;
            let status = response.status();
            let is_busy = status == StatusCode::TOO_MANY_REQUESTS
                || status == StatusCode::SERVICE_UNAVAILABLE;
            if !is_busy || request.once || attempt == RETRIES_MAX {
                return Ok(response);
            }
            self.was_busy.store(true, Ordering::Relaxed);
            let wanted = retry_after(response.headers()).unwrap_or(pause);
            log::debug!(
                "http url={url} status={status} pause_s={}",
                wanted.as_secs()
            );
            if wanted > RETRY_AFTER_MAX {
                return Ok(response);
            }
            pause *= 2;
            let mut until = self.pause_until();
            *until = (*until).max(Some(Instant::now() + wanted));
        }
        unreachable!("the last attempt returns")
    }

    fn pause_until(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.pause_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the busy server accepts requests again.
    fn pause(&self) -> Result<(), FetchError> {
        loop {
            self.options.patience.check()?;
            let until = *self.pause_until();
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            match left {
                Some(left) if !left.is_zero() => std::thread::sleep(left.min(STOP_CHECK)),
                _ => return Ok(()),
            }
        }
    }

    fn get_once(
        &self,
        url: &HttpUrl,
        request: HttpRequest<'_>,
        scope: Scope,
    ) -> Result<Response, FetchError> {
        let patience = self.options.patience;
        let mut builder = self.client.of(scope)?.get(url.url().clone());
        if let Some(login) = url.login() {
            builder = builder.basic_auth(&login.user, Some(&login.password));
        }
        match request.unless {
            Some(Validator::Tag(tag)) => builder = builder.header(header::IF_NONE_MATCH, tag),
            Some(Validator::Date(date)) => {
                builder = builder.header(header::IF_MODIFIED_SINCE, date);
            }
            None => {}
        }
        if let Some(byte) = request.byte {
            builder = builder.header(header::RANGE, format!("bytes={byte}-{byte}"));
        }
        if let Some((first, last)) = request.range {
            builder = builder.header(header::RANGE, format!("bytes={first}-{last}"));
        }
        if request.byte.is_some() || request.range.is_some() || request.is_whole {
            builder = builder.header(header::ACCEPT_ENCODING, "identity");
        }
        let sent = self.client.wait(patience, builder.send())?;
        sent.map_err(|error| explain(error, patience.timeout))
    }

    fn answer(&self, url: HttpUrl, response: Response, request: HttpRequest<'_>) -> HttpAnswer<'a> {
        let text = |name| text(response.headers(), name);
        let validator = match (text(header::ETAG), text(header::LAST_MODIFIED)) {
            (tag, _) if !tag.is_empty() => Some(Validator::Tag(tag)),
            (_, date) if !date.is_empty() => Some(Validator::Date(date)),
            _ => None,
        };
        HttpAnswer {
            url,
            status: response.status().as_u16(),
            content_type: text(header::CONTENT_TYPE),
            validator,
            modified_s: parse_http_date(&text(header::LAST_MODIFIED)).map(|at| at.0),
            content_range: text(header::CONTENT_RANGE),
            length: text(header::CONTENT_LENGTH).parse().ok(),
            body: HttpBody {
                client: self.client,
                patience: self.options.patience,
                response,
                piece: Vec::new(),
                place: 0,
                bytes: 0,
                bytes_max: if request.is_whole {
                    u64::MAX
                } else {
                    BODY_BYTES_MAX
                },
                tempo: Tempo::new(),
            },
        }
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

/// The error for a failure at another server than the mirror's own.
fn led(mirror: &HttpUrl, at: &HttpUrl, cause: FetchError) -> FetchError {
    let is_own = mirror.url().origin() == at.url().origin();
    match cause {
        FetchError::RedirectRefusal { .. } | FetchError::Stopped => cause,
        cause if is_own => cause,
        cause => FetchError::Led {
            to: at.to_string(),
            cause: Box::new(cause),
        },
    }
}

/// The target of a redirect; `None` if the answer is no redirect.
fn redirected(response: &Response, at: &HttpUrl) -> Option<Result<HttpUrl, FetchError>> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(header::LOCATION)?;
    let location = String::from_utf8_lossy(location.as_bytes());
    let to = at.url().join(&location).ok().and_then(HttpUrl::resource);
    Some(to.ok_or_else(|| FetchError::Redirected {
        to: "what is no URL of a web server".to_owned(),
    }))
}

/// The pause in `Retry-After`: seconds, or a date that is compared with the server's own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, header::RETRY_AFTER);
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let parse = |text: &str| httpdate::parse_http_date(text).ok();
    let now = parse(&text(headers, header::DATE))?;
    parse(&value)?.duration_since(now).ok()
}

impl HttpBody<'_> {
    fn next_piece(&mut self) -> Result<bool, FetchError> {
        let piece = self.client.wait(self.patience, self.response.chunk())?;
        let Some(piece) = piece.map_err(|error| explain(error, self.patience.timeout))? else {
            return Ok(false);
        };
        self.tempo.count(piece.len(), &self.patience)?;
        self.bytes += piece.len() as u64;
        if self.bytes > self.bytes_max {
            let bytes_max = self.bytes_max;
            return Err(FetchError::TooLarge { bytes_max });
        }
        self.piece.clear();
        self.piece.extend_from_slice(&piece);
        self.place = 0;
        Ok(true)
    }
}

impl Read for HttpBody<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.place == self.piece.len() {
            if !self.next_piece().map_err(io::Error::other)? {
                return Ok(0);
            }
        }
        let count = buffer.len().min(self.piece.len() - self.place);
        buffer[..count].copy_from_slice(&self.piece[self.place..self.place + count]);
        self.place += count;
        Ok(count)
    }
}
