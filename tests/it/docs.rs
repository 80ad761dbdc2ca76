//! Examples of the documents are what the programs understand.
//!
//! A command of ours is given `--help` behind its arguments, so that its words are read and nothing
//! is done; a configuration is loaded; programs of others are named here, and no others may stand
//! in an example. `e2e vhost` and `scripts/rehearse` run the rest.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::stand_in::site::{TestSite, program_path};

/// Programs that others wrote, or parts of the shell.
const OTHERS: [&str; 21] = [
    "a2enmod",
    "a2ensite",
    "apachectl",
    "apt",
    "cargo",
    "cat",
    "chrt",
    "cp",
    "curl",
    "do",
    "done",
    "for",
    "grep",
    "install",
    "ln",
    "mkdir",
    "mirror-trace",
    "pg_dump",
    "rsync",
    "systemctl",
    "systemd-sysusers",
];

/// Words before a command that change who runs it, or how.
const PREFIXES: [&str; 9] = [
    "sudo",
    "-u",
    "heliostat:",
    "taskset",
    "-c",
    "0",
    "chrt",
    "--idle",
    "do",
];

/// A fenced block of a document.
struct Block {
    place: String,
    language: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
        .map(|name| root.join(name))
        .to_vec();
    let docs = std::fs::read_dir(root.join("docs")).expect("docs");
    files.extend(docs.flatten().map(|entry| entry.path()));
    files.retain(|path| path.extension().is_some_and(|end| end == "md"));
    files.sort();
    let mut blocks = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a document");
        let mut open: Option<Block> = None;
        for (number, line) in text.lines().enumerate() {
            match (line.trim_start().strip_prefix("```"), &mut open) {
                (Some(language), None) => {
                    let name = file.file_name().unwrap_or_default().to_string_lossy();
                    open = Some(Block {
                        place: format!("{name}:{}", number + 1),
                        language: language.to_owned(),
                        text: String::new(),
                    });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (None, Some(block)) => block.text += &format!("{line}\n"),
                (None, None) => {}
            }
        }
    }
    blocks
}

/// The simple commands of a block of shell, as words; here documents are left out.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut line = line.to_owned();
        while let Some(more) = line.strip_suffix('\\') {
            line = format!("{more} {}", lines.next().unwrap_or_default());
        }
        if line.contains("<<'EOF'") {
            for inside in lines.by_ref() {
                if inside == "EOF" {
                    break;
                }
            }
        }
        let line = line.split(" #").next().unwrap_or_default();
        // A line of a crontab: five fields of time and a user.
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_cron = words.len() > 6 && words[..5].iter().all(|w| w.starts_with(['*', '1']));
        let line = if is_cron {
            words[6..].join(" ")
        } else {
            line.to_owned()
        };
        for part in line.split([';', '|']).flat_map(|part| part.split("&&")) {
            let words = part
                .split_whitespace()
                .map(|word| word.trim_matches(['\'', '"']));
            let words: Vec<String> = words
                .take_while(|word| !word.starts_with(['>', '<']))
                .map(str::to_owned)
                .collect();
            if !words.is_empty() && !words[0].starts_with('#') {
                commands.push(words);
            }
        }
    }
    commands
}

/// The words behind what only changes who runs a command.
fn bare(words: &[String]) -> &[String] {
    let mut words = words;
    while let [first, rest @ ..] = words {
        let is_user =
            first == "heliostat" && rest.first().is_some_and(|w| w.starts_with("heliostat"));
        if !PREFIXES.contains(&first.as_str()) && !is_user {
            break;
        }
        words = rest;
    }
    words
}

#[test]
fn commands_of_the_documents_are_understood() {
    let site = TestSite::new();
    let mut bad = Vec::new();
    let mut ours = 0;
    for block in blocks() {
        if !matches!(block.language.as_str(), "" | "sh" | "shell" | "console") {
            continue;
        }
        for words in commands(&block.text) {
            let [name, arguments @ ..] = bare(&words) else {
                continue;
            };
            let place = &block.place;
            if let Some(script) = name.strip_prefix("scripts/") {
                let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
                if !root.join(script).is_file() {
                    bad.push(format!("{place}: no script {name}"));
                }
                continue;
            }
            let program = match name.as_str() {
                "mb" => "heliostat",
                "mirrorprobe" => "heliostat-probe",
                other => other,
            };
            if !program.starts_with("heliostat") {
                let is_shell = OTHERS.contains(&program) || program.contains(['=', '[', '.']);
                if !is_shell {
                    bad.push(format!(
                        "{place}: {name} is a program that this test does not know"
                    ));
                }
                continue;
            }
            ours += 1;
            let output = Command::new(program_path(program))
                .args(arguments)
                .arg("--help")
                .env("HELIOSTAT_CONFIG", site.config())
                .output()
                .expect("it starts");
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr);
                bad.push(format!("{place}: {}: {}", words.join(" "), said.trim()));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    assert!(ours >= 15, "only {ours} commands were found");
}

#[test]
fn configurations_of_the_documents_are_loaded() {
    let site = TestSite::new();
    let mut count = 0;
    for block in blocks() {
        let is_toml = block.language == "toml";
        if !is_toml {
            continue;
        }
        let mut table: toml::Table =
            toml::from_str(&block.text).unwrap_or_else(|error| panic!("{}: {error}", block.place));
        let sites = table.get_mut("site").and_then(toml::Value::as_table_mut);
        for (_, settings) in sites.into_iter().flatten() {
            let settings = settings.as_table_mut().expect("a site is a table");
            for (key, value) in [("tree", site.tree()), ("database", site.database())] {
                let value = value.to_string_lossy().into_owned();
                settings.entry(key).or_insert(toml::Value::String(value));
            }
        }
        let file = site.path("example.toml");
        std::fs::write(&file, table.to_string()).expect("written");
        if let Err(error) = heliostat::config::load(&file) {
            panic!(
                "{}: {}",
                block.place,
                heliostat::program::exit::chain(&error)
            );
        }
        count += 1;
    }
    assert!(count >= 6, "only {count} configurations were found");
}
