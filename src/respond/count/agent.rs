//! Tells clients' programs apart, and remembers the answer for each `User-Agent`.

use regex::bytes::Regex;
use xxhash_rust::xxh3::xxh3_64;

use crate::config::StatsConfig;
use crate::domain::count::rule::Agent;

/// Programs that are remembered; most requests come from fewer. They take 16 KiB per worker and
/// site.
const SLOTS: usize = 1024;

/// Bytes of a `User-Agent` that are looked at. A longer one is an attack.
const AGENT_BYTES_MAX: usize = 512;

/// The programs seen last.
#[derive(Debug)]
pub(super) struct AgentCache {
    slots: Box<[(u64, Agent)]>,
}

impl Default for AgentCache {
    fn default() -> AgentCache {
        AgentCache {
            slots: vec![(0, Agent::Client); SLOTS].into_boxed_slice(),
        }
    }
}

impl AgentCache {
    /// The kind of the program that a `User-Agent` names, and its hash for the client's key.
    pub fn find(&mut self, config: &StatsConfig, user_agent: &[u8]) -> (Agent, u64) {
        let user_agent = user_agent.get(..AGENT_BYTES_MAX).unwrap_or(user_agent);
        let hash = xxh3_64(user_agent);
        let slot = &mut self.slots[hash as usize % SLOTS];
        if slot.0 != hash {
            *slot = (hash, classify(config, user_agent));
        }
        (slot.1, hash)
    }
}

fn classify(config: &StatsConfig, user_agent: &[u8]) -> Agent {
    let fits = |pattern: &Option<Regex>| {
        pattern
            .as_ref()
            .is_some_and(|pattern| pattern.is_match(user_agent))
    };
    if user_agent.starts_with(b"heliostat/") || user_agent.starts_with(b"heliostat-") {
        Agent::Own
    } else if fits(&config.bots) {
        Agent::Bot
    } else if fits(&config.mirrorers) {
        Agent::Mirrorer
    } else {
        Agent::Client
    }
}
