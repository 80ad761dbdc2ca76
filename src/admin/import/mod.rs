//! Imports another redirector's database into ours.
//!
//! [`source`] opens a dump, however compressed ([`gzip`]), or a database ([`postgresql`]), and
//! gives its lines; [`mirrorbrain`]
//! says which table's row becomes what; [`run`] puts both around one transaction; [`summary`] tells
//! what came of it. [`apache`], [`instance`] and [`mirrorbits_conf`] make a
//! configuration out of Apache's, `mb`'s and mirrorbits'; [`made_file`] writes what is
//! made, and never over what is there. [`list`] adds mirrors of lists.

mod apache;
pub mod dump;
mod gzip;
mod instance;
mod list;
mod made_file;
mod mirrorbits_conf;
mod mirrorbrain;
mod postgresql;
mod problem;
mod run;
mod source;
mod summary;
mod yaml;

pub use run::{import, import_files};
