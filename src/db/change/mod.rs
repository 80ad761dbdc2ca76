//! Stores what changed in the catalogue from generation to generation, so that whoever knows an
//! earlier one reads only that.

mod catalogue_mark;
mod change_log;
mod changed_file;
pub mod marker_version;

pub use catalogue_mark::{CatalogueMark, mark};
pub(super) use change_log::ChangeLog;
pub use changed_file::{ChangedFile, changed_since};
