//! Downloads go on: with the responder away, the database broken, a service that restarts.

mod away;
mod database;
mod outage;
mod restart;
mod unit;
mod unknown;
