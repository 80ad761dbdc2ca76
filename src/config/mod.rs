//! `heliostat.toml`: read raw, checked, and printed back.
