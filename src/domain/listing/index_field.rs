//! Size and time of a file in the words that stand beside its link.
//!
//! Servers write them in many forms: `02-Jan-2020 03:04  1.2M`, `2020-01-02 03:04 1 234 567`,
//! `1/2/2020  3:04 AM  1234`, `2020-Jan-02 03:04:05`, `1.2 KiB`, `-`. What is not surely one of
//! them is not known, never guessed: a wrong size would make a good copy look outdated.

use super::index_date::{date, is_space};
use super::listed::{ListedFile, ListedSize, ListedTime};

/// Ends a cell; words of two cells are never one size or time.
pub const CELL_END: u8 = b'\t';

/// Stands before a number that a cell carries as an attribute: the exact size, if what is shown
/// is that number rounded.
pub const EXACT_MARK: u8 = b'=';

/// Begins a cell of the column that a table's heading names for sizes: no other cell has one.
pub const SIZE_CELL: u8 = 0x01;

/// Begins a cell of a column that has other numbers.
pub const NUMBER_CELL: u8 = 0x02;

/// Digits of a number; more would not fit 64 bits with a unit.
const DIGITS_MAX: usize = 18;

/// What is said beside a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexFields {
    /// Size and time.
    pub file: ListedFile,
    /// It says that it is a directory.
    pub is_dir: bool,
    /// Whether there was a size, a time, or the dash of a directory.
    pub is_any: bool,
}

/// Reads the text beside a link.
pub fn read_fields(text: &[u8]) -> IndexFields {
    let mut fields = IndexFields {
        file: ListedFile::UNKNOWN,
        is_dir: false,
        is_any: false,
    };
    let has_cells = text.contains(&CELL_END);
    let has_size_cell = text.contains(&SIZE_CELL);
    if let Some(words) = permissions(text) {
        read_permitted(&words, &mut fields);
        return fields;
    }
    for cell in text.split(|&byte| byte == CELL_END) {
        let mut words: Vec<&[u8]> = words(cell).take(WORDS_MAX).collect();
        let mark = words.first().copied().unwrap_or_default();
        let is_size = mark == [SIZE_CELL];
        let is_other = mark == [NUMBER_CELL] || has_size_cell && !is_size;
        if is_size || mark == [NUMBER_CELL] {
            words.remove(0);
        }
        read_cell(&words, has_cells, !is_other, &mut fields);
    }
    fields
}

/// The words of a line that begins with permissions, as webfs writes it.
fn permissions(text: &[u8]) -> Option<Vec<&[u8]>> {
    let words: Vec<&[u8]> = words(text).take(WORDS_MAX).collect();
    let (kind, bits) = words.first()?.split_first()?;
    let is_mode = b"-dl".contains(kind)
        && bits.len() == 9
        && bits.iter().all(|bit| b"-rwxsStT".contains(bit));
    is_mode.then_some(words)
}

/// Permissions, user and group, a date, and the size at the end.
fn read_permitted(words: &[&[u8]], fields: &mut IndexFields) {
    fields.is_any = true;
    fields.is_dir = words[0].starts_with(b"d");
    let time = (1..words.len()).find_map(|place| date(&words[place..]));
    fields.file.time = time.and_then(|(time, _)| time);
    let last = [2, 1].into_iter().find_map(|count| {
        let tail = &words[words.len().checked_sub(count)?..];
        size(tail).filter(|(_, taken)| *taken == count)
    });
    // A year or an hour at the end is no size.
    if let Some((size, _)) = last.filter(|_| words.len() > 5) {
        fields.file.size = size;
    }
}

/// Words of a cell that are looked at; what comes after them is a description.
const WORDS_MAX: usize = 16;

fn words(cell: &[u8]) -> impl Iterator<Item = &[u8]> {
    cell.split(|&byte| is_space(byte))
        // A no-break space in UTF-8 leaves its first byte behind.
        .map(|word| word.strip_suffix(b"\xc2").unwrap_or(word))
        .filter(|word| !word.is_empty())
}

fn read_cell(words: &[&[u8]], has_cells: bool, may_be_size: bool, fields: &mut IndexFields) {
    let (mut rest, exact) = match words {
        [mark, rest @ ..] if mark[0] == EXACT_MARK => (rest, number(&mark[1..])),
        _ => (words, None),
    };
    // Arrows of links stand before their sizes (Caddy).
    let is_sign = |word: &&[u8]| word.iter().all(|byte| !byte.is_ascii());
    while exact.is_some() && rest.len() > 1 && is_sign(&rest[0]) {
        rest = &rest[1..];
    }
    let mut is_size_possible = may_be_size;
    while !rest.is_empty() {
        if let Some((time, taken)) = date(rest) {
            keep_time(fields, time);
            rest = &rest[taken..];
        } else if let Some((size, taken)) = size(rest).filter(|_| is_size_possible) {
            // In a table a size has its cell to itself; a number in a sentence is none.
            if !has_cells || taken == rest.len() {
                keep_size(fields, size, exact);
            }
            is_size_possible = false;
            rest = &rest[taken..];
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

/// A whole number with thousands apart by `,` `.` or `'`: `5,000`.
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

/// A size at the beginning, and how many words it takes.
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
        // Thousands with spaces between them: `1 234 567`.
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
    // `4,883 KB` may be thousands or a fraction.
    let parts = written.split(|&byte| byte == b',').collect::<Vec<_>>();
    if unit.most > 1 && matches!(parts[..], [_, last] if last.len() == 3) {
        return Some((ListedSize::Unknown, taken));
    }
    Some((value.times(unit), taken))
}

fn is_thousand(word: &[u8]) -> bool {
    word.len() == 3 && word.iter().all(u8::is_ascii_digit)
}

/// A number with its last digits behind the point.
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

    /// One more or less in the last digit, because some servers round and others cut.
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

/// Bytes of a unit; two numbers where servers disagree whether a kB is 1000 or 1024 bytes.
#[derive(Clone, Copy)]
struct Unit {
    least: u64,
    most: u64,
}

fn unit(written: &[u8]) -> Option<Unit> {
    let lower = written.to_ascii_lowercase();
    if matches!(lower.as_slice(), b"" | b"b" | b"byte" | b"bytes") {
        return Some(Unit { least: 1, most: 1 });
    }
    let (letter, rest) = lower.split_first()?;
    let power = b"kmgtpe".iter().position(|unit| unit == letter)? as u32 + 1;
    let binary = 1024_u64.checked_pow(power)?;
    let decimal = 1000_u64.checked_pow(power)?;
    match rest {
        // Apache, nginx and lighttpd write one capital letter and mean 1024.
        b"" if written[0].is_ascii_uppercase() => Some(binary),
        b"ib" | b"i" => Some(binary),
        b"" | b"b" => Some(decimal),
        _ => None,
    }
    .map(|least| Unit {
        least,
        most: binary,
    })
}

fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > DIGITS_MAX {
        return None;
    }
    digits.iter().try_fold(0, |sum: u64, &byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + u64::from(byte - b'0'))
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
        // The attribute of a cell is the size when it is what is shown, rounded.
        for (text, expected) in [
            ("\t=1300 1.2 KiB\t", Exact(1300)),
            ("\t=1577934245 1.2 KiB\t", Between(1126, 1331)),
            ("\t=-1 —\t", Unknown),
            ("\t12 files\t34\t", Exact(34)),
        ] {
            assert_eq!(read_fields(text.as_bytes()).file.size, expected, "{text}");
        }
    }

    #[test]
    fn sizes_and_times_are_found_in_any_order() {
        for text in [
            "02-Jan-2020 03:04   1234",
            " 2020-01-02 03:04  1234  a description with 17 words",
            "1/2/2020  3:04 AM         1234 ",
            "\t1234\t2020-Jan-02 03:04\t",
            "\t2020-01-02 03:04 \t1234\t&nbsp;\t",
        ] {
            let fields = read_fields(text.as_bytes());
            assert_eq!(fields.file.size, Exact(1234), "{text}");
            let time = fields.file.time.expect("a time");
            assert_eq!((time.seconds, time.step_s), (1_577_934_240, 60), "{text}");
            assert!(!fields.is_dir && fields.is_any);
        }
        assert!(read_fields(b"1/2/2020  3:04 AM  <dir> ").is_dir);
        assert!(read_fields(b"\t-\tDirectory\t").is_dir);
        assert!(!read_fields(b" some text ").is_any);
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
