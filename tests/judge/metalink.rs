//! Metalinks, line by line: both are brought to one form, in which each deliberate difference is
//! taken back and noted; then they must be the same.

use regex::Captures;

use super::judge::{Case, Verdict};
use super::law::Ranking;
use super::recording::{bytes, expression, latin1};
use super::redirect::{country, unsigned};
use super::seed::magnet_fields;
use crate::stand_in::fcgi_client::percent_decoded;

/// A mirror of a metalink.
#[derive(Debug)]
struct Source {
    number: String,
    country: String,
    line: String,
    url: String,
}

/// Holds ours against the recorded one.
pub fn judge_metalink(verdict: &mut Verdict, case: &Case, ours: &str, theirs: &str) {
    // MirrorBrain writes a comment before a metaurl.
    let count = |text: &str| theirs.matches(text).count();
    verdict.expect(
        "recorded comment",
        count("<!-- Meta URLs -->"),
        count("<metaurl ").min(1),
    );
    let own = lines(verdict, case, ours, true);
    let right = lines(verdict, case, theirs, false);
    verdict.expect_lines("metalink", &own, &right);
}

/// Replaces the escapes of XML, as a reader does.
pub fn unescaped(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// A text with each URL of ours as MirrorBrain writes it.
pub fn decoded(text: &str) -> String {
    latin1(&percent_decoded(&bytes(text)))
}

/// Lines without white space around them, differences taken back; mirrors of a group sorted.
fn lines(verdict: &mut Verdict, case: &Case, text: &str, is_ours: bool) -> Vec<String> {
    let whose = if is_ours { "" } else { "recorded " };
    let text = times(verdict, text);
    let text = generator(verdict, &text, is_ours);
    let text = publisher(verdict, &text, is_ours);
    let text = counted(verdict, case, &text, is_ours);
    let ranking = if is_ours {
        &case.asked.ours
    } else {
        &case.asked.theirs
    };
    let mut result = Vec::new();
    let mut sources: Vec<Source> = Vec::new();
    let (mut numbers, mut named) = (Vec::new(), Vec::new());
    let path = case.asked.real.as_deref().unwrap_or_default();
    let mut last = 0;
    for line in text.lines().map(spaced).filter(|line| !line.is_empty()) {
        match source(verdict, case, &line, is_ours) {
            Some(source) => sources.push(source),
            None => {
                flush(verdict, (case, ranking), &mut sources, &mut last, whose);
                for source in sources.drain(..) {
                    numbers.push(source.number);
                    named.push(source.url);
                    result.push(source.line);
                }
                result.extend(other(verdict, case, &line, is_ours));
            }
        }
    }
    let found = result
        .iter()
        .filter(|line| expression(r"^<!-- Found (\d+ ){5}-->$").is_match(line))
        .count();
    verdict.expect(&format!("{whose}counts"), found, 1);
    if let Some(key) = case.other_mirrors() {
        // Each has the mirrors of its own ranking; the rest must be the same.
        verdict.differs(key);
        named.sort();
        let all: Vec<String> = ranking.places(path).into_keys().collect();
        verdict.expect(&format!("{whose}mirrors"), named, all);
        result.retain(|line| !line.starts_with("<url ") && !line.starts_with("<!-- Found "));
        return result;
    }
    result.push(format!("numbers: {numbers:?}"));
    result
}

/// White space counts as one space.
pub fn spaced(line: &str) -> String {
    line.split([' ', '\t'])
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The mirrors since the last other line: in the law's order, and then in one that is the same.
fn flush(
    verdict: &mut Verdict,
    (case, ranking): (&Case, &Ranking),
    sources: &mut [Source],
    last: &mut usize,
    whose: &str,
) {
    let path = case.asked.real.as_deref().unwrap_or_default();
    let (places, countries) = (ranking.places(path), ranking.countries(path));
    for source in sources.iter() {
        let country = countries.get(&source.url).map_or("", String::as_str);
        verdict.expect(
            &format!("{whose}country of {}", source.url),
            source.country.as_str(),
            country,
        );
        match places.get(&source.url) {
            Some(place) if place >= last => *last = *place,
            Some(_) => verdict.fail(format!("{whose}metalink: {} comes too late", source.url)),
            None => verdict.fail(format!(
                "{whose}metalink: {} is no mirror of it",
                source.url
            )),
        }
    }
    // Numbers go with the place, not with the mirror.
    let numbers: Vec<String> = sources.iter().map(|source| source.number.clone()).collect();
    sources.sort_by(|one, other| one.line.cmp(&other.line));
    for (source, number) in sources.iter_mut().zip(numbers) {
        source.number = number;
    }
}

/// `<url location="de" priority="1">URL</url>`
fn source(verdict: &mut Verdict, case: &Case, line: &str, is_ours: bool) -> Option<Source> {
    let mask = expression(
        "^<url (?:type=\"(\\w+)\" )?(?:location=\"([^\"]*)\" )?\
         (priority|preference)=\"(\\d+)\">(.*)</url>$",
    );
    let found = mask.captures(line)?;
    let text = |at: usize| found.get(at).map_or("", |group| group.as_str());
    let (scheme, number) = (text(1), text(4).to_owned());
    // The snippet of broken mirrors is the operator's, and a torrent is no mirror.
    let is_snippet = case.recording.header("X-Broken-Mirrors").is_some();
    if scheme == "bittorrent" || is_snippet && !text(5).contains(case.asked.real.as_deref()?) {
        return None;
    }
    let url = urls_of(verdict, text(5), is_ours);
    let url = unsigned(verdict, &case.asked, &url, is_ours);
    let country = country(verdict, text(2), is_ours);
    Some(Source {
        line: format!("<url {scheme} {country} {}>{url}", text(3)),
        country,
        number,
        url,
    })
}

/// A URL as MirrorBrain writes it: neither encoded nor escaped.
fn urls_of(verdict: &mut Verdict, text: &str, is_ours: bool) -> String {
    if !is_ours {
        return text.to_owned();
    }
    let plain = decoded(&unescaped(text));
    if plain != text {
        verdict.differs("escaping");
    }
    plain
}

/// Any other line.
fn other(verdict: &mut Verdict, case: &Case, line: &str, is_ours: bool) -> Vec<String> {
    let own = format!("{}{}", case.asked.origin, case.asked.file);
    let element = expression(
        "^<(?:metaurl mediatype=\"torrent\"|url type=\"bittorrent\" preference=\"100\")>\
         (.*)</(?:metaurl|url)>$",
    );
    if let Some(found) = element.captures(line) {
        let is_v4 = line.starts_with("<metaurl");
        let text = unescaped(&found[1]);
        if !is_ours && text.contains("xt=urn:btih:(null)") {
            verdict.differs("magnet-null");
            return Vec::new();
        }
        if text.starts_with("magnet:") {
            let fields = magnet_fields(verdict, case, &text, is_ours);
            return vec![format!("magnet in {}: {fields:?}", &line[..4])];
        }
        let url = urls_of(verdict, &found[1], is_ours);
        verdict.expect("torrent's URL", url, format!("{own}.torrent"));
        let is_meta4 = case.asked.path.ends_with(".meta4")
            || case.recording.answer.as_ref().is_some_and(|answer| {
                answer
                    .header("Content-Type")
                    .is_some_and(|mime| mime.contains("metalink4"))
            });
        if is_v4 != is_meta4 {
            // MirrorBrain writes version 3's element into a .meta4, too.
            verdict.expect("torrent's element is ours", is_ours, false);
            verdict.differs("torrent-element");
        }
        return vec!["torrent".to_owned()];
    }
    if !is_ours && line == "<!-- Meta URLs -->" {
        verdict.differs("torrent-element");
        return Vec::new();
    }
    if !is_ours {
        return vec![line.to_owned()];
    }
    let plain = unescaped(line);
    let is_url = line.starts_with("<origin ") || line.starts_with("origin=");
    let plain = if is_url { decoded(&plain) } else { plain };
    // A byte that is no UTF-8 and a character that is none of XML are written as %XX.
    let is_name = line.starts_with("<file name=") || line.starts_with("<signature ");
    let plain = if is_name && !case.asked.file.is_ascii() {
        decoded(&plain)
    } else {
        plain
    };
    if plain != line {
        verdict.differs("escaping");
    }
    vec![plain]
}

/// Times of an answer are its own.
fn times(verdict: &mut Verdict, text: &str) -> String {
    verdict.unjudged.insert("the time of an answer is its own");
    let text = expression(r"<published>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ</published>")
        .replace(text, "<published/>");
    expression(r#"(pubdate|refreshdate)="\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT""#)
        .replace_all(&text, |found: &Captures<'_>| found[1].to_owned())
        .into_owned()
}

fn generator(verdict: &mut Verdict, text: &str, is_ours: bool) -> String {
    let name = match is_ours {
        true => concat!("Heliostat/", env!("CARGO_PKG_VERSION")).to_owned(),
        false if text.contains("version=\"3.0\"") => {
            "MirrorBrain 2.19.0 (see http://mirrorbrain.org/)".to_owned()
        }
        false => "MirrorBrain/2.19.0".to_owned(),
    };
    verdict.differs("generator");
    text.replacen(&format!("<generator>{name}</generator>"), "<generator/>", 1)
        .replacen(&format!("generator=\"{name}\""), "generator", 1)
}

/// In a `.meta4` ours stands inside `file` and has attributes, as RFC 5854 says.
fn publisher(verdict: &mut Verdict, text: &str, is_ours: bool) -> String {
    if !text.contains("xmlns=\"urn:ietf:params:xml:ns:metalink\"") || is_ours {
        return text.to_owned();
    }
    let element = expression(
        "(?s)<publisher>\\s*<name>([^<]*)</name>\\s*<url>([^<]*)</url>\\s*</publisher>\\s*\
         (<file name=[^\n]*>\n)",
    );
    if element.is_match(text) {
        verdict.differs("publisher");
    }
    let placed = |found: &Captures<'_>| {
        format!(
            "{}<publisher name=\"{}\" url=\"{}\"/>\n",
            &found[3], &found[1], &found[2]
        )
    };
    element.replace(text, placed).into_owned()
}

/// How many mirrors there are: MirrorBrain counts rows of its database, we those in the list.
fn counted(verdict: &mut Verdict, case: &Case, text: &str, is_ours: bool) -> String {
    let sentence = expression(
        "<!-- Found (\\d+) mirrors?: (\\d+) in the same network prefix, \
         (\\d+) in the same autonomous system,\\s+(\\d+) handling this country, \
         (\\d+) in the same region, (\\d+) elsewhere -->",
    );
    let Some(found) = sentence.captures(text) else {
        return text.to_owned();
    };
    let number = |at: usize| found[at].parse::<usize>().unwrap_or(usize::MAX);
    let ranking = if is_ours {
        &case.asked.ours
    } else {
        &case.asked.theirs
    };
    let counts: Vec<usize> = (2..=6).map(number).collect();
    verdict.expect("classes of the comment", counts, ranking.classes().to_vec());
    let sum = (2..=6).map(number).fold(0, usize::saturating_add);
    if is_ours {
        verdict.expect("found mirrors", number(1), sum);
    } else {
        let ids = case.asked.theirs.rows;
        verdict.expect("recorded found mirrors", number(1) >= ids, true);
        if number(1) != sum {
            verdict.differs("count");
        }
    }
    let classes: Vec<&str> = (2..=6)
        .map(|at| found.get(at).map_or("", |group| group.as_str()))
        .collect();
    text.replacen(
        &found[0],
        &format!("<!-- Found {} -->", classes.join(" ")),
        1,
    )
}
