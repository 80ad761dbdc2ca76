//! Content types by a file's name, as the web server's mod_mime decides them.

use std::collections::HashMap;

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

    /// Adds one extension, as Apache's AddType does; the later one wins.
    pub fn add(&mut self, extension: &str, mime_type: &str) {
        let extension = extension.trim_start_matches('.').to_ascii_lowercase();
        self.by_extension
            .insert(extension.into_bytes(), mime_type.to_owned());
    }

    /// The type of a file: that of its last extension; empty when it is not known.
    pub fn of(&self, name: &[u8]) -> &str {
        let mut parts = name.rsplitn(2, |&byte| byte == b'.');
        match (parts.next(), parts.next()) {
            (Some(extension), Some(_)) => self
                .by_extension
                .get(&extension.to_ascii_lowercase())
                .map_or("", String::as_str),
            _ => "",
        }
    }
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
            ("png", ""),
            ("a.unknown", ""),
            ("", ""),
        ] {
            assert_eq!(types.of(name.as_bytes()), expected, "{name}");
        }
    }
}
