//! Reads the values that an admin writes for the fields of a mirror, one by one.

use super::mirror::{MirrorKind, SCORE_MAX, parse_prefix, refused_character};
use super::name::{NameError, check_name};
use crate::domain::cache::{PathPattern, PatternError, VersionKey};
use crate::domain::place::{Asn, CountryCode, RegionCode};
use crate::domain::url::{BaseUrl, BaseUrlError, Scheme, mask_password};

/// Longest text of one field in bytes; MirrorBrain's columns held at most 512 characters.
const TEXT_BYTES_MAX: usize = 4096;

/// The continents.
const REGIONS: [&str; 7] = ["af", "an", "as", "eu", "na", "oc", "sa"];

/// A value that a field cannot have: what was given, why it cannot be used, what to write. URLs are
/// given with stars for their passwords.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// A mirror cannot have that name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A text beyond the limit.
    #[error("it is longer than {TEXT_BYTES_MAX} bytes")]
    TooLong,
    /// Neither yes nor no.
    #[error("'{0}' is neither True nor False")]
    Flag(String),
    /// A character that ends a URL, or opens something else.
    #[error(
        "'{}' cannot be used: '{}' may not stand in a URL",
        url.escape_debug(),
        character.escape_debug()
    )]
    UrlCharacter {
        /// The text that was given.
        url: String,
        /// The first such character.
        character: char,
    },
    /// No URL.
    #[error("'{url}' cannot be used: {cause}")]
    Url {
        /// The text that was given.
        url: String,
        /// Why it is none.
        cause: BaseUrlError,
    },
    /// A URL that clients cannot be sent to.
    #[error(
        "'{url}' cannot be used: clients are sent to http://, https:// or ftp://, not to {}",
        scheme.as_str()
    )]
    ClientScheme {
        /// The text that was given.
        url: String,
        /// Its scheme.
        scheme: Scheme,
    },
    /// No URL for scans.
    #[error("'{url}' cannot be used: {cause}; write it as {form}")]
    ScanUrl {
        /// The text that was given.
        url: String,
        /// Why it is none.
        cause: BaseUrlError,
        /// How such a URL is written.
        form: &'static str,
    },
    /// A URL of another scheme than that of the field.
    #[error("'{url}' cannot be used: write it as {form}")]
    ScanScheme {
        /// The text that was given.
        url: String,
        /// How such a URL is written.
        form: &'static str,
    },
    /// Two further base URLs of one scheme.
    #[error("there may be one further base URL for each scheme")]
    SchemeTwice,
    /// No continent.
    #[error("'{0}' is no continent; write one of {regions}", regions = REGIONS.join(" "))]
    Region(String),
    /// No country.
    #[error(
        "'{0}' is no country; write its two letters of ISO 3166 (de, gb), or ** for everywhere"
    )]
    Country(String),
    /// No country, in a list of them.
    #[error("'{0}' is no country; write codes of ISO 3166 separated by commas: ca,us")]
    Countries(String),
    /// No AS number.
    #[error("'{0}' is no AS number from 1 to 4294967295")]
    Asn(String),
    /// No network.
    #[error("'{0}' is no address prefix such as 192.0.2.0/24 or 2001:db8::/32")]
    Prefix(String),
    /// No score.
    #[error("'{0}' is no score from 0 (never chosen) to {SCORE_MAX}")]
    Score(String),
    /// No size.
    #[error("'{0}' is no number of bytes; 0 stands for any")]
    Bytes(String),
    /// No duration.
    #[error("'{0}' is no number of seconds, such as 86400")]
    Seconds(String),
    /// No way to name versions.
    #[error("'{0}' is unknown; write none, query or path")]
    VersionKey(String),
    /// No pattern on paths.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// No kind of mirror.
    #[error("'{0}' is neither mirror nor cache")]
    Kind(String),
    /// No pair of numbers.
    #[error("'{0}' are no coordinates; write LATITUDE,LONGITUDE in degrees: 52.5,13.4")]
    Coordinates(String),
    /// No latitude or longitude.
    #[error("'{text}' is no number of degrees from -{most} to {most}")]
    Degrees {
        /// The text that was given.
        text: String,
        /// The largest number.
        most: f64,
    },
}

/// Any text on one line.
pub fn text(value: &str) -> Result<String, ValueError> {
    if value.len() > TEXT_BYTES_MAX {
        return Err(ValueError::TooLong);
    }
    Ok(value.to_owned())
}

/// A mirror's name.
pub fn identifier(value: &str) -> Result<String, ValueError> {
    check_name(value)?;
    Ok(value.to_owned())
}

/// Any text, of several lines, too.
pub fn lines(value: &str) -> Result<String, ValueError> {
    Ok(value.to_owned())
}

/// `yes`, `true`, `1`, `on`… or their opposite.
pub fn flag(value: &str) -> Result<bool, ValueError> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err(ValueError::Flag(value.to_owned())),
    }
}

/// The base URL that clients are sent to; empty: none.
pub fn base_url(value: &str) -> Result<String, ValueError> {
    if value.is_empty() {
        return Ok(String::new());
    }
    let url = mask_password(value);
    if let Some(character) = refused_character(value) {
        return Err(ValueError::UrlCharacter { url, character });
    }
    match BaseUrl::parse(value).map(|parsed| parsed.scheme()) {
        Ok(Scheme::Http | Scheme::Https | Scheme::Ftp) => Ok(value.to_owned()),
        Ok(scheme) => Err(ValueError::ClientScheme { url, scheme }),
        Err(cause) => Err(ValueError::Url { url, cause }),
    }
}

/// A URL for scans by FTP; empty: none. `ftpes` is FTP that asks for TLS first of all.
pub fn ftp_url(value: &str) -> Result<String, ValueError> {
    if let Some(rest) = value.strip_prefix("ftpes://") {
        // The same rules hold, and clients are never sent there.
        return ftp_url(&format!("ftps://{rest}")).map(|_| value.to_owned());
    }
    scan_url(value, &[Scheme::Ftp, Scheme::Ftps], "ftp://HOST/PATH/")
}

/// A URL for scans by rsync; empty: none. `HOST::MODULE` is rsync's own way to write one.
pub fn rsync_url(value: &str) -> Result<String, ValueError> {
    if let Some((host, module)) = value.split_once("::") {
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        if plain(host) && !host.contains('/') && plain(module) {
            return Ok(value.to_owned());
        }
    }
    scan_url(value, &[Scheme::Rsync], "rsync://HOST/MODULE/")
}

fn scan_url(value: &str, schemes: &[Scheme], form: &'static str) -> Result<String, ValueError> {
    if value.is_empty() {
        return Ok(String::new());
    }
    let url = mask_password(value);
    match BaseUrl::parse(value) {
        Ok(parsed) if schemes.contains(&parsed.scheme()) => Ok(value.to_owned()),
        Ok(_) => Err(ValueError::ScanScheme { url, form }),
        Err(cause) => Err(ValueError::ScanUrl { url, cause, form }),
    }
}

/// Further base URLs, separated by spaces.
pub fn further_urls(value: &str) -> Result<Vec<String>, ValueError> {
    let urls: Vec<String> = value
        .split_ascii_whitespace()
        .map(base_url)
        .collect::<Result<_, _>>()?;
    let mut schemes: Vec<Option<Scheme>> = urls.iter().map(|url| Scheme::of(url)).collect();
    schemes.sort_unstable();
    if schemes.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(ValueError::SchemeTwice);
    }
    Ok(urls)
}

/// Continent; empty: unknown.
pub fn region(value: &str) -> Result<String, ValueError> {
    let known = RegionCode::parse(value.as_bytes())
        .map(|code| code.to_string())
        .filter(|code| REGIONS.contains(&code.as_str()));
    match known {
        Some(code) => Ok(code),
        None if value.is_empty() => Ok(String::new()),
        None => Err(ValueError::Region(value.to_owned())),
    }
}

/// Country, `**` for everywhere; empty: unknown.
pub fn country(value: &str) -> Result<String, ValueError> {
    match CountryCode::parse(value.as_bytes()) {
        Some(code) if code.is_known() => Ok(code.to_string()),
        None if value.is_empty() || value == "**" => Ok(value.to_owned()),
        _ => Err(ValueError::Country(value.to_owned())),
    }
}

/// Two-letter countries, separated by commas or spaces.
pub fn countries(value: &str) -> Result<String, ValueError> {
    let codes = value.split([',', ' ']).filter(|code| !code.is_empty());
    for code in codes {
        let known = CountryCode::parse(code.as_bytes()).filter(|code| code.is_known());
        if known.is_none() {
            return Err(ValueError::Countries(code.to_owned()));
        }
    }
    Ok(value.to_owned())
}

/// An AS number; empty and 0: unknown.
pub fn asn(value: &str) -> Result<i64, ValueError> {
    if value.is_empty() || value == "0" {
        return Ok(0);
    }
    let number: Result<Asn, ()> = value.parse();
    number
        .map(|asn| i64::from(asn.number()))
        .map_err(|()| ValueError::Asn(value.to_owned()))
}

/// Further AS numbers, separated by spaces or commas.
pub fn further_asns(value: &str) -> Result<Vec<String>, ValueError> {
    list(value)
        .map(|text| asn(text).map(|number| number.to_string()))
        .collect()
}

/// An address prefix; empty: unknown.
pub fn prefix(value: &str) -> Result<String, ValueError> {
    if value.is_empty() || parse_prefix(value).is_some() {
        return Ok(value.to_owned());
    }
    Err(ValueError::Prefix(value.to_owned()))
}

/// Further address prefixes, separated by spaces or commas.
pub fn further_prefixes(value: &str) -> Result<Vec<String>, ValueError> {
    list(value).map(prefix).collect()
}

fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ' ']).filter(|text| !text.is_empty())
}

/// A score.
pub fn score(value: &str) -> Result<i64, ValueError> {
    let number: Option<i64> = value.parse().ok();
    number
        .filter(|score| (0..=i64::from(SCORE_MAX)).contains(score))
        .ok_or_else(|| ValueError::Score(value.to_owned()))
}

/// A number of bytes.
pub fn bytes(value: &str) -> Result<i64, ValueError> {
    let number: Option<i64> = value.parse().ok();
    number
        .filter(|bytes| *bytes >= 0)
        .ok_or_else(|| ValueError::Bytes(value.to_owned()))
}

/// A number of seconds.
pub fn seconds(value: &str) -> Result<i64, ValueError> {
    let number: Option<i64> = value.parse().ok();
    number
        .filter(|seconds| *seconds >= 0)
        .ok_or_else(|| ValueError::Seconds(value.to_owned()))
}

/// `none`, `query` or `path`.
pub fn version_key(value: &str) -> Result<VersionKey, ValueError> {
    VersionKey::from_word(value).ok_or_else(|| ValueError::VersionKey(value.to_owned()))
}

/// Address prefixes, separated by spaces or commas.
pub fn networks(value: &str) -> Result<String, ValueError> {
    Ok(further_prefixes(value)?.join(" "))
}

/// Patterns on paths, separated by spaces.
pub fn path_patterns(value: &str) -> Result<String, ValueError> {
    let texts: Vec<&str> = value.split_ascii_whitespace().collect();
    if value.len() > TEXT_BYTES_MAX {
        return Err(ValueError::TooLong);
    }
    for text in &texts {
        PathPattern::new(text)?;
    }
    Ok(texts.join(" "))
}

/// `mirror` or `cache`.
pub fn kind(value: &str) -> Result<MirrorKind, ValueError> {
    MirrorKind::from_word(value).ok_or_else(|| ValueError::Kind(value.to_owned()))
}

/// `52.5,13.4`; empty or `None,None`, as `mb` writes it: unknown.
pub fn coordinates(value: &str) -> Result<Option<(f64, f64)>, ValueError> {
    let parts: Vec<&str> = value.split(',').map(str::trim).collect();
    match parts.as_slice() {
        [""] | ["None", "None"] | ["", ""] => Ok(None),
        [latitude, longitude] => {
            let latitude = degrees(latitude, 90.0)?;
            Ok(Some((latitude, degrees(longitude, 180.0)?)))
        }
        _ => Err(ValueError::Coordinates(value.to_owned())),
    }
}

fn degrees(text: &str, most: f64) -> Result<f64, ValueError> {
    let number: Option<f64> = text.parse().ok();
    number
        .filter(|degrees| degrees.abs() <= most)
        .ok_or_else(|| ValueError::Degrees {
            text: text.to_owned(),
            most,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares readings with a table: a value, then the text that it is read as, or after `!` the
    /// beginning of the complaint.
    fn check(read: impl Fn(&str) -> Result<String, ValueError>, cases: &[(&str, &str)]) {
        for (value, expected) in cases {
            match (read(value), expected.strip_prefix('!')) {
                (Ok(found), None) => assert_eq!(found, *expected, "{value}"),
                (Err(error), Some(part)) => {
                    let problem = error.to_string();
                    assert!(problem.contains(part), "{value}: {problem}");
                    assert_eq!(problem.lines().count(), 1, "{problem}");
                }
                (found, _) => panic!("{value}: {found:?}, not {expected}"),
            }
        }
    }

    #[test]
    fn urls_are_checked() {
        check(
            base_url,
            &[
                ("", ""),
                ("http://m:8080/x", "http://m:8080/x"),
                ("ftp://m/", "ftp://m/"),
                ("m.example.org/x", "!no scheme"),
                ("rsync://m/x", "!not to rsync"),
                ("http://m:0/", "!port"),
                ("http://m/<i>", "!'<' may not stand"),
                ("http://m/o'b", "!may not stand"),
                ("http://m/a b", "!may not stand"),
            ],
        );
        check(
            rsync_url,
            &[
                ("rsync://u:p@m/x/", "rsync://u:p@m/x/"),
                ("m.example.org::dist/sub", "m.example.org::dist/sub"),
                ("", ""),
                ("http://m/", "!rsync://HOST/MODULE/"),
                ("::x", "!rsync://HOST/MODULE/"),
            ],
        );
        check(
            ftp_url,
            &[
                ("ftp://m/", "ftp://m/"),
                ("ftpes://m:21/", "ftpes://m:21/"),
                ("ftpes://", "!has no host"),
                ("m", "!ftp://HOST"),
            ],
        );
        let joined = |value: &str| further_urls(value).map(|urls| urls.join("|"));
        check(
            joined,
            &[
                ("https://m/ ftp://m/", "https://m/|ftp://m/"),
                (
                    "https://m/ https://n/",
                    "!one further base URL for each scheme",
                ),
            ],
        );
    }

    #[test]
    fn places_networks_and_numbers_are_checked() {
        check(region, &[("EU", "eu"), ("", ""), ("xx", "!no continent")]);
        check(
            country,
            &[
                ("DE", "de"),
                ("**", "**"),
                ("", ""),
                ("deu", "!no country"),
                ("xx", "!no country"),
                ("uk", "!ISO 3166"),
                ("a1", "a1"),
            ],
        );
        check(
            countries,
            &[("ca, us", "ca, us"), ("", ""), ("usa", "!'usa'")],
        );
        check(
            prefix,
            &[("10.0.0.0/8", "10.0.0.0/8"), ("10/8", "!no address prefix")],
        );
        let asn = |value: &str| asn(value).map(|number| number.to_string());
        check(
            asn,
            &[
                ("AS680", "680"),
                ("", "0"),
                ("x", "!no AS"),
                ("4294967296", "!no AS"),
            ],
        );
        let score = |value: &str| score(value).map(|number| number.to_string());
        check(
            score,
            &[
                ("0", "0"),
                ("32767", "32767"),
                ("32768", "!score"),
                ("-1", "!score"),
            ],
        );
        let bytes = |value: &str| bytes(value).map(|number| number.to_string());
        check(
            bytes,
            &[
                ("5000000000", "5000000000"),
                ("-1", "!bytes"),
                ("1M", "!bytes"),
            ],
        );
        let flag = |value: &str| flag(value).map(|flag| flag.to_string());
        check(
            flag,
            &[("True", "true"), ("0", "false"), ("maybe", "!neither")],
        );
        let place = |value: &str| coordinates(value).map(|place| format!("{place:?}"));
        check(
            place,
            &[
                ("52.5,-13.4", "Some((52.5, -13.4))"),
                ("None,None", "None"),
                ("", "None"),
                ("91,0", "!'91'"),
                ("1", "!no coordinates"),
                ("NaN,1", "!'NaN'"),
            ],
        );
    }

    #[test]
    fn what_caches_have_is_checked() {
        let seconds = |value: &str| seconds(value).map(|number| number.to_string());
        check(
            seconds,
            &[("3600", "3600"), ("-1", "!seconds"), ("1d", "!seconds")],
        );
        let key = |value: &str| version_key(value).map(|key| key.as_str().to_owned());
        check(key, &[("query", "query"), ("etag", "!none, query or path")]);
        check(
            networks,
            &[
                ("192.0.2.0/24, 2001:db8::1", "192.0.2.0/24 2001:db8::1"),
                ("", ""),
                ("cache.example.org", "!no address prefix"),
            ],
        );
        check(
            path_patterns,
            &[(" pool/  iso/* ", "pool/ iso/*"), ("", "")],
        );
    }
}
