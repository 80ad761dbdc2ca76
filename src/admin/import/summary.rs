//! Sums up an import, for people and for programs.

use std::io::Write;

use serde_json::{Value, json};

use super::mirrorbrain::DumpSummary;
use crate::db::import::ImportCounts;
use crate::domain::select::HttpsCount;
use crate::program::table::TextTable;

/// Result of an import.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The site.
    pub site: String,
    /// The new content of the database.
    pub imported: ImportCounts,
    /// Facts about the dump.
    pub facts: DumpSummary,
    /// Tables that were passed over, with their rows.
    pub ignored: Vec<(String, u64)>,
    /// Bytes of value 0 behind the compressed data, which were passed over.
    pub padding_bytes: u64,
    /// Lines of the dump.
    pub lines: u64,
    /// Rows of all tables.
    pub rows: u64,
    /// How long it took.
    pub seconds: f64,
    /// Whether this was a rehearsal, which changes nothing.
    pub dry_run: bool,
}

impl Summary {
    /// The numbers alone.
    pub fn counts(&self) -> Value {
        let imported = &self.imported;
        json!({
            "mirrors": imported.mirrors,
            "files": imported.files,
            "pairs": imported.pairs,
            "hashes": imported.hashes,
            "markers": imported.markers,
            "names": imported.names,
            "oddities": imported.odd.values().map(|odd| odd.count).sum::<u64>(),
        })
    }

    /// The whole result as JSON.
    pub fn to_json(&self) -> Value {
        let odd = self.imported.odd.iter().map(|(oddity, odd)| {
            json!({
                "what": oddity.as_str(),
                "count": odd.count,
                "example": odd.example,
            })
        });
        let problems = self
            .facts
            .problems
            .iter()
            .map(|problem| json!({ "mirror": problem.mirror, "problem": problem.problem }));
        let ignored = self.ignored.iter();
        json!({
            "site": self.site,
            "dry_run": self.dry_run,
            "version": self.facts.version,
            "schema": self.facts.schema,
            "counts": self.counts(),
            "oddities": odd.collect::<Vec<_>>(),
            "problems": problems.collect::<Vec<_>>(),
            "https_mirrors": { "with": self.facts.https.with, "of": self.facts.https.of },
            "unknown_columns": self.facts.unknown_columns,
            "assumed_columns": self.facts.assumed.keys().collect::<Vec<_>>(),
            "ignored_tables": ignored
                .map(|(name, rows)| json!({ "table": name, "rows": rows }))
                .collect::<Vec<_>>(),
            "padding_bytes": self.padding_bytes,
            "lines": self.lines,
            "rows": self.rows,
            "seconds": self.seconds,
        })
    }

    /// For people; `quiet` 1 leaves out all but oddities, 2 everything.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn write(&self, out: &mut impl Write, quiet: u8) -> std::io::Result<()> {
        if quiet == 0 {
            self.write_counts(out)?;
        }
        if quiet < 2 {
            self.write_oddities(out)?;
        }
        if quiet == 0 {
            self.write_next(out)?;
        }
        Ok(())
    }

    fn write_counts(&self, out: &mut impl Write) -> std::io::Result<()> {
        let version = self
            .facts
            .version
            .as_deref()
            .unwrap_or("of unknown version");
        let rate = self.rows as f64 / self.seconds.max(0.001);
        writeln!(
            out,
            "MirrorBrain {version}, {}: {} rows in {:.1} s ({} rows/s)\n",
            self.facts.schema,
            grouped(self.rows),
            self.seconds,
            grouped(rate as u64),
        )?;
        let imported = &self.imported;
        let mut table = TextTable::new([]);
        for (what, count) in [
            ("mirrors", imported.mirrors),
            ("files", imported.files),
            ("pairs of mirror and file", imported.pairs),
            ("files with hashes", imported.hashes),
            ("markers", imported.markers),
            ("names of countries and regions", imported.names),
        ] {
            table.add_row([what.to_owned(), grouped(count)]);
        }
        writeln!(out, "{}", table.text([1]))
    }

    fn write_oddities(&self, out: &mut impl Write) -> std::io::Result<()> {
        let mut lines = Vec::new();
        for (oddity, odd) in &self.imported.odd {
            let example = match odd.example.as_str() {
                "" => String::new(),
                example => format!(", e.g. {example}"),
            };
            lines.push(format!(
                "{} {}{example}",
                grouped(odd.count),
                oddity.as_str()
            ));
        }
        let https = self.facts.https;
        if https.with < https.of {
            let HttpsCount { with, of } = https;
            lines.push(format!(
                "https clients can be sent to {with} of {of} mirrors that are up; all others are \
                 served from here"
            ));
        }
        for problem in &self.facts.problems {
            lines.push(format!("mirror {}: {}", problem.mirror, problem.problem));
        }
        if self.facts.more_problems > 0 {
            let more = grouped(self.facts.more_problems);
            lines.push(format!("{more} more of this kind"));
        }
        for (table, columns) in &self.facts.assumed {
            lines.push(format!(
                "the rows of table {table} name no columns; they are read as MirrorBrain orders \
                 them: {columns}"
            ));
        }
        for column in &self.facts.unknown_columns {
            lines.push(format!("column {column} of table server is not taken over"));
        }
        if self.padding_bytes > 0 {
            let count = grouped(self.padding_bytes);
            lines.push(format!(
                "{count} zero bytes follow the compressed data and are passed over, as gzip does"
            ));
        }
        for (table, rows) in &self.ignored {
            let why = if table == "pfx2asn" {
                "; GeoIP files with AS numbers take its place (`geoip` in the configuration)"
            } else {
                ""
            };
            let rows = grouped(*rows);
            lines.push(format!(
                "table {table} ({rows} rows) is not taken over{why}"
            ));
        }
        if !lines.is_empty() {
            writeln!(out, "\nNoted:")?;
        }
        lines.iter().try_for_each(|line| writeln!(out, "  {line}"))
    }

    fn write_next(&self, out: &mut impl Write) -> std::io::Result<()> {
        if self.dry_run {
            return writeln!(out, "\nNothing was changed (--dry-run).");
        }
        let site = &self.site;
        writeln!(
            out,
            "\nNext:\n  \
             heliostat -b {site} index      each file's size and time; until then mirrors are \
             trusted as MirrorBrain trusts them\n  \
             heliostat -b {site} scan -a    which mirror has which version\n  \
             heliostat -b {site} update --https --all-mirrors    which take https clients\n  \
             heliostat -b {site} explain /PATH --ip ADDRESS    who would be sent where, and why"
        )
    }
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
