//! Imports another redirector's database into ours.
//!
//! [`source`] opens a dump, however compressed ([`gzip`]), and gives its lines; [`mirrorbrain`]
//! says which table's row becomes what; [`run`] puts both around one transaction; [`summary`] tells
//! what came of it.

pub mod dump;
mod gzip;
mod mirrorbrain;
mod run;
mod source;
mod summary;

pub use run::import;
