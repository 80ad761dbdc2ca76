//! Integration tests over the real programs: one binary, so that they link once.

mod config;
mod fcgi_client;
mod index;
mod index_failure;
mod index_kill;
mod site;
