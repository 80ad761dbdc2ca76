//! Integration tests over the real programs: one binary, so that they link once.

mod admin;
mod admin_edit;
mod config;
mod conformance;
mod conformance_case;
mod conformance_document;
mod conformance_shares;
mod conformance_site;
mod document;
mod fcgi;
mod fcgi_client;
mod import;
mod index;
mod index_failure;
mod index_kill;
mod mirrorlist;
mod responder;
mod rsyncd;
mod scan;
mod scan_failure;
mod scan_kill;
mod scan_site;
mod scan_suspicious;
mod site;
mod yum;
