//! Converts Apache's configuration into sites, changed files, and notes about lines that are not
//! carried over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::edit::{FileEdits, converted_index_options, converted_log, reads_variable};
use super::host_part::{HostPart, matched_lines, server_part};
use super::known::{Fate, GONE_MODULES, is_of_family, known};
use super::section::{RuleSection, check_scope, rule_sections, spot_of};
use super::settings::HostSettings;
use super::site::{HostReading, NamedSites, SiteDraft};
use crate::admin::apache::{Directive, Reading, VirtualHost};
use crate::admin::import::instance::InstanceFile;
use crate::admin::import::problem::{ImportProblem, Spot};
use crate::domain::order::ShortList;

/// Directives of others that need mod_dbd.
const USERS_OF_DBD: [&str; 6] = [
    "authdbduserpwquery",
    "authdbduserrealmquery",
    "authzdbdquery",
    "dbdpreparesql",
    "dbdinitsql",
    "sessiondbd",
];

/// Result of a conversion.
#[derive(Default)]
pub(super) struct Conversion {
    pub sites: NamedSites,
    pub edits: FileEdits,
    /// Notes about lines that are not carried over, or not with their apparent meaning.
    pub notes: Vec<ImportProblem>,
}

/// The original files, by their paths.
pub(super) type FileTexts = BTreeMap<PathBuf, String>;

/// Converts all hosts.
///
/// # Errors
/// Returns the first directive that Apache would refuse, too.
pub(super) fn convert(
    reading: &Reading,
    texts: &FileTexts,
    state: &Path,
    instances: InstanceFile,
) -> Result<Conversion, ImportProblem> {
    let mut conversion = Conversion {
        notes: instances.notes,
        ..Conversion::default()
    };
    conversion.sites.instances = instances.instances;
    let directives = &reading.directives;
    conversion.look_at_each(reading, texts)?;
    let hosts = VirtualHost::all(directives);
    let of_server: Vec<&Directive> = directives
        .iter()
        .filter(|one| one.section("virtualhost").is_none())
        .collect();
    let mut parts: Vec<(Spot, HostPart)> = Vec::new();
    let mut used: BTreeSet<usize> = BTreeSet::new();
    for host in &hosts {
        let all: Vec<&Directive> = of_server.iter().chain(&host.directives).copied().collect();
        let spot = Spot::new(&host.section.file, host.section.line);
        let part = conversion.host(&all, (&host.shown(), state), &mut used)?;
        parts.extend(part.map(|part| (spot, part)));
    }
    let rest: Vec<&Directive> = of_server
        .into_iter()
        .filter(|one| {
            !one.sections
                .iter()
                .any(|section| used.contains(&section.number))
        })
        .collect();
    let mut none = BTreeSet::new();
    let server = conversion.host(&rest, ("the server itself", state), &mut none)?;
    conversion.place_parts(&parts, server, texts);
    conversion.name_unused_instances();
    conversion
        .notes
        .order_by(|one, other| one.spot.cmp(&other.spot));
    conversion.notes.dedup();
    Ok(conversion)
}

impl Conversion {
    /// A host's sites; `None` if it has none.
    fn host(
        &mut self,
        directives: &[&Directive],
        (shown, state): (&str, &Path),
        used: &mut BTreeSet<usize>,
    ) -> Result<Option<HostPart>, ImportProblem> {
        let mut notes = Vec::new();
        let settings = HostSettings::read(directives, &mut notes)?;
        let sections = rule_sections(directives, &mut notes)?;
        let own: BTreeSet<usize> = directives
            .iter()
            .filter(|one| one.section("virtualhost").is_some())
            .flat_map(|one| one.sections.iter().map(|section| section.number))
            .collect();
        let host = HostReading {
            settings: &settings,
            sections: &sections,
        };
        let is_of_host = |draft: &SiteDraft| {
            let mut roots = sections.iter().filter(|section| section.is_tree());
            roots.any(|root| {
                own.contains(&root.number) && root.spots.get("engine") == Some(&draft.spot)
            }) || settings.serves(&draft.tree)
        };
        let drafts: Vec<SiteDraft> = host.sites(&mut notes);
        let drafts: Vec<SiteDraft> = drafts.into_iter().filter(|one| is_of_host(one)).collect();
        if drafts.is_empty() {
            return Ok(None);
        }
        used.extend(sections.iter().map(|section: &RuleSection| section.number));
        self.notes.extend(notes);
        let mut part = HostPart::default();
        for (section, rules) in host.matched() {
            let (lines, problems) = matched_lines(section, &rules);
            part.see_min_size(&rules);
            self.notes.extend(problems);
            if let Some(first) = section.lines.first() {
                self.edits.at(first).before = lines;
            }
        }
        for draft in drafts {
            part.see(&draft);
            let tree = draft.tree.clone();
            part.sites.push((self.sites.add(draft, shown, state), tree));
        }
        Ok(Some(part))
    }

    fn name_unused_instances(&mut self) {
        let sites = &self.sites;
        let is_used = |name: &str| sites.all.iter().any(|site| site.name == name);
        let unused = sites.instances.iter().filter(|one| !is_used(&one.name));
        let notes: Vec<ImportProblem> = unused
            .map(|instance| {
                let (name, database) = (&instance.name, instance.database.escape_debug());
                let text = format!(
                    "instance {name} is not carried over, because no host has its database \
                     '{database}' in DBDParams; name the file of its host, too"
                );
                ImportProblem::new(&instance.spot, text)
            })
            .collect();
        self.notes.extend(notes);
    }

    /// Finds the fate of each line by itself.
    fn look_at_each(&mut self, reading: &Reading, texts: &FileTexts) -> Result<(), ImportProblem> {
        let keeps_dbd = reading.directives.iter().any(|one| {
            let is_map =
                one.name == "rewritemap" && one.arguments.iter().any(|a| a.contains("dbd:"));
            is_map || USERS_OF_DBD.iter().any(|name| one.name.starts_with(name))
        });
        for directive in &reading.directives {
            let spot = spot_of(directive);
            match known(&directive.name) {
                Some(row) => {
                    check_scope(row, directive)?;
                    let is_kept = keeps_dbd && row.name.starts_with("DBD");
                    self.known(directive, row.fate, is_kept);
                    if row.goes() && !is_kept {
                        self.edits.at(&spot).removed_to = Some(directive.last_line);
                    }
                }
                None if is_of_family(&directive.name) => {
                    let text = format!(
                        "{} is not carried over, because MirrorBrain 2.19 does not have it",
                        directive.name.escape_debug()
                    );
                    self.notes.push(ImportProblem::new(&spot, text));
                    if !directive.name.starts_with("maxmind") {
                        self.edits.at(&spot).removed_to = Some(directive.last_line);
                    }
                }
                None => self.foreign(directive, texts),
            }
        }
        Ok(())
    }

    fn known(&mut self, directive: &Directive, fate: Fate, is_kept: bool) {
        let spot = spot_of(directive);
        let name = known(&directive.name).map_or("", |row| row.name);
        let text = match fate {
            _ if is_kept => format!("{name} stays, because another module needs mod_dbd"),
            Fate::Gone(why) => format!("{name} is not carried over, because {why}"),
            Fate::Stays(why) => format!("{name} stays in Apache: {why}"),
            Fate::Rule(_) | Fate::Site(_) if !directive.is_certain => format!(
                "{name} is carried over, although only Apache knows whether the condition around \
                 it holds; look at it"
            ),
            Fate::Rule(_) | Fate::Site(_) => return,
        };
        self.notes.push(ImportProblem::new(&spot, text));
    }

    /// Changes Apache's own lines whose meaning depends on MirrorBrain.
    fn foreign(&mut self, directive: &Directive, texts: &FileTexts) {
        let spot = spot_of(directive);
        let raw = || raw_lines(texts, directive);
        match directive.name.as_str() {
            "logformat" | "customlog" | "globallog" => {
                if let Some(made) = raw().as_deref().and_then(converted_log) {
                    let edit = self.edits.at(&spot);
                    edit.removed_to = Some(directive.last_line);
                    edit.replaced = Some(made);
                }
            }
            "loadmodule" if GONE_MODULES.contains(&directive.argument()) => {
                self.edits.at(&spot).removed_to = Some(directive.last_line);
                if directive.argument() == "autoindex_mb_module" {
                    let text = "mod_autoindex_mb goes; load Apache's own: a2enmod autoindex";
                    self.notes.push(ImportProblem::new(&spot, text));
                }
            }
            "indexoptions" => {
                if let Some(made) = converted_index_options(&directive.arguments) {
                    let edit = self.edits.at(&spot);
                    edit.removed_to = Some(directive.last_line);
                    edit.replaced = Some(made).filter(|made| !made.is_empty());
                    let text = "IndexOptions: Mirrorlist and Metalink are not carried over, \
                                because Apache's own mod_autoindex does not have them";
                    self.notes.push(ImportProblem::new(&spot, text));
                }
            }
            "setenvif" | "setenvifnocase" | "browsermatch" | "setenv" => {}
            name if reads_variable(&directive.arguments.join(" ")) => {
                let text = format!(
                    "{name} reads a variable that MirrorBrain sets and Heliostat does not; it is \
                     a note now: %{{note:NAME}} in expressions, %{{NAME}}n in formats of logs"
                );
                self.notes.push(ImportProblem::new(&spot, text));
            }
            _ => {}
        }
    }

    /// Puts the parts of hosts where they belong.
    fn place_parts(
        &mut self,
        parts: &[(Spot, HostPart)],
        server: Option<HostPart>,
        texts: &FileTexts,
    ) {
        let is_only_site = self.sites.all.len() == 1;
        let has_yum = self
            .sites
            .all
            .iter()
            .any(|site| !site.draft.settings.yum.is_empty());
        let first = parts.iter().map(|(spot, _)| spot.clone()).next();
        let of_server = server.and_then(|part| {
            let site = self
                .sites
                .all
                .iter()
                .find(|site| site.name == part.sites[0].0)?;
            let spot = site.draft.spot.clone();
            Some((section_line(texts, &spot), part))
        });
        for (spot, part) in parts {
            let lines = part.lines(is_only_site, has_yum);
            let indented = lines.into_iter().map(|line| format!("    {line}"));
            self.edits.at(spot).after = indented.collect();
        }
        if let Some((spot, part)) = &of_server {
            self.edits.at(spot).before = part.lines(is_only_site, has_yum);
        }
        let Some(top) = first.or(of_server.map(|(spot, _)| spot)) else {
            return;
        };
        let mut lines = server_part();
        let formats = self.edits.files.values().flat_map(BTreeMap::values);
        let formats = formats.filter_map(|edit| edit.replaced.as_ref());
        // Ours has the same name, and the last one of a name counts.
        let own = formats.filter(|text| text.trim_end().ends_with("combined_redirect"));
        lines.extend(own.filter(|text| text.starts_with("LogFormat")).cloned());
        let edit = self.edits.at(&top);
        lines.append(&mut edit.before);
        edit.before = lines;
    }
}

/// The line at which the section of a directive begins.
fn section_line(texts: &FileTexts, spot: &Spot) -> Spot {
    let text = texts.get(&spot.file).map_or("", String::as_str);
    let lines: Vec<&str> = text.lines().take(spot.line).collect();
    let begins = |line: &&str| {
        line.trim_start()
            .to_ascii_lowercase()
            .starts_with("<directory")
    };
    let index = lines.iter().rposition(begins);
    Spot::new(&spot.file, index.map_or(spot.line, |index| index + 1))
}

/// The lines of a directive as they are written, without the blanks before them.
fn raw_lines(texts: &FileTexts, directive: &Directive) -> Option<String> {
    let text = texts.get(&directive.file)?;
    let lines = text.lines().skip(directive.line.checked_sub(1)?);
    let count = directive.last_line + 1 - directive.line;
    let lines: Vec<&str> = lines.take(count).collect();
    Some(lines.join("\n").trim_start().to_owned())
}
