//! Statistics: what requests count as, and how counts reach the database.

mod answer;
mod collect;
mod count;
mod import;
mod metrics;
mod spool;
