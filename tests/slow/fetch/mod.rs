//! Large trees behind real servers, and pages that never end.

mod ftp_servers;
mod hostile_page;
mod http_servers;
