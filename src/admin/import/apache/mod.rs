//! Imports Apache's configuration of a host with MirrorBrain: sites for `heliostat.toml`, and
//! copies of Apache's files in which Heliostat stands in MirrorBrain's place.
//!
//! [`run`] reads the files, and shows or writes the result. [`known`] has a row for each
//! directive. [`section`] and [`settings`] gather what a host says, [`value`] reads single words,
//! [`site`] merges sections as MirrorBrain does, [`conversion`] puts all together; [`text`],
//! [`host_part`] and [`edit`] write.
//!
//! # Errors
//! A line that Apache would refuse is one line with its place and the remedy; nothing is written.

mod conversion;
mod edit;
mod host_part;
mod known;
mod run;
mod section;
mod settings;
mod site;
mod text;
mod value;

pub(super) use run::import_apache;
