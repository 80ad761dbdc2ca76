//! Finds content types by a file's name, as the web server's mod_mime does.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::domain::key::ConfigProblem;
use crate::regular_file;

/// Bytes of a file of types; Debian's has 70,000.
const MIME_TYPES_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Types by extension, without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MimeTypes {
    by_extension: HashMap<Vec<u8>, String>,
}

impl MimeTypes {
    /// Reads the format of `/etc/mime.types`: a type and its extensions a line, `#` comments.
    pub fn parse(text: &str) -> MimeTypes {
        let mut types = MimeTypes::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split_ascii_whitespace();
            let Some(mime_type) = words.next() else {
                continue;
            };
            for extension in words {
                types.add(extension, mime_type);
            }
        }
        types
    }

    /// Adds the types of a file; those that are known already win. A file that cannot be read is
    /// logged.
    pub(super) fn add_file(&mut self, path: &Path) {
        let text = match regular_file::read_text(path, MIME_TYPES_BYTES_MAX) {
            Ok(text) => text,
            Err(error) => {
                log::warn!(
                    "exclude_mime_types knows only `mime_types`: file={} error=\"{error}\"",
                    path.display()
                );
                return;
            }
        };
        for (extension, mime_type) in MimeTypes::parse(&text).by_extension {
            self.by_extension.entry(extension).or_insert(mime_type);
        }
    }

    /// Adds one extension, as Apache's AddType does; the later one wins.
    pub fn add(&mut self, extension: &str, mime_type: &str) {
        let extension = extension.trim_start_matches('.').to_ascii_lowercase();
        self.by_extension
            .insert(extension.into_bytes(), mime_type.to_owned());
    }

    /// The type of a file: that of its last extension that has one, as mod_mime reads
    /// `a.xml.part`; empty when there is none.
    pub fn of(&self, path: &[u8]) -> &str {
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        // Leading dots are of the base name, which is no extension.
        let dots = name.iter().take_while(|&&byte| byte == b'.').count();
        let parts: Vec<&[u8]> = name[dots..].split(|&byte| byte == b'.').collect();
        let of_part = |part: &&[u8]| self.by_extension.get(&part.to_ascii_lowercase());
        let mut types = parts.iter().skip(1).rev().filter_map(of_part);
        types.next().map_or("", String::as_str)
    }
}

/// The types that the configuration itself has.
pub(super) fn own_types(types: &BTreeMap<String, String>) -> Result<MimeTypes, ConfigProblem> {
    let mut own = MimeTypes::default();
    for (extension, mime_type) in types {
        own.add(extension, mime_type);
    }
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_go_by_the_last_extension() {
        let mut types =
            MimeTypes::parse("# c\ntext/html  html htm\nimage/png png\napplication/x\n");
        types.add(".xml", "text/xml");
        for (name, expected) in [
            ("a.html", "text/html"),
            ("a.PNG", "image/png"),
            ("a.tar.xml", "text/xml"),
            ("d.png/a.xml.part.1", "text/xml"),
            ("d.png/a", ""),
            (".png", ""),
            (".a.png", "image/png"),
            ("png", ""),
            ("a.unknown", ""),
            ("", ""),
        ] {
            assert_eq!(types.of(name.as_bytes()), expected, "{name}");
        }
    }
}
