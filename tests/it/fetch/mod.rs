//! Clients of mirrors against real and ill servers: FTP, HTTP, TLS, and what servers list.

mod ftp_failure;
mod ftp_listing;
mod http_failure;
mod http_manner;
mod http_scan;
mod http_tls;
mod listing;
