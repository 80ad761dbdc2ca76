//! Runs `import apache`: reads, converts, shows, writes.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::conversion::{Conversion, FileTexts, convert};
use super::known::MODULES;
use super::text::configuration;
use crate::admin::apache::{Reading, environment};
use crate::admin::args::ImportApacheArgs;
use crate::admin::console::Console;
use crate::admin::error::AdminError;
use crate::admin::import::instance::{InstanceFile, read_conf};
use crate::admin::import::made_file::{MadeFile, MadeFiles};
use crate::config::{Config, parse};
use crate::domain::order::ShortList;
use crate::program::exit::Exit;
use crate::regular_file;

/// Bytes of one file of Apache.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Files that a server's configuration begins with.
const FIRST_FILES: [&str; 2] = ["apache2.conf", "httpd.conf"];

/// The new configuration's name.
const CONFIGURATION: &str = "heliostat.toml";

/// Modules that a host needs, as `a2enmod` calls them.
const NEEDED: [&str; 8] = [
    "proxy",
    "proxy_fcgi",
    "xsendfile",
    "headers",
    "setenvif",
    "asis",
    "alias",
    "env",
];

/// Imports Apache's configuration.
///
/// # Errors
/// Returns [`AdminError::Usage`] if a file cannot be read, or has a line that Apache refuses or no
/// tree with MirrorBrain; [`AdminError::Refused`] if a file in the way differs.
pub(in crate::admin::import) fn import_apache(
    console: &mut Console,
    args: &ImportApacheArgs,
) -> Result<Exit, AdminError> {
    let reading = read(&args.files)?;
    let texts = texts(&reading, &args.files)?;
    let instances = match &args.mirrorbrain_conf {
        Some(file) => read_conf(file)?,
        None => InstanceFile::default(),
    };
    let converted = convert(&reading, &texts, &args.state, instances);
    let mut converted = converted.map_err(|problem| AdminError::Usage(problem.shown()))?;
    if converted.sites.all.is_empty() {
        return Err(AdminError::Usage(format!(
            "{}: there is no <Directory> with MirrorBrainEngine On; name the file of the virtual \
             host, or the first file of the server",
            args.files[0].display()
        )));
    }
    converted
        .sites
        .all
        .order_by(|one, other| one.draft.spot.cmp(&other.draft.spot));
    let made = make(args, &converted, &texts)?;
    if args.json {
        console.json(&as_json(&converted, &made, &reading))?;
    } else {
        show(console, &converted, &made, &reading)?;
    }
    made.write(console, args.is_dry())?;
    if !args.json {
        show_next(console, args, &made)?;
    }
    Ok(Exit::Ok)
}

fn read(files: &[PathBuf]) -> Result<Reading, AdminError> {
    let absolute: Vec<PathBuf> = files
        .iter()
        .map(|file| std::path::absolute(file).unwrap_or_else(|_| file.clone()))
        .collect();
    let mut reading = Reading {
        server_root: server_root(&absolute[0]),
        environment: environment(),
        assumed_modules: Some(MODULES),
        ..Reading::default()
    };
    for file in &absolute {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        match name.starts_with('.') {
            true => reading.read_of_folder(file),
            false => reading.read(file),
        }
    }
    Ok(reading)
}

/// The folder of the server's first file, if that is on the way to this file.
fn server_root(file: &Path) -> PathBuf {
    let mut folders = file.ancestors().skip(1);
    let is_root = |folder: &&Path| FIRST_FILES.iter().any(|name| folder.join(name).exists());
    let found = folders.find(is_root).or(file.parent());
    found.unwrap_or(Path::new("/")).to_owned()
}

/// The texts of all files that directives stand in.
fn texts(reading: &Reading, files: &[PathBuf]) -> Result<FileTexts, AdminError> {
    let mut texts = FileTexts::new();
    let named = files
        .iter()
        .map(|file| std::path::absolute(file).unwrap_or_else(|_| file.clone()));
    let all = named.chain(reading.directives.iter().map(|one| one.file.clone()));
    for file in all {
        if texts.contains_key(&file) {
            continue;
        }
        let bytes = regular_file::read(&file, FILE_BYTES_MAX).map_err(|error| {
            AdminError::Usage(format!(
                "{} cannot be read: {error}; name a file of Apache's configuration",
                file.display()
            ))
        })?;
        texts.insert(file, String::from_utf8_lossy(&bytes).into_owned());
    }
    Ok(texts)
}

/// The new files; the configuration is checked as the programs do.
fn make(
    args: &ImportApacheArgs,
    converted: &Conversion,
    texts: &FileTexts,
) -> Result<MadeFiles, AdminError> {
    let sources: Vec<String> = texts
        .keys()
        .map(|file| file.display().to_string())
        .collect();
    let sites = &converted.sites;
    let first = sites
        .instances
        .first()
        .map(|instance| instance.name.as_str());
    let default = first.filter(|name| sites.all.iter().any(|site| site.name == *name));
    let text = configuration(&sites.all, &sources, default);
    let out = args.out.clone().unwrap_or_default();
    let path = out.join(CONFIGURATION);
    Config::check(&path, parse(&path, &text)?)?;
    let mut made = MadeFiles::default();
    made.add(MadeFile::secret(path, text));
    for (file, text) in texts {
        let changed = converted.edits.apply(file, text);
        if changed.trim_end() != text.trim_end() {
            let below = file.strip_prefix("/").unwrap_or(file);
            made.add(MadeFile::copy(out.join(below), changed, (file, text)));
        }
    }
    Ok(made)
}

fn show(
    console: &mut Console,
    converted: &Conversion,
    made: &MadeFiles,
    reading: &Reading,
) -> Result<(), AdminError> {
    made.show(console)?;
    for note in &converted.notes {
        console.line(format!("note: {}", note.shown()))?;
    }
    for unclear in &reading.unclear {
        console.line(format!("note: {unclear}"))?;
    }
    let missing: Vec<&str> = NEEDED
        .into_iter()
        .filter(|name| !reading.modules.contains(&format!("{name}_module")))
        .collect();
    if reading.loads_modules && !missing.is_empty() {
        let names = missing.join(" ");
        console.line(format!(
            "note: no line loads modules that are needed: a2enmod {names}"
        ))?;
    }
    Ok(())
}

fn show_next(
    console: &mut Console,
    args: &ImportApacheArgs,
    made: &MadeFiles,
) -> Result<(), AdminError> {
    let Some(out) = &args.out else {
        console.line("next: the same with --out FOLDER writes these files there")?;
        return Ok(());
    };
    let path = out.join(CONFIGURATION);
    let shown = path.display();
    console.line(format!("next: heliostat --config {shown} config --check"))?;
    for (original, copy) in made.copies() {
        let (original, copy) = (original.display(), copy.display());
        console.line(format!("next: cp {copy} {original}"))?;
    }
    console.line("next: apachectl configtest && systemctl reload apache2")
}

fn as_json(converted: &Conversion, made: &MadeFiles, reading: &Reading) -> serde_json::Value {
    let notes = converted
        .notes
        .iter()
        .map(|note| json!({ "file": note.spot.file, "line": note.spot.line, "text": note.text }));
    let sites = converted.sites.all.iter().map(|site| {
        json!({
            "name": site.name,
            "tree": site.draft.tree,
            "database": site.database,
            "hosts": site.hosts,
        })
    });
    json!({
        "sites": sites.collect::<Vec<_>>(),
        "files": made.as_json(),
        "notes": notes.collect::<Vec<_>>(),
        "unclear": reading.unclear,
    })
}
