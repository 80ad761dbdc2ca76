//! The selection law as `scripts/oracle/law.py` has it, written a second time from MirrorBrain's
//! description, and so independent of the code that it judges.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::{Deserialize, Serialize};

/// A running program of the law.
pub struct Law {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// Which mirrors a client is sent to for a file.
#[derive(Debug, Clone, Serialize)]
pub struct Question {
    /// Mirrors that have the file.
    pub ids: Vec<i64>,
    /// Its size in bytes.
    pub size: u64,
    /// Where the client is.
    pub client: Place,
    /// Region, country and URL of each fallback.
    pub fallbacks: Vec<(String, String, String)>,
}

/// Where a client is, as the web server's parameters say.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Place {
    /// Two letters.
    pub country: Option<String>,
    /// Two letters.
    pub continent: Option<String>,
    /// Degrees.
    pub lat: Option<f64>,
    /// Degrees.
    pub lng: Option<f64>,
    /// Digits.
    pub asn: Option<String>,
    /// The address.
    pub ip: String,
    /// Whether only mirrors of https will do.
    pub https: bool,
}

/// The law's answer.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Ranking {
    /// Usable rows of the database that have the file.
    pub rows: usize,
    /// Mirrors, best first; those of one group in any order.
    pub groups: Vec<Vec<Ranked>>,
}

/// A mirror, or a fallback.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Ranked {
    /// With a slash at its end.
    pub base_url: String,
    /// Identifier; a fallback's is its host.
    pub name: String,
    /// Why it is chosen.
    pub realm: String,
    /// Its country, in the database's case; a mirror for all has the client's.
    pub geo: String,
    /// Its weight.
    pub score: u32,
}

impl Law {
    /// Starts it for these rows of MirrorBrain's table `server`.
    pub fn start(rows: &[BTreeMap<String, String>]) -> Law {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/oracle/law.py");
        let mut child = Command::new("python3")
            .args(["-B", program])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut law = Law {
            child,
            questions,
            answers,
        };
        law.write(&rows);
        law
    }

    /// The mirrors for a file and a client.
    pub fn ask(&mut self, question: &Question) -> Ranking {
        self.exchange(question)
    }

    /// The share of each of these scores, among mirrors of one class and no distances.
    pub fn shares(&mut self, scores: &[u32]) -> Vec<f64> {
        self.exchange(&BTreeMap::from([("shares", scores)]))
    }

    fn exchange<T: for<'a> Deserialize<'a>>(&mut self, question: &impl Serialize) -> T {
        self.write(question);
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the law answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("law.py: {error}: {line:?}"))
    }

    fn write(&mut self, value: &impl Serialize) {
        let mut line = serde_json::to_vec(value).expect("a value");
        line.push(b'\n');
        let pipe = self.questions.as_mut().expect("it is open");
        pipe.write_all(&line).expect("the law reads");
    }
}

impl Drop for Law {
    fn drop(&mut self) {
        // The program ends with its input.
        drop(self.questions.take());
        let _ = self.child.wait();
    }
}

impl Ranking {
    /// The country of each URL's mirror, in lower case; empty when none is known.
    pub fn countries(&self, path: &str) -> BTreeMap<String, String> {
        let known = self.groups.iter().flatten();
        let country = |geo: &str| geo.to_ascii_lowercase().replace("--", "");
        known
            .map(|one| (format!("{}{path}", one.base_url), country(&one.geo)))
            .collect()
    }

    /// How many mirrors are of each class, the nearest first.
    pub fn classes(&self) -> [usize; 5] {
        let mut classes = [0; 5];
        for one in self.groups.iter().flatten() {
            let at = match one.realm.as_str() {
                "prefix" => 0,
                "AS" => 1,
                "country" | "other_country" => 2,
                "region" => 3,
                _ => 4,
            };
            classes[at] += 1;
        }
        classes
    }

    /// The place of each URL in the order: the group that it is of.
    pub fn places(&self, path: &str) -> BTreeMap<String, usize> {
        let groups = self.groups.iter().enumerate();
        groups
            .flat_map(|(at, group)| {
                group
                    .iter()
                    .map(move |one| (format!("{}{path}", one.base_url), at))
            })
            .collect()
    }
}
