//! Adds up what is too small to be published: a few downloads would tell of single people.

/// Downloads that a country needs to be named.
pub const COUNTRY_MIN: i64 = 5;

/// Downloads that a network, or a product in a country, needs to be named.
pub const NETWORK_MIN: i64 = 20;

/// The name of what is added up.
pub const OTHER: &str = "other";

/// A row that may be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedRow {
    /// Its name.
    pub name: String,
    /// Downloads, bytes.
    pub numbers: [i64; 2],
}

/// The rows with at least `least` downloads, the largest first, and the sum of the others. If that
/// would be exactly one row, the next smallest joins it, or the one could be told by its absence.
pub fn publishable(mut rows: Vec<PublishedRow>, least: i64) -> Vec<PublishedRow> {
    rows.sort_by(|a, b| b.numbers.cmp(&a.numbers).then_with(|| a.name.cmp(&b.name)));
    let mut kept = rows.partition_point(|row| row.numbers[0] >= least);
    if kept + 1 == rows.len() && kept > 0 {
        kept -= 1;
    }
    let small = rows.split_off(kept);
    if !small.is_empty() {
        let sum = |place: usize| small.iter().map(|row| row.numbers[place]).sum();
        rows.push(PublishedRow {
            name: OTHER.to_owned(),
            numbers: [sum(0), sum(1)],
        });
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(rows: &[(&str, i64)]) -> Vec<(String, i64)> {
        let row = |(name, downloads): &(&str, i64)| PublishedRow {
            name: (*name).to_owned(),
            numbers: [*downloads, 0],
        };
        let rows = publishable(rows.iter().map(row).collect(), NETWORK_MIN);
        rows.into_iter()
            .map(|row| (row.name, row.numbers[0]))
            .collect()
    }

    #[test]
    fn c12_small_networks_are_added_up() {
        let row = |name: &str, downloads| (name.to_owned(), downloads);
        assert_eq!(shown(&[("1", 19), ("2", 3)]), [row(OTHER, 22)]);
        let found = shown(&[("1", 100), ("2", 50), ("3", 3)]);
        assert_eq!(
            found,
            [row("1", 100), row(OTHER, 53)],
            "one alone is not hidden"
        );
        assert_eq!(shown(&[("1", 20)]), [row("1", 20)]);
        assert_eq!(shown(&[("1", 3)]), [row(OTHER, 3)]);
        assert_eq!(shown(&[]), []);
    }
}
