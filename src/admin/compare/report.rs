//! Lists differences, for people and as JSON.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::difference::AnswerDifference;

/// Requests with differences that people are shown; `--json` has all.
const SHOWN: usize = 50;

/// A request with what differs.
pub(super) struct DifferentAnswer {
    pub request: String,
    pub differences: Vec<AnswerDifference>,
}

/// Result of a comparison.
#[derive(Default)]
pub(super) struct CompareReport {
    pub asked: usize,
    /// Requests that both answered alike.
    pub same: usize,
    /// Redirects to different hosts among which both draw.
    pub drawn: usize,
    pub different: Vec<DifferentAnswer>,
    /// Requests that a host did not answer, and why.
    pub unanswered: Vec<(String, String)>,
}

impl CompareReport {
    pub(super) fn to_json(&self) -> Value {
        let different = self.different.iter().map(|answer| {
            let differences = answer.differences.iter();
            let differences =
                differences.map(|found| json!({ "what": found.what, "a": found.a, "b": found.b }));
            json!({
                "request": answer.request,
                "differences": differences.collect::<Vec<_>>(),
            })
        });
        let unanswered = self.unanswered.iter();
        let unanswered = unanswered.map(|(request, why)| json!({ "request": request, "why": why }));
        json!({
            "asked": self.asked,
            "same": self.same,
            "drawn": self.drawn,
            "different": different.collect::<Vec<_>>(),
            "unanswered": unanswered.collect::<Vec<_>>(),
        })
    }

    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for answer in self.different.iter().take(SHOWN) {
            writeln!(out, "{}", answer.request)?;
            for found in &answer.differences {
                writeln!(out, "    {}", found.what)?;
                writeln!(out, "        A  {}\n        B  {}", found.a, found.b)?;
            }
        }
        let more = self.different.len().saturating_sub(SHOWN);
        if more > 0 {
            writeln!(out, "and {more} further requests: --json has all")?;
        }
        for (request, why) in self.unanswered.iter().take(SHOWN) {
            writeln!(out, "no answer: {request}: {why}")?;
        }
        writeln!(
            out,
            "asked {}, same {} (drawn mirrors {}), different {}, unanswered {}",
            self.asked,
            self.same,
            self.drawn,
            self.different.len(),
            self.unanswered.len()
        )
    }
}
