//! Options of `smoke`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::domain::place::{Asn, CountryCode};
use crate::domain::time::{Timestamp, parse_length};

/// Files that are sampled per round if the admin gives no number: a minute of work for most sites.
const FILES: u32 = 12;

/// Bytes that are asked of one mirror per round, unless the admin gives another number: enough for
/// an image of an installer, little for a mirror.
const BYTES_PER_MIRROR: &str = "64M";

/// Time for one mirror per round, unless the admin gives another: 64 MiB at half a megabyte per
/// second.
const TIME_PER_MIRROR: &str = "2m";

/// Time from the begin of one round to the next: a night has about fifty.
const EVERY: &str = "10m";

/// Longest time that an option may give: a month.
const DURATION_MAX: Duration = Duration::from_secs(31 * 86_400);

/// Largest number of bytes that an option may give: 1 TiB.
const BYTES_MAX: u64 = 1 << 40;

/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// Downloads through the virtual host as clients do, and checks what each mirror sends.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heliostat smoke http://download.example.org\n  \
    heliostat smoke http://localhost:8081 --files 40 --place de --place AS64500\n  \
    heliostat smoke http://download.example.org --list paths.txt --for 8h --json night.json\n  \
    heliostat smoke --merge night.json second.json\n\n\
    The command asks the host for each file from each place: for the whole file, a range of it,\n\
    and its metalink. Then it downloads from each mirror that the host names, and follows\n\
    redirects by the rules of probes. Size and digests are those of the database. With --list\n\
    they come from the host's own metalinks or .sha256; then the command needs no configuration,\n\
    so that it runs on any machine.\n\n\
    A place is a country (?country=), an AS (?as=), or an address (X-Forwarded-For), which counts\n\
    only if this machine is a trusted proxy of the host. If a file is larger than the bytes per\n\
    mirror, the command checks one piece of it.\n\n\
    An error of this machine, or one that is not understood, counts as unknown, never as bad.\n\
    The JSON has all results; with --for or --until, it is written after each round.\n\n\
    Exit codes: 0 all well, 1 could not run, 2 wrong usage, 3 a mirror is bad or unknown.")]
pub struct SmokeArgs {
    /// The virtual host, such as `http://download.example.org`
    #[arg(value_name = "URL", required_unless_present = "merge")]
    pub url: Option<String>,
    /// How many files per round
    #[arg(long, value_name = "N", default_value_t = FILES,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub files: u32,
    /// Sample the paths of this file, one per line; - is standard input [default: the catalogue]
    #[arg(long, value_name = "FILE", requires = "url")]
    pub list: Option<PathBuf>,
    /// Pretend to be a client of this country, AS or address; may be repeated
    #[arg(long = "place", value_name = "PLACE", value_parser = client_place)]
    pub places: Vec<ClientPlace>,
    /// Number that decides which files and pieces are drawn [default: drawn, and reported]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Bytes that one mirror is asked for, per round
    #[arg(long, value_name = "BYTES", default_value = BYTES_PER_MIRROR, value_parser = bytes)]
    pub bytes_per_mirror: u64,
    /// Time for one mirror, per round
    #[arg(long, value_name = "TIME", default_value = TIME_PER_MIRROR, value_parser = duration)]
    pub time_per_mirror: Duration,
    /// How many mirrors at a time
    #[arg(long, value_name = "N", default_value_t = 8,
          value_parser = clap::value_parser!(u32).range(1..=64))]
    pub jobs: u32,
    /// Run round after round for this long: 90s, 30m, 8h, 1d
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub lasts: Option<Duration>,
    /// Run round after round until this time: 07:00 (UTC), 2026-11-29T07:00:00Z
    #[arg(long, value_name = "WHEN", conflicts_with = "lasts", value_parser = end_time)]
    pub until: Option<EndTime>,
    /// Time from the start of one round to the start of the next
    #[arg(long, value_name = "TIME", default_value = EVERY, value_parser = duration)]
    pub every: Duration,
    /// Add up these reports, which --json has written
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub merge: Vec<PathBuf>,
    /// Write the report as JSON; - is standard output
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl SmokeArgs {
    /// Whether the command reads neither configuration nor database.
    pub fn is_without_site(&self) -> bool {
        self.list.is_some() || self.url.is_none()
    }
}

/// The client that a request pretends to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientPlace {
    /// By `X-Forwarded-For`.
    Address(IpAddr),
    /// By `?country=`, in lower case.
    Country(String),
    /// By `?as=`.
    Asn(Asn),
}

impl std::fmt::Display for ClientPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ClientPlace::Address(ip) => write!(f, "{ip}"),
            ClientPlace::Country(country) => f.write_str(country),
            ClientPlace::Asn(asn) => write!(f, "AS{}", asn.number()),
        }
    }
}

/// When a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndTime {
    /// Seconds of a day of UTC.
    Clock(i64),
    /// A moment.
    Moment(Timestamp),
}

impl EndTime {
    /// Gives the next such time from `now` on.
    pub(super) fn after(self, now: Timestamp) -> Timestamp {
        match self {
            EndTime::Moment(at) => at,
            EndTime::Clock(second) => {
                let today = now.0 - now.0.rem_euclid(DAY_S) + second;
                Timestamp(if today > now.0 { today } else { today + DAY_S })
            }
        }
    }
}

fn client_place(text: &str) -> Result<ClientPlace, String> {
    if let Ok(ip) = text.parse() {
        return Ok(ClientPlace::Address(ip));
    }
    let number = text.strip_prefix("AS").or_else(|| text.strip_prefix("as"));
    let number = number.and_then(|number| number.parse().ok());
    if let Some(asn) = number.and_then(Asn::new) {
        return Ok(ClientPlace::Asn(asn));
    }
    if text.len() == 2 && CountryCode::parse(text.as_bytes()).is_some() {
        return Ok(ClientPlace::Country(text.to_ascii_lowercase()));
    }
    Err("write a country (de), an AS (AS64500) or an address (192.0.2.7)".to_owned())
}

/// Reads a number with its unit.
fn with_unit(text: &str, units: &[(char, u64)]) -> Option<u64> {
    let last = text.chars().last()?;
    let unit = units.iter().find(|(name, _)| *name == last);
    let (number, factor) = match unit {
        Some((name, factor)) => (text.strip_suffix(*name)?, *factor),
        None => (text, 1),
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn duration(text: &str) -> Result<Duration, String> {
    let seconds = parse_length(text).filter(|seconds| *seconds > 0);
    let found = seconds.map(Duration::from_secs);
    found
        .filter(|found| *found <= DURATION_MAX)
        .ok_or_else(|| "write a time from 1s to 31d: 90s, 30m, 8h, 1d".to_owned())
}

fn bytes(text: &str) -> Result<u64, String> {
    let units = [('K', 1 << 10), ('M', 1 << 20), ('G', 1 << 30)];
    with_unit(text, &units)
        .filter(|bytes| (1..=BYTES_MAX).contains(bytes))
        .ok_or_else(|| "write a number of bytes from 1 to 1024G: 500K, 64M, 2G".to_owned())
}

fn end_time(text: &str) -> Result<EndTime, String> {
    if let Some(at) = Timestamp::parse(text) {
        return Ok(EndTime::Moment(at));
    }
    let parts = text.split_once(':');
    let parts = parts.filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2);
    let time = parts
        .and_then(|(hour, minute)| Some((hour.parse::<u8>().ok()?, minute.parse::<u8>().ok()?)));
    match time {
        Some((hour, minute)) if hour < 24 && minute < 60 => Ok(EndTime::Clock(
            i64::from(hour) * 3600 + i64::from(minute) * 60,
        )),
        _ => Err("write a time of day in UTC (07:00), or 2026-11-29T07:00:00Z".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_with_their_units() {
        for (text, expected) in [
            ("90s", Some(90)),
            ("30m", Some(1800)),
            ("8h", Some(28_800)),
            ("1d", Some(86_400)),
            ("90", None),
            ("0s", None),
            ("32d", None),
            ("h", None),
        ] {
            let found = duration(text).ok().map(|found| found.as_secs());
            assert_eq!(found, expected, "{text}");
        }
        for (text, expected) in [
            ("64M", Some(64 << 20)),
            ("500", Some(500)),
            ("2G", Some(2 << 30)),
            ("0", None),
            ("2000G", None),
            ("x", None),
        ] {
            assert_eq!(bytes(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn places_are_countries_networks_and_addresses() {
        for (text, expected) in [
            ("DE", Some("de")),
            ("AS64500", Some("AS64500")),
            ("as64500", Some("AS64500")),
            ("192.0.2.7", Some("192.0.2.7")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("germany", None),
            ("", None),
        ] {
            let found = client_place(text).ok().map(|found| found.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_time_of_day_is_the_next_one() {
        let now = Timestamp::parse("2026-11-28T09:00:00Z").expect("a time");
        for (text, expected) in [
            ("07:00", Some("2026-11-29T07:00:00Z")),
            ("10:30", Some("2026-11-28T10:30:00Z")),
            ("2026-12-01T00:00:00Z", Some("2026-12-01T00:00:00Z")),
            ("24:00", None),
            ("7:00", None),
            ("soon", None),
        ] {
            let found = end_time(text).ok().map(|end| end.after(now).to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
