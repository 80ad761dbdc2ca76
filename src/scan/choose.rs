//! Chooses the mirrors that a command line means (no I/O).

use std::collections::HashSet;

use super::protocol::Protocol;
use crate::db::mirror::MirrorRecord;
use crate::domain::mirror::MirrorId;
use crate::domain::mirror::name::{self, LookupError};

/// Why an enabled mirror cannot be scanned.
const NO_URL: &str = "it has no URL that can be listed";

/// The mirrors of a run.
#[derive(Debug, Default, PartialEq)]
pub struct MirrorChoice {
    /// Mirrors to be scanned, or to be reported as impossible, in order.
    pub scanned: Vec<MirrorRecord>,
    /// Enabled mirrors that `--all` skips because they have no URL that can be listed.
    pub without_url: Vec<String>,
    /// The other mirrors, each with the reason why it is not scanned.
    pub passed_over: Vec<(String, &'static str)>,
}

/// Chooses all mirrors that are enabled and alive, except caches and those with country `**`. A
/// mirror that `waits` for the second scan after a suspicious one is chosen even if probes find it
/// down, because the probed files may be among those that vanished.
pub fn choose_all(mirrors: Vec<MirrorRecord>, waits: &HashSet<MirrorId>) -> MirrorChoice {
    let mut choice = MirrorChoice::default();
    for mirror in mirrors {
        match why_not_in_all(&mirror, waits.contains(&mirror.id)) {
            None => choice.scanned.push(mirror),
            Some(NO_URL) => choice.without_url.push(mirror.identifier),
            Some(why) => choice.passed_over.push((mirror.identifier, why)),
        }
    }
    choice
}

/// Why `--all` skips this mirror; `None` if it is scanned.
pub(super) fn why_not_in_all(mirror: &MirrorRecord, waits: bool) -> Option<&'static str> {
    if !mirror.enabled {
        Some("it is disabled")
    } else if !mirror.alive && !waits {
        Some("it does not answer")
    } else if is_never_scanned(mirror) {
        Some("it is a cache or has country '**'")
    } else if Protocol::of(mirror).is_empty() {
        Some(NO_URL)
    } else {
        None
    }
}

/// Chooses the named mirrors, whatever their state: by exact name, else by an unambiguous part of
/// it.
///
/// # Errors
/// Returns [`LookupError`] if a name fits no mirror or several mirrors.
pub fn choose_named(
    mirrors: &[MirrorRecord],
    names: &[String],
) -> Result<MirrorChoice, LookupError> {
    let mut choice = MirrorChoice::default();
    for name in names {
        let mirror = name::find(mirrors, name)?;
        if !choice.scanned.contains(mirror) {
            choice.scanned.push(mirror.clone());
        }
    }
    Ok(choice)
}

/// Whether the mirror has no list of files: a cache fetches a file when a client asks for it, and a
/// mirror with country `**` is taken to have everything.
pub fn is_never_scanned(mirror: &MirrorRecord) -> bool {
    mirror.is_never_scanned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mirror::MirrorKind;

    fn mirror(identifier: &str, url: &str) -> MirrorRecord {
        let mut mirror = MirrorRecord::new(identifier);
        mirror.rsync_url = url.to_owned();
        mirror.enabled = true;
        mirror.alive = true;
        mirror
    }

    fn names(choice: &MirrorChoice) -> Vec<&str> {
        choice
            .scanned
            .iter()
            .map(|m| m.identifier.as_str())
            .collect()
    }

    #[test]
    fn all_are_those_in_use_that_can_be_listed() {
        let mut mirrors = vec![mirror("a", "rsync://a/m"), mirror("ftp-only", " ")];
        for name in ["off", "dead", "cache", "everywhere"] {
            mirrors.push(mirror(name, "rsync://x/m"));
        }
        mirrors[2].enabled = false;
        mirrors[3].alive = false;
        mirrors[4].kind = MirrorKind::Cache;
        mirrors[5].country = "**".into();
        let choice = choose_all(mirrors, &HashSet::new());
        assert_eq!(names(&choice), ["a"]);
        assert_eq!(choice.without_url, ["ftp-only"]);
    }

    #[test]
    fn names_are_exact_or_an_unambiguous_part() {
        let mirrors = [mirror("de", ""), mirror("de.uni", ""), mirror("fr.uni", "")];
        let choose = |wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
            choose_named(&mirrors, &wanted).map(|choice| names(&choice).join(" "))
        };
        assert_eq!(choose(&["de"]).expect("exact"), "de");
        assert_eq!(choose(&["fr", "de", "fr.uni"]).expect("part"), "fr.uni de");
        assert!(matches!(choose(&["uni"]), Err(LookupError::Several { .. })));
        assert!(matches!(choose(&["x"]), Err(LookupError::NotFound { .. })));
    }
}
