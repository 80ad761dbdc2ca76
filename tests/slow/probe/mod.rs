//! Probes in their default times.

mod silent;
