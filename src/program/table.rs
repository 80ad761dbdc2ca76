//! Tables for people: columns without lines between them, whatever the width of a name.
//!
//! On a screen that is too narrow the last column is wrapped at words; where that leaves too little
//! of it, each row becomes a block with a line per column. A file or a pipe gets whole lines.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Row, Table};

/// Columns of the screen that the last column of a table needs, at least.
const LAST_COLUMN_MIN: usize = 20;

/// A table that is written when all its rows are known.
#[derive(Debug)]
pub struct TextTable {
    table: Table,
    head: Vec<String>,
}

impl TextTable {
    /// A table with these heads of columns; with none it has rows alone.
    pub fn new<'a>(head: impl IntoIterator<Item = &'a str>) -> TextTable {
        let mut table = Table::new();
        table.load_style(NOTHING);
        let head: Vec<String> = head.into_iter().map(str::to_owned).collect();
        if !head.is_empty() {
            table.set_header(&head);
        }
        TextTable { table, head }
    }

    /// Adds a row.
    pub fn add_row(&mut self, cells: impl Into<Row>) {
        self.table.add_row(cells);
    }

    /// The table as lines, the cells of these columns (from 0) to the right, as numbers stand.
    pub fn text(mut self, to_the_right: impl IntoIterator<Item = usize>) -> String {
        for column in to_the_right {
            if let Some(column) = self.table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        match columns_of(&self.table) {
            Some(columns) => self.fit(columns),
            None => self.table.trim_fmt(),
        }
    }

    /// The table on a screen of that many columns.
    fn fit(mut self, columns: u16) -> String {
        let whole = self.table.trim_fmt();
        let screen = usize::from(columns);
        if whole.lines().all(|line| line.chars().count() <= screen) {
            return whole;
        }
        let widths = self.table.column_max_content_widths();
        let Some((_, before)) = widths.split_last() else {
            return whole;
        };
        // One column of padding on each side.
        let before_last: usize = before.iter().map(|width| usize::from(*width) + 2).sum();
        if before_last + LAST_COLUMN_MIN > screen {
            return self.blocks(columns);
        }
        wrap_last(&mut self.table, columns, before.len());
        self.table.trim_fmt()
    }

    /// Each row as lines `HEAD  CELL`; those without a cell are left out.
    fn blocks(&self, columns: u16) -> String {
        let mut blocks = Vec::new();
        for row in self.table.row_iter() {
            let mut block = Table::new();
            block.load_style(NOTHING);
            for (place, cell) in row.cell_iter().enumerate() {
                let head = self.head.get(place).map_or("", String::as_str);
                let text = cell.content();
                if !text.is_empty() {
                    block.add_row([head, text.as_str()]);
                }
            }
            wrap_last(&mut block, columns, 1);
            blocks.push(block.trim_fmt());
        }
        blocks.join("\n\n")
    }
}

/// Wraps the cells of the column at that place, and none before it.
fn wrap_last(table: &mut Table, columns: u16, last: usize) {
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(columns);
    for place in 0..last {
        if let Some(column) = table.column_mut(place) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

/// The columns of the screen that is written to, if it is one.
pub fn screen_columns() -> Option<usize> {
    columns_of(&Table::new()).map(usize::from)
}

/// A text in lines that fit the screen, all but the first after `indent` spaces. Words stay whole.
pub fn wrapped(text: &str, columns: Option<usize>, indent: usize) -> String {
    // A narrower column is no help.
    let Some(columns) = columns.filter(|columns| *columns >= indent + LAST_COLUMN_MIN) else {
        return text.to_owned();
    };
    let (mut lines, mut used) = (String::new(), 0);
    for word in text.split(' ') {
        let width = word.chars().count();
        if used > indent && used + 1 + width > columns {
            lines.push('\n');
            lines += &" ".repeat(indent);
            used = indent;
        } else if !lines.is_empty() {
            lines.push(' ');
            used += 1;
        }
        lines += word;
        used += width;
    }
    lines
}

fn columns_of(table: &Table) -> Option<u16> {
    if !table.is_tty() {
        return None;
    }
    let told = std::env::var("COLUMNS").ok();
    let told = told.and_then(|columns| columns.parse().ok());
    told.or_else(|| table.width())
        .filter(|columns| *columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> TextTable {
        let mut table = TextTable::new(["run", "mirror", "what"]);
        table.add_row([
            "7",
            "mirror.example.org",
            "one two three four five six seven",
        ]);
        table.add_row(["8", "m", ""]);
        table
    }

    #[test]
    fn a_table_fits_its_screen() {
        for columns in [20, 30, 40, 50, 60, 80] {
            let text = table().fit(columns);
            for line in text.lines() {
                assert!(
                    line.chars().count() <= usize::from(columns),
                    "{columns}:\n{text}"
                );
            }
            // No word is cut.
            for word in ["mirror.example.org", "seven"] {
                assert!(columns < 26 || text.contains(word), "{columns}:\n{text}");
            }
        }
    }

    #[test]
    fn a_text_is_wrapped_below_its_time() {
        let text = "2026-11-28T09:00:00Z  scan ok: one two three four five six seven";
        let fit = wrapped(text, Some(50), 22);
        assert_eq!(
            fit,
            format!(
                "2026-11-28T09:00:00Z  scan ok: one two three four\n{}five six seven",
                " ".repeat(22)
            )
        );
        assert_eq!(wrapped(text, None, 22), text);
        assert_eq!(wrapped(text, Some(30), 22), text, "too narrow");
    }

    #[test]
    fn a_wide_screen_has_a_line_per_row_and_a_narrow_one_a_block() {
        assert_eq!(table().fit(80).lines().count(), 3);
        assert_eq!(table().text([0]).lines().count(), 3, "no screen");
        let wrapped = table().fit(50);
        assert!(wrapped.starts_with(" run"), "{wrapped}");
        assert!(wrapped.lines().count() > 3, "{wrapped}");
        let blocks = table().fit(30);
        assert!(blocks.starts_with(" run     7"), "{blocks}");
        assert!(blocks.ends_with("\n\n run     8\n mirror  m"), "{blocks}");
    }
}
