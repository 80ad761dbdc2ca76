//! Finds downloads of products in access logs by the rules of MirrorBrain's `dlcount`, from its own
//! configuration.
//!
//! Each expression must fit at the beginning of a text, as Python's `match` does; replacements are
//! made everywhere in it, as by `sub`.

use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};

use fancy_regex::{Captures, Regex};
use xxhash_rust::xxh3::xxh3_128;

use super::product::{CountPatternError, ProductNames, compile};
use crate::domain::time::Timestamp;

/// Default window in lines within which equal requests count once.
const WINDOW_DEFAULT: usize = 200;

/// More lines would be a mistake; each takes some dozen bytes.
const WINDOW_MAX: usize = 10_000_000;

/// The lines of MirrorBrain's log that count: client, time, URL, status, referer, program, country.
const LOG_MASK: &str = "^(\\S+).+\\[(.*?)\\] \"GET (\\S*) HTTP.*\" (200|302) [^\"]+ \
    \"([^\"]*)\" \"([^\"]*)\".* \\w\\w:(\\w\\w) ASN:";

/// The same, with clients whose country is unknown.
const LOG_MASK_BETTER: &str = "^(\\S+).+\\[(.*?)\\] \"GET (\\S*) HTTP.*\" (200|302) [^\"]+ \
    \"([^\"]*)\" \"([^\"]*)\".* [\\w-]{2}:(\\w\\w|--) ASN:";

/// An expression and the text that replaces what it finds.
#[derive(Debug, Clone)]
struct Substitution {
    /// Fits only at the beginning of a text.
    anchored: Regex,
    anywhere: Regex,
    text: Vec<Piece>,
}

/// A part of a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Group(usize),
    Named(String),
}

/// The rules.
#[derive(Debug, Clone)]
pub struct Dlcount {
    log_mask: Regex,
    ignore_masks: Vec<Regex>,
    ignore_addresses: Vec<String>,
    window: usize,
    before: Vec<Substitution>,
    counts: Vec<Substitution>,
    after: Vec<Substitution>,
}

/// Reason for which a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DlcountError {
    /// A word that is no directive.
    #[error("line {line}: '{word}' is no directive of dlcount")]
    Unknown {
        /// The line.
        line: usize,
        /// The word.
        word: String,
    },
    /// Arguments that cannot be read.
    #[error("line {line}: {problem}")]
    Arguments {
        /// The line.
        line: usize,
        /// The problem.
        problem: String,
    },
    /// An expression that cannot be used.
    #[error("line {line}")]
    Expression {
        /// The line.
        line: usize,
        /// Why not.
        source: CountPatternError,
    },
    /// A mask with another number of groups.
    #[error(
        "StatsLogMask has {0} groups; it needs 7 (client, time, URL, status, referer, \
         User-Agent, country), or the first 6"
    )]
    Groups(usize),
}

/// A download that a line stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedDownload<'l> {
    /// Its time as written.
    pub time: &'l str,
    /// The product.
    pub names: ProductNames,
    /// The client's country in lower case; `--`: unknown.
    pub country: String,
}

/// A request whose URL no expression fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmatchedUrl<'l> {
    /// Its time as written.
    pub time: &'l str,
    /// The URL as written.
    pub url: &'l str,
    /// The client's country in lower case; `--`: unknown.
    pub country: String,
}

/// The meaning of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineVerdict<'l> {
    /// A request that does not count.
    NoRequest,
    /// A request that the configuration ignores.
    Ignored,
    /// The same request stands a few lines before.
    Repeated,
    /// No expression fits the URL; its path may be a product by other rules.
    Unmatched(UnmatchedUrl<'l>),
    /// The text that an expression makes is not four words.
    Unusable,
    /// A download.
    Download(LoggedDownload<'l>),
}

/// The parts of a line that the mask finds.
struct LogParts<'l> {
    client: &'l str,
    time: &'l str,
    url: &'l str,
    referer: &'l str,
    user_agent: &'l str,
    country: &'l str,
}

impl Dlcount {
    /// Reads a configuration. `is_like`: lines of clients in unknown countries do not count, as in
    /// dlcount.
    ///
    /// # Errors
    /// Returns [`DlcountError`] with the line that cannot be used.
    pub fn parse(text: &str, is_like: bool) -> Result<Dlcount, DlcountError> {
        let mask = if is_like { LOG_MASK } else { LOG_MASK_BETTER };
        let expression = |line, text: &str| {
            compile(text).map_err(|source| DlcountError::Expression { line, source })
        };
        let mut rules = Dlcount {
            log_mask: expression(0, mask)?,
            ignore_masks: Vec::new(),
            ignore_addresses: Vec::new(),
            window: WINDOW_DEFAULT,
            before: Vec::new(),
            counts: Vec::new(),
            after: Vec::new(),
        };
        let mut has_mask = false;
        for (line, row) in (1..).zip(text.lines()) {
            let row = row.trim();
            if row.is_empty() || row.starts_with('#') {
                continue;
            }
            let (word, arguments) = row.split_once(char::is_whitespace).unwrap_or((row, ""));
            let arguments = arguments.trim();
            match word.to_ascii_lowercase().as_str() {
                // The first one counts.
                "statslogmask" if has_mask => {}
                "statslogmask" => {
                    rules.log_mask = expression(line, &at_begin(&one(line, arguments)?))?;
                    has_mask = true;
                }
                "statsignoremask" => {
                    let mask = expression(line, &at_begin(&one(line, arguments)?))?;
                    rules.ignore_masks.push(mask);
                }
                "statsignoreip" => rules.ignore_addresses.push(arguments.to_owned()),
                "statsdupwindow" => rules.window = window(line, arguments)?,
                "statsprefilter" => rules.before.push(Substitution::parse(line, arguments)?),
                "statscount" => rules.counts.push(Substitution::parse(line, arguments)?),
                "statspostfilter" => rules.after.push(Substitution::parse(line, arguments)?),
                _ => {
                    let word = word.to_owned();
                    return Err(DlcountError::Unknown { line, word });
                }
            }
        }
        match rules.log_mask.captures_len() - 1 {
            6 | 7 => Ok(rules),
            other => Err(DlcountError::Groups(other)),
        }
    }

    fn parts<'l>(&self, line: &'l str) -> Option<LogParts<'l>> {
        let found = self.log_mask.captures(line).ok().flatten()?;
        let group = |number| found.get(number).map_or("", |part| part.as_str());
        Some(LogParts {
            client: group(1),
            time: group(2),
            url: group(3),
            referer: group(5),
            user_agent: group(6),
            country: if found.len() > 7 { group(7) } else { "--" },
        })
    }

    fn is_ignored(&self, parts: &LogParts<'_>) -> bool {
        let fits = |mask: &Regex| mask.is_match(parts.url).unwrap_or(false);
        let begins = |begin: &String| parts.client.starts_with(begin.as_str());
        self.ignore_masks.iter().any(fits) || self.ignore_addresses.iter().any(begins)
    }

    /// The words that the expressions make of a URL; `also` hears of a second one that fits.
    fn words(&self, url: &str, also: &mut dyn FnMut(usize, usize)) -> Option<String> {
        let mut url = Cow::Borrowed(url);
        for rule in &self.before {
            url = Cow::Owned(rule.replace(&url));
        }
        let fits = |rule: &Substitution, url: &str| rule.anchored.is_match(url).unwrap_or(false);
        let first = self.counts.iter().position(|rule| fits(rule, &url))?;
        let mut text = self.counts[first].replace(&url);
        for (second, rule) in self.counts.iter().enumerate().skip(first + 1) {
            if fits(rule, &text) {
                also(first, second);
            }
        }
        for rule in &self.after {
            text = rule.replace(&text);
        }
        Some(text)
    }
}

fn arguments_error(line: usize, problem: &str) -> DlcountError {
    DlcountError::Arguments {
        line,
        problem: problem.to_owned(),
    }
}

fn window(line: usize, text: &str) -> Result<usize, DlcountError> {
    let window = text.parse().ok().filter(|window| *window <= WINDOW_MAX);
    window.ok_or_else(|| arguments_error(line, "StatsDupWindow needs a number of lines"))
}

/// An expression that fits at the beginning alone, as Python's `match`.
fn at_begin(expression: &str) -> String {
    format!("\\A(?:{expression})")
}

/// The text between the first quote, which begins the text, and the last one.
fn one(line: usize, text: &str) -> Result<String, DlcountError> {
    let inside = text
        .strip_prefix('"')
        .and_then(|text| text.rsplit_once('"'));
    let (inside, _) = inside.ok_or_else(|| arguments_error(line, "an argument has no quotes"))?;
    Ok(inside.replace("\\\"", "\""))
}

impl Substitution {
    /// Reads `"EXPRESSION" "REPLACEMENT"`; quotes within have a backslash.
    fn parse(line: usize, text: &str) -> Result<Substitution, DlcountError> {
        let problem = || arguments_error(line, "it needs two arguments in quotes");
        let (first, second) = two(text).ok_or_else(problem)?;
        let expression =
            |text: &str| compile(text).map_err(|source| DlcountError::Expression { line, source });
        Ok(Substitution {
            anchored: expression(&at_begin(&first))?,
            anywhere: expression(&first)?,
            text: pieces(&second),
        })
    }

    fn replace(&self, text: &str) -> String {
        let replaced = self
            .anywhere
            .replace_all(text, |found: &Captures<'_, str>| {
                let mut out = String::new();
                for piece in &self.text {
                    match piece {
                        Piece::Text(text) => out.push_str(text),
                        Piece::Group(number) => {
                            out.push_str(found.get(*number).map_or("", |group| group.as_str()));
                        }
                        Piece::Named(name) => {
                            out.push_str(found.name(name).map_or("", |group| group.as_str()));
                        }
                    }
                }
                out
            });
        replaced.into_owned()
    }
}

/// Two arguments in quotes. As in dlcount, the first reaches to the last quotes that stand around
/// white space, and the second to the last of all.
fn two(text: &str) -> Option<(String, String)> {
    let inside = text.strip_prefix('"')?;
    let (inside, _) = inside.rsplit_once('"')?;
    let between = |at: usize| {
        let after = inside[at + 1..].trim_start();
        let is_between = after.len() < inside.len() - at - 1 && after.starts_with('"');
        is_between.then(|| (&inside[..at], &after[1..]))
    };
    let quotes: Vec<usize> = inside.match_indices('"').map(|(at, _)| at).collect();
    let (first, second) = quotes.into_iter().rev().find_map(between)?;
    Some((first.replace("\\\"", "\""), second.replace("\\\"", "\"")))
}

/// Takes a replacement of Python apart: `\1`, `\g<1>`, `\g<name>`, `\\`.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let digits = digits.min(2);
        let named = after
            .strip_prefix("g<")
            .and_then(|after| after.split_once('>'));
        let (piece, left) = match (digits, named) {
            (1.., _) => {
                let number = after[..digits].parse().unwrap_or(0);
                (Piece::Group(number), &after[digits..])
            }
            (_, Some((name, left))) => {
                let number = name.parse().map(Piece::Group);
                (
                    number.unwrap_or_else(|_| Piece::Named(name.to_owned())),
                    left,
                )
            }
            _ => {
                let mut chars = after.chars();
                match chars.next() {
                    Some('n') => plain.push('\n'),
                    Some('t') => plain.push('\t'),
                    Some('\\') | None => plain.push('\\'),
                    // Python leaves other pairs as they are.
                    Some(other) => plain.extend(['\\', other]),
                }
                rest = chars.as_str();
                continue;
            }
        };
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(piece);
        rest = left;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    pieces
}

/// The day of a time such as `27/Nov/2026:10:00:00 +0100`, in days since 1970: of UTC, or
/// (`is_like`) as it is written, as dlcount takes it.
pub fn day_of(time: &str, is_like: bool) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (moment, zone) = time.split_once(' ')?;
    let mut parts = moment.split(['/', ':']);
    let mut next = || parts.next();
    let number = |text: &str, most: u32| text.parse::<u32>().ok().filter(|value| *value <= most);
    let day = number(next()?, 31)?;
    let name = next()?;
    let month = (1..).zip(MONTHS).find(|(_, known)| *known == name)?.0;
    let year = number(next()?, 9999)?;
    let clock = (
        number(next()?, 23)?,
        number(next()?, 59)?,
        number(next()?, 60)?,
    );
    let at = Timestamp::from_utc((year.into(), month, day), clock).0;
    let offset = match is_like {
        true => 0,
        false => {
            let digits = number(zone.get(1..)?, 2359)?;
            let seconds = i64::from(digits / 100) * 3600 + i64::from(digits % 100) * 60;
            match zone.as_bytes().first()? {
                b'+' => seconds,
                b'-' => -seconds,
                _ => return None,
            }
        }
    };
    Some((at - offset).div_euclid(86_400))
}

/// Judges lines in their order.
#[derive(Debug)]
pub struct LogJudge<'d> {
    rules: &'d Dlcount,
    /// The last requests, the oldest first.
    window: VecDeque<u128>,
    known: HashSet<u128>,
}

impl<'d> LogJudge<'d> {
    /// A judge that has seen no line yet.
    pub fn new(rules: &'d Dlcount) -> LogJudge<'d> {
        LogJudge {
            rules,
            window: VecDeque::new(),
            known: HashSet::new(),
        }
    }

    /// Judges the next line; `also` hears of two expressions that fit the same URL.
    pub fn judge<'l>(
        &mut self,
        line: &'l str,
        also: &mut dyn FnMut(usize, usize),
    ) -> LineVerdict<'l> {
        let Some(parts) = self.rules.parts(line) else {
            return LineVerdict::NoRequest;
        };
        if self.rules.is_ignored(&parts) {
            return LineVerdict::Ignored;
        }
        if self.is_repeated(&parts) {
            return LineVerdict::Repeated;
        }
        let Some(words) = self.rules.words(parts.url, also) else {
            return LineVerdict::Unmatched(UnmatchedUrl {
                time: parts.time,
                url: parts.url,
                country: parts.country.to_ascii_lowercase(),
            });
        };
        let words: Vec<&str> = words.split_whitespace().collect();
        let [product, os, version, lang] = words[..] else {
            return LineVerdict::Unusable;
        };
        LineVerdict::Download(LoggedDownload {
            time: parts.time,
            names: ProductNames {
                product: product.to_owned(),
                version: version.to_owned(),
                os: os.to_owned(),
                arch: String::new(),
                lang: lang.to_owned(),
            },
            country: parts.country.to_ascii_lowercase(),
        })
    }

    fn is_repeated(&mut self, parts: &LogParts<'_>) -> bool {
        if self.rules.window == 0 {
            return false;
        }
        let all = [parts.client, parts.url, parts.referer, parts.user_agent];
        let key = xxh3_128(all.concat().as_bytes());
        if !self.known.insert(key) {
            return true;
        }
        self.window.push_back(key);
        if self.window.len() > self.rules.window
            && let Some(oldest) = self.window.pop_front()
        {
            self.known.remove(&oldest);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Masks of the kind that a project with many files has.
    const CONF: &str = concat!(
        "# comment\n\nStatsIgnoreMask \"^.*\\.(asc|md5)$\"\nstatsignoreip 10.10.\n",
        "StatsDupWindow 3\n",
        "StatsPreFilter \"^/libreoffice/\" \"/\"\nStatsPreFilter \"//+\" \"/\"\n",
        r#"StatsCount "^/(?:stable|testing)/(?P<app>LO)_([0-9.]+(?:-beta[0-9])?)_"#,
        r#"(Win|Linux)_(x86|x64)_install_([A-Za-z-]+)\.(?:exe|tar\.gz)$" "#,
        "\"\\g<app> \\3-\\4 \\2 \\5\"\n",
        r#"StatsCount "^/portable/([0-9.]+)/LibreOfficePortable_\1\.paf\.exe$" "#,
        "\"Portable Win \\1 multi\"\n",
        "StatsCount \"^/odd/(\\\"?.*)$\" \"one two\"\n",
        "StatsPostFilter \"-x64\" \"-x86_64\"\n",
    );

    fn line(client: &str, url: &str, country: &str) -> String {
        format!(
            "{client} - - [27/Nov/2026:10:00:00 +0100] \"GET {url} HTTP/1.1\" 302 - \"-\" \
             \"curl/8\" want:file give:redirect r:country m {country} ASN:680 P:192.0.2.0/24 \
             size:5 -"
        )
    }

    fn names(verdict: LineVerdict<'_>) -> Option<[String; 5]> {
        match verdict {
            LineVerdict::Download(found) => {
                let names = found.names;
                Some([
                    names.product,
                    names.os,
                    names.version,
                    names.lang,
                    found.country,
                ])
            }
            _ => None,
        }
    }

    #[test]
    fn downloads_are_named_as_by_dlcount() {
        let rules = Dlcount::parse(CONF, true).expect("a configuration");
        let mut judge = LogJudge::new(&rules);
        let beta = "/libreoffice/testing/LO_3.3.0-beta1_Win_x86_install_en-US.exe";
        let mut found = |line: &str| names(judge.judge(line, &mut |_, _| {}));
        let expected = ["LO", "Win-x86", "3.3.0-beta1", "en-US", "us"].map(str::to_owned);
        assert_eq!(
            found(&line("192.0.2.1", beta, "NA:US")),
            Some(expected.clone())
        );
        // Again within the window, then behind it.
        assert_eq!(found(&line("192.0.2.1", beta, "NA:US")), None);
        let x64 = "/stable/LO_4.0_Linux_x64_install_de.tar.gz";
        for client in ["192.0.2.2", "192.0.2.3", "192.0.2.4"] {
            let names = found(&line(client, x64, "EU:DE")).expect("it counts");
            assert_eq!(names[1], "Linux-x86_64");
        }
        assert_eq!(found(&line("192.0.2.1", beta, "NA:US")), Some(expected));
        let other = line("192.0.2.9", beta, "NA:US");
        for text in [
            other.replace("302", "206"),
            other.replace("GET", "HEAD"),
            other.replace(beta, &format!("{beta}?x=1")),
            other.replace(beta, &format!("{beta}.asc")),
            other.replace("192.0.2.9", "10.10.0.1"),
            other.replace("NA:US", "--:--"),
            "x".to_owned(),
        ] {
            assert_eq!(found(&text), None, "{text}");
        }
    }

    #[test]
    fn unknown_countries_count_and_back_references_hold() {
        let rules = Dlcount::parse(CONF, false).expect("a configuration");
        let mut judge = LogJudge::new(&rules);
        let mut found =
            |url: &str| names(judge.judge(&line("1.2.3.4", url, "--:--"), &mut |_, _| {}));
        let good = found("/libreoffice/portable/3.3.0/LibreOfficePortable_3.3.0.paf.exe");
        let expected = ["Portable", "Win", "3.3.0", "multi", "--"].map(str::to_owned);
        assert_eq!(good, Some(expected));
        let bad = "/libreoffice/portable/3.3.0/LibreOfficePortable_3.4.0.paf.exe";
        assert_eq!(found(bad), None);
        let text = line("1.2.3.5", bad, "--:--");
        let verdict = judge.judge(&text, &mut |_, _| {});
        assert!(matches!(verdict, LineVerdict::Unmatched(found) if found.url == bad));
        let text = line("1.2.3.5", "/odd/x", "EU:DE");
        assert_eq!(judge.judge(&text, &mut |_, _| {}), LineVerdict::Unusable);
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_line() {
        for (text, expected) in [
            (
                "\nStatsFoo 1",
                "line 2: 'StatsFoo' is no directive of dlcount",
            ),
            (
                "StatsCount \"a\"",
                "line 1: it needs two arguments in quotes",
            ),
            (
                "StatsDupWindow x",
                "line 1: StatsDupWindow needs a number of lines",
            ),
            ("StatsIgnoreMask a", "line 1: an argument has no quotes"),
            ("StatsLogMask \"(a)\"", "StatsLogMask has 1 groups"),
            ("StatsCount \"(\" \"b\"", "line 1"),
        ] {
            let error = Dlcount::parse(text, true).expect_err("refused").to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn days_are_of_utc_or_as_written() {
        let day = |text: &str, is_like| {
            let day = day_of(text, is_like);
            day.map(|day| Timestamp(day * 86_400).date())
        };
        for (text, expected, as_written) in [
            ("27/Nov/2026:00:30:00 +0100", Some(26), Some(27)),
            ("27/Nov/2026:23:30:00 -0100", Some(28), Some(27)),
            ("27/Nov/2026:10:00:00 +0000", Some(27), Some(27)),
            ("27/Nov/2026:10:00:00 x", None, Some(27)),
            ("27/Foo/2026:10:00:00 +0000", None, None),
            ("27/Nov/2026", None, None),
        ] {
            let of_november = |day| (2026, 11, day);
            assert_eq!(day(text, false), expected.map(of_november), "{text}");
            assert_eq!(day(text, true), as_written.map(of_november), "{text}");
        }
    }

    #[test]
    fn replacements_are_pythons() {
        let text = |text: &str| Piece::Text(text.to_owned());
        for (replacement, expected) in [
            (
                r"\1-\g<2>",
                vec![Piece::Group(1), text("-"), Piece::Group(2)],
            ),
            (
                r"a\g<n>\\",
                vec![text("a"), Piece::Named("n".to_owned()), text("\\")],
            ),
            (r"\.", vec![text("\\.")]),
            ("$1", vec![text("$1")]),
        ] {
            assert_eq!(pieces(replacement), expected, "{replacement}");
        }
    }
}
