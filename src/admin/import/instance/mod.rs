//! Imports `mirrorbrain.conf`: each instance becomes a site.
//!
//! [`ini`] reads the file's form, [`conf`] its keys, [`run`] writes a configuration.

mod conf;
mod ini;
mod run;

pub(super) use conf::{Instance, InstanceFile};
pub(super) use run::{import_conf, read_conf};
