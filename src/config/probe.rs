//! `[site.NAME.probe]`: how mirrors are probed, and who hears of it.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::health::{HISTORY_MAX, Hysteresis};
use crate::domain::url::{BaseUrl, Scheme};

/// Three probes of 8 s at most, each 8 s after the one before, end within half a minute: so long a
/// mirror that fell silent keeps its clients.
const RETRY_DEFAULT_S: u64 = 8;

/// `[site.NAME.probe]` as written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawProbe {
    /// Seconds for one check of one URL over one address family.
    pub timeout_s: u64,
    /// Seconds for all mirrors together; what is not checked then stays as it was.
    pub deadline_s: u64,
    /// Seconds from one pass of the daemon to the next.
    pub interval_s: u64,
    /// Seconds from the beginning of a probe that failed to the next one of the same mirror, until
    /// it is off or answers; 0: it waits for the next pass.
    pub retry_s: u64,
    /// So many failures …
    pub down_after: u32,
    /// … among so many results in a row turn a URL off.
    pub window: u32,
    /// So many successes in a row turn it on again.
    pub up_after: u32,
    /// When more than this share of the mirrors fails at once, it is this host that is cut off,
    /// and nothing is turned off.
    pub offline_share: f64,
    /// Days before its expiry from which a certificate is warned of.
    pub certificate_days: u32,
    /// Who gets a mail of each change.
    pub mail_to: Vec<String>,
    /// Sender of mails; empty: as `sendmail` has it.
    pub mail_from: String,
    /// Program that takes mails, with sendmail's options.
    pub sendmail: PathBuf,
    /// URL that each change is POSTed to as JSON; empty: none.
    pub webhook: String,
    /// Whether the `adminEmail` of a mirror gets a mail of its changes.
    pub mail_mirror_admins: bool,
}

impl Default for RawProbe {
    fn default() -> RawProbe {
        RawProbe {
            timeout_s: 10,
            deadline_s: 50,
            interval_s: 60,
            retry_s: RETRY_DEFAULT_S,
            down_after: 3,
            window: 5,
            up_after: 2,
            offline_share: 0.8,
            certificate_days: 14,
            mail_to: Vec::new(),
            mail_from: String::new(),
            sendmail: PathBuf::from("/usr/sbin/sendmail"),
            webhook: String::new(),
            mail_mirror_admins: false,
        }
    }
}

/// `[site.NAME.probe]`, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeConfig {
    /// For one check.
    pub timeout: Duration,
    /// For a pass.
    pub deadline: Duration,
    /// From pass to pass.
    pub interval: Duration,
    /// From a failure to the next probe of the same mirror; zero: the next pass.
    pub retry: Duration,
    /// When a URL is turned off and on.
    pub hysteresis: Hysteresis,
    /// 0 … 1.
    pub offline_share: f64,
    /// How early expiry is warned of, seconds.
    pub certificate_s: i64,
    /// Mail addresses.
    pub mail_to: Vec<String>,
    /// Mail address; empty: none is given.
    pub mail_from: String,
    /// The program.
    pub sendmail: PathBuf,
    /// URL; empty: none. It may hold a secret and is never logged.
    pub webhook: String,
    /// Whether admins of mirrors hear of them.
    pub mail_mirror_admins: bool,
}

/// Whether a text can be given to sendmail as an address.
pub fn is_mail_address(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_graphic() && !"<>()[],;:\\\"".contains(c);
    !text.starts_with('-') && text.chars().all(is_plain) && !text.is_empty()
}

/// Checks the values.
///
/// # Errors
/// The key and what is wrong.
pub(super) fn check_probe(raw: &RawProbe) -> Result<ProbeConfig, (String, String)> {
    let fail = |key: &str, text: String| Err((format!("probe.{key}"), text));
    for (key, seconds) in [
        ("timeout_s", raw.timeout_s),
        ("deadline_s", raw.deadline_s),
        ("interval_s", raw.interval_s),
    ] {
        if seconds == 0 {
            return fail(key, "0 leaves no time".into());
        }
    }
    if !(1..=HISTORY_MAX).contains(&raw.window) {
        return fail(
            "window",
            format!("{} is not from 1 to {HISTORY_MAX}", raw.window),
        );
    }
    for (key, number) in [("down_after", raw.down_after), ("up_after", raw.up_after)] {
        if !(1..=raw.window).contains(&number) {
            let text = format!("{number} is not from 1 to probe.window ({})", raw.window);
            return fail(key, text);
        }
    }
    if !(0.0..=1.0).contains(&raw.offline_share) {
        let text = format!("{} is no share from 0 to 1", raw.offline_share);
        return fail("offline_share", text);
    }
    let from = Some(&raw.mail_from).filter(|from| !from.is_empty());
    for address in raw.mail_to.iter().chain(from) {
        if !is_mail_address(address) {
            return fail("mail_to", format!("'{address}' is no plain mail address"));
        }
    }
    let is_web = |url: BaseUrl| matches!(url.scheme(), Scheme::Http | Scheme::Https);
    if !raw.webhook.is_empty() && !BaseUrl::parse(&raw.webhook).is_ok_and(is_web) {
        // The URL may hold a secret: it is not repeated.
        return fail("webhook", "it is no http or https URL".into());
    }
    Ok(ProbeConfig {
        timeout: Duration::from_secs(raw.timeout_s),
        deadline: Duration::from_secs(raw.deadline_s),
        interval: Duration::from_secs(raw.interval_s),
        retry: Duration::from_secs(raw.retry_s),
        hysteresis: Hysteresis {
            down_after: raw.down_after,
            window: raw.window,
            up_after: raw.up_after,
        },
        offline_share: raw.offline_share,
        certificate_s: i64::from(raw.certificate_days) * 86_400,
        mail_to: raw.mail_to.clone(),
        mail_from: raw.mail_from.clone(),
        sendmail: raw.sendmail.clone(),
        webhook: raw.webhook.clone(),
        mail_mirror_admins: raw.mail_mirror_admins,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_fine_and_wrong_values_are_named() {
        type Change = fn(&mut RawProbe);
        check_probe(&RawProbe::default()).expect("defaults");
        let wrong: [(Change, &str); 7] = [
            (|p| p.timeout_s = 0, "probe.timeout_s"),
            (|p| p.window = 33, "probe.window"),
            (|p| p.down_after = 6, "probe.down_after"),
            (|p| p.up_after = 0, "probe.up_after"),
            (|p| p.offline_share = 1.5, "probe.offline_share"),
            (|p| p.mail_to = vec!["-oQ/tmp x@y".into()], "probe.mail_to"),
            (|p| p.webhook = "ftp://h/".into(), "probe.webhook"),
        ];
        for (change, key) in wrong {
            let mut raw = RawProbe::default();
            change(&mut raw);
            assert_eq!(check_probe(&raw).expect_err(key).0, key);
        }
    }
}
