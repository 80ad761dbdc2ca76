//! Runs `topology`: makes and reads tables that tell which AS announces a network, and lists rules
//! of networks.

mod compile;
mod input;
mod look;
mod route;
mod rules;
mod run;
mod table_file;

pub use run::topology;
