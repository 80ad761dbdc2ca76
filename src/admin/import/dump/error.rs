//! Errors in a dump, one line each, with the place.

/// Why a dump cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// The dump ends too early.
    #[error("the dump is cut: after line {line} it ends {place}; copy it again, or dump again")]
    Cut {
        /// The last line that is there.
        line: u64,
        /// In the middle of what.
        place: String,
    },
    /// The dump has only comments.
    #[error(
        "the dump is empty: it has no statement; was it written elsewhere, or did pg_dump fail? \
         Make it again: `pg_dump DATABASE > FILE`"
    )]
    Empty,
    /// Something that pg_dump does not write.
    #[error("line {line}: {problem}")]
    Syntax {
        /// The line.
        line: u64,
        /// The problem.
        problem: String,
    },
    /// A value that its column cannot have.
    #[error("line {line}: table {table}, column {column}: '{value}' is no {expected}{remedy}")]
    Value {
        /// The line.
        line: u64,
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The beginning of the value.
        value: String,
        /// The expected form.
        expected: &'static str,
        /// The remedy.
        remedy: String,
    },
    /// One table twice: several databases in one dump.
    #[error(
        "line {line}: table {table} comes a second time; this looks like the dump of several \
         databases: dump MirrorBrain's alone with `pg_dump DATABASE`"
    )]
    Twice {
        /// The line.
        line: u64,
        /// The table.
        table: String,
    },
}
