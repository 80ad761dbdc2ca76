//! Runs `topology`: makes and reads tables that tell which AS announces a network.

mod compile;
mod input;
mod look;
mod route;
mod run;
mod table_file;

pub use run::topology;
