//! Judges a web server's answer about a file of known size (no I/O).

use super::failure::Failure;
use super::target::ProbeFile;

/// The parts of an answer's head that count here.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Head<'a> {
    pub status: u16,
    /// `Content-Length`.
    pub length: Option<u64>,
    /// `Content-Range`, or empty.
    pub range: &'a str,
    /// `Content-Type`, or empty.
    pub content_type: &'a str,
}

/// The result of judging an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The answer is the file.
    Right,
    /// The answer may be the file; it does not tell the size.
    NoSize,
    /// The answer is not the file.
    Wrong(Failure),
}

/// Judges the answer to HEAD. A server that refuses HEAD is then asked by GET.
pub(super) fn judge_head(head: Head<'_>, file: &ProbeFile) -> Judgement {
    match head.status {
        200 => judge_size(head, head.length, file),
        400 | 403 | 405 | 500 | 501 => Judgement::NoSize,
        status => wrong_status(status, file),
    }
}

/// Judges the answer to a range request of one byte.
pub(super) fn judge_range(head: Head<'_>, file: &ProbeFile) -> Judgement {
    let total = head
        .range
        .rsplit('/')
        .next()
        .and_then(|total| total.trim().parse().ok());
    match head.status {
        206 => judge_size(head, total, file),
        200 => judge_size(head, head.length, file),
        416 => judge_size(head, Some(total.unwrap_or(0)), file),
        status => wrong_status(status, file),
    }
}

fn wrong_status(status: u16, file: &ProbeFile) -> Judgement {
    let path = file.shown();
    Judgement::Wrong(Failure::Status { status, path })
}

fn judge_size(head: Head<'_>, found: Option<u64>, file: &ProbeFile) -> Judgement {
    let is_page = head.content_type.trim_start().starts_with("text/html") && !is_page_name(file);
    let page = |bytes: String| {
        let path = file.shown();
        Judgement::Wrong(Failure::Page { path, bytes })
    };
    match (found, file.size) {
        (Some(found), Some(expected)) if found == expected => Judgement::Right,
        (Some(found), _) if is_page => page(format!("{found} bytes of text/html")),
        (None, _) if is_page => page("text/html".to_owned()),
        (Some(found), Some(expected)) => Judgement::Wrong(Failure::WrongSize {
            path: file.shown(),
            expected,
            found,
        }),
        (Some(_), None) => Judgement::Right,
        (None, _) => Judgement::NoSize,
    }
}

/// Whether the file's own name is that of an HTML page, so that a page is no sign of a fault.
fn is_page_name(file: &ProbeFile) -> bool {
    let name = file.path.to_ascii_lowercase();
    [&b".html"[..], b".htm", b".xhtml", b".shtml", b".php"]
        .iter()
        .any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(
        status: u16,
        length: Option<u64>,
        range: &'static str,
        kind: &'static str,
    ) -> Head<'static> {
        Head {
            status,
            length,
            range,
            content_type: kind,
        }
    }

    fn shown(judgement: Judgement) -> String {
        match judgement {
            Judgement::Right => "right".to_owned(),
            Judgement::NoSize => "no size".to_owned(),
            Judgement::Wrong(failure) => failure.to_string(),
        }
    }

    #[test]
    fn answers_to_head_are_judged_by_size() {
        let file = ProbeFile {
            path: b"a b.iso".to_vec(),
            size: Some(10),
            ..ProbeFile::default()
        };
        let page = "it answers with a page (7 bytes of text/html) in place of /a%20b.iso: \
                    a login, error or parking page";
        for (answer, expected) in [
            (head(200, Some(10), "", "application/x-iso"), "right"),
            (head(200, Some(10), "", "text/html"), "right"),
            (head(200, None, "", ""), "no size"),
            (head(405, None, "", ""), "no size"),
            (
                head(404, Some(7), "", "text/html"),
                "it answers 404 for /a%20b.iso",
            ),
            (head(503, None, "", ""), "it answers 503 for /a%20b.iso"),
            (head(200, Some(7), "", "text/html; charset=utf-8"), page),
            (
                head(200, Some(9), "", ""),
                "/a%20b.iso has 9 bytes there, not 10",
            ),
        ] {
            assert_eq!(shown(judge_head(answer, &file)), expected, "{answer:?}");
        }
    }

    #[test]
    fn answers_to_a_range_are_judged_by_the_total() {
        let mut file = ProbeFile {
            path: b"a.iso".to_vec(),
            size: Some(10),
            ..ProbeFile::default()
        };
        for (answer, expected) in [
            (head(206, Some(1), "bytes 9-9/10", ""), "right"),
            (
                head(206, Some(1), "bytes 9-9/11", ""),
                "/a.iso has 11 bytes there, not 10",
            ),
            (head(206, Some(1), "bytes 9-9/*", ""), "no size"),
            (head(200, Some(10), "", ""), "right"),
            (
                head(416, None, "bytes */4", ""),
                "/a.iso has 4 bytes there, not 10",
            ),
            (head(416, None, "", ""), "/a.iso has 0 bytes there, not 10"),
        ] {
            assert_eq!(shown(judge_range(answer, &file)), expected, "{answer:?}");
        }
        file.size = None;
        assert_eq!(
            judge_range(head(200, Some(3), "", ""), &file),
            Judgement::Right
        );
        file.path = b"index.HTML".to_vec();
        assert_eq!(
            judge_head(head(200, Some(3), "", "text/html"), &file),
            Judgement::Right
        );
    }
}
