//! Writes the first line of a list: its subject, and why its mirrors are in it. The form is that of
//! MirrorManager, because people and programs read it.

use super::asked::ListSubject;
use crate::domain::place::Asn;

/// The content of the first line of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListHeading {
    /// `path = P` or `repo = R arch = A`
    pub subject: Vec<u8>,
    /// Whether mirrors with a prefix of the client lead the list.
    pub has_prefix: bool,
    /// The client's autonomous system, if a mirror is in it.
    pub asn: Option<Asn>,
    /// The countries whose mirrors are in the list, and `global` for the world.
    pub countries: Vec<String>,
    /// `protocol=` as asked.
    pub protocols: Vec<String>,
    /// Whether no mirror fits the protocols, so that they were ignored.
    pub is_unfit: bool,
}

impl ListHeading {
    /// A heading that names the subject of the list.
    pub fn of(subject: &ListSubject) -> ListHeading {
        let subject = match subject {
            ListSubject::Path(path) => [b"path = ", &path[..]].concat(),
            ListSubject::Repository { repo, arch } => {
                [b"repo = ", &repo[..], b" arch = ", &arch[..]].concat()
            }
        };
        ListHeading {
            subject,
            ..ListHeading::default()
        }
    }

    /// Appends the line, without bytes that would end it.
    pub fn line_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"# ");
        let printable = |byte: &u8| if byte.is_ascii_control() { b'?' } else { *byte };
        out.extend(self.subject.iter().map(printable));
        out.push(b' ');
        if self.has_prefix {
            out.extend_from_slice(b"Using preferred netblock ");
        }
        if let Some(asn) = self.asn {
            out.extend_from_slice(format!("Using ASN {asn} ").as_bytes());
        }
        for country in &self.countries {
            out.extend_from_slice(b"country = ");
            out.extend(country.as_bytes().iter().map(printable));
            out.push(b' ');
        }
        if !self.protocols.is_empty() {
            let protocols = self.protocols.join(",");
            out.extend_from_slice(b"protocol = ");
            out.extend(protocols.as_bytes().iter().map(printable));
            if self.is_unfit {
                out.extend_from_slice(b" (none)");
            }
        }
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_mirrormanagers() {
        let mut heading = ListHeading::of(&ListSubject::Repository {
            repo: b"lin-9".to_vec(),
            arch: b"x86_64".to_vec(),
        });
        let line = |heading: &ListHeading| {
            let mut line = Vec::new();
            heading.line_into(&mut line);
            String::from_utf8(line).expect("UTF-8")
        };
        assert_eq!(line(&heading), "# repo = lin-9 arch = x86_64 \n");
        heading.asn = Asn::new(64500);
        heading.countries = ["FR", "DE", "global"].map(str::to_owned).into();
        heading.protocols = vec!["https".to_owned()];
        assert_eq!(
            line(&heading),
            "# repo = lin-9 arch = x86_64 Using ASN 64500 country = FR country = DE country = \
             global protocol = https\n"
        );
        heading.is_unfit = true;
        assert!(line(&heading).ends_with("protocol = https (none)\n"));
        let path = ListHeading::of(&ListSubject::Path(b"a\nhttp://x/".to_vec()));
        assert_eq!(line(&path), "# path = a?http://x/ \n");
    }
}
