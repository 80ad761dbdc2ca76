//! Pure values and rules of the field: no clock, random numbers, database, files or sockets.
//!
//! Reading order: [`path`] and [`mod@file`] (the files that are served), [`place`] and [`mirror`]
//! (clients and mirrors; `mirror::name`: what mirrors are called), [`place_override`] (where GeoIP
//! files are wrong), [`health`] (which mirrors answer), [`select`] (which mirror a client gets),
//! [`key`] (rows of the configuration), [`rule`] (which files are never redirected), [`accept`]
//! (when a metalink replaces the file), [`yum`] (which repository a query names), [`product`] and
//! [`repository`] (files and repositories by name), [`escape`] and [`document`] (how an answer is
//! written), [`listing`] (which files a mirror lists), [`trace`] (when a mirror was synced, and its
//! limits), [`topology`] (which AS announces a network), [`count`] (what requests count as),
//! [`follow`] (whether they led to the file), [`order`] (how short lists are sorted).

pub mod accept;
pub mod cache;
pub mod count;
pub mod document;
pub mod escape;
pub mod file;
pub mod follow;
pub mod generation;
pub mod hash;
pub mod health;
pub mod key;
pub mod listing;
pub mod metric;
pub mod mirror;
pub mod order;
pub mod path;
pub mod pattern;
pub mod place;
pub mod place_override;
pub mod product;
pub mod repository;
pub mod representation;
pub mod rule;
pub mod run_counts;
pub mod scope;
pub mod select;
pub mod status_page;
pub mod time;
pub mod topology;
pub mod trace;
pub mod url;
pub mod url_parts;
pub mod varint;
pub mod yum;
