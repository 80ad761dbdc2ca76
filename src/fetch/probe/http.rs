//! Checks a file over HTTP: HEAD, then a request for its last byte.

use std::time::{Duration, Instant};

use reqwest::header::{self, HeaderMap, HeaderName};
use reqwest::tls::TlsInfo;
use reqwest::{Client, Method, Response, Url};
use sha2::{Digest, Sha256};

use super::answer::{Head, Judgement, judge_head, judge_range};
use super::failure::Failure;
use super::resolve::{Resolver, of_family};
use super::target::{Check, ProbeFile, ProbeTarget};
use crate::domain::cache::is_cache_hit;
use crate::domain::health::Family;
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;
use crate::domain::url::without_login;
use crate::fetch::redirect;

/// Largest number of redirects in a row; most clients follow at least as many.
pub const REDIRECTS_MAX: usize = 5;

/// A check in progress of one target over one family.
pub(super) struct HttpCheck<'a> {
    pub client: &'a Client,
    /// Resolves the hosts of redirects.
    pub resolver: &'a Resolver,
    /// The family of the connections.
    pub family: Family,
    /// The scope of the mirror's own addresses.
    pub scope: Scope,
    pub target: &'a ProbeTarget,
    /// Hosts of this redirector.
    pub own_hosts: &'a [String],
    /// The client's time limit, for messages.
    pub timeout: Duration,
    pub check: Check,
}

impl HttpCheck<'_> {
    /// Asks for one file after another until the mirror has one.
    pub(super) async fn run(mut self, evidence: impl Fn(Option<&ProbeFile>) -> String) -> Check {
        let target = self.target;
        if let Some(file) = target.files.first()
            && let Some(piece) = &file.piece
        {
            self.check.evidence = evidence(Some(file));
            self.check.result = self.get_piece(file, piece).await;
            return self.check;
        }
        if target.is_cache {
            return self.run_cache(evidence).await;
        }
        if target.files.is_empty() {
            self.check.evidence = evidence(None);
            self.check.result = self.ask_base().await;
            return self.check;
        }
        for file in &target.files {
            let result = self.ask_file(file).await;
            let is_last = result.is_ok() || !result.as_ref().is_err_and(Failure::is_of_the_file);
            if let Err(failure) = &result
                && !is_last
            {
                self.check.notes.push(failure.to_string());
            }
            self.check.result = result;
            self.check.evidence = evidence(Some(file));
            if is_last {
                break;
            }
        }
        self.check
    }

    /// Asks a pull-through cache for small files, each as a whole, until it has one. If the cache
    /// serves other bytes, that is the result: it can have no older version of these files.
    async fn run_cache(mut self, evidence: impl Fn(Option<&ProbeFile>) -> String) -> Check {
        let target = self.target;
        if target.files.is_empty() {
            self.check.evidence = evidence(None);
            self.check.result = self.ask_generation().await;
            return self.check;
        }
        for file in &target.files {
            let mut result = self.get_whole(file).await;
            self.check.evidence = evidence(Some(file));
            if result.is_ok()
                && target.staleness.is_some()
                && let Err(stale @ Failure::Stale { .. }) = self.ask_generation().await
            {
                // Any other fault of this one file says nothing about the others.
                result = Err(stale);
                self.check.evidence = evidence(None);
            }
            let is_gone = matches!(
                result,
                Err(Failure::Status {
                    status: 403 | 404 | 410,
                    ..
                })
            );
            self.check.result = result;
            if !is_gone {
                break;
            }
        }
        self.check
    }

    /// Asks for the number of the generation, if no file is small and old enough. A cache that
    /// answers at all counts as working.
    async fn ask_generation(&mut self) -> Result<(), Failure> {
        let url = self.target.url_of(None);
        let response = self.send(Method::GET, &url, None).await?;
        match response.status().as_u16() {
            200 => self.judge_generation(response).await,
            201..=299 | 403 | 404 => Ok(()),
            status => Err(Failure::Base { status }),
        }
    }

    /// Checks whether the generation that the cache serves is too old.
    async fn judge_generation(&mut self, mut response: Response) -> Result<(), Failure> {
        /// Length of a number with the end of its line.
        const NUMBER_BYTES_MAX: usize = 32;
        let Some(limit) = &self.target.staleness else {
            return Ok(());
        };
        let timeout_s = self.timeout.as_secs();
        let mut body = Vec::new();
        while body.len() <= NUMBER_BYTES_MAX
            && let Some(chunk) = response
                .chunk()
                .await
                .map_err(|error| Failure::of_client(error, timeout_s))?
        {
            body.extend_from_slice(&chunk);
        }
        let number = std::str::from_utf8(&body)
            .ok()
            .filter(|_| body.len() <= NUMBER_BYTES_MAX);
        // A page in place of the number tells nothing.
        let Some(served) = number.and_then(|number| number.trim().parse().ok()) else {
            return Ok(());
        };
        match limit.generations.stale_s(served, limit.now) {
            Some(age_s) if age_s > limit.ttl_s => Err(Failure::Stale {
                age_s,
                served,
                ours: limit.generations.ours,
                ttl_s: limit.ttl_s,
            }),
            _ => Ok(()),
        }
    }

    async fn get_whole(&mut self, file: &ProbeFile) -> Result<(), Failure> {
        let url = self.target.url_of(Some(file));
        let mut response = self.send(Method::GET, &url, None).await?;
        let head = head_of(&response);
        if head.status != 200 {
            return Err(Failure::Status {
                status: head.status,
                path: file.shown(),
            });
        }
        if let Judgement::Wrong(failure) = judge_head(head, file) {
            return Err(failure);
        }
        self.note_cache(response.headers().clone());
        let expected = file.size.unwrap_or(0);
        let (mut found, mut hash) = (0, Sha256::new());
        let timeout_s = self.timeout.as_secs();
        let broken = |error| Failure::of_client(error, timeout_s);
        // One byte too many shows that the size is wrong.
        while found <= expected
            && let Some(chunk) = response.chunk().await.map_err(broken)?
        {
            found += chunk.len() as u64;
            hash.update(&chunk);
        }
        if found != expected {
            return Err(Failure::WrongSize {
                path: file.shown(),
                expected,
                found,
            });
        }
        match &file.sha256 {
            Some(sha256) if hash.finalize().as_slice() != sha256.as_slice() => {
                Err(Failure::WrongContent { path: file.shown() })
            }
            _ => Ok(()),
        }
    }

    /// Notes what the cache says about its stored answer (RFC 9111 §5.1, RFC 9211).
    fn note_cache(&mut self, headers: HeaderMap) {
        /// A longer value says no more.
        const CHARS_MAX: usize = 80;
        for name in ["age", "cache-status", "x-cache"] {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            if let Some(value) = value.filter(|value| value.chars().count() <= CHARS_MAX) {
                self.note(format!("{name}: {value}"));
            }
        }
        let value = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default()
        };
        let [age, status, x_cache] = ["age", "cache-status", "x-cache"].map(value);
        self.check.cache_hit = is_cache_hit(status, x_cache, age);
    }

    /// Asks for the base URL of a mirror of which no file is known; any answer of a directory will
    /// do.
    async fn ask_base(&mut self) -> Result<(), Failure> {
        let response = self
            .send(Method::GET, &self.target.url_of(None), None)
            .await?;
        match response.status().as_u16() {
            // A directory that may not be listed can still have files.
            200..=299 | 403 => Ok(()),
            status => Err(Failure::Base { status }),
        }
    }

    async fn ask_file(&mut self, file: &ProbeFile) -> Result<(), Failure> {
        let url = self.target.url_of(Some(file));
        let response = self.send(Method::HEAD, &url, None).await?;
        if let Judgement::Wrong(failure) = judge_head(head_of(&response), file) {
            return Err(failure);
        }
        // The server can send the last byte only if it has the whole file.
        let byte = file.size.map_or(0, |size| size.saturating_sub(1));
        let response = self.send(Method::GET, &url, Some((byte, byte))).await?;
        match judge_range(head_of(&response), file) {
            Judgement::Right => {}
            Judgement::NoSize => self.note("it does not tell the size".to_owned()),
            Judgement::Wrong(failure) => return Err(failure),
        }
        if response.status().as_u16() == 200 && file.size.is_some_and(|size| size > 1) {
            self.note("it ignores ranges, so that a broken download begins anew".to_owned());
        }
        Ok(())
    }

    fn note(&mut self, note: String) {
        if !self.check.notes.contains(&note) {
            self.check.notes.push(note);
        }
    }

    /// Sends a request and follows redirects, each of which is checked.
    pub(super) async fn send(
        &mut self,
        method: Method,
        url: &str,
        range: Option<(u64, u64)>,
    ) -> Result<Response, Failure> {
        let away = |_| Failure::RedirectedAway;
        let mut at = Url::parse(url).map_err(away)?;
        for _ in 0..=REDIRECTS_MAX {
            let response = self.send_once(method.clone(), &at, range).await?;
            let status = response.status().as_u16();
            let location = response.headers().get(header::LOCATION);
            let (301 | 302 | 303 | 307 | 308, Some(location)) = (status, location) else {
                return Ok(response);
            };
            let location = String::from_utf8_lossy(location.as_bytes());
            let to = at.join(&location).map_err(away)?;
            let to = self.may_follow(&at, to)?;
            self.check_addresses(&to).await?;
            at = to;
        }
        Err(Failure::TooManyRedirects {
            redirects_max: REDIRECTS_MAX,
        })
    }

    async fn send_once(
        &mut self,
        method: Method,
        url: &Url,
        range: Option<(u64, u64)>,
    ) -> Result<Response, Failure> {
        let mut request = self
            .client
            .request(method, url.clone())
            .header(header::ACCEPT_ENCODING, "identity");
        if let Some((first, last)) = range {
            request = request.header(header::RANGE, format!("bytes={first}-{last}"));
        }
        let start = Instant::now();
        let sent = request.send().await;
        let response = sent.map_err(|error| Failure::of_client(error, self.timeout.as_secs()))?;
        if self.check.latency.is_none() {
            self.check.latency = Some(start.elapsed());
            self.check.expires_at = expiry_of(&response);
        }
        Ok(response)
    }

    fn may_follow(&mut self, from: &Url, mut to: Url) -> Result<Url, Failure> {
        if !matches!(to.scheme(), "http" | "https") || !to.has_host() {
            return Err(Failure::RedirectedAway);
        }
        let shown = shown(&to);
        if from.scheme() == "https" && to.scheme() == "http" {
            return Err(Failure::Downgraded { to: shown });
        }
        let (host, base) = (to.host_str().unwrap_or_default(), self.target.url.host());
        if self.own_hosts.iter().any(|own| own == host) && host != base {
            return Err(Failure::Home { to: shown });
        }
        let mirror = Url::parse(self.target.url.as_str()).map_err(|_| Failure::RedirectedAway)?;
        let own_ports = self.target.own_ports;
        redirect::check_url(&mirror, from, &to, own_ports)
            .map_err(|why| Failure::RedirectRefusal { to: shown, why })?;
        if host != from.host_str().unwrap_or_default() {
            self.note(format!("it redirects to {host}"));
        }
        // The same server may want the same login; another server gets neither this login nor one
        // that the mirror chooses.
        let login = match redirect::keeps_login(from, &to) {
            true => (from.username(), from.password()),
            false => ("", None),
        };
        let kept = to.set_username(login.0).and(to.set_password(login.1));
        debug_assert!(kept.is_ok(), "a URL with a host takes a user");
        Ok(to)
    }

    /// Checks whether the mirror may lead to that host.
    async fn check_addresses(&self, to: &Url) -> Result<(), Failure> {
        let host = to.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let refused = |why| Failure::RedirectRefusal { to: shown(to), why };
        let addresses = self.resolver.addresses(host).await?;
        redirect::check_addresses(self.scope, &addresses).map_err(refused)?;
        let addresses = of_family(&addresses, self.family);
        if addresses.is_empty() {
            let said = format!("it has no {} address", self.family.as_str());
            return Err(Failure::UnknownHost { said });
        }
        redirect::check_addresses(self.scope, &addresses).map_err(refused)
    }
}

/// Writes a URL for people, without login and query.
fn shown(url: &Url) -> String {
    let text = without_login(url.as_str());
    let end = text.find(['?', '#']).unwrap_or(text.len());
    text[..end].to_owned()
}

fn text(headers: &HeaderMap, name: HeaderName) -> &str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

pub(super) fn head_of(response: &Response) -> Head<'_> {
    let headers = response.headers();
    Head {
        status: response.status().as_u16(),
        length: text(headers, header::CONTENT_LENGTH).parse().ok(),
        range: text(headers, header::CONTENT_RANGE),
        content_type: text(headers, header::CONTENT_TYPE),
    }
}

fn expiry_of(response: &Response) -> Option<Timestamp> {
    let info = response.extensions().get::<TlsInfo>()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(info.peer_certificate()?).ok()?;
    Some(Timestamp(certificate.validity().not_after.timestamp()))
}
