//! Plants differences in answers and in recordings, one at a time: a judge that does not notice one
//! judges nothing.

use std::collections::BTreeSet;

use crate::judge::answered::{answered, oracle};
use crate::judge::judge::{Case, LONE, judge};
use crate::judge::recording::{Message, expression};

/// Lines of a body in which differences are planted, spread over it.
const LINES_MAX: usize = 60;
/// Differences that the judge may overlook, by the planted text; each is among the reasons for not
/// judging.
const FREE: [&str; 6] = [
    // The web server's own.
    "^(ours|theirs) (without )?header \
     (Date|Server|Connection|Keep-Alive|Upgrade|Transfer-Encoding)",
    // A length of ours must be right.
    "^theirs (without )?header Content-Length|^ours without header Content-Length",
    // A field that MirrorBrain does not send may be missing.
    "^ours without header (Vary|ETag|Last-Modified|Cache-Control|Expires|Repr-Digest)",
    "^ours without header (Accept-Ranges|X-Content-Type-Options|Content-Security-Policy)",
    // A page of MirrorBrain may have a map, of which ours has one of its own.
    "^theirs without line <p><a href=\"http://maps\\.google\\.com/",
    // The policy of a page goes with its style.
    "^ours header Content-Security-Policy",
];

/// Parts of a body that are ours alone, from a line to a line.
const OWN: [(&str, &str); 3] = [
    ("  <style>", "</style>"),
    ("<figure id=\"mirrorbrain-map\">", "</figure>"),
    ("<details id=\"mirrorbrain-mirrors-others\">", "</details>"),
];

#[test]
fn a_planted_difference_is_noticed() {
    let (cases, ..) = answered(&oracle());
    let mut found = BTreeSet::new();
    let mut planted = 0;
    for (case, answer) in &cases {
        if judge(case, answer).mismatches.is_empty() {
            let (count, unnoticed) = unnoticed(case, answer);
            planted += count;
            found.extend(unnoticed);
        }
    }
    println!("{planted} planted differences");
    let found: Vec<String> = found.into_iter().collect();
    assert!(
        found.is_empty(),
        "{} not noticed:\n{}",
        found.len(),
        found.join("\n")
    );
    assert!(planted > 100, "{planted} planted");
}

/// How many differences were planted, and those that the judge did not notice.
fn unnoticed(case: &Case, ours: &Message) -> (usize, Vec<String>) {
    let mut count = 0;
    let is_lone = judge(case, ours).unjudged.contains(LONE);
    let mut found = Vec::new();
    let mut note = |what: String, is_noticed: bool| {
        count += 1;
        // An answer that has nothing to be like is judged by its kind alone.
        if is_lone && expression("^(ours|theirs) (without )?line").is_match(&what) {
            return;
        }
        if !is_noticed && !FREE.iter().any(|free| expression(free).is_match(&what)) {
            found.push(format!("{}: {what}", case.recording.name));
        }
    };
    for (what, planted) in planted(ours) {
        note(
            format!("ours {what}"),
            !judge(case, &planted).mismatches.is_empty(),
        );
    }
    let theirs = case.recording.answer.iter().flat_map(planted);
    for (what, planted) in theirs {
        let mut case = case.clone();
        case.recording.answer = Some(planted);
        note(
            format!("theirs {what}"),
            !judge(&case, ours).mismatches.is_empty(),
        );
    }
    (count, found)
}

/// The message with one difference each.
fn planted(message: &Message) -> Vec<(String, Message)> {
    let mut all = Vec::new();
    let mut other = message.clone();
    other.status += 1;
    all.push(("status".to_owned(), other));
    let mut other = message.clone();
    other.headers.push(("X-Planted".to_owned(), "1".to_owned()));
    all.push(("header X-Planted".to_owned(), other));
    for (at, (name, value)) in message.headers.iter().enumerate() {
        let mut other = message.clone();
        other.headers.remove(at);
        all.push((format!("without header {name}: {value}"), other));
        let mut other = message.clone();
        other.headers[at].1 = format!("{value}x");
        all.push((format!("header {name}: {value}x"), other));
    }
    all.extend(bodies(message));
    all
}

fn bodies(message: &Message) -> Vec<(String, Message)> {
    let lines: Vec<&str> = message.body.split_inclusive('\n').collect();
    let step = lines.len().div_ceil(LINES_MAX).max(1);
    let mut all = Vec::new();
    let mut own: Option<&str> = None;
    for at in 0..lines.len() {
        let start = OWN.iter().find(|(start, _)| lines[at].starts_with(start));
        own = own.or(start.map(|(_, end)| *end));
        if let Some(end) = own {
            own = (!lines[at].contains(end)).then_some(end);
            continue;
        }
        if at % step > 0 {
            continue;
        }
        let with = |line: &str| {
            let mut lines = lines.clone();
            lines[at] = line;
            with_body(message, lines.concat())
        };
        let line = lines[at];
        let shown = line.trim_end();
        if line.trim().is_empty() {
            continue;
        }
        all.push((format!("without line {shown}"), with("")));
        for place in [0.2, 0.5, 0.8] {
            let changed = changed(line, place);
            if changed != line {
                all.push((format!("line {}", changed.trim_end()), with(&changed)));
            }
        }
    }
    all
}

/// The line with another letter or digit at about that part of it.
fn changed(line: &str, place: f64) -> String {
    let mut characters: Vec<char> = line.chars().collect();
    let start = (characters.len() as f64 * place) as usize;
    let found = characters
        .iter()
        .skip(start)
        .position(char::is_ascii_alphanumeric);
    if let Some(found) = found {
        let one = &mut characters[start + found];
        *one = if *one == 'q' { 'k' } else { 'q' };
    }
    characters.into_iter().collect()
}

/// The same with another body, and its length if it is told.
fn with_body(message: &Message, body: String) -> Message {
    let mut message = message.clone();
    let length = body.chars().count().to_string();
    for (name, value) in &mut message.headers {
        if name.eq_ignore_ascii_case("content-length") {
            value.clone_from(&length);
        }
    }
    message.body = body;
    message
}
