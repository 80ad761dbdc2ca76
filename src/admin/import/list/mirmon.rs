//! mirmon's list of mirrors, in both of its styles (`list_style plain` and `apache`), as
//! `mb export --format=mirmon` and `mirrorbits export` write it, too.

use std::path::Path;

use super::listed::{ReadList, ReadMirror, host_of};
use crate::admin::import::problem::{ImportProblem, Spot};

/// Reads a list; lines about one host are one mirror.
///
/// # Errors
/// Returns the first line that cannot be used.
pub(super) fn read(path: &Path, text: &str) -> Result<ReadList, ImportProblem> {
    let mut list = ReadList::default();
    for (index, line) in text.lines().enumerate() {
        let spot = Spot::new(path, index + 1);
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let has_url = |word: Option<&&str>| word.is_some_and(|word| word.contains("://"));
        // The style `apache` has the scheme in front.
        let words = if has_url(words.get(1)) {
            &words[..]
        } else {
            &words[1..]
        };
        let [country, url, rest @ ..] = words else {
            return Err(ImportProblem::new(&spot, FORM));
        };
        let Some(host) = host_of(url).filter(|_| rest.len() < 2) else {
            return Err(ImportProblem::new(&spot, FORM));
        };
        let country = if matches!(*country, "--" | "zz") {
            ""
        } else {
            country
        };
        take(&mut list, (&host, url), &spot)?;
        if let Some(mirror) = list.mirrors.iter_mut().rfind(|one| is_of(one, &host)) {
            mirror.set("country", country, &spot)?;
            mirror.set("admin_email", rest.first().unwrap_or(&""), &spot)?;
        }
    }
    let (whole, rest) = list
        .mirrors
        .into_iter()
        .partition(|one| !one.record.base_url.is_empty());
    list.mirrors = whole;
    for mirror in rest {
        let name = mirror.record.identifier;
        let text = format!(
            "{name} is not carried over, because it has no URL of http or https; clients are sent \
             to nothing else"
        );
        list.notes.push(ImportProblem::new(&mirror.spot, text));
    }
    Ok(list)
}

/// The form of a line.
const FORM: &str = "write COUNTRY URL EMAIL, or SCHEME COUNTRY URL EMAIL";

/// The name of a mirror begins with its host.
fn is_of(mirror: &ReadMirror, host: &str) -> bool {
    let name = mirror.record.identifier.as_str();
    name == host
        || name
            .strip_prefix(host)
            .is_some_and(|rest| rest.starts_with('-'))
}

/// Puts a URL to the mirror of its host that has none of that scheme yet.
fn take(list: &mut ReadList, (host, url): (&str, &str), spot: &Spot) -> Result<(), ImportProblem> {
    for mirror in list.mirrors.iter_mut().filter(|one| is_of(one, host)) {
        if mirror.take_url(url, spot)? {
            return Ok(());
        }
    }
    let mut mirror = ReadMirror::new(&list.free_name(host), spot)?;
    mirror.take_url(url, spot)?;
    list.add(mirror, spot)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(list: &ReadList) -> Vec<String> {
        let mirrors = list.mirrors.iter().map(|one| {
            let record = &one.record;
            let urls = [&record.base_url, &record.ftp_url, &record.rsync_url];
            let urls: Vec<&str> = urls.into_iter().map(String::as_str).collect();
            format!(
                "{} {} {} [{}] {}",
                record.identifier,
                record.country,
                record.admin_email,
                record.further_base_urls.join(" "),
                urls.join(" ")
            )
        });
        mirrors.collect()
    }

    #[test]
    fn both_styles_are_read() {
        let plain = "# c\nde\thttp://a.example/p/\ta@a.example\n\
            de\tftp://a.example/p/\ta@a.example\n\
            de\trsync://a.example/p/\t\n--\thttps://a.example/p/\nus http://b.example:80/\n\
            us rsync://c.example/x/\nde http://a.example/q/\n";
        let apache = "http de http://a.example/p/ a@a.example\nftp de ftp://a.example/p/\n\
            rsync de rsync://a.example/p/\nhttps de https://a.example/p/\n\
            http us http://b.example:80/\nrsync us rsync://c.example/x/\n\
            http de http://a.example/q/\n";
        for text in [plain, apache] {
            let list = read(Path::new("/f"), text).expect("a list");
            assert_eq!(
                shown(&list),
                [
                    "a.example de a@a.example [https://a.example/p/] http://a.example/p/ \
                     ftp://a.example/p/ rsync://a.example/p/",
                    "b.example us  [] http://b.example:80/  ",
                    "a.example-2 de  [] http://a.example/q/  ",
                ]
            );
            assert!(
                list.notes[0]
                    .text
                    .starts_with("c.example is not carried over")
            );
        }
        for (text, expected) in [
            ("x\n", "/f:1: write COUNTRY URL EMAIL"),
            ("de http://a/ b c d\n", "/f:1: write COUNTRY URL EMAIL"),
            ("deu http://a/\n", "/f:1: country: "),
        ] {
            let problem = read(Path::new("/f"), text).expect_err(text).shown();
            assert!(problem.starts_with(expected), "{text}: {problem}");
        }
    }
}
