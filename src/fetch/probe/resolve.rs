//! Resolves host names, to addresses of one family if required.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use tokio::sync::{Semaphore, oneshot};

use super::failure::Failure;
use crate::domain::health::Family;
use crate::domain::scope::Scope;
use crate::fetch::FetchError;

/// Largest number of threads that wait for the system's resolver.
const THREADS_MAX: usize = 64;

/// The addresses of the hosts of one pass; each name is resolved once.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    known: Arc<Mutex<HashMap<String, Vec<IpAddr>>>>,
    threads: Arc<Semaphore>,
}

impl Default for Resolver {
    fn default() -> Resolver {
        Resolver {
            known: Arc::default(),
            threads: Arc::new(Semaphore::new(THREADS_MAX)),
        }
    }
}

impl Resolver {
    /// Asks the system's resolver in a thread of its own. If the system has no thread left, nothing
    /// is known about the host. (The runtime's own way to start a thread would then panic.)
    async fn look_up(&self, host: String) -> Result<std::vec::IntoIter<SocketAddr>, Failure> {
        let here = |said: String| Failure::Here { said };
        let permit = Arc::clone(&self.threads).acquire_owned().await;
        let permit = permit.map_err(|error| here(error.to_string()))?;
        let (sender, receiver) = oneshot::channel();
        let thread = std::thread::Builder::new().name("resolver".to_owned());
        let begun = thread.spawn(move || {
            // The receiver is gone after the time limit.
            let _ = sender.send((host.as_str(), 0).to_socket_addrs());
            drop(permit);
        });
        begun.map_err(|error| here(format!("{}: {error}", FetchError::NO_THREAD)))?;
        let found = receiver.await.map_err(|error| here(error.to_string()))?;
        found.map_err(|error| Failure::of_resolver(&error))
    }

    /// All addresses of a host by the system's resolver; an address is its own result.
    pub(super) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Failure> {
        if let Ok(ip) = host.parse() {
            return Ok(vec![ip]);
        }
        let known = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(host).cloned()
        };
        if let Some(addresses) = known {
            return Ok(addresses);
        }
        let found = self.look_up(host.to_owned()).await?;
        let mut addresses: Vec<IpAddr> = Vec::new();
        for ip in found.map(|address| address.ip()) {
            if !addresses.contains(&ip) {
                addresses.push(ip);
            }
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(host.to_owned(), addresses.clone());
        Ok(addresses)
    }
}

/// The addresses of one family; if any of them are public, only these.
pub(super) fn of_family(addresses: &[IpAddr], family: Family) -> Vec<IpAddr> {
    let is_of_family = |ip: &&IpAddr| Family::of(**ip) == family;
    let mut found: Vec<IpAddr> = addresses.iter().filter(is_of_family).copied().collect();
    if Scope::of_all(&found) == Scope::Public {
        found.retain(|ip| Scope::of(*ip) == Scope::Public);
    }
    found
}

/// Gives the HTTP client those addresses of one family to which a mirror of some scope may lead.
#[derive(Debug, Clone)]
pub(super) struct FamilyResolver {
    pub resolver: Resolver,
    pub family: Family,
    pub scope: Scope,
}

impl Resolve for FamilyResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let addresses = this.resolver.addresses(name.as_str()).await?;
            let of_family: Vec<SocketAddr> = addresses
                .into_iter()
                .filter(|ip| Family::of(*ip) == this.family && this.scope.may_reach(*ip))
                .map(|ip| SocketAddr::new(ip, 0))
                .collect();
            if of_family.is_empty() {
                let said = format!("it has no {} address", this.family.as_str());
                return Err(Failure::UnknownHost { said }.into());
            }
            Ok(Box::new(of_family.into_iter()) as Addrs)
        })
    }
}
