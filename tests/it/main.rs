//! Integration tests over the real programs: one binary, so that they link once.

mod config;
mod conformance;
mod conformance_case;
mod conformance_shares;
mod conformance_site;
mod document;
mod fcgi;
mod fcgi_client;
mod index;
mod index_failure;
mod index_kill;
mod responder;
mod site;
