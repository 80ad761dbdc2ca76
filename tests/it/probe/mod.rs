//! Probes of mirrors by real servers.

mod daemon;
mod family;
mod notify;
mod probe;
mod tls;
