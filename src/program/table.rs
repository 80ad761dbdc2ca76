//! Tables for people: columns without lines between them, whatever the width of a name.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Row, Table};

/// A table that is written when all its rows are known.
#[derive(Debug)]
pub struct TextTable {
    table: Table,
}

impl TextTable {
    /// A table with these heads of columns; with none it has rows alone.
    pub fn new<'a>(head: impl IntoIterator<Item = &'a str>) -> TextTable {
        let mut table = Table::new();
        table.load_style(NOTHING);
        let head: Vec<&str> = head.into_iter().collect();
        if !head.is_empty() {
            table.set_header(head);
        }
        TextTable { table }
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
        self.table.trim_fmt()
    }
}
