//! `[site.NAME.probe]`: how mirrors are probed, and who hears of it.

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::health::{HISTORY_MAX, Hysteresis};
use crate::domain::key::{Bounds, ConfigProblem, days, list, seconds, section};
use crate::domain::url::{BaseUrl, Scheme};

/// Three probes of 8 s at most, each 8 s after the one before, end within half a minute: so long a
/// mirror that fell silent keeps its clients.
const RETRY_DEFAULT_S: u64 = 8;

/// One check: nobody waits an hour for an answer.
const CHECK_S_MAX: u64 = 3600;

/// A pass, and the time between two: a mirror that is looked at less than daily is not probed.
const PASS_S_MAX: u64 = 86_400;

/// Certificates are made for less than ten years.
const CERTIFICATE_DAYS_MAX: u64 = 3650;

/// Redirects per minute: ten per second are no courtesy any more.
const FOLLOW_MAX: u64 = 600;

/// Results that a history holds.
const RESULTS: Bounds = Bounds::Whole(1, HISTORY_MAX as u64);

section! {
    /// `[site.NAME.probe]`: probes of mirrors, and who hears of them.
    RawProbe => ProbeConfig {
        /// Seconds for one check of one URL over one address family.
        timeout_s: u64 = 10, in Bounds::Whole(1, CHECK_S_MAX) => timeout: Duration = seconds;
        /// Seconds for all mirrors together; what is not checked by then stays as it was.
        deadline_s: u64 = 50, in Bounds::Whole(1, PASS_S_MAX) => deadline: Duration = seconds;
        /// Seconds from one pass of the daemon to the next.
        interval_s: u64 = 60, in Bounds::Whole(1, PASS_S_MAX) => interval: Duration = seconds;
        /// Seconds from the beginning of a probe that failed to the next one of the same mirror,
        /// until it is off or answers; 0: it waits for the next pass.
        retry_s: u64 = RETRY_DEFAULT_S, in Bounds::Whole(0, PASS_S_MAX)
            => retry: Duration = seconds;
        /// How many failures among the last `window` results turn a URL off.
        down_after: u32 = 3, in RESULTS => _;
        /// How many results in a row are looked at for `down_after`.
        window: u32 = 5, in RESULTS => _;
        /// How many successes in a row turn a URL on again.
        up_after: u32 = 2, in RESULTS => _;
        /// If more than this share of the mirrors, and at least three, are silent or unreachable at
        /// once, Heliostat takes this host for cut off, and turns no URL off.
        offline_share: f64 = 0.8, in Bounds::SHARE;
        /// How many redirects that clients got are followed per minute, to know how often they
        /// lead to the file; each mirror is asked at most once in five minutes. 0: none.
        follow_per_min: u32 = 6, in Bounds::Whole(0, FOLLOW_MAX);
        /// Seconds after which a redirect that was wrong is followed again. If it is wrong then,
        /// the mirror gets no clients for that file until its next scan.
        follow_again_s: u64 = 60, in Bounds::Whole(0, PASS_S_MAX) => follow_again_s: i64 = whole;
        /// Seconds from one comparison of bytes with ours, of a piece of a file of a mirror, to the
        /// next. 0: none are compared.
        piece_interval_s: u64 = 600, in Bounds::Whole(0, PASS_S_MAX)
            => piece_interval_s: i64 = whole;
        /// How many days before its expiry a certificate is warned of.
        certificate_days: u32 = 14, in Bounds::Whole(0, CERTIFICATE_DAYS_MAX)
            => certificate_s: i64 = days;
        /// Mail addresses that get a mail of each change.
        mail_to: Vec<String> = Vec::new() => mail_to: Vec<String> = addresses;
        /// Mail address of the sender; empty: the one that `sendmail` uses.
        mail_from: String = String::new() => mail_from: String = sender;
        /// Program that takes mails, with sendmail's options: a path, or a name on PATH.
        sendmail: String = "/usr/sbin/sendmail".to_owned() => sendmail: PathBuf = program;
        /// URL to which each change is sent as JSON, by POST; empty: no webhook.
        webhook: String = String::new() => webhook: String = web_url;
        /// Whether the `adminEmail` of a mirror gets a mail of its changes.
        mail_mirror_admins: bool = false;
    }
    also {
        /// When a URL is turned off and on.
        hysteresis: Hysteresis = hysteresis;
    }
}

/// Whether a text can be given to sendmail as an address.
pub fn is_mail_address(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_graphic() && !"<>()[],;:\\\"".contains(c);
    !text.starts_with('-') && text.chars().all(is_plain) && !text.is_empty()
}

fn whole(seconds: &u64) -> Result<i64, ConfigProblem> {
    // Its bounds are far below.
    Ok(seconds.cast_signed())
}

fn address(text: &str) -> Result<String, ConfigProblem> {
    if is_mail_address(text) {
        return Ok(text.to_owned());
    }
    let why = format!("'{}' is no plain mail address", text.escape_debug());
    Err(ConfigProblem::unusable(
        why,
        "write one such as mirrors@example.org",
    ))
}

fn addresses(texts: &[String]) -> Result<Vec<String>, ConfigProblem> {
    list(texts, |text| address(text))
}

fn program(text: &str) -> Result<PathBuf, ConfigProblem> {
    Ok(PathBuf::from(text))
}

fn sender(text: &str) -> Result<String, ConfigProblem> {
    if text.is_empty() {
        return Ok(String::new());
    }
    address(text)
}

fn web_url(text: &str) -> Result<String, ConfigProblem> {
    let is_web = |url: BaseUrl| matches!(url.scheme(), Scheme::Http | Scheme::Https);
    if text.is_empty() || BaseUrl::parse(text).is_ok_and(is_web) {
        return Ok(text.to_owned());
    }
    // The URL may hold a secret: it is not repeated.
    Err(ConfigProblem::unusable(
        "it is no http or https URL",
        "write one such as https://chat.example.org/hooks/SECRET",
    ))
}

fn hysteresis(raw: &RawProbe) -> Result<Hysteresis, ConfigProblem> {
    for (key, number) in [("down_after", raw.down_after), ("up_after", raw.up_after)] {
        if number > raw.window {
            let why = format!("{number} is not from 1 to probe.window ({})", raw.window);
            return Err(ConfigProblem::unusable(why, "").below(key));
        }
    }
    Ok(Hysteresis {
        down_after: raw.down_after,
        window: raw.window,
        up_after: raw.up_after,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_fine_and_wrong_values_are_named() {
        type Change = fn(&mut RawProbe);
        RawProbe::default().checked().expect("defaults");
        let wrong: [(Change, &str); 9] = [
            (|p| p.timeout_s = 0, "timeout_s"),
            (|p| p.interval_s = 1_000_000, "interval_s"),
            (|p| p.window = 33, "window"),
            (|p| p.down_after = 6, "down_after"),
            (|p| p.up_after = 0, "up_after"),
            (|p| p.offline_share = 1.5, "offline_share"),
            (|p| p.mail_to = vec!["-oQ/tmp x@y".into()], "mail_to"),
            (|p| p.mail_from = "bad <x@y>".into(), "mail_from"),
            (|p| p.webhook = "ftp://h/".into(), "webhook"),
        ];
        for (change, key) in wrong {
            let mut raw = RawProbe::default();
            change(&mut raw);
            assert_eq!(raw.checked().expect_err(key).key, key);
        }
    }
}
