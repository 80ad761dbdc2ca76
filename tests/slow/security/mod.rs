//! Mirrors whose pages never end.

mod answer;
