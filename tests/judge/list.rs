//! Lists of mirrors, line by line: the same elements with the same words in the same order, and
//! every mirror in its place. New parts stand in elements of their own.

use std::collections::BTreeMap;

use regex::Captures;

use super::judge::{Case, Verdict};
use super::metalink::{decoded, spaced, unescaped};
use super::own_part::{self, own_parts};
use super::recording::expression;
use super::redirect::unsigned;

/// How MirrorBrain's own head ends, and ours.
const BODY: &str = "<body>\n";

/// Holds ours against the recorded one.
pub fn judge_page(verdict: &mut Verdict, case: &Case, ours: &str, theirs: &str) {
    verdict.differs("page");
    let body = head(verdict, ours, theirs);
    let body = own_parts(verdict, ours, &body);
    let theirs = judge_recorded_page(verdict, theirs);
    let ours = new_elements(verdict, &body);
    let mut own = lines(verdict, case, &ours, true);
    let mut right = lines(verdict, case, theirs, false);
    if let Some(key) = case.other_mirrors() {
        verdict.differs(key);
        other_mirrors(verdict, case, &mut own, true);
        other_mirrors(verdict, case, &mut right, false);
    }
    fallbacks(verdict, case, &mut own, &mut right);
    verdict.expect_lines("page", &own, &right);
}

/// The recorded page without MirrorBrain's own head; an operator's is left.
pub fn judge_recorded_page<'t>(verdict: &mut Verdict, theirs: &'t str) -> &'t str {
    if !theirs.contains("<title>Mirror List</title>") {
        return theirs;
    }
    let head = expression(
        "^<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1\\.0 Transitional//EN\"\n\
         \"http://www\\.w3\\.org/TR/xhtml1/DTD/xhtml1-transitional\\.dtd\">\n\
         <html xmlns=\"http://www\\.w3\\.org/1999/xhtml\">\n<head>\n  \
         <meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\" />\n  \
         <title>Mirror List</title>\n\
         (?:  <link type=\"text/css\" rel=\"stylesheet\" href=\"[^\"]*\" />\n)?\
         </head>\n\n<body>\n",
    );
    let Some(found) = head.find(theirs) else {
        verdict.fail("the head of the recorded page");
        return theirs;
    };
    &theirs[found.end()..]
}

/// Our head without what is said otherwise there; the operator's own head is as recorded.
fn head(verdict: &mut Verdict, ours: &str, theirs: &str) -> String {
    if !theirs.contains("<title>Mirror List</title>") {
        return ours.to_owned();
    }
    let Some((head, body)) = ours.split_once(BODY) else {
        verdict.fail("page: no body");
        return ours.to_owned();
    };
    let links = |text: &str| -> Vec<String> {
        let sheet = expression("<link type=\"text/css\" rel=\"stylesheet\" href=\"([^\"]*)\" />");
        sheet
            .captures_iter(text)
            .map(|found| found[1].to_owned())
            .collect()
    };
    verdict.expect("style sheets", links(head), links(theirs));
    let form = expression(
        "^<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n  <meta charset=\"UTF-8\" />\n  \
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n  \
         <title>[^<]+: download and mirrors [^<]+</title>\n  \
         <link rel=\"icon\" href=\"data:,\" />\n  \
         <style>[^<]*</style>\n(?:  <link type=\"text/css\" [^\n]*\n)?</head>\n\n$",
    );
    verdict.expect("our head is as it should be", form.is_match(head), true);
    verdict
        .unjudged
        .insert("the style of a page's head is our own");
    body.to_owned()
}

/// Takes away what MirrorBrain's page has not: the map, which it links to, and mirrors that a
/// client is not sent to.
fn new_elements(verdict: &mut Verdict, ours: &str) -> String {
    let map = expression("(?s)<figure id=\"mirrorbrain-map\">.*?</figure>\n");
    let maps = map.find_iter(ours).count();
    verdict.expect("one map", maps <= 1, true);
    let others = expression("(?s)<details id=\"mirrorbrain-mirrors-others\">.*?</details>\n");
    verdict.expect("lists of others", others.find_iter(ours).count() <= 1, true);
    if maps > 0 {
        verdict.unjudged.insert("the map of a page is our own");
    }
    if others.is_match(ours) {
        verdict
            .unjudged
            .insert("the list of mirrors that a client is not sent to is our own");
    }
    let text = map.replace_all(ours, "");
    let text = others.replace_all(&text, "");
    let hash = expression("<tt (?:id=\"mirrorbrain-copy-from\"|tabindex=\"0\")>");
    let text = hash.replace_all(&text, "<tt>");
    mirrors_as_theirs(verdict, &text)
}

/// Our entries of mirrors in MirrorBrain's form: ours have the host as their text, and say more.
fn mirrors_as_theirs(verdict: &mut Verdict, text: &str) -> String {
    let list = expression("(?s)<ol start=\"\\d+\">\n(.*?)</ol>");
    let item = expression(
        "<li><a href=\"([^\"]*)\">([^<]*)</a>(?: <span class=\"mirrorbrain-facts\">([^<]*)</span>)?\
         (?: <meter [^<]*</meter>)?</li>",
    );
    let code = expression("\\((\\w\\w)\\)");
    let as_theirs = |found: &Captures<'_>, verdict: &mut Verdict| {
        let host = found[1].split('/').nth(2).unwrap_or_default();
        verdict.expect("a mirror's text is its host", &found[2], host);
        verdict.differs("mirror-host");
        let facts = found.get(3).map_or("", |facts| facts.as_str());
        own_part::facts(verdict, &found[1], facts);
        let country = code
            .captures(facts)
            .map_or("--".to_owned(), |code| code[1].to_owned());
        let fallback = if facts.contains("fallback") {
            ", fallback"
        } else {
            ""
        };
        format!(
            "<li><a href=\"{0}\">{0}</a> ({country}{fallback})</li>",
            &found[1]
        )
    };
    let whole = list.replace_all(text, |found: &Captures<'_>| {
        let items = item.replace_all(&found[1], |found: &Captures<'_>| as_theirs(found, verdict));
        format!("<ul>\n{items}</ul>")
    });
    whole.into_owned()
}

fn lines(verdict: &mut Verdict, case: &Case, text: &str, is_ours: bool) -> Vec<String> {
    let ranking = if is_ours {
        &case.asked.ours
    } else {
        &case.asked.theirs
    };
    let whose = if is_ours { "" } else { "recorded " };
    let path = case.asked.real.as_deref().unwrap_or_default();
    let places = ranking.places(path);
    let known = ranking.groups.iter().flatten();
    let geos = ranking.countries(path);
    let scores: BTreeMap<String, String> = known
        .map(|one| {
            (
                format!("{}{path}", one.base_url),
                format!(", prio {}", one.score),
            )
        })
        .collect();
    let item = expression(
        "^<li><a href=\"((?:https?|ftp)://.*)\">(.*)</a> \
         \\(([^,()]*)(, prio \\d+|, fallback)?\\)</li>$",
    );
    let mut result = Vec::new();
    let mut mirrors: Vec<String> = Vec::new();
    let mut last = 0;
    for line in text.lines().map(spaced).filter(|line| !line.is_empty()) {
        if let Some(found) = item.captures(&line) {
            verdict.expect(&format!("{whose}link's text"), &found[2], &found[1]);
            let url = match is_ours {
                true => decoded(&unescaped(&found[1])),
                false => found[1].to_owned(),
            };
            let url = unsigned(verdict, &case.asked, &url, is_ours);
            match places.get(&url) {
                Some(place) if *place >= last => last = *place,
                Some(_) => verdict.fail(format!("{whose}page: {url} comes too late")),
                None => verdict.fail(format!("{whose}page: {url} is no mirror of it")),
            }
            let country = found[3].to_ascii_lowercase();
            let geo = geos.get(&url).map_or("", String::as_str);
            verdict.expect(
                &format!("{whose}country of {url}"),
                country.replace("--", ""),
                geo.to_owned(),
            );
            let worth = found.get(4).map_or("", |worth| worth.as_str());
            if is_ours {
                verdict.expect(
                    "worth of a mirror",
                    worth.replace(", fallback", ""),
                    String::new(),
                );
            } else {
                verdict.differs("no-scores");
                let score = scores.get(&url).map_or("", String::as_str);
                verdict.expect(&format!("recorded score of {url}"), worth, score);
            }
            mirrors.push(format!("mirror {url} {country}"));
            continue;
        }
        mirrors.sort();
        result.append(&mut mirrors);
        result.extend(other(verdict, case, &line, is_ours));
    }
    result
}

/// Any other line, as MirrorBrain writes it.
fn other(verdict: &mut Verdict, case: &Case, line: &str, is_ours: bool) -> Option<String> {
    let program = if is_ours {
        "<address>Powered by Heliostat</address>"
    } else {
        "<address>Powered by <a href=\"http://mirrorbrain.org/\">MirrorBrain</a></address>"
    };
    if line == program {
        verdict.differs("generator");
        return Some("powered by".to_owned());
    }
    if !is_ours {
        let map = expression(
            "^<p><a href=\"http://maps\\.google\\.com/maps/api/staticmap\\?size=640x512\
             &amp;visual_refresh=true&amp;scale=2&amp;maptype=roadmap&amp;sensor=false\
             &amp;markers=color:red\\|[-0-9.]+,[-0-9.]+\
             (?:&amp;markers=color:yellow\\|label:\\d\\|[-0-9.]+,[-0-9.]+)*\">\
             Map showing the closest mirrors</a></p>$",
        );
        if map.is_match(line) {
            return None;
        }
        if line.starts_with("<p>List of best mirrors") {
            return Some(recorded_sentence(verdict, case, line));
        }
        return Some(line.to_owned());
    }
    let link = expression("href=\"([^\"]*)\"");
    let plain = link.replace_all(line, |found: &Captures<'_>| {
        format!("href=\"{}\"", decoded(&found[1]))
    });
    Some(unescaped(&plain))
}

/// MirrorBrain's sentence about the client in our words: without its coordinates and its country's
/// name, and with the address of the connection where the web server told none.
fn recorded_sentence(verdict: &mut Verdict, case: &Case, line: &str) -> String {
    let form = expression(
        "^<p>List of best mirrors for IP address (\\S+?)\
         (?:, located at ([-0-9.]+),([-0-9.]+))?(?: in ([^()]*) \\((\\w\\w|--)\\))?\
         (, network \\S+?)?( \\(autonomous system \\d+\\))?\\.</p>$",
    );
    let Some(found) = form.captures(line) else {
        verdict.fail(format!("recorded sentence: {line}"));
        return line.to_owned();
    };
    let text = |at: usize| found.get(at).map_or("", |group| group.as_str());
    let mut address = text(1).to_owned();
    if address.parse::<std::net::IpAddr>().is_err() {
        verdict.differs("client-address");
        address = if case.recording.v6 {
            "::1"
        } else {
            "127.0.0.1"
        }
        .to_owned();
    }
    let told = |name: &str| case.recording.header(name);
    let degrees = |name: &str| told(name).and_then(|text| text.parse::<f32>().ok());
    if let Some((latitude, longitude)) = degrees("X-Test-Lat").zip(degrees("X-Test-Lng")) {
        let place = format!("{latitude:.6},{longitude:.6}");
        verdict.expect("recorded place", format!("{},{}", text(2), text(3)), place);
    }
    if !text(2).is_empty() {
        verdict.differs("no-coordinates");
    }
    let mut sentence = format!("<p>List of best mirrors for IP address {address}");
    if !text(4).is_empty() {
        verdict.differs("country-name");
    }
    // The recorded server was told the name so.
    if let Some(country) = told("X-Test-Country") {
        verdict.expect(
            "recorded country's name",
            text(4),
            &format!("Country-{country}"),
        );
    }
    if !matches!(text(5), "" | "--") {
        sentence.push_str(&format!(" in {}", text(5)));
    }
    sentence.push_str(text(6));
    sentence.push_str(text(7));
    sentence.push_str(".</p>");
    sentence
}

/// A page without its groups of mirrors, and how many those were.
fn without_groups(verdict: &mut Verdict, case: &Case, lines: &[String]) -> (usize, String) {
    let group = expression(
        "(?m)^<div class=\"mirrorbrain-mirrors-grp\">\n<h4>Found \\d+ mirrors? \
         (?:directly nearby \\(within the same network prefix: [^()]*\\)|\
         very close \\(within the same autonomous system \\(AS\\d+\\)|\
         which handle this country \\((\\w\\w|--)\\)|\
         in other countries, but same continent \\((\\w\\w|--)\\)|\
         in other parts of the world)</h4>\n<ul>\n((?:mirror .*\n)+)</ul>\n</div>\n",
    );
    let text = lines.join("\n") + "\n";
    let mut named = 0;
    for found in group.captures_iter(&text) {
        for (at, name) in [(1, "X-Test-Country"), (2, "X-Test-Continent")] {
            let told = case
                .recording
                .header(name)
                .filter(|_| case.asked.query.is_empty());
            if let Some((code, told)) = found.get(at).zip(told) {
                verdict.expect("place", code.as_str(), told.as_str());
            }
        }
        named += found[3].lines().count();
    }
    (named, group.replace_all(&text, "").into_owned())
}

/// Takes the groups of mirrors away, which must be those of the ranking.
fn other_mirrors(verdict: &mut Verdict, case: &Case, lines: &mut Vec<String>, is_ours: bool) {
    let ranking = if is_ours {
        &case.asked.ours
    } else {
        &case.asked.theirs
    };
    let none = expression("(?m)^<div id=\"mirrorbrain-mirrors-none\">\n(?:.*\n)*?</div>\n");
    let (named, text) = without_groups(verdict, case, lines);
    let all: usize = ranking.groups.iter().map(Vec::len).sum();
    let whose = if is_ours { "" } else { "recorded " };
    verdict.expect(&format!("{whose}mirrors"), named, all);
    let text = if all == 0 {
        none.replace(&text, "").into_owned()
    } else {
        text
    };
    *lines = text.lines().map(str::to_owned).collect();
}

/// MirrorBrain's page says of a file that only fallbacks have that nobody has it.
fn fallbacks(verdict: &mut Verdict, case: &Case, own: &mut Vec<String>, right: &mut Vec<String>) {
    let is_fallback = case.asked.ours.rows == 0 && !case.asked.ours.groups.is_empty();
    let none = [
        "<div id=\"mirrorbrain-mirrors-none\">".to_owned(),
        "<h4>No mirror was found</h4>".to_owned(),
        "<p>I am very sorry, but no mirror was found. Feel free to download directly:<br />"
            .to_owned(),
        format!("<a href=\"{0}\">{0}</a></p>", case.asked.file),
        "</div>".to_owned(),
    ];
    let start = right.windows(none.len()).position(|lines| lines == none);
    let Some(start) = start.filter(|_| is_fallback && !own.contains(&none[0])) else {
        return;
    };
    verdict.differs("fallback-page");
    right.drain(start..start + none.len());
    let (named, text) = without_groups(verdict, case, own);
    let all: usize = case.asked.ours.groups.iter().map(Vec::len).sum();
    verdict.expect("fallbacks", named, all);
    *own = text.lines().map(str::to_owned).collect();
}
