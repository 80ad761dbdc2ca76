//! Runs `topology`: tables that tell which AS announces a network, made of routing data.

mod compile;
mod input;
mod look;
mod route;
mod run;
mod table_file;

pub use run::topology;
