//! Shows what a round found.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::json;

use crate::domain::follow::rate::MisdirectionRate;
use crate::domain::follow::result::FollowResult;
use crate::program::console::locked_output;
use crate::program::exit::Exit;

/// A redirect that was wrong.
#[derive(Debug)]
pub(super) struct WrongRedirect {
    /// The mirror.
    pub mirror: String,
    /// The path, as text.
    pub path: String,
    /// The result.
    pub result: FollowResult,
    /// Whether it was wrong before, so that it is masked now.
    pub is_masked: bool,
    /// A command line that shows the same.
    pub evidence: String,
}

/// The result of comparing one piece of a file.
#[derive(Debug)]
pub(super) struct PieceOutcome {
    /// The mirror.
    pub mirror: String,
    /// The path, as text.
    pub path: String,
    /// The finding.
    pub found: PieceFound,
}

/// The result for a piece.
#[derive(Debug)]
pub(super) enum PieceFound {
    /// The mirror has our bytes.
    Same,
    /// The mirror has other bytes, and ours are right.
    Other(String),
    /// Our own file does not have its digests.
    Ours,
    /// Nothing was learnt.
    Nothing(String),
}

impl PieceOutcome {
    /// For people.
    pub fn text(&self) -> String {
        let (mirror, path) = (&self.mirror, &self.path);
        match &self.found {
            PieceFound::Same => format!("piece of {path} on {mirror}: its bytes are ours"),
            PieceFound::Other(why) => format!(
                "piece of {path} on {mirror}: other bytes, and ours are right; it gets no clients \
                 for this file until its next scan: {why}"
            ),
            PieceFound::Ours => format!(
                "our own {path} is not what its digests say; look at the disk, then run \
                 heliostat-index --rehash; {mirror} is not blamed"
            ),
            PieceFound::Nothing(why) => {
                format!("piece of {path} on {mirror}: nothing is known: {why}")
            }
        }
    }

    /// Gives the text, if somebody should act.
    pub fn warning(&self) -> Option<String> {
        let is_bad = matches!(self.found, PieceFound::Other(_) | PieceFound::Ours);
        is_bad.then(|| self.text())
    }
}

/// The result of a round.
#[derive(Debug, Default)]
pub struct FollowReport {
    pub(super) site: String,
    /// The number of results of each kind, second looks included.
    pub(super) results: BTreeMap<FollowResult, u64>,
    pub(super) wrong: Vec<WrongRedirect>,
    /// Mirrors of which a scan is asked for.
    pub(super) scans: Vec<String>,
    /// Whether this host looks cut off, so that nothing counts.
    pub(super) is_cut_off: bool,
    /// The rate of the last day.
    pub(super) rate: MisdirectionRate,
    pub(super) piece: Option<PieceOutcome>,
}

impl WrongRedirect {
    fn text(&self) -> String {
        let what = match self.is_masked {
            true => "again; it gets no clients for this file until its next scan",
            false => "for the first time; it is looked at again",
        };
        let (mirror, path, result) = (&self.mirror, &self.path, self.result.as_str());
        format!("{mirror} {path}: {result}, {what}\n  {}", self.evidence)
    }
}

impl FollowReport {
    fn note(&self) -> Option<String> {
        self.is_cut_off.then(|| {
            "most mirrors cannot be reached, so this host looks cut off, and nothing is counted"
                .to_owned()
        })
    }

    /// Writes it to the log.
    pub fn tell(&self) {
        if let Some(note) = self.note() {
            log::warn!("{note}");
        }
        for wrong in self.wrong.iter().filter(|wrong| wrong.is_masked) {
            log::warn!("{}", wrong.text().replace("\n ", ";"));
        }
        if let Some(text) = self.piece.as_ref().and_then(PieceOutcome::warning) {
            log::warn!("{text}");
        }
        let followed: u64 = self.results.values().sum();
        let (site, wrong) = (&self.site, self.wrong.len());
        log::info!("followed site={site} redirects={followed} wrong={wrong}");
    }

    /// Prints it for people.
    pub fn print(&self) {
        let mut text = String::new();
        let followed: u64 = self.results.values().sum();
        let words = self.results.iter();
        let words: Vec<String> = words
            .map(|(result, count)| format!("{count} {}", result.as_str()))
            .collect();
        let words = match words.is_empty() {
            true => "none".to_owned(),
            false => words.join(", "),
        };
        text += &format!("{followed} redirects followed: {words}\n");
        for wrong in &self.wrong {
            text += &format!("{}\n", wrong.text());
        }
        if !self.scans.is_empty() {
            text += &format!("scans are asked for: {}\n", self.scans.join(", "));
        }
        if let Some(piece) = &self.piece {
            text += &format!("{}\n", piece.text());
        }
        text += &format!("last 24 hours: {}\n", self.rate.text());
        write(&text);
    }

    /// Prints it as one JSON object.
    pub fn print_json(&self) {
        let results = self.results.iter();
        let results: BTreeMap<&str, u64> = results
            .map(|(result, count)| (result.as_str(), *count))
            .collect();
        let wrong = self.wrong.iter().map(|wrong| {
            json!({
                "mirror": wrong.mirror,
                "path": wrong.path,
                "result": wrong.result.as_str(),
                "masked": wrong.is_masked,
                "evidence": wrong.evidence,
            })
        });
        let (low, high) = self.rate.interval();
        let value = json!({
            "site": self.site,
            "results": results,
            "wrong": wrong.collect::<Vec<_>>(),
            "scans": self.scans,
            "cut_off": self.is_cut_off,
            "piece": self.piece.as_ref().map(PieceOutcome::text),
            "rate_24_hours": {
                "wrong": self.rate.wrong,
                "followed": self.rate.followed,
                "rate": self.rate.rate(),
                "low": low,
                "high": high,
                "unweighted": self.rate.is_unweighted,
            },
        });
        write(&format!("{value}\n"));
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self.is_cut_off {
            true => Exit::Partial,
            false => Exit::Ok,
        }
    }
}

/// A closed standard output does not end the round.
fn write(text: &str) {
    if let Err(error) = locked_output().write_all(text.as_bytes()) {
        log::debug!("nobody reads what is printed: {error}");
    }
}
