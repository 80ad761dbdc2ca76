//! Recognises entries of LIST in forms that are not read, so that they are called unreadable:
//! those of NetWare, VMS, MVS and OS/400, and EPLF.

use super::index_date::is_like_date;

/// Whether a line is an entry in one of these forms.
pub(super) fn is_foreign_entry(line: &[u8]) -> bool {
    is_netware(line) || is_vms(line) || is_eplf(line) || is_table_row(line)
}

/// `d [R----F--] supervisor 512 Jan 16 18:53 login`.
fn is_netware(line: &[u8]) -> bool {
    let Some((b'd' | b'-', rest)) = line.split_first() else {
        return false;
    };
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    rest.first() == Some(&b'[') && rest.contains(&b']')
}

/// `FILE.TXT;1  100/104  2-JAN-2020 03:04`: names have a version.
fn is_vms(line: &[u8]) -> bool {
    let name = words(line).next().unwrap_or_default();
    let Some(mark) = name.iter().rposition(|&byte| byte == b';') else {
        return false;
    };
    let version = &name[mark + 1..];
    mark > 0 && !version.is_empty() && version.iter().all(u8::is_ascii_digit)
}

/// `+i8388621.48594,m825718503,r,s280,` with a tab before the name.
fn is_eplf(line: &[u8]) -> bool {
    line.starts_with(b"+") && line.contains(&b'\t')
}

/// `WYOSPT 3420 2003/05/21 1 200 FB 80 8053 PS A.FILE`, `NAME 01.01 2003/05/21 …` (MVS),
/// `QSYS 77824 02/23/00 15:09:55 *DIR a/` (OS/400): a number, then a date.
fn is_table_row(line: &[u8]) -> bool {
    let mut words = words(line).skip(1);
    let is_numbered = words
        .next()
        .is_some_and(|word| word.first().is_some_and(u8::is_ascii_digit));
    is_numbered && words.next().is_some_and(is_like_date)
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| byte == b' ')
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_other_systems_are_told_from_text() {
        for line in [
            "d [R----F--] supervisor            512       Jan 16 18:53    login",
            "- [RWCEAFMS] u 1234 Jan 16 2020 a",
            "d[R----F--] supervisor 512 Jan 16 18:53 login",
            "FILE.TXT;1       100/104  2-JAN-2020 03:04:05  [U,G]  (RWED,RWED,RE,)",
            "A-VERY-LONG-NAME-WITH-ITS-FIELDS-ON-THE-NEXT-LINE.TXT;12",
            "DIR.DIR;1  1/4  2-JAN-2020 03:04",
            "WYOSPT 3420   2003/05/21  1  200  FB      80  8053  PS  A.FILE",
            "MEMBER    01.01 2003/05/21 2003/05/21 12:00   10    10     0 USER",
            "QSYS            77824 02/23/00 15:09:55 *DIR       a/",
            "+i8388621.48594,m825718503,r,s280,\tdjb.html",
            "+/,m1,\tdir",
        ] {
            assert!(is_foreign_entry(line.as_bytes()), "{line}");
        }
        for line in [
            "",
            "Directory DISK$PUB:[ANONYMOUS]",
            "Total of 3 files, 5/8 blocks.",
            "Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname",
            " Name     VV.MM   Created       Changed      Size  Init   Mod   Id",
            "+1 for this mirror",
            "- a list in a greeting",
            "welcome; 3 users",
            ";1",
            "a;b",
            "Updated on 2020-01-02",
            "a b",
        ] {
            assert!(!is_foreign_entry(line.as_bytes()), "{line}");
        }
    }
}
