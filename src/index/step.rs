//! The steps of an index run, as progress shows them.

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexStep {
    /// Files found so far.
    Walking(u64),
    /// Comparing that many files with the catalogue.
    Comparing(u64),
    /// Changes made, of how many.
    Writing(u64, u64),
}
