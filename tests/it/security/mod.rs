//! Mirrors, clients and files that are made to harm, and secrets that must not be seen.

mod odd_url;
mod parser;
mod redirect;
mod secret;
mod socket;
mod time;
