//! Renders the status pages from values that are ready to be shown. Templates escape every value;
//! only charts are put in as they are, which escape themselves.

use std::fmt::Write;

use askama::Template;

use super::chart::ChartPoint;
use super::news::NEWS_FILES_MIN;
use crate::domain::escape::html_into;
use crate::domain::time::Timestamp;

/// The style of the page of a file, and what status pages have beyond it.
pub const STYLE: &str = concat!(
    include_str!("../document/template/mirror_list.css"),
    include_str!("template/page.css")
);

/// The frame around each page.
#[derive(Debug, Clone)]
pub struct PageFrame {
    /// The site.
    pub site: String,
    /// When the pages are made.
    pub made: Timestamp,
    /// Whether they are for admins.
    pub is_admin: bool,
    /// The way to the folder of all pages: empty, or `../`.
    pub root: &'static str,
    /// The page's place among [`LINKS`].
    pub here: Option<usize>,
}

/// Pages of the navigation.
const LINKS: [(&str, &str); 4] = [
    ("index.html", "Overview"),
    ("mirrors.html", "Mirrors"),
    ("rollout.html", "Rollout"),
    ("statistics.html", "Statistics"),
];

struct PageLink {
    file: &'static str,
    word: &'static str,
    is_here: bool,
}

impl PageFrame {
    fn links(&self) -> Vec<PageLink> {
        let links = LINKS.iter().enumerate();
        let link = |(place, (file, word)): (usize, &(&'static str, &'static str))| PageLink {
            file,
            word,
            is_here: self.here == Some(place),
        };
        links.map(link).collect()
    }
}

/// A number of the overview.
#[derive(Debug, Clone)]
pub struct OverviewFact {
    /// The name of the number.
    pub name: &'static str,
    /// The number.
    pub value: String,
    /// A remark; may be empty.
    pub more: String,
}

/// A change of a mirror.
#[derive(Debug, Clone)]
pub struct Incident {
    /// When.
    pub at: Timestamp,
    /// The mirror.
    pub mirror: String,
    /// The name of its page.
    pub file: Option<String>,
    /// The change.
    pub what: String,
}

/// `index.html`.
#[derive(Template)]
#[template(
    config = "src/domain/status_page/template/askama.toml",
    path = "overview.html"
)]
pub struct OverviewOfSite<'a> {
    /// Around it.
    pub frame: &'a PageFrame,
    /// Numbers.
    pub facts: Vec<OverviewFact>,
    /// Where mirrors are.
    pub map: Option<String>,
    /// Changes, the latest first.
    pub incidents: &'a [Incident],
    /// The words of the site's badge.
    pub badge: String,
}

/// A mirror in words.
#[derive(Debug, Clone)]
pub struct ShownMirror {
    /// Its name.
    pub name: String,
    /// The name of its page, without the ending.
    pub file: String,
    /// Who runs it.
    pub operator: String,
    /// Their page.
    pub operator_url: Option<String>,
    /// Its country.
    pub country: String,
    /// Protocols and families.
    pub marks: String,
    /// `up`, `partly`, `down`, `disabled`.
    pub state: &'static str,
    /// Class of the state.
    pub class: &'static str,
    /// The stable word for why it gets no clients.
    pub reason: Option<&'static str>,
    /// The same for people.
    pub why: Option<&'static str>,
    /// How far it is behind.
    pub lag: String,
    /// Its part of the tree.
    pub coverage: String,
    /// Share of probes answered in a day.
    pub completion_day: String,
    /// And in a week.
    pub completion_week: String,
    /// Mean and deviation.
    pub answer: String,
    /// Share of downloads.
    pub share: String,
    /// 14 days of its content.
    pub sync_strip: String,
    /// 14 days of probes.
    pub probe_strip: String,
}

/// A row of `mirrors.html`.
#[derive(Debug, Clone)]
pub struct CountryRow<'a> {
    /// Where its country begins.
    pub anchor: Option<String>,
    /// The mirror.
    pub mirror: &'a ShownMirror,
}

/// A link to a country's first mirror.
#[derive(Debug, Clone)]
pub struct CountryLink {
    /// The place.
    pub href: String,
    /// The country.
    pub name: String,
}

/// `mirrors.html`, or a further part of it.
#[derive(Template)]
#[template(
    config = "src/domain/status_page/template/askama.toml",
    path = "mirrors.html"
)]
pub struct MirrorsPage<'a> {
    /// Around it.
    pub frame: &'a PageFrame,
    /// Countries of all parts.
    pub countries: &'a [CountryLink],
    /// Files of the parts.
    pub parts: &'a [String],
    /// Number of this part, from 1.
    pub part: usize,
    /// Its mirrors.
    pub rows: Vec<CountryRow<'a>>,
}

/// A base URL.
#[derive(Debug, Clone)]
pub struct ShownUrl {
    /// Its scheme.
    pub protocol: &'static str,
    /// The URL, without a login.
    pub url: String,
}

/// The last probe of one target.
#[derive(Debug, Clone)]
pub struct ShownProbe {
    /// Scheme and family.
    pub target: String,
    /// How it went.
    pub result: String,
    /// When.
    pub at: String,
    /// How long it took.
    pub latency: String,
    /// When the certificate ends.
    pub expires: String,
    /// A command that shows the same failure.
    pub evidence: String,
}

/// A chart with its table.
#[derive(Debug, Clone)]
pub struct ShownChart {
    /// For links to it.
    pub id: &'static str,
    /// The chart's title.
    pub name: &'static str,
    /// The chart, if there is a value.
    pub svg: Option<String>,
    /// Heads of the table.
    pub heads: Vec<&'static str>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
    /// Below the chart; may be empty.
    pub remark: String,
    /// Whether the table is shown at once.
    pub is_open: bool,
}

impl ShownChart {
    /// A chart of points, whose table has a row per point.
    pub fn of(
        (id, name): (&'static str, &'static str),
        svg: Option<String>,
        heads: [&'static str; 2],
        points: &[ChartPoint],
    ) -> ShownChart {
        let row = |point: &ChartPoint| vec![point.name.clone(), point.text.clone()];
        ShownChart {
            id,
            name,
            svg,
            heads: heads.to_vec(),
            rows: points.iter().rev().map(row).collect(),
            remark: String::new(),
            is_open: false,
        }
    }

    /// The table, closed below a word unless it is to be open.
    pub fn table(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let mut cells = Vec::new();
        let mut table = |text: &str, is_plain: bool| match is_plain {
            true => cells.extend_from_slice(text.as_bytes()),
            false => html_into(&mut cells, text.as_bytes()),
        };
        table("<table><thead><tr>", true);
        for head in &self.heads {
            table("<th scope=\"col\">", true);
            table(head, false);
            table("</th>", true);
        }
        table("</tr></thead><tbody>", true);
        for row in &self.rows {
            table("<tr>", true);
            for (place, cell) in row.iter().enumerate() {
                table(
                    if place == 0 {
                        "<th scope=\"row\">"
                    } else {
                        "<td>"
                    },
                    true,
                );
                table(cell, false);
                table(if place == 0 { "</th>" } else { "</td>" }, true);
            }
            table("</tr>\n", true);
        }
        table("</tbody></table>", true);
        let cells = String::from_utf8_lossy(&cells);
        let mut text = String::new();
        let name = self.name;
        let region = |text: &mut String| {
            let _ = write!(
                text,
                "<div class=\"scroll\" role=\"region\" aria-label=\"Table: {name}\" \
                 tabindex=\"0\">{cells}</div>"
            );
        };
        match self.is_open {
            true => region(&mut text),
            false => {
                text.push_str("<details><summary>As a table</summary>");
                region(&mut text);
                text.push_str("</details>");
            }
        }
        text
    }
}

/// The page of one mirror.
#[derive(Template)]
#[template(
    config = "src/domain/status_page/template/askama.toml",
    path = "mirror.html"
)]
pub struct OneMirrorPage<'a> {
    /// Around it.
    pub frame: &'a PageFrame,
    /// The mirror.
    pub mirror: &'a ShownMirror,
    /// Its base URLs.
    pub urls: Vec<ShownUrl>,
    /// Further facts about the mirror: names and values.
    pub notes: Vec<(&'static str, String)>,
    /// Its last probes.
    pub probes: Vec<ShownProbe>,
    /// Its past.
    pub charts: Vec<ShownChart>,
    /// Its changes.
    pub events: Vec<Incident>,
    /// The words of the mirror's badge.
    pub badge: String,
}

/// News of the tree on their way.
#[derive(Debug, Clone)]
pub struct ShownNews {
    /// When the tree got them.
    pub at: Timestamp,
    /// How many files.
    pub files: u64,
    /// Mirrors that have them.
    pub arrived: usize,
    /// Mirrors that could have them.
    pub of: usize,
    /// Time to half of these.
    pub half: String,
    /// To nine of ten.
    pub most: String,
    /// To 99 of 100.
    pub all: String,
}

/// A mirror's times.
#[derive(Debug, Clone)]
pub struct ArrivalRow {
    /// Name of the page.
    pub file: String,
    /// The mirror.
    pub name: String,
    /// A time per news.
    pub cells: Vec<String>,
}

/// `rollout.html`.
#[derive(Template)]
#[template(
    config = "src/domain/status_page/template/askama.toml",
    path = "rollout.html"
)]
pub struct RolloutPage<'a> {
    /// Around it.
    pub frame: &'a PageFrame,
    /// The news, the latest first.
    pub generations: Vec<ShownNews>,
    /// Hours to half of the mirrors.
    pub chart: Option<String>,
    /// Heads of the table of mirrors.
    pub latest: Vec<Timestamp>,
    /// Its rows.
    pub rows: Vec<ArrivalRow>,
    /// Mirrors without a row.
    pub left_out: usize,
    /// Files that news need.
    pub least: u64,
}

impl RolloutPage<'_> {
    /// Files that news need to be followed.
    pub const LEAST: u64 = NEWS_FILES_MIN;
}

/// `statistics.html`.
#[derive(Template)]
#[template(
    config = "src/domain/status_page/template/askama.toml",
    path = "statistics.html"
)]
pub struct StatisticsPage<'a> {
    /// Around it.
    pub frame: &'a PageFrame,
    /// Why there are none.
    pub absent: Option<String>,
    /// The days that are shown.
    pub period: String,
    /// Tables with charts.
    pub sections: Vec<ShownChart>,
}

/// The text of a page.
pub fn text(page: &impl Template) -> String {
    let text = page.render();
    text.expect("a template that is written into memory does not fail")
}
