//! A redirect: where to, which mirror and why, the links beside it, digests and the page.

use md5::{Digest, Md5};

use super::judge::{Case, Verdict};
use super::law::{Ranked, Ranking};
use super::recording::{Message, bytes, expression, latin1};
use super::sample::Asked;
use crate::stand_in::fcgi_client::percent_decoded;

/// Mirrors that Link fields name.
const LINKS_MAX: usize = 5;

/// A redirect in MirrorBrain's terms: URLs decoded and without stamps.
#[derive(Debug, Default)]
struct Redirect {
    described: Vec<(String, String)>,
    duplicates: Vec<(String, String)>,
    digests: Vec<String>,
}

/// Both redirects must be the law's, and all but the drawn order the same.
pub fn judge_redirect(
    verdict: &mut Verdict,
    case: &Case,
    ours: &Message,
    theirs: Option<&Message>,
) {
    let own = read(verdict, case, ours, true);
    judge_body(verdict, case, ours, true);
    let Some(theirs) = theirs else {
        let meta4 = format!("{}{}.meta4", case.asked.origin, case.asked.file);
        let first = own.described.first().map(|(url, _)| url.clone());
        verdict.expect("described by", first, Some(meta4));
        let mime = ours.header("Content-Type");
        verdict.expect("type", mime, Some("text/html; charset=iso-8859-1"));
        return;
    };
    let right = read(verdict, case, theirs, false);
    judge_body(verdict, case, theirs, false);
    verdict.expect("described by", own.described, right.described);
    verdict.expect("Digest", own.digests, right.digests);
    let other = case.other_mirrors();
    if other.is_none() {
        let geo = |links: &[(String, String)]| {
            let mut links = links.to_vec();
            links.sort();
            links
        };
        let groups = &case.asked.ours.groups;
        // Which of a group are among the first five may be drawn.
        if groups.iter().all(|group| group.len() == 1) {
            verdict.expect("Link", geo(&own.duplicates), geo(&right.duplicates));
        }
        verdict.expect("links", own.duplicates.len(), right.duplicates.len());
    }
    verdict.differences.extend(other);
}

fn read(verdict: &mut Verdict, case: &Case, message: &Message, is_ours: bool) -> Redirect {
    let whose = if is_ours { "" } else { "recorded " };
    let link = expression(
        "^<(.*)>; rel=(?:describedby; type=\"([a-z0-9.+/-]+)\"|\
         duplicate; pri=(\\d+)(?:; geo=(..))?)$",
    );
    let mut redirect = Redirect::default();
    for field in separate(verdict, message, "Link", ", <") {
        let field = field.as_str();
        let Some(found) = link.captures(field) else {
            verdict.fail(format!("{whose}Link: {field}"));
            continue;
        };
        let url = plain(verdict, &found[1], is_ours);
        if let Some(kind) = found.get(2) {
            redirect.described.push((url, kind.as_str().to_owned()));
            continue;
        }
        let place = (redirect.duplicates.len() + 1).to_string();
        verdict.expect(&format!("{whose}pri"), &found[3], place.as_str());
        let url = unsigned(verdict, &case.asked, &url, is_ours);
        let geo = found.get(4).map_or("", |geo| geo.as_str());
        redirect
            .duplicates
            .push((url, country(verdict, geo, is_ours)));
    }
    let digest = expression("^(MD5|SHA|SHA-256|SHA-512)=[A-Za-z0-9+/]+=*$");
    for field in separate(verdict, message, "Digest", ", S") {
        let field = field.as_str();
        verdict.expect(
            &format!("{whose}Digest {field}"),
            digest.is_match(field),
            true,
        );
        redirect.digests.push(field.to_owned());
    }
    judge_law(verdict, case, message, &redirect, is_ours);
    redirect
}

/// One value a field, as MirrorBrain sends them: clients take a joined one for one value.
fn separate(verdict: &mut Verdict, message: &Message, name: &str, joint: &str) -> Vec<String> {
    let mut values = Vec::new();
    for field in message.all(name) {
        let mut parts = field.split(joint);
        values.extend(parts.next().map(str::to_owned));
        let start = &joint[", ".len()..];
        values.extend(parts.map(|part| format!("{start}{part}")));
    }
    let fields = message.all(name).count();
    verdict.expect(
        &format!("fields of {name}, each with one value"),
        fields,
        values.len(),
    );
    values
}

/// The links are of the best groups, and Location is the first of them.
fn judge_law(
    verdict: &mut Verdict,
    case: &Case,
    message: &Message,
    redirect: &Redirect,
    is_ours: bool,
) {
    let asked = &case.asked;
    let ranking = if is_ours { &asked.ours } else { &asked.theirs };
    let whose = if is_ours { "" } else { "recorded " };
    let path = asked.real.as_deref().unwrap_or_default();
    let best = in_order(verdict, ranking, redirect, path, whose);
    let all: usize = ranking.groups.iter().map(Vec::len).sum();
    verdict.expect(
        &format!("{whose}links"),
        redirect.duplicates.len(),
        all.min(LINKS_MAX),
    );
    let location = plain(
        verdict,
        message.header("Location").unwrap_or_default(),
        is_ours,
    );
    let location = match &asked.stamp_key {
        Some(key) => without_stamp(verdict, &location, key),
        None => location,
    };
    let header = |name| message.header(name).unwrap_or_default().to_owned();
    let Some(best) = best else {
        verdict.fail(format!(
            "{whose}Location: {location}, but no mirror is the law's"
        ));
        return;
    };
    verdict.expect(
        &format!("{whose}Location"),
        location,
        format!("{}{path}", best.base_url),
    );
    verdict.expect(
        &format!("{whose}mirror"),
        header("X-MirrorBrain-Mirror"),
        best.name,
    );
    verdict.expect(
        &format!("{whose}realm"),
        header("X-MirrorBrain-Realm"),
        best.realm,
    );
}

/// Each link must be of the first group that is not used up; the first of all.
fn in_order(
    verdict: &mut Verdict,
    ranking: &Ranking,
    redirect: &Redirect,
    path: &str,
    whose: &str,
) -> Option<Ranked> {
    let mut groups = ranking.groups.clone();
    let mut best = None;
    for (url, geo) in &redirect.duplicates {
        groups.retain(|group| !group.is_empty());
        let group = groups.first_mut()?;
        let found = group
            .iter()
            .position(|one| format!("{}{path}", one.base_url) == *url);
        let Some(at) = found else {
            let names: Vec<&str> = group.iter().map(|one| one.name.as_str()).collect();
            verdict.fail(format!("{whose}Link to {url}, not to one of {names:?}"));
            return best;
        };
        let one = group.swap_remove(at);
        let known = one.geo.to_ascii_lowercase().replace("--", "");
        verdict.expect(&format!("{whose}geo of {url}"), geo, &known);
        best.get_or_insert(one);
    }
    best
}

/// A URL as MirrorBrain writes it; ours has no bytes that must be encoded.
pub fn plain(verdict: &mut Verdict, url: &str, is_ours: bool) -> String {
    if !is_ours {
        return url.to_owned();
    }
    let is_fine = |byte: char| byte.is_ascii_graphic() && !"\"<>\\^`{|}".contains(byte);
    if !url.chars().all(is_fine) {
        verdict.fail(format!("not encoded: {url}"));
    }
    let decoded = latin1(&percent_decoded(&bytes(url)));
    if decoded != url {
        verdict.differs("encoding");
    }
    decoded
}

/// A country's code in lower case, empty when none is known.
pub fn country(verdict: &mut Verdict, geo: &str, is_ours: bool) -> String {
    let plain = geo.to_ascii_lowercase().replace("--", "");
    if plain != geo {
        if is_ours {
            verdict.fail(format!("country {geo}"));
        }
        verdict.differs("geo");
    }
    plain
}

/// Where URLs are signed, ours are so everywhere, and MirrorBrain's only in Location.
pub fn unsigned(verdict: &mut Verdict, asked: &Asked, url: &str, is_ours: bool) -> String {
    match &asked.stamp_key {
        Some(key) if is_ours => {
            verdict.differs("signed-links");
            without_stamp(verdict, url, key)
        }
        _ => url.to_owned(),
    }
}

/// `?time=…&stamp=…`, where the stamp is the MD5 of time and key.
fn without_stamp(verdict: &mut Verdict, url: &str, key: &str) -> String {
    let mask = expression(r"^(.*)[?&]time=(\d+)&stamp=([0-9a-f]{32})$");
    let Some(found) = mask.captures(url) else {
        verdict.fail(format!("no stamp: {url}"));
        return url.to_owned();
    };
    let digest = Md5::digest(format!("{} {key}", &found[2]).as_bytes());
    let stamp: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    verdict.expect("stamp", &found[3], stamp.as_str());
    found[1].to_owned()
}

/// Apache's page with the URL, which MirrorBrain does not escape.
fn judge_body(verdict: &mut Verdict, case: &Case, message: &Message, is_ours: bool) {
    let location = message.header("Location").unwrap_or_default();
    let (doctype, url) = if is_ours {
        verdict.differs("doctype");
        let escaped = location.replace('&', "&amp;").replace('\'', "&#39;");
        ("<!DOCTYPE html>", escaped)
    } else {
        let doctype = "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \
                       \"http://www.w3.org/TR/html4/strict.dtd\">";
        let escaped = location.replace('&', "&amp;").replace('"', "&quot;");
        (doctype, escaped.replace('<', "&lt;").replace('>', "&gt;"))
    };
    let mut page = format!(
        "{doctype}\n<html><head>\n<title>302 Found</title>\n</head><body>\n<h1>Found</h1>\n\
         <p>The document has moved <a href=\"{url}\">here</a>.</p>\n</body></html>\n"
    );
    if case.asked.method == "HEAD" {
        page.clear();
    }
    let whose = if is_ours { "page" } else { "recorded page" };
    verdict.expect(whose, &message.body, &page);
}
