//! Kinds, outcomes and numbers of runs, as the database stores them.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

/// Number of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunId(pub i64);

/// Kind of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKind {
    /// Reads the tree into the catalogue.
    Index,
    /// Lists one mirror.
    Scan,
    /// Asks which mirrors answer.
    Probe,
    /// Imports from another system.
    Import,
}

impl RunKind {
    /// Every kind.
    pub const ALL: [RunKind; 4] = [
        RunKind::Index,
        RunKind::Scan,
        RunKind::Probe,
        RunKind::Import,
    ];

    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            RunKind::Index => "index",
            RunKind::Scan => "scan",
            RunKind::Probe => "probe",
            RunKind::Import => "import",
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// All of it was done.
    Ok,
    /// Some of it was done; the note says what was not.
    Partial,
    /// Nothing was changed.
    Failed,
    /// Nothing was changed: the listing needs a confirmation.
    Suspicious,
    /// The program was told to stop, or was killed.
    Interrupted,
    /// The run has not ended.
    Running,
}

impl RunOutcome {
    /// Every outcome.
    pub const ALL: [RunOutcome; 6] = [
        RunOutcome::Ok,
        RunOutcome::Partial,
        RunOutcome::Failed,
        RunOutcome::Suspicious,
        RunOutcome::Interrupted,
        RunOutcome::Running,
    ];

    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            RunOutcome::Ok => "ok",
            RunOutcome::Partial => "partial",
            RunOutcome::Failed => "failed",
            RunOutcome::Suspicious => "suspicious",
            RunOutcome::Interrupted => "interrupted",
            RunOutcome::Running => "running",
        }
    }

    /// Outcomes of runs whose result counts.
    pub(super) const GOOD: [RunOutcome; 2] = [RunOutcome::Ok, RunOutcome::Partial];

    /// Whether the result of the run counts.
    pub fn is_good(self) -> bool {
        RunOutcome::GOOD.contains(&self)
    }
}

/// Reads one of a few words.
fn word<T: Copy>(
    value: ValueRef<'_>,
    all: &[T],
    as_str: fn(T) -> &'static str,
) -> FromSqlResult<T> {
    let text = value.as_str()?;
    let known = all.iter().copied().find(|value| as_str(*value) == text);
    known.ok_or_else(|| {
        let problem = format!("'{text}' is unknown; a newer Heliostat may have written it");
        FromSqlError::Other(problem.into())
    })
}

impl FromSql for RunKind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<RunKind> {
        word(value, &RunKind::ALL, RunKind::as_str)
    }
}

impl ToSql for RunKind {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, rusqlite::Error> {
        Ok(self.as_str().into())
    }
}

impl FromSql for RunOutcome {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<RunOutcome> {
        word(value, &RunOutcome::ALL, RunOutcome::as_str)
    }
}

impl ToSql for RunOutcome {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, rusqlite::Error> {
        Ok(self.as_str().into())
    }
}
