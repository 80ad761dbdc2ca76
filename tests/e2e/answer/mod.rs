//! The answers through real Apache: redirects, documents, Link lines, versions of files.

mod document;
mod document_limit;
mod freshness;
mod link;
mod metrics;
mod product;
mod redirect;
mod shadow;
