//! Runs `import mirrorbrain-conf`: reads, shows, writes.

use std::fmt::Write;

use serde_json::json;
use toml::Value;

use super::conf::InstanceFile;
use crate::admin::args::ImportConfArgs;
use crate::admin::console::Console;
use crate::admin::error::AdminError;
use crate::admin::import::made_file::{MadeFile, MadeFiles};
use crate::config::{Config, parse};
use crate::program::exit::Exit;
use crate::regular_file;

/// Bytes of the file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Reads `mirrorbrain.conf`.
///
/// # Errors
/// Returns [`AdminError::Usage`] if it cannot be read or has a line that cannot be used.
pub(in crate::admin::import) fn read_conf(
    path: &std::path::Path,
) -> Result<InstanceFile, AdminError> {
    let text = regular_file::read_text(path, FILE_BYTES_MAX).map_err(|error| {
        AdminError::Usage(format!(
            "{} cannot be read: {error}; name MirrorBrain's mirrorbrain.conf",
            path.display()
        ))
    })?;
    InstanceFile::read(path, &text).map_err(|problem| AdminError::Usage(problem.shown()))
}

/// Imports `mirrorbrain.conf` alone.
///
/// # Errors
/// As [`read_conf`]; [`AdminError::Refused`] if a file in the way differs.
pub(in crate::admin::import) fn import_conf(
    console: &mut Console,
    args: &ImportConfArgs,
) -> Result<Exit, AdminError> {
    let file = read_conf(&args.file)?;
    let text = configuration(&file, args)?;
    let path = args
        .way
        .out
        .clone()
        .unwrap_or_default()
        .join("heliostat.toml");
    Config::check(&path, parse(&path, &text)?)?;
    let mut made = MadeFiles::default();
    made.add(MadeFile::secret(path, text));
    if args.way.json {
        let notes = file.notes.iter().map(
            |note| json!({ "file": note.spot.file, "line": note.spot.line, "text": note.text }),
        );
        let notes: Vec<_> = notes.collect();
        console.json(&json!({ "files": made.as_json(), "notes": notes }))?;
    } else {
        made.show(console)?;
        for note in &file.notes {
            console.line(format!("note: {}", note.shown()))?;
        }
    }
    made.write(console, args.way.is_dry())?;
    if !args.way.json {
        for instance in &file.instances {
            let (name, address) = (&instance.name, instance.address());
            console.line(format!(
                "next: heliostat -b {name} import mirrorbrain {address}"
            ))?;
        }
    }
    Ok(Exit::Ok)
}

fn configuration(file: &InstanceFile, args: &ImportConfArgs) -> Result<String, AdminError> {
    let shown = args.file.display();
    let mut text = format!("# Made by `heliostat import mirrorbrain-conf` of {shown}\n");
    if let [first, _, ..] = &file.instances[..] {
        let _ = writeln!(text, "default_site = {}", Value::from(first.name.as_str()));
    }
    for instance in &file.instances {
        let name = &instance.name;
        let Some(tree) = instance.tree.as_ref().filter(|tree| tree.is_absolute()) else {
            return Err(AdminError::Usage(format!(
                "{}: instance {name} has no apache_documentroot; add it, or let Apache tell the \
                 tree: heliostat import apache FILE --mirrorbrain-conf {shown}",
                instance.spot.shown()
            )));
        };
        let path = |path: &std::path::Path| Value::from(path.to_string_lossy().into_owned());
        let database = args.way.state.join(format!("{name}.sqlite"));
        let _ = writeln!(text, "\n[site.{name}]\ntree = {}", path(tree));
        let _ = writeln!(text, "database = {}", path(&database));
        for (key, value) in &instance.keys {
            let _ = writeln!(text, "{key} = {value}");
        }
    }
    Ok(text)
}
