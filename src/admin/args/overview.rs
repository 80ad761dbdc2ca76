//! Options of `markers` and `mirrorlist`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::change::BEYOND_MB;
use super::change::ChangeFlags;

/// `markers`.
#[derive(Debug, Args)]
#[command(
    after_help = "A marker is a name for a subtree, and the files that show that a mirror has it. \
    All files\nmust be there, but for those after a `!`; * or % stand for anything. `heliostat \
    mirrorlist`\nhas a column per marker.\n\n\
    Examples:\n  \
    heliostat markers\n  \
    heliostat markers -e\n  \
    heliostat markers --add 'Releases | releases/README !releases/SYNCING'\n  \
    heliostat markers --delete Releases\n\n\
    --json: [{\"name\", \"files\"}, …]"
)]
pub struct MarkersArgs {
    /// Change the markers in an editor
    #[arg(short = 'e', long, conflicts_with_all = ["add", "delete"])]
    pub edit: bool,
    /// Separator between name and files
    #[arg(short = 'd', long, value_name = "TEXT", default_value = "|")]
    pub delimiter: String,
    /// Add a marker, written as in the list; may be repeated
    #[arg(long, value_name = "NAME | FILES", help_heading = BEYOND_MB)]
    pub add: Vec<String>,
    /// Delete the marker with this name; may be repeated
    #[arg(long, value_name = "NAME", help_heading = BEYOND_MB)]
    pub delete: Vec<String>,
    /// Rehearsal and JSON
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `mirrorlist`.
#[derive(Debug, Args)]
#[command(
    after_help = "The list is public: private and disabled mirrors, those for their own prefix or \
    AS only, and\nthose with country ** are left out, and no URL has a password. A mirror that \
    does not answer\nis listed without links.\n\n\
    Examples:\n  \
    heliostat mirrorlist\n  \
    heliostat mirrorlist -f xhtml -o mirrors.html -t 'Our mirrors' -s\n  \
    heliostat mirrorlist -f txt2 -F 'Releases|Updates'"
)]
pub struct MirrorlistArgs {
    /// Only mirrors whose name contains this text; also disabled ones
    #[arg(value_name = "MIRROR")]
    pub identifier: Option<String>,
    /// Caption of the table
    #[arg(short = 'c', long, value_name = "TEXT")]
    pub caption: Option<String>,
    /// Title of the page
    #[arg(short = 't', long, value_name = "TEXT")]
    pub title: Option<String>,
    /// File that replaces the page up to the table; %(title)s and %(utc)s are filled in
    #[arg(short = 'H', long, value_name = "PATH")]
    pub html_header: Option<PathBuf>,
    /// File that replaces the page after the table
    #[arg(short = 'B', long, value_name = "PATH")]
    pub html_footer: Option<PathBuf>,
    /// Replace this file as one step
    #[arg(short = 'o', long, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Directory of flags (de.png), which become a part of the page
    #[arg(short = 'I', long, value_name = "PATH")]
    pub inline_images_from: Option<PathBuf>,
    /// Kind of the flags; without -I they are links to flags/de.png beside the page
    #[arg(short = 'i', long, value_name = "TYPE")]
    pub image_type: Option<ImageArg>,
    /// txt: a paragraph per mirror; txt2: a line per mirror and marker; xhtml: a table
    #[arg(short = 'f', long, value_enum, default_value = "txt")]
    pub format: ListFormat,
    /// Leave out mirrors that have the files of no marker
    #[arg(short = 's', long)]
    pub skip_empty: bool,
    /// Only markers whose names match from their beginning
    #[arg(short = 'F', long, value_name = "REGEX")]
    pub filter: Option<String>,
    /// Only show the markers
    #[arg(short = 'l', long)]
    pub list_markers: bool,
}

/// Forms of the overview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// A paragraph per mirror
    Txt,
    /// A line per mirror and marker
    Txt2,
    /// A table
    Xhtml,
}

/// Kinds of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImageArg {
    /// image/png
    Png,
    /// image/gif
    Gif,
}

impl ImageArg {
    /// Ending of file names, and second part of the content type.
    pub fn as_str(self) -> &'static str {
        match self {
            ImageArg::Png => "png",
            ImageArg::Gif => "gif",
        }
    }
}
