//! The site that is examined, and the users whose rights count.

use std::sync::Arc;

use super::finding::{AreaReport, Finding};
use super::shell::{text_word, word};
use crate::admin::args::DoctorArgs;
use crate::config::{Config, SiteConfig};
use crate::domain::time::Timestamp;
use crate::system::LocalUser;

/// A user who must be able to open something.
#[derive(Debug, Clone)]
pub(super) struct Examiner {
    pub user: LocalUser,
    pub role: Role,
}

/// A user's task with the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Runs Heliostat's services.
    Service,
    /// Runs the web server.
    Web,
    /// Was named.
    Named,
}

/// The installation.
pub(super) struct Examination<'a> {
    pub config: &'a Config,
    pub sites: Vec<Arc<SiteConfig>>,
    /// The users whose rights this process can take.
    pub examiners: Vec<Examiner>,
    pub service_user: String,
    pub now: Timestamp,
}

impl Examination<'_> {
    /// The user of a role, if this process can look with that user's rights.
    pub fn examiner(&self, role: Role) -> Option<&Examiner> {
        self.examiners.iter().find(|one| one.role == role)
    }
}

/// The command line for a site, as the services write it.
pub(super) struct SiteCommand(String);

impl SiteCommand {
    pub fn of(examined: &Examination<'_>, site: &SiteConfig) -> SiteCommand {
        let config = word(&examined.config.path);
        let user = text_word(&examined.service_user);
        let name = text_word(&site.name);
        SiteCommand(format!(
            "runuser -u {user} -- heliostat --config {config} -b {name}"
        ))
    }

    pub fn with(&self, rest: &str) -> String {
        format!("{} {rest}", self.0)
    }
}

/// Finds the users; a missing one is a finding.
pub(super) fn users(args: &DoctorArgs, web_user: &str) -> (Vec<Examiner>, AreaReport) {
    let mut report = AreaReport::of_machine("users");
    let named = args.users.iter().map(|name| (name.as_str(), Role::Named));
    let all = [
        (args.service_user.as_str(), Role::Service),
        (web_user, Role::Web),
    ];
    let mut examiners: Vec<Examiner> = Vec::new();
    for (name, role) in all.into_iter().chain(named) {
        match LocalUser::find(name) {
            Err(error) => report.absent(format!("user {name}: `id` cannot be run: {error}")),
            Ok(None) => report.push(missing(name, role)),
            Ok(Some(user)) if !user.can_be_played() => report.refused(format!(
                "what {name} may read: only root can look with the rights of others; run \
                 `sudo heliostat doctor`"
            )),
            Ok(Some(user)) => {
                let is_known = examiners.iter().any(|known| known.user == user);
                if !is_known || role != Role::Named {
                    examiners.push(Examiner { user, role });
                }
            }
        }
    }
    let names: Vec<&str> = examiners.iter().map(|one| &*one.user.name).collect();
    if !names.is_empty() {
        report.looked_at = Some(format!("{} exist", names.join(", ")));
    }
    (examiners, report)
}

fn missing(name: &str, role: Role) -> Finding {
    let what = format!("there is no user {name}");
    let quoted = text_word(name);
    let service = format!(
        "useradd --system --user-group --home-dir /var/lib/heliostat \
         --shell /usr/sbin/nologin {quoted}"
    );
    match role {
        Role::Service => Finding::error("user-missing", what)
            .because("the services of Heliostat run as that user, and cannot start")
            .mended_by(service),
        Role::Web => Finding::error("user-missing", what)
            .because("the web server runs as another user; --web-user names it")
            .mended_by(
                "heliostat doctor --web-user \
                 \"$(ps -o user= -C apache2,httpd,nginx | grep -v root | sort -u | head -n 1)\"",
            ),
        Role::Named => Finding::error("user-missing", what)
            .because("--as names it")
            .mended_by("getent passwd | cut -d: -f1"),
    }
}
