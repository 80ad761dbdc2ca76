//! Finds out from a table's heading which column has the sizes, and which the times.

use super::index_field::{CELL_OF_COLUMN, ColumnSize, TableColumn};

/// Largest number of bytes of a heading's cell that are kept.
const TEXT_BYTES_MAX: usize = 64;

/// Largest number of columns that are counted.
const COLUMNS_MAX: usize = 32;

/// Headings of sizes in lower case: in English, and in the languages of known index themes.
const SIZES: [&str; 17] = [
    "size",
    "bytes",
    "length",
    "größe",
    "groesse",
    "taille",
    "tamaño",
    "tamanho",
    "dimension",
    "grootte",
    "rozmiar",
    "velikost",
    "storlek",
    "størrelse",
    "размер",
    "大小",
    "サイズ",
];

/// Parts of headings of modification times.
const TIMES: [&str; 4] = ["modif", "changed", "mtime", "änder"];

/// Parts of other headings, which show that a row is a heading.
const OTHERS: [&str; 4] = ["name", "file", "date", "datum"];

/// The columns of a table.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// The columns according to the heading; empty if there is no heading, or an unknown one.
    heading: Vec<Heading>,
    /// The columns of the present row so far.
    row: Vec<Heading>,
    cell: Vec<u8>,
    index: usize,
    span: usize,
    has_entry: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heading {
    Size,
    Time,
    Other,
    Unknown,
}

impl Columns {
    /// Whether the table has a heading that is understood.
    pub fn has_heading(&self) -> bool {
        !self.heading.is_empty()
    }

    /// Begins a cell that spans `span` columns; returns the bytes that must precede its text.
    pub fn open_cell(&mut self, span: Option<&[u8]>) -> Option<[u8; 2]> {
        self.end_cell();
        let span = span.and_then(|span| std::str::from_utf8(span).ok()?.trim().parse().ok());
        self.span = span.unwrap_or(1).clamp(1, COLUMNS_MAX);
        if self.heading.is_empty() {
            return None;
        }
        let has = |heading| self.heading.contains(&heading);
        let here = self.heading.get(self.index).copied();
        let size = match here {
            Some(Heading::Size) => ColumnSize::Any,
            _ if has(Heading::Size) => ColumnSize::No,
            _ => ColumnSize::WithUnit,
        };
        let has_time = here == Some(Heading::Time) || !has(Heading::Time);
        Some([CELL_OF_COLUMN, TableColumn { size, has_time }.mark()])
    }

    /// Adds text to the cell.
    pub fn text(&mut self, text: &[u8]) {
        if self.span > 0 {
            let free = TEXT_BYTES_MAX.saturating_sub(self.cell.len());
            self.cell.extend_from_slice(&text[..text.len().min(free)]);
        }
    }

    /// Notes that the row has an entry.
    pub fn mark_entry(&mut self) {
        self.has_entry = true;
    }

    /// Ends a row. A row with an entry is not a heading; the first row that is understood as a
    /// heading is the heading.
    pub fn end_row(&mut self) {
        self.end_cell();
        let has_entry = std::mem::take(&mut self.has_entry);
        let is_heading = |heading: &Heading| *heading != Heading::Unknown;
        let understood = self.row.iter().filter(|heading| is_heading(heading));
        if !has_entry && self.heading.is_empty() && understood.count() > 1 {
            self.heading.clone_from(&self.row);
        }
        self.row.clear();
        self.index = 0;
    }

    fn end_cell(&mut self) {
        let heading = heading_of(&String::from_utf8_lossy(&self.cell));
        let free = COLUMNS_MAX.saturating_sub(self.row.len());
        self.row
            .extend(std::iter::repeat_n(heading, self.span.min(free)));
        self.index += self.span;
        self.cell.clear();
        self.span = 0;
    }
}

fn heading_of(text: &str) -> Heading {
    let text = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&SIZES) {
        Heading::Size
    } else if has(&TIMES) {
        Heading::Time
    } else if has(&OTHERS) {
        Heading::Other
    } else {
        Heading::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(columns: &mut Columns, cells: &[&str], has_entry: bool) -> String {
        let mut marks = String::new();
        for cell in cells {
            let mark = columns.open_cell(None);
            columns.text(cell.as_bytes());
            marks.push(mark.map_or('-', |[_, mark]| mark as char));
        }
        columns.has_entry = has_entry;
        columns.end_row();
        marks
    }

    #[test]
    fn a_heading_names_the_columns() {
        for (heading, expected) in [
            (["Name", "Downloads", "File Size", "Last modified"], "nnaN"),
            (["", "Name", "Modified", "Size"], "nnNa"),
            (["Name", "Downloads", "Date", ""], "UUUU"),
            (["Nom", "Taille", "Date", ""], "NANN"),
            (["Foo", "Bar", "Name", ""], "----"),
        ] {
            let mut columns = Columns::default();
            assert_eq!(row(&mut columns, &heading, false), "----");
            let cells = ["x", "17", "12", "y"];
            assert_eq!(row(&mut columns, &cells, true), expected, "{heading:?}");
        }
    }

    #[test]
    fn a_row_of_an_entry_is_no_heading() {
        let mut columns = Columns::default();
        row(&mut columns, &["size of files", "date"], true);
        assert!(!columns.has_heading());
        columns.open_cell(Some(b"2"));
        columns.text(b"File name");
        columns.open_cell(Some(b"x"));
        columns.text(b"Size");
        columns.end_row();
        assert_eq!(row(&mut columns, &["i", "x", "1"], true), "NNA");
    }
}
