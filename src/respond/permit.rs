//! Limits how many long documents are sent at once, in all and per client.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Largest number of streams at once in a process. Each takes some 400 KiB; a client that is told
/// to try again can still use the file's mirrors.
const STREAMS_MAX: usize = 128;

/// Largest number of streams at once to one client, so that only eight slow readers together can
/// keep long documents from others. A downloader needs one document, but a whole office may have
/// one address.
const STREAMS_PER_CLIENT: usize = 16;

/// Shortest time between two log lines about refusals.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// The long documents that are being sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Streams(Arc<Mutex<UnderWay>>);

#[derive(Debug, Default)]
struct UnderWay {
    all: usize,
    by_client: HashMap<IpAddr, usize>,
    refused: u64,
    logged: Option<Instant>,
}

/// One stream; it is counted until it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    streams: Streams,
    client: Option<IpAddr>,
}

/// The address under which a client is counted: for IPv6, the network that one line gets.
fn client_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

impl Streams {
    /// Counts one more stream, unless there are too many. An unknown client has no limit of its
    /// own.
    pub(super) fn permit(&self, ip: Option<IpAddr>) -> Option<Permit> {
        let client = ip.map(client_of);
        let mut under_way = self.lock();
        let of_client = client.map_or(0, |client| {
            let known = under_way.by_client.get(&client);
            known.copied().unwrap_or_default()
        });
        if under_way.all >= STREAMS_MAX || of_client >= STREAMS_PER_CLIENT {
            under_way.refuse(Instant::now());
            return None;
        }
        under_way.all += 1;
        if let Some(client) = client {
            *under_way.by_client.entry(client).or_default() += 1;
        }
        Some(Permit {
            streams: self.clone(),
            client,
        })
    }

    /// Locks the counts; they are consistent even after a panic of another thread.
    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    fn refuse(&mut self, now: Instant) {
        self.refused += 1;
        let is_due = |then: Instant| now.saturating_duration_since(then) >= LOG_EVERY;
        if self.logged.is_none_or(is_due) {
            self.logged = Some(now);
            log::warn!(
                "long documents are refused, clients are asked to come again: under_way={} \
                 of_at_most={STREAMS_MAX} of_at_most_per_client={STREAMS_PER_CLIENT} refused={}",
                self.all,
                std::mem::take(&mut self.refused)
            );
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut under_way = self.streams.lock();
        under_way.all = under_way.all.saturating_sub(1);
        let Some(client) = self.client else { return };
        if let Some(count) = under_way.by_client.get_mut(&client) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                under_way.by_client.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn one_client_takes_its_share_and_all_take_the_whole() {
        let streams = Streams::default();
        let mut permits = Vec::new();
        for _ in 0..STREAMS_PER_CLIENT {
            permits.push(streams.permit(ip("2001:db8::1")).expect("its share"));
        }
        assert!(streams.permit(ip("2001:db8::2")).is_none(), "the same line");
        assert!(streams.permit(ip("2001:db8:0:1::2")).is_some());
        permits.pop();
        permits.push(streams.permit(ip("2001:db8::2")).expect("one is done"));
        for number in 0..STREAMS_MAX - STREAMS_PER_CLIENT {
            let client = format!("192.0.2.{number}");
            permits.push(streams.permit(ip(&client)).expect("there is room"));
        }
        assert!(
            streams.permit(ip("198.51.100.1")).is_none(),
            "all are taken"
        );
        assert!(streams.permit(None).is_none());
        drop(permits);
        let under_way = streams.lock();
        assert_eq!((under_way.all, under_way.by_client.len()), (0, 0));
    }
}
