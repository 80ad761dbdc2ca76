//! The responder's socket: whether the web server may connect, and whether anybody answers.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::examination::{Examination, Role};
use super::finding::{AreaReport, Finding};
use super::opening::{Rights, Wish};
use super::shell::word;
use super::way::check_way;
use crate::admin::responder::Responder;
use crate::system::group_name;

/// Looks at the socket.
pub(super) fn check(examined: &Examination<'_>) -> AreaReport {
    let mut report = AreaReport::of_machine("socket");
    let listen = &examined.config.fcgi.listen;
    let path = Path::new(listen);
    if !path.is_absolute() {
        check_answer(&mut report, listen);
        return report;
    }
    match UnixStream::connect(path) {
        Ok(_) => check_answer(&mut report, listen),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            report.refused(format!("{listen}: {error}"));
        }
        Err(error) => {
            report.push(away(listen, &error.to_string()));
            return report;
        }
    }
    check_web(&mut report, examined, path);
    report.looked_at = Some(listen.clone());
    report
}

fn away(listen: &str, error: &str) -> Finding {
    Finding::error(
        "responder-away",
        format!("no responder listens on {listen}"),
    )
    .because(format!(
        "{error}; the web server serves every file itself, and no client is redirected"
    ))
    .mended_by("systemctl enable --now heliostat-fcgi.socket")
}

fn check_answer(report: &mut AreaReport, listen: &str) {
    match Responder::ask(listen) {
        Responder::Answers(_) => report.looked_at = Some(listen.to_owned()),
        Responder::Fails(problem) => report.push(
            Finding::error("responder-silent", "the responder does not answer")
                .because(problem)
                .mended_by("systemctl restart heliostat-fcgi.service"),
        ),
        Responder::Unknown => report.push(
            Finding::error(
                "socket-foreign",
                format!("another program answers on {listen}"),
            )
            .because("it does not answer as a responder does")
            .mended_by(format!(
                "ss -lxp | grep -F {}",
                super::shell::text_word(listen)
            )),
        ),
    }
}

/// Whether the web server's user may connect.
fn check_web(report: &mut AreaReport, examined: &Examination<'_>, path: &Path) {
    let Some(web) = examined.examiner(Role::Web) else {
        return;
    };
    let before = report.findings.len();
    let folder = path.parent().unwrap_or(Path::new("/"));
    check_way(report, std::slice::from_ref(web), folder, Wish::Enter);
    let refused = web.user.look(|| {
        let connected = UnixStream::connect(path);
        connected.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    });
    let Ok(found) = std::fs::metadata(path) else {
        return;
    };
    if report.findings.len() > before || !matches!(refused, Ok(true)) {
        return;
    }
    let group = web.user.groups.first().copied().unwrap_or_default();
    let (name, group) = (&web.user.name, group_name(group));
    report.push(
        Finding::error(
            "socket-closed",
            format!("{name} cannot connect to {}", path.display()),
        )
        .because(format!(
            "{}; Apache serves every file itself, and no client is redirected. For good: \
                 SocketGroup={group} in heliostat-fcgi.socket, or listen_mode",
            Rights::of(&found).cause(&web.user, Wish::Read)
        ))
        .mended_by(format!(
            "chgrp {group} {path} && chmod 0660 {path}",
            path = word(path)
        )),
    );
}
