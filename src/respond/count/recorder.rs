//! Turns a finished answer into an event of the worker's batch.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Instant;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::agent::AgentCache;
use super::batch::{EVENTS_MAX, Event, EventBatch};
use super::shared::CountShared;
use crate::config::SiteConfig;
use crate::decide::{LocalReason, Outcome};
use crate::domain::count::column::{CountColumn, RequestKind};
use crate::domain::count::rule::{AnswerClass, CountedRequest, judge};
use crate::domain::file::FileVersion;
use crate::http::Method;
use crate::respond::answer::Exchange;

/// Answers of which one is timed.
const TIMED_EVERY: u32 = 16;

/// Bytes that a client's key is made of: network, program, path.
const KEY_BYTES: usize = 128;

/// Counts the answers of one worker.
pub(in crate::respond) struct Recorder {
    batch: EventBatch,
    /// `None` after the teller has ended.
    sender: Option<SyncSender<EventBatch>>,
    shared: Arc<CountShared>,
    agents: Vec<(Arc<SiteConfig>, AgentCache)>,
    key: Vec<u8>,
    answers: u32,
}

/// The begin of an answer, if it is timed.
#[derive(Debug, Clone, Copy)]
pub(in crate::respond) struct AnswerStart(Option<Instant>);

impl Recorder {
    /// A recorder that sends to the teller.
    pub(super) fn new(sender: SyncSender<EventBatch>, shared: Arc<CountShared>) -> Recorder {
        Recorder {
            batch: EventBatch::default(),
            sender: Some(sender),
            shared,
            agents: Vec::new(),
            key: Vec::with_capacity(KEY_BYTES),
            answers: 0,
        }
    }

    /// Marks the begin of an answer.
    pub fn begin(&mut self) -> AnswerStart {
        self.answers = self.answers.wrapping_add(1);
        let is_timed = self.answers.is_multiple_of(TIMED_EVERY) && self.sender.is_some();
        AnswerStart(is_timed.then(Instant::now))
    }

    /// Counts an answer, if its site wants that.
    pub fn record(&mut self, exchange: Exchange<'_>, begun: AnswerStart) {
        let config = &exchange.site.config;
        if self.sender.is_none() || !config.stats.is_on() {
            return;
        }
        let Some(site) = self.batch.site(config) else {
            return;
        };
        let event = Event {
            site,
            took_ns: begun.0.map_or(0, |at| {
                at.elapsed().as_nanos().clamp(1, u32::MAX.into()) as u32
            }),
            ..self.event(exchange)
        };
        self.batch.events.push(event);
        if self.batch.is_full() {
            self.send();
        }
    }

    /// Hands the events over. If the teller cannot take them at once, they are dropped.
    pub fn send(&mut self) {
        if self.batch.events.is_empty() {
            return;
        }
        let Some(sender) = &self.sender else {
            return;
        };
        let room = self.batch.events.len().min(EVENTS_MAX);
        let next = EventBatch {
            sites: Vec::new(),
            events: Vec::with_capacity(room),
            text: Vec::with_capacity(self.batch.text.len()),
        };
        let batch = std::mem::replace(&mut self.batch, next);
        match sender.try_send(batch) {
            Ok(()) => {}
            Err(TrySendError::Full(batch)) => {
                let dropped = batch.events.len() as u64;
                self.shared.dropped.fetch_add(dropped, Ordering::Relaxed);
            }
            // The teller has ended, and said so.
            Err(TrySendError::Disconnected(_)) => self.sender = None,
        }
    }

    fn event(&mut self, exchange: Exchange<'_>) -> Event {
        let (request, decision) = (exchange.request, exchange.decision);
        let stats = &exchange.site.config.stats;
        let index = self.agents_of(&exchange.site.config);
        let (agent, agent_hash) = self.agents[index].1.find(stats, request.user_agent);
        let client = decision.client.as_ref();
        let ip = client.map_or_else(|| request.geo.ip(), |client| client.ip);
        let is_ignored = |ip: IpAddr| stats.ignore.iter().any(|network| network.contains(&ip));
        let is_fill = matches!(decision.outcome, Outcome::Local(LocalReason::CacheFill));
        let (answered, words) = answered(exchange);
        let conditions = &request.conditions;
        let judged = judge(&CountedRequest {
            agent,
            is_own: is_fill || ip.is_some_and(is_ignored),
            is_head: request.method == Method::Head,
            has_condition: !conditions.if_none_match.is_empty()
                || !conditions.if_modified_since.is_empty(),
            range: request.range,
            size: decision.file.as_ref().map(|file| file.version.size),
            answered,
        });
        let place = client.map(|client| client.place);
        let kind = RequestKind {
            column: judged.column,
            scheme: request.scheme().as_str(),
            family: match ip {
                Some(IpAddr::V6(_)) => "6",
                Some(IpAddr::V4(_)) => "4",
                None => "",
            },
            ..words
        };
        let joins = judged.column == CountColumn::Downloads && decision.file.is_some();
        Event {
            key: match (joins, ip) {
                (true, Some(ip)) => self.key(exchange, ip, agent_hash),
                _ => 0,
            },
            at: exchange.now.0,
            bytes: judged.bytes,
            asn: place
                .and_then(|place| place.asn)
                .map_or(0, |asn| asn.number()),
            country: place.and_then(|place| place.country),
            redirect: redirect(exchange),
            lengths: self.write_names(exchange),
            has_range: judged.has_range,
            kind,
            took_ns: 0,
            site: 0,
        }
    }

    fn agents_of(&mut self, config: &Arc<SiteConfig>) -> usize {
        let known = self
            .agents
            .iter()
            .position(|(known, _)| Arc::ptr_eq(known, config));
        known.unwrap_or_else(|| {
            // A site of a configuration that was read again replaces the one before.
            self.agents.retain(|(known, _)| known.name != config.name);
            self.agents
                .push((Arc::clone(config), AgentCache::default()));
            self.agents.len() - 1
        })
    }

    /// Appends path and mirror to the batch; returns their lengths.
    fn write_names(&mut self, exchange: Exchange<'_>) -> (u32, u32) {
        let decision = exchange.decision;
        let text = &mut self.batch.text;
        let path = decision
            .file
            .as_ref()
            .map_or(&b""[..], |file| file.path.as_bytes());
        text.extend_from_slice(path);
        let mirror = match &decision.outcome {
            Outcome::Redirect(redirect) => redirect.choices.first(),
            _ => None,
        };
        let mirror = mirror.map_or("", |best| &*best.name);
        text.extend_from_slice(mirror.as_bytes());
        (path.len() as u32, mirror.len() as u32)
    }

    /// A number for client and file from which neither can be found: its seed is random, and only
    /// this process knows it. Addresses of one IPv6 network of 64 bits are one client.
    fn key(&mut self, exchange: Exchange<'_>, ip: IpAddr, agent_hash: u64) -> u64 {
        self.key.clear();
        match ip {
            IpAddr::V4(ip) => self.key.extend_from_slice(&ip.octets()),
            IpAddr::V6(ip) => self.key.extend_from_slice(&ip.octets()[..8]),
        }
        self.key.extend_from_slice(&agent_hash.to_ne_bytes());
        self.key
            .extend_from_slice(exchange.site.config.name.as_bytes());
        if let Some(file) = &exchange.decision.file {
            self.key.extend_from_slice(&file.version.size.to_ne_bytes());
            self.key
                .extend_from_slice(&file.version.mtime.to_ne_bytes());
            self.key.extend_from_slice(file.path.as_bytes());
        }
        let seed = self.shared.seed.load(Ordering::Relaxed);
        // 0 stands for "no key".
        xxh3_64_with_seed(&self.key, seed).max(1)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.send();
    }
}

/// Gives the version and the scheme of a redirect to a mirror. Absent for a fallback, because no
/// scan tells anything of one.
fn redirect(exchange: Exchange<'_>) -> Option<(FileVersion, &'static str)> {
    let Outcome::Redirect(redirect) = &exchange.decision.outcome else {
        return None;
    };
    let best = redirect.choices.first().filter(|best| !best.is_fallback)?;
    let file = exchange.decision.file.as_ref()?;
    Some((file.version, best.base_url.scheme().as_str()))
}

/// The kind of answer, and its words.
fn answered(exchange: Exchange<'_>) -> (AnswerClass, RequestKind<'static>) {
    let decision = exchange.decision;
    let kind = |outcome| RequestKind {
        outcome,
        column: CountColumn::Other,
        document: "",
        reason: "",
        tier: "",
        scheme: "",
        family: "",
    };
    match &decision.outcome {
        Outcome::Redirect(redirect) => {
            let best = redirect.choices.first();
            let tier = best.map_or("", |best| match best.is_fallback {
                true => "fallback",
                false => best.candidate.tier.as_str(),
            });
            (
                AnswerClass::Redirect,
                RequestKind {
                    tier,
                    ..kind("redirect")
                },
            )
        }
        Outcome::Document(document) => {
            let words = RequestKind {
                document: document.kind().as_str(),
                ..kind("document")
            };
            match decision.is_negotiated {
                true => (AnswerClass::MetalinkForFile, words),
                false => (AnswerClass::Document, words),
            }
        }
        Outcome::Local(reason) => (
            AnswerClass::Local,
            RequestKind {
                reason: reason.code(),
                ..kind("local")
            },
        ),
        Outcome::Origin(origin) => (
            AnswerClass::Local,
            RequestKind {
                reason: origin.reason.as_ref().map_or("unknown", LocalReason::code),
                ..kind("local")
            },
        ),
        Outcome::Missing(_) | Outcome::NoList(_) => (AnswerClass::Missing, kind("missing")),
        Outcome::MethodNotAllowed => (AnswerClass::Refused, kind("refused")),
        Outcome::Unavailable(_) => (AnswerClass::Unavailable, kind("unavailable")),
        Outcome::Options | Outcome::Elsewhere(_) => (AnswerClass::Other, kind("other")),
    }
}
