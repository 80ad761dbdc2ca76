//! Imports that make a configuration, or mirrors, of what other programs have.

mod apache;
mod apache_whole;
mod instances;
mod lists;
mod postgresql;
