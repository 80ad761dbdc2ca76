//! Many clients, and differences planted in every recording.

mod clients;
mod plant;
mod shares;
