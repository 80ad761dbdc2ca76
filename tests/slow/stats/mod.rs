//! Statistics of many requests.

mod sums;
