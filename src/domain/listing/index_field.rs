//! Reads a file's size and time from the words beside its link.
//!
//! Servers write them in many forms: `02-Jan-2020 03:04  1.2M`, `2020-01-02 03:04 1 234 567`,
//! `1/2/2020  3:04 AM  1234`, `2020-Jan-02 03:04:05`, `1.2 KiB`, `-`. A value that is not surely
//! one of them is unknown, never guessed: a wrong size would make a good copy look outdated.

use super::index_date::{date, is_space};
use super::listed::{DIGITS_MAX, ListedFile, ListedSize, ListedTime, number};

/// Ends a cell; a size or a time never extends over two cells.
pub const CELL_END: u8 = b'\t';

/// Precedes a number from an attribute of the cell. It is the exact size if the text shows it
/// rounded.
pub const EXACT_MARK: u8 = b'=';

/// First byte of a cell whose table has a heading; the next byte encodes the [`TableColumn`].
pub const CELL_OF_COLUMN: u8 = 0x1f;

/// The values that a column of a table may hold, according to its heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableColumn {
    /// Sizes that the column may hold.
    pub size: ColumnSize,
    /// Whether the column may hold a time.
    pub has_time: bool,
}

/// The sizes that a column may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnSize {
    /// No sizes: another column has them.
    No,
    /// Sizes with a unit only: no heading names sizes, so a bare number may mean anything.
    WithUnit,
    /// Any size.
    Any,
}

impl TableColumn {
    /// A column without a heading.
    const ANY: TableColumn = TableColumn {
        size: ColumnSize::Any,
        has_time: true,
    };

    /// The byte that follows [`CELL_OF_COLUMN`].
    pub fn mark(self) -> u8 {
        let size = match self.size {
            ColumnSize::No => b'n',
            ColumnSize::WithUnit => b'u',
            ColumnSize::Any => b'a',
        };
        if self.has_time {
            size.to_ascii_uppercase()
        } else {
            size
        }
    }

    fn of_mark(mark: u8) -> TableColumn {
        let size = match mark.to_ascii_lowercase() {
            b'n' => ColumnSize::No,
            b'u' => ColumnSize::WithUnit,
            _ => ColumnSize::Any,
        };
        TableColumn {
            size,
            has_time: mark.is_ascii_uppercase(),
        }
    }

    fn admits(self, size: ListedSize) -> bool {
        match self.size {
            ColumnSize::No => false,
            ColumnSize::WithUnit => !matches!(size, ListedSize::Exact(_)),
            ColumnSize::Any => true,
        }
    }
}

/// Exabytes.
const UNIT_POWER_MAX: u32 = 6;

/// Bytes of the longest link: Linux takes no longer path.
const LINK_BYTES_MAX: u64 = 4095;

/// The values beside a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexFields {
    /// Size and time.
    pub file: ListedFile,
    /// Whether the text says that the entry is a directory.
    pub is_dir: bool,
    /// Whether there is a size, a time, or the dash that stands for a directory's size.
    pub is_any: bool,
    /// Whether there is a date, even one without a usable time.
    is_dated: bool,
}

impl IndexFields {
    /// Drops a bare number without a date beside it, because it may be a line number.
    #[must_use]
    pub fn sure(mut self) -> IndexFields {
        if !self.is_dated && matches!(self.file.size, ListedSize::Exact(_)) {
            self.file.size = ListedSize::Unknown;
            self.is_any = self.is_dir;
        }
        self
    }

    /// Fills missing values from `other`.
    #[must_use]
    pub fn or(mut self, other: IndexFields) -> IndexFields {
        if self.file.size == ListedSize::Unknown {
            self.file.size = other.file.size;
        }
        self.file.time = self.file.time.or(other.file.time);
        self.is_dir |= other.is_dir;
        self.is_any |= other.is_any;
        self
    }
}

/// Reads the text beside a link.
pub fn read_fields(text: &[u8]) -> IndexFields {
    let mut fields = IndexFields {
        file: ListedFile::UNKNOWN,
        is_dir: false,
        is_any: false,
        is_dated: false,
    };
    let has_cells = text.contains(&CELL_END);
    for cell in text.split(|&byte| byte == CELL_END) {
        let (column, cell) = match cell {
            [CELL_OF_COLUMN, mark, rest @ ..] => (TableColumn::of_mark(*mark), rest),
            _ => (TableColumn::ANY, cell),
        };
        let words: Vec<&[u8]> = words(cell).take(WORDS_MAX).collect();
        if !has_cells && words.first().is_some_and(|word| is_mode(word)) {
            read_ls(&words, &mut fields);
        } else {
            read_cell(&words, (has_cells, column), &mut fields);
            if words.first().is_some_and(|word| is_mini_httpd_date(word)) {
                forget_what_may_be_of_a_link(&mut fields.file);
            }
        }
    }
    fields
}

/// `02Jan2020`: mini_httpd alone writes dates so.
fn is_mini_httpd_date(word: &[u8]) -> bool {
    let is_digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    word.len() == b"02Jan2020".len()
        && is_digits(&word[..2])
        && word[2..5].iter().all(u8::is_ascii_alphabetic)
        && is_digits(&word[5..])
}

/// mini_httpd shows size and time of a link, not of the file that it leads to, and no sign of it.
fn forget_what_may_be_of_a_link(file: &mut ListedFile) {
    if matches!(file.size, ListedSize::Exact(bytes) if (1..=LINK_BYTES_MAX).contains(&bytes)) {
        *file = ListedFile::UNKNOWN;
    }
}

/// A size of a page that counts by thousands without a sign of it (merecat: `52M` is 52,000,000
/// bytes and more): what it is at least as a power of ten, at most as one of two.
pub fn with_decimal_units(size: ListedSize) -> ListedSize {
    let ListedSize::Between(least, most) = size else {
        return size;
    };
    let power = (1..=UNIT_POWER_MAX)
        .rev()
        .find(|power| least >= 1024_u64.pow(*power));
    let least = power.map_or(least, |power| {
        let bytes = u128::from(least) * 1000_u128.pow(power) / 1024_u128.pow(power);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    });
    ListedSize::Between(least, most)
}

/// Whether a word is a mode: `-rw-r--r--`, or thttpd's `-r--`.
fn is_mode(word: &[u8]) -> bool {
    let (kind, rest) = word.split_first().unwrap_or((&0, b""));
    b"-dlbcps".contains(kind)
        && matches!(rest.len(), 3 | 9)
        && rest.iter().all(|byte| b"rwxsStT-".contains(byte))
        && rest != b"---"
}

/// Reads a line of `ls -l` in which the name is a link. The size stands right before the date or,
/// with webfs, right after it.
fn read_ls(words: &[&[u8]], fields: &mut IndexFields) {
    /// Number of words before the size: mode and link count.
    const BEFORE_SIZE: usize = 2;
    fields.is_any = true;
    match words[0][0] {
        b'd' => fields.is_dir = true,
        b'-' => {
            let dated = (1..words.len()).find_map(|at| Some((at, date(&words[at..])?)));
            let Some((at, (time, taken))) = dated else {
                return;
            };
            keep_time(fields, time);
            let before = (at > BEFORE_SIZE)
                .then(|| size(&words[at - 1..at]))
                .flatten();
            let found = before.or_else(|| size(&words[at + taken..]));
            if let Some((size, _)) = found {
                keep_size(fields, size, None);
            }
        }
        // A link's line has the size and time of the link itself.
        _ => {}
    }
}

/// Largest number of words that are read per cell; a description may follow them.
const WORDS_MAX: usize = 16;

fn words(cell: &[u8]) -> impl Iterator<Item = &[u8]> {
    cell.split(|&byte| is_space(byte))
        // Splitting at a no-break space in UTF-8 leaves its first byte on the word.
        .map(|word| word.strip_suffix(b"\xc2").unwrap_or(word))
        .flat_map(with_narrow_space)
        .filter(|word| !word.is_empty())
}

/// Splits a word at a narrow no-break space, which ICU writes before AM and PM.
fn with_narrow_space(word: &[u8]) -> [&[u8]; 2] {
    const NARROW: &[u8] = "\u{202f}".as_bytes();
    let index = word.windows(NARROW.len()).position(|part| part == NARROW);
    index.map_or([word, b""], |index| {
        [&word[..index], &word[index + NARROW.len()..]]
    })
}

/// Whether a word is an arrow or an icon, not a part of a sentence.
fn is_symbol(word: &[u8]) -> bool {
    let is_symbol = |char: char| !char.is_ascii() && !char.is_alphanumeric();
    std::str::from_utf8(word).is_ok_and(|text| text.chars().all(is_symbol))
}

fn read_cell(words: &[&[u8]], (has_cells, column): (bool, TableColumn), fields: &mut IndexFields) {
    let (mut rest, exact) = match words {
        [mark, rest @ ..] if mark[0] == EXACT_MARK => (rest, number(&mark[1..])),
        _ => (words, None),
    };
    let mut is_size_possible = true;
    while !rest.is_empty() {
        if let Some((time, taken)) = date(rest) {
            if column.has_time {
                keep_time(fields, time);
            }
            rest = &rest[taken..];
        } else if let Some((size, taken)) = size(rest).filter(|_| is_size_possible) {
            // In a table, a size is alone in its cell; a number in a sentence is not a size.
            if (!has_cells || taken == rest.len()) && column.admits(size) {
                keep_size(fields, size, exact);
            }
            is_size_possible = false;
            rest = &rest[taken..];
        } else if is_symbol(rest[0]) {
            rest = &rest[1..];
        } else {
            fields.is_dir |= is_directory_mark(rest[0]);
            fields.is_any |= fields.is_dir;
            is_size_possible = false;
            rest = &rest[1..];
        }
    }
}

fn keep_time(fields: &mut IndexFields, time: Option<ListedTime>) {
    fields.is_any = true;
    fields.is_dated = true;
    if fields.file.time.is_none() {
        fields.file.time = time;
    }
}

fn keep_size(fields: &mut IndexFields, size: ListedSize, exact: Option<u64>) {
    fields.is_any = true;
    if fields.file.size != ListedSize::Unknown {
        return;
    }
    fields.file.size = match exact {
        Some(exact) if size != ListedSize::Unknown && size.admits(exact) => {
            ListedSize::Exact(exact)
        }
        _ => size,
    };
}

/// An integer with thousands separators `,` `.` or `'`: `5,000`.
pub(super) fn grouped_number(word: &[u8]) -> Option<u64> {
    let mut groups = word.split(|byte| b",.'".contains(byte));
    let first = groups.next()?;
    let are_groups = (1..=3).contains(&first.len()) && groups.clone().all(is_thousand);
    let digits: Vec<u8> = word
        .iter()
        .copied()
        .filter(|byte| !b",.'".contains(byte))
        .collect();
    (are_groups && groups.next().is_some()).then(|| number(&digits))?
}

/// A size with a unit: `4.9K`.
pub(super) fn rounded_size(word: &[u8]) -> Option<ListedSize> {
    match size(&[word])? {
        (rounded @ ListedSize::Between(..), _) => Some(rounded),
        _ => None,
    }
}

fn is_directory_mark(word: &[u8]) -> bool {
    [&b"<dir>"[..], b"[dir]", b"directory", b"folder"]
        .iter()
        .any(|mark| word.eq_ignore_ascii_case(mark))
}

/// Reads a size at the start of `words`; returns the number of words that it takes.
fn size(words: &[&[u8]]) -> Option<(ListedSize, usize)> {
    let first = *words.first()?;
    if matches!(first, b"-" | b"\xe2\x80\x94" | b"\xe2\x80\x93" | b"--") {
        return Some((ListedSize::Unknown, 1));
    }
    let digits = first
        .iter()
        .position(|byte| !byte.is_ascii_digit() && !b".,'".contains(byte))
        .unwrap_or(first.len());
    let (written, suffix) = first.split_at(digits);
    let mut value = Decimal::read(written)?;
    let mut taken = 1;
    if suffix.is_empty() && value.decimals == 0 && written.len() <= 3 {
        // Thousands separated by spaces: `1 234 567`.
        while let Some(group) = words.get(taken).copied().filter(|word| is_thousand(word)) {
            value = Decimal::read(group)?.after(value)?;
            taken += 1;
        }
    }
    let mut unit = unit(suffix)?;
    if suffix.is_empty()
        && let Some(own_word) = words.get(taken).and_then(|word| self::unit(word))
    {
        unit = own_word;
        taken += 1;
    }
    if suffix.is_empty() && taken < words.len() && is_foreign(words[taken]) {
        return Some((ListedSize::Unknown, taken));
    }
    // The mark in `4,883 KB` and `4.883 KB` may separate thousands or a fraction.
    let parts = written.split(|byte| b",.".contains(byte));
    let parts = parts.collect::<Vec<_>>();
    if unit.most > 1 && matches!(parts[..], [_, last] if last.len() == 3) {
        return Some((ListedSize::Unknown, taken));
    }
    Some((value.times(unit), taken))
}

/// Whether a word begins with a letter of another alphabet: it may be a unit (`КБ`).
fn is_foreign(word: &[u8]) -> bool {
    word.first().is_some_and(|byte| !byte.is_ascii()) && !is_symbol(word)
}

fn is_thousand(word: &[u8]) -> bool {
    word.len() == 3 && word.iter().all(u8::is_ascii_digit)
}

/// A decimal number: all its digits, of which the last `decimals` are the fraction.
#[derive(Clone, Copy)]
struct Decimal {
    digits: u64,
    decimals: u32,
}

impl Decimal {
    fn read(written: &[u8]) -> Option<Decimal> {
        if !written.first()?.is_ascii_digit() || !written.last()?.is_ascii_digit() {
            return None;
        }
        let groups: Vec<&[u8]> = written.split(|byte| b".,'".contains(byte)).collect();
        let (last, before) = groups.split_last()?;
        let is_thousands =
            before.len() > 1 || written.iter().any(|byte| b",'".contains(byte)) && last.len() == 3;
        let is_grouped = is_thousands && groups[1..].iter().all(|group| group.len() == 3);
        if before.len() > 1 && !is_grouped {
            return None;
        }
        let decimals = if is_grouped || before.is_empty() {
            0
        } else {
            last.len() as u32
        };
        let digits = number(&groups.concat())?;
        Some(Decimal { digits, decimals })
    }

    fn after(self, thousands: Decimal) -> Option<Decimal> {
        let digits = thousands
            .digits
            .checked_mul(1000)?
            .checked_add(self.digits)?;
        Some(Decimal {
            digits,
            decimals: 0,
        })
    }

    /// The range of sizes that a server may have written like this: one more or less in the last
    /// digit, because some servers round and others truncate.
    fn times(self, unit: Unit) -> ListedSize {
        if unit.most == 1 {
            return if self.decimals == 0 {
                ListedSize::Exact(self.digits)
            } else {
                ListedSize::Unknown
            };
        }
        let scale = 10_u128.pow(self.decimals.min(DIGITS_MAX as u32));
        let bytes = |digits: u64, unit: u64| {
            let bytes = u128::from(digits) * u128::from(unit) / scale;
            u64::try_from(bytes).unwrap_or(u64::MAX)
        };
        ListedSize::Between(
            bytes(self.digits.saturating_sub(1), unit.least),
            bytes(self.digits.saturating_add(1), unit.most),
        )
    }
}

/// Bytes per unit: two numbers, because servers disagree whether a kB is 1000 or 1024 bytes.
#[derive(Clone, Copy)]
struct Unit {
    least: u64,
    most: u64,
}

fn unit(written: &[u8]) -> Option<Unit> {
    let lower = written.to_ascii_lowercase();
    if matches!(
        lower.as_slice(),
        b"" | b"b" | b"byte" | b"bytes" | b"octets"
    ) {
        return Some(Unit { least: 1, most: 1 });
    }
    let (letter, rest) = lower.split_first()?;
    let power = b"kmgtpe".iter().position(|unit| unit == letter)? as u32 + 1;
    let binary = 1024_u64.checked_pow(power)?;
    let decimal = 1000_u64.checked_pow(power)?;
    match rest {
        // Apache, nginx and lighttpd write one capital letter and mean 1024.
        b"" if written[0].is_ascii_uppercase() => Some(binary),
        b"ib" | b"i" | b"io" => Some(binary),
        // French; in small letters `to` and `go` are English words.
        b"o" if written[0].is_ascii_uppercase() || lower[0] == b'k' => Some(decimal),
        b"" | b"b" => Some(decimal),
        _ => None,
    }
    .map(|least| Unit {
        least,
        most: binary,
    })
}

#[cfg(test)]
mod tests {
    use super::ListedSize::{Between, Exact, Unknown};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_exact_ranges_or_unknown() {
        const K: u64 = 1024;
        for (text, expected) in [
            ("0", Exact(0)),
            ("1234567", Exact(1_234_567)),
            ("1 234 567", Exact(1_234_567)),
            ("1\u{a0}234\u{a0}567", Exact(1_234_567)),
            ("1,234,567", Exact(1_234_567)),
            ("1.234.567", Exact(1_234_567)),
            ("1'234", Exact(1234)),
            ("512 B", Exact(512)),
            ("512 bytes", Exact(512)),
            ("1.2K", Between(11 * K / 10, 13 * K / 10)),
            ("1,2K", Between(11 * K / 10, 13 * K / 10)),
            ("12M", Between(11 * K * K, 13 * K * K)),
            ("4,883 KB", Unknown),
            ("4.883 KB", Unknown),
            ("4.883K", Unknown),
            ("4.88 KB", Between(4_870, 489 * K / 100)),
            ("4'883 KB", Between(4_882_000, 4884 * K)),
            // Units of other languages are read, or the size is unknown: never a bare number.
            ("12 Ko", Between(11_000, 13 * K)),
            ("12 Mio", Between(11 * K * K, 13 * K * K)),
            ("512 octets", Exact(512)),
            ("12 КБ", Unknown),
            ("12 МБ", Unknown),
            ("12 \u{5b57}\u{8282}", Unknown),
            ("12 to read", Exact(12)),
            ("1.2 KiB", Between(11 * K / 10, 13 * K / 10)),
            ("5 kB", Between(4000, 6 * K)),
            ("5k", Between(4000, 6 * K)),
            ("0.0K", Between(0, 102)),
            ("-", Unknown),
            ("—", Unknown),
            ("1.5", Unknown),
            ("12 monkeys", Exact(12)),
            ("1.2.3", Unknown),
            ("x 12", Unknown),
            ("99999999999999999999", Unknown),
            ("9999999999999999E", Between(u64::MAX, u64::MAX)),
            ("3d", Unknown),
        ] {
            assert_eq!(read_fields(text.as_bytes()).file.size, expected, "{text}");
        }
    }

    #[test]
    fn the_attribute_of_a_cell_is_its_size_if_the_cell_shows_it_rounded() {
        const K: u64 = 1024;
        for (text, expected) in [
            ("\t=1300 1.2 KiB\t", Exact(1300)),
            ("\t=1577934245 1.2 KiB\t", Between(1126, 1331)),
            ("\t=-1 —\t", Unknown),
            ("\t12 files\t34\t", Exact(34)),
            ("\t=1300 \u{21b1} 1.2 KiB\t", Exact(1300)),
            ("\t\u{2192} 1234\t", Exact(1234)),
            ("-r--    1       1234  Jan  2  2020  ", Exact(1234)),
            (
                "-r--   12    5368709120  Jan  2 03:04  ",
                Exact(5_368_709_120),
            ),
            ("-rw-r--r-- 1 joe joe 1234 2020-01-02 03:04", Exact(1234)),
            ("-rw-r--r--  root root Jan 02  2020  1234  B ", Exact(1234)),
            (
                "-rw-r--r--  root root Jan 02 03:04    10 kB ",
                Between(9000, 11 * K),
            ),
            ("lrwxrwxrwx 1 joe joe 9 Jan 02 2020 ", Unknown),
            ("\t\x1fa17\t\x1fN2020-01-02\t", Exact(17)),
            ("\t\x1fn17\t\x1fa1234\t", Exact(1234)),
            ("\t\x1fu17\t", Unknown),
            // mini_httpd shows the size of a link itself, which is no longer than a path.
            ("    02Jan2020 03:04           17", Unknown),
            ("    02Jan2020 03:04           4095", Unknown),
            ("    02Jan2020 03:04           4096", Exact(4096)),
            ("\t\x1fu17\t\x1fu1.2K\t", Between(11 * K / 10, 13 * K / 10)),
        ] {
            assert_eq!(read_fields(text.as_bytes()).file.size, expected, "{text}");
        }
    }

    #[test]
    fn a_unit_may_be_a_power_of_ten_after_all() {
        for (text, least, most) in [
            ("52M", 51_000_000, 53 << 20),
            ("1000k", 975_585, 1001 * 1024),
            ("0.0K", 0, 102),
            ("3G", 2_000_000_000, 4 << 30),
        ] {
            let size = read_fields(text.as_bytes()).file.size;
            assert_eq!(with_decimal_units(size), Between(least, most), "{text}");
        }
        assert_eq!(with_decimal_units(Exact(52)), Exact(52));
    }

    #[test]
    fn sizes_and_times_are_found_in_any_order() {
        for text in [
            "02-Jan-2020 03:04   1234",
            " 2020-01-02 03:04  1234  a description with 17 words",
            "1/2/2020  3:04 AM         1234 ",
            "\t1234\t2020-Jan-02 03:04\t",
            "\t2020-01-02 03:04 \t1234\t&nbsp;\t",
            "\t1234\t1/2/2020 3:04\u{202f}AM\t",
        ] {
            let fields = read_fields(text.as_bytes());
            assert_eq!(fields.file.size, Exact(1234), "{text}");
            let time = fields.file.time.expect("a time");
            assert_eq!((time.seconds, time.step_s), (1_577_934_240, 60), "{text}");
            assert!(!fields.is_dir && fields.is_any);
        }
        // The time of what may be a link is the link's own, too.
        for (text, is_known) in [
            ("    02Jan2020 03:04           12345", true),
            ("    02Jan2020 03:04           1234", false),
        ] {
            let fields = read_fields(text.as_bytes());
            assert_eq!(fields.file.time.is_some(), is_known, "{text}");
            assert!(fields.is_any, "{text}");
        }
        assert!(read_fields(b"1/2/2020  3:04 AM  <dir> ").is_dir);
        assert!(read_fields(b"\t-\tDirectory\t").is_dir);
        assert!(read_fields(b"drwxr-xr-x  root root Jan 02  2020  <DIR>  ").is_dir);
        assert!(!read_fields(b" some text ").is_any);
        assert_eq!(read_fields(b"12").sure().file.size, Unknown);
        assert_eq!(read_fields(b"12 2020-01-02").sure().file.size, Exact(12));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in prop::collection::vec(any::<u8>(), 0..200)) {
            read_fields(&text);
        }

        #[test]
        fn anything_like_fields_is_read(text in "[ 0-9.,:/KMGiBTZ\tapm=+-]{0,60}") {
            read_fields(text.as_bytes());
        }

        #[test]
        fn a_rounded_size_admits_what_it_was_made_of(size in 0_u64..1 << 50) {
            // Apache's way, simplified: one decimal below ten, none above.
            let mut value = size as f64;
            let mut unit = "";
            for next in ["K", "M", "G", "T"] {
                if value < 973.0 {
                    break;
                }
                value /= 1024.0;
                unit = next;
            }
            let text = if unit.is_empty() || value >= 9.95 {
                format!("{value:.0}{unit}")
            } else {
                format!("{value:.1}{unit}")
            };
            prop_assert!(read_fields(text.as_bytes()).file.size.admits(size), "{}", text);
        }
    }
}
