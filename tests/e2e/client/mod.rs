//! Real clients on our answers: BitTorrent, browsers, dnf, downloaders, people at a page.

mod bittorrent;
mod browser;
mod dnf;
mod dnf_behind;
mod downloader;
mod page;
mod status_page;
