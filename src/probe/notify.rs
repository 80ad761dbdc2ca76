//! Sends notifications by mail and webhook.

use std::collections::BTreeMap;

use serde_json::json;

use super::notice::Notice;
use super::outage::HostNews;
use super::plan::ProbePlan;
use crate::config::{ProbeConfig, is_mail_address};
use crate::db::mirror::MirrorRecord;
use crate::domain::mirror::MirrorId;
use crate::domain::time::Timestamp;
use crate::notify::{Mail, NoticeError, post_json};
use crate::program::exit::chain;

/// Largest number of mirrors that a subject names.
const SUBJECT_MIRRORS_MAX: usize = 3;

/// The receivers of a pass's notifications, and the site.
#[derive(Debug)]
pub struct Recipients<'a> {
    /// Name of the site.
    pub site: &'a str,
    /// The addresses.
    pub config: &'a ProbeConfig,
    /// The mirrors.
    pub planned: &'a [ProbePlan],
    /// When.
    pub now: Timestamp,
}

impl Recipients<'_> {
    /// Sends the notifications to all receivers; returns whether at least one way worked, or no
    /// receiver is configured.
    pub fn tell(&self, notices: &[Notice]) -> bool {
        let mut results: Vec<Result<(), NoticeError>> = Vec::new();
        if !self.config.mail_to.is_empty() {
            results.push(self.mail(self.config.mail_to.clone(), notices));
        }
        if !self.config.webhook.is_empty() {
            results.push(post_json(&self.config.webhook, self.json(notices)));
        }
        if self.config.mail_mirror_admins {
            for (mirror, notices) in by_mirror(notices) {
                if let Some(address) = self.admin_of(mirror) {
                    results.push(self.mail(vec![address], &notices));
                }
            }
        }
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            log::warn!("cannot tell what changed: {}", chain(error));
        }
        results.is_empty() || results.iter().any(Result::is_ok)
    }

    /// Sends news of this host itself to all receivers except the admins of mirrors.
    pub fn tell_of_host(&self, news: &HostNews) -> bool {
        let words = if news.is_good { "is over" } else { "looks so" };
        let subject = format!("[heliostat {}] {}: {words}", self.site, news.about);
        let mut results: Vec<Result<(), NoticeError>> = Vec::new();
        if !self.config.mail_to.is_empty() {
            let text = format!(
                "{}\n\nSeen by heliostat-probe at {}, site {}.\n",
                news.text, self.now, self.site
            );
            results.push(self.send(self.config.mail_to.clone(), (subject.clone(), text)));
        }
        if !self.config.webhook.is_empty() {
            let body = json!({
                "site": self.site,
                "at": self.now.to_string(),
                "text": subject,
                "changes": [{
                    "mirror": null,
                    "about": news.about,
                    "state": news.state,
                    "is_good": news.is_good,
                    "reason": news.text,
                    "evidence": "",
                }],
            });
            results.push(post_json(&self.config.webhook, body.to_string()));
        }
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            log::warn!("cannot tell that this host is cut off: {}", chain(error));
        }
        results.is_empty() || results.iter().any(Result::is_ok)
    }

    fn mirror(&self, id: MirrorId) -> Option<&MirrorRecord> {
        let planned = self.planned.iter().find(|planned| planned.mirror.id == id);
        planned.map(|planned| &planned.mirror)
    }

    fn admin_of(&self, id: MirrorId) -> Option<String> {
        let address = self.mirror(id)?.admin_email.trim();
        if address.is_empty() {
            return None;
        }
        if !is_mail_address(address) {
            log::info!("the admin of a mirror has no plain mail address: mirror={id}");
            return None;
        }
        Some(address.to_owned())
    }

    fn name(&self, notice: &Notice) -> String {
        let mirror = self.mirror(notice.told.mirror);
        mirror.map_or_else(|| notice.told.mirror.to_string(), |m| m.identifier.clone())
    }

    fn mail(&self, to: Vec<String>, notices: &[Notice]) -> Result<(), NoticeError> {
        self.send(to, (self.subject(notices), self.text(notices)))
    }

    fn send(&self, to: Vec<String>, (subject, text): (String, String)) -> Result<(), NoticeError> {
        let mail = Mail {
            to,
            from: self.config.mail_from.clone(),
            subject,
            text,
        };
        mail.send(&self.config.sendmail)
    }

    fn subject(&self, notices: &[Notice]) -> String {
        let mut parts: Vec<String> = Vec::new();
        for notice in notices {
            let what = match (notice.told.about.as_str(), notice.fact.is_good) {
                ("mirror", true) => "is up again".to_owned(),
                ("mirror", false) => "is down".to_owned(),
                ("certificate", true) => "has a new certificate".to_owned(),
                ("certificate", false) => format!("certificate {}", notice.fact.state),
                (target, true) => format!("{target} is up again"),
                (target, false) => format!("{target} is down"),
            };
            parts.push(format!("{} {what}", self.name(notice)));
        }
        let more = parts.len().saturating_sub(SUBJECT_MIRRORS_MAX);
        parts.truncate(SUBJECT_MIRRORS_MAX);
        if more > 0 {
            parts.push(format!("{more} more"));
        }
        format!("[heliostat {}] {}", self.site, parts.join(", "))
    }

    fn text(&self, notices: &[Notice]) -> String {
        let mut text = String::new();
        for notice in notices {
            text += &format!("{}: {}\n", self.name(notice), notice.fact.text);
            if !notice.fact.evidence.is_empty() {
                text += &format!("  to see it: {}\n", notice.fact.evidence);
            }
            text += "\n";
        }
        text + &format!(
            "Seen by heliostat-probe at {}, site {}. A mirror that is down gets no clients; it is\n\
             probed on and gets them again once it answers.\n",
            self.now, self.site
        )
    }

    fn json(&self, notices: &[Notice]) -> String {
        let changes = notices.iter().map(|notice| {
            json!({
                "mirror": self.name(notice),
                "about": notice.told.about,
                "state": notice.told.state,
                "is_good": notice.fact.is_good,
                "reason": notice.fact.text,
                "evidence": notice.fact.evidence,
            })
        });
        json!({
            "site": self.site,
            "at": self.now.to_string(),
            // The text that chat servers show.
            "text": self.subject(notices),
            "changes": changes.collect::<Vec<_>>(),
        })
        .to_string()
    }
}

fn by_mirror(notices: &[Notice]) -> BTreeMap<MirrorId, Vec<Notice>> {
    let mut sorted: BTreeMap<MirrorId, Vec<Notice>> = BTreeMap::new();
    for notice in notices {
        let of_mirror = sorted.entry(notice.told.mirror).or_default();
        of_mirror.push(notice.clone());
    }
    sorted
}
