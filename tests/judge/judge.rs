//! Holds our answer against a recorded one: every field and every line is the same, or differs in a
//! way that the table of docs/migrate.md has, or is named as not judged, with the reason.

use std::collections::{BTreeMap, BTreeSet};

use super::list::{judge_page, judge_recorded_page};
use super::metalink::judge_metalink;
use super::recording::{Message, Recording, expression};
use super::redirect::judge_redirect;
use super::sample::Asked;
use super::seed::{judge_list, judge_magnet, judge_torrent, judge_zsync};

/// Header fields whose values are not compared, and why.
const UNJUDGED: [(&str, &str); 7] = [
    ("date", "the time of an answer is its own"),
    ("server", "the web server's name is the web server's"),
    ("connection", "how a connection ends is the web server's"),
    ("keep-alive", "how a connection ends is the web server's"),
    ("upgrade", "which protocols it speaks is the web server's"),
    (
        "transfer-encoding",
        "chunks are taken apart before; what is in them is judged",
    ),
    (
        "content-length",
        "a length follows from the body, which is judged, and must be right",
    ),
];

/// A link to a file of the recorded machine cannot be judged: the sample lacks the file.
const FOREIGN: &str = "a file of the machine that was recorded is not in the sample";
/// Where MirrorBrain's answer and ours are of two kinds, each is judged alone.
pub const LONE: &str = "MirrorBrain has another kind of answer, so that one has nothing to be like";
/// Header fields that are judged.
const KNOWN: [&str; 21] = [
    "accept-ranges",
    "allow",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-location",
    "content-range",
    "content-type",
    "digest",
    "etag",
    "expires",
    "last-modified",
    "link",
    "location",
    "repr-digest",
    "tcn",
    "vary",
    "x-broken-mirrors",
    "x-mirrorbrain-mirror",
    "x-mirrorbrain-realm",
];

/// The findings about one answer.
#[derive(Debug, Default, Clone)]
pub struct Verdict {
    /// In what the answer is not as it has to be.
    pub mismatches: Vec<String>,
    /// Deliberate differences that were met.
    pub differences: BTreeSet<&'static str>,
    /// Reasons why parts were not judged.
    pub unjudged: BTreeSet<&'static str>,
}

impl Case {
    /// The difference by which other mirrors are ours than MirrorBrain's, if they are.
    pub fn other_mirrors(&self) -> Option<&'static str> {
        let is_tls = self.asked.site == "tls";
        let key = if is_tls { "https" } else { "as-0" };
        (self.asked.ours != self.asked.theirs).then_some(key)
    }
}

/// The kind of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To a mirror or a fallback.
    Redirect,
    /// `.meta4` or `.metalink`.
    Metalink,
    /// A list of mirrors.
    Page,
    /// `.torrent`
    Torrent,
    /// `.zsync`
    Zsync,
    /// Digests, a magnet link, a list for yum.
    Text,
    /// Something is not there.
    Missing,
    /// The web server's own answer: a file, an index, an error of its own.
    WebServer,
}

/// A recording with all that is known of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The recording.
    pub recording: Recording,
    /// The question that it asks.
    pub asked: Asked,
}

impl Kind {
    /// Tells the kind of a message.
    pub fn of(message: &Message, is_head: bool) -> Kind {
        let mime = message.header("Content-Type").unwrap_or_default();
        match (message.status, mime) {
            (302, _) => Kind::Redirect,
            (404, _) => Kind::Missing,
            (200, "application/metalink4+xml; charset=UTF-8") => Kind::Metalink,
            (200, "application/metalink+xml; charset=UTF-8") => Kind::Metalink,
            (200, "application/x-bittorrent") if message.header("ETag").is_none() => Kind::Torrent,
            (200, "application/x-bittorrent") if is_document(message) => Kind::Torrent,
            (200, "application/x-zsync") => Kind::Zsync,
            (200, "text/plain; charset=UTF-8") => Kind::Text,
            (200, "text/html; charset=UTF-8") if is_head => Kind::Page,
            (200, "text/html; charset=UTF-8") if message.body.contains("mirrorbrain-details") => {
                Kind::Page
            }
            _ => Kind::WebServer,
        }
    }
}

/// Whether an answer with validators is a document of ours, not a file.
fn is_document(message: &Message) -> bool {
    message.header("Cache-Control").is_some()
}

impl Verdict {
    /// Notes what differs.
    pub fn expect<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, ours: T, theirs: T) {
        if ours != theirs {
            self.mismatches
                .push(format!("{what}: {ours:?}, not {theirs:?}"));
        }
    }

    /// Notes a mismatch.
    pub fn fail(&mut self, text: impl Into<String>) {
        self.mismatches.push(text.into());
    }

    /// Notes a deliberate difference.
    pub fn differs(&mut self, key: &'static str) {
        self.differences.insert(key);
    }

    /// Notes the first lines that are not the same.
    pub fn expect_lines(&mut self, what: &str, ours: &[String], theirs: &[String]) {
        let end = ours.len().max(theirs.len());
        let differing = (0..end).find(|at| ours.get(*at) != theirs.get(*at));
        if let Some(at) = differing {
            let (own, right) = (ours.get(at), theirs.get(at));
            self.fail(format!("{what}, line {}: {own:?}, not {right:?}", at + 1));
        }
    }
}

/// The verdict on an answer.
pub fn judge(case: &Case, ours: &Message) -> Verdict {
    let mut verdict = Verdict::default();
    let ours = &without_own_port(&mut verdict, case, ours);
    let is_head = case.asked.method == "HEAD";
    let own = Kind::of(ours, is_head);
    let Some(theirs) = &case.recording.answer else {
        verdict.differs("crash");
        judge_after_crash(&mut verdict, case, (own, ours));
        return verdict;
    };
    judge_lone_headers(&mut verdict, "recorded", theirs);
    let right = Kind::of(theirs, is_head);
    if case.asked.is_suffixed_directory {
        // MirrorBrain takes the directory for a file that nobody has.
        verdict.differs("directory");
        verdict.unjudged.insert(LONE);
        judge_recorded_page(&mut verdict, &theirs.body);
        verdict.expect("a list of mirrors", own, Kind::Page);
        judge_headers(&mut verdict, own, ours, &empty(200, ours));
        return verdict;
    }
    if own != right {
        judge_other_kind(&mut verdict, case, (own, ours), (right, theirs));
        return verdict;
    }
    verdict.expect("status", ours.status, theirs.status);
    let (ours, theirs) = (&bounded(ours), &bounded(theirs));
    if own == Kind::WebServer && case.asked.is_foreign {
        judge_lone_headers(&mut verdict, "our", ours);
    } else {
        judge_headers(&mut verdict, own, ours, theirs);
    }
    if own == Kind::Redirect {
        judge_redirect(&mut verdict, case, ours, Some(theirs));
        return verdict;
    }
    if is_head {
        verdict.expect("body", ours.body.as_str(), "");
        verdict.expect("recorded body", theirs.body.as_str(), "");
        return verdict;
    }
    match own {
        Kind::Metalink => judge_metalink(&mut verdict, case, &ours.body, &theirs.body),
        Kind::Page => judge_page(&mut verdict, case, &ours.body, &theirs.body),
        Kind::Torrent => judge_torrent(&mut verdict, case, &ours.body, &theirs.body),
        Kind::Zsync => judge_zsync(&mut verdict, case, &ours.body, &theirs.body),
        Kind::Text if case.asked.repository.is_some() => {
            judge_list(&mut verdict, case, &ours.body, &theirs.body);
        }
        Kind::Text if theirs.body.starts_with("magnet:") => {
            judge_magnet(&mut verdict, case, &ours.body, &theirs.body);
        }
        Kind::Text => verdict.expect("body", &ours.body, &theirs.body),
        Kind::Missing => judge_error_page(&mut verdict, ours, theirs),
        Kind::WebServer => judge_file(&mut verdict, case, ours, theirs),
        Kind::Redirect => {}
    }
    verdict
}

/// Where the answers are of two kinds, one of the deliberate differences must be the reason.
fn judge_other_kind(
    verdict: &mut Verdict,
    case: &Case,
    (own, ours): (Kind, &Message),
    (right, theirs): (Kind, &Message),
) {
    let asked = &case.asked;
    let is_unmatched = asked.has_yum && !asked.query.is_empty() && asked.repository.is_none();
    match (own, right) {
        (Kind::Redirect, Kind::Missing) if is_unmatched => {
            verdict.differs("yum");
            judge_recorded_404(verdict, theirs);
            judge_headers(verdict, own, ours, &empty(302, ours));
            judge_redirect(verdict, case, ours, None);
        }
        (Kind::Metalink | Kind::Page | Kind::Torrent | Kind::Zsync | Kind::Text, Kind::Missing)
            if is_unmatched && asked.real.is_some() =>
        {
            verdict.differs("yum");
            judge_recorded_404(verdict, theirs);
            verdict.unjudged.insert(LONE);
            judge_headers(verdict, own, ours, &empty(200, ours));
        }
        (Kind::WebServer, Kind::Missing) if is_unmatched => {
            // Small files and directories are the web server's, whatever the query.
            verdict.differs("yum");
            judge_recorded_404(verdict, theirs);
            verdict.unjudged.insert(LONE);
            verdict.expect("status", ours.status, 200);
            judge_lone_headers(verdict, "our", ours);
        }
        (Kind::Missing | Kind::Text | Kind::Metalink | Kind::Page, Kind::WebServer)
            if is_suffix_with_accept(case) =>
        {
            verdict.differs("negotiated");
            verdict.unjudged.insert(LONE);
            verdict.expect("the recorded file", theirs.header("ETag").is_some(), true);
            judge_alone(verdict, (own, ours));
        }
        (Kind::WebServer, Kind::Redirect) if asked.ours.groups.is_empty() => {
            verdict.differs("https");
            verdict.expect("site", asked.site, "tls");
            verdict.expect("status", ours.status, 200);
            let length = ours.header("Content-Length");
            verdict.expect("length", length.is_some_and(|length| length != "0"), true);
        }
        (Kind::Missing, Kind::Page) if asked.is_outside => {
            verdict.differs("outside");
            verdict.unjudged.insert(LONE);
            judge_recorded_page(verdict, &theirs.body);
            judge_missing(verdict, ours);
        }
        (Kind::Page, Kind::WebServer) if asked.is_directory => {
            verdict.differs("directory");
            verdict.expect("asked", asked.query.contains_key("mirrorlist"), true);
            verdict.expect("recorded status", theirs.status, 200);
            let mime = theirs.header("Content-Type");
            verdict.expect("recorded type", mime, Some("text/html;charset=ISO-8859-1"));
            verdict.expect("index", theirs.body.contains("<title>Index of "), true);
            verdict.unjudged.insert(LONE);
            judge_headers(verdict, own, ours, &empty(200, ours));
        }
        _ => {
            let (own, right) = ((ours.status, own), (theirs.status, right));
            verdict.fail(format!("answer: {own:?}, not {right:?}"));
        }
    }
}

/// Judges an answer where MirrorBrain's process died.
fn judge_after_crash(verdict: &mut Verdict, case: &Case, (own, ours): (Kind, &Message)) {
    if own == Kind::Redirect {
        judge_headers(verdict, own, ours, &empty(302, ours));
        judge_redirect(verdict, case, ours, None);
        return;
    }
    let is_there = case.asked.real.is_some() || case.asked.is_outside;
    // This suffix asks for no document.
    let is_there = is_there && !case.asked.path.ends_with(".yumlist");
    verdict.expect("something there", own != Kind::Missing, is_there);
    if own != Kind::Missing {
        verdict.unjudged.insert(LONE);
    }
    judge_alone(verdict, (own, ours));
}

/// An answer that has nothing to be like.
fn judge_alone(verdict: &mut Verdict, (own, ours): (Kind, &Message)) {
    match own {
        Kind::Missing => judge_missing(verdict, ours),
        Kind::WebServer => {
            verdict.expect("status", ours.status, 200);
            judge_lone_headers(verdict, "our", ours);
        }
        _ => judge_headers(verdict, own, ours, &empty(200, ours)),
    }
}

/// A document by its suffix, of a client that would also take a metalink of it.
fn is_suffix_with_accept(case: &Case) -> bool {
    let accept = case.recording.header("Accept").unwrap_or_default();
    accept.contains("metalink") && case.asked.file != case.asked.path
}

/// A recorded answer that says no more than its type.
fn empty(status: u16, like: &Message) -> Message {
    let mime = like.header("Content-Type").unwrap_or_default().to_owned();
    let disposition = like.header("Content-Disposition");
    let mut headers = vec![("Content-Type".to_owned(), mime)];
    headers.extend(disposition.map(|value| ("Content-Disposition".to_owned(), value.to_owned())));
    if Kind::of(like, false) == Kind::Metalink {
        headers.push(("Vary".to_owned(), "accept".to_owned()));
    }
    Message {
        status,
        headers,
        body: String::new(),
    }
}

/// To a client that names no host we call ourselves by the port that it came to, which works;
/// MirrorBrain leaves it out.
fn without_own_port(verdict: &mut Verdict, case: &Case, ours: &Message) -> Message {
    let (_, target, _) = case.recording.line();
    if case.recording.header("Host").is_some() || target.contains("://") {
        return ours.clone();
    }
    let own = expression(r"(http://(?:mb|link)\.example\.org):\d+");
    let mut plain = ours.clone();
    plain.body = own.replace_all(&ours.body, "$1").into_owned();
    for (name, value) in &mut plain.headers {
        match name.as_str() {
            "Content-Length" if plain.body != ours.body => {
                *value = plain.body.chars().count().to_string()
            }
            _ => *value = own.replace_all(value, "$1").into_owned(),
        }
    }
    if plain != *ours {
        verdict.differs("own-port");
    }
    plain
}

/// The same with one boundary between ranges, which is random.
fn bounded(message: &Message) -> Message {
    let mime = message.header("Content-Type").unwrap_or_default();
    let Some((_, boundary)) = mime.split_once("boundary=") else {
        return message.clone();
    };
    let mut bounded = message.clone();
    bounded.body = message.body.replace(boundary, "BOUNDARY");
    for (name, value) in &mut bounded.headers {
        if name.eq_ignore_ascii_case("content-type") {
            *value = value.replace(boundary, "BOUNDARY");
        }
    }
    bounded
}

fn fields(message: &Message) -> BTreeMap<String, Vec<String>> {
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &message.headers {
        fields
            .entry(name.to_ascii_lowercase())
            .or_default()
            .push(value.clone());
    }
    fields
}

fn members(values: Option<&Vec<String>>) -> BTreeSet<String> {
    let values = values.into_iter().flatten();
    let members = values.flat_map(|value| value.split(',').map(str::trim));
    members
        .filter(|member| !member.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}

/// Every field of either answer.
fn judge_headers(verdict: &mut Verdict, kind: Kind, ours: &Message, theirs: &Message) {
    let (own, right) = (fields(ours), fields(theirs));
    let names: BTreeSet<&String> = own.keys().chain(right.keys()).collect();
    for name in names {
        let (own, right) = (own.get(name), right.get(name));
        if name == "content-length" && kind == Kind::WebServer && own.is_some() && right.is_some() {
            verdict.expect(name, own, right);
            continue;
        }
        if let Some((_, reason)) = UNJUDGED.iter().find(|(known, _)| known == name) {
            verdict.unjudged.insert(reason);
            continue;
        }
        // Judged with the rest of a redirect.
        let is_redirects = ["link", "digest", "location"].contains(&name.as_str())
            || name.starts_with("x-mirrorbrain-");
        if kind == Kind::Redirect && is_redirects || own == right {
            continue;
        }
        match name.as_str() {
            "vary" | "allow" => {
                let (own, mut right) = (members(own), members(right));
                let is_ours =
                    name == "vary" && matches!(kind, Kind::Redirect | Kind::Page | Kind::WebServer);
                if is_ours && own.contains("accept") && !right.contains("accept") {
                    verdict.differs("vary");
                    right.insert("accept".to_owned());
                }
                verdict.expect(name, own, right);
            }
            _ if right.is_none() && is_new(verdict, kind, name, own) => {}
            _ => verdict.expect(name, own, right),
        }
    }
    if kind != Kind::WebServer {
        judge_length(verdict, ours);
    }
}

/// The length is that of the body; an answer to HEAD has none.
fn judge_length(verdict: &mut Verdict, ours: &Message) {
    let Some(length) = ours.header("Content-Length") else {
        return verdict.fail("Content-Length: it is not told");
    };
    let length: Option<usize> = length.parse().ok();
    let is_right = match ours.body.is_empty() {
        true => length.is_some(),
        false => length == Some(ours.body.chars().count()),
    };
    verdict.expect("Content-Length is right", is_right, true);
}

/// Fields that MirrorBrain has not, with the values that they may have.
fn is_new(verdict: &mut Verdict, kind: Kind, name: &str, own: Option<&Vec<String>>) -> bool {
    let Some([value]) = own.map(Vec::as_slice) else {
        return false;
    };
    let is_document = !matches!(kind, Kind::Redirect | Kind::Missing | Kind::WebServer);
    let fits = |mask: &'static str| expression(mask).is_match(value);
    let key = match name {
        "expires" if kind == Kind::Redirect && value == "0" => "not-cached",
        "cache-control" if kind == Kind::Missing && value == "no-cache" => "not-cached",
        "cache-control" if kind == Kind::Redirect && value == "private, no-cache" => "not-cached",
        "cache-control" if is_document && fits("^(private, )?no-cache$") => "cache-control",
        "etag" if is_document && fits("^(W/)?\"[0-9a-f]{32}\"$") => "cache-control",
        "last-modified" if is_document && fits(r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$") => {
            "cache-control"
        }
        "accept-ranges" if is_document && value == "none" => "cache-control",
        "repr-digest" if kind == Kind::Redirect && fits("^sha-256=:[A-Za-z0-9+/]{43}=:$") => {
            "repr-digest"
        }
        "x-content-type-options" if kind == Kind::Page && value == "nosniff" => "page",
        "content-security-policy" if kind == Kind::Page && fits("^default-src 'none'; ") => "page",
        _ => return false,
    };
    verdict.differs(key);
    true
}

fn judge_missing(verdict: &mut Verdict, ours: &Message) {
    verdict.expect("status", ours.status, 404);
    verdict.expect("own page", is_error_page(&ours.body), true);
    let mime = ours.header("Content-Type");
    verdict.expect("type", mime, Some("text/html; charset=iso-8859-1"));
    judge_headers(verdict, Kind::Missing, ours, &empty(404, ours));
    judge_lone_headers(verdict, "our", ours);
}

fn judge_recorded_404(verdict: &mut Verdict, theirs: &Message) {
    verdict.expect("recorded page", is_error_page(&theirs.body), true);
    let mime = theirs.header("Content-Type");
    verdict.expect("recorded type", mime, Some("text/html; charset=iso-8859-1"));
}

/// Fields that neither MirrorBrain nor we send are an error, whatever the answer is held against.
fn judge_lone_headers(verdict: &mut Verdict, whose: &str, message: &Message) {
    for (name, _) in &message.headers {
        let name = name.to_ascii_lowercase();
        let is_known =
            UNJUDGED.iter().any(|(known, _)| *known == name) || KNOWN.contains(&name.as_str());
        verdict.expect(&format!("{whose} field {name} is known"), is_known, true);
    }
}

/// Apache's own page, or ours, which says what is not there.
fn judge_error_page(verdict: &mut Verdict, ours: &Message, theirs: &Message) {
    verdict.expect("recorded page", is_error_page(&theirs.body), true);
    if ours.body != theirs.body {
        verdict.differs("error-page");
        verdict.expect("own page", is_error_page(&ours.body), true);
    }
}

/// A sentence about what is not there, in the page that Apache makes of one.
pub fn is_error_page(body: &str) -> bool {
    expression(
        "^<!DOCTYPE (?:html|HTML PUBLIC \"-//W3C//DTD HTML 4\\.01//EN\" \
         \"http://www\\.w3\\.org/TR/html4/strict\\.dtd\"|\
         HTML PUBLIC \"-//IETF//DTD HTML 2\\.0//EN\")>\n\
         <html><head>\n<title>404 Not Found</title>\n</head><body>\n<h1>Not Found</h1>\n\
         <p>(?:There is no such file|There is no such document about the file|\
         The requested URL was not found on this server)\\.</p>\n</body></html>\n$",
    )
    .is_match(body)
}

/// Judges a file of the web server, which must be the same to the byte.
fn judge_file(verdict: &mut Verdict, case: &Case, ours: &Message, theirs: &Message) {
    if case.asked.is_foreign {
        verdict.unjudged.insert(FOREIGN);
        return;
    }
    let boundary = theirs
        .header("Content-Type")
        .and_then(|mime| mime.split_once("boundary="));
    if boundary.is_some() {
        verdict
            .unjudged
            .insert("the boundary between ranges is random");
    }
    if case.recording.truncated {
        verdict
            .unjudged
            .insert("only the beginning of a long file was recorded");
        verdict.expect("beginning", ours.body.starts_with(&theirs.body), true);
        return;
    }
    verdict.expect("same body", ours.body == theirs.body, true);
}
