//! Writes changes of mirrors as an Atom feed (RFC 4287).

use std::fmt::Write;

use crate::domain::escape::html_into;
use crate::domain::time::Timestamp;

/// A change of a mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// When.
    pub at: Timestamp,
    /// Number of the change among those of the same time.
    pub number: usize,
    /// The mirror.
    pub mirror: String,
    /// Its page, from the feed's folder.
    pub page: String,
    /// The change.
    pub what: String,
}

/// Escapes, and leaves out what XML forbids.
fn plain(text: &str) -> String {
    let allowed = |c: &char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    let text: String = text.chars().filter(allowed).collect();
    let mut out = Vec::new();
    html_into(&mut out, text.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}

/// Words of an id: letters and digits.
fn word(text: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    text.chars().map(keep).collect()
}

/// The feed; `base` is the URL of the pages, empty if it is not known.
pub fn feed(site: &str, base: &str, entries: &[FeedEntry], now: Timestamp) -> String {
    let updated = entries.iter().map(|entry| entry.at.0).max();
    let updated = Timestamp(updated.unwrap_or(now.0.div_euclid(86_400) * 86_400));
    // Ids have to be IRIs that stay; RFC 4151's need no host that can be asked.
    let tag = format!("tag:heliostat.invalid,2026:{}", word(site));
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <feed xmlns=\"http://www.w3.org/2005/Atom\">\n<id>{tag}</id>\n\
         <title>Mirrors of {}</title>\n<updated>{updated}</updated>\n\
         <author><name>Heliostat</name></author>\n",
        plain(site)
    );
    if !base.is_empty() {
        let _ = writeln!(
            text,
            "<link rel=\"self\" href=\"{}feed.atom\"/>",
            plain(base)
        );
    }
    for entry in entries {
        let (mirror, what) = (plain(&entry.mirror), plain(&entry.what));
        let _ = write!(
            text,
            "<entry>\n<id>{tag}:{}:{}:{}</id>\n<title>{mirror}: {what}</title>\n\
             <updated>{}</updated>\n<link rel=\"alternate\" href=\"{}{}\"/>\n\
             <content type=\"text\">{mirror}: {what}</content>\n</entry>\n",
            word(&entry.mirror),
            entry.at.0,
            entry.number,
            entry.at,
            plain(base),
            plain(&entry.page)
        );
    }
    text + "</feed>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e5_names_are_escaped() {
        let entry = FeedEntry {
            at: Timestamp(0),
            number: 0,
            mirror: "<b>&\"".to_owned(),
            page: "mirror/b.html".to_owned(),
            what: "down \u{7}".to_owned(),
        };
        let text = feed("<i>", "https://e.org/?a&b=/", &[entry], Timestamp(0));
        assert!(
            text.contains("<title>&lt;b&gt;&amp;&quot;: down </title>"),
            "{text}"
        );
        assert!(!text.contains("<b>") && !text.contains("<i>"), "{text}");
    }
}
