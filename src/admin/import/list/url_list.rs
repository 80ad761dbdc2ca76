//! A list of URLs: `URL [COUNTRY [NAME]]`, one mirror per line.

use std::path::Path;

use super::listed::{ReadList, ReadMirror, host_of};
use crate::admin::import::problem::{ImportProblem, Spot};

/// Reads a list.
///
/// # Errors
/// Returns the first line that cannot be used.
pub(super) fn read(path: &Path, text: &str) -> Result<ReadList, ImportProblem> {
    let mut list = ReadList::default();
    for (index, line) in text.lines().enumerate() {
        let spot = Spot::new(path, index + 1);
        let bare = line.split(" #").next().unwrap_or(line).trim();
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = bare.split_whitespace().collect();
        let (url, country, name) = match words[..] {
            [url] => (url, "", None),
            [url, country] => (url, country, None),
            [url, country, name] => (url, country, Some(name)),
            _ => {
                let text = "write URL, then COUNTRY and NAME if they are known";
                return Err(ImportProblem::new(&spot, text));
            }
        };
        let name = match (name, host_of(url)) {
            (Some(name), _) => name.to_owned(),
            (None, Some(host)) => list.free_name(&host),
            (None, None) => String::from("mirror"),
        };
        if list.has(&name) {
            let text = format!("the name '{}' comes a second time", name.escape_debug());
            return Err(ImportProblem::new(
                &spot,
                format!("{text}; write another one"),
            ));
        }
        let mut mirror = ReadMirror::new(&name, &spot)?;
        mirror.take_url(url, &spot)?;
        if mirror.record.base_url.is_empty() {
            let text = "a mirror needs a URL of http or https; write that one";
            return Err(ImportProblem::new(&spot, text));
        }
        let country = if country == "--" { "" } else { country };
        mirror.set("country", country, &spot)?;
        list.add(mirror, &spot)?;
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_mirrors_are_refused_at_once() {
        let lines = |host: &dyn Fn(usize) -> String| -> String {
            let lines = (0..20_000).map(|n| format!("http://{}/\n", host(n)));
            lines.collect()
        };
        let text = lines(&|n| format!("m{n}.example"));
        let problem = read(Path::new("/f"), &text).expect_err("too many").shown();
        assert!(problem.starts_with("/f:16385: 16384 mirrors"), "{problem}");
    }

    #[test]
    fn lines_are_mirrors() {
        let text = "# ours\nhttps://a.example/pub/\n\nhttp://B.example/x/ DE # fast\n\
            http://b.example/y/ -- third\nhttp://b.example/z/\n";
        let list = read(Path::new("/f"), text).expect("a list");
        let found: Vec<String> = list
            .mirrors
            .iter()
            .map(|one| {
                let record = &one.record;
                format!(
                    "{} {} {}",
                    record.identifier, record.base_url, record.country
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                "a.example https://a.example/pub/ ",
                "b.example http://B.example/x/ de",
                "third http://b.example/y/ ",
                "b.example-2 http://b.example/z/ ",
            ]
        );
        for (text, expected) in [
            ("x\n", "/f:1: 'x' is no URL of a mirror"),
            ("\nhttp://u:s3cret@h:x/\n", "/f:2: base_url: "),
            ("gopher://u:s3cret@h/\n", "/f:1: 'gopher://u"),
            ("http://a/ deu\n", "/f:1: country: "),
            ("http://a/ de a b\n", "/f:1: write URL"),
            ("rsync://a/m/\n", "/f:1: a mirror needs a URL of http"),
            (
                "http://a/ de a\nhttp://b/ de a\n",
                "/f:2: the name 'a' comes a second time",
            ),
            ("http://a/ de a/b\n", "/f:1: "),
        ] {
            let problem = read(Path::new("/f"), text).expect_err(text).shown();
            assert!(problem.starts_with(expected), "{text}: {problem}");
            assert!(!problem.contains("s3cret"), "{problem}");
        }
    }
}
