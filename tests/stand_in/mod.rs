//! Sites, servers and clients that tests share.

pub mod certificate;
pub mod counted_site;
pub mod fcgi_client;
pub mod folder;
pub mod front_end;
pub mod ftpd;
pub mod hash_content;
pub mod hash_site;
pub mod http_site;
pub mod index_site;
pub mod logged_responder;
pub mod mmdb;
pub mod odd_ftp;
pub mod odd_web;
pub mod paged_site;
pub mod port;
pub mod probe_site;
pub mod responder;
pub mod rsyncd;
pub mod scan_site;
pub mod site;
pub mod small_disk;
pub mod spooled;
pub mod webd;
pub mod webserver;
