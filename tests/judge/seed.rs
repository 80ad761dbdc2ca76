//! Torrents, magnet links, control files of zsync and lists for yum.

use super::judge::{Case, Verdict};
use super::metalink::decoded;
use super::redirect::{plain, unsigned};

/// Lines of a list for yum.
const YUM_LINES_MAX: usize = 10;

/// Holds our torrent against the recorded one, token by token.
pub fn judge_torrent(verdict: &mut Verdict, case: &Case, ours: &str, theirs: &str) {
    verdict.differs("generator");
    let own = tokens(ours).unwrap_or_else(|| {
        verdict.fail("torrent: no bencoding");
        Vec::new()
    });
    let right = tokens(theirs).unwrap_or_default();
    verdict.expect("recorded torrent", right.is_empty(), false);
    let program = concat!("Heliostat/", env!("CARGO_PKG_VERSION"));
    let own: Vec<String> = own
        .iter()
        .map(|token| {
            if token.starts_with("http://")
                || token.starts_with("https://")
                || token.starts_with("ftp://")
            {
                let url = plain(verdict, token, true);
                return match url.starts_with(&case.asked.origin) {
                    true => url,
                    false
                        if case
                            .asked
                            .theirs
                            .groups
                            .iter()
                            .flatten()
                            .any(|one| url.starts_with(&one.base_url)) =>
                    {
                        unsigned(verdict, &case.asked, &url, true)
                    }
                    false => url,
                };
            }
            token.replace(program, "MirrorBrain/2.19.0")
        })
        .collect();
    verdict.expect_lines("torrent", &own, &right);
}

/// The tokens of bencoded data; none when it is none.
pub fn tokens(data: &str) -> Option<Vec<String>> {
    let characters: Vec<char> = data.chars().collect();
    let (mut at, mut depth, mut tokens) = (0, 0_usize, Vec::new());
    while let Some(first) = characters.get(at) {
        let until = |mark: char| {
            let found = characters[at..].iter().position(|one| *one == mark)?;
            Some(at + found)
        };
        match first {
            'd' | 'l' => (depth, at) = (depth + 1, at + 1),
            'e' => (depth, at) = (depth.checked_sub(1)?, at + 1),
            'i' => {
                let end = until('e')?;
                let number: String = characters[at + 1..end].iter().collect();
                number.parse::<i64>().ok()?;
                at = end + 1;
                tokens.push(format!("i{number}"));
                continue;
            }
            _ => {
                let colon = until(':')?;
                let length: String = characters[at..colon].iter().collect();
                let end = (colon + 1).checked_add(length.parse().ok()?)?;
                tokens.push(characters.get(colon + 1..end)?.iter().collect());
                at = end;
                continue;
            }
        }
        tokens.push(first.to_string());
        if depth == 0 && at < characters.len() {
            return None;
        }
    }
    (depth == 0 && !tokens.is_empty()).then_some(tokens)
}

/// Holds our magnet link against the recorded one.
pub fn judge_magnet(verdict: &mut Verdict, case: &Case, ours: &str, theirs: &str) {
    verdict.expect(
        "one line",
        ours.ends_with('\n') && ours.lines().count() == 1,
        true,
    );
    let own = magnet_fields(verdict, case, ours.trim_end_matches('\n'), true);
    let theirs = theirs.trim_end_matches('\n').replace("&amp;", "&");
    let right = magnet_fields(verdict, case, &theirs, false);
    verdict.expect("magnet", own, right);
}

/// The fields that both have, decoded.
pub fn magnet_fields(
    verdict: &mut Verdict,
    case: &Case,
    text: &str,
    is_ours: bool,
) -> Vec<(String, String)> {
    verdict.differs("magnet");
    let Some(text) = text.strip_prefix("magnet:?") else {
        verdict.fail(format!("magnet: {text}"));
        return Vec::new();
    };
    let own = format!("{}{}", case.asked.origin, case.asked.file);
    let mut fields: Vec<(String, String)> = Vec::new();
    // MirrorBrain leaves an & in its own URL as it is.
    let known = ["xt=", "xl=", "dn=", "as=", "tr=", "xs=", "ws="];
    for part in text.split('&') {
        if !known.iter().any(|name| part.starts_with(name))
            && let Some(last) = fields.last_mut()
        {
            last.1.push('&');
            last.1.push_str(part);
            continue;
        }
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        fields.push((name.to_owned(), value.to_owned()));
    }
    let path = case.asked.real.as_deref().unwrap_or_default();
    let places = case.asked.ours.places(path);
    let mut result = Vec::new();
    for (name, value) in fields {
        // Ours is a URL that is encoded once more as a part of the link.
        let once = decoded(&value);
        let url = match (is_ours, name.as_str()) {
            (true, "as" | "xs" | "ws" | "tr") => plain(verdict, &once, true),
            _ => once,
        };
        match name.as_str() {
            "xs" if is_ours => verdict.expect("xs", url, format!("{own}.torrent")),
            "ws" if is_ours => {
                let url = unsigned(verdict, &case.asked, &url, true);
                let is_known = places.contains_key(&url) || places.is_empty() && url == own;
                verdict.expect(&format!("ws {url} is a mirror"), is_known, true);
            }
            _ => result.push((name, url)),
        }
    }
    result
}

/// Holds our control file against the recorded one: lines, and the sums behind them.
pub fn judge_zsync(verdict: &mut Verdict, case: &Case, ours: &str, theirs: &str) {
    let Some(((own, own_sums), (right, right_sums))) =
        ours.split_once("\n\n").zip(theirs.split_once("\n\n"))
    else {
        verdict.fail("zsync: no empty line");
        return;
    };
    verdict.expect("sums", own_sums == right_sums, true);
    let ranking = |is_ours: bool| {
        if is_ours {
            &case.asked.ours
        } else {
            &case.asked.theirs
        }
    };
    let mut sides = Vec::new();
    for (text, is_ours) in [(own, true), (right, false)] {
        let places = ranking(is_ours).places(case.asked.real.as_deref().unwrap_or_default());
        let mut last = 0;
        let mut lines = Vec::new();
        let mut urls = Vec::new();
        for line in text.lines() {
            let Some(url) = line.strip_prefix("URL: ") else {
                lines.push(line.to_owned());
                continue;
            };
            let url = plain(verdict, url, is_ours);
            let url = unsigned(verdict, &case.asked, &url, is_ours);
            match places.get(&url) {
                Some(place) if *place < last => {
                    verdict.fail(format!("zsync: {url} comes too late"))
                }
                Some(place) => last = *place,
                None if url == format!("{}{}", case.asked.origin, case.asked.file) => {}
                None => verdict.fail(format!("zsync: {url} is no mirror of it")),
            }
            lines.push("URL".to_owned());
            urls.push(url);
        }
        if let Some(key) = case.other_mirrors() {
            // Each has the mirrors of its own ranking.
            verdict.differs(key);
            lines.retain(|line| line != "URL");
            urls.clear();
        }
        urls.sort();
        lines.append(&mut urls);
        sides.push(lines);
    }
    verdict.expect_lines("zsync", &sides[0], &sides[1]);
}

/// Up to ten base URLs in the order of the law.
pub fn judge_list(verdict: &mut Verdict, case: &Case, ours: &str, theirs: &str) {
    let directory = case.asked.repository.as_deref().unwrap_or_default();
    for (text, is_ours) in [(ours, true), (theirs, false)] {
        let ranking = if is_ours {
            &case.asked.ours
        } else {
            &case.asked.theirs
        };
        let whose = if is_ours { "" } else { "recorded " };
        let mut groups: Vec<Vec<String>> = ranking
            .groups
            .iter()
            .map(|group| {
                group
                    .iter()
                    .map(|one| format!("{}{directory}/", one.base_url))
                    .collect()
            })
            .collect();
        if groups.is_empty() {
            groups.push(vec![format!("{}/{directory}/", case.asked.origin)]);
        }
        let all: usize = groups.iter().map(Vec::len).sum();
        verdict.expect(
            &format!("{whose}lines"),
            text.lines().count(),
            all.min(YUM_LINES_MAX),
        );
        for line in text.lines() {
            groups.retain(|group| !group.is_empty());
            let Some(group) = groups.first_mut() else {
                return;
            };
            match group.iter().position(|url| url == line) {
                Some(at) => drop(group.swap_remove(at)),
                None => return verdict.fail(format!("{whose}list: {line}, not one of {group:?}")),
            }
        }
        verdict.expect(
            &format!("{whose}end of the list"),
            text.ends_with('\n'),
            true,
        );
    }
}
