//! Imports lists of mirrors: of URLs, mirmon's, mirrorbits'.
//!
//! [`url_list`], [`mirmon`] and [`mirrorbits`] read texts; [`run`] adds the mirrors that are not
//! there yet. One that is there stays as it is, and its differences are told.

mod listed;
mod mirmon;
mod mirrorbits;
mod run;
mod url_list;

pub(super) use run::import_list;
