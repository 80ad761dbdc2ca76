//! Asks the host while the responder is paused: what clients see when it hangs.
//!
//! The responder is paused for one request at a time. Then it goes on until it answers again. So
//! systemd's watchdog, which kills a process that hangs, sees no reason to act.

use std::time::{Duration, Instant};

use super::units;
use super::url::{HostAnswer, HostQuestion, Samples, UrlQuestion, with_host};
use crate::admin::doctor::finding::{AreaReport, Finding};
use crate::admin::responder::Responder;
use crate::program::exit::chain;
use crate::system::{PausedProcess, listening_process, process_facts};

/// Below the watchdog's 5 s, and above what the shipped virtual hosts wait for a responder.
const PAUSE_MAX: Duration = Duration::from_secs(4);

/// Seconds after which people think that the download hangs.
const WAIT_MAX: Duration = Duration::from_secs(3);

/// The responder's name, as the kernel tells it.
const RESPONDER: &str = "heliostat-fcgi";

/// One request of a client.
struct OutageQuestion<'a> {
    /// The document or file that is asked for, in words for people.
    kind: &'static str,
    path: &'a [u8],
    end: &'static str,
    /// Only this byte is asked for.
    byte: Option<u64>,
    size: Option<u64>,
}

/// Asks the host of a site while its responder is paused.
pub(in crate::admin::doctor) fn check(question: &HostQuestion<'_>) -> AreaReport {
    let mut report = AreaReport::of_site("outage", question.site);
    let listen = &question.examined.config.fcgi.listen;
    let pid = match responder(listen) {
        Ok(pid) => pid,
        Err(why) => {
            report.refused(why);
            return report;
        }
    };
    with_host(
        &mut report,
        question,
        PAUSE_MAX,
        |asked, report, samples| {
            for one in questions(report, samples) {
                if !ask(asked, report, &one, pid) {
                    return;
                }
                if let Responder::Fails(problem) = Responder::ask(listen) {
                    report.push(
                        Finding::error(
                            "outage-remains",
                            "the responder does not answer after a pause",
                        )
                        .because(problem)
                        .mended_by("systemctl restart heliostat-fcgi.service"),
                    );
                    return;
                }
            }
        },
    );
    report
}

/// The process of the responder: systemd's service, else whoever listens on the socket.
fn responder(listen: &str) -> Result<u32, String> {
    let of_service = units::main_process("heliostat-fcgi.service");
    let pid = match of_service {
        Some(pid) => pid,
        None => listening_process(listen).map_err(|error| {
            format!(
                "the responder's process is not known: {listen}: {}",
                chain(&error)
            )
        })?,
    };
    match process_facts(pid) {
        Some(facts) if facts.program.starts_with(RESPONDER) => Ok(pid),
        Some(facts) => Err(format!(
            "on {listen} listens {facts}, which is no responder"
        )),
        None => Err(format!("the responder's process {pid} cannot be looked at")),
    }
}

fn questions<'s>(report: &mut AreaReport, samples: &'s Samples) -> Vec<OutageQuestion<'s>> {
    let question = |kind, path: &'s Vec<u8>, size| OutageQuestion {
        kind,
        path,
        end: "",
        byte: None,
        size,
    };
    let mut questions = Vec::new();
    match &samples.redirected {
        Some((path, version)) => {
            let size = Some(version.size);
            questions.push(question("a file that is otherwise redirected", path, size));
            questions.push(OutageQuestion {
                byte: Some(0),
                ..question("the first byte of it", path, size)
            });
            questions.push(OutageQuestion {
                end: ".meta4",
                ..question("a metalink", path, size)
            });
        }
        None => report.absent("a redirect: no mirror that is up has a file of the catalogue"),
    }
    match &samples.excluded {
        Some((path, version)) => {
            let size = Some(version.size);
            questions.push(question("an excluded file", path, size));
        }
        None => report.absent("an excluded file: there is none"),
    }
    match &samples.fresh {
        Some(path) => questions.push(question("a fresh file", path, None)),
        None => report.absent("a fresh file: the catalogue has every file of the tree"),
    }
    questions
}

/// Asks for one file or document during one pause. Returns whether it makes sense to go on.
fn ask(
    asked: &UrlQuestion<'_>,
    report: &mut AreaReport,
    one: &OutageQuestion<'_>,
    pid: u32,
) -> bool {
    let paused = match PausedProcess::pause(pid) {
        Ok(paused) => paused,
        Err(error) => {
            report.refused(format!(
                "process {pid} cannot be paused: {error}; run `sudo heliostat doctor`"
            ));
            return false;
        }
    };
    let began = Instant::now();
    let answer = asked.get(one.path, one.end, one.byte);
    let took = began.elapsed();
    drop(paused);
    let url = asked.shown(one.path, one.end);
    let shown = match &answer {
        HostAnswer::Own(answer) => format!("answered with {}", answer.status),
        HostAnswer::Redirect(to) => format!("redirected to {to}"),
        HostAnswer::Failed(problem) => format!("failed: {problem}"),
    };
    let seconds = took.as_secs_f64();
    report.seen.push(format!(
        "{}: {url}: {shown}, after {seconds:.1} s",
        one.kind
    ));
    let finding = judge(one, &answer, &url);
    let is_slow = finding.is_none() && took > WAIT_MAX;
    report
        .findings
        .extend(finding.map(|it| it.mended_by(asked.curl(one.path, one.end))));
    if is_slow {
        report.push(
            Finding::warning(
                "outage-slow",
                format!("{url} takes {seconds:.1} s in an outage"),
            )
            .because("the web server waits longer for a responder that hangs than it has to")
            .mended_by(
                "grep -rniE 'ProxyTimeout|timeout=|fastcgi_read_timeout' /etc/apache2 \
                            /etc/nginx",
            ),
        );
    }
    !matches!(answer, HostAnswer::Redirect(_))
}

/// Judges an answer; the finding has no fix yet.
fn judge(one: &OutageQuestion<'_>, answer: &HostAnswer<'_>, url: &str) -> Option<Finding> {
    let is_document = !one.end.is_empty();
    match answer {
        HostAnswer::Redirect(to) => Some(
            Finding::warning(
                "outage-answered",
                format!("{url} is redirected in an outage"),
            )
            .because(format!(
                "it leads to {to}: another responder or another redirect answers on that host"
            )),
        ),
        HostAnswer::Failed(problem) => Some(
            Finding::error(
                "outage-fails",
                format!("{url} cannot be fetched in an outage"),
            )
            .because(format!("{problem}; the web server must serve it instead")),
        ),
        HostAnswer::Own(answer) if is_document => {
            (answer.status == 200 && !answer.content_type.contains("metalink")).then(|| {
                let what = format!("{url} is answered with something else in an outage");
                Finding::error("outage-document", what).because(format!(
                    "its type is '{}'; a client takes it for a metalink",
                    answer.content_type
                ))
            })
        }
        HostAnswer::Own(answer) => {
            let expected = if one.byte.is_some() { 206 } else { 200 };
            let range = one.size.map(|size| format!("bytes 0-0/{size}"));
            let is_range = one.byte.is_none() || range.as_ref() == Some(&answer.content_range);
            let is_whole = one.byte.is_some()
                || answer.length.is_none()
                || one.size.is_none()
                || answer.length == one.size;
            (answer.status != expected || !is_range || !is_whole).then(|| {
                let what = format!("{url} breaks in an outage");
                Finding::error("outage-fails", what).because(format!(
                    "the answer is {}, not {expected} with the file; the web server must serve it",
                    answer.status
                ))
            })
        }
    }
}
