//! The status pages: their facts about mirrors, and their form. Everything here follows from values
//! alone.
//!
//! - [`mod@check_sums`]: results of probes, added up: completion, answer times, score.
//! - [`news`]: how far a mirror is behind, by its content.
//! - [`threshold`]: what is too small to be published.
//! - [`chart`], [`world`]: charts and the map, as inline SVG.
//! - [`page`]: the pages; [`mirrors_json`], [`feed`], [`badge`]: what programs read.

pub mod badge;
pub mod chart;
pub mod check_sums;
pub mod feed;
pub mod mirrors_json;
pub mod news;
pub mod page;
pub mod threshold;
pub mod world;

pub use check_sums::CheckSums;
