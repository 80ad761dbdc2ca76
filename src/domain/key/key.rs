//! Describes one key of the configuration: name, kind of value, bounds, meaning.

use std::fmt;

/// One row: a key of a section.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// As written in the file.
    pub name: &'static str,
    /// Its meaning: the lines of the row's comment, each with a space in front.
    pub help: &'static [&'static str],
    /// Which values it takes.
    pub kind: &'static Kind,
    /// Which of these values are accepted.
    pub bounds: Bounds,
    /// How a directory's value and that of the directory above it become one.
    pub merge: MergeWay,
    /// The web server's parameter that overrides it, by MirrorBrain's name or ours; the key's own
    /// name does so, too.
    pub parameter: Option<&'static str>,
}

impl Key {
    /// The meaning as one text.
    pub fn meaning(&self) -> String {
        let lines: Vec<&str> = self.help.iter().map(|line| line.trim()).collect();
        lines.join(" ")
    }

    /// The meaning, with the rule for directories and the web server's parameter.
    pub fn description(&self) -> String {
        let mut text = self.meaning();
        match self.merge {
            MergeWay::Deepest => text += " The deepest directory wins.",
            MergeWay::Adds => text += " A directory adds to what stands above it.",
            MergeWay::No | MergeWay::Inside => {}
        }
        if let Some(parameter) = self.parameter {
            text += &format!(" Parameter: `{parameter}`.");
        }
        text
    }

    /// Says for people which values are allowed: `a whole number of seconds from 1 to 3600`.
    pub fn expected(&self) -> String {
        let kind = match (self.kind.scalar(), self.unit()) {
            (Kind::Whole, Some(unit)) => format!("a whole number of {unit}"),
            _ => self.kind.to_string(),
        };
        match self.bounds {
            Bounds::Any => kind,
            Bounds::Words(_) => format!("{kind}: {}", self.bounds),
            bounds => format!("{kind} {bounds}"),
        }
    }

    /// The unit that the name ends in.
    pub fn unit(&self) -> Option<&'static str> {
        let named = [
            ("_s", "seconds"),
            ("_ms", "milliseconds"),
            ("_days", "days"),
            ("_size", "bytes"),
            ("size_min", "bytes"),
            ("size_max", "bytes"),
            ("bytes_max", "bytes"),
        ];
        let found = named.iter().find(|(end, _)| self.name.ends_with(end));
        found.map(|(_, unit)| *unit)
    }
}

/// Kinds of values.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number, never negative.
    Whole,
    /// A number with or without a fraction.
    Number,
    /// Text.
    Text,
    /// A path; a relative one is below the folder of the configuration file.
    Path,
    /// `[…]`, or `[[…]]` of tables.
    List(&'static Kind),
    /// A table whose keys are names that the operator chooses.
    Named(&'static Kind),
    /// A table of known keys, in groups.
    Table(&'static [&'static [Key]]),
}

impl Kind {
    /// The keys of a table, or of each table of a list; none for other kinds.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        let groups: &'static [&'static [Key]] = match self {
            Kind::Table(groups) | Kind::List(Kind::Table(groups)) => groups,
            _ => &[],
        };
        groups.iter().copied().flatten()
    }

    /// The kind of one value: a list's own.
    fn scalar(&self) -> &Kind {
        match self {
            Kind::List(of) => of,
            other => other,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Flag => f.write_str("true or false"),
            Kind::Whole => f.write_str("a whole number"),
            Kind::Number => f.write_str("a number"),
            Kind::Text => f.write_str("a text"),
            Kind::Path => f.write_str("a path"),
            Kind::List(Kind::Table(_)) => f.write_str("a list of tables"),
            Kind::List(Kind::Path) => f.write_str("a list of paths"),
            Kind::List(_) => f.write_str("a list of texts"),
            Kind::Named(Kind::Table(_)) => f.write_str("a table of tables"),
            Kind::Named(_) => f.write_str("a table of texts"),
            Kind::Table(_) => f.write_str("a table"),
        }
    }
}

/// Which values of a kind are accepted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bounds {
    /// All of them.
    Any,
    /// Whole numbers, both ends included.
    Whole(u64, u64),
    /// Numbers, both ends included.
    Number(f64, f64),
    /// One of these words, or a list of them.
    Words(&'static [&'static str]),
    /// At most so many entries of a list.
    Entries(usize),
}

impl Bounds {
    /// A part of a whole.
    pub const SHARE: Bounds = Bounds::Number(0.0, 1.0);
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bounds::Any => Ok(()),
            Bounds::Whole(min, max) => write!(f, "from {min} to {max}"),
            Bounds::Number(min, max) => write!(f, "from {min} to {max}"),
            Bounds::Entries(max) => write!(f, "of at most {max}"),
            Bounds::Words(words) => {
                let (last, first) = words.split_last().unwrap_or((&"", &[]));
                write!(f, "{} or {last}", first.join(", "))
            }
        }
    }
}

/// How the values of a directory and of the directory above it become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeWay {
    /// The key is not one of directories.
    No,
    /// The deepest directory that sets it wins.
    Deepest,
    /// The deeper directory's entries come behind those above it.
    Adds,
    /// Each key in it by its own row.
    Inside,
}
