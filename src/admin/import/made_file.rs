//! Shows the files that an import makes as a diff, and writes them only if no file is in the way.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::{Value, json};

use crate::admin::console::Console;
use crate::admin::error::AdminError;
use crate::admin::line_diff::LineDiff;
use crate::regular_file;

/// Largest file that is compared; configurations have some kilobytes.
const THERE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Lines around a change.
const CONTEXT_LINES: usize = 2;

/// A file that is to be made.
#[derive(Debug)]
pub(super) struct MadeFile {
    path: PathBuf,
    text: String,
    mode: u32,
    /// The file that it is a changed copy of, with its text.
    original: Option<(PathBuf, String)>,
}

impl MadeFile {
    /// A file that may have secrets.
    pub fn secret(path: PathBuf, text: String) -> MadeFile {
        MadeFile {
            path,
            text,
            mode: 0o640,
            original: None,
        }
    }

    /// A changed copy, which nobody may read who may not read the file: it may have passwords.
    pub fn copy(path: PathBuf, text: String, (file, old): (&Path, &str)) -> MadeFile {
        let found = fs::metadata(file);
        MadeFile {
            path,
            text,
            mode: found.map_or(0o600, |found| found.mode() & 0o644),
            original: Some((file.to_owned(), old.to_owned())),
        }
    }

    /// The text of the file that has this path now; `None` if there is no such file.
    fn there(&self) -> Result<Option<String>, AdminError> {
        match regular_file::read(&self.path, THERE_BYTES_MAX) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(AdminError::File {
                doing: "read",
                path: self.path.clone(),
                source,
            }),
        }
    }
}

/// All files of an import.
#[derive(Debug, Default)]
pub(super) struct MadeFiles {
    files: Vec<MadeFile>,
}

impl MadeFiles {
    /// Adds a file.
    pub fn add(&mut self, file: MadeFile) {
        self.files.push(file);
    }

    /// Originals with their copies.
    pub fn copies(&self) -> impl Iterator<Item = (&Path, &Path)> {
        let files = self.files.iter();
        files.filter_map(|file| Some((file.original.as_ref()?.0.as_path(), file.path.as_path())))
    }

    /// Paths and texts.
    pub fn as_json(&self) -> Value {
        let files = self.files.iter().map(|file| {
            json!({ "path": file.path, "mode": format!("{:04o}", file.mode), "text": file.text })
        });
        files.collect()
    }

    /// Shows each file as a diff to what it comes from.
    ///
    /// # Errors
    /// Returns [`AdminError::Console`] if nothing can be written.
    pub fn show(&self, console: &mut Console) -> Result<(), AdminError> {
        for file in &self.files {
            let (name, old) = match &file.original {
                Some((path, text)) => (path.display().to_string(), text.as_str()),
                None => ("/dev/null".to_owned(), ""),
            };
            console.lines(&diff((&name, old), file))?;
        }
        Ok(())
    }

    /// Writes the missing files. If one of the files exists with another text, writes nothing.
    ///
    /// # Errors
    /// Returns [`AdminError::Refused`] if a file is there with another text, which is shown, and
    /// [`AdminError::File`] if one cannot be made.
    pub fn write(&self, console: &mut Console, is_dry: bool) -> Result<(), AdminError> {
        if is_dry
            && self
                .files
                .iter()
                .all(|file| file.path.parent() == Some(Path::new("")))
        {
            return Ok(());
        }
        let mut wanted = Vec::new();
        let mut differing = Vec::new();
        for file in &self.files {
            match file.there()? {
                None => wanted.push(file),
                Some(there) if there == file.text => {}
                Some(there) => {
                    let shown = file.path.display().to_string();
                    console.lines(&diff((&shown, &there), file))?;
                    differing.push(shown);
                }
            }
        }
        if is_dry {
            return Ok(());
        }
        if !differing.is_empty() {
            console.flush()?;
            return Err(AdminError::Refused(format!(
                "{} exists and differs, so nothing is written; move it away, or name \
                 another folder with --out",
                differing.join(", ")
            )));
        }
        for file in wanted {
            make(file).map_err(|source| AdminError::File {
                doing: "make",
                path: file.path.clone(),
                source,
            })?;
        }
        Ok(())
    }
}

/// Writes a new file, whole or not at all: the text gets its name once it is written.
fn make(file: &MadeFile) -> std::io::Result<()> {
    let folder = file.path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let name = file.path.file_name().unwrap_or_default().to_string_lossy();
    let begun = folder.join(format!(".{name}.{}", std::process::id()));
    let mut made = File::options()
        .write(true)
        .create_new(true)
        .mode(file.mode)
        .open(&begun)?;
    let written = made
        .write_all(file.text.as_bytes())
        .and_then(|()| made.sync_all())
        // A link does not replace a file that somebody made meanwhile.
        .and_then(|()| fs::hard_link(&begun, &file.path));
    fs::remove_file(&begun)?;
    written
}

/// A unified diff without secrets.
fn diff((name, old): (&str, &str), file: &MadeFile) -> String {
    let (old, new) = (without_secrets(old), without_secrets(&file.text));
    let new_name = file.path.display().to_string();
    LineDiff::new(&old, &new).unified(name, &new_name, CONTEXT_LINES)
}

/// A text for people's eyes: passwords and keys are left out.
fn without_secrets(text: &str) -> String {
    const SECRETS: &str = concat!(
        r"(?mi)(\bpassword\s*=\s*|\bpass\s*=\s*|\bdbpass\s*[=:]\s*|",
        r"\b(?:MirrorBrain)?RedirectStampKey\s+|\bredirect_stamp_key\s*=\s*)",
        r#"('[^'\n]*'|"[^"\n]*"|[^\s"']+)"#
    );
    match Regex::new(SECRETS) {
        Ok(secrets) => secrets.replace_all(text, "${1}…").into_owned(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_as_closed_as_its_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("host.conf");
        fs::write(&file, "DBDParams \"password=s3cret\"").expect("a file");
        for (mode, expected) in [
            (0o600, 0o600),
            (0o640, 0o640),
            (0o777, 0o644),
            (0o400, 0o400),
        ] {
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(&file, mode).expect("mode");
            let copy = MadeFile::copy(folder.path().join("copy"), String::new(), (&file, ""));
            assert_eq!(copy.mode, expected, "{expected:o}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        for (text, expected) in [
            (
                r#"DBDParams "host=h user=u password=s3cret dbname=d""#,
                r#"DBDParams "host=h user=u password=… dbname=d""#,
            ),
            (
                "DBDParams \"password='a b' x=1\"",
                "DBDParams \"password=… x=1\"",
            ),
            (
                "MirrorBrainRedirectStampKey s3cret",
                "MirrorBrainRedirectStampKey …",
            ),
            ("redirect_stamp_key = \"s3cret\"", "redirect_stamp_key = …"),
            ("dbpass = s3cret", "dbpass = …"),
            ("passage = 1", "passage = 1"),
        ] {
            assert_eq!(without_secrets(text), expected, "{text}");
        }
    }
}
