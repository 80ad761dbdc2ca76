//! Reads rsync's messages on standard error, line by line.

use super::rsync::unescape_into;

/// Longest message that is kept, in characters; a mirror chooses the text.
const REMARK_CHARS_MAX: usize = 300;

/// The meaning of one line on standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// The server refuses: `@ERROR: max connections (4) reached -- try again later`.
    Refusal(String),
    /// A file, or everything below a directory, could not be listed. The path is relative to the
    /// URL, or to the module if it begins with a slash.
    Unlisted(Vec<u8>),
    /// A file vanished during the listing. It no longer exists, so the listing lacks nothing.
    Vanished,
    /// A symlink without a target, where links are followed: there is no file.
    Dangling,
    /// The last line of every failure, which says less than the lines before it.
    Summary(String),
    /// Anything else.
    Remark(String),
}

/// Starts of the sender's messages about a name that cannot be listed; the quoted name follows.
const UNLISTED: [&[u8]; 4] = [
    b"opendir \"",
    b"readdir(\"",
    b"readlink_stat(\"",
    b"link_stat \"",
];

/// Start of the sender's message about a symlink without a target.
const DANGLING: &[u8] = b"symlink has no referent: ";

/// Reads one line without its line feed.
pub fn parse_message(line: &[u8]) -> Message {
    if let Some(said) = line.strip_prefix(b"@ERROR: ") {
        return Message::Refusal(remark(said));
    }
    for beginning in [&b"rsync error: "[..], b"rsync warning: "] {
        if let Some(said) = line.strip_prefix(beginning) {
            return Message::Summary(remark(said));
        }
    }
    if line.starts_with(b"file has vanished: ") || line.starts_with(b"directory has vanished: ") {
        return Message::Vanished;
    }
    if without_role(line.strip_prefix(b"rsync: ").unwrap_or(line)).starts_with(DANGLING) {
        return Message::Dangling;
    }
    if let Some(path) = unlisted(line) {
        return Message::Unlisted(path);
    }
    let said = line.strip_prefix(b"rsync: ").unwrap_or(line);
    Message::Remark(remark(without_role(said)))
}

/// Whether the sending side says that what was asked for is not there.
pub fn is_absence(line: &[u8]) -> bool {
    let said = without_role(line.strip_prefix(b"rsync: ").unwrap_or_default());
    let begins = [&b"link_stat \""[..], b"change_dir \""]
        .iter()
        .any(|b| said.starts_with(b));
    let ends = [
        &b" failed: No such file or directory (2)"[..],
        b" failed: Not a directory (20)",
    ];
    begins && ends.iter().any(|end| said.ends_with(end))
}

fn unlisted(line: &[u8]) -> Option<Vec<u8>> {
    let said = without_role(line.strip_prefix(b"rsync: ")?);
    let quoted = UNLISTED
        .iter()
        .find_map(|beginning| said.strip_prefix(*beginning))?;
    // The module's name contains no quotes, but the file's name may.
    let end = find_last(quoted, b"\" (in ")?;
    let mut path = Vec::with_capacity(end);
    unescape_into(&quoted[..end], &mut path);
    Some(path)
}

/// Drops the sender's role, such as `[sender] `, which old versions do not write.
fn without_role(said: &[u8]) -> &[u8] {
    let Some(rest) = said.strip_prefix(b"[") else {
        return said;
    };
    let end = rest.iter().position(|&byte| byte == b']');
    end.and_then(|end| rest[end + 1..].strip_prefix(b" "))
        .unwrap_or(said)
}

fn find_last(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).rposition(|window| window == what)
}

/// Turns a stranger's text into one printable line.
pub fn remark(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let printable = text
        .trim()
        .chars()
        .map(|char| if char.is_control() { '?' } else { char });
    printable.take(REMARK_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart() {
        let unlisted = |path: &[u8]| Message::Unlisted(path.to_vec());
        let remark = |text: &str| Message::Remark(text.to_owned());
        for (line, expected) in [
            (
                &b"@ERROR: Unknown module 'nope'"[..],
                Message::Refusal("Unknown module 'nope'".into()),
            ),
            (
                b"rsync error: error in socket IO (code 10) at clientserver.c(165)",
                Message::Summary("error in socket IO (code 10) at clientserver.c(165)".into()),
            ),
            (
                b"rsync: [sender] opendir \"/dir2/priv\" (in m) failed: Permission denied (13)",
                unlisted(b"/dir2/priv"),
            ),
            (
                b"rsync: opendir \"unread\"able\" (in m) failed: Permission denied (13)",
                unlisted(b"unread\"able"),
            ),
            (
                b"rsync: [sender] readlink_stat(\"a\\#012b\" (in m)) failed: Not a directory (20)",
                unlisted(b"a\nb"),
            ),
            (
                b"rsync: [sender] change_dir \"nodir\" (in m) failed: No such file (2)",
                remark("change_dir \"nodir\" (in m) failed: No such file (2)"),
            ),
            (b"file has vanished: \"x\" (in m)", Message::Vanished),
            (b"symlink has no referent: \"/x\" (in m)", Message::Dangling),
            (
                b"[Receiver] io timeout after 4 seconds -- exiting",
                remark("io timeout after 4 seconds -- exiting"),
            ),
            (b"", remark("")),
            (b"rsync: [", remark("[")),
            (b"\x1b[31mred\xff", remark("?[31mred\u{fffd}")),
        ] {
            assert_eq!(parse_message(line), expected, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn what_is_not_there_is_told_from_what_is_closed() {
        for (line, expected) in [
            (
                "rsync: [sender] link_stat \"/a/b\" (in m) failed: No such file or directory (2)",
                true,
            ),
            (
                "rsync: change_dir \"a\" (in m) failed: No such file or directory (2)",
                true,
            ),
            (
                "rsync: [sender] change_dir \"a/f\" (in m) failed: Not a directory (20)",
                true,
            ),
            (
                "rsync: [sender] change_dir \"a\" (in m) failed: Permission denied (13)",
                false,
            ),
            (
                "rsync: opendir \"a\" (in m) failed: No such file or directory (2)",
                false,
            ),
            (
                "link_stat \"a\" failed: No such file or directory (2)",
                false,
            ),
        ] {
            assert_eq!(is_absence(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn a_long_remark_is_cut() {
        let long = remark(&[b'x'; 10_000]);
        assert_eq!(long.len(), REMARK_CHARS_MAX);
    }
}
