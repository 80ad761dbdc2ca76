//! Draws bars and sparklines of block characters, for terminals.

/// Eighths of a bar's last cell.
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// Heights of a sparkline.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar of at most `cells` characters for a part of the largest value.
pub(super) fn bar(value: i64, largest: i64, cells: usize) -> String {
    if largest <= 0 || value <= 0 {
        return String::new();
    }
    let share = value as f64 / largest as f64;
    let eighths = (share * cells as f64 * 8.0).round().max(1.0) as usize;
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8]);
    }
    bar
}

/// The course of values, one character each; at most `cells`, neighbours are added up.
pub(super) fn sparkline(values: &[i64], cells: usize) -> String {
    let per_cell = values.len().div_ceil(cells.max(1)).max(1);
    let sums: Vec<i64> = values
        .chunks(per_cell)
        .map(|part| part.iter().sum())
        .collect();
    let largest = sums.iter().copied().max().unwrap_or(0).max(1);
    let height = |sum: &i64| match *sum {
        ..=0 => ' ',
        sum => HEIGHTS[((sum * 8 - 1) / largest).clamp(0, 7) as usize],
    };
    sums.iter().map(height).collect()
}

/// A number of bytes with a unit: `1.2 TB`.
pub(in crate::admin) fn bytes_text(bytes: i64) -> String {
    let mut value = bytes as f64;
    let mut units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"].iter();
    let mut unit = units.next().unwrap_or(&"B");
    while value >= 999.5 {
        match units.next() {
            Some(next) => unit = next,
            None => break,
        }
        value /= 1000.0;
    }
    match (*unit, value < 10.0) {
        ("B", _) => format!("{bytes} B"),
        (_, true) => format!("{value:.1} {unit}"),
        (_, false) => format!("{value:.0} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_show_shares() {
        assert_eq!(bar(8, 8, 4), "████");
        assert_eq!(bar(1, 8, 4), "▌");
        assert_eq!(bar(1, 100_000, 4), "▏");
        assert_eq!(bar(0, 8, 4), "");
        assert_eq!(sparkline(&[0, 1, 4, 8], 10), " ▁▄█");
        assert_eq!(sparkline(&[1, 1, 2, 2, 8, 8], 3), "▁▂█");
        for (bytes, text) in [
            (999, "999 B"),
            (1000, "1.0 kB"),
            (12_345_678, "12 MB"),
            (999_700, "1.0 MB"),
        ] {
            assert_eq!(bytes_text(bytes), text);
        }
    }
}
