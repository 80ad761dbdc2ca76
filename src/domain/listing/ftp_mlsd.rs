//! Reads lines of MLSD: `type=file;size=11;modify=20261122170451;UNIX.mode=0644; name` (RFC 3659
//! §7).
//!
//! Facts may come in any order and in any case, and a server may leave out any of them. They end at
//! the first space; the rest is the name. Only the target of a link may have spaces, with ProFTPD.

use super::ftp::{FtpEntry, FtpLine, named, without_return};
use super::index_date::{valid, within};
use super::listed::{ListedFile, ListedSize, ListedTime, number};
use crate::domain::time::Timestamp;

/// The bit "others may read" in a mode.
const OTHERS_READ: u32 = 0o4;

/// The facts of one entry.
#[derive(Default)]
struct MlsdFacts<'l> {
    kind: Option<&'l [u8]>,
    size: Option<u64>,
    modify: Option<ListedTime>,
    perm: Option<&'l [u8]>,
    mode: Option<u32>,
}

/// Reads one line without its line feed.
pub fn parse_mlsd(line: &[u8]) -> FtpLine<'_> {
    let line = without_return(line);
    if line.is_empty() {
        return FtpLine::Nothing;
    }
    let Some(mut end) = line.iter().position(|&byte| byte == b' ') else {
        return match begins_like_fact(line) {
            true => FtpLine::Unreadable,
            false => FtpLine::Unknown,
        };
    };
    if ends_in_target(&line[..end]) {
        let Some(after) = line[end..].windows(2).position(|text| text == b"; ") else {
            return FtpLine::Unreadable;
        };
        end += after + 1;
    }
    let (facts, name) = (&line[..end], &line[end + 1..]);
    if !facts.contains(&b'=') {
        return FtpLine::Unknown;
    }
    let facts = MlsdFacts::read(facts);
    let Some(kind) = facts.kind else {
        return FtpLine::Unreadable;
    };
    let is = |text: &[u8]| kind.eq_ignore_ascii_case(text);
    if is(b"cdir") || is(b"pdir") {
        return FtpLine::Here;
    }
    let entry = if is(b"dir") {
        FtpEntry::Directory
    } else if is(b"file") {
        facts.file()
    } else if is_link(kind) {
        FtpEntry::Link
    } else {
        FtpEntry::Other
    };
    named(entry, name)
}

impl<'l> MlsdFacts<'l> {
    fn read(text: &'l [u8]) -> MlsdFacts<'l> {
        let mut facts = MlsdFacts::default();
        for fact in text.split(|&byte| byte == b';') {
            let Some(equals) = fact.iter().position(|&byte| byte == b'=') else {
                continue;
            };
            let (key, value) = (&fact[..equals], &fact[equals + 1..]);
            match key.to_ascii_lowercase().as_slice() {
                b"type" => facts.kind = Some(value),
                b"size" => facts.size = number(value),
                b"modify" => facts.modify = time(value),
                b"perm" => facts.perm = Some(value),
                b"unix.mode" => facts.mode = octal(value),
                _ => {}
            }
        }
        facts
    }

    /// The file of these facts. The mode says whether everybody may read it; `perm` only says
    /// whether this login may.
    fn file(&self) -> FtpEntry {
        let may_login_read = || {
            self.perm
                .is_none_or(|perm| perm.iter().any(|byte| byte.eq_ignore_ascii_case(&b'r')))
        };
        let is_public = match self.mode {
            Some(mode) => mode & OTHERS_READ != 0,
            None => may_login_read(),
        };
        if !is_public {
            return FtpEntry::Private;
        }
        FtpEntry::File(ListedFile {
            size: self.size.map_or(ListedSize::Unknown, ListedSize::Exact),
            time: self.modify,
        })
    }
}

/// Whether a line begins like the fact of a kind of entry, of its size, or of its time.
fn begins_like_fact(line: &[u8]) -> bool {
    let lower = line.to_ascii_lowercase();
    let facts = [&b"type="[..], b"size=", b"sizd=", b"modify=", b"perm="];
    facts.iter().any(|fact| lower.starts_with(fact))
}

/// Whether facts are cut in the target of a link, which ProFTPD writes with its spaces.
fn ends_in_target(facts: &[u8]) -> bool {
    let last = facts.rsplit(|&byte| byte == b';').next();
    let last = last.unwrap_or_default().to_ascii_lowercase();
    last.starts_with(b"type=os.unix=slink:") || last.starts_with(b"type=os.unix=symlink:")
}

/// Whether a type is a link's: `OS.unix=slink:target`, `OS.unix=symlink` and similar.
fn is_link(kind: &[u8]) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind == b"link" || kind.starts_with(b"os.unix=slink") || kind.starts_with(b"os.unix=symlink")
}

/// Reads `20261122170451` in UTC, also with a fraction (RFC 3659 §2.3); MDTM answers in this form
/// too.
pub fn time(text: &[u8]) -> Option<ListedTime> {
    let end = text.iter().position(|&byte| byte == b'.');
    let digits = &text[..end.unwrap_or(text.len())];
    if digits.len() != 14 {
        return None;
    }
    let two = |index: usize, range| within(&digits[index..index + 2], &range);
    let year = within(&digits[..4], &(1970..=9999))?;
    let date = valid(year, two(4, 1..=12)?, two(6, 1..=31)?)?;
    let of_day = (two(8, 0..=23)?, two(10, 0..=59)?, two(12, 0..=60)?);
    Some(ListedTime {
        seconds: Timestamp::from_utc(date, of_day).0,
        step_s: 1,
        is_utc: true,
    })
}

fn octal(digits: &[u8]) -> Option<u32> {
    // Type, special bits and permissions have seven digits; a longer number is not a mode.
    if digits.is_empty() || digits.len() > 7 {
        return None;
    }
    digits.iter().try_fold(0, |sum, &byte| {
        let digit = char::from(byte).to_digit(8)?;
        Some(sum * 8 + digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(size: u64, seconds: i64) -> FtpEntry {
        FtpEntry::File(ListedFile {
            size: ListedSize::Exact(size),
            time: Some(ListedTime {
                seconds,
                step_s: 1,
                is_utc: true,
            }),
        })
    }

    #[test]
    fn facts_of_all_servers_are_read() {
        let entry = |entry, name: &'static str| FtpLine::Entry(entry, name.as_bytes());
        let unknown = FtpEntry::File(ListedFile::UNKNOWN);
        for (line, expected) in [
            (
                "type=file;size=11;modify=20200102030405;UNIX.mode=0644; a b\r",
                entry(file(11, 1_577_934_245), "a b"),
            ),
            (
                "Modify=20200102030405.123;Perm=adfrw;Size=12345678901;Type=file;  lead ",
                entry(file(12_345_678_901, 1_577_934_245), " lead "),
            ),
            ("type=file; x=1;y", entry(unknown, "x=1;y")),
            (
                "type=file;size=1;UNIX.mode=0640; p",
                entry(FtpEntry::Private, "p"),
            ),
            (
                "type=file;size=1;perm=dfw; p",
                entry(FtpEntry::Private, "p"),
            ),
            (
                "type=dir;sizd=4096;UNIX.mode=0755; d",
                entry(FtpEntry::Directory, "d"),
            ),
            (
                "type=OS.unix=slink:/x;size=3; l",
                entry(FtpEntry::Link, "l"),
            ),
            (
                "type=OS.unix=symlink;size=3; l -> m",
                entry(FtpEntry::Link, "l -> m"),
            ),
            (
                "type=OS.unix=slink:/x y;size=3; l m",
                entry(FtpEntry::Link, "l m"),
            ),
            (
                "size=3;type=OS.unix=slink:x y; l; m",
                entry(FtpEntry::Link, "l; m"),
            ),
            ("type=OS.unix=slink:x y", FtpLine::Unreadable),
            ("type=OS.unix=chr-13/29; tty", entry(FtpEntry::Other, "tty")),
            ("type=cdir;modify=20200102030405; /pub", FtpLine::Here),
            ("type=pdir; ..", FtpLine::Here),
            ("type=dir; ..", FtpLine::Here),
            ("type=file; ", FtpLine::Unreadable),
            ("type=file; a/b", FtpLine::Unreadable),
            ("size=1; x", FtpLine::Unreadable),
            ("type=file;size=1;x", FtpLine::Unreadable),
            ("hello world", FtpLine::Unknown),
            ("\r", FtpLine::Nothing),
        ] {
            assert_eq!(parse_mlsd(line.as_bytes()), expected, "{line}");
        }
        for bad in [
            "20200102",
            "20201302030405",
            "20200230030405",
            "2020010203040x",
        ] {
            assert_eq!(time(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_name_comes_back(name in prop::collection::vec(1..=255_u8, 1..40)) {
            prop_assume!(!name.contains(&b'/') && !name.ends_with(b"\r"));
            prop_assume!(name != b"." && name != b"..");
            let line = [b"type=dir; ".as_slice(), &name].concat();
            prop_assert_eq!(parse_mlsd(&line), FtpLine::Entry(FtpEntry::Directory, &name));
        }

        #[test]
        fn any_bytes_are_read(line in prop::collection::vec(any::<u8>(), 0..80)) {
            parse_mlsd(&line);
        }

        #[test]
        fn any_facts_are_read(facts in "((type|size|modify|perm|UNIX.mode)=[a-z0-9]{0,20};){0,6}") {
            parse_mlsd(format!("{facts} x").as_bytes());
        }
    }
}
