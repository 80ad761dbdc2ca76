//! Imports lists of mirrors: of URLs, mirmon's, mirrorbits'.
//!
//! [`url_list`], [`mirmon`] and [`mirrorbits`] read texts; [`run`] adds missing mirrors. An
//! existing mirror stays as it is, and the differences are shown.

mod listed;
mod mirmon;
mod mirrorbits;
mod run;
mod url_list;

pub(super) use run::import_list;
