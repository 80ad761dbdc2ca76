//! Decides which links of an index page name a child of the directory.

use super::listed::is_name;
use crate::domain::escape::percent_decode;

/// The URL of an index page, to which its links are relative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageAddress {
    /// `host` or `host:port` as in the URL, without user and password.
    authority: Vec<u8>,
    /// The path, decoded, with a slash at both ends.
    path: Vec<u8>,
    /// The directory to which relative links refer, if it is another one on this server.
    base: Option<Vec<u8>>,
    /// The prefix of a bucket's keys in this directory, if the bucket was asked for a prefix.
    key_prefix: Option<Vec<u8>>,
}

/// The meaning of a link on an index page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// A file or directory right below.
    Child {
        /// Its name, byte for byte.
        name: Vec<u8>,
        /// Whether the link ends in a slash.
        is_dir: bool,
    },
    /// The parent directory.
    Parent,
    /// The page itself in another order.
    Sorted,
    /// A directory that a script at this page's URL shows.
    Query,
    /// A data set of a THREDDS catalog.
    Catalog,
    /// Something right below whose name no file can have, as far as it is known.
    Impossible(Vec<u8>),
    /// Anything else.
    Elsewhere,
}

/// Schemes that are not part of a name. A link with a colon after any other word is a name.
const OTHER_SCHEMES: [&[u8]; 7] = [
    b"mailto",
    b"javascript",
    b"ftp",
    b"ftps",
    b"rsync",
    b"data",
    b"magnet",
];

/// Arguments for the order of an index page: Apache and fancyindex, Apache 1.3, Caddy, others.
const SORT_ARGUMENTS: [&[u8]; 8] = [b"C=", b"N=", b"M=", b"S=", b"D=", b"sort", b"order=", b"O="];

/// Arguments by which scripts name a directory.
const DIRECTORY_ARGUMENTS: [&[u8]; 7] = [
    b"dir",
    b"path",
    b"folder",
    b"directory",
    b"prefix",
    b"d",
    b"p",
];

impl PageAddress {
    /// Makes an address from a URL's authority (without user) and its path as written.
    pub fn new(authority: &str, path: &str) -> PageAddress {
        let mut path = percent_decode(path.as_bytes());
        let end = path.iter().rposition(|&byte| byte == b'/');
        path.truncate(end.map_or(0, |end| end + 1));
        if path.is_empty() {
            path.push(b'/');
        }
        PageAddress {
            authority: authority.to_ascii_lowercase().into_bytes(),
            path,
            base: None,
            key_prefix: None,
        }
    }

    /// The address of a directory whose URL does not end in a slash: its relative links refer to
    /// the parent directory.
    pub fn of_directory(authority: &str, path: &str) -> PageAddress {
        let above = PageAddress::new(authority, path);
        let mut page = PageAddress::new(authority, &format!("{path}/"));
        page.base = Some(above.path);
        page
    }

    /// The same address, for a bucket's listing of the keys with a prefix.
    #[must_use]
    pub fn of_keys(mut self, prefix: &[u8]) -> PageAddress {
        self.key_prefix = Some(prefix.to_vec());
        self
    }

    pub(super) fn key_prefix(&self) -> Option<&[u8]> {
        self.key_prefix.as_deref()
    }

    /// Whether a link names a child of this directory on another host. A server that is reached
    /// under another name may write such an index.
    pub(super) fn is_child_elsewhere(&self, href: &[u8]) -> bool {
        let Some(start) = href.windows(2).position(|window| window == b"//") else {
            return false;
        };
        let scheme = href[..start].to_ascii_lowercase();
        if !matches!(scheme.trim_ascii(), b"" | b"http:" | b"https:") {
            return false;
        }
        let with_host = cut(cut(&href[start + 2..], b'#').0, b'?').0;
        let Some(end) = with_host.iter().position(|&byte| byte == b'/') else {
            return false;
        };
        let path = percent_decode(&with_host[end..]);
        let rest = path.strip_prefix(self.path.as_slice());
        rest.is_some_and(|rest| matches!(child(rest), Link::Child { .. }))
    }

    pub(super) fn without_base(&self) -> PageAddress {
        PageAddress {
            base: None,
            ..self.clone()
        }
    }

    /// The same page with `<base href>`, to which relative links refer. `None` if it is on another
    /// server.
    pub(super) fn with_base(&self, href: &[u8]) -> Option<PageAddress> {
        let href = cut(href.trim_ascii(), b'#').0;
        let path = percent_decode(self.path_of(cut(href, b'?').0)?);
        let mut base = self.absolute(self.base.as_ref().unwrap_or(&self.path), &path);
        let end = base.iter().rposition(|&byte| byte == b'/');
        base.truncate(end.map_or(0, |end| end + 1));
        Some(PageAddress {
            base: (base != self.path).then_some(base),
            ..self.clone()
        })
    }

    /// The meaning of `href`, in which entities are decoded already.
    pub fn resolve(&self, href: &[u8]) -> Link {
        let href = href.trim_ascii();
        let href = cut(href, b'#').0;
        let (target, query) = cut(href, b'?');
        let Some(path) = self.path_of(target) else {
            return Link::Elsewhere;
        };
        let mut path = percent_decode(path);
        if let Some(base) = &self.base {
            path = self.absolute(base, &path);
        }
        let rest = match path.first() {
            Some(b'/') => match path.strip_prefix(self.path.as_slice()) {
                Some(rest) => rest,
                None if self.is_parent(&path) => return Link::Parent,
                None => return Link::Elsewhere,
            },
            _ => path.as_slice(),
        };
        let rest = strip_here(rest);
        match (rest, query) {
            (b"", Some(query)) if is_sorting(query) => Link::Sorted,
            (b"" | b"index.php", Some(query)) if names_directory(query) => Link::Query,
            (b"catalog.html", Some(query)) if query.starts_with(b"dataset=") => Link::Catalog,
            (b"" | b".", _) => Link::Elsewhere,
            (b".." | b"../", _) => Link::Parent,
            // A question mark in a name would be encoded, so this is an action on the file.
            (_, Some(_)) => Link::Elsewhere,
            _ => match child(rest) {
                Link::Elsewhere if is_one_name(target, rest) => Link::Impossible(rest.to_vec()),
                link => link,
            },
        }
    }

    /// The path in a link; `None` if it leads to another server or is not a path.
    fn path_of<'h>(&self, target: &'h [u8]) -> Option<&'h [u8]> {
        let colon = target.iter().position(|&byte| byte == b':');
        let scheme = colon.map_or(&b""[..], |colon| &target[..colon]);
        let is = |name: &[u8]| scheme.eq_ignore_ascii_case(name);
        let rest = if is(b"http") || is(b"https") {
            &target[scheme.len() + 1..]
        } else if OTHER_SCHEMES.into_iter().any(is) {
            return None;
        } else {
            target
        };
        let Some(with_host) = rest.strip_prefix(b"//") else {
            // No index writes "http:" without a host.
            return (rest.len() == target.len()).then_some(rest);
        };
        let end = with_host.iter().position(|&byte| byte == b'/');
        let (authority, path) = with_host.split_at(end.unwrap_or(with_host.len()));
        let path = if path.is_empty() { b"/" } else { path };
        authority
            .eq_ignore_ascii_case(&self.authority)
            .then_some(path)
    }

    /// The absolute path of a link in the directory `from`, without `.` and `..`.
    fn absolute(&self, from: &[u8], path: &[u8]) -> Vec<u8> {
        let from = if path.starts_with(b"/") { b"" } else { from };
        let whole = [from, path].concat();
        let mut clean = Vec::with_capacity(whole.len());
        for part in whole.split_inclusive(|&byte| byte == b'/') {
            match part {
                b"." | b"./" => {}
                b".." | b"../" => {
                    clean.pop();
                    let end = clean.iter().rposition(|&byte| byte == b'/');
                    clean.truncate(end.map_or(0, |end| end + 1));
                }
                part => clean.extend_from_slice(part),
            }
            if clean.is_empty() {
                clean.push(b'/');
            }
        }
        clean
    }

    fn is_parent(&self, path: &[u8]) -> bool {
        let parent = self.parent();
        path == parent || parent.strip_suffix(b"/") == Some(path) && !path.is_empty()
    }

    fn parent(&self) -> &[u8] {
        let inner = &self.path[..self.path.len() - 1];
        let end = inner.iter().rposition(|&byte| byte == b'/');
        &self.path[..end.map_or(0, |end| end + 1)]
    }
}

fn child(rest: &[u8]) -> Link {
    let (name, is_dir) = match rest.strip_suffix(b"/") {
        Some(name) => (name, true),
        None => (rest, false),
    };
    if is_name(name) {
        let name = name.to_vec();
        Link::Child { name, is_dir }
    } else {
        Link::Elsewhere
    }
}

/// Whether the link has one name behind its directory as it is written: a slash or a NUL may stand
/// in it encoded, or it is too long. Real slashes lead to another directory.
fn is_one_name(target: &[u8], decoded: &[u8]) -> bool {
    let slashes = |text: &[u8]| {
        let text = text.strip_suffix(b"/").unwrap_or(text);
        text.iter().filter(|byte| **byte == b'/').count()
    };
    let encoded = target
        .windows(3)
        .filter(|code| code.eq_ignore_ascii_case(b"%2f"));
    slashes(decoded) <= encoded.count() && !decoded.starts_with(b"/")
}

fn strip_here(mut rest: &[u8]) -> &[u8] {
    while let Some(shorter) = rest.strip_prefix(b"./") {
        rest = shorter;
    }
    rest
}

fn is_sorting(query: &[u8]) -> bool {
    SORT_ARGUMENTS
        .iter()
        .any(|argument| query.starts_with(argument))
}

fn names_directory(query: &[u8]) -> bool {
    query.split(|&byte| byte == b'&').any(|argument| {
        let (name, value) = cut(argument, b'=');
        let value = value.unwrap_or_default();
        let is_order = |order: &[u8]| value.eq_ignore_ascii_case(order);
        DIRECTORY_ARGUMENTS.contains(&name)
            && !matches!(value, b"" | b"." | b"..")
            && !is_order(b"asc")
            && !is_order(b"desc")
    })
}

fn cut(text: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|&byte| byte == mark) {
        Some(index) => (&text[..index], Some(&text[index + 1..])),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(name: &[u8]) -> Link {
        Link::Child {
            name: name.to_vec(),
            is_dir: false,
        }
    }

    fn directory(name: &[u8]) -> Link {
        Link::Child {
            name: name.to_vec(),
            is_dir: true,
        }
    }

    #[test]
    fn links_are_told_apart() {
        let page = PageAddress::new("m.example:81", "/pub/a%20b/index.html");
        for (href, expected) in [
            (&b"x.iso"[..], file(b"x.iso")),
            (b" ./x.iso ", file(b"x.iso")),
            (b"d/", directory(b"d")),
            (b"/pub/a%20b/x%23%3f%25", file(b"x#?%")),
            (b"/pub/a b/x", file(b"x")),
            (b"https://M.example:81/pub/a%20b/d/", directory(b"d")),
            (b"//m.example:81/pub/a%20b/x", file(b"x")),
            (b"http://other.example/pub/a%20b/x", Link::Elsewhere),
            (b"//other.example/pub/a%20b/x", Link::Elsewhere),
            (b"../", Link::Parent),
            (b"..", Link::Parent),
            (b"/pub/", Link::Parent),
            (b"/", Link::Elsewhere),
            (b"/pub/a%20bc", Link::Elsewhere),
            (b"/pub/a%20b/", Link::Elsewhere),
            (b"/pub/a%20b/c/d", Link::Elsewhere),
            (b"../x", Link::Elsewhere),
            (b"%2e%2e", Link::Parent),
            (b"a%2fb", Link::Impossible(b"a/b".to_vec())),
            (b"/pub/a%20b/a%2Fb/", Link::Impossible(b"a/b/".to_vec())),
            (b"c/a%2Fb", Link::Elsewhere),
            (b".", Link::Elsewhere),
            (b"/pub/a%20b/.", Link::Elsewhere),
            (b"/pub/a%20b//", Link::Elsewhere),
            (b"c/d%00", Link::Elsewhere),
            (b"a%00b", Link::Impossible(b"a\0b".to_vec())),
            (b"?C=N;O=D", Link::Sorted),
            (b"?C=M&amp;O=A", Link::Sorted),
            (b"./?sort=name&order=desc", Link::Sorted),
            (b"?lang=de", Link::Elsewhere),
            (b"?dir=sub", Link::Query),
            (b"/pub/a%20b/index.php?path=a%20b/sub&x=1", Link::Query),
            (b"?dir=.", Link::Elsewhere),
            (b"?dir=desc", Link::Elsewhere),
            (b"catalog.html?dataset=a", Link::Catalog),
            (b"/pub", Link::Parent),
            (b"x.iso?download", Link::Elsewhere),
            (b"#top", Link::Elsewhere),
            (b"x#part", file(b"x")),
            (b"mailto:a@b", Link::Elsewhere),
            (b"JavaScript:void(0)", Link::Elsewhere),
            (b"a:b.iso", file(b"a:b.iso")),
            (b"100%", file(b"100%")),
            (b"latin\xfc", file(b"latin\xfc")),
            (b"latin%FC", file(b"latin\xfc")),
            (b"", Link::Elsewhere),
            (b"http:", Link::Elsewhere),
        ] {
            assert_eq!(page.resolve(href), expected, "{}", href.escape_ascii());
        }
        let top = PageAddress::new("h", "");
        assert_eq!(top.resolve(b"/x"), file(b"x"));
        assert_eq!(top.resolve(b"/"), Link::Elsewhere);
    }

    #[test]
    fn relative_links_begin_at_the_base() {
        let page = PageAddress::new("m.example", "/pub/dir/");
        for (base, href, expected) in [
            (&b"/"[..], &b"pub/dir/x"[..], file(b"x")),
            (b"/", b"pub/dir/d/", directory(b"d")),
            (b"/", b"./pub//../dir/x", file(b"x")),
            (b"/", b"x", Link::Elsewhere),
            (b"/", b"pub/", Link::Parent),
            (b"/", b"..", Link::Elsewhere),
            (b"/", b"/pub/dir/x", file(b"x")),
            (b"/", b"pub/dir/?C=N", Link::Sorted),
            (b"/pub/", b"dir/x", file(b"x")),
            (b"/pub/index.html", b"dir/x%2541", file(b"x%41")),
            (b"/pub/dir/", b"x", file(b"x")),
            (b"../", b"dir/x", file(b"x")),
            (b"..", b"dir/x", file(b"x")),
            (b"../../../../..", b"pub/dir/x", file(b"x")),
            (b"", b"x", file(b"x")),
            (b"?a/b", b"x", file(b"x")),
            (b"sub/", b"x", Link::Elsewhere),
            (b"sub/", b"../x", file(b"x")),
            (b"sub/", b"..", Link::Elsewhere),
            (b"sub/", b"../..", Link::Parent),
            (b"http://M.example", b"pub/dir/x", file(b"x")),
            (b"//m.example/pub/dir/y", b"x", file(b"x")),
            (b"/", b"http://other.example/pub/dir/x", Link::Elsewhere),
        ] {
            let based = page.with_base(base).expect("the same server");
            let (base, shown) = (base.escape_ascii(), href.escape_ascii());
            assert_eq!(based.resolve(href), expected, "{base} {shown}");
        }
        let without_slash = PageAddress::of_directory("m.example", "/pub/dir");
        for (href, expected) in [
            (&b"/pub/dir/x"[..], file(b"x")),
            (b"dir/x", file(b"x")),
            (b"x", Link::Elsewhere),
            (b"./", Link::Parent),
        ] {
            let shown = href.escape_ascii();
            assert_eq!(without_slash.resolve(href), expected, "{shown}");
        }
        for base in [
            &b"http://other.example/pub/dir/"[..],
            b"ftp://m.example/",
            b"//x/",
        ] {
            assert_eq!(page.with_base(base), None, "{}", base.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn a_base_is_total(base in prop::collection::vec(prop_oneof![
            Just(b'/'), Just(b'.'), Just(b'a'), any::<u8>()], 0..20),
            href in prop::collection::vec(prop_oneof![
            Just(b'/'), Just(b'.'), Just(b'a'), any::<u8>()], 0..40)) {
            let page = PageAddress::new("h", "/a/");
            if let Some(based) = page.with_base(&base)
                && let Link::Child { name, .. } = based.resolve(&href)
            {
                prop_assert!(!name.contains(&b'/') && !name.is_empty() && name != b"..");
            }
        }

        #[test]
        fn a_child_is_one_component(href in prop::collection::vec(prop_oneof![
            Just(b'/'), Just(b'.'), Just(b'%'), Just(b'2'), Just(b'f'), any::<u8>()], 0..40)) {
            if let Link::Child { name, .. } = PageAddress::new("h", "/a/").resolve(&href) {
                prop_assert!(!name.contains(&b'/') && !name.is_empty() && name != b"..");
            }
        }
    }
}
