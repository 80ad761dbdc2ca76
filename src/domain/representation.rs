//! Which form of a file a request wants: the file itself, or a document about it (behaviour
//! §1.1–1.3).

/// The form of a file that a request wants.
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
    /// SHA-512 line, which MirrorBrain does not have.
    Sha512,
    /// BitTorrent info hash line.
    Btih,
    /// Base URLs for yum and dnf; only the arguments of a yum rule ask for them.
    Yumlist,
}

impl Representation {
    /// The documents in MirrorBrain's order of testing query arguments. If several are present, the
    /// last one wins.
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

    /// Content type of the document; empty for the file itself, whose type the web server sets.
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

    /// The word for suffix, query argument and log; `file` for the file itself.
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

    /// Splits a path with a document's suffix into the path of the file and the document. Suffixes
    /// are case-sensitive.
    pub fn split_suffix(path: &[u8]) -> Option<(&[u8], Representation)> {
        let dot = path.iter().rposition(|&byte| byte == b'.')?;
        let suffix = &path[dot + 1..];
        let document = Representation::DOCUMENTS
            .into_iter()
            .find(|r| r.as_str().as_bytes() == suffix)?;
        let name_is_empty = dot == 0 || path[dot - 1] == b'/';
        (!name_is_empty).then_some((&path[..dot], document))
    }

    /// Returns the metalink type that an `Accept` field names. This is a plain text search that
    /// ignores q-values, as MirrorBrain's: aria2 and libzypp rely on it.
    pub fn from_accept(accept: &[u8]) -> Option<Representation> {
        let mut found = None;
        // Every redirect pays for this search, so one pass looks for the common start of both
        // names.
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
