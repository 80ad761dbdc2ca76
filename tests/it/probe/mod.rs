//! Probes of mirrors by real servers.

mod daemon;
mod drain;
mod family;
mod follow;
mod notify;
mod probe;
mod tls;
