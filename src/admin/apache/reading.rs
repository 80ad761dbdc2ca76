//! Reads the files of a configuration in Apache's order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::directive::{Directive, Section};
use super::glob::included_files;
use super::line::{LogicalLine, logical_lines, words};
use crate::regular_file;

/// Files that are read; a distribution's Apache has some hundred.
pub(super) const FILES_MAX: usize = 2000;

/// Bytes of one file; lists of redirects are long.
pub(super) const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Files that include each other.
const DEPTH_MAX: usize = 40;

/// The kind of section that an `.htaccess` is.
pub(in crate::admin) const HTACCESS: &str = "htaccess";

/// Names that are replaced in one word; a name may have others in it.
const NAMES_MAX: usize = 100;

/// Bytes that names add to one line. Thirty lines of `Define B ${A}${A}` would fill any memory.
const NAMES_BYTES_MAX: usize = 64 * 1024;

/// Sections inside each other; people write five.
const NESTED_MAX: usize = 100;

/// Memory for files and for lines with the sections around them; large servers take some megabytes.
const MEMORY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Memory per word or section beside its text.
const WORD_BYTES: usize = 48;

/// Notes that are kept; nobody reads more.
const NOTES_MAX: usize = 1000;

/// Facts from Apache about itself, and the lines read so far.
#[derive(Debug, Default)]
pub(in crate::admin) struct Reading {
    /// The folder in which relative names begin.
    pub server_root: PathBuf,
    /// Modules that are loaded: `alias_module`.
    pub modules: BTreeSet<String>,
    /// Names of `Define`, and of the environment.
    pub names: BTreeMap<String, String>,
    pub environment: BTreeMap<String, String>,
    /// In the order of the files.
    pub directives: Vec<Directive>,
    /// Notes about lines that were not understood, each with its place.
    pub unclear: Vec<String>,
    /// How many were begun.
    pub files: usize,
    pub sections: usize,
    /// Memory that they took.
    pub bytes: usize,
    /// A bound was reached; nothing more is read.
    pub is_over: bool,
    /// Apache is not asked which modules it has; a list here is believed to be loaded.
    pub assumed_modules: Option<&'static [&'static str]>,
    /// A line `LoadModule` was read.
    pub loads_modules: bool,
}

/// A condition of the configuration that is open here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConditionState {
    Yes,
    No,
    Unknown,
}

/// The sections around a line.
#[derive(Debug, Clone)]
enum Surrounding {
    Section(Section),
    Condition(String, ConditionState),
}

impl Reading {
    /// Reads a file and all that it includes, inside the sections around it.
    fn read_within(&mut self, path: &Path, around: &mut Vec<Surrounding>, depth: usize) {
        let shown = path.display();
        if self.files >= FILES_MAX {
            self.stop(path, &format!("there are more than {FILES_MAX} files"));
        }
        if self.is_over {
            return;
        }
        self.files += 1;
        if depth > DEPTH_MAX {
            return self.note(format!(
                "{shown} is not read: too many files include others"
            ));
        }
        let text = match regular_file::read(path, FILE_BYTES_MAX) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => return self.note(format!("{shown} is not read: {error}")),
        };
        self.charge(text.len(), path);
        let outside = around.len();
        for line in logical_lines(&text) {
            if self.is_over {
                break;
            }
            let holds = holds(around);
            if let Some(name) = line.text.strip_prefix("</") {
                let name = name.trim_end_matches('>').trim().to_ascii_lowercase();
                let is_open =
                    around.len() > outside && around.last().is_some_and(|last| last.kind() == name);
                match is_open {
                    true => drop(around.pop()),
                    false => {
                        self.note(format!("{shown}:{}: </{name}> closes nothing", line.number))
                    }
                }
            } else if let Some(begin) = line.text.strip_prefix('<') {
                if around.len() >= NESTED_MAX {
                    self.stop(path, &format!("more than {NESTED_MAX} sections are open"));
                    break;
                }
                let begun = self.begun(begin, holds, (path, line.number));
                around.push(begun);
            } else if holds != ConditionState::No {
                self.take(&line, path, around, depth);
            }
        }
        around.truncate(outside);
    }

    fn note(&mut self, text: String) {
        match self.unclear.len() {
            count if count < NOTES_MAX => self.unclear.push(text),
            NOTES_MAX => self
                .unclear
                .push("more lines are not understood".to_owned()),
            _ => {}
        }
    }

    /// Reads nothing more, and says so once.
    fn stop(&mut self, path: &Path, why: &str) {
        if !self.is_over {
            self.is_over = true;
            self.unclear.push(format!(
                "{}: nothing is read from here on: {why}",
                path.display()
            ));
        }
    }

    fn charge(&mut self, bytes: usize, path: &Path) {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MEMORY_BYTES_MAX {
            self.stop(path, "the configuration is too large");
        }
    }

    /// Reads the first file.
    pub fn read(&mut self, path: &Path) {
        self.read_within(path, &mut Vec::new(), 0);
    }

    /// Reads an `.htaccess`, which holds for its folder.
    pub fn read_of_folder(&mut self, path: &Path) {
        self.sections += 1;
        let folder = path.parent().unwrap_or(Path::new("/"));
        let section = Section {
            kind: HTACCESS.to_owned(),
            argument: folder.to_string_lossy().into_owned(),
            file: path.to_owned(),
            line: 1,
            number: self.sections,
        };
        self.read_within(path, &mut vec![Surrounding::Section(section)], 0);
    }

    fn begun(
        &mut self,
        text: &str,
        outside: ConditionState,
        (file, line): (&Path, usize),
    ) -> Surrounding {
        let text = text.strip_suffix('>').unwrap_or(text);
        let (kind, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let kind = kind.to_ascii_lowercase();
        let argument = match outside {
            ConditionState::No => rest.trim().to_owned(),
            _ => self.expanded(rest.trim()),
        };
        if let Some(holds) = self.condition(&kind, &argument) {
            if holds == ConditionState::Unknown && outside != ConditionState::No {
                let place = format!("{}:{line}", file.display());
                log::debug!("a condition that only Apache knows: {place} <{kind} {argument}>");
            }
            return Surrounding::Condition(kind, holds);
        }
        self.sections += 1;
        let words = words(&argument);
        Surrounding::Section(Section {
            argument: match words.len() {
                1 => words.into_iter().next().unwrap_or_default(),
                _ => argument,
            },
            kind,
            file: file.to_owned(),
            line,
            number: self.sections,
        })
    }

    /// Whether a section's content is read at all; `None`: it is no condition of that kind.
    fn condition(&self, kind: &str, argument: &str) -> Option<ConditionState> {
        let words = words(argument);
        let word = words.first().map_or("", String::as_str);
        let (is_not, name) = match word.strip_prefix('!') {
            Some(name) if !name.is_empty() => (true, name.trim_matches('"')),
            Some(_) => (true, words.get(1).map_or("", String::as_str)),
            None => (false, word),
        };
        let has = match kind {
            "ifdefine" => self.names.contains_key(name),
            "ifmodule" => match self.module(name) {
                ConditionState::Unknown => return Some(ConditionState::Unknown),
                known => known == ConditionState::Yes,
            },
            "iffile" => self.server_root.join(name).exists(),
            "ifversion" | "ifdirective" | "ifsection" => return Some(ConditionState::Unknown),
            _ => return None,
        };
        Some(if has != is_not {
            ConditionState::Yes
        } else {
            ConditionState::No
        })
    }

    /// By either name of a module: `alias_module`, `mod_alias.c`.
    fn module(&self, name: &str) -> ConditionState {
        let by_file = name
            .strip_prefix("mod_")
            .and_then(|rest| rest.strip_suffix(".c"));
        let by_file = by_file.map(|bare| format!("{bare}_module"));
        let name = by_file.as_deref().unwrap_or(name);
        match self.assumed_modules {
            _ if self.modules.contains(name) => ConditionState::Yes,
            None => ConditionState::No,
            // Some modules are part of the program, and no line loads them.
            Some(assumed) if assumed.contains(&name) && self.loads_modules => ConditionState::No,
            Some(assumed) if assumed.contains(&name) => ConditionState::Yes,
            Some(_) => ConditionState::Unknown,
        }
    }

    fn take(
        &mut self,
        logical: &LogicalLine,
        file: &Path,
        around: &mut Vec<Surrounding>,
        depth: usize,
    ) {
        let (text, line) = (logical.text.as_str(), logical.number);
        let mut words = words(&self.expanded(text)).into_iter();
        let name = words.next().unwrap_or_default().to_ascii_lowercase();
        let arguments: Vec<String> = words.collect();
        match (name.as_str(), arguments.as_slice()) {
            ("define", [name, value @ ..]) => {
                let value = value.first().cloned().unwrap_or_default();
                self.names.insert(name.clone(), value);
            }
            ("undefine", [name]) => drop(self.names.remove(name)),
            ("loadmodule", [module, ..]) => {
                self.loads_modules = true;
                self.modules.insert(module.clone());
            }
            ("serverroot", [root]) => self.server_root = PathBuf::from(root),
            ("include" | "includeoptional", [pattern]) => {
                let pattern = self.server_root.join(pattern);
                match included_files(&pattern) {
                    Ok(files) => {
                        for file in files {
                            self.read_within(&file, around, depth + 1);
                        }
                    }
                    Err(_) if name == "includeoptional" => {}
                    Err(error) => {
                        self.note(format!("{} is not read: {error}", pattern.display()));
                    }
                }
                return;
            }
            _ => {}
        }
        if text.contains("Use ") && name == "use" {
            self.note(format!(
                "{}:{line}: macros (mod_macro) are not expanded",
                file.display()
            ));
        }
        let sections = around.iter().filter_map(|around| match around {
            Surrounding::Section(section) => Some(section.clone()),
            Surrounding::Condition(..) => None,
        });
        let sections: Vec<Section> = sections.collect();
        let bytes = sections.iter().map(|section| {
            section.argument.len() + section.file.as_os_str().len() + 2 * WORD_BYTES
        });
        let words = arguments.iter().map(|word| word.len() + WORD_BYTES);
        self.charge(bytes.chain(words).sum::<usize>() + WORD_BYTES, file);
        self.directives.push(Directive {
            name,
            arguments,
            file: file.to_owned(),
            line,
            last_line: logical.last,
            sections,
            is_certain: holds(around) == ConditionState::Yes,
        });
    }

    /// With the values of names: `${NAME}`. Apache leaves an unknown one as it is.
    fn expanded(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        let (mut from, mut added) = (0, 0);
        for _ in 0..NAMES_MAX {
            let Some(begin) = text[from..].find("${").map(|at| from + at) else {
                break;
            };
            let Some(end) = text[begin..].find('}').map(|at| begin + at) else {
                break;
            };
            let name = &text[begin + 2..end];
            let value = self.names.get(name).or_else(|| self.environment.get(name));
            match value.cloned() {
                Some(value) if added + value.len() <= NAMES_BYTES_MAX => {
                    added += value.len();
                    text.replace_range(begin..=end, &value);
                }
                Some(_) => {
                    let cut = name.chars().take(WORD_BYTES).collect::<String>();
                    self.note(format!("${{{cut}}} is not replaced: its value is too long"));
                    break;
                }
                None => from = end,
            }
        }
        text
    }
}

impl Surrounding {
    fn kind(&self) -> &str {
        match self {
            Surrounding::Section(section) => &section.kind,
            Surrounding::Condition(kind, _) => kind,
        }
    }
}

fn holds(around: &[Surrounding]) -> ConditionState {
    let has = |wanted| {
        around.iter().any(|around| match around {
            Surrounding::Condition(_, holds) => *holds == wanted,
            Surrounding::Section(_) => false,
        })
    };
    if has(ConditionState::No) {
        ConditionState::No
    } else if has(ConditionState::Unknown) {
        ConditionState::Unknown
    } else {
        ConditionState::Yes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Reading {
        let folder = tempfile::tempdir().expect("folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        let mut reading = Reading {
            server_root: folder.path().to_owned(),
            modules: ["alias_module".to_owned()].into(),
            environment: [("LOGS".to_owned(), "/var/log/x".to_owned())].into(),
            ..Reading::default()
        };
        reading.read(&folder.path().join(files[0].0));
        reading
    }

    fn shown(reading: &Reading) -> Vec<String> {
        let shown = |directive: &Directive| {
            let sections = directive.sections.iter();
            let sections: Vec<String> = sections
                .map(|section| format!("{} {}", section.kind, section.argument))
                .collect();
            format!(
                "{} {} [{}]{}",
                directive.name,
                directive.arguments.join("|"),
                sections.join(" > "),
                if directive.is_certain { "" } else { "?" }
            )
        };
        reading.directives.iter().map(shown).collect()
    }

    #[test]
    fn includes_conditions_and_names_are_followed() {
        let reading = read(&[
            (
                "httpd.conf",
                "Define TREE /srv/d\nInclude conf.d/*.conf\nIncludeOptional none/*.conf\n\
                 <IfModule !mod_alias.c>\nGone 1\n<Directory /x>\nGone 2\n</Directory>\n\
                 </IfModule>\n<IfModule alias_module>\nAlias /a \"${TREE}/two words\"\n\
                 </IfModule>\n<IfDirective Odd>\nOdd on\n</IfDirective>\n\
                 CustomLog ${LOGS}/l ${NO}\n",
            ),
            (
                "conf.d/b.conf",
                "<VirtualHost *:80>\nInclude host/\n</VirtualHost>\n<VirtualHost *:443>\n\
                 ServerName b\n</VirtualHost>\n",
            ),
            ("conf.d/a.conf", "<IfDefine TREE>\nFirst\n</IfDefine>\n"),
            (
                "host/x",
                "<Directory \"${TREE}\">\nOptions +Indexes \\\n MultiViews\n</Directory>\n",
            ),
        ]);
        assert_eq!(
            shown(&reading),
            [
                "define TREE|/srv/d []",
                "first  []",
                "options +Indexes|MultiViews [virtualhost *:80 > directory /srv/d]",
                "servername b [virtualhost *:443]",
                "alias /a|/srv/d/two words []",
                "odd on []?",
                "customlog /var/log/x/l|${NO} []",
            ]
        );
        assert!(reading.unclear.is_empty(), "{:?}", reading.unclear);
        let numbers: Vec<usize> = reading
            .directives
            .iter()
            .filter_map(|one| Some(one.section("virtualhost")?.number))
            .collect();
        assert_ne!(numbers[0], numbers[1]);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let reading = read(&[(
            "httpd.conf",
            "Include httpd.conf\nInclude gone.conf\n</Directory>\nUse Host a\n",
        )]);
        let unclear = reading.unclear.join("\n");
        for part in [
            "too many files",
            "gone.conf is not read",
            "closes nothing",
            "mod_macro",
        ] {
            assert!(unclear.contains(part), "{part}: {unclear}");
        }
    }

    #[test]
    fn a_short_text_takes_no_long_time_and_little_memory() {
        let doubling: String = (1..40)
            .map(|n| format!("Define A{n} ${{A{before}}}${{A{before}}}\n", before = n - 1))
            .collect();
        let doubling = format!(
            "Define A0 {}\n{doubling}{}",
            "x".repeat(99),
            "A ${A39}\n".repeat(20)
        );
        let of_itself = "Define X \"${X}${X}\"\n".repeat(99);
        for (text, expected) in [
            (doubling, "${A9} is not replaced"),
            (of_itself, "${X} is not replaced"),
            (
                "<Directory /x>\nA b\n".repeat(20_000),
                "more than 100 sections",
            ),
            (
                "<IfModule alias_module>\n".repeat(20_000),
                "more than 100 sections",
            ),
            ("Include httpd.conf\n".repeat(200), "more than 2000 files"),
            (
                "</Nothing>\n".repeat(20_000),
                "more lines are not understood",
            ),
            (format!("A {}", "b\\\n".repeat(100_000)), ""),
            (
                format!(
                    "<Directory /{}>\n{}",
                    "x".repeat(3_000_000),
                    "A b\n".repeat(200)
                ),
                "the configuration is too large",
            ),
        ] {
            let reading = read(&[("httpd.conf", &text)]);
            let unclear = reading.unclear.join("\n");
            assert!(unclear.contains(expected), "{expected}: {unclear}");
            assert!(reading.unclear.len() <= NOTES_MAX + 2);
            assert!(reading.bytes < 2 * MEMORY_BYTES_MAX);
        }
    }
}
