//! Headings of the help texts.

/// Heading of the options that `mb` does not have.
pub const BEYOND_MB: &str = "Options that mb does not have";
