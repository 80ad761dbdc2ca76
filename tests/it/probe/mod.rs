//! Probes of mirrors by real servers.

mod daemon;
mod family;
mod follow;
mod notify;
mod probe;
mod tls;
