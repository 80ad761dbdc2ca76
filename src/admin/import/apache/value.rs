//! Reads the words of a directive into the rules of its section.

use super::known::KnownDirective;
use crate::admin::apache::Directive;
use crate::admin::import::problem::{ImportProblem, Spot};
use crate::domain::rule::{RawFallback, RawRules};

/// Puts a directive into rules.
pub(super) struct RuleReader<'a> {
    pub row: &'a KnownDirective,
    pub key: &'static str,
    pub spot: &'a Spot,
    /// Notes about words whose meaning is not the apparent one.
    pub notes: &'a mut Vec<ImportProblem>,
}

/// The words behind a directive's name.
pub(super) fn words_of(directive: &Directive) -> &[String] {
    &directive.arguments
}

impl RuleReader<'_> {
    /// Reads the words, whose number is right.
    ///
    /// # Errors
    /// Returns a problem if Apache would refuse the words.
    pub fn read(mut self, rules: &mut RawRules, words: &[String]) -> Result<(), ImportProblem> {
        let word = words.first().cloned().unwrap_or_default();
        match self.key {
            "engine" => rules.engine = Some(self.flag(&word)?),
            "handle_head_locally" => rules.handle_head_locally = Some(self.flag(&word)?),
            "query" => rules.query = Some(self.flag(&word)?),
            "metalink_magnet_links" => rules.metalink_magnet_links = Some(self.flag(&word)?),
            "hashes_suppress_filenames" => {
                rules.hashes_suppress_filenames = Some(self.flag(&word)?);
            }
            "min_size" => rules.min_size = Some(self.size(&word)?),
            "exclude_mime_types" => rules.exclude_mime_types.push(word),
            "exclude_user_agents" => rules.exclude_user_agents.push(word),
            "exclude_networks" => self.network(rules, word),
            "exclude_ips" => self.address(rules, word),
            "exclude_file_mask" => self.mask(word, |mask| rules.exclude_file_mask = mask),
            "metalink_torrent_add_mask" => {
                if word.contains('^') || word.contains('/') {
                    let why = "MirrorBrain matches the path of the file system, and Heliostat the \
                               path below the tree; look whether the expression still fits";
                    self.note(why);
                }
                self.mask(word, |mask| rules.metalink_torrent_add_mask = mask);
            }
            "fallbacks" => self.fallback(rules, words),
            "redirect_stamp_key" => rules.redirect_stamp_key = Some(word),
            "trackers" => rules.trackers.push(word),
            "dht_nodes" => self.node(rules, words)?,
            "mirrorlist_style_sheet" => rules.mirrorlist_style_sheet = Some(word),
            "mirrorlist_header" => rules.mirrorlist_header = Some(self.path(&word)?),
            "mirrorlist_footer" => rules.mirrorlist_footer = Some(self.path(&word)?),
            other => debug_assert!(false, "no reader for {other}"),
        }
        Ok(())
    }

    fn note(&mut self, why: impl std::fmt::Display) {
        let text = format!("{}: {why}", self.row.name);
        self.notes.push(ImportProblem::new(self.spot, text));
    }

    fn refused(&self, why: impl std::fmt::Display) -> ImportProblem {
        ImportProblem::new(self.spot, format!("{} {why}", self.row.name))
    }

    fn flag(&self, word: &str) -> Result<bool, ImportProblem> {
        match word.to_ascii_lowercase().as_str() {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err(self.refused(format!("'{}': write On or Off", word.escape_debug()))),
        }
    }

    fn size(&self, word: &str) -> Result<u64, ImportProblem> {
        word.parse::<i64>()
            .ok()
            .and_then(|size| u64::try_from(size).ok())
            .ok_or_else(|| self.refused(format!("'{}': write bytes", word.escape_debug())))
    }

    fn path(&self, word: &str) -> Result<std::path::PathBuf, ImportProblem> {
        match word.starts_with('/') {
            true => Ok(word.into()),
            false => Err(self.refused(format!(
                "'{}': write the path from the root on",
                word.escape_debug()
            ))),
        }
    }

    fn network(&mut self, rules: &mut RawRules, word: String) {
        if word.parse::<ipnet::IpNet>().is_ok() {
            self.note(format!(
                "MirrorBrain compares '{word}' with addresses as text, so it never had an effect; \
                 Heliostat takes it for the network that it is"
            ));
        }
        rules.exclude_networks.push(word);
    }

    fn address(&mut self, rules: &mut RawRules, word: String) {
        match word.parse::<std::net::IpAddr>() {
            Ok(_) => rules.exclude_ips.push(word),
            Err(_) => self.note(format!(
                "'{}' is not carried over, because it is no address and never matched one",
                word.escape_debug()
            )),
        }
    }

    fn mask(&mut self, word: String, set: impl FnOnce(Option<String>)) {
        match regex::bytes::Regex::new(&word) {
            Ok(_) => set(Some(word)),
            Err(error) => {
                let text = error.to_string();
                let why = text.lines().last().unwrap_or_default().trim();
                let why = why.strip_prefix("error: ").unwrap_or(why);
                self.note(format!(
                    "'{}' is not carried over, because Heliostat's expressions do not have that \
                     ({why}); write it in another way",
                    word.escape_debug()
                ));
            }
        }
    }

    fn fallback(&mut self, rules: &mut RawRules, words: &[String]) {
        let [region, country, url] = words else {
            return;
        };
        let fallback = RawFallback {
            region: region.to_ascii_lowercase(),
            country: country.to_ascii_lowercase(),
            url: url.clone(),
        };
        let alone = RawRules {
            fallbacks: vec![fallback.clone()],
            ..RawRules::default()
        };
        match alone.compile() {
            Ok(_) => rules.fallbacks.push(fallback),
            Err(problem) => self.note(format!("it is not carried over: {problem}")),
        }
    }

    fn node(&self, rules: &mut RawRules, words: &[String]) -> Result<(), ImportProblem> {
        let [host, port] = words else { return Ok(()) };
        match port.parse::<u16>() {
            Ok(1..) => {
                rules.dht_nodes.push(format!("{host}:{port}"));
                Ok(())
            }
            _ => Err(self.refused(format!(
                "has '{}' for a port; write a number up to 65535",
                port.escape_debug()
            ))),
        }
    }
}
