//! The text of a spool file: the sums of a minute, on their way to `heliostat stats collect`.
//!
//! One line per sum, fields separated by tabs. The first line names the front end, its start and
//! the number of the file, by which a file that is brought twice is known; the last line has the
//! number of lines and a checksum, so that a part of a file is never taken for the whole.
//!
//! # Errors
//! [`SpoolError`] names the line that cannot be read.

use std::borrow::Cow;
use std::fmt::Write as _;

use xxhash_rust::xxh3::xxh3_64;

use super::column::{CountColumn, RequestKind};
use super::product::ProductNames;
use super::sample::RedirectSample;
use super::tally::{CountTally, DownloadSum, FileCounts};
use crate::domain::file::FileVersion;
use crate::domain::time::Timestamp;

/// Version of the format.
const VERSION: &str = "1";

/// Largest number of a line: a thousand downloads per second of a file of 1 TB, for a minute. Sums
/// of larger ones would leave the range of the database, which then refuses all that comes later.
const NUMBER_MAX: u64 = 1 << 56;

/// Bytes of the shortest line.
const LINE_BYTES_MIN: usize = 8;

/// Longest period of a file. A responder writes one per minute; one that was stopped meanwhile may
/// be late.
const PERIOD_S_MAX: i64 = 7 * 86_400;

/// Identifies a spool file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolHead {
    /// Name of the front end.
    pub front: String,
    /// Random number of the responder's start.
    pub boot: u64,
    /// Number of the file since that start.
    pub seq: u64,
    /// Begin of the period.
    pub from: Timestamp,
    /// End of the period.
    pub to: Timestamp,
}

impl SpoolHead {
    /// The name of its file.
    pub fn file_name(&self) -> String {
        format!("{}-{:016x}-{:08}.hsp", self.front, self.boot, self.seq)
    }
}

/// One sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpoolLine<'t> {
    /// Counts of a file.
    File(Cow<'t, [u8]>, FileCounts),
    /// Downloads from one network over one mirror.
    Route(SpoolRoute<'t>, DownloadSum),
    /// Requests of one kind.
    Kind(RequestKind<'t>, u64),
    /// Downloads of a product from one country.
    Product(ProductNames, &'t str, DownloadSum),
    /// A redirect.
    Sample(RedirectSample<'t>),
}

/// The way of downloads; `--` is an unknown country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolRoute<'t> {
    /// Name of the mirror; empty: the web server.
    pub mirror: Cow<'t, str>,
    /// Country of the client.
    pub country: &'t str,
    /// Autonomous system of the client; 0: unknown.
    pub asn: u32,
    /// Tier of the mirror.
    pub tier: &'t str,
}

/// Reason for which a text is no spool file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The first line is another.
    #[error("it is no spool file of this version")]
    Head,
    /// The period has no time, or more than a week.
    #[error("its period cannot be: a clock was wrong")]
    Period,
    /// The last line does not fit: a part is missing.
    #[error("it is not complete")]
    End,
    /// A line cannot be read.
    #[error("line {0} cannot be read")]
    Line(usize),
}

/// Writes the sums of a period.
pub fn write(head: &SpoolHead, tally: &CountTally) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 * 1024);
    let first = format!(
        "heliostat-spool {VERSION}\t{}\t{:016x}\t{}\t{}\t{}\n",
        head.front, head.boot, head.seq, head.from.0, head.to.0
    );
    out.extend_from_slice(first.as_bytes());
    let mut lines = 0;
    for (path, (counts, _)) in &tally.files {
        lines += 1;
        line(&mut out, "f", &[path], &counts.as_array());
    }
    for (key, traffic) in &tally.routes {
        lines += 1;
        let mirror = tally.mirrors.get(key.mirror as usize);
        let mirror = mirror.map_or("", |name| &**name);
        let country = key.country.as_ref().map_or("--", |code| code.as_str());
        let asn = key.asn.to_string();
        let words = [mirror, country, &asn, key.tier].map(str::as_bytes);
        line(&mut out, "r", &words, &numbers(traffic));
    }
    for (kind, count) in &tally.kinds {
        lines += 1;
        let words = [
            kind.outcome,
            kind.column.as_str(),
            kind.document,
            kind.reason,
            kind.tier,
            kind.scheme,
            kind.family,
        ];
        line(&mut out, "k", &words.map(str::as_bytes), &[*count]);
    }
    for ((product, country), traffic) in &tally.products {
        let Some(names) = tally.product_names.get(*product as usize) else {
            continue;
        };
        lines += 1;
        let country = country.as_ref().map_or("--", |code| code.as_str());
        let words = [
            &*names.product,
            &names.version,
            &names.os,
            &names.arch,
            &names.lang,
            country,
        ];
        line(&mut out, "d", &words.map(str::as_bytes), &numbers(traffic));
    }
    for sample in tally.samples.kept() {
        lines += 1;
        write_sample(&mut out, sample);
    }
    let end = format!("end\t{lines}\t{:016x}\n", xxh3_64(&out));
    out.extend_from_slice(end.as_bytes());
    out
}

fn write_sample(out: &mut Vec<u8>, sample: &RedirectSample<'_>) {
    let RedirectSample {
        path,
        version,
        mirror,
        scheme,
        family,
    } = sample;
    let (size, mtime) = (version.size.to_string(), version.mtime.to_string());
    let words = [&**mirror, scheme, family, &size, &mtime];
    let [mirror, scheme, family, size, mtime] = words.map(str::as_bytes);
    line(out, "s", &[path, mirror, scheme, family, size, mtime], &[]);
}

fn numbers(traffic: &DownloadSum) -> [u64; 2] {
    [traffic.downloads, traffic.bytes]
}

fn line(out: &mut Vec<u8>, letter: &str, words: &[&[u8]], numbers: &[u64]) {
    out.extend_from_slice(letter.as_bytes());
    for word in words {
        out.push(b'\t');
        escape_into(out, word);
    }
    for number in numbers {
        out.push(b'\t');
        crate::domain::escape::decimal_into(out, *number);
    }
    out.push(b'\n');
}

/// Appends bytes as text without tabs and line ends.
fn escape_into(out: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for byte in chunk.valid().bytes() {
            match byte {
                b'\t' => out.extend_from_slice(b"\\t"),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\\' => out.extend_from_slice(b"\\\\"),
                0..0x20 => hex_into(out, byte),
                _ => out.push(byte),
            }
        }
        for byte in chunk.invalid() {
            hex_into(out, *byte);
        }
    }
}

fn hex_into(out: &mut Vec<u8>, byte: u8) {
    let mut text = String::with_capacity(4);
    // Writing into a string does not fail.
    let _ = write!(text, "\\x{byte:02x}");
    out.extend_from_slice(text.as_bytes());
}

fn unescape(text: &str) -> Option<Cow<'_, [u8]>> {
    if !text.contains('\\') {
        return Some(Cow::Borrowed(text.as_bytes()));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.extend_from_slice(before.as_bytes());
        let (byte, taken) = match after.as_bytes().first()? {
            b't' => (b'\t', 1),
            b'n' => (b'\n', 1),
            b'\\' => (b'\\', 1),
            b'x' => (u8::from_str_radix(after.get(1..3)?, 16).ok()?, 3),
            _ => return None,
        };
        out.push(byte);
        rest = &after[taken..];
    }
    out.extend_from_slice(rest.as_bytes());
    Some(Cow::Owned(out))
}

/// Reads a whole file.
///
/// # Errors
/// Returns [`SpoolError`] for a text that is no spool file, or only a part of one.
pub fn read(text: &str) -> Result<(SpoolHead, Vec<SpoolLine<'_>>), SpoolError> {
    let (first, _) = text.split_once('\n').ok_or(SpoolError::Head)?;
    let head = read_head(first).ok_or(SpoolError::Head)?;
    // A moment before 1970, or a period without an end, would be in no table.
    let length = head.to.0.checked_sub(head.from.0);
    let is_period = length.is_some_and(|length| (0..=PERIOD_S_MAX).contains(&length));
    if head.from.0 < 0 || !is_period {
        return Err(SpoolError::Period);
    }
    let body = text.strip_suffix('\n').ok_or(SpoolError::End)?;
    let end_at = body.rfind('\n').ok_or(SpoolError::End)? + 1;
    let (count, sum) = read_end(&body[end_at..]).ok_or(SpoolError::End)?;
    if sum != xxh3_64(&text.as_bytes()[..end_at]) {
        return Err(SpoolError::End);
    }
    // The number is not part of the sum: anything may stand there.
    let mut lines = Vec::with_capacity(count.min(text.len() / LINE_BYTES_MIN));
    for (number, line) in text[..end_at].lines().enumerate().skip(1) {
        lines.push(read_line(line).ok_or(SpoolError::Line(number + 1))?);
    }
    match lines.len() == count {
        true => Ok((head, lines)),
        false => Err(SpoolError::End),
    }
}

fn read_head(line: &str) -> Option<SpoolHead> {
    let line = line.strip_prefix("heliostat-spool ")?;
    let fields: Vec<&str> = line.split('\t').collect();
    let [VERSION, front, boot, seq, from, to] = fields[..] else {
        return None;
    };
    Some(SpoolHead {
        front: front.to_owned(),
        boot: u64::from_str_radix(boot, 16).ok()?,
        seq: seq.parse().ok()?,
        from: Timestamp(from.parse().ok()?),
        to: Timestamp(to.parse().ok()?),
    })
}

fn read_end(line: &str) -> Option<(usize, u64)> {
    let rest = line.strip_prefix("end\t")?;
    let (count, sum) = rest.split_once('\t')?;
    Some((count.parse().ok()?, u64::from_str_radix(sum, 16).ok()?))
}

fn read_line(line: &str) -> Option<SpoolLine<'_>> {
    let (letter, rest) = line.split_once('\t')?;
    let fields: Vec<&str> = rest.split('\t').collect();
    let number = |text: &str| text.parse().ok().filter(|number| *number <= NUMBER_MAX);
    let traffic = |downloads, bytes| {
        Some(DownloadSum {
            downloads: number(downloads)?,
            bytes: number(bytes)?,
        })
    };
    match (letter, &fields[..]) {
        ("f", [path, counts @ ..]) => {
            let counts: Option<Vec<u64>> = counts.iter().map(|text| number(text)).collect();
            let counts = FileCounts::of_array(counts?.try_into().ok()?);
            Some(SpoolLine::File(unescape(path)?, counts))
        }
        ("r", [mirror, country, asn, tier, downloads, bytes]) => {
            let route = SpoolRoute {
                mirror: text(mirror)?,
                country,
                asn: asn.parse().ok()?,
                tier,
            };
            Some(SpoolLine::Route(route, traffic(downloads, bytes)?))
        }
        (
            "k",
            [
                outcome,
                column,
                document,
                reason,
                tier,
                scheme,
                family,
                count,
            ],
        ) => {
            let kind = RequestKind {
                outcome,
                column: CountColumn::from_word(column)?,
                document,
                reason,
                tier,
                scheme,
                family,
            };
            Some(SpoolLine::Kind(kind, number(count)?))
        }
        ("d", [product, version, os, arch, lang, country, downloads, bytes]) => {
            let names = ProductNames {
                product: text(product)?.into_owned(),
                version: text(version)?.into_owned(),
                os: text(os)?.into_owned(),
                arch: text(arch)?.into_owned(),
                lang: text(lang)?.into_owned(),
            };
            Some(SpoolLine::Product(
                names,
                country,
                traffic(downloads, bytes)?,
            ))
        }
        ("s", fields) => read_sample(fields).map(SpoolLine::Sample),
        _ => None,
    }
}

fn read_sample<'t>(fields: &[&'t str]) -> Option<RedirectSample<'t>> {
    let [path, mirror, scheme, family, size, mtime] = fields else {
        return None;
    };
    Some(RedirectSample {
        path: unescape(path)?,
        version: FileVersion {
            size: size.parse().ok()?,
            mtime: mtime.parse().ok()?,
        },
        mirror: text(mirror)?,
        scheme: text(scheme)?,
        family: text(family)?,
    })
}

fn text(field: &str) -> Option<Cow<'_, str>> {
    match unescape(field)? {
        Cow::Borrowed(_) => Some(Cow::Borrowed(field)),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::super::column::CountEvent;
    use super::*;
    use crate::domain::place::CountryCode;

    const KIND: RequestKind<'static> = RequestKind {
        outcome: "redirect",
        column: CountColumn::Downloads,
        document: "",
        reason: "",
        tier: "country",
        scheme: "https",
        family: "6",
    };

    fn head() -> SpoolHead {
        SpoolHead {
            front: "front1.example.org".to_owned(),
            boot: 0xab,
            seq: 7,
            from: Timestamp(1_795_867_200),
            to: Timestamp(1_795_867_260),
        }
    }

    fn tally() -> CountTally {
        let mut tally = CountTally::default();
        let odd = b"a\tb\n\\c\xff\x01\xc3\xa9".as_slice();
        for (path, mirror, column) in [
            (odd, "m1", CountColumn::Downloads),
            (odd, "m1", CountColumn::Resumed),
            (b"x.iso", "", CountColumn::Downloads),
            (b"", "", CountColumn::Missing),
            (b"x.iso", "", CountColumn::Own),
        ] {
            tally.add(
                &CountEvent {
                    kind: RequestKind { column, ..KIND },
                    path,
                    mirror,
                    country: CountryCode::parse(b"de"),
                    asn: 680,
                    bytes: 10,
                },
                &[],
            );
        }
        tally.samples.see(0, || RedirectSample {
            path: Cow::Borrowed(b"a\tb\xff"),
            version: FileVersion {
                size: 10,
                mtime: -1,
            },
            mirror: Cow::Borrowed("m1"),
            scheme: Cow::Borrowed("https"),
            family: Cow::Borrowed(""),
        });
        tally
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let written = String::from_utf8(write(&head(), &tally())).expect("text");
        let (read_head, lines) = read(&written).expect("a spool file");
        assert_eq!(read_head, head());
        assert_eq!(
            read_head.file_name(),
            "front1.example.org-00000000000000ab-00000007.hsp"
        );
        let odd = lines.iter().find_map(|line| match line {
            SpoolLine::File(path, counts) if path.len() > 5 => Some((path.to_vec(), *counts)),
            _ => None,
        });
        let (path, counts) = odd.expect("the file");
        assert_eq!(path, b"a\tb\n\\c\xff\x01\xc3\xa9");
        assert_eq!(counts.as_array(), [1, 0, 1, 0, 0, 0, 0, 0, 20]);
        let samples = lines.iter().filter_map(|line| match line {
            SpoolLine::Sample(sample) => Some(sample),
            _ => None,
        });
        assert!(samples.eq(tally().samples.kept()));
        let kinds: u64 = lines
            .iter()
            .filter_map(|line| match line {
                SpoolLine::Kind(_, count) => Some(*count),
                _ => None,
            })
            .sum();
        assert_eq!(kinds, 5);
        let routes: Vec<_> = lines
            .iter()
            .filter_map(|line| match line {
                SpoolLine::Route(route, traffic) => {
                    Some((route.mirror.as_ref(), route.tier, traffic.downloads))
                }
                _ => None,
            })
            .collect();
        assert_eq!(routes.len(), 2);
        assert!(routes.contains(&("m1", "country", 1)) && routes.contains(&("", "local", 1)));
    }

    #[test]
    fn a_part_of_a_file_or_a_changed_one_is_refused() {
        let written = String::from_utf8(write(&head(), &tally())).expect("text");
        for end in 0..written.len() {
            if let Some(part) = written.get(..end) {
                assert!(read(part).is_err(), "{end}");
            }
        }
        let changed = written.replacen("680", "681", 1);
        assert_eq!(read(&changed), Err(SpoolError::End));
        assert_eq!(
            read("heliostat-spool 2\ta\t0\t1\t2\t3\n"),
            Err(SpoolError::Head)
        );
    }

    /// A text with a right sum, as somebody who may bring files can make it.
    fn forged(from: &str, line: &str, count: &str) -> String {
        let body = format!("heliostat-spool 1\tfront\tab\t1\t{from}\n{line}");
        format!("{body}end\t{count}\t{:016x}\n", xxh3_64(body.as_bytes()))
    }

    #[test]
    fn a_forged_file_is_refused_and_never_ends_the_program() {
        const PERIOD: &str = "1795867200\t1795867260";
        let product = |bytes: &str| format!("d\tp\t1\t\t\t\tde\t1\t{bytes}\n");
        read(&forged(PERIOD, &product("72057594037927936"), "1")).expect("large, but a number");
        for count in ["0", "2", "18446744073709551615", "9223372036854775807"] {
            let text = forged(PERIOD, &product("1"), count);
            assert_eq!(read(&text), Err(SpoolError::End), "{count}");
        }
        for number in ["72057594037927937", "9223372036854775808", "-1", ""] {
            let text = forged(PERIOD, &product(number), "1");
            assert_eq!(read(&text), Err(SpoolError::Line(2)), "{number}");
        }
        for period in [
            "-9223372036854775808\t9223372036854775807",
            "0\t9223372036854775807",
            "9223372036854775807\t0",
            "1795867260\t1795867200",
            "-60\t0",
            "1795867200\t1805867260",
        ] {
            let text = forged(period, &product("1"), "1");
            assert_eq!(read(&text), Err(SpoolError::Period), "{period}");
        }
    }
}
