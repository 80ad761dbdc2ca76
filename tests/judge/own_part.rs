//! The parts of a list of mirrors that MirrorBrain's has not: they say the same as the rest.

use super::judge::Verdict;
use super::metalink::{decoded, unescaped};
use super::recording::expression;

/// The script of a page.
const SCRIPT: &str = include_str!("../../src/domain/document/template/mirror_list_copy.js");

/// Judges path, button, script and title of our page, and takes the first three away.
pub fn own_parts(verdict: &mut Verdict, whole: &str, body: &str) -> String {
    let heading = expression("<h2>Mirrors for <a href=\"([^\"]*)\">([^<]*)</a></h2>");
    let Some(heading) = heading.captures(body) else {
        verdict.fail("our page has no heading");
        return body.to_owned();
    };
    let (url, title) = (&heading[1], &heading[2]);
    let nav = expression(
        "<nav id=\"mirrorbrain-breadcrumb\" aria-label=\"Path\">\n  <a href=\"/\">([^<]*)</a>\n\
         ((?:  / <a href=\"[^\"]*\">[^<]*</a>\n)*)</nav>\n",
    );
    if let Some(nav) = nav.captures(body) {
        folders(verdict, url, &nav[2]);
        let dash = as_bytes("–");
        let line = format!(
            "<title>{title}: download and mirrors {dash} {}</title>",
            &nav[1]
        );
        verdict.expect("the title of our page", whole.contains(&line), true);
    } else {
        verdict.expect("a path", whole.contains("<!DOCTYPE html>"), false);
    }
    let text = nav.replace(body, "");
    let text = button(verdict, &text, url, title);
    let script = format!("<script>{}</script>\n", SCRIPT.trim_end());
    verdict.expect(
        "the script that copies",
        text.contains(&script),
        text.contains("id=\"mirrorbrain-copy-from\""),
    );
    text.replace(&script, "")
}

/// Each directory above the file or directory, in order.
fn folders(verdict: &mut Verdict, url: &str, lines: &str) {
    let line = expression("<a href=\"([^\"]*)\">([^<]*)</a>");
    let mut above = "/".to_owned();
    for found in line.captures_iter(lines) {
        let name = found[1].strip_prefix(above.as_str()).unwrap_or_default();
        let name = name.trim_end_matches('/');
        let right = decoded(&unescaped(name));
        verdict.expect("a directory's name", unescaped(&found[2]), right);
        above = found[1].to_owned();
    }
    let inside = url.trim_end_matches('/');
    let folder = inside.rfind('/').map_or("", |slash| &inside[..=slash]);
    verdict.expect("the directory above", above.as_str(), folder);
}

/// The button is there for files, and names the first mirror.
fn button(verdict: &mut Verdict, body: &str, url: &str, title: &str) -> String {
    let button = expression(
        "<p id=\"mirrorbrain-download\"><a href=\"([^\"]*)\" id=\"mirrorbrain-download-link\">\
         Download <b>([^<]*)</b></a> <span>\\d[\\d.]* (?:bytes|[KMGTPE]iB) from ([^<]*)</span>\
         </p>\n",
    );
    let Some(found) = button.captures(body) else {
        let is_of_file = body.contains("<h3>File information</h3>");
        verdict.expect("a button", is_of_file, false);
        return body.to_owned();
    };
    verdict.expect("what is downloaded", (&found[1], &found[2]), (url, title));
    let first = expression(
        "<li><a href=\"[^\"]*\">([^<]*)</a>(?: <span class=\"mirrorbrain-facts\">([^(<]+) \\()?",
    );
    let mirrors = body.split("<div class=\"mirrorbrain-mirrors-grp\">").nth(1);
    let from = match mirrors.and_then(|mirrors| first.captures(mirrors)) {
        None => "this server".to_owned(),
        Some(first) => match first.get(2) {
            Some(country) => format!("{} ({})", &first[1], country.as_str()),
            None => first[1].to_owned(),
        },
    };
    let said = found[3].replace("one of the mirrors below, such as ", "");
    verdict.expect("where it comes from", said, from);
    button.replace(body, "").into_owned()
}

/// The facts of a mirror: country, https, distance, fallback, each in its form.
pub fn facts(verdict: &mut Verdict, url: &str, facts: &str) {
    let form = expression(
        "^(?:(?:([^(]+) )?\\((\\w\\w)\\))?(?:, |^)?(https)?(?:, |^)?(?:near|about \\d+00 km)?\
         (?:, |^)?(?:fallback)?$",
    );
    let Some(found) = form.captures(facts) else {
        verdict.fail(format!("facts of a mirror: {facts}"));
        return;
    };
    let is_https = found.get(3).is_some();
    verdict.expect("https of a mirror", is_https, url.starts_with("https:"));
    let code = found.get(2).map_or("", |code| code.as_str());
    let known = iso3166::Country::from_alpha2_ignore_case(code);
    let name = known.map_or("", |country| country.data().name);
    let said = found.get(1).map_or("", |name| name.as_str());
    verdict.expect("name of a country", unescaped(said), as_bytes(name));
}

/// A text as bodies are read: a character per byte.
fn as_bytes(text: &str) -> String {
    text.bytes().map(char::from).collect()
}
