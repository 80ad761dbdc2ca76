//! Writes an explanation as text for people.

use std::io::Write;

use super::named::named_line;
use super::summary::summary;
use crate::decide::{Client, Decision, FactSource};
use crate::domain::order::ShortList;
use crate::domain::select::HttpsCount;
use crate::domain::time::Timestamp;
use crate::program::table::TextTable;

/// Excluded mirrors that are listed one by one; more are counted by reason.
const EXCLUDED_MAX: usize = 8;

/// Names behind a reason that several excluded mirrors share.
const NAMES_SHOWN: usize = 3;

/// Facts that are shown besides the decision.
pub(in crate::admin) struct ExplainAside<'a> {
    /// As whom the tree was looked at.
    pub looked_as: &'a str,
    pub https: Option<HttpsCount>,
    /// Whether the address is this host's, because none was given.
    pub is_own_address: bool,
    /// The URL path that was taken for a path in the file system.
    pub tree_path: Option<&'a str>,
    /// Whether all excluded mirrors are listed.
    pub lists_excluded: bool,
    /// One line per mirror with a drain.
    pub drains: &'a [String],
    /// One line per rule of networks.
    pub rules: &'a [String],
}

/// Writes the decision, the facts behind it, candidates and the rest.
pub(in crate::admin) fn write(
    out: &mut impl Write,
    decision: &Decision<'_>,
    (client, sources): (&Client, &[FactSource<'_>]),
    aside: &ExplainAside<'_>,
) -> std::io::Result<()> {
    writeln!(out, "decision   {}", summary(decision))?;
    if let Some(best) = decision.choices().first() {
        let label = match decision.held {
            Some(_) => "held back",
            None => "location",
        };
        let url = decision.url(best).unwrap_or_default();
        writeln!(out, "{label:<10} {url}")?;
    }
    write_facts(out, decision, (client, sources), aside)?;
    write_candidates(out, decision)?;
    write_excluded(out, decision, aside.lists_excluded)
}

fn write_facts(
    out: &mut impl Write,
    decision: &Decision<'_>,
    (client, sources): (&Client, &[FactSource<'_>]),
    aside: &ExplainAside<'_>,
) -> std::io::Result<()> {
    if let Some(path) = aside.tree_path {
        writeln!(
            out,
            "hint       the file in the tree has the URL path {path}"
        )?;
    }
    if let Some(named) = &decision.named {
        writeln!(out, "{}", named_line(named))?;
    }
    if let Some(requested) = &decision.requested {
        writeln!(out, "requested  {requested}")?;
    }
    if let Some(file) = &decision.file {
        let changed = Timestamp(file.version.mtime);
        writeln!(
            out,
            "file       {}  {} bytes  {changed}",
            file.path, file.version.size
        )?;
    }
    writeln!(out, "looked as  {}", aside.looked_as)?;
    let own = match aside.is_own_address {
        true => "  (this host; --ip asks for another)",
        false => "",
    };
    writeln!(out, "client     {}{own}", client_line(client))?;
    for source in sources {
        writeln!(out, "           {}", source_line(source))?;
    }
    if let Some(https) = aside.https {
        writeln!(out, "https      {}", https.text())?;
    }
    for rule in aside.rules {
        writeln!(out, "rule       {rule}")?;
    }
    for drain in aside.drains {
        writeln!(out, "drain      {drain}")?;
    }
    Ok(())
}

/// `country by FILE (FIELD)`.
fn source_line(source: &FactSource<'_>) -> String {
    match source {
        FactSource::Parameter(fact) => {
            format!("{} by a parameter of the web server", fact.as_str())
        }
        FactSource::Query(fact) => format!("{} by the query", fact.as_str()),
        FactSource::Configuration(fact) => format!("{} by the configuration", fact.as_str()),
        FactSource::File(told) => format!(
            "{} by {} ({})",
            told.fact.as_str(),
            told.file.display(),
            told.field
        ),
    }
}

fn client_line(client: &Client) -> String {
    let place = &client.place;
    let unknown = || "--".to_owned();
    let mut words = vec![
        client.ip.map_or_else(unknown, |ip| ip.to_string()),
        format!(
            "{}/{}",
            place.country.map_or_else(unknown, |code| code.to_string()),
            place.region.map_or_else(unknown, |code| code.to_string())
        ),
    ];
    words.extend(
        place
            .coordinates
            .map(|at| format!("{},{}", at.latitude, at.longitude)),
    );
    words.extend(place.asn.map(|asn| format!("AS{asn}")));
    words.extend(client.network.map(|network| network.to_string()));
    words.push(client.scheme.as_str().to_owned());
    words.join("  ")
}

fn write_candidates(out: &mut impl Write, decision: &Decision<'_>) -> std::io::Result<()> {
    if decision.choices().is_empty() {
        return Ok(());
    }
    let mut table = TextTable::new([
        "candidate",
        "realm",
        "country",
        "score",
        "distance",
        "weight",
        "probability",
    ]);
    let number = |value: Option<u32>| value.map_or_else(|| "-".to_owned(), |n| n.to_string());
    for choice in decision.choices() {
        let candidate = &choice.candidate;
        table.add_row([
            choice.name.to_string(),
            candidate.realm.as_str().to_owned(),
            choice
                .country
                .map_or_else(|| "--".to_owned(), |code| code.to_string()),
            choice.score.to_string(),
            number(candidate.distance),
            number(candidate.handicapped),
            format!("{:.2} %", candidate.probability * 100.0),
        ]);
    }
    writeln!(out, "\n{}", table.text(3..=6))?;
    for choice in decision.choices() {
        if let Some(why) = choice.candidate.later {
            writeln!(out, "{}: {}", choice.name, why.text())?;
        }
    }
    Ok(())
}

fn write_excluded(
    out: &mut impl Write,
    decision: &Decision<'_>,
    lists_all: bool,
) -> std::io::Result<()> {
    let rest = decision.excluded();
    if rest.is_empty() {
        return Ok(());
    }
    if lists_all || rest.len() <= EXCLUDED_MAX {
        let mut table = TextTable::new(["excluded", "reason"]);
        for (_, name, reason) in rest {
            table.add_row([name, reason.text()]);
        }
        return writeln!(out, "\n{}", table.text([]));
    }
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for (_, name, reason) in rest {
        match reasons
            .iter_mut()
            .find(|(known, _)| *known == reason.text())
        {
            Some((_, names)) => names.push(name),
            None => reasons.push((reason.text(), vec![name])),
        }
    }
    reasons.order_by_key(|(_, names)| std::cmp::Reverse(names.len()));
    let mut table = TextTable::new(["excluded", "reason", "mirrors"]);
    for (reason, names) in reasons {
        let more = if names.len() > NAMES_SHOWN {
            ", …"
        } else {
            ""
        };
        let first = names[..names.len().min(NAMES_SHOWN)].join(", ");
        let count = names.len().to_string();
        table.add_row([count, reason.to_owned(), format!("{first}{more}")]);
    }
    writeln!(out, "\n{}", table.text([0]))?;
    writeln!(out, "-v lists every mirror that is excluded.")
}
