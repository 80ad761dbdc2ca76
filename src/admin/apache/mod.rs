//! Apache's configuration, as far as it can be known without being Apache.
//!
//! [`loaded`] asks Apache itself: its hosts, modules, names and user. [`reading`] reads the files
//! that it includes, in its order, with its conditions and names, into a list of [`Directive`]s
//! with the sections around each. The reader is tolerant: what it does not understand it reports,
//! and never guesses.
//!
//! # Limits
//! At most [`reading::FILES_MAX`] files of [`reading::FILE_BYTES_MAX`] bytes are read.

mod directive;
mod glob;
mod host;
mod line;
mod loaded;
mod reading;

pub(super) use directive::Directive;
pub(super) use host::{VirtualHost, is_within};
pub(super) use line::logical_lines;
pub(super) use loaded::{Apache, ApacheError, environment};
pub(super) use reading::{HTACCESS, Reading};
