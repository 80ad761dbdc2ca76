//! The steps of an index run, for its progress bar.

/// The progress of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexStep {
    /// Number of files found so far.
    Walking(u64),
    /// Number of files that are being compared with the catalogue.
    Comparing(u64),
    /// Number of changes applied so far, and the total.
    Writing(u64, u64),
}
