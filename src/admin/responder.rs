//! Asks the running responder over its socket for its status and its user.

use std::io::{self, ErrorKind};
use std::time::Duration;

use serde_json::Value;

use crate::fcgi::ask;
use crate::tree::user_name;

/// A responder that is well answers in a millisecond.
const PATIENCE: Duration = Duration::from_secs(2);

/// State of the responder.
pub(super) enum Responder {
    /// The responder answered.
    Answers(Value),
    /// The responder did not answer; the reason for attention.
    Fails(String),
    /// Nobody listens here, or we may not ask.
    Unknown,
}

impl Responder {
    /// Asks whoever listens.
    pub fn ask(listen: &str) -> Responder {
        let params = [("REQUEST_METHOD", "GET"), ("HELIOSTAT_ASK", "status")];
        match ask(listen, &params, PATIENCE) {
            Ok(answer) => match body(&answer) {
                Some(status) => Responder::Answers(status),
                // Another program, or one that does not know the question.
                None => Responder::Unknown,
            },
            Err(error) => Responder::failed(listen, &error),
        }
    }

    fn failed(listen: &str, error: &io::Error) -> Responder {
        match error.kind() {
            ErrorKind::TimedOut => Responder::Fails(format!(
                "the responder does not answer on {listen} within {} s; restart it",
                PATIENCE.as_secs()
            )),
            ErrorKind::ConnectionRefused => Responder::Fails(format!(
                "no responder listens on {listen}, the web server serves everything; start it"
            )),
            _ => {
                log::debug!("the responder is not asked: listen={listen} error=\"{error}\"");
                Responder::Unknown
            }
        }
    }

    /// The user that it runs as.
    pub fn user(&self) -> Option<&str> {
        match self {
            Responder::Answers(status) => status["user"].as_str(),
            _ => None,
        }
    }

    /// Gives the problems of the responder and of a site, as far as the responder knows them.
    /// Absent if it did not answer.
    pub fn problems(&self, site: &str) -> Option<Vec<String>> {
        let status = match self {
            Responder::Answers(status) => status,
            Responder::Fails(problem) => return Some(vec![problem.clone()]),
            Responder::Unknown => return None,
        };
        let sites = status["sites"].as_array()?;
        let of_site = sites.iter().find(|found| found["name"] == site)?;
        let config = status["config_problem"].as_str().map(|problem| {
            format!("the responder goes on with the last good configuration: {problem}")
        });
        let of_site = of_site["problems"].as_array()?;
        let of_site = of_site.iter().filter_map(Value::as_str);
        Some(
            config
                .into_iter()
                .chain(of_site.map(str::to_owned))
                .collect(),
        )
    }
}

/// As whom the tree is looked at here, and as whom the responder does.
pub(super) fn looked_as(responder: &Responder) -> String {
    let user = user_name();
    match responder.user() {
        Some(other) if other != user => {
            format!("{user}; the responder runs as {other}, to whom the tree may look otherwise")
        }
        Some(_) => format!("{user}, as the responder does"),
        None => user,
    }
}

/// The JSON of a CGI response.
fn body(answer: &[u8]) -> Option<Value> {
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n")?;
    let status: Value = serde_json::from_slice(&answer[end + 4..]).ok()?;
    (status["program"] == "heliostat-fcgi").then_some(status)
}
