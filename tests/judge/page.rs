//! A list of mirrors is that of the recorded mod_mirrorbrain: the same elements with the same ids
//! and classes in the same order, the same words, every mirror in its place. New parts have ids of
//! their own.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

use crate::stand_in::fcgi_client::percent_decoded;

/// A recorded page.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// Ids and classes.
    elements: Vec<String>,
    /// Facts about the file.
    labels: Vec<(String, String)>,
    /// The sentence about the client.
    client: String,
    groups: Vec<Group>,
}

/// The mirrors of a class, best first.
#[derive(Debug, Deserialize)]
struct Group {
    heading: String,
    mirrors: Vec<Mirror>,
}

/// Place in the law's order, which several may share; country; score, which ours does not tell;
/// URL.
type Mirror = (usize, String, String, String);

/// Ids and classes that MirrorBrain's page has not.
const NEW: [&str; 7] = [
    "mirrorbrain-breadcrumb",
    "mirrorbrain-copy",
    "mirrorbrain-download",
    "mirrorbrain-facts",
    "mirrorbrain-map",
    "mirrorbrain-reason",
    "mirrorbrain-mirrors-others",
];

fn regex(text: &str) -> Regex {
    Regex::new(text).expect("an expression of the test")
}

/// Gives the text that a reader sees, with one space between words.
fn plain(html: &str) -> String {
    let text = regex("<[^>]*>").replace_all(html, "");
    let text = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ]
    .into_iter()
    .fold(text.into_owned(), |text, (from, to)| text.replace(from, to));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Page {
    /// Holds our page against the recorded one.
    pub fn compare(&self, what: &str, text: &str) {
        let body = text.split("<body>").nth(1).expect("a body");
        let elements: Vec<String> = regex("(?:id|class)=\"(mirrorbrain-[a-z-]+)\"")
            .captures_iter(body)
            .map(|found| found[1].to_owned())
            .filter(|name| !NEW.iter().any(|new| name.starts_with(new)))
            .collect();
        assert_eq!(elements, self.elements, "{what}");
        let label = regex("<li><span class=\"mirrorbrain-label\">(.*?):</span> *(.*?)</li>");
        let labels: Vec<(String, String)> = label
            .captures_iter(body)
            .map(|found| (plain(&found[1]), plain(&found[2])))
            .collect();
        assert_eq!(labels, self.labels, "{what}");
        // Where the client is to a metre is nobody's business but the law's.
        let client = regex(", located at [-0-9.,]+").replace(&self.client, "");
        let client = format!("<p>{client}</p>");
        assert!(body.contains(&client), "{what}: not: {client}");
        let groups: Vec<&str> = body
            .split("<div class=\"mirrorbrain-mirrors-grp\">")
            .skip(1)
            .collect();
        assert_eq!(groups.len(), self.groups.len(), "{what}");
        for (ours, recorded) in groups.into_iter().zip(&self.groups) {
            recorded.compare(what, ours);
        }
    }
}

impl Group {
    /// The same mirrors; those of one place in any order there.
    fn compare(&self, what: &str, html: &str) {
        let heading = format!("<h4>{}</h4>", self.heading);
        assert!(html.contains(&heading), "{what}: not {heading}: {html}");
        let known: BTreeMap<Vec<u8>, &Mirror> = self
            .mirrors
            .iter()
            .map(|mirror| (mirror.3.as_bytes().to_vec(), mirror))
            .collect();
        let list = html.split("</ol>").next().expect("a list");
        let item = regex(
            "<li><a href=\"(.*?)\">(.*?)</a> <span class=\"mirrorbrain-facts\">\
             (?:[^(<]*\\()?(..)\\b",
        );
        let mut found = Vec::new();
        for item in item.captures_iter(list) {
            let is_of_host = item[1].contains(&format!("//{}/", &item[2]));
            assert!(
                is_of_host,
                "{what}: {} is the text of {}",
                &item[2], &item[1]
            );
            let url = percent_decoded(plain(&item[1]).as_bytes());
            let mirror = known.get(&url);
            let mirror = mirror.unwrap_or_else(|| panic!("{what}: {} is not there", &item[1]));
            assert_eq!(&item[3], &*mirror.1, "{what}");
            found.push(mirror.0);
        }
        let expected: Vec<usize> = self.mirrors.iter().map(|mirror| mirror.0).collect();
        assert_eq!(found, expected, "{what}");
    }
}
