//! What of a file is asked for: the file itself, or a document about it (behaviour §1.1–1.3).

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Representation {
    /// The file: a redirect.
    File,
    /// RFC 5854 metalink.
    Meta4,
    /// Metalink version 3.
    Metalink,
    /// HTML page of mirrors.
    Mirrorlist,
    /// BitTorrent file.
    Torrent,
    /// zsync control file.
    Zsync,
    /// Magnet link.
    Magnet,
    /// MD5 line.
    Md5,
    /// SHA-1 line.
    Sha1,
    /// SHA-256 line.
    Sha256,
    /// SHA-512 line; ours, MirrorBrain has none.
    Sha512,
    /// BitTorrent info hash line.
    Btih,
    /// Base URLs for yum and dnf; asked for by the arguments of a rule alone.
    Yumlist,
}

impl Representation {
    /// Documents in the order in which MirrorBrain tests query arguments; the last that is
    /// present wins.
    pub const DOCUMENTS: [Representation; 11] = [
        Representation::Meta4,
        Representation::Metalink,
        Representation::Mirrorlist,
        Representation::Torrent,
        Representation::Zsync,
        Representation::Magnet,
        Representation::Md5,
        Representation::Sha1,
        Representation::Sha256,
        Representation::Sha512,
        Representation::Btih,
    ];

    /// Content type of the document; empty for the file itself, whose type is the web server's.
    pub fn mime_type(self) -> &'static str {
        match self {
            Representation::File => "",
            Representation::Meta4 => "application/metalink4+xml; charset=UTF-8",
            Representation::Metalink => "application/metalink+xml; charset=UTF-8",
            Representation::Mirrorlist => "text/html; charset=UTF-8",
            Representation::Torrent => "application/x-bittorrent",
            Representation::Zsync => "application/x-zsync",
            _ => "text/plain; charset=UTF-8",
        }
    }

    /// Suffix, query argument and log word; `file` for the file itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Representation::File => "file",
            Representation::Meta4 => "meta4",
            Representation::Metalink => "metalink",
            Representation::Mirrorlist => "mirrorlist",
            Representation::Torrent => "torrent",
            Representation::Zsync => "zsync",
            Representation::Magnet => "magnet",
            Representation::Md5 => "md5",
            Representation::Sha1 => "sha1",
            Representation::Sha256 => "sha256",
            Representation::Sha512 => "sha512",
            Representation::Btih => "btih",
            Representation::Yumlist => "yumlist",
        }
    }

    /// Splits a path at a document's suffix: the path of the file, and the document. Suffixes are
    /// case-sensitive.
    pub fn split_suffix(path: &[u8]) -> Option<(&[u8], Representation)> {
        let dot = path.iter().rposition(|&byte| byte == b'.')?;
        let suffix = &path[dot + 1..];
        let document = Representation::DOCUMENTS
            .into_iter()
            .find(|r| r.as_str().as_bytes() == suffix)?;
        let name_is_empty = dot == 0 || path[dot - 1] == b'/';
        (!name_is_empty).then_some((&path[..dot], document))
    }

    /// What an `Accept` field asks for: plain text search, no q-values (intended; aria2 and
    /// libzypp rely on it).
    pub fn from_accept(accept: &[u8]) -> Option<Representation> {
        let mut found = None;
        // Every redirect pays for this, so one pass looks for what both names begin with.
        for (at, _) in accept.iter().enumerate().filter(|(_, b)| **b == b'm') {
            match accept[at..].strip_prefix(b"metalink") {
                Some(rest) if rest.starts_with(b"4+xml") => return Some(Representation::Meta4),
                Some(rest) if rest.starts_with(b"+xml") => found = Some(Representation::Metalink),
                _ => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_exact_and_need_a_name() {
        for (path, expected) in [
            ("a/x.iso.meta4", Some(("a/x.iso", Representation::Meta4))),
            ("x.sha512", Some(("x", Representation::Sha512))),
            ("x.META4", None),
            ("x.yumlist", None),
            ("x.", None),
            ("x", None),
            ("a/.md5", None),
            (".md5", None),
        ] {
            let found = Representation::split_suffix(path.as_bytes());
            let expected = expected.map(|(rest, document)| (rest.as_bytes(), document));
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn accept_is_searched_as_text() {
        for (accept, expected) in [
            (
                "*/*;q=1, application/metalink4+xml;q=0.1",
                Some(Representation::Meta4),
            ),
            (
                "application/metalink+xml, application/metalink4+xml",
                Some(Representation::Meta4),
            ),
            ("application/metalink+xml", Some(Representation::Metalink)),
            ("*/*", None),
        ] {
            assert_eq!(
                Representation::from_accept(accept.as_bytes()),
                expected,
                "{accept}"
            );
        }
    }
}
