//! The configuration file: who may read it.

use super::examination::{Examination, Role};
use super::finding::{AreaReport, Finding};
use super::opening::{Rights, Wish};
use super::shell::{text_word, word};
use super::way::check_way;
use crate::regular_file;

/// Checks who may read the file. That it can be used is known already.
pub(super) fn check(examined: &Examination<'_>) -> AreaReport {
    let mut report = AreaReport::of_machine("configuration");
    let path = &examined.config.path;
    let shown = path.display();
    let service = text_word(&examined.service_user);
    let secrets = examined.config.open_secrets();
    if !secrets.is_empty() {
        report.push(
            Finding::error("config-open", format!("every user may read {shown}"))
                .because(format!("it has secrets: {}", secrets.join(", ")))
                .mended_by(format!(
                    "chgrp \"$(id -g {service})\" {path} && chmod 0640 {path}",
                    path = word(path)
                )),
        );
    }
    if let Some(service) = examined.examiner(Role::Service) {
        let folder = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let folder = folder.parent().unwrap_or(path);
        check_way(
            &mut report,
            std::slice::from_ref(service),
            folder,
            Wish::Enter,
        );
        let read = service.user.look(|| regular_file::open(path).map(drop));
        if report.findings.iter().all(|found| found.id != "way-closed")
            && let Ok(Err(_)) = read
            && let Ok(file) = std::fs::metadata(path)
        {
            let user = &service.user;
            report.push(
                Finding::error(
                    "config-unreadable",
                    format!("{} cannot read {shown}", user.name),
                )
                .because(Rights::of(&file).cause(user, Wish::Read))
                .mended_by(format!(
                    "chgrp \"$(id -g {})\" {path} && chmod g+r {path}",
                    text_word(&user.name),
                    path = word(path)
                )),
            );
        }
    }
    let names: Vec<&str> = examined.sites.iter().map(|site| &*site.name).collect();
    report.looked_at = Some(format!("{shown}, sites {}", names.join(", ")));
    report
}
