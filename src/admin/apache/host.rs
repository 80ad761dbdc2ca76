//! Virtual hosts: the directives of each, and where it stands.

use std::path::{Path, PathBuf};

use super::directive::{Directive, Section};

/// A virtual host.
#[derive(Debug, Clone)]
pub(in crate::admin) struct VirtualHost<'a> {
    pub section: &'a Section,
    /// Of the host alone, in the order of the files.
    pub directives: Vec<&'a Directive>,
}

impl<'a> VirtualHost<'a> {
    /// All hosts of a configuration.
    pub fn all(directives: &'a [Directive]) -> Vec<VirtualHost<'a>> {
        let mut hosts: Vec<VirtualHost<'a>> = Vec::new();
        for directive in directives {
            let Some(section) = directive.section("virtualhost") else {
                continue;
            };
            let known = hosts
                .iter()
                .position(|host| host.section.number == section.number);
            let index = known.unwrap_or_else(|| {
                hosts.push(VirtualHost {
                    section,
                    directives: Vec::new(),
                });
                hosts.len() - 1
            });
            hosts[index].directives.push(directive);
        }
        hosts
    }

    /// Its directives of that name.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &'a Directive> {
        let directives: Vec<&'a Directive> = self
            .directives
            .iter()
            .copied()
            .filter(|directive| directive.name == name)
            .collect();
        directives.into_iter()
    }

    /// The name that it answers to first.
    pub fn server_name(&self) -> &'a str {
        self.named("servername")
            .next()
            .map_or("", Directive::argument)
    }

    /// As it is written.
    pub fn document_root(&self) -> Option<&'a Directive> {
        self.named("documentroot").last()
    }

    /// `NAME (FILE:LINE)`.
    pub fn shown(&self) -> String {
        let name = match self.server_name() {
            "" => "a host without a name",
            name => name,
        };
        format!(
            "{name} ({}:{})",
            self.section.file.display(),
            self.section.line
        )
    }

    /// Lines of its file, the first and the last; `None` if the file changed meanwhile.
    pub fn lines(&self) -> Option<(usize, usize)> {
        let text = std::fs::read_to_string(&self.section.file).ok()?;
        let begin = self.section.line;
        let mut lines = text.lines().enumerate().skip(begin.checked_sub(1)?);
        let is_end = |line: &str| {
            line.trim_start()
                .to_ascii_lowercase()
                .starts_with("</virtualhost")
        };
        let (end, _) = lines.find(|(_, line)| is_end(line))?;
        Some((begin, end + 1))
    }
}

/// Whether a path is that directory or below it, by its words alone.
pub(in crate::admin) fn is_within(path: &Path, directory: &str) -> bool {
    let directory: PathBuf = Path::new(directory).components().collect();
    path.starts_with(directory)
}
