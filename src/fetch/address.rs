//! Resolves host names with the system's resolver, each in its own thread, so that a slow resolver
//! delays a caller no longer than a slow server.
//!
//! # Security
//! If a host has public addresses, only these are used. A result is kept for [`KEPT`], so that the
//! connection goes to the address that was checked.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::error::FetchError;
use super::patience::{Patience, STOP_CHECK};
use crate::domain::scope::Scope;

/// How long a result of the resolver is used: shorter than the time to live of most names, longer
/// than the time from checking an address to connecting to it.
const KEPT: Duration = Duration::from_secs(60);

/// Largest number of addresses of one host that are tried.
const ADDRESSES_MAX: usize = 8;

type KnownAddresses = HashMap<String, (Instant, Vec<IpAddr>)>;

/// Addresses of hosts; clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    known: Arc<Mutex<KnownAddresses>>,
}

/// The resolver for an HTTP client whose host the admin has configured: it gives all addresses.
pub fn resolver_of_all() -> Arc<impl Resolve> {
    Arc::new(ScopedResolver {
        addresses: Addresses::default(),
        scope: None,
    })
}

/// Gives the HTTP client those addresses of a host to which a mirror of some scope may lead.
#[derive(Debug, Clone)]
pub(super) struct ScopedResolver {
    pub addresses: Addresses,
    /// The mirror's scope; `None`: every address is allowed.
    pub scope: Option<Scope>,
}

impl Addresses {
    /// The addresses of a host, at least one. If the host has public addresses, only these.
    ///
    /// # Errors
    /// Returns [`FetchError::UnknownHost`] if the host has no address, and an error as
    /// [`Patience::check`] does.
    pub fn of(&self, host: &str, patience: &Patience<'_>) -> Result<Vec<IpAddr>, FetchError> {
        if let Some(known) = self.find(host) {
            return Ok(known);
        }
        let (sender, receiver) = mpsc::channel();
        self.look_up(host, move |found| {
            // The receiver is gone if the caller has stopped waiting.
            let _ = sender.send(found);
        })?;
        let begun = Instant::now();
        loop {
            match receiver.recv_timeout(STOP_CHECK) {
                Ok(found) => return found,
                Err(RecvTimeoutError::Timeout) => patience.check()?,
                Err(RecvTimeoutError::Disconnected) => return Err(no_answer()),
            }
            if begun.elapsed() >= patience.timeout {
                return Err(no_answer());
            }
        }
    }

    fn find(&self, host: &str) -> Option<Vec<IpAddr>> {
        let literal = host.trim_matches(['[', ']']);
        if let Ok(ip) = literal.parse() {
            return Some(vec![ip]);
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, addresses) = known.get(host)?;
        (at.elapsed() < KEPT).then(|| addresses.clone())
    }

    fn look_up(
        &self,
        host: &str,
        give: impl FnOnce(Result<Vec<IpAddr>, FetchError>) + Send + 'static,
    ) -> Result<(), FetchError> {
        let (this, host) = (self.clone(), host.to_owned());
        let thread = std::thread::Builder::new().name("resolver".to_owned());
        let begun = thread.spawn(move || {
            let found = resolve(&host);
            if let Ok(addresses) = &found {
                let mut known = this.known.lock().unwrap_or_else(PoisonError::into_inner);
                known.insert(host, (Instant::now(), addresses.clone()));
            }
            give(found);
        });
        begun.map(drop).map_err(FetchError::NoThread)
    }
}

fn no_answer() -> FetchError {
    let said = "the resolver does not answer".to_owned();
    FetchError::UnknownHost { said }
}

fn resolve(host: &str) -> Result<Vec<IpAddr>, FetchError> {
    let found = (host, 0).to_socket_addrs();
    let found = found.map_err(|error| FetchError::UnknownHost {
        said: error.to_string(),
    })?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for ip in found.map(|address| address.ip()) {
        if !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    if Scope::of_all(&addresses) == Scope::Public {
        addresses.retain(|ip| Scope::of(*ip) == Scope::Public);
    }
    addresses.truncate(ADDRESSES_MAX);
    if addresses.is_empty() {
        let said = "it has no address".to_owned();
        return Err(FetchError::UnknownHost { said });
    }
    Ok(addresses)
}

impl Resolve for ScopedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let host = name.as_str();
            let addresses = match this.addresses.find(host) {
                Some(known) => known,
                None => {
                    let (sender, receiver) = tokio::sync::oneshot::channel();
                    this.addresses.look_up(host, |found| {
                        let _ = sender.send(found);
                    })?;
                    receiver.await.map_err(|_| no_answer())??
                }
            };
            let may_reach = |ip: &IpAddr| this.scope.is_none_or(|scope| scope.may_reach(*ip));
            let allowed = addresses.into_iter().filter(may_reach);
            let allowed: Vec<SocketAddr> = allowed.map(|ip| SocketAddr::new(ip, 0)).collect();
            if allowed.is_empty() {
                let said = "it has no address that the mirror may lead to".to_owned();
                return Err(FetchError::UnknownHost { said }.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
