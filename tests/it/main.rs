//! Integration tests over the real programs: one binary, so that they link once.

mod config;
mod fcgi;
mod fcgi_client;
mod site;
