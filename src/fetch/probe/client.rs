//! Checks many targets at the same time.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::Client;
use reqwest::redirect::Policy;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, mpsc};

use super::failure::Failure;
use super::ftp;
use super::http::HttpCheck;
use super::resolve::{FamilyResolver, Resolver, of_family};
use super::target::{Check, ProbeFile, ProbeFinding, ProbeTarget};
use crate::domain::health::Family;
use crate::domain::scope::Scope;
use crate::domain::url::Scheme;
use crate::fetch::FetchError;

/// Largest number of targets that are checked at a time. Each has at most two connections, and many
/// systems give a process 1,024 descriptors.
pub const CHECKS_AT_A_TIME_MAX: usize = 400;

/// How often a waiting pass checks whether the program is to stop.
const STOP_CHECK: Duration = Duration::from_millis(100);

/// The name in requests, by which a mirror's operator finds the page of the project.
const USER_AGENT: &str = concat!("heliostat-probe/", env!("CARGO_PKG_VERSION"));

/// Time limits of the checks.
#[derive(Debug, Clone, Copy)]
pub struct ProbeLimits {
    /// Limit for one check: connection, redirects and both requests together.
    pub timeout: Duration,
    /// Limit for all checks; a target that is not done then counts as not checked.
    pub deadline: Duration,
}

/// Checks targets. It is made for one pass only, so that no kept connection hides a dead port and
/// the system's certificates are read again.
#[derive(Debug)]
pub struct ProbeClient {
    runtime: Runtime,
    shared: Arc<ProbeShared>,
}

#[derive(Debug)]
struct ProbeShared {
    clients: Clients,
    resolver: Resolver,
    own_hosts: Vec<String>,
    limits: ProbeLimits,
    places: Semaphore,
}

/// One client per family and scope of a mirror.
#[derive(Debug)]
struct Clients(Vec<((Family, Scope), Client)>);

impl Clients {
    fn new(make: impl Fn(Family, Scope) -> Result<Client, FetchError>) -> Result<Self, FetchError> {
        let mut clients = Vec::new();
        for family in Family::ALL {
            for scope in Scope::ALL {
                clients.push(((family, scope), make(family, scope)?));
            }
        }
        Ok(Clients(clients))
    }

    fn of(&self, family: Family, scope: Scope) -> &Client {
        let found = self.0.iter().find(|(of, _)| *of == (family, scope));
        &found.expect("there is one for each").1
    }
}

impl ProbeClient {
    /// Makes a client; `own_hosts` are the hosts of the redirector itself, in lower case.
    ///
    /// # Errors
    /// Returns [`FetchError::Client`] if no client can be made.
    pub fn new(limits: ProbeLimits, own_hosts: &[String]) -> Result<ProbeClient, FetchError> {
        let resolver = Resolver::default();
        let tls = crate::fetch::tls::with_system_certificates()?;
        let client = |family, scope| {
            let resolver = resolver.clone();
            Client::builder()
                .user_agent(USER_AGENT)
                .redirect(Policy::none())
                .tls_info(true)
                .tls_backend_preconfigured(tls.clone())
                .http1_only()
                .dns_resolver(Arc::new(FamilyResolver {
                    resolver,
                    family,
                    scope,
                }))
                .timeout(limits.timeout)
                .no_proxy()
                .build()
                .map_err(|error| FetchError::Client(error.into()))
        };
        let shared = ProbeShared {
            clients: Clients::new(client)?,
            resolver: resolver.clone(),
            own_hosts: own_hosts.to_vec(),
            limits,
            places: Semaphore::new(CHECKS_AT_A_TIME_MAX),
        };
        // The runtime uses the caller's thread: a runtime panics if it cannot start a thread of its
        // own.
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| FetchError::Client(error.into()))?;
        Ok(ProbeClient {
            runtime,
            shared: Arc::new(shared),
        })
    }

    /// Checks all targets and gives each finding, with its target's index, as soon as it is
    /// complete. Returns early if `stop` becomes true.
    pub fn run(
        self,
        targets: &[ProbeTarget],
        stop: &AtomicBool,
        mut give: impl FnMut(usize, ProbeFinding),
    ) {
        let deadline = Instant::now() + self.shared.limits.deadline;
        let (sender, mut receiver) = mpsc::unbounded_channel();
        for (place, target) in targets.iter().cloned().enumerate() {
            let (shared, sender) = (Arc::clone(&self.shared), sender.clone());
            self.runtime.spawn(async move {
                let finding = shared.examine(&target).await;
                // The receiver is gone after the deadline.
                let _ = sender.send((place, finding));
            });
        }
        drop(sender);
        while !stop.load(Ordering::Relaxed) && Instant::now() < deadline {
            let next = async { tokio::time::timeout(STOP_CHECK, receiver.recv()).await };
            match self.runtime.block_on(next) {
                Ok(Some((place, finding))) => give(place, finding),
                Ok(None) => break,
                Err(_) => {}
            }
        }
        // A look-up in the system's resolver cannot be interrupted; its thread ends by itself.
        self.runtime.shutdown_background();
    }
}

impl ProbeShared {
    async fn examine(&self, target: &ProbeTarget) -> ProbeFinding {
        let Ok(_place) = self.places.acquire().await else {
            return ProbeFinding::NoAddress(Failure::NotReached, String::new());
        };
        let first = target.files.first();
        let host = self.resolver.addresses(target.url.host());
        let addresses = match tokio::time::timeout(self.limits.timeout, host).await {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(failure)) => {
                return ProbeFinding::NoAddress(failure, target.evidence(first, None));
            }
            Err(_) => {
                let failure = Failure::ResolverSilent {
                    said: format!("nothing within {} s", self.limits.timeout.as_secs()),
                };
                return ProbeFinding::NoAddress(failure, target.evidence(first, None));
            }
        };
        let addresses = &addresses;
        let check = |family| async move {
            let addresses = of_family(addresses, family);
            if addresses.is_empty() {
                return None;
            }
            let port = ftp::port_of(target);
            let addresses = addresses.into_iter().map(|ip| SocketAddr::new(ip, port));
            Some((
                family,
                self.check(target, family, addresses.collect()).await,
            ))
        };
        let (v4, v6) = tokio::join!(check(Family::V4), check(Family::V6));
        ProbeFinding::Checked(v4.into_iter().chain(v6).collect())
    }

    async fn check(
        &self,
        target: &ProbeTarget,
        family: Family,
        addresses: Vec<SocketAddr>,
    ) -> Check {
        let evidence = |file: Option<&ProbeFile>| target.evidence(file, Some(family));
        let timeout = self.limits.timeout;
        let silent = Failure::Silent {
            timeout_s: timeout.as_secs(),
        };
        // The result if the time limit ends the check early.
        let begun = Check::failed(silent, evidence(target.files.first()));
        let work: Pin<Box<dyn Future<Output = Check> + Send + '_>> = match target.url.scheme() {
            Scheme::Http | Scheme::Https => {
                let own: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
                let scope = Scope::of_all(&own);
                let check = HttpCheck {
                    client: self.clients.of(family, scope),
                    resolver: &self.resolver,
                    family,
                    scope,
                    target,
                    own_hosts: &self.own_hosts,
                    timeout,
                    check: begun.clone(),
                };
                Box::pin(check.run(evidence))
            }
            Scheme::Ftp => {
                let begun = begun.clone();
                Box::pin(async move { ftp::check(target, &addresses, begun).await })
            }
            scheme @ (Scheme::Ftps | Scheme::Rsync) => {
                let scheme = scheme.as_str();
                return Check::failed(Failure::Scheme { scheme }, evidence(None));
            }
        };
        tokio::time::timeout(timeout, work).await.unwrap_or(begun)
    }
}
