//! The responder's answers, from its socket: redirects, documents, lists, the ways back.

mod blocked;
mod broken_mirrors;
mod cache;
mod document;
mod document_condition;
mod document_limit;
pub mod document_seed;
mod fallback;
mod front_end;
mod https;
mod lists;
mod mirror_ping;
mod mirrorlist;
mod origin;
mod outside;
mod private;
mod products;
mod redirect_head;
mod shadow;
mod tree_fault;
mod yum;
