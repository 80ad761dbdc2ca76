//! Sections of a host: which rules each of them sets, and where it holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::known::{Fate, KnownDirective, known};
use super::value::{RuleReader, words_of};
use crate::admin::apache::{Directive, HTACCESS};
use crate::admin::import::problem::{ImportProblem, Spot};
use crate::domain::order::ShortList;
use crate::domain::rule::RawRules;

/// Where a section holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SectionReach {
    /// The host or the server itself, outside of any section.
    Host,
    /// `<Directory>`, or an `.htaccess`.
    Directory(PathBuf),
    /// `<Location>`.
    Location(String),
    /// `<Files>`, a regular expression, wildcards: only Apache knows.
    Matched,
}

/// A section with its rules.
#[derive(Debug, Clone)]
pub(super) struct RuleSection {
    pub reach: SectionReach,
    pub is_htaccess: bool,
    /// Its number among all that were read; 0 is the host or the server.
    pub number: usize,
    pub spot: Spot,
    /// The directories around one that only Apache can match.
    pub within: Option<PathBuf>,
    pub rules: RawRules,
    /// Where each key was set.
    pub spots: BTreeMap<&'static str, Spot>,
    /// First lines of its directives.
    pub lines: Vec<Spot>,
}

/// The spot of a directive.
pub(super) fn spot_of(directive: &Directive) -> Spot {
    Spot::new(&directive.file, directive.line)
}

/// The kinds of section that rules stand in.
const KINDS: [&str; 12] = [
    HTACCESS,
    "directory",
    "directorymatch",
    "location",
    "locationmatch",
    "files",
    "filesmatch",
    "if",
    "elseif",
    "else",
    "proxy",
    "macro",
];

/// The sections with rules, in the order in which Apache merges them.
///
/// # Errors
/// Returns the first directive that Apache would refuse, too.
pub(super) fn rule_sections(
    directives: &[&Directive],
    notes: &mut Vec<ImportProblem>,
) -> Result<Vec<RuleSection>, ImportProblem> {
    let mut sections: Vec<RuleSection> = Vec::new();
    for directive in directives {
        let Some(row) = known(&directive.name) else {
            continue;
        };
        let Fate::Rule(key) = row.fate else { continue };
        let spot = spot_of(directive);
        row.check(&spot, words_of(directive))?;
        let index = section_of(&mut sections, directive);
        let section = &mut sections[index];
        section.lines.push(spot.clone());
        section.spots.insert(key, spot.clone());
        RuleReader {
            row,
            key,
            spot: &spot,
            notes,
        }
        .read(&mut section.rules, words_of(directive))?;
    }
    sections.order_by_key(RuleSection::rank);
    Ok(sections)
}

/// Refuses a directive where Apache refuses it.
///
/// # Errors
/// Returns the problem.
pub(super) fn check_scope(
    row: &KnownDirective,
    directive: &Directive,
) -> Result<(), ImportProblem> {
    use super::known::DirectiveScope;
    let inside = directive
        .sections
        .iter()
        .any(|section| KINDS.contains(&section.kind.as_str()));
    let (name, spot) = (row.name, spot_of(directive));
    match row.scope {
        DirectiveScope::Server if inside => Err(ImportProblem::new(
            &spot,
            format!("{name} is for the server and its hosts alone; move it out of the section"),
        )),
        DirectiveScope::Directory if !inside => Err(ImportProblem::new(
            &spot,
            format!("{name} is for a <Directory> alone; move it into one"),
        )),
        _ => Ok(()),
    }
}

fn section_of(sections: &mut Vec<RuleSection>, directive: &Directive) -> usize {
    let around = directive.sections.iter().rev();
    let inner = around
        .filter(|section| KINDS.contains(&section.kind.as_str()))
        .collect::<Vec<_>>();
    let number = inner.first().map_or(0, |section| section.number);
    if let Some(index) = sections.iter().position(|known| known.number == number) {
        return index;
    }
    let reach = inner.first().map_or(SectionReach::Host, |section| {
        reach_of(&section.kind, &section.argument)
    });
    let within =
        inner
            .iter()
            .skip(1)
            .find_map(|section| match reach_of(&section.kind, &section.argument) {
                SectionReach::Directory(path) => Some(path),
                _ => None,
            });
    sections.push(RuleSection {
        is_htaccess: inner
            .first()
            .is_some_and(|section| section.kind == HTACCESS),
        reach: if inner.len() > 1 {
            SectionReach::Matched
        } else {
            reach
        },
        number,
        spot: inner
            .first()
            .map_or_else(|| spot_of(directive), |s| Spot::new(&s.file, s.line)),
        within,
        rules: RawRules::default(),
        spots: BTreeMap::new(),
        lines: Vec::new(),
    });
    sections.len() - 1
}

fn reach_of(kind: &str, argument: &str) -> SectionReach {
    let is_pattern = argument.starts_with('~') || argument.contains(['*', '?', '[']);
    match kind {
        HTACCESS => SectionReach::Directory(clean(argument)),
        "directory" if !is_pattern => SectionReach::Directory(clean(argument)),
        "location" if !is_pattern => SectionReach::Location(argument.to_owned()),
        _ => SectionReach::Matched,
    }
}

/// Without a slash at the end, and without doubled ones.
pub(super) fn clean(path: &str) -> PathBuf {
    Path::new(path).components().collect()
}

impl RuleSection {
    /// Apache merges directories by their depth, an `.htaccess` behind the section of the same
    /// directory, and locations last.
    fn rank(&self) -> (usize, usize, bool) {
        match &self.reach {
            SectionReach::Host => (0, 0, false),
            SectionReach::Directory(path) => (1, path.components().count(), self.is_htaccess),
            SectionReach::Matched => (2, 0, false),
            SectionReach::Location(_) => (3, 0, false),
        }
    }

    /// Whether it switches MirrorBrain on.
    pub fn is_root(&self) -> bool {
        self.rules.engine == Some(true)
    }

    /// Whether it makes a tree.
    pub fn is_tree(&self) -> bool {
        self.is_root() && matches!(self.reach, SectionReach::Directory(_))
    }
}
